/**
 * @file
 * The CSS-CII endpoint of a TV (TS 103 286-2 clause 6): a WebSocket endpoint that keeps every
 * companion's view of one state up to date.
 *
 *     struct dvbcss_cii_endpoint_options options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;
 *
 *     dvbcss_cii_endpoint_create(&cii, server, &options);
 *     dvbcss_cii_set_text(&state, DVBCSS_CII_TS_URL, "{{ws}}://{{host}}:{{port}}/ts");
 *     dvbcss_cii_endpoint_set_state(cii, &state);
 *
 * A companion gets the full state as soon as it has connected, and then what changes. One that
 * reads slowly gets one message that covers all that it missed, once it has taken the last one:
 * nothing piles up for it. Companions that need the same message share one encoding and one buffer.
 *
 * Thread: that of the server's loop. What may be done from inside a hook is what server.h says.
 */
#ifndef DVBCSS_CII_ENDPOINT_H
#define DVBCSS_CII_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/cii.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/server.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dvbcss_cii_endpoint;

/** Hooks; each may be NULL. @p context is that of the options. */
struct dvbcss_cii_endpoint_hooks {
    /** A companion has connected, and the full state is on its way. */
    void (*on_connect)(void *context, struct dvbcss_connection *connection);
    /** A companion said something, which CSS-CII does not provide for: it was counted and has no
     * effect. Parameters as in struct dvbcss_endpoint_hooks. */
    void (*on_message)(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text);
    /** A companion is gone. Parameters as in struct dvbcss_endpoint_hooks. */
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
};

/** How an endpoint is made. Start from #DVBCSS_CII_ENDPOINT_OPTIONS_INIT. Everything is copied. */
struct dvbcss_cii_endpoint_options {
    const char *path;
    /** Connections are called "cii-1", "cii-2", ... with "cii" here. */
    const char *id_prefix;
    /** Whether companions are let in from the start. */
    bool enabled;
    /** What companions may take. They have nothing to say in CSS-CII, so that a message longer than
     * the 4096 bytes of the default is no mistake; `setup_timeout_s` has no meaning here, and the
     * bounds of a queue neither, as one that reads slowly gets one message for all it missed. */
    struct dvbcss_endpoint_limits limits;
    /** Which web pages may connect. */
    struct dvbcss_access access;
    /** What messages after the first one carry. */
    enum dvbcss_cii_policy policy;
    /** A text frame that goes ahead of the first message, for companions that reach the endpoint as
     * a channel of App2App and wait for #DVBCSS_APP2APP_PAIRED; NULL for none. */
    const char *greeting;
    /** The state to begin with; NULL: nothing but what dvbcss_cii_snapshot_create() fills in. */
    const struct dvbcss_cii *state;
    /** What `{{host}}` and `{{port}}` in URLs become. NULL and 0: the address and the port of this
     * machine that the companion reached, which is right unless something between the two
     * translates addresses; with TLS the name that the companion asked for, which is the one that
     * it compares with the certificate. `{{ws}}` becomes `wss` for companions with TLS. */
    const char *advertise_host;
    uint16_t advertise_port;
    /** The port for companions with TLS, likewise. */
    uint16_t advertise_tls_port;
    /** Bytes of user data for each connection: dvbcss_cii_endpoint_user_data(). */
    size_t user_data_size;
    struct dvbcss_cii_endpoint_hooks hooks;
    /** For the hooks. */
    void *context;
};

#define DVBCSS_CII_ENDPOINT_OPTIONS_INIT                                                           \
    {                                                                                              \
        "/cii", "cii", true, {DVBCSS_UNLIMITED, DVBCSS_UNLIMITED, 4096, 0, 0, 64, 1048576, 30, 0}, \
            {DVBCSS_ORIGIN_ANY, NULL, NULL}, DVBCSS_CII_SEND_CHANGES, NULL, NULL, NULL, 0, 0, 0,   \
            {NULL, NULL, NULL}, NULL                                                               \
    }

/** What an endpoint did since it was created. */
struct dvbcss_cii_endpoint_counters {
    /** States set. */
    uint64_t states;
    /** Messages written as JSON, and messages given to connections: the fewer of the first for
     * the second, the better. */
    uint64_t encodings;
    uint64_t messages;
    /** Times that a companion was not told at once because it had not taken what was sent before.
     */
    uint64_t deferrals;
    /** What companions said, and was ignored. */
    uint64_t ignored;
    /** Companions that had to be closed (1013) because there was no memory for their message. */
    uint64_t failures;
};

/**
 * Adds a CII endpoint to a server.
 *
 * @param endpoint result; the caller ends it with dvbcss_cii_endpoint_destroy()
 * @param options  copied
 * @return 0, DVBCSS_EINVAL (an option is out of its range), DVBCSS_EEXIST (the path is taken),
 *         DVBCSS_ENOMEM, DVBCSS_ESTATE (the server is closing)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_cii_endpoint_create(struct dvbcss_cii_endpoint **endpoint, struct dvbcss_server *server,
                           const struct dvbcss_cii_endpoint_options *options);

/**
 * Removes an endpoint from its server: 1001 to every companion, on_disconnect for each from inside
 * this call, and no hook after it.
 *
 * @param endpoint NULL is fine
 * @note Not later than dvbcss_server_close(). Inside its own hooks it is allowed; a hook must not
 *       use its connection afterwards.
 */
DVBCSS_API void dvbcss_cii_endpoint_destroy(struct dvbcss_cii_endpoint *endpoint);

/**
 * Sets the whole state and tells every companion what changed.
 *
 * @param state copied; what it omits is never mentioned to companions that connect from now on,
 *              but for what dvbcss_cii_snapshot_create() fills in
 * @return 0, or DVBCSS_ENOMEM: the state is what it was, and nobody was told anything
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_cii_endpoint_set_state(struct dvbcss_cii_endpoint *endpoint,
                                                              const struct dvbcss_cii *state);

/**
 * Changes some properties of the state in one step: what @p changes omits stays as it is.
 * dvbcss_cii_endpoint_set_state() otherwise.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_cii_endpoint_change(struct dvbcss_cii_endpoint *endpoint,
                                                           const struct dvbcss_cii *changes);

/** The state that every companion is brought to; valid until it is set again. */
DVBCSS_API const struct dvbcss_cii *
dvbcss_cii_endpoint_state(const struct dvbcss_cii_endpoint *endpoint);

/** The endpoint on the server: to enable and disable it, to change its limit, to go through its
 * connections. Its context and its connections' user data are the CII endpoint's own. */
DVBCSS_API struct dvbcss_endpoint *
dvbcss_cii_endpoint_base(const struct dvbcss_cii_endpoint *endpoint);

/** What the endpoint did so far; valid as long as the endpoint, always up to date. */
DVBCSS_API const struct dvbcss_cii_endpoint_counters *
dvbcss_cii_endpoint_counters(const struct dvbcss_cii_endpoint *endpoint);

/** The user data of the size that the options asked for, zeroed at first, of a connection of a CII
 * endpoint; aligned for any type. */
DVBCSS_API void *dvbcss_cii_endpoint_user_data(struct dvbcss_connection *connection);

/** Tells whether a companion has been given everything up to the present state: false while it is
 * too slow. */
DVBCSS_API bool dvbcss_cii_endpoint_up_to_date(struct dvbcss_connection *connection);

#ifdef __cplusplus
}
#endif

#endif
