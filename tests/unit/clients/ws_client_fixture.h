/**
 * @file
 * A WebSocket client and a server that a test scripts, and what each of them saw.
 */
#ifndef TESTS_WS_CLIENT_FIXTURE_H
#define TESTS_WS_CLIENT_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "clients/ws_client.h"
#include "test_loop.h"
#include "toy_server.h"

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

static inline void on_opened(void *user)
{
    ((struct fixture *)user)->opened++;
}

static inline void on_text(void *user, const char *text, size_t length)
{
    struct fixture *f = user;

    if (f->texts < sizeof f->said / sizeof f->said[0])
        snprintf(f->said[f->texts], sizeof f->said[0], "%.*s", (int)length, text);
    f->texts++;
    f->text_length = length;
}

static inline void on_binary(void *user, size_t length)
{
    struct fixture *f = user;

    f->binaries++;
    f->binary_length = length;
}

static inline void on_ended(void *user, const struct dvbcss_disconnect *why)
{
    struct fixture *f = user;

    f->ended++;
    f->why = *why;
}

static const struct ws_client_events events = {on_opened, on_text, on_binary, on_ended};

static inline void on_destroyed(void *user)
{
    ((struct fixture *)user)->destroyed++;
}

static inline void note_frame(struct toy_connection *connection, enum toy_opcode opcode,
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

static inline void note_gone(struct toy_connection *connection)
{
    ((struct fixture *)toy_user(connection))->gone++;
}

static inline void begin(struct fixture *f, const struct toy_script *script)
{
    static const struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;

    memset(f, 0, sizeof *f);
    f->options = options;
    test_loop_begin(&f->test);
    f->server = toy_server_create(&f->test.loop, script, f, NULL);
}

static inline void connect_to(struct fixture *f, const char *path)
{
    cr_assert_eq(ws_client_create(&f->client, &f->test.loop, toy_server_url(f->server, path),
                                  &f->options, &events, f, NULL),
                 0);
    ws_client_connect(f->client);
}

static inline void end(struct fixture *f)
{
    ws_client_destroy(f->client, on_destroyed, f);
    cr_assert_eq(f->destroyed, 0, "never from inside the call");
    TEST_LOOP_UNTIL(&f->test, f->destroyed);
    toy_server_close(f->server);
    test_loop_end(&f->test);
    cr_assert_eq(f->destroyed, 1);
}

/* Three messages: one in fragments around a ping, an empty one, and one more. */
static inline void greet_in_pieces(struct toy_connection *connection)
{
    toy_frame(connection, false, TOY_TEXT, "one ", 4);
    toy_frame(connection, true, TOY_PING, "in between", 10);
    toy_frame(connection, false, TOY_CONTINUATION, "two ", 4);
    toy_frame(connection, true, TOY_CONTINUATION, "three", 5);
    toy_text(connection, "");
    toy_text(connection, "next");
}

#endif
