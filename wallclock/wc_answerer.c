#include "wallclock/wc_answerer.h"

#include <string.h>
#include <uv.h>

#include "dvbcss/alloc.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc.h"
#include "wallclock/wc_counters.h"
#include "wallclock/wc_follow_ups.h"
#include "wallclock/wc_rate_limit.h"
#include "wallclock/wc_rehearsal.h"
#include "wallclock/wc_socket.h"

enum {
    /* Batches taken before whoever calls has its turn: about a millisecond's. */
    BATCHES_PER_TURN = 4,
    PRECISION_SAMPLES = 1000,
};

struct wc_answerer {
    struct wc_socket *socket;
    struct dvbcss_wc_responder responder;
    double precision_s;
    dvbcss_time_source now_ns;
    void *user;
    /* Either NULL for none. */
    struct wc_follow_ups *follow_ups;
    struct wc_rehearsal *rehearsal;
    /* NULL for no limit. */
    struct wc_rate_limit *limit;
    /* All but what responder and socket count themselves; they are added when it is published. */
    struct dvbcss_wc_server_counters counters;
    struct wc_counters published;
    /* What is being answered. */
    struct wc_packet packets[WC_SOCKET_BATCH];
    struct wc_packet *answered[WC_SOCKET_BATCH];
};

/* ---- answering ------------------------------------------------------------------------------ */

/* Turns the requests among the packets into answers that lack their transmit time. Returns how
 * many there are. */
static unsigned prepare_answers(struct wc_answerer *answerer, unsigned received)
{
    unsigned count = 0;

    for (unsigned i = 0; i < received; i++) {
        struct wc_packet *packet = &answerer->packets[i];

        if (dvbcss_wc_respond(&answerer->responder, packet->bytes, packet->length, packet->time_ns,
                              packet->time_ns, packet->bytes) != DVBCSS_WC_ANSWERED)
            continue;
        if (!packet->stamped)
            answerer->counters.unstamped++;
        if (answerer->limit &&
            !wc_rate_limit_passes(answerer->limit, &packet->peer, packet->time_ns)) {
            answerer->counters.limited++;
            continue;
        }
        packet->length = DVBCSS_WC_MESSAGE_SIZE;
        answerer->answered[count++] = packet;
    }
    return count;
}

/* The last thing before sending. */
static void stamp_answers(struct wc_answerer *answerer, unsigned count)
{
    int64_t transmit_ns = answerer->now_ns(answerer->user);

    for (unsigned i = 0; i < count; i++) {
        struct wc_packet *packet = answerer->answered[i];

        /* A time that cannot be expressed leaves that of arrival, which could. */
        if (dvbcss_wc_answer_set_transmit(packet->bytes, transmit_ns) == 0)
            packet->time_ns = transmit_ns;
    }
}

/* `lone`: nothing else came. Of several only the first finds the way through the kernel cold. */
static void answer_batch(struct wc_answerer *answerer, unsigned received, bool lone)
{
    unsigned count = prepare_answers(answerer, received);
    unsigned sent;

    if (lone && count > 0)
        wc_rehearse(answerer->rehearsal);
    stamp_answers(answerer, count);
    sent = wc_socket_send(answerer->socket, answerer->answered, count, answerer->follow_ups);
    answerer->counters.answers += sent;
    answerer->counters.send_failures += count - sent;
    if (answerer->follow_ups)
        wc_follow_ups_add(answerer->follow_ups, answerer->answered, count,
                          dvbcss_monotonic_ns(NULL));
}

static void publish_counters(struct wc_answerer *answerer)
{
    struct dvbcss_wc_server_counters *counters = &answerer->counters;

    memcpy(counters->datagrams, answerer->responder.counts, sizeof counters->datagrams);
    /* The responder knows no limit. */
    counters->datagrams[DVBCSS_WC_ANSWERED] -= counters->limited;
    counters->kernel_drops = wc_socket_kernel_drops(answerer->socket);
    wc_counters_publish(&answerer->published, counters);
}

void wc_answerer_turn(struct wc_answerer *answerer)
{
    unsigned received = WC_SOCKET_BATCH;

    for (int turn = 0; turn < BATCHES_PER_TURN && received == WC_SOCKET_BATCH; turn++) {
        received = wc_socket_receive(answerer->socket, answerer->packets, WC_SOCKET_BATCH);
        if (received > 0)
            answer_batch(answerer, received, turn == 0 && received == 1);
    }
    publish_counters(answerer);
}

void wc_answerer_follow_up(struct wc_answerer *answerer)
{
    if (answerer->follow_ups)
        wc_follow_ups_send_due(answerer->follow_ups, dvbcss_monotonic_ns(NULL));
    else
        /* Nothing is wanted of what the error queue holds, but that it holds nothing. */
        wc_socket_transmit_times(answerer->socket, NULL, 0);
    publish_counters(answerer);
}

