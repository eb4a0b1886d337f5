#include <criterion/criterion.h>
#include <math.h>

#include "dvbcss/wc_candidate.h"

/* Figures are rounded up by a few units in the last place, never down. */
static void assert_just_above(double actual, double expected)
{
    cr_assert(actual >= expected * (1 - 1e-16) && actual <= expected * (1 + 1e-14),
              "%.17g is not just above %.17g", actual, expected);
}

static struct dvbcss_wc_candidate candidate(int64_t t1, int64_t t2, int64_t t3, int64_t t4)
{
    struct dvbcss_wc_candidate made = {.t1_ns = t1,
                                       .t2_ns = t2,
                                       .t3_ns = t3,
                                       .t4_ns = t4,
                                       .server_precision_s = 0x1p-10,
                                       .server_max_freq_error_ppm = 50};

    return made;
}

Test(wc_candidate, offset_is_rounded_down_and_rtt_is_exact)
{
    static const struct {
        int64_t t1, t2, t3, t4, offset, rtt;
    } table[] = {
        {1000, 5000, 6000, 4000, 3000, 2000},
        {1000, 5001, 6000, 4000, 3000, 2001},
        {10000, 50, 60, 40000, -24945, 29990},
        {0, 0, 0, 1, -1, 1},
        {0, 10, 20, 5, 12, -5},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct dvbcss_wc_candidate made =
            candidate(table[i].t1, table[i].t2, table[i].t3, table[i].t4);

        cr_assert_eq(dvbcss_wc_candidate_offset_ns(&made), table[i].offset);
        cr_assert_eq(dvbcss_wc_candidate_rtt_ns(&made), table[i].rtt);
    }
}

Test(wc_candidate, offset_and_rtt_of_extreme_times_stop_at_the_ends)
{
    struct dvbcss_wc_candidate behind =
        candidate(INT64_MIN, INT64_C(4294967299294967295), INT64_C(4294967299294967295), INT64_MIN);
    struct dvbcss_wc_candidate long_trip = candidate(INT64_MIN, 0, 0, INT64_MAX);
    struct dvbcss_wc_candidate far = candidate(INT64_MAX, 0, 0, INT64_MAX);

    cr_assert_eq(dvbcss_wc_candidate_offset_ns(&behind), INT64_MAX);
    cr_assert_eq(dvbcss_wc_candidate_rtt_ns(&long_trip), INT64_MAX);
    cr_assert_eq(dvbcss_wc_candidate_offset_ns(&far), -INT64_MAX);
}

Test(wc_candidate, the_correlation_is_at_the_midpoints_with_the_error_of_annex_c)
{
    struct dvbcss_wc_candidate made = candidate(1000000, 5000000, 6000000, 4000000);
    const struct dvbcss_rate ghz = dvbcss_rate_hz(1000000000);
    struct dvbcss_correlation line;

    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, ghz, ghz, 500, &line), 0);
    cr_assert_eq(line.parent.whole, 2500000);
    cr_assert_eq(line.child.whole, 5500000);
    cr_assert_eq(line.parent.fraction | line.child.fraction, 0);
    assert_just_above(line.initial_error_s, 0.0019781125);
    assert_just_above(line.error_growth, 0.00055);
    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, ghz, ghz, 50, &line), 0);
    cr_assert_eq(line.parent.whole, 2500000);
    cr_assert_eq(line.child.whole, 5500000);
    assert_just_above(line.initial_error_s, 0.0019767625);
    assert_just_above(line.error_growth, 0.0001);
}

Test(wc_candidate, the_correlation_is_in_the_ticks_of_either_clock)
{
    struct dvbcss_wc_candidate made = candidate(1000000, 5000000, 6000000, 4000000);
    struct dvbcss_correlation line;

    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, dvbcss_rate_hz(1000000),
                                                 dvbcss_rate_hz(90000), 500, &line),
                 0);
    cr_assert_eq(line.parent.whole, 2500);
    cr_assert_eq(line.child.whole, 495);
    assert_just_above(line.initial_error_s, 0.0019781125);
    assert_just_above(line.error_growth, 0.00055);
}

Test(wc_candidate, half_a_nanosecond_between_two_times_is_kept)
{
    struct dvbcss_wc_candidate made = candidate(-4, 5, 6, 1);
    const struct dvbcss_rate ghz = dvbcss_rate_hz(1000000000);
    struct dvbcss_correlation line;

    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, ghz, ghz, 0, &line), 0);
    cr_assert_eq(line.parent.whole, -2);
    cr_assert_eq(line.parent.fraction, UINT64_C(1) << 63);
    cr_assert_eq(line.child.whole, 5);
    cr_assert_eq(line.child.fraction, UINT64_C(1) << 63);
}

Test(wc_candidate, a_correlation_that_does_not_fit_is_refused)
{
    struct dvbcss_wc_candidate made =
        candidate(0, INT64_C(4294967299294967295), INT64_C(4294967299294967295), 1);
    const struct dvbcss_rate ghz = dvbcss_rate_hz(1000000000);
    const struct dvbcss_rate fast = {4000000000u, 1};
    const struct dvbcss_rate none = {0, 1};
    struct dvbcss_correlation line = dvbcss_correlation(1, 2);
    const struct dvbcss_correlation untouched = line;

    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, ghz, fast, 0, &line), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, none, ghz, 0, &line), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_wc_candidate_claim(&made, ghz, fast, 0, &line), DVBCSS_ERANGE);
    cr_assert(dvbcss_correlation_equal(&line, &untouched));
}

