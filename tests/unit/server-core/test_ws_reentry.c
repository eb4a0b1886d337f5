/*
 * Hooks that take away what they stand on, while more of the same peer has come already, in the
 * same segment: each hook with each deed. What comes of it is said elsewhere; here nothing may be
 * touched that is gone, everybody is told once, and in the end nothing is left.
 */
#include "ws_fixture.h"

enum hook { ON_HANDSHAKE, ON_CONNECT, ON_MESSAGE, ON_DISCONNECT, ON_REQUEST };
enum deed { REMOVE_ENDPOINT, REMOVE_HANDLER, CLOSE_CONNECTION, CLOSE_ALL, CLOSE_SERVER };

struct reentry_case {
    enum hook hook;
    enum deed deed;
};

static struct reentry_case present;
static struct dvbcss_http_handler *handler;
/* Somebody else, who may lose the connection by it. */
static struct ws_peer bystander;
static bool done;

static void close_one(void *user, struct dvbcss_connection *connection)
{
    (void)user;
    dvbcss_connection_close(connection, 4000, "all of you");
}

/* The deed, if it is due in this hook; once. */
static void act(enum hook hook, struct dvbcss_connection *connection)
{
    if (present.hook != hook || done)
        return;
    done = true;
    switch (present.deed) {
    case REMOVE_ENDPOINT:
        dvbcss_endpoint_remove(fixture.endpoint);
        break;
    case REMOVE_HANDLER:
        dvbcss_http_handler_remove(handler);
        break;
    case CLOSE_CONNECTION:
        if (connection)
            dvbcss_connection_close(connection, 4000, "you");
        break;
    case CLOSE_ALL:
        dvbcss_endpoint_each(fixture.endpoint, close_one, NULL);
        break;
    case CLOSE_SERVER:
        dvbcss_server_close(fixture.server, on_server_closed, &fixture);
        break;
    }
}

static void on_handshake(void *context, const struct dvbcss_handshake *handshake)
{
    (void)context, (void)handshake;
    act(ON_HANDSHAKE, NULL);
}

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    record_connect(context, connection);
    act(ON_CONNECT, connection);
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    (void)context, (void)bytes, (void)length, (void)text;
    act(ON_MESSAGE, connection);
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    record_disconnect(context, connection, code, reason);
    act(ON_DISCONNECT, connection);
}

static void on_request(void *context, const struct dvbcss_http_request *request)
{
    const struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;

    (void)context;
    act(ON_REQUEST, NULL);
    cr_assert_eq(dvbcss_http_respond(request, &response), 0);
}

static void start(void)
{
    struct dvbcss_endpoint_options endpoint = recording_endpoint("/echo");
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;

    endpoint.hooks.on_handshake = on_handshake;
    endpoint.hooks.on_connect = on_connect;
    endpoint.hooks.on_message = on_message;
    endpoint.hooks.on_disconnect = on_disconnect;
    done = true;
    start_server(NULL, &endpoint);
    options.path = "/";
    options.handle = on_request;
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), 0);
    cr_assert(ws_peer_open(&bystander, &fixture.loop, server_address(), "/echo"));
    cr_assert(wait_for(&fixture.record.connects, 1));
    done = false;
}

/* All that a peer can say of it, and something behind that. */
static void say_everything(void)
{
    static const char request[] = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
                                  "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char websocket[] = "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                                    "\x01\x81\0\0\0\0a\x80\x81\0\0\0\0b" /* a text in two frames */
                                    "\x89\x80\0\0\0\0"                   /* a ping */
                                    "\x81\x81\0\0\0\0c\x01\x81\0\0\0\0d" /* and a half */
                                    "\x88\x82\0\0\0\0\x03\xe8"           /* a close frame */
                                    "\x81\x81\0\0\0\0e\xff\xff";         /* nobody hears */

    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    if (present.hook == ON_REQUEST)
        cr_assert(ws_peer_send(&peer, request, sizeof request - 1));
    else
        cr_assert(ws_peer_send(&peer, websocket, sizeof websocket - 1));
}

ParameterizedTestParameters(ws_reentry, is_harmless)
{
    static struct reentry_case cases[(ON_REQUEST + 1) * (CLOSE_SERVER + 1)];
    size_t count = 0;

    for (int hook = ON_HANDSHAKE; hook <= ON_REQUEST; hook++)
        for (int deed = REMOVE_ENDPOINT; deed <= CLOSE_SERVER; deed++)
            cases[count++] = (struct reentry_case){(enum hook)hook, (enum deed)deed};
    return cr_make_param_array(struct reentry_case, cases, count);
}

ParameterizedTest(struct reentry_case *param, ws_reentry, is_harmless)
{
    present = *param;
    start();
    say_everything();
    cr_assert(ws_peer_wait_eof(&peer), "hook %d, deed %d", present.hook, present.deed);
    cr_assert(done, "hook %d, deed %d", present.hook, present.deed);
    ws_peer_close(&bystander);
    stop_server();
    cr_assert_eq(fixture.record.connects, fixture.record.disconnects);
}
