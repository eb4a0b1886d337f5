/*
 * Draws from distributions; a seed makes them repeatable.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

/* 64 bits: the splitmix64 generator. */
static inline uint64_t sim_bits(struct sim_random *random)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* A generator of its own for each purpose, so that one more draw here changes nothing there. */
static inline struct sim_random sim_fork(struct sim_random *random)
{
    struct sim_random child = {sim_bits(random)};

    return child;
}

/* From 0 up to, not including, 1. */
static inline double sim_unit(struct sim_random *random)
{
    return (double)(sim_bits(random) >> 11) * 0x1p-53;
}

static inline double sim_uniform(struct sim_random *random, double low, double high)
{
    return low + (high - low) * sim_unit(random);
}

static inline bool sim_chance(struct sim_random *random, double share)
{
    return share > 0 && sim_unit(random) < share;
}

static inline double sim_exponential(struct sim_random *random, double mean)
{
    return -mean * log(1 - sim_unit(random));
}

/* Mean 0, deviation 1: Box and Muller. */
static inline double sim_normal(struct sim_random *random)
{
    double radius = sqrt(-2 * log(1 - sim_unit(random)));

    return radius * cos(2 * 3.14159265358979323846 * sim_unit(random));
}

static inline double sim_lognormal(struct sim_random *random, double median, double sigma)
{
    return median * exp(sigma * sim_normal(random));
}

#endif
