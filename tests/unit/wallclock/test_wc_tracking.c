#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "dvbcss/wc_tracking.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

/* ---- a local clock that is true, and a server that is not ----------------------------------- */

#define LOCAL_PPM 100.0
#define SERVER_PPM 50.0

struct bench {
    int64_t now_ns;
    int64_t server_epoch_ns;
    double server_ppm;
    struct dvbcss_clock *root, *wall_clock;
    struct dvbcss_wc_estimator *estimator;
    struct dvbcss_wc_adjustment last;
    unsigned adjustments;
    /* The most that an adjustment moved the wall clock at once. */
    int64_t largest_step_ns;
};

static int64_t bench_now(void *user)
{
    const struct bench *bench = user;

    return bench->now_ns;
}

static void note_adjustment(void *user, const struct dvbcss_wc_adjustment *adjustment)
{
    struct bench *bench = user;
    int64_t step_ns = dvbcss_ticks_round(adjustment->adjustment);

    bench->last = *adjustment;
    if (bench->adjustments++ > 0 && llabs(step_ns) > bench->largest_step_ns)
        bench->largest_step_ns = llabs(step_ns);
}

static void setup_with(struct bench *bench, struct dvbcss_rate wall_rate,
                       const struct dvbcss_wc_tracking_options *tracking)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;

    memset(bench, 0, sizeof *bench);
    bench->now_ns = 1000 * S;
    bench->server_epoch_ns = 5000 * S;
    root.now_ns = bench_now;
    root.user = bench;
    root.precision_s = 1e-9;
    root.max_freq_error_ppm = LOCAL_PPM;
    cr_assert_eq(dvbcss_root_clock_create(&bench->root, &root), 0);
    cr_assert_eq(
        dvbcss_tunable_clock_create(&bench->wall_clock, bench->root, wall_rate, dvbcss_ticks(0)),
        0);
    options.wall_clock = bench->wall_clock;
    options.adjusted = note_adjustment;
    options.user = bench;
    cr_assert_eq(dvbcss_wc_tracking_create(&bench->estimator, &options, tracking), 0);
}

static void setup(struct bench *bench)
{
    setup_with(bench, dvbcss_rate_hz(1000000000), NULL);
}

static void teardown(struct bench *bench)
{
    dvbcss_wc_estimator_destroy(bench->estimator);
    dvbcss_clock_destroy(bench->wall_clock);
    dvbcss_clock_destroy(bench->root);
}

static int64_t server_at(const struct bench *bench, int64_t local_ns)
{
    return local_ns + bench->server_epoch_ns +
           (int64_t)llround((double)(local_ns - 1000 * S) * bench->server_ppm * 1e-6);
}

/* An exchange that ends now and took so long each way. */
static struct dvbcss_wc_candidate exchange(const struct bench *bench, int64_t up_ns,
                                           int64_t down_ns)
{
    int64_t server_ns = server_at(bench, bench->now_ns - down_ns);
    struct dvbcss_wc_candidate candidate = {.t1_ns = bench->now_ns - down_ns - up_ns,
                                            .t2_ns = server_ns,
                                            .t3_ns = server_ns,
                                            .t4_ns = bench->now_ns,
                                            .server_precision_s = 1e-9,
                                            .server_max_freq_error_ppm = SERVER_PPM};

    return candidate;
}

static struct dvbcss_wc_outcome add(struct bench *bench, int64_t up_ns, int64_t down_ns)
{
    struct dvbcss_wc_candidate candidate = exchange(bench, up_ns, down_ns);
    struct dvbcss_wc_outcome outcome;

    cr_assert_eq(dvbcss_wc_estimator_add(bench->estimator, &candidate, bench->now_ns, &outcome), 0);
    return outcome;
}

/* Lets time pass, ending slews in time. */
static void pass(struct bench *bench, int64_t span_ns)
{
    int64_t end_ns = bench->now_ns + span_ns;

    for (;;) {
        int64_t next_ns = dvbcss_wc_estimator_tick(bench->estimator, bench->now_ns);

        if (next_ns > end_ns)
            break;
        bench->now_ns = next_ns;
    }
    bench->now_ns = end_ns;
}

