#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "dvbcss/wc_requester.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

/* The server's wall clock is this far ahead of the local clock. */
#define SERVER_AHEAD (5 * S)

/* A requester without burst and jitter, on a perfect local clock, unless a test wants it else. */
static struct dvbcss_wc_requester_options plain_options(void)
{
    struct dvbcss_wc_requester_options options = DVBCSS_WC_REQUESTER_OPTIONS_INIT;

    options.burst_count = 0;
    options.jitter = 0;
    options.local_precision_s = 0;
    options.local_max_freq_error_ppm = 0;
    return options;
}

static struct dvbcss_wc_requester *make(const struct dvbcss_wc_requester_options *options)
{
    struct dvbcss_wc_requester *requester = NULL;

    cr_assert_eq(dvbcss_wc_requester_create(&requester, options), 0);
    return requester;
}

static struct dvbcss_wc_requester *make_plain(void)
{
    struct dvbcss_wc_requester_options options = plain_options();

    return make(&options);
}

/* Like a generator of random numbers, but each test sees the same ones. */
static uint64_t next_random(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state;
}

static struct dvbcss_wc_step next(struct dvbcss_wc_requester *requester, int64_t now_ns)
{
    struct dvbcss_wc_step step;

    memset(&step, 0x5a, sizeof step);
    dvbcss_wc_requester_next(requester, now_ns, next_random(), &step);
    return step;
}

static struct dvbcss_wc_time send_at(struct dvbcss_wc_requester *requester, int64_t now_ns)
{
    struct dvbcss_wc_step step = next(requester, now_ns);

    cr_assert_eq(step.action, DVBCSS_WC_SEND);
    return step.originate;
}

static void assert_waits_until(struct dvbcss_wc_requester *requester, int64_t now_ns,
                               int64_t until_ns)
{
    struct dvbcss_wc_step step = next(requester, now_ns);

    cr_assert_eq(step.action, DVBCSS_WC_WAIT);
    cr_assert_eq(step.wait_until_ns, until_ns, "until %lld", (long long)step.wait_until_ns);
}

/* An answer of a server whose clock is SERVER_AHEAD, received and sent at these local times. */
static struct dvbcss_wc_message answer(enum dvbcss_wc_type type, struct dvbcss_wc_time originate,
                                       int64_t received_ns, int64_t sent_ns)
{
    struct dvbcss_wc_message message = {
        .type = type, .precision = -20, .max_freq_error = 12800, .originate = originate};

    cr_assert_eq(dvbcss_wc_time_from_ns(received_ns + SERVER_AHEAD, &message.receive), 0);
    cr_assert_eq(dvbcss_wc_time_from_ns(sent_ns + SERVER_AHEAD, &message.transmit), 0);
    return message;
}

static enum dvbcss_wc_verdict receive(struct dvbcss_wc_requester *requester,
                                      struct dvbcss_wc_message message, int64_t t4_ns,
                                      struct dvbcss_wc_candidate *candidate)
{
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];
    struct dvbcss_wc_arrival arrival = {bytes, sizeof bytes, t4_ns, true, false};

    cr_assert_eq(dvbcss_wc_message_encode(&message, bytes), 0);
    return dvbcss_wc_requester_received(requester, &arrival, candidate);
}

static struct dvbcss_wc_outcome outcome(bool useful)
{
    return (struct dvbcss_wc_outcome){.useful = useful, .wait_ns = -1};
}

/* ---- requests ------------------------------------------------------------------------------- */

