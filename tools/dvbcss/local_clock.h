/**
 * @file
 * This machine's time and, below it, a wall clock to be set: for the commands that set one.
 */
#ifndef DVBCSS_TOOL_LOCAL_CLOCK_H
#define DVBCSS_TOOL_LOCAL_CLOCK_H

#include <stdint.h>

#include "dvbcss/clock.h"

/** Root clock over dvbcss_monotonic_ns(), and a tunable clock of 1 GHz below it. */
struct local_clock {
    struct dvbcss_clock *root;
    struct dvbcss_clock *wall;
};

/** Makes both; 0 or a dvbcss_error, with nothing to finish then. */
DVBCSS_NODISCARD int local_clock_init(struct local_clock *clock, double max_freq_error_ppm);

/** Ends both; zeros are fine. */
void local_clock_finish(struct local_clock *clock);

/** Reads both at one instant, in ns. */
void local_clock_read(const struct local_clock *clock, int64_t *local_ns, int64_t *wall_ns);

#endif
