#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "dvbcss/time.h"

#define TICKS(whole, fraction)                                                                     \
    (struct dvbcss_ticks)                                                                          \
    {                                                                                              \
        (whole), (fraction)                                                                        \
    }

static const uint64_t HALF = UINT64_C(1) << 63;
static const struct dvbcss_rate GHZ = {1000000000u, 1u};
static const struct dvbcss_rate NTSC = {30000u, 1001u};

static void assert_ticks(struct dvbcss_ticks got, int64_t whole, uint64_t fraction)
{
    cr_assert(got.whole == whole && got.fraction == fraction,
              "got %" PRId64 " + %016" PRIx64 ", not %" PRId64 " + %016" PRIx64, got.whole,
              got.fraction, whole, fraction);
}

/* ---- adding and comparing ------------------------------------------------------------------- */

Test(ticks, sums_and_differences_carry_the_fraction)
{
    assert_ticks(dvbcss_ticks_add(TICKS(1, HALF), TICKS(2, HALF)), 4, 0);
    assert_ticks(dvbcss_ticks_add(TICKS(-1, HALF), TICKS(0, HALF)), 0, 0);
    assert_ticks(dvbcss_ticks_sub(TICKS(1, 0), TICKS(0, 1)), 0, UINT64_MAX);
    assert_ticks(dvbcss_ticks_sub(TICKS(0, 0), TICKS(0, HALF)), -1, HALF);
    assert_ticks(dvbcss_ticks_sub(TICKS(5, 7), TICKS(5, 7)), 0, 0);
}

Test(ticks, sums_and_differences_stop_at_the_ends)
{
    struct dvbcss_ticks max = DVBCSS_TICKS_MAX;
    struct dvbcss_ticks min = DVBCSS_TICKS_MIN;

    assert_ticks(dvbcss_ticks_add(max, TICKS(0, 1)), INT64_MAX, UINT64_MAX);
    assert_ticks(dvbcss_ticks_add(max, max), INT64_MAX, UINT64_MAX);
    assert_ticks(dvbcss_ticks_add(min, TICKS(-1, UINT64_MAX)), INT64_MIN, 0);
    assert_ticks(dvbcss_ticks_add(min, min), INT64_MIN, 0);
    assert_ticks(dvbcss_ticks_sub(min, max), INT64_MIN, 0);
    assert_ticks(dvbcss_ticks_sub(max, min), INT64_MAX, UINT64_MAX);
    assert_ticks(dvbcss_ticks_sub(TICKS(0, 0), min), INT64_MAX, UINT64_MAX);
    assert_ticks(dvbcss_ticks_sub(TICKS(-1, 0), min), INT64_MAX, 0);
    assert_ticks(dvbcss_ticks_add(max, min), -1, UINT64_MAX);
}

Test(ticks, values_are_ordered_by_whole_and_then_fraction)
{
    cr_assert_lt(dvbcss_ticks_compare(TICKS(-2, UINT64_MAX), TICKS(-1, 0)), 0);
    cr_assert_lt(dvbcss_ticks_compare(TICKS(3, 1), TICKS(3, HALF)), 0);
    cr_assert_eq(dvbcss_ticks_compare(TICKS(3, HALF), TICKS(3, HALF)), 0);
    cr_assert_gt(dvbcss_ticks_compare(TICKS(3, HALF), TICKS(3, 1)), 0);
    cr_assert_gt(dvbcss_ticks_compare(TICKS(1, 0), TICKS(-1, HALF)), 0);
}

/* ---- whole numbers and doubles -------------------------------------------------------------- */

Test(ticks, rounding_takes_a_half_up)
{
    cr_assert_eq(dvbcss_ticks_round(TICKS(2, HALF - 1)), 2);
    cr_assert_eq(dvbcss_ticks_round(TICKS(2, HALF)), 3);
    cr_assert_eq(dvbcss_ticks_round(TICKS(-3, HALF)), -2);
    cr_assert_eq(dvbcss_ticks_round(TICKS(-3, HALF - 1)), -3);
    cr_assert_eq(dvbcss_ticks_round(DVBCSS_TICKS_MAX), INT64_MAX);
    cr_assert_eq(dvbcss_ticks_round(DVBCSS_TICKS_MIN), INT64_MIN);
}

