/*
 * /api/v1/programme and /api/v1/reload.
 */
#include "api.h"
#include "api_body.h"
#include "reload.h"

void api_get_programme(struct api_call *call)
{
    api_answer(call, 200, json_pack("{s:b}", "running", call->services->programme != NULL));
}

void api_change_programme(struct api_call *call)
{
    static const struct body_member members[] = {{"running", BODY_BOOLEAN, true, false, 0, 0}};
    struct services *services = call->services;
    struct body_value running;
    struct body_error why;
    int error = 0;

    if (body_read(call->body, members, 1, &running, &why) != 0) {
        api_refuse(call, 400, why.member, "%s", why.reason);
        return;
    }
    if (!running.truth)
        services_stop_programme(services);
    else if (!services->programme)
        error = services_start_programme(services);
    if (error != 0)
        api_refuse_error(call, error, "running");
    else
        api_get_programme(call);
}

void api_reload(struct api_call *call)
{
    struct reload_result result;

    if (reload(call->services, &result) != 0)
        api_refuse(call, 409, NULL, "%s", result.error);
    else if (result.failure != 0)
        api_refuse(call, 500, NULL, "not all of it could be put in force: %s",
                   dvbcss_error_text(result.failure));
    else
        api_answer(call, 200,
                   json_pack("{s:O, s:O}", "applied", result.applied, "needs_restart",
                             result.needs_restart));
    reload_result_finish(&result);
}
