#include "dvbcss/wc_tracking.h"

#include <math.h>

#include "dvbcss/alloc.h"
#include "wallclock/wc_history.h"
#include "wallclock/wc_limits.h"

/* What is lost on the way from ns to ticks and back, and by doubles: bounds must not be too small.
 */
#define ROUNDING_NS 2.0
#define ROUNDING_GROWTH 1e-12

struct tracking {
    struct dvbcss_wc_tracking_options options;
    double local_precision_s;
    /* Whether anything is known; the rest means nothing until then. */
    bool known;
    struct wc_frame frame;
    struct wc_bracket bracket;
    struct wc_history history;
    /* When the present slew is over; INT64_MAX for no slew. */
    int64_t slew_end_ns;
};

/* ---- what a candidate proves ---------------------------------------------------------------- */

static struct wc_bracket proven(const struct tracking *self, const struct wc_limits *limits,
                                const struct dvbcss_wc_sample *sample)
{
    const struct dvbcss_wc_candidate *candidate = sample->candidate;
    double error_s =
        candidate->server_precision_s + candidate->stamp_error_s + self->local_precision_s;

    return wc_bracket_of(limits, error_s * 1e9, sample->claim.error_growth * 1e9,
                         wc_frame_time_s(self->frame, sample->now_ns));
}

/* The bracket of all before at the instant of a newer one. Between the two exchanges the server may
 * have had either figure. */
static struct wc_bracket older_at(const struct tracking *self, const struct wc_bracket *newer)
{
    struct wc_bracket older = self->bracket;

    older.growth_ns_per_s = fmax(older.growth_ns_per_s, newer->growth_ns_per_s);
    return wc_bracket_at(&older, newer->at_s);
}

static bool tracking_contradicts(const void *state, const struct dvbcss_wc_sample *sample)
{
    const struct tracking *self = state;
    struct wc_limits limits;
    struct wc_bracket older, newer, overlap;
    double middle_ns;

    if (!self->known)
        return false;
    limits = wc_limits_of(self->frame, sample->candidate);
    newer = proven(self, &limits, sample);
    older = older_at(self, &newer);
    overlap = wc_bracket_overlap(&older, &newer);
    if (wc_bracket_empty(&overlap))
        return true;
    middle_ns = (newer.upper_ns + newer.lower_ns) / 2;
    return (middle_ns > older.upper_ns || middle_ns < older.lower_ns) &&
           wc_history_is_quick(&self->history, &limits);
}

/* Takes a candidate in; whether it narrowed the bracket. */
static bool learn(struct tracking *self, const struct dvbcss_wc_sample *sample)
{
    struct wc_limits limits;
    struct wc_bracket before, newer, older;

    if (!self->known) {
        self->known = true;
        self->frame = wc_frame_at(sample->candidate);
        self->history = (struct wc_history){0};
        self->bracket = (struct wc_bracket){0, -INFINITY, INFINITY, 0};
    }
    limits = wc_limits_of(self->frame, sample->candidate);
    newer = proven(self, &limits, sample);
    before = wc_bracket_at(&self->bracket, newer.at_s);
    older = older_at(self, &newer);
    self->bracket = wc_bracket_overlap(&older, &newer);
    wc_history_add(&self->history, &limits, self->bracket.growth_ns_per_s);
    return self->bracket.lower_ns > before.lower_ns || self->bracket.upper_ns < before.upper_ns;
}

/* ---- steering ------------------------------------------------------------------------------- */

/* Has the wall clock, now at an offset, go on at a rate of change of it. */
static int steer(struct tracking *self, struct dvbcss_wc_estimator *estimator,
                 struct dvbcss_ticks child, double offset_ns, double ns_per_s, int64_t now_ns)
{
    struct dvbcss_clock *wall_clock = dvbcss_wc_estimator_wall_clock(estimator);
    struct wc_bracket bracket = wc_bracket_at(&self->bracket, wc_frame_time_s(self->frame, now_ns));
    double bound_ns = fmax(bracket.upper_ns - offset_ns, offset_ns - bracket.lower_ns);
    struct dvbcss_correlation correlation;

    correlation.parent =
        dvbcss_ticks_from_ns(now_ns, dvbcss_clock_rate(dvbcss_clock_parent(wall_clock)));
    correlation.child = child;
    correlation.initial_error_s = (fmax(0, bound_ns) + ROUNDING_NS) * 1e-9;
    correlation.error_growth = (bracket.growth_ns_per_s + fabs(ns_per_s)) * 1e-9 + ROUNDING_GROWTH;
    return dvbcss_wc_estimator_adopt(estimator, correlation, 1 + ns_per_s * 1e-9, now_ns);
}

/* The wall clock's offset from the local clock in the frame. */
static double offset_of(const struct tracking *self, const struct dvbcss_clock *wall_clock,
                        struct dvbcss_ticks shown, int64_t now_ns)
{
    int64_t shown_ns = dvbcss_ticks_to_ns(shown, dvbcss_clock_rate(wall_clock));

    return (double)((__int128)shown_ns - now_ns - self->frame.offset_ns);
}

