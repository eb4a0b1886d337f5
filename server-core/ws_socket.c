#include <string.h>
#include <unistd.h>

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
    ws_server_socket_came(socket);
    return 0;
}

/* Ends it without a word. */
static void kill_socket(struct ws_socket *socket)
{
    if (socket->killed)
        return;
    socket->killed = true;
    ws_wire_kill(socket->wire);
}

void ws_event_secured(struct ws_socket *socket)
{
    /* OpenSSL says so again when it has refused to negotiate anew. */
    if (socket->secured)
        return;
    socket->secured = true;
    socket->server->counters.tls_handshakes++;
}

void ws_event_stuck(struct ws_socket *socket)
{
    /* The library would have OpenSSL try again whenever the loop turns, as long as there is
     * something to read. Of the handshake it knows how to wait. */
    if (socket->secured)
        kill_socket(socket);
}

void ws_event_closed(struct ws_socket *socket)
{
    socket->phase = WS_PHASE_ENDING;
    if (socket->connection)
        ws_connection_end(socket->connection, DVBCSS_CLOSE_ABNORMAL, "");
}

void ws_event_destroyed(struct ws_socket *socket)
{
    struct dvbcss_server *server = socket->server;

    if (socket->tls && !socket->secured)
        server->counters.tls_failures++;
    ws_event_closed(socket);
    ws_exchange_drop(socket);
    dvbcss_free(socket->pong);
    ws_addresses_leave(&server->addresses, socket->address);
    list_remove(&socket->node);
    list_remove(&socket->deferred);
    ws_server_socket_gone(socket);
    dvbcss_free(socket);
}

/* ------------------------------------------------------------------------------------------------
 * What the wire tells, by the phase
 */

static int receive(struct ws_socket *socket, uint8_t *bytes, size_t length, size_t *taken)
{
    switch (socket->phase) {
    case WS_PHASE_HTTP:
        return ws_http_receive(socket, bytes, length, taken);
    case WS_PHASE_WEBSOCKET:
    case WS_PHASE_LEAVING:
        return ws_receive_frames(socket, bytes, length, taken);
    case WS_PHASE_ENDING:
        break;
    }
    *taken = length;
    return 0;
}

int ws_event_input(struct ws_socket *socket, uint8_t *bytes, size_t length)
{
    int result = 0;

    while (length != 0 && result == 0 && !socket->killed) {
        size_t taken;

        result = receive(socket, bytes, length, &taken);
        bytes += taken;
        length -= taken;
    }
    /* It has sent more than was wanted, and may be sending still. */
    if (length != 0 && socket->phase == WS_PHASE_ENDING)
        return 0;
    return result;
}

int ws_event_writable(struct ws_socket *socket)
{
    switch (socket->phase) {
    case WS_PHASE_HTTP:
        return ws_http_continue(socket);
    case WS_PHASE_WEBSOCKET:
        ws_receive_send_pong(socket);
        if (socket->connection && !socket->connection->closing)
            ws_connection_flush(socket->connection, true);
        return 0;
    case WS_PHASE_LEAVING:
        return 0;
    case WS_PHASE_ENDING:
        return ws_socket_finish(socket, false);
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------------
 * Saying goodbye: never inside an event of the same socket, whose connection the hooks of the event
 * may still be using.
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
    size_t payload_length = code == DVBCSS_CLOSE_NO_STATUS ? 0 : strlen(reason) + 2;
    size_t head_length = ws_frame_put_head(payload, WS_OPCODE_CLOSE, payload_length);

    if (payload_length != 0) {
        payload[0] = (uint8_t)(code >> 8);
        payload[1] = (uint8_t)code;
        memcpy(payload + 2, reason, payload_length - 2);
    }
    *length = head_length + payload_length;
    return payload - head_length;
}

void ws_socket_send_close(struct ws_socket *socket, unsigned code, const char *reason)
{
    uint8_t bytes[CLOSE_FRAME_SIZE];
    size_t length;
    uint8_t *frame = build_close_frame(bytes, code, reason, &length);

    if (ws_wire_write(socket->wire, frame, length) != 0)
        kill_socket(socket);
}

int ws_socket_finish(struct ws_socket *socket, bool heard_all)
{
    if (socket->phase != WS_PHASE_ENDING) {
        socket->phase = WS_PHASE_ENDING;
        socket->since_ms = now_ms(socket);
    }
    if (ws_wire_congested(socket->wire))
        return 0;
    ws_wire_finish(socket->wire);
    return heard_all && !ws_wire_has_input(socket->wire) ? -1 : 0;
}

static void leave(struct ws_socket *socket, unsigned code, const char *reason)
{
    if (socket->phase != WS_PHASE_WEBSOCKET)
        return;
    socket->phase = WS_PHASE_LEAVING;
    socket->since_ms = now_ms(socket);
    if (code == DVBCSS_CLOSE_ABNORMAL)
        kill_socket(socket);
    else
        ws_socket_send_close(socket, code, reason);
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
        else if (socket->phase == WS_PHASE_ENDING ||
                 (socket->phase == WS_PHASE_HTTP && !socket->exchange))
            kill_socket(socket);
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
    uint8_t bytes[WS_FRAME_HEAD_MAX];
    size_t length = ws_frame_put_head(bytes + sizeof bytes, WS_OPCODE_PING, 0);

    socket->pinged_ms = now;
    if (ws_wire_write(socket->wire, bytes + sizeof bytes - length, length) != 0)
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

static void check_request(struct ws_socket *socket, uint64_t now)
{
    struct dvbcss_server *server = socket->server;

    if (!has_passed(now, socket->since_ms, server->options.header_timeout_s))
        return;
    server->counters.header_timeouts++;
    if (!can_be_told(socket) || ws_http_refuse(socket, DVBCSS_REFUSAL_TIMEOUT) != 0)
        kill_socket(socket);
}

static void check_socket(struct ws_socket *socket, uint64_t now)
{
    if (socket->killed)
        return;
    switch (socket->phase) {
    case WS_PHASE_HTTP:
        check_request(socket, now);
        break;
    case WS_PHASE_WEBSOCKET:
        if (socket->connection && !socket->connection->closing)
            check_connection(socket, now);
        break;
    case WS_PHASE_LEAVING:
    case WS_PHASE_ENDING:
        if (now - socket->since_ms >= (uint64_t)socket->server->options.close_timeout_s * 1000)
            kill_socket(socket);
        break;
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
