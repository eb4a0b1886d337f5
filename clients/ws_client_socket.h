/**
 * @file
 * libwebsockets behind typed functions: one shared context for each uv loop, and sockets that
 * connect to one address each. libwebsockets.h is seen by ws_client_lws.c only.
 *
 * Traps of libwebsockets 4.1 that end here: a close frame is lost unless the close is asked for
 * outside its callbacks; a context under a foreign loop needs a second call to be freed, once its
 * handles are off the loop; a host name would be looked up while everything waits.
 */
#ifndef CLIENTS_WS_CLIENT_SOCKET_H
#define CLIENTS_WS_CLIENT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "clients/ws_client_tls.h"
#include "common/list.h"
#include "dvbcss/url.h"

/** Close codes of RFC 6455 7.4.1 that the clients send or report. */
enum {
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_NO_STATUS = 1005,
    WS_CLOSE_ABNORMAL = 1006,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL_ERROR = 1011,
};

/** What all sockets of one uv loop share. */
struct ws_client_context;

/** A TLS configuration of a context: which authorities are believed. */
struct ws_client_tls;

/** One connection, or the attempt to make it. */
struct ws_client_socket;

/** A user of a context. Storage of the user, who fills in the function. */
struct ws_client_context_user {
    /** Called when the user's last socket is gone, and with the last user of a context when the
     * context is gone, too. */
    void (*released)(struct ws_client_context_user *user);
    /* ---- */
    struct list_node node;
    struct ws_client_context *context;
    unsigned sockets;
    bool leaving;
};

/** Joins the context of a loop, which the first user makes. 0, DVBCSS_ENOMEM or DVBCSS_EIO. */
int ws_client_context_join(uv_loop_t *loop, struct ws_client_context_user *user);

/** Leaves the context; `released` is called from the loop, not from in here. The user's sockets
 * have been closed with ws_client_socket_close(). */
void ws_client_context_leave(struct ws_client_context_user *user);

/**
 * Finds or makes the TLS configuration for @p trust. It lives as long as the context: libwebsockets
 * cannot always end one before. So there is one for each file, one for the system's authorities and
 * one for all pins that decide alone, however many pins there are.
 *
 * @param trust its `ca_file` becomes a copy that lives as long
 * @return 0, DVBCSS_ETLS (file not usable), DVBCSS_ENOMEM
 */
int ws_client_context_tls(struct ws_client_context *context, struct ws_client_trust *trust,
                          struct ws_client_tls **out);

/** Why a socket failed or ended. Texts are valid during the callback. */
struct ws_client_socket_end {
    /** As in struct dvbcss_disconnect. */
    int error;
    bool was_open;
    uint16_t close_code;
    uint16_t http_status;
    int32_t retry_after_s;
    /** Close reason or body; bytes of the peer, not terminated. */
    const char *words;
    size_t words_length;
    /** libwebsockets' own words; "" if it has none. */
    const char *detail;
};

/** What a socket tells its owner. After `ended`, or after ws_client_socket_close(), it tells
 * nothing any more and the owner's pointer is void. */
struct ws_client_socket_events {
    void (*opened)(void *user);
    /** A piece of a message; @p last ends the message. */
    void (*received)(void *user, const char *bytes, size_t length, bool binary, bool last);
    /** The peer answered a ping. */
    void (*ponged)(void *user);
    void (*ended)(void *user, const struct ws_client_socket_end *end);
};

/** Where a socket connects to. */
struct ws_client_socket_target {
    /** Numeric address of the peer. */
    const char *address;
    /** Scheme, host (for the Host header and the server's certificate), port, path. */
    const struct dvbcss_url *url;
    /** For wss; @ref trust is what ws_client_context_tls() made @ref tls for. */
    struct ws_client_tls *tls;
    const struct ws_client_trust *trust;
};

/**
 * Begins to connect. Has no time limit of its own.
 *
 * @return 0, or an error as in struct ws_client_socket_end; no event was or will be told then
 */
int ws_client_socket_open(struct ws_client_socket **out, struct ws_client_context_user *context,
                          const struct ws_client_socket_target *target,
                          const struct ws_client_socket_events *events, void *user);

/**
 * Queues a text message.
 *
 * @return 0, DVBCSS_ENOMEM, DVBCSS_EFULL (too many wait already)
 */
int ws_client_socket_send(struct ws_client_socket *socket, const char *text, size_t length);

/** Sends a ping as soon as the socket takes it. */
void ws_client_socket_ping(struct ws_client_socket *socket);

/**
 * Lets go of the socket: no event is told any more. It is closed from the loop, with a close frame
 * if it is open.
 *
 * @param code   of the close frame, 1000 or above; 0 drops the connection without one
 * @param reason at most 123 bytes are sent
 */
void ws_client_socket_close(struct ws_client_socket *socket, uint16_t code, const char *reason);

#endif
