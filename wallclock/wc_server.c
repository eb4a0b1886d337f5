#include "dvbcss/wc_server.h"

#include <string.h>
#include <uv.h>

#include "dvbcss/alloc.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc.h"
#include "wallclock/wc_counters.h"
#include "wallclock/wc_rate_limit.h"
#include "wallclock/wc_socket.h"

enum {
    /* Batches taken before the loop's other work has its turn: about a millisecond's. */
    BATCHES_PER_TURN = 4,
    PRECISION_SAMPLES = 1000,
};

struct dvbcss_wc_server {
    uv_poll_t poll;
    struct wc_socket *socket;
    struct dvbcss_wc_responder responder;
    double precision_s;
    dvbcss_time_source now_ns;
    void *user;
    bool follow_up;
    /* NULL for no limit. */
    struct wc_rate_limit *limit;
    /* All but what responder and socket count themselves; they are added when it is published. */
    struct dvbcss_wc_server_counters counters;
    struct wc_counters published;
    dvbcss_wc_server_closed closed;
    void *closed_user;
    /* What is being answered. */
    struct wc_packet packets[WC_SOCKET_BATCH];
    struct wc_packet *answered[WC_SOCKET_BATCH];
};

/* ---- answering ------------------------------------------------------------------------------ */

/* Turns the requests among the packets into answers that lack their transmit time. Returns how
 * many there are. */
static unsigned prepare_answers(struct dvbcss_wc_server *server, unsigned received)
{
    unsigned count = 0;

    for (unsigned i = 0; i < received; i++) {
        struct wc_packet *packet = &server->packets[i];

        if (dvbcss_wc_respond(&server->responder, packet->bytes, packet->length, packet->time_ns,
                              packet->time_ns, packet->bytes) != DVBCSS_WC_ANSWERED)
            continue;
        if (!packet->stamped)
            server->counters.unstamped++;
        if (server->limit && !wc_rate_limit_passes(server->limit, &packet->peer, packet->time_ns)) {
            server->counters.limited++;
            continue;
        }
        packet->length = DVBCSS_WC_MESSAGE_SIZE;
        server->answered[count++] = packet;
    }
    return count;
}

/* The last thing before sending. */
static void stamp_answers(struct dvbcss_wc_server *server, unsigned count)
{
    int64_t transmit_ns = server->now_ns(server->user);

    for (unsigned i = 0; i < count; i++) {
        struct wc_packet *packet = server->answered[i];

        /* A time that cannot be expressed leaves that of arrival, which could. */
        if (dvbcss_wc_answer_set_transmit(packet->bytes, transmit_ns) == 0)
            packet->time_ns = transmit_ns;
    }
}

/* Follows up the answers that were sent. One whose transmit stamp did not come at once repeats the
 * time of the answer: it is true, if early, and a late follow-up costs a client more. */
static void send_follow_ups(struct dvbcss_wc_server *server, unsigned count)
{
    unsigned kept = 0;

    wc_socket_transmit_times(server->socket, server->answered, count);
    for (unsigned i = 0; i < count; i++) {
        struct wc_packet *packet = server->answered[i];

        if (packet->send_errno != 0 ||
            dvbcss_wc_follow_up(packet->bytes, packet->time_ns, packet->bytes) != 0)
            continue;
        if (packet->stamped)
            server->counters.stamped_follow_ups++;
        server->answered[kept++] = packet;
    }
    count = wc_socket_send(server->socket, server->answered, kept, false);
    server->counters.follow_ups += count;
    server->counters.send_failures += kept - count;
}

static void answer_batch(struct dvbcss_wc_server *server, unsigned received)
{
    unsigned count = prepare_answers(server, received);
    unsigned sent;

    stamp_answers(server, count);
    sent = wc_socket_send(server->socket, server->answered, count, server->follow_up);
    server->counters.answers += sent;
    server->counters.send_failures += count - sent;
    if (server->follow_up)
        send_follow_ups(server, count);
}

