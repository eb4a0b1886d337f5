/*
 * App2App without memory: what cannot be made leaves nothing behind, and a pair that cannot be
 * served costs the others nothing.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <uv.h>

#include "dvbcss/app2app_endpoint.h"
#include "failing_alloc.h"
#include "test_server.h"
#include "ws_peer.h"

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_app2app_endpoint *relay;

static int create(void)
{
    struct dvbcss_app2app_endpoint_options options = DVBCSS_APP2APP_ENDPOINT_OPTIONS_INIT;

    options.local_access.origins = "http://tv.example";
    options.local_access.hosts = "tv.example";
    return dvbcss_app2app_endpoint_create(&relay, server, &options);
}

static void start(void)
{
    test_server_begin(&loop, &server);
}

static void stop(void)
{
    dvbcss_app2app_endpoint_destroy(relay);
    test_server_end(&loop, server);
}

TestSuite(app2app_memory, .init = start, .fini = stop);

Test(app2app_memory, is_made_whole_or_not_at_all)
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
        cr_assert_null(relay);
    }
}

static struct ws_peer *client(const char *path)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);

    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), path));
    return peer;
}

static void leave(struct ws_peer *peer)
{
    ws_peer_close(peer);
    free(peer);
}

static void expect_text(struct ws_peer *peer, const char *text)
{
    static struct ws_peer_frame frame;

    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_TEXT);
    cr_assert_str_eq((const char *)frame.payload, text);
}

/* A page says something (a pong tells that it is heard), a companion comes, both talk: 0 if all of
 * it went as it should. */
static int talk(struct ws_peer *page, struct ws_peer *companion)
{
    static struct ws_peer_frame frame;

    if (!ws_peer_open(page, &loop, dvbcss_server_address(server, 0), "/app2app/local/x") ||
        !ws_peer_send_text(page, "early") ||
        !ws_peer_send_frame(page, WS_PEER_FIN | WS_PEER_PING, true, "", 0) ||
        ws_peer_read_frame(page, &frame) != WS_PEER_PONG ||
        !ws_peer_open(companion, &loop, dvbcss_server_address(server, 0), "/app2app/x"))
        return -1;
    for (int expected = 0; expected < 2; expected++) {
        if (ws_peer_read_frame(companion, &frame) != WS_PEER_TEXT)
            return -1;
    }
    if (!ws_peer_send_text(companion, "late"))
        return -1;
    for (int expected = 0; expected < 2; expected++) {
        if (ws_peer_read_frame(page, &frame) != WS_PEER_TEXT)
            return -1;
    }
    return 0;
}

static bool is_empty(void *user)
{
    (void)user;
    return dvbcss_endpoint_connection_count(dvbcss_app2app_endpoint_base(relay)) == 2;
}

Test(app2app_memory, a_pair_that_cannot_be_served_costs_the_others_nothing)
{
    struct ws_peer *good_page, *good_companion;
    bool failed = true;

    cr_assert_eq(create(), 0);
    good_page = client("/app2app/local/good");
    good_companion = client("/app2app/good");
    expect_text(good_page, "pairingcompleted");
    expect_text(good_companion, "pairingcompleted");
    for (unsigned n = 0; failed; n++) {
        struct ws_peer *page = calloc(1, sizeof *page), *companion = calloc(1, sizeof *companion);
        int result;

        cr_assert(page && companion);
        page->fd = companion->fd = -1;
        failing_alloc_begin(n);
        result = talk(page, companion);
        leave(page);
        leave(companion);
        cr_assert(ws_peer_pump(&loop, is_empty, NULL));
        failed = failing_alloc_end();
        cr_assert(result == 0 || failed, "allocation %u", n);
        cr_assert_eq(dvbcss_app2app_endpoint_counters(relay)->waiting, 0);
        cr_assert_eq(dvbcss_app2app_endpoint_counters(relay)->pairs_open, 1);
        cr_assert(ws_peer_send_text(good_page, "still there?"));
        expect_text(good_companion, "still there?");
    }
    leave(good_page);
    leave(good_companion);
}
