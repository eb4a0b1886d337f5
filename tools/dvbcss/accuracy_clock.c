#include "accuracy_clock.h"

#include <math.h>
#include <stddef.h>

#include "dvbcss/system_time.h"

int64_t accuracy_clock_at(const struct accuracy_clock *clock, int64_t monotonic_ns)
{
    int64_t elapsed_ns = monotonic_ns - clock->base_ns;

    /* The product is small: it loses nothing as a double. */
    return atomic_load(&clock->base_shown_ns) + elapsed_ns +
           llround((double)elapsed_ns * clock->skew_ppm * 1e-6);
}

int64_t accuracy_clock_now(void *clock)
{
    return accuracy_clock_at(clock, dvbcss_monotonic_ns(NULL));
}

void accuracy_clock_step(struct accuracy_clock *clock, int64_t by_ns)
{
    atomic_fetch_add(&clock->base_shown_ns, by_ns);
}