static double error_ns(const struct bench *bench)
{
    return (double)(dvbcss_clock_now_ns(bench->wall_clock) - server_at(bench, bench->now_ns));
}

static double bound_ns(const struct bench *bench)
{
    return dvbcss_wc_estimator_dispersion_s(bench->estimator, bench->now_ns) * 1e9;
}

static void assert_covered(const struct bench *bench)
{
    cr_assert(fabs(error_ns(bench)) <= bound_ns(bench), "off by %g ns, claimed %g ns",
              error_ns(bench), bound_ns(bench));
}

static double frequency_ppm(const struct bench *bench)
{
    struct dvbcss_wc_estimator_stats stats;

    dvbcss_wc_estimator_stats(bench->estimator, bench->now_ns, &stats);
    return stats.frequency_ppm;
}

/* ---- the bound ------------------------------------------------------------------------------ */

Test(wc_tracking, the_first_exchange_gives_its_middle_and_half_its_round_trip)
{
    struct bench bench;
    struct dvbcss_wc_outcome outcome;

    setup(&bench);
    outcome = add(&bench, 3 * MS, 1 * MS);
    cr_assert(outcome.useful && outcome.adjusted);
    cr_assert(dvbcss_clock_available(bench.wall_clock));
    cr_assert_float_eq(error_ns(&bench), 1e6, 1e3);
    cr_assert_float_eq(bound_ns(&bench), 2e6, 1e3);
    teardown(&bench);
}

Test(wc_tracking, each_way_counts_for_itself)
{
    struct bench bench;

    setup(&bench);
    add(&bench, 1 * MS, 9 * MS);
    pass(&bench, 20 * MS);
    add(&bench, 9 * MS, 1 * MS);
    /* The shortest ways there and back, which no exchange had together, give 1 ms. */
    pass(&bench, 2 * S);
    add(&bench, 9 * MS, 9 * MS);
    pass(&bench, 2 * S);
    cr_assert_float_eq(error_ns(&bench), 0, 5e3);
    cr_assert_float_eq(bound_ns(&bench), 1e6 + 4 * 150e3, 10e3);
    teardown(&bench);
}

Test(wc_tracking, the_bound_holds_at_the_limits_of_what_was_declared)
{
    static const double limits_ppm[] = {SERVER_PPM + LOCAL_PPM, -SERVER_PPM - LOCAL_PPM};

    for (int i = 0; i < 2; i++) {
        struct bench bench;

        setup(&bench);
        bench.server_ppm = 0;
        for (int n = 0; n < 100; n++) {
            add(&bench, 100 * US, 100 * US);
            pass(&bench, S);
            assert_covered(&bench);
        }
        /* From now on it runs as differently as it may. */
        bench.server_epoch_ns = server_at(&bench, 1000 * S) - 1000 * S -
                                (int64_t)((double)(bench.now_ns - 1000 * S) * limits_ppm[i] * 1e-6);
        bench.server_ppm = limits_ppm[i];
        for (int n = 0; n < 1000; n++) {
            pass(&bench, S);
            assert_covered(&bench);
        }
        cr_assert(fabs(error_ns(&bench)) > 0.9 * bound_ns(&bench));
        teardown(&bench);
    }
}

Test(wc_tracking, delay_however_long_and_one_sided_cannot_drive_the_clock_away)
{
    struct bench bench;

    setup(&bench);
    for (int n = 0; n < 30; n++) {
        add(&bench, 1 * MS, 1 * MS);
        pass(&bench, S);
    }
    for (int n = 0; n < 60; n++) {
        add(&bench, (1 + n % 7 * 30) * MS, 2 * MS + n % 3 * MS);
        pass(&bench, S);
        assert_covered(&bench);
        cr_assert(fabs(error_ns(&bench)) < 0.2e6, "off by %g ns", error_ns(&bench));
    }
    teardown(&bench);
}

/* ---- steering ------------------------------------------------------------------------------- */

