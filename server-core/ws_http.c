#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

enum {
    /* Of an answer, given to the socket at a time. */
    CHUNK_BYTES = 65536,
    REFUSALS_LOGGED_PER_S = 5,
    /* Of a Content-Length, so that it fits into 63 bits. */
    LENGTH_DIGITS = 18,
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

    ws_request_destroy(socket->request);
    socket->request = NULL;
    socket->exchange = NULL;
    if (!exchange)
        return;
    dvbcss_message_release(exchange->answer);
    dvbcss_free(exchange->body);
    dvbcss_free(exchange);
}

/* Writes the answer as far as the socket takes it, and says goodbye once all of it is gone. */
static int continue_answer(struct ws_socket *socket)
{
    struct ws_exchange *exchange = socket->exchange;
    struct dvbcss_message *answer = exchange->answer;
    bool heard_all = exchange->sent == 0;

    while (!ws_wire_congested(socket->wire) && exchange->sent < answer->length) {
        size_t length = answer->length - exchange->sent;

        if (length > CHUNK_BYTES)
            length = CHUNK_BYTES;
        if (ws_wire_write(socket->wire, answer->bytes + exchange->sent, length) != 0)
            return -1;
        exchange->sent += length;
        socket->since_ms = uv_now(socket->server->loop);
    }
    if (ws_wire_congested(socket->wire)) {
        /* A peer that sends on would be heard in vain, and its end would cut the answer off. */
        ws_wire_set_reading(socket->wire, false);
        return 0;
    }
    ws_exchange_drop(socket);
    ws_wire_set_reading(socket->wire, true);
    return ws_socket_finish(socket, heard_all);
}

int ws_http_continue(struct ws_socket *socket)
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

/* The length of the body (RFC 9112 section 6.3: 0 if nothing says that there is one), or -1 if it
 * cannot be told: a length that is no number, or a transfer coding, of which the base knows none.
 */
static long long body_length_of(const struct ws_request *request)
{
    const char *length = ws_request_header(request, "content-length");

    if (ws_request_count(request, "transfer-encoding") != 0)
        return -1;
    if (!length)
        return 0;
    if (ws_request_count(request, "content-length") != 1 || *length == '\0' ||
        strlen(length) > LENGTH_DIGITS || length[strspn(length, "0123456789")] != '\0')
        return -1;
    return strtoll(length, NULL, 10);
}

/* A head that was not read to its end, or a body that was not, may still be on its way. */
static bool has_heard_all(const struct ws_socket *socket)
{
    const struct ws_exchange *exchange = socket->exchange;

    return exchange && exchange->body_length == exchange->body_size &&
           body_length_of(socket->request) == (long long)exchange->body_size;
}

static int finish_with(struct ws_socket *socket, struct dvbcss_message *answer)
{
    bool heard_all = has_heard_all(socket);
    int result = ws_wire_write(socket->wire, answer->bytes, answer->length);

    ws_exchange_drop(socket);
    return result == 0 ? ws_socket_finish(socket, heard_all) : -1;
}

int ws_http_refuse_with(struct ws_socket *socket, enum dvbcss_refusal why,
                        struct dvbcss_message *answer)
{
    note_refusal(socket, why);
    return finish_with(socket, answer);
}

int ws_http_refuse(struct ws_socket *socket, enum dvbcss_refusal why)
{
    const struct ws_exchange *exchange = socket->exchange;
    const struct dvbcss_refusal_format *format =
        exchange && exchange->handler ? exchange->handler->options.refusal_format : NULL;
    struct dvbcss_message *answer;
    int result;

    note_refusal(socket, why);
    if (ws_refusal_build(&answer, socket->server, why, format,
                         exchange && strcmp(exchange->method, "HEAD") == 0) != 0)
        return -1;
    result = finish_with(socket, answer);
    dvbcss_message_release(answer);
    return result;
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

    exchange->handler = find_handler(socket->server, exchange->path);
    if (!exchange->handler)
        return DVBCSS_REFUSAL_UNKNOWN_PATH;
    if (body_length < 0)
        return DVBCSS_REFUSAL_MALFORMED;
    if ((unsigned long long)body_length > exchange->handler->options.max_body_bytes)
        return DVBCSS_REFUSAL_BODY_TOO_BIG;
    return reserve_body(exchange, (size_t)body_length) == 0 ? -1 : DVBCSS_REFUSAL_INTERNAL;
}

