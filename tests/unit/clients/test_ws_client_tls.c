/* wss: only servers that prove their name are believed. */
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "clients/ws_client.h"
#include "clients/ws_client_internal.h"
#include "clients/ws_client_tls.h"
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

static void note_release(struct ws_client_context_user *user)
{
    (void)user;
}

static void greet(struct toy_connection *connection)
{
    toy_text(connection, "hello");
}

static const struct toy_script script = {.opened = greet};

/* A server with a certificate for these names. */
static void serve(struct fixture *f, const char *names, long seconds)
{
    memset(f, 0, sizeof *f);
    test_loop_begin(&f->test);
    toy_certificate_write(names, seconds, f->certificate);
    f->server = toy_server_create(&f->test.loop, &script, f, f->certificate);
}

static void reach(struct fixture *f, const char *host, const char *ca_file, const char *pin)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    char url[URL_SIZE];

    options.ca_file = ca_file;
    options.pin = pin;
    snprintf(url, sizeof url, "wss://%s:%u/cii", host, toy_server_port(f->server));
    cr_assert_eq(ws_client_create(&f->client, &f->test.loop, url, &options, &events, f, NULL), 0);
    ws_client_connect(f->client);
}

/* Such a server, and a client that is told to reach it by @p host and to believe what is in
 * @p ca_file (NULL: the server's own certificate). */
static void begin(struct fixture *f, const char *names, long seconds, const char *host,
                  const char *ca_file)
{
    serve(f, names, seconds);
    reach(f, host, ca_file ? ca_file : f->certificate, NULL);
}

static void end(struct fixture *f)
{
    ws_client_destroy(f->client, NULL, NULL);
    toy_server_close(f->server);
    test_loop_end(&f->test);
    unlink(f->certificate);
}

static void expect_refusal(struct fixture *f, const char *reason)
{
    TEST_LOOP_UNTIL(&f->test, f->ended);
    cr_assert_eq(f->why.error, DVBCSS_ETLS, "%s", f->why.text);
    cr_assert_not_null(strstr(f->why.text, reason), "%s", f->why.text);
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
    expect_refusal(&f, "is for another host");
    end(&f);
}

Test(ws_client_tls, refuses_a_certificate_for_another_address)
{
    struct fixture f;

    begin(&f, "IP:192.0.2.1,DNS:localhost,DNS:127.0.0.1", DAY_S, "127.0.0.1", NULL);
    expect_refusal(&f, "is for another host");
    end(&f);
}

Test(ws_client_tls, refuses_a_certificate_that_has_expired)
{
    struct fixture f;

    begin(&f, "IP:127.0.0.1", -3600, "127.0.0.1", NULL);
    expect_refusal(&f, "has expired");
    end(&f);
}