Test(wc_tracking, a_small_error_is_slewed_and_time_never_runs_backwards)
{
    struct bench bench;
    int64_t shown_ns;

    setup(&bench);
    add(&bench, 1 * MS, 8 * MS);
    pass(&bench, S);
    shown_ns = dvbcss_clock_now_ns(bench.wall_clock);
    cr_assert(error_ns(&bench) < -3e6);
    for (int n = 0; n < 4; n++) {
        /* Each time another middle within the limits. */
        add(&bench, n % 2 ? 3 * MS : 1 * MS, n % 2 ? 1 * MS : 3 * MS);
        for (int i = 0; i < 200; i++) {
            pass(&bench, 10 * MS);
            cr_assert(dvbcss_clock_now_ns(bench.wall_clock) > shown_ns);
            shown_ns = dvbcss_clock_now_ns(bench.wall_clock);
            assert_covered(&bench);
        }
    }
    cr_assert(bench.largest_step_ns <= 1, "stepped by %lld ns", (long long)bench.largest_step_ns);
    cr_assert_float_eq(error_ns(&bench), 0, 500e3);
    teardown(&bench);
}

Test(wc_tracking, a_slew_takes_the_time_that_was_set)
{
    struct bench bench;
    struct dvbcss_wc_tracking_options tracking = {0.004, 2.0};

    setup_with(&bench, dvbcss_rate_hz(1000000000), &tracking);
    add(&bench, 1 * MS, 5 * MS);
    pass(&bench, 5 * S);
    cr_assert_eq(dvbcss_clock_speed(bench.wall_clock), 1.0);
    add(&bench, 1 * MS, 1 * MS);
    cr_assert_float_eq(dvbcss_clock_speed(bench.wall_clock), 1.001, 1e-4);
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns), bench.now_ns + 2 * S);
    pass(&bench, 1 * S);
    cr_assert_float_eq(error_ns(&bench), -1e6, 0.1e6);
    pass(&bench, 1 * S);
    cr_assert_float_eq(error_ns(&bench), 0, 50e3);
    cr_assert_float_eq(dvbcss_clock_speed(bench.wall_clock), 1, 1e-4);
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns), INT64_MAX);
    teardown(&bench);
}

Test(wc_tracking, a_slew_that_nobody_ends_stays_within_the_bound)
{
    struct bench bench;

    setup(&bench);
    add(&bench, 1 * MS, 8 * MS);
    bench.now_ns += S;
    add(&bench, 1 * MS, 1 * MS);
    for (int n = 0; n < 100; n++) {
        bench.now_ns += S;
        assert_covered(&bench);
    }
    cr_assert(error_ns(&bench) > 100e6);
    teardown(&bench);
}

Test(wc_tracking, a_large_error_is_stepped)
{
    struct bench bench;

    setup(&bench);
    add(&bench, 1 * MS, 21 * MS);
    pass(&bench, S);
    add(&bench, 1 * MS, 1 * MS);
    cr_assert(bench.largest_step_ns > 9 * MS);
    cr_assert_float_eq(error_ns(&bench), 0, 100e3);
    teardown(&bench);
}

Test(wc_tracking, without_a_slew_every_error_is_stepped)
{
    struct bench bench;
    struct dvbcss_wc_tracking_options tracking = {0, 1.0};

    setup_with(&bench, dvbcss_rate_hz(1000000000), &tracking);
    add(&bench, 1 * MS, 3 * MS);
    pass(&bench, S);
    add(&bench, 1 * MS, 1 * MS);
    cr_assert_float_eq((double)bench.largest_step_ns, 1e6, 0.1e6);
    cr_assert_float_eq(error_ns(&bench), 0, 50e3);
    teardown(&bench);
}

Test(wc_tracking, the_frequency_is_measured_and_carries_the_clock_on)
{
    struct bench bench;

    setup(&bench);
    bench.server_ppm = 40;
    for (int n = 0; n < 120; n++) {
        add(&bench, 500 * US + n * 37 % 11 * 20 * US, 500 * US + n * 53 % 13 * 20 * US);
        pass(&bench, S);
        assert_covered(&bench);
    }
    cr_assert_float_eq(frequency_ppm(&bench), 40, 0.5);
    cr_assert_float_eq(dvbcss_clock_speed(bench.wall_clock), 1 + 40e-6, 1e-6);
    /* Without a single answer for a minute. */
    pass(&bench, 60 * S);
    cr_assert_float_eq(error_ns(&bench), 0, 100e3);
    teardown(&bench);
}

