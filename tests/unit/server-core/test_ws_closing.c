/* Servers that close: at any stage, completely. */
#include <fcntl.h>
#include <unistd.h>

#include "ws_fixture.h"

static struct ws_peer second;

Test(ws_closing, right_after_creation_leaves_nothing)
{
    start_server(NULL, NULL);
    stop_server();
}

Test(ws_closing, twice_or_of_nothing_is_harmless)
{
    dvbcss_server_close(NULL, NULL, NULL);
    start_server(NULL, NULL);
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    dvbcss_server_close(fixture.server, NULL, NULL);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
}

Test(ws_closing, tells_every_peer_and_waits_for_its_answer)
{
    char reason[124];

    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_open(&second, &fixture.loop, server_address(), "/echo"));
    cr_assert(wait_for(&fixture.record.connects, 2));
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    cr_assert_eq(fixture.record.disconnects, 0, "never inside the call");
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1001);
    cr_assert_str_eq(reason, "server is ending");
    cr_assert_eq(ws_peer_read_close(&second, NULL), 1001);
    cr_assert_eq(fixture.record.disconnects, 2);
    cr_assert_not(fixture.closed);
    cr_assert(ws_peer_send_close(&peer, 1001, NULL));
    cr_assert(ws_peer_send_close(&second, 1001, NULL));
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert(ws_peer_wait_eof(&second));
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
    ws_peer_close(&second);
    ws_peer_close(&peer);
}

Test(ws_closing, does_not_wait_for_ever_for_a_peer_that_does_not_answer)
{
    struct dvbcss_server_options options = loopback_server();

    options.close_timeout_s = 1;
    start_server(&options, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1001);
    ws_peer_close(&peer);
}

Test(ws_closing, without_any_patience_still_sends_the_close_frames)
{
    struct dvbcss_server_options options = loopback_server();

    options.close_timeout_s = 0;
    start_server(&options, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
    cr_assert_eq(fixture.record.disconnects, 1);
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1001);
    ws_peer_close(&peer);
}

struct stage_case {
    char bytes[200];
    int turns;
};

/* A peer that has come as far as this when the server closes, after so many turns of the loop. */
ParameterizedTestParameters(ws_closing, at_any_stage_of_a_peer_leaves_nothing)
{
#define HANDSHAKE                                                                                  \
    "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    static struct stage_case cases[] = {
        {"", 0},
        {"", 1},
        {"", 3},
        {"GET /e", 1},
        {"GET /e", 5},
        {HANDSHAKE, 0},
        {HANDSHAKE, 1},
        {HANDSHAKE, 2},
        {HANDSHAKE, 3},
        {HANDSHAKE, 10},
        {"GET / H\r\n", 3},
    };

    return cr_make_param_array(struct stage_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct stage_case *param, ws_closing, at_any_stage_of_a_peer_leaves_nothing)
{
    struct dvbcss_server_options options = loopback_server();

    options.close_timeout_s = 0;
    start_server(&options, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, param->bytes));
    for (int i = 0; i < param->turns; i++)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
    cr_assert_eq(fixture.record.connects, fixture.record.disconnects);
    ws_peer_close(&peer);
}

static void close_server_on_connect(void *context, struct dvbcss_connection *connection)
{
    record_connect(context, connection);
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
}

static void close_server_on_message(void *context, struct dvbcss_connection *connection,
                                    const void *bytes, size_t length, bool text)
{
    (void)context, (void)connection, (void)bytes, (void)length, (void)text;
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
}

static void close_server_on_disconnect(void *context, struct dvbcss_connection *connection,
                                       unsigned code, const char *reason)
{
    record_disconnect(context, connection, code, reason);
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
}

static void finish_closing(void)
{
    ws_peer_close(&peer);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
    cr_assert_eq(fixture.record.connects, 1);
    cr_assert_eq(fixture.record.disconnects, 1);
}

Test(ws_closing, inside_the_connect_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.hooks.on_connect = close_server_on_connect;
    start_server(NULL, &options);
    open_peer();
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1001);
    finish_closing();
}

Test(ws_closing, inside_the_message_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.hooks.on_message = close_server_on_message;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "end"));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1001);
    finish_closing();
}

Test(ws_closing, inside_the_disconnect_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.hooks.on_disconnect = close_server_on_disconnect;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_send_close(&peer, 1000, NULL));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1000);
    finish_closing();
}

static void start_another(void *user)
{
    struct dvbcss_server_options options = loopback_server();

    on_server_closed(user);
    cr_assert_eq(dvbcss_server_create(&fixture.server, &fixture.loop, &options, NULL), 0);
    dvbcss_server_close(fixture.server, NULL, NULL);
}

Test(ws_closing, lets_another_server_start_in_its_callback)
{
    start_server(NULL, NULL);
    dvbcss_server_close(fixture.server, start_another, &fixture);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
}

Test(ws_closing, one_of_two_servers_on_a_loop_leaves_the_other)
{
    struct dvbcss_server_options options = loopback_server();
    struct dvbcss_server *other;

    start_server(NULL, NULL);
    cr_assert_eq(dvbcss_server_create(&other, &fixture.loop, &options, NULL), 0);
    open_peer();
    dvbcss_server_close(other, on_server_closed, &fixture);
    while (!fixture.closed)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    cr_assert(ws_peer_send_text(&peer, "x"));
    cr_assert(wait_for(&fixture.record.messages, 1));
    fixture.closed = false;
    stop_server();
}

/* Whoever opens something while a server goes away gets numbers that were the server's. */
enum { OTHERS = 40, OTHERS_A_TURN = 4 };

struct other {
    uv_check_t check;
    int descriptors[OTHERS];
    unsigned count;
};

static void open_others(uv_check_t *check)
{
    struct other *other = check->data;

    for (unsigned i = 0; i < OTHERS_A_TURN && other->count < OTHERS; i++)
        other->descriptors[other->count++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void close_among_others(void)
{
    struct other other = {.count = 0};

    cr_assert_eq(uv_check_init(&fixture.loop, &other.check), 0);
    other.check.data = &other;
    cr_assert_eq(uv_check_start(&other.check, open_others), 0);
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    while (!fixture.closed)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    cr_assert_gt(other.count, 0);
    for (unsigned i = 0; i < other.count; i++)
        cr_expect_eq(close(other.descriptors[i]), 0, "%d was closed by somebody else",
                     other.descriptors[i]);
    uv_close((uv_handle_t *)&other.check, NULL);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
}

Test(ws_closing, closes_no_descriptor_of_others)
{
    start_server(NULL, NULL);
    close_among_others();
}

Test(ws_closing, closes_no_descriptor_of_others_while_a_peer_hangs_on)
{
    struct dvbcss_server_options options = loopback_server();

    options.close_timeout_s = 1;
    start_server(&options, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    close_among_others();
    ws_peer_close(&peer);
}

Test(ws_closing, many_times_over_does_not_grow)
{
    for (int i = 0; i < 20; i++) {
        start_server(NULL, NULL);
        open_peer();
        stop_server();
    }
}
