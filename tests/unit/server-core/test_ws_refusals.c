/* What a peer is told that is not let in: always by an HTTP answer that says why. */
#include "ws_fixture.h"

static struct ws_peer_answer answer;

#define RIGHT_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define RIGHT_VERSION "Sec-WebSocket-Version: 13\r\n"
#define RIGHT_UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

struct handshake_case {
    char what[40];
    char method[8];
    char path[16];
    char headers[320];
    int status;
};

ParameterizedTestParameters(ws_refusals, answer_every_wrong_handshake)
{
    static struct handshake_case cases[] = {
        {"unknown path", "GET", "/nowhere", RIGHT_UPGRADE RIGHT_VERSION RIGHT_KEY, 404},
        {"path is longer", "GET", "/echo/x", RIGHT_UPGRADE RIGHT_VERSION RIGHT_KEY, 404},
        {"other method", "POST", "/echo", RIGHT_UPGRADE RIGHT_VERSION RIGHT_KEY, 405},
        {"plain GET", "GET", "/echo", "", 426},
        {"plain HEAD", "HEAD", "/echo", "", 426},
        {"HEAD elsewhere", "HEAD", "/nowhere", "", 404},
        {"HEAD without one host", "HEAD", "/echo", "Host: other\r\n", 400},
        {"plain POST", "POST", "/echo", "Content-Length: 2\r\n", 426},
        {"no Upgrade", "GET", "/echo", "Connection: Upgrade\r\n" RIGHT_VERSION RIGHT_KEY, 426},
        {"Upgrade: h2c", "GET", "/echo",
         "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__"
         "\r\n",
         426},
        {"no Connection", "GET", "/echo", "Upgrade: websocket\r\n" RIGHT_VERSION RIGHT_KEY, 426},
        {"Connection: close", "GET", "/echo",
         "Upgrade: websocket\r\nConnection: close\r\n" RIGHT_VERSION RIGHT_KEY, 426},
        {"odd Connection", "GET", "/echo",
         "Upgrade: websocket\r\nConnection: ;;, Upgraded\r\n" RIGHT_VERSION RIGHT_KEY, 426},
        {"no version", "GET", "/echo", RIGHT_UPGRADE RIGHT_KEY, 426},
        {"version 8", "GET", "/echo", RIGHT_UPGRADE "Sec-WebSocket-Version: 8\r\n" RIGHT_KEY, 426},
        {"version 13 twice", "GET", "/echo", RIGHT_UPGRADE RIGHT_VERSION RIGHT_VERSION RIGHT_KEY,
         426},
        {"no key", "GET", "/echo", RIGHT_UPGRADE RIGHT_VERSION, 400},
        {"short key", "GET", "/echo", RIGHT_UPGRADE RIGHT_VERSION "Sec-WebSocket-Key: AAAA\r\n",
         400},
        {"key twice", "GET", "/echo", RIGHT_UPGRADE RIGHT_VERSION RIGHT_KEY RIGHT_KEY, 400},
        {"subprotocol", "GET", "/echo",
         RIGHT_UPGRADE RIGHT_VERSION RIGHT_KEY "Sec-WebSocket-Protocol: chat\r\n", 400},
    };

    return cr_make_param_array(struct handshake_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct handshake_case *param, ws_refusals, answer_every_wrong_handshake)
{
    char value[64];

    start_server(NULL, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_request(&peer, param->method, param->path, param->headers));
    /* The answer to a HEAD has no body, though it tells a length. */
    if (strcmp(param->method, "HEAD") == 0) {
        cr_assert_eq(ws_peer_read_answer(&peer, &answer), WS_PEER_EOF);
        cr_assert_eq(answer.status, param->status, "%s: %d", param->what, answer.status);
        cr_assert_gt(answer.body_length, 20, "%s", param->what);
        cr_assert_eq(peer.length, 0, "%s", param->what);
    } else {
        cr_assert_eq(ws_peer_read_answer(&peer, &answer), param->status, "%s: %d", param->what,
                     answer.status);
        cr_assert_gt(answer.body_length, 20, "%s", param->what);
        cr_assert(ws_peer_answer_header(&answer, "content-type", value, sizeof value));
        cr_assert_str_eq(value, "text/plain; charset=utf-8");
    }
    cr_assert(strncmp(answer.head, "HTTP/1.1 ", 9) == 0);
    if (param->status == 426) {
        cr_assert(ws_peer_answer_header(&answer, "upgrade", value, sizeof value));
        cr_assert_str_eq(value, "websocket");
    }
    cr_assert_eq(fixture.record.connects, 0);
    stop_server();
    cr_assert_eq(fixture.record.disconnects, 0);
}

Test(ws_refusals, name_the_version_that_is_spoken)
{
    char value[16];

    start_server(NULL, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_request(&peer, "GET", "/echo",
                              RIGHT_UPGRADE "Sec-WebSocket-Version: 25\r\n" RIGHT_KEY));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 426);
    cr_assert(ws_peer_answer_header(&answer, "sec-websocket-version", value, sizeof value));
    cr_assert_str_eq(value, "13");
    cr_assert_eq(dvbcss_server_counters(fixture.server)->refusals[DVBCSS_REFUSAL_VERSION], 1);
    stop_server();
}

