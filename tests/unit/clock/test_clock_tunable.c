#include "fixture.h"

TestSuite(tunable, .fini = destroy_clocks);
TestSuite(offset_clock, .fini = destroy_clocks);

/* ---- tunable clocks ------------------------------------------------------------------------- */

Test(tunable, starts_at_what_it_is_given)
{
    struct dvbcss_clock *clock;

    set_time_s(5020.8);
    clock = tunable_clock(root_clock(1000000), 1000, 5);
    ASSERT_EQUAL(now_of(clock), 5.0);
    pass_s(100.2);
    ASSERT_EQUAL(now_of(clock), 100205.0);
}

Test(tunable, slew_bends_it_where_it_stands)
{
    struct dvbcss_clock *clock;

    set_time_s(5020.8);
    clock = tunable_clock(root_clock(1000000), 1000, 5);
    pass_s(100.2);
    cr_assert_eq(dvbcss_tunable_clock_set_slew(clock, 100.0), 0);
    ASSERT_EQUAL(now_of(clock), 100205.0);
    ASSERT_NEAR(dvbcss_tunable_clock_slew(clock), 100.0, 1e-9);
    pass_s(10.0);
    ASSERT_NEAR(now_of(clock), 111205.0, 1e-9);
}

Test(tunable, slew_and_speed_are_two_views_of_one_thing)
{
    struct dvbcss_clock *clock = tunable_clock(root_clock(1000000), 1000, 5);

    cr_assert_eq(dvbcss_clock_set_speed(clock, 2.0), 0);
    ASSERT_EQUAL(dvbcss_tunable_clock_slew(clock), 1000.0);
    cr_assert_eq(dvbcss_tunable_clock_set_slew(clock, -250.0), 0);
    ASSERT_EQUAL(dvbcss_clock_speed(clock), 0.75);
    cr_assert_eq(dvbcss_tunable_clock_set_slew(clock, INFINITY), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_tunable_clock_set_slew(clock, NAN), DVBCSS_EINVAL);
    ASSERT_EQUAL(dvbcss_clock_speed(clock), 0.75);
}

Test(tunable, converts_along_its_bent_line)
{
    struct dvbcss_clock *root = root_clock(1000000);
    struct dvbcss_clock *clock;
    double parent;

    set_time_s(5020.8);
    clock = tunable_clock(root, 1000, 5);
    cr_assert_eq(dvbcss_tunable_clock_set_slew(clock, 50.0), 0);
    parent = to_parent(clock, 5 + 50000);
    ASSERT_NEAR(parent, now_of(root) + 1e6 * 50 / 1.05, 1.0);
    ASSERT_NEAR(from_parent(clock, parent), 50005.0, 1e-6);
}

Test(tunable, adjusting_moves_it)
{
    struct dvbcss_clock *clock;

    set_time_s(5020.8);
    clock = tunable_clock(root_clock(1000000), 1000, 5);
    pass_s(100.2);
    cr_assert_eq(dvbcss_tunable_clock_adjust(clock, dvbcss_ticks(28)), 0);
    ASSERT_EQUAL(now_of(clock), 100233.0);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(0, INT64_MAX)), 0);
    cr_assert_eq(dvbcss_tunable_clock_adjust(clock, dvbcss_ticks(1)), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_clock_correlation(clock).child.whole, INT64_MAX);
}

Test(tunable, each_change_is_told_once_and_below_too)
{
    struct dvbcss_clock *root = root_clock(1000000);
    struct dvbcss_clock *clock = tunable_clock(root, 1000, 5);
    struct dvbcss_clock *child = correlated_clock(clock, 25, dvbcss_correlation(0, 0), 1.0);
    static struct counter above;
    static struct counter own;
    static struct counter below;

    count_changes_of(&above, root);
    count_changes_of(&own, clock);
    count_changes_of(&below, child);
    cr_assert_eq(dvbcss_tunable_clock_set_slew(clock, 100.0), 0);
    cr_assert(calls_of(&own) == 1 && calls_of(&below) == 1 && calls_of(&above) == 0);
    cr_assert_eq(own.clock, clock);
    cr_assert_eq(below.clock, child);
    cr_assert_eq(below.changes, DVBCSS_CLOCK_TIMING);
    cr_assert_eq(dvbcss_tunable_clock_adjust(clock, dvbcss_ticks(28)), 0);
    cr_assert(calls_of(&own) == 1 && calls_of(&below) == 1);
    cr_assert_eq(dvbcss_clock_set_rate(clock, dvbcss_rate_hz(2000)), 0);
    cr_assert(calls_of(&own) == 1 && calls_of(&below) == 1);
    cr_assert_eq(dvbcss_tunable_clock_set_error(clock, 0.1, 0.0), 0);
    cr_assert(calls_of(&own) == 1 && calls_of(&below) == 1);
    cr_assert_eq(dvbcss_tunable_clock_adjust(clock, dvbcss_ticks(0)), 0);
    cr_assert_eq(dvbcss_clock_set_rate(clock, dvbcss_rate_hz(2000)), 0);
    cr_assert_eq(dvbcss_clock_set_speed(clock, dvbcss_clock_speed(clock)), 0);
    cr_assert(calls_of(&own) == 0 && calls_of(&below) == 0 && calls_of(&above) == 0);
}

