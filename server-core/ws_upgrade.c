/*
 * Handshakes of WebSocket: from the request's head to the connection.
 */
#include <stdio.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

/* A handshake, and the hook's refusal of it. */
struct upgrade {
    struct ws_socket *socket;
    struct dvbcss_endpoint *endpoint;
    struct dvbcss_handshake handshake;
    bool refused;
    /* NULL if there was no memory for it, or it could not be written. */
    struct dvbcss_message *answer;
};

int dvbcss_handshake_header(const struct dvbcss_handshake *handshake, const char *name, char *value,
                            size_t size)
{
    const struct upgrade *upgrade = handshake->exchange;

    return ws_request_copy_header(upgrade->socket->request, name, value, size);
}

int dvbcss_handshake_refuse(const struct dvbcss_handshake *handshake,
                            const struct dvbcss_http_response *response)
{
    struct upgrade *upgrade = handshake->exchange;

    if (upgrade->answer)
        return DVBCSS_ESTATE;
    upgrade->refused = true;
    if (response->status < 300 || !ws_response_is_valid(response))
        return DVBCSS_EINVAL;
    return ws_answer_build(&upgrade->answer, response, upgrade->socket->server->common_headers,
                           false);
}

/* What the endpoint allows. Returns -1 if it is met, otherwise why not. */
static int check_endpoint(const struct upgrade *upgrade)
{
    const struct dvbcss_endpoint *endpoint = upgrade->endpoint;
    int limit = endpoint->options.limits.max_connections;
    int why = dvbcss_access_check(&endpoint->options.access, upgrade->handshake.host,
                                  upgrade->handshake.origin);

    if (why >= 0)
        return why;
    return limit != DVBCSS_UNLIMITED && endpoint->slots >= (size_t)limit ? DVBCSS_REFUSAL_FULL : -1;
}

static void ask_hook(struct upgrade *upgrade)
{
    const struct dvbcss_endpoint_options *options = &upgrade->endpoint->options;

    if (options->hooks.on_handshake)
        options->hooks.on_handshake(options->context, &upgrade->handshake);
}

static int refuse_as_asked(struct upgrade *upgrade)
{
    int result;

    if (!upgrade->answer)
        return ws_http_refuse(upgrade->socket, DVBCSS_REFUSAL_INTERNAL);
    result = ws_http_refuse_with(upgrade->socket, DVBCSS_REFUSAL_HOOK, upgrade->answer);
    dvbcss_message_release(upgrade->answer);
    return result;
}

/* The headers of every answer are of limited length (ws_server.c). */
enum { ANSWER_SIZE = 4096 };

static int switch_protocols(struct ws_socket *socket)
{
    char accept[WS_ACCEPT_SIZE];
    char answer[ANSWER_SIZE];
    int length;

    ws_handshake_accept(ws_request_header(socket->request, "sec-websocket-key"), accept);
    length = snprintf(answer, sizeof answer,
                      "HTTP/1.1 101 Switching Protocols\r\n"
                      "Upgrade: websocket\r\n"
                      "Connection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n"
                      "%s\r\n",
                      accept, socket->server->common_headers);
    return ws_wire_write(socket->wire, (const uint8_t *)answer, (size_t)length) == 0 ? 0 : -1;
}

static int accept_upgrade(struct upgrade *upgrade)
{
    struct ws_socket *socket = upgrade->socket;
    int result =
        ws_connection_create(&socket->connection, upgrade->endpoint, socket, &upgrade->handshake);

    if (result != 0)
        return ws_http_refuse(socket, result == DVBCSS_EFULL ? DVBCSS_REFUSAL_ADDRESS_FULL
                                                             : DVBCSS_REFUSAL_INTERNAL);
    ask_hook(upgrade);
    if (upgrade->refused) {
        if (socket->connection)
            ws_connection_end(socket->connection, DVBCSS_CLOSE_ABNORMAL, "");
        return refuse_as_asked(upgrade);
    }
    result = switch_protocols(socket);
    ws_exchange_drop(socket);
    if (result == 0)
        ws_receive_begin(socket);
    return result;
}

int ws_upgrade(struct ws_socket *socket, struct dvbcss_endpoint *endpoint)
{
    const struct ws_request *request = socket->request;
    const char *origin = ws_request_header(request, "origin");
    struct upgrade upgrade = {
        .socket = socket,
        .endpoint = endpoint,
        .handshake =
            {
                .path = ws_request_path(request),
                .query = ws_request_query(request),
                .origin = origin ? origin : "",
                .host = ws_request_header(request, "host"),
                .peer = &socket->peer.any,
                .local = &socket->local.any,
                .secure = socket->tls,
                .exchange = &upgrade,
            },
    };
    int why;

    if (!endpoint)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_UNKNOWN_PATH);
    if (!endpoint->options.enabled)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_DISABLED);
    why = ws_handshake_check(request);
    if (why < 0)
        why = check_endpoint(&upgrade);
    if (why >= 0)
        return ws_http_refuse(socket, (enum dvbcss_refusal)why);
    return accept_upgrade(&upgrade);
}
