/*
 * /api/v1/adjustments: what companions are told otherwise than the television would say by itself.
 */
#include "api.h"
#include "api_body.h"

enum { CONTENT_ID_MAX = 4096 };

json_t *api_describe_adjustments(const struct services *services)
{
    const char *id = tv_content_id_override(services->tv);

    return json_pack("{s:f, s:o}", "delay_ms", services->delay_ms, "content_id_override",
                     *id ? json_string(id) : json_null());
}

void api_get_adjustments(struct api_call *call)
{
    api_answer(call, 200, api_describe_adjustments(call->services));
}

void api_change_adjustments(struct api_call *call)
{
    static const struct body_member members[] = {
        {"delay_ms", BODY_NUMBER, false, false, -CONFIG_DELAY_MAX_MS, CONFIG_DELAY_MAX_MS},
        {"content_id_override", BODY_TEXT, false, true, 1, CONTENT_ID_MAX},
    };
    enum { DELAY, OVERRIDE, COUNT };
    struct services *services = call->services;
    struct body_value values[COUNT];
    struct body_error error;
    int result = 0;

    if (body_read(call->body, members, COUNT, values, &error) != 0) {
        api_refuse(call, 400, error.member, "%s", error.reason);
        return;
    }
    if (values[OVERRIDE].presence != DVBCSS_OMITTED)
        result = tv_override_content_id(
            services->tv, values[OVERRIDE].presence == DVBCSS_VALUE ? values[OVERRIDE].text : "");
    if (result == 0 && values[DELAY].presence == DVBCSS_VALUE)
        services_set_delay(services, values[DELAY].number);
    if (result == 0)
        result = tv_publish(services->tv);
    if (result != 0)
        api_refuse_error(call, result, NULL);
    else
        api_get_adjustments(call);
}
