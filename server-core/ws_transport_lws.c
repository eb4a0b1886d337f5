/*
 * libwebsockets behind the door of ws_transport.h: the one file of server-core that knows it. Its
 * one callback with a reason code is taken apart by a table into functions of their own.
 *
 * Version 4.1.6 with libuv has traps that this file keeps the base away from; test_ws_traps.c has a
 * test for each. What they are, and why they are avoided as they are, is said at each place.
 */
#include "ws_transport.h"

#include <errno.h>
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/loop_pipe.h"
#include "dvbcss/alloc.h"
#include "dvbcss/error.h"
#include "dvbcss/log.h"
#include "server-core/ws_tls.h"

enum {
    /* Read at a time, into one buffer for all. */
    RECEIVE_BYTES = 4096,
    /* The same from a connection with TLS: a whole record. What is left inside of OpenSSL of one
     * wakes nobody up, and the library looks for it once, not until nothing is left. */
    TLS_RECEIVE_BYTES = 16384 + LWS_PRE,
    /* Lines of the library that reach the log, per second. */
    LOG_LINES_PER_S = 10,
    /* The base counts by itself, so that it can say why; the library takes 0 for some time of its
     * own. */
    NO_TIMEOUT_S = 86400,
};

struct ws_transport {
    struct lws_context *context;
    struct lws_vhost *vhost;
    /* NULL if there is no TLS. */
    struct lws_vhost *tls_vhost;
    struct ws_tls *tls;
    SSL_CTX *for_clients;
    unsigned fd_limit;
    /* The library's own descriptor, for waking itself. */
    int pipe;
    /* The library keeps pointers to these. */
    struct lws_protocols protocols[2];
    void *loops[1];
};

struct ws_wire {
    struct lws *wsi;
    /* The library's. */
    int fd;
    SSL *ssl;
    struct ws_socket *socket;
    /* What the connection did not take, or NULL. The library would keep it as well, but then it
     * looks at nothing that comes, while the loop tells it without end. */
    uint8_t *rest;
    size_t rest_offset;
    size_t rest_length;
};

/* ------------------------------------------------------------------------------------------------
 * Sending
 */

/* Gives bytes to the connection, which may take fewer. Returns 0 or DVBCSS_EIO. */
static int send_some(struct ws_wire *wire, const uint8_t *bytes, size_t length, size_t *sent)
{
    ssize_t result;

    if (wire->ssl)
        return ws_tls_write(wire->ssl, bytes, length, sent);
    result = send(wire->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    *sent = result > 0 ? (size_t)result : 0;
    return result >= 0 || errno == EAGAIN || errno == EINTR ? 0 : DVBCSS_EIO;
}

/* Behind what is kept already. Without memory that is the end: what was before it may be gone. */
static int keep_rest(struct ws_wire *wire, const uint8_t *bytes, size_t length)
{
    uint8_t *grown = dvbcss_realloc(wire->rest, wire->rest_length + length);

    if (!grown)
        return DVBCSS_EIO;
    memcpy(grown + wire->rest_length, bytes, length);
    wire->rest = grown;
    wire->rest_length += length;
    lws_callback_on_writable(wire->wsi);
    return 0;
}

static void drop_rest(struct ws_wire *wire)
{
    dvbcss_free(wire->rest);
    wire->rest = NULL;
    wire->rest_offset = 0;
    wire->rest_length = 0;
}

static int send_rest(struct ws_wire *wire)
{
    size_t sent;
    int result = send_some(wire, wire->rest + wire->rest_offset,
                           wire->rest_length - wire->rest_offset, &sent);

    if (result != 0)
        return result;
    wire->rest_offset += sent;
    if (wire->rest_offset == wire->rest_length)
        drop_rest(wire);
    else
        lws_callback_on_writable(wire->wsi);
    return 0;
}

int ws_wire_write(struct ws_wire *wire, const uint8_t *bytes, size_t length)
{
    size_t sent = 0;
    int result = wire->rest ? 0 : send_some(wire, bytes, length, &sent);

    if (result != 0 || sent == length)
        return result;
    return keep_rest(wire, bytes + sent, length - sent);
}

bool ws_wire_congested(const struct ws_wire *wire)
{
    return wire->rest;
}

/* ------------------------------------------------------------------------------------------------
 * Events
 */

static int on_input(struct ws_wire *wire, void *in, size_t length)
{
    return ws_event_input(wire->socket, in, length);
}

static int on_writable(struct ws_wire *wire, void *in, size_t length)
{
    (void)in, (void)length;
    if (wire->rest && send_rest(wire) != 0)
        return -1;
    return wire->rest ? 0 : ws_event_writable(wire->socket);
}

static int on_closed(struct ws_wire *wire, void *in, size_t length)
{
    (void)in, (void)length;
    ws_event_closed(wire->socket);
    return 0;
}

static int on_destroy(struct ws_wire *wire, void *in, size_t length)
{
    struct ws_socket *socket = wire->socket;

    (void)in, (void)length;
    lws_set_opaque_user_data(wire->wsi, NULL);
    drop_rest(wire);
    dvbcss_free(wire);
    ws_event_destroyed(socket);
    return 0;
}

/* Of no socket: a virtual host has made its SSL_CTX. */
static int on_tls_context(struct lws *wsi, void *ssl_context)
{
    struct ws_transport *transport = lws_context_user(lws_get_context(wsi));

    return ws_tls_apply(transport->tls, ssl_context) == 0 ? 0 : -1;
}

typedef int (*event_fn)(struct ws_wire *wire, void *in, size_t length);

static const event_fn events[] = {
    [LWS_CALLBACK_RAW_RX] = on_input,
    [LWS_CALLBACK_RAW_WRITEABLE] = on_writable,
    [LWS_CALLBACK_RAW_CLOSE] = on_closed,
    [LWS_CALLBACK_WSI_DESTROY] = on_destroy,
};

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    struct ws_wire *wire = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    size_t index = (size_t)reason;

    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
        return on_tls_context(wsi, user);
    if (!wire || index >= sizeof events / sizeof events[0] || !events[index])
        return 0;
    return events[index](wire, in, length);
}

