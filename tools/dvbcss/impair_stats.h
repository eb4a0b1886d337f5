/**
 * @file
 * What a relay has done, and how late it was.
 */
#ifndef DVBCSS_TOOL_IMPAIR_STATS_H
#define DVBCSS_TOOL_IMPAIR_STATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "impair_model.h"

/** The counters of one direction: name, what is counted. */
#define IMPAIR_COUNTER_MAP(X)                                                                      \
    X(received)      /* datagrams that arrived */                                                  \
    X(lost)          /* that the model lost */                                                     \
    X(duplicated)    /* that the model sent twice */                                               \
    X(overtaken)     /* forwarded after one that had arrived later */                              \
    X(forwarded)     /* sent on */                                                                 \
    X(overflowed)    /* not taken: too many under way, or no memory */                             \
    X(too_long)      /* not taken: longer than a relay carries */                                  \
    X(strange)       /* from somebody other than the server, or to a client that is gone */        \
    X(send_failures) /* that the kernel refused */

struct impair_counters {
#define IMPAIR_COUNTER_MEMBER(name) uint64_t name;
    IMPAIR_COUNTER_MAP(IMPAIR_COUNTER_MEMBER)
#undef IMPAIR_COUNTER_MEMBER
};

/** Lateness is counted in steps of 1 us up to here; more is counted as this much. */
enum { IMPAIR_LATENESS_STEPS = 20000 };

struct impair_stats {
    struct impair_counters direction[IMPAIR_DIRECTIONS];
    /** Clients seen, and those forgotten to make room. */
    uint64_t clients;
    uint64_t evicted;
    uint64_t forged;
    uint64_t replayed;
    /** The relay goes before all other programs. */
    bool realtime;
    /** How long after its due time each datagram was sent. */
    uint32_t lateness[IMPAIR_LATENESS_STEPS + 1];
    int64_t lateness_max_ns;
};

/** Counts a datagram that was sent this long after it was due. */
void impair_stats_late(struct impair_stats *stats, int64_t late_ns);

/** The lateness that this share of the datagrams did not exceed, in seconds, rounded up to 1 us; 0
 * if there were none. */
double impair_stats_lateness_s(const struct impair_stats *stats, double share);

/** All of it as JSON: {"up": {counters}, "down": {counters}, "clients", ..., "late_s": {"p50",
 * "p99", "max"}}; NULL if there is no memory. */
json_t *impair_stats_json(const struct impair_stats *stats);

/** All of it for people. */
void impair_stats_print(const struct impair_stats *stats);

#endif
