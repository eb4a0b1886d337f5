/**
 * @file
 * The CSS-TS endpoint of a TV (TS 103 286-2 clause 9): a WebSocket endpoint in front of a hub,
 * which tells every companion where its timeline is.
 *
 *     struct dvbcss_ts_endpoint_options options = DVBCSS_TS_ENDPOINT_OPTIONS_INIT;
 *
 *     options.wall_clock = wall_clock;
 *     dvbcss_ts_endpoint_create(&ts, server, &options);
 *     dvbcss_ts_hub_set_content_id(dvbcss_ts_endpoint_hub(ts), "dvb://233a.1004.1044");
 *     dvbcss_ts_hub_attach(dvbcss_ts_endpoint_hub(ts), dvbcss_ts_clock_source_base(pts));
 *
 * Content id, sources, delay and all that changes are told to the hub; the endpoint runs it when it
 * asks for that and when companions are due. Changes that are made together, before the loop turns,
 * go out together. Companions that asked for the same share one encoding and one buffer, and one
 * that reads slowly finds the newest control timestamp only.
 *
 * Thread: that of the server's loop. What may be done from inside a hook is what server.h says.
 */
#ifndef DVBCSS_TS_ENDPOINT_H
#define DVBCSS_TS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/server.h"
#include "dvbcss/ts_timeline.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dvbcss_ts_endpoint;

/** Hooks; each may be NULL. @p context is that of the options. */
struct dvbcss_ts_endpoint_hooks {
    /** A companion has connected, and has said nothing yet. */
    void (*on_connect)(void *context, struct dvbcss_connection *connection);
    /** A companion has said what it wants, for the first time or anew.
     * @param setup valid until the next */
    void (*on_setup)(void *context, struct dvbcss_connection *connection,
                     const struct dvbcss_ts_setup *setup);
    /** A companion has said what it can do.
     * @param presentation valid until the next */
    void (*on_presentation)(void *context, struct dvbcss_connection *connection,
                            const struct dvbcss_ts_presentation *presentation);
    /** A companion is gone. Parameters as in struct dvbcss_endpoint_hooks. */
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
};

/** How an endpoint is made. Start from #DVBCSS_TS_ENDPOINT_OPTIONS_INIT. Everything is copied. */
struct dvbcss_ts_endpoint_options {
    const char *path;
    /** Whether companions are let in from the start. */
    bool enabled;
    /** What companions may take. Their setup is done with the first setup-data that is understood;
     * the bounds of a queue have no meaning here, as one that reads slowly finds the newest control
     * timestamp only. */
    struct dvbcss_endpoint_limits limits;
    /** Which web pages may connect. */
    struct dvbcss_access access;
    /** The wall clock that CSS-WC serves; required, must outlive the endpoint. */
    const struct dvbcss_clock *wall_clock;
    /** Settings of the hub; its `replanned` and `user` are the endpoint's own. */
    struct dvbcss_ts_hub_options hub;
    /** Bytes of user data for each connection: dvbcss_ts_endpoint_user_data(). */
    size_t user_data_size;
    struct dvbcss_ts_endpoint_hooks hooks;
    /** For the hooks. */
    void *context;
};

#define DVBCSS_TS_ENDPOINT_OPTIONS_INIT                                                            \
    {                                                                                              \
        "/ts", true, {DVBCSS_UNLIMITED, DVBCSS_UNLIMITED, 16384, 0, 0, 64, 1048576, 30, 0},        \
            {DVBCSS_ORIGIN_ANY, NULL, NULL}, NULL, DVBCSS_TS_HUB_OPTIONS_INIT, 0,                  \
            {NULL, NULL, NULL, NULL}, NULL                                                         \
    }

/** What an endpoint did since it was created. */
struct dvbcss_ts_endpoint_counters {
    /** Control timestamps written, and those given to connections: the fewer of the first for the
     * second, the better. */
    uint64_t encodings;
    uint64_t messages;
    /** Setup-data and presentation timestamps that were taken. */
    uint64_t setups;
    uint64_t presentations;
    /** Messages of companions that could not be understood or used. */
    uint64_t ignored;
    /** Companions that had to be closed (1013) because there was no memory for them. */
    uint64_t failures;
};

