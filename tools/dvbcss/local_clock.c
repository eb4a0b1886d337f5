#include "local_clock.h"

#include "dvbcss/system_time.h"

int local_clock_init(struct local_clock *clock, double max_freq_error_ppm)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    int error;

    options.now_ns = dvbcss_monotonic_ns;
    options.max_freq_error_ppm = max_freq_error_ppm;
    error = dvbcss_root_clock_create(&clock->root, &options);
    if (error == 0)
        error = dvbcss_tunable_clock_create(&clock->wall, clock->root,
                                            dvbcss_rate_hz(UINT32_C(1000000000)), dvbcss_ticks(0));
    if (error != 0)
        local_clock_finish(clock);
    return error;
}

void local_clock_finish(struct local_clock *clock)
{
    dvbcss_clock_destroy(clock->wall);
    dvbcss_clock_destroy(clock->root);
    clock->wall = NULL;
    clock->root = NULL;
}

void local_clock_read(const struct local_clock *clock, int64_t *local_ns, int64_t *wall_ns)
{
    struct dvbcss_ticks local, wall;

    /* They have a root in common: this cannot fail. */
    if (dvbcss_clock_read_pair(clock->root, clock->wall, &local, &wall) != 0)
        return;
    *local_ns = dvbcss_ticks_round(local);
    *wall_ns = dvbcss_ticks_round(wall);
}
