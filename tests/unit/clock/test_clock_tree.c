#include "fixture.h"

TestSuite(clock_tree, .fini = destroy_clocks);
TestSuite(availability, .fini = destroy_clocks);

/* ---- a tree of correlated clocks ------------------------------------------------------------ */

struct tree {
    struct dvbcss_clock *root, *a1, *a2, *a3, *a4, *b3, *b4;
};

static struct tree tree_of_lines(void)
{
    struct tree t;

    t.root = root_clock(1000000);
    t.a1 = correlated_clock(t.root, 100, dvbcss_correlation(50, 0), 1.0);
    t.a2 = correlated_clock(t.a1, 78, dvbcss_correlation(28, 999), 1.0);
    t.a3 = correlated_clock(t.a2, 178, dvbcss_correlation(5, 1003), 1.0);
    t.a4 = correlated_clock(t.a3, 28, dvbcss_correlation(17, 9), 1.0);
    t.b3 = correlated_clock(t.a2, 1000, dvbcss_correlation(10, 20), 1.0);
    t.b4 = correlated_clock(t.b3, 2000, dvbcss_correlation(15, 90), 1.0);
    return t;
}

static double to_other(const struct dvbcss_clock *from, const struct dvbcss_clock *to, double ticks)
{
    struct dvbcss_ticks out;

    cr_assert_eq(dvbcss_clock_to_other(from, to, dvbcss_ticks_from_double(ticks), &out), 0);
    return dvbcss_ticks_to_double(out);
}

/* The exact values: an implementation that divides integers gets -612 instead of -611.74. */
Test(clock_tree, times_convert_along_every_path)
{
    struct tree t = tree_of_lines();

    ASSERT_EQUAL(to_other(t.a1, t.root, 500), 5000050.0);
    ASSERT_EQUAL(to_root(t.a1, 500), 5000050.0);
    ASSERT_EQUAL(to_other(t.a2, t.a1, 500), 28.0 - 499 * 100.0 / 78);
    ASSERT_EQUAL(to_other(t.a2, t.root, 500), 50 + 10000 * (28.0 - 499 * 100.0 / 78));
    ASSERT_EQUAL(to_other(t.a3, t.a2, 500), -19172.0 / 89);
    ASSERT_EQUAL(to_other(t.a3, t.a1, 500), 28 + (-19172.0 / 89 - 999) * 100 / 78);
    ASSERT_EQUAL(to_other(t.a4, t.b4, 500), 582267200.0 / 24297);
    ASSERT_EQUAL(to_other(t.root, t.a2, 1000000), 1055.1561);
    ASSERT_EQUAL(to_other(t.a4, t.a4, 500), 500.0);
    ASSERT_EQUAL(from_root(t.a2, 1000000), 1055.1561);
}

Test(clock_tree, clocks_of_different_roots_have_nothing_in_common)
{
    struct tree t = tree_of_lines();
    struct dvbcss_clock *left[] = {t.root, t.a1, t.a2, t.a3, t.a4, t.b4};
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *right[] = {
        root, correlated_clock(root, 1000, dvbcss_correlation(0, 0), 1.0), offset_clock(root, 5)};

    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 3; j++) {
            struct dvbcss_ticks out = {7, 7};
            struct dvbcss_ticks other = {8, 8};
            double difference_s = 9.0;

            cr_assert_eq(dvbcss_clock_to_other(left[i], right[j], dvbcss_ticks(1), &out),
                         DVBCSS_ENOCOMMONCLOCK);
            cr_assert_eq(dvbcss_clock_read_pair(left[i], right[j], &out, &other),
                         DVBCSS_ENOCOMMONCLOCK);
            cr_assert_eq(dvbcss_clock_difference_s(left[i], right[j], &difference_s),
                         DVBCSS_ENOCOMMONCLOCK);
            cr_assert(out.whole == 7 && other.whole == 8 && difference_s == 9.0);
        }
    }
}

Test(clock_tree, parents_and_roots_are_found)
{
    struct tree t = tree_of_lines();

    cr_assert_eq(dvbcss_clock_parent(t.a4), t.a3);
    cr_assert_eq(dvbcss_clock_root(t.a4), t.root);
    ASSERT_EQUAL(dvbcss_clock_root_precision_s(t.a4), 1e-6);
    ASSERT_EQUAL(dvbcss_clock_root_max_freq_error_ppm(t.b4), 500.0);
}

