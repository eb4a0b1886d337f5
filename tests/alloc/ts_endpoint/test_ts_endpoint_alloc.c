/*
 * The TS endpoint without memory: what cannot be made leaves nothing behind, and a companion that
 * cannot be served costs the others nothing.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <uv.h>

#include "dvbcss/ts_endpoint.h"
#include "failing_alloc.h"
#include "test_server.h"
#include "ws_peer.h"

#define SETUP "{\"timelineSelector\":\"one\"}"

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_clock *wall_clock;
static struct dvbcss_ts_endpoint *ts;
static unsigned connects;
static unsigned disconnects;

static int64_t no_time(void *user)
{
    (void)user;
    return 0;
}

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    (void)context;
    (void)connection;
    connects++;
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    (void)context;
    (void)connection;
    (void)code;
    (void)reason;
    disconnects++;
}

static int create(void)
{
    struct dvbcss_ts_endpoint_options options = DVBCSS_TS_ENDPOINT_OPTIONS_INIT;

    options.wall_clock = wall_clock;
    options.hooks.on_connect = on_connect;
    options.hooks.on_disconnect = on_disconnect;
    return dvbcss_ts_endpoint_create(&ts, server, &options);
}

static void start(void)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;

    root.now_ns = no_time;
    root.precision_s = 1e-9;
    cr_assert_eq(dvbcss_root_clock_create(&wall_clock, &root), 0);
    test_server_begin(&loop, &server);
}

static void stop(void)
{
    dvbcss_ts_endpoint_destroy(ts);
    test_server_end(&loop, server);
    dvbcss_clock_destroy(wall_clock);
    cr_expect_eq(connects, disconnects);
}

TestSuite(ts_endpoint_memory, .init = start, .fini = stop);

Test(ts_endpoint_memory, is_made_whole_or_not_at_all)
{
    for (unsigned n = 0;; n++) {
        long outstanding;
        bool failed;
        int error;

        failing_alloc_begin(n);
        error = create();
        outstanding = failing_alloc_outstanding();
        failed = failing_alloc_end();
        cr_assert_eq(error, failed ? DVBCSS_ENOMEM : 0);
        if (!failed)
            break;
        cr_assert_eq(outstanding, 0, "allocation %u: %ld left", n, outstanding);
        cr_assert_null(ts);
    }
}

static struct ws_peer *companion(void)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);

    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/ts"));
    return peer;
}

static void expect_answer(struct ws_peer *peer)
{
    static struct ws_peer_frame frame;

    cr_assert(ws_peer_send_text(peer, SETUP));
    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_TEXT);
}

Test(ts_endpoint_memory, a_companion_that_cannot_be_served_costs_the_others_nothing)
{
    struct ws_peer *good;
    bool failed = true;

    cr_assert_eq(create(), 0);
    good = companion();
    expect_answer(good);
    for (unsigned n = 0; failed; n++) {
        struct ws_peer *peer = calloc(1, sizeof *peer);
        static struct ws_peer_frame frame;
        int opcode = WS_PEER_EOF;

        cr_assert_not_null(peer);
        failing_alloc_begin(n);
        if (ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/ts")) {
            cr_assert(ws_peer_send_text(peer, SETUP));
            /* The second one says that the first is through, whatever became of it. */
            cr_assert(ws_peer_send_text(peer, SETUP));
            opcode = ws_peer_read_frame(peer, &frame);
        }
        failed = failing_alloc_end();
        cr_assert(opcode == WS_PEER_TEXT || opcode == WS_PEER_CLOSE || opcode == WS_PEER_EOF,
                  "allocation %u: %d", n, opcode);
        ws_peer_close(peer);
        free(peer);
        expect_answer(good);
    }
    ws_peer_close(good);
    free(good);
}
