#include <math.h>

#include "dvbcss/ts.h"

static const struct dvbcss_rate NS_RATE = {1000000000u, 1u};

static bool rate_known(struct dvbcss_rate rate)
{
    return rate.ticks != 0 && rate.seconds != 0;
}

static bool same_rate(struct dvbcss_rate a, struct dvbcss_rate b)
{
    return (uint64_t)a.ticks * b.seconds == (uint64_t)b.ticks * a.seconds;
}

struct dvbcss_ts_line dvbcss_ts_line_of(const struct dvbcss_ts_control_timestamp *timestamp,
                                        struct dvbcss_rate rate)
{
    struct dvbcss_ts_line line = {dvbcss_ticks(timestamp->content_time_ticks),
                                  timestamp->wall_clock_time_ns, rate, timestamp->speed};

    return line;
}

/* The distance from a to b where it may not fit: ticks arithmetic stops at the ends of its range,
 * which lie beyond what a control timestamp can carry. */
static int wall_distance(int64_t a_ns, int64_t b_ns, struct dvbcss_ticks *out)
{
    if ((a_ns < 0 && b_ns > INT64_MAX + a_ns) || (a_ns > 0 && b_ns < INT64_MIN + a_ns))
        return DVBCSS_ERANGE;
    *out = dvbcss_ticks(b_ns - a_ns);
    return 0;
}

/* Adds where the result may not fit: see wall_distance(). */
static int add(struct dvbcss_ticks a, struct dvbcss_ticks b, struct dvbcss_ticks *out)
{
    struct dvbcss_ticks sum = dvbcss_ticks_add(a, b);

    if (dvbcss_ticks_compare(sum, DVBCSS_TICKS_MAX) == 0 ||
        dvbcss_ticks_compare(sum, DVBCSS_TICKS_MIN) == 0)
        return DVBCSS_ERANGE;
    *out = sum;
    return 0;
}

int dvbcss_ts_line_at(const struct dvbcss_ts_line *line, int64_t wall_ns, struct dvbcss_ticks *out)
{
    struct dvbcss_ticks distance;
    int error;

    if (!isfinite(line->speed))
        return DVBCSS_EINVAL;
    if (line->speed == 0.0) {
        *out = line->content;
        return 0;
    }
    if (!rate_known(line->rate))
        return DVBCSS_EINVAL;
    error = wall_distance(line->wall_ns, wall_ns, &distance);
    if (!error)
        error = dvbcss_ticks_convert(distance, NS_RATE, line->rate, line->speed, &distance);
    return error ? error : add(line->content, distance, out);
}

/* How many whole nanoseconds ago the timeline, which runs at ticks_per_s and shows `content` now,
 * was at a whole tick; sets that tick. A tick that is less than half a nanosecond ahead counts as
 * now: conversions round down, and by less than that. */
static int64_t since_whole_tick_ns(struct dvbcss_ticks content, double ticks_per_s, int64_t *whole)
{
    const double ahead_ns = 0.5;
    const struct dvbcss_ticks soon =
        dvbcss_ticks_add(content, dvbcss_ticks_from_double(ticks_per_s * ahead_ns * 1e-9));
    double part = (double)soon.fraction * 0x1p-64;
    int64_t age_ns;

    *whole = soon.whole;
    if (ticks_per_s < 0.0 && soon.fraction != 0 && soon.whole != INT64_MAX) {
        *whole = soon.whole + 1;
        part -= 1.0;
    }
    age_ns = llround(part / ticks_per_s * 1e9 - ahead_ns);
    return age_ns > 0 ? age_ns : 0;
}

int dvbcss_ts_line_stamp(const struct dvbcss_ts_line *line, int64_t now_ns,
                         struct dvbcss_ts_control_timestamp *out)
{
    struct dvbcss_ts_control_timestamp stamp = {true, 0, now_ns, line->speed};
    struct dvbcss_ticks content;
    double ticks_per_s;
    int64_t whole;
    int error;

    if (!isfinite(line->speed))
        return DVBCSS_EINVAL;
    if (line->speed != 0.0 && !rate_known(line->rate)) {
        stamp.content_time_ticks = dvbcss_ticks_round(line->content);
        stamp.wall_clock_time_ns = line->wall_ns;
        *out = stamp;
        return 0;
    }
    error = dvbcss_ts_line_at(line, now_ns, &content);
    if (error)
        return error;
    ticks_per_s = line->speed == 0.0
                      ? 0.0
                      : line->speed * (double)line->rate.ticks / (double)line->rate.seconds;
    stamp.content_time_ticks = dvbcss_ticks_round(content);
    if (fabs(ticks_per_s) >= 1.0) {
        const int64_t age_ns = since_whole_tick_ns(content, ticks_per_s, &whole);

        if (now_ns < INT64_MIN + age_ns)
            return DVBCSS_ERANGE;
        stamp.content_time_ticks = whole;
        stamp.wall_clock_time_ns = now_ns - age_ns;
    }
    *out = stamp;
    return 0;
}

