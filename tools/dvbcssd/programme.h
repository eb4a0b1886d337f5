/**
 * @file
 * The built-in demo programme: a schedule that plays, pauses, seeks, changes the content and
 * takes a timeline away and back, over and over.
 */
#ifndef DVBCSSD_PROGRAMME_H
#define DVBCSSD_PROGRAMME_H

#include <uv.h>

#include "tv.h"

struct programme;

/**
 * Puts the programme's content and timelines on a television and starts the schedule.
 *
 * @param tv     must outlive the programme, and have no timelines of its own
 * @param step_s seconds that each step takes
 * @return 0 or a dvbcss_error
 */
DVBCSS_NODISCARD int programme_start(struct programme **out, uv_loop_t *loop, struct tv *tv,
                                     double step_s);

/** Changes how long each step takes, from the one that runs on. */
void programme_set_step(struct programme *programme, double step_s);

/** Stops the schedule; content and timelines stay as they are. Its memory is free once the loop has
 * run. NULL is fine. */
void programme_stop(struct programme *programme);

#endif
