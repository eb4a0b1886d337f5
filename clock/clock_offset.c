#include <stddef.h>

#include "clock/clock_private.h"

struct offset_clock {
    struct dvbcss_clock clock;
    int64_t offset_ns;
};

static struct offset_clock *offset_of(const struct dvbcss_clock *clock)
{
    return CONTAINER_OF(clock, struct offset_clock, clock);
}

static struct dvbcss_rate offset_rate(const struct dvbcss_clock *clock)
{
    return dvbcss_clock_rate(clock->parent);
}

/* How far the clock moves while the root's source moves by @p ns: scaled by the slope of each
 * clock on the way down, which holds for range clocks, too, whose speed does not tell. */
static int movement_during(const struct dvbcss_clock *clock, int64_t ns, struct ticks_span *out)
{
    struct ticks_line line;
    struct ticks_span above = ticks_span_of(ns);
    int error = 0;
    int scale_error;

    if (clock->parent) {
        error = movement_during(clock->parent, ns, &above);
        /* A line that does not fit still has its slope. */
        (void)clock->kind->line(clock, &line);
    } else {
        (void)ticks_ratio_of_rates(&line.slope, dvbcss_rate_hz((uint32_t)DVBCSS_NS_PER_S),
                                   dvbcss_clock_rate(clock), 1.0);
    }
    scale_error = ticks_span_scale(above, &line.slope, out);
    return error ? error : scale_error;
}

static int offset_line(const struct dvbcss_clock *clock, struct ticks_line *line)
{
    static const struct ticks_ratio one = {1, 1, 0, false};
    struct ticks_span ahead;
    int error = movement_during(clock->parent, offset_of(clock)->offset_ns, &ahead);
    int move_error;

    line->parent = dvbcss_ticks(0);
    line->slope = one;
    move_error = ticks_move(line->parent, ahead, &line->child);
    return error ? error : move_error;
}

static const struct clock_kind offset_kind = {
    .rate = offset_rate,
    .line = offset_line,
};

int dvbcss_offset_clock_create(struct dvbcss_clock **out, struct dvbcss_clock *parent,
                               int64_t offset_ns)
{
    struct dvbcss_clock *clock;

    if (!parent)
        return DVBCSS_EINVAL;
    clock = clock_new(&offset_kind, sizeof(struct offset_clock), parent);
    if (!clock)
        return DVBCSS_ENOMEM;
    offset_of(clock)->offset_ns = offset_ns;
    *out = clock;
    return 0;
}

int dvbcss_offset_clock_set(struct dvbcss_clock *clock, int64_t offset_ns)
{
    if (clock->kind != &offset_kind)
        return DVBCSS_EUNSUPPORTED;
    if (offset_of(clock)->offset_ns == offset_ns)
        return 0;
    offset_of(clock)->offset_ns = offset_ns;
    clock_notify(clock, DVBCSS_CLOCK_TIMING);
    return 0;
}
