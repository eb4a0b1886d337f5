/**
 * @file
 * What the television presents: content, and timelines that run on the wall clock. It keeps CII
 * and TS in step with it.
 *
 *     wall clock -> media clock (1 GHz: pause and seek act here) -> one clock per timeline
 *
 * What is set is published with the next tv_publish(): several changes make one step.
 */
#ifndef DVBCSSD_TV_H
#define DVBCSSD_TV_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "dvbcss/cii_endpoint.h"
#include "dvbcss/clock.h"
#include "dvbcss/ts_endpoint.h"
#include "histogram.h"

struct tv;
struct tv_timeline;

/** Where a television publishes; all outlive it. */
struct tv_options {
    uv_loop_t *loop;
    struct dvbcss_clock *wall_clock;
    struct dvbcss_cii_endpoint *cii;
    struct dvbcss_ts_endpoint *ts;
    /** URLs for CII, with {{host}} and {{port}}; NULL for a service that is not there. Copied. */
    const char *wc_url;
    const char *ts_url;
    /** Another CII endpoint, which says the same but for these URLs. */
    struct {
        struct dvbcss_cii_endpoint *cii;
        const char *wc_url;
        const char *ts_url;
    } compat;
};

/** Makes a television that presents nothing: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int tv_create(struct tv **out, const struct tv_options *options);

/** Takes its timelines away and frees it when the loop has run; NULL is fine. */
void tv_destroy(struct tv *tv);

/**
 * Tells companions what was set: one CII message each, however much it was, and the timelines that
 * changed. 0 or a dvbcss_error.
 */
DVBCSS_NODISCARD int tv_publish(struct tv *tv);

/** Takes everything away that is presented and scheduled, and has the media run: for the next one
 * who decides what is presented. 0 or DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int tv_reset(struct tv *tv);

/** How long telling all companions took. */
struct tv_fan_out {
    struct histogram cii;
    struct histogram ts;
};

/** Valid as long as the television, always up to date. */
const struct tv_fan_out *tv_fan_out(const struct tv *tv);

/* ---- content -------------------------------------------------------------------------------- */

/** What CII says of the content. Strings are copied; an empty id means that there is none, NULL
 * that a property stays as it is. */
struct tv_content {
    const char *id;
    const char *id_status;
    const char *presentation_status;
};

/** Sets the content: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int tv_set_content(struct tv *tv, const struct tv_content *content);

/** Changes CII properties: what @p changes omits stays as it is. 0 or a dvbcss_error. */
DVBCSS_NODISCARD int tv_change_content(struct tv *tv, const struct dvbcss_cii *changes);

/** Tells companions this content id, as final, whatever the content; "" for the content's own. It
 * is published with the next tv_publish(). 0 or DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int tv_override_content_id(struct tv *tv, const char *id);

/** What companions are told in place of the content's id; "" for nothing. */
const char *tv_content_id_override(const struct tv *tv);

/** Sets tsUrl; NULL for none. 0 or a dvbcss_error. */
DVBCSS_NODISCARD int tv_set_ts_url(struct tv *tv, const char *ts_url);

/** Holds changes of the content and of the list of timelines back from tv_publish(), or lets the
 * next one tell them. */
void tv_hold_content(struct tv *tv, bool hold);

/* ---- timelines ------------------------------------------------------------------------------ */

enum { TV_TIMELINES_MAX = 100, TV_SCHEDULED_MAX = 1000 };

/** What others may ask of a timeline, forwards and back: a speed, and a position in ticks, far from
 * the end of the type. */
#define TV_SPEED_MAX 1000.0
#define TV_TICKS_MAX 4611686018427387904.0

/** A timeline as it is added. */
struct tv_timeline_options {
    /** What people call it; no two of a television's have the same, nor the same selector. */
    const char *name;
    const char *selector;
    struct dvbcss_rate rate;
    int64_t start_ticks;
    double speed;
    /** Negative if not stated. */
    double accuracy_s;
    bool available;
    /** It stands in the configuration, which decides when it goes. */
    bool configured;
};

