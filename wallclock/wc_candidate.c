#include "dvbcss/wc_candidate.h"

#include <float.h>
#include <math.h>

/* Sums of four 64-bit times need more than 64 bits. */
typedef __int128 wide;

static int64_t saturate(wide value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    if (value < INT64_MIN)
        return INT64_MIN;
    return (int64_t)value;
}

static double seconds(wide ns)
{
    return (double)ns / 1e9;
}

static double fraction(double ppm)
{
    return ppm * 1e-6;
}

/* A sum of the few rounded terms below is off by less than this; bounds must not be too small. */
static double round_up(double value)
{
    return value * (1 + 16 * DBL_EPSILON);
}

static wide local_span(const struct dvbcss_wc_candidate *candidate)
{
    return (wide)candidate->t4_ns - candidate->t1_ns;
}

static wide server_span(const struct dvbcss_wc_candidate *candidate)
{
    return (wide)candidate->t3_ns - candidate->t2_ns;
}

static wide round_trip(const struct dvbcss_wc_candidate *candidate)
{
    return local_span(candidate) - server_span(candidate);
}

int64_t dvbcss_wc_candidate_offset_ns(const struct dvbcss_wc_candidate *candidate)
{
    wide doubled = (wide)candidate->t2_ns + candidate->t3_ns - candidate->t1_ns - candidate->t4_ns;

    return saturate(doubled >= 0 ? doubled / 2 : -((1 - doubled) / 2));
}

int64_t dvbcss_wc_candidate_rtt_ns(const struct dvbcss_wc_candidate *candidate)
{
    return saturate(round_trip(candidate));
}

/* What frequency errors may have made of the two measured spans. */
static double span_error_s(const struct dvbcss_wc_candidate *candidate, double local_ppm)
{
    return fraction(local_ppm) * fabs(seconds(local_span(candidate))) +
           fraction(candidate->server_max_freq_error_ppm) * fabs(seconds(server_span(candidate)));
}

bool dvbcss_wc_candidate_possible(const struct dvbcss_wc_candidate *candidate,
                                  double local_precision_s, double local_max_freq_error_ppm)
{
    /* Each of the four readings is off by at most its clock's precision, so that a span is off by
     * twice that. */
    double slack = 2 * (candidate->server_precision_s + local_precision_s) +
                   2 * candidate->stamp_error_s + span_error_s(candidate, local_max_freq_error_ppm);

    return candidate->t3_ns >= candidate->t2_ns &&
           seconds(round_trip(candidate)) >= -round_up(slack);
}

/* Annex C.8 without the local precision: the error at the moment of the answer. */
static double annex_error_s(const struct dvbcss_wc_candidate *candidate, double local_ppm)
{
    return candidate->server_precision_s + candidate->stamp_error_s +
           fmax(0, seconds(round_trip(candidate))) / 2 + span_error_s(candidate, local_ppm);
}

static double annex_growth(const struct dvbcss_wc_candidate *candidate, double local_ppm)
{
    return fraction(candidate->server_max_freq_error_ppm) + fraction(local_ppm);
}

double dvbcss_wc_candidate_dispersion_s(const struct dvbcss_wc_candidate *candidate,
                                        double local_precision_s, double local_max_freq_error_ppm,
                                        int64_t at_ns)
{
    double age = fabs(seconds((wide)at_ns - candidate->t4_ns));

    return round_up(local_precision_s + annex_error_s(candidate, local_max_freq_error_ppm) +
                    annex_growth(candidate, local_max_freq_error_ppm) * age);
}

/* Ticks at the middle between two times in nanoseconds: exact but for the conversion's rounding. */
static int midpoint(int64_t a_ns, int64_t b_ns, struct dvbcss_rate rate, struct dvbcss_ticks *out)
{
    wide sum = (wide)a_ns + b_ns;
    struct dvbcss_ticks middle;

    middle.fraction = sum & 1 ? UINT64_C(1) << 63 : 0;
    middle.whole = (int64_t)((sum - (sum & 1)) / 2);
    return dvbcss_ticks_convert(middle, dvbcss_rate_hz(1000000000), rate, 1.0, out);
}

int dvbcss_wc_candidate_correlation(const struct dvbcss_wc_candidate *candidate,
                                    struct dvbcss_rate parent_rate, struct dvbcss_rate child_rate,
                                    double local_max_freq_error_ppm, struct dvbcss_correlation *out)
{
    struct dvbcss_correlation correlation;
    int error = midpoint(candidate->t1_ns, candidate->t4_ns, parent_rate, &correlation.parent);

    if (!error)
        error = midpoint(candidate->t2_ns, candidate->t3_ns, child_rate, &correlation.child);
    if (error)
        return error;
    correlation.initial_error_s = round_up(annex_error_s(candidate, local_max_freq_error_ppm));
    correlation.error_growth = round_up(annex_growth(candidate, local_max_freq_error_ppm));
    *out = correlation;
    return 0;
}

/*
 * The server's clock runs at s = 1 +- mfeS, the local one at c = 1 +- mfeC of true time. Halfway
 * between the true times of t1 and t4 the server's clock differs from (t2 + t3) / 2 by s times half
 * the difference of the two delays. The delays are not negative, so that this is at most half of
 *
 *     s (true t4 - true t1) - (t3 - t2) = rtt + (s / c - 1) (t4 - t1)
 *
 * and away from that moment the two clocks part by |s / c - 1| per local second, where
 * |s / c - 1| <= (mfeS + mfeC) / (1 - mfeC).
 */
int dvbcss_wc_candidate_claim(const struct dvbcss_wc_candidate *candidate,
                              struct dvbcss_rate parent_rate, struct dvbcss_rate child_rate,
                              double local_max_freq_error_ppm, struct dvbcss_correlation *out)
{
    double growth = annex_growth(candidate, local_max_freq_error_ppm) /
                    (1 - fraction(local_max_freq_error_ppm));
    double error_s = candidate->server_precision_s + candidate->stamp_error_s +
                     fmax(0, seconds(round_trip(candidate))) / 2 +
                     growth * fabs(seconds(local_span(candidate))) / 2;
    struct dvbcss_correlation claim;
    int error = dvbcss_wc_candidate_correlation(candidate, parent_rate, child_rate,
                                                local_max_freq_error_ppm, &claim);

    if (error)
        return error;
    claim.initial_error_s = fmax(claim.initial_error_s, round_up(error_s));
    claim.error_growth = fmax(claim.error_growth, round_up(growth));
    *out = claim;
    return 0;
}
