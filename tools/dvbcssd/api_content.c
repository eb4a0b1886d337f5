/*
 * /api/v1/content: what CII says. A change is read by the very rules of CII: what is omitted stays
 * as it is, null and values take over. What no companion could make use of is refused.
 */
#include <string.h>

#include "api.h"
#include "dvbcss/alloc.h"
#include "dvbcss/url.h"

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

static bool refuse_url(const struct api_call *call, enum dvbcss_cii_property property,
                       const char *reason)
{
    api_refuse(call, 400, dvbcss_cii_property_name(property), "%s", reason);
    return false;
}

/* Whether a URL as companions are told it has the scheme of its service and a host that they can
 * reach. */
static bool url_is_usable(const struct api_call *call, enum dvbcss_cii_property property,
                          const char *text, unsigned schemes)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_url url;

    if (dvbcss_url_parse(text, schemes, &url, &report) != 0)
        return refuse_url(call, property, report.reason);
    /* Companions of a listener on loopback are on this machine, too. */
    if (dvbcss_url_host_unusable(url.host, call->services->config->http.address))
        return refuse_url(call, property,
                          "the host is none that companions could reach: {{host}} becomes the "
                          "address that each has reached");
    return true;
}

/* Puts an address in the place of {{host}} and its like, as for a companion: 0 or a dvbcss_error.
 */
static int tell(const struct dvbcss_cii *changes, struct dvbcss_cii *told)
{
    static const struct dvbcss_cii_address reached = {.host = "192.0.2.1", .port = 1};
    char *text;
    size_t length;
    int error = dvbcss_cii_encode(changes, DVBCSS_CII_ALL, &reached, &text, &length);

    if (error != 0)
        return error;
    error = dvbcss_cii_decode(text, length, DVBCSS_STRICT, told, NULL);
    dvbcss_free(text);
    return error;
}

static bool urls_are_usable(const struct api_call *call, const struct dvbcss_cii *changes)
{
    static const struct {
        enum dvbcss_cii_property property;
        unsigned schemes;
    } urls[] = {
        {DVBCSS_CII_MRS_URL, (unsigned)DVBCSS_URL_HTTP | (unsigned)DVBCSS_URL_HTTPS},
        {DVBCSS_CII_WC_URL, DVBCSS_URL_UDP},
        {DVBCSS_CII_TS_URL, DVBCSS_URL_ANY_WEBSOCKET},
        {DVBCSS_CII_TE_URL, DVBCSS_URL_ANY_WEBSOCKET},
    };
    struct dvbcss_cii told = DVBCSS_CII_INIT;
    int error = tell(changes, &told);
    bool usable = error == 0;

    if (error != 0)
        api_refuse_error(call, error, NULL);
    for (size_t i = 0; i < sizeof urls / sizeof *urls && usable; i++) {
        const char *text = dvbcss_cii_text(&told, urls[i].property);

        usable = !text || url_is_usable(call, urls[i].property, text, urls[i].schemes);
    }
    dvbcss_cii_finish(&told);
    return usable;
}

static bool changes_are_usable(const struct api_call *call, const struct dvbcss_cii *changes)
{
    if (dvbcss_cii_presence(changes, DVBCSS_CII_PROTOCOL_VERSION) == DVBCSS_NULL) {
        api_refuse(call, 400, dvbcss_cii_property_name(DVBCSS_CII_PROTOCOL_VERSION),
                   "is always \"%s\"", DVBCSS_CII_VERSION);
        return false;
    }
    return urls_are_usable(call, changes);
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
    if (!changes_are_usable(call, &changes)) {
        dvbcss_cii_finish(&changes);
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
