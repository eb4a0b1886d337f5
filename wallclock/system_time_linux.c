#include "dvbcss/system_time.h"

#include <sys/timex.h>
#include <time.h>

#include "dvbcss/time.h"
#include "wallclock/system_frequency.h"

/* Microseconds in a tick of the system time at its nominal frequency; the kernel may be told to
 * make a tick longer or shorter, by 100 ppm per microsecond. */
#define TICKS_PER_S 100.0
#define NOMINAL_TICK_US 10000.0
/* The kernel counts ppm in steps of 2^-16. */
#define PPM_UNIT 65536.0

/* How often the suspended time is read until it took no longer than that. */
#define SUSPENDED_READINGS 10
#define SUSPENDED_SPAN_NS INT64_C(5000)

static int64_t read_ns(clockid_t clock)
{
    struct timespec now = {0, 0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * DVBCSS_NS_PER_S + now.tv_nsec;
}

int64_t dvbcss_monotonic_ns(void *unused)
{
    (void)unused;
    return read_ns(CLOCK_MONOTONIC_RAW);
}

double dvbcss_monotonic_max_freq_error_ppm(void)
{
    struct timex kernel = {.modes = 0};
    struct system_discipline discipline = {false, 0.0, 0.0};

    if (adjtimex(&kernel) >= 0) {
        discipline.synchronised = !(kernel.status & STA_UNSYNC);
        discipline.correction_ppm =
            (double)kernel.freq / PPM_UNIT + ((double)kernel.tick - NOMINAL_TICK_US) * TICKS_PER_S;
        discipline.tolerance_ppm = (double)kernel.tolerance / PPM_UNIT;
    }
    return system_max_freq_error_ppm(&discipline);
}

int64_t dvbcss_suspended_ns(void)
{
    int64_t tightest_ns = INT64_MAX;
    int64_t suspended_ns = 0;

    /* Both are slewed in the same way, so that nothing but a suspend parts them. To be scheduled
     * away between readings looks like one: the readings that took the shortest time count. */
    for (int i = 0; i < SUSPENDED_READINGS && tightest_ns > SUSPENDED_SPAN_NS; i++) {
        int64_t before_ns = read_ns(CLOCK_MONOTONIC);
        int64_t with_suspends_ns = read_ns(CLOCK_BOOTTIME);
        int64_t span_ns = read_ns(CLOCK_MONOTONIC) - before_ns;

        if (span_ns < tightest_ns) {
            tightest_ns = span_ns;
            suspended_ns = with_suspends_ns - before_ns;
        }
    }
    return suspended_ns;
}
