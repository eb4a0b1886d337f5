#include "dvbcss/wc_ws_endpoint.h"

#include <stdio.h>

#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

#define NS_PER_S INT64_C(1000000000)

enum {
    /* Numbers that are written in full make an answer longer than its request; one that does not
     * fit here is not worth an answer. */
    MAX_ANSWER_BYTES = 4 * DVBCSS_WC_WS_MESSAGE_MAX,
    /* Messages that are no requests: so many lines in so long. */
    LOG_LINES = 5,
    /* Hand-overs that the announced precision looks back on: the last so many, and at least. */
    WINDOW = 8,
};
#define LOG_WINDOW_NS (10 * NS_PER_S)
/* What is announced before it was measured. */
#define FIRST_PRECISION_NS INT64_C(1000000)

struct dvbcss_wc_ws_endpoint {
    struct dvbcss_endpoint *base;
    const struct dvbcss_clock *wall_clock;
    double max_freq_error_ppm;
    unsigned answers_per_s;
    /* How long handing an answer to the socket took: the longest of this window and of the last. */
    int64_t longest_ns;
    int64_t last_longest_ns;
    unsigned measured;
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
    void *context;
    struct dvbcss_wc_ws_endpoint_counters counters;
    struct dvbcss_log_limit log_limit;
    bool destroying;
};

/* What each connection carries. */
struct companion {
    /* When all its answers so far are paid for, at the rate of the limit. */
    int64_t paid_ns;
    bool was_logged;
};

/* A message on its way to its answer. */
struct exchange {
    struct dvbcss_wc_ws_endpoint *endpoint;
    struct dvbcss_connection *connection;
    const void *bytes;
    size_t length;
    int64_t receive_ns;
};

/* An answer that lacks nothing but being sent. */
struct answer {
    uint8_t bytes[MAX_ANSWER_BYTES];
    size_t length;
    int64_t transmit_ns;
    uint64_t *counter;
};

/* ---- precision ------------------------------------------------------------------------------ */

double dvbcss_wc_ws_endpoint_precision_s(const struct dvbcss_wc_ws_endpoint *endpoint)
{
    const int64_t longest_ns = endpoint->longest_ns > endpoint->last_longest_ns
                                   ? endpoint->longest_ns
                                   : endpoint->last_longest_ns;
    const double clock_s = dvbcss_clock_root_precision_s(endpoint->wall_clock);

    return (double)longest_ns / 1e9 > clock_s ? (double)longest_ns / 1e9 : clock_s;
}

/* Takes into account that an answer stamped at @p transmit_ns has been handed over just now. */
static void measure(struct dvbcss_wc_ws_endpoint *endpoint, int64_t transmit_ns)
{
    const int64_t took_ns = dvbcss_clock_now_ns(endpoint->wall_clock) - transmit_ns;

    if (took_ns > endpoint->longest_ns)
        endpoint->longest_ns = took_ns;
    if (++endpoint->measured < WINDOW)
        return;
    endpoint->last_longest_ns = endpoint->longest_ns;
    endpoint->longest_ns = 0;
    endpoint->measured = 0;
}

/* ---- answering ------------------------------------------------------------------------------ */

/* Each answering function returns 0 or why there is no answer. */

static int answer_binary(const struct exchange *exchange, struct answer *answer,
                         struct dvbcss_report *report)
{
    struct dvbcss_wc_ws_endpoint *endpoint = exchange->endpoint;
    const struct dvbcss_wc_responder_options options = {dvbcss_wc_ws_endpoint_precision_s(endpoint),
                                                        endpoint->max_freq_error_ppm, false};
    struct dvbcss_wc_responder responder;
    struct dvbcss_wc_message message;
    int error = dvbcss_wc_message_decode(exchange->bytes, exchange->length, &message, report);

    if (!error && message.type != DVBCSS_WC_REQUEST) {
        snprintf(report->reason, sizeof report->reason, "no request, but type %d",
                 (int)message.type);
        return DVBCSS_EMESSAGETYPE;
    }
    if (!error)
        error = dvbcss_wc_responder_init(&responder, &options);
    if (error)
        return error;
    answer->transmit_ns = dvbcss_clock_now_ns(endpoint->wall_clock);
    if (dvbcss_wc_respond(&responder, exchange->bytes, exchange->length, exchange->receive_ns,
                          answer->transmit_ns, answer->bytes) != DVBCSS_WC_ANSWERED)
        return DVBCSS_ERANGE;
    answer->length = DVBCSS_WC_MESSAGE_SIZE;
    answer->counter = &endpoint->counters.binary;
    return 0;
}

