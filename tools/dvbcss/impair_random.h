/**
 * @file
 * Random numbers that a seed repeats, and draws from the distributions of networks and clocks.
 */
#ifndef DVBCSS_TOOL_IMPAIR_RANDOM_H
#define DVBCSS_TOOL_IMPAIR_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/** A source of random numbers. Not for secrets. */
struct impair_random {
    uint64_t state;
};

/**
 * Starts a source. Each @p stream of a seed is another, so that one more draw for one purpose
 * changes nothing for the others.
 */
void impair_random_seed(struct impair_random *random, uint64_t seed, uint64_t stream);

/** 64 random bits. */
uint64_t impair_random_bits(struct impair_random *random);

/** Uniform from 0 up to, not including, 1. */
double impair_random_uniform(struct impair_random *random);

/** True for this share of the draws, which is from 0 to 1. */
bool impair_random_chance(struct impair_random *random, double share);

/** Exponential with this mean. */
double impair_random_exponential(struct impair_random *random, double mean);

/** Normal with mean 0 and standard deviation 1. */
double impair_random_normal(struct impair_random *random);

#endif
