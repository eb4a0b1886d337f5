/*
 * Traps of libwebsockets 4.1.6 with libuv that the base keeps its users away from: one test for
 * each that fails on a bare use of the library. Those that have a place elsewhere: a bind that
 * fails, test_ws_listen.c; handshakes that end without an answer, test_ws_refusals.c; peers that
 * never pong, test_ws_timing.c.
 */
#include <fcntl.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ws_fixture.h"

static struct ws_peer_frame frame;
static struct ws_peer_answer answer;

static void say_ok(void *context, const struct dvbcss_http_request *request)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;

    (void)context;
    response.body = "ok";
    response.body_length = 2;
    cr_assert_eq(dvbcss_http_respond(request, &response), 0);
}

static void serve_root(void)
{
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    struct dvbcss_http_handler *handler;

    options.path = "/";
    options.handle = say_ok;
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), 0);
}

/* CVE-2025-11677: an unknown Upgrade on a kept-alive connection hands a freed pointer to the
 * callback, and reads it once more if that lets the request pass. Under the address sanitizer this
 * is a use after free; without it a second answer would follow. */
Test(ws_traps, unknown_upgrade_on_a_kept_alive_connection)
{
    start_server(NULL, NULL);
    serve_root();
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    ws_peer_request(&peer, "GET", "/", "Connection: Upgrade\r\nUpgrade: foo\r\n");
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), WS_PEER_EOF);
    ws_peer_close(&peer);
    open_peer();
    stop_server();
}

/* The same with the two requests in one segment, and with the unknown upgrade in front. */
Test(ws_traps, unknown_upgrade_in_a_pipeline)
{
    start_server(NULL, NULL);
    serve_root();
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                                 "Upgrade: foo\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), WS_PEER_EOF);
    ws_peer_close(&peer);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                                 "Upgrade: foo\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), WS_PEER_EOF);
    ws_peer_close(&peer);
    open_peer();
    stop_server();
}

/* A request with a body behind another one in the same segment keeps the library in a loop inside
 * one callback: nothing is served any more, for ever. */
Test(ws_traps, request_with_a_body_behind_another_request, .timeout = 30)
{
    start_server(NULL, NULL);
    serve_root();
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), WS_PEER_EOF);
    ws_peer_close(&peer);
    open_peer();
    stop_server();
}

enum { BIG = 1 << 20 };

static void close_on_drained(void *context, struct dvbcss_connection *connection)
{
    record_drained(context, connection);
    dvbcss_connection_close(connection, 4001, "bye from server");
}

static bool everything_is_read(void *user)
{
    size_t *left = user;
    ssize_t got = recv(peer.fd, peer.bytes, *left < sizeof peer.bytes ? *left : sizeof peer.bytes,
                       MSG_DONTWAIT);

    if (got > 0)
        *left -= (size_t)got;
    return *left == 0;
}

/* A close that is asked for when the socket has become writable sends no close frame under libuv:
 * the library closes twice, and the peer sees 1006. */
Test(ws_traps, close_frame_asked_for_in_the_writable_event)
{
    static char bytes[BIG];
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    struct dvbcss_message *message;
    char reason[124];
    size_t left = 0;

    memset(bytes, 'x', sizeof bytes);
    options.hooks.on_drained = close_on_drained;
    start_server(NULL, &options);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, bytes, sizeof bytes), 0);
    while (!dvbcss_connection_congested(fixture.record.connection)) {
        cr_assert_eq(dvbcss_connection_send(fixture.record.connection, message), 0);
        left += 10 + sizeof bytes;
    }
    dvbcss_message_release(message);
    cr_assert(ws_peer_pump(&fixture.loop, everything_is_read, &left));
    cr_assert_eq(ws_peer_read_close(&peer, reason), 4001);
    cr_assert_str_eq(reason, "bye from server");
    cr_assert_eq(fixture.record.drained, 1);
    stop_server();
}

/* The library drops its close frame if bytes still wait for the peer. Ours goes behind them. */
Test(ws_traps, close_frame_behind_bytes_that_wait)
{
    static char bytes[BIG];
    struct dvbcss_message *message;
    size_t left = 0;

    memset(bytes, 'x', sizeof bytes);
    start_server(NULL, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, bytes, sizeof bytes), 0);
    while (!dvbcss_connection_congested(fixture.record.connection)) {
        cr_assert_eq(dvbcss_connection_send(fixture.record.connection, message), 0);
        left += 10 + sizeof bytes;
    }
    dvbcss_message_release(message);
    dvbcss_connection_close(fixture.record.connection, 4001, NULL);
    cr_assert(ws_peer_pump(&fixture.loop, everything_is_read, &left));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 4001);
    stop_server();
}

/* permessage-deflate delays messages until the next one under libuv, and breaks large ones. */
Test(ws_traps, extensions_are_not_agreed_to)
{
    char value[64];

    start_server(NULL, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo",
                                 "Sec-WebSocket-Extensions: permessage-deflate; "
                                 "client_max_window_bits\r\n",
                                 &answer),
                 101);
    cr_assert_not(ws_peer_answer_header(&answer, "sec-websocket-extensions", value, sizeof value));
    cr_assert(ws_peer_send_text(&peer, "plain"));
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_str_eq((char *)frame.payload, "plain");
    stop_server();
}

