/* The WebSocket client against a server that makes every mistake there is. */
#include <stdlib.h>

#include "ws_client_fixture.h"

enum { BIG = 1024 * 1024 };

/* ---- the good -------------------------------------------------------------------------------- */

Test(ws_client, exchanges_texts_and_leaves_with_1001)
{
    static const struct toy_script script = {.opened = NULL, .frame = note_frame};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/cii");
    cr_assert_eq(ws_client_send(f.client, "early", 5), DVBCSS_ECLOSED);
    TEST_LOOP_UNTIL(&f.test, f.opened);
    cr_assert_str_eq(ws_client_peer(f.client), "127.0.0.1");
    cr_assert_eq(ws_client_send(f.client, "hello", 5), 0);
    TEST_LOOP_UNTIL(&f.test, f.frames);
    cr_assert_eq(f.opcode, TOY_TEXT);
    cr_assert_str_eq(f.payload, "hello");
    ws_client_destroy(f.client, on_destroyed, &f);
    TEST_LOOP_UNTIL(&f.test, f.frames == 2);
    cr_assert_eq(f.opcode, TOY_CLOSE);
    cr_assert_eq((unsigned char)f.payload[0] << 8 | (unsigned char)f.payload[1], 1001);
    TEST_LOOP_UNTIL(&f.test, f.destroyed);
    cr_assert_eq(f.ended, 0, "nothing is told after the end was asked for");
    toy_server_close(f.server);
    test_loop_end(&f.test);
}

static void say_what_was_asked(struct toy_connection *connection, const char *path,
                               const char *head)
{
    char port[32];

    snprintf(port, sizeof port, "Host: 127.0.0.1:");
    toy_accept(connection);
    toy_text(connection, path);
    toy_text(connection, strstr(head, port) ? "host" : head);
    toy_text(connection, strcasestr(head, "Sec-WebSocket-Extensions") ? head : "no extensions");
}

Test(ws_client, asks_for_path_and_query_at_the_host_without_extensions)
{
    static const struct toy_script script = {.request = say_what_was_asked};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/ts/x?a=b");
    TEST_LOOP_UNTIL(&f.test, f.texts == 3);
    cr_assert_str_eq(f.said[0], "/ts/x?a=b");
    cr_assert_str_eq(f.said[1], "host");
    cr_assert_str_eq(f.said[2], "no extensions");
    end(&f);
}

Test(ws_client, puts_fragments_together_and_answers_pings_between_them)
{
    static const struct toy_script script = {.opened = greet_in_pieces, .frame = note_frame};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.texts == 3);
    cr_assert_str_eq(f.said[0], "one two three");
    cr_assert_str_eq(f.said[1], "");
    cr_assert_str_eq(f.said[2], "next");
    TEST_LOOP_UNTIL(&f.test, f.frames);
    cr_assert_eq(f.opcode, TOY_PONG);
    cr_assert_str_eq(f.payload, "in between");
    end(&f);
}

static void send_big(struct toy_connection *connection)
{
    char *message = malloc(BIG);

    memset(message, 'x', BIG);
    toy_frame(connection, true, TOY_TEXT, message, BIG);
    free(message);
}

Test(ws_client, takes_a_message_of_the_largest_size)
{
    static const struct toy_script script = {.opened = send_big};
    struct fixture f;

    begin(&f, &script);
    f.options.max_message_size = BIG;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.texts);
    cr_assert_eq(f.text_length, BIG);
    cr_assert_eq(f.said[0][0], 'x');
    end(&f);
}

/* ---- the bad --------------------------------------------------------------------------------- */

Test(ws_client, ends_with_1009_on_a_message_that_is_too_long)
{
    static const struct toy_script script = {.opened = send_big, .frame = note_frame};
    struct fixture f;

    begin(&f, &script);
    f.options.max_message_size = BIG - 1;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_EPROTOCOL);
    cr_assert_eq(f.why.close_code, 1009);
    cr_assert(f.why.was_open);
    cr_assert_eq(f.texts, 0);
    end(&f);
}

static void send_binary(struct toy_connection *connection)
{
    toy_frame(connection, true, TOY_BINARY, "\0\1\2", 3);
    toy_text(connection, "still here");
}