Test(wc_tracking, wall_clocks_of_other_rates_are_tracked_as_well)
{
    struct bench bench;

    setup_with(&bench, dvbcss_rate_hz(90000), NULL);
    bench.server_ppm = -30;
    for (int n = 0; n < 30; n++) {
        add(&bench, 200 * US, 200 * US);
        pass(&bench, S);
        assert_covered(&bench);
        if (n > 10)
            cr_assert_float_eq(error_ns(&bench), 0, 12e3);
    }
    teardown(&bench);
}

/* ---- changes -------------------------------------------------------------------------------- */

Test(wc_tracking, a_path_that_becomes_longer_one_way_does_not_move_the_clock)
{
    struct bench bench;

    setup(&bench);
    for (int n = 0; n < 400; n++) {
        add(&bench, 2 * MS + n * 37 % 11 * 20 * US, 2 * MS + n * 53 % 13 * 20 * US);
        pass(&bench, S);
    }
    for (int n = 0; n < 2000; n++) {
        add(&bench, 8 * MS + n * 37 % 11 * 20 * US, 2 * MS + n * 53 % 13 * 20 * US);
        pass(&bench, S);
        assert_covered(&bench);
        cr_assert(fabs(error_ns(&bench)) < 0.2e6, "off by %g ns after %d s", error_ns(&bench), n);
    }
    /* And back: the shorter path is believed as it is. */
    for (int n = 0; n < 400; n++) {
        add(&bench, 2 * MS + n * 37 % 11 * 20 * US, 2 * MS + n * 53 % 13 * 20 * US);
        pass(&bench, S);
        assert_covered(&bench);
        if (n > 1)
            cr_assert(fabs(error_ns(&bench)) < 0.2e6, "off by %g ns after %d s", error_ns(&bench),
                      n);
    }
    teardown(&bench);
}

Test(wc_tracking, a_server_that_jumped_is_believed_at_the_third_exchange)
{
    struct bench bench;
    struct dvbcss_wc_estimator_stats stats;

    setup(&bench);
    bench.server_ppm = 40;
    for (int n = 0; n < 60; n++) {
        add(&bench, 1 * MS, 1 * MS);
        pass(&bench, S);
    }
    bench.server_epoch_ns += 3 * MS;
    for (int n = 1; n <= 3; n++) {
        struct dvbcss_wc_outcome outcome = add(&bench, 1 * MS, 1 * MS);

        cr_assert_eq(outcome.doubted, n < 3);
        cr_assert_eq(outcome.jumped, n == 3);
        cr_assert_eq(outcome.adjusted, n == 3);
        pass(&bench, 10 * MS);
    }
    assert_covered(&bench);
    cr_assert_float_eq(error_ns(&bench), 0, 10e3);
    dvbcss_wc_estimator_stats(bench.estimator, bench.now_ns, &stats);
    cr_assert_eq(stats.exchanges, 63);
    cr_assert_eq(stats.doubted, 2);
    cr_assert_eq(stats.jumps, 1);
    teardown(&bench);
}

/* Five minutes of exchanges, 1 ms each way and a second apart, before a jump. */
static void settle(struct bench *bench)
{
    setup(bench);
    bench->server_ppm = 40;
    for (int n = 0; n < 300; n++) {
        add(bench, 1 * MS, 1 * MS);
        pass(bench, S);
    }
}

Test(wc_tracking, a_jump_of_more_than_half_a_round_trip_is_believed_at_the_third_exchange)
{
    static const int64_t jumps_ns[] = {1400 * US, 1900 * US, -1400 * US, -1900 * US};

    for (size_t i = 0; i < sizeof jumps_ns / sizeof jumps_ns[0]; i++) {
        struct bench bench;

        settle(&bench);
        bench.server_epoch_ns += jumps_ns[i];
        for (int n = 1; n <= 3; n++) {
            struct dvbcss_wc_outcome outcome = add(&bench, 1 * MS + n * 40 * US, 1 * MS);

            cr_assert_eq(outcome.jumped, n == 3, "a jump of %" PRId64 " ns", jumps_ns[i]);
            pass(&bench, 10 * MS);
        }
        assert_covered(&bench);
        cr_assert(fabs(error_ns(&bench)) < 0.1e6, "off by %g ns", error_ns(&bench));
        teardown(&bench);
    }
}

