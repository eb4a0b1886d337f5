#include "sim_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/wc_tracking.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

/* ---- ours ----------------------------------------------------------------------------------- */

static int tracking(struct dvbcss_wc_estimator **out,
                    const struct dvbcss_wc_estimator_options *options)
{
    return dvbcss_wc_tracking_create(out, options, NULL);
}

/* ---- others, written anew from their descriptions ------------------------------------------- */

/* A line through the middle of an exchange. */
static struct dvbcss_correlation middle(const struct dvbcss_wc_candidate *candidate, double error_s,
                                        double growth)
{
    struct dvbcss_correlation line =
        dvbcss_correlation(candidate->t1_ns + (candidate->t4_ns - candidate->t1_ns) / 2,
                           candidate->t2_ns + (candidate->t3_ns - candidate->t2_ns) / 2);

    line.initial_error_s = error_s;
    line.error_growth = growth;
    return line;
}

static double rtt_s(const struct dvbcss_wc_candidate *candidate)
{
    /* Clocks of a millisecond make it negative at times. */
    return fmax(0, (double)dvbcss_wc_candidate_rtt_ns(candidate) / 1e9);
}

static double local_ppm(const struct dvbcss_wc_estimator *estimator)
{
    return dvbcss_clock_root_max_freq_error_ppm(
        dvbcss_clock_root(dvbcss_wc_estimator_wall_clock(estimator)));
}

/* Annex C.8 as the reference implementations have it. */
static struct dvbcss_correlation annex_line(const struct dvbcss_wc_candidate *candidate,
                                            double local_max_ppm)
{
    double server_max_ppm = candidate->server_max_freq_error_ppm;
    double local_s = (double)(candidate->t4_ns - candidate->t1_ns) / 1e9;
    double server_s = (double)(candidate->t3_ns - candidate->t2_ns) / 1e9;
    double error_s = candidate->server_precision_s + rtt_s(candidate) / 2 +
                     (local_max_ppm * local_s + server_max_ppm * server_s) * 1e-6;

    return middle(candidate, error_s, (local_max_ppm + server_max_ppm) * 1e-6);
}

/* Adopts what has a lower dispersion at the time that the wall clock shows. After a jump of the
 * server's clock that time is far from the candidate's point, and its dispersion grows with the
 * distance. */
static int annex_add(void *state, struct dvbcss_wc_estimator *estimator,
                     const struct dvbcss_wc_sample *sample, struct dvbcss_wc_outcome *outcome)
{
    const struct dvbcss_clock *wall_clock = dvbcss_wc_estimator_wall_clock(estimator);
    struct dvbcss_correlation line;
    double distance_s, dispersion_s;

    (void)state;
    if (!sample->candidate)
        return 0;
    line = annex_line(sample->candidate, local_ppm(estimator));
    distance_s = fabs((double)(dvbcss_clock_now_ns(wall_clock) - line.child.whole) / 1e9);
    dispersion_s = dvbcss_clock_root_precision_s(dvbcss_clock_root(wall_clock)) +
                   line.initial_error_s + line.error_growth * distance_s;
    outcome->useful = dispersion_s < sample->current_dispersion_s;
    return outcome->useful ? dvbcss_wc_estimator_adopt(estimator, line, 1.0, sample->now_ns) : 0;
}

static const struct dvbcss_wc_estimator_ops annex_ops = {.name = "annex", .add = annex_add};

/* Adopts whatever comes. */
static int recent_add(void *state, struct dvbcss_wc_estimator *estimator,
                      const struct dvbcss_wc_sample *sample, struct dvbcss_wc_outcome *outcome)
{
    (void)state;
    outcome->useful = sample->candidate != NULL;
    if (!sample->candidate)
        return 0;
    return dvbcss_wc_estimator_adopt(estimator, annex_line(sample->candidate, local_ppm(estimator)),
                                     1.0, sample->now_ns);
}

static const struct dvbcss_wc_estimator_ops recent_ops = {.name = "recent", .add = recent_add};

