#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "clients/ws_client_internal.h"
#include "clients/ws_client_received.h"
#include "clients/ws_retry_after.h"
#include "dvbcss/alloc.h"
#include "dvbcss/error.h"
#include "dvbcss/log.h"

enum {
    /* Sockets per context. Given explicitly, or libwebsockets makes a table for every descriptor
     * that the process may ever open. */
    SOCKETS_MAX = 4096,
    /* libwebsockets' own time limits, longer than any of ours. */
    LWS_TIMEOUT_S = 3600,
    QUEUE_MAX = 64,
    SWITCHING_PROTOCOLS = 101,
};

/** A frame that waits to be written, with the room before it that libwebsockets writes into. */
struct outgoing {
    struct list_node node;
    size_t length;
    enum lws_write_protocol kind;
    unsigned char buffer[];
};

/* ---- sockets -------------------------------------------------------------------------------- */

static struct ws_client_socket *socket_of(struct lws *wsi)
{
    struct ws_client_context *context = lws_context_user(lws_get_context(wsi));
    uintptr_t id = (uintptr_t)lws_get_opaque_user_data(wsi);
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &context->sockets) {
        struct ws_client_socket *socket = CONTAINER_OF(node, struct ws_client_socket, node);

        if (socket->id == id)
            return socket;
    }
    return NULL;
}

/* libwebsockets keeps to itself how it finds its own connection from an SSL. */
const struct ws_client_trust *ws_client_lws_trust(void *user, const struct ssl_st *ssl)
{
    struct ws_client_context *context = user;
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &context->sockets) {
        struct ws_client_socket *socket = CONTAINER_OF(node, struct ws_client_socket, node);

        if (socket->wsi && lws_get_ssl(socket->wsi) == ssl)
            return &socket->trust;
    }
    return NULL;
}

void ws_client_socket_free(struct ws_client_socket *socket)
{
    struct ws_client_context_user *context_user = socket->context_user;

    while (!list_empty(&socket->queue)) {
        struct outgoing *frame = CONTAINER_OF(socket->queue.next, struct outgoing, node);

        list_remove(&frame->node);
        dvbcss_free(frame);
    }
    list_remove(&socket->node);
    dvbcss_free(socket);
    context_user->sockets--;
    if (context_user->leaving)
        ws_client_context_sweep_soon(context_user->context);
}

/* The socket is off the network: tells its owner, if it still has one, and forgets it. */
static void socket_end(struct ws_client_socket *socket, const struct ws_client_socket_end *end)
{
    const struct ws_client_socket_events *events = socket->events;
    struct ws_client_socket_end told = *end;
    char words[WS_BODY_MAX];
    void *user = socket->user;
    bool tell = !socket->detached;

    if (told.words_length > sizeof words)
        told.words_length = sizeof words;
    if (told.words_length > 0)
        memcpy(words, end->words, told.words_length);
    told.words = words;
    ws_client_socket_free(socket);
    if (tell)
        events->ended(user, &told);
}

static struct outgoing *frame_create(enum lws_write_protocol kind, const char *bytes, size_t length)
{
    struct outgoing *frame;

    if (length > SIZE_MAX - sizeof *frame - LWS_PRE)
        return NULL;
    frame = dvbcss_malloc(sizeof *frame + LWS_PRE + length);
    if (!frame)
        return NULL;
    frame->length = length;
    frame->kind = kind;
    if (length > 0)
        memcpy(frame->buffer + LWS_PRE, bytes, length);
    return frame;
}

static int socket_queue(struct ws_client_socket *socket, enum lws_write_protocol kind,
                        const char *bytes, size_t length)
{
    struct outgoing *frame;

    if (socket->queued >= QUEUE_MAX)
        return DVBCSS_EFULL;
    frame = frame_create(kind, bytes, length);
    if (!frame)
        return DVBCSS_ENOMEM;
    list_append(&socket->queue, &frame->node);
    socket->queued++;
    if (socket->open)
        lws_callback_on_writable(socket->wsi);
    return 0;
}