/**
 * Adds a TS endpoint to a server. Its connections are called "ts-1", "ts-2", ...
 *
 * @param endpoint result; the caller ends it with dvbcss_ts_endpoint_destroy()
 * @param options  copied
 * @return 0, DVBCSS_EINVAL (an option is out of its range, or there is no wall clock),
 *         DVBCSS_EEXIST (the path is taken), DVBCSS_ENOMEM, DVBCSS_ESTATE (the server is closing)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_endpoint_create(struct dvbcss_ts_endpoint **endpoint, struct dvbcss_server *server,
                          const struct dvbcss_ts_endpoint_options *options);

/**
 * Removes an endpoint from its server: 1001 to every companion, on_disconnect for each from inside
 * this call, and no hook after it. Its sources are detached, and hear that nothing is needed.
 *
 * @param endpoint NULL is fine
 * @note Not later than dvbcss_server_close(). Run the loop once more before uv_loop_close(): a
 *       timer closes on it. Inside its own hooks it is allowed; a hook must not use its connection
 *       afterwards.
 */
DVBCSS_API void dvbcss_ts_endpoint_destroy(struct dvbcss_ts_endpoint *endpoint);

/** How a further path is made. Start from #DVBCSS_TS_PATH_OPTIONS_INIT; the members are those of
 * struct dvbcss_ts_endpoint_options. Everything is copied. */
struct dvbcss_ts_path_options {
    const char *path;
    /** Connections are called "ts-1", "ts-2", ... with "ts" here; another one than the
     * endpoint's. */
    const char *id_prefix;
    bool enabled;
    struct dvbcss_endpoint_limits limits;
    struct dvbcss_access access;
};

#define DVBCSS_TS_PATH_OPTIONS_INIT                                                                \
    {                                                                                              \
        NULL, NULL, true, {DVBCSS_UNLIMITED, DVBCSS_UNLIMITED, 16384, 0, 0, 64, 1048576, 30, 0},   \
        {                                                                                          \
            DVBCSS_ORIGIN_ANY, NULL, NULL                                                          \
        }                                                                                          \
    }

/**
 * Lets companions in on one more path: they get the same as on the first, by the same hub, and
 * share its encodings; hooks and user data are the same, too.
 *
 * @param base    result: the endpoint on the server, as dvbcss_ts_endpoint_base() is for the first
 *                path; it goes with the TS endpoint
 * @param options copied
 * @return as dvbcss_ts_endpoint_create(); DVBCSS_EFULL: there is one already
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_endpoint_add_path(struct dvbcss_ts_endpoint *endpoint, struct dvbcss_endpoint **base,
                            struct dvbcss_server *server,
                            const struct dvbcss_ts_path_options *options);

/** The hub: for content id, sources, delay. Do not run it and do not take its deliveries. */
DVBCSS_API struct dvbcss_ts_hub *dvbcss_ts_endpoint_hub(const struct dvbcss_ts_endpoint *endpoint);

/** Tells companions what changed now, and not when the loop turns next: for whom that is too late.
 * Not from inside a source. */
DVBCSS_API void dvbcss_ts_endpoint_update(struct dvbcss_ts_endpoint *endpoint);

/** When all companions of a timeline could present where it is now: dvbcss_ts_hub_window(). */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_endpoint_window(const struct dvbcss_ts_endpoint *endpoint,
                                                          const char *selector,
                                                          struct dvbcss_ts_window *out);

/** The endpoint on the server: to enable and disable it, to change its limit, to go through its
 * connections. Its context and its connections' user data are the TS endpoint's own. */
DVBCSS_API struct dvbcss_endpoint *
dvbcss_ts_endpoint_base(const struct dvbcss_ts_endpoint *endpoint);

/** What the endpoint did so far; valid as long as the endpoint, always up to date. */
DVBCSS_API const struct dvbcss_ts_endpoint_counters *
dvbcss_ts_endpoint_counters(const struct dvbcss_ts_endpoint *endpoint);

/** The user data of the size that the options asked for, zeroed at first, of a connection of a TS
 * endpoint; aligned for any type. */
DVBCSS_API void *dvbcss_ts_endpoint_user_data(struct dvbcss_connection *connection);

/** What a companion asked for, reported and was told: its session, to be looked at only. NULL for
 * a connection that is closing for a lack of memory. */
DVBCSS_API const struct dvbcss_ts_session *
dvbcss_ts_endpoint_session(struct dvbcss_connection *connection);

#ifdef __cplusplus
}
#endif

#endif