/* Adopts what had a shorter round trip than any before, and claims half of it for ever. */
static int shortest_add(void *state, struct dvbcss_wc_estimator *estimator,
                        const struct dvbcss_wc_sample *sample, struct dvbcss_wc_outcome *outcome)
{
    double *shortest_s = state;

    outcome->useful = sample->candidate && rtt_s(sample->candidate) < *shortest_s;
    if (!outcome->useful)
        return 0;
    *shortest_s = rtt_s(sample->candidate);
    return dvbcss_wc_estimator_adopt(estimator, middle(sample->candidate, *shortest_s / 2, 0), 1.0,
                                     sample->now_ns);
}

static const struct dvbcss_wc_estimator_ops shortest_ops = {
    .name = "shortest", .add = shortest_add, .destroy = free};

/* None of them notices a jump, and none becomes unavailable again. */
static int create_other(struct dvbcss_wc_estimator **out,
                        const struct dvbcss_wc_estimator_options *options,
                        const struct dvbcss_wc_estimator_ops *ops, void *state)
{
    struct dvbcss_wc_estimator_options own = *options;

    own.jump_candidates = 0;
    own.max_dispersion_s = 0;
    return dvbcss_wc_estimator_create(out, &own, ops, state);
}

static int annex(struct dvbcss_wc_estimator **out,
                 const struct dvbcss_wc_estimator_options *options)
{
    return create_other(out, options, &annex_ops, NULL);
}

static int recent(struct dvbcss_wc_estimator **out,
                  const struct dvbcss_wc_estimator_options *options)
{
    return create_other(out, options, &recent_ops, NULL);
}

static int shortest(struct dvbcss_wc_estimator **out,
                    const struct dvbcss_wc_estimator_options *options)
{
    double *shortest_s = malloc(sizeof *shortest_s);
    int error;

    if (!shortest_s)
        return DVBCSS_ENOMEM;
    *shortest_s = INFINITY;
    error = create_other(out, options, &shortest_ops, shortest_s);
    if (error)
        free(shortest_s);
    return error;
}

/* ---- the table ------------------------------------------------------------------------------ */

const struct sim_rule sim_rules[] = {
    {
        .name = "tracking",
        .title = "tracking (ours)",
        .create = tracking,
        .interval_ns = S,
        .retry_ns = 200 * MS,
        .burst_count = 8,
        .polls = true,
        .kernel_stamps = true,
        .clock_step_ns = 1,
    },
    {
        .name = "lowest-dispersion",
        .title = "lowest dispersion (ours)",
        .create = dvbcss_wc_lowest_dispersion_create,
        .interval_ns = S,
        .retry_ns = 200 * MS,
        .burst_count = 8,
        .polls = true,
        .kernel_stamps = true,
        .clock_step_ns = 1,
    },
    {
        .name = "pydvbcss",
        .title = "lowest dispersion at 500 ppm (pydvbcss)",
        .create = annex,
        .interval_ns = S,
        .retry_ns = 200 * MS,
        .clock_step_ns = 1,
        .local_ppm = 500,
    },
    {
        .name = "dvbcss-protocols",
        .title = "the same in milliseconds at 50 ppm (dvbcss-protocols)",
        .create = annex,
        .interval_ns = S,
        .retry_ns = S,
        .clock_step_ns = MS,
        .local_ppm = 50,
    },
    {
        .name = "best-ever",
        .title = "shortest round trip ever (3Cat)",
        .create = shortest,
        .interval_ns = S,
        .retry_ns = S,
        .clock_step_ns = 1,
    },
    {
        .name = "most-recent",
        .title = "most recent",
        .create = recent,
        .interval_ns = S,
        .retry_ns = 200 * MS,
        .clock_step_ns = 1,
        .local_ppm = 500,
    },
};

const size_t sim_rule_count = sizeof sim_rules / sizeof sim_rules[0];

const struct sim_rule *sim_rule_find(const char *name)
{
    for (size_t i = 0; i < sim_rule_count; i++)
        if (strcmp(sim_rules[i].name, name) == 0)
            return &sim_rules[i];
    return NULL;
}
