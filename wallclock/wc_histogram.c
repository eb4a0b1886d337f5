#include "wallclock/wc_histogram.h"

/* Each power of two has 2^SUB_BITS bins. */
#define SUB_BITS 4
#define SUB_BINS (1u << SUB_BITS)

static unsigned bin_of(int64_t ns)
{
    uint64_t value = ns < 0 ? 0 : (uint64_t)ns;
    unsigned power = SUB_BITS;

    if (value < SUB_BINS)
        return (unsigned)value;
    while (value >> (power + 1))
        power++;
    if (power - SUB_BITS >= WC_HISTOGRAM_BINS / SUB_BINS - 1)
        return WC_HISTOGRAM_BINS - 1;
    return (power - SUB_BITS + 1) * SUB_BINS +
           (unsigned)(value >> (power - SUB_BITS) & (SUB_BINS - 1));
}

/* The first time that is longer than those of a bin. */
static int64_t end_of(unsigned bin)
{
    unsigned octave = bin / SUB_BINS;

    if (octave == 0)
        return bin + 1;
    return ((int64_t)(SUB_BINS + bin % SUB_BINS) + 1) << (octave - 1);
}

void wc_histogram_add(struct wc_histogram *histogram, int64_t ns)
{
    uint32_t *bin = &histogram->bins[bin_of(ns)];

    if (*bin == UINT32_MAX)
        return;
    (*bin)++;
    histogram->total++;
}

int64_t wc_histogram_percentile_ns(const struct wc_histogram *histogram, double share)
{
    double wanted = share * (double)histogram->total;
    uint64_t passed = 0;
    int64_t end_ns = -1;

    for (unsigned bin = 0; bin < WC_HISTOGRAM_BINS; bin++) {
        if (histogram->bins[bin] == 0)
            continue;
        end_ns = end_of(bin);
        passed += histogram->bins[bin];
        if ((double)passed >= wanted)
            break;
    }
    return end_ns;
}