Test(ticks, doubles_go_there_and_back)
{
    static const double values[] = {0.0,  1.0,      -1.0,       0.5,         -0.25,
                                    1e-9, -1.5e-19, 123456.789, -0x1.8p62,   0x1p-64,
                                    1e18, -0x1p63,  0x1p52 + 1, 90000.0 / 7, -1e-3};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct dvbcss_ticks ticks = dvbcss_ticks_from_double(values[i]);
        double back = dvbcss_ticks_to_double(ticks);

        cr_assert_leq(back, values[i]);
        cr_assert_lt(values[i] - back, 0x1p-64 + fabs(values[i]) * DBL_EPSILON, "%g", values[i]);
    }
}

Test(ticks, doubles_are_rounded_down_and_stopped_at_the_ends)
{
    assert_ticks(dvbcss_ticks_from_double(-0.25), -1, 3 * (HALF / 2));
    assert_ticks(dvbcss_ticks_from_double(0x1p-65), 0, 0);
    assert_ticks(dvbcss_ticks_from_double(-0x1p-65), -1, UINT64_MAX);
    assert_ticks(dvbcss_ticks_from_double(-DBL_TRUE_MIN), -1, UINT64_MAX);
    assert_ticks(dvbcss_ticks_from_double(0x1p63), INT64_MAX, UINT64_MAX);
    assert_ticks(dvbcss_ticks_from_double(-0x1p64), INT64_MIN, 0);
    assert_ticks(dvbcss_ticks_from_double(DBL_MAX), INT64_MAX, UINT64_MAX);
    assert_ticks(dvbcss_ticks_from_double(INFINITY), INT64_MAX, UINT64_MAX);
    assert_ticks(dvbcss_ticks_from_double(-INFINITY), INT64_MIN, 0);
    assert_ticks(dvbcss_ticks_from_double(NAN), 0, 0);
}

/* ---- rates ---------------------------------------------------------------------------------- */

Test(ticks, a_century_of_nanoseconds_is_exact)
{
    int64_t century_ns = INT64_C(100) * 365 * 86400 * DVBCSS_NS_PER_S + 1;

    assert_ticks(dvbcss_ticks_from_ns(century_ns, GHZ), century_ns, 0);
    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(century_ns, 0), GHZ), century_ns);
}

Test(ticks, a_fractional_rate_is_exact)
{
    /* 30000 frames take 1001 s. */
    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(30000, 0), NTSC), 1001 * DVBCSS_NS_PER_S);
    assert_ticks(dvbcss_ticks_from_ns(1001 * DVBCSS_NS_PER_S, NTSC), 30000, 0);
    cr_assert_float_eq(dvbcss_ticks_to_seconds(TICKS(-30, 0), NTSC), -1.001, 1e-12);
}

Test(ticks, nanoseconds_are_rounded_to_nearest_and_stop_at_the_ends)
{
    struct dvbcss_rate thrice = {3000000000u, 1u};

    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(4, 0), thrice), 1);
    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(5, 0), thrice), 2);
    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(-4, 0), thrice), -1);
    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(INT64_MAX, 0), dvbcss_rate_hz(1)), INT64_MAX);
    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(INT64_MIN, 0), dvbcss_rate_hz(1)), INT64_MIN);
    assert_ticks(dvbcss_ticks_from_ns(INT64_MIN, dvbcss_rate_hz(UINT32_MAX)), INT64_MIN, 0);
}

Test(ticks, a_rate_with_a_zero_part_gives_zero_or_an_error)
{
    struct dvbcss_rate no_ticks = {0, 1};
    struct dvbcss_rate no_seconds = {1, 0};
    struct dvbcss_ticks out = {7, 7};

    cr_assert_eq(dvbcss_ticks_to_ns(TICKS(1, 0), no_ticks), 0);
    cr_assert_eq(dvbcss_ticks_to_seconds(TICKS(1, 0), no_ticks), 0.0);
    assert_ticks(dvbcss_ticks_from_ns(1, no_seconds), 0, 0);
    cr_assert_eq(dvbcss_ticks_convert(TICKS(1, 0), no_ticks, GHZ, 1.0, &out), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_ticks_convert(TICKS(1, 0), GHZ, no_seconds, 1.0, &out), DVBCSS_EINVAL);
    assert_ticks(out, 7, 7);
}

