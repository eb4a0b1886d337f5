#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "endpoints.h"
#include "limits.h"

/* ---- the format ----------------------------------------------------------------------------- */

static void begin(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP dvbcss_%s %s\n# TYPE dvbcss_%s %s\n", name, help, name, type);
}

static void single(FILE *out, const char *name, const char *type, const char *help, double value)
{
    begin(out, name, type, help);
    fprintf(out, "dvbcss_%s %.17g\n", name, value);
}

static void labelled(FILE *out, const char *name, const char *label, const char *word,
                     uint64_t value)
{
    fprintf(out, "dvbcss_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, value);
}

/* @p label is "" or as endpoint="cii". */
static void histogram(FILE *out, const char *name, const char *label,
                      const struct histogram *histogram)
{
    const char *open = *label ? "{" : "", *comma = *label ? "," : "", *close = *label ? "}" : "";
    uint64_t below = 0;

    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += histogram->buckets[i];
        fprintf(out, "dvbcss_%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, label, comma,
                histogram_bounds_s[i], below);
    }
    fprintf(out, "dvbcss_%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, label, comma,
            histogram->count);
    fprintf(out, "dvbcss_%s_sum%s%s%s %.9g\n", name, open, label, close, histogram->sum_s);
    fprintf(out, "dvbcss_%s_count%s%s%s %" PRIu64 "\n", name, open, label, close, histogram->count);
}

/* ---- what there is -------------------------------------------------------------------------- */

static void write_process(FILE *out, const struct services *services)
{
    begin(out, "build_info", "gauge", "The version that runs.");
    fprintf(out, "dvbcss_build_info{version=\"%s\"} 1\n", DVBCSS_VERSION);
    single(out, "uptime_seconds", "gauge", "Time since the daemon started.",
           (double)(uv_now(services->loop) - services->started_ms) / 1000.0);
    single(out, "wallclock_seconds", "gauge", "What the wall clock shows.",
           (double)dvbcss_clock_now_ns(services->wall_clock) / 1e9);
    begin(out, "reloads_total", "counter", "Reloads of the configuration, by outcome.");
    labelled(out, "reloads_total", "result", "applied", services->reloads);
    labelled(out, "reloads_total", "result", "refused", services->failed_reloads);
    single(out, "api_requests_total", "counter", "Requests of the control API that were let in.",
           (double)services->api_requests);
    single(out, "api_refusals_total", "counter",
           "Requests of the control API without the right token, Host or Origin.",
           (double)services->api_refusals);
    begin(out, "loop_busy_seconds", "histogram",
          "How long each turn of the event loop took: what an event may have had to wait.");
    histogram(out, "loop_busy_seconds", "", &services->loop_delay.histogram);
}

static void write_wallclock(FILE *out, const struct services *services)
{
    static const char *const results[] = {
#define RESULT_ENTRY(name, text) text,
        DVBCSS_WC_ANSWER_MAP(RESULT_ENTRY)
#undef RESULT_ENTRY
    };
    struct dvbcss_wc_server_counters counters;

    if (!services->wc_service)
        return;
    dvbcss_wc_service_counters(services->wc_service, &counters);
    begin(out, "wallclock_datagrams_total", "counter",
          "Datagrams taken, by what was made of them: answered, or why not.");
    for (size_t i = 0; i < DVBCSS_WC_ANSWER_COUNT; i++)
        labelled(out, "wallclock_datagrams_total", "result", results[i], counters.datagrams[i]);
    labelled(out, "wallclock_datagrams_total", "result", "limited", counters.limited);
    single(out, "wallclock_answers_total", "counter", "Answers sent.", (double)counters.answers);
    single(out, "wallclock_follow_ups_total", "counter", "Follow-ups sent.",
           (double)counters.follow_ups);
    single(out, "wallclock_kernel_drops_total", "counter",
           "Datagrams that the kernel dropped because the receive buffer was full.",
           (double)counters.kernel_drops);
    single(out, "wallclock_unstamped_total", "counter",
           "Requests whose receive time was taken in user space.", (double)counters.unstamped);
    single(out, "wallclock_send_failures_total", "counter",
           "Answers and follow-ups that the kernel refused to send.",
           (double)counters.send_failures);
    single(out, "wallclock_receive_buffer_bytes", "gauge",
           "The receive buffer that the system granted.",
           (double)dvbcss_wc_service_receive_buffer(services->wc_service));
    single(out, "wallclock_precision_seconds", "gauge", "The precision that is announced.",
           dvbcss_wc_service_precision_s(services->wc_service));
}

