/* Peers that are slow, silent or gone: found by time, in whole seconds. */
#include "ws_fixture.h"

static struct ws_peer_frame frame;
static struct ws_peer_answer answer;

static struct dvbcss_server_options impatient_server(void)
{
    struct dvbcss_server_options options = loopback_server();

    options.ping_interval_s = 1;
    options.idle_timeout_s = 3;
    options.header_timeout_s = 1;
    options.close_timeout_s = 1;
    return options;
}

Test(ws_timing, silent_peers_are_pinged_and_live_as_long_as_they_answer)
{
    struct dvbcss_server_options options = impatient_server();

    start_server(&options, NULL);
    open_peer();
    /* Longer than the idle timeout: one ping a second. */
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_PING);
        cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_PONG, true, frame.payload,
                                     frame.length));
    }
    cr_assert_eq(fixture.record.disconnects, 0);
    stop_server();
}

/* A bare use of the library ends such a peer without a close frame, if it is told to at all. */
Test(ws_timing, peers_that_answer_no_ping_are_closed_with_1008)
{
    struct dvbcss_server_options options = impatient_server();
    char reason[124];

    start_server(&options, NULL);
    open_peer();
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1008);
    cr_assert_str_eq(reason, "no sign of life");
    cr_assert_eq(fixture.record.code, 1008);
    cr_assert_eq(dvbcss_server_counters(fixture.server)->idle_evictions, 1);
    /* It does not answer the close frame either: the server hangs up. */
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

struct partial_case {
    char bytes[96];
    int status;
};

ParameterizedTestParameters(ws_timing, requests_that_do_not_come_to_an_end_are_given_up)
{
    static struct partial_case cases[] = {
        {"", 408},
        {"G", 408},
        {"GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: webso", 408},
        {"GET /echo HTTP/1.1\r\nHost: x\r\n", 408},
        {"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123", 404},
    };

    return cr_make_param_array(struct partial_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct partial_case *param, ws_timing,
                  requests_that_do_not_come_to_an_end_are_given_up)
{
    struct dvbcss_server_options options = impatient_server();

    start_server(&options, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, param->bytes));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), param->status);
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert_eq(dvbcss_server_counters(fixture.server)->refusals[DVBCSS_REFUSAL_TIMEOUT],
                 param->status == 408);
    stop_server();
}

Test(ws_timing, limits_change_while_connections_are_open)
{
    struct dvbcss_server_options options = impatient_server();
    char reason[124];

    options.idle_timeout_s = 0;
    options.header_timeout_s = 600;
    start_server(&options, NULL);
    open_peer();
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_PING);
    options.idle_timeout_s = 1;
    cr_assert_eq(dvbcss_server_set_limits(fixture.server, &options), DVBCSS_EINVAL);
    options.idle_timeout_s = 2;
    options.header_timeout_s = 1;
    cr_assert_eq(dvbcss_server_set_limits(fixture.server, &options), 0);
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1008);
    cr_assert_str_eq(reason, "no sign of life");
    ws_peer_close(&peer);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 408);
    stop_server();
}

/* One header a time: each of them resets the library's own timeout. */
struct drip {
    unsigned sent;
    bool ended;
};

static bool drip_until_the_end(void *user)
{
    struct drip *drip = user;
    char byte;

    if (recv(peer.fd, &byte, 1, MSG_DONTWAIT) == 0)
        drip->ended = true;
    /* Not more than the largest header block: it is the time that counts. */
    if (!drip->ended && drip->sent++ < 900)
        ws_peer_say(&peer, "a");
    return drip->ended;
}

Test(ws_timing, slow_headers_do_not_hold_a_connection)
{
    struct dvbcss_server_options options = impatient_server();
    struct drip drip = {0, false};

    start_server(&options, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, "GET /echo HTTP/1.1\r\nX-Slow: "));
    cr_assert(ws_peer_pump(&fixture.loop, drip_until_the_end, &drip));
    stop_server();
}

Test(ws_timing, a_peer_that_reads_nothing_is_let_go_after_its_close)
{
    static char bytes[1 << 20];
    struct dvbcss_server_options options = impatient_server();
    struct dvbcss_message *message;

    memset(bytes, 'x', sizeof bytes);
    options.ping_interval_s = 0;
    options.idle_timeout_s = 0;
    start_server(&options, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, bytes, sizeof bytes), 0);
    while (!dvbcss_connection_congested(fixture.record.connection))
        cr_assert_eq(dvbcss_connection_send(fixture.record.connection, message), 0);
    dvbcss_message_release(message);
    dvbcss_connection_close(fixture.record.connection, 4000, NULL);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    /* The close frame cannot reach it, and nobody waits for ever. */
    while (dvbcss_server_counters(fixture.server)->sockets_open != 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    stop_server();
}
