/**
 * @file
 * The synchronising client: goes from the one URL of a TV's CSS-CII endpoint to a running clock of
 * a timeline of what the TV presents.
 *
 *     CII -> wcUrl -> wall clock -> tsUrl and a timeline of the list -> timeline clock
 *
 * It follows what the TV changes (content, timelines, URLs, any of them in one message), and after
 * any loss connects again with jittered, growing delays. Below it are the clients of cii_client.h,
 * wc_client.h and ts_client.h, for programs that need the parts.
 *
 * Clocks: root (the program's time source) -> wall clock -> timeline. The wall clock is made once
 * and stays until the companion is closed; when CII names another server for it, it is unavailable
 * until that server has first answered, since what was known of the old one's clock says nothing of
 * the new one's. The timeline clock is made anew whenever the companion turns to another timeline
 * or tick rate, which `timeline` tells; a program that hangs clocks below it moves them over with
 * dvbcss_clock_set_parent().
 *
 * Threads: a companion belongs to the loop on which it was made and is used from that loop's thread
 * only. Its events are called from the loop, never from inside a function of this file, and may
 * use and close the companion.
 */
#ifndef DVBCSS_COMPANION_H
#define DVBCSS_COMPANION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/cii.h"
#include "dvbcss/client.h"
#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/time.h"
#include "dvbcss/wc_client.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A synchronising client. */
struct dvbcss_companion;

/** How far it has come: code, name, text. Each state means that all before it are passed. */
#define DVBCSS_COMPANION_STATE_MAP(X)                                                              \
    X(0, CONNECTING, "connecting to the TV")                                                       \
    X(1, WAITING_FOR_CONTENT, "waiting for content that can be followed")                          \
    X(2, SYNCHRONISING_CLOCK, "synchronising the wall clock")                                      \
    X(3, WAITING_FOR_TIMELINE, "waiting for the timeline")                                         \
    X(4, UNAVAILABLE, "the TV does not have this timeline now")                                    \
    X(5, SYNCHRONISED, "synchronised")

/**
 * - CONNECTING: no connection to CII, or no message yet.
 * - WAITING_FOR_CONTENT: the TV presents nothing (no content id), has no timeline that is wanted,
 *   or names no wcUrl or tsUrl.
 * - SYNCHRONISING_CLOCK: the wall clock is not available yet, or not any more.
 * - WAITING_FOR_TIMELINE: connecting to CSS-TS, or no control timestamp yet.
 * - UNAVAILABLE: the TV says that the timeline is not there.
 * - SYNCHRONISED: the timeline clock is available.
 *
 * If only the connection to CII is lost, the rest goes on as it was.
 */
enum dvbcss_companion_state {
#define DVBCSS_COMPANION_STATE_ENUM(code, name, text) DVBCSS_COMPANION_##name = (code),
    DVBCSS_COMPANION_STATE_MAP(DVBCSS_COMPANION_STATE_ENUM)
#undef DVBCSS_COMPANION_STATE_ENUM
};

/** Tells a state's name, as "SYNCHRONISED"; "?" for what is none. Any thread. */
DVBCSS_API const char *dvbcss_companion_state_name(enum dvbcss_companion_state state);

/** Tells a state in words, for people; "?" for what is none. Any thread. */
DVBCSS_API const char *dvbcss_companion_state_text(enum dvbcss_companion_state state);

/** Which part of a companion something happened in. */
enum dvbcss_companion_part {
    DVBCSS_COMPANION_CII,
    DVBCSS_COMPANION_WALL_CLOCK,
    DVBCSS_COMPANION_TS,
};

/** Tells the part's name: "cii", "wall clock" or "ts"; "?" for what is none. Any thread. */
DVBCSS_API const char *dvbcss_companion_part_name(enum dvbcss_companion_part part);

/** Which content id stem the companion asks with. */
enum dvbcss_companion_stem {
    /** "": the timeline of whatever the TV presents. */
    DVBCSS_COMPANION_STEM_ANY = 0,
    /** The content id of CII as it is: the timeline of this content only. */
    DVBCSS_COMPANION_STEM_CONTENT,
    /** The text in the options. */
    DVBCSS_COMPANION_STEM_GIVEN,
};

