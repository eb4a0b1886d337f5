#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/utf8.h"
#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

static uint64_t now_ms(const struct ws_socket *socket)
{
    return uv_now(socket->server->loop);
}

/* ------------------------------------------------------------------------------------------------
 * Life
 */

int ws_socket_adopt(struct dvbcss_server *server, const struct ws_accepted *accepted)
{
    struct ws_socket *socket = dvbcss_calloc(1, sizeof *socket);

    if (!socket) {
        ws_addresses_leave(&server->addresses, accepted->address);
        close(accepted->fd);
        return DVBCSS_ENOMEM;
    }
    socket->server = server;
    socket->tls = accepted->tls;
    socket->peer = accepted->peer;
    socket->local = accepted->local;
    socket->address = accepted->address;
    socket->since_ms = now_ms(socket);
    list_init(&socket->node);
    list_init(&socket->deferred);
    socket->wire = ws_transport_adopt(server->transport, accepted->fd, accepted->tls, socket);
    if (!socket->wire) {
        bool secured = socket->secured;

        ws_addresses_leave(&server->addresses, accepted->address);
        dvbcss_free(socket);
        if (!accepted->tls)
            return DVBCSS_EIO;
        /* The library looks at once for what the peer has sent: garbage has ended it already. */
        server->counters.tls_failures += !secured;
        return 0;
    }
    list_append(&server->sockets, &socket->node);
    ws_server_socket_came(server);
    return 0;
}

void ws_event_secured(struct ws_socket *socket)
{
    /* OpenSSL says so again when it has refused to negotiate anew. */
    if (socket->secured)
        return;
    socket->secured = true;
    socket->server->counters.tls_handshakes++;
}

void ws_event_destroyed(struct ws_socket *socket)
{
    struct dvbcss_server *server = socket->server;

    if (socket->tls && !socket->secured)
        server->counters.tls_failures++;
    if (socket->connection)
        ws_connection_end(socket->connection, DVBCSS_CLOSE_ABNORMAL, "");
    ws_exchange_drop(socket);
    ws_addresses_leave(&server->addresses, socket->address);
    list_remove(&socket->node);
    list_remove(&socket->deferred);
    dvbcss_free(socket);
    ws_server_socket_gone(server);
}

void ws_socket_kill(struct ws_socket *socket)
{
    if (socket->killed)
        return;
    socket->killed = true;
    ws_wire_kill(socket->wire);
}

/* ------------------------------------------------------------------------------------------------
 * Saying goodbye: never inside an event of the same socket. A close that is asked for there is
 * carried out twice by the library, the second time without its close frame.
 */

void ws_socket_defer(struct ws_socket *socket)
{
    if (list_empty(&socket->deferred))
        list_append(&socket->server->deferred, &socket->deferred);
    ws_server_wake(socket->server);
}

/* Space for a close frame with its reason. */
enum { CLOSE_FRAME_SIZE = WS_FRAME_HEAD_MAX + 2 + DVBCSS_CLOSE_REASON_MAX };

/* Returns where in @p bytes the frame begins. */
static uint8_t *build_close_frame(uint8_t bytes[CLOSE_FRAME_SIZE], unsigned code,
                                  const char *reason, size_t *length)
{
    uint8_t *payload = bytes + WS_FRAME_HEAD_MAX;
    size_t payload_length = strlen(reason) + 2;
    size_t head_length = ws_frame_put_head(payload, WS_OPCODE_CLOSE, payload_length);

    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    memcpy(payload + 2, reason, payload_length - 2);
    *length = head_length + payload_length;
    return payload - head_length;
}

static void send_close_frame(struct ws_socket *socket, unsigned code, const char *reason)
{
    uint8_t bytes[CLOSE_FRAME_SIZE];
    size_t length;
    uint8_t *frame = build_close_frame(bytes, code, reason, &length);

    if (ws_wire_write(socket->wire, frame, length) != 0)
        ws_socket_kill(socket);
}

/* Of a socket that the library is closing. */
static bool send_last_frame(struct ws_socket *socket, unsigned code)
{
    uint8_t bytes[CLOSE_FRAME_SIZE];
    size_t length;
    uint8_t *frame = build_close_frame(bytes, code, "", &length);

    return ws_wire_write_last(socket->wire, frame, length);
}

static void leave(struct ws_socket *socket, unsigned code, const char *reason)
{
    if (socket->phase != WS_PHASE_WEBSOCKET)
        return;
    socket->phase = WS_PHASE_LEAVING;
    socket->since_ms = now_ms(socket);
    if (code == DVBCSS_CLOSE_ABNORMAL)
        ws_socket_kill(socket);
    else
        send_close_frame(socket, code, reason);
}

