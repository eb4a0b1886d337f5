#include <math.h>
#include <stddef.h>

#include "clock/clock_private.h"

struct range_clock {
    struct dvbcss_clock clock;
    struct dvbcss_rate rate;
    struct dvbcss_correlation first;
    struct dvbcss_correlation second;
};

static struct range_clock *range_of(const struct dvbcss_clock *clock)
{
    return CONTAINER_OF(clock, struct range_clock, clock);
}

static struct dvbcss_rate range_rate(const struct dvbcss_clock *clock)
{
    return range_of(clock)->rate;
}

static int range_line(const struct dvbcss_clock *clock, struct ticks_line *line)
{
    const struct dvbcss_correlation *first = &range_of(clock)->first;
    const struct dvbcss_correlation *second = &range_of(clock)->second;

    line->parent = first->parent;
    line->child = first->child;
    line->slope = ticks_ratio_of_spans(ticks_span_between(first->child, second->child),
                                       ticks_span_between(first->parent, second->parent));
    return 0;
}

static double range_error_s(const struct dvbcss_clock *clock, struct dvbcss_ticks parent)
{
    struct dvbcss_rate rate = dvbcss_clock_rate(clock->parent);

    return fmin(clock_correlation_error_s(&range_of(clock)->first, parent, rate),
                clock_correlation_error_s(&range_of(clock)->second, parent, rate));
}

static struct dvbcss_correlation range_correlation(const struct dvbcss_clock *clock)
{
    return range_of(clock)->first;
}

static const struct clock_kind range_kind = {
    .rate = range_rate,
    .line = range_line,
    .error_s = range_error_s,
    .correlation = range_correlation,
};

static bool points_valid(const struct dvbcss_correlation *first,
                         const struct dvbcss_correlation *second)
{
    return clock_correlation_valid(first) && clock_correlation_valid(second) &&
           dvbcss_ticks_compare(first->parent, second->parent) != 0;
}

int dvbcss_range_clock_create(struct dvbcss_clock **out, struct dvbcss_clock *parent,
                              struct dvbcss_rate rate, struct dvbcss_correlation first,
                              struct dvbcss_correlation second)
{
    struct dvbcss_clock *clock;
    struct range_clock *range;

    if (!parent || !clock_rate_valid(rate) || !points_valid(&first, &second))
        return DVBCSS_EINVAL;
    clock = clock_new(&range_kind, sizeof *range, parent);
    if (!clock)
        return DVBCSS_ENOMEM;
    range = range_of(clock);
    range->rate = rate;
    range->first = first;
    range->second = second;
    *out = clock;
    return 0;
}

int dvbcss_range_clock_set(struct dvbcss_clock *clock, struct dvbcss_correlation first,
                           struct dvbcss_correlation second)
{
    struct range_clock *range = range_of(clock);

    if (clock->kind != &range_kind)
        return DVBCSS_EUNSUPPORTED;
    if (!points_valid(&first, &second))
        return DVBCSS_EINVAL;
    if (dvbcss_correlation_equal(&first, &range->first) &&
        dvbcss_correlation_equal(&second, &range->second))
        return 0;
    range->first = first;
    range->second = second;
    clock_notify(clock, DVBCSS_CLOCK_TIMING);
    return 0;
}
