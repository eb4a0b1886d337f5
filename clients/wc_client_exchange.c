#include <string.h>

#include "clients/wc_client_internal.h"
#include "dvbcss/log.h"

enum {
    /* How often a batch is taken before the loop's other work has its turn. */
    BATCHES_PER_TURN = 4,
    /* Requests without an answer after which another address is tried. */
    PATIENCE = 5,
    RANDOM_RETRY_MS = 1000,
};

/* ---- asking --------------------------------------------------------------------------------- */

static void send_request(struct dvbcss_wc_client *client, const struct dvbcss_wc_step *step)
{
    struct wc_packet *request = &client->request;

    memset(request, 0, sizeof *request);
    memcpy(request->bytes, step->request, sizeof step->request);
    request->length = sizeof step->request;
    request->peer = *wc_client_server_address(client);
    client->originate = step->originate;
    request->time_ns = wc_client_local_ns(client);
    if (wc_socket_send(client->channel->socket, &request, 1, true) == 0) {
        client->send_failures++;
        wc_client_tell_trouble(client, DVBCSS_EIO, "cannot ask %s: %s", client->server.host,
                               uv_strerror(uv_translate_sys_error(request->send_errno)));
    }
}

/* Tells the requester when its last request left, if the kernel knows by now. */
static void take_transmit_time(struct dvbcss_wc_client *client)
{
    struct wc_packet *request = &client->request;
    bool due = request->stamp_due;

    wc_socket_transmit_times(client->channel->socket, &request, due);
    if (!request->stamped)
        return;
    if (dvbcss_wc_requester_sent(client->requester, client->originate, request->time_ns, true) != 0)
        dvbcss_log(DVBCSS_LOG_DEBUG, "wc-late-stamp", "the answer was faster than its stamp");
}

/* May call events, and so may close the client. */
static void estimate(struct dvbcss_wc_client *client, const struct dvbcss_wc_candidate *candidate,
                     int64_t now_ns, struct dvbcss_wc_outcome *outcome)
{
    /* Times that cannot be expressed are as good as no answer: the outcome stays "not useful". */
    if (dvbcss_wc_estimator_add(client->estimator, candidate, now_ns, outcome) != 0)
        dvbcss_log(DVBCSS_LOG_DEBUG, "wc-range", "%s tells times out of range",
                   client->server.host);
    if (client->closing)
        return;
    if (client->adaptive)
        dvbcss_wc_poll_plan(&client->poll, client->requester, client->estimator, candidate, now_ns,
                            outcome);
    else
        dvbcss_wc_requester_plan(client->requester, outcome);
}

void wc_client_ask_anew(struct dvbcss_wc_client *client)
{
    if (client->adaptive)
        dvbcss_wc_poll_restart(&client->poll, client->requester, wc_client_local_ns(client));
    else
        dvbcss_wc_requester_restart(client->requester);
}

static void count_exchange(struct dvbcss_wc_client *client,
                           const struct dvbcss_wc_exchange *exchange)
{
    client->exchanges++;
    if (exchange->outcome.useful)
        client->useful++;
    if (exchange->candidate.flags & DVBCSS_WC_USER_T4)
        client->unstamped++;
    client->rtt_last_ns = exchange->rtt_ns;
    if (client->rtt_min_ns < 0 || exchange->rtt_ns < client->rtt_min_ns)
        client->rtt_min_ns = exchange->rtt_ns > 0 ? exchange->rtt_ns : 0;
}

static void take_candidate(struct dvbcss_wc_client *client,
                           const struct dvbcss_wc_candidate *candidate)
{
    int64_t now_ns = wc_client_local_ns(client);
    struct dvbcss_wc_exchange exchange = {
        .candidate = *candidate,
        .offset_ns = dvbcss_wc_candidate_offset_ns(candidate),
        .rtt_ns = dvbcss_wc_candidate_rtt_ns(candidate),
        .outcome = {.wait_ns = -1},
    };

    wc_client_forget_trouble(client);
    if (client->replaced) {
        client->replaced = false;
        client->rtt_min_ns = -1;
        dvbcss_wc_estimator_reset(client->estimator);
    }
    if (!client->closing)
        estimate(client, candidate, now_ns, &exchange.outcome);
    if (client->closing)
        return;
    exchange.dispersion_s = dvbcss_wc_estimator_dispersion_s(client->estimator, now_ns);
    count_exchange(client, &exchange);
    if (client->events.exchange)
        client->events.exchange(client->user, &exchange);
}