static void publish_counters(struct dvbcss_wc_server *server)
{
    struct dvbcss_wc_server_counters *counters = &server->counters;

    memcpy(counters->datagrams, server->responder.counts, sizeof counters->datagrams);
    counters->kernel_drops = wc_socket_kernel_drops(server->socket);
    wc_counters_publish(&server->published, counters);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static int start_polling(struct dvbcss_wc_server *server)
{
    return uv_poll_start(&server->poll, wc_socket_poll_events(server->socket), on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct dvbcss_wc_server *server = poll->data;
    unsigned received = WC_SOCKET_BATCH;

    if (status != 0) {
        /* libuv has stopped polling; nothing that a peer sends may make that last. */
        wc_socket_clear_error(server->socket);
        (void)start_polling(server);
    } else if (events & UV_PRIORITIZED) {
        /* Stamps of answers that were followed up without them. */
        wc_socket_transmit_times(server->socket, NULL, 0);
    }
    for (int turn = 0; turn < BATCHES_PER_TURN && received == WC_SOCKET_BATCH; turn++) {
        received = wc_socket_receive(server->socket, server->packets, WC_SOCKET_BATCH);
        if (received > 0)
            answer_batch(server, received);
    }
    publish_counters(server);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int set_up_responder(struct dvbcss_wc_server *server,
                            const struct dvbcss_wc_server_options *options)
{
    struct dvbcss_wc_responder_options responder = DVBCSS_WC_RESPONDER_OPTIONS_INIT;

    server->precision_s = options->precision_s;
    if (server->precision_s == 0.0)
        server->precision_s =
            dvbcss_measure_precision_s(server->now_ns, server->user, PRECISION_SAMPLES) +
            wc_socket_stamp_precision_s(server->socket, PRECISION_SAMPLES);
    responder.precision_s = server->precision_s;
    responder.max_freq_error_ppm = options->max_freq_error_ppm;
    responder.follow_up = options->follow_up;
    return dvbcss_wc_responder_init(&server->responder, &responder);
}

static int set_up_limit(struct dvbcss_wc_server *server, unsigned answers_per_s)
{
    uint64_t secret;

    if (answers_per_s == 0)
        return 0;
    if (uv_random(NULL, NULL, &secret, sizeof secret, 0, NULL) != 0)
        return DVBCSS_EIO;
    return wc_rate_limit_create(&server->limit, answers_per_s, secret);
}

static int open_socket(struct dvbcss_wc_server *server,
                       const struct dvbcss_wc_server_options *options)
{
    struct wc_socket_options socket = {
        .ipv6_only = options->ipv6_only,
        .reuse_port = options->reuse_port,
        .transmit_times = options->follow_up,
        .now_ns = server->now_ns,
        .user = server->user,
    };

    if (!options->address ||
        wc_address_parse(options->address, options->port, &socket.address) != 0)
        return DVBCSS_EINVAL;
    return wc_socket_open(&server->socket, &socket);
}

static void free_server(struct dvbcss_wc_server *server)
{
    wc_socket_close(server->socket);
    wc_rate_limit_destroy(server->limit);
    dvbcss_free(server);
}

static void on_closed(uv_handle_t *handle)
{
    struct dvbcss_wc_server *server = handle->data;
    dvbcss_wc_server_closed closed = server->closed;
    void *user = server->closed_user;

    free_server(server);
    if (closed)
        closed(user);
}

int dvbcss_wc_server_create(struct dvbcss_wc_server **out, uv_loop_t *loop,
                            const struct dvbcss_wc_server_options *options)
{
    static const struct dvbcss_wc_server_options defaults = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct dvbcss_wc_server *server = dvbcss_calloc(1, sizeof *server);
    int result;

    if (!server)
        return DVBCSS_ENOMEM;
    options = options ? options : &defaults;
    server->now_ns = options->now_ns ? options->now_ns : dvbcss_monotonic_ns;
    server->user = options->user;
    server->follow_up = options->follow_up;
    result = open_socket(server, options);
    if (result == 0)
        result = set_up_responder(server, options);
    if (result == 0)
        result = set_up_limit(server, options->answers_per_s);
    if (result == 0 && uv_poll_init(loop, &server->poll, wc_socket_descriptor(server->socket)) != 0)
        result = DVBCSS_EIO;
    if (result != 0) {
        free_server(server);
        return result;
    }
    server->poll.data = server;
    if (start_polling(server) != 0) {
        dvbcss_wc_server_close(server, NULL, NULL);
        return DVBCSS_EIO;
    }
    *out = server;
    return 0;
}

void dvbcss_wc_server_close(struct dvbcss_wc_server *server, dvbcss_wc_server_closed closed,
                            void *user)
{
    if (!server)
        return;
    server->closed = closed;
    server->closed_user = user;
    uv_close((uv_handle_t *)&server->poll, on_closed);
    /* At once, so that the port is free. */
    wc_socket_close(server->socket);
    server->socket = NULL;
}

/* ---- reading -------------------------------------------------------------------------------- */

uint16_t dvbcss_wc_server_port(const struct dvbcss_wc_server *server)
{
    return wc_address_port(wc_socket_address(server->socket));
}

int dvbcss_wc_server_address(const struct dvbcss_wc_server *server, char *text, size_t size)
{
    return wc_address_format(wc_socket_address(server->socket), text, size);
}

double dvbcss_wc_server_precision_s(const struct dvbcss_wc_server *server)
{
    return server->precision_s;
}

void dvbcss_wc_server_counters(const struct dvbcss_wc_server *server,
                               struct dvbcss_wc_server_counters *counters)
{
    wc_counters_read(&server->published, counters);
}
