/* Every allocation of the base fails once: each time the server stays whole, or was never made, and
 * nothing is left in the end. The allocations of the library below are not ours to fail. */
#include <criterion/criterion.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/server.h"
#include "failing_alloc.h"
#include "server-core/ws_queue.h"
#include "ws_peer.h"

enum { NEVER = 1000000 };

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_endpoint *endpoint;
static struct dvbcss_http_handler *handler;
static struct ws_peer peer;
static struct ws_peer_frame frame;
static struct ws_peer_answer answer;
static unsigned connects;
static unsigned disconnects;

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    (void)context, (void)connection;
    connects++;
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    int result = dvbcss_connection_send_text(connection, bytes, length);

    (void)context, (void)text;
    cr_assert(result == 0 || result == DVBCSS_ENOMEM);
    if (result != 0)
        dvbcss_connection_close(connection, DVBCSS_CLOSE_INTERNAL_ERROR, "no memory");
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    (void)context, (void)connection, (void)code, (void)reason;
    disconnects++;
}

static void handle(void *context, const struct dvbcss_http_request *request)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    int result;

    (void)context;
    response.body = request->body;
    response.body_length = request->body_length;
    result = dvbcss_http_respond(request, &response);
    cr_assert(result == 0 || result == DVBCSS_ENOMEM);
}

static int make_server(void)
{
    static const struct dvbcss_server_listen listen = {.host = "127.0.0.1"};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;

    options.listen = &listen;
    options.listen_count = 1;
    options.fd_limit = 1024;
    options.close_timeout_s = 0;
    return dvbcss_server_create(&server, &loop, &options, NULL);
}

static int make_endpoint(void)
{
    struct dvbcss_endpoint_options options = DVBCSS_ENDPOINT_OPTIONS_INIT;

    options.path = "/echo";
    options.id_prefix = "echo";
    options.access = (struct dvbcss_access){DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a", NULL};
    options.hooks.on_connect = on_connect;
    options.hooks.on_message = on_message;
    options.hooks.on_disconnect = on_disconnect;
    return dvbcss_endpoint_add(&endpoint, server, &options);
}

static int make_handler(void)
{
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;

    options.path = "/api";
    options.handle = handle;
    return dvbcss_http_handler_add(&handler, server, &options);
}

static void finish(void)
{
    dvbcss_server_close(server, NULL, NULL);
    server = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    ws_peer_close(&peer);
    cr_assert_eq(uv_loop_close(&loop), 0);
    cr_assert_eq(connects, disconnects);
    cr_assert_eq(failing_alloc_outstanding(), 0);
}

static void start(void)
{
    peer.fd = -1;
    connects = 0;
    disconnects = 0;
    cr_assert_eq(uv_loop_init(&loop), 0);
}

static void expect_result(int result, bool failed)
{
    cr_assert_eq(result, failed ? DVBCSS_ENOMEM : 0);
}

Test(ws_alloc, creating_a_server_with_endpoint_and_handler)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        int result;

        start();
        failing_alloc_begin(n);
        result = make_server();
        if (result == 0)
            result = make_endpoint();
        if (result == 0)
            result = make_handler();
        failed = failing_alloc_failed();
        expect_result(result, failed);
        finish();
        failing_alloc_end();
    }
}

/* One scene with a peer, played with the n-th allocation failing until none fails any more. What
 * the peer sees in between may be anything but a wrong answer. */
static void play(void (*scene)(void), bool (*came_through)(void))
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        start();
        failing_alloc_begin(NEVER);
        cr_assert_eq(make_server(), 0);
        cr_assert_eq(make_endpoint(), 0);
        cr_assert_eq(make_handler(), 0);
        failing_alloc_rearm(n);
        scene();
        failed = failing_alloc_failed();
        if (!failed)
            cr_assert(came_through());
        ws_peer_close(&peer);
        /* Everybody else is served as ever. */
        failing_alloc_rearm(NEVER);
        cr_assert(ws_peer_open(&peer, &loop, dvbcss_server_address(server, 0), "/echo"));
        finish();
        failing_alloc_end();
    }
}

static int scene_result;

static void connect_and_echo(void)
{
    scene_result = 0;
    if (!ws_peer_open(&peer, &loop, dvbcss_server_address(server, 0), "/echo"))
        return;
    /* In fragments, so that they are put together in memory of their own. */
    if (!ws_peer_send_frame(&peer, WS_PEER_TEXT, true, "al", 2) ||
        !ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_CONTINUATION, true, "loc", 3))
        return;
    scene_result = ws_peer_read_frame(&peer, &frame);
    cr_assert_neq(scene_result, WS_PEER_TIMEOUT);
}