/* A request whose line and headers have that many bytes, the empty line included. */
static void send_head(size_t length)
{
    static const char begin[] = "GET /none HTTP/1.1\r\nHost: x\r\nX: ";
    static const char end[] = "\r\n\r\n";
    char head[1024];
    size_t rest = sizeof begin - 1;

    cr_assert_leq(length, sizeof head);
    memcpy(head, begin, rest);
    memset(head + rest, 'x', length - rest);
    memcpy(head + length - (sizeof end - 1), end, sizeof end - 1);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_send(&peer, head, length));
}

Test(ws_refusals, with_431_of_heads_that_are_longer_than_they_may_be)
{
    struct dvbcss_server_options options = loopback_server();
    const uint64_t *refusals;

    options.max_header_bytes = 600;
    start_server(&options, NULL);
    refusals = dvbcss_server_counters(fixture.server)->refusals;
    send_head(599);
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 404);
    ws_peer_close(&peer);
    send_head(600);
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 404);
    ws_peer_close(&peer);
    cr_assert_eq(refusals[DVBCSS_REFUSAL_HEADERS_TOO_BIG], 0);
    send_head(601);
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 431);
    cr_assert_not_null(strstr(answer.body, "headers are too large"));
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert_eq(refusals[DVBCSS_REFUSAL_HEADERS_TOO_BIG], 1);
    stop_server();
}

Test(ws_refusals, of_a_request_without_host_are_answered)
{
    start_server(NULL, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(
        ws_peer_say(&peer, "GET /echo HTTP/1.1\r\n" RIGHT_UPGRADE RIGHT_VERSION RIGHT_KEY "\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 400);
    stop_server();
}

Test(ws_refusals, of_an_unknown_upgrade_are_answered)
{
    start_server(NULL, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_request(&peer, "GET", "/echo",
                              "Upgrade: foo\r\nConnection: Upgrade\r\n" RIGHT_VERSION RIGHT_KEY));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 426);
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

Test(ws_refusals, with_503_when_the_endpoint_is_full_say_when_to_retry)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    static struct ws_peer second;
    char value[16];

    options.limits.max_connections = 1;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_connect(&second, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&second, "/echo", NULL, &answer), 503);
    cr_assert(ws_peer_answer_header(&answer, "retry-after", value, sizeof value));
    cr_assert_str_eq(value, "30");
    cr_assert_not_null(strstr(answer.body, "connection limit"));
    ws_peer_close(&second);
    /* A slot that is given back can be taken again. */
    ws_peer_close(&peer);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    open_peer();
    cr_assert_eq(dvbcss_server_counters(fixture.server)->refusals[DVBCSS_REFUSAL_FULL], 1);
    stop_server();
}

Test(ws_refusals, of_handshakes_that_fail_give_their_slots_back)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.limits.max_connections = 1;
    start_server(NULL, &options);
    for (int i = 0; i < 3; i++) {
        cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
        cr_assert_eq(ws_peer_upgrade(&peer, "/echo", "Sec-WebSocket-Protocol: x\r\n", NULL), 400);
        ws_peer_close(&peer);
    }
    open_peer();
    stop_server();
}

Test(ws_refusals, of_all_at_a_limit_of_zero)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.limits.max_connections = 0;
    start_server(NULL, &options);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, NULL), 503);
    ws_peer_close(&peer);
    dvbcss_endpoint_set_max_connections(fixture.endpoint, 1);
    cr_assert_eq(dvbcss_endpoint_max_connections(fixture.endpoint), 1);
    open_peer();
    stop_server();
}

Test(ws_refusals, with_403_while_disabled_for_handshakes_and_plain_requests)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.enabled = false;
    start_server(NULL, &options);
    cr_assert_not(dvbcss_endpoint_enabled(fixture.endpoint));
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, &answer), 403);
    cr_assert_not_null(strstr(answer.body, "disabled"));
    ws_peer_close(&peer);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_request(&peer, "GET", "/echo", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 403);
    ws_peer_close(&peer);
    dvbcss_endpoint_set_enabled(fixture.endpoint, true);
    open_peer();
    stop_server();
}

Test(ws_refusals, come_with_the_headers_that_every_answer_has)
{
    static const struct dvbcss_http_header headers[] = {{"X-One", "1"}, {"X-Two", "2"}};
    struct dvbcss_server_options options = loopback_server();
    char value[16];

    options.server_name = "tv";
    options.headers = headers;
    options.header_count = 2;
    start_server(&options, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/none", NULL, &answer), 404);
    cr_assert(ws_peer_answer_header(&answer, "server", value, sizeof value));
    cr_assert_str_eq(value, "tv");
    cr_assert(ws_peer_answer_header(&answer, "x-two", value, sizeof value));
    cr_assert_str_eq(value, "2");
    ws_peer_close(&peer);
    /* And so does the handshake. */
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, &answer), 101);
    cr_assert(ws_peer_answer_header(&answer, "x-one", value, sizeof value));
    cr_assert_str_eq(value, "1");
    stop_server();
}
