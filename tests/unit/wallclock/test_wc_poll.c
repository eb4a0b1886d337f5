#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "dvbcss/wc_poll.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

/* A requester without jitter and burst, an estimator whose bound is what the round trip says, and a
 * policy. */
struct bench {
    int64_t now_ns;
    uint64_t random;
    struct dvbcss_clock *root, *wall_clock;
    struct dvbcss_wc_estimator *estimator;
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_poll poll;
};

static int64_t bench_now(void *user)
{
    const struct bench *bench = user;

    return bench->now_ns;
}

static struct dvbcss_wc_poll_options settings(void)
{
    struct dvbcss_wc_poll_options options = {S, 64 * S, 100 * MS, 0.001};

    return options;
}

static void setup(struct bench *bench, unsigned burst_count)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_requester_options requester = DVBCSS_WC_REQUESTER_OPTIONS_INIT;
    struct dvbcss_wc_estimator_options estimator = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct dvbcss_wc_poll_options options = settings();

    memset(bench, 0, sizeof *bench);
    bench->now_ns = 100 * S;
    root.now_ns = bench_now;
    root.user = bench;
    root.precision_s = 1e-9;
    root.max_freq_error_ppm = 100;
    requester.burst_count = burst_count;
    requester.jitter = 0;
    requester.local_precision_s = 1e-9;
    cr_assert_eq(dvbcss_root_clock_create(&bench->root, &root), 0);
    cr_assert_eq(dvbcss_tunable_clock_create(&bench->wall_clock, bench->root,
                                             dvbcss_rate_hz(1000000000), dvbcss_ticks(0)),
                 0);
    estimator.wall_clock = bench->wall_clock;
    cr_assert_eq(dvbcss_wc_most_recent_create(&bench->estimator, &estimator), 0);
    cr_assert_eq(dvbcss_wc_requester_create(&bench->requester, &requester), 0);
    cr_assert_eq(dvbcss_wc_poll_init(&bench->poll, &options), 0);
}

static void teardown(struct bench *bench)
{
    dvbcss_wc_requester_destroy(bench->requester);
    dvbcss_wc_estimator_destroy(bench->estimator);
    dvbcss_clock_destroy(bench->wall_clock);
    dvbcss_clock_destroy(bench->root);
}

/* Has the requester send now; it counts plans from here. */
static void send(struct bench *bench)
{
    struct dvbcss_wc_step step = {.action = DVBCSS_WC_WAIT};

    dvbcss_wc_requester_set_next(bench->requester, bench->now_ns);
    while (step.action != DVBCSS_WC_SEND)
        dvbcss_wc_requester_next(bench->requester, bench->now_ns, ++bench->random, &step);
}

/* After how long the requester sends next, if nothing else happens. */
static int64_t wait_ns(const struct bench *bench)
{
    struct dvbcss_wc_step step;
    int64_t at_ns = bench->now_ns;

    for (;;) {
        dvbcss_wc_requester_next(bench->requester, at_ns, 1000 + (uint64_t)at_ns, &step);
        if (step.action == DVBCSS_WC_SEND)
            return at_ns - bench->now_ns;
        if (step.action == DVBCSS_WC_WAIT)
            at_ns = step.wait_until_ns;
    }
}

static struct dvbcss_wc_candidate exchange(const struct bench *bench, int64_t rtt_ns)
{
    struct dvbcss_wc_candidate candidate = {.t1_ns = bench->now_ns - rtt_ns,
                                            .t2_ns = bench->now_ns - rtt_ns / 2,
                                            .t3_ns = bench->now_ns - rtt_ns / 2,
                                            .t4_ns = bench->now_ns,
                                            .server_precision_s = 1e-9,
                                            .server_max_freq_error_ppm = 100};

    return candidate;
}

/* An exchange of this round trip and what the policy makes of it; or a loss, for 0. */
static void plan(struct bench *bench, int64_t rtt_ns, struct dvbcss_wc_outcome outcome)
{
    struct dvbcss_wc_candidate candidate = exchange(bench, rtt_ns);

    send(bench);
    if (rtt_ns > 0)
        cr_assert_eq(dvbcss_wc_estimator_add(bench->estimator, &candidate, bench->now_ns, NULL), 0);
    dvbcss_wc_poll_plan(&bench->poll, bench->requester, bench->estimator,
                        rtt_ns > 0 ? &candidate : NULL, bench->now_ns, &outcome);
}

static const struct dvbcss_wc_outcome good = {.useful = true, .adjusted = true, .wait_ns = -1};
static const struct dvbcss_wc_outcome bad = {.wait_ns = -1};

static void assert_near(int64_t actual_ns, double expected_s)
{
    cr_assert_float_eq((double)actual_ns / 1e9, expected_s, 0.02 * expected_s, "%g s, not %g s",
                       (double)actual_ns / 1e9, expected_s);
}

Test(wc_poll, the_bound_grows_to_the_target_until_the_next_request)
{
    struct bench bench;

    setup(&bench, 0);
    /* From 0.2 ms at 200 ppm to 1 ms. */
    plan(&bench, 400000, good);
    assert_near(wait_ns(&bench), 4);
    teardown(&bench);
}

Test(wc_poll, where_the_target_is_out_of_reach_the_bound_doubles)
{
    struct bench bench;

    setup(&bench, 0);
    /* From 2 ms at 200 ppm to 4 ms. */
    plan(&bench, 4 * MS, good);
    assert_near(wait_ns(&bench), 10);
    teardown(&bench);
}

