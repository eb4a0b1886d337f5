/**
 * @file
 * Telling what a measurement has found: to people, as JSON, as CSV.
 */
#ifndef DVBCSS_TOOL_ACCURACY_REPORT_H
#define DVBCSS_TOOL_ACCURACY_REPORT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "accuracy_samples.h"
#include "impair_stats.h"

/** A measurement and what was found. NAN for figures that do not exist. */
struct accuracy_report {
    /** What was measured; "own" or "command" for client, "own", "command" or a URL for server. */
    const char *model;
    uint64_t seed;
    const char *server;
    const char *client;
    /** NULL for somebody else's client. */
    const char *estimator;
    /** Of our own server; NAN for another. */
    double skew_ppm;
    double duration_s;
    const struct accuracy_rules *rules;
    const struct accuracy_samples *samples;
    const struct accuracy_result *result;
    struct accuracy_percentiles rtt;
    /** What the relay has done: the requests, above all. */
    const struct impair_stats *network;
};

/** Requests of the client, and how many of them per second. */
uint64_t accuracy_report_requests(const struct accuracy_report *report);
double accuracy_report_requests_hz(const struct accuracy_report *report);

/** The JSON line {"event": "result", ...}; NULL if there is no memory. */
json_t *accuracy_report_json(const struct accuracy_report *report);

/** The lines for people. */
void accuracy_report_print(const struct accuracy_report *report);

/** Writes time_s,error_s,bound_s with a heading, a line per sample. */
void accuracy_report_csv(const struct accuracy_report *report, FILE *out);

/** Writes a time for people, as "1.234 ms"; "-" for NAN. @p text has room for 32 bytes. */
const char *accuracy_report_time(double seconds, char *text);

#endif
