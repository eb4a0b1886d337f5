/**
 * @file
 * What the files of the television share. Private to tv*.c.
 */
#ifndef DVBCSSD_TV_INTERNAL_H
#define DVBCSSD_TV_INTERNAL_H

#include "common/list.h"
#include "dvbcss/cii.h"
#include "dvbcss/ts_timeline.h"
#include "tv.h"

struct tv {
    struct dvbcss_clock *wall_clock;
    struct dvbcss_clock *media_clock;
    struct dvbcss_cii_endpoint *cii_endpoint;
    struct dvbcss_cii_endpoint *compat_endpoint;
    /** The two URLs in which what the compat endpoint says differs. */
    struct dvbcss_cii compat_changes;
    struct dvbcss_ts_endpoint *ts_endpoint;
    /** What is presented, before anything below takes its place. */
    struct dvbcss_cii state;
    /** Content id and its status in place of the state's; nothing if there is no override. */
    struct dvbcss_cii override;
    /** Something of `state` was not published yet. */
    bool state_changed;
    /** Nor is to be. */
    bool hold_content;
    struct list_node timelines;
    size_t timeline_count;
    struct tv_fan_out fan_out;
    /** Changes to come, the next one first; the timer rings for that one. */
    struct list_node scheduled;
    size_t scheduled_count;
    uint64_t last_scheduled_id;
    uv_timer_t timer;
};

struct tv_timeline {
    struct list_node node;
    struct tv *tv;
    char *name;
    char *selector;
    struct dvbcss_rate rate;
    double accuracy_s;
    bool configured;
    struct dvbcss_clock *clock;
    struct dvbcss_ts_clock_source *source;
};

/** Frees a timeline that is on no list: tv_timeline.c. */
void tv_timeline_free(struct tv_timeline *timeline);

/** Takes every timeline away, and what is scheduled: 0 or DVBCSS_ENOMEM: tv_timeline.c. */
DVBCSS_NODISCARD int tv_clear(struct tv *tv);

/** Makes a change as of @p at_ns: tv_timeline.c. */
int tv_apply(struct tv *tv, struct tv_timeline *timeline, const struct tv_change *change,
             int64_t at_ns);

/** Puts a change on the list: tv_schedule.c. */
int tv_schedule(struct tv *tv, struct tv_timeline *timeline, const struct tv_change *change,
                int64_t at_ns, uint64_t *id);

/** Makes the scheduled changes that are due by @p until_ns, without publishing: tv_schedule.c. */
void tv_schedule_run(struct tv *tv, int64_t until_ns);

/** Forgets what is scheduled for a timeline, or everything if it is NULL: tv_schedule.c. */
void tv_schedule_forget(struct tv *tv, const struct tv_timeline *timeline);

#endif
