/*
 * What a peer sends on a WebSocket: from frames to messages, pongs and goodbyes.
 */
#include <string.h>

#include "common/utf8.h"
#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

struct ws_pong {
    size_t length;
    uint8_t bytes[WS_FRAME_HEAD_MAX + WS_CONTROL_MAX];
};

static uint64_t now_ms(const struct ws_socket *socket)
{
    return uv_now(socket->server->loop);
}

void ws_receive_begin(struct ws_socket *socket)
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
 * Pings
 */

/* Of pings that come faster than their pongs go, the newest is answered (RFC 6455 section 5.5.3).
 */
static void keep_pong(struct ws_socket *socket, const uint8_t *frame, size_t length)
{
    if (!socket->pong)
        socket->pong = dvbcss_malloc(sizeof *socket->pong);
    /* Without memory there is no pong: the peer may ask again. */
    if (!socket->pong)
        return;
    memcpy(socket->pong->bytes, frame, length);
    socket->pong->length = length;
}

static void send_pong(struct ws_socket *socket, const uint8_t *frame, size_t length)
{
    if (ws_wire_congested(socket->wire))
        keep_pong(socket, frame, length);
    else if (ws_wire_write(socket->wire, frame, length) != 0)
        ws_connection_close(socket->connection, DVBCSS_CLOSE_ABNORMAL, NULL);
}

void ws_receive_send_pong(struct ws_socket *socket)
{
    struct ws_pong *pong = socket->pong;

    if (!pong)
        return;
    socket->pong = NULL;
    if (socket->connection && !socket->connection->closing)
        send_pong(socket, pong->bytes, pong->length);
    dvbcss_free(pong);
}

static int on_ping(struct ws_socket *socket, const struct ws_frame_event *event)
{
    uint8_t bytes[WS_FRAME_HEAD_MAX + WS_CONTROL_MAX];
    uint8_t *payload = bytes + WS_FRAME_HEAD_MAX;
    size_t head_length;

    if (!socket->connection || socket->connection->closing ||
        !ws_limits_take_ping(socket->connection))
        return 0;
    head_length = ws_frame_put_head(payload, WS_OPCODE_PONG, event->length);
    if (event->length != 0)
        memcpy(payload, event->bytes, event->length);
    send_pong(socket, payload - head_length, head_length + event->length);
    return 0;
}

/* That it has come is all that counts. */
static int on_pong(struct ws_socket *socket, const struct ws_frame_event *event)
{
    (void)socket, (void)event;
    return 0;
}

/* ------------------------------------------------------------------------------------------------
 * Messages
 */

static int on_part(struct ws_socket *socket, const struct ws_frame_event *event)
{
    if (socket->connection)
        ws_connection_receive(socket->connection, event->bytes, event->length, event->final,
                              event->binary);
    return 0;
}

/* ------------------------------------------------------------------------------------------------
 * Goodbyes
 */

/* What is wrong with a peer's close frame: the code with which it is answered; 0 if nothing is. */
static unsigned find_fault(const uint8_t *payload, size_t length)
{
    if (length == 0)
        return 0;
    if (length < 2 || !ws_close_code_is_valid((unsigned)payload[0] << 8 | payload[1]))
        return DVBCSS_CLOSE_PROTOCOL_ERROR;
    return utf8_bytes_are_valid(payload + 2, length - 2) ? 0 : DVBCSS_CLOSE_INVALID_DATA;
}

static unsigned read_close(const struct ws_frame_event *event,
                           char reason[DVBCSS_CLOSE_REASON_MAX + 1])
{
    size_t length = event->length > 2 ? event->length - 2 : 0;

    if (length != 0)
        memcpy(reason, event->bytes + 2, length);
    reason[length] = '\0';
    if (event->length == 0)
        return DVBCSS_CLOSE_NO_STATUS;
    if (event->length == 1)
        return DVBCSS_CLOSE_PROTOCOL_ERROR;
    return (unsigned)event->bytes[0] << 8 | event->bytes[1];
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

static int on_close(struct ws_socket *socket, const struct ws_frame_event *event)
{
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];
    unsigned code = read_close(event, reason);
    unsigned fault = find_fault(event->bytes, event->length);

    /* Otherwise it is the answer to ours, and that was all. */
    if (socket->phase == WS_PHASE_WEBSOCKET) {
        ws_socket_send_close(socket, fault != 0 ? fault : code, "");
        end_connection(socket, code, reason);
    }
    return ws_socket_finish(socket, true);
}

static int on_breach(struct ws_socket *socket, const struct ws_frame_event *event)
{
    if (socket->phase == WS_PHASE_LEAVING)
        return ws_socket_finish(socket, false);
    if (socket->connection)
        ws_connection_close(socket->connection, DVBCSS_CLOSE_PROTOCOL_ERROR, event->reason);
    return 0;
}

int ws_receive_frames(struct ws_socket *socket, uint8_t *bytes, size_t length, size_t *taken)
{
    static int (*const react[])(struct ws_socket *, const struct ws_frame_event *) = {
        [WS_FRAME_PART] = on_part,   [WS_FRAME_PING] = on_ping,     [WS_FRAME_PONG] = on_pong,
        [WS_FRAME_CLOSE] = on_close, [WS_FRAME_BREACH] = on_breach,
    };
    struct ws_frame_event event;

    *taken = ws_frame_read(&socket->reader, bytes, length, &event);
    socket->received += *taken;
    socket->heard_ms = now_ms(socket);
    return event.kind == WS_FRAME_NONE ? 0 : react[event.kind](socket, &event);
}