Test(wc_candidate, dispersion_is_that_of_annex_c_and_grows_from_the_answer)
{
    struct dvbcss_wc_candidate made = candidate(1000000, 5000000, 6000000, 4000000);

    assert_just_above(dvbcss_wc_candidate_dispersion_s(&made, 0.25, 500, 4000000),
                      0.25 + 0.0019781125);
    assert_just_above(dvbcss_wc_candidate_dispersion_s(&made, 0, 500, 4000000 + 2000000000),
                      0.0019781125 + 2 * 0.00055);
    made.stamp_error_s = 0.125;
    assert_just_above(dvbcss_wc_candidate_dispersion_s(&made, 0, 500, 4000000), 0.1269781125);
}

Test(wc_candidate, two_clocks_of_500_ppm_part_by_a_millisecond_a_second)
{
    struct dvbcss_wc_candidate made = candidate(0, 0, 0, 0);

    made.server_precision_s = 0;
    made.server_max_freq_error_ppm = 500;
    assert_just_above(dvbcss_wc_candidate_dispersion_s(&made, 0, 500, 1000000000), 0.001);
}

Test(wc_candidate, a_round_trip_slightly_below_zero_counts_as_zero)
{
    struct dvbcss_wc_candidate made = candidate(0, 0, 1000000, 0);
    const struct dvbcss_rate ghz = dvbcss_rate_hz(1000000000);
    struct dvbcss_correlation line;

    made.server_max_freq_error_ppm = 0;
    assert_just_above(dvbcss_wc_candidate_dispersion_s(&made, 0, 0, 0), 0x1p-10);
    cr_assert_eq(dvbcss_wc_candidate_claim(&made, ghz, ghz, 0, &line), 0);
    assert_just_above(line.initial_error_s, 0x1p-10);
}

Test(wc_candidate, a_claim_covers_what_annex_c_leaves_out)
{
    /* The whole round trip lies on the way back, and the server's clock is as fast as it may be
     * while the local one is as slow: the true error is known. */
    const struct dvbcss_rate ghz = dvbcss_rate_hz(1000000000);
    const double server_speed = 1.0005;
    const double local_speed = 0.9995;
    const double later_s = 600;
    struct dvbcss_wc_candidate made = {.t4_ns = (int64_t)(local_speed * 0.2 * 1e9),
                                       .server_max_freq_error_ppm = 500};
    double age_s = local_speed * later_s - (double)made.t4_ns / 2e9;
    double true_error_s = server_speed * later_s - age_s;
    struct dvbcss_correlation annex;
    struct dvbcss_correlation line;

    cr_assert_eq(dvbcss_wc_candidate_claim(&made, ghz, ghz, 500, &line), 0);
    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, ghz, ghz, 500, &annex), 0);
    cr_assert(true_error_s <= line.initial_error_s + line.error_growth * age_s);
    cr_assert(true_error_s > annex.initial_error_s + annex.error_growth * age_s,
              "then the claim would not be needed");
}

Test(wc_candidate, a_claim_is_never_below_the_correlation)
{
    struct dvbcss_wc_candidate made = candidate(1000000, 5000000, 6000000, 4000000);
    const struct dvbcss_rate ghz = dvbcss_rate_hz(1000000000);
    struct dvbcss_correlation annex;
    struct dvbcss_correlation claim;

    cr_assert_eq(dvbcss_wc_candidate_correlation(&made, ghz, ghz, 500, &annex), 0);
    cr_assert_eq(dvbcss_wc_candidate_claim(&made, ghz, ghz, 500, &claim), 0);
    cr_assert_eq(dvbcss_ticks_compare(annex.parent, claim.parent), 0);
    cr_assert_eq(dvbcss_ticks_compare(annex.child, claim.child), 0);
    cr_assert(claim.initial_error_s >= annex.initial_error_s);
    cr_assert(claim.error_growth > annex.error_growth);
    cr_assert(claim.error_growth < annex.error_growth * 1.001);
}

Test(wc_candidate, what_clocks_of_these_qualities_cannot_show_is_impossible)
{
    static const struct {
        int64_t t1, t2, t3, t4;
        double local_precision_s, local_ppm;
        bool possible;
    } table[] = {
        {0, 0, 0, 0, 0, 0, true},
        {0, 2, 1, 5, 0, 0, false},
        /* Twice the server's precision of 2^-10 s may be missing, and not more. */
        {0, 0, 1953125, 0, 0, 0, true},
        {0, 0, 1953126, 0, 0, 0, false},
        {0, 0, 1953127, 0, 1e-9, 0, true},
        {0, 0, 1953128, 0, 1e-9, 0, false},
        /* A second with 500 ppm may be half a millisecond off. */
        {0, 0, 1002453124, 1000000000, 0, 500, true},
        {0, 0, 1002453126, 1000000000, 0, 500, false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct dvbcss_wc_candidate made =
            candidate(table[i].t1, table[i].t2, table[i].t3, table[i].t4);

        made.server_max_freq_error_ppm = 0;
        cr_assert_eq(
            dvbcss_wc_candidate_possible(&made, table[i].local_precision_s, table[i].local_ppm),
            table[i].possible, "row %zu", i);
    }
}

Test(wc_candidate, stamps_that_were_converted_may_be_off_by_their_error)
{
    struct dvbcss_wc_candidate made = candidate(0, 0, 1953125 + 2000, 0);

    made.server_max_freq_error_ppm = 0;
    cr_assert_not(dvbcss_wc_candidate_possible(&made, 0, 0));
    made.stamp_error_s = 1e-6;
    cr_assert(dvbcss_wc_candidate_possible(&made, 0, 0));
}