/* ------------------------------------------------------------------------------------------------
 * Life
 */

static void log_line(int level, const char *line)
{
    static _Thread_local struct dvbcss_log_limit limit;
    enum dvbcss_log_level ours = level & LLL_ERR ? DVBCSS_LOG_WARNING : DVBCSS_LOG_INFO;
    char text[256];
    size_t length = 0;

    if (!dvbcss_log_enabled(ours) ||
        !dvbcss_log_permit(&limit, (int64_t)uv_hrtime(), 1000000000, LOG_LINES_PER_S))
        return;
    for (; line[length] != '\0' && line[length] != '\n' && length < sizeof text - 1; length++)
        text[length] = (unsigned char)line[length] < ' ' ? '?' : line[length];
    text[length] = '\0';
    dvbcss_log(ours, "ws-library", "%s", text);
}

/* The library sizes two tables by RLIMIT_NOFILE while it starts, up to 160 MB of them, and takes no
 * descriptor beyond. Its own option for a smaller size makes every look-up a linear search. So the
 * limit is set to what is wanted, for as long as the start takes. */
static struct lws_context *create_context(const struct lws_context_creation_info *info,
                                          unsigned *fd_limit)
{
    struct rlimit before;
    struct rlimit wanted;
    struct lws_context *context;

    if (getrlimit(RLIMIT_NOFILE, &before) != 0)
        return NULL;
    wanted = before;
    wanted.rlim_cur = *fd_limit < before.rlim_max ? *fd_limit : before.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &wanted) != 0)
        return NULL;
    context = lws_create_context(info);
    setrlimit(RLIMIT_NOFILE, &before);
    *fd_limit = (unsigned)wanted.rlim_cur;
    return context;
}

static void fill_info(struct lws_context_creation_info *info, struct ws_transport *transport,
                      const struct ws_transport_options *options)
{
    transport->protocols[0] = (struct lws_protocols){
        .name = "",
        .callback = on_event,
    };
    transport->loops[0] = options->loop;
    memset(info, 0, sizeof *info);
    /* Bind errors go unnoticed, SO_REUSEPORT is impossible and TCP_NODELAY is forgotten if the
     * library listens: ws_listen.c does. */
    info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info->options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info->pt_serv_buf_size = transport->tls ? TLS_RECEIVE_BYTES : RECEIVE_BYTES;
    if (transport->tls)
        info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info->foreign_loops = transport->loops;
    info->pcontext = &transport->context;
    info->user = transport;
    info->protocols = transport->protocols;
    /* Not HTTP/2, which the base does not speak. */
    info->alpn = "http/1.1";
    info->vhost_name = "dvbcss";
    info->timeout_secs = NO_TIMEOUT_S;
    info->uid = -1;
    info->gid = -1;
}

