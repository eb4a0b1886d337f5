#include <stdlib.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

enum {
    /* Of an answer, given to the socket at a time. */
    CHUNK_BYTES = 65536,
    REFUSALS_LOGGED_PER_S = 5,
};

/* ------------------------------------------------------------------------------------------------
 * Handlers
 */

bool ws_path_is_below(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);

    if (length != 0 && prefix[length - 1] == '/')
        length--;
    return strncmp(path, prefix, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static struct dvbcss_http_handler *find_handler(struct dvbcss_server *server, const char *path)
{
    struct dvbcss_http_handler *best = NULL;
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &server->handlers) {
        struct dvbcss_http_handler *handler = CONTAINER_OF(node, struct dvbcss_http_handler, node);

        if (ws_path_is_below(path, handler->path) &&
            (!best || strlen(handler->path) > strlen(best->path)))
            best = handler;
    }
    return best;
}

static bool path_is_taken(struct dvbcss_server *server, const char *path)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &server->handlers) {
        if (strcmp(CONTAINER_OF(node, struct dvbcss_http_handler, node)->path, path) == 0)
            return true;
    }
    return false;
}

static void free_handler(struct dvbcss_http_handler *handler)
{
    list_remove(&handler->node);
    dvbcss_free(handler->path);
    dvbcss_free(handler);
}

int dvbcss_http_handler_add(struct dvbcss_http_handler **handler, struct dvbcss_server *server,
                            const struct dvbcss_http_handler_options *options)
{
    struct dvbcss_http_handler *created;

    if (!options->path || options->path[0] != '/' || !options->handle)
        return DVBCSS_EINVAL;
    if (server->state != WS_SERVER_OPEN)
        return DVBCSS_ESTATE;
    if (path_is_taken(server, options->path))
        return DVBCSS_EEXIST;
    created = dvbcss_calloc(1, sizeof *created);
    if (!created)
        return DVBCSS_ENOMEM;
    list_init(&created->node);
    created->server = server;
    created->options = *options;
    created->path = dvbcss_strdup(options->path);
    if (!created->path) {
        free_handler(created);
        return DVBCSS_ENOMEM;
    }
    list_append(&server->handlers, &created->node);
    *handler = created;
    return 0;
}

void dvbcss_http_handler_remove(struct dvbcss_http_handler *handler)
{
    struct list_node *node;
    struct list_node *after;

    if (!handler)
        return;
    LIST_FOR_EACH (node, after, &handler->server->sockets) {
        struct ws_exchange *exchange = CONTAINER_OF(node, struct ws_socket, node)->exchange;

        if (exchange && exchange->handler == handler)
            exchange->handler = NULL;
    }
    free_handler(handler);
}

void ws_http_free_all(struct dvbcss_server *server)
{
    while (!list_empty(&server->handlers))
        free_handler(CONTAINER_OF(server->handlers.next, struct dvbcss_http_handler, node));
}

/* ------------------------------------------------------------------------------------------------
 * Exchanges
 */

void ws_exchange_drop(struct ws_socket *socket)
{
    struct ws_exchange *exchange = socket->exchange;

    if (!exchange)
        return;
    socket->exchange = NULL;
    dvbcss_message_release(exchange->answer);
    dvbcss_free(exchange->path);
    dvbcss_free(exchange->query);
    dvbcss_free(exchange->body);
    dvbcss_free(exchange);
}

static int begin_exchange(struct ws_socket *socket, const char *method, const char *path,
                          const char *query)
{
    struct ws_exchange *exchange = dvbcss_calloc(1, sizeof *exchange);

    if (!exchange)
        return DVBCSS_ENOMEM;
    exchange->socket = socket;
    exchange->method = method;
    exchange->path = dvbcss_strdup(path);
    exchange->query = dvbcss_strdup(query);
    socket->exchange = exchange;
    if (exchange->path && exchange->query)
        return 0;
    ws_exchange_drop(socket);
    return DVBCSS_ENOMEM;
}

