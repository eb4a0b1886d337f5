#include "dvbcss/wc_estimator.h"

#include <assert.h>
#include <math.h>

#include "dvbcss/alloc.h"
#include "wallclock/wc_histogram.h"

struct dvbcss_wc_estimator {
    struct dvbcss_wc_estimator_options options;
    const struct dvbcss_wc_estimator_ops *ops;
    void *state;
    /* The local clock: the wall clock's parent. */
    struct dvbcss_clock *local;
    double worst_dispersion_s;
    /* Whether the wall clock was adjusted during the present dvbcss_wc_estimator_add(). */
    bool adjusted;
    /* Candidates in a row that contradict the wall clock, and the last of them. */
    unsigned contradictions;
    struct dvbcss_correlation contradiction;
    uint64_t exchanges, useful, doubted, losses, jumps;
    struct wc_histogram round_trips;
};

/* ---- lines and their bounds ----------------------------------------------------------------- */

static struct dvbcss_ticks local_ticks(const struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    return dvbcss_ticks_from_ns(now_ns, dvbcss_clock_rate(estimator->local));
}

/* What a wall clock on this line shows. */
static int line_at(const struct dvbcss_wc_estimator *estimator,
                   const struct dvbcss_correlation *line, double speed, int64_t now_ns,
                   struct dvbcss_ticks *out)
{
    struct dvbcss_ticks since = dvbcss_ticks_sub(local_ticks(estimator, now_ns), line->parent);
    struct dvbcss_ticks moved;
    int error =
        dvbcss_ticks_convert(since, dvbcss_clock_rate(estimator->local),
                             dvbcss_clock_rate(estimator->options.wall_clock), speed, &moved);

    if (!error)
        *out = dvbcss_ticks_add(line->child, moved);
    return error;
}

/* The error bound of a wall clock on this line, the local clock's included. */
static double line_dispersion_s(const struct dvbcss_wc_estimator *estimator,
                                const struct dvbcss_correlation *line, int64_t now_ns)
{
    struct dvbcss_ticks now = local_ticks(estimator, now_ns);
    double age_s = dvbcss_ticks_to_seconds(dvbcss_ticks_sub(now, line->parent),
                                           dvbcss_clock_rate(estimator->local));

    return dvbcss_clock_dispersion_s(estimator->local, now) + line->initial_error_s +
           line->error_growth * fabs(age_s);
}

double dvbcss_wc_estimator_dispersion_s(const struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    struct dvbcss_correlation line = dvbcss_clock_correlation(estimator->options.wall_clock);

    return line_dispersion_s(estimator, &line, now_ns);
}

static void note_dispersion(struct dvbcss_wc_estimator *estimator, double dispersion_s)
{
    estimator->worst_dispersion_s = fmax(estimator->worst_dispersion_s, dispersion_s);
}

double dvbcss_wc_estimator_worst_dispersion_s(struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    double worst_s;

    note_dispersion(estimator, dvbcss_wc_estimator_dispersion_s(estimator, now_ns));
    worst_s = estimator->worst_dispersion_s;
    estimator->worst_dispersion_s = 0;
    return worst_s;
}

/* ---- the wall clock ------------------------------------------------------------------------- */

/* The calls that this follows cannot fail for a tunable clock, which the wall clock is. */
static void must_work(int error)
{
    assert(error == 0);
    (void)error;
}

static void update_availability(struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    const struct dvbcss_wc_estimator_options *options = &estimator->options;
    double dispersion_s = dvbcss_wc_estimator_dispersion_s(estimator, now_ns);
    bool good = options->max_dispersion_s > 0 ? dispersion_s <= options->max_dispersion_s
                                              : dispersion_s < INFINITY;

    must_work(dvbcss_clock_set_available(options->wall_clock, good));
}

static void forget(struct dvbcss_wc_estimator *estimator)
{
    estimator->contradictions = 0;
    note_dispersion(estimator, INFINITY);
    must_work(dvbcss_tunable_clock_set_error(estimator->options.wall_clock, INFINITY, 0));
    if (estimator->ops->reset)
        estimator->ops->reset(estimator->state);
}

