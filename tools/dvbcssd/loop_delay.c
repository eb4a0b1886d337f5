#include "loop_delay.h"

#include <string.h>

/* Once a turn, before the loop waits. What has passed since the last time and was not waiting was
 * spent on events. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct loop_delay *delay = prepare->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t idle_ns = uv_metrics_idle_time(prepare->loop);
    uint64_t passed_ns = now_ns - delay->turn_ns;
    uint64_t waited_ns = idle_ns - delay->idle_ns;

    if (delay->turn_ns != 0)
        histogram_add(&delay->histogram, passed_ns > waited_ns ? passed_ns - waited_ns : 0);
    delay->turn_ns = now_ns;
    delay->idle_ns = idle_ns;
}

void loop_delay_start(struct loop_delay *delay, uv_loop_t *loop)
{
    memset(delay, 0, sizeof *delay);
    uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
    uv_prepare_init(loop, &delay->prepare);
    delay->prepare.data = delay;
    uv_prepare_start(&delay->prepare, on_prepare);
    /* It watches the loop, and does not keep it running. */
    uv_unref((uv_handle_t *)&delay->prepare);
}

void loop_delay_stop(struct loop_delay *delay)
{
    uv_close((uv_handle_t *)&delay->prepare, NULL);
}
