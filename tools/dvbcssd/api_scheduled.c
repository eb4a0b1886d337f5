/*
 * /api/v1/scheduled: changes that wait for their time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "api.h"

static json_t *describe_change(const struct tv_change *change)
{
    json_t *object = json_object();

    if (change->parts & TV_CHANGE_SPEED)
        json_object_set_new(object, "speed", json_real(change->speed));
    if (change->parts & TV_CHANGE_POSITION)
        json_object_set_new(object, "position_ticks", json_integer(change->position_ticks));
    if (change->parts & TV_CHANGE_SEEK)
        json_object_set_new(object, "seek_s", json_real(change->seek_s));
    if (change->parts & TV_CHANGE_AVAILABLE)
        json_object_set_new(object, "available", json_boolean(change->available));
    if (change->parts & TV_CHANGE_ACCURACY)
        json_object_set_new(object, "accuracy_s",
                            change->accuracy_s < 0 ? json_null() : json_real(change->accuracy_s));
    return object;
}

json_t *api_describe_scheduled(const struct tv_scheduled *scheduled)
{
    const char *name = scheduled->timeline ? tv_timeline_name(scheduled->timeline) : NULL;

    return json_pack("{s:I, s:I, s:s?, s:o}", "id", (json_int_t)scheduled->id, "at_ns",
                     (json_int_t)scheduled->at_ns, "timeline", name, "change",
                     describe_change(&scheduled->change));
}

static void append(void *user, const struct tv_scheduled *scheduled)
{
    json_array_append_new(user, api_describe_scheduled(scheduled));
}

void api_list_scheduled(struct api_call *call)
{
    json_t *list = json_array();

    tv_each_scheduled(call->services->tv, append, list);
    api_answer(call, 200, json_pack("{s:o}", "scheduled", list));
}

void api_cancel_scheduled(struct api_call *call)
{
    char *end;
    unsigned long long id;

    errno = 0;
    id = strtoull(call->parameter, &end, 10);
    if (*end == '\0' && errno == 0 && tv_cancel(call->services->tv, id))
        api_answer_nothing(call);
    else
        api_refuse(call, 404, NULL, "no change %s is scheduled", call->parameter);
}
