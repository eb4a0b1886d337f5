/**
 * @file
 * Exact arithmetic on ticks: spans of one bit more than a tick value, ratios of 128-bit integers
 * times a power of two, and lines through a point. Private to the clock module.
 *
 * Every product is computed with 256 bits and rounded once, towards minus infinity, to units of
 * 2^-64 tick; docs/decisions/0001-exact-ticks.md gives the reasons and the bounds.
 */
#ifndef DVBCSS_CLOCK_TICKS_WIDE_H
#define DVBCSS_CLOCK_TICKS_WIDE_H

#include <stdbool.h>

#include "dvbcss/time.h"

__extension__ typedef unsigned __int128 uint128;
__extension__ typedef __int128 int128;

/** A distance between any two tick values, in units of 2^-64 tick: it can be twice as large as the
 * largest tick value. */
struct ticks_span {
    bool negative;
    uint128 magnitude;
};

/** numerator / denominator * 2^exponent, negated if negative; the denominator may be 0 only where
 * a function says so. */
struct ticks_ratio {
    uint128 numerator;
    uint128 denominator;
    int exponent;
    bool negative;
};

/** The line child - line.child = (parent - line.parent) * slope. */
struct ticks_line {
    struct dvbcss_ticks parent;
    struct dvbcss_ticks child;
    struct ticks_ratio slope;
};

/** The span from one tick value to another. */
struct ticks_span ticks_span_between(struct dvbcss_ticks from, struct dvbcss_ticks to);

/** Makes a span of whole units of something, to be scaled into ticks. */
struct ticks_span ticks_span_of(int64_t whole);

/** The length of a span in ticks of @p rate, in seconds; never negative. */
double ticks_span_to_seconds(struct ticks_span span, struct dvbcss_rate rate);

/** The ratio to / from * speed. 0 or DVBCSS_EINVAL (see dvbcss_ticks_convert()). */
int ticks_ratio_of_rates(struct ticks_ratio *ratio, struct dvbcss_rate from, struct dvbcss_rate to,
                         double speed);

/** The ratio of two spans. */
struct ticks_ratio ticks_ratio_of_spans(struct ticks_span numerator, struct ticks_span denominator);

/**
 * Multiplies a span by a ratio and rounds down.
 *
 * @param out set in any case: to the largest span of the right sign if the result does not fit
 * @return 0 or DVBCSS_ERANGE
 */
int ticks_span_scale(struct ticks_span span, const struct ticks_ratio *ratio,
                     struct ticks_span *out);

/** Adds a span to a tick value. As above: stops at the ends of the range with DVBCSS_ERANGE. */
int ticks_move(struct dvbcss_ticks from, struct ticks_span by, struct dvbcss_ticks *out);

/** Tells what the child shows where the parent shows @p parent. As above. */
int ticks_line_child(const struct ticks_line *line, struct dvbcss_ticks parent,
                     struct dvbcss_ticks *out);

/** Tells what the parent shows where the child shows @p child. As above, or DVBCSS_ENOTMAPPABLE
 * with @p out unchanged if the slope is 0 and the child never shows that. */
int ticks_line_parent(const struct ticks_line *line, struct dvbcss_ticks child,
                      struct dvbcss_ticks *out);

#endif
