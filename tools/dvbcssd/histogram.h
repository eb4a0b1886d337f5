/**
 * @file
 * How long something took, counted in buckets, as Prometheus wants it.
 */
#ifndef DVBCSSD_HISTOGRAM_H
#define DVBCSSD_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 16 };

/** Upper bounds in seconds; what takes longer is in `count` only. */
extern const double histogram_bounds_s[HISTOGRAM_BUCKETS];

/** Zeroed, it is empty. */
struct histogram {
    /** Each time is in one bucket: the first whose bound it does not exceed. */
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    double sum_s;
};

/** Counts one time. */
void histogram_add(struct histogram *histogram, uint64_t duration_ns);

#endif