/* ---- speeds --------------------------------------------------------------------------------- */

static struct tree tree_of_speeds(void)
{
    struct tree t;

    t.root = root_clock(1000);
    t.a1 = correlated_clock(t.root, 1000, dvbcss_correlation(50, 0), 1.0);
    t.a2 = correlated_clock(t.a1, 100, dvbcss_correlation(28, 999), 1.0);
    t.a3 = correlated_clock(t.a2, 50, dvbcss_correlation(5, 1003), 1.0);
    t.a4 = correlated_clock(t.a3, 25, dvbcss_correlation(1000, 9), 1.0);
    t.b3 = correlated_clock(t.a2, 1000, dvbcss_correlation(500, 20), 1.0);
    t.b4 = correlated_clock(t.b3, 2000, dvbcss_correlation(15, 90), 1.0);
    return t;
}

static void assert_shows(struct tree t, const double expected[7])
{
    ASSERT_EQUAL(now_of(t.root), expected[0]);
    ASSERT_EQUAL(now_of(t.a1), expected[1]);
    ASSERT_EQUAL(now_of(t.a2), expected[2]);
    ASSERT_EQUAL(now_of(t.a3), expected[3]);
    ASSERT_EQUAL(now_of(t.a4), expected[4]);
    ASSERT_EQUAL(now_of(t.b3), expected[5]);
    ASSERT_EQUAL(now_of(t.b4), expected[6]);
}

Test(clock_tree, a_standing_clock_stops_those_below_it_and_no_others)
{
    struct tree t = tree_of_speeds();

    set_time_s(5.0);
    assert_shows(t, (const double[]){5000, 4950, 1491.2, 1746.1, 382.05, 9932, 19924});
    cr_assert_eq(dvbcss_clock_set_speed(t.a3, 0.0), 0);
    set_time_s(6.0);
    assert_shows(t, (const double[]){6000, 5950, 1591.2, 1003, 10.5, 10932, 21924});
}

Test(clock_tree, effective_speed_is_the_product_of_all_above)
{
    struct tree t = tree_of_speeds();

    cr_assert_eq(dvbcss_clock_set_speed(t.a3, 0.5), 0);
    cr_assert_eq(dvbcss_clock_set_speed(t.a4, 0.2), 0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.root), 1.0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.a1), 1.0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.a2), 1.0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.a3), 0.5);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.a4), 0.1);
    cr_assert_eq(dvbcss_clock_set_speed(t.a3, 0.0), 0);
    cr_assert_eq(dvbcss_clock_set_speed(t.a4, 1.0), 0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.a3), 0.0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.a4), 0.0);
    ASSERT_EQUAL(dvbcss_clock_effective_speed(t.b4), 1.0);
}

/* ---- reading -------------------------------------------------------------------------------- */

Test(clock_tree, a_pair_is_read_at_one_instant)
{
    struct tree t = tree_of_speeds();
    struct dvbcss_ticks a;
    struct dvbcss_ticks b;

    set_time_s(5.0);
    mock.step_ns = 1000000000;
    mock.readings = 0;
    cr_assert_eq(dvbcss_clock_read_pair(t.a4, t.b4, &a, &b), 0);
    cr_assert_eq(mock.readings, 1);
    ASSERT_EQUAL(dvbcss_ticks_to_double(a), 382.05);
    ASSERT_EQUAL(dvbcss_ticks_to_double(b), 19924.0);
}

Test(clock_tree, a_difference_is_a_time_only_between_clocks_that_run_alike)
{
    struct dvbcss_clock *b = root_clock(1000);
    struct dvbcss_clock *c = correlated_clock(b, 2000, dvbcss_correlation(0, 0), 1.0);
    struct dvbcss_clock *d = correlated_clock(c, 3000, dvbcss_correlation(0, 0), 1.0);
    struct dvbcss_clock *e =
        range_clock(d, 1000, dvbcss_correlation(5, 0), dvbcss_correlation(15005, 5000));
    double difference_s;

    cr_assert_eq(dvbcss_clock_difference_s(b, c, &difference_s), 0);
    cr_assert(isinf(difference_s));
    cr_assert_eq(dvbcss_clock_difference_s(b, d, &difference_s), 0);
    cr_assert(isinf(difference_s));
    cr_assert_eq(dvbcss_clock_difference_s(b, e, &difference_s), 0);
    ASSERT_NEAR(difference_s, 5.0 / 3000, 1e-12);
    pass_s(1e7);
    cr_assert_eq(dvbcss_clock_difference_s(b, e, &difference_s), 0);
    ASSERT_NEAR(difference_s, 5.0 / 3000, 1e-12);
    cr_assert_eq(dvbcss_clock_set_rate(c, dvbcss_rate_hz(1000)), 0);
    cr_assert_eq(dvbcss_clock_difference_s(b, c, &difference_s), 0);
    ASSERT_EQUAL(difference_s, 0.0);
    cr_assert_eq(dvbcss_clock_set_speed(c, 1.01), 0);
    cr_assert_eq(dvbcss_clock_difference_s(b, c, &difference_s), 0);
    cr_assert(isinf(difference_s));
}

