/**
 * @file
 * Chance that a seed repeats: splitmix64.
 */
#ifndef TESTS_SOAK_RANDOM_H
#define TESTS_SOAK_RANDOM_H

#include <stdint.h>

struct soak_random {
    uint64_t state;
};

/** A number below @p limit, which is not 0. */
static inline unsigned soak_random_below(struct soak_random *random, unsigned limit)
{
    uint64_t mixed = random->state += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (unsigned)((mixed ^ mixed >> 31) % limit);
}

#endif