Test(wc_requester, the_first_request_goes_out_at_once_and_says_nothing_but_its_random_originate)
{
    struct dvbcss_wc_requester *requester = make_plain();
    uint8_t expected[DVBCSS_WC_MESSAGE_SIZE] = {0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x23, 0x45, 0x67};
    struct dvbcss_wc_step step;

    /* The lower half is scaled to a count of nanoseconds: 0x80000000 is half a second. */
    dvbcss_wc_requester_next(requester, 77 * S, UINT64_C(0x0123456780000000), &step);
    cr_assert_eq(step.action, DVBCSS_WC_SEND);
    cr_assert_eq(step.originate.seconds, 0x01234567);
    cr_assert_eq(step.originate.nanoseconds, 500000000);
    expected[12] = 0x1d;
    expected[13] = 0xcd;
    expected[14] = 0x65;
    expected[15] = 0x00;
    cr_assert_arr_eq(step.request, expected, sizeof expected);
    cr_assert_eq(dvbcss_wc_requester_stats(requester)->sent, 1);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, an_originate_is_always_below_a_second_and_never_repeats_while_remembered)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_step step;

    dvbcss_wc_requester_next(requester, 0, UINT64_MAX, &step);
    cr_assert_eq(step.originate.seconds, UINT32_MAX);
    cr_assert_eq(step.originate.nanoseconds, 999999999);
    dvbcss_wc_requester_set_next(requester, 1);
    dvbcss_wc_requester_next(requester, 1, UINT64_MAX, &step);
    cr_assert_eq(step.action, DVBCSS_WC_SEND);
    cr_assert_eq(step.originate.seconds, 0);
    cr_assert_eq(step.originate.nanoseconds, 999999999);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_time_of_sending_can_be_corrected_until_the_candidate_is_out)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(dvbcss_wc_requester_sent(requester, originate, 1000, true), 0);
    cr_assert_eq(receive(requester, answer(DVBCSS_WC_RESPONSE, originate, 1 * MS, 2 * MS), 3 * MS,
                         &candidate),
                 DVBCSS_WC_ACCEPTED);
    cr_assert_eq(candidate.t1_ns, 1000);
    cr_assert_eq(candidate.flags, DVBCSS_WC_USER_T4);
    cr_assert_eq(dvbcss_wc_requester_sent(requester, originate, 2000, true), DVBCSS_ENOENT);
    originate.seconds++;
    cr_assert_eq(dvbcss_wc_requester_sent(requester, originate, 2000, true), DVBCSS_ENOENT);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_time_of_sending_that_makes_the_held_answer_impossible_is_refused)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate unused;
    struct dvbcss_wc_step step;

    cr_assert_eq(receive(requester,
                         answer(DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, originate, 1 * MS, 2 * MS),
                         3 * MS, &unused),
                 DVBCSS_WC_PROMISED);
    cr_assert_eq(dvbcss_wc_requester_sent(requester, originate, 3 * MS, true), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_wc_requester_sent(requester, originate, 1 * MS, true), 0);
    step = next(requester, 203 * MS);
    cr_assert_eq(step.action, DVBCSS_WC_CANDIDATE);
    cr_assert_eq(step.candidate.t1_ns, 1 * MS);
    cr_assert_eq(step.candidate.flags, DVBCSS_WC_USER_T4);
    dvbcss_wc_requester_destroy(requester);
}

/* ---- answers -------------------------------------------------------------------------------- */