static int answer_json(const struct exchange *exchange, struct answer *answer,
                       struct dvbcss_report *report)
{
    struct dvbcss_wc_ws_endpoint *endpoint = exchange->endpoint;
    struct dvbcss_wc_json_request request = DVBCSS_WC_JSON_REQUEST_INIT;
    struct dvbcss_wc_json_answer figures = {dvbcss_wc_ws_endpoint_precision_s(endpoint),
                                            endpoint->max_freq_error_ppm, exchange->receive_ns, 0};
    int error = dvbcss_wc_json_decode(exchange->bytes, exchange->length, &request, report);

    if (error)
        return error;
    figures.transmit_ns = dvbcss_clock_now_ns(endpoint->wall_clock);
    error = dvbcss_wc_json_encode_answer(&request, &figures, (char *)answer->bytes,
                                         sizeof answer->bytes, &answer->length);
    answer->transmit_ns = figures.transmit_ns;
    answer->counter = &endpoint->counters.json[request.dialect];
    dvbcss_wc_json_request_finish(&request);
    if (error)
        snprintf(report->reason, sizeof report->reason, "%s", dvbcss_error_text(error));
    return error;
}

/* JSON in a binary frame begins as no message of 32 bytes can, whose version is 0. */
static bool is_json(const void *bytes, size_t length, bool text)
{
    return text || (length > 0 && *(const char *)bytes == '{');
}

static void send_answer(const struct exchange *exchange, const struct answer *answer,
                        enum dvbcss_message_kind kind)
{
    struct dvbcss_wc_ws_endpoint *endpoint = exchange->endpoint;
    struct dvbcss_message *message;
    int error = dvbcss_message_create(&message, kind, answer->bytes, answer->length);

    if (!error) {
        error = dvbcss_connection_send(exchange->connection, message);
        dvbcss_message_release(message);
    }
    if (!error) {
        measure(endpoint, answer->transmit_ns);
        ++*answer->counter;
    } else if (error == DVBCSS_ENOMEM) {
        endpoint->counters.failures++;
    }
    /* Any other error means that the connection is closing. */
}

/* ---- hooks of the server -------------------------------------------------------------------- */

static void ignore_message(const struct exchange *exchange, const struct dvbcss_report *report)
{
    struct dvbcss_wc_ws_endpoint *endpoint = exchange->endpoint;
    struct companion *companion = dvbcss_connection_user_data(exchange->connection);

    endpoint->counters.malformed++;
    /* The first one of each connection, as long as these are not too many. */
    if (companion->was_logged ||
        !dvbcss_log_permit(&endpoint->log_limit, exchange->receive_ns, LOG_WINDOW_NS, LOG_LINES))
        return;
    companion->was_logged = true;
    dvbcss_log(DVBCSS_LOG_INFO, "wc-ws-ignored", "%s: ignored a message: %s%s%s",
               dvbcss_connection_id(exchange->connection), report->path, *report->path ? ": " : "",
               report->reason);
}

/* Each answer costs its share of a second, and a second's worth may be had in advance. */
static bool is_within_limit(const struct dvbcss_wc_ws_endpoint *endpoint,
                            struct companion *companion, int64_t now_ns)
{
    int64_t share_ns;

    if (endpoint->answers_per_s == 0)
        return true;
    share_ns = NS_PER_S / endpoint->answers_per_s;
    if (companion->paid_ns < now_ns)
        companion->paid_ns = now_ns;
    if (companion->paid_ns - now_ns > NS_PER_S - share_ns)
        return false;
    companion->paid_ns += share_ns;
    return true;
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    struct dvbcss_wc_ws_endpoint *endpoint = context;
    const struct exchange exchange = {endpoint, connection, bytes, length,
                                      dvbcss_clock_now_ns(endpoint->wall_clock)};
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct answer answer;
    int error;