void dvbcss_wc_estimator_reset(struct dvbcss_wc_estimator *estimator)
{
    forget(estimator);
    must_work(dvbcss_clock_set_available(estimator->options.wall_clock, false));
}

int dvbcss_wc_estimator_adopt(struct dvbcss_wc_estimator *estimator,
                              struct dvbcss_correlation correlation, double speed, int64_t now_ns)
{
    struct dvbcss_clock *wall_clock = estimator->options.wall_clock;
    struct dvbcss_wc_adjustment adjustment = {.at_ns = now_ns,
                                              .error_growth = correlation.error_growth};
    struct dvbcss_ticks before;
    int error;

    error = dvbcss_clock_from_parent(wall_clock, local_ticks(estimator, now_ns), &before);
    if (!error)
        error = line_at(estimator, &correlation, speed, now_ns, &adjustment.time);
    if (error)
        return error;
    adjustment.old_dispersion_s = dvbcss_wc_estimator_dispersion_s(estimator, now_ns);
    error = dvbcss_clock_set_correlation_and_speed(wall_clock, correlation, speed);
    if (error)
        return error;
    note_dispersion(estimator, adjustment.old_dispersion_s);
    estimator->adjusted = true;
    adjustment.adjustment = dvbcss_ticks_sub(adjustment.time, before);
    adjustment.new_dispersion_s = dvbcss_wc_estimator_dispersion_s(estimator, now_ns);
    if (estimator->options.adjusted)
        estimator->options.adjusted(estimator->options.user, &adjustment);
    return 0;
}

struct dvbcss_clock *dvbcss_wc_estimator_wall_clock(const struct dvbcss_wc_estimator *estimator)
{
    return estimator->options.wall_clock;
}

/* ---- candidates ----------------------------------------------------------------------------- */

static int make_sample(const struct dvbcss_wc_estimator *estimator,
                       const struct dvbcss_wc_candidate *candidate, int64_t now_ns,
                       struct dvbcss_wc_sample *sample)
{
    struct dvbcss_ticks shown;
    int error;

    *sample = (struct dvbcss_wc_sample){.candidate = candidate,
                                        .now_ns = now_ns,
                                        .current_dispersion_s =
                                            dvbcss_wc_estimator_dispersion_s(estimator, now_ns)};
    if (!candidate)
        return 0;
    error = dvbcss_wc_candidate_claim(
        candidate, dvbcss_clock_rate(estimator->local),
        dvbcss_clock_rate(estimator->options.wall_clock),
        dvbcss_clock_root_max_freq_error_ppm(dvbcss_clock_root(estimator->local)), &sample->claim);
    if (!error)
        error = line_at(estimator, &sample->claim, 1.0, now_ns, &shown);
    if (error)
        return error;
    sample->dispersion_s = line_dispersion_s(estimator, &sample->claim, now_ns);
    return 0;
}

/* Two values of the wall clock cannot both be within their bounds of the server's. */
static bool apart(const struct dvbcss_wc_estimator *estimator, struct dvbcss_ticks a,
                  struct dvbcss_ticks b, double bounds_s)
{
    struct dvbcss_rate rate = dvbcss_clock_rate(estimator->options.wall_clock);

    return fabs(dvbcss_ticks_to_seconds(dvbcss_ticks_sub(a, b), rate)) > bounds_s;
}

static bool contradicts_wall_clock(const struct dvbcss_wc_estimator *estimator,
                                   const struct dvbcss_wc_sample *sample)
{
    struct dvbcss_ticks claimed;
    struct dvbcss_ticks shown;

    if (line_at(estimator, &sample->claim, 1.0, sample->now_ns, &claimed) != 0 ||
        dvbcss_clock_from_parent(estimator->options.wall_clock,
                                 local_ticks(estimator, sample->now_ns), &shown) != 0)
        return false;
    return apart(estimator, claimed, shown, sample->dispersion_s + sample->current_dispersion_s);
}