/* Writes the answer as far as the socket takes it, and hangs up once all of it is gone. */
static int continue_answer(struct ws_socket *socket)
{
    struct ws_exchange *exchange = socket->exchange;
    struct dvbcss_message *answer = exchange->answer;

    while (!ws_wire_congested(socket->wire) && exchange->sent < answer->length) {
        size_t length = answer->length - exchange->sent;

        if (length > CHUNK_BYTES)
            length = CHUNK_BYTES;
        if (ws_wire_write_http(socket->wire, answer->bytes + exchange->sent, length) != 0)
            return -1;
        exchange->sent += length;
        socket->since_ms = uv_now(socket->server->loop);
    }
    if (ws_wire_congested(socket->wire)) {
        ws_wire_want_write(socket->wire);
        return 0;
    }
    ws_exchange_drop(socket);
    return -1;
}

/* Until the answer is gone the library neither reads from the peer nor stops to be told that it
 * could: the loop spins for as long as something is there. */
bool ws_http_spins(const struct ws_socket *socket)
{
    return socket->exchange && socket->exchange->answer && ws_wire_has_input(socket->wire);
}

int ws_event_http_writable(struct ws_socket *socket)
{
    return socket->exchange && socket->exchange->answer ? continue_answer(socket) : 0;
}

static void note_refusal(struct ws_socket *socket, enum dvbcss_refusal why)
{
    struct dvbcss_server *server = socket->server;
    char peer[DVBCSS_ADDRESS_TEXT_SIZE];

    server->counters.refusals[why]++;
    if (dvbcss_log_enabled(DVBCSS_LOG_INFO) &&
        dvbcss_log_permit(&server->refusal_log, (int64_t)uv_now(server->loop) * 1000000, 1000000000,
                          REFUSALS_LOGGED_PER_S))
        dvbcss_log(DVBCSS_LOG_INFO, "ws-refused", "%s: %s",
                   dvbcss_address_format(&socket->peer.any, peer), ws_refusal_text(why));
}

int ws_http_refuse_with(struct ws_socket *socket, enum dvbcss_refusal why,
                        struct dvbcss_message *answer)
{
    note_refusal(socket, why);
    ws_wire_write_http(socket->wire, answer->bytes, answer->length);
    return -1;
}

int ws_http_refuse(struct ws_socket *socket, enum dvbcss_refusal why)
{
    const struct ws_exchange *exchange = socket->exchange;
    const struct dvbcss_refusal_format *format =
        exchange && exchange->handler ? exchange->handler->options.refusal_format : NULL;
    struct dvbcss_message *answer;

    note_refusal(socket, why);
    if (ws_refusal_build(&answer, socket->server, why, format,
                         exchange && strcmp(exchange->method, "HEAD") == 0) == 0) {
        ws_wire_write_http(socket->wire, answer->bytes, answer->length);
        dvbcss_message_release(answer);
    }
    return -1;
}

/* ------------------------------------------------------------------------------------------------
 * Requests
 */

static int answer_by_handler(struct ws_socket *socket)
{
    struct ws_exchange *exchange = socket->exchange;
    struct dvbcss_http_request request = {
        .method = exchange->method,
        .path = exchange->path,
        .query = exchange->query,
        .body = exchange->body ? exchange->body : (const uint8_t *)"",
        .body_length = exchange->body_length,
        .peer = &socket->peer.any,
        .local = &socket->local.any,
        .secure = socket->tls,
        .exchange = exchange,
    };

    if (!exchange->handler)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_UNKNOWN_PATH);
    exchange->handler->options.handle(exchange->handler->options.context, &request);
    if (!exchange->answer)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_INTERNAL);
    socket->server->counters.http_requests++;
    return continue_answer(socket);
}

static bool has_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

/* The length of the body, or -1 if it cannot be told: a length that is no number, none for a method
 * that comes with a body, or a transfer coding, which the library does not understand. */
static long long body_length_of(struct ws_socket *socket, const char *method)
{
    char value[24];
    int length = ws_wire_header(socket->wire, WS_HEADER_TRANSFER_ENCODING, value, sizeof value);

    if (length != 0)
        return -1;
    length = ws_wire_header(socket->wire, WS_HEADER_CONTENT_LENGTH, value, sizeof value);
    if (length == 0)
        return has_body(method) ? -1 : 0;
    if (length < 0 || length > 18 || value[strspn(value, "0123456789")] != '\0')
        return -1;
    return strtoll(value, NULL, 10);
}

