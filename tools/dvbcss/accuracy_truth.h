/**
 * @file
 * What the server's wall clock really shows: the truth that a client is compared with.
 */
#ifndef DVBCSS_TOOL_ACCURACY_TRUTH_H
#define DVBCSS_TOOL_ACCURACY_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "accuracy_child.h"
#include "accuracy_clock.h"

enum accuracy_truth_kind {
    /** The clock of our own server. */
    ACCURACY_TRUTH_OWN,
    /** A clock of this machine's kernel, less a constant. */
    ACCURACY_TRUTH_SYSTEM,
    /** What a program says, and at the same rate from there. */
    ACCURACY_TRUTH_TOLD,
};

struct accuracy_truth {
    enum accuracy_truth_kind kind;
    /** OWN. */
    const struct accuracy_clock *own;
    /** SYSTEM. */
    clockid_t system;
    int64_t epoch_ns;
    /** TOLD: the last reading. */
    bool told;
    struct accuracy_reading reading;
};

/**
 * Makes a truth of the kind SYSTEM.
 *
 * @param clock    CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME or CLOCK_REALTIME, as text
 * @param epoch_ns what the clock showed when the wall clock showed 0
 * @return whether there is such a clock
 */
bool accuracy_truth_set(const char *clock, int64_t epoch_ns, struct accuracy_truth *out);

/** Reads CLOCK or CLOCK-EPOCH_NS for accuracy_truth_set(). */
bool accuracy_truth_parse(const char *text, struct accuracy_truth *out);

/**
 * Tells what the server's wall clock showed when dvbcss_monotonic_ns() was @p monotonic_ns, not
 * long ago.
 *
 * @return false while that is not known
 */
bool accuracy_truth_at(const struct accuracy_truth *truth, int64_t monotonic_ns, int64_t *out_ns);

#endif
