/* Limits of what peers may take and send: at, below and above, and what is not limited lives on. */
#include "server-core/ws_limits.h"

#include "server-core/ws_internal.h"
#include "ws_fixture.h"

static struct ws_peer_frame frame;
static struct ws_peer_answer answer;
static struct ws_peer other;

/* ---- token buckets -------------------------------------------------------------------------- */

Test(ws_limits, a_full_bucket_gives_its_burst_and_no_more)
{
    struct ws_bucket bucket = {0};

    for (int i = 0; i < 50; i++)
        cr_assert(ws_bucket_take(&bucket, 10, 50, 1, 1000), "%d", i);
    cr_assert_not(ws_bucket_take(&bucket, 10, 50, 1, 1000));
}

Test(ws_limits, a_bucket_fills_at_its_rate)
{
    struct ws_bucket bucket = {0};

    cr_assert(ws_bucket_take(&bucket, 10, 50, 50, 1000));
    cr_assert(ws_bucket_take(&bucket, 10, 50, 1, 1100));
    cr_assert(ws_bucket_take(&bucket, 10, 50, 9, 2000));
    cr_assert_not(ws_bucket_take(&bucket, 10, 50, 1, 2099));
}

Test(ws_limits, a_bucket_is_never_more_than_full)
{
    struct ws_bucket bucket = {0};

    cr_assert(ws_bucket_take(&bucket, 10, 50, 50, 1000));
    cr_assert(ws_bucket_take(&bucket, 10, 50, 50, UINT64_C(1) << 60));
    cr_assert_not(ws_bucket_take(&bucket, 10, 50, 1, UINT64_C(1) << 60));
}

Test(ws_limits, a_bucket_lets_the_even_rate_pass_for_ever)
{
    struct ws_bucket bucket = {0};

    for (uint64_t second = 1; second < 10000; second++)
        cr_assert(ws_bucket_take(&bucket, 7, 35, 7, second * 1000));
}

Test(ws_limits, a_bucket_takes_numbers_of_any_size)
{
    struct ws_bucket bucket = {0};

    cr_assert_not(ws_bucket_take(&bucket, 1, 5, UINT64_MAX, 0));
    cr_assert_not(ws_bucket_take(&bucket, 1, 5, UINT64_MAX / 1000, 0));
    bucket = (struct ws_bucket){0};
    cr_assert(ws_bucket_take(&bucket, UINT64_MAX, UINT64_MAX, UINT64_MAX / 2000, 1));
    cr_assert(ws_bucket_take(&bucket, UINT64_MAX, UINT64_MAX, UINT64_MAX / 2000, UINT64_MAX));
}

/* ---- connections ---------------------------------------------------------------------------- */

static const struct dvbcss_server_counters *counters(void)
{
    return dvbcss_server_counters(fixture.server);
}

/* Somebody else who must not notice. */
static void open_other(void)
{
    cr_assert(ws_peer_open(&other, &fixture.loop, server_address(), "/echo"));
}

static void expect_other_is_served(void)
{
    cr_assert(ws_peer_send_text(&other, "still here"));
    cr_assert_eq(ws_peer_read_frame(&other, &frame), WS_PEER_TEXT);
    cr_assert_str_eq((char *)frame.payload, "still here");
    ws_peer_close(&other);
}

static void start_limited(const struct dvbcss_endpoint_limits *limits)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.limits = *limits;
    start_server(NULL, &options);
}

Test(ws_limits, an_address_has_as_many_connections_as_it_may)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;
    static struct ws_peer third;
    char value[16];

    limits.max_connections_per_address = 2;
    start_limited(&limits);
    open_other();
    open_peer();
    cr_assert(ws_peer_connect(&third, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&third, "/echo", NULL, &answer), 429);
    cr_assert(ws_peer_answer_header(&answer, "retry-after", value, sizeof value));
    cr_assert_str_eq(value, "30");
    cr_assert_not_null(strstr(answer.body, "for your address"));
    cr_assert_eq(counters()->refusals[DVBCSS_REFUSAL_ADDRESS_FULL], 1);
    ws_peer_close(&third);
    /* What is given back can be taken again. */
    ws_peer_close(&peer);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    open_peer();
    expect_other_is_served();
    stop_server();
}

