/* The WebSocket client against a server that makes every mistake there is. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/ws_client.h"
#include "test_loop.h"
#include "toy_server.h"

enum { BIG = 1024 * 1024 };

struct fixture {
    struct test_loop test;
    struct toy_server *server;
    struct ws_client *client;
    struct dvbcss_client_options options;
    unsigned opened;
    unsigned texts;
    unsigned binaries;
    unsigned ended;
    unsigned destroyed;
    size_t binary_length;
    /* The first texts, and the length of the last. */
    char said[8][64];
    size_t text_length;
    struct dvbcss_disconnect why;
    /* What the server saw. */
    unsigned frames;
    enum toy_opcode opcode;
    unsigned gone;
    char payload[256];
    size_t payload_length;
};

static void on_opened(void *user)
{
    ((struct fixture *)user)->opened++;
}

static void on_text(void *user, const char *text, size_t length)
{
    struct fixture *f = user;

    if (f->texts < sizeof f->said / sizeof f->said[0])
        snprintf(f->said[f->texts], sizeof f->said[0], "%.*s", (int)length, text);
    f->texts++;
    f->text_length = length;
}

static void on_binary(void *user, size_t length)
{
    struct fixture *f = user;

    f->binaries++;
    f->binary_length = length;
}

static void on_ended(void *user, const struct dvbcss_disconnect *why)
{
    struct fixture *f = user;

    f->ended++;
    f->why = *why;
}

static const struct ws_client_events events = {on_opened, on_text, on_binary, on_ended};

static void on_destroyed(void *user)
{
    ((struct fixture *)user)->destroyed++;
}

static void note_frame(struct toy_connection *connection, enum toy_opcode opcode,
                       const char *payload, size_t length)
{
    struct fixture *f = toy_user(connection);

    f->frames++;
    f->opcode = opcode;
    f->payload_length = length < sizeof f->payload ? length : sizeof f->payload - 1;
    memcpy(f->payload, payload, f->payload_length);
    f->payload[f->payload_length] = '\0';
    if (opcode != TOY_CLOSE)
        return;
    toy_frame(connection, true, TOY_CLOSE, payload, length);
    toy_hang_up(connection);
}

static void note_gone(struct toy_connection *connection)
{
    ((struct fixture *)toy_user(connection))->gone++;
}

static void begin(struct fixture *f, const struct toy_script *script)
{
    static const struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;

    memset(f, 0, sizeof *f);
    f->options = options;
    test_loop_begin(&f->test);
    f->server = toy_server_create(&f->test.loop, script, f, NULL);
}

static void connect_to(struct fixture *f, const char *path)
{
    cr_assert_eq(ws_client_create(&f->client, &f->test.loop, toy_server_url(f->server, path),
                                  &f->options, &events, f, NULL),
                 0);
    ws_client_connect(f->client);
}

static void end(struct fixture *f)
{
    ws_client_destroy(f->client, on_destroyed, f);
    cr_assert_eq(f->destroyed, 0, "never from inside the call");
    TEST_LOOP_UNTIL(&f->test, f->destroyed);
    toy_server_close(f->server);
    test_loop_end(&f->test);
    cr_assert_eq(f->destroyed, 1);
}

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

static void greet_in_pieces(struct toy_connection *connection)
{
    toy_frame(connection, false, TOY_TEXT, "one ", 4);
    toy_frame(connection, true, TOY_PING, "in between", 10);
    toy_frame(connection, false, TOY_CONTINUATION, "two ", 4);
    toy_frame(connection, true, TOY_CONTINUATION, "three", 5);
    toy_text(connection, "");
    toy_text(connection, "next");
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
    f.options.idle_timeout_ms = 20;
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.frames == 5);
    cr_assert_eq(f.ended, 0);
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
    f.options.connect_timeout_ms = 50;
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

/* ---- refusals -------------------------------------------------------------------------------- */