static void take_timeout(struct dvbcss_wc_client *client)
{
    struct dvbcss_wc_outcome outcome = {.wait_ns = -1};

    estimate(client, NULL, wc_client_local_ns(client), &outcome);
    if (client->closing || ++client->silent % PATIENCE != 0)
        return;
    wc_client_look_elsewhere(client);
    /* If requests could not even be sent, that was told. */
    if (!client->closing && client->trouble == 0)
        wc_client_tell_trouble(client, DVBCSS_ETIMEDOUT, "no answer from %s", client->server.host);
}

/* Does what the requester wants done now. Returns when it wants to be asked again. */
static int64_t run_requester(struct dvbcss_wc_client *client)
{
    for (;;) {
        struct dvbcss_wc_step step;
        uint64_t random;

        if (client->closing || !client->channel)
            return INT64_MAX;
        /* Requests that can be guessed are worse than none. */
        if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL) != 0)
            return wc_client_local_ns(client) + RANDOM_RETRY_MS * (DVBCSS_NS_PER_S / 1000);
        dvbcss_wc_requester_next(client->requester, wc_client_local_ns(client), random, &step);
        switch (step.action) {
        case DVBCSS_WC_WAIT:
            return step.wait_until_ns;
        case DVBCSS_WC_SEND:
            send_request(client, &step);
            if (client->channel && client->request.send_errno == 0)
                take_transmit_time(client);
            break;
        case DVBCSS_WC_CANDIDATE:
            take_candidate(client, &step.candidate);
            break;
        case DVBCSS_WC_TIMEOUT:
            take_timeout(client);
            break;
        }
    }
}

static void on_work_timer(uv_timer_t *timer);

static void work(struct dvbcss_wc_client *client)
{
    int64_t next_ns = run_requester(client);
    int64_t now_ns;
    int64_t tick_ns;
    uint64_t wait_ms = 0;

    if (client->closing)
        return;
    now_ns = wc_client_local_ns(client);
    tick_ns = dvbcss_wc_estimator_tick(client->estimator, now_ns);
    if (client->closing)
        return;
    if (tick_ns < next_ns)
        next_ns = tick_ns;
    if (next_ns == INT64_MAX)
        return;
    if (next_ns > now_ns)
        wait_ms = ((uint64_t)(next_ns - now_ns) + 999999) / 1000000;
    (void)uv_timer_start(&client->work_timer, on_work_timer, wait_ms, 0);
}

static void on_work_timer(uv_timer_t *timer)
{
    struct dvbcss_wc_client *client = timer->data;

    wc_client_notice_sleep(client);
    if (!client->closing)
        work(client);
}

void wc_client_schedule_work(struct dvbcss_wc_client *client)
{
    (void)uv_timer_start(&client->work_timer, on_work_timer, 0, 0);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void take_packet(struct dvbcss_wc_client *client, const struct wc_packet *packet)
{
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_arrival arrival = {
        .bytes = packet->bytes,
        .length = packet->length,
        .t4_ns = packet->time_ns,
        .source_matches = wc_address_equal(&packet->peer, wc_client_server_address(client)),
        .kernel_stamp = packet->stamped,
    };

    if (dvbcss_wc_requester_received(client->requester, &arrival, &candidate) == DVBCSS_WC_ACCEPTED)
        take_candidate(client, &candidate);
}

/* Takes what has arrived, as long as no event closes the client or changes the socket. */
static void receive(struct wc_channel *channel)
{
    struct dvbcss_wc_client *client = channel->client;
    unsigned received = WC_CLIENT_BATCH;

    for (int turn = 0; turn < BATCHES_PER_TURN && received == WC_CLIENT_BATCH; turn++) {
        received = wc_socket_receive(channel->socket, client->packets, WC_CLIENT_BATCH);
        for (unsigned i = 0; i < received; i++) {
            take_packet(client, &client->packets[i]);
            if (client->channel != channel)
                return;
        }
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wc_channel *channel = poll->data;
    struct dvbcss_wc_client *client = channel->client;

    if (status != 0) {
        /* libuv has stopped polling; nothing on the network may make that last. */
        wc_socket_clear_error(channel->socket);
        (void)wc_client_start_polling(channel);
    }
    if (status != 0 || events & UV_PRIORITIZED)
        take_transmit_time(client);
    /* Before anything that came meanwhile is believed. */
    wc_client_notice_sleep(client);
    if (client->channel == channel)
        receive(channel);
    if (!client->closing)
        work(client);
}

int wc_client_start_polling(struct wc_channel *channel)
{
    return uv_poll_start(&channel->poll, wc_socket_poll_events(channel->socket), on_poll);
}