Test(wc_tracking, a_smaller_jump_stays_within_the_bound_and_is_followed_within_a_minute)
{
    static const int64_t jumps_ns[] = {600 * US, 1000 * US, -600 * US, -1000 * US};

    for (size_t i = 0; i < sizeof jumps_ns / sizeof jumps_ns[0]; i++) {
        struct bench bench;

        settle(&bench);
        bench.server_epoch_ns += jumps_ns[i];
        for (int n = 0; n < 120; n++) {
            struct dvbcss_wc_outcome outcome = add(&bench, 1 * MS, 1 * MS);

            cr_assert(!outcome.jumped && !outcome.doubted);
            assert_covered(&bench);
            pass(&bench, S);
            assert_covered(&bench);
            if (n > 60)
                cr_assert(fabs(error_ns(&bench)) < 0.05e6, "off by %g ns after %d s",
                          error_ns(&bench), n);
        }
        cr_assert_leq(bench.largest_step_ns, 1000, "it is slewed");
        teardown(&bench);
    }
}

Test(wc_tracking, a_server_that_declares_less_than_its_error_is_followed_nevertheless)
{
    struct bench bench;
    struct dvbcss_wc_estimator_stats stats;

    setup(&bench);
    bench.server_ppm = 400;
    for (int n = 0; n < 300; n++) {
        add(&bench, 200 * US, 200 * US);
        pass(&bench, S);
        cr_assert(fabs(error_ns(&bench)) < 3e6, "off by %g ns", error_ns(&bench));
    }
    dvbcss_wc_estimator_stats(bench.estimator, bench.now_ns, &stats);
    cr_assert(stats.jumps > 10, "that it lies shows");
    teardown(&bench);
}

Test(wc_tracking, after_a_sleep_the_first_exchange_sets_the_clock)
{
    struct bench bench;

    setup(&bench);
    for (int n = 0; n < 10; n++) {
        add(&bench, 1 * MS, 1 * MS);
        pass(&bench, S);
    }
    bench.server_epoch_ns += 600 * S;
    dvbcss_wc_estimator_reset(bench.estimator);
    cr_assert_not(dvbcss_clock_available(bench.wall_clock));
    cr_assert_eq(bound_ns(&bench), INFINITY);
    cr_assert_eq(frequency_ppm(&bench), 0);
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns), INT64_MAX);
    add(&bench, 1 * MS, 1 * MS);
    cr_assert(dvbcss_clock_available(bench.wall_clock));
    cr_assert_float_eq(error_ns(&bench), 0, 10e3);
    teardown(&bench);
}

/* ---- nonsense ------------------------------------------------------------------------------- */

Test(wc_tracking, nonsense_of_any_size_leaves_a_sane_clock)
{
    static const struct dvbcss_wc_candidate nonsense[] = {
        {0, INT64_MAX, INT64_MAX, 0, 1e38, 1.6e7, 0, 0},
        {0, 0, 0, INT64_MAX / 2, 1e-38, 0, 0, 0},
        {INT64_MIN, INT64_MAX, INT64_MAX, INT64_MIN, 1e38, 1.6e7, 1e30, 0},
        {INT64_MAX, INT64_MIN, INT64_MIN, INT64_MAX, 1e38, 1.6e7, 0, 0},
        {5000, 7000, 8000, 9000, 1e38, 1.6e7, 0, 0},
        {5000, 7000, 8000, 9000, 0, 0, 0, 0},
    };
    size_t count = sizeof nonsense / sizeof nonsense[0];

    for (size_t first = 0; first < count; first++) {
        struct bench bench;

        setup(&bench);
        for (size_t n = 0; n < 40; n++) {
            const struct dvbcss_wc_candidate *candidate = &nonsense[(first + n * n) % count];
            double bound;

            (void)!dvbcss_wc_estimator_add(bench.estimator, candidate, bench.now_ns, NULL);
            bound = bound_ns(&bench);
            cr_assert(bound > 0, "%g", bound);
            cr_assert(dvbcss_clock_speed(bench.wall_clock) > 0.9 &&
                      dvbcss_clock_speed(bench.wall_clock) < 1.1);
            cr_assert(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns) > bench.now_ns);
            bench.now_ns += S;
        }
        teardown(&bench);
    }
}

