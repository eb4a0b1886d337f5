/**
 * @file
 * Clocks over a mocked time source for the tests of one program. TestSuite(..., .fini =
 * destroy_clocks) ends them.
 */
#ifndef TESTS_CLOCK_FIXTURE_H
#define TESTS_CLOCK_FIXTURE_H

#include <criterion/criterion.h>
#include <math.h>

#include "dvbcss/clock.h"
#include "mock_time.h"

enum { CLOCKS_MAX = 64 };

static struct mock_time mock;
static struct dvbcss_clock *clocks[CLOCKS_MAX];
static unsigned clock_count;

/** Leaves a clock to destroy_clocks(). */
static inline struct dvbcss_clock *keep(struct dvbcss_clock *clock)
{
    cr_assert_lt(clock_count, CLOCKS_MAX);
    clocks[clock_count++] = clock;
    return clock;
}

static inline void destroy_clocks(void)
{
    while (clock_count > 0)
        dvbcss_clock_destroy(clocks[--clock_count]);
}

/** Ends one clock before its time. */
static inline void destroy_now(struct dvbcss_clock *clock)
{
    for (unsigned i = 0; i < clock_count; i++) {
        if (clocks[i] == clock)
            clocks[i] = NULL;
    }
    dvbcss_clock_destroy(clock);
}

static inline void set_time_s(double seconds)
{
    mock.now_ns = llround(seconds * 1e9);
}

static inline void pass_s(double seconds)
{
    mock.now_ns += llround(seconds * 1e9);
}

static inline struct dvbcss_clock *root_clock(uint32_t hz)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_clock *clock;

    options.now_ns = mock_time_read;
    options.user = &mock;
    options.rate = dvbcss_rate_hz(hz);
    options.precision_s = 1e-6;
    cr_assert_eq(dvbcss_root_clock_create(&clock, &options), 0);
    return keep(clock);
}

static inline struct dvbcss_clock *correlated_clock(struct dvbcss_clock *parent, uint32_t hz,
                                                    struct dvbcss_correlation correlation,
                                                    double speed)
{
    struct dvbcss_clock *clock;

    cr_assert_eq(
        dvbcss_correlated_clock_create(&clock, parent, dvbcss_rate_hz(hz), correlation, speed), 0);
    return keep(clock);
}

static inline struct dvbcss_clock *tunable_clock(struct dvbcss_clock *parent, uint32_t hz,
                                                 int64_t ticks)
{
    struct dvbcss_clock *clock;

    cr_assert_eq(
        dvbcss_tunable_clock_create(&clock, parent, dvbcss_rate_hz(hz), dvbcss_ticks(ticks)), 0);
    return keep(clock);
}

static inline struct dvbcss_clock *range_clock(struct dvbcss_clock *parent, uint32_t hz,
                                               struct dvbcss_correlation first,
                                               struct dvbcss_correlation second)
{
    struct dvbcss_clock *clock;

    cr_assert_eq(dvbcss_range_clock_create(&clock, parent, dvbcss_rate_hz(hz), first, second), 0);
    return keep(clock);
}

static inline struct dvbcss_clock *offset_clock(struct dvbcss_clock *parent, int64_t offset_ns)
{
    struct dvbcss_clock *clock;

    cr_assert_eq(dvbcss_offset_clock_create(&clock, parent, offset_ns), 0);
    return keep(clock);
}

/** A correlation of whole ticks with an error. */
static inline struct dvbcss_correlation point(int64_t parent, int64_t child, double error_s,
                                              double growth)
{
    struct dvbcss_correlation correlation = dvbcss_correlation(parent, child);

    correlation.initial_error_s = error_s;
    correlation.error_growth = growth;
    return correlation;
}

static inline double now_of(const struct dvbcss_clock *clock)
{
    return dvbcss_ticks_to_double(dvbcss_clock_now(clock));
}

/** A conversion of a fractional value; NAN if it cannot be mapped. */
typedef int (*conversion)(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks,
                          struct dvbcss_ticks *out);

static inline double converted(conversion convert, const struct dvbcss_clock *clock, double ticks)
{
    struct dvbcss_ticks out;
    int error = convert(clock, dvbcss_ticks_from_double(ticks), &out);

    if (error == DVBCSS_ENOTMAPPABLE)
        return NAN;
    cr_assert_eq(error, 0, "%s", dvbcss_error_name(error));
    return dvbcss_ticks_to_double(out);
}

static inline double to_parent(const struct dvbcss_clock *clock, double ticks)
{
    return converted(dvbcss_clock_to_parent, clock, ticks);
}

static inline double from_parent(const struct dvbcss_clock *clock, double ticks)
{
    return converted(dvbcss_clock_from_parent, clock, ticks);
}

static inline double to_root(const struct dvbcss_clock *clock, double ticks)
{
    return converted(dvbcss_clock_to_root, clock, ticks);
}

static inline double from_root(const struct dvbcss_clock *clock, double ticks)
{
    return converted(dvbcss_clock_from_root, clock, ticks);
}

static inline double dispersion_s(const struct dvbcss_clock *clock, double ticks)
{
    return dvbcss_clock_dispersion_s(clock, dvbcss_ticks_from_double(ticks));
}

/** A listener that counts. Static storage: it is on its clock until destroy_clocks(). */
struct counter {
    struct dvbcss_clock_listener listener;
    unsigned calls;
    unsigned changes;
    struct dvbcss_clock *clock;
};

static inline void count_change(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                                unsigned changes)
{
    struct counter *counter = (struct counter *)listener;

    counter->calls++;
    counter->changes = changes;
    counter->clock = clock;
}

static inline void count_changes_of(struct counter *counter, struct dvbcss_clock *clock)
{
    *counter = (struct counter){.listener = {.changed = count_change}};
    dvbcss_clock_listen(clock, &counter->listener);
}

/** The calls since the last time it was asked. */
static inline unsigned calls_of(struct counter *counter)
{
    unsigned calls = counter->calls;

    counter->calls = 0;
    return calls;
}

#define ASSERT_NEAR(got, expected, margin)                                                         \
    do {                                                                                           \
        double got_value = (got);                                                                  \
        double expected_value = (expected);                                                        \
        cr_assert(fabs(got_value - expected_value) <= (margin), "%.17g is not %.17g", got_value,   \
                  expected_value);                                                                 \
    } while (0)

/** Equal but for the last digit of a double. */
#define ASSERT_EQUAL(got, expected) ASSERT_NEAR(got, expected, fabs(expected) * 1e-15)

#endif