double dvbcss_ts_line_change_s(const struct dvbcss_ts_line *a, const struct dvbcss_ts_line *b)
{
    struct dvbcss_ticks before;
    struct dvbcss_ticks moved;
    double ticks_per_s;

    if (a->speed != b->speed || !same_rate(a->rate, b->rate))
        return INFINITY;
    if (dvbcss_ticks_compare(a->content, b->content) == 0 &&
        (a->speed == 0.0 || a->wall_ns == b->wall_ns))
        return 0.0;
    if (!rate_known(a->rate) || dvbcss_ts_line_at(a, b->wall_ns, &before) != 0)
        return INFINITY;
    ticks_per_s = (double)a->rate.ticks / (double)a->rate.seconds;
    if (a->speed != 0.0)
        ticks_per_s *= fabs(a->speed);
    moved = dvbcss_ticks_sub(b->content, before);
    return fabs(dvbcss_ticks_to_double(moved)) / ticks_per_s;
}

/* ---- PTS ------------------------------------------------------------------------------------ */

int64_t dvbcss_ts_pts_wrap(int64_t ticks)
{
    return ticks & (DVBCSS_TS_PTS_SPAN - 1);
}

int64_t dvbcss_ts_pts_unwrap(int64_t pts, int64_t reference)
{
    int64_t ahead = dvbcss_ts_pts_wrap(pts) - dvbcss_ts_pts_wrap(reference);

    if (ahead > DVBCSS_TS_PTS_SPAN / 2)
        ahead -= DVBCSS_TS_PTS_SPAN;
    else if (ahead < -DVBCSS_TS_PTS_SPAN / 2)
        ahead += DVBCSS_TS_PTS_SPAN;
    return dvbcss_ticks_add(dvbcss_ticks(reference), dvbcss_ticks(ahead)).whole;
}

/* ---- window --------------------------------------------------------------------------------- */

int dvbcss_ts_window_init(struct dvbcss_ts_window *window, int64_t content_time_ticks,
                          struct dvbcss_rate rate, double speed)
{
    const struct dvbcss_ts_window begun = {
        content_time_ticks,
        rate,
        speed,
        {content_time_ticks, DVBCSS_TS_MINUS_INFINITY, 0},
        {content_time_ticks, DVBCSS_TS_PLUS_INFINITY, 0},
        0,
    };

    if (!rate_known(rate) || !isfinite(speed))
        return DVBCSS_EINVAL;
    *window = begun;
    return 0;
}

/* Moves a presentation timestamp along the line of the window to the window's instant. */
static int move(const struct dvbcss_ts_window *window, const struct dvbcss_ts_point *point,
                struct dvbcss_ts_point *out)
{
    struct dvbcss_ticks distance;
    int error = 0;

    *out = *point;
    out->content_time_ticks = window->content_time_ticks;
    if (point->when != DVBCSS_TS_AT || point->content_time_ticks == window->content_time_ticks)
        return 0;
    if (window->speed == 0.0)
        return DVBCSS_ENOTMAPPABLE;
    distance = dvbcss_ticks_sub(dvbcss_ticks(window->content_time_ticks),
                                dvbcss_ticks(point->content_time_ticks));
    error = dvbcss_ticks_convert(distance, window->rate, NS_RATE, 1.0 / window->speed, &distance);
    if (!error)
        error = add(dvbcss_ticks(point->wall_clock_time_ns), distance, &distance);
    if (!error)
        out->wall_clock_time_ns = dvbcss_ticks_round(distance);
    return error;
}

/* -1 for minus infinity, 0 for a time, 1 for plus infinity. */
static int end_of_time(const struct dvbcss_ts_point *point)
{
    return (point->when == DVBCSS_TS_PLUS_INFINITY) - (point->when == DVBCSS_TS_MINUS_INFINITY);
}

static bool before(const struct dvbcss_ts_point *a, const struct dvbcss_ts_point *b)
{
    if (end_of_time(a) != end_of_time(b))
        return end_of_time(a) < end_of_time(b);
    return a->when == DVBCSS_TS_AT && a->wall_clock_time_ns < b->wall_clock_time_ns;
}

int dvbcss_ts_window_add(struct dvbcss_ts_window *window,
                         const struct dvbcss_ts_presentation *presentation)
{
    struct dvbcss_ts_point earliest;
    struct dvbcss_ts_point latest;
    int error = move(window, &presentation->earliest, &earliest);

    if (!error)
        error = move(window, &presentation->latest, &latest);
    if (error)
        return error;
    if (before(&window->earliest, &earliest))
        window->earliest = earliest;
    if (before(&latest, &window->latest))
        window->latest = latest;
    window->companions++;
    return 0;
}

bool dvbcss_ts_window_empty(const struct dvbcss_ts_window *window)
{
    return before(&window->latest, &window->earliest);
}
