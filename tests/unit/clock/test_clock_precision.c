/*
 * Properties that hold for any clock: what is converted there and back again is the same but for
 * rounding, and nothing drifts.
 */
#include <stdlib.h>

#include "fixture.h"

TestSuite(precision, .fini = destroy_clocks);

static const double speeds[] = {1.0, 0.1, -1.5, 1e-6, -0.999, 1.0001, 3.75, 1e6};
static const struct dvbcss_rate rates[] = {
    {30000, 1001}, {90000, 1}, {1000000000, 1}, {1, 3600}, {27000000, 1}, {24000, 1001},
};

enum { SPEEDS = sizeof speeds / sizeof speeds[0], RATES = sizeof rates / sizeof rates[0] };

static uint64_t random_bits(void)
{
    static uint64_t state = UINT64_C(88172645463325252);

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Some decades of nanoseconds, either way. */
static struct dvbcss_ticks random_ticks(void)
{
    struct dvbcss_ticks ticks = {(int64_t)random_bits() >> 3, random_bits()};

    return ticks;
}

/* How many units of 2^-64 tick one value lies above another, for values close together. */
static int64_t units_above(struct dvbcss_ticks a, struct dvbcss_ticks b)
{
    struct dvbcss_ticks difference = dvbcss_ticks_sub(a, b);

    cr_assert(difference.whole == 0 || difference.whole == -1);
    return (int64_t)difference.fraction;
}

static struct dvbcss_clock *line(struct dvbcss_clock *parent, struct dvbcss_rate rate, double speed)
{
    struct dvbcss_correlation correlation = {random_ticks(), random_ticks(), 0.0, 0.0};
    struct dvbcss_clock *clock;

    correlation.parent.whole >>= 20;
    correlation.child.whole >>= 20;
    cr_assert_eq(dvbcss_correlated_clock_create(&clock, parent, rate, correlation, speed), 0);
    return clock;
}

/* child = floor(line(parent)) lies less than a unit below the line, so going back from it lies
 * less than 1/slope units, and a unit for its own rounding, off. */
static void check_round_trip(struct dvbcss_clock *clock, double slope)
{
    for (int i = 0; i < 500; i++) {
        struct dvbcss_ticks parent = random_ticks();
        struct dvbcss_ticks child;
        struct dvbcss_ticks back;

        parent.whole >>= 20;
        if (dvbcss_clock_from_parent(clock, parent, &child) == DVBCSS_ERANGE)
            continue;
        cr_assert_eq(dvbcss_clock_to_parent(clock, child, &back), 0);
        cr_assert_leq(fabs((double)units_above(back, parent)), 1.0 / fabs(slope) + 1.0, "slope %g",
                      slope);
    }
}

Test(precision, a_round_trip_loses_no_more_than_the_rounding)
{
    struct dvbcss_clock *root = root_clock(1000000000);

    for (int i = 0; i < SPEEDS * RATES; i++) {
        struct dvbcss_rate rate = rates[i % RATES];
        double speed = speeds[i / RATES];
        double slope = speed * rate.ticks / rate.seconds / 1e9;

        if (fabs(slope) >= 1e-15) {
            struct dvbcss_clock *clock = line(root, rate, speed);

            check_round_trip(clock, slope);
            dvbcss_clock_destroy(clock);
        }
    }
}

Test(precision, ten_thousand_conversions_do_not_drift)
{
    struct dvbcss_clock *root = root_clock(1000000000);
    struct dvbcss_clock *clock;
    struct dvbcss_ticks start = dvbcss_ticks(INT64_C(3155760000000000001));
    struct dvbcss_ticks ticks = start;

    cr_assert_eq(dvbcss_correlated_clock_create(&clock, root, rates[0],
                                                dvbcss_correlation(12345678901, -77), 0.1),
                 0);
    keep(clock);
    for (int i = 0; i < 10000; i++) {
        cr_assert_eq(dvbcss_clock_from_parent(clock, ticks, &ticks), 0);
        cr_assert_eq(dvbcss_clock_to_parent(clock, ticks, &ticks), 0);
    }
    /* Each rounds down by up to 2^-64 frame, which is 334 million units of 2^-64 ns. */
    cr_assert_lt(fabs(dvbcss_ticks_to_double(dvbcss_ticks_sub(ticks, start))),
                 10000 * (3.34e8 + 1) * 0x1p-64);
    cr_assert_eq(dvbcss_ticks_round(ticks), start.whole);
}

Test(precision, a_tunable_clock_does_not_drift_when_it_is_tuned_often)
{
    struct dvbcss_clock *root = root_clock(1000000000);
    struct dvbcss_clock *clock = tunable_clock(root, 1000000000, 0);

    /* Half of the time a little fast and half of the time as much slow: by powers of two, so that
     * the speeds are what they say. */
    for (int i = 0; i < 10000; i++) {
        cr_assert_eq(dvbcss_clock_set_speed(clock, i % 2 ? 1.0 + 0x1p-13 : 1.0 - 0x1p-13), 0);
        mock.now_ns += 1000000007;
    }
    cr_assert_eq(dvbcss_ticks_round(dvbcss_clock_now(clock)), INT64_C(10000) * 1000000007);
}

Test(precision, a_chain_agrees_with_long_double)
{
    struct dvbcss_clock *root = root_clock(1000000000);
    struct dvbcss_clock *above = root;
    long double slope = 1.0L;

    for (int i = 0; i < 6; i++) {
        struct dvbcss_rate from = dvbcss_clock_rate(above);

        above = correlated_clock(above, 1, dvbcss_correlation(0, 0), speeds[i % 3]);
        cr_assert_eq(dvbcss_clock_set_rate(above, rates[i]), 0);
        slope *= (long double)rates[i].ticks / rates[i].seconds * from.seconds / from.ticks *
                 (long double)speeds[i % 3];
        for (int j = 0; j < 1000; j++) {
            struct dvbcss_ticks ticks = {(int64_t)random_bits() >> 4, 0};
            long double exact = (long double)ticks.whole * slope;
            struct dvbcss_ticks got;

            cr_assert_eq(dvbcss_clock_from_root(above, ticks, &got), 0);
            cr_assert_leq(
                fabsl((long double)got.whole + (long double)got.fraction * 0x1p-64L - exact),
                fabsl(exact) * 0x1p-58L + 0x1p-30L);
        }
    }
}

Test(precision, a_century_in_nanoseconds_stays_exact_through_a_chain)
{
    struct dvbcss_clock *root = root_clock(1000000000);
    struct dvbcss_clock *wall = correlated_clock(root, 1000000000, dvbcss_correlation(5, 7), 1.0);
    struct dvbcss_clock *media = correlated_clock(wall, 90000, dvbcss_correlation(7, 0), 1.0);

    mock.now_ns = INT64_C(3155760000000000005);
    cr_assert_eq(dvbcss_clock_now(wall).whole, INT64_C(3155760000000000007));
    cr_assert_eq(dvbcss_clock_now(media).whole, INT64_C(3155760000) * 90000);
    cr_assert_eq(dvbcss_clock_now(media).fraction, 0);
}

Test(precision, a_range_of_odd_numbers_is_exact)
{
    /* Three ticks in seven: no binary fraction. */
    struct dvbcss_clock *clock =
        range_clock(root_clock(1000), 1000, dvbcss_correlation(-1, 5), dvbcss_correlation(6, 8));
    struct dvbcss_ticks far = dvbcss_ticks(INT64_C(7) * 1000000000000000000 - 1);
    struct dvbcss_ticks out;

    cr_assert_eq(dvbcss_clock_from_parent(clock, far, &out), 0);
    cr_assert(out.whole == INT64_C(3) * 1000000000000000000 + 5 && out.fraction == 0);
    cr_assert_eq(dvbcss_clock_to_parent(clock, out, &out), 0);
    cr_assert(out.whole == far.whole && out.fraction == 0);
}