Test(tunable, never_jumps_when_its_rate_or_speed_changes)
{
    static const double speeds[] = {0.1, 0.0, 1.0, -1.5, 0.0, 1e-6, 3.0};
    struct dvbcss_clock *clock = tunable_clock(root_clock(1000000000), 90000, 0);

    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        struct dvbcss_ticks before;
        struct dvbcss_ticks after;

        pass_s(1234.567891234);
        before = dvbcss_clock_now(clock);
        cr_assert_eq(dvbcss_clock_set_speed(clock, speeds[i]), 0);
        after = dvbcss_clock_now(clock);
        cr_assert_eq(dvbcss_ticks_compare(before, after), 0, "to speed %g", speeds[i]);
        pass_s(0.25);
        before = dvbcss_clock_now(clock);
        cr_assert_eq(dvbcss_clock_set_rate(clock, (struct dvbcss_rate){30000, 1001 + (uint32_t)i}),
                     0);
        after = dvbcss_clock_now(clock);
        cr_assert_eq(dvbcss_ticks_compare(before, after), 0, "at speed %g", speeds[i]);
    }
}

Test(tunable, has_the_error_that_it_is_given_from_now_on)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *clock;

    set_time_s(5020.8);
    clock = tunable_clock(root, 1000, 5);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock)), 1e-6);
    pass_s(100.0);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock)), 1e-6);
    cr_assert_eq(dvbcss_tunable_clock_set_error(clock, 0.1, 0.01), 0);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock)), 0.1 + 1e-6);
    pass_s(5.0);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock)), 0.15 + 1e-6);
    cr_assert_eq(dvbcss_tunable_clock_set_error(clock, 0.2, 0.001), 0);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock)), 0.2 + 1e-6);
    pass_s(5.0);
    ASSERT_EQUAL(dispersion_s(clock, now_of(clock)), 0.205 + 1e-6);
    cr_assert_eq(dvbcss_tunable_clock_set_error(clock, -0.1, 0.0), DVBCSS_EINVAL);
}

Test(tunable, carries_its_error_over_a_change_of_speed)
{
    struct dvbcss_clock *clock = tunable_clock(root_clock(1000), 1000, 0);

    cr_assert_eq(dvbcss_tunable_clock_set_error(clock, 0.1, 0.01), 0);
    pass_s(10.0);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 2.0), 0);
    ASSERT_EQUAL(dvbcss_clock_correlation(clock).initial_error_s, 0.2);
    pass_s(10.0);
    ASSERT_NEAR(dispersion_s(clock, now_of(clock)), 0.3 + 1e-6, 1e-12);
}

Test(tunable, other_kinds_have_no_slew_and_cannot_be_adjusted)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000), 1000, dvbcss_correlation(0, 0), 2.0);

    cr_assert_eq(dvbcss_tunable_clock_adjust(clock, dvbcss_ticks(1)), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_tunable_clock_set_slew(clock, 1.0), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_tunable_clock_set_error(clock, 0.1, 0.0), DVBCSS_EUNSUPPORTED);
    ASSERT_EQUAL(dvbcss_tunable_clock_slew(clock), 0.0);
    cr_assert_eq(dvbcss_offset_clock_set(clock, 1), DVBCSS_EUNSUPPORTED);
}

/* ---- offset clocks -------------------------------------------------------------------------- */

Test(offset_clock, shows_what_its_parent_shows_that_much_later)
{
    static const struct {
        double speed;
        int64_t offset_ns;
    } cases[] = {
        {1.0, 50000000},  {0.0, 98000000}, {2.0, 20000000},
        {1.0, -50000000}, {1.0, 0},        {-1.5, 40000000},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dvbcss_clock *parent =
            correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 300), cases[i].speed);
        struct dvbcss_clock *clock = offset_clock(parent, cases[i].offset_ns);
        double shown;

        set_time_s(1234.5);
        shown = now_of(clock);
        mock.now_ns += cases[i].offset_ns;
        ASSERT_EQUAL(shown, now_of(parent));
    }
}

