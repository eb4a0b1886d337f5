#include "fixture.h"

TestSuite(correlation, .fini = destroy_clocks);
TestSuite(correlated, .fini = destroy_clocks);
TestSuite(range_clock, .fini = destroy_clocks);

/* ---- correlations --------------------------------------------------------------------------- */

Test(correlation, equality_looks_at_all_four_members)
{
    struct dvbcss_correlation a = point(1, 2, 3.0, 4.0);
    struct dvbcss_correlation b = a;

    cr_assert(dvbcss_correlation_equal(&a, &b));
    b.parent = dvbcss_ticks(7);
    cr_assert(!dvbcss_correlation_equal(&a, &b));
    b = point(1, 99, 3.0, 4.0);
    cr_assert(!dvbcss_correlation_equal(&a, &b));
    b = point(1, 2, 888.0, 4.0);
    cr_assert(!dvbcss_correlation_equal(&a, &b));
    b = point(1, 2, 3.0, 1000.0);
    cr_assert(!dvbcss_correlation_equal(&a, &b));
}

Test(correlation, has_no_error_unless_told)
{
    struct dvbcss_correlation correlation = dvbcss_correlation(1, 2);

    cr_assert_eq(correlation.parent.whole, 1);
    cr_assert_eq(correlation.child.whole, 2);
    cr_assert_eq(correlation.initial_error_s, 0.0);
    cr_assert_eq(correlation.error_growth, 0.0);
}

/* ---- correlated clocks ---------------------------------------------------------------------- */

Test(correlated, runs_along_its_line)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 300), 1.0);

    set_time_s(5020.8);
    ASSERT_EQUAL(now_of(clock), 5021100.0);
    pass_s(22.7);
    ASSERT_EQUAL(now_of(clock), 5043800.0);
}

Test(correlated, a_new_correlation_moves_it)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 300), 1.0);

    set_time_s(5020.8);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(50000, 320)), 0);
    ASSERT_EQUAL(now_of(clock), 5021070.0);
    cr_assert_eq(dvbcss_clock_set_correlation_and_speed(clock, dvbcss_correlation(50000, 400), 1.0),
                 0);
    ASSERT_EQUAL(now_of(clock), 5021150.0);
    cr_assert_eq(dvbcss_clock_correlation(clock).child.whole, 400);
}

Test(correlated, a_new_rate_turns_it_about_its_point)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(50, 300), 1.0);

    set_time_s(5020.8);
    ASSERT_EQUAL(now_of(clock), 5021099.95);
    cr_assert_eq(dvbcss_clock_set_rate(clock, dvbcss_rate_hz(500)), 0);
    ASSERT_EQUAL(now_of(clock), 2510699.975);
}

Test(correlated, converts_to_and_from_its_parent)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(2000000), 1000, dvbcss_correlation(50, 300), 1.0);

    ASSERT_EQUAL(to_parent(clock, 400), 200050.0);
    ASSERT_EQUAL(from_parent(clock, 200050), 400.0);
}

Test(correlated, at_speed_zero_only_its_own_time_can_be_mapped)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(2000000), 1000, dvbcss_correlation(50, 300), 0.0);
    struct dvbcss_ticks out = {7, 7};

    ASSERT_EQUAL(to_parent(clock, 300), 50.0);
    cr_assert_eq(dvbcss_clock_to_parent(clock, dvbcss_ticks(400), &out), DVBCSS_ENOTMAPPABLE);
    cr_assert_eq(out.whole, 7);
    ASSERT_EQUAL(from_parent(clock, 50), 300.0);
    ASSERT_EQUAL(from_parent(clock, 100), 300.0);
}

Test(correlated, correlation_and_speed_change_in_one_step)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 0), 1.0);
    static struct counter counter;

    count_changes_of(&counter, clock);
    cr_assert_eq(dvbcss_clock_set_correlation_and_speed(clock, dvbcss_correlation(5, 0), 2.0), 0);
    cr_assert_eq(counter.calls, 1);
    ASSERT_EQUAL(to_parent(clock, 10), 5005.0);
    cr_assert_eq(dvbcss_clock_set_correlation_and_speed(clock, dvbcss_correlation(5, 0), 2.0), 0);
    cr_assert_eq(counter.calls, 1, "nothing has changed");
}

