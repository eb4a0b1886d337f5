#include "histogram.h"

const double histogram_bounds_s[HISTOGRAM_BUCKETS] = {
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
    0.005,   0.01,     0.025,   0.05,   0.1,     0.25,   0.5,   1};

void histogram_add(struct histogram *histogram, uint64_t duration_ns)
{
    double duration_s = (double)duration_ns / 1e9;

    histogram->count++;
    histogram->sum_s += duration_s;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (duration_s <= histogram_bounds_s[i]) {
            histogram->buckets[i]++;
            return;
        }
    }
}
