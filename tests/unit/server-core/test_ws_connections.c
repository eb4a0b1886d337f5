/* Connections: what passes over them, and how they end. */
#include <netinet/in.h>
#include <stdlib.h>

#include "ws_fixture.h"

static struct ws_peer_frame frame;

static void expect_frame(int opcode, const char *payload)
{
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), opcode);
    cr_assert(frame.final);
    cr_assert_str_eq((char *)frame.payload, payload);
}

Test(ws_connections, echo_texts_and_know_their_ids)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "hello"));
    expect_frame(WS_PEER_TEXT, "hello");
    cr_assert_str_eq(fixture.record.id, "echo-1");
    cr_assert(fixture.record.is_text);
    stop_server();
    cr_assert_eq(fixture.record.disconnects, 1);
    cr_assert_eq(fixture.record.code, 1001);
}

Test(ws_connections, are_numbered_from_one_per_endpoint)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/other");
    struct dvbcss_endpoint *other;

    start_server(NULL, NULL);
    cr_assert_eq(dvbcss_endpoint_add(&other, fixture.server, &options), 0);
    for (unsigned i = 1; i <= 3; i++) {
        char expected[16];

        open_peer();
        cr_assert(wait_for(&fixture.record.connects, 2 * i - 1));
        snprintf(expected, sizeof expected, "echo-%u", i);
        cr_assert_str_eq(fixture.record.id, expected);
        ws_peer_close(&peer);
        cr_assert(ws_peer_open(&peer, &fixture.loop, server_address(), "/other"));
        cr_assert(wait_for(&fixture.record.connects, 2 * i));
        snprintf(expected, sizeof expected, "other-%u", i);
        cr_assert_str_eq(fixture.record.id, expected);
        ws_peer_close(&peer);
    }
    cr_assert(wait_for(&fixture.record.disconnects, 6));
    stop_server();
}

Test(ws_connections, tell_both_addresses_age_and_endpoint)
{
    struct sockaddr_in own;
    socklen_t length = sizeof own;
    char text[DVBCSS_ADDRESS_TEXT_SIZE];
    char expected[DVBCSS_ADDRESS_TEXT_SIZE];

    start_server(NULL, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_eq(getsockname(peer.fd, (struct sockaddr *)&own, &length), 0);
    dvbcss_address_format((struct sockaddr *)&own, expected);
    cr_assert_str_eq(dvbcss_address_format(dvbcss_connection_peer(fixture.record.connection), text),
                     expected);
    dvbcss_address_format(server_address(), expected);
    cr_assert_str_eq(
        dvbcss_address_format(dvbcss_connection_local(fixture.record.connection), text), expected);
    cr_assert_lt(dvbcss_connection_age_ms(fixture.record.connection), WS_PEER_PATIENCE_MS);
    cr_assert_eq(dvbcss_connection_endpoint(fixture.record.connection), fixture.endpoint);
    cr_assert_str_eq(dvbcss_endpoint_path(fixture.endpoint), "/echo");
    cr_assert_eq(dvbcss_endpoint_context(fixture.endpoint), &fixture.record);
    stop_server();
}

Test(ws_connections, carry_zeroed_user_data)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    unsigned char *data;

    options.user_data_size = 4096;
    start_server(NULL, &options);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    data = dvbcss_connection_user_data(fixture.record.connection);
    cr_assert_eq((uintptr_t)data % _Alignof(max_align_t), 0);
    for (size_t i = 0; i < options.user_data_size; i++)
        cr_assert_eq(data[i], 0);
    memset(data, 0xff, options.user_data_size);
    stop_server();
}

Test(ws_connections, count_what_passes)
{
    struct dvbcss_connection_counters counters;
    const struct dvbcss_server_counters *all;

    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "12345"));
    expect_frame(WS_PEER_TEXT, "12345");
    dvbcss_connection_counters(fixture.record.connection, &counters);
    cr_assert_eq(counters.messages_in, 1);
    cr_assert_eq(counters.messages_out, 1);
    cr_assert_eq(counters.bytes_in, 5);
    cr_assert_eq(counters.bytes_out, 5);
    cr_assert_eq(counters.queued_messages, 0);
    all = dvbcss_server_counters(fixture.server);
    cr_assert_eq(all->sockets_accepted, 1);
    cr_assert_eq(all->connections_open, 1);
    cr_assert_eq(all->messages_out, 1);
    ws_peer_close(&peer);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(all->connections_open, 0);
    cr_assert_eq(all->connections_opened, 1);
    stop_server();
}