/** What a companion tells. Each may be NULL. */
struct dvbcss_companion_events {
    /** It came to another state. */
    void (*state)(void *user, enum dvbcss_companion_state state);
    /** A CII message came; as in struct dvbcss_cii_client_events. */
    void (*cii)(void *user, const struct dvbcss_cii *message, unsigned changed);
    /** The timeline clock is another one, or there is none any more (NULL). Called while the one
     * before still exists. */
    void (*timeline)(void *user, struct dvbcss_clock *timeline);
    /** The timeline clock was set: it jumped by more than the threshold or changed its speed. */
    void (*timing)(void *user, bool speed_changed);
    /** The wall clock was adjusted. */
    void (*adjusted)(void *user, const struct dvbcss_wc_adjustment *adjustment);
    /** Something went wrong that the companion goes on trying to overcome: @p error is of enum
     * dvbcss_error, @p text for people; what is wrong inside a message of the TV begins with where,
     * as "timelines[1].timelineProperties.unitsPerSecond: 0 is below 1". */
    void (*trouble)(void *user, enum dvbcss_companion_part part, int error, const char *text);
};

/** How a companion is made. Copied, strings included. */
struct dvbcss_companion_options {
    /** The TV's CII endpoint, as "ws://192.168.1.5:7681/cii"; required. */
    const char *cii_url;

    /** The timelines that are wanted, best first. The first one that the TV lists in CII is taken.
     * If it lists none of them, the first one whose tick rate the selector itself implies (PTS and
     * MPD) or @ref timeline_rate gives is asked for all the same. */
    const char *const *selectors;
    /** 0 takes the best of those that the TV lists: PTS, TEMI, MPD, CT, any other; PTS of a TV that
     * sends no list (null or omitted). */
    size_t selector_count;
    /** Tick rate for a timeline that the TV does not list; {0, 0} for none. */
    struct dvbcss_rate timeline_rate;
    enum dvbcss_companion_stem stem;
    /** For DVBCSS_COMPANION_STEM_GIVEN. */
    const char *content_id_stem;

    /** The local time; NULL for dvbcss_monotonic_ns(). */
    dvbcss_time_source now_ns;
    /** Handed to the time source. */
    void *time_user;
    /** Precision of the local time in seconds; 0 has it measured. */
    double precision_s;
    /** The largest frequency error of the local time in parts per million. */
    double max_freq_error_ppm;

    /** How and when to ask for the time; as in struct dvbcss_wc_client_options. */
    struct dvbcss_wc_requester_options requester;
    struct dvbcss_wc_poll_options poll;
    /** The wall clock counts as available up to this error bound in seconds; 0 for any. */
    double max_dispersion_s;
    /** As in struct dvbcss_wc_estimator_options; at least 1 for the tracking estimator. */
    unsigned jump_candidates;
    /** Makes the estimator for the wall clock; called once for each wall-clock client. NULL for
     * the tracking estimator of wc_tracking.h with its default settings. @p options has the wall
     * clock, the two settings above and the hook. */
    int (*estimator)(void *user, struct dvbcss_wc_estimator **out,
                     const struct dvbcss_wc_estimator_options *options);

    /** Jumps of the timeline up to this many seconds are left alone. */
    double threshold_s;
    /** For CII and TS. */
    struct dvbcss_client_options connection;
    struct dvbcss_companion_events events;
    /** Handed to the events and to @ref estimator. */
    void *user;
};

#define DVBCSS_COMPANION_OPTIONS_INIT                                                              \
    {                                                                                              \
        NULL, NULL, 0, {0, 0}, DVBCSS_COMPANION_STEM_ANY, NULL, NULL, NULL, 0.0, 500.0,            \
            DVBCSS_WC_REQUESTER_OPTIONS_INIT, DVBCSS_WC_POLL_OPTIONS_INIT, 0.0, 3, NULL, 0.0001,   \
            DVBCSS_CLIENT_OPTIONS_INIT, {NULL, NULL, NULL, NULL, NULL, NULL}, NULL                 \
    }

/** Everything about a companion at one instant, for display. Texts are valid until the loop runs
 * on. */
struct dvbcss_companion_snapshot {
    enum dvbcss_companion_state state;