Test(wc_requester, a_plain_answer_is_a_candidate_at_once)
{
    struct dvbcss_wc_requester_options options = plain_options();
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_time originate;
    struct dvbcss_wc_candidate candidate;

    options.stamp_error_s = 1e-7;
    requester = make(&options);
    originate = send_at(requester, 10 * MS);
    cr_assert_eq(receive(requester, answer(DVBCSS_WC_RESPONSE, originate, 12 * MS, 13 * MS),
                         17 * MS, &candidate),
                 DVBCSS_WC_ACCEPTED);
    cr_assert_eq(candidate.t1_ns, 10 * MS);
    cr_assert_eq(candidate.t2_ns, 12 * MS + SERVER_AHEAD);
    cr_assert_eq(candidate.t3_ns, 13 * MS + SERVER_AHEAD);
    cr_assert_eq(candidate.t4_ns, 17 * MS);
    cr_assert_eq(candidate.server_precision_s, 0x1p-20);
    cr_assert_eq(candidate.server_max_freq_error_ppm, 50);
    cr_assert_eq(candidate.stamp_error_s, 1e-7);
    cr_assert_eq(candidate.flags, DVBCSS_WC_USER_T1 | DVBCSS_WC_USER_T4);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, datagrams_that_answer_nothing_are_rejected_and_counted_by_reason)
{
    static const struct {
        enum dvbcss_wc_verdict verdict;
        const char *name;
        bool source_matches;
        size_t length;
        uint8_t version, type, originate_flip;
        int64_t received_ns, sent_ns, t4_ns;
    } table[] = {
        {DVBCSS_WC_REJECTED_SOURCE, "source", false, 32, 0, 1, 0, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_LENGTH, "length", true, 0, 0, 1, 0, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_LENGTH, "length", true, 31, 0, 1, 0, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_LENGTH, "length", true, 33, 0, 1, 0, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_VERSION, "version", true, 32, 1, 1, 0, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_TYPE, "type", true, 32, 0, 0, 0, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_TYPE, "type", true, 32, 0, 4, 0, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_ORIGINATE, "originate", true, 32, 0, 1, 1, MS, MS, 2 * MS},
        {DVBCSS_WC_REJECTED_BACKWARDS, "backwards", true, 32, 0, 1, 0, MS, MS - 1, 2 * MS},
        {DVBCSS_WC_REJECTED_RTT, "rtt", true, 32, 0, 1, 0, MS, 4 * MS, 2 * MS},
        {DVBCSS_WC_REJECTED_RTT, "rtt", true, 32, 0, 2, 0, MS, 4 * MS, 2 * MS},
        {DVBCSS_WC_REJECTED_LATE, "late", true, 32, 0, 1, 0, MS, MS, S + 1},
    };
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct dvbcss_wc_message message =
            answer(DVBCSS_WC_RESPONSE, originate, table[i].received_ns, table[i].sent_ns);
        uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE + 1] = {0};
        struct dvbcss_wc_arrival arrival = {bytes, table[i].length, table[i].t4_ns,
                                            table[i].source_matches, false};
        const uint64_t *count = &dvbcss_wc_requester_stats(requester)->verdicts[table[i].verdict];
        uint64_t before = *count;

        cr_assert_eq(dvbcss_wc_message_encode(&message, bytes), 0);
        bytes[0] = table[i].version;
        bytes[1] = table[i].type;
        bytes[15] ^= table[i].originate_flip;
        candidate.t1_ns = 4711;
        cr_assert_eq(dvbcss_wc_requester_received(requester, &arrival, &candidate),
                     table[i].verdict, "row %zu", i);
        cr_assert_eq(*count, before + 1);
        cr_assert_str_eq(dvbcss_wc_verdict_name(table[i].verdict), table[i].name);
        cr_assert_eq(candidate.t1_ns, 4711, "not filled");
    }
    cr_assert_eq(
        receive(requester, answer(DVBCSS_WC_RESPONSE, originate, MS, MS), 2 * MS, &candidate),
        DVBCSS_WC_ACCEPTED, "none of them spoiled the exchange");
    cr_assert_str_eq(dvbcss_wc_verdict_name(DVBCSS_WC_VERDICT_COUNT), "?");
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, an_answer_that_comes_twice_is_used_once)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_message message = answer(DVBCSS_WC_RESPONSE, originate, MS, MS);
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(receive(requester, message, 2 * MS, &candidate), DVBCSS_WC_ACCEPTED);
    cr_assert_eq(receive(requester, message, 2 * MS, &candidate), DVBCSS_WC_REJECTED_DUPLICATE);
    cr_assert_eq(receive(requester, message, 20 * S, &candidate), DVBCSS_WC_REJECTED_DUPLICATE);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, an_answer_is_a_replay_also_after_its_request_was_forgotten)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_message first = {0};
    struct dvbcss_wc_candidate candidate;

    for (int i = 0; i < 1000; i++) {
        struct dvbcss_wc_message message =
            answer(DVBCSS_WC_RESPONSE, send_at(requester, i * S), i * S + MS, i * S + MS);

        if (i == 0)
            first = message;
        cr_assert_eq(receive(requester, message, i * S + 2 * MS, &candidate), DVBCSS_WC_ACCEPTED);
    }
    cr_assert_eq(receive(requester, first, 1000 * S, &candidate), DVBCSS_WC_REJECTED_ORIGINATE);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_flood_of_guesses_neither_fits_nor_hurts)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;

    for (int i = 0; i < 10000; i++) {
        uint64_t random = next_random();
        struct dvbcss_wc_time guess = {(uint32_t)(random >> 32), (uint32_t)random};

        cr_assert_eq(
            receive(requester, answer(DVBCSS_WC_RESPONSE, guess, MS, MS), 2 * MS, &candidate),
            DVBCSS_WC_REJECTED_ORIGINATE);
    }
    cr_assert_eq(
        receive(requester, answer(DVBCSS_WC_RESPONSE, originate, MS, MS), 2 * MS, &candidate),
        DVBCSS_WC_ACCEPTED);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_server_with_a_millisecond_clock_may_give_a_round_trip_below_zero)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_message message = answer(DVBCSS_WC_RESPONSE, originate, 0, MS);
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(receive(requester, message, MS / 5, &candidate), DVBCSS_WC_REJECTED_RTT);
    message.precision = -9;
    cr_assert_eq(receive(requester, message, MS / 5, &candidate), DVBCSS_WC_ACCEPTED);
    cr_assert_eq(dvbcss_wc_candidate_rtt_ns(&candidate), -4 * MS / 5);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, answers_out_of_order_find_their_requests)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originates[5];
    struct dvbcss_wc_candidate candidate;

    for (int i = 0; i < 5; i++) {
        originates[i] = send_at(requester, i * MS);
        dvbcss_wc_requester_set_next(requester, (i + 1) * MS);
    }
    for (int i = 4; i >= 0; i--) {
        cr_assert_eq(receive(requester, answer(DVBCSS_WC_RESPONSE, originates[i], 9 * MS, 9 * MS),
                             10 * MS, &candidate),
                     DVBCSS_WC_ACCEPTED);
        cr_assert_eq(candidate.t1_ns, i * MS);
    }
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_kernel_stamp_of_arrival_is_told_from_a_programs)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_message message = answer(DVBCSS_WC_RESPONSE, originate, MS, MS);
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];
    struct dvbcss_wc_arrival arrival = {bytes, sizeof bytes, 2 * MS, true, true};
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(dvbcss_wc_message_encode(&message, bytes), 0);
    cr_assert_eq(dvbcss_wc_requester_received(requester, &arrival, &candidate), DVBCSS_WC_ACCEPTED);
    cr_assert_eq(candidate.flags, DVBCSS_WC_USER_T1);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, quality_is_follow_up_then_plain_then_promise_and_older_requests_last)
{
    static const struct {
        enum dvbcss_wc_type type;
        bool older;
        int quality;
    } table[] = {
        {DVBCSS_WC_RESPONSE, false, 3},
        {DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, false, 2},
        {DVBCSS_WC_FOLLOW_UP, false, 4},
        {DVBCSS_WC_RESPONSE, true, -7},
        {DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, true, -8},
        {DVBCSS_WC_FOLLOW_UP, true, -6},
    };
    int quality = 42;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        cr_assert_eq(dvbcss_wc_answer_quality(table[i].type, table[i].older, &quality), 0);
        cr_assert_eq(quality, table[i].quality);
    }
    quality = 42;
    cr_assert_eq(dvbcss_wc_answer_quality(DVBCSS_WC_REQUEST, false, &quality), DVBCSS_EMESSAGETYPE);
    cr_assert_eq(dvbcss_wc_answer_quality((enum dvbcss_wc_type)4, false, &quality),
                 DVBCSS_EMESSAGETYPE);
    cr_assert_eq(quality, 42);
}

