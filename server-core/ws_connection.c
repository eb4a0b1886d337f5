#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

static uint64_t now_ms(const struct dvbcss_connection *connection)
{
    return uv_now(connection->endpoint->server->loop);
}

/* ------------------------------------------------------------------------------------------------
 * Life
 */

/* Copies a text to where there is room for it, which is moved on. */
static const char *keep_text(char **room, const char *text)
{
    size_t size = strlen(text) + 1;
    char *kept = memcpy(*room, text, size);

    *room += size;
    return kept;
}

int ws_connection_create(struct dvbcss_connection **connection, struct dvbcss_endpoint *endpoint,
                         struct ws_socket *socket, const struct dvbcss_handshake *handshake)
{
    size_t text_size =
        strlen(handshake->path) + strlen(handshake->query) + strlen(handshake->origin) + 3;
    size_t fixed_size = sizeof **connection + endpoint->options.user_data_size;
    struct dvbcss_connection *created = dvbcss_calloc(1, fixed_size + text_size);
    char *room;
    int result;

    if (!created)
        return DVBCSS_ENOMEM;
    result =
        ws_addresses_enter(&endpoint->addresses, &socket->peer, &socket->local,
                           endpoint->options.limits.max_connections_per_address, &created->address);
    if (result != 0) {
        dvbcss_free(created);
        return result;
    }
    list_init(&created->node);
    created->endpoint = endpoint;
    created->socket = socket;
    room = (char *)created + fixed_size;
    created->path = keep_text(&room, handshake->path);
    created->query = keep_text(&room, handshake->query);
    created->origin = keep_text(&room, handshake->origin);
    endpoint->slots++;
    *connection = created;
    return 0;
}

void ws_connection_open(struct dvbcss_connection *connection)
{
    struct dvbcss_endpoint *endpoint = connection->endpoint;
    struct dvbcss_server_counters *counters = &endpoint->server->counters;

    snprintf(connection->id, sizeof connection->id, "%s-%llu", endpoint->id_prefix,
             (unsigned long long)++endpoint->last_id);
    connection->open = true;
    connection->opened_ms = now_ms(connection);
    connection->progress_ms = connection->opened_ms;
    list_append(&endpoint->connections, &connection->node);
    endpoint->open_count++;
    counters->connections_opened++;
    counters->connections_open++;
    dvbcss_log(DVBCSS_LOG_DEBUG, "ws-connect", "%s connected", connection->id);
    if (endpoint->options.hooks.on_connect)
        endpoint->options.hooks.on_connect(endpoint->options.context, connection);
}

void ws_connection_end(struct dvbcss_connection *connection, unsigned code, const char *reason)
{
    struct dvbcss_endpoint *endpoint = connection->endpoint;
    struct dvbcss_server *server = endpoint->server;
    size_t dropped;

    connection->closing = true;
    connection->socket->connection = NULL;
    list_remove(&connection->node);
    ws_addresses_leave(&endpoint->addresses, connection->address);
    endpoint->slots--;
    dropped = ws_queue_clear(&connection->queue);
    connection->counters.dropped += dropped;
    server->counters.messages_dropped += dropped;
    if (connection->open) {
        endpoint->open_count--;
        server->counters.connections_open--;
        dvbcss_log(DVBCSS_LOG_DEBUG, "ws-disconnect", "%s ended with %u", connection->id, code);
        /* The hook may remove the endpoint: nothing of it is touched afterwards. */
        if (endpoint->options.hooks.on_disconnect)
            endpoint->options.hooks.on_disconnect(endpoint->options.context, connection, code,
                                                  reason);
    }
    dvbcss_free(connection->incoming);
    dvbcss_free(connection);
}

void ws_connection_close(struct dvbcss_connection *connection, unsigned code, const char *reason)
{
    size_t length = reason ? strlen(reason) : 0;

    if (connection->closing)
        return;
    connection->closing = true;
    connection->code = code;
    if (length > DVBCSS_CLOSE_REASON_MAX) {
        length = DVBCSS_CLOSE_REASON_MAX;
        /* Not inside a character: bytes 10xxxxxx continue one. */
        while (length != 0 && ((unsigned char)reason[length] & 0xc0) == 0x80)
            length--;
    }
    if (length != 0)
        memcpy(connection->reason, reason, length);
    connection->reason[length] = '\0';
    ws_socket_defer(connection->socket);
}

/* A breach of the protocol is for the base to find. */
static bool can_be_sent(unsigned code)
{
    return ws_close_code_is_valid(code) && code != DVBCSS_CLOSE_PROTOCOL_ERROR;
}

void dvbcss_connection_close(struct dvbcss_connection *connection, unsigned code,
                             const char *reason)
{
    ws_connection_close(connection, can_be_sent(code) ? code : DVBCSS_CLOSE_INTERNAL_ERROR, reason);
}

