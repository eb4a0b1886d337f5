#include "dvbcss/time.h"

#include <math.h>

#include "clock/ticks_wide.h"

static const struct dvbcss_rate NS_RATE = {1000000000u, 1u};

struct dvbcss_ticks dvbcss_ticks_add(struct dvbcss_ticks a, struct dvbcss_ticks b)
{
    struct dvbcss_ticks sum;

    (void)ticks_move(a, ticks_span_between(dvbcss_ticks(0), b), &sum);
    return sum;
}

struct dvbcss_ticks dvbcss_ticks_sub(struct dvbcss_ticks a, struct dvbcss_ticks b)
{
    struct dvbcss_ticks difference;

    (void)ticks_move(a, ticks_span_between(b, dvbcss_ticks(0)), &difference);
    return difference;
}

int dvbcss_ticks_compare(struct dvbcss_ticks a, struct dvbcss_ticks b)
{
    if (a.whole != b.whole)
        return a.whole < b.whole ? -1 : 1;
    if (a.fraction != b.fraction)
        return a.fraction < b.fraction ? -1 : 1;
    return 0;
}

int64_t dvbcss_ticks_round(struct dvbcss_ticks ticks)
{
    bool up = ticks.fraction >> 63 != 0;

    return up && ticks.whole < INT64_MAX ? ticks.whole + 1 : ticks.whole;
}

double dvbcss_ticks_to_double(struct dvbcss_ticks ticks)
{
    return dvbcss_ticks_to_seconds(ticks, dvbcss_rate_hz(1));
}

/* value * to / from * speed, stopped at the ends of the range; 0 if the factors are no ratio. */
static struct dvbcss_ticks scaled(struct dvbcss_ticks value, struct dvbcss_rate from,
                                  struct dvbcss_rate to, double speed)
{
    struct ticks_line line = {{0, 0}, {0, 0}, {0, 0, 0, false}};
    struct dvbcss_ticks out = {0, 0};

    if (ticks_ratio_of_rates(&line.slope, from, to, speed) == 0)
        (void)ticks_line_child(&line, value, &out);
    return out;
}

struct dvbcss_ticks dvbcss_ticks_from_double(double ticks)
{
    if (isinf(ticks))
        return ticks < 0.0 ? DVBCSS_TICKS_MIN : DVBCSS_TICKS_MAX;
    return scaled(dvbcss_ticks(1), NS_RATE, NS_RATE, ticks);
}

int dvbcss_ticks_convert(struct dvbcss_ticks value, struct dvbcss_rate from, struct dvbcss_rate to,
                         double speed, struct dvbcss_ticks *out)
{
    struct ticks_line line = {{0, 0}, {0, 0}, {0, 0, 0, false}};
    struct dvbcss_ticks converted;
    int error = ticks_ratio_of_rates(&line.slope, from, to, speed);

    if (error == 0)
        error = ticks_line_child(&line, value, &converted);
    if (error == 0)
        *out = converted;
    return error;
}

double dvbcss_ticks_to_seconds(struct dvbcss_ticks ticks, struct dvbcss_rate rate)
{
    struct ticks_span span = ticks_span_between(dvbcss_ticks(0), ticks);
    double magnitude = ticks_span_to_seconds(span, rate);

    return span.negative ? -magnitude : magnitude;
}

int64_t dvbcss_ticks_to_ns(struct dvbcss_ticks ticks, struct dvbcss_rate rate)
{
    return dvbcss_ticks_round(scaled(ticks, rate, NS_RATE, 1.0));
}

struct dvbcss_ticks dvbcss_ticks_from_ns(int64_t ns, struct dvbcss_rate rate)
{
    return scaled(dvbcss_ticks(ns), NS_RATE, rate, 1.0);
}
