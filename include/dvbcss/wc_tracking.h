/**
 * @file
 * The tracking estimator: estimates offset and frequency of the server's clock together, from the
 * best of the recent exchanges, and steers the wall clock along them without a step.
 *
 * An exchange proves two things: when the request left, the server's clock showed no more than t2;
 * when the answer arrived, no less than t3. What two clocks may part by is limited by their maximum
 * frequency errors, so that each of these limits holds, widened by its age, for ever after. The
 * server's time is where all of them overlap. Out of this interval no network can drive it: neither
 * loss nor delay, however one-sided. The wall clock is kept within, and its error bound is the
 * distance to the farther end.
 *
 * Where in the interval the wall clock stands is the estimate: the same overlap once more, with
 * the limits widened by what is left of the frequency error once the frequency was measured, which
 * is a hundred times less. docs/wall-clock.md has formula, assumptions and proof.
 */
#ifndef DVBCSS_WC_TRACKING_H
#define DVBCSS_WC_TRACKING_H

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/wc_estimator.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a tracking estimator steers. */
struct dvbcss_wc_tracking_options {
    /** The wall clock steps if it has to move by more than this many seconds, forwards or
     * backwards; by less it is slewed and never runs backwards. Not negative; 0 always steps. */
    double step_s;
    /** A slew takes this many seconds; at least twice `step_s`, above 0, at most 3600. */
    double slew_s;
};

/** Slews up to 5 ms within a second. */
#define DVBCSS_WC_TRACKING_OPTIONS_INIT                                                            \
    {                                                                                              \
        0.005, 1.0                                                                                 \
    }

/**
 * Makes a tracking estimator. It ends each slew from dvbcss_wc_estimator_tick(), which must be
 * called in time: a slew that goes on for longer overshoots, and the bound grows with it.
 *
 * @param out      the caller ends it with dvbcss_wc_estimator_destroy()
 * @param options  as for each estimator; `jump_candidates` must be at least 1
 * @param tracking NULL for the defaults
 * @return as for each estimator; DVBCSS_EINVAL also for a figure that is out of its range
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_tracking_create(struct dvbcss_wc_estimator **out,
                          const struct dvbcss_wc_estimator_options *options,
                          const struct dvbcss_wc_tracking_options *tracking);

#ifdef __cplusplus
}
#endif

#endif