Test(ws_client, tells_a_binary_message_and_goes_on)
{
    static const struct toy_script script = {.opened = send_binary};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.texts);
    cr_assert_eq(f.binaries, 1);
    cr_assert_eq(f.binary_length, 3);
    cr_assert_str_eq(f.said[0], "still here");
    end(&f);
}

static void send_bad_utf8(struct toy_connection *connection)
{
    toy_frame(connection, true, TOY_TEXT, "{\"a\":\"\xc3\x28\"}", 9);
}

static void send_reserved_bits(struct toy_connection *connection)
{
    toy_raw(connection, "\xf1\x01x", 3);
}

static void send_unknown_opcode(struct toy_connection *connection)
{
    toy_frame(connection, true, (enum toy_opcode)3, "x", 1);
}

static void send_continuation_of_nothing(struct toy_connection *connection)
{
    toy_frame(connection, true, TOY_CONTINUATION, "x", 1);
}

static void send_fragmented_ping(struct toy_connection *connection)
{
    toy_frame(connection, false, TOY_PING, "x", 1);
}

static void reset_mid_message(struct toy_connection *connection, enum toy_opcode opcode,
                              const char *payload, size_t length)
{
    (void)opcode;
    (void)payload;
    (void)length;
    toy_raw(connection, "\x81\x7dhalf of it", 12);
    toy_reset(connection);
}

static void hang_up_mid_message(struct toy_connection *connection)
{
    toy_raw(connection, "\x81\x7dhalf of it", 12);
    toy_hang_up(connection);
}

static void hang_up(struct toy_connection *connection)
{
    toy_hang_up(connection);
}

static void send_two_closes(struct toy_connection *connection)
{
    toy_close(connection, 1001, "once");
    toy_close(connection, 1001, "twice");
    toy_text(connection, "and on");
}

Test(ws_client, survives_every_way_to_break_an_open_connection)
{
    static const struct toy_script scripts[] = {
        {.opened = send_bad_utf8},
        {.opened = send_reserved_bits},
        {.opened = send_unknown_opcode},
        {.opened = send_continuation_of_nothing},
        {.opened = send_fragmented_ping},
        {.opened = hang_up_mid_message},
        {.opened = hang_up},
        {.opened = send_two_closes},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct fixture f;

        begin(&f, &scripts[i]);
        connect_to(&f, "/");
        TEST_LOOP_UNTIL(&f.test, f.ended);
        cr_expect_eq(f.texts, 0, "script %zu", i);
        cr_expect(f.why.was_open, "script %zu", i);
        cr_expect_neq(f.why.close_code, 0, "script %zu", i);
        end(&f);
    }
}

Test(ws_client, notices_a_reset_in_the_middle_of_a_message)
{
    static const struct toy_script script = {.frame = reset_mid_message};
    struct fixture f;

    begin(&f, &script);
    f.options.idle_timeout_ms = 0;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.opened);
    cr_assert_eq(ws_client_send(f.client, "go", 2), 0);
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_ECLOSED);
    cr_assert_eq(f.why.close_code, 1006);
    cr_assert_eq(f.texts, 0);
    end(&f);
}

static void reset_at_once(struct toy_connection *connection, const char *path, const char *head)
{
    (void)path;
    (void)head;
    toy_reset(connection);
}

Test(ws_client, notices_a_reset_in_the_handshake)
{
    static const struct toy_script script = {.request = reset_at_once};
    struct fixture f;

    begin(&f, &script);
    f.options.connect_timeout_ms = 3600 * 1000;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_not(f.why.was_open);
    end(&f);
}

static void close_politely(struct toy_connection *connection)
{
    toy_close(connection, 4001, "see you");
}

static void close_without_code(struct toy_connection *connection)
{
    toy_close(connection, 0, "");
}

Test(ws_client, tells_code_and_reason_of_the_peer)
{
    static const struct toy_script script = {.opened = close_politely};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_ECLOSED);
    cr_assert_eq(f.why.close_code, 4001);
    cr_assert_str_eq(f.why.reason, "see you");
    end(&f);
}

Test(ws_client, tells_1005_for_a_close_without_code)
{
    static const struct toy_script script = {.opened = close_without_code};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.close_code, 1005);
    end(&f);
}