int ws_client_socket_send(struct ws_client_socket *socket, const char *text, size_t length)
{
    return socket_queue(socket, LWS_WRITE_TEXT, text, length);
}

void ws_client_socket_ping(struct ws_client_socket *socket)
{
    /* Without memory or room there is no ping, and the peer's silence decides as it would have. */
    (void)socket_queue(socket, LWS_WRITE_PING, NULL, 0);
}

void ws_client_socket_close(struct ws_client_socket *socket, uint16_t code, const char *reason)
{
    size_t length = strlen(reason);

    if (length > WS_REASON_MAX)
        length = WS_REASON_MAX;
    socket->detached = true;
    socket->close_code = code;
    memcpy(socket->close_reason, reason, length);
    socket->close_reason[length] = '\0';
    ws_client_context_sweep_soon(socket->context_user->context);
}

static bool is_address(const char *host)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    return uv_ip4_addr(host, 0, &v4) == 0 || uv_ip6_addr(host, 0, &v6) == 0;
}

/* ---- what libwebsockets calls --------------------------------------------------------------- */

/* Each handler returns what libwebsockets shall have: 0 to go on, -1 to end the connection. */

/* libwebsockets compares the certificate with names only: for a host that is an address it was told
 * to leave the comparison to this. */
static int on_answer(struct ws_client_socket *socket, void *in, size_t length)
{
    SSL *ssl = lws_get_ssl(socket->wsi);
    X509 *certificate;

    (void)in;
    (void)length;
    if (!ssl || !socket->check_address)
        return 0;
    certificate = SSL_get1_peer_certificate(ssl);
    if (!certificate || X509_check_ip_asc(certificate, socket->host, 0) != 1)
        socket->wrong_address = true;
    X509_free(certificate);
    return socket->wrong_address ? -1 : 0;
}

static int on_established(struct ws_client_socket *socket, void *in, size_t length)
{
    (void)in;
    (void)length;
    socket->open = true;
    if (!list_empty(&socket->queue))
        lws_callback_on_writable(socket->wsi);
    if (!socket->detached)
        socket->events->opened(socket->user);
    return 0;
}

static int on_receive(struct ws_client_socket *socket, void *in, size_t length)
{
    bool last = lws_is_final_fragment(socket->wsi) && !lws_remaining_packet_payload(socket->wsi);

    if (!socket->detached)
        socket->events->received(socket->user, in, length, lws_frame_is_binary(socket->wsi), last);
    return 0;
}

static int on_pong(struct ws_client_socket *socket, void *in, size_t length)
{
    (void)in;
    (void)length;
    if (!socket->detached)
        socket->events->ponged(socket->user);
    return 0;
}

static int on_writable(struct ws_client_socket *socket, void *in, size_t length)
{
    struct outgoing *frame;
    int written;

    (void)in;
    (void)length;
    if (list_empty(&socket->queue))
        return 0;
    frame = CONTAINER_OF(socket->queue.next, struct outgoing, node);
    list_remove(&frame->node);
    socket->queued--;
    written = lws_write(socket->wsi, frame->buffer + LWS_PRE, frame->length, frame->kind);
    dvbcss_free(frame);
    if (written < 0)
        return -1;
    if (!list_empty(&socket->queue))
        lws_callback_on_writable(socket->wsi);
    return 0;
}

static int on_peer_close(struct ws_client_socket *socket, void *in, size_t length)
{
    const unsigned char *bytes = in;

    socket->peer_closed = true;
    socket->peer_code = WS_CLOSE_NO_STATUS;
    if (length >= 2) {
        socket->peer_code = (uint16_t)(bytes[0] << 8 | bytes[1]);
        socket->peer_reason_length = length - 2 < WS_REASON_MAX ? length - 2 : WS_REASON_MAX;
        memcpy(socket->peer_reason, bytes + 2, socket->peer_reason_length);
    }
    return 0;
}