static int reserve_body(struct ws_exchange *exchange, size_t length)
{
    if (length == 0)
        return 0;
    exchange->body = dvbcss_malloc(length);
    exchange->body_size = length;
    return exchange->body ? 0 : DVBCSS_ENOMEM;
}

/* Returns -1 if the request can go on to a handler, otherwise why not. */
static int route(struct ws_socket *socket, long long body_length)
{
    struct ws_exchange *exchange = socket->exchange;
    struct dvbcss_endpoint *endpoint = ws_endpoint_at(socket->server, exchange->path);

    if (endpoint)
        return endpoint->options.enabled ? DVBCSS_REFUSAL_NOT_WEBSOCKET : DVBCSS_REFUSAL_DISABLED;
    exchange->handler = find_handler(socket->server, exchange->path);
    if (!exchange->handler)
        return DVBCSS_REFUSAL_UNKNOWN_PATH;
    if (body_length < 0)
        return DVBCSS_REFUSAL_MALFORMED;
    if ((unsigned long long)body_length > exchange->handler->options.max_body_bytes)
        return DVBCSS_REFUSAL_BODY_TOO_BIG;
    return reserve_body(exchange, (size_t)body_length) == 0 ? -1 : DVBCSS_REFUSAL_INTERNAL;
}

static int accept_request(struct ws_socket *socket)
{
    long long body_length = body_length_of(socket, socket->exchange->method);
    int why = route(socket, body_length);

    if (why < 0)
        return body_length == 0 ? answer_by_handler(socket) : 0;
    ws_http_refuse(socket, (enum dvbcss_refusal)why);
    if (body_length <= 0)
        return -1;
    /* Hanging up on a peer that is still sending would reset the connection, and the answer with
     * it: it gets some time, and its bytes are thrown away. */
    socket->phase = WS_PHASE_LEAVING;
    return 0;
}

int ws_event_request(struct ws_socket *socket)
{
    char path[WS_PATH_SIZE];
    char query[WS_PATH_SIZE];
    const char *method = ws_wire_request(socket->wire, path, sizeof path, query, sizeof query);

    socket->since_ms = uv_now(socket->server->loop);
    ws_exchange_drop(socket);
    if (socket->server->state != WS_SERVER_OPEN)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_CLOSING);
    if (!method)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_MALFORMED);
    if (begin_exchange(socket, method, path, query) != 0)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_INTERNAL);
    return accept_request(socket);
}

int ws_event_body(struct ws_socket *socket, const void *bytes, size_t length)
{
    struct ws_exchange *exchange = socket->exchange;

    if (socket->phase == WS_PHASE_LEAVING)
        return 0;
    if (!exchange || length > exchange->body_size - exchange->body_length)
        return -1;
    if (length != 0)
        memcpy(exchange->body + exchange->body_length, bytes, length);
    exchange->body_length += length;
    return 0;
}

int ws_event_body_end(struct ws_socket *socket)
{
    if (socket->phase == WS_PHASE_LEAVING)
        return -1;
    /* A body of length 0 is announced as well, when its request has its answer already. */
    return socket->exchange && !socket->exchange->answer ? answer_by_handler(socket) : 0;
}

int ws_http_header(struct ws_socket *socket, const char *name, char *value, size_t size)
{
    int length = ws_wire_header_by_name(socket->wire, name, value, size);

    if (length < 0)
        return DVBCSS_ENOSPC;
    return length == 0 ? DVBCSS_ENOENT : 0;
}

int dvbcss_http_request_header(const struct dvbcss_http_request *request, const char *name,
                               char *value, size_t size)
{
    const struct ws_exchange *exchange = request->exchange;

    return ws_http_header(exchange->socket, name, value, size);
}

int dvbcss_http_respond(const struct dvbcss_http_request *request,
                        const struct dvbcss_http_response *response)
{
    struct ws_exchange *exchange = request->exchange;

    if (exchange->answer)
        return DVBCSS_ESTATE;
    if (!ws_response_is_valid(response))
        return DVBCSS_EINVAL;
    return ws_answer_build(&exchange->answer, response, exchange->socket->server->common_headers,
                           strcmp(exchange->method, "HEAD") == 0);
}