static bool contradicts_what_is_known(const struct dvbcss_wc_estimator *estimator,
                                      const struct dvbcss_wc_sample *sample)
{
    return estimator->ops->contradicts ? estimator->ops->contradicts(estimator->state, sample)
                                       : contradicts_wall_clock(estimator, sample);
}

static bool contradicts_last(const struct dvbcss_wc_estimator *estimator,
                             const struct dvbcss_wc_sample *sample)
{
    const struct dvbcss_correlation *last = &estimator->contradiction;
    struct dvbcss_ticks claimed;
    struct dvbcss_ticks before;

    if (line_at(estimator, &sample->claim, 1.0, sample->now_ns, &claimed) != 0 ||
        line_at(estimator, last, 1.0, sample->now_ns, &before) != 0)
        return true;
    return apart(estimator, claimed, before,
                 sample->dispersion_s + line_dispersion_s(estimator, last, sample->now_ns));
}

enum belief { BELIEVABLE, DOUBTED, JUMPED };

/* Decides whether a candidate can be true along with what is known. One that cannot is
 * kept back; several that agree with each other are the server's new time. */
static enum belief believe(struct dvbcss_wc_estimator *estimator,
                           const struct dvbcss_wc_sample *sample)
{
    if (!sample->candidate || estimator->options.jump_candidates == 0)
        return BELIEVABLE;
    if (!contradicts_what_is_known(estimator, sample)) {
        estimator->contradictions = 0;
        return BELIEVABLE;
    }
    if (estimator->contradictions > 0 && contradicts_last(estimator, sample))
        estimator->contradictions = 0;
    estimator->contradictions++;
    estimator->contradiction = sample->claim;
    return estimator->contradictions < estimator->options.jump_candidates ? DOUBTED : JUMPED;
}

static void count(struct dvbcss_wc_estimator *estimator,
                  const struct dvbcss_wc_candidate *candidate,
                  const struct dvbcss_wc_outcome *outcome)
{
    if (!candidate) {
        estimator->losses++;
        return;
    }
    wc_histogram_add(&estimator->round_trips, dvbcss_wc_candidate_rtt_ns(candidate));
    estimator->exchanges++;
    estimator->useful += outcome->useful;
    estimator->doubted += outcome->doubted;
    estimator->jumps += outcome->jumped;
}

int dvbcss_wc_estimator_add(struct dvbcss_wc_estimator *estimator,
                            const struct dvbcss_wc_candidate *candidate, int64_t now_ns,
                            struct dvbcss_wc_outcome *outcome)
{
    struct dvbcss_wc_outcome result = {.wait_ns = -1};
    struct dvbcss_wc_sample sample;
    enum belief belief;
    int error = make_sample(estimator, candidate, now_ns, &sample);

    if (error)
        return error;
    belief = believe(estimator, &sample);
    if (belief == JUMPED) {
        forget(estimator);
        sample.current_dispersion_s = INFINITY;
    }
    estimator->adjusted = false;
    if (belief != DOUBTED)
        error = estimator->ops->add(estimator->state, estimator, &sample, &result);
    update_availability(estimator, now_ns);
    if (error)
        return error;
    result.adjusted = estimator->adjusted;
    result.doubted = belief == DOUBTED;
    result.jumped = belief == JUMPED;
    count(estimator, candidate, &result);
    if (outcome)
        *outcome = result;
    return 0;
}

/* ---- time that passes ----------------------------------------------------------------------- */

/* When the bound will have grown past the setting. */
static int64_t unavailable_from(const struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    double growth = dvbcss_clock_correlation(estimator->options.wall_clock).error_growth;
    double left_s =
        estimator->options.max_dispersion_s - dvbcss_wc_estimator_dispersion_s(estimator, now_ns);
    double left_ns = left_s / growth * 1e9;

    if (!(left_s >= 0) || !(left_ns < (double)(INT64_MAX / 4)) || now_ns > INT64_MAX / 2)
        return INT64_MAX;
    return now_ns + (int64_t)left_ns + 1;
}