Test(offset_clock, has_the_rate_and_effective_speed_of_its_parent)
{
    struct dvbcss_clock *parent =
        correlated_clock(root_clock(1000000), 25, dvbcss_correlation(0, 0), 2.7);
    struct dvbcss_clock *clock = offset_clock(parent, 1);

    ASSERT_EQUAL(dvbcss_clock_speed(clock), 1.0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(clock), 2.7);
    cr_assert_eq(dvbcss_clock_rate(clock).ticks, 25);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 1.0), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_rate(clock, dvbcss_rate_hz(1)), DVBCSS_EUNSUPPORTED);
}

Test(offset_clock, follows_a_new_offset_and_a_new_parent)
{
    struct dvbcss_clock *root = root_clock(1000000);
    struct dvbcss_clock *parent = correlated_clock(root, 1000, dvbcss_correlation(0, 300), 1.0);
    struct dvbcss_clock *alternative = correlated_clock(root, 50, dvbcss_correlation(0, 0), 1.0);
    struct dvbcss_clock *clock = offset_clock(parent, 40000000);
    static struct counter counter;

    count_changes_of(&counter, clock);
    ASSERT_EQUAL(now_of(clock), now_of(parent) + 40.0);
    cr_assert_eq(dvbcss_offset_clock_set(clock, 65000000), 0);
    cr_assert_eq(calls_of(&counter), 1);
    ASSERT_EQUAL(now_of(clock), now_of(parent) + 65.0);
    cr_assert_eq(dvbcss_offset_clock_set(clock, 65000000), 0);
    cr_assert_eq(calls_of(&counter), 0);
    cr_assert_eq(dvbcss_offset_clock_set(clock, 40000000), 0);
    cr_assert_eq(calls_of(&counter), 1);
    cr_assert_eq(dvbcss_clock_set_parent(clock, alternative), 0);
    cr_assert_eq(calls_of(&counter), 1);
    ASSERT_EQUAL(now_of(clock), now_of(alternative) + 2.0);
}

Test(offset_clock, converts_to_and_from_the_root)
{
    struct dvbcss_clock *parent =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 0), 1.0);
    struct dvbcss_clock *clock = offset_clock(parent, 124000000);

    ASSERT_NEAR(to_root(clock, 1285.2), 1161200.0, 1e-6);
    ASSERT_NEAR(to_root(parent, 1285.2), 1285200.0, 1e-6);
    ASSERT_EQUAL(from_root(clock, 22849128), 22973.128);
    ASSERT_EQUAL(from_root(parent, 22973128), 22973.128);
}

Test(offset_clock, tells_when_it_shows_a_time)
{
    struct dvbcss_clock *parent =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 0), 1.0);
    struct dvbcss_clock *clock = offset_clock(parent, 250000000);
    int64_t when_ns;

    cr_assert_eq(dvbcss_clock_when_ns(clock, dvbcss_ticks(1000), &when_ns), 0);
    cr_assert_eq(when_ns, 750000000);
}

Test(offset_clock, knows_how_fast_a_range_clock_above_it_runs)
{
    /* Advises 1000 ticks a second and runs at 1100. */
    struct dvbcss_clock *range = range_clock(root_clock(1000), 1000, dvbcss_correlation(100, 1000),
                                             dvbcss_correlation(200, 1110));
    struct dvbcss_clock *clock = offset_clock(range, 100000000);

    ASSERT_EQUAL(now_of(clock), now_of(range) + 110.0);
}

Test(offset_clock, adds_no_error)
{
    struct dvbcss_clock *parent =
        correlated_clock(root_clock(1000), 1000, point(0, 0, 0.5, 0.0), 1.0);
    struct dvbcss_clock *clock = offset_clock(parent, 124000000);

    ASSERT_EQUAL(dispersion_s(clock, 77), 0.500001);
}

Test(offset_clock, an_offset_beyond_the_range_is_an_error_and_stops_at_the_end)
{
    struct dvbcss_clock *clock = offset_clock(root_clock(UINT32_MAX), INT64_MAX);
    struct dvbcss_ticks out = {7, 7};

    cr_assert_eq(dvbcss_clock_from_parent(clock, dvbcss_ticks(0), &out), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_clock_to_parent(clock, dvbcss_ticks(0), &out), DVBCSS_ERANGE);
    cr_assert_eq(out.whole, 7);
    cr_assert_eq(dvbcss_clock_now(clock).whole, INT64_MAX);
    cr_assert_eq(dvbcss_offset_clock_create(&clock, NULL, 1), DVBCSS_EINVAL);
}