static int on_closed(struct ws_client_socket *socket, void *in, size_t length)
{
    struct ws_client_socket_end end = {.error = DVBCSS_ECLOSED, .retry_after_s = -1, .detail = ""};

    (void)in;
    (void)length;
    end.was_open = true;
    end.close_code = socket->peer_closed ? socket->peer_code : WS_CLOSE_ABNORMAL;
    end.words = socket->peer_reason;
    end.words_length = socket->peer_reason_length;
    socket_end(socket, &end);
    return 0;
}

static int32_t retry_after(struct lws *wsi)
{
    char value[WS_RETRY_AFTER_SIZE];
    char date[WS_RETRY_AFTER_SIZE];

    if (lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_HTTP_RETRY_AFTER) <= 0)
        return -1;
    if (lws_hdr_copy(wsi, date, sizeof date, WSI_TOKEN_HTTP_DATE) <= 0)
        date[0] = '\0';
    return ws_retry_after_s(value, date, time(NULL));
}

/* libwebsockets tells in words only what kind of failure it was. */
static int failure_of(const char *detail)
{
    static const struct {
        const char *part;
        int error;
    } kinds[] = {
        {"HS: ", DVBCSS_EPROTOCOL},
        {"problems parsing", DVBCSS_EPROTOCOL},
        {"read failed", DVBCSS_ECLOSED},
        {"Peer hung up", DVBCSS_ECLOSED},
        {"tls", DVBCSS_ETLS},
        {"SSL", DVBCSS_ETLS},
        {"server's cert", DVBCSS_ETLS},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcasestr(detail, kinds[i].part))
            return kinds[i].error;
    return DVBCSS_EADDRESS;
}

/* Somebody answered with something else than a WebSocket. */
static void describe_refusal(struct ws_client_socket *socket, struct ws_client_socket_end *end)
{
    char bytes[WS_BODY_MAX];
    char *buffer = bytes;
    int room = sizeof bytes;

    end->error = DVBCSS_EREFUSED;
    end->retry_after_s = retry_after(socket->wsi);
    /* What has come of the body is handed to on_body() from within. */
    (void)lws_http_client_read(socket->wsi, &buffer, &room);
    end->words = socket->body;
    end->words_length = socket->body_length;
}

/* libwebsockets does not look why nobody accepted a connection. */
static const char *reason_of_system(struct lws *wsi)
{
    lws_sockfd_type descriptor = lws_get_socket_fd(wsi);
    int reason = 0;
    socklen_t size = sizeof reason;

    if (descriptor < 0 || getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &reason, &size) != 0)
        return NULL;
    return reason != 0 ? uv_strerror(-reason) : NULL;
}

/* Whether anything came in answer to the upgrade. With TLS, what comes that is no HTTP cannot be
 * told from the handshake, and does not count. */
static bool has_answered(struct lws *wsi)
{
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP) > 0)
        return true;
    return !lws_get_ssl(wsi) && ws_client_received_bytes(lws_get_socket_fd(wsi));
}

/* The peer closed while its answer was waited for. */
static void describe_hang_up(struct ws_client_socket *socket, struct ws_client_socket_end *end)
{
    if (has_answered(socket->wsi)) {
        end->error = DVBCSS_EPROTOCOL;
        end->detail = "it closed before its answer was whole";
    } else {
        end->detail = "without an answer";
    }
}

/* OpenSSL knows better than libwebsockets why it did not believe a server. */
static void describe_failure(struct ws_client_socket *socket, struct ws_client_socket_end *end)
{
    SSL *ssl = lws_get_ssl(socket->wsi);
    long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    const char *reason = reason_of_system(socket->wsi);

    if (socket->wrong_address)
        verdict = X509_V_ERR_IP_ADDRESS_MISMATCH;
    end->error = failure_of(end->detail);
    if (end->error == DVBCSS_ECLOSED)
        describe_hang_up(socket, end);
    else if (reason)
        end->detail = reason;
    if (verdict != X509_V_OK) {
        end->error = DVBCSS_ETLS;
        end->detail = ws_client_tls_verdict(verdict);
    }
}

