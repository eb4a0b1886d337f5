#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "dvbcss/wc_estimator.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

/* ---- a wall clock to estimate --------------------------------------------------------------- */

struct bench {
    int64_t now_ns;
    struct dvbcss_clock *root;
    struct dvbcss_clock *wall_clock;
    struct dvbcss_wc_estimator *estimator;
    struct dvbcss_wc_adjustment last;
    unsigned adjustments;
};

static int64_t bench_now(void *user)
{
    const struct bench *bench = user;

    return bench->now_ns;
}

static void note_adjustment(void *user, const struct dvbcss_wc_adjustment *adjustment)
{
    struct bench *bench = user;

    bench->last = *adjustment;
    bench->adjustments++;
}

/* A local clock of 500 ppm and 1 us, and a wall clock below it. */
static void setup_rates(struct bench *bench, struct dvbcss_rate root_rate,
                        struct dvbcss_rate wall_rate)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;

    memset(bench, 0, sizeof *bench);
    options.now_ns = bench_now;
    options.user = bench;
    options.rate = root_rate;
    options.precision_s = 1e-6;
    cr_assert_eq(dvbcss_root_clock_create(&bench->root, &options), 0);
    cr_assert_eq(
        dvbcss_tunable_clock_create(&bench->wall_clock, bench->root, wall_rate, dvbcss_ticks(0)),
        0);
}

static struct dvbcss_wc_estimator_options setup(struct bench *bench)
{
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;

    setup_rates(bench, dvbcss_rate_hz(1000000000), dvbcss_rate_hz(1000000000));
    options.wall_clock = bench->wall_clock;
    options.adjusted = note_adjustment;
    options.user = bench;
    return options;
}

static void use_lowest_dispersion(struct bench *bench)
{
    struct dvbcss_wc_estimator_options options = setup(bench);

    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench->estimator, &options), 0);
}

static void teardown(struct bench *bench)
{
    dvbcss_wc_estimator_destroy(bench->estimator);
    dvbcss_clock_destroy(bench->wall_clock);
    dvbcss_clock_destroy(bench->root);
}

/* An exchange that ends now, with this round trip, of a server this far ahead. */
static struct dvbcss_wc_candidate exchange(const struct bench *bench, int64_t rtt_ns,
                                           int64_t ahead_ns)
{
    int64_t middle_ns = bench->now_ns - rtt_ns / 2;
    struct dvbcss_wc_candidate candidate = {.t1_ns = bench->now_ns - rtt_ns,
                                            .t2_ns = middle_ns + ahead_ns,
                                            .t3_ns = middle_ns + ahead_ns,
                                            .t4_ns = bench->now_ns,
                                            .server_precision_s = 1e-6,
                                            .server_max_freq_error_ppm = 500};

    return candidate;
}

static struct dvbcss_wc_outcome add(struct bench *bench,
                                    const struct dvbcss_wc_candidate *candidate)
{
    struct dvbcss_wc_outcome outcome;

    cr_assert_eq(dvbcss_wc_estimator_add(bench->estimator, candidate, bench->now_ns, &outcome), 0);
    return outcome;
}

/* Waits, makes an exchange and adds it. */
static struct dvbcss_wc_outcome after(struct bench *bench, int64_t wait_ns, int64_t rtt_ns,
                                      int64_t ahead_ns)
{
    struct dvbcss_wc_candidate candidate;

    bench->now_ns += wait_ns;
    candidate = exchange(bench, rtt_ns, ahead_ns);
    return add(bench, &candidate);
}

static double dispersion_s(const struct bench *bench)
{
    return dvbcss_wc_estimator_dispersion_s(bench->estimator, bench->now_ns);
}

static int64_t ahead(const struct bench *bench)
{
    return dvbcss_clock_now_ns(bench->wall_clock) - bench->now_ns;
}

static void assert_near(double actual, double expected, double tolerance)
{
    cr_assert(fabs(actual - expected) <= tolerance, "%.12g is not near %.12g", actual, expected);
}