Test(correlated, refuses_what_is_no_line_and_stays_as_it_was)
{
    struct dvbcss_clock *root = root_clock(1000000);
    struct dvbcss_clock *clock = correlated_clock(root, 1000, point(1, 2, 3.0, 4.0), 1.0);
    struct dvbcss_correlation before = dvbcss_clock_correlation(clock);
    struct dvbcss_rate no_rate = {0, 1};
    struct dvbcss_correlation after;
    static struct counter counter;

    count_changes_of(&counter, clock);
    cr_assert_eq(dvbcss_clock_set_speed(clock, NAN), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_speed(clock, INFINITY), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_rate(clock, no_rate), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_rate(clock, (struct dvbcss_rate){1, 0}), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, point(0, 0, -1.0, 0.0)), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, point(0, 0, NAN, 0.0)), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, point(0, 0, 0.0, -1.0)), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, point(0, 0, 0.0, INFINITY)), DVBCSS_EINVAL);
    after = dvbcss_clock_correlation(clock);
    cr_assert(dvbcss_correlation_equal(&before, &after));
    ASSERT_EQUAL(dvbcss_clock_speed(clock), 1.0);
    cr_assert_eq(counter.calls, 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&clock, root, no_rate, before, 1.0), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_correlated_clock_create(&clock, NULL, dvbcss_rate_hz(1), before, 1.0),
                 DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_correlated_clock_create(&clock, root, dvbcss_rate_hz(1), before, NAN),
                 DVBCSS_EINVAL);
}

/* ---- rebase --------------------------------------------------------------------------------- */

Test(correlated, rebase_moves_the_point_along_the_line)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000), 1000, dvbcss_correlation(50, 300), 1.0);
    struct dvbcss_correlation moved;
    static struct counter counter;

    count_changes_of(&counter, clock);
    cr_assert_eq(dvbcss_clock_rebase(clock, dvbcss_ticks(400)), 0);
    moved = dvbcss_clock_correlation(clock);
    cr_assert_eq(moved.parent.whole, 150);
    cr_assert_eq(moved.child.whole, 400);
    cr_assert_eq(counter.calls, 0);
}

static void assert_rebased(int64_t ticks, int64_t parent, double error_s)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, point(1000000, 300, 0.5, 0.1), 1.0);
    struct dvbcss_correlation moved;

    cr_assert_eq(dvbcss_clock_rebase(clock, dvbcss_ticks(ticks)), 0);
    moved = dvbcss_clock_correlation(clock);
    cr_assert_eq(moved.parent.whole, parent);
    cr_assert_eq(moved.child.whole, ticks);
    ASSERT_EQUAL(moved.initial_error_s, error_s);
    ASSERT_EQUAL(moved.error_growth, 0.1);
}

Test(correlated, rebase_carries_the_error_on_both_ways)
{
    assert_rebased(1300, 2000000, 0.6);
    assert_rebased(-700, 0, 0.6);
    assert_rebased(300, 1000000, 0.5);
}

Test(correlated, rebase_of_a_standing_clock_needs_its_own_time)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000), 1000, dvbcss_correlation(50, 300), 0.0);

    cr_assert_eq(dvbcss_clock_rebase(clock, dvbcss_ticks(400)), DVBCSS_ENOTMAPPABLE);
    cr_assert_eq(dvbcss_clock_correlation(clock).child.whole, 300);
    cr_assert_eq(dvbcss_clock_rebase(clock, dvbcss_ticks(300)), 0);
    cr_assert_eq(dvbcss_clock_correlation(clock).parent.whole, 50);
}

/* ---- comparing with a change ---------------------------------------------------------------- */

