/**
 * @file
 * The wall clock over WebSocket, for companions without UDP, such as pages in a browser: binary
 * frames of 32 bytes as in wc.h, and JSON in the three dialects of wc_json.h, told apart message by
 * message and answered in kind.
 *
 *     struct dvbcss_wc_ws_endpoint_options options = DVBCSS_WC_WS_ENDPOINT_OPTIONS_INIT;
 *
 *     options.wall_clock = wall_clock;
 *     dvbcss_wc_ws_endpoint_create(&wc, server, &options);
 *
 * Times are taken on the loop: the receive time before anything else is done with a message, the
 * transmit time after everything else. A loop that is busy makes the first late, a send buffer
 * makes the second early; both lengthen the round trip that the companion measures, and so its
 * bound covers them. The precision that is announced is measured, and includes how long handing an
 * answer to the socket takes. Where UDP is possible it is better by far: TCP sends again what was
 * lost, and what follows waits for it.
 *
 * Thread: that of the server's loop. What may be done from inside a hook is what server.h says.
 */
#ifndef DVBCSS_WC_WS_ENDPOINT_H
#define DVBCSS_WC_WS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/server.h"
#include "dvbcss/wc.h"
#include "dvbcss/wc_json.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dvbcss_wc_ws_endpoint;

/** The longest message that an endpoint can be made to take, in bytes. */
#define DVBCSS_WC_WS_MESSAGE_MAX 4096

/** How an endpoint is made. Start from #DVBCSS_WC_WS_ENDPOINT_OPTIONS_INIT. Copied. */
struct dvbcss_wc_ws_endpoint_options {
    const char *path;
    /** Connections are called "wc-1", "wc-2", ... with "wc" here. */
    const char *id_prefix;
    /** Whether companions are let in from the start. */
    bool enabled;
    /** What companions may take; messages have at most #DVBCSS_WC_WS_MESSAGE_MAX bytes.
     * `setup_timeout_s` has no meaning here, and the bounds of a queue neither: nothing waits. */
    struct dvbcss_endpoint_limits limits;
    /** Which web pages may connect. */
    struct dvbcss_access access;
    /** Answers per second to one connection, and how many it may have at once after a pause; what
     * goes beyond is not answered. 0: no limit. */
    unsigned answers_per_s;
    /** The wall clock that CSS-WC serves; required, must outlive the endpoint. */
    const struct dvbcss_clock *wall_clock;
    /** Largest frequency error of the wall clock in ppm; above 0. */
    double max_freq_error_ppm;
    /** Called when a companion is gone; may be NULL. Parameters as in struct
     * dvbcss_endpoint_hooks. */
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
    /** For the hook. */
    void *context;
};

#define DVBCSS_WC_WS_ENDPOINT_OPTIONS_INIT                                                         \
    {                                                                                              \
        "/wc", "wc", true, {DVBCSS_UNLIMITED, DVBCSS_UNLIMITED, 2048, 0, 0, 64, 1048576, 30, 0},   \
            {DVBCSS_ORIGIN_ANY, NULL, NULL}, 50, NULL, 500.0, NULL, NULL                           \
    }

/** What an endpoint did since it was created. */
struct dvbcss_wc_ws_endpoint_counters {
    /** Answers in 32 bytes, and in JSON by `enum dvbcss_wc_json_dialect`. */
    uint64_t binary;
    uint64_t json[DVBCSS_WC_JSON_DIALECT_COUNT];
    /** Messages that were no request: not answered, and nothing else. */
    uint64_t malformed;
    /** Requests not answered because their companion asks too often, or did not take the answer
     * before. */
    uint64_t limited;
    uint64_t congested;
    /** Requests that could not be answered for want of memory. */
    uint64_t failures;
};

/**
 * Adds an endpoint to a server.
 *
 * @param endpoint result; the caller ends it with dvbcss_wc_ws_endpoint_destroy()
 * @param options  copied
 * @return 0, DVBCSS_EINVAL (an option is out of its range, or there is no wall clock),
 *         DVBCSS_EEXIST (the path is taken), DVBCSS_ENOMEM, DVBCSS_ESTATE (the server is closing)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_ws_endpoint_create(struct dvbcss_wc_ws_endpoint **endpoint, struct dvbcss_server *server,
                             const struct dvbcss_wc_ws_endpoint_options *options);

/**
 * Removes an endpoint from its server: 1001 to every companion.
 *
 * @param endpoint NULL is fine
 * @note Not later than dvbcss_server_close(). Inside its own hook it is allowed; the hook must not
 *       use its connection afterwards.
 */
DVBCSS_API void dvbcss_wc_ws_endpoint_destroy(struct dvbcss_wc_ws_endpoint *endpoint);

/** Changes the limit of the options, for every connection from its next request on. */
DVBCSS_API void dvbcss_wc_ws_endpoint_set_answers_per_s(struct dvbcss_wc_ws_endpoint *endpoint,
                                                        unsigned answers_per_s);

/** The precision in seconds that is announced now: the longest of the last hand-overs to a socket,
 * and never below the wall clock's own. A millisecond until enough of them were measured. */
DVBCSS_API double dvbcss_wc_ws_endpoint_precision_s(const struct dvbcss_wc_ws_endpoint *endpoint);

/** The endpoint on the server: to enable and disable it, to change its limit, to go through its
 * connections. Its context and its connections' user data are this endpoint's own. */
DVBCSS_API struct dvbcss_endpoint *
dvbcss_wc_ws_endpoint_base(const struct dvbcss_wc_ws_endpoint *endpoint);

/** What the endpoint did so far; valid as long as the endpoint, always up to date. */
DVBCSS_API const struct dvbcss_wc_ws_endpoint_counters *
dvbcss_wc_ws_endpoint_counters(const struct dvbcss_wc_ws_endpoint *endpoint);

#ifdef __cplusplus
}
#endif

#endif
