/**
 * @file
 * Maps the kernel's packet timestamps, which are of the system time (CLOCK_REALTIME), onto a
 * monotonic time source. Private to the suite; reads no clock itself.
 *
 * The age of a stamp (system time now, less the stamp) is taken off the time source's reading. A
 * step of the system time would change it, so a stamp is used only if there was none since it was
 * made: system time and CLOCK_MONOTONIC slew together, and so their difference changes with a step
 * and at no other time.
 *
 * A slew changes an age by its share of it. The frequency at which the system time ran beside the
 * time source of late is known, and so is what it gained or lost beyond that since then: no slew
 * that goes one way can have changed an age by more, nor any slew by more than the kernel allows.
 * By as much arrivals are taken to be later and departures earlier.
 *
 * What is left of the errors, such as being scheduled away between two readings, does the same to
 * them: that widens a round trip, and the bound computed from it still holds.
 */
#ifndef DVBCSS_WALLCLOCK_WC_STAMP_H
#define DVBCSS_WALLCLOCK_WC_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/** The clocks, read in this order in immediate succession. All in nanoseconds. */
struct wc_clock_reading {
    /** The time source. */
    int64_t before_ns;
    /** CLOCK_REALTIME. */
    int64_t real_ns;
    /** CLOCK_MONOTONIC. */
    int64_t mono_ns;
    /** The time source again. */
    int64_t after_ns;
};

/** What is remembered between readings. Zeroed storage is ready for use. */
struct wc_stamp_map {
    /** Whether there was a reading. */
    bool known;
    /** Whether stamps from before a step may still be waiting. */
    bool stepped;
    /** System time less CLOCK_MONOTONIC at the last reading. */
    int64_t offset_ns;
    /** From where slews are measured: CLOCK_MONOTONIC and the time source. */
    int64_t from_mono_ns;
    int64_t from_ns;
    /** What the system time gained in a ns before that. */
    double rate;
    /** At the last reading: what the system time had gained or lost beyond that rate, and since
     * when (CLOCK_MONOTONIC). */
    double slewed_ns;
    int64_t since_mono_ns;
};

/** An age beyond this (ns) is no age: the process was stopped, or the stamp is wrong. */
#define WC_STAMP_MAX_AGE_NS INT64_C(1000000000)

/** Tells whether a reading shows no step since the last one. One that does may be due to being
 * scheduled away between the clocks: read again before giving it to wc_stamp_map_observe(). */
bool wc_stamp_map_agrees(const struct wc_stamp_map *map, const struct wc_clock_reading *reading);

/** Takes over a reading; after a step no stamp is trusted until wc_stamp_map_drained(). */
void wc_stamp_map_observe(struct wc_stamp_map *map, const struct wc_clock_reading *reading);

/** Says that no stamp from before the last reading is waiting any more. */
void wc_stamp_map_drained(struct wc_stamp_map *map);

/**
 * Tells when a packet arrived, never too early.
 *
 * @param reading  the one last observed, made after the packet was taken from the kernel
 * @param stamp_ns the kernel's receive timestamp
 * @param out_ns   time of the time source; if the stamp is of no use, that of the reading
 * @return whether the stamp was of use
 */
bool wc_stamp_arrival(const struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                      int64_t stamp_ns, int64_t *out_ns);

/**
 * Tells when a packet left, never too late.
 *
 * @param out_ns time of the time source; unchanged if the stamp is of no use
 * @return whether the stamp was of use
 */
bool wc_stamp_departure(const struct wc_stamp_map *map, const struct wc_clock_reading *reading,
                        int64_t stamp_ns, int64_t *out_ns);

#endif