/* ---- what all estimators share -------------------------------------------------------------- */

Test(wc_estimator, the_wall_clock_is_unknown_until_the_first_candidate)
{
    struct bench bench;
    struct dvbcss_wc_outcome outcome;

    use_lowest_dispersion(&bench);
    cr_assert_not(dvbcss_clock_available(bench.wall_clock));
    cr_assert_eq(dispersion_s(&bench), INFINITY);
    outcome = add(&bench, NULL);
    cr_assert_not(outcome.adjusted || outcome.useful || outcome.jumped);
    cr_assert_eq(outcome.wait_ns, -1);
    cr_assert_not(dvbcss_clock_available(bench.wall_clock));
    outcome = after(&bench, 10 * S, 4 * MS, 3 * S);
    cr_assert(outcome.adjusted && outcome.useful);
    cr_assert_not(outcome.jumped);
    cr_assert(dvbcss_clock_available(bench.wall_clock));
    cr_assert_eq(ahead(&bench), 3 * S);
    /* Half the round trip, two precisions, and 1000 ppm of half of it both in the error at the
     * midpoint and in its growth since. */
    assert_near(dispersion_s(&bench), 0.002 + 2e-6 + 2e-6 + 2e-6, 1e-8);
    assert_near(dvbcss_clock_dispersion_s(bench.wall_clock, dvbcss_clock_now(bench.wall_clock)),
                dispersion_s(&bench), 0);
    teardown(&bench);
}

Test(wc_estimator, the_bound_grows_by_both_frequency_errors_from_the_midpoint)
{
    struct bench bench;
    double at_first_s;

    use_lowest_dispersion(&bench);
    after(&bench, 0, 4 * MS, 0);
    at_first_s = dispersion_s(&bench);
    bench.now_ns += 10 * S;
    assert_near(dispersion_s(&bench) - at_first_s, 0.01, 1e-5);
    cr_assert(dispersion_s(&bench) - at_first_s >= 0.01);
    teardown(&bench);
}

Test(wc_estimator, every_adjustment_is_told_with_its_figures)
{
    struct bench bench;
    double old_s;

    use_lowest_dispersion(&bench);
    after(&bench, S, 4 * MS, 3 * S);
    cr_assert_eq(bench.adjustments, 1);
    cr_assert_eq(bench.last.old_dispersion_s, INFINITY);
    bench.now_ns += S;
    old_s = dispersion_s(&bench);
    after(&bench, 0, 2 * MS, 3 * S + 1000);
    cr_assert_eq(bench.adjustments, 2);
    cr_assert_eq(bench.last.at_ns, 2 * S);
    cr_assert_eq(bench.last.time.whole, 5 * S + 1000);
    cr_assert_eq(bench.last.adjustment.whole, 1000);
    cr_assert_eq(bench.last.old_dispersion_s, old_s);
    cr_assert_eq(bench.last.new_dispersion_s, dispersion_s(&bench));
    assert_near(bench.last.error_growth, 0.001, 1e-6);
    teardown(&bench);
}

Test(wc_estimator, the_worst_dispersion_peaks_right_before_an_adjustment)
{
    struct bench bench;
    double peak_s;

    use_lowest_dispersion(&bench);
    cr_assert_eq(dvbcss_wc_estimator_worst_dispersion_s(bench.estimator, 0), INFINITY);
    after(&bench, S, 4 * MS, 0);
    cr_assert_eq(dvbcss_wc_estimator_worst_dispersion_s(bench.estimator, bench.now_ns), INFINITY);
    bench.now_ns += 30 * S;
    peak_s = dispersion_s(&bench);
    after(&bench, 0, 4 * MS, 0);
    bench.now_ns += S;
    cr_assert(dispersion_s(&bench) < peak_s);
    cr_assert_eq(dvbcss_wc_estimator_worst_dispersion_s(bench.estimator, bench.now_ns), peak_s);
    cr_assert_eq(dvbcss_wc_estimator_worst_dispersion_s(bench.estimator, bench.now_ns),
                 dispersion_s(&bench), "it begins anew");
    bench.now_ns += S;
    cr_assert_eq(dvbcss_wc_estimator_worst_dispersion_s(bench.estimator, bench.now_ns),
                 dispersion_s(&bench), "and peaks at asking");
    teardown(&bench);
}