/* Some clients send a long body only when they are told that it is wanted. */
static int ask_for_body(struct ws_socket *socket)
{
    static const uint8_t go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expected = ws_request_header(socket->request, "expect");

    if (!expected || strcasecmp(expected, "100-continue") != 0 ||
        !ws_request_is_http_1_1(socket->request))
        return 0;
    return ws_wire_write(socket->wire, go_on, sizeof go_on - 1) == 0 ? 0 : -1;
}

static int on_request(struct ws_socket *socket)
{
    long long body_length = body_length_of(socket->request);
    int why = route(socket, body_length);

    if (why >= 0)
        return ws_http_refuse(socket, (enum dvbcss_refusal)why);
    return body_length == 0 ? answer_by_handler(socket) : ask_for_body(socket);
}

static int begin_exchange(struct ws_socket *socket)
{
    struct ws_exchange *exchange = dvbcss_calloc(1, sizeof *exchange);

    if (!exchange)
        return DVBCSS_ENOMEM;
    exchange->socket = socket;
    exchange->method = ws_request_method(socket->request);
    exchange->path = ws_request_path(socket->request);
    exchange->query = ws_request_query(socket->request);
    socket->exchange = exchange;
    return 0;
}

/* RFC 9112 section 3.2 */
static bool has_one_host(const struct ws_request *request)
{
    size_t count = ws_request_count(request, "host");

    return count == 1 || (count == 0 && !ws_request_is_http_1_1(request));
}

static int on_head(struct ws_socket *socket)
{
    struct dvbcss_endpoint *endpoint =
        ws_endpoint_at(socket->server, ws_request_path(socket->request));

    socket->since_ms = uv_now(socket->server->loop);
    if (begin_exchange(socket) != 0)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_INTERNAL);
    if (socket->server->state != WS_SERVER_OPEN)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_CLOSING);
    if (!has_one_host(socket->request))
        return ws_http_refuse(socket, DVBCSS_REFUSAL_MALFORMED);
    return endpoint || ws_handshake_is_meant(socket->request) ? ws_upgrade(socket, endpoint)
                                                              : on_request(socket);
}

static int begin_request(struct ws_socket *socket)
{
    ws_wire_begin(socket->wire);
    return ws_request_create(&socket->request, socket->server->options.max_header_bytes);
}

static int read_head(struct ws_socket *socket, const uint8_t *bytes, size_t length, size_t *taken)
{
    enum ws_request_state state;

    *taken = length;
    if ((!socket->request && begin_request(socket) != 0) ||
        ws_request_read(socket->request, bytes, length, taken, &state) != 0)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_INTERNAL);
    switch (state) {
    case WS_REQUEST_INCOMPLETE:
        return 0;
    case WS_REQUEST_COMPLETE:
        return on_head(socket);
    case WS_REQUEST_MALFORMED:
        return ws_http_refuse(socket, DVBCSS_REFUSAL_MALFORMED);
    case WS_REQUEST_BAD_TARGET:
        return ws_http_refuse(socket, DVBCSS_REFUSAL_TARGET);
    case WS_REQUEST_TOO_BIG:
        return ws_http_refuse(socket, DVBCSS_REFUSAL_HEADERS_TOO_BIG);
    }
    return -1;
}

/* What comes behind the body is nobody's: there is one request to a connection. */
static int read_body(struct ws_socket *socket, const uint8_t *bytes, size_t length, size_t *taken)
{
    struct ws_exchange *exchange = socket->exchange;
    size_t missing = exchange->body_size - exchange->body_length;

    *taken = length;
    if (exchange->answer)
        return 0;
    if (length > missing)
        *taken = length = missing;
    memcpy(exchange->body + exchange->body_length, bytes, length);
    exchange->body_length += length;
    return length == missing ? answer_by_handler(socket) : 0;
}

int ws_http_receive(struct ws_socket *socket, uint8_t *bytes, size_t length, size_t *taken)
{
    if (!socket->exchange)
        return read_head(socket, bytes, length, taken);
    return read_body(socket, bytes, length, taken);
}

int dvbcss_http_request_header(const struct dvbcss_http_request *request, const char *name,
                               char *value, size_t size)
{
    const struct ws_exchange *exchange = request->exchange;

    return ws_request_copy_header(exchange->socket->request, name, value, size);
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