static int create_vhosts(struct ws_transport *transport, struct lws_context_creation_info *info)
{
    struct lws_context_creation_info plain = *info;

    /* With it, there would be an SSL_CTX for clients, which nobody needs. */
    plain.options &= ~(uint64_t)LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    transport->vhost = lws_create_vhost(transport->context, &plain);
    if (!transport->vhost)
        return DVBCSS_EIO;
    if (!transport->tls)
        return 0;
    /* The certificate comes by on_tls_context(). What the library would make for clients by itself
     * it leaks once a second context was made. */
    transport->for_clients = SSL_CTX_new(TLS_client_method());
    if (!transport->for_clients)
        return DVBCSS_ENOMEM;
    info->provided_client_ssl_ctx = transport->for_clients;
    info->vhost_name = "dvbcss-tls";
    info->options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    transport->tls_vhost = lws_create_vhost(transport->context, info);
    return transport->tls_vhost ? 0 : DVBCSS_EIO;
}

int ws_transport_create(struct ws_transport **transport, const struct ws_transport_options *options)
{
    struct lws_context_creation_info info;
    struct ws_transport *created = dvbcss_calloc(1, sizeof *created);
    unsigned handles = loop_pipe_count_handles(options->loop);

    if (!created)
        return DVBCSS_ENOMEM;
    created->fd_limit = options->fd_limit;
    created->tls = options->tls;
    fill_info(&info, created, options);
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    created->context = create_context(&info, &created->fd_limit);
    if (!created->context) {
        dvbcss_free(created);
        return DVBCSS_EIO;
    }
    created->pipe = loop_pipe_find(options->loop, handles);
    *transport = created;
    return create_vhosts(created, &info);
}

void ws_transport_stop(struct ws_transport *transport)
{
    lws_context_destroy(transport->context);
    loop_pipe_guard(transport->pipe);
}

void ws_transport_destroy(struct ws_transport *transport)
{
    /* The first call leaves the context allocated and its handles closing; this one frees it. */
    if (transport->context)
        lws_context_destroy(transport->context);
    SSL_CTX_free(transport->for_clients);
    dvbcss_free(transport);
}

unsigned ws_transport_fd_limit(const struct ws_transport *transport)
{
    return transport->fd_limit;
}

static struct lws *adopt(struct ws_transport *transport, int fd, bool tls, struct ws_socket *socket)
{
    struct lws *wsi;

    ws_tls_adopt(tls ? socket : NULL);
    wsi =
        lws_adopt_descriptor_vhost(tls ? transport->tls_vhost : transport->vhost,
                                   tls ? LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL : LWS_ADOPT_SOCKET,
                                   (lws_sock_file_fd_type){.sockfd = fd}, NULL, NULL);
    ws_tls_adopt(NULL);
    if (wsi && tls)
        ws_tls_watch(lws_get_ssl(wsi), socket);
    return wsi;
}

struct ws_wire *ws_transport_adopt(struct ws_transport *transport, int fd, bool tls,
                                   struct ws_socket *socket)
{
    struct ws_wire *wire = dvbcss_calloc(1, sizeof *wire);

    if (!wire) {
        close(fd);
        return NULL;
    }
    wire->socket = socket;
    wire->wsi = adopt(transport, fd, tls, socket);
    if (!wire->wsi) {
        dvbcss_free(wire);
        return NULL;
    }
    wire->fd = fd;
    wire->ssl = lws_get_ssl(wire->wsi);
    /* Only now: a failed adoption may or may not report the end of what it had begun. */
    lws_set_opaque_user_data(wire->wsi, wire);
    return wire;
}

/* OpenSSL's would load its providers into a server that has no use for them otherwise: 2 MB. */
void ws_transport_sha1(const void *bytes, size_t length, uint8_t digest[WS_SHA1_SIZE])
{
    lws_SHA1(bytes, length, digest);
}

/* ------------------------------------------------------------------------------------------------
 * Wires
 */

void ws_wire_begin(struct ws_wire *wire)
{
    /* It has been counting since a TLS handshake was done, and would end the wire after a day. */
    lws_set_timeout(wire->wsi, NO_PENDING_TIMEOUT, 0);
}

void ws_wire_set_reading(struct ws_wire *wire, bool reading)
{
    lws_rx_flow_control(wire->wsi, reading);
}

bool ws_wire_has_input(const struct ws_wire *wire)
{
    char byte;

    return recv(wire->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void ws_wire_finish(struct ws_wire *wire)
{
    if (wire->ssl)
        ws_tls_finish(wire->ssl);
    shutdown(wire->fd, SHUT_WR);
}

void ws_wire_kill(struct ws_wire *wire)
{
    /* Not LWS_TO_KILL_SYNC: that would wait for a peer that takes nothing. The library's timers do
     * not start by themselves when they are set from outside; waking it up starts them. */
    lws_set_timeout(wire->wsi, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_ASYNC);
    lws_cancel_service_pt(wire->wsi);
}

const char *ws_wire_server_name(struct ws_wire *wire)
{
    return ws_tls_server_name(wire->ssl);
}