Test(correlated, a_change_is_measured_along_the_parent)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 0), 1.0);

    cr_assert(isinf(dvbcss_clock_change_s(clock, dvbcss_correlation(0, 0), 1.01)));
    ASSERT_EQUAL(dvbcss_clock_change_s(clock, dvbcss_correlation(0, 1000), 1.0), 1.0);
    ASSERT_EQUAL(dvbcss_clock_change_s(clock, dvbcss_correlation(0, -1000), 1.0), 1.0);
    ASSERT_EQUAL(dvbcss_clock_change_s(clock, dvbcss_correlation(5000000, 5000), 1.0), 0.0);
}

Test(correlated, a_change_of_a_standing_clock_is_measured_along_itself)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 0), 0.0);

    ASSERT_EQUAL(dvbcss_clock_change_s(clock, dvbcss_correlation(0, 5), 0.0), 0.005);
    ASSERT_EQUAL(dvbcss_clock_change_s(clock, dvbcss_correlation(777, 0), 0.0), 0.0);
    cr_assert(isinf(dvbcss_clock_change_s(clock, dvbcss_correlation(0, 5), 1.0)));
}

Test(correlated, a_change_is_significant_above_the_threshold_only)
{
    /* A timeline of 90 kHz: 45, 90 and 180 ticks are 0.5, 1 and 2 ms. */
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000000), 90000, dvbcss_correlation(0, 0), 1.0);
    struct dvbcss_correlation half = dvbcss_correlation(1000000000, 90045);
    struct dvbcss_correlation one = dvbcss_correlation(1000000000, 90090);
    struct dvbcss_correlation two = dvbcss_correlation(1000000000, 90180);

    cr_assert(!dvbcss_clock_change_significant(clock, half, 1.0, 0.001));
    cr_assert(!dvbcss_clock_change_significant(clock, one, 1.0, 0.001));
    cr_assert(dvbcss_clock_change_significant(clock, two, 1.0, 0.001));
    cr_assert(dvbcss_clock_change_significant(clock, half, 0.0, 0.001));
    cr_assert(!dvbcss_clock_change_significant(clock, dvbcss_correlation(0, 0), 1.0, 0.0));
}

/* ---- error bounds --------------------------------------------------------------------------- */

Test(correlated, its_error_grows_both_ways_from_its_point)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *clock = correlated_clock(root, 1000, point(0, 0, 0.5, 0.1), 1.0);
    struct dvbcss_clock *exact = correlated_clock(root, 1000, dvbcss_correlation(0, 0), 1.0);

    ASSERT_EQUAL(dispersion_s(clock, 10), 1e-6 + 0.5 + 0.1 * 10 / 1000);
    ASSERT_EQUAL(dispersion_s(clock, 20), 1e-6 + 0.5 + 0.1 * 20 / 1000);
    ASSERT_EQUAL(dispersion_s(clock, -10), 1e-6 + 0.5 + 0.1 * 10 / 1000);
    ASSERT_EQUAL(dispersion_s(exact, 20), 1e-6);
}

Test(correlated, its_error_grows_with_the_time_of_the_parent)
{
    struct dvbcss_clock *clock =
        correlated_clock(root_clock(1000000), 1000, point(1000000, 300, 0.5, 0.1), 1.0);

    ASSERT_EQUAL(dispersion_s(clock, 300), 0.500001);
    ASSERT_EQUAL(dispersion_s(clock, 1300), 0.600001);
    ASSERT_EQUAL(dispersion_s(clock, -700), 0.600001);
}

Test(correlated, errors_add_up_along_the_chain)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *wall = correlated_clock(root, 1000, point(0, 0, 0.25, 0.01), 1.0);
    struct dvbcss_clock *media = correlated_clock(wall, 25, point(1000, 25, 0.125, 0.1), 2.0);

    /* 125 frames are 2 s of the wall clock after its second second. */
    ASSERT_NEAR(dispersion_s(media, 125), 1e-6 + (0.25 + 0.01 * 3) + (0.125 + 0.1 * 2), 1e-12);
}

