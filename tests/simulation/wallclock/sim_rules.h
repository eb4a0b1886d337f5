/*
 * The rules that are compared: what a companion's clock is made of, when it asks, and what it makes
 * of an answer.
 */
#ifndef SIM_RULES_H
#define SIM_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/wc_estimator.h"
#include "dvbcss/wc_requester.h"

struct sim_rule {
    const char *name;
    /* Where it comes from, for people. */
    const char *title;
    int (*create)(struct dvbcss_wc_estimator **out,
                  const struct dvbcss_wc_estimator_options *options);
    /* As in the options of a requester. */
    int64_t interval_ns;
    int64_t retry_ns;
    unsigned burst_count;
    /* Plan by dvbcss_wc_poll_plan() in place of the two spans. */
    bool polls;
    /* The companion's stamps are the kernel's, not the program's. */
    bool kernel_stamps;
    /* The local clock shows multiples of this. */
    int64_t clock_step_ns;
    /* The frequency error that the companion assumes for itself; 0 for what is true. */
    double local_ppm;
};

extern const struct sim_rule sim_rules[];
extern const size_t sim_rule_count;

/* The rule of that name; NULL if there is none. */
const struct sim_rule *sim_rule_find(const char *name);

#endif
