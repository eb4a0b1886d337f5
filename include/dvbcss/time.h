/**
 * @file
 * Values of time: ticks with an exact fraction, tick rates, and arithmetic on them.
 *
 * A reading of a clock is a count of ticks of that clock. It is kept as a whole number and a
 * fraction in units of 2^-64 tick, so that a chain of clocks loses nothing that matters: each
 * conversion is computed in integers and rounded once, towards minus infinity, by less than 2^-64
 * tick. (A double would lose nanoseconds after 104 days, and more on the way.)
 */
#ifndef DVBCSS_TIME_H
#define DVBCSS_TIME_H

#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A point on a clock, or a distance between two, in ticks: whole + fraction / 2^64. The fraction
 * always counts upwards, so -0.25 ticks is {-1, 3 << 62}. */
struct dvbcss_ticks {
    int64_t whole;
    uint64_t fraction;
};

/** Ticks per second as a fraction, so that 30000/1001 is exact. Both parts are at least 1. */
struct dvbcss_rate {
    uint32_t ticks;
    uint32_t seconds;
};

#define DVBCSS_NS_PER_S INT64_C(1000000000)

/** The largest and the smallest time that can be represented. Arithmetic that would pass them
 * stops at them; conversions report DVBCSS_ERANGE. */
#define DVBCSS_TICKS_MAX                                                                           \
    (struct dvbcss_ticks)                                                                          \
    {                                                                                              \
        INT64_MAX, UINT64_MAX                                                                      \
    }
#define DVBCSS_TICKS_MIN                                                                           \
    (struct dvbcss_ticks)                                                                          \
    {                                                                                              \
        INT64_MIN, 0                                                                               \
    }

/** Makes a tick value of a whole number. */
static inline struct dvbcss_ticks dvbcss_ticks(int64_t whole)
{
    struct dvbcss_ticks ticks = {whole, 0};
    return ticks;
}

/** Makes a rate of whole ticks per second. */
static inline struct dvbcss_rate dvbcss_rate_hz(uint32_t ticks_per_second)
{
    struct dvbcss_rate rate = {ticks_per_second, 1};
    return rate;
}

/** Adds; stops at the ends of the range. */
DVBCSS_API struct dvbcss_ticks dvbcss_ticks_add(struct dvbcss_ticks a, struct dvbcss_ticks b);

/** Subtracts @p b from @p a; stops at the ends of the range. */
DVBCSS_API struct dvbcss_ticks dvbcss_ticks_sub(struct dvbcss_ticks a, struct dvbcss_ticks b);

/** Compares: negative, 0 or positive as @p a is before, at or after @p b. */
DVBCSS_API int dvbcss_ticks_compare(struct dvbcss_ticks a, struct dvbcss_ticks b);

/** The nearest whole number of ticks; a half goes up; stops at INT64_MAX. */
DVBCSS_API int64_t dvbcss_ticks_round(struct dvbcss_ticks ticks);

/** The value as a double: off by at most 2^-53 of itself. For display and statistics. */
DVBCSS_API double dvbcss_ticks_to_double(struct dvbcss_ticks ticks);

/** The ticks nearest below a finite double; stops at the ends of the range; NaN gives 0. */
DVBCSS_API struct dvbcss_ticks dvbcss_ticks_from_double(double ticks);

/**
 * Converts a distance from one rate to another, optionally sped up: value * to / from * speed.
 * Exact but for one rounding down by less than 2^-64 tick: the double @p speed is taken as the
 * binary fraction that it is.
 *
 * @param value distance in ticks of @p from
 * @param from  rate of @p value
 * @param to    rate of the result
 * @param speed factor, finite; 1 for none
 * @param out   distance in ticks of @p to; unchanged on error
 * @return 0, DVBCSS_ERANGE if the result does not fit, DVBCSS_EINVAL for a speed that is not
 *         finite or a rate with a zero part
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ticks_convert(struct dvbcss_ticks value,
                                                     struct dvbcss_rate from, struct dvbcss_rate to,
                                                     double speed, struct dvbcss_ticks *out);

/** A distance in ticks of @p rate as seconds; for error figures and display. This and the next two
 * give 0 for a rate with a zero part. */
DVBCSS_API double dvbcss_ticks_to_seconds(struct dvbcss_ticks ticks, struct dvbcss_rate rate);

/** A distance in ticks of @p rate as whole nanoseconds, rounded to nearest; stops at the ends. */
DVBCSS_API int64_t dvbcss_ticks_to_ns(struct dvbcss_ticks ticks, struct dvbcss_rate rate);

/** A distance in nanoseconds as ticks of @p rate; stops at the ends of the range. */
DVBCSS_API struct dvbcss_ticks dvbcss_ticks_from_ns(int64_t ns, struct dvbcss_rate rate);

#ifdef __cplusplus
}
#endif

#endif