static void run_deferred(struct ws_socket *socket)
{
    struct dvbcss_connection *connection = socket->connection;

    if (connection && connection->closing) {
        if (connection->code != DVBCSS_CLOSE_ABNORMAL)
            ws_connection_flush(connection, false);
        leave(socket, connection->code, connection->reason);
        ws_connection_end(connection, connection->code, connection->reason);
    } else if (!connection && socket->farewell != 0) {
        leave(socket, socket->farewell, "");
    }
}

void ws_socket_run_deferred(struct dvbcss_server *server)
{
    while (!list_empty(&server->deferred)) {
        struct ws_socket *socket = CONTAINER_OF(server->deferred.next, struct ws_socket, deferred);

        list_remove(&socket->deferred);
        run_deferred(socket);
    }
}

void ws_socket_leave_all(struct dvbcss_server *server)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &server->sockets) {
        struct ws_socket *socket = CONTAINER_OF(node, struct ws_socket, node);

        if (socket->connection && socket->connection->open)
            ws_connection_close(socket->connection, DVBCSS_CLOSE_GOING_AWAY, "server is ending");
        else if (socket->phase == WS_PHASE_HTTP && !socket->exchange)
            ws_socket_kill(socket);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Time
 */

static bool has_passed(uint64_t now, uint64_t since, unsigned seconds)
{
    return seconds != 0 && now - since >= (uint64_t)seconds * 1000;
}

static void ping(struct ws_socket *socket, uint64_t now)
{
    /* The library keeps pongs without a payload to itself. */
    uint8_t bytes[WS_FRAME_HEAD_MAX + 1] = {0};
    uint8_t *payload = bytes + WS_FRAME_HEAD_MAX;
    size_t head_length = ws_frame_put_head(payload, WS_OPCODE_PING, 1);

    socket->pinged_ms = now;
    if (ws_wire_write(socket->wire, payload - head_length, head_length + 1) != 0)
        ws_connection_close(socket->connection, DVBCSS_CLOSE_ABNORMAL, NULL);
}

static void check_connection(struct ws_socket *socket, uint64_t now)
{
    struct dvbcss_server *server = socket->server;
    struct dvbcss_connection *connection = socket->connection;
    const struct dvbcss_server_options *options = &server->options;

    if (!ws_limits_check(connection))
        return;
    if (has_passed(now, socket->heard_ms, options->idle_timeout_s)) {
        server->counters.idle_evictions++;
        ws_connection_close(connection, DVBCSS_CLOSE_POLICY, "no sign of life");
    } else if (connection->congested &&
               has_passed(now, connection->progress_ms,
                          connection->endpoint->options.limits.stall_timeout_s)) {
        server->counters.stall_evictions++;
        ws_connection_close(connection, DVBCSS_CLOSE_POLICY, "messages are not taken");
    } else if (has_passed(now, socket->heard_ms, options->ping_interval_s) &&
               has_passed(now, socket->pinged_ms, options->ping_interval_s) &&
               !ws_wire_congested(socket->wire)) {
        ping(socket, now);
    }
}

/* Neither while a TLS handshake is under way nor behind an answer that is not taken. */
static bool can_be_told(const struct ws_socket *socket)
{
    return (!socket->tls || socket->secured) && (!socket->exchange || !socket->exchange->answer);
}

static void check_socket(struct ws_socket *socket, uint64_t now)
{
    struct dvbcss_server *server = socket->server;

    if (socket->phase == WS_PHASE_WEBSOCKET) {
        if (socket->connection && !socket->connection->closing)
            check_connection(socket, now);
    } else if (socket->phase == WS_PHASE_LEAVING) {
        if (now - socket->since_ms >= (uint64_t)server->options.close_timeout_s * 1000)
            ws_socket_kill(socket);
    } else if (!socket->killed &&
               has_passed(now, socket->since_ms, server->options.header_timeout_s)) {
        server->counters.header_timeouts++;
        if (can_be_told(socket))
            ws_http_refuse(socket, DVBCSS_REFUSAL_TIMEOUT);
        ws_socket_kill(socket);
    } else if (ws_http_spins(socket)) {
        ws_socket_kill(socket);
    }
}

void ws_socket_check_times(struct dvbcss_server *server)
{
    uint64_t now = uv_now(server->loop);
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &server->sockets)
        check_socket(CONTAINER_OF(node, struct ws_socket, node), now);
}

/* ------------------------------------------------------------------------------------------------
 * Handshake: ws_upgrade.c has decided about it.
 */

size_t ws_event_add_headers(struct ws_socket *socket, char *bytes, size_t room)
{
    size_t length = strlen(socket->server->common_headers);

    if (length > room)
        return 0;
    memcpy(bytes, socket->server->common_headers, length);
    return length;
}

