#include "wallclock/wc_stamp.h"

/* The two clocks are read one after the other, tens of nanoseconds apart; a step that is smaller
 * than this is lost in it, and does no harm either. */
#define STEP_TOLERANCE_NS INT64_C(2000)

static int64_t offset_of(const struct wc_clock_reading *reading)
{
    return reading->real_ns - reading->mono_ns;
}

bool wc_stamp_map_agrees(const struct wc_stamp_map *map, const struct wc_clock_reading *reading)
{
    int64_t change = offset_of(reading) - map->offset_ns;

    return !map->known || (change >= -STEP_TOLERANCE_NS && change <= STEP_TOLERANCE_NS);
}

void wc_stamp_map_observe(struct wc_stamp_map *map, const struct wc_clock_reading *reading)
{
    if (!wc_stamp_map_agrees(map, reading))
        map->stepped = true;
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

bool wc_stamp_arrival(const struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                      int64_t stamp_ns, int64_t *out_ns)
{
    int64_t age_ns = 0;
    bool usable = age_of(map, reading, stamp_ns, &age_ns);

    /* From the reading after that of the system time: what lies between makes it later. */
    *out_ns = reading->after_ns - age_ns;
    return usable;
}

bool wc_stamp_departure(const struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                        int64_t stamp_ns, int64_t *out_ns)
{
    int64_t age_ns;

    if (!age_of(map, reading, stamp_ns, &age_ns))
        return false;
    *out_ns = reading->before_ns - age_ns;
    return true;
}