/* ------------------------------------------------------------------------------------------------
 * From the peer
 */

static void deliver(struct dvbcss_connection *connection, const void *bytes, size_t length,
                    bool binary)
{
    struct dvbcss_endpoint *endpoint = connection->endpoint;

    connection->counters.messages_in++;
    connection->counters.bytes_in += length;
    endpoint->server->counters.messages_in++;
    endpoint->server->counters.bytes_in += length;
    if (binary && endpoint->options.binary_policy == DVBCSS_BINARY_IGNORE)
        return;
    if (!binary && !utf8_bytes_are_valid(bytes, length)) {
        ws_connection_close(connection, DVBCSS_CLOSE_INVALID_DATA, "text is not UTF-8");
        return;
    }
    if (endpoint->options.hooks.on_message)
        endpoint->options.hooks.on_message(endpoint->options.context, connection,
                                           length != 0 ? bytes : "", length, !binary);
}

/* Adds a part to the message that is arriving. The buffer grows by doubling, up to the limit. */
static int gather(struct dvbcss_connection *connection, const void *bytes, size_t length)
{
    size_t wanted = connection->incoming_length + length;
    size_t size = connection->incoming_size * 2;
    uint8_t *grown;

    if (wanted > connection->incoming_size) {
        if (size > connection->endpoint->options.limits.max_message_bytes)
            size = connection->endpoint->options.limits.max_message_bytes;
        if (size < wanted)
            size = wanted;
        grown = dvbcss_realloc(connection->incoming, size);
        if (!grown)
            return DVBCSS_ENOMEM;
        connection->incoming = grown;
        connection->incoming_size = size;
    }
    if (length != 0)
        memcpy(connection->incoming + connection->incoming_length, bytes, length);
    connection->incoming_length = wanted;
    return 0;
}

static void deliver_gathered(struct dvbcss_connection *connection, bool binary)
{
    /* The hook may end the connection: the bytes are its own no more. */
    uint8_t *bytes = connection->incoming;
    size_t length = connection->incoming_length;

    connection->incoming = NULL;
    connection->incoming_length = 0;
    connection->incoming_size = 0;
    deliver(connection, bytes, length, binary);
    dvbcss_free(bytes);
}

static void refuse_size(struct dvbcss_connection *connection)
{
    struct dvbcss_endpoint *endpoint = connection->endpoint;
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];

    endpoint->server->counters.oversize_evictions++;
    snprintf(reason, sizeof reason, "message of more than %zu bytes",
             endpoint->options.limits.max_message_bytes);
    ws_connection_close(connection, DVBCSS_CLOSE_TOO_BIG, reason);
}

void ws_connection_receive(struct dvbcss_connection *connection, const void *bytes, size_t length,
                           bool final, bool binary)
{
    const struct dvbcss_endpoint_options *options = &connection->endpoint->options;

    if (connection->closing)
        return;
    if (binary && options->binary_policy == DVBCSS_BINARY_REFUSE) {
        ws_connection_close(connection, DVBCSS_CLOSE_UNSUPPORTED_DATA, "only text is understood");
    } else if (!ws_limits_take(connection, length, final)) {
        return;
    } else if (length > options->limits.max_message_bytes ||
               connection->incoming_length > options->limits.max_message_bytes - length) {
        refuse_size(connection);
    } else if (final && connection->incoming_length == 0) {
        deliver(connection, bytes, length, binary);
    } else if (gather(connection, bytes, length) != 0) {
        ws_connection_close(connection, DVBCSS_CLOSE_INTERNAL_ERROR, "out of memory");
    } else if (final) {
        deliver_gathered(connection, binary);
    }
}

/* ------------------------------------------------------------------------------------------------
 * To the peer
 */

bool dvbcss_connection_congested(const struct dvbcss_connection *connection)
{
    return connection->queue.first || ws_wire_congested(connection->socket->wire);
}

static int write_now(struct dvbcss_connection *connection, struct dvbcss_message *message)
{
    struct dvbcss_server_counters *counters = &connection->endpoint->server->counters;
    int result = ws_wire_write(connection->socket->wire, message->bytes - message->head_length,
                               message->head_length + message->length);

    if (result != 0)
        return result;
    connection->counters.messages_out++;
    connection->counters.bytes_out += message->length;
    counters->messages_out++;
    counters->bytes_out += message->length;
    return 0;
}

/* The socket did not take all: from now on there is somebody to wait for. */
static void note_congestion(struct dvbcss_connection *connection)
{
    if (!connection->congested) {
        connection->congested = true;
        connection->progress_ms = now_ms(connection);
    }
}

