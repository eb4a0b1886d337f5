/*
 * /api/v1/timelines and /api/v1/media: where the TV is, and how it goes on from there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_body.h"
#include "dvbcss/ts.h"

#define SEEK_MAX_S 1e9
#define ACCURACY_MAX_S 3600.0
/* Far beyond any wall clock, and far from the end of the type. */
#define TIME_MAX_NS 4611686018427387904.0

/* ---- descriptions --------------------------------------------------------------------------- */

static json_t *describe_rate(struct dvbcss_rate rate)
{
    return rate.seconds == 1 ? json_sprintf("%u", rate.ticks)
                             : json_sprintf("%u/%u", rate.ticks, rate.seconds);
}

static json_t *describe(const struct tv_timeline *timeline)
{
    struct tv_timeline_state state;

    tv_timeline_state(timeline, &state);
    return json_pack("{s:s, s:s, s:o, s:I, s:I, s:f, s:f, s:b, s:o}", "name", state.name,
                     "selector", state.selector, "tick_rate", describe_rate(state.rate),
                     "wall_clock_ns", (json_int_t)state.wall_ns, "position_ticks",
                     (json_int_t)state.position_ticks, "speed", state.speed, "effective_speed",
                     state.effective_speed, "available", state.available, "accuracy_s",
                     state.accuracy_s < 0 ? json_null() : json_real(state.accuracy_s));
}

json_t *api_describe_timelines(const struct services *services)
{
    const struct tv_timeline *timeline = NULL;
    json_t *list = json_array();

    while ((timeline = tv_next_timeline(services->tv, timeline)))
        json_array_append_new(list, describe(timeline));
    return list;
}

json_t *api_describe_media(const struct services *services)
{
    struct tv_media_state state;

    tv_media_state(services->tv, &state);
    return json_pack("{s:I, s:f, s:f}", "wall_clock_ns", (json_int_t)state.wall_ns, "position_s",
                     state.position_s, "speed", state.speed);
}

void api_list_timelines(struct api_call *call)
{
    api_answer(call, 200, json_pack("{s:o}", "timelines", api_describe_timelines(call->services)));
}

void api_get_media(struct api_call *call)
{
    api_answer(call, 200, api_describe_media(call->services));
}

/* Finds the timeline that the path names; refuses the request if there is none. */
static struct tv_timeline *find(const struct api_call *call)
{
    struct tv_timeline *timeline = tv_timeline_named(call->services->tv, call->parameter);

    if (!timeline)
        api_refuse(call, 404, NULL, "there is no timeline %s", call->parameter);
    return timeline;
}

void api_get_timeline(struct api_call *call)
{
    const struct tv_timeline *timeline = find(call);

    if (timeline)
        api_answer(call, 200, describe(timeline));
}

/* ---- adding and removing -------------------------------------------------------------------- */

enum add_member { NAME, SELECTOR, TICK_RATE, POSITION, SPEED, ACCURACY, AVAILABLE, ADD_MEMBERS };

static const struct body_member add_members[ADD_MEMBERS] = {
    [NAME] = {"name", BODY_TEXT, true, false, 1, CONFIG_NAME_MAX},
    [SELECTOR] = {"selector", BODY_TEXT, true, false, 1, 1024},
    [TICK_RATE] = {"tick_rate", BODY_TEXT, false, false, 1, 32},
    [POSITION] = {"position_ticks", BODY_INTEGER, false, false, -TV_TICKS_MAX, TV_TICKS_MAX},
    [SPEED] = {"speed", BODY_NUMBER, false, false, -TV_SPEED_MAX, TV_SPEED_MAX},
    [ACCURACY] = {"accuracy_s", BODY_NUMBER, false, true, 0, ACCURACY_MAX_S},
    [AVAILABLE] = {"available", BODY_BOOLEAN, false, false, 0, 0},
};

/* The rate that was given, or that the selector implies. */
static bool choose_rate(const struct api_call *call, const struct body_value *values,
                        struct dvbcss_rate *rate)
{
    struct dvbcss_ts_selector selector = dvbcss_ts_selector_parse(values[SELECTOR].text);

