/*
 * The CII endpoint with one allocation failing, each in turn: a call that fails has changed nothing
 * and told nobody; a companion either learns the present state or is sent away.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/cii_endpoint.h"
#include "failing_alloc.h"
#include "test_server.h"
#include "ws_peer.h"

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct ws_peer_frame frame;

static void start(void)
{
    test_server_begin(&loop, &server);
}

static void stop(void)
{
    test_server_end(&loop, server);
}

TestSuite(cii_endpoint_memory, .init = start, .fini = stop);

static struct dvbcss_cii_endpoint *create(void)
{
    struct dvbcss_cii_endpoint_options options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;
    struct dvbcss_cii_endpoint *endpoint = NULL;

    cr_assert_eq(dvbcss_cii_endpoint_create(&endpoint, server, &options), 0);
    return endpoint;
}

Test(cii_endpoint_memory, creation_fails_cleanly)
{
    struct dvbcss_cii_endpoint_options options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;
    bool failed = true;

    options.advertise_host = "tv.example";
    options.greeting = "hello";
    for (unsigned n = 0; failed; n++) {
        struct dvbcss_cii_endpoint *endpoint = NULL;
        int error;

        failing_alloc_begin(n);
        error = dvbcss_cii_endpoint_create(&endpoint, server, &options);
        failed = failing_alloc_end();
        cr_expect_eq(error, failed ? DVBCSS_ENOMEM : 0, "allocation %u", n);
        cr_expect_eq(endpoint == NULL, failed, "allocation %u", n);
        if (failed)
            cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        dvbcss_cii_endpoint_destroy(endpoint);
    }
}

/* Reads what a companion is told until it is up to date (true) or sent away (false). */
static bool catches_up(struct ws_peer *peer, struct dvbcss_cii *known,
                       const struct dvbcss_cii *state)
{
    while (dvbcss_cii_diff(known, state) != 0) {
        struct dvbcss_cii message = DVBCSS_CII_INIT;
        int opcode = ws_peer_read_frame(peer, &frame);

        if (opcode == WS_PEER_CLOSE) {
            cr_expect_eq(frame.payload[0] << 8 | frame.payload[1], DVBCSS_CLOSE_TRY_AGAIN_LATER);
            return false;
        }
        cr_assert_eq(opcode, WS_PEER_TEXT);
        cr_assert_eq(dvbcss_cii_decode((const char *)frame.payload, frame.length, DVBCSS_STRICT,
                                       &message, NULL),
                     0);
        cr_assert_eq(dvbcss_cii_merge(known, &message, NULL), 0);
        dvbcss_cii_finish(&message);
    }
    return true;
}

Test(cii_endpoint_memory, a_state_is_set_and_told_or_it_is_not)
{
    struct dvbcss_cii changes = DVBCSS_CII_INIT;
    unsigned sent_away = 0;
    bool failed = true;

    cr_assert_eq(dvbcss_cii_set_text(&changes, DVBCSS_CII_CONTENT_ID, "a"), 0);
    for (unsigned n = 0; failed; n++) {
        struct dvbcss_cii_endpoint *endpoint = create();
        struct ws_peer *peer = calloc(1, sizeof *peer);
        struct dvbcss_cii known = DVBCSS_CII_INIT;
        int error;

        cr_assert(ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/cii"));
        cr_assert(catches_up(peer, &known, dvbcss_cii_endpoint_state(endpoint)));
        failing_alloc_begin(n);
        error = dvbcss_cii_endpoint_change(endpoint, &changes);
        failed = failing_alloc_end();
        if (error) {
            cr_expect_eq(error, DVBCSS_ENOMEM, "allocation %u", n);
            cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
            cr_expect(dvbcss_cii_equal(&known, dvbcss_cii_endpoint_state(endpoint)));
            cr_assert_eq(dvbcss_cii_endpoint_change(endpoint, &changes), 0);
        }
        sent_away += catches_up(peer, &known, dvbcss_cii_endpoint_state(endpoint)) ? 0 : 1;
        cr_expect_str_eq(dvbcss_cii_endpoint_state(endpoint)->content_id.text, "a");
        dvbcss_cii_finish(&known);
        ws_peer_close(peer);
        free(peer);
        dvbcss_cii_endpoint_destroy(endpoint);
    }
    cr_expect_gt(sent_away, 0, "no allocation of the message was met");
    dvbcss_cii_finish(&changes);
}

/* Connects with the @p n-th allocation failing. Returns whether one failed; whatever comes of it,
 * the companion is told the state, sent away, or refused. */
static bool connect_without_memory(struct ws_peer *peer, unsigned n)
{
    bool failed;
    int opcode;

    cr_assert(ws_peer_connect(peer, &loop, dvbcss_server_address(server, 0)));
    failing_alloc_begin(n);
    if (ws_peer_upgrade(peer, "/cii", NULL, NULL) == 101) {
        opcode = ws_peer_read_frame(peer, &frame);
        cr_expect(opcode == WS_PEER_TEXT || opcode == WS_PEER_CLOSE || opcode == WS_PEER_EOF,
                  "allocation %u: opcode %d", n, opcode);
    }
    failed = failing_alloc_end();
    ws_peer_close(peer);
    return failed;
}

Test(cii_endpoint_memory, who_connects_is_told_or_sent_away_and_others_are_served)
{
    struct dvbcss_cii_endpoint *endpoint = create();
    struct ws_peer *peer = calloc(1, sizeof *peer);
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_cii known = DVBCSS_CII_INIT;

        failed = connect_without_memory(peer, n);
        cr_assert(ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/cii"),
                  "allocation %u", n);
        cr_expect(catches_up(peer, &known, dvbcss_cii_endpoint_state(endpoint)));
        dvbcss_cii_finish(&known);
        ws_peer_close(peer);
    }
    cr_expect_gt(dvbcss_cii_endpoint_counters(endpoint)->failures, 0);
    free(peer);
    dvbcss_cii_endpoint_destroy(endpoint);
}