Test(clock_tree, a_reading_beyond_the_range_stops_at_its_end)
{
    struct dvbcss_clock *root = root_clock(1000000000);
    struct dvbcss_clock *up = correlated_clock(root, 1000000000, dvbcss_correlation(0, 0), 1e9);
    struct dvbcss_clock *down = correlated_clock(up, 1000000000, dvbcss_correlation(0, 0), -1e9);

    set_time_s(1e8);
    cr_assert_eq(dvbcss_clock_now(up).whole, INT64_MAX);
    cr_assert_eq(dvbcss_clock_now(down).whole, INT64_MIN);
    cr_assert_eq(dvbcss_clock_now_ns(down), INT64_MIN);
}

/* ---- changing the tree ---------------------------------------------------------------------- */

Test(clock_tree, a_clock_can_move_below_another_parent)
{
    struct dvbcss_clock *root = root_clock(1000);
    struct dvbcss_clock *slow = correlated_clock(root, 100, dvbcss_correlation(0, 0), 1.0);
    struct dvbcss_clock *kinds[] = {
        correlated_clock(root, 1000, dvbcss_correlation(0, 0), 1.0),
        range_clock(root, 1000, dvbcss_correlation(0, 0), dvbcss_correlation(1, 1)),
        offset_clock(root, 0),
    };
    static const double shown_below_slow[] = {5000.0, 500.0, 500.0};

    set_time_s(5.0);
    for (int i = 0; i < 3; i++) {
        static struct counter counters[3];

        count_changes_of(&counters[i], kinds[i]);
        ASSERT_EQUAL(now_of(kinds[i]), 5000.0);
        cr_assert_eq(dvbcss_clock_set_parent(kinds[i], slow), 0);
        cr_assert_eq(calls_of(&counters[i]), 1);
        cr_assert_eq(dvbcss_clock_parent(kinds[i]), slow);
        ASSERT_EQUAL(now_of(kinds[i]), shown_below_slow[i]);
        cr_assert_eq(dvbcss_clock_set_parent(kinds[i], slow), 0);
        cr_assert_eq(calls_of(&counters[i]), 0);
    }
}

Test(clock_tree, no_clock_can_descend_from_itself)
{
    struct tree t = tree_of_lines();

    cr_assert_eq(dvbcss_clock_set_parent(t.a2, t.a2), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_parent(t.a2, t.a3), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_parent(t.a2, t.b4), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_set_parent(t.a2, NULL), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_clock_parent(t.a2), t.a1);
    cr_assert_eq(dvbcss_clock_set_parent(t.b4, t.a4), 0);
    cr_assert_eq(dvbcss_clock_set_parent(t.a4, t.root), 0);
    cr_assert_eq(dvbcss_clock_set_parent(t.b3, t.b4), 0);
    cr_assert_eq(dvbcss_clock_root(t.b3), t.root);
}

Test(clock_tree, a_clock_keeps_its_parents_alive)
{
    struct tree t = tree_of_speeds();

    destroy_now(t.root);
    destroy_now(t.a1);
    destroy_now(t.a2);
    destroy_now(t.a3);
    set_time_s(5.0);
    ASSERT_EQUAL(now_of(t.a4), 382.05);
    destroy_now(t.b4);
    destroy_now(t.b3);
    ASSERT_EQUAL(now_of(t.a4), 382.05);
    cr_assert_eq(dvbcss_clock_set_parent(t.a4, dvbcss_clock_root(t.a4)), 0);
    ASSERT_EQUAL(now_of(t.a4), 9 + 4000 * 0.025);
}

Test(clock_tree, destroying_nothing_is_fine)
{
    dvbcss_clock_destroy(NULL);
}

/* ---- availability --------------------------------------------------------------------------- */