Test(wc_poll, floor_and_ceiling_limit_the_span)
{
    struct bench bench;
    struct dvbcss_wc_poll_options options = settings();

    setup(&bench, 0);
    options.target_s = 0;
    cr_assert_eq(dvbcss_wc_poll_init(&bench.poll, &options), 0);
    plan(&bench, 1000, good);
    assert_near(wait_ns(&bench), 1);
    options.target_s = 10;
    cr_assert_eq(dvbcss_wc_poll_init(&bench.poll, &options), 0);
    plan(&bench, 1000, good);
    assert_near(wait_ns(&bench), 64);
    teardown(&bench);
}

Test(wc_poll, a_candidate_that_did_not_help_does_not_hurry_the_next_request)
{
    struct bench bench;

    setup(&bench, 0);
    plan(&bench, 400000, good);
    plan(&bench, 400000, bad);
    assert_near(wait_ns(&bench), 4);
    teardown(&bench);
}

Test(wc_poll, one_bad_exchange_moves_the_span_by_a_little_only)
{
    struct bench bench;

    setup(&bench, 0);
    for (int i = 0; i < 20; i++)
        plan(&bench, 4 * MS, good);
    plan(&bench, 40 * MS, good);
    /* 2 ms and an eighth of the way to 20 ms. */
    assert_near(wait_ns(&bench), 4.25e-3 / 200e-6);
    plan(&bench, 4 * MS, good);
    assert_near(wait_ns(&bench), 10);
    teardown(&bench);
}

Test(wc_poll, after_losses_the_span_doubles_up_to_the_ceiling_and_an_answer_ends_it)
{
    struct bench bench;

    setup(&bench, 0);
    plan(&bench, 400000, good);
    for (int64_t span_ns = 100 * MS; span_ns < 64 * S; span_ns *= 2) {
        plan(&bench, 0, bad);
        assert_near(wait_ns(&bench), (double)span_ns / 1e9);
    }
    for (int i = 0; i < 3; i++) {
        plan(&bench, 0, bad);
        assert_near(wait_ns(&bench), 64);
    }
    plan(&bench, 400000, good);
    assert_near(wait_ns(&bench), 4);
    plan(&bench, 0, bad);
    assert_near(wait_ns(&bench), 0.1);
    teardown(&bench);
}

Test(wc_poll, what_is_doubted_is_checked_soon)
{
    struct bench bench;
    struct dvbcss_wc_outcome doubted = {.doubted = true, .wait_ns = -1};

    setup(&bench, 0);
    plan(&bench, 400000, doubted);
    assert_near(wait_ns(&bench), 0.1);
    teardown(&bench);
}

Test(wc_poll, a_jump_begins_a_burst_but_not_twice_within_ten_seconds)
{
    struct bench bench;
    struct dvbcss_wc_outcome jumped = {.useful = true, .jumped = true, .wait_ns = -1};

    setup(&bench, 4);
    plan(&bench, 400000, jumped);
    cr_assert_eq(wait_ns(&bench), 0);
    plan(&bench, 400000, jumped);
    assert_near(wait_ns(&bench), 4);
    bench.now_ns += 10 * S;
    plan(&bench, 400000, jumped);
    cr_assert_eq(wait_ns(&bench), 0);
    teardown(&bench);
}

Test(wc_poll, a_new_network_begins_a_burst)
{
    struct bench bench;

    setup(&bench, 4);
    plan(&bench, 40 * MS, good);
    dvbcss_wc_poll_restart(&bench.poll, bench.requester, bench.now_ns);
    cr_assert_eq(wait_ns(&bench), 0);
    /* What the old network was like is forgotten. */
    plan(&bench, 400000, good);
    assert_near(wait_ns(&bench), 4);
    teardown(&bench);
}

Test(wc_poll, the_estimators_own_wish_goes_first)
{
    struct bench bench;
    struct dvbcss_wc_outcome wish = {.useful = true, .wait_ns = 123 * MS};

    setup(&bench, 0);
    plan(&bench, 400000, wish);
    cr_assert_eq(wait_ns(&bench), 123 * MS);
    teardown(&bench);
}

Test(wc_poll, while_nothing_is_known_the_floor_holds)
{
    struct bench bench;
    struct dvbcss_wc_candidate candidate;

    setup(&bench, 0);
    send(&bench);
    candidate = exchange(&bench, MS);
    dvbcss_wc_poll_plan(&bench.poll, bench.requester, bench.estimator, &candidate, bench.now_ns,
                        &bad);
    assert_near(wait_ns(&bench), 1);
    teardown(&bench);
}

Test(wc_poll, options_out_of_range_are_refused)
{
    static const struct dvbcss_wc_poll_options wrong[] = {
        {0, S, S, 0},
        {S, S - 1, S, 0},
        {S, S, 0, 0},
        {S, DVBCSS_WC_SPAN_MAX_NS + 1, S, 0},
        {S, S, DVBCSS_WC_SPAN_MAX_NS + 1, 0},
        {S, S, S, -1},
        {S, S, S, INFINITY},
        {S, S, S, NAN},
    };
    struct dvbcss_wc_poll_options right = DVBCSS_WC_POLL_OPTIONS_INIT;
    struct dvbcss_wc_poll poll;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_eq(dvbcss_wc_poll_init(&poll, &wrong[i]), DVBCSS_EINVAL, "%zu", i);
    cr_expect_eq(dvbcss_wc_poll_init(&poll, &right), 0);
}