/* One figure of struct dvbcss_server_counters. */
static const struct {
    const char *name;
    const char *type;
    const char *help;
    size_t offset;
} server_figures[] = {
#define AT(member) offsetof(struct dvbcss_server_counters, member)
    {"sockets_accepted_total", "counter", "TCP connections taken.", AT(sockets_accepted)},
    {"sockets_open", "gauge", "TCP connections open now.", AT(sockets_open)},
    {"accept_failures_total", "counter", "Times that accepting failed for want of resources.",
     AT(accept_failures)},
    {"header_timeouts_total", "counter", "Peers that did not finish a request in time.",
     AT(header_timeouts)},
    {"tls_handshakes_total", "counter", "TLS handshakes done.", AT(tls_handshakes)},
    {"tls_failures_total", "counter", "TLS connections that ended before theirs was done.",
     AT(tls_failures)},
    {"http_requests_total", "counter", "HTTP requests answered.", AT(http_requests)},
    {"connections_opened_total", "counter", "WebSocket connections opened.",
     AT(connections_opened)},
    {"connections_open", "gauge", "WebSocket connections open now.", AT(connections_open)},
    {"idle_evictions_total", "counter", "Connections closed without a sign of life.",
     AT(idle_evictions)},
    {"stall_evictions_total", "counter", "Connections closed because nothing was taken.",
     AT(stall_evictions)},
    {"queue_overflows_total", "counter", "Connections closed because their queue overflowed.",
     AT(queue_overflows)},
    {"message_rate_evictions_total", "counter",
     "Connections closed because of too many messages per second.", AT(message_rate_evictions)},
    {"byte_rate_evictions_total", "counter",
     "Connections closed because of too many bytes per second.", AT(byte_rate_evictions)},
    {"oversize_evictions_total", "counter", "Connections closed because of a message too big.",
     AT(oversize_evictions)},
    {"setup_evictions_total", "counter", "Connections closed because their setup took too long.",
     AT(setup_evictions)},
    {"messages_in_total", "counter", "WebSocket messages received.", AT(messages_in)},
    {"messages_out_total", "counter", "WebSocket messages sent.", AT(messages_out)},
    {"bytes_in_total", "counter", "Payload received.", AT(bytes_in)},
    {"bytes_out_total", "counter", "Payload sent.", AT(bytes_out)},
    {"messages_dropped_total", "counter",
     "Messages replaced in or thrown out of a queue before they were sent.", AT(messages_dropped)},
#undef AT
};

struct listener {
    const char *name;
    const struct dvbcss_server_counters *counters;
};

static void write_listeners(FILE *out, const struct services *services)
{
    char reason[LIMITS_WORD_SIZE];
    struct listener listeners[2] = {{"public", dvbcss_server_counters(services->server)}};
    size_t count = 1;

    if (control_server(services->control))
        listeners[count++] =
            (struct listener){"control", dvbcss_server_counters(control_server(services->control))};
    for (size_t i = 0; i < sizeof server_figures / sizeof *server_figures; i++) {
        begin(out, server_figures[i].name, server_figures[i].type, server_figures[i].help);
        for (size_t l = 0; l < count; l++)
            labelled(out, server_figures[i].name, "listener", listeners[l].name,
                     *(const uint64_t *)(const void *)((const char *)listeners[l].counters +
                                                       server_figures[i].offset));
    }
    begin(out, "refusals_total", "counter", "Requests and connections refused, by reason.");
    for (size_t l = 0; l < count; l++)
        for (size_t i = 0; i < DVBCSS_REFUSAL_COUNT; i++)
            fprintf(out, "dvbcss_refusals_total{listener=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
                    listeners[l].name, limits_refusal_word((enum dvbcss_refusal)i, reason),
                    listeners[l].counters->refusals[i]);
}

