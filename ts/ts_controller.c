#include "dvbcss/ts_controller.h"

#include <math.h>

static const struct dvbcss_rate NS_RATE = {1000000000u, 1u};

int dvbcss_ts_controller_begin(struct dvbcss_ts_controller *controller)
{
    if (!controller->timeline || !dvbcss_clock_parent(controller->timeline))
        return DVBCSS_EINVAL;
    controller->available = false;
    controller->has_latest = false;
    return dvbcss_clock_set_available(controller->timeline, false);
}

/* Sets the clock if that changes it by more than the threshold. */
static int apply_line(const struct dvbcss_ts_controller *controller,
                      const struct dvbcss_ts_control_timestamp *timestamp, unsigned *effects)
{
    struct dvbcss_clock *clock = controller->timeline;
    const struct dvbcss_rate wall_rate = dvbcss_clock_rate(dvbcss_clock_parent(clock));
    const bool faster_or_slower = dvbcss_clock_speed(clock) != timestamp->speed;
    struct dvbcss_correlation correlation = dvbcss_correlation(0, timestamp->content_time_ticks);
    int error;

    correlation.parent = dvbcss_ticks_from_ns(timestamp->wall_clock_time_ns, wall_rate);
    if (!dvbcss_clock_change_significant(clock, correlation, timestamp->speed,
                                         controller->threshold_s))
        return 0;
    error = dvbcss_clock_set_correlation_and_speed(clock, correlation, timestamp->speed);
    if (!error)
        *effects |= DVBCSS_TS_TIMING | (faster_or_slower ? (unsigned)DVBCSS_TS_SPEED : 0u);
    return error;
}

int dvbcss_ts_controller_apply(struct dvbcss_ts_controller *controller,
                               const struct dvbcss_ts_control_timestamp *timestamp,
                               unsigned *effects)
{
    unsigned done = 0;
    int error = 0;

    if (timestamp->available && !isfinite(timestamp->speed))
        return DVBCSS_EINVAL;
    if (timestamp->available)
        error = apply_line(controller, timestamp, &done);
    /* Listeners of the clock may have taken it away. */
    if (!error && controller->timeline)
        error = dvbcss_clock_set_available(controller->timeline, timestamp->available);
    if (error)
        return error;
    if (!controller->timeline) {
        *effects = 0;
        return 0;
    }
    if (timestamp->available != controller->available)
        done |= timestamp->available ? DVBCSS_TS_AVAILABLE : DVBCSS_TS_UNAVAILABLE;
    controller->available = timestamp->available;
    controller->has_latest = true;
    controller->latest = *timestamp;
    *effects = done;
    return 0;
}

unsigned dvbcss_ts_controller_lose(struct dvbcss_ts_controller *controller)
{
    const bool was_available = controller->available;

    controller->available = false;
    /* A correlated clock's availability can always be set. */
    if (dvbcss_clock_set_available(controller->timeline, false) != 0)
        return 0;
    return was_available ? DVBCSS_TS_UNAVAILABLE : 0;
}

/* Puts a clock's correlation with the wall clock in words. */
static int point_of(const struct dvbcss_clock *clock, struct dvbcss_ts_point *out)
{
    const struct dvbcss_correlation correlation = dvbcss_clock_correlation(clock);
    const struct dvbcss_rate wall_rate = dvbcss_clock_rate(dvbcss_clock_parent(clock));
    struct dvbcss_ts_line line = {correlation.child, 0, dvbcss_clock_rate(clock),
                                  dvbcss_clock_speed(clock)};
    struct dvbcss_ts_control_timestamp stamp;
    struct dvbcss_ticks wall;
    int error = dvbcss_ticks_convert(correlation.parent, wall_rate, NS_RATE, 1.0, &wall);

    if (error)
        return error;
    line.wall_ns = dvbcss_ticks_round(wall);
    error = dvbcss_ts_line_stamp(&line, line.wall_ns, &stamp);
    if (error)
        return error;
    out->content_time_ticks = stamp.content_time_ticks;
    out->when = DVBCSS_TS_AT;
    out->wall_clock_time_ns = stamp.wall_clock_time_ns;
    return 0;
}

/* The same for a limit, which is infinite if there is no clock for it. */
static int limit_of(const struct dvbcss_ts_controller *controller, const struct dvbcss_clock *clock,
                    enum dvbcss_ts_when infinity, struct dvbcss_ts_point *out)
{
    if (clock && dvbcss_clock_parent(clock) != dvbcss_clock_parent(controller->timeline))
        return DVBCSS_EINVAL;
    if (clock && dvbcss_clock_available(clock))
        return point_of(clock, out);
    out->content_time_ticks = dvbcss_ticks_round(dvbcss_clock_now(controller->timeline));
    out->when = infinity;
    out->wall_clock_time_ns = 0;
    return 0;
}

int dvbcss_ts_controller_report(const struct dvbcss_ts_controller *controller,
                                const struct dvbcss_clock *earliest,
                                const struct dvbcss_clock *latest, bool with_actual,
                                struct dvbcss_ts_presentation *out)
{
    struct dvbcss_ts_presentation presentation = DVBCSS_TS_PRESENTATION_INIT;
    int error;

    error = limit_of(controller, earliest, DVBCSS_TS_MINUS_INFINITY, &presentation.earliest);
    if (!error)
        error = limit_of(controller, latest, DVBCSS_TS_PLUS_INFINITY, &presentation.latest);
    presentation.has_actual = with_actual && dvbcss_clock_available(controller->timeline);
    if (!error && presentation.has_actual)
        error = point_of(controller->timeline, &presentation.actual);
    if (!error)
        *out = presentation;
    return error;
}
