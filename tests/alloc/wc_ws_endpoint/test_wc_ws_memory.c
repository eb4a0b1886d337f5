/*
 * The wall clock over WebSocket without memory: what cannot be made leaves nothing behind, and a
 * request that cannot be answered is one that was lost.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <uv.h>

#include "dvbcss/wc_ws_endpoint.h"
#include "failing_alloc.h"
#include "test_server.h"
#include "ws_peer.h"

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_clock *wall_clock;
static struct dvbcss_wc_ws_endpoint *wc;

static int64_t no_time(void *user)
{
    (void)user;
    return 0;
}

static int create(void)
{
    struct dvbcss_wc_ws_endpoint_options options = DVBCSS_WC_WS_ENDPOINT_OPTIONS_INIT;

    options.wall_clock = wall_clock;
    options.answers_per_s = 0;
    return dvbcss_wc_ws_endpoint_create(&wc, server, &options);
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
    dvbcss_wc_ws_endpoint_destroy(wc);
    test_server_end(&loop, server);
    dvbcss_clock_destroy(wall_clock);
}

TestSuite(wc_ws_memory, .init = start, .fini = stop);

Test(wc_ws_memory, is_made_whole_or_not_at_all)
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
        cr_assert_null(wc);
    }
}

static bool was_dealt_with(void *user)
{
    const struct dvbcss_wc_ws_endpoint_counters *counters = dvbcss_wc_ws_endpoint_counters(wc);

    return counters->json[DVBCSS_WC_JSON_NANOSECONDS] + counters->failures +
               dvbcss_server_counters(server)->connections_opened -
               dvbcss_server_counters(server)->connections_open >=
           *(const unsigned *)user;
}

Test(wc_ws_memory, a_request_without_memory_is_lost_and_nothing_else)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);
    static struct ws_peer_frame frame;
    unsigned requests = 0;
    uint64_t failures;
    bool failed = true;

    cr_assert_eq(create(), 0);
    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/wc"));
    for (unsigned n = 0; failed; n++) {
        failing_alloc_begin(n);
        requests++;
        cr_assert(ws_peer_send_text(peer, "{\"id\":\"x\",\"ot\":1}"));
        cr_assert(ws_peer_pump(&loop, was_dealt_with, &requests));
        failed = failing_alloc_end();
        failures = dvbcss_wc_ws_endpoint_counters(wc)->failures;
        cr_assert_eq(failures,
                     requests -
                         dvbcss_wc_ws_endpoint_counters(wc)->json[DVBCSS_WC_JSON_NANOSECONDS]);
    }
    cr_assert_eq(failures, requests - 1, "each allocation failed once");
    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_TEXT);
    ws_peer_close(peer);
    free(peer);
}
