/*
 * How often times of each length occurred: bins of a sixteenth of their power of two, so that a
 * percentile is off by a sixteenth of itself at most, from nanoseconds to a quarter of an hour.
 */
#ifndef WALLCLOCK_WC_HISTOGRAM_H
#define WALLCLOCK_WC_HISTOGRAM_H

#include <stdint.h>

/* 16 bins of 1 ns, then 16 for each of the powers 2^4 to 2^39. */
#define WC_HISTOGRAM_BINS (16 + 36 * 16)

/* All zero to begin with. */
struct wc_histogram {
    uint64_t total;
    uint32_t bins[WC_HISTOGRAM_BINS];
};

/* Counts a time; a negative one counts as 0, a too long one as the longest. */
void wc_histogram_add(struct wc_histogram *histogram, int64_t ns);

/* The end of the bin below which a share of the times lies; -1 while there are none. */
int64_t wc_histogram_percentile_ns(const struct wc_histogram *histogram, double share);

#endif