struct chain {
    struct dvbcss_clock *a, *b, *c, *d;
    struct counter at_a, at_b, at_c, at_d;
};

static struct chain *chain_of_four(void)
{
    static struct chain chain;

    chain.a = root_clock(1000);
    chain.b = correlated_clock(chain.a, 1000, dvbcss_correlation(0, 0), 1.0);
    chain.c = tunable_clock(chain.b, 1000, 0);
    chain.d = correlated_clock(chain.c, 1000, dvbcss_correlation(0, 0), 1.0);
    count_changes_of(&chain.at_a, chain.a);
    count_changes_of(&chain.at_b, chain.b);
    count_changes_of(&chain.at_c, chain.c);
    count_changes_of(&chain.at_d, chain.d);
    return &chain;
}

static void assert_told(struct chain *chain, unsigned a, unsigned b, unsigned c, unsigned d)
{
    cr_assert_eq(calls_of(&chain->at_a), a);
    cr_assert_eq(calls_of(&chain->at_b), b);
    cr_assert_eq(calls_of(&chain->at_c), c);
    cr_assert_eq(calls_of(&chain->at_d), d);
}

Test(availability, is_that_of_the_clock_and_all_above)
{
    struct chain *chain = chain_of_four();

    cr_assert_eq(dvbcss_clock_set_available(chain->c, false), 0);
    cr_assert(dvbcss_clock_available(chain->a) && dvbcss_clock_available(chain->b));
    cr_assert(!dvbcss_clock_available(chain->c) && !dvbcss_clock_available(chain->d));
    assert_told(chain, 0, 0, 1, 1);
    cr_assert_eq(chain->at_d.changes, DVBCSS_CLOCK_AVAILABILITY);
    cr_assert_eq(dvbcss_clock_set_available(chain->d, false), 0);
    assert_told(chain, 0, 0, 0, 0);
    cr_assert_eq(dvbcss_clock_set_available(chain->c, true), 0);
    cr_assert(dvbcss_clock_available(chain->c));
    cr_assert(!dvbcss_clock_available(chain->d), "its own flag is still down");
    assert_told(chain, 0, 0, 1, 0);
    cr_assert_eq(dvbcss_clock_set_available(chain->d, true), 0);
    cr_assert(dvbcss_clock_available(chain->d));
    assert_told(chain, 0, 0, 0, 1);
}

Test(availability, the_same_again_is_told_to_nobody)
{
    struct chain *chain = chain_of_four();

    cr_assert_eq(dvbcss_clock_set_available(chain->b, true), 0);
    assert_told(chain, 0, 0, 0, 0);
    cr_assert_eq(dvbcss_clock_set_available(chain->b, false), 0);
    assert_told(chain, 0, 1, 1, 1);
    cr_assert_eq(dvbcss_clock_set_available(chain->b, false), 0);
    assert_told(chain, 0, 0, 0, 0);
}

Test(availability, of_a_new_clock_is_its_parents)
{
    struct chain *chain = chain_of_four();
    struct dvbcss_clock *late;

    cr_assert_eq(dvbcss_clock_set_available(chain->b, false), 0);
    late = offset_clock(chain->d, 5);
    cr_assert(!dvbcss_clock_available(late));
    cr_assert_eq(dvbcss_clock_set_available(chain->b, true), 0);
    cr_assert(dvbcss_clock_available(late));
}

Test(availability, changes_with_the_parent_in_the_same_notification)
{
    struct chain *chain = chain_of_four();
    struct dvbcss_clock *off = correlated_clock(chain->a, 1000, dvbcss_correlation(0, 0), 1.0);

    cr_assert_eq(dvbcss_clock_set_available(off, false), 0);
    cr_assert_eq(dvbcss_clock_set_parent(chain->c, off), 0);
    assert_told(chain, 0, 0, 1, 1);
    cr_assert_eq(chain->at_c.changes, DVBCSS_CLOCK_TIMING | DVBCSS_CLOCK_AVAILABILITY);
    cr_assert_eq(chain->at_d.changes, DVBCSS_CLOCK_TIMING | DVBCSS_CLOCK_AVAILABILITY);
    cr_assert(!dvbcss_clock_available(chain->d));
    cr_assert_eq(dvbcss_clock_set_speed(chain->c, 2.0), 0);
    cr_assert_eq(chain->at_d.changes, DVBCSS_CLOCK_TIMING);
}