/* ---- follow-ups ----------------------------------------------------------------------------- */

Test(wc_requester, a_follow_up_tells_t3_but_t4_is_the_arrival_of_the_answer_before_it)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(receive(requester,
                         answer(DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, originate, 1 * MS, 2 * MS),
                         4 * MS, &candidate),
                 DVBCSS_WC_PROMISED);
    assert_waits_until(requester, 4 * MS, 204 * MS);
    cr_assert_eq(receive(requester, answer(DVBCSS_WC_FOLLOW_UP, originate, 1 * MS, 3 * MS),
                         104 * MS, &candidate),
                 DVBCSS_WC_ACCEPTED);
    cr_assert_eq(candidate.t3_ns, 3 * MS + SERVER_AHEAD);
    cr_assert_eq(candidate.t4_ns, 4 * MS);
    cr_assert_eq(dvbcss_wc_candidate_rtt_ns(&candidate), 2 * MS);
    cr_assert(candidate.flags & DVBCSS_WC_FOLLOWED_UP);
    assert_waits_until(requester, 300 * MS, S);
    cr_assert_eq(dvbcss_wc_requester_stats(requester)->timeouts, 0);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, an_answer_whose_follow_up_does_not_come_is_used_as_it_is)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_step step;

    cr_assert_eq(receive(requester,
                         answer(DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, originate, 1 * MS, 2 * MS),
                         4 * MS, &candidate),
                 DVBCSS_WC_PROMISED);
    assert_waits_until(requester, 204 * MS - 1, 204 * MS);
    step = next(requester, 204 * MS);
    cr_assert_eq(step.action, DVBCSS_WC_CANDIDATE);
    cr_assert_eq(step.candidate.t3_ns, 2 * MS + SERVER_AHEAD);
    cr_assert_eq(step.candidate.t4_ns, 4 * MS);
    cr_assert_not(step.candidate.flags & DVBCSS_WC_FOLLOWED_UP);
    cr_assert_eq(dvbcss_wc_requester_stats(requester)->follow_ups_missed, 1);
    cr_assert_eq(receive(requester, answer(DVBCSS_WC_FOLLOW_UP, originate, 1 * MS, 3 * MS),
                         205 * MS, &candidate),
                 DVBCSS_WC_REJECTED_DUPLICATE);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_follow_up_that_overtakes_its_answer_is_used_with_its_own_arrival)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(receive(requester, answer(DVBCSS_WC_FOLLOW_UP, originate, 1 * MS, 3 * MS), 5 * MS,
                         &candidate),
                 DVBCSS_WC_ACCEPTED);
    cr_assert_eq(candidate.t4_ns, 5 * MS);
    cr_assert_eq(receive(requester,
                         answer(DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, originate, 1 * MS, 2 * MS),
                         6 * MS, &candidate),
                 DVBCSS_WC_REJECTED_DUPLICATE);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_follow_up_with_its_own_time_of_sending_does_not_spoil_the_answer)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_step step;

    cr_assert_eq(receive(requester,
                         answer(DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, originate, 1 * MS, 2 * MS),
                         4 * MS, &candidate),
                 DVBCSS_WC_PROMISED);
    cr_assert_eq(receive(requester, answer(DVBCSS_WC_FOLLOW_UP, originate, 1 * MS, 9 * MS), 10 * MS,
                         &candidate),
                 DVBCSS_WC_REJECTED_RTT);
    step = next(requester, 204 * MS);
    cr_assert_eq(step.action, DVBCSS_WC_CANDIDATE);
    cr_assert_eq(step.candidate.t3_ns, 2 * MS + SERVER_AHEAD);
    dvbcss_wc_requester_destroy(requester);
}