/* ------------------------------------------------------------------------------------------------
 * Messages
 */

struct size_case {
    size_t length;
};

/* At the borders of the three ways to write a length, of the read size, and around them. */
ParameterizedTestParameters(ws_connections, carry_messages_of_every_size)
{
    static struct size_case cases[] = {{0},    {1},    {125},  {126},   {127},   {1023},
                                       {1024}, {1025}, {4096}, {65535}, {65536}, {100000}};

    return cr_make_param_array(struct size_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct size_case *param, ws_connections, carry_messages_of_every_size)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    char *text = malloc(param->length + 1);

    for (size_t i = 0; i < param->length; i++)
        text[i] = (char)('a' + i % 26);
    options.limits.max_message_bytes = 100000;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_TEXT, true, text, param->length));
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_eq(frame.length, param->length);
    cr_assert_eq(memcmp(frame.payload, text, param->length), 0);
    free(text);
    stop_server();
}

Test(ws_connections, put_fragments_together_around_a_ping)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_TEXT, true, "one ", 4));
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_CONTINUATION, true, "two ", 4));
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_PING, true, "?", 1));
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_CONTINUATION, true, "three", 5));
    expect_frame(WS_PEER_PONG, "?");
    expect_frame(WS_PEER_TEXT, "one two three");
    cr_assert_eq(fixture.record.messages, 1);
    stop_server();
}

Test(ws_connections, understand_a_frame_that_arrives_byte_by_byte)
{
    static const unsigned char bytes[] = {0x81, 0x83, 0, 0, 0, 0, 'a', 'b', 'c'};

    start_server(NULL, NULL);
    open_peer();
    for (size_t i = 0; i < sizeof bytes; i++) {
        cr_assert(ws_peer_send(&peer, bytes + i, 1));
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    expect_frame(WS_PEER_TEXT, "abc");
    stop_server();
}

Test(ws_connections, close_with_1009_above_the_message_limit_and_not_at_it)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    char reason[124];

    options.limits.max_message_bytes = 8;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "12345678"));
    expect_frame(WS_PEER_TEXT, "12345678");
    cr_assert(ws_peer_send_text(&peer, "123456789"));
    cr_assert_eq(ws_peer_read_close(&peer, reason), 1009);
    cr_assert_str_eq(reason, "message of more than 8 bytes");
    cr_assert_eq(fixture.record.messages, 1);
    cr_assert_eq(fixture.record.code, 1009);
    stop_server();
}

Test(ws_connections, count_fragments_together_against_the_message_limit)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.limits.max_message_bytes = 8;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_TEXT, true, "12345", 5));
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_CONTINUATION, true, "6789", 4));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1009);
    cr_assert_eq(fixture.record.messages, 0);
    stop_server();
}

Test(ws_connections, close_on_binary_if_told_to_refuse_it)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_BINARY, true, "x", 1));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1003);
    cr_assert_eq(fixture.record.messages, 0);
    stop_server();
}

Test(ws_connections, drop_binary_if_told_to_ignore_it)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.binary_policy = DVBCSS_BINARY_IGNORE;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_BINARY, true, "x", 1));
    cr_assert(ws_peer_send_text(&peer, "y"));
    expect_frame(WS_PEER_TEXT, "y");
    cr_assert_eq(fixture.record.messages, 1);
    stop_server();
}

Test(ws_connections, deliver_binary_if_told_to_accept_it_and_send_it)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    struct dvbcss_message *message;

    options.binary_policy = DVBCSS_BINARY_ACCEPT;
    start_server(NULL, &options);
    fixture.record.echo = false;
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_BINARY, true, "\0\xff", 2));
    cr_assert(wait_for(&fixture.record.messages, 1));
    cr_assert_not(fixture.record.is_text);
    cr_assert_eq(fixture.record.length, 2);
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_BINARY, "\xfe\0", 2), 0);
    cr_assert_eq(dvbcss_connection_send(fixture.record.connection, message), 0);
    dvbcss_message_release(message);
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_BINARY);
    cr_assert_eq(frame.length, 2);
    cr_assert_eq(memcmp(frame.payload, "\xfe\0", 2), 0);
    stop_server();
}