Test(wc_estimator, the_wall_clock_becomes_unavailable_when_its_bound_has_grown_too_far)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    int64_t end_ns;

    options.max_dispersion_s = 0.01;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), 0);
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, 0), INT64_MAX);
    after(&bench, S, 4 * MS, 0);
    end_ns = dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns);
    assert_near((double)(end_ns - bench.now_ns), 8e9, 1e7);
    bench.now_ns = end_ns - 1000;
    cr_assert_leq(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns), end_ns + 2);
    cr_assert(dvbcss_clock_available(bench.wall_clock));
    bench.now_ns = end_ns + 2;
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns), INT64_MAX);
    cr_assert_not(dvbcss_clock_available(bench.wall_clock));
    after(&bench, 0, 30 * MS, 0);
    cr_assert_not(dvbcss_clock_available(bench.wall_clock), "still too uncertain");
    after(&bench, 0, 4 * MS, 0);
    cr_assert(dvbcss_clock_available(bench.wall_clock));
    teardown(&bench);
}

Test(wc_estimator, without_a_setting_the_wall_clock_stays_available)
{
    struct bench bench;

    use_lowest_dispersion(&bench);
    after(&bench, S, 4 * MS, 0);
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns), INT64_MAX);
    bench.now_ns += 365 * (86400 * S);
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, bench.now_ns), INT64_MAX);
    cr_assert(dvbcss_clock_available(bench.wall_clock));
    teardown(&bench);
}

Test(wc_estimator, a_reset_forgets_the_server)
{
    struct bench bench;

    use_lowest_dispersion(&bench);
    after(&bench, S, 4 * MS, 3 * S);
    dvbcss_wc_estimator_reset(bench.estimator);
    cr_assert_not(dvbcss_clock_available(bench.wall_clock));
    cr_assert_eq(dispersion_s(&bench), INFINITY);
    after(&bench, S, 400 * MS, 77 * S);
    cr_assert_eq(ahead(&bench), 77 * S);
    teardown(&bench);
}

Test(wc_estimator, clocks_may_have_other_rates)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;

    setup_rates(&bench, dvbcss_rate_hz(1000000), dvbcss_rate_hz(90000));
    options.wall_clock = bench.wall_clock;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), 0);
    after(&bench, 10 * S, 4 * MS, 3 * S);
    cr_assert_eq(dvbcss_ticks_round(dvbcss_clock_now(bench.wall_clock)), 13 * 90000);
    assert_near(dispersion_s(&bench), 0.002006, 1e-8);
    teardown(&bench);
}

Test(wc_estimator, a_candidate_that_the_clocks_cannot_express_changes_nothing)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct dvbcss_wc_outcome untouched = {.wait_ns = 4711};
    struct dvbcss_wc_candidate candidate;

    setup_rates(&bench, dvbcss_rate_hz(1000000000), dvbcss_rate_hz(4000000000u));
    options.wall_clock = bench.wall_clock;
    cr_assert_eq(dvbcss_wc_most_recent_create(&bench.estimator, &options), 0);
    candidate = exchange(&bench, 0, INT64_C(4294967295000000000));
    cr_assert_eq(dvbcss_wc_estimator_add(bench.estimator, &candidate, 0, &untouched),
                 DVBCSS_ERANGE);
    cr_assert_eq(untouched.wait_ns, 4711);
    cr_assert_not(dvbcss_clock_available(bench.wall_clock));
    cr_assert_eq(dispersion_s(&bench), INFINITY);
    teardown(&bench);
}