/* ---- timeouts ------------------------------------------------------------------------------- */

Test(wc_requester, a_request_without_answer_is_reported_once)
{
    struct dvbcss_wc_requester *requester = make_plain();

    send_at(requester, 0);
    assert_waits_until(requester, 0, 200 * MS);
    cr_assert_eq(next(requester, 200 * MS).action, DVBCSS_WC_TIMEOUT);
    assert_waits_until(requester, 200 * MS, S);
    cr_assert_eq(dvbcss_wc_requester_stats(requester)->timeouts, 1);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, an_answer_after_the_timeout_is_usable_up_to_an_age)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_message message = answer(DVBCSS_WC_RESPONSE, originate, MS, MS);
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(next(requester, 200 * MS).action, DVBCSS_WC_TIMEOUT);
    cr_assert_eq(receive(requester, message, S + 1, &candidate), DVBCSS_WC_REJECTED_LATE);
    cr_assert_eq(receive(requester, message, S, &candidate), DVBCSS_WC_ACCEPTED);
    cr_assert(candidate.flags & DVBCSS_WC_LATE);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, no_more_requests_than_allowed_are_outstanding)
{
    struct dvbcss_wc_requester_options options = plain_options();
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_time first;

    options.outstanding = 2;
    requester = make(&options);
    first = send_at(requester, 0);
    dvbcss_wc_requester_set_next(requester, MS);
    send_at(requester, MS);
    dvbcss_wc_requester_set_next(requester, 2 * MS);
    assert_waits_until(requester, 2 * MS, 200 * MS);
    cr_assert_eq(receive(requester, answer(DVBCSS_WC_RESPONSE, first, MS, MS), 3 * MS, &candidate),
                 DVBCSS_WC_ACCEPTED);
    send_at(requester, 3 * MS);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_long_sleep_ends_every_exchange_and_then_asks_again)
{
    struct dvbcss_wc_requester_options options = plain_options();
    struct dvbcss_wc_requester *requester;

    options.burst_count = 5;
    requester = make(&options);
    for (int i = 0; i < 5; i++)
        send_at(requester, i * options.burst_spacing_ns);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(next(requester, 3600 * S).action, DVBCSS_WC_TIMEOUT);
    cr_assert_eq(next(requester, 3600 * S).action, DVBCSS_WC_SEND);
    cr_assert_eq(next(requester, 3600 * S).action, DVBCSS_WC_WAIT);
    dvbcss_wc_requester_destroy(requester);
}

/* ---- when to ask ---------------------------------------------------------------------------- */

