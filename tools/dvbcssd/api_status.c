/*
 * The daemon as a whole: status, health, metrics, and the document that describes the API.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "limits.h"
#include "metrics.h"
#include "openapi_document.h"

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *describe_wc_counters(const struct services *services)
{
    static const char *const names[] = {
#define NAME_ENTRY(name, text) text,
        DVBCSS_WC_ANSWER_MAP(NAME_ENTRY)
#undef NAME_ENTRY
    };
    struct dvbcss_wc_server_counters counters;
    json_t *datagrams;

    if (!services->wc_service)
        return json_null();
    dvbcss_wc_service_counters(services->wc_service, &counters);
    datagrams = json_object();
    for (size_t i = 0; i < DVBCSS_WC_ANSWER_COUNT; i++)
        json_object_set_new(datagrams, names[i], json_integer((json_int_t)counters.datagrams[i]));
    json_object_set_new(datagrams, "limited", json_integer((json_int_t)counters.limited));
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "datagrams", datagrams, "answers",
                     (json_int_t)counters.answers, "follow_ups", (json_int_t)counters.follow_ups,
                     "stamped_follow_ups", (json_int_t)counters.stamped_follow_ups, "kernel_drops",
                     (json_int_t)counters.kernel_drops, "unstamped", (json_int_t)counters.unstamped,
                     "send_failures", (json_int_t)counters.send_failures);
}

static json_t *describe_receive_buffer(const struct services *services)
{
    if (!services->wc_service)
        return json_null();
    return json_integer((json_int_t)dvbcss_wc_service_receive_buffer(services->wc_service));
}

static json_t *describe_wall_clock(const struct services *services)
{
    double precision_s = services->wc_service ? dvbcss_wc_service_precision_s(services->wc_service)
                                              : dvbcss_clock_root_precision_s(services->wall_clock);

    return json_pack("{s:o, s:I, s:f, s:f, s:o, s:o}", "url", text_or_null(services->urls.wc),
                     "now_ns", (json_int_t)dvbcss_clock_now_ns(services->wall_clock), "precision_s",
                     precision_s, "max_freq_error_ppm",
                     dvbcss_clock_root_max_freq_error_ppm(services->wall_clock),
                     "receive_buffer_bytes", describe_receive_buffer(services), "counters",
                     describe_wc_counters(services));
}

static json_t *describe_page(const struct services *services)
{
    char address[DVBCSS_ADDRESS_TEXT_SIZE];
    struct page_status status;
    json_t *owner = json_null();

    page_channel_status(services->page, &status);
    if (status.id)
        owner = json_pack("{s:s, s:s, s:s, s:i, s:f, s:f}", "id", status.id, "address",
                          dvbcss_address_format(status.address, address), "name", status.name,
                          "version", status.version, "owned_s", status.owned_s, "silent_s",
                          status.silent_s);
    return json_pack("{s:s, s:o}", "state", page_state_names[status.state], "owner", owner);
}

/* Who was refused, and who was closed for having met a limit, on the companions' listener. */
static json_t *describe_limits(const struct services *services)
{
    const struct dvbcss_server_counters *counters = dvbcss_server_counters(services->server);
    const struct {
        const char *name;
        uint64_t count;
    } closes[] = {{"idle", counters->idle_evictions},
                  {"stall", counters->stall_evictions},
                  {"queue", counters->queue_overflows},
                  {"message_rate", counters->message_rate_evictions},
                  {"byte_rate", counters->byte_rate_evictions},
                  {"oversize", counters->oversize_evictions},
                  {"setup", counters->setup_evictions}};
    json_t *refusals = json_object(), *closed = json_object();
    uint64_t refusals_in_all = 0, closed_in_all = 0;
    char word[LIMITS_WORD_SIZE];

    for (size_t i = 0; i < DVBCSS_REFUSAL_COUNT; i++) {
        refusals_in_all += counters->refusals[i];
        json_object_set_new(refusals, limits_refusal_word((enum dvbcss_refusal)i, word),
                            json_integer((json_int_t)counters->refusals[i]));
    }
    for (size_t i = 0; i < sizeof closes / sizeof *closes; i++) {
        closed_in_all += closes[i].count;
        json_object_set_new(closed, closes[i].name, json_integer((json_int_t)closes[i].count));
    }
    return json_pack("{s:I, s:o, s:I, s:o}", "refused", (json_int_t)refusals_in_all,
                     "refused_by_reason", refusals, "closed", (json_int_t)closed_in_all,
                     "closed_by_limit", closed);
}

void api_get_status(struct api_call *call)
{
    const struct services *services = call->services;
    double uptime_s = (double)(uv_now(services->loop) - services->started_ms) / 1000.0;

    api_answer(call, 200,
               json_pack("{s:s, s:i, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:b}, s:o, s:o}",
                         "version", DVBCSS_VERSION, "pid", (int)getpid(), "uptime_s", uptime_s,
                         "wall_clock", describe_wall_clock(services), "endpoints",
                         api_describe_endpoints(services), "content",
                         api_describe_content(services), "media", api_describe_media(services),
                         "timelines", api_describe_timelines(services), "adjustments",
                         api_describe_adjustments(services), "programme", "running",
                         services->programme != NULL, "page", describe_page(services), "limits",
                         describe_limits(services)));
}

/* Whoever gets this answer has seen the loop turn. */
void api_get_health(struct api_call *call)
{
    api_answer(call, 200, json_pack("{s:s}", "status", "ok"));
}

void api_get_metrics(struct api_call *call)
{
    size_t length;
    char *text = metrics_write(call->services, &length);

    if (text)
        api_answer_text(call, METRICS_CONTENT_TYPE, text, length);
    else
        api_refuse(call, 500, NULL, "out of memory");
    free(text);
}

void api_get_openapi(struct api_call *call)
{
    api_answer_text(call, "application/json", (const char *)openapi_document,
                    openapi_document_length);
}