int64_t wc_answerer_wait_ns(const struct wc_answerer *answerer)
{
    return answerer->follow_ups
               ? wc_follow_ups_wait_ns(answerer->follow_ups, dvbcss_monotonic_ns(NULL))
               : -1;
}

void wc_answerer_clear_error(struct wc_answerer *answerer)
{
    wc_socket_clear_error(answerer->socket);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int set_up_responder(struct wc_answerer *answerer,
                            const struct dvbcss_wc_server_options *options)
{
    struct dvbcss_wc_responder_options responder = DVBCSS_WC_RESPONDER_OPTIONS_INIT;

    answerer->precision_s = options->precision_s;
    if (answerer->precision_s == 0.0)
        answerer->precision_s =
            dvbcss_measure_precision_s(answerer->now_ns, answerer->user, PRECISION_SAMPLES) +
            wc_socket_stamp_precision_s(answerer->socket, PRECISION_SAMPLES);
    responder.precision_s = answerer->precision_s;
    responder.max_freq_error_ppm = options->max_freq_error_ppm;
    responder.follow_up = options->follow_up;
    return dvbcss_wc_responder_init(&answerer->responder, &responder);
}

static int set_up_limit(struct wc_answerer *answerer, unsigned answers_per_s)
{
    uint64_t secret;

    if (answers_per_s == 0)
        return 0;
    if (uv_random(NULL, NULL, &secret, sizeof secret, 0, NULL) != 0)
        return DVBCSS_EIO;
    return wc_rate_limit_create(&answerer->limit, answers_per_s, secret);
}

static int open_socket(struct wc_answerer *answerer, const struct dvbcss_wc_server_options *options)
{
    struct wc_socket_options socket = {
        .ipv6_only = options->ipv6_only,
        .reuse_port = options->reuse_port,
        .transmit_times = options->follow_up,
        .receive_buffer = DVBCSS_WC_SERVER_RECEIVE_BUFFER,
        .now_ns = answerer->now_ns,
        .user = answerer->user,
    };

    if (!options->address ||
        wc_address_parse(options->address, options->port, &socket.address) != 0)
        return DVBCSS_EINVAL;
    return wc_socket_open(&answerer->socket, &socket);
}

int wc_answerer_open(struct wc_answerer **out, const struct dvbcss_wc_server_options *options)
{
    struct wc_answerer *answerer = dvbcss_calloc(1, sizeof *answerer);
    int result;

    if (!answerer)
        return DVBCSS_ENOMEM;
    answerer->now_ns = options->now_ns ? options->now_ns : dvbcss_monotonic_ns;
    answerer->user = options->user;
    result = open_socket(answerer, options);
    if (result == 0)
        result = set_up_responder(answerer, options);
    if (result == 0)
        result = set_up_limit(answerer, options->answers_per_s);
    if (result == 0 && options->follow_up)
        result = wc_follow_ups_create(&answerer->follow_ups, answerer->socket, &answerer->counters);
    if (result == 0 && options->rehearse)
        result = wc_rehearsal_open(&answerer->rehearsal,
                                   wc_socket_address(answerer->socket)->any.sa_family);
    if (result != 0) {
        wc_answerer_close(answerer);
        return result;
    }
    *out = answerer;
    return 0;
}

void wc_answerer_close(struct wc_answerer *answerer)
{
    if (!answerer)
        return;
    wc_follow_ups_destroy(answerer->follow_ups);
    wc_socket_close(answerer->socket);
    wc_rehearsal_close(answerer->rehearsal);
    wc_rate_limit_destroy(answerer->limit);
    dvbcss_free(answerer);
}

/* ---- reading -------------------------------------------------------------------------------- */

int wc_answerer_descriptor(const struct wc_answerer *answerer)
{
    return wc_socket_descriptor(answerer->socket);
}

int wc_answerer_poll_events(const struct wc_answerer *answerer)
{
    return wc_socket_poll_events(answerer->socket);
}

const union wc_address *wc_answerer_address(const struct wc_answerer *answerer)
{
    return wc_socket_address(answerer->socket);
}

double wc_answerer_precision_s(const struct wc_answerer *answerer)
{
    return answerer->precision_s;
}

size_t wc_answerer_receive_buffer(const struct wc_answerer *answerer)
{
    return wc_socket_receive_buffer(answerer->socket);
}

void wc_answerer_counters(const struct wc_answerer *answerer,
                          struct dvbcss_wc_server_counters *counters)
{
    wc_counters_read(&answerer->published, counters);
}
