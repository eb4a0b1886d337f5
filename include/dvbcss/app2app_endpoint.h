/**
 * @file
 * App2App (HbbTV 2, TS 102 796 clause 14.5): a page on the TV and a companion talk through the TV.
 * Each opens a WebSocket to it under a name that they agree on; the TV pairs the two, says so, and
 * passes on what they say.
 *
 *     struct dvbcss_app2app_endpoint_options options = DVBCSS_APP2APP_ENDPOINT_OPTIONS_INIT;
 *
 *     dvbcss_app2app_endpoint_create(&app2app, server, &options);
 *
 *     ws://tv:7681/app2app/local/NAME     the page's side
 *     ws://tv:7681/app2app/remote/NAME    the companion's, also as
 *     ws://tv:7681/app2app/NAME           what DIAL announces, with the name behind it
 *
 * A client that finds none of the other side under its name waits for one; the one that waits
 * longest comes first. When two have met, each gets the text frame "pairingcompleted", and from
 * then on every message of the one, text or binary, as it is. What a client says before that is
 * kept and comes after it. When one goes, the other is closed with the same code.
 *
 * Thread: that of the server's loop. What may be done from inside a hook is what server.h says.
 */
#ifndef DVBCSS_APP2APP_ENDPOINT_H
#define DVBCSS_APP2APP_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/server.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dvbcss_app2app_endpoint;

/** The text frame that tells a client that it has been paired. */
#define DVBCSS_APP2APP_PAIRED "pairingcompleted"

/** The longest name in bytes; a longer one is refused with 404. */
#define DVBCSS_APP2APP_NAME_MAX 1000

/**
 * Clients of one side that may wait for a partner at the same time; one more is refused with 503.
 * Neither side takes the other's room.
 */
struct dvbcss_app2app_waiting_limits {
    size_t in_all;
    /** Under one name. */
    size_t per_name;
    /** Of one address, as in `max_connections_per_address`; pages on this machine may be any
     * number. */
    size_t per_address;
};

/** How an endpoint is made. Start from #DVBCSS_APP2APP_ENDPOINT_OPTIONS_INIT. Copied. */
struct dvbcss_app2app_endpoint_options {
    /** The paths above are below this one; a slash at its end does not matter. */
    const char *path;
    /** Whether clients are let in from the start. */
    bool enabled;
    /** What clients may take, both sides together. The bounds of the queue hold for what waits to
     * be passed on to one client. `setup_timeout_s` is how long a companion may wait to be paired;
     * pages wait as long as they like. */
    struct dvbcss_endpoint_limits limits;
    /** Which web pages may connect as companions. */
    struct dvbcss_access access;
    /** Which web pages may connect as the TV's. */
    struct dvbcss_access local_access;
    /** Whether the TV's side may connect from other machines, too. */
    bool local_from_anywhere;
    struct dvbcss_app2app_waiting_limits max_waiting;
    /** Bytes that a client may say before it is paired, in at most as many messages as may wait in
     * its queue; one that says more is closed with 1008. */
    size_t max_early_bytes;
    /** Bytes that may wait to be passed on, to all clients together; beyond it the one for which
     * most waits is closed with 1008. */
    size_t max_queued_bytes_in_all;
    /** Those of pairs whose companions have one address; one for which more would have to wait is
     * closed with 1008. */
    size_t max_queued_bytes_per_address;
    /** Called when a client is gone; may be NULL. Parameters as in struct dvbcss_endpoint_hooks. */
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
    /** For the hook. */
    void *context;
};

#define DVBCSS_APP2APP_ENDPOINT_OPTIONS_INIT                                                       \
    {                                                                                              \
        "/app2app", true, {DVBCSS_UNLIMITED, DVBCSS_UNLIMITED, 262144, 0, 0, 256, 4194304, 30, 0}, \
            {DVBCSS_ORIGIN_ANY, NULL, NULL}, {DVBCSS_ORIGIN_ANY, NULL, NULL}, false, {50, 20, 10}, \
            65536, 16777216, 4194304, NULL, NULL                                                   \
    }

/** What an endpoint did since it was created. */
struct dvbcss_app2app_endpoint_counters {
    /** Pairs made, and those that talk now. */
    uint64_t pairs;
    uint64_t pairs_open;
    /** Clients that wait now. */
    uint64_t waiting;
    /** What was passed on. */
    uint64_t messages;
    uint64_t bytes;
    /** Refused: the TV's side from elsewhere or from a page that may not, and too many who wait. */
    uint64_t refused_local;
    uint64_t refused_waiting;
    /** Closed because they said too much before they were paired, because too much waited for all
     * clients or those of one address, and pairs closed for want of memory. */
    uint64_t early_overflows;
    uint64_t backlog_overflows;
    uint64_t failures;
};

/**
 * Adds an endpoint to a server. Its connections are called "app2app-1", "app2app-2", ...
 *
 * @param endpoint result; the caller ends it with dvbcss_app2app_endpoint_destroy()
 * @param options  copied
 * @return 0, DVBCSS_EINVAL (an option is out of its range), DVBCSS_EEXIST (the path is taken),
 *         DVBCSS_ENOMEM, DVBCSS_ESTATE (the server is closing)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_app2app_endpoint_create(struct dvbcss_app2app_endpoint **endpoint,
                               struct dvbcss_server *server,
                               const struct dvbcss_app2app_endpoint_options *options);

/**
 * Removes an endpoint from its server: 1001 to every client.
 *
 * @param endpoint NULL is fine
 * @note Not later than dvbcss_server_close(). Inside its own hook it is allowed; the hook must not
 *       use its connection afterwards.
 */
DVBCSS_API void dvbcss_app2app_endpoint_destroy(struct dvbcss_app2app_endpoint *endpoint);

/** Who a connection of an endpoint is. */
struct dvbcss_app2app_client {
    /** Of the TV's side; otherwise a companion. */
    bool local;
    /** Valid as long as the connection; "" is a name, too. */
    const char *name;
    /** NULL while it waits, and when its partner has gone. */
    const struct dvbcss_connection *partner;
};

/** Tells who a connection of an endpoint is. */
DVBCSS_API void dvbcss_app2app_endpoint_client(struct dvbcss_connection *connection,
                                               struct dvbcss_app2app_client *client);

/** The endpoint on the server: to enable and disable it, to change its limits, to go through its
 * connections. Its context and its connections' user data are this endpoint's own. */
DVBCSS_API struct dvbcss_endpoint *
dvbcss_app2app_endpoint_base(const struct dvbcss_app2app_endpoint *endpoint);

/** What the endpoint did so far; valid as long as the endpoint, always up to date. */
DVBCSS_API const struct dvbcss_app2app_endpoint_counters *
dvbcss_app2app_endpoint_counters(const struct dvbcss_app2app_endpoint *endpoint);

#ifdef __cplusplus
}
#endif

#endif
