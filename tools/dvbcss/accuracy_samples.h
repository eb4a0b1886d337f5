/**
 * @file
 * What was measured, and what it says.
 */
#ifndef DVBCSS_TOOL_ACCURACY_SAMPLES_H
#define DVBCSS_TOOL_ACCURACY_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

/** The client's clock at an instant. */
struct accuracy_sample {
    /** Since the measurement began, in seconds. */
    double time_s;
    /** The client's wall clock less the server's. */
    double error_s;
    /** How far the client says that it may be off. NAN if it does not say. */
    double bound_s;
};

/** The samples of a measurement, in the order of their times. Storage of the caller; zeros with a
 * limit are none yet. */
struct accuracy_samples {
    struct accuracy_sample *list;
    size_t count;
    size_t room;
    /** The most that are kept. */
    size_t limit;
    /** How many were not kept. */
    size_t missed;
};

/** The round trips of a measurement, alike. */
struct accuracy_values {
    double *list;
    size_t count;
    size_t room;
    size_t limit;
};

/** Adds a sample, or counts it as missed. */
void accuracy_samples_add(struct accuracy_samples *samples, struct accuracy_sample sample);

/** Adds a value if there is room. */
void accuracy_values_add(struct accuracy_values *values, double value);

/** Frees what was kept. */
void accuracy_samples_finish(struct accuracy_samples *samples);
void accuracy_values_finish(struct accuracy_values *values);

/** Percentiles in seconds; NAN if there are no values. */
struct accuracy_percentiles {
    double p50;
    double p95;
    double p99;
    double max;
};

/** Computes percentiles, sorting the values. */
struct accuracy_percentiles accuracy_percentiles(struct accuracy_values *values);

/** How samples are judged. */
struct accuracy_rules {
    /** Samples before this time do not count for the percentiles; the bound has to hold from the
     * first. */
    double settle_s;
    /** How far the truth may be off: the bound has to hold but for that. */
    double truth_error_s;
    /** When the clocks broke apart (a restart, a sleep); NAN for never. */
    double broken_s;
    /** How long after that samples are neither judged nor counted: nobody can know at once. */
    double grace_s;
};

/** Whether a sample counts for the percentiles. */
bool accuracy_sample_counts(const struct accuracy_rules *rules,
                            const struct accuracy_sample *sample);

/** The errors whose reaching is timed, in seconds: 10, 5 and 1 ms. */
enum { ACCURACY_MARKS = 3 };
extern const double accuracy_marks_s[ACCURACY_MARKS];

/** What the samples say. NAN for what does not exist. */
struct accuracy_result {
    /** Of the absolute error, and of the bound. */
    struct accuracy_percentiles error;
    struct accuracy_percentiles bound;
    /** Samples behind the percentiles. */
    size_t counted;
    /** Samples with a bound, and those whose error it covers. */
    size_t judged;
    size_t covered;
    /** Covered of judged, 0 to 1. */
    double coverage;
    /** The first sample. */
    double lock_s;
    /** From when on the error was at most so much, for a second or to the end. */
    double reached_s[ACCURACY_MARKS];
    /** How long after the clocks broke apart the error was within 10 ms and the bound again. */
    double recovery_s;
};

/** Judges samples. Returns 0 or DVBCSS_ENOMEM. */
int accuracy_samples_judge(const struct accuracy_samples *samples,
                           const struct accuracy_rules *rules, struct accuracy_result *result);

#endif
