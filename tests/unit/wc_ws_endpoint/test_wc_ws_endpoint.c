/*
 * The wall clock over WebSocket, over real sockets: what is answered, how, when, and how often.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/log.h"
#include "dvbcss/wc_ws_endpoint.h"
#include "test_server.h"
#include "ws_peer.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_clock *wall_clock;
static struct dvbcss_wc_ws_endpoint *wc;
static struct ws_peer_frame frame;
static unsigned lines;
static unsigned disconnects;

/* The wall clock goes on by so much with each look at it, and not otherwise. */
static int64_t wall_ns;
static int64_t step_ns;

static int64_t read_wall(void *user)
{
    (void)user;
    wall_ns += step_ns;
    return wall_ns;
}

static void count_line(void *user, enum dvbcss_log_level level, const char *id, const char *text)
{
    (void)user, (void)level, (void)text;
    lines += strcmp(id, "wc-ws-ignored") == 0;
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    (void)context, (void)connection, (void)code, (void)reason;
    disconnects++;
}

static struct dvbcss_wc_ws_endpoint_options plain_options(void)
{
    struct dvbcss_wc_ws_endpoint_options options = DVBCSS_WC_WS_ENDPOINT_OPTIONS_INIT;

    options.wall_clock = wall_clock;
    options.answers_per_s = 0;
    options.on_disconnect = on_disconnect;
    return options;
}

static void restart(const struct dvbcss_wc_ws_endpoint_options *options)
{
    dvbcss_wc_ws_endpoint_destroy(wc);
    cr_assert_eq(dvbcss_wc_ws_endpoint_create(&wc, server, options), 0);
}

static void start(void)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_ws_endpoint_options endpoint;

    root.now_ns = read_wall;
    root.precision_s = 1e-6;
    cr_assert_eq(dvbcss_root_clock_create(&wall_clock, &root), 0);
    test_server_begin(&loop, &server);
    endpoint = plain_options();
    restart(&endpoint);
}

static void stop(void)
{
    dvbcss_wc_ws_endpoint_destroy(wc);
    test_server_end(&loop, server);
    dvbcss_clock_destroy(wall_clock);
}

TestSuite(wc_ws_endpoint, .init = start, .fini = stop);

static struct ws_peer *companion(void)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);

    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/wc"));
    return peer;
}

static void leave(struct ws_peer *peer)
{
    ws_peer_close(peer);
    free(peer);
}

static void send_binary(struct ws_peer *peer, const void *bytes, size_t length)
{
    cr_assert(ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_BINARY, true, bytes, length));
}

static const char *asked_in_text(struct ws_peer *peer, const char *request)
{
    cr_assert(ws_peer_send_text(peer, request));
    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_TEXT);
    return (const char *)frame.payload;
}

static const struct dvbcss_wc_ws_endpoint_counters *counters(void)
{
    return dvbcss_wc_ws_endpoint_counters(wc);
}

/* ---- what is answered ----------------------------------------------------------------------- */

Test(wc_ws_endpoint, answers_32_bytes_with_32_bytes)
{
    static const struct dvbcss_wc_message request = {.type = DVBCSS_WC_REQUEST,
                                                     .originate = {0xdeadbeef, 0xffffffff}};
    struct ws_peer *peer = companion();
    struct dvbcss_wc_message answer;
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];

    wall_ns = 5 * SECOND;
    step_ns = 7;
    cr_assert_eq(dvbcss_wc_message_encode(&request, bytes), 0);
    send_binary(peer, bytes, sizeof bytes);
    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_BINARY);
    cr_assert_eq(dvbcss_wc_message_decode(frame.payload, frame.length, &answer, NULL), 0);
    cr_assert_eq(answer.type, DVBCSS_WC_RESPONSE);
    cr_assert(dvbcss_wc_time_equal(answer.originate, request.originate));
    cr_assert_eq(dvbcss_wc_time_to_ns(answer.receive), 5 * SECOND + 7,
                 "the first look at the clock");
    cr_assert_gt(dvbcss_wc_time_to_ns(answer.transmit), 5 * SECOND + 7);
    cr_assert_eq(answer.max_freq_error, 500 * 256);
    cr_assert_eq(answer.precision, -9, "a millisecond, before anything was measured");
    cr_assert_eq(counters()->binary, 1);
    leave(peer);
}

