#include <math.h>

#include "clock/clock_private.h"

/* ---- values --------------------------------------------------------------------------------- */

bool dvbcss_correlation_equal(const struct dvbcss_correlation *a,
                              const struct dvbcss_correlation *b)
{
    return dvbcss_ticks_compare(a->parent, b->parent) == 0 &&
           dvbcss_ticks_compare(a->child, b->child) == 0 &&
           a->initial_error_s == b->initial_error_s && a->error_growth == b->error_growth;
}

bool clock_rate_valid(struct dvbcss_rate rate)
{
    return rate.ticks != 0 && rate.seconds != 0;
}

bool clock_speed_valid(double speed)
{
    return isfinite(speed);
}

bool clock_correlation_valid(const struct dvbcss_correlation *correlation)
{
    return correlation->initial_error_s >= 0.0 && correlation->error_growth >= 0.0 &&
           isfinite(correlation->error_growth);
}

double clock_correlation_error_s(const struct dvbcss_correlation *correlation,
                                 struct dvbcss_ticks parent, struct dvbcss_rate parent_rate)
{
    struct ticks_span away = ticks_span_between(correlation->parent, parent);

    return correlation->initial_error_s +
           ticks_span_to_seconds(away, parent_rate) * correlation->error_growth;
}

/* ---- the functions of the kind -------------------------------------------------------------- */

struct dvbcss_rate clock_line_rate(const struct dvbcss_clock *clock)
{
    return clock_line_of(clock)->rate;
}

int clock_line_line(const struct dvbcss_clock *clock, struct ticks_line *line)
{
    const struct line_clock *own = clock_line_of(clock);

    line->parent = own->correlation.parent;
    line->child = own->correlation.child;
    return ticks_ratio_of_rates(&line->slope, dvbcss_clock_rate(clock->parent), own->rate,
                                own->speed);
}

double clock_line_error_s(const struct dvbcss_clock *clock, struct dvbcss_ticks parent)
{
    return clock_correlation_error_s(&clock_line_of(clock)->correlation, parent,
                                     dvbcss_clock_rate(clock->parent));
}

double clock_line_speed(const struct dvbcss_clock *clock)
{
    return clock_line_of(clock)->speed;
}

struct dvbcss_correlation clock_line_correlation(const struct dvbcss_clock *clock)
{
    return clock_line_of(clock)->correlation;
}

int clock_line_set(struct dvbcss_clock *clock, struct dvbcss_correlation correlation, double speed)
{
    struct line_clock *line = clock_line_of(clock);

    if (!clock_correlation_valid(&correlation) || !clock_speed_valid(speed))
        return DVBCSS_EINVAL;
    if (dvbcss_correlation_equal(&correlation, &line->correlation) && speed == line->speed)
        return 0;
    line->correlation = correlation;
    line->speed = speed;
    clock_notify(clock, DVBCSS_CLOCK_TIMING);
    return 0;
}

int clock_line_set_speed(struct dvbcss_clock *clock, double speed)
{
    return clock_line_set(clock, clock_line_of(clock)->correlation, speed);
}

int clock_line_set_rate(struct dvbcss_clock *clock, struct dvbcss_rate rate)
{
    struct line_clock *line = clock_line_of(clock);

    if (!clock_rate_valid(rate))
        return DVBCSS_EINVAL;
    if (rate.ticks == line->rate.ticks && rate.seconds == line->rate.seconds)
        return 0;
    line->rate = rate;
    clock_notify(clock, DVBCSS_CLOCK_TIMING);
    return 0;
}

int clock_line_rebase(struct dvbcss_clock *clock, struct dvbcss_ticks ticks)
{
    struct dvbcss_correlation *correlation = &clock_line_of(clock)->correlation;
    struct dvbcss_ticks parent;
    int error = dvbcss_clock_to_parent(clock, ticks, &parent);

    if (error)
        return error;
    correlation->initial_error_s = clock_line_error_s(clock, parent);
    correlation->parent = parent;
    correlation->child = ticks;
    return 0;
}

static const struct clock_kind correlated_kind = {
    .rate = clock_line_rate,
    .line = clock_line_line,
    .error_s = clock_line_error_s,
    .speed = clock_line_speed,
    .correlation = clock_line_correlation,
    .set_correlation_and_speed = clock_line_set,
    .set_speed = clock_line_set_speed,
    .set_rate = clock_line_set_rate,
    .rebase = clock_line_rebase,
};

int dvbcss_correlated_clock_create(struct dvbcss_clock **out, struct dvbcss_clock *parent,
                                   struct dvbcss_rate rate, struct dvbcss_correlation correlation,
                                   double speed)
{
    struct dvbcss_clock *clock;

    if (!parent || !clock_rate_valid(rate) || !clock_correlation_valid(&correlation) ||
        !clock_speed_valid(speed))
        return DVBCSS_EINVAL;
    clock = clock_new(&correlated_kind, sizeof(struct line_clock), parent);
    if (!clock)
        return DVBCSS_ENOMEM;
    clock_line_of(clock)->rate = rate;
    clock_line_of(clock)->correlation = correlation;
    clock_line_of(clock)->speed = speed;
    *out = clock;
    return 0;
}

/* ---- comparing with a new line -------------------------------------------------------------- */

/* Where the new line's point would lie on the present line, seen from the other axis: how far it
 * is off along the parent, or along the clock itself if that stands still. */
static int distance_s(const struct dvbcss_clock *clock,
                      const struct dvbcss_correlation *correlation, double *out_s)
{
    bool still = dvbcss_clock_speed(clock) == 0.0;
    struct dvbcss_ticks actual = still ? correlation->child : correlation->parent;
    struct dvbcss_rate rate = dvbcss_clock_rate(still ? clock : clock->parent);
    struct dvbcss_ticks expected;
    int error = still ? dvbcss_clock_from_parent(clock, correlation->parent, &expected)
                      : dvbcss_clock_to_parent(clock, correlation->child, &expected);

    if (!error)
        *out_s = ticks_span_to_seconds(ticks_span_between(expected, actual), rate);
    return error;
}

double dvbcss_clock_change_s(const struct dvbcss_clock *clock,
                             struct dvbcss_correlation correlation, double speed)
{
    double change_s;

    if (!clock->kind->set_correlation_and_speed || speed != dvbcss_clock_speed(clock) ||
        distance_s(clock, &correlation, &change_s) != 0)
        return INFINITY;
    return change_s;
}

bool dvbcss_clock_change_significant(const struct dvbcss_clock *clock,
                                     struct dvbcss_correlation correlation, double speed,
                                     double threshold_s)
{
    return dvbcss_clock_change_s(clock, correlation, speed) > threshold_s;
}
