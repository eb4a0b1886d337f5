/**
 * @file
 * The companion's side of CSS-TS without its socket: control timestamps drive a timeline clock, and
 * clocks are put in words as presentation timestamps. TS 103 286-2 clause 9.
 *
 * Pure; a controller belongs to the thread of its clocks.
 */
#ifndef DVBCSS_TS_CONTROLLER_H
#define DVBCSS_TS_CONTROLLER_H

#include <stdbool.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a control timestamp, or losing the connection, did to the timeline; one or more. */
enum dvbcss_ts_effect {
    /** The timeline clock was set: it jumped by more than the threshold or changed its speed. */
    DVBCSS_TS_TIMING = 1,
    /** With DVBCSS_TS_TIMING: the speed is another one. */
    DVBCSS_TS_SPEED = 2,
    /** The timeline is there now. */
    DVBCSS_TS_AVAILABLE = 4,
    /** The timeline is gone now. */
    DVBCSS_TS_UNAVAILABLE = 8,
};

/** Drives one timeline clock. Storage of the caller. */
struct dvbcss_ts_controller {
    /** A correlated clock below the wall clock, whose rate is the timeline's. Not owned. A listener
     * of this clock may set it to NULL while a control timestamp is applied: the clock is not
     * touched any more then, and may be destroyed. */
    struct dvbcss_clock *timeline;
    /** Jumps up to this many seconds are left alone. */
    double threshold_s;
    /** Whether the TV says that the timeline is there. */
    bool available;
    /** The last control timestamp that was applied. */
    bool has_latest;
    struct dvbcss_ts_control_timestamp latest;
};

/** The threshold is 0.1 ms; set the timeline. */
#define DVBCSS_TS_CONTROLLER_INIT                                                                  \
    {                                                                                              \
        NULL, 0.0001, false, false,                                                                \
        {                                                                                          \
            false, 0, 0, 0.0                                                                       \
        }                                                                                          \
    }

/**
 * Makes the timeline clock unavailable until a control timestamp says otherwise. Call it once
 * before the first control timestamp.
 *
 * @return 0 or DVBCSS_EINVAL (no timeline clock, or one without a parent)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_controller_begin(struct dvbcss_ts_controller *controller);

/**
 * Applies a control timestamp: if the timeline is available and the change is significant, sets
 * correlation and speed in one step; then sets the availability. So nobody sees an available clock
 * with an old time. The correlation carries no error of its own: the wall clock above has it.
 *
 * @param effects bits of enum dvbcss_ts_effect, 0 if nothing changed; tell them on in the order of
 *                their values
 * @return 0, DVBCSS_EINVAL for a speed that is not finite, or what the clock returns;
 *         nothing has changed then. 0 without effects if a listener took the clock away.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_controller_apply(struct dvbcss_ts_controller *controller,
                           const struct dvbcss_ts_control_timestamp *timestamp, unsigned *effects);

/** The connection is lost: the timeline is unavailable. Returns DVBCSS_TS_UNAVAILABLE, or 0 if it
 * was so before. */
DVBCSS_API unsigned dvbcss_ts_controller_lose(struct dvbcss_ts_controller *controller);

/**
 * Puts the companion's clocks in words, as their correlations with the wall clock stand.
 *
 * @param earliest    a correlated clock below the same wall clock that runs as early as the
 *                    companion can; NULL or unavailable for "as early as you like"
 * @param latest      the same for as late
 * @param with_actual also say what the timeline clock does, if it is available
 * @return 0, DVBCSS_EINVAL for a clock below another parent, DVBCSS_ERANGE
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_controller_report(const struct dvbcss_ts_controller *controller,
                            const struct dvbcss_clock *earliest, const struct dvbcss_clock *latest,
                            bool with_actual, struct dvbcss_ts_presentation *out);

#ifdef __cplusplus
}
#endif

#endif