    if (!is_within_limit(endpoint, dvbcss_connection_user_data(connection), exchange.receive_ns)) {
        endpoint->counters.limited++;
        return;
    }
    /* What waits for the socket would be stale when it goes. */
    if (dvbcss_connection_congested(connection)) {
        endpoint->counters.congested++;
        return;
    }
    error = is_json(bytes, length, text) ? answer_json(&exchange, &answer, &report)
                                         : answer_binary(&exchange, &answer, &report);
    if (error == DVBCSS_ENOMEM)
        endpoint->counters.failures++;
    else if (error)
        ignore_message(&exchange, &report);
    else
        send_answer(&exchange, &answer, text ? DVBCSS_MESSAGE_TEXT : DVBCSS_MESSAGE_BINARY);
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    struct dvbcss_wc_ws_endpoint *endpoint = context;

    /* The hook may destroy the endpoint: nothing of it is touched afterwards. */
    if (endpoint->on_disconnect)
        endpoint->on_disconnect(endpoint->context, connection, code, reason);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int add_base(struct dvbcss_wc_ws_endpoint *endpoint, struct dvbcss_server *server,
                    const struct dvbcss_wc_ws_endpoint_options *options)
{
    struct dvbcss_endpoint_options base = DVBCSS_ENDPOINT_OPTIONS_INIT;

    base.path = options->path;
    base.id_prefix = options->id_prefix;
    base.enabled = options->enabled;
    base.queue_policy = DVBCSS_QUEUE_NEWEST;
    base.binary_policy = DVBCSS_BINARY_ACCEPT;
    base.limits = options->limits;
    base.limits.setup_timeout_s = 0;
    base.access = options->access;
    base.user_data_size = sizeof(struct companion);
    base.hooks.on_message = on_message;
    base.hooks.on_disconnect = on_disconnect;
    base.context = endpoint;
    return dvbcss_endpoint_add(&endpoint->base, server, &base);
}

static bool options_are_valid(const struct dvbcss_wc_ws_endpoint_options *options)
{
    const struct dvbcss_wc_responder_options figures = {1.0, options->max_freq_error_ppm, false};
    struct dvbcss_wc_responder responder;

    return options->wall_clock && options->answers_per_s <= NS_PER_S &&
           options->limits.max_message_bytes <= DVBCSS_WC_WS_MESSAGE_MAX &&
           dvbcss_wc_responder_init(&responder, &figures) == 0;
}

int dvbcss_wc_ws_endpoint_create(struct dvbcss_wc_ws_endpoint **endpoint,
                                 struct dvbcss_server *server,
                                 const struct dvbcss_wc_ws_endpoint_options *options)
{
    struct dvbcss_wc_ws_endpoint *created;
    int error;

    if (!options_are_valid(options))
        return DVBCSS_EINVAL;
    created = dvbcss_calloc(1, sizeof *created);
    if (!created)
        return DVBCSS_ENOMEM;
    created->wall_clock = options->wall_clock;
    created->max_freq_error_ppm = options->max_freq_error_ppm;
    created->answers_per_s = options->answers_per_s;
    created->last_longest_ns = FIRST_PRECISION_NS;
    created->on_disconnect = options->on_disconnect;
    created->context = options->context;
    error = add_base(created, server, options);
    if (error) {
        dvbcss_free(created);
        return error;
    }
    *endpoint = created;
    return 0;
}

void dvbcss_wc_ws_endpoint_destroy(struct dvbcss_wc_ws_endpoint *endpoint)
{
    /* The hook that is called from here may well ask for the same. */
    if (!endpoint || endpoint->destroying)
        return;
    endpoint->destroying = true;
    dvbcss_endpoint_remove(endpoint->base);
    dvbcss_free(endpoint);
}

/* ---- looking and changing ------------------------------------------------------------------- */

void dvbcss_wc_ws_endpoint_set_answers_per_s(struct dvbcss_wc_ws_endpoint *endpoint,
                                             unsigned answers_per_s)
{
    endpoint->answers_per_s = answers_per_s;
}

struct dvbcss_endpoint *dvbcss_wc_ws_endpoint_base(const struct dvbcss_wc_ws_endpoint *endpoint)
{
    return endpoint->base;
}

const struct dvbcss_wc_ws_endpoint_counters *
dvbcss_wc_ws_endpoint_counters(const struct dvbcss_wc_ws_endpoint *endpoint)
{
    return &endpoint->counters;
}