Test(wc_ws_endpoint, answers_each_dialect_of_json_in_its_own)
{
    struct ws_peer *peer = companion();

    wall_ns = 3 * SECOND;
    cr_assert_str_eq(asked_in_text(peer, "{\"v\":0,\"t\":0,\"id\":1,\"ot\":2.5}"),
                     "{\"v\":0,\"t\":1,\"p\":-9,\"mfe\":500,\"id\":1,\"ot\":2.5,\"rt\":3000000000,"
                     "\"tt\":3000000000}");
    cr_assert_str_eq(asked_in_text(peer, "{\"otvs\":1,\"otvn\":2}"),
                     "{\"v\":0,\"t\":1,\"p\":0.001000000,\"mfe\":500,\"otvs\":1,\"otvn\":2,"
                     "\"rt\":3.000000000,\"tt\":3.000000000}");
    cr_assert_not_null(strstr(asked_in_text(peer, "{}"), "\"remoteSendTime\":3000000000"));
    cr_assert_eq(counters()->json[DVBCSS_WC_JSON_NANOSECONDS], 1);
    cr_assert_eq(counters()->json[DVBCSS_WC_JSON_SPLIT], 1);
    cr_assert_eq(counters()->json[DVBCSS_WC_JSON_PLAIN], 1);
    leave(peer);
}

Test(wc_ws_endpoint, answers_json_in_a_binary_frame_with_a_binary_frame)
{
    struct ws_peer *peer = companion();

    /* As long as a message of CSS-WC, even. */
    send_binary(peer, "{\"ot\":1,\"id\":\"1234567890123456\"}", 32);
    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_BINARY);
    cr_assert_eq(counters()->json[DVBCSS_WC_JSON_NANOSECONDS], 1);
    leave(peer);
}

Test(wc_ws_endpoint, reads_the_clock_first_and_stamps_the_answer_late)
{
    struct ws_peer *peer = companion();
    long long receive, transmit;
    const char *answer;

    wall_ns = SECOND;
    step_ns = 1000;
    answer = asked_in_text(peer, "{\"ot\":1}");
    cr_assert_eq(sscanf(strstr(answer, "\"rt\""), "\"rt\":%lld,\"tt\":%lld", &receive, &transmit),
                 2);
    cr_assert_eq(receive, SECOND + 1000);
    cr_assert_gt(transmit, receive);
    /* Only what handing it over took comes after it. */
    cr_assert_eq(transmit, wall_ns - 1000);
    leave(peer);
}

/* ---- precision ------------------------------------------------------------------------------ */

Test(wc_ws_endpoint, claims_the_precision_that_it_has_measured)
{
    struct ws_peer *peer = companion();

    cr_assert_eq(dvbcss_wc_ws_endpoint_precision_s(wc), 1e-3);
    step_ns = 25000;
    for (int i = 0; i < 32; i++)
        (void)asked_in_text(peer, "{\"ot\":1}");
    cr_assert_eq(dvbcss_wc_ws_endpoint_precision_s(wc), 25e-6);
    /* What took long is remembered for a window, and forgotten after the next. */
    step_ns = 5 * MS;
    (void)asked_in_text(peer, "{\"ot\":1}");
    step_ns = 25000;
    for (int i = 0; i < 14; i++)
        (void)asked_in_text(peer, "{\"ot\":1}");
    cr_assert_eq(dvbcss_wc_ws_endpoint_precision_s(wc), 5e-3);
    (void)asked_in_text(peer, "{\"ot\":1}");
    cr_assert_eq(dvbcss_wc_ws_endpoint_precision_s(wc), 25e-6);
    leave(peer);
}

Test(wc_ws_endpoint, never_claims_more_than_its_clock)
{
    struct ws_peer *peer = companion();

    for (int i = 0; i < 32; i++)
        (void)asked_in_text(peer, "{\"ot\":1}");
    cr_assert_eq(dvbcss_wc_ws_endpoint_precision_s(wc), 1e-6);
    leave(peer);
}

/* ---- limits and nonsense -------------------------------------------------------------------- */

static void ask_often(struct ws_peer *peer, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        cr_assert(ws_peer_send_text(peer, "{\"ot\":1}"));
}

static bool has_limited(void *user)
{
    return counters()->limited >= *(const unsigned *)user;
}

Test(wc_ws_endpoint, answers_a_second_s_worth_at_once_and_then_at_its_rate)
{
    struct dvbcss_wc_ws_endpoint_options options = plain_options();
    struct ws_peer *peer;
    unsigned limited = 3;

    options.answers_per_s = 4;
    restart(&options);
    peer = companion();
    wall_ns = SECOND;
    ask_often(peer, 7);
    cr_assert(ws_peer_pump(&loop, has_limited, &limited));
    cr_assert_eq(counters()->json[DVBCSS_WC_JSON_NANOSECONDS], 4);
    wall_ns += SECOND / 4;
    limited = 4;
    ask_often(peer, 2);
    cr_assert(ws_peer_pump(&loop, has_limited, &limited));
    cr_assert_eq(counters()->json[DVBCSS_WC_JSON_NANOSECONDS], 5);
    dvbcss_wc_ws_endpoint_set_answers_per_s(wc, 0);
    ask_often(peer, 3);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_TEXT);
    leave(peer);
}