Test(wc_requester, a_burst_opens_and_then_the_interval_holds)
{
    struct dvbcss_wc_requester_options options = plain_options();
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_outcome useful = outcome(true);
    int64_t now_ns = 0;

    options.burst_count = 3;
    options.burst_spacing_ns = 20 * MS;
    requester = make(&options);
    for (int i = 0; i < 3; i++) {
        struct dvbcss_wc_candidate candidate;
        struct dvbcss_wc_time originate = send_at(requester, now_ns);

        cr_assert_eq(receive(requester,
                             answer(DVBCSS_WC_RESPONSE, originate, now_ns + MS, now_ns + MS),
                             now_ns + 2 * MS, &candidate),
                     DVBCSS_WC_ACCEPTED);
        dvbcss_wc_requester_plan(requester, &useful);
        assert_waits_until(requester, now_ns + 2 * MS, i < 2 ? now_ns + 20 * MS : now_ns + S);
        now_ns += 20 * MS;
    }
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, what_did_not_help_is_asked_again_soon)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_outcome useless = outcome(false);
    struct dvbcss_wc_outcome useful = outcome(true);
    struct dvbcss_wc_outcome own = {.useful = true, .wait_ns = 7 * S};
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_time originate = send_at(requester, 0);

    receive(requester, answer(DVBCSS_WC_RESPONSE, originate, MS, MS), 50 * MS, &candidate);
    dvbcss_wc_requester_plan(requester, &useless);
    assert_waits_until(requester, 50 * MS, 200 * MS);
    dvbcss_wc_requester_plan(requester, &useful);
    assert_waits_until(requester, 50 * MS, S);
    dvbcss_wc_requester_plan(requester, &own);
    assert_waits_until(requester, 50 * MS, 7 * S);
    own.wait_ns = 0;
    dvbcss_wc_requester_plan(requester, &own);
    send_at(requester, 50 * MS);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, after_a_timeout_there_is_a_pause)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_outcome useless = outcome(false);

    send_at(requester, 0);
    cr_assert_eq(next(requester, 200 * MS).action, DVBCSS_WC_TIMEOUT);
    dvbcss_wc_requester_plan(requester, &useless);
    assert_waits_until(requester, 200 * MS, 400 * MS);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_late_answer_does_not_put_off_the_next_request)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_outcome useless = outcome(false);
    struct dvbcss_wc_outcome useful = outcome(true);
    struct dvbcss_wc_time originate = send_at(requester, 0);
    struct dvbcss_wc_candidate candidate;

    cr_assert_eq(next(requester, 200 * MS).action, DVBCSS_WC_TIMEOUT);
    dvbcss_wc_requester_plan(requester, &useless);
    send_at(requester, 400 * MS);
    receive(requester, answer(DVBCSS_WC_RESPONSE, originate, MS, MS), 550 * MS, &candidate);
    dvbcss_wc_requester_plan(requester, &useful);
    cr_assert_eq(next(requester, 600 * MS).action, DVBCSS_WC_TIMEOUT);
    dvbcss_wc_requester_plan(requester, &useful);
    assert_waits_until(requester, 600 * MS, 600 * MS + S);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, jitter_spreads_the_interval_evenly_on_both_sides)
{
    struct dvbcss_wc_requester_options options = plain_options();
    struct dvbcss_wc_requester *requester;
    int64_t now_ns = 0;
    int64_t least = INT64_MAX;
    int64_t most = 0;
    double sum = 0;

    options.jitter = 0.25;
    options.timeout_ns = options.usable_age_ns;
    requester = make(&options);
    send_at(requester, now_ns);
    for (int i = 0; i < 1000; i++) {
        struct dvbcss_wc_step step;
        int64_t sent_ns = now_ns;

        while ((step = next(requester, now_ns)).action != DVBCSS_WC_SEND)
            if (step.action == DVBCSS_WC_WAIT)
                now_ns = step.wait_until_ns;
        if (now_ns - sent_ns < least)
            least = now_ns - sent_ns;
        if (now_ns - sent_ns > most)
            most = now_ns - sent_ns;
        sum += (double)(now_ns - sent_ns);
    }
    cr_assert(least >= 750 * MS && least < 760 * MS);
    cr_assert(most <= 1250 * MS && most > 1240 * MS);
    cr_assert(fabs(sum / 1000 - 1e9) < 15e6);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, interval_and_next_request_can_be_set_at_any_time)
{
    struct dvbcss_wc_requester *requester = make_plain();
    struct dvbcss_wc_outcome useful = outcome(true);
    struct dvbcss_wc_outcome useless = outcome(false);
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_time originate = send_at(requester, 0);

    receive(requester, answer(DVBCSS_WC_RESPONSE, originate, MS, MS), 2 * MS, &candidate);
    cr_assert_eq(dvbcss_wc_requester_set_interval(requester, 32 * S, 16 * S), 0);
    dvbcss_wc_requester_plan(requester, &useful);
    assert_waits_until(requester, 2 * MS, 32 * S);
    dvbcss_wc_requester_plan(requester, &useless);
    assert_waits_until(requester, 2 * MS, 16 * S);
    dvbcss_wc_requester_set_next(requester, 5 * S);
    assert_waits_until(requester, 2 * MS, 5 * S);
    send_at(requester, 5 * S);
    cr_assert_eq(dvbcss_wc_requester_set_interval(requester, 0, S), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_wc_requester_set_interval(requester, S, -1), DVBCSS_EINVAL);
    dvbcss_wc_requester_destroy(requester);
}