int64_t dvbcss_wc_estimator_tick(struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    int64_t end_ns;

    if (estimator->ops->tick)
        next_ns = estimator->ops->tick(estimator->state, estimator, now_ns);
    update_availability(estimator, now_ns);
    end_ns = unavailable_from(estimator, now_ns);
    return end_ns < next_ns ? end_ns : next_ns;
}

/* ---- what is known -------------------------------------------------------------------------- */

static int64_t offset_ns(const struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    const struct dvbcss_clock *wall_clock = estimator->options.wall_clock;
    struct dvbcss_ticks shown;
    int64_t shown_ns;

    if (dvbcss_clock_from_parent(wall_clock, local_ticks(estimator, now_ns), &shown) != 0)
        return 0;
    shown_ns = dvbcss_ticks_to_ns(shown, dvbcss_clock_rate(wall_clock));
    return dvbcss_ticks_sub(dvbcss_ticks(shown_ns), dvbcss_ticks(now_ns)).whole;
}

void dvbcss_wc_estimator_stats(const struct dvbcss_wc_estimator *estimator, int64_t now_ns,
                               struct dvbcss_wc_estimator_stats *out)
{
    const struct dvbcss_wc_estimator_ops *ops = estimator->ops;

    *out = (struct dvbcss_wc_estimator_stats){
        .frequency_ppm = ops->frequency_ppm ? ops->frequency_ppm(estimator->state) : 0,
        .dispersion_s = dvbcss_wc_estimator_dispersion_s(estimator, now_ns),
        .exchanges = estimator->exchanges,
        .useful = estimator->useful,
        .doubted = estimator->doubted,
        .losses = estimator->losses,
        .jumps = estimator->jumps,
    };
    if (out->dispersion_s < INFINITY)
        out->offset_ns = offset_ns(estimator, now_ns);
}

int64_t dvbcss_wc_estimator_rtt_ns(const struct dvbcss_wc_estimator *estimator, double share)
{
    return wc_histogram_percentile_ns(&estimator->round_trips, share);
}

/* ---- life ----------------------------------------------------------------------------------- */

static bool options_valid(const struct dvbcss_wc_estimator_options *options)
{
    struct dvbcss_clock *clock = options->wall_clock;

    return clock && dvbcss_clock_parent(clock) &&
           dvbcss_clock_effective_speed(dvbcss_clock_parent(clock)) == 1.0 &&
           dvbcss_clock_root_max_freq_error_ppm(dvbcss_clock_root(clock)) < 1e6 &&
           options->max_dispersion_s >= 0;
}

int dvbcss_wc_estimator_create(struct dvbcss_wc_estimator **out,
                               const struct dvbcss_wc_estimator_options *options,
                               const struct dvbcss_wc_estimator_ops *ops, void *state)
{
    struct dvbcss_wc_estimator *estimator;

    if (!options_valid(options) || !ops->name || !ops->add)
        return DVBCSS_EINVAL;
    estimator = dvbcss_calloc(1, sizeof *estimator);
    if (!estimator)
        return DVBCSS_ENOMEM;
    /* Only a tunable clock takes an error of its own. */
    if (dvbcss_tunable_clock_set_error(options->wall_clock, INFINITY, 0) != 0) {
        dvbcss_free(estimator);
        return DVBCSS_EINVAL;
    }
    must_work(dvbcss_clock_set_available(options->wall_clock, false));
    estimator->options = *options;
    estimator->ops = ops;
    estimator->state = state;
    estimator->local = dvbcss_clock_parent(options->wall_clock);
    *out = estimator;
    return 0;
}

void dvbcss_wc_estimator_destroy(struct dvbcss_wc_estimator *estimator)
{
    if (!estimator)
        return;
    if (estimator->ops->destroy)
        estimator->ops->destroy(estimator->state);
    dvbcss_free(estimator);
}

const char *dvbcss_wc_estimator_name(const struct dvbcss_wc_estimator *estimator)
{
    return estimator->ops->name;
}
