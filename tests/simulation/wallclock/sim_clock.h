/*
 * A clock that is not perfect: its frequency is off by a constant, walks at random and follows the
 * temperature of the room.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>

#include "tools/dvbcss/impair_random.h"

/* How a clock may be off. */
struct sim_clock_model {
    /* The constant part is drawn from -range to range. */
    double range_ppm;
    /* Deviation of the random walk after a minute. */
    double walk_ppm;
    /* A triangle from -height to height and back. */
    double triangle_ppm;
    double triangle_period_s;
    /* The limit that it declares, and truly keeps to. */
    double declared_ppm;
};

/* The clock models of a companion and of a TV. */
extern const struct sim_clock_model sim_companion_clock;
extern const struct sim_clock_model sim_tv_clock;

struct sim_clock {
    const struct sim_clock_model *model;
    struct impair_random random;
    double constant_ppm;
    double walked_ppm;
    double triangle_phase;
    /* The reading at a true time, and how it goes on from there. */
    int64_t at_ns;
    int64_t whole_ns;
    double fraction_ns;
    double rate;
    int64_t next_change_ns;
    /* Readings are cut to whole multiples of this. */
    int64_t step_ns;
};

/* A clock that shows `epoch_ns` at true time 0. */
void sim_clock_init(struct sim_clock *clock, const struct sim_clock_model *model,
                    struct impair_random random, int64_t epoch_ns, int64_t step_ns);

/* Moves the clock to a true time, not before the last one. */
void sim_clock_advance(struct sim_clock *clock, int64_t true_ns);

/* Moves true time on while the clock stands still. */
void sim_clock_sleep(struct sim_clock *clock, int64_t until_true_ns);

/* What the clock shows. */
int64_t sim_clock_read(const struct sim_clock *clock);

#endif
