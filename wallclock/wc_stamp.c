#include "wallclock/wc_stamp.h"

/* The two clocks are read one after the other, tens of nanoseconds apart; a step that is smaller
 * than this is lost in it, and does no harm either. */
#define STEP_TOLERANCE_NS INT64_C(2000)

/* The kernel slews by a tenth at most (adjtimex(2): `tick`), and by 500 ppm beyond. */
#define SLEW_MAX 0.125

/* The system time's rate is measured over no less, so that reading the clocks does not count. */
#define RATE_SPAN_NS INT64_C(100000000)

static int64_t offset_of(const struct wc_clock_reading *reading)
{
    return reading->real_ns - reading->mono_ns;
}

bool wc_stamp_map_agrees(const struct wc_stamp_map *map, const struct wc_clock_reading *reading)
{
    int64_t change = offset_of(reading) - map->offset_ns;

    return !map->known || (change >= -STEP_TOLERANCE_NS && change <= STEP_TOLERANCE_NS);
}

static void begin_span(struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                       double rate)
{
    map->from_mono_ns = reading->mono_ns;
    map->from_ns = reading->before_ns;
    map->rate = rate;
}

/* By CLOCK_MONOTONIC, which is slewed as the system time is, and is not stepped. */
static void observe_slew(struct wc_stamp_map *map, const struct wc_clock_reading *reading)
{
    int64_t elapsed_ns;
    double gained_ns;

    if (!map->known)
        begin_span(map, reading, 0);
    elapsed_ns = reading->before_ns - map->from_ns;
    gained_ns = (double)(reading->mono_ns - map->from_mono_ns - elapsed_ns);
    map->slewed_ns = gained_ns - map->rate * (double)elapsed_ns;
    map->since_mono_ns = map->from_mono_ns;
    if (elapsed_ns >= RATE_SPAN_NS)
        begin_span(map, reading, gained_ns / (double)elapsed_ns);
}

void wc_stamp_map_observe(struct wc_stamp_map *map, const struct wc_clock_reading *reading)
{
    if (!wc_stamp_map_agrees(map, reading))
        map->stepped = true;
    observe_slew(map, reading);
    map->known = true;
    map->offset_ns = offset_of(reading);
}

void wc_stamp_map_drained(struct wc_stamp_map *map)
{
    map->stepped = false;
}

static bool age_of(const struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                   int64_t stamp_ns, int64_t *age_ns)
{
    /* Unsigned, because a stamp may be any number. */
    uint64_t age = (uint64_t)reading->real_ns - (uint64_t)stamp_ns;

    if (map->stepped || age > (uint64_t)WC_STAMP_MAX_AGE_NS)
        return false;
    *age_ns = (int64_t)age;
    return true;
}

static double magnitude(double value)
{
    return value < 0 ? -value : value;
}

/* How far an age may be off because the system time was slewed meanwhile: its usual gain, and all
 * that it has gained or lost beyond that. */
static int64_t slew_of(const struct wc_stamp_map *map, int64_t stamp_ns, int64_t age_ns)
{
    double most_ns = SLEW_MAX * (double)age_ns;
    double rate = magnitude(map->rate);
    double seen_ns = (magnitude(map->slewed_ns) + rate * (double)age_ns) / (1 - rate);

    if (stamp_ns - map->offset_ns >= map->since_mono_ns && rate < SLEW_MAX && seen_ns < most_ns)
        most_ns = seen_ns;
    return (int64_t)most_ns + 1;
}

bool wc_stamp_arrival(const struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                      int64_t stamp_ns, int64_t *out_ns)
{
    int64_t age_ns = 0;
    bool usable = age_of(map, reading, stamp_ns, &age_ns);

    /* From the reading after that of the system time: what lies between makes it later. */
    *out_ns = reading->after_ns - age_ns;
    if (usable)
        *out_ns += slew_of(map, stamp_ns, age_ns);
    return usable;
}

bool wc_stamp_departure(const struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                        int64_t stamp_ns, int64_t *out_ns)
{
    int64_t age_ns;

    if (!age_of(map, reading, stamp_ns, &age_ns))
        return false;
    *out_ns = reading->before_ns - age_ns - slew_of(map, stamp_ns, age_ns);
    return true;
}
