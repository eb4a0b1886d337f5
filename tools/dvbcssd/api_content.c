/*
 * /api/v1/content: what CII says. A change is read by the very rules of CII: what is omitted stays
 * as it is, null and values take over.
 */
#include <string.h>

#include "api.h"
#include "dvbcss/alloc.h"

json_t *api_describe_content(const struct services *services)
{
    char *text;
    size_t length;
    json_t *content;

    if (dvbcss_cii_encode(dvbcss_cii_endpoint_state(services->cii), DVBCSS_CII_ALL, NULL, &text,
                          &length) != 0)
        return NULL;
    content = json_loadb(text, length, 0, NULL);
    dvbcss_free(text);
    return content;
}

void api_get_content(struct api_call *call)
{
    api_answer(call, 200, api_describe_content(call->services));
}

/* Refuses what CII would pass over, and what belongs to /timelines. */
static bool members_are_known(const struct api_call *call)
{
    const char *name;
    json_t *value;

    json_object_foreach (call->body, name, value) {
        enum dvbcss_cii_property property = dvbcss_cii_property_by_name(name);

        if (property == DVBCSS_CII_PROPERTY_COUNT) {
            api_refuse(call, 400, name, "CII has no such property");
            return false;
        }
        if (property == DVBCSS_CII_TIMELINES) {
            api_refuse(call, 400, name, "timelines are changed at /api/v1/timelines");
            return false;
        }
    }
    return true;
}

void api_change_content(struct api_call *call)
{
    struct dvbcss_cii changes = DVBCSS_CII_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct tv *tv = call->services->tv;
    int error;

    if (!members_are_known(call))
        return;
    error = dvbcss_cii_decode(call->request->body, call->request->body_length, DVBCSS_STRICT,
                              &changes, &report);
    if (error != 0) {
        api_refuse(call, 400, *report.path ? report.path : NULL, "%s", report.reason);
        return;
    }
    error = tv_change_content(tv, &changes);
    if (error == 0)
        error = tv_publish(tv);
    dvbcss_cii_finish(&changes);
    if (error != 0)
        api_refuse_error(call, error, NULL);
    else
        api_get_content(call);
}
