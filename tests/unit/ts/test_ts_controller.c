#include <math.h>

#include <criterion/criterion.h>

#include "dvbcss/ts_controller.h"

#define SECOND INT64_C(1000000000)

static int64_t program_time_ns;

static int64_t read_time(void *user)
{
    (void)user;
    return program_time_ns;
}

static struct dvbcss_clock *root;
static struct dvbcss_clock *wall;
static struct dvbcss_clock *timeline;
static struct dvbcss_ts_controller controller;

/* What listeners saw of the timeline clock. */
static struct {
    unsigned timing;
    unsigned availability;
    /* Ticks at the moment when it became available. */
    int64_t at_available;
} seen;

static void changed(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                    unsigned changes)
{
    (void)listener;
    seen.timing += (changes & DVBCSS_CLOCK_TIMING) != 0;
    seen.availability += (changes & DVBCSS_CLOCK_AVAILABILITY) != 0;
    if ((changes & DVBCSS_CLOCK_AVAILABILITY) && dvbcss_clock_available(clock))
        seen.at_available = dvbcss_clock_now(clock).whole;
}

static struct dvbcss_clock_listener listener = {.changed = changed};

static void begin(void)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    const struct dvbcss_ts_controller fresh = DVBCSS_TS_CONTROLLER_INIT;

    options.now_ns = read_time;
    options.precision_s = 1e-9;
    program_time_ns = 0;
    cr_assert_eq(dvbcss_root_clock_create(&root, &options), 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&wall, root, dvbcss_rate_hz(1000000000),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&timeline, wall, dvbcss_rate_hz(90000),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    controller = fresh;
    controller.timeline = timeline;
    controller.threshold_s = 0.001;
    cr_assert_eq(dvbcss_ts_controller_begin(&controller), 0);
    dvbcss_clock_listen(timeline, &listener);
    seen.timing = seen.availability = 0;
}

static void end(void)
{
    dvbcss_clock_unlisten(&listener);
    dvbcss_clock_destroy(timeline);
    dvbcss_clock_destroy(wall);
    dvbcss_clock_destroy(root);
}

TestSuite(ts_controller, .init = begin, .fini = end);

static unsigned apply(bool available, int64_t content, int64_t wall_ns, double speed)
{
    const struct dvbcss_ts_control_timestamp timestamp = {available, content, wall_ns, speed};
    unsigned effects = 77;

    cr_assert_eq(dvbcss_ts_controller_apply(&controller, &timestamp, &effects), 0);
    return effects;
}

Test(ts_controller, does_what_control_timestamps_mean)
{
    static const struct {
        bool available;
        int64_t content;
        int64_t wall_ns;
        double speed;
        unsigned effects;
    } steps[] = {
        {false, 0, 0, 0.0, 0},
        {true, 0, 0, 1.0, DVBCSS_TS_AVAILABLE},
        {true, 90000, SECOND, 1.0, 0},
        {true, 90050, SECOND, 1.0, 0}, /* 0.56 ms */
        {true, 90090, SECOND, 1.0, 0}, /* exactly 1 ms */
        {true, 90180, SECOND, 1.0, DVBCSS_TS_TIMING},
        {true, 90180, SECOND, 0.0, DVBCSS_TS_TIMING | DVBCSS_TS_SPEED},
        {true, 90181, 9 * SECOND, 0.0, 0},
        {true, 90580, 9 * SECOND, 0.0, DVBCSS_TS_TIMING},
        {false, 0, 10 * SECOND, 0.0, DVBCSS_TS_UNAVAILABLE},
        {false, 0, 11 * SECOND, 0.0, 0},
        {true, 5, 12 * SECOND, 2.0, DVBCSS_TS_TIMING | DVBCSS_TS_SPEED | DVBCSS_TS_AVAILABLE},
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        cr_assert_eq(apply(steps[i].available, steps[i].content, steps[i].wall_ns, steps[i].speed),
                     steps[i].effects, "step %zu", i);
        cr_assert_eq(dvbcss_clock_available(timeline), steps[i].available, "step %zu", i);
        cr_assert_eq(controller.latest.content_time_ticks, steps[i].content);
    }
    cr_assert_eq(dvbcss_clock_speed(timeline), 2.0);
}

