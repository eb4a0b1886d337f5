/**
 * @file
 * The CSS-TS client of a companion (TS 103 286-2 clause 9): asks a TV for one timeline and drives a
 * clock with the control timestamps that come.
 *
 *     wall clock (set by the wall-clock client) -> timeline (correlated), set by this client
 *
 * While the connection is lost, or the TV says that it has no such timeline, the clock is
 * unavailable. The client then connects again by itself and asks anew.
 *
 * Threads and callbacks: see client.h. The events are called from the loop, never from inside a
 * function of this file, and may use and close the client. Listeners of the clock
 * (dvbcss_clock_listen()) hear of the same changes.
 */
#ifndef DVBCSS_TS_CLIENT_H
#define DVBCSS_TS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "dvbcss/client.h"
#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A TS client. */
struct dvbcss_ts_client;

/** What a client tells. Each may be NULL. For one control timestamp they come in the order in which
 * they stand here. */
struct dvbcss_ts_client_events {
    /** The connection is open and setup-data is on its way. */
    void (*connected)(void *user);
    /** A control timestamp came; the clock has not heard of it yet. */
    void (*control_timestamp)(void *user, const struct dvbcss_ts_control_timestamp *timestamp);
    /** The clock was set: it jumped by more than the threshold or changed its speed. */
    void (*timing)(void *user, bool speed_changed);
    /** The timeline is available now, or is not any more (also when the connection is lost). */
    void (*availability)(void *user, bool available);
    /** The connection is lost, or an attempt to make it failed. */
    void (*disconnected)(void *user, const struct dvbcss_disconnect *why);
    /** A message was not understood: nothing has changed and the connection stays. @p report and
     * @p text are as in struct dvbcss_cii_client_events. */
    void (*protocol_error)(void *user, const struct dvbcss_report *report, const char *text,
                           size_t length);
    /** A text message came, just as it is, before anything is made of it: for tools that judge what
     * TVs send. */
    void (*text)(void *user, const char *text, size_t length);
};

/** How a client is made. Copied, strings included. */
struct dvbcss_ts_client_options {
    /** The TV's TS endpoint, as "ws://192.168.1.5:7681/ts"; required. */
    const char *url;
    /** The timeline is wanted for content whose id begins with this; "" for any. */
    const char *content_id_stem;
    /** Which timeline, as "urn:dvb:css:timeline:pts"; required. */
    const char *timeline_selector;
    /** The clock to drive: a correlated clock below the wall clock, with the timeline's tick rate;
     * required. It must live until the client is closed. */
    struct dvbcss_clock *timeline;
    /** Jumps up to this many seconds are left alone. */
    double threshold_s;
    struct dvbcss_client_options connection;
    struct dvbcss_ts_client_events events;
    /** Handed to the events. */
    void *user;
};

#define DVBCSS_TS_CLIENT_OPTIONS_INIT                                                              \
    {                                                                                              \
        NULL, "", NULL, NULL, 0.0001, DVBCSS_CLIENT_OPTIONS_INIT,                                  \
            {NULL, NULL, NULL, NULL, NULL, NULL, NULL}, NULL                                       \
    }

/**
 * Makes a client that connects as soon as the loop runs. The clock is unavailable from now until
 * the TV has answered.
 *
 * @param out     the new client; the caller ends it with dvbcss_ts_client_close()
 * @param loop    the caller's loop; must outlive the client
 * @param options required
 * @param report  what is wrong with the URL, or with the `pin`; may be NULL
 * @return 0; an error of dvbcss_url_parse() for the URL; DVBCSS_EINVAL (no selector, no timeline
 *         clock or one without a parent, text that is not UTF-8, a setting out of range),
 *         DVBCSS_ETLS, DVBCSS_EIO, DVBCSS_ENOMEM
 * @note If it fails, run the loop once more before uv_loop_close(): handles close on it.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_client_create(struct dvbcss_ts_client **out, uv_loop_t *loop,
                        const struct dvbcss_ts_client_options *options,
                        struct dvbcss_report *report);

/**
 * Leaves the TV with close code 1001, calling no event any more, and frees the client from the
 * loop. The clock becomes unavailable at once and is not touched afterwards: the program may
 * destroy it as soon as this returns, also in a listener of the clock.
 *
 * @param client NULL is fine: nothing happens then and @p closed is not called
 * @param closed called from the loop at the end; may be NULL
 * @param user   handed to @p closed
 */
DVBCSS_API void dvbcss_ts_client_close(struct dvbcss_ts_client *client, dvbcss_client_closed closed,
                                       void *user);

/**
 * Tells the TV what this companion does and can do.
 *
 * @return 0, DVBCSS_ECLOSED while there is no connection, DVBCSS_EFULL (the TV does not read),
 *         DVBCSS_EINVAL (an infinity where none is allowed), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_client_report(struct dvbcss_ts_client *client,
                        const struct dvbcss_ts_presentation *presentation);

/**
 * The same, from clocks.
 *
 * @param earliest    a correlated clock below the same wall clock that runs as early as the
 *                    companion can; NULL or unavailable for "as early as you like"
 * @param latest      the same for as late
 * @param with_actual also say what the timeline clock does, if it is available
 * @return as above, or DVBCSS_EINVAL for a clock below another parent, DVBCSS_ERANGE
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_client_report_clocks(struct dvbcss_ts_client *client,
                                                               const struct dvbcss_clock *earliest,
                                                               const struct dvbcss_clock *latest,
                                                               bool with_actual);

/** Whether the TV says that the timeline is there. (The clock may be unavailable nonetheless, if
 * the wall clock above it is.) */
DVBCSS_API bool dvbcss_ts_client_available(const struct dvbcss_ts_client *client);

/** Tells the last control timestamp that was understood; false if there was none. */
DVBCSS_API bool dvbcss_ts_client_latest(const struct dvbcss_ts_client *client,
                                        struct dvbcss_ts_control_timestamp *timestamp);

/** Tells how the connection stands. */
DVBCSS_API void dvbcss_ts_client_status(const struct dvbcss_ts_client *client,
                                        struct dvbcss_client_status *status);

#ifdef __cplusplus
}
#endif

#endif
