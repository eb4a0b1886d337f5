/*
 * Handshakes of WebSocket: from the request's head to the connection.
 */
#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

enum { HEADER_SIZE = 256 };

/* A handshake with the room for what it points to, and the hook's refusal of it. */
struct upgrade {
    struct ws_socket *socket;
    struct dvbcss_endpoint *endpoint;
    struct dvbcss_handshake handshake;
    bool refused;
    /** NULL if there was no memory for it, or it could not be written. */
    struct dvbcss_message *answer;
    char path[WS_PATH_SIZE];
    char query[WS_PATH_SIZE];
    char origin[HEADER_SIZE];
    char host[HEADER_SIZE];
};

int dvbcss_handshake_header(const struct dvbcss_handshake *handshake, const char *name, char *value,
                            size_t size)
{
    const struct upgrade *upgrade = handshake->exchange;

    return ws_http_header(upgrade->socket, name, value, size);
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

/* What RFC 6455 asks. Returns -1 if it is met, otherwise why not. */
static int check_protocol(struct upgrade *upgrade, bool get)
{
    struct ws_wire *wire = upgrade->socket->wire;
    struct ws_handshake handshake = {.get = get};
    char value[HEADER_SIZE];

    if (!ws_wire_is_http_1_1(wire))
        return DVBCSS_REFUSAL_MALFORMED;
    handshake.host_length = ws_wire_header(wire, WS_HEADER_HOST, upgrade->host, HEADER_SIZE);
    handshake.protocol_length = ws_wire_header(wire, WS_HEADER_PROTOCOL, value, sizeof value);
    /* One that does not fit stays empty, and so is wrong. */
    ws_wire_header(wire, WS_HEADER_UPGRADE, handshake.upgrade, sizeof handshake.upgrade);
    ws_wire_header(wire, WS_HEADER_CONNECTION, handshake.connection, sizeof handshake.connection);
    ws_wire_header(wire, WS_HEADER_VERSION, handshake.version, sizeof handshake.version);
    ws_wire_header(wire, WS_HEADER_KEY, handshake.key, sizeof handshake.key);
    if (ws_wire_header(wire, WS_HEADER_ORIGIN, upgrade->origin, HEADER_SIZE) < 0)
        return DVBCSS_REFUSAL_MALFORMED;
    return ws_handshake_check(&handshake);
}

/* What the endpoint allows. Returns -1 if it is met, otherwise why not. */
static int check_endpoint(const struct upgrade *upgrade)
{
    const struct dvbcss_endpoint *endpoint = upgrade->endpoint;
    int limit = endpoint->options.limits.max_connections;
    int why = dvbcss_access_check(&endpoint->options.access, upgrade->host, upgrade->origin);

    if (why >= 0)
        return why;
    return limit != DVBCSS_UNLIMITED && endpoint->slots >= (size_t)limit ? DVBCSS_REFUSAL_FULL : -1;
}

/* Asks the endpoint's user. Returns 0 to go on, otherwise the handshake has its answer. */
static int ask_hook(struct upgrade *upgrade)
{
    const struct dvbcss_endpoint_options *options = &upgrade->endpoint->options;
    int result;

    if (!options->hooks.on_handshake)
        return 0;
    options->hooks.on_handshake(options->context, &upgrade->handshake);
    if (!upgrade->refused)
        return 0;
    if (!upgrade->answer)
        return ws_http_refuse(upgrade->socket, DVBCSS_REFUSAL_INTERNAL);
    result = ws_http_refuse_with(upgrade->socket, DVBCSS_REFUSAL_HOOK, upgrade->answer);
    dvbcss_message_release(upgrade->answer);
    return result;
}

static int accept_upgrade(struct upgrade *upgrade)
{
    struct ws_socket *socket = upgrade->socket;
    int result =
        ws_connection_create(&socket->connection, upgrade->endpoint, socket, &upgrade->handshake);

    if (result != 0)
        return ws_http_refuse(socket, result == DVBCSS_EFULL ? DVBCSS_REFUSAL_ADDRESS_FULL
                                                             : DVBCSS_REFUSAL_INTERNAL);
    result = ask_hook(upgrade);
    if (result != 0)
        ws_connection_end(socket->connection, DVBCSS_CLOSE_ABNORMAL, "");
    return result;
}

int ws_event_upgrade(struct ws_socket *socket)
{
    struct upgrade upgrade = {.socket = socket};
    const char *method =
        ws_wire_request(socket->wire, upgrade.path, WS_PATH_SIZE, upgrade.query, WS_PATH_SIZE);
    int why;

    if (socket->server->state != WS_SERVER_OPEN)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_CLOSING);
    upgrade.endpoint = method ? ws_endpoint_at(socket->server, upgrade.path) : NULL;
    if (!method || !upgrade.endpoint)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_UNKNOWN_PATH);
    if (!upgrade.endpoint->options.enabled)
        return ws_http_refuse(socket, DVBCSS_REFUSAL_DISABLED);
    why = check_protocol(&upgrade, strcmp(method, "GET") == 0);
    if (why < 0)
        why = check_endpoint(&upgrade);
    if (why >= 0)
        return ws_http_refuse(socket, (enum dvbcss_refusal)why);
    upgrade.handshake = (struct dvbcss_handshake){
        .path = upgrade.path,
        .query = upgrade.query,
        .origin = upgrade.origin,
        .host = upgrade.host,
        .peer = &socket->peer.any,
        .local = &socket->local.any,
        .secure = socket->tls,
        .exchange = &upgrade,
    };
    return accept_upgrade(&upgrade);
}
