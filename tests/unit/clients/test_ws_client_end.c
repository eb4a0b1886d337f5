/* How attempts to connect fail, and how a WebSocket client leaves. */
#include <fcntl.h>
#include <unistd.h>

#include "ws_client_fixture.h"

static void hang_up(struct toy_connection *connection)
{
    toy_hang_up(connection);
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
    else if (strcmp(path, "/503-date") == 0)
        toy_raw_text(connection, "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                 "Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n"
                                 "Content-Length: 0\r\n\r\n");
    else
        toy_raw_text(connection, "HTTP/1.1 302 Found\r\nLocation: /other\r\n"
                                 "Content-Length: 0\r\n\r\n");
    toy_hang_up(connection);
}

Test(ws_client_end, tells_status_body_and_retry_after_of_a_refusal)
{
    static const struct toy_script script = {.request = refuse};
    static const struct {
        const char *path;
        uint16_t status;
        int32_t retry_after_s;
        const char *reason;
    } cases[] = {
        {"/403", 403, -1, "disabled"}, {"/404", 404, -1, "no such path"}, {"/426", 426, -1, ""},
        {"/503", 503, 30, "full"},     {"/503-date", 503, 60, ""},        {"/302", 302, -1, ""},
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

Test(ws_client_end, calls_an_answer_that_is_no_handshake_a_broken_protocol)
{
    static const struct toy_script scripts[] = {
        {.request = answer_garbage},
        {.request = answer_half},
        {.request = answer_wrong_accept},
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

static void reset_at_once(struct toy_connection *connection, const char *path, const char *head)
{
    (void)path;
    (void)head;
    toy_reset(connection);
}

Test(ws_client_end, calls_a_peer_that_leaves_before_it_answers_no_breach_of_the_protocol)
{
    static const struct toy_script scripts[] = {{.request = answer_nothing},
                                                {.request = reset_at_once}};

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct fixture f;

        begin(&f, &scripts[i]);
        connect_to(&f, "/");
        TEST_LOOP_UNTIL(&f.test, f.ended);
        cr_expect_eq(f.why.error, DVBCSS_ECLOSED, "script %zu: %s", i, f.why.text);
        cr_expect(strstr(f.why.text, "without an answer"), "script %zu: %s", i, f.why.text);
        cr_expect_not(f.why.was_open);
        cr_expect_eq(f.why.close_code, 0);
        end(&f);
    }
}

Test(ws_client_end, says_so_when_nobody_listens)
{
    static const struct toy_script script = {.opened = NULL};
    struct fixture f;

    begin(&f, &script);
    toy_server_stop_listening(f.server);
    connect_to(&f, "/");
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_EADDRESS, "%s", f.why.text);
    cr_assert(strstr(f.why.text, "connection refused"), "%s", f.why.text);
    end(&f);
}

Test(ws_client_end, says_so_when_the_name_has_no_address)
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

Test(ws_client_end, refuses_what_is_no_websocket_url)
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
Test(ws_client_end, can_be_destroyed_at_any_turn_of_the_loop)
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

Test(ws_client_end, can_be_destroyed_from_inside_each_of_its_events)
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
    unsigned count = 0;

    for (int descriptor = 0; descriptor < 1024; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
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

Test(ws_client_end, leaves_no_descriptor_behind)
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

Test(ws_client_end, closes_no_descriptor_of_others_when_it_goes)
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