static int step_to(struct tracking *self, struct dvbcss_wc_estimator *estimator, double offset_ns,
                   int64_t now_ns)
{
    struct dvbcss_rate rate = dvbcss_clock_rate(dvbcss_wc_estimator_wall_clock(estimator));
    struct dvbcss_ticks time =
        dvbcss_ticks_add(dvbcss_ticks(now_ns), dvbcss_ticks(self->frame.offset_ns));
    int error;

    time = dvbcss_ticks_add(time, dvbcss_ticks_from_double(offset_ns));
    error = dvbcss_ticks_convert(time, dvbcss_rate_hz(1000000000), rate, 1.0, &time);
    if (error)
        return error;
    self->slew_end_ns = INT64_MAX;
    return steer(self, estimator, time, offset_ns, self->history.frequency_ns_per_s, now_ns);
}

static struct dvbcss_ticks shown_at(const struct dvbcss_clock *wall_clock, int64_t now_ns)
{
    struct dvbcss_rate local_rate = dvbcss_clock_rate(dvbcss_clock_parent(wall_clock));
    struct dvbcss_ticks shown;

    /* Out of range only if the clock is so far off that stepping is right whatever is put here. */
    if (dvbcss_clock_from_parent(wall_clock, dvbcss_ticks_from_ns(now_ns, local_rate), &shown) != 0)
        shown = DVBCSS_TICKS_MAX;
    return shown;
}

static int64_t later(int64_t now_ns, double span_s)
{
    int64_t span_ns = (int64_t)(span_s * 1e9);

    return now_ns > INT64_MAX - span_ns ? INT64_MAX : now_ns + span_ns;
}

/* Moves the wall clock to where the candidates have it. */
static int follow(struct tracking *self, struct dvbcss_wc_estimator *estimator,
                  const struct dvbcss_wc_sample *sample)
{
    const struct dvbcss_clock *wall_clock = dvbcss_wc_estimator_wall_clock(estimator);
    struct dvbcss_ticks shown = shown_at(wall_clock, sample->now_ns);
    double offset_ns = offset_of(self, wall_clock, shown, sample->now_ns);
    double wanted_ns =
        wc_history_offset_ns(&self->history, wc_frame_time_s(self->frame, sample->now_ns));
    double error_ns;

    wanted_ns = fmax(self->bracket.lower_ns, fmin(self->bracket.upper_ns, wanted_ns));
    error_ns = wanted_ns - offset_ns;
    if (sample->current_dispersion_s == INFINITY || fabs(error_ns) > self->options.step_s * 1e9)
        return step_to(self, estimator, wanted_ns, sample->now_ns);
    self->slew_end_ns = later(sample->now_ns, self->options.slew_s);
    return steer(self, estimator, shown, offset_ns,
                 self->history.frequency_ns_per_s + error_ns / self->options.slew_s,
                 sample->now_ns);
}

/* ---- the kind ------------------------------------------------------------------------------- */

static int tracking_add(void *state, struct dvbcss_wc_estimator *estimator,
                        const struct dvbcss_wc_sample *sample, struct dvbcss_wc_outcome *outcome)
{
    struct tracking *self = state;

    if (!sample->candidate)
        return 0;
    outcome->useful = learn(self, sample);
    return follow(self, estimator, sample);
}

static int64_t tracking_tick(void *state, struct dvbcss_wc_estimator *estimator, int64_t now_ns)
{
    struct tracking *self = state;
    const struct dvbcss_clock *wall_clock = dvbcss_wc_estimator_wall_clock(estimator);
    struct dvbcss_ticks shown;

    if (now_ns < self->slew_end_ns)
        return self->slew_end_ns;
    self->slew_end_ns = INT64_MAX;
    shown = shown_at(wall_clock, now_ns);
    /* A line that cannot be used is not adopted: the wall clock keeps to the one it has. */
    (void)steer(self, estimator, shown, offset_of(self, wall_clock, shown, now_ns),
                self->history.frequency_ns_per_s, now_ns);
    return INT64_MAX;
}

static void tracking_reset(void *state)
{
    struct tracking *self = state;

    self->known = false;
    self->slew_end_ns = INT64_MAX;
}

static double tracking_frequency_ppm(const void *state)
{
    const struct tracking *self = state;

    return self->known ? self->history.frequency_ns_per_s * 1e-3 : 0;
}

static bool options_valid(const struct dvbcss_wc_tracking_options *options)
{
    return options->step_s >= 0 && options->slew_s > 0 && options->slew_s <= 3600 &&
           options->step_s <= options->slew_s / 2;
}

int dvbcss_wc_tracking_create(struct dvbcss_wc_estimator **out,
                              const struct dvbcss_wc_estimator_options *options,
                              const struct dvbcss_wc_tracking_options *tracking)
{
    static const struct dvbcss_wc_estimator_ops ops = {
        .name = "tracking",
        .add = tracking_add,
        .tick = tracking_tick,
        .reset = tracking_reset,
        .destroy = dvbcss_free,
        .contradicts = tracking_contradicts,
        .frequency_ppm = tracking_frequency_ppm,
    };
    static const struct dvbcss_wc_tracking_options defaults = DVBCSS_WC_TRACKING_OPTIONS_INIT;
    struct tracking *self;
    int error;

    if (!tracking)
        tracking = &defaults;
    if (!options_valid(tracking) || options->jump_candidates == 0 || !options->wall_clock)
        return DVBCSS_EINVAL;
    self = dvbcss_calloc(1, sizeof *self);
    if (!self)
        return DVBCSS_ENOMEM;
    self->options = *tracking;
    self->local_precision_s = dvbcss_clock_root_precision_s(dvbcss_clock_root(options->wall_clock));
    self->slew_end_ns = INT64_MAX;
    error = dvbcss_wc_estimator_create(out, options, &ops, self);
    if (error)
        dvbcss_free(self);
    return error;
}
