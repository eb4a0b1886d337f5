/**
 * @file
 * What the television presents: content, and timelines that run on the wall clock. It keeps CII
 * and TS in step with it.
 *
 *     wall clock -> media clock (1 GHz: pause and seek act here) -> one clock per timeline
 */
#ifndef DVBCSSD_TV_H
#define DVBCSSD_TV_H

#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/cii_endpoint.h"
#include "dvbcss/clock.h"
#include "dvbcss/ts_endpoint.h"

struct tv;
struct tv_timeline;

/** Where a television publishes; all outlive it. */
struct tv_options {
    struct dvbcss_clock *wall_clock;
    struct dvbcss_cii_endpoint *cii;
    struct dvbcss_ts_endpoint *ts;
    /** URLs for CII, with {{host}} and {{port}}; NULL for a service that is not there. Copied. */
    const char *wc_url;
    const char *ts_url;
};

/** A timeline as it is added. */
struct tv_timeline_options {
    const char *selector;
    struct dvbcss_rate rate;
    int64_t start_ticks;
    double speed;
    /** Negative if not stated. */
    double accuracy_s;
    bool available;
};

/** Makes a television that presents nothing: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int tv_create(struct tv **out, const struct tv_options *options);

/** Takes its timelines away and frees it; NULL is fine. */
void tv_destroy(struct tv *tv);

/** What CII says of the content. Strings are copied; an empty id means that there is none. */
struct tv_content {
    const char *id;
    const char *id_status;
    const char *presentation_status;
};

/** Sets the content; published with the next tv_publish(). 0 or a dvbcss_error. */
DVBCSS_NODISCARD int tv_set_content(struct tv *tv, const struct tv_content *content);

/** Adds a timeline that runs from now on. @p out may be NULL. 0 or a dvbcss_error. */
DVBCSS_NODISCARD int tv_add_timeline(struct tv *tv, const struct tv_timeline_options *options,
                                     struct tv_timeline **out);

/** Tells companions of CSS-CII what was set: one message each, however much it was. */
DVBCSS_NODISCARD int tv_publish(struct tv *tv);

/** Pauses (0), plays (1) or otherwise runs the media and with it all timelines. */
DVBCSS_NODISCARD int tv_set_speed(struct tv *tv, double speed);

/** Jumps by @p seconds of media time, forwards or back. */
DVBCSS_NODISCARD int tv_seek(struct tv *tv, double seconds);

/** Makes a timeline available or not. */
DVBCSS_NODISCARD int tv_timeline_set_available(struct tv_timeline *timeline, bool available);

#endif