Test(correlated, an_error_that_nobody_knows_is_infinite)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *unknown = correlated_clock(root, 1000, point(0, 0, INFINITY, 0.1), 1.0);
    struct dvbcss_clock *standing = correlated_clock(root, 1000, point(0, 5, 0.5, 0.1), 0.0);

    cr_assert(isinf(dispersion_s(unknown, 0)));
    cr_assert(isinf(dispersion_s(standing, 6)), "a time that is never shown");
    ASSERT_EQUAL(dispersion_s(standing, 5), 0.500001);
}

/* ---- range clocks --------------------------------------------------------------------------- */

Test(range_clock, runs_through_both_of_its_points)
{
    struct dvbcss_clock *clock = range_clock(root_clock(1000), 1000, dvbcss_correlation(100, 1000),
                                             dvbcss_correlation(200, 1110));

    ASSERT_EQUAL(from_parent(clock, 100), 1000.0);
    ASSERT_EQUAL(from_parent(clock, 200), 1110.0);
    ASSERT_EQUAL(from_parent(clock, 150), 1055.0);
    ASSERT_EQUAL(to_parent(clock, 1055), 150.0);
    set_time_s(0.1);
    ASSERT_EQUAL(now_of(clock), 1000.0);
    ASSERT_EQUAL(dvbcss_clock_speed(clock), 1.0);
    cr_assert_eq(dvbcss_clock_correlation(clock).child.whole, 1000);
}

Test(range_clock, new_points_make_a_new_line)
{
    struct dvbcss_clock *clock = range_clock(root_clock(1000), 1000, dvbcss_correlation(100, 1000),
                                             dvbcss_correlation(200, 1110));
    static struct counter counter;

    count_changes_of(&counter, clock);
    cr_assert_eq(
        dvbcss_range_clock_set(clock, dvbcss_correlation(100, 2000), dvbcss_correlation(200, 2110)),
        0);
    ASSERT_EQUAL(from_parent(clock, 200), 2110.0);
    cr_assert_eq(calls_of(&counter), 1);
    cr_assert_eq(
        dvbcss_range_clock_set(clock, dvbcss_correlation(100, 2000), dvbcss_correlation(200, 2110)),
        0);
    cr_assert_eq(calls_of(&counter), 0);
}

Test(range_clock, its_error_is_that_of_the_better_point)
{
    struct dvbcss_clock *clock = range_clock(root_clock(1000000), 1000, point(100, 1000, 0.1, 0.01),
                                             point(200, 1110, 0.2, 0.02));

    ASSERT_EQUAL(dispersion_s(clock, 1110), 0.100002);
    ASSERT_NEAR(dispersion_s(clock, 890), 0.100002, 1e-15);
}

Test(range_clock, a_level_line_can_be_mapped_at_its_own_time_only)
{
    struct dvbcss_clock *clock =
        range_clock(root_clock(1000), 1000, dvbcss_correlation(100, 7), dvbcss_correlation(200, 7));

    ASSERT_EQUAL(from_parent(clock, 12345), 7.0);
    ASSERT_EQUAL(to_parent(clock, 7), 100.0);
    cr_assert(isnan(to_parent(clock, 8)));
}

Test(range_clock, two_points_at_one_time_make_no_line)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *clock =
        range_clock(root, 1000, dvbcss_correlation(1, 1), dvbcss_correlation(2, 2));
    struct dvbcss_clock *none;

    cr_assert_eq(dvbcss_range_clock_create(&none, root, dvbcss_rate_hz(1), dvbcss_correlation(5, 1),
                                           dvbcss_correlation(5, 2)),
                 DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_range_clock_set(clock, dvbcss_correlation(5, 1), dvbcss_correlation(5, 2)),
                 DVBCSS_EINVAL);
    ASSERT_EQUAL(from_parent(clock, 2), 2.0);
    cr_assert_eq(dvbcss_range_clock_set(root, dvbcss_correlation(5, 1), dvbcss_correlation(6, 2)),
                 DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 2.0), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_rate(clock, dvbcss_rate_hz(2)), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(0, 0)),
                 DVBCSS_EUNSUPPORTED);
}