Test(ws_limits, refused_handshakes_give_the_place_of_their_address_back)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;

    limits.max_connections_per_address = 1;
    start_limited(&limits);
    for (int i = 0; i < 3; i++) {
        cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
        cr_assert_eq(ws_peer_upgrade(&peer, "/echo", "Sec-WebSocket-Protocol: x\r\n", NULL), 400);
        ws_peer_close(&peer);
    }
    open_peer();
    stop_server();
}

Test(ws_limits, an_address_has_as_many_sockets_as_it_may)
{
    struct dvbcss_server_options options = loopback_server();
    static struct ws_peer third;
    char value[16];

    options.max_sockets_per_address = 2;
    options.retry_after_s = 7;
    start_server(&options, NULL);
    open_other();
    /* One that says nothing counts, too. */
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_connect(&third, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_read_answer(&third, &answer), 429);
    cr_assert(ws_peer_answer_header(&answer, "retry-after", value, sizeof value));
    cr_assert_str_eq(value, "7");
    cr_assert_eq(counters()->refusals[DVBCSS_REFUSAL_SERVER_ADDRESS_FULL], 1);
    ws_peer_close(&third);
    ws_peer_close(&peer);
    while (counters()->sockets_open != 1)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    open_peer();
    expect_other_is_served();
    stop_server();
}

static void say(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        cr_assert(ws_peer_send_text(&peer, "x"));
}

Test(ws_limits, a_burst_of_messages_is_taken)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;

    limits.max_messages_per_s = 4;
    start_limited(&limits);
    open_peer();
    say(4 * DVBCSS_RATE_BURST_S);
    cr_assert(wait_for(&fixture.record.messages, 4 * DVBCSS_RATE_BURST_S));
    cr_assert_eq(fixture.record.disconnects, 0);
    stop_server();
}

Test(ws_limits, too_many_messages_close_with_1008_and_the_limit)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;
    char reason[124];

    limits.max_messages_per_s = 4;
    start_limited(&limits);
    open_other();
    open_peer();
    /* What comes back meanwhile would take minutes to be enough. */
    say(1000);
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1008);
    cr_assert_str_eq(reason, "more than 4 messages per second");
    cr_assert_str_eq(fixture.record.reason, reason);
    cr_assert_eq(counters()->message_rate_evictions, 1);
    cr_assert_lt(fixture.record.messages, 500);
    expect_other_is_served();
    stop_server();
}

Test(ws_limits, fragments_are_one_message)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;

    limits.max_messages_per_s = 1;
    start_limited(&limits);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_TEXT, true, "a", 1));
    for (int i = 0; i < 200; i++)
        cr_assert(ws_peer_send_frame(&peer, WS_PEER_CONTINUATION, true, "a", 1));
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_CONTINUATION, true, "a", 1));
    cr_assert(wait_for(&fixture.record.messages, 1));
    cr_assert_eq(fixture.record.length, 202);
    stop_server();
}

Test(ws_limits, the_largest_message_is_always_within_the_bytes)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;
    static char text[10001];

    memset(text, 'x', sizeof text - 1);
    limits.max_message_bytes = sizeof text - 1;
    limits.max_bytes_per_s = 10;
    start_limited(&limits);
    fixture.record.echo = false;
    open_peer();
    cr_assert(ws_peer_send_text(&peer, text));
    cr_assert(wait_for(&fixture.record.messages, 1));
    cr_assert_eq(fixture.record.disconnects, 0);
    stop_server();
}