Test(wc_estimator, wall_clocks_that_cannot_be_estimated_are_refused)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct dvbcss_clock *correlated;
    struct dvbcss_clock *fast;
    struct dvbcss_clock *below_fast;

    cr_assert_eq(dvbcss_correlated_clock_create(&correlated, bench.root, dvbcss_rate_hz(1000000000),
                                                dvbcss_correlation(0, 0), 1),
                 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&fast, bench.root, dvbcss_rate_hz(1000000000),
                                                dvbcss_correlation(0, 0), 2),
                 0);
    cr_assert_eq(
        dvbcss_tunable_clock_create(&below_fast, fast, dvbcss_rate_hz(1000000000), dvbcss_ticks(0)),
        0);
    options.max_dispersion_s = -1;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), DVBCSS_EINVAL);
    options.max_dispersion_s = 0;
    options.wall_clock = NULL;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), DVBCSS_EINVAL);
    options.wall_clock = bench.root;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), DVBCSS_EINVAL);
    options.wall_clock = correlated;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), DVBCSS_EINVAL);
    cr_assert(dvbcss_clock_available(correlated));
    options.wall_clock = below_fast;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), DVBCSS_EINVAL);
    cr_assert_null(bench.estimator);
    dvbcss_clock_destroy(correlated);
    dvbcss_clock_destroy(below_fast);
    dvbcss_clock_destroy(fast);
    teardown(&bench);
}

/* ---- which candidates are adopted ----------------------------------------------------------- */

Test(wc_estimator, lowest_dispersion_adopts_only_what_is_strictly_lower_at_the_same_instant)
{
    struct bench bench;
    struct dvbcss_wc_outcome outcome;

    use_lowest_dispersion(&bench);
    cr_assert_str_eq(dvbcss_wc_estimator_name(bench.estimator), "lowest-dispersion");
    cr_assert_eq(dvbcss_wc_estimator_wall_clock(bench.estimator), bench.wall_clock);
    after(&bench, S, 4 * MS, 0);
    outcome = after(&bench, 0, 4 * MS, 1000);
    cr_assert_not(outcome.adjusted || outcome.useful, "the same is not lower");
    outcome = after(&bench, 0, 5 * MS, 1000);
    cr_assert_not(outcome.adjusted || outcome.useful);
    outcome = after(&bench, S, 5 * MS, 1000);
    cr_assert(outcome.adjusted && outcome.useful, "the old one has aged by 1 ms");
    cr_assert_eq(ahead(&bench), 1000);
    teardown(&bench);
}

Test(wc_estimator, most_recent_adopts_each_candidate)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct dvbcss_wc_outcome outcome;

    cr_assert_eq(dvbcss_wc_most_recent_create(&bench.estimator, &options), 0);
    cr_assert_str_eq(dvbcss_wc_estimator_name(bench.estimator), "most-recent");
    after(&bench, S, 4 * MS, 0);
    outcome = after(&bench, 0, 40 * MS, 1000);
    cr_assert(outcome.adjusted && outcome.useful);
    cr_assert_eq(ahead(&bench), 1000);
    outcome = add(&bench, NULL);
    cr_assert_not(outcome.adjusted || outcome.useful);
    outcome = after(&bench, 0, 40 * MS, 99 * S);
    cr_assert(outcome.adjusted && outcome.jumped);
    cr_assert_eq(ahead(&bench), 99 * S);
    teardown(&bench);
}

/* ---- jumps ---------------------------------------------------------------------------------- */

Test(wc_estimator, the_third_candidate_in_a_row_that_contradicts_the_wall_clock_is_a_jump)
{
    struct bench bench;
    struct dvbcss_wc_outcome outcome;

    use_lowest_dispersion(&bench);
    after(&bench, S, 4 * MS, 0);
    for (int i = 0; i < 2; i++) {
        outcome = after(&bench, S, 10 * MS, -20 * S);
        cr_assert_not(outcome.jumped || outcome.adjusted || outcome.useful);
        cr_assert_eq(ahead(&bench), 0);
    }
    outcome = after(&bench, S, 10 * MS, -20 * S);
    cr_assert(outcome.jumped && outcome.adjusted && outcome.useful);
    cr_assert_eq(ahead(&bench), -20 * S);
    assert_near(dispersion_s(&bench), 0.005, 1e-4);
    cr_assert(dvbcss_clock_available(bench.wall_clock));
    outcome = after(&bench, S, MS, -20 * S);
    cr_assert(outcome.adjusted);
    cr_assert_not(outcome.jumped);
    teardown(&bench);
}

