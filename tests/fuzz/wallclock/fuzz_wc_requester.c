/*
 * A requester and an estimator through any sequence of datagrams, steps in time and plans. The
 * input is a list of operations, each a byte and what it needs; what is missing at the end is 0.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/wc_estimator.h"
#include "dvbcss/wc_poll.h"
#include "dvbcss/wc_requester.h"
#include "dvbcss/wc_tracking.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTSTANDING 4
#define END_OF_TIME_NS (INT64_C(1) << 62)

struct session {
    const uint8_t *data;
    size_t left;
    int64_t now_ns;
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_estimator *estimator;
    /* Whether the policy plans. */
    bool polls;
    struct dvbcss_wc_poll poll;
    struct dvbcss_clock *root, *wall_clock;
    struct dvbcss_wc_time last_originate;
    uint64_t received, candidates;
};

static void require(int condition)
{
    if (!condition)
        abort();
}

static uint64_t take(struct session *session, size_t bytes)
{
    uint64_t value = 0;

    if (bytes > session->left)
        bytes = session->left;
    memcpy(&value, session->data, bytes);
    session->data += bytes;
    session->left -= bytes;
    return value;
}

static int64_t session_now(void *user)
{
    const struct session *session = user;

    return session->now_ns;
}

/* Time only goes forward, and not past 146 years. */
static void pass_time(struct session *session, uint64_t span_ns)
{
    uint64_t room_ns = (uint64_t)(END_OF_TIME_NS - session->now_ns);

    session->now_ns += (int64_t)(span_ns < room_ns ? span_ns : room_ns);
}

static void estimate(struct session *session, const struct dvbcss_wc_candidate *candidate)
{
    struct dvbcss_wc_outcome outcome = {.wait_ns = -1};
    double bound_s;

    if (candidate) {
        session->candidates++;
        require(dvbcss_wc_candidate_possible(candidate, 1e-6, 500));
    }
    if (dvbcss_wc_estimator_add(session->estimator, candidate, session->now_ns, &outcome) != 0)
        require(!outcome.adjusted);
    if (session->polls)
        dvbcss_wc_poll_plan(&session->poll, session->requester, session->estimator, candidate,
                            session->now_ns, &outcome);
    else
        dvbcss_wc_requester_plan(session->requester, &outcome);
    require(dvbcss_clock_speed(session->wall_clock) > 0);
    require(dvbcss_wc_estimator_tick(session->estimator, session->now_ns) > session->now_ns);
    bound_s = dvbcss_wc_estimator_dispersion_s(session->estimator, session->now_ns);
    require(bound_s > 0);
    require(dvbcss_clock_available(session->wall_clock) == (bound_s <= 0.5));
    require(dvbcss_wc_estimator_worst_dispersion_s(session->estimator, session->now_ns) >= bound_s);
}

static void note_request(struct session *session, const struct dvbcss_wc_step *step)
{
    struct dvbcss_wc_message message;

    require(dvbcss_wc_message_decode(step->request, sizeof step->request, &message, NULL) == 0);
    require(message.type == DVBCSS_WC_REQUEST);
    require(message.originate.nanoseconds < 1000000000);
    require(dvbcss_wc_time_equal(message.originate, step->originate));
    session->last_originate = step->originate;
}

/* Does everything that is due; that must come to an end. */
static void act(struct session *session)
{
    for (int i = 0; i < 2 * OUTSTANDING + 2; i++) {
        struct dvbcss_wc_step step;

        dvbcss_wc_requester_next(session->requester, session->now_ns, take(session, 8), &step);
        switch (step.action) {
        case DVBCSS_WC_SEND:
            note_request(session, &step);
            break;
        case DVBCSS_WC_CANDIDATE:
            estimate(session, &step.candidate);
            break;
        case DVBCSS_WC_TIMEOUT:
            estimate(session, NULL);
            break;
        case DVBCSS_WC_WAIT:
            require(step.wait_until_ns >= session->now_ns);
            return;
        }
    }
    require(0);
}

static void receive(struct session *session, const uint8_t *bytes, size_t length, unsigned how)
{
    struct dvbcss_wc_arrival arrival = {bytes, length, session->now_ns, !(how & 1), how & 2};
    struct dvbcss_wc_candidate candidate;

    session->received++;
    if (dvbcss_wc_requester_received(session->requester, &arrival, &candidate) ==
        DVBCSS_WC_ACCEPTED)
        estimate(session, &candidate);
}

static void receive_raw(struct session *session)
{
    size_t length = take(session, 1);
    const uint8_t *bytes = session->data;

    if (length > session->left)
        length = session->left;
    session->data += length;
    session->left -= length;
    receive(session, bytes, length, 0);
}