/* ---- converting ----------------------------------------------------------------------------- */

static void assert_converts(struct dvbcss_ticks value, struct dvbcss_rate from,
                            struct dvbcss_rate to, double speed, struct dvbcss_ticks expected)
{
    struct dvbcss_ticks out = {0, 0};

    cr_assert_eq(dvbcss_ticks_convert(value, from, to, speed, &out), 0);
    assert_ticks(out, expected.whole, expected.fraction);
}

Test(ticks_convert, speed_and_rates_multiply)
{
    struct dvbcss_rate pts = dvbcss_rate_hz(90000);

    assert_converts(TICKS(90000, 0), pts, GHZ, 1.0, TICKS(1000000000, 0));
    assert_converts(TICKS(1000000000, 0), GHZ, pts, -1.5, TICKS(-135000, 0));
    assert_converts(TICKS(1, 0), dvbcss_rate_hz(2), dvbcss_rate_hz(1), 1.0, TICKS(0, HALF));
    assert_converts(TICKS(-1, 0), dvbcss_rate_hz(2), dvbcss_rate_hz(1), 1.0, TICKS(-1, HALF));
    assert_converts(TICKS(5, 0), GHZ, pts, 0.0, TICKS(0, 0));
    assert_converts(TICKS(5, 0), GHZ, pts, -0.0, TICKS(0, 0));
    assert_converts(TICKS(1001, 0), dvbcss_rate_hz(1), NTSC, 1.0, TICKS(30000, 0));
}

Test(ticks_convert, the_result_is_rounded_down_on_both_sides_of_zero)
{
    struct dvbcss_rate three = dvbcss_rate_hz(3);
    uint64_t third = UINT64_MAX / 3;

    assert_converts(TICKS(1, 0), three, dvbcss_rate_hz(1), 1.0, TICKS(0, third));
    assert_converts(TICKS(-1, 0), three, dvbcss_rate_hz(1), 1.0, TICKS(-1, UINT64_MAX - third));
    assert_converts(TICKS(1, 0), three, dvbcss_rate_hz(1), -1.0, TICKS(-1, UINT64_MAX - third));
    assert_converts(TICKS(0, 1), GHZ, GHZ, DBL_TRUE_MIN, TICKS(0, 0));
    assert_converts(TICKS(0, 1), GHZ, GHZ, -DBL_TRUE_MIN, TICKS(-1, UINT64_MAX));
}

Test(ticks_convert, the_whole_range_is_used)
{
    assert_converts(DVBCSS_TICKS_MAX, GHZ, GHZ, 1.0, DVBCSS_TICKS_MAX);
    assert_converts(DVBCSS_TICKS_MIN, GHZ, GHZ, 1.0, DVBCSS_TICKS_MIN);
    assert_converts(TICKS(INT64_MIN, 0), GHZ, dvbcss_rate_hz(1), -0x1p-1,
                    TICKS(4611686018, 0x6d694b2e62d01511));
    assert_converts(TICKS(0, 1), dvbcss_rate_hz(1), dvbcss_rate_hz(1), 0x1p126,
                    TICKS(INT64_C(1) << 62, 0));
}