Test(wc_estimator, a_single_wild_candidate_is_not_used_however_good_it_claims_to_be)
{
    struct bench bench;

    use_lowest_dispersion(&bench);
    after(&bench, S, 40 * MS, 0);
    cr_assert_not(after(&bench, S, MS, 7 * S).adjusted);
    cr_assert_eq(ahead(&bench), 0);
    cr_assert(after(&bench, S, 4 * MS, 0).adjusted);
    cr_assert_not(after(&bench, S, MS, 7 * S).adjusted, "counting begins anew");
    cr_assert_not(after(&bench, S, MS, 7 * S).adjusted);
    cr_assert(after(&bench, S, MS, 7 * S).jumped);
    teardown(&bench);
}

Test(wc_estimator, wild_candidates_that_contradict_each_other_are_no_jump)
{
    struct bench bench;

    use_lowest_dispersion(&bench);
    after(&bench, S, 4 * MS, 0);
    for (int64_t i = 1; i < 20; i++)
        cr_assert_not(after(&bench, S, 4 * MS, i * S).adjusted);
    cr_assert_eq(ahead(&bench), 0);
    teardown(&bench);
}

Test(wc_estimator, a_difference_that_both_bounds_allow_is_no_contradiction)
{
    struct bench bench;
    struct dvbcss_wc_outcome outcome;

    use_lowest_dispersion(&bench);
    after(&bench, S, 4 * MS, 0);
    outcome = after(&bench, 0, 2 * MS, 2900000);
    cr_assert(outcome.adjusted);
    cr_assert_eq(ahead(&bench), 2900000);
    teardown(&bench);
}

Test(wc_estimator, noticing_jumps_can_be_left_out)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);

    options.jump_candidates = 0;
    cr_assert_eq(dvbcss_wc_lowest_dispersion_create(&bench.estimator, &options), 0);
    after(&bench, S, 4 * MS, 0);
    for (int i = 0; i < 10; i++)
        cr_assert_not(after(&bench, 1, 10 * MS, 20 * S).jumped);
    cr_assert_eq(ahead(&bench), 0);
    cr_assert(after(&bench, 1, 2 * MS, 20 * S).adjusted);
    cr_assert_eq(ahead(&bench), 20 * S);
    teardown(&bench);
}

/* ---- filter and predict --------------------------------------------------------------------- */

struct part {
    bool accepts;
    unsigned asked, resets, destroyed;
    double speed;
};

static bool part_accept(void *state, const struct dvbcss_wc_sample *sample)
{
    struct part *part = state;

    cr_assert_not_null(sample->candidate);
    part->asked++;
    return part->accepts;
}

static bool part_predict(void *state, const struct dvbcss_wc_sample *sample,
                         struct dvbcss_wc_prediction *prediction)
{
    struct part *part = state;

    part->asked++;
    *prediction = (struct dvbcss_wc_prediction){sample->claim, part->speed};
    return part->accepts;
}

static void part_reset(void *state)
{
    ((struct part *)state)->resets++;
}

static void part_destroy(void *state)
{
    ((struct part *)state)->destroyed++;
}

static struct dvbcss_wc_filter filter_of(struct part *part)
{
    return (struct dvbcss_wc_filter){part_accept, part_reset, part_destroy, part};
}