    if (values[TICK_RATE].presence == DVBCSS_VALUE) {
        if (config_read_rate(values[TICK_RATE].text, rate))
            return true;
        api_refuse(call, 400, "tick_rate", "expected ticks per second, as 90000 or 30000/1001");
        return false;
    }
    *rate = dvbcss_ts_selector_rate(&selector);
    if (rate->ticks == 0)
        api_refuse(call, 400, "tick_rate", "is missing, and the selector implies none");
    return rate->ticks != 0;
}

static bool check_new(const struct api_call *call, const struct body_value *values)
{
    struct tv *tv = call->services->tv;

    if (!config_name_is_good(values[NAME].text))
        api_refuse(call, 400, "name", "a name has lower-case letters, digits and '-' only");
    else if (tv_timeline_named(tv, values[NAME].text))
        api_refuse(call, 409, "name", "there is a timeline %s already", values[NAME].text);
    else if (tv_timeline_selected(tv, values[SELECTOR].text))
        api_refuse(call, 409, "selector", "timeline %s has this selector already",
                   tv_timeline_name(tv_timeline_selected(tv, values[SELECTOR].text)));
    else
        return true;
    return false;
}

void api_add_timeline(struct api_call *call)
{
    struct tv_timeline_options options = {.speed = 1, .accuracy_s = -1, .available = true};
    struct body_value values[ADD_MEMBERS];
    struct body_error why;
    struct tv_timeline *timeline;
    int error;

    if (body_read(call->body, add_members, ADD_MEMBERS, values, &why) != 0) {
        api_refuse(call, 400, why.member, "%s", why.reason);
        return;
    }
    if (!check_new(call, values) || !choose_rate(call, values, &options.rate))
        return;
    options.name = values[NAME].text;
    options.selector = values[SELECTOR].text;
    options.start_ticks = values[POSITION].integer;
    if (values[SPEED].presence == DVBCSS_VALUE)
        options.speed = values[SPEED].number;
    if (values[ACCURACY].presence == DVBCSS_VALUE)
        options.accuracy_s = values[ACCURACY].number;
    if (values[AVAILABLE].presence == DVBCSS_VALUE)
        options.available = values[AVAILABLE].truth;
    error = tv_add_timeline(call->services->tv, &options, &timeline);
    if (error == 0)
        error = tv_publish(call->services->tv);
    if (error != 0)
        api_refuse_error(call, error, NULL);
    else
        api_answer(call, 201, describe(timeline));
}

void api_remove_timeline(struct api_call *call)
{
    struct tv_timeline *timeline = find(call);
    int error;

    if (!timeline)
        return;
    error = tv_remove_timeline(timeline);
    if (error == 0)
        error = tv_publish(call->services->tv);
    if (error != 0)
        api_refuse_error(call, error, NULL);
    else
        api_answer_nothing(call);
}

/* ---- changing ------------------------------------------------------------------------------- */

/* Those of the media are the first ones. */
enum change_member {
    TO_SPEED,
    BY_SEEK,
    AT_NS,
    IN_S,
    MEDIA_MEMBERS,
    TO_POSITION = MEDIA_MEMBERS,
    TO_AVAILABLE,
    TO_ACCURACY,
    CHANGE_MEMBERS
};

static const struct body_member change_members[CHANGE_MEMBERS] = {
    [TO_SPEED] = {"speed", BODY_NUMBER, false, false, -TV_SPEED_MAX, TV_SPEED_MAX},
    [BY_SEEK] = {"seek_s", BODY_NUMBER, false, false, -SEEK_MAX_S, SEEK_MAX_S},
    [AT_NS] = {"at_ns", BODY_INTEGER, false, false, 0, TIME_MAX_NS},
    [IN_S] = {"in_s", BODY_NUMBER, false, false, 0, SEEK_MAX_S},
    [TO_POSITION] = {"position_ticks", BODY_INTEGER, false, false, -TV_TICKS_MAX, TV_TICKS_MAX},
    [TO_AVAILABLE] = {"available", BODY_BOOLEAN, false, false, 0, 0},
    [TO_ACCURACY] = {"accuracy_s", BODY_NUMBER, false, true, 0, ACCURACY_MAX_S},
};