static void refuse(struct toy_connection *connection, const char *path, const char *head)
{
    (void)head;
    if (strcmp(path, "/403") == 0)
        toy_raw_text(connection, "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\ndisabled\n");
    else if (strcmp(path, "/404") == 0)
        toy_raw_text(connection, "HTTP/1.0 404 Not Found\r\n\r\nno such path");
    else if (strcmp(path, "/426") == 0)
        toy_raw_text(connection, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
    else if (strcmp(path, "/503") == 0)
        toy_raw_text(connection, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n"
                                 "Content-Length: 4\r\n\r\nfull");
    else
        toy_raw_text(connection, "HTTP/1.1 302 Found\r\nLocation: /other\r\n"
                                 "Content-Length: 0\r\n\r\n");
    toy_hang_up(connection);
}

Test(ws_client, tells_status_body_and_retry_after_of_a_refusal)
{
    static const struct toy_script script = {.request = refuse};
    static const struct {
        const char *path;
        uint16_t status;
        int32_t retry_after_s;
        const char *reason;
    } cases[] = {
        {"/403", 403, -1, "disabled"}, {"/404", 404, -1, "no such path"},
        {"/426", 426, -1, ""},         {"/503", 503, 30, "full"},
        {"/302", 302, -1, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;

        begin(&f, &script);
        connect_to(&f, cases[i].path);
        TEST_LOOP_UNTIL(&f.test, f.ended);
        cr_expect_eq(f.why.error, DVBCSS_EREFUSED, "%s", cases[i].path);
        cr_expect_eq(f.why.http_status, cases[i].status, "%s", cases[i].path);
        cr_expect_eq(f.why.retry_after_s, cases[i].retry_after_s, "%s", cases[i].path);
        cr_expect_str_eq(f.why.reason, cases[i].reason, "%s", cases[i].path);
        cr_expect_not(f.why.was_open);
        cr_expect_eq(f.why.close_code, 0);
        cr_expect_eq(toy_server_accepted(f.server), 1, "no redirect is followed");
        end(&f);
    }
}

static void answer_garbage(struct toy_connection *connection, const char *path, const char *head)
{
    (void)path;
    (void)head;
    toy_raw(connection, "\0\1\2 this is not HTTP\r\n\r\n", 25);
    toy_hang_up(connection);
}

static void answer_half(struct toy_connection *connection, const char *path, const char *head)
{
    (void)path;
    (void)head;
    toy_raw_text(connection, "HTTP/1.1 101 Swi");
    toy_hang_up(connection);
}

static void answer_wrong_accept(struct toy_connection *connection, const char *path,
                                const char *head)
{
    (void)path;
    (void)head;
    toy_raw_text(
        connection,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
}

static void answer_nothing(struct toy_connection *connection, const char *path, const char *head)
{
    (void)path;
    (void)head;
    toy_hang_up(connection);
}

Test(ws_client, calls_an_answer_that_is_no_handshake_a_broken_protocol)
{
    static const struct toy_script scripts[] = {
        {.request = answer_garbage},
        {.request = answer_half},
        {.request = answer_wrong_accept},
        {.request = answer_nothing},
    };

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct fixture f;

        begin(&f, &scripts[i]);
        connect_to(&f, "/");
        TEST_LOOP_UNTIL(&f.test, f.ended);
        cr_expect_eq(f.why.error, DVBCSS_EPROTOCOL, "script %zu: %s", i, f.why.text);
        cr_expect_eq(f.opened, 0);
        end(&f);
    }
}

Test(ws_client, says_so_when_nobody_listens)
{
    static const struct toy_script script = {.opened = NULL};
    struct fixture f;

    begin(&f, &script);
    toy_server_stop_listening(f.server);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_EADDRESS, "%s", f.why.text);
    end(&f);
}

Test(ws_client, says_so_when_the_name_has_no_address)
{
    static const struct toy_script script = {.opened = NULL};
    struct fixture f;

    begin(&f, &script);
    cr_assert_eq(ws_client_create(&f.client, &f.test.loop, "ws://no-such-name.invalid:80/",
                                  &f.options, &events, &f, NULL),
                 0);
    ws_client_connect(f.client);
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_ERESOLVE, "%s", f.why.text);
    end(&f);
}

/* ---- arguments and the end ------------------------------------------------------------------- */