void ws_event_established(struct ws_socket *socket)
{
    struct dvbcss_connection *connection = socket->connection;

    socket->phase = WS_PHASE_WEBSOCKET;
    socket->since_ms = now_ms(socket);
    socket->heard_ms = socket->since_ms;
    socket->pinged_ms = socket->since_ms;
    if (!connection) {
        /* Its endpoint was removed during the handshake. */
        ws_socket_defer(socket);
        return;
    }
    ws_connection_open(connection);
    /* The endpoint was disabled, or the server told to end, during the handshake. */
    if (socket->connection &&
        (!connection->endpoint->options.enabled || socket->server->state != WS_SERVER_OPEN))
        ws_connection_close(connection, DVBCSS_CLOSE_GOING_AWAY, NULL);
}

/* ------------------------------------------------------------------------------------------------
 * WebSocket
 */

void ws_event_received(struct ws_socket *socket, const void *bytes, size_t length, bool final,
                       bool binary)
{
    socket->heard_ms = now_ms(socket);
    if (socket->connection)
        ws_connection_receive(socket->connection, bytes, length, final, binary);
}

void ws_event_pong(struct ws_socket *socket)
{
    socket->heard_ms = now_ms(socket);
}

void ws_event_writable(struct ws_socket *socket)
{
    if (socket->connection && !socket->connection->closing)
        ws_connection_flush(socket->connection, true);
}

/* What is wrong with a peer's close frame: the code with which it is answered; 0 if nothing is. */
static unsigned find_fault(const uint8_t *payload, size_t length)
{
    if (length == 0)
        return 0;
    if (length < 2 || !ws_close_code_is_valid((unsigned)payload[0] << 8 | payload[1]))
        return DVBCSS_CLOSE_PROTOCOL_ERROR;
    return utf8_bytes_are_valid(payload + 2, length - 2) ? 0 : DVBCSS_CLOSE_INVALID_DATA;
}

/* The reason is text of at most 123 bytes. */
static unsigned read_close(const uint8_t *payload, size_t length,
                           char reason[DVBCSS_CLOSE_REASON_MAX + 1])
{
    size_t reason_length = length > 2 ? length - 2 : 0;

    if (reason_length > DVBCSS_CLOSE_REASON_MAX)
        reason_length = DVBCSS_CLOSE_REASON_MAX;
    if (reason_length != 0)
        memcpy(reason, payload + 2, reason_length);
    reason[reason_length] = '\0';
    if (length == 0)
        return DVBCSS_CLOSE_NO_STATUS;
    if (length == 1)
        return DVBCSS_CLOSE_PROTOCOL_ERROR;
    return (unsigned)payload[0] << 8 | payload[1];
}

static void end_connection(struct ws_socket *socket, unsigned code, const char *reason)
{
    struct dvbcss_connection *connection = socket->connection;

    if (!connection)
        return;
    /* Ours was decided on first, if it was not sent first. */
    if (connection->closing)
        ws_connection_end(connection, connection->code, connection->reason);
    else
        ws_connection_end(connection, code, reason);
}

int ws_event_peer_close(struct ws_socket *socket, const uint8_t *payload, size_t length)
{
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];
    unsigned code = read_close(payload, length, reason);
    unsigned fault = find_fault(payload, length);

    /* The answer to our own close frame: that was all. */
    if (socket->phase == WS_PHASE_LEAVING)
        return -1;
    socket->phase = WS_PHASE_LEAVING;
    socket->since_ms = now_ms(socket);
    /* The library would give back what it must not. */
    if (fault != 0)
        send_close_frame(socket, fault, "");
    end_connection(socket, code, reason);
    return fault != 0 ? -1 : 0;
}

void ws_event_closed(struct ws_socket *socket)
{
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];
    const uint8_t *payload;
    size_t length;
    unsigned code;

    /* A handshake that failed half way ends here, too; its connection goes with the socket. */
    if (socket->phase != WS_PHASE_WEBSOCKET)
        return;
    length = ws_wire_sent_close(socket->wire, &payload);
    code = length == 0 ? DVBCSS_CLOSE_ABNORMAL : read_close(payload, length, reason);
    /* For some breaches of the protocol the library hangs up without a word. */
    if (length == 0 && !socket->killed && ws_wire_peer_is_there(socket->wire) &&
        send_last_frame(socket, DVBCSS_CLOSE_PROTOCOL_ERROR))
        code = DVBCSS_CLOSE_PROTOCOL_ERROR;
    socket->phase = WS_PHASE_LEAVING;
    end_connection(socket, code, length == 0 ? "" : reason);
}