/** Adds a timeline that runs from now on. @p out may be NULL. 0, DVBCSS_EEXIST, DVBCSS_EFULL or
 * another dvbcss_error. */
DVBCSS_NODISCARD int tv_add_timeline(struct tv *tv, const struct tv_timeline_options *options,
                                     struct tv_timeline **out);

/** Takes a timeline away, with what is scheduled for it. 0 or DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int tv_remove_timeline(struct tv_timeline *timeline);

/** The timeline after @p timeline, the first for NULL; NULL after the last. */
struct tv_timeline *tv_next_timeline(struct tv *tv, const struct tv_timeline *timeline);

/** The timeline of that name or that selector; NULL if there is none. */
struct tv_timeline *tv_timeline_named(struct tv *tv, const char *name);
struct tv_timeline *tv_timeline_selected(struct tv *tv, const char *selector);

/** How a timeline stands at one instant. */
struct tv_timeline_state {
    const char *name;
    const char *selector;
    struct dvbcss_rate rate;
    /** Time of the wall clock, and of the timeline at it. */
    int64_t wall_ns;
    int64_t position_ticks;
    /** Relative to the media, and to the wall clock. */
    double speed;
    double effective_speed;
    bool available;
    double accuracy_s;
};

void tv_timeline_state(const struct tv_timeline *timeline, struct tv_timeline_state *state);

/** How the media stand at one instant. */
struct tv_media_state {
    int64_t wall_ns;
    double position_s;
    double speed;
};

void tv_media_state(const struct tv *tv, struct tv_media_state *state);

/* ---- changes of media and timelines --------------------------------------------------------- */

/** What a change is about; several in one go. */
enum tv_change_part {
    TV_CHANGE_SPEED = 1,
    /** Jump to a time of the timeline, at most TV_TICKS_MAX: not for the media as a whole. */
    TV_CHANGE_POSITION = 2,
    /** Jump by seconds, forwards or back; not together with a position. */
    TV_CHANGE_SEEK = 4,
    /** Not for the media as a whole, as is the next. */
    TV_CHANGE_AVAILABLE = 8,
    TV_CHANGE_ACCURACY = 16,
};

struct tv_change {
    /** Mask of enum tv_change_part. */
    unsigned parts;
    double speed;
    int64_t position_ticks;
    double seek_s;
    bool available;
    /** Negative if not stated. */
    double accuracy_s;
};

/** "At once", for tv_change(). */
#define TV_NOW INT64_MIN

/**
 * Changes a timeline, or the media and with them all timelines. What is scheduled for that time or
 * an earlier one comes first.
 *
 * @param timeline NULL for the media
 * @param at_ns    time of the wall clock from which the change holds, exactly. One that is past
 *                 makes the line what it would be if the change had come then; one to come has the
 *                 change scheduled, which publishes itself
 * @param id       set to the number of the scheduled change, 0 if it was made; may be NULL
 * @return 0, DVBCSS_EFULL (too much is scheduled), DVBCSS_ERANGE (a seek beyond
 *         TV_TICKS_MAX of this or, for the media, of any timeline; a time that is beyond all
 *         positions) or DVBCSS_ENOMEM; then nothing has changed but by what was due
 */
DVBCSS_NODISCARD int tv_change(struct tv *tv, struct tv_timeline *timeline,
                               const struct tv_change *change, int64_t at_ns, uint64_t *id);

/** A change to come. */
struct tv_scheduled {
    uint64_t id;
    int64_t at_ns;
    /** NULL for the media. */
    struct tv_timeline *timeline;
    struct tv_change change;
};

/** Visits the changes to come, the next one first. */
void tv_each_scheduled(const struct tv *tv,
                       void (*visit)(void *user, const struct tv_scheduled *scheduled), void *user);

/** Cancels a change to come; false if there is none of that number. */
bool tv_cancel(struct tv *tv, uint64_t id);

/** The name of a timeline. */
const char *tv_timeline_name(const struct tv_timeline *timeline);

/** Whether the timeline was added as one of the configuration. */
bool tv_timeline_configured(const struct tv_timeline *timeline);

#endif