Test(wc_ws_endpoint, one_companion_s_limit_is_not_another_s)
{
    struct dvbcss_wc_ws_endpoint_options options = plain_options();
    struct ws_peer *greedy, *modest;

    options.answers_per_s = 1;
    restart(&options);
    greedy = companion();
    modest = companion();
    ask_often(greedy, 5);
    (void)asked_in_text(modest, "{\"ot\":1}");
    leave(greedy);
    leave(modest);
}

Test(wc_ws_endpoint, passes_over_what_is_no_request_and_says_so_once)
{
    static const uint8_t follow_up[DVBCSS_WC_MESSAGE_SIZE] = {0, 3};
    struct ws_peer *peer = companion();

    dvbcss_log_set(count_line, NULL, DVBCSS_LOG_INFO);
    cr_assert(ws_peer_send_text(peer, "hello"));
    cr_assert(ws_peer_send_text(peer, "[]"));
    cr_assert(ws_peer_send_text(peer, "{\"t\":1,\"ot\":1}"));
    cr_assert(ws_peer_send_text(peer, ""));
    send_binary(peer, follow_up, sizeof follow_up);
    send_binary(peer, follow_up, 31);
    send_binary(peer, "", 0);
    (void)asked_in_text(peer, "{\"ot\":1}");
    cr_assert_eq(counters()->malformed, 7);
    cr_assert_eq(lines, 1);
    dvbcss_log_set(NULL, NULL, DVBCSS_LOG_NONE);
    leave(peer);
}

Test(wc_ws_endpoint, passes_over_a_request_whose_answer_would_be_too_long)
{
    struct dvbcss_wc_ws_endpoint_options options = plain_options();
    static char request[DVBCSS_WC_WS_MESSAGE_MAX];
    size_t length = (size_t)snprintf(request, sizeof request, "{\"ot\":[0");
    struct ws_peer *peer;

    options.limits.max_message_bytes = DVBCSS_WC_WS_MESSAGE_MAX;
    restart(&options);
    peer = companion();
    /* Each of these is written with all of its digits. */
    for (; length < sizeof request - 8; length += 5)
        snprintf(request + length, sizeof request - length, ",1e-9");
    snprintf(request + length, sizeof request - length, "]}");
    cr_assert(ws_peer_send_text(peer, request));
    (void)asked_in_text(peer, "{\"ot\":1}");
    cr_assert_eq(counters()->malformed, 1);
    leave(peer);
}

Test(wc_ws_endpoint, closes_what_is_too_long_to_be_a_request)
{
    struct ws_peer *peer = companion();
    static char bytes[2049];

    memset(bytes, ' ', sizeof bytes);
    send_binary(peer, bytes, sizeof bytes);
    cr_assert_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_TOO_BIG);
    cr_assert_eq(disconnects, 1);
    leave(peer);
}

/* ---- life ----------------------------------------------------------------------------------- */

Test(wc_ws_endpoint, refuses_options_out_of_range)
{
    struct dvbcss_wc_ws_endpoint_options options = plain_options();
    struct dvbcss_wc_ws_endpoint *none = NULL;

    cr_assert_eq(dvbcss_wc_ws_endpoint_create(&none, server, &options), DVBCSS_EEXIST);
    options.path = "/other";
    options.wall_clock = NULL;
    cr_assert_eq(dvbcss_wc_ws_endpoint_create(&none, server, &options), DVBCSS_EINVAL);
    options = plain_options();
    options.max_freq_error_ppm = 0;
    cr_assert_eq(dvbcss_wc_ws_endpoint_create(&none, server, &options), DVBCSS_EINVAL);
    options = plain_options();
    options.limits.max_message_bytes = DVBCSS_WC_WS_MESSAGE_MAX + 1;
    cr_assert_eq(dvbcss_wc_ws_endpoint_create(&none, server, &options), DVBCSS_EINVAL);
    options = plain_options();
    options.answers_per_s = 1000000001;
    cr_assert_eq(dvbcss_wc_ws_endpoint_create(&none, server, &options), DVBCSS_EINVAL);
    cr_assert_null(none);
    dvbcss_wc_ws_endpoint_destroy(NULL);
}

static void destroy_it(void *context, struct dvbcss_connection *connection, unsigned code,
                       const char *reason)
{
    on_disconnect(context, connection, code, reason);
    dvbcss_wc_ws_endpoint_destroy(wc);
    wc = NULL;
}

static bool is_gone(void *user)
{
    (void)user;
    return !wc;
}

Test(wc_ws_endpoint, may_be_destroyed_by_its_own_hook)
{
    struct dvbcss_wc_ws_endpoint_options options = plain_options();
    struct ws_peer *first, *second;

    options.on_disconnect = destroy_it;
    restart(&options);
    first = companion();
    second = companion();
    ws_peer_close(first);
    cr_assert(ws_peer_pump(&loop, is_gone, NULL));
    cr_assert_eq(ws_peer_read_close(second, NULL), DVBCSS_CLOSE_GOING_AWAY);
    cr_assert_eq(disconnects, 2);
    free(first);
    leave(second);
}
