/**
 * @file
 * Clocks whose error is known because they are made wrong on purpose: fast or slow, and stepped.
 */
#ifndef DVBCSS_TOOL_ACCURACY_CLOCK_H
#define DVBCSS_TOOL_ACCURACY_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

/** A clock made of dvbcss_monotonic_ns(). Plain data; any thread may read it and step it. */
struct accuracy_clock {
    /** Where it begins to go wrong, in ns of dvbcss_monotonic_ns(). */
    int64_t base_ns;
    double skew_ppm;
    /** What it shows there. */
    _Atomic int64_t base_shown_ns;
};

/** What the clock shows when dvbcss_monotonic_ns() is @p monotonic_ns. */
int64_t accuracy_clock_at(const struct accuracy_clock *clock, int64_t monotonic_ns);

/** What the clock shows now: a dvbcss_time_source with a struct accuracy_clock as user. */
int64_t accuracy_clock_now(void *clock);

/** Adds to what it shows. */
void accuracy_clock_step(struct accuracy_clock *clock, int64_t by_ns);

#endif