Test(ticks_convert, what_does_not_fit_is_an_error_and_changes_nothing)
{
    static const struct {
        struct dvbcss_ticks value;
        double speed;
        int error;
    } cases[] = {
        {{INT64_MIN, 0}, -1.0, DVBCSS_ERANGE}, {{INT64_MAX, 0}, 1.0 + DBL_EPSILON, DVBCSS_ERANGE},
        {{1, 0}, 0x1p63, DVBCSS_ERANGE},       {{0, 1}, 0x1p127, DVBCSS_ERANGE},
        {{0, 1}, DBL_MAX, DVBCSS_ERANGE},      {{-1, 0}, DBL_MAX, DVBCSS_ERANGE},
        {{1, 0}, NAN, DVBCSS_EINVAL},          {{1, 0}, INFINITY, DVBCSS_EINVAL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dvbcss_ticks out = {7, 7};

        cr_assert_eq(dvbcss_ticks_convert(cases[i].value, GHZ, GHZ, cases[i].speed, &out),
                     cases[i].error, "case %zu", i);
        assert_ticks(out, 7, 7);
    }
}

/* ---- against an oracle ---------------------------------------------------------------------- */

/* Repeatable, and with long runs of equal bits, where carries go wrong. */
static uint64_t random_bits(void)
{
    static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t value;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    value = state * UINT64_C(0x2545f4914f6cdd1d);
    switch (value >> 61) {
    case 0:
        return value << (value & 63);
    case 1:
        return value >> (value & 63);
    case 2:
        return ~(value >> (value & 63));
    default:
        return value;
    }
}

/* The factors of a conversion, small enough for a product that fits 128 bits. */
__extension__ typedef __int128 oracle_int;

static oracle_int floor_division(oracle_int numerator, oracle_int denominator)
{
    oracle_int quotient = numerator / denominator;

    return quotient * denominator > numerator ? quotient - 1 : quotient;
}

Test(ticks_convert, agrees_with_plain_integer_arithmetic_where_that_suffices)
{
    static const double speeds[] = {1.0, -1.0, 0.5, -1.5, 2.0, -0.25, 3.0, 0.0};

    for (int i = 0; i < 200000; i++) {
        /* 56 bits of units, 32 of rates and 3 of speed: below 2^127. */
        int64_t units = (int64_t)random_bits() >> 8;
        struct dvbcss_rate from = {(uint32_t)(random_bits() & 0xffff) + 1,
                                   (uint32_t)(random_bits() & 0xffff) + 1};
        struct dvbcss_rate to = {(uint32_t)(random_bits() & 0xffff) + 1,
                                 (uint32_t)(random_bits() & 0xffff) + 1};
        double speed = speeds[i % 8];
        struct dvbcss_ticks value = {units < 0 ? -1 : 0, (uint64_t)units};
        struct dvbcss_ticks out;
        oracle_int expected =
            floor_division((oracle_int)units * to.ticks * from.seconds * (int)(speed * 4.0),
                           (oracle_int)to.seconds * from.ticks * 4);

        cr_assert_eq(dvbcss_ticks_convert(value, from, to, speed, &out), 0);
        assert_ticks(out, (int64_t)(expected >> 64), (uint64_t)expected);
    }
}

Test(ticks_convert, agrees_with_long_double_everywhere)
{
    int compared = 0;

    for (int i = 0; i < 200000; i++) {
        struct dvbcss_ticks value = {(int64_t)random_bits(), random_bits()};
        struct dvbcss_rate from = {(uint32_t)random_bits() | 1, (uint32_t)random_bits() | 1};
        struct dvbcss_rate to = {(uint32_t)random_bits() | 1, (uint32_t)random_bits() | 1};
        double speed = ldexp((double)(int64_t)random_bits(), (int)(random_bits() % 96) - 100);
        long double exact = ((long double)value.whole + (long double)value.fraction * 0x1p-64L) *
                            to.ticks / to.seconds * from.seconds / from.ticks * (long double)speed;
        struct dvbcss_ticks out = {0, 0};
        int error = dvbcss_ticks_convert(value, from, to, speed, &out);
        long double got = (long double)out.whole + (long double)out.fraction * 0x1p-64L;

        if (error) {
            cr_assert_eq(error, DVBCSS_ERANGE);
            cr_assert_gt(fabsl(exact), 0x1p63L * (1.0L - 0x1p-58L));
        } else {
            cr_assert_leq(fabsl(got - exact), fabsl(exact) * 0x1p-58L + 0x1p-63L, "%Lg is not %Lg",
                          got, exact);
            compared++;
        }
    }
    cr_assert_gt(compared, 50000);
}