Test(ws_client, connects_again_after_an_end)
{
    static const struct toy_script script = {.opened = close_politely};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    for (unsigned i = 1; i <= 3; i++) {
        TEST_LOOP_UNTIL(&f.test, f.ended == i);
        cr_assert_eq(f.opened, i);
        ws_client_connect(f.client);
    }
    end(&f);
}

/* ---- the silent ------------------------------------------------------------------------------ */

static void ignore_frame(struct toy_connection *connection, enum toy_opcode opcode,
                         const char *payload, size_t length)
{
    struct fixture *f = toy_user(connection);

    (void)payload;
    (void)length;
    f->frames++;
    f->opcode = opcode;
}

Test(ws_client, pings_a_silent_peer_and_gives_it_up)
{
    static const struct toy_script script = {.frame = ignore_frame};
    struct fixture f;

    begin(&f, &script);
    f.options.idle_timeout_ms = 50;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.frames, 1);
    cr_assert_eq(f.opcode, TOY_PING);
    cr_assert_eq(f.why.error, DVBCSS_ETIMEDOUT);
    cr_assert_eq(f.why.close_code, 1006);
    end(&f);
}

static void pong(struct toy_connection *connection, enum toy_opcode opcode, const char *payload,
                 size_t length)
{
    struct fixture *f = toy_user(connection);

    if (opcode == TOY_PING) {
        f->frames++;
        toy_frame(connection, true, TOY_PONG, payload, length);
    }
}

Test(ws_client, keeps_a_peer_that_answers_pings)
{
    static const struct toy_script script = {.frame = pong};
    struct fixture f;

    begin(&f, &script);
    f.options.idle_timeout_ms = 200;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.frames == 5);
    cr_assert_eq(f.ended, 0);
    end(&f);
}

/* A process that is stopped for a while, as one in the background: on waking, all its timers are
 * due before it has read what came in the meantime. */
enum { IDLE_MS = 200, STOPPED_MS = 3 * IDLE_MS };

static void speak_and_stop(struct toy_connection *connection, enum toy_opcode opcode,
                           const char *payload, size_t length)
{
    pong(connection, opcode, payload, length);
    if (opcode != TOY_TEXT)
        return;
    toy_text(connection, "still here");
    uv_sleep(STOPPED_MS);
}

Test(ws_client, keeps_a_peer_that_spoke_while_the_process_was_stopped)
{
    static const struct toy_script script = {.frame = speak_and_stop};
    struct fixture f;

    begin(&f, &script);
    f.options.idle_timeout_ms = IDLE_MS;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.opened);
    cr_assert_eq(ws_client_send(f.client, "stop", 4), 0);
    TEST_LOOP_UNTIL(&f.test, f.texts || f.ended);
    cr_assert_eq(f.ended, 0, "%s", f.why.text);
    cr_assert_str_eq(f.said[0], "still here");
    end(&f);
}

static void pong_and_stop(struct toy_connection *connection, enum toy_opcode opcode,
                          const char *payload, size_t length)
{
    struct fixture *f = toy_user(connection);

    pong(connection, opcode, payload, length);
    if (opcode == TOY_PING && f->frames == 1)
        uv_sleep(STOPPED_MS);
}

Test(ws_client, keeps_a_peer_whose_pong_came_while_the_process_was_stopped)
{
    static const struct toy_script script = {.frame = pong_and_stop};
    struct fixture f;

    begin(&f, &script);
    f.options.idle_timeout_ms = IDLE_MS;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.frames == 2 || f.ended);
    cr_assert_eq(f.ended, 0, "%s", f.why.text);
    end(&f);
}

static void say_nothing(struct toy_connection *connection, const char *path, const char *head)
{
    (void)connection;
    (void)path;
    (void)head;
}

Test(ws_client, does_not_wait_for_a_handshake_for_ever)
{
    static const struct toy_script script = {.request = say_nothing, .gone = note_gone};
    struct fixture f;

    begin(&f, &script);
    /* Enough for the server to see the peer whose going it tells, on a machine that is busy. */
    f.options.connect_timeout_ms = 500;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_ETIMEDOUT);
    cr_assert_not(f.why.was_open);
    TEST_LOOP_UNTIL(&f.test, f.gone);
    end(&f);
}

Test(ws_client, leaves_although_the_peer_does_not_answer_the_close)
{
    static const struct toy_script script = {.frame = ignore_frame};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.opened);
    end(&f);
}