static struct tv_change change_of(const struct body_value *values)
{
    struct tv_change change = {
        .speed = values[TO_SPEED].number,
        .position_ticks = values[TO_POSITION].integer,
        .seek_s = values[BY_SEEK].number,
        .available = values[TO_AVAILABLE].truth,
        .accuracy_s =
            values[TO_ACCURACY].presence == DVBCSS_VALUE ? values[TO_ACCURACY].number : -1,
    };
    static const struct {
        enum change_member member;
        enum tv_change_part part;
    } parts[] = {{TO_SPEED, TV_CHANGE_SPEED},
                 {TO_POSITION, TV_CHANGE_POSITION},
                 {BY_SEEK, TV_CHANGE_SEEK},
                 {TO_AVAILABLE, TV_CHANGE_AVAILABLE},
                 {TO_ACCURACY, TV_CHANGE_ACCURACY}};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (values[parts[i].member].presence != DVBCSS_OMITTED)
            change.parts |= (unsigned)parts[i].part;
    }
    return change;
}

/* When the change is to hold. */
static int64_t time_of(const struct api_call *call, const struct body_value *values)
{
    if (values[AT_NS].presence == DVBCSS_VALUE)
        return values[AT_NS].integer;
    if (values[IN_S].presence == DVBCSS_VALUE)
        return dvbcss_clock_now_ns(call->services->wall_clock) +
               (int64_t)(values[IN_S].number * 1e9);
    return TV_NOW;
}

/* Refuses what contradicts itself. */
static bool check_change(const struct api_call *call, const struct body_value *values,
                         const struct tv_change *change)
{
    if (values[AT_NS].presence && values[IN_S].presence)
        api_refuse(call, 400, "in_s", "give at_ns or in_s, not both");
    else if (values[TO_POSITION].presence && values[BY_SEEK].presence)
        api_refuse(call, 400, "seek_s", "give position_ticks or seek_s, not both");
    else if (change->parts == 0)
        api_refuse(call, 400, NULL, "nothing is to be changed");
    else
        return true;
    return false;
}

struct search {
    uint64_t id;
    json_t *found;
};

static void pick(void *user, const struct tv_scheduled *scheduled)
{
    struct search *search = user;

    if (scheduled->id == search->id)
        search->found = api_describe_scheduled(scheduled);
}

/* Makes or schedules the change of a timeline, NULL for the media. */
static void change(struct api_call *call, struct tv_timeline *timeline, size_t member_count)
{
    struct body_value values[CHANGE_MEMBERS] = {{.presence = DVBCSS_OMITTED}};
    struct tv *tv = call->services->tv;
    struct body_error why;
    struct tv_change wanted;
    struct search search = {0, NULL};
    int error;

    if (body_read(call->body, change_members, member_count, values, &why) != 0) {
        api_refuse(call, 400, why.member, "%s", why.reason);
        return;
    }
    wanted = change_of(values);
    if (!check_change(call, values, &wanted))
        return;
    error = tv_change(tv, timeline, &wanted, time_of(call, values), &search.id);
    if (error == 0 && search.id == 0)
        error = tv_publish(tv);
    if (error != 0) {
        api_refuse_error(call, error,
                         error == DVBCSS_ERANGE && wanted.parts & TV_CHANGE_SEEK
                             ? change_members[BY_SEEK].name
                             : NULL);
    } else if (search.id != 0) {
        tv_each_scheduled(tv, pick, &search);
        api_answer(call, 202, search.found);
    } else {
        api_answer(call, 200, timeline ? describe(timeline) : api_describe_media(call->services));
    }
}

void api_change_timeline(struct api_call *call)
{
    struct tv_timeline *timeline = find(call);

    if (timeline)
        change(call, timeline, CHANGE_MEMBERS);
}

void api_change_media(struct api_call *call)
{
    change(call, NULL, MEDIA_MEMBERS);
}