struct utf8_case {
    char bytes[8];
};

ParameterizedTestParameters(ws_connections, close_with_1007_on_text_that_is_not_utf8)
{
    static struct utf8_case cases[] = {
        {"\xff"}, {"\xc3"}, {"\xc0\xaf"}, {"\xed\xa0\x80"}, {"\xf5\x80\x80\x80"}, {"a\x80"}};

    return cr_make_param_array(struct utf8_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct utf8_case *param, ws_connections, close_with_1007_on_text_that_is_not_utf8)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_text(&peer, param->bytes));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1007);
    /* Not only when the peer has answered. */
    cr_assert_eq(fixture.record.disconnects, 1);
    cr_assert_eq(fixture.record.messages, 0);
    cr_assert_eq(fixture.record.code, 1007);
    stop_server();
}

Test(ws_connections, accept_utf8_that_is_split_inside_a_character)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_TEXT, true, "\xe2\x82", 2));
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_CONTINUATION, true, "\xac", 1));
    expect_frame(WS_PEER_TEXT, "\xe2\x82\xac");
    stop_server();
}

struct frame_case {
    char what[32];
    int first_byte;
    char payload[4];
};

ParameterizedTestParameters(ws_connections, close_with_1002_on_a_broken_protocol)
{
    static struct frame_case cases[] = {
        {"reserved bit", 0x40 | WS_PEER_FIN | WS_PEER_TEXT, "x"},
        {"reserved opcode", WS_PEER_FIN | 0x3, "x"},
        {"reserved control opcode", WS_PEER_FIN | 0xb, "x"},
        {"continuation of nothing", WS_PEER_FIN | WS_PEER_CONTINUATION, "x"},
        {"fragmented ping", WS_PEER_PING, "x"},
    };

    return cr_make_param_array(struct frame_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct frame_case *param, ws_connections, close_with_1002_on_a_broken_protocol)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_frame(&peer, param->first_byte, true, param->payload, 1));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1002, "%s", param->what);
    cr_assert_eq(fixture.record.disconnects, 1);
    cr_assert_eq(fixture.record.messages, 0);
    stop_server();
}

/* ------------------------------------------------------------------------------------------------
 * Ends
 */

struct close_case {
    unsigned code;
    char reason[32];
    unsigned reported;
};

ParameterizedTestParameters(ws_connections, report_and_answer_the_close_of_a_peer)
{
    static struct close_case cases[] = {{1000, "bye", 1000},
                                        {1001, "", 1001},
                                        {3000, "", 3000},
                                        {4999, "own reason", 4999},
                                        {0, "", 1005}};

    return cr_make_param_array(struct close_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct close_case *param, ws_connections, report_and_answer_the_close_of_a_peer)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_send_close(&peer, param->code, param->reason));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), param->code != 0 ? param->code : 1005);
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.code, param->reported);
    cr_assert_str_eq(fixture.record.reason, param->reason);
    stop_server();
    cr_assert_eq(fixture.record.disconnects, 1);
}

Test(ws_connections, end_with_1006_when_the_peer_vanishes_or_resets)
{
    start_server(NULL, NULL);
    open_peer();
    ws_peer_close(&peer);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.code, 1006);
    open_peer();
    ws_peer_reset(&peer);
    cr_assert(wait_for(&fixture.record.disconnects, 2));
    cr_assert_eq(fixture.record.code, 1006);
    stop_server();
}

Test(ws_connections, end_with_1006_when_reset_inside_a_message)
{
    start_server(NULL, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert(ws_peer_send(&peer,
                           "\x81\xfe\x10\x00"
                           "abcdefgh",
                           12));
    for (int i = 0; i < 10; i++)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    ws_peer_reset(&peer);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.messages, 0);
    stop_server();
}

/* Hooks that close or send, each from inside itself. */

static void close_on_connect(void *context, struct dvbcss_connection *connection)
{
    record_connect(context, connection);
    dvbcss_connection_close(connection, 4000, "from connect");
    cr_assert(dvbcss_connection_closing(connection));
}