Test(ws_limits, too_many_bytes_close_with_1008_and_the_limit)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;
    static char text[1001];
    char reason[124];

    memset(text, 'x', sizeof text - 1);
    limits.max_message_bytes = 1000;
    limits.max_bytes_per_s = 1000;
    start_limited(&limits);
    fixture.record.echo = false;
    open_other();
    open_peer();
    for (int i = 0; i < 200; i++)
        cr_assert(ws_peer_send_text(&peer, text));
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1008);
    cr_assert_str_eq(reason, "more than 1000 bytes per second");
    cr_assert_eq(counters()->byte_rate_evictions, 1);
    cr_assert_geq(fixture.record.messages, DVBCSS_RATE_BURST_S);
    fixture.record.echo = true;
    expect_other_is_served();
    stop_server();
}

/* Where their number is not limited, their bytes are. */
Test(ws_limits, a_flood_of_pings_is_too_many_bytes)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;
    char reason[124];

    limits.max_message_bytes = 100;
    limits.max_bytes_per_s = 100;
    start_limited(&limits);
    open_other();
    open_peer();
    /* Compared with for the first time, what came so far is free. */
    cr_assert(wait_for(&fixture.record.connects, 2));
    while (fixture.record.connection->usage.compared_ms == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    for (int i = 0; i < 2000; i++)
        cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_PING, true, "", 0));
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1008);
    cr_assert_str_eq(reason, "more than 100 bytes per second");
    expect_other_is_served();
    stop_server();
}

Test(ws_limits, a_message_that_is_too_big_closes_with_1009_and_the_limit)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;
    char reason[124];

    limits.max_message_bytes = 8;
    start_limited(&limits);
    open_other();
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "12345678"));
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert(ws_peer_send_text(&peer, "123456789"));
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1009);
    cr_assert_str_eq(reason, "message of more than 8 bytes");
    cr_assert_eq(counters()->oversize_evictions, 1);
    ws_peer_close(&other);
    stop_server();
}

Test(ws_limits, a_limit_lowered_inside_a_message_is_in_force)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;

    start_limited(&limits);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_TEXT, true, "0123456789", 10));
    while (fixture.record.connection->incoming_length != 10)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    limits.max_message_bytes = 5;
    cr_assert_eq(dvbcss_endpoint_set_limits(fixture.endpoint, &limits), 0);
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_CONTINUATION, true, "0", 1));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1009);
    stop_server();
}

Test(ws_limits, a_peer_without_setup_is_closed_with_1008)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;
    char reason[124];

    limits.setup_timeout_s = 1;
    start_limited(&limits);
    open_other();
    cr_assert(wait_for(&fixture.record.connects, 1));
    dvbcss_connection_setup_done(fixture.record.connection);
    open_peer();
    /* Talking is no setup. */
    cr_assert(ws_peer_send_text(&peer, "hello"));
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1008);
    cr_assert_str_eq(reason, "no setup within 1 seconds");
    cr_assert_eq(counters()->setup_evictions, 1);
    expect_other_is_served();
    stop_server();
}

Test(ws_limits, that_make_no_sense_are_refused)
{
    struct dvbcss_endpoint_limits limits = DVBCSS_ENDPOINT_LIMITS_INIT;

    start_server(NULL, NULL);
    limits.max_messages_per_s = 7;
    limits.max_connections_per_address = -2;
    cr_assert_eq(dvbcss_endpoint_set_limits(fixture.endpoint, &limits), DVBCSS_EINVAL);
    limits.max_connections_per_address = DVBCSS_UNLIMITED;
    limits.max_queued_messages = 0;
    cr_assert_eq(dvbcss_endpoint_set_limits(fixture.endpoint, &limits), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_endpoint_limits(fixture.endpoint)->max_messages_per_s, 0);
    limits.max_queued_messages = 1;
    cr_assert_eq(dvbcss_endpoint_set_limits(fixture.endpoint, &limits), 0);
    cr_assert_eq(dvbcss_endpoint_limits(fixture.endpoint)->max_messages_per_s, 7);
    stop_server();
}
