/*
 * A run: one companion with one rule, one TV and a network between them, in virtual time.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_rules.h"
#include "tools/dvbcss/impair_model.h"

/* The errors to reach, in ms. */
enum { SIM_GOALS = 3 };
extern const double sim_goals_ms[SIM_GOALS];

struct sim_setting {
    const struct impair_model *network;
    const struct sim_rule *rule;
    uint64_t seed;
    double duration_s;
    /* Tell the companion when it wakes; else it has to notice. */
    bool told_of_sleep;
};

/* How it went. Error is what the companion's wall clock shows more than the TV's at the same
 * instant; all of it is sampled each second after the first 60. */
struct sim_result {
    /* Percentiles of the absolute error, in ms. */
    double p50_ms, p95_ms, p99_ms, max_ms;
    /* Median of the claimed bound, and the shortest round trip that was seen. */
    double bound_p50_ms;
    double rtt_min_ms;
    /* Share of the samples whose error was within the claimed bound; one without a claim counts as
     * within. The seconds in which the server is away or the client sleeps, and the three after it,
     * are not sampled: they are in `recovery_s`. */
    double coverage;
    /* Share of the samples at which the wall clock was available. */
    double availability;
    /* From the start until the error is within each goal for 10 s; NAN for never. */
    double goal_s[SIM_GOALS];
    /* From the end of the server's absence or the client's sleep until the clock is available,
     * within its bound, and within 5 ms, for 10 s; NAN for never, 0 if that end did not come. */
    double recovery_s;
    bool event_over;
    double requests_per_s;
    /* Largest request count in any ten seconds. */
    unsigned busiest_10_s;
    /* How often, after the first 60 s, the wall clock stepped backwards while it was available. */
    unsigned backward_steps;
    struct dvbcss_wc_requester_stats requester;
    struct dvbcss_wc_estimator_stats estimator;
};

/* Runs it. The program ends with a message if something fails that cannot fail. */
void sim_run(const struct sim_setting *setting, struct sim_result *result);

#endif