    /** From CII; NULL where there is none. The status is the primary term. */
    const char *content_id;
    const char *content_id_status;
    const char *presentation_status;
    const char *wc_url;
    const char *ts_url;

    /** The timeline that is followed; NULL if none is. */
    const char *selector;
    struct dvbcss_rate rate;
    /** Whether the timeline clock is available: what follows means something only then. */
    bool available;
    /** The position in ticks and in seconds of the timeline, and how fast it runs. */
    struct dvbcss_ticks position;
    double position_s;
    double speed;
    /** How far the position may be off, in seconds of the wall clock; INFINITY for unknown. */
    double error_bound_s;

    /** Whether the wall clock is available, its time, how far it is ahead of the local time, and
     * its error bound. */
    bool wall_clock_available;
    int64_t wall_clock_ns;
    int64_t wall_clock_offset_ns;
    double wall_clock_dispersion_s;
    /** The wall-clock client; zero if there is none. */
    struct dvbcss_wc_client_status wall_clock;

    /** The connections; zero where there is none. */
    struct dvbcss_client_status cii;
    struct dvbcss_client_status ts;

    /** Since the start: control timestamps, times that the clock was set by one, timelines that
     * were turned to, and times that the state SYNCHRONISED was reached. */
    uint64_t control_timestamps;
    uint64_t timing_changes;
    uint64_t timelines;
    uint64_t locks;
};

/**
 * Makes a companion that connects as soon as the loop runs.
 *
 * @param out     the new companion; the caller ends it with dvbcss_companion_close()
 * @param loop    the caller's loop; must outlive the companion
 * @param options required
 * @param report  what is wrong with the URL, or with the `pin`; may be NULL
 * @return 0; an error of dvbcss_url_parse() for the URL; DVBCSS_EINVAL (a setting out of range,
 *         also of the parts; a stem or a selector that is not UTF-8), DVBCSS_ETLS (the file of
 *         certificates cannot be used), DVBCSS_EIO, DVBCSS_ENOMEM
 * @note If it fails, run the loop once more before uv_loop_close(): handles close on it.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_companion_create(struct dvbcss_companion **out, uv_loop_t *loop,
                        const struct dvbcss_companion_options *options,
                        struct dvbcss_report *report);

/**
 * Leaves the TV, calling no event any more, and frees the companion, its clients and its clocks
 * from the loop.
 *
 * @param companion NULL is fine: nothing happens then and @p closed is not called
 * @param closed    called from the loop at the end; may be NULL
 * @param user      handed to @p closed
 */
DVBCSS_API void dvbcss_companion_close(struct dvbcss_companion *companion,
                                       dvbcss_client_closed closed, void *user);

/** Takes stock. */
DVBCSS_API void dvbcss_companion_snapshot(const struct dvbcss_companion *companion,
                                          struct dvbcss_companion_snapshot *snapshot);

/** The state of now. */
DVBCSS_API enum dvbcss_companion_state
dvbcss_companion_state(const struct dvbcss_companion *companion);

/** What the CII messages have added up to; valid until the loop runs on. */
DVBCSS_API const struct dvbcss_cii *dvbcss_companion_cii(const struct dvbcss_companion *companion);

/** The wall clock, owned by the companion; 1 GHz, below the root clock of the local time. */
DVBCSS_API struct dvbcss_clock *
dvbcss_companion_wall_clock(const struct dvbcss_companion *companion);

/** The timeline clock, owned by the companion; NULL while no timeline is followed. It is there as
 * soon as one is chosen, and available while the state is SYNCHRONISED. */
DVBCSS_API struct dvbcss_clock *
dvbcss_companion_timeline_clock(const struct dvbcss_companion *companion);

/**
 * Tells the TV what this companion does and can do; as dvbcss_ts_client_report_clocks().
 *
 * @return also DVBCSS_ESTATE while no timeline is followed
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_companion_report(struct dvbcss_companion *companion,
                                                        const struct dvbcss_clock *earliest,
                                                        const struct dvbcss_clock *latest,
                                                        bool with_actual);

/** Looks the wall-clock server up again and asks it with a burst at once: for when the network has
 * changed or the program was stopped for a while. */
DVBCSS_API void dvbcss_companion_refresh(struct dvbcss_companion *companion);

#ifdef __cplusplus
}
#endif

#endif
