/**
 * @file
 * A candidate: what one exchange of CSS-WC messages says about the server's wall clock, and how
 * far that may be off. Between the requester, which makes candidates, and the estimators, which
 * use them. TS 103 286-2 annex C.8.
 */
#ifndef DVBCSS_WC_CANDIDATE_H
#define DVBCSS_WC_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a candidate came about; bits. */
enum dvbcss_wc_candidate_flag {
    /** t3 is from a follow-up. */
    DVBCSS_WC_FOLLOWED_UP = 1,
    /** t1 was read by the program, not stamped by the kernel: it is early, never late. */
    DVBCSS_WC_USER_T1 = 2,
    /** t4 was read by the program, not stamped by the kernel: it is late, never early. */
    DVBCSS_WC_USER_T4 = 4,
    /** The answer came after the request had been given up. */
    DVBCSS_WC_LATE = 8,
};

/** The four times of an exchange and the quality of the clocks that told them. Plain value. */
struct dvbcss_wc_candidate {
    /** Local clock (ns) when the request left. */
    int64_t t1_ns;
    /** Server's wall clock (ns) when the request arrived. */
    int64_t t2_ns;
    /** Server's wall clock (ns) when the answer left. */
    int64_t t3_ns;
    /** Local clock (ns) when the answer arrived. */
    int64_t t4_ns;
    /** The server clock's precision in seconds. */
    double server_precision_s;
    /** The server clock's largest frequency error in ppm. */
    double server_max_freq_error_ppm;
    /** How far t1 and t4 may be off beyond the local clock's own precision, in seconds; for stamps
     * that were converted from another clock. */
    double stamp_error_s;
    /** Bits of enum dvbcss_wc_candidate_flag. */
    unsigned flags;
};

/** How far the server is ahead of the local clock, in ns: ((t2 + t3) - (t1 + t4)) / 2, rounded
 * down; stops at the ends of the range. Any thread, as all functions of this file. */
DVBCSS_API int64_t dvbcss_wc_candidate_offset_ns(const struct dvbcss_wc_candidate *candidate);

/** The time spent on the network, in ns: (t4 - t1) - (t3 - t2). Clocks of coarse precision can
 * make it slightly negative. Stops at the ends of the range. */
DVBCSS_API int64_t dvbcss_wc_candidate_rtt_ns(const struct dvbcss_wc_candidate *candidate);

/**
 * Whether the four times are possible with clocks of these qualities: t3 not before t2, and the
 * round trip not negative by more than the precisions and frequency errors explain.
 *
 * @param local_precision_s        precision of the local clock in seconds
 * @param local_max_freq_error_ppm largest frequency error of the local clock
 */
DVBCSS_API bool dvbcss_wc_candidate_possible(const struct dvbcss_wc_candidate *candidate,
                                             double local_precision_s,
                                             double local_max_freq_error_ppm);

/**
 * The dispersion of annex C.8 at a time of the local clock, in seconds:
 *
 *     precisions + rtt / 2 + mfeC (t4 - t1) + mfeS (t3 - t2) + (mfeC + mfeS) |at - t4|
 *
 * A negative round trip counts as 0. Rounded up.
 */
DVBCSS_API double dvbcss_wc_candidate_dispersion_s(const struct dvbcss_wc_candidate *candidate,
                                                   double local_precision_s,
                                                   double local_max_freq_error_ppm, int64_t at_ns);

/**
 * The correlation that a candidate gives for a local clock and a wall clock below it: the points
 * halfway between t1 and t4, and t2 and t3; the error of annex C.8 without the local precision,
 * which the local clock contributes itself; growth by both frequency errors, from the midpoint on.
 *
 * @param parent_rate rate of the local clock, whose nanoseconds t1 and t4 are
 * @param child_rate  rate of the wall clock, whose nanoseconds t2 and t3 are
 * @param out         unchanged on error
 * @return 0, DVBCSS_ERANGE if the ticks do not fit, DVBCSS_EINVAL for a rate with a zero part
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_candidate_correlation(const struct dvbcss_wc_candidate *candidate,
                                struct dvbcss_rate parent_rate, struct dvbcss_rate child_rate,
                                double local_max_freq_error_ppm, struct dvbcss_correlation *out);

/**
 * The same correlation with an error that holds in every case that true frequency errors allow.
 * C.8 leaves out terms of the order of rtt * mfeS and of mfe^2: they matter to a bound that must
 * never be broken, and to nothing else. Never less than the error and growth of
 * dvbcss_wc_candidate_correlation(), and rounded up. Same parameters and errors, but the local
 * frequency error must be below 10^6 ppm.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_candidate_claim(const struct dvbcss_wc_candidate *candidate,
                          struct dvbcss_rate parent_rate, struct dvbcss_rate child_rate,
                          double local_max_freq_error_ppm, struct dvbcss_correlation *out);

/** What an estimator made of a candidate, or of the lack of one: from dvbcss_wc_estimator_add() to
 * dvbcss_wc_requester_plan(). */
struct dvbcss_wc_outcome {
    /** The wall clock was adjusted. */
    bool adjusted;
    /** The candidate helped; if not, asking again soon is worth it. */
    bool useful;
    /** The candidate contradicts what was known and is kept back until others agree with it. */
    bool doubted;
    /** The server's clock was found to have jumped, and what was known of it was forgotten. */
    bool jumped;
    /** Ask again after this long (ns); negative leaves it to the requester. */
    int64_t wait_ns;
};

#ifdef __cplusplus
}
#endif

#endif