static size_t largest_allocation;

static void *watch_allocation(void *memory, size_t size, const char *reason)
{
    (void)reason;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    if (size > largest_allocation)
        largest_allocation = size;
    return realloc(memory, size);
}

/* The library makes two tables for as many descriptors as RLIMIT_NOFILE allows: 16 MiB for a
 * million. It asks at its start only, so that the limit may be any other before and after. */
Test(ws_traps, memory_does_not_follow_the_descriptor_limit)
{
    struct dvbcss_server_options options = loopback_server();
    struct rlimit high;
    struct rlimit after;

    lws_set_allocator(watch_allocation);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &high), 0);
    high.rlim_cur = high.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &high), 0);
    cr_assert_geq(high.rlim_cur, 4096, "cannot be shown with a limit this low");
    options.fd_limit = 1024;
    start_server(&options, NULL);
    cr_assert_geq(largest_allocation, 1024 * sizeof(void *));
    cr_assert_lt(largest_allocation, 2048 * sizeof(void *));
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &after), 0);
    cr_assert_eq(after.rlim_cur, high.rlim_cur);
    cr_assert_eq(after.rlim_max, high.rlim_max);
    open_peer();
    stop_server();
}

/* A descriptor beyond the tables makes the library drop the connection without a word. */
Test(ws_traps, descriptor_beyond_the_limit_is_turned_away_with_an_answer)
{
    struct dvbcss_server_options options = loopback_server();
    int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int filler;

    options.fd_limit = 64;
    start_server(&options, NULL);
    filler = fcntl(first, F_DUPFD_CLOEXEC, 3);
    while (filler < 80) {
        cr_assert_geq(filler, 0);
        filler = fcntl(first, F_DUPFD_CLOEXEC, filler + 1);
    }
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 503);
    cr_assert_eq(dvbcss_server_counters(fixture.server)->refusals[DVBCSS_REFUSAL_SERVER_FULL], 1);
    stop_server();
}

/* The library's own accept sets TCP_NODELAY, adopting a socket does not: 40 ms per exchange. */
Test(ws_traps, accepted_sockets_have_nodelay)
{
    struct sockaddr_in client;
    socklen_t length = sizeof client;
    int found = 0;

    start_server(NULL, NULL);
    open_peer();
    cr_assert_eq(getsockname(peer.fd, (struct sockaddr *)&client, &length), 0);
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in other = {0};
        int nodelay = 0;

        length = sizeof other;
        if (getpeername(fd, (struct sockaddr *)&other, &length) != 0 ||
            other.sin_port != client.sin_port)
            continue;
        length = sizeof nodelay;
        cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &length), 0);
        cr_assert_neq(nodelay, 0);
        found++;
    }
    cr_assert_eq(found, 1);
    stop_server();
}

/* The library takes frames without a mask, which RFC 6455 section 5.1 forbids. */
Test(ws_traps, unmasked_frames_are_refused)
{
    char reason[124];

    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_TEXT, false, "bare", 4));
    cr_assert_eq(ws_peer_read_close(&peer, reason), DVBCSS_CLOSE_PROTOCOL_ERROR);
    cr_assert_not_null(strstr(reason, "mask"), "%s", reason);
    stop_server();
}

/* HTTP/2 would bypass the checks of the handshake. "Upgrade: h2c" is in test_ws_refusals.c. */
Test(ws_traps, http2_is_not_spoken_to_those_who_begin_with_it)
{
    start_server(NULL, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    /* The preface and an empty SETTINGS frame: a server that speaks it answers with its own. */
    cr_assert(ws_peer_send(&peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33));
    cr_assert(ws_peer_wait_eof(&peer));
    ws_peer_close(&peer);
    open_peer();
    stop_server();
}

/* A connection that fails inside the handshake reports its end without its beginning. */
Test(ws_traps, connections_that_never_began_do_not_end)
{
    start_server(NULL, NULL);
    for (int i = 0; i < 32; i++) {
        cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
        cr_assert(ws_peer_request(&peer, "GET", "/echo",
                                  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
        if (i % 2)
            uv_run(&fixture.loop, UV_RUN_NOWAIT);
        ws_peer_reset(&peer);
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "last"));
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_eq(dvbcss_endpoint_connection_count(fixture.endpoint), 1);
    cr_assert_eq(fixture.record.connects, fixture.record.disconnects + 1);
    stop_server();
    cr_assert_eq(fixture.record.connects, fixture.record.disconnects);
}

/* The library answers CONNECT by turning the connection into a raw one. */
Test(ws_traps, connect_method_ends_the_connection)
{
    start_server(NULL, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&peer, "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\nraw bytes"));
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert_eq(dvbcss_server_counters(fixture.server)->header_timeouts, 0);
    ws_peer_close(&peer);
    open_peer();
    stop_server();
}