static int enqueue(struct dvbcss_connection *connection, struct dvbcss_message *message)
{
    struct dvbcss_endpoint *endpoint = connection->endpoint;
    struct ws_queue_rules rules = {endpoint->options.queue_policy,
                                   endpoint->options.limits.max_queued_messages,
                                   endpoint->options.limits.max_queued_bytes};
    uint64_t dropped = 0;
    int result = ws_queue_push(&connection->queue, message, &rules, &dropped);

    connection->counters.dropped += dropped;
    endpoint->server->counters.messages_dropped += dropped;
    if (result == DVBCSS_EFULL) {
        endpoint->server->counters.queue_overflows++;
        ws_connection_close(connection, DVBCSS_CLOSE_POLICY, "messages are not taken fast enough");
    } else if (result == 0) {
        note_congestion(connection);
    }
    return result;
}

int dvbcss_connection_send(struct dvbcss_connection *connection, struct dvbcss_message *message)
{
    int result;

    if (connection->closing)
        return DVBCSS_ECLOSED;
    if (dvbcss_connection_congested(connection))
        return enqueue(connection, message);
    result = write_now(connection, message);
    if (result != 0)
        ws_connection_close(connection, DVBCSS_CLOSE_ABNORMAL, NULL);
    else if (ws_wire_congested(connection->socket->wire))
        note_congestion(connection);
    return result;
}

int dvbcss_connection_send_text(struct dvbcss_connection *connection, const char *text,
                                size_t length)
{
    struct dvbcss_message *message;
    int result = dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, text, length);

    if (result != 0)
        return result;
    result = dvbcss_connection_send(connection, message);
    dvbcss_message_release(message);
    return result;
}

/* Writes what waits, as far as the socket takes it. */
static int drain(struct dvbcss_connection *connection)
{
    struct dvbcss_message *message;

    while ((message = ws_queue_front(&connection->queue)) &&
           !ws_wire_congested(connection->socket->wire)) {
        int result = write_now(connection, message);

        if (result != 0)
            return result;
        ws_queue_pop(&connection->queue);
    }
    return 0;
}

void ws_connection_flush(struct dvbcss_connection *connection, bool hooks)
{
    struct dvbcss_endpoint *endpoint = connection->endpoint;

    connection->progress_ms = now_ms(connection);
    if (drain(connection) != 0) {
        ws_connection_close(connection, DVBCSS_CLOSE_ABNORMAL, NULL);
    } else if (!dvbcss_connection_congested(connection)) {
        /* Also if no message was waiting: the rest of a handshake or of a pong may have had
         * somebody hold back. */
        connection->congested = false;
        if (hooks && !connection->closing && endpoint->options.hooks.on_drained)
            endpoint->options.hooks.on_drained(endpoint->options.context, connection);
    }
}

/* ------------------------------------------------------------------------------------------------
 * Getters
 */

bool dvbcss_connection_closing(const struct dvbcss_connection *connection)
{
    return connection->closing;
}

const char *dvbcss_connection_id(const struct dvbcss_connection *connection)
{
    return connection->id;
}

const char *dvbcss_connection_path(const struct dvbcss_connection *connection)
{
    return connection->path;
}

const char *dvbcss_connection_query(const struct dvbcss_connection *connection)
{
    return connection->query;
}

const char *dvbcss_connection_origin(const struct dvbcss_connection *connection)
{
    return connection->origin;
}

void dvbcss_connection_setup_done(struct dvbcss_connection *connection)
{
    connection->setup_done = true;
}

const struct sockaddr *dvbcss_connection_peer(const struct dvbcss_connection *connection)
{
    return &connection->socket->peer.any;
}

const struct sockaddr *dvbcss_connection_local(const struct dvbcss_connection *connection)
{
    return &connection->socket->local.any;
}

bool dvbcss_connection_secure(const struct dvbcss_connection *connection)
{
    return connection->socket->tls;
}

const char *dvbcss_connection_server_name(const struct dvbcss_connection *connection)
{
    return connection->socket->tls ? ws_wire_server_name(connection->socket->wire) : "";
}

uint64_t dvbcss_connection_age_ms(const struct dvbcss_connection *connection)
{
    return now_ms(connection) - connection->opened_ms;
}

void *dvbcss_connection_user_data(struct dvbcss_connection *connection)
{
    return connection->user_data;
}

struct dvbcss_endpoint *dvbcss_connection_endpoint(const struct dvbcss_connection *connection)
{
    return connection->endpoint;
}

void dvbcss_connection_counters(const struct dvbcss_connection *connection,
                                struct dvbcss_connection_counters *counters)
{
    *counters = connection->counters;
    counters->queued_messages = connection->queue.messages;
    counters->queued_bytes = connection->queue.bytes;
}
