/**
 * @file
 * Counters that one thread counts and any thread may read. Private to the suite.
 *
 * The counting thread uses plain counters and publishes them now and then: nothing is locked, and
 * what is counted costs what it would without other threads. A reader may see some counters of one
 * publishing beside others of the next.
 */
#ifndef DVBCSS_WALLCLOCK_WC_COUNTERS_H
#define DVBCSS_WALLCLOCK_WC_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dvbcss/wc_server.h"

enum { WC_COUNTERS = sizeof(struct dvbcss_wc_server_counters) / sizeof(uint64_t) };

/* They are nothing but numbers of 64 bits, and so can be copied and added as an array. */
_Static_assert(WC_COUNTERS * sizeof(uint64_t) == sizeof(struct dvbcss_wc_server_counters),
               "a counter is no uint64_t");

/** The published counters. Zeroed storage is ready for use. */
struct wc_counters {
    _Atomic uint64_t values[WC_COUNTERS];
};

/** Publishes; by the counting thread only. */
static inline void wc_counters_publish(struct wc_counters *published,
                                       const struct dvbcss_wc_server_counters *counters)
{
    uint64_t values[WC_COUNTERS];

    memcpy(values, counters, sizeof values);
    for (size_t i = 0; i < WC_COUNTERS; i++)
        atomic_store_explicit(&published->values[i], values[i], memory_order_relaxed);
}

/** Reads what was last published; any thread. */
static inline void wc_counters_read(const struct wc_counters *published,
                                    struct dvbcss_wc_server_counters *counters)
{
    uint64_t values[WC_COUNTERS] = {0};

    for (size_t i = 0; i < WC_COUNTERS; i++)
        values[i] = atomic_load_explicit(&published->values[i], memory_order_relaxed);
    memcpy(counters, values, sizeof values);
}

/** Adds counters to a sum. */
static inline void wc_counters_add(struct dvbcss_wc_server_counters *sum,
                                   const struct dvbcss_wc_server_counters *counters)
{
    uint64_t sums[WC_COUNTERS];
    uint64_t values[WC_COUNTERS];

    memcpy(sums, sum, sizeof sums);
    memcpy(values, counters, sizeof values);
    for (size_t i = 0; i < WC_COUNTERS; i++)
        sums[i] += values[i];
    memcpy(sum, sums, sizeof sums);
}

#endif
