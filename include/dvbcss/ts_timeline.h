/**
 * @file
 * The TV's side of CSS-TS without its sockets: sources of timelines, sessions of companions, and
 * the hub that tells each companion where its timeline is. TS 103 286-2 clause 9.
 *
 *     sources --(lines)--> hub --(control timestamps, one per group)--> sessions
 *
 * The hub reads no clock and sends nothing. Time comes in as an argument: `now_ns` is always the
 * time of the wall clock that is served by CSS-WC, in ns. Messages of companions come in by
 * dvbcss_ts_session_receive(); what is to be sent is taken out with dvbcss_ts_hub_next_delivery()
 * and dvbcss_ts_hub_next_receiver(); dvbcss_ts_hub_deadline() says when to come back:
 *
 *     dvbcss_ts_hub_run(hub, now_ns);
 *     while (dvbcss_ts_hub_next_delivery(hub, &delivery))
 *         while ((session = dvbcss_ts_hub_next_receiver(hub)))
 *             send(dvbcss_ts_session_user(session), delivery.text, delivery.length);
 *     if (!dvbcss_ts_hub_deadline(hub, &deadline_ns))
 *         wake me at deadline_ns;
 *
 * Companions that asked for the same selector with the same stem form a group: a control timestamp
 * is encoded once per group, however many they are.
 *
 * Threads: a hub, its sources and its sessions belong to one thread at a time.
 */
#ifndef DVBCSS_TS_TIMELINE_H
#define DVBCSS_TS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dvbcss_ts_hub;
struct dvbcss_ts_session;
struct dvbcss_ts_source;
struct dvbcss_ts_attachment;

/* ---- sources -------------------------------------------------------------------------------- */

/** What a source knows of a timeline. */
enum dvbcss_ts_state {
    /** It is still looking: companions are told nothing for a while, then "unavailable". */
    DVBCSS_TS_NOT_YET,
    /** There is no such timeline now. */
    DVBCSS_TS_GONE,
    /** There is, and it runs along a line. */
    DVBCSS_TS_RUNNING,
};

/** What a source does. The hub calls these; of its own functions they may call
 * dvbcss_ts_source_changed() only. */
struct dvbcss_ts_source_ops {
    /** Whether the source provides the timeline that @p selector names. Asked once for each
     * selector in use; a source whose answer would change detaches and attaches again. */
    bool (*recognises)(struct dvbcss_ts_source *source, const char *selector);
    /**
     * Says where the timeline is.
     *
     * @param now_ns the time for which the hub wants to know; any point of the line will do
     * @param line   set if the answer is DVBCSS_TS_RUNNING; one with a speed that is not finite
     *               counts as DVBCSS_TS_GONE
     */
    enum dvbcss_ts_state (*read)(struct dvbcss_ts_source *source, const char *selector,
                                 int64_t now_ns, struct dvbcss_ts_line *line);
    /** The first companion of a hub wants this timeline: time to begin extracting it. For each
     * selector that the source recognises; may be NULL. */
    void (*needed)(struct dvbcss_ts_source *source, const char *selector);
    /** No companion of that hub wants it any more, or the source is being detached. Comes exactly
     * once for each call of needed(); may be NULL. */
    void (*not_needed)(struct dvbcss_ts_source *source, const char *selector);
};

/** A source of timelines. A custom one is storage of the caller, zeroed but for @c ops and
 * @c user; it must stay where it is while it is attached. */
struct dvbcss_ts_source {
    const struct dvbcss_ts_source_ops *ops;
    void *user;
    /* ---- */
    struct dvbcss_ts_attachment *attachments;
};

/** Tells every hub that the source is attached to that a timeline of it may have changed. Each
 * hub looks again when it next runs; its `replanned` asks for that. */
DVBCSS_API void dvbcss_ts_source_changed(struct dvbcss_ts_source *source);

/** Detaches the source from every hub; needed before its storage goes away. */
DVBCSS_API void dvbcss_ts_source_detach_all(struct dvbcss_ts_source *source);

/** A source of one timeline that shows what it was last told: a line, "gone" or "not yet". */
struct dvbcss_ts_simple_source;

/**
 * Makes a simple source; it is "gone" at first.
 *
 * @param selector copied; recognised if it is the same byte for byte
 * @return 0, DVBCSS_EINVAL, DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_simple_source_create(struct dvbcss_ts_simple_source **out,
                                                               const char *selector);

/** Detaches and frees it; NULL is fine. */
DVBCSS_API void dvbcss_ts_simple_source_destroy(struct dvbcss_ts_simple_source *simple);

/** The source to attach; lives as long as @p simple. */
DVBCSS_API struct dvbcss_ts_source *
dvbcss_ts_simple_source_base(struct dvbcss_ts_simple_source *simple);