static bool echo_came(void)
{
    return scene_result == WS_PEER_TEXT && strcmp((char *)frame.payload, "alloc") == 0;
}

Test(ws_alloc, accepting_upgrading_receiving_and_sending)
{
    play(connect_and_echo, echo_came);
}

static void post(void)
{
    scene_result = 0;
    if (!ws_peer_connect(&peer, &loop, dvbcss_server_address(server, 0)) ||
        !ws_peer_request(&peer, "POST", "/api/x?y=z", "Content-Length: 4\r\n") ||
        !ws_peer_say(&peer, "body"))
        return;
    scene_result = ws_peer_read_answer(&peer, &answer);
    cr_assert(scene_result == 200 || scene_result == 500 || scene_result == WS_PEER_EOF);
}

static bool answer_came(void)
{
    return scene_result == 200 && strcmp(answer.body, "body") == 0;
}

Test(ws_alloc, answering_a_request)
{
    play(post, answer_came);
}

static void ask_in_vain(void)
{
    scene_result = 0;
    if (ws_peer_connect(&peer, &loop, dvbcss_server_address(server, 0)) &&
        ws_peer_request(&peer, "GET", "/nothing", NULL))
        scene_result = ws_peer_read_answer(&peer, &answer);
}

static bool refusal_came(void)
{
    return scene_result == 404;
}

Test(ws_alloc, refusing_a_request)
{
    play(ask_in_vain, refusal_came);
}

Test(ws_alloc, queueing_a_message)
{
    static const struct ws_queue_rules rules = {DVBCSS_QUEUE_ORDERED, 8, 100};
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct ws_queue queue = {0};
        struct dvbcss_message *message = NULL;
        uint64_t dropped = 0;
        int result;

        failing_alloc_begin(n);
        result = dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, "text", 4);
        if (result == 0)
            result = ws_queue_push(&queue, message, &rules, &dropped);
        failed = failing_alloc_failed();
        expect_result(result, failed);
        cr_assert_eq(queue.messages, failed ? 0 : 1);
        dvbcss_message_release(message);
        ws_queue_clear(&queue);
        cr_assert_eq(failing_alloc_outstanding(), 0);
        failing_alloc_end();
    }
}

Test(ws_alloc, changing_who_may_connect)
{
    static const struct dvbcss_access access = {DVBCSS_ORIGIN_LISTED, "https://b", "tv"};
    static const struct dvbcss_access before = {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a", NULL};
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        int result;

        start();
        failing_alloc_begin(NEVER);
        cr_assert_eq(make_server(), 0);
        cr_assert_eq(make_endpoint(), 0);
        cr_assert_eq(dvbcss_endpoint_set_access(endpoint, &before), 0);
        failing_alloc_rearm(n);
        result = dvbcss_endpoint_set_access(endpoint, &access);
        failed = failing_alloc_failed();
        expect_result(result, failed);
        /* As it was, or as it shall be: no Origin gets in only before. */
        cr_assert_eq(ws_peer_open(&peer, &loop, dvbcss_server_address(server, 0), "/echo"), failed);
        finish();
        failing_alloc_end();
    }
}

static void refuse(void *context, const struct dvbcss_handshake *handshake)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;

    (void)context;
    response.status = 401;
    scene_result = dvbcss_handshake_refuse(handshake, &response);
}

Test(ws_alloc, refusing_a_handshake)
{
    struct dvbcss_endpoint_options options = DVBCSS_ENDPOINT_OPTIONS_INIT;
    bool failed = true;

    options.path = "/refused";
    options.id_prefix = "refused";
    options.hooks.on_handshake = refuse;
    for (unsigned n = 0; failed; n++) {
        int status = 0;

        start();
        failing_alloc_begin(NEVER);
        cr_assert_eq(make_server(), 0);
        cr_assert_eq(dvbcss_endpoint_add(&endpoint, server, &options), 0);
        failing_alloc_rearm(n);
        if (ws_peer_connect(&peer, &loop, dvbcss_server_address(server, 0)))
            status = ws_peer_upgrade(&peer, "/refused", NULL, NULL);
        failed = failing_alloc_failed();
        cr_assert(status == 401 || (failed && (status == 500 || status == WS_PEER_EOF)));
        finish();
        failing_alloc_end();
    }
}