/* What an endpoint did with messages. */
struct endpoint_figures {
    uint64_t encodings;
    uint64_t messages;
    uint64_t ignored;
};

static struct endpoint_figures cii_figures(const struct dvbcss_cii_endpoint *endpoint)
{
    const struct dvbcss_cii_endpoint_counters *cii = dvbcss_cii_endpoint_counters(endpoint);

    return (struct endpoint_figures){cii->encodings, cii->messages, cii->ignored};
}

static uint64_t wc_ws_answers(const struct dvbcss_wc_ws_endpoint_counters *counters)
{
    uint64_t answers = counters->binary;

    for (size_t i = 0; i < DVBCSS_WC_JSON_DIALECT_COUNT; i++)
        answers += counters->json[i];
    return answers;
}

static struct endpoint_figures figures_of(const struct services *services, enum endpoint_kind kind)
{
    const struct dvbcss_ts_endpoint_counters *ts = dvbcss_ts_endpoint_counters(services->ts);
    const struct dvbcss_wc_ws_endpoint_counters *wc;
    const struct page_counters *page;

    switch (kind) {
    case ENDPOINT_CII:
        return cii_figures(services->cii);
    case ENDPOINT_COMPAT_CII:
        return cii_figures(services->app2app.cii);
    case ENDPOINT_TS:
        return (struct endpoint_figures){ts->encodings, ts->messages, ts->ignored};
    case ENDPOINT_WC_WS:
    case ENDPOINT_COMPAT_WC:
        wc = dvbcss_wc_ws_endpoint_counters(endpoint_wc_ws(services, kind));
        return (struct endpoint_figures){wc_ws_answers(wc), wc_ws_answers(wc), wc->malformed};
    case ENDPOINT_APP2APP:
        return (struct endpoint_figures){
            0, dvbcss_app2app_endpoint_counters(services->app2app.relay)->messages, 0};
    case ENDPOINT_PAGE:
        page = page_channel_counters(services->page);
        return (struct endpoint_figures){page->sent, page->sent, page->mistakes};
    default: /* The second path of TS is counted with the first. */
        return (struct endpoint_figures){0, 0, 0};
    }
}

static void write_endpoints(FILE *out, const struct services *services)
{
    static const char *const names[] = {"endpoint_enabled", "endpoint_connections",
                                        "endpoint_encodings_total", "endpoint_messages_total",
                                        "endpoint_ignored_total"};
    static const char *const types[] = {"gauge", "gauge", "counter", "counter", "counter"};
    static const char *const helps[] = {
        "Whether companions are let in.", "Companions connected now.",
        "Messages written once for all who need the same.", "Messages given to companions.",
        "Messages of companions that were ignored."};

    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        begin(out, names[n], types[n], helps[n]);
        for (int i = 0; i < ENDPOINT_COUNT; i++) {
            const struct dvbcss_endpoint *base = endpoint_of(services, (enum endpoint_kind)i);
            const struct endpoint_figures figures = figures_of(services, (enum endpoint_kind)i);
            const uint64_t values[] = {dvbcss_endpoint_enabled(base),
                                       dvbcss_endpoint_connection_count(base), figures.encodings,
                                       figures.messages, figures.ignored};

            labelled(out, names[n], "endpoint", endpoint_names[i], values[n]);
        }
    }
    begin(out, "fan_out_seconds", "histogram", "How long telling all companions a change took.");
    histogram(out, "fan_out_seconds", "endpoint=\"cii\"", &tv_fan_out(services->tv)->cii);
    histogram(out, "fan_out_seconds", "endpoint=\"ts\"", &tv_fan_out(services->tv)->ts);
}