static void close_on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                             size_t length, bool text)
{
    record_message(context, connection, bytes, length, text);
    dvbcss_connection_close(connection, 4001, "from message");
    dvbcss_connection_close(connection, 4002, "too late");
    cr_assert_eq(dvbcss_connection_send_text(connection, "x", 1), DVBCSS_ECLOSED);
}

static void close_on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                                const char *reason)
{
    record_disconnect(context, connection, code, reason);
    dvbcss_connection_close(connection, 4003, "too late");
    cr_assert_eq(dvbcss_connection_send_text(connection, "x", 1), DVBCSS_ECLOSED);
    cr_assert_not_null(dvbcss_connection_peer(connection));
    cr_assert_not(dvbcss_connection_congested(connection));
}

Test(ws_connections, can_be_closed_and_greeted_inside_the_connect_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    char reason[124];

    options.hooks.on_connect = close_on_connect;
    options.hooks.on_disconnect = close_on_disconnect;
    start_server(NULL, &options);
    open_peer();
    cr_assert_eq(ws_peer_read_close(&peer, reason), 4000);
    cr_assert_str_eq(reason, "from connect");
    cr_assert_eq(fixture.record.disconnects, 1);
    cr_assert_eq(fixture.record.code, 4000);
    stop_server();
    cr_assert_eq(fixture.record.disconnects, 1);
}

Test(ws_connections, keep_the_first_of_several_closes_in_the_message_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    char reason[124];

    options.hooks.on_message = close_on_message;
    start_server(NULL, &options);
    fixture.record.echo = false;
    open_peer();
    /* Both in one segment: the second one must not be delivered any more. */
    cr_assert(ws_peer_send(&peer, "\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b", 14));
    cr_assert_eq(ws_peer_read_close(&peer, reason), 4001);
    cr_assert_str_eq(reason, "from message");
    cr_assert_str_eq(fixture.record.text, "a");
    cr_assert_eq(fixture.record.messages, 1);
    cr_assert_str_eq(fixture.record.reason, "from message");
    stop_server();
}

static void greet_on_connect(void *context, struct dvbcss_connection *connection)
{
    record_connect(context, connection);
    cr_assert_eq(dvbcss_connection_send_text(connection, "welcome", 7), 0);
}

Test(ws_connections, can_be_sent_to_inside_the_connect_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.hooks.on_connect = greet_on_connect;
    start_server(NULL, &options);
    open_peer();
    expect_frame(WS_PEER_TEXT, "welcome");
    stop_server();
}

Test(ws_connections, close_with_a_reason_cut_between_characters)
{
    /* 122 letters and a character of three bytes: it does not fit and must not be halved. */
    char reason[130];
    char seen[124];

    memset(reason, 'r', 122);
    strcpy(reason + 122, "\xe2\x82\xac");
    start_server(NULL, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    dvbcss_connection_close(fixture.record.connection, 4321, reason);
    cr_assert_eq(ws_peer_read_close(&peer, seen), 4321);
    cr_assert_eq(strlen(seen), 122);
    /* The peer answers, and the server hangs up. */
    cr_assert(ws_peer_send_close(&peer, 4321, NULL));
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

Test(ws_connections, close_with_1011_for_codes_that_must_not_be_sent)
{
    static const unsigned codes[] = {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 66536};

    start_server(NULL, NULL);
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        open_peer();
        cr_assert(wait_for(&fixture.record.connects, i + 1));
        dvbcss_connection_close(fixture.record.connection, codes[i], NULL);
        cr_assert_eq(ws_peer_read_close(&peer, NULL), 1011, "%u", codes[i]);
        cr_assert_eq(fixture.record.code, 1011);
        ws_peer_close(&peer);
    }
    stop_server();
}

Test(ws_connections, tolerate_endpoints_without_hooks)
{
    struct dvbcss_endpoint_options options = DVBCSS_ENDPOINT_OPTIONS_INIT;

    options.path = "/echo";
    options.id_prefix = "e";
    options.binary_policy = DVBCSS_BINARY_ACCEPT;
    start_server(NULL, &options);
    open_peer();
    cr_assert(ws_peer_send_text(&peer, "x"));
    cr_assert(ws_peer_send_close(&peer, 1000, NULL));
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1000);
    stop_server();
}
