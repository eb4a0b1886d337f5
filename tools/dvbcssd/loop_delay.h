/**
 * @file
 * How long each turn of the loop kept it busy: the time for which an event may have had to wait.
 */
#ifndef DVBCSSD_LOOP_DELAY_H
#define DVBCSSD_LOOP_DELAY_H

#include <uv.h>

#include "histogram.h"

struct loop_delay {
    uv_prepare_t prepare;
    uint64_t turn_ns;
    uint64_t idle_ns;
    struct histogram histogram;
};

/** Starts to measure. @p delay must live until the loop has run after loop_delay_stop(). Call it
 * before the loop runs for the first time. */
void loop_delay_start(struct loop_delay *delay, uv_loop_t *loop);

/** Ends it. */
void loop_delay_stop(struct loop_delay *delay);

#endif
