/**
 * @file
 * What ws_client_context.c (who shares what, and when it ends) and ws_client_lws.c (libwebsockets)
 * know of each other, and nobody else.
 */
#ifndef CLIENTS_WS_CLIENT_INTERNAL_H
#define CLIENTS_WS_CLIENT_INTERNAL_H

#include "clients/ws_client_socket.h"
#include "clients/ws_client_tls.h"

enum {
    /* RFC 6455 5.5: 125 bytes less the code. */
    WS_REASON_MAX = 123,
    /* What is kept of an HTTP answer's body. */
    WS_BODY_MAX = 256,
    WS_HOST_HEADER_SIZE = DVBCSS_URL_HOST_SIZE + 16,
    WS_STATIC_HANDLES_MAX = 16,
};

struct ws_client_tls {
    struct list_node node;
    /* NULL for the system's authorities, or for none. */
    char *ca_file;
    bool pins_alone;
    struct ws_client_trust_finder finder;
    struct ssl_ctx_st *ssl;
    struct lws_vhost *vhost;
};

struct ws_client_context {
    struct list_node node;
    uv_loop_t *loop;
    struct lws_context *lws;
    struct lws_vhost *plain;
    struct list_node tls;
    unsigned tls_count;
    struct list_node sockets;
    uintptr_t last_id;
    struct list_node users;
    struct list_node leaving;
    /* Closes what cannot be closed where it is asked for. */
    uv_timer_t sweeper;
    bool ending;
    /* The handles that libwebsockets keeps on the loop for its whole life. */
    uv_handle_t *statics[WS_STATIC_HANDLES_MAX];
    unsigned static_count;
    /* Its descriptor for waking itself; -1 while there is none. */
    int pipe;
};

struct ws_client_socket {
    struct list_node node;
    struct ws_client_context_user *context_user;
    /* How libwebsockets names this socket to us: a number, so that a late callback for a socket
     * that is gone finds none. */
    uintptr_t id;
    struct lws *wsi;
    const struct ws_client_socket_events *events;
    void *user;
    struct ws_client_trust trust;
    /* The owner has let go: nothing is told any more, and the sweeper closes it. */
    bool detached;
    /* While lws_client_connect_via_info() runs: it may report a failure before it returns. */
    bool opening;
    bool open;
    /* The server's certificate has to name the address in `host`. */
    bool check_address;
    bool wrong_address;
    bool peer_closed;
    uint16_t peer_code;
    size_t peer_reason_length;
    char peer_reason[WS_REASON_MAX];
    char host[DVBCSS_URL_HOST_SIZE];
    char host_header[WS_HOST_HEADER_SIZE];
    size_t body_length;
    char body[WS_BODY_MAX];
    int open_error;
    struct list_node queue;
    unsigned queued;
    uint16_t close_code;
    char close_reason[WS_REASON_MAX + 1];
    /* How often it was asked to close, and when last, in ms of the loop. */
    unsigned kills;
    uint64_t killed_at_ms;
};

/** Starts libwebsockets for a context whose loop is set. 0 or DVBCSS_EIO. */
int ws_client_lws_begin(struct ws_client_context *context);

/** Has libwebsockets begin to take its handles off the loop. */
void ws_client_lws_end(struct ws_client_context *context);

/** Frees what is left once ws_client_lws_end()'s handles are gone. */
void ws_client_lws_free(struct ws_client_context *context);

/** Makes what sockets of one kind have in common; @p ssl is NULL for those without TLS and stays
 * the caller's. NULL on failure. */
struct lws_vhost *ws_client_lws_vhost_create(struct ws_client_context *context, const char *name,
                                             struct ssl_ctx_st *ssl);

/** Whom the connection @p ssl of a context (@p user) believes; NULL if there is none. */
const struct ws_client_trust *ws_client_lws_trust(void *user, const struct ssl_st *ssl);

/** Asks for the end of a socket that is detached, @p politely: with its close frame if it is open.
 * It may be gone afterwards. Not from inside a callback of libwebsockets. */
void ws_client_lws_kill(struct ws_client_socket *socket, bool politely);

/** Frees a socket of which libwebsockets will not hear any more. */
void ws_client_socket_free(struct ws_client_socket *socket);

/** Has the context look for sockets to close and users to release, from the loop. */
void ws_client_context_sweep_soon(struct ws_client_context *context);

#endif