static int on_failed(struct ws_client_socket *socket, void *in, size_t length)
{
    struct ws_client_socket_end end = {.retry_after_s = -1};
    unsigned status = lws_http_client_http_response(socket->wsi);
    char detail[128];

    snprintf(detail, sizeof detail, "%.*s", (int)length, in ? (const char *)in : "");
    end.detail = detail;
    if (status != 0 && status != SWITCHING_PROTOCOLS) {
        end.http_status = (uint16_t)status;
        describe_refusal(socket, &end);
    } else {
        describe_failure(socket, &end);
    }
    if (socket->opening) {
        socket->open_error = end.error;
        return 0;
    }
    socket_end(socket, &end);
    return 0;
}

static int on_body(struct ws_client_socket *socket, void *in, size_t length)
{
    if (length > sizeof socket->body - socket->body_length)
        length = sizeof socket->body - socket->body_length;
    if (length > 0)
        memcpy(socket->body + socket->body_length, in, length);
    socket->body_length += length;
    return 0;
}

/* libwebsockets forgets a socket without having told its end: a reset while it waits for the answer
 * to the upgrade, for one. */
static int on_forgotten(struct ws_client_socket *socket, void *in, size_t length)
{
    struct ws_client_socket_end end = {.retry_after_s = -1, .detail = ""};

    if (socket->open)
        return on_closed(socket, in, length);
    if (socket->opening)
        return 0;
    end.error = DVBCSS_ECLOSED;
    end.detail = "without an answer";
    socket_end(socket, &end);
    return 0;
}

typedef int (*ws_handler)(struct ws_client_socket *socket, void *in, size_t length);

static const struct {
    enum lws_callback_reasons reason;
    ws_handler handler;
} handlers[] = {
    {LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH, on_answer},
    {LWS_CALLBACK_CLIENT_ESTABLISHED, on_established},
    {LWS_CALLBACK_CLIENT_RECEIVE, on_receive},
    {LWS_CALLBACK_CLIENT_RECEIVE_PONG, on_pong},
    {LWS_CALLBACK_CLIENT_WRITEABLE, on_writable},
    {LWS_CALLBACK_WS_PEER_INITIATED_CLOSE, on_peer_close},
    {LWS_CALLBACK_CLIENT_CLOSED, on_closed},
    {LWS_CALLBACK_CLIENT_CONNECTION_ERROR, on_failed},
    {LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ, on_body},
    {LWS_CALLBACK_WSI_DESTROY, on_forgotten},
};

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *unused, void *in,
                  size_t length)
{
    (void)unused;
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        struct ws_client_socket *socket;

        if (handlers[i].reason != reason)
            continue;
        socket = socket_of(wsi);
        if (!socket)
            return 0;
        return handlers[i].handler(socket, in, length);
    }
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "dvbcss-client", .callback = on_lws},
    {0},
};

/* ---- opening -------------------------------------------------------------------------------- */

/* The Host header: with the port unless it is the scheme's own, and IPv6 in brackets. */
static void write_host_header(const struct dvbcss_url *url, char *text, size_t size)
{
    bool v6 = strchr(url->host, ':') != NULL;
    uint16_t usual = url->scheme == DVBCSS_URL_WSS ? 443 : 80;
    int length = snprintf(text, size, v6 ? "[%s]" : "%s", url->host);

    if (url->port != usual && length > 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length, ":%u", url->port);
}

static struct ws_client_socket *socket_create(struct ws_client_context_user *context_user,
                                              const struct ws_client_socket_target *target,
                                              const struct ws_client_socket_events *events,
                                              void *user)
{
    struct ws_client_socket *socket = dvbcss_calloc(1, sizeof *socket);

    if (!socket)
        return NULL;
    socket->context_user = context_user;
    socket->id = ++context_user->context->last_id;
    socket->events = events;
    socket->user = user;
    socket->trust = *target->trust;
    memcpy(socket->host, target->url->host, sizeof socket->host);
    write_host_header(target->url, socket->host_header, sizeof socket->host_header);
    list_init(&socket->queue);
    list_append(&context_user->context->sockets, &socket->node);
    context_user->sockets++;
    return socket;
}

