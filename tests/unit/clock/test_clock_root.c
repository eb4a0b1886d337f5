#include "fixture.h"

TestSuite(root_clock, .fini = destroy_clocks);

Test(root_clock, shows_the_time_of_its_source_at_its_rate)
{
    struct dvbcss_clock *mhz = root_clock(1000000);
    struct dvbcss_clock *ghz = root_clock(1000000000);

    set_time_s(1234.5678);
    ASSERT_EQUAL(now_of(mhz), 1234567800.0);
    cr_assert_eq(dvbcss_clock_now_ns(mhz), INT64_C(1234567800000));
    set_time_s(19445.325);
    ASSERT_EQUAL(now_of(mhz), 19445325000.0);
    cr_assert_eq(dvbcss_clock_now(ghz).whole, INT64_C(19445325000000));
    cr_assert_eq(dvbcss_clock_rate(mhz).ticks, 1000000);
    cr_assert_eq(dvbcss_clock_rate(mhz).seconds, 1);
}

Test(root_clock, shows_what_lies_between_its_ticks)
{
    struct dvbcss_clock *khz = root_clock(1000);

    mock.now_ns = 1234567;
    ASSERT_EQUAL(now_of(khz), 1.234567);
}

Test(root_clock, tells_when_it_shows_a_time)
{
    struct dvbcss_clock *clock = root_clock(1000000);
    int64_t when_ns;

    cr_assert_eq(dvbcss_clock_when_ns(clock, dvbcss_ticks(91248752), &when_ns), 0);
    cr_assert_eq(when_ns, INT64_C(91248752000));
    cr_assert_eq(dvbcss_clock_when_ns(clock, dvbcss_ticks_from_double(0.0004), &when_ns), 0);
    cr_assert_eq(when_ns, 1, "the first whole nanosecond after it");
    cr_assert_eq(dvbcss_clock_when_ns(clock, dvbcss_ticks_from_double(-0.0004), &when_ns), 0);
    cr_assert_eq(when_ns, 0);
    when_ns = 7;
    cr_assert_eq(dvbcss_clock_when_ns(clock, dvbcss_ticks(INT64_MAX), &when_ns), DVBCSS_ERANGE);
    cr_assert_eq(when_ns, 7);
}

Test(root_clock, has_nothing_above_it)
{
    struct dvbcss_clock *clock = root_clock(1000000);
    struct dvbcss_ticks ticks = {7, 7};

    cr_assert_null(dvbcss_clock_parent(clock));
    cr_assert_eq(dvbcss_clock_root(clock), clock);
    cr_assert_eq(dvbcss_clock_to_parent(clock, dvbcss_ticks(1), &ticks), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_from_parent(clock, dvbcss_ticks(1), &ticks), DVBCSS_EINVAL);
    cr_assert_eq(ticks.whole, 7);
    ASSERT_EQUAL(to_root(clock, 12345), 12345.0);
    ASSERT_EQUAL(from_root(clock, 12345), 12345.0);
}

Test(root_clock, cannot_be_changed)
{
    struct dvbcss_clock *clock = root_clock(1000000);
    struct dvbcss_clock *other = root_clock(1000000);

    cr_assert(dvbcss_clock_available(clock));
    cr_assert_eq(dvbcss_clock_set_available(clock, false), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_available(clock, true), DVBCSS_EUNSUPPORTED);
    cr_assert(dvbcss_clock_available(clock));
    cr_assert_eq(dvbcss_clock_set_parent(clock, other), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 1.0), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_rate(clock, dvbcss_rate_hz(1)), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(0, 0)),
                 DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_rebase(clock, dvbcss_ticks(0)), DVBCSS_EUNSUPPORTED);
    ASSERT_EQUAL(dvbcss_clock_speed(clock), 1.0);
    cr_assert(isinf(dvbcss_clock_change_s(clock, dvbcss_correlation(0, 0), 1.0)));
}

Test(root_clock, measures_its_precision_when_it_is_made)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_clock *clock;

    options.now_ns = mock_time_read;
    options.user = &mock;
    mock.step_ns = 1000;
    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), 0);
    keep(clock);
    ASSERT_EQUAL(dvbcss_clock_root_precision_s(clock), 1e-6);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock)), 1e-6);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock) + 1e12), 1e-6);
    ASSERT_EQUAL(dvbcss_clock_root_max_freq_error_ppm(clock), 500.0);
}

static int64_t coarse_ns(void *user)
{
    struct mock_time *time = user;

    return mock_time_read(time) / 1000000 * 1000000;
}

Test(root_clock, precision_of_a_coarse_source_is_its_step)
{
    struct mock_time coarse = {0, 300, 0};

    ASSERT_EQUAL(dvbcss_measure_precision_s(coarse_ns, &coarse, 10), 1e-3);
}

Test(root_clock, precision_of_a_source_that_stands_still_or_runs_back_is_a_second)
{
    struct mock_time still = {5, 0, 0};
    struct mock_time back = {0, -5, 0};

    ASSERT_EQUAL(dvbcss_measure_precision_s(mock_time_read, &still, 10), 1.0);
    ASSERT_EQUAL(dvbcss_measure_precision_s(mock_time_read, &back, 10), 1.0);
}

Test(root_clock, refuses_options_that_make_no_clock)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_clock *clock = NULL;

    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), DVBCSS_EINVAL);
    options.now_ns = mock_time_read;
    options.user = &mock;
    options.rate.ticks = 0;
    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), DVBCSS_EINVAL);
    options.rate = dvbcss_rate_hz(1);
    options.rate.seconds = 0;
    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), DVBCSS_EINVAL);
    options.rate = dvbcss_rate_hz(1);
    options.precision_s = -1.0;
    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), DVBCSS_EINVAL);
    options.precision_s = NAN;
    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), DVBCSS_EINVAL);
    options.precision_s = 1e-6;
    options.max_freq_error_ppm = -1.0;
    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), DVBCSS_EINVAL);
    cr_assert_null(clock);
}