/**
 * Sets what the source shows, and tells the hubs.
 *
 * @param line needed for DVBCSS_TS_RUNNING. If its rate is {0, 0}, the rate that the selector
 *             implies is taken, if any
 * @return 0, DVBCSS_EINVAL for a missing line or a speed that is not finite
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_simple_source_set(struct dvbcss_ts_simple_source *simple,
                                                            enum dvbcss_ts_state state,
                                                            const struct dvbcss_ts_line *line);

/** How a clock source is made. */
struct dvbcss_ts_clock_source_options {
    /** Copied; recognised if it is the same byte for byte. */
    const char *selector;
    /** The timeline; its rate is the timeline's. Must outlive the source. */
    struct dvbcss_clock *clock;
    /** The wall clock, with the same root; must outlive the source. */
    struct dvbcss_clock *wall_clock;
    /** The clock whose own speed is the timeline's; must outlive the source. NULL: the speed at
     * which `clock` runs against `wall_clock`. */
    struct dvbcss_clock *speed_source;
    /** Whether a change of the clocks is told to the hubs at once; if not, call
     * dvbcss_ts_source_changed(). Sources are read afresh each time, either way. */
    bool auto_update;
};

#define DVBCSS_TS_CLOCK_SOURCE_OPTIONS_INIT                                                        \
    {                                                                                              \
        NULL, NULL, NULL, NULL, true                                                               \
    }

/** A source of one timeline that a clock shows; "gone" while the clock is not available. */
struct dvbcss_ts_clock_source;

/** Makes a clock source: 0, DVBCSS_EINVAL (something is missing), DVBCSS_ENOCOMMONCLOCK,
 * DVBCSS_ENOMEM. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_clock_source_create(struct dvbcss_ts_clock_source **out,
                              const struct dvbcss_ts_clock_source_options *options);

/** Detaches and frees it; NULL is fine. */
DVBCSS_API void dvbcss_ts_clock_source_destroy(struct dvbcss_ts_clock_source *clock_source);

/** The source to attach; lives as long as @p clock_source. */
DVBCSS_API struct dvbcss_ts_source *
dvbcss_ts_clock_source_base(struct dvbcss_ts_clock_source *clock_source);

/* ---- hub ------------------------------------------------------------------------------------ */

/** How a hub is made. Start from #DVBCSS_TS_HUB_OPTIONS_INIT. */
struct dvbcss_ts_hub_options {
    /** Every companion gets a control timestamp at least this often, in ns; 0 for changes only. */
    int64_t resend_interval_ns;
    /** How long "not yet" may last until companions are told "unavailable", in ns; negative for
     * ever. HbbTV wants an answer within 5 s of setup-data. */
    int64_t patience_ns;
    /** A line that moved by more than this, in seconds, is a change; so is any other speed. */
    double change_threshold_s;
    /** Moves every line along the wall clock, in ns: positive makes companions later. To calibrate
     * for the delay of a display. */
    int64_t delay_ns;
    /** Called when dvbcss_ts_hub_run() has something to do sooner than dvbcss_ts_hub_deadline()
     * last said; to set a timer, not to run the hub from inside. May be NULL. */
    void (*replanned)(void *user);
    /** For @c replanned. */
    void *user;
};

#define DVBCSS_TS_HUB_OPTIONS_INIT                                                                 \
    {                                                                                              \
        INT64_C(2000000000), INT64_C(1000000000), 0.00005, 0, NULL, NULL                           \
    }

/** Makes a hub without content, sources and sessions: 0, DVBCSS_EINVAL (a negative interval or
 * threshold, or NaN), DVBCSS_ENOMEM. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_hub_create(struct dvbcss_ts_hub **out,
                                                     const struct dvbcss_ts_hub_options *options);

/** Ends its sessions, detaches its sources, and frees it; NULL is fine. */
DVBCSS_API void dvbcss_ts_hub_destroy(struct dvbcss_ts_hub *hub);

/** Sets the id of the content that is presented: copied, NULL for none; 0 or DVBCSS_ENOMEM. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_hub_set_content_id(struct dvbcss_ts_hub *hub,
                                                             const char *content_id);

/** The content id, valid until it is set again; NULL for none. */
DVBCSS_API const char *dvbcss_ts_hub_content_id(const struct dvbcss_ts_hub *hub);

/** Sets the delay of the options while the hub runs: a change for all companions. */
DVBCSS_API void dvbcss_ts_hub_set_delay_ns(struct dvbcss_ts_hub *hub, int64_t delay_ns);

/**
 * Attaches a source, after those that are there: of several that recognise a selector the first
 * one is asked. It hears at once which of its selectors are needed.
 *
 * @return 0, DVBCSS_EEXIST, DVBCSS_EINVAL (no recognises or read), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_hub_attach(struct dvbcss_ts_hub *hub,
                                                     struct dvbcss_ts_source *source);

/** Detaches a source, which hears that its selectors are not needed; one that is not attached is
 * fine. */