Test(wc_requester, a_restart_forgets_every_request_and_bursts_anew)
{
    struct dvbcss_wc_requester_options options = plain_options();
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_time originate;

    options.burst_count = 2;
    requester = make(&options);
    originate = send_at(requester, 0);
    send_at(requester, 10 * MS);
    dvbcss_wc_requester_restart(requester);
    cr_assert_eq(
        receive(requester, answer(DVBCSS_WC_RESPONSE, originate, MS, MS), 11 * MS, &candidate),
        DVBCSS_WC_REJECTED_ORIGINATE);
    send_at(requester, 11 * MS);
    assert_waits_until(requester, 11 * MS, 21 * MS);
    send_at(requester, 21 * MS);
    assert_waits_until(requester, 21 * MS, 211 * MS);
    cr_assert_eq(dvbcss_wc_requester_stats(requester)->sent, 4);
    dvbcss_wc_requester_destroy(requester);
}

/* ---- options -------------------------------------------------------------------------------- */

static bool accepted(struct dvbcss_wc_requester_options options)
{
    struct dvbcss_wc_requester *requester = NULL;
    int error = dvbcss_wc_requester_create(&requester, &options);

    cr_assert(error == 0 || error == DVBCSS_EINVAL);
    cr_assert_eq(requester != NULL, error == 0);
    dvbcss_wc_requester_destroy(requester);
    return error == 0;
}

#define WITH(member, value)                                                                        \
    __extension__({                                                                                \
        struct dvbcss_wc_requester_options options = DVBCSS_WC_REQUESTER_OPTIONS_INIT;             \
        options.member = (value);                                                                  \
        options;                                                                                   \
    })

Test(wc_requester, options_out_of_their_range_are_refused)
{
    cr_assert(accepted(WITH(interval_ns, DVBCSS_WC_SPAN_MAX_NS)));
    cr_assert_not(accepted(WITH(interval_ns, DVBCSS_WC_SPAN_MAX_NS + 1)));
    cr_assert_not(accepted(WITH(interval_ns, 0)));
    cr_assert_not(accepted(WITH(retry_ns, -1)));
    cr_assert_not(accepted(WITH(timeout_ns, 0)));
    cr_assert_not(accepted(WITH(follow_up_wait_ns, 0)));
    cr_assert_not(accepted(WITH(usable_age_ns, 0)));
    cr_assert_not(accepted(WITH(burst_spacing_ns, 0)));
    cr_assert(accepted(WITH(jitter, 1)));
    cr_assert_not(accepted(WITH(jitter, 1.1)));
    cr_assert_not(accepted(WITH(jitter, NAN)));
    cr_assert_not(accepted(WITH(outstanding, 0)));
    cr_assert(accepted(WITH(outstanding, DVBCSS_WC_OUTSTANDING_MAX)));
    cr_assert_not(accepted(WITH(outstanding, DVBCSS_WC_OUTSTANDING_MAX + 1)));
    cr_assert_not(accepted(WITH(local_precision_s, -1)));
    cr_assert_not(accepted(WITH(local_precision_s, INFINITY)));
    cr_assert_not(accepted(WITH(local_max_freq_error_ppm, 1e6)));
    cr_assert_not(accepted(WITH(stamp_error_s, NAN)));
}