Test(wc_tracking, clocks_that_claim_to_be_perfect_are_tracked)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct bench bench = {.now_ns = 1000 * S, .server_epoch_ns = S};

    root.now_ns = bench_now;
    root.user = &bench;
    root.precision_s = 1e-9;
    root.max_freq_error_ppm = 0;
    cr_assert_eq(dvbcss_root_clock_create(&bench.root, &root), 0);
    cr_assert_eq(dvbcss_tunable_clock_create(&bench.wall_clock, bench.root,
                                             dvbcss_rate_hz(1000000000), dvbcss_ticks(0)),
                 0);
    options.wall_clock = bench.wall_clock;
    cr_assert_eq(dvbcss_wc_tracking_create(&bench.estimator, &options, NULL), 0);
    for (int n = 0; n < 30; n++) {
        struct dvbcss_wc_candidate candidate = exchange(&bench, MS, MS);

        candidate.server_max_freq_error_ppm = 0;
        cr_assert_eq(dvbcss_wc_estimator_add(bench.estimator, &candidate, bench.now_ns, NULL), 0);
        cr_assert_eq(dvbcss_clock_speed(bench.wall_clock), 1);
        assert_covered(&bench);
        pass(&bench, S);
    }
    teardown(&bench);
}

Test(wc_tracking, options_out_of_range_are_refused)
{
    static const struct dvbcss_wc_tracking_options wrong[] = {
        {-0.001, 1}, {0.6, 1}, {0, 0}, {0, 3601}, {NAN, 1}, {0.001, NAN}, {0.001, INFINITY},
    };
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct dvbcss_wc_estimator *estimator = NULL;
    struct bench bench;

    cr_expect_eq(dvbcss_wc_tracking_create(&estimator, &options, NULL), DVBCSS_EINVAL);
    setup(&bench);
    options.wall_clock = bench.root;
    cr_expect_eq(dvbcss_wc_tracking_create(&estimator, &options, NULL), DVBCSS_EINVAL);
    options.wall_clock = bench.wall_clock;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_eq(dvbcss_wc_tracking_create(&estimator, &options, &wrong[i]), DVBCSS_EINVAL,
                     "%zu", i);
    options.jump_candidates = 0;
    cr_expect_eq(dvbcss_wc_tracking_create(&estimator, &options, NULL), DVBCSS_EINVAL);
    cr_expect_null(estimator);
    cr_expect_str_eq(dvbcss_wc_estimator_name(bench.estimator), "tracking");
    teardown(&bench);
}

/* ---- statistics, which all estimators share ------------------------------------------------- */

Test(wc_tracking, statistics_tell_what_happened)
{
    struct bench bench;
    struct dvbcss_wc_estimator_stats stats;

    setup(&bench);
    dvbcss_wc_estimator_stats(bench.estimator, bench.now_ns, &stats);
    cr_assert_eq(stats.offset_ns, 0);
    cr_assert_eq(stats.dispersion_s, INFINITY);
    cr_assert_eq(dvbcss_wc_estimator_rtt_ns(bench.estimator, 0.5), -1);
    add(&bench, 1 * MS, 1 * MS);
    /* It narrows nothing: too slow, and too soon for the bound to have grown as much. */
    add(&bench, 4 * MS, 4 * MS);
    cr_assert_eq(dvbcss_wc_estimator_add(bench.estimator, NULL, bench.now_ns, NULL), 0);
    dvbcss_wc_estimator_stats(bench.estimator, bench.now_ns, &stats);
    cr_assert_float_eq((double)(stats.offset_ns - 5000 * S), 0, 1e3);
    cr_assert_eq(stats.dispersion_s, bound_ns(&bench) / 1e9);
    cr_assert_eq(stats.exchanges, 2);
    cr_assert_eq(stats.useful, 1);
    cr_assert_eq(stats.losses, 1);
    cr_assert_float_eq((double)dvbcss_wc_estimator_rtt_ns(bench.estimator, 0), 2e6, 2e6 / 16);
    cr_assert_float_eq((double)dvbcss_wc_estimator_rtt_ns(bench.estimator, 1), 8e6, 8e6 / 16);
    teardown(&bench);
}
