/* HTTP handlers beside the WebSocket endpoints. */
#include <errno.h>

#include "ws_fixture.h"

static struct ws_peer_answer answer;

/* What the recording handler was asked, and what it answers. */
static struct {
    unsigned calls;
    char method[16];
    char path[256];
    char query[256];
    char header[256];
    int header_result;
    char body[256];
    size_t body_length;
    struct dvbcss_http_response response;
    int result;
    bool silent;
    struct dvbcss_http_handler *remove;
} asked;

static void record_request(void *context, const struct dvbcss_http_request *request)
{
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    (void)context;
    asked.calls++;
    snprintf(asked.method, sizeof asked.method, "%s", request->method);
    snprintf(asked.path, sizeof asked.path, "%s", request->path);
    snprintf(asked.query, sizeof asked.query, "%s", request->query);
    snprintf(asked.body, sizeof asked.body, "%.*s", (int)request->body_length,
             (const char *)request->body);
    asked.body_length = request->body_length;
    asked.header_result =
        dvbcss_http_request_header(request, "x-test", asked.header, sizeof asked.header);
    cr_assert_eq(strncmp(dvbcss_address_format(request->peer, text), "127.0.0.1:", 10), 0);
    cr_assert_eq(strncmp(dvbcss_address_format(request->local, text), "127.0.0.1:", 10), 0);
    if (!asked.silent)
        asked.result = dvbcss_http_respond(request, &asked.response);
    dvbcss_http_handler_remove(asked.remove);
    asked.remove = NULL;
}

static struct dvbcss_http_handler *add_handler(const char *path)
{
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    struct dvbcss_http_handler *handler;

    options.path = path;
    options.handle = record_request;
    options.max_body_bytes = 16;
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), 0);
    return handler;
}