Test(wc_estimator, filters_are_asked_in_turn_until_one_refuses)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct part first = {.accepts = true};
    struct part second = {.accepts = false};
    struct part last = {.accepts = true, .speed = 1.0001};
    struct dvbcss_wc_filter filters[] = {filter_of(&first), filter_of(&second)};
    struct dvbcss_wc_predictor predictor = {part_predict, part_reset, part_destroy, &last};
    struct dvbcss_wc_outcome outcome;

    cr_assert_eq(
        dvbcss_wc_filter_predict_create(&bench.estimator, &options, filters, 2, &predictor), 0);
    cr_assert_str_eq(dvbcss_wc_estimator_name(bench.estimator), "filter-and-predict");
    cr_assert_not(add(&bench, NULL).useful);
    cr_assert_eq(first.asked, 0);
    outcome = after(&bench, S, 4 * MS, 0);
    cr_assert_not(outcome.useful || outcome.adjusted);
    cr_assert(first.asked == 1 && second.asked == 1 && last.asked == 0);
    second.accepts = true;
    outcome = after(&bench, S, 4 * MS, 0);
    cr_assert(outcome.useful && outcome.adjusted);
    cr_assert_eq(bench.adjustments, 1);
    cr_assert_eq(dvbcss_clock_speed(bench.wall_clock), 1.0001);
    last.accepts = false;
    outcome = after(&bench, S, 4 * MS, 0);
    cr_assert(outcome.useful);
    cr_assert_not(outcome.adjusted);
    dvbcss_wc_estimator_reset(bench.estimator);
    cr_assert(first.resets == 1 && second.resets == 1 && last.resets == 1);
    teardown(&bench);
    cr_assert(first.destroyed == 1 && second.destroyed == 1 && last.destroyed == 1);
}

Test(wc_estimator, the_supplied_filters_really_filter)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct dvbcss_wc_filter filters[2];

    cr_assert_eq(dvbcss_wc_rtt_filter_create(&filters[0], 10 * MS), 0);
    filters[1] = dvbcss_wc_lowest_dispersion_filter();
    cr_assert_eq(dvbcss_wc_filter_predict_create(&bench.estimator, &options, filters, 2, NULL), 0);
    cr_assert_not(after(&bench, S, 10 * MS + 2, 0).adjusted, "too long a round trip");
    cr_assert(after(&bench, S, 10 * MS, 0).adjusted);
    cr_assert_not(after(&bench, 0, 10 * MS, 0).adjusted, "not better");
    cr_assert(after(&bench, 0, 8 * MS, 1000).adjusted);
    cr_assert_eq(ahead(&bench), 1000);
    teardown(&bench);
}

Test(wc_estimator, a_jump_is_noticed_behind_a_filter_that_would_never_let_it_through)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct dvbcss_wc_filter filter = dvbcss_wc_lowest_dispersion_filter();

    cr_assert_eq(dvbcss_wc_filter_predict_create(&bench.estimator, &options, &filter, 1, NULL), 0);
    after(&bench, S, MS, 0);
    after(&bench, 1, 50 * MS, 9 * S);
    after(&bench, 1, 50 * MS, 9 * S);
    cr_assert(after(&bench, 1, 50 * MS, 9 * S).jumped);
    cr_assert_eq(ahead(&bench), 9 * S);
    teardown(&bench);
}

Test(wc_estimator, parts_without_their_function_are_refused_and_stay_the_callers)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct part part = {.accepts = true};
    struct dvbcss_wc_filter filters[] = {filter_of(&part), {NULL, NULL, NULL, NULL}};
    struct dvbcss_wc_predictor predictor = {NULL, NULL, NULL, NULL};

    cr_assert_eq(dvbcss_wc_filter_predict_create(&bench.estimator, &options, filters, 2, NULL),
                 DVBCSS_EINVAL);
    cr_assert_eq(
        dvbcss_wc_filter_predict_create(&bench.estimator, &options, filters, 1, &predictor),
        DVBCSS_EINVAL);
    options.wall_clock = bench.root;
    cr_assert_eq(dvbcss_wc_filter_predict_create(&bench.estimator, &options, filters, 1, NULL),
                 DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_wc_rtt_filter_create(&filters[1], -1), DVBCSS_EINVAL);
    cr_assert_eq(part.destroyed, 0);
    teardown(&bench);
}