/* An answer to the last request, with fields of the input's choice. */
static void receive_answer(struct session *session)
{
    unsigned how = (unsigned)take(session, 1);
    struct dvbcss_wc_message message = {
        .type = (enum dvbcss_wc_type)(how >> 2 & 3),
        .precision = (int8_t)take(session, 1),
        .max_freq_error = (uint32_t)take(session, 2),
        .originate = session->last_originate,
        .receive = {(uint32_t)take(session, 4), (uint32_t)take(session, 4)}};
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];

    message.transmit = message.receive;
    message.transmit.nanoseconds += (uint32_t)take(session, 2);
    require(dvbcss_wc_message_encode(&message, bytes) == 0);
    receive(session, bytes, sizeof bytes, how);
}

static void operate(struct session *session)
{
    switch (take(session, 1) % 9) {
    case 0:
        pass_time(session, take(session, 4));
        break;
    case 1:
        pass_time(session, take(session, 8));
        break;
    case 2:
        receive_raw(session);
        break;
    case 3:
    case 4:
        receive_answer(session);
        break;
    case 5:
        if (dvbcss_wc_requester_sent(session->requester, session->last_originate,
                                     session->now_ns - (int64_t)take(session, 3), true) != 0)
            dvbcss_wc_requester_set_next(session->requester, (int64_t)take(session, 8));
        break;
    case 6:
        dvbcss_wc_requester_plan(
            session->requester,
            &(struct dvbcss_wc_outcome){.useful = true, .wait_ns = (int64_t)take(session, 8)});
        break;
    case 7:
        if (dvbcss_wc_requester_set_interval(session->requester, (int64_t)take(session, 5),
                                             (int64_t)take(session, 4)) != 0)
            dvbcss_wc_requester_restart(session->requester);
        break;
    default:
        dvbcss_wc_estimator_reset(session->estimator);
        break;
    }
    act(session);
}

static void begin(struct session *session)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_requester_options requester = DVBCSS_WC_REQUESTER_OPTIONS_INIT;
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct dvbcss_wc_filter filter = dvbcss_wc_lowest_dispersion_filter();
    struct dvbcss_wc_poll_options poll = DVBCSS_WC_POLL_OPTIONS_INIT;
    uint64_t kind = take(session, 1) % 4;

    session->now_ns = (int64_t)(take(session, 8) >> 2);
    root.now_ns = session_now;
    root.user = session;
    root.precision_s = requester.local_precision_s;
    requester.outstanding = OUTSTANDING;
    requester.burst_count = 3;
    require(dvbcss_wc_requester_create(&session->requester, &requester) == 0);
    require(dvbcss_root_clock_create(&session->root, &root) == 0);
    require(dvbcss_tunable_clock_create(&session->wall_clock, session->root,
                                        dvbcss_rate_hz(1000000000), dvbcss_ticks(0)) == 0);
    options.wall_clock = session->wall_clock;
    options.max_dispersion_s = 0.5;
    if (kind == 0)
        require(dvbcss_wc_lowest_dispersion_create(&session->estimator, &options) == 0);
    else if (kind == 1)
        require(dvbcss_wc_most_recent_create(&session->estimator, &options) == 0);
    else if (kind == 2)
        require(dvbcss_wc_filter_predict_create(&session->estimator, &options, &filter, 1, NULL) ==
                0);
    else
        require(dvbcss_wc_tracking_create(&session->estimator, &options, NULL) == 0);
    session->polls = kind == 3;
    require(dvbcss_wc_poll_init(&session->poll, &poll) == 0);
}

/* Every datagram was counted once, and no request gave two candidates. */
static void check_counts(const struct session *session)
{
    const struct dvbcss_wc_requester_stats *stats = dvbcss_wc_requester_stats(session->requester);
    uint64_t verdicts = 0;

    for (int i = 0; i < DVBCSS_WC_VERDICT_COUNT; i++)
        verdicts += stats->verdicts[i];
    require(verdicts == session->received);
    require(session->candidates == stats->verdicts[DVBCSS_WC_ACCEPTED] + stats->follow_ups_missed);
    require(session->candidates <= stats->sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session session = {.data = data, .left = size};

    begin(&session);
    act(&session);
    while (session.left > 0)
        operate(&session);
    check_counts(&session);
    dvbcss_wc_requester_destroy(session.requester);
    dvbcss_wc_estimator_destroy(session.estimator);
    dvbcss_clock_destroy(session.wall_clock);
    dvbcss_clock_destroy(session.root);
    return 0;
}
