/* wss: only servers that prove their name are believed. */
#include <string.h>
#include <unistd.h>

#include "clients/ws_client.h"
#include "test_loop.h"
#include "toy_certificate.h"
#include "toy_server.h"

enum { DAY_S = 24 * 3600, URL_SIZE = 128 };

struct fixture {
    struct test_loop test;
    struct toy_server *server;
    struct ws_client *client;
    char certificate[TOY_CERTIFICATE_PATH_SIZE];
    unsigned opened;
    unsigned texts;
    unsigned ended;
    struct dvbcss_disconnect why;
};

static void on_opened(void *user)
{
    ((struct fixture *)user)->opened++;
}

static void on_text(void *user, const char *text, size_t length)
{
    struct fixture *f = user;

    cr_assert_eq(length, 5);
    cr_assert_eq(memcmp(text, "hello", 5), 0);
    f->texts++;
}

static void on_binary(void *user, size_t length)
{
    (void)user;
    (void)length;
}

static void on_ended(void *user, const struct dvbcss_disconnect *why)
{
    struct fixture *f = user;

    f->ended++;
    f->why = *why;
}

static const struct ws_client_events events = {on_opened, on_text, on_binary, on_ended};

static void greet(struct toy_connection *connection)
{
    toy_text(connection, "hello");
}

static const struct toy_script script = {.opened = greet};

/* A server with a certificate for these names, and a client that is told to reach it by @p host
 * and to believe what is in @p ca_file (NULL: the server's own certificate). */
static void begin(struct fixture *f, const char *names, long seconds, const char *host,
                  const char *ca_file)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    char url[URL_SIZE];

    memset(f, 0, sizeof *f);
    test_loop_begin(&f->test);
    toy_certificate_write(names, seconds, f->certificate);
    f->server = toy_server_create(&f->test.loop, &script, f, f->certificate);
    options.ca_file = ca_file ? ca_file : f->certificate;
    snprintf(url, sizeof url, "wss://%s:%u/cii", host, toy_server_port(f->server));
    cr_assert_eq(ws_client_create(&f->client, &f->test.loop, url, &options, &events, f, NULL), 0);
    ws_client_connect(f->client);
}

static void end(struct fixture *f)
{
    ws_client_destroy(f->client, NULL, NULL);
    toy_server_close(f->server);
    test_loop_end(&f->test);
    unlink(f->certificate);
}

static void expect_refusal(struct fixture *f)
{
    TEST_LOOP_UNTIL(&f->test, f->ended);
    cr_assert_eq(f->why.error, DVBCSS_ETLS, "%s", f->why.text);
    cr_assert_eq(f->opened, 0);
    cr_assert_eq(f->texts, 0);
}

Test(ws_client_tls, believes_a_certificate_for_the_name)
{
    struct fixture f;

    begin(&f, "DNS:localhost", DAY_S, "localhost", NULL);
    TEST_LOOP_UNTIL(&f.test, f.texts);
    end(&f);
}

Test(ws_client_tls, believes_a_certificate_for_the_address)
{
    struct fixture f;

    begin(&f, "IP:127.0.0.1", DAY_S, "127.0.0.1", NULL);
    TEST_LOOP_UNTIL(&f.test, f.texts);
    end(&f);
}

Test(ws_client_tls, refuses_a_certificate_for_another_name)
{
    struct fixture f;

    begin(&f, "DNS:tv.example", DAY_S, "localhost", NULL);
    expect_refusal(&f);
    end(&f);
}

Test(ws_client_tls, refuses_a_certificate_for_another_address)
{
    struct fixture f;

    begin(&f, "IP:192.0.2.1,DNS:localhost,DNS:127.0.0.1", DAY_S, "127.0.0.1", NULL);
    expect_refusal(&f);
    end(&f);
}

Test(ws_client_tls, refuses_a_certificate_that_has_expired)
{
    struct fixture f;

    begin(&f, "IP:127.0.0.1", -3600, "127.0.0.1", NULL);
    expect_refusal(&f);
    end(&f);
}

Test(ws_client_tls, refuses_a_server_that_nobody_vouches_for)
{
    char other[TOY_CERTIFICATE_PATH_SIZE];
    struct fixture f;

    toy_certificate_write("IP:127.0.0.1", DAY_S, other);
    begin(&f, "IP:127.0.0.1", DAY_S, "127.0.0.1", other);
    expect_refusal(&f);
    end(&f);
    unlink(other);
}

Test(ws_client_tls, keeps_different_certificate_files_apart)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    char other[TOY_CERTIFICATE_PATH_SIZE];
    struct ws_client *second;
    struct fixture f;

    toy_certificate_write("IP:127.0.0.1", DAY_S, other);
    begin(&f, "IP:127.0.0.1", DAY_S, "127.0.0.1", NULL);
    TEST_LOOP_UNTIL(&f.test, f.texts);
    options.ca_file = other;
    cr_assert_eq(ws_client_create(&second, &f.test.loop, toy_server_url(f.server, "/"), &options,
                                  &events, &f, NULL),
                 0);
    ws_client_connect(second);
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_ETLS, "%s", f.why.text);
    ws_client_destroy(second, NULL, NULL);
    end(&f);
    unlink(other);
}

Test(ws_client_tls, says_so_when_the_certificate_file_cannot_be_used)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    struct ws_client *client = NULL;
    struct test_loop test;

    test_loop_begin(&test);
    options.ca_file = "/nonexistent/ca.pem";
    cr_assert_eq(
        ws_client_create(&client, &test.loop, "wss://127.0.0.1:1/", &options, &events, NULL, NULL),
        DVBCSS_ETLS);
    cr_assert_null(client);
    test_loop_end(&test);
}

Test(ws_client_tls, does_not_take_a_plain_server_for_a_secure_one)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    char url[URL_SIZE];
    struct fixture f;

    memset(&f, 0, sizeof f);
    test_loop_begin(&f.test);
    toy_certificate_write("IP:127.0.0.1", DAY_S, f.certificate);
    f.server = toy_server_create(&f.test.loop, &script, &f, NULL);
    options.ca_file = f.certificate;
    options.connect_timeout_ms = 200;
    snprintf(url, sizeof url, "wss://127.0.0.1:%u/", toy_server_port(f.server));
    cr_assert_eq(ws_client_create(&f.client, &f.test.loop, url, &options, &events, &f, NULL), 0);
    ws_client_connect(f.client);
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.opened, 0);
    end(&f);
}