int ws_client_socket_open(struct ws_client_socket **out,
                          struct ws_client_context_user *context_user,
                          const struct ws_client_socket_target *target,
                          const struct ws_client_socket_events *events, void *user)
{
    struct ws_client_context *context = context_user->context;
    bool tls = target->url->scheme == DVBCSS_URL_WSS;
    struct ws_client_socket *socket = socket_create(context_user, target, events, user);
    struct lws_client_connect_info info = {0};

    if (!socket)
        return DVBCSS_ENOMEM;
    info.context = context->lws;
    info.vhost = tls ? target->tls->vhost : context->plain;
    info.address = target->address;
    info.port = target->url->port;
    info.path = target->url->path[0] != '\0' ? target->url->path : "/";
    info.host = socket->host_header;
    info.local_protocol_name = protocols[0].name;
    info.ietf_version_or_minus_one = -1;
    info.alpn = "http/1.1";
    info.opaque_user_data = (void *)socket->id;
    info.pwsi = &socket->wsi;
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    if (tls)
        info.ssl_connection |= LCCSCF_USE_SSL;
    if (tls && is_address(target->url->host)) {
        info.ssl_connection |= LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
        socket->check_address = !ws_client_trust_is_pin_alone(target->trust);
    }
    socket->opening = true;
    if (!lws_client_connect_via_info(&info)) {
        int error = socket->open_error ? socket->open_error : DVBCSS_EIO;

        ws_client_socket_free(socket);
        return error;
    }
    socket->opening = false;
    *out = socket;
    return 0;
}

/* ---- contexts ------------------------------------------------------------------------------- */

static void to_log(int level, const char *line)
{
    size_t length = strcspn(line, "\n");

    dvbcss_log((level & LLL_ERR) ? DVBCSS_LOG_WARNING : DVBCSS_LOG_DEBUG, "ws-library", "%.*s",
               (int)length, line);
}

static void to_log_once(void)
{
    lws_set_log_level(LLL_ERR | LLL_WARN, to_log);
}

int ws_client_lws_begin(struct ws_client_context *context)
{
    static uv_once_t log_once = UV_ONCE_INIT;
    struct lws_context_creation_info info = {0};
    void *loops[1] = {context->loop};

    uv_once(&log_once, to_log_once);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.foreign_loops = loops;
    info.pcontext = &context->lws;
    info.user = context;
    info.fd_limit_per_thread = SOCKETS_MAX;
    info.timeout_secs = LWS_TIMEOUT_S;
    info.connect_timeout_secs = LWS_TIMEOUT_S;
    info.gid = -1;
    info.uid = -1;
    context->lws = lws_create_context(&info);
    return context->lws ? 0 : DVBCSS_EIO;
}

struct lws_vhost *ws_client_lws_vhost_create(struct ws_client_context *context, const char *name,
                                             struct ssl_ctx_st *ssl)
{
    struct lws_context_creation_info info = {0};

    info.port = CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = name;
    info.protocols = protocols;
    if (ssl) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.provided_client_ssl_ctx = ssl;
    }
    info.timeout_secs = LWS_TIMEOUT_S;
    info.connect_timeout_secs = LWS_TIMEOUT_S;
    return lws_create_vhost(context->lws, &info);
}

void ws_client_lws_end(struct ws_client_context *context)
{
    lws_context_destroy(context->lws);
}

void ws_client_lws_free(struct ws_client_context *context)
{
    /* The first call sets the pointer to NULL if it could do everything. */
    if (context->lws)
        lws_context_destroy(context->lws);
}

void ws_client_lws_kill(struct ws_client_socket *socket, bool politely)
{
    if (politely && socket->open && socket->close_code != 0)
        lws_close_reason(socket->wsi, (enum lws_close_status)socket->close_code,
                         (unsigned char *)socket->close_reason, strlen(socket->close_reason));
    lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}