static void start_http_with(const struct dvbcss_server_options *options)
{
    memset(&asked, 0, sizeof asked);
    asked.response = (struct dvbcss_http_response)DVBCSS_HTTP_RESPONSE_INIT;
    asked.response.content_type = "text/plain";
    asked.response.body = "hello";
    asked.response.body_length = 5;
    start_server(options, NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
}

static void start_http(void)
{
    start_http_with(NULL);
}

Test(ws_http, handler_sees_the_request_and_its_answer_arrives)
{
    char value[32];

    start_http();
    add_handler("/api");
    cr_assert(ws_peer_request(&peer, "GET", "/api/x?a=1&b=2", "X-Test: seen\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_str_eq(answer.body, "hello");
    cr_assert(ws_peer_answer_header(&answer, "content-type", value, sizeof value));
    cr_assert_str_eq(value, "text/plain");
    cr_assert(ws_peer_answer_header(&answer, "server", value, sizeof value));
    cr_assert_str_eq(asked.method, "GET");
    cr_assert_str_eq(asked.path, "/api/x");
    cr_assert_str_eq(asked.query, "a=1&b=2");
    cr_assert_eq(asked.header_result, 0);
    cr_assert_str_eq(asked.header, "seen");
    cr_assert_eq(asked.body_length, 0);
    cr_assert_eq(dvbcss_server_counters(fixture.server)->http_requests, 1);
    stop_server();
}

static void ask_again(void)
{
    ws_peer_close(&peer);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
}

Test(ws_http, connection_ends_with_its_answer)
{
    char value[16];

    start_http();
    add_handler("/");
    cr_assert(ws_peer_request(&peer, "GET", "/", "Connection: keep-alive\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert(ws_peer_answer_header(&answer, "connection", value, sizeof value));
    cr_assert_str_eq(value, "close");
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert_eq(asked.header_result, DVBCSS_ENOENT);
    stop_server();
}

struct method_case {
    char method[8];
    char body[17];
};

ParameterizedTestParameters(ws_http, every_method_works_with_and_without_a_body)
{
    static struct method_case cases[] = {
        {"GET", ""},    {"DELETE", ""},  {"OPTIONS", ""}, {"POST", ""},
        {"PUT", ""},    {"PATCH", ""},   {"POST", "a"},   {"PUT", "0123456789abcdef"},
        {"PATCH", "a"}, {"DELETE", "a"},
    };

    return cr_make_param_array(struct method_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct method_case *param, ws_http, every_method_works_with_and_without_a_body)
{
    char headers[64];

    start_http();
    add_handler("/");
    snprintf(headers, sizeof headers, "X-Test: kept\r\nContent-Length: %zu\r\n",
             strlen(param->body));
    cr_assert(ws_peer_request(&peer, param->method, "/", headers));
    cr_assert(ws_peer_say(&peer, param->body));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200, "%s", param->method);
    cr_assert_eq(asked.calls, 1, "%s %s", param->method, param->body);
    cr_assert_str_eq(asked.method, param->method);
    cr_assert_str_eq(asked.body, param->body);
    /* Headers can be asked for after the body, too. */
    cr_assert_str_eq(asked.header, "kept");
    stop_server();
}

Test(ws_http, body_may_arrive_byte_by_byte)
{
    start_http();
    add_handler("/");
    cr_assert(ws_peer_request(&peer, "POST", "/", "Content-Length: 4\r\n"));
    for (const char *byte = "abcd"; *byte; byte++) {
        cr_assert_eq(asked.calls, 0);
        cr_assert(ws_peer_send(&peer, byte, 1));
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_str_eq(asked.body, "abcd");
    stop_server();
}

Test(ws_http, answer_to_head_has_no_body)
{
    char value[16];

    start_http();
    add_handler("/");
    cr_assert(ws_peer_request(&peer, "HEAD", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), WS_PEER_EOF);
    cr_assert_eq(answer.status, 200);
    cr_assert(ws_peer_answer_header(&answer, "content-length", value, sizeof value));
    cr_assert_str_eq(value, "5");
    cr_assert_eq(peer.length, 0);
    stop_server();
}

struct target_case {
    char target[48];
    char path[16];
    char query[16];
};

ParameterizedTestParameters(ws_http, targets_are_split_into_path_and_query)
{
    static struct target_case cases[] = {
        {"/api", "/api", ""},
        {"/api/a%20b?", "/api/a b", ""},
        /* A handler can tell "&" from "%26". */
        {"/api?a=%26&b=%41+", "/api", "a=%26&b=%41+"},
        {"/x/../api//y", "/api/y", ""},
        /* As to a proxy, which every server has to understand (RFC 9112 section 3.2.2). */
        {"http://elsewhere:80/api/x?a=%26", "/api/x", "a=%26"},
        {"HTTPS://elsewhere/api", "/api", ""},
    };

    return cr_make_param_array(struct target_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct target_case *param, ws_http, targets_are_split_into_path_and_query)
{
    start_http();
    add_handler("/api");
    cr_assert(ws_peer_request(&peer, "GET", param->target, NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200, "%s: %d", param->target, answer.status);
    cr_assert_str_eq(asked.path, param->path);
    cr_assert_str_eq(asked.query, param->query);
    stop_server();
}

Test(ws_http, upgrades_that_are_not_known_are_passed_over)
{
    start_http();
    add_handler("/");
    cr_assert(ws_peer_request(&peer, "GET", "/", "Connection: Upgrade\r\nUpgrade: foo\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    ask_again();
    cr_assert(ws_peer_request(&peer, "POST", "/",
                              "Connection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 3\r\n"));
    cr_assert(ws_peer_say(&peer, "abc"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_str_eq(asked.body, "abc");
    stop_server();
}

Test(ws_http, peers_that_wait_before_they_send_a_body_are_told_to_go_on)
{
    start_http();
    add_handler("/");
    cr_assert(ws_peer_request(&peer, "POST", "/", "Content-Length: 4\r\nExpect: 100-Continue\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 100);
    cr_assert_str_eq(answer.head, "HTTP/1.1 100 Continue\r\n\r\n");
    cr_assert_eq(asked.calls, 0);
    cr_assert(ws_peer_say(&peer, "abcd"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_str_eq(asked.body, "abcd");
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

struct expect_case {
    char what[40];
    char request[160];
    int status;
};

ParameterizedTestParameters(ws_http, peers_that_need_not_wait_are_not_told_to_go_on)
{
    static struct expect_case cases[] = {
        {"its body is too long",
         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n", 413},
        {"it has no body", "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", 200},
        {"of HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\na",
         200},
        {"it expects something else",
         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: miracles\r\n\r\na", 200},
    };

    return cr_make_param_array(struct expect_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct expect_case *param, ws_http,
                  peers_that_need_not_wait_are_not_told_to_go_on)
{
    start_http();
    add_handler("/");
    cr_assert(ws_peer_say(&peer, param->request));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), param->status, "%s: %d", param->what,
                 answer.status);
    stop_server();
}

/* HTTP/1.1 has to come with one (RFC 9112 section 3.2). */
Test(ws_http, host_is_not_needed_in_http_1_0)
{
    start_http();
    add_handler("/");
    cr_assert(ws_peer_say(&peer, "GET / HTTP/1.0\r\n\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    ask_again();
    cr_assert(ws_peer_say(&peer, "GET / HTTP/1.0\r\nHost: x\r\n\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_eq(asked.calls, 2);
    stop_server();
}

struct refusal_case {
    char what[24];
    char request[160];
    int status;
};

ParameterizedTestParameters(ws_http, requests_that_cannot_be_served_are_answered)
{
    static struct refusal_case cases[] = {
        {"no handler", "GET /other HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"prefix is no segment", "GET /apis HTTP/1.1\r\nHost: x\r\n\r\n", 404},
        {"no host", "GET /api HTTP/1.1\r\n\r\n", 400},
        {"two hosts", "GET /api HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
        {"two hosts in HTTP/1.0", "GET /api HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"above the root", "GET /../api HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"absolute without Host", "GET http://x/api HTTP/1.1\r\n\r\n", 400},
        {"length is no number", "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n", 400},
        {"negative length", "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400},
        {"endless length",
         "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"two lengths",
         "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"transfer coding",
         "POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
         400},
        {"too long", "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n", 413},
        {"far too long", "PUT /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc",
         413},
    };

    return cr_make_param_array(struct refusal_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct refusal_case *param, ws_http, requests_that_cannot_be_served_are_answered)
{
    start_http();
    add_handler("/api");
    cr_assert(ws_peer_say(&peer, param->request));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), param->status, "%s: %d", param->what,
                 answer.status);
    cr_assert_eq(asked.calls, 0);
    stop_server();
}

/* RFC 9112 section 6.3. */
Test(ws_http, a_request_that_says_nothing_of_a_body_has_none)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OTHER"};

    start_http();
    add_handler("/api");
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++) {
        cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
        cr_assert(ws_peer_request(&peer, methods[i], "/api", NULL));
        cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200, "%s", methods[i]);
        cr_assert_eq(asked.calls, i + 1);
        ws_peer_close(&peer);
    }
    stop_server();
}

/* More than the buffers of the system take: had the server hung up, sending would fail. */
Test(ws_http, peer_that_sends_too_much_still_gets_its_answer)
{
    static char bytes[16 << 20];
    struct dvbcss_server_options options = loopback_server();

    options.close_timeout_s = 60;
    start_http_with(&options);
    add_handler("/");
    cr_assert(ws_peer_request(&peer, "POST", "/", "Content-Length: 16777216\r\n"));
    cr_assert(ws_peer_send(&peer, bytes, sizeof bytes));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 413);
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

Test(ws_http, longest_matching_path_wins_and_endpoints_come_first)
{
    struct dvbcss_http_handler *handler;

    start_http();
    add_handler("/");
    handler = add_handler("/echo/deep");
    cr_assert(ws_peer_request(&peer, "GET", "/echo/deep/er", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    dvbcss_http_handler_remove(handler);
    ask_again();
    cr_assert(ws_peer_request(&peer, "GET", "/echo/deep/er", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_eq(asked.calls, 2);
    ask_again();
    cr_assert(ws_peer_request(&peer, "GET", "/echo", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 426);
    stop_server();
}

Test(ws_http, handlers_are_checked_when_they_are_added)
{
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    struct dvbcss_http_handler *handler;

    start_http();
    add_handler("/api");
    options.path = "/api";
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), DVBCSS_EINVAL);
    options.handle = record_request;
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), DVBCSS_EEXIST);
    options.path = "api";
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), DVBCSS_EINVAL);
    options.path = NULL;
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), DVBCSS_EINVAL);
    dvbcss_http_handler_remove(NULL);
    stop_server();
}

Test(ws_http, handler_that_does_not_answer_is_answered_for)
{
    start_http();
    add_handler("/");
    asked.silent = true;
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 500);
    stop_server();
}

Test(ws_http, answers_that_cannot_be_sent_are_refused)
{
    static const struct dvbcss_http_header split = {"X", "a\r\nSet-Cookie: b"};

    start_http();
    add_handler("/");
    asked.response.status = 199;
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 500);
    cr_assert_eq(asked.result, DVBCSS_EINVAL);
    ask_again();
    asked.response.status = 200;
    asked.response.headers = &split;
    asked.response.header_count = 1;
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 500);
    cr_assert_eq(asked.result, DVBCSS_EINVAL);
    ask_again();
    asked.response.header_count = 0;
    asked.response.content_type = "text/plain\r\nX: y";
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 500);
    cr_assert_eq(asked.result, DVBCSS_EINVAL);
    stop_server();
}

static void respond_twice(void *context, const struct dvbcss_http_request *request)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;

    (void)context;
    cr_assert_eq(dvbcss_http_respond(request, &response), 0);
    cr_assert_eq(dvbcss_http_respond(request, &response), DVBCSS_ESTATE);
}

Test(ws_http, second_answer_to_one_request_is_refused)
{
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    struct dvbcss_http_handler *handler;

    start_http();
    options.path = "/";
    options.handle = respond_twice;
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), 0);
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    stop_server();
}

Test(ws_http, handler_may_be_removed_inside_its_call_and_while_a_body_is_on_its_way)
{
    start_http();
    asked.remove = add_handler("/");
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    ask_again();
    asked.remove = add_handler("/");
    cr_assert(ws_peer_request(&peer, "POST", "/", "Content-Length: 2\r\n"));
    for (int i = 0; i < 10; i++)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    dvbcss_http_handler_remove(asked.remove);
    asked.remove = NULL;
    cr_assert(ws_peer_say(&peer, "ab"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 404);
    cr_assert_eq(asked.calls, 1);
    stop_server();
}

/* ------------------------------------------------------------------------------------------------
 * Further requests
 */

static bool peer_has_read_all(void *user)
{
    char byte;
    ssize_t got = recv(peer.fd, &byte, 1, MSG_DONTWAIT);

    *(bool *)user = got == 0;
    return got >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* Without a reset, also behind the end, which would take from the peer what it has not read yet. */
static void expect_the_end(void)
{
    bool ended = false;
    int error = 0;
    socklen_t length = sizeof error;

    cr_assert_eq(peer.length, 0);
    cr_assert(ws_peer_pump(&fixture.loop, peer_has_read_all, &ended));
    cr_assert(ended);
    cr_assert_eq(getsockopt(peer.fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    cr_assert_eq(error, 0, "%s", strerror(error));
}

Test(ws_http, second_request_in_one_segment_is_not_answered)
{
    start_http();
    add_handler("/");
    cr_assert(ws_peer_say(&peer, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n"
                                 "GET /second HTTP/1.1\r\nHost: x\r\n\r\n"));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    expect_the_end();
    cr_assert_eq(asked.calls, 1);
    cr_assert_str_eq(asked.path, "/first");
    stop_server();
}

/* More than the server reads at a time: were it to hang up before it has read that, it would reset
 * the connection. */
Test(ws_http, what_follows_a_request_does_not_reset_its_answer)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    };
    static char bytes[65536];

    start_http();
    add_handler("/");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        ask_again();
        snprintf(bytes, sizeof bytes,
                 "%sPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65000\r\n\r\n", requests[i]);
        cr_assert(ws_peer_send(&peer, bytes, sizeof bytes));
        cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
        expect_the_end();
        cr_assert_eq(asked.calls, i + 1);
    }
    stop_server();
}

/* ------------------------------------------------------------------------------------------------
 * Large answers
 */

enum { LARGE = 16 << 20 };

struct download {
    size_t left;
};

static bool download_is_done(void *user)
{
    struct download *download = user;
    size_t most = download->left < sizeof peer.bytes ? download->left : sizeof peer.bytes;
    ssize_t got = recv(peer.fd, peer.bytes, most, MSG_DONTWAIT);

    if (got > 0)
        download->left -= (size_t)got;
    return download->left == 0;
}

static void ask_for_large_answer(const struct dvbcss_server_options *options)
{
    static char large[LARGE];

    start_http_with(options);
    add_handler("/");
    asked.response.body = large;
    asked.response.body_length = LARGE;
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    cr_assert(wait_for(&asked.calls, 1));
}

static void read_head(void)
{
    peer.length = 0;
    while (peer.length < 4 || memcmp(peer.bytes + peer.length - 4, "\r\n\r\n", 4) != 0) {
        cr_assert_eq(recv(peer.fd, peer.bytes + peer.length, 1, 0), 1);
        peer.length++;
    }
    peer.length = 0;
}

Test(ws_http, large_answer_arrives_whole)
{
    struct download download = {LARGE};

    ask_for_large_answer(NULL);
    read_head();
    cr_assert(ws_peer_pump(&fixture.loop, download_is_done, &download));
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

/* Reads a little every tenth of a second. */
static void read_a_little(uv_timer_t *timer)
{
    struct download *download = timer->data;

    download_is_done(download);
}

Test(ws_http, large_answer_may_take_longer_than_its_request)
{
    struct dvbcss_server_options options = loopback_server();
    struct download download = {LARGE};
    uv_timer_t timer;
    uint64_t start;

    options.header_timeout_s = 1;
    ask_for_large_answer(&options);
    read_head();
    uv_timer_init(&fixture.loop, &timer);
    timer.data = &download;
    uv_timer_start(&timer, read_a_little, 0, 100);
    start = uv_now(&fixture.loop);
    while (uv_now(&fixture.loop) - start < 2500)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    cr_assert(ws_peer_pump(&fixture.loop, download_is_done, &download));
    stop_server();
}

static void count_turn(uv_check_t *check)
{
    ++*(unsigned *)check->data;
}

static void on_awake(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* For a tenth of a second: the loop turns a few times, not thousands of times. */
static void expect_loop_to_sleep(void)
{
    unsigned turns = 0;
    bool awake = false;
    uv_check_t check;
    uv_timer_t timer;

    uv_check_init(&fixture.loop, &check);
    check.data = &turns;
    uv_check_start(&check, count_turn);
    uv_timer_init(&fixture.loop, &timer);
    timer.data = &awake;
    uv_timer_start(&timer, on_awake, 100, 0);
    while (!awake)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    cr_assert_lt(turns, 20);
    uv_close((uv_handle_t *)&check, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
}

/* What it sends stays in its socket: the loop sleeps, and the answer is not cut off. */
Test(ws_http, peer_that_asks_on_without_reading_gets_its_answer_whole)
{
    struct download download = {LARGE};

    ask_for_large_answer(NULL);
    cr_assert(ws_peer_request(&peer, "GET", "/", NULL));
    expect_loop_to_sleep();
    read_head();
    cr_assert(ws_peer_pump(&fixture.loop, download_is_done, &download));
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert_eq(asked.calls, 1);
    stop_server();
}

Test(ws_http, peer_that_leaves_during_a_large_answer_is_forgotten)
{
    ask_for_large_answer(NULL);
    ws_peer_reset(&peer);
    while (dvbcss_server_counters(fixture.server)->sockets_open != 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    stop_server();
}