Test(ws_client_tls, refuses_a_server_that_nobody_vouches_for)
{
    char other[TOY_CERTIFICATE_PATH_SIZE];
    struct fixture f;

    toy_certificate_write("IP:127.0.0.1", DAY_S, other);
    begin(&f, "IP:127.0.0.1", DAY_S, "127.0.0.1", other);
    expect_refusal(&f, "no trusted authority vouches");
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

/* ---- pins ------------------------------------------------------------------------------------ */

Test(ws_client_tls, believes_the_pinned_key_whoever_vouches_for_it)
{
    char pin[TOY_CERTIFICATE_PIN_SIZE];
    struct fixture f;

    serve(&f, "DNS:tv.example", -3600);
    toy_certificate_pin(f.certificate, pin);
    reach(&f, "127.0.0.1", NULL, pin);
    TEST_LOOP_UNTIL(&f.test, f.texts);
    end(&f);
}

Test(ws_client_tls, refuses_another_key_than_the_pinned_one)
{
    char other[TOY_CERTIFICATE_PATH_SIZE];
    char pin[TOY_CERTIFICATE_PIN_SIZE];
    struct fixture f;

    toy_certificate_write("IP:127.0.0.1", DAY_S, other);
    toy_certificate_pin(other, pin);
    serve(&f, "IP:127.0.0.1", DAY_S);
    reach(&f, "127.0.0.1", f.certificate, pin);
    expect_refusal(&f, "key is not the pinned one");
    ws_client_destroy(f.client, NULL, NULL);
    f.ended = 0;
    reach(&f, "127.0.0.1", NULL, pin);
    expect_refusal(&f, "key is not the pinned one");
    end(&f);
    unlink(other);
}

Test(ws_client_tls, wants_pin_and_authority_where_both_are_given)
{
    char other[TOY_CERTIFICATE_PATH_SIZE];
    char pin[TOY_CERTIFICATE_PIN_SIZE];
    struct fixture f;

    toy_certificate_write("IP:127.0.0.1", DAY_S, other);
    serve(&f, "DNS:localhost", DAY_S);
    toy_certificate_pin(f.certificate, pin);
    reach(&f, "localhost", other, pin);
    expect_refusal(&f, "no trusted authority vouches");
    ws_client_destroy(f.client, NULL, NULL);
    f.ended = 0;
    reach(&f, "127.0.0.1", f.certificate, pin);
    expect_refusal(&f, "is for another host");
    ws_client_destroy(f.client, NULL, NULL);
    reach(&f, "localhost", f.certificate, pin);
    TEST_LOOP_UNTIL(&f.test, f.texts);
    end(&f);
    unlink(other);
}

Test(ws_client_tls, keeps_different_pins_apart)
{
    static const char wrong[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    char pin[TOY_CERTIFICATE_PIN_SIZE];
    struct ws_client *first;
    struct fixture f;

    serve(&f, "IP:127.0.0.1", DAY_S);
    toy_certificate_pin(f.certificate, pin);
    reach(&f, "127.0.0.1", NULL, pin);
    TEST_LOOP_UNTIL(&f.test, f.texts);
    first = f.client;
    reach(&f, "127.0.0.1", NULL, wrong);
    TEST_LOOP_UNTIL(&f.test, f.ended);
    cr_assert_eq(f.why.error, DVBCSS_ETLS, "%s", f.why.text);
    ws_client_destroy(first, NULL, NULL);
    end(&f);
}

static size_t list_length(const struct list_node *list)
{
    size_t length = 0;

    for (const struct list_node *node = list->next; node != list; node = node->next)
        length++;
    return length;
}

/* Whoever meets many televisions keeps nothing of each. */
Test(ws_client_tls, makes_nothing_of_its_own_for_each_pin)
{
    enum { PINS = 20 };
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    struct ws_client_context_user user = {.released = note_release};
    struct ws_client *clients[PINS];
    const struct ws_client_tls *tls;
    struct test_loop test;

    test_loop_begin(&test);
    cr_assert_eq(ws_client_context_join(&test.loop, &user), 0);
    for (unsigned i = 0; i < PINS; i++) {
        char pin[65];

        snprintf(pin, sizeof pin, "%064x", i);
        options.pin = pin;
        cr_assert_eq(ws_client_create(&clients[i], &test.loop, "wss://127.0.0.1:1/", &options,
                                      &events, NULL, NULL),
                     0);
    }
    cr_assert_eq(list_length(&user.context->tls), 1);
    tls = CONTAINER_OF(user.context->tls.next, struct ws_client_tls, node);
    cr_assert_eq(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(tls->ssl))), 0,
                 "no authority is read that is never asked");
    for (unsigned i = 0; i < PINS; i++)
        ws_client_destroy(clients[i], NULL, NULL);
    ws_client_context_leave(&user);
    test_loop_end(&test);
}

/* The same one in all its spellings, and what is none. */
Test(ws_client_tls, reads_pins)
{
    static const char *const good[] = {
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
        ("00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18:19:1a:1b:1c:"
         "1d:1e:1f"),
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    };
    static const char *const bad[] = {
        "",
        "sha256//",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f:",
        "0g0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd*h8=",
        "sha1//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    };
    struct ws_client_pin pin;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[DVBCSS_CLIENT_PIN_SIZE];

        cr_assert_eq(dvbcss_client_pin_format(good[i], text, NULL), 0);
        cr_assert_str_eq(text, good[4]);
        memset(&pin, 0xff, sizeof pin);
        cr_assert_eq(ws_client_pin_parse(good[i], &pin, NULL), 0, "%s", good[i]);
        for (size_t at = 0; at < WS_CLIENT_PIN_SIZE; at++)
            cr_assert_eq(pin.bytes[at], at, "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dvbcss_report report = DVBCSS_REPORT_INIT;

        cr_assert_eq(ws_client_pin_parse(bad[i], &pin, &report), DVBCSS_EVALUE, "%s", bad[i]);
        cr_assert_str_eq(report.path, "pin");
        cr_assert_eq(ws_client_pin_parse(bad[i], &pin, NULL), DVBCSS_EVALUE);
        cr_assert_eq(dvbcss_client_pin_format(bad[i], NULL, NULL), DVBCSS_EVALUE);
    }
}

/* Also where there is no TLS: it was meant for something. */
Test(ws_client_tls, says_so_when_the_pin_is_none)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct ws_client *client = NULL;
    struct test_loop test;

    test_loop_begin(&test);
    options.pin = "nonsense";
    cr_assert_eq(ws_client_create(&client, &test.loop, "ws://127.0.0.1:1/", &options, &events, NULL,
                                  &report),
                 DVBCSS_EVALUE);
    cr_assert_null(client);
    cr_assert_str_eq(report.path, "pin");
    test_loop_end(&test);
}
