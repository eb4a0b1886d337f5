#include <math.h>
#include <stddef.h>

#include "clock/clock_private.h"

enum { PRECISION_SAMPLES = 100, READINGS_MAX = 1000000 };

struct root_clock {
    struct dvbcss_clock clock;
    struct dvbcss_root_clock_options options;
};

static const struct root_clock *root_of(const struct dvbcss_clock *clock)
{
    return CONTAINER_OF(dvbcss_clock_root(clock), const struct root_clock, clock);
}

static struct dvbcss_rate root_rate(const struct dvbcss_clock *clock)
{
    return root_of(clock)->options.rate;
}

static double root_error_s(const struct dvbcss_clock *clock, struct dvbcss_ticks parent)
{
    (void)parent;
    return root_of(clock)->options.precision_s;
}

static const struct clock_kind root_kind = {
    .rate = root_rate,
    .error_s = root_error_s,
};

static bool options_valid(const struct dvbcss_root_clock_options *options)
{
    return options && options->now_ns && clock_rate_valid(options->rate) &&
           isfinite(options->precision_s) && options->precision_s >= 0.0 &&
           isfinite(options->max_freq_error_ppm) && options->max_freq_error_ppm >= 0.0;
}

int dvbcss_root_clock_create(struct dvbcss_clock **out,
                             const struct dvbcss_root_clock_options *options)
{
    struct dvbcss_clock *clock;
    struct root_clock *root;

    if (!options_valid(options))
        return DVBCSS_EINVAL;
    clock = clock_new(&root_kind, sizeof *root, NULL);
    if (!clock)
        return DVBCSS_ENOMEM;
    root = CONTAINER_OF(clock, struct root_clock, clock);
    root->options = *options;
    if (options->precision_s == 0.0)
        root->options.precision_s =
            dvbcss_measure_precision_s(options->now_ns, options->user, PRECISION_SAMPLES);
    *out = clock;
    return 0;
}

double dvbcss_measure_precision_s(dvbcss_time_source now_ns, void *user, unsigned samples)
{
    int64_t smallest_ns = DVBCSS_NS_PER_S;
    int64_t before = now_ns(user);
    unsigned seen = 0;

    for (int i = 0; i < READINGS_MAX && seen < samples; i++) {
        int64_t now = now_ns(user);

        if (now > before) {
            if (now - before < smallest_ns)
                smallest_ns = now - before;
            seen++;
        }
        before = now;
    }
    return (double)smallest_ns / (double)DVBCSS_NS_PER_S;
}

struct dvbcss_ticks clock_root_now(const struct dvbcss_clock *root)
{
    const struct dvbcss_root_clock_options *options = &root_of(root)->options;

    return dvbcss_ticks_from_ns(options->now_ns(options->user), options->rate);
}

int clock_root_when_ns(const struct dvbcss_clock *root, struct dvbcss_ticks ticks, int64_t *out)
{
    struct ticks_line line = {{0, 0}, {0, 0}, {0, 0, 0, false}};
    struct dvbcss_ticks ns = {0, 0};
    int error = ticks_ratio_of_rates(&line.slope, root_of(root)->options.rate,
                                     dvbcss_rate_hz((uint32_t)DVBCSS_NS_PER_S), 1.0);

    if (!error)
        error = ticks_line_child(&line, ticks, &ns);
    *out = ns.fraction && ns.whole < INT64_MAX ? ns.whole + 1 : ns.whole;
    return error;
}

double dvbcss_clock_root_max_freq_error_ppm(const struct dvbcss_clock *clock)
{
    return root_of(clock)->options.max_freq_error_ppm;
}

double dvbcss_clock_root_precision_s(const struct dvbcss_clock *clock)
{
    return root_of(clock)->options.precision_s;
}