DVBCSS_API void dvbcss_ts_hub_detach(struct dvbcss_ts_hub *hub, struct dvbcss_ts_source *source);

/** Looks at every timeline that changed, or whose companions are due, and makes the deliveries. */
DVBCSS_API void dvbcss_ts_hub_run(struct dvbcss_ts_hub *hub, int64_t now_ns);

/**
 * Tells when dvbcss_ts_hub_run() next has something to do; a time in the past means now.
 *
 * @return 0, or DVBCSS_ENOENT while there is nothing to wait for
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_hub_deadline(const struct dvbcss_ts_hub *hub,
                                                       int64_t *out_ns);

/** A control timestamp for the receivers in one group. */
struct dvbcss_ts_delivery {
    /** The message, with a zero byte behind it; valid until the hub runs again. */
    const char *text;
    size_t length;
    struct dvbcss_ts_control_timestamp timestamp;
};

/** Begins the next delivery; receivers of the one before that were not taken are skipped until the
 * next control timestamp. Returns false when there is none. */
DVBCSS_API bool dvbcss_ts_hub_next_delivery(struct dvbcss_ts_hub *hub,
                                            struct dvbcss_ts_delivery *out);

/** Takes the next receiver of the delivery that was begun; NULL after the last one. Between two
 * calls any session may be ended. */
DVBCSS_API struct dvbcss_ts_session *dvbcss_ts_hub_next_receiver(struct dvbcss_ts_hub *hub);

/**
 * When all companions of a timeline could present the instant that it is at, by what they last
 * reported. What cannot be moved to that instant is left out.
 *
 * @param selector which timeline
 * @param now_ns   the instant
 * @return 0, DVBCSS_EUNAVAILABLE (nobody asked for it, or it is not running), DVBCSS_EINVAL (its
 *         rate is unknown)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_hub_window(const struct dvbcss_ts_hub *hub,
                                                     const char *selector, int64_t now_ns,
                                                     struct dvbcss_ts_window *out);

/* ---- sessions ------------------------------------------------------------------------------- */

/** Where a session stands. */
enum dvbcss_ts_session_state {
    /** The companion has not said what it wants. */
    DVBCSS_TS_SESSION_WAITING = 0,
    /** It has, and was told nothing yet. */
    DVBCSS_TS_SESSION_UNANSWERED,
    /** It was last told that its timeline is not available. */
    DVBCSS_TS_SESSION_UNAVAILABLE,
    /** It was last told where its timeline is. */
    DVBCSS_TS_SESSION_AVAILABLE,
    /** The hub is gone. */
    DVBCSS_TS_SESSION_CLOSED,
};

/** Makes the session of a new connection. @p user is for dvbcss_ts_session_user(). 0 or
 * DVBCSS_ENOMEM. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_session_create(struct dvbcss_ts_session **out,
                                                         struct dvbcss_ts_hub *hub, void *user);

/** Ends a session, when its connection has ended; NULL is fine. */
DVBCSS_API void dvbcss_ts_session_destroy(struct dvbcss_ts_session *session);

/**
 * Takes a message of the companion. Setup-data configures the session, also anew; presentation
 * timestamps are kept. What cannot be understood or used is counted and changes nothing. Messages
 * are read with DVBCSS_TOLERANT.
 *
 * @param kind   set to what the message was; may be NULL
 * @param report filled on failure; may be NULL
 * @return 0, or why the message was ignored: what dvbcss_ts_request_decode() returns, DVBCSS_ESTATE
 *         (presentation timestamps before setup-data, or the hub is gone), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_session_receive(struct dvbcss_ts_session *session,
                                                          const char *text, size_t length,
                                                          enum dvbcss_ts_request_kind *kind,
                                                          struct dvbcss_report *report);

/** What dvbcss_ts_session_create() was given. */
DVBCSS_API void *dvbcss_ts_session_user(const struct dvbcss_ts_session *session);

/** Where the session stands. */
DVBCSS_API enum dvbcss_ts_session_state
dvbcss_ts_session_state(const struct dvbcss_ts_session *session);

/** The setup-data in force, valid until the next; NULL while there is none. */
DVBCSS_API const struct dvbcss_ts_setup *
dvbcss_ts_session_setup(const struct dvbcss_ts_session *session);

/** The last presentation timestamps since the setup-data, valid until the next; NULL if none. */
DVBCSS_API const struct dvbcss_ts_presentation *
dvbcss_ts_session_presentation(const struct dvbcss_ts_session *session);

/** How many messages were ignored. */
DVBCSS_API uint64_t dvbcss_ts_session_ignored(const struct dvbcss_ts_session *session);

#ifdef __cplusplus
}
#endif

#endif