Test(ts_controller, sets_the_time_before_the_clock_becomes_available)
{
    apply(true, 123456, 0, 1.0);
    cr_assert_eq(seen.timing, 1, "one notification for correlation and speed");
    cr_assert_eq(seen.availability, 1);
    cr_assert_eq(seen.at_available, 123456);
}

Test(ts_controller, follows_an_imperfect_wall_clock_rate)
{
    struct dvbcss_clock *coarse;
    struct dvbcss_clock *below;
    struct dvbcss_ts_controller other = DVBCSS_TS_CONTROLLER_INIT;
    const struct dvbcss_ts_control_timestamp timestamp = {true, 1000, SECOND, 1.0};
    unsigned effects;

    cr_assert_eq(dvbcss_correlated_clock_create(&coarse, root, dvbcss_rate_hz(1000),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&below, coarse, dvbcss_rate_hz(90000),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    other.timeline = below;
    cr_assert_eq(dvbcss_ts_controller_begin(&other), 0);
    cr_assert_eq(dvbcss_ts_controller_apply(&other, &timestamp, &effects), 0);
    cr_assert_eq(dvbcss_clock_correlation(below).parent.whole, 1000);
    dvbcss_clock_destroy(below);
    dvbcss_clock_destroy(coarse);
}

Test(ts_controller, losing_the_connection_is_losing_the_timeline)
{
    cr_assert_eq(dvbcss_ts_controller_lose(&controller), 0);
    apply(true, 0, 0, 1.0);
    cr_assert_eq(dvbcss_ts_controller_lose(&controller), DVBCSS_TS_UNAVAILABLE);
    cr_assert_not(dvbcss_clock_available(timeline));
    cr_assert_eq(dvbcss_ts_controller_lose(&controller), 0);
    cr_assert_eq(apply(true, 0, 0, 1.0), DVBCSS_TS_AVAILABLE);
}

Test(ts_controller, a_wall_clock_that_is_lost_does_not_confuse_it)
{
    apply(true, 0, 0, 1.0);
    cr_assert_eq(dvbcss_clock_set_available(wall, false), 0);
    cr_assert_not(dvbcss_clock_available(timeline));
    cr_assert_eq(apply(true, 0, 0, 1.0), 0, "the TV said nothing new");
    cr_assert_eq(dvbcss_clock_set_available(wall, true), 0);
    cr_assert(dvbcss_clock_available(timeline));
}

Test(ts_controller, a_speed_that_is_no_number_changes_nothing)
{
    const struct dvbcss_ts_control_timestamp timestamp = {true, 5, 5, NAN};
    unsigned effects = 77;

    apply(true, 0, 0, 1.0);
    cr_assert_eq(dvbcss_ts_controller_apply(&controller, &timestamp, &effects), DVBCSS_EINVAL);
    cr_assert_eq(effects, 77);
    cr_assert_eq(dvbcss_clock_speed(timeline), 1.0);
    cr_assert_eq(controller.latest.speed, 1.0);
}

Test(ts_controller, needs_a_clock_below_another)
{
    struct dvbcss_ts_controller wrong = DVBCSS_TS_CONTROLLER_INIT;

    cr_assert_eq(dvbcss_ts_controller_begin(&wrong), DVBCSS_EINVAL);
    wrong.timeline = root;
    cr_assert_eq(dvbcss_ts_controller_begin(&wrong), DVBCSS_EINVAL);
}

/* ---- reports --------------------------------------------------------------------------------- */

Test(ts_controller, reports_any_time_if_nothing_else_is_known)
{
    struct dvbcss_ts_presentation report;

    apply(true, 90580, 9 * SECOND, 0.0);
    cr_assert_eq(dvbcss_ts_controller_report(&controller, NULL, NULL, true, &report), 0);
    cr_assert_eq(report.earliest.content_time_ticks, 90580);
    cr_assert_eq(report.earliest.when, DVBCSS_TS_MINUS_INFINITY);
    cr_assert_eq(report.latest.content_time_ticks, 90580);
    cr_assert_eq(report.latest.when, DVBCSS_TS_PLUS_INFINITY);
    cr_assert(report.has_actual);
    cr_assert_eq(report.actual.content_time_ticks, 90580);
    cr_assert_eq(report.actual.when, DVBCSS_TS_AT);
    cr_assert_eq(report.actual.wall_clock_time_ns, 9 * SECOND);
    cr_assert_eq(dvbcss_ts_controller_report(&controller, NULL, NULL, false, &report), 0);
    cr_assert_not(report.has_actual);
}

Test(ts_controller, reports_nothing_actual_of_an_unavailable_timeline)
{
    struct dvbcss_ts_presentation report;

    cr_assert_eq(dvbcss_ts_controller_report(&controller, NULL, NULL, true, &report), 0);
    cr_assert_not(report.has_actual);
}

Test(ts_controller, reports_the_limits_that_clocks_state)
{
    struct dvbcss_clock *earliest;
    struct dvbcss_clock *latest;
    struct dvbcss_ts_presentation report;

    apply(true, 0, 0, 1.0);
    cr_assert_eq(dvbcss_correlated_clock_create(&earliest, wall, dvbcss_rate_hz(90000),
                                                dvbcss_correlation(10, 20), 1.0),
                 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&latest, wall, dvbcss_rate_hz(90000),
                                                dvbcss_correlation(30, 40), 1.0),
                 0);
    cr_assert_eq(dvbcss_ts_controller_report(&controller, earliest, latest, false, &report), 0);
    cr_assert_eq(report.earliest.when, DVBCSS_TS_AT);
    cr_assert_eq(report.earliest.content_time_ticks, 20);
    cr_assert_eq(report.earliest.wall_clock_time_ns, 10);
    cr_assert_eq(report.latest.content_time_ticks, 40);
    cr_assert_eq(report.latest.wall_clock_time_ns, 30);
    cr_assert_eq(dvbcss_clock_set_available(latest, false), 0);
    cr_assert_eq(dvbcss_ts_controller_report(&controller, NULL, latest, false, &report), 0);
    cr_assert_eq(report.earliest.when, DVBCSS_TS_MINUS_INFINITY);
    cr_assert_eq(report.latest.when, DVBCSS_TS_PLUS_INFINITY);
    dvbcss_clock_destroy(earliest);
    dvbcss_clock_destroy(latest);
}

Test(ts_controller, reports_only_clocks_below_the_same_wall_clock)
{
    struct dvbcss_clock *stranger;
    struct dvbcss_ts_presentation report;

    cr_assert_eq(dvbcss_correlated_clock_create(&stranger, root, dvbcss_rate_hz(90000),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    cr_assert_eq(dvbcss_ts_controller_report(&controller, stranger, NULL, false, &report),
                 DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_ts_controller_report(&controller, NULL, stranger, false, &report),
                 DVBCSS_EINVAL);
    dvbcss_clock_destroy(stranger);
}

Test(ts_controller, reports_a_point_between_ticks_as_a_whole_tick_on_the_same_line)
{
    struct dvbcss_correlation correlation = dvbcss_correlation(SECOND, 100);
    struct dvbcss_ts_presentation report;

    correlation.child.fraction = UINT64_C(1) << 63; /* 100.5 */
    cr_assert_eq(dvbcss_clock_set_correlation(timeline, correlation), 0);
    cr_assert_eq(dvbcss_clock_set_available(timeline, true), 0);
    cr_assert_eq(dvbcss_ts_controller_report(&controller, NULL, NULL, true, &report), 0);
    cr_assert_eq(report.actual.content_time_ticks, 100);
    cr_assert_eq(report.actual.wall_clock_time_ns, SECOND - 5556);
}
