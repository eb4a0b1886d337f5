/**
 * @file
 * A server on loopback with nothing on it, for Criterion tests of endpoints.
 */
#ifndef TESTS_TEST_SERVER_H
#define TESTS_TEST_SERVER_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <uv.h>

#include "dvbcss/server.h"
#include "ws_peer.h"

/** Makes a loop, and on it a server on a free port. */
static inline void test_server_begin(uv_loop_t *loop, struct dvbcss_server **server)
{
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_server_listen listen = {.host = "127.0.0.1"};

    cr_assert_eq(uv_loop_init(loop), 0);
    options.listen = &listen;
    options.listen_count = 1;
    cr_assert_eq(dvbcss_server_create(server, loop, &options, NULL), 0);
}

static inline void test_server_note_closed(void *user)
{
    *(bool *)user = true;
}

static inline bool test_server_is_closed(void *user)
{
    return *(bool *)user;
}

/** Closes the server, whose endpoints are gone, and the loop, on which nothing may be left. */
static inline void test_server_end(uv_loop_t *loop, struct dvbcss_server *server)
{
    bool closed = false;

    dvbcss_server_close(server, test_server_note_closed, &closed);
    cr_expect(ws_peer_pump(loop, test_server_is_closed, &closed));
    uv_run(loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(loop), 0);
}

#endif