static void write_page(FILE *out, const struct services *services)
{
    const struct page_counters *counters = page_channel_counters(services->page);

    single(out, "page_presents", "gauge", "Whether a page decides what is presented.",
           page_channel_presents(services->page));
    single(out, "page_messages_total", "counter", "Messages of pages that are the television.",
           (double)counters->messages);
    single(out, "page_mistakes_total", "counter", "Those that were wrong and changed nothing.",
           (double)counters->mistakes);
    begin(out, "page_refusals_total", "counter", "Pages turned away after Origin and Host.");
    labelled(out, "page_refusals_total", "reason", "unauthorized", counters->unauthorized);
    labelled(out, "page_refusals_total", "reason", "owned", counters->occupied);
    single(out, "page_silences_total", "counter", "Times that a silent page was given up.",
           (double)counters->silences);
    single(out, "page_resumptions_total", "counter", "Times that such a page came back.",
           (double)counters->resumptions);
}

static void write_wc_ws(FILE *out, const struct services *services)
{
    static const enum endpoint_kind kinds[] = {ENDPOINT_WC_WS, ENDPOINT_COMPAT_WC};

    begin(out, "wc_ws_requests_total", "counter",
          "Requests of the wall clock over WebSocket, by how they were answered, or why not.");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const struct dvbcss_wc_ws_endpoint_counters *counters =
            dvbcss_wc_ws_endpoint_counters(endpoint_wc_ws(services, kinds[k]));
        const struct {
            const char *result;
            uint64_t count;
        } rows[] = {
            {"binary", counters->binary},
#define DIALECT_ROW(name, text) {text, counters->json[DVBCSS_WC_JSON_##name]},
            DVBCSS_WC_JSON_DIALECT_MAP(DIALECT_ROW)
#undef DIALECT_ROW
                {"malformed", counters->malformed},
            {"limited", counters->limited},
            {"congested", counters->congested},
            {"failed", counters->failures},
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            fprintf(out, "dvbcss_wc_ws_requests_total{endpoint=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                    endpoint_names[kinds[k]], rows[i].result, rows[i].count);
    }
    begin(out, "wc_ws_precision_seconds", "gauge", "The precision that is announced.");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        fprintf(out, "dvbcss_wc_ws_precision_seconds{endpoint=\"%s\"} %.9g\n",
                endpoint_names[kinds[k]],
                dvbcss_wc_ws_endpoint_precision_s(endpoint_wc_ws(services, kinds[k])));
}

static void write_app2app(FILE *out, const struct services *services)
{
    const struct dvbcss_app2app_endpoint_counters *counters =
        dvbcss_app2app_endpoint_counters(services->app2app.relay);

    single(out, "app2app_pairs_total", "counter", "Pages and companions that were paired.",
           (double)counters->pairs);
    single(out, "app2app_pairs", "gauge", "Pairs that talk now.", (double)counters->pairs_open);
    single(out, "app2app_waiting", "gauge", "Clients that wait for a partner.",
           (double)counters->waiting);
    single(out, "app2app_bytes_total", "counter", "Payload that was passed on.",
           (double)counters->bytes);
    begin(out, "app2app_refusals_total", "counter", "Clients turned away, or closed, by reason.");
    labelled(out, "app2app_refusals_total", "reason", "local", counters->refused_local);
    labelled(out, "app2app_refusals_total", "reason", "waiting", counters->refused_waiting);
    labelled(out, "app2app_refusals_total", "reason", "early", counters->early_overflows);
    labelled(out, "app2app_refusals_total", "reason", "backlog", counters->backlog_overflows);
    labelled(out, "app2app_refusals_total", "reason", "memory", counters->failures);
}

static void write_pages(FILE *out, const struct services *services)
{
    const struct pages_counters *counters;

    if (!services->pages)
        return;
    counters = pages_counters(services->pages);
    begin(out, "pages_requests_total", "counter", "Requests for pages and media.");
    labelled(out, "pages_requests_total", "answer", "given", counters->answered);
    labelled(out, "pages_requests_total", "answer", "refused", counters->refused);
    begin(out, "pages_bytes_total", "counter", "Bytes of pages and media sent.");
    fprintf(out, "dvbcss_pages_bytes_total %" PRIu64 "\n", counters->bytes);
}

char *metrics_write(const struct services *services, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    if (!out)
        return NULL;
    write_process(out, services);
    write_wallclock(out, services);
    write_listeners(out, services);
    write_endpoints(out, services);
    write_page(out, services);
    write_wc_ws(out, services);
    write_app2app(out, services);
    write_pages(out, services);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
