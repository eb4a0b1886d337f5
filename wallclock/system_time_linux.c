#include "dvbcss/system_time.h"

#include <time.h>

#include "dvbcss/time.h"

int64_t dvbcss_monotonic_ns(void *unused)
{
    struct timespec now = {0, 0};

    (void)unused;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (int64_t)now.tv_sec * DVBCSS_NS_PER_S + now.tv_nsec;
}