Test(ws_client, refuses_what_is_no_websocket_url)
{
    static const struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    struct test_loop test;
    struct ws_client *client;

    test_loop_begin(&test);
    cr_assert_eq(ws_client_create(&client, &test.loop, "udp://127.0.0.1:6677", &options, &events,
                                  NULL, NULL),
                 DVBCSS_EUNSUPPORTED);
    cr_assert_neq(ws_client_create(&client, &test.loop, "", &options, &events, NULL, NULL), 0);
    test_loop_end(&test);
}

/* The end may come at any turn of the loop, from before the first to long after the last. */
Test(ws_client, can_be_destroyed_at_any_turn_of_the_loop)
{
    static const struct toy_script script = {.opened = greet_in_pieces};

    for (unsigned turns = 0; turns < 25; turns++) {
        struct fixture f;

        begin(&f, &script);
        connect_to(&f, "/");
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&f.test.loop, UV_RUN_NOWAIT);
        end(&f);
    }
}

static void destroy_inside(void *user)
{
    struct fixture *f = user;

    f->opened++;
    ws_client_destroy(f->client, on_destroyed, f);
}

static void destroy_on_text(void *user, const char *text, size_t length)
{
    struct fixture *f = user;

    on_text(user, text, length);
    ws_client_destroy(f->client, on_destroyed, f);
}

static void destroy_on_end(void *user, const struct dvbcss_disconnect *why)
{
    struct fixture *f = user;

    on_ended(user, why);
    ws_client_destroy(f->client, on_destroyed, f);
}

Test(ws_client, can_be_destroyed_from_inside_each_of_its_events)
{
    static const struct ws_client_events destroying[] = {
        {destroy_inside, on_text, on_binary, on_ended},
        {on_opened, destroy_on_text, on_binary, on_ended},
        {on_opened, on_text, on_binary, destroy_on_end},
    };
    static const struct toy_script scripts[] = {
        {.opened = greet_in_pieces}, {.opened = greet_in_pieces}, {.opened = hang_up}};

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct fixture f;

        begin(&f, &scripts[i]);
        cr_assert_eq(ws_client_create(&f.client, &f.test.loop, toy_server_url(f.server, "/"),
                                      &f.options, &destroying[i], &f, NULL),
                     0);
        ws_client_connect(f.client);
        TEST_LOOP_UNTIL(&f.test, f.destroyed);
        cr_expect_leq(f.texts, 1);
        toy_server_close(f.server);
        test_loop_end(&f.test);
    }
}

/* ---- the process around ---------------------------------------------------------------------- */

static unsigned open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    cr_assert_not_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void visit(void)
{
    static const struct toy_script script = {.opened = greet_in_pieces};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.texts == 3);
    end(&f);
}

Test(ws_client, leaves_no_descriptor_behind)
{
    unsigned before;

    visit();
    before = open_descriptors();
    for (int i = 0; i < 10; i++)
        visit();
    cr_assert_eq(open_descriptors(), before);
}

/* Whoever opens something while a client goes away gets numbers that were the client's. */
enum { OTHERS = 20 };

struct other {
    uv_check_t check;
    int descriptors[OTHERS];
    unsigned count;
};

static void open_another(uv_check_t *check)
{
    struct other *other = check->data;

    if (other->count < OTHERS)
        other->descriptors[other->count++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

Test(ws_client, closes_no_descriptor_of_others_when_it_goes)
{
    static const struct toy_script script = {.opened = NULL};
    struct other other = {.count = 0};
    struct fixture f;

    begin(&f, &script);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.opened);
    cr_assert_eq(uv_check_init(&f.test.loop, &other.check), 0);
    other.check.data = &other;
    cr_assert_eq(uv_check_start(&other.check, open_another), 0);
    ws_client_destroy(f.client, on_destroyed, &f);
    TEST_LOOP_UNTIL(&f.test, f.destroyed);
    for (unsigned i = 0; i < other.count; i++)
        cr_expect_eq(close(other.descriptors[i]), 0, "%d was closed by somebody else",
                     other.descriptors[i]);
    uv_close((uv_handle_t *)&other.check, NULL);
    toy_server_close(f.server);
    test_loop_end(&f.test);
}