/* ---- estimators of the program's own -------------------------------------------------------- */

struct steering {
    int error;
    int64_t next_tick_ns;
};

static int steering_add(void *state, struct dvbcss_wc_estimator *estimator,
                        const struct dvbcss_wc_sample *sample, struct dvbcss_wc_outcome *outcome)
{
    const struct steering *steering = state;

    outcome->wait_ns = 5 * S;
    if (steering->error)
        return steering->error;
    return dvbcss_wc_estimator_adopt(estimator, sample->claim, 1.0005, sample->now_ns);
}

/* Ends the correction of the speed. */
static int64_t steering_tick(void *state, struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    const struct steering *steering = state;
    struct dvbcss_clock *clock = dvbcss_wc_estimator_wall_clock(estimator);
    struct dvbcss_correlation line = dvbcss_clock_correlation(clock);

    if (now_ns >= steering->next_tick_ns) {
        cr_assert_eq(dvbcss_wc_estimator_adopt(estimator, line, 1.0, now_ns), 0);
        return INT64_MAX;
    }
    return steering->next_tick_ns;
}

static const struct dvbcss_wc_estimator_ops steering_ops = {
    .name = "steering", .add = steering_add, .tick = steering_tick};

Test(wc_estimator, a_program_can_bring_an_estimator_that_steers_between_candidates)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct steering steering = {0, 4 * S};
    struct dvbcss_wc_outcome outcome;

    cr_assert_eq(dvbcss_wc_estimator_create(&bench.estimator, &options, &steering_ops, &steering),
                 0);
    outcome = after(&bench, S, 4 * MS, 0);
    cr_assert(outcome.adjusted);
    cr_assert_eq(outcome.wait_ns, 5 * S);
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, 2 * S), 4 * S);
    cr_assert_eq(dvbcss_clock_speed(bench.wall_clock), 1.0005);
    bench.now_ns = 4 * S;
    cr_assert_eq(dvbcss_wc_estimator_tick(bench.estimator, 4 * S), INT64_MAX);
    cr_assert_eq(dvbcss_clock_speed(bench.wall_clock), 1.0);
    cr_assert_eq(bench.adjustments, 2);
    teardown(&bench);
}

Test(wc_estimator, an_error_of_a_programs_estimator_is_handed_on)
{
    struct bench bench;
    struct dvbcss_wc_estimator_options options = setup(&bench);
    struct steering steering = {DVBCSS_ESTATE, 0};
    struct dvbcss_wc_estimator_ops unnamed = steering_ops;
    struct dvbcss_wc_candidate candidate;

    unnamed.name = NULL;
    cr_assert_eq(dvbcss_wc_estimator_create(&bench.estimator, &options, &unnamed, &steering),
                 DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_wc_estimator_create(&bench.estimator, &options, &steering_ops, &steering),
                 0);
    candidate = exchange(&bench, 4 * MS, 0);
    cr_assert_eq(dvbcss_wc_estimator_add(bench.estimator, &candidate, 0, NULL), DVBCSS_ESTATE);
    teardown(&bench);
}

Test(wc_estimator, a_line_that_is_none_is_not_adopted)
{
    struct bench bench;
    struct dvbcss_correlation line = dvbcss_correlation(0, 0);

    use_lowest_dispersion(&bench);
    cr_assert_eq(dvbcss_wc_estimator_adopt(bench.estimator, line, NAN, 0), DVBCSS_EINVAL);
    line.initial_error_s = -1;
    cr_assert_eq(dvbcss_wc_estimator_adopt(bench.estimator, line, 1, 0), DVBCSS_EINVAL);
    cr_assert_eq(bench.adjustments, 0);
    cr_assert_eq(dispersion_s(&bench), INFINITY);
    teardown(&bench);
}
