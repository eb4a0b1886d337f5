#include "impair_random.h"

#include <math.h>

static const uint64_t golden_ratio = UINT64_C(0x9E3779B97F4A7C15);

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t impair_random_bits(struct impair_random *random)
{
    uint64_t bits = random->state += golden_ratio;

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return bits ^ (bits >> 31);
}

void impair_random_seed(struct impair_random *random, uint64_t seed, uint64_t stream)
{
    struct impair_random seeder = {seed};

    /* Streams start at places that have nothing to do with each other. */
    random->state = impair_random_bits(&seeder) ^ ((stream + 1) * golden_ratio);
    random->state = impair_random_bits(random);
}

double impair_random_uniform(struct impair_random *random)
{
    return (double)(impair_random_bits(random) >> 11) * 0x1p-53;
}

bool impair_random_chance(struct impair_random *random, double share)
{
    return impair_random_uniform(random) < share;
}

double impair_random_exponential(struct impair_random *random, double mean)
{
    return -mean * log1p(-impair_random_uniform(random));
}

/* Box and Muller, "A note on the generation of random normal deviates", 1958. */
double impair_random_normal(struct impair_random *random)
{
    static const double two_pi = 6.283185307179586;
    double radius = sqrt(-2.0 * log1p(-impair_random_uniform(random)));

    return radius * cos(two_pi * impair_random_uniform(random));
}
