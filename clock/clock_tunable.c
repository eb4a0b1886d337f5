#include <stddef.h>

#include "clock/clock_private.h"

/* The correlation with its point moved to the present: whatever turns about it does not jump. At
 * speed 0, too, where dvbcss_clock_rebase() would leave the point in the past. */
static int correlation_now(const struct dvbcss_clock *clock, struct dvbcss_correlation *out)
{
    struct dvbcss_correlation now = clock_line_of(clock)->correlation;
    int error;

    now.parent = dvbcss_clock_now(clock->parent);
    error = dvbcss_clock_from_parent(clock, now.parent, &now.child);
    if (error)
        return error;
    now.initial_error_s = clock_line_error_s(clock, now.parent);
    *out = now;
    return 0;
}

static int set_speed(struct dvbcss_clock *clock, double speed)
{
    struct dvbcss_correlation now;
    int error;

    if (speed == clock_line_of(clock)->speed)
        return 0;
    error = correlation_now(clock, &now);
    return error ? error : clock_line_set(clock, now, speed);
}

static int set_rate(struct dvbcss_clock *clock, struct dvbcss_rate rate)
{
    struct line_clock *line = clock_line_of(clock);
    struct dvbcss_correlation now;
    int error;

    if (!clock_rate_valid(rate))
        return DVBCSS_EINVAL;
    if (rate.ticks == line->rate.ticks && rate.seconds == line->rate.seconds)
        return 0;
    error = correlation_now(clock, &now);
    if (error)
        return error;
    line->correlation = now;
    return clock_line_set_rate(clock, rate);
}

static const struct clock_kind tunable_kind = {
    .rate = clock_line_rate,
    .line = clock_line_line,
    .error_s = clock_line_error_s,
    .speed = clock_line_speed,
    .correlation = clock_line_correlation,
    .set_correlation_and_speed = clock_line_set,
    .set_speed = set_speed,
    .set_rate = set_rate,
    .rebase = clock_line_rebase,
};

int dvbcss_tunable_clock_create(struct dvbcss_clock **out, struct dvbcss_clock *parent,
                                struct dvbcss_rate rate, struct dvbcss_ticks ticks)
{
    struct dvbcss_clock *clock;
    struct line_clock *line;

    if (!parent || !clock_rate_valid(rate))
        return DVBCSS_EINVAL;
    clock = clock_new(&tunable_kind, sizeof *line, parent);
    if (!clock)
        return DVBCSS_ENOMEM;
    line = clock_line_of(clock);
    line->rate = rate;
    line->speed = 1.0;
    line->correlation.parent = dvbcss_clock_now(parent);
    line->correlation.child = ticks;
    *out = clock;
    return 0;
}

int dvbcss_tunable_clock_adjust(struct dvbcss_clock *clock, struct dvbcss_ticks by)
{
    struct dvbcss_correlation moved;
    int error;

    if (clock->kind != &tunable_kind)
        return DVBCSS_EUNSUPPORTED;
    moved = clock_line_of(clock)->correlation;
    error = ticks_move(moved.child, ticks_span_between(dvbcss_ticks(0), by), &moved.child);
    return error ? error : clock_line_set(clock, moved, clock_line_of(clock)->speed);
}

static double ticks_per_s(struct dvbcss_rate rate)
{
    return (double)rate.ticks / (double)rate.seconds;
}

int dvbcss_tunable_clock_set_slew(struct dvbcss_clock *clock, double slew)
{
    if (clock->kind != &tunable_kind)
        return DVBCSS_EUNSUPPORTED;
    return set_speed(clock, 1.0 + slew / ticks_per_s(clock_line_of(clock)->rate));
}

double dvbcss_tunable_clock_slew(const struct dvbcss_clock *clock)
{
    if (clock->kind != &tunable_kind)
        return 0.0;
    return (clock_line_of(clock)->speed - 1.0) * ticks_per_s(clock_line_of(clock)->rate);
}

int dvbcss_tunable_clock_set_error(struct dvbcss_clock *clock, double error_s, double growth)
{
    struct dvbcss_correlation now;
    int error;

    if (clock->kind != &tunable_kind)
        return DVBCSS_EUNSUPPORTED;
    error = correlation_now(clock, &now);
    if (error)
        return error;
    now.initial_error_s = error_s;
    now.error_growth = growth;
    return clock_line_set(clock, now, clock_line_of(clock)->speed);
}
