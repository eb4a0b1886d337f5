/*
 * App2App over real sockets: who meets whom, what is passed on, and how it ends.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/app2app_endpoint.h"
#include "test_server.h"
#include "ws_peer.h"

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_app2app_endpoint *relay;
static struct ws_peer_frame frame;
static unsigned disconnects;

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    (void)context, (void)connection, (void)code, (void)reason;
    disconnects++;
}

static struct dvbcss_app2app_endpoint_options plain_options(void)
{
    struct dvbcss_app2app_endpoint_options options = DVBCSS_APP2APP_ENDPOINT_OPTIONS_INIT;

    options.on_disconnect = on_disconnect;
    return options;
}

static void restart(const struct dvbcss_app2app_endpoint_options *options)
{
    dvbcss_app2app_endpoint_destroy(relay);
    cr_assert_eq(dvbcss_app2app_endpoint_create(&relay, server, options), 0);
}

static void start(void)
{
    struct dvbcss_app2app_endpoint_options endpoint = plain_options();

    test_server_begin(&loop, &server);
    restart(&endpoint);
}

static void stop(void)
{
    dvbcss_app2app_endpoint_destroy(relay);
    test_server_end(&loop, server);
}

TestSuite(app2app_endpoint, .init = start, .fini = stop);

static const struct dvbcss_app2app_endpoint_counters *counters(void)
{
    return dvbcss_app2app_endpoint_counters(relay);
}

static struct ws_peer *client(const char *path)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);

    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), path), "%s",
              path);
    return peer;
}

/* Connects to a path, and returns the status that it is refused with. */
static int refused(const char *path, const char *headers, struct ws_peer_answer *answer)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);
    int status;

    cr_assert(peer && ws_peer_connect(peer, &loop, dvbcss_server_address(server, 0)));
    status = ws_peer_upgrade(peer, path, headers, answer);
    ws_peer_close(peer);
    free(peer);
    return status;
}

static void leave(struct ws_peer *peer)
{
    ws_peer_close(peer);
    free(peer);
}

static void expect(struct ws_peer *peer, int opcode, const char *payload)
{
    cr_assert_eq(ws_peer_read_frame(peer, &frame), opcode);
    cr_assert_eq(frame.length, strlen(payload));
    cr_assert_str_eq((const char *)frame.payload, payload);
}

static void expect_paired(struct ws_peer *peer)
{
    expect(peer, WS_PEER_TEXT, "pairingcompleted");
}

static bool has_reached(void *user)
{
    const uint64_t *const *both = user;

    return *both[0] == *both[1];
}

static void wait_for(const uint64_t *counter, uint64_t value)
{
    const uint64_t *both[] = {counter, &value};

    cr_assert(ws_peer_pump(&loop, has_reached, both));
}

/* ---- pairing -------------------------------------------------------------------------------- */

Test(app2app_endpoint, pairs_whoever_comes_first)
{
    static const char *const orders[][2] = {
        {"/app2app/local/x", "/app2app/x"},
        {"/app2app/x", "/app2app/local/x"},
        {"/app2app/remote/x", "/app2app/local/x"},
        {"/app2app/local", "/app2app/"},
        {"/app2app", "/app2app/local/"},
        {"/app2app/a%20b/%C3%A9", "/app2app/local/a%20b/%C3%A9"}};

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct ws_peer *first = client(orders[i][0]);
        struct ws_peer *second;

        wait_for(&counters()->waiting, 1);
        second = client(orders[i][1]);
        expect_paired(first);
        expect_paired(second);
        cr_assert_eq(counters()->waiting, 0);
        cr_assert_eq(counters()->pairs_open, 1);
        leave(first);
        leave(second);
        wait_for(&counters()->pairs_open, 0);
    }
    cr_assert_eq(counters()->pairs, sizeof orders / sizeof *orders);
}

Test(app2app_endpoint, does_not_pair_other_names_or_the_same_side)
{
    struct ws_peer *page = client("/app2app/local/x");
    struct ws_peer *other_page = client("/app2app/local/x");
    struct ws_peer *other_name = client("/app2app/X");
    struct ws_peer *longer_name = client("/app2app/x/y");

    wait_for(&counters()->waiting, 4);
    cr_assert_eq(counters()->pairs, 0);
    leave(page);
    leave(other_page);
    leave(other_name);
    leave(longer_name);
    wait_for(&counters()->waiting, 0);
}

Test(app2app_endpoint, serves_who_waits_longest_first)
{
    struct ws_peer *first = client("/app2app/local/x");
    struct ws_peer *second = client("/app2app/local/x");
    struct ws_peer *companion = client("/app2app/x");
    struct ws_peer *next;

    expect_paired(first);
    expect_paired(companion);
    next = client("/app2app/x");
    expect_paired(second);
    expect_paired(next);
    leave(first);
    leave(second);
    leave(companion);
    leave(next);
}

struct who {
    struct dvbcss_app2app_client local, remote;
};

static void note_client(void *user, struct dvbcss_connection *connection)
{
    struct dvbcss_app2app_client client;
    struct who *who = user;

    dvbcss_app2app_endpoint_client(connection, &client);
    *(client.local ? &who->local : &who->remote) = client;
}

Test(app2app_endpoint, tells_who_talks_to_whom)
{
    struct ws_peer *page = client("/app2app/local/x");
    struct who who = {0};
    struct ws_peer *companion;

    dvbcss_endpoint_each(dvbcss_app2app_endpoint_base(relay), note_client, &who);
    cr_assert_str_eq(who.local.name, "x");
    cr_assert_null(who.local.partner);
    companion = client("/app2app/x");
    expect_paired(companion);
    dvbcss_endpoint_each(dvbcss_app2app_endpoint_base(relay), note_client, &who);
    cr_assert_str_eq(who.remote.name, "x");
    cr_assert_str_eq(dvbcss_connection_id(who.local.partner), "app2app-2");
    cr_assert_str_eq(dvbcss_connection_id(who.remote.partner), "app2app-1");
    leave(page);
    leave(companion);
}

/* ---- passing on ----------------------------------------------------------------------------- */

static void make_pair(struct ws_peer **page, struct ws_peer **companion)
{
    *page = client("/app2app/local/x");
    *companion = client("/app2app/x");
    expect_paired(*page);
    expect_paired(*companion);
}

Test(app2app_endpoint, passes_on_texts_and_binaries_as_they_are)
{
    static char large[100000];
    struct ws_peer *page, *companion;

    make_pair(&page, &companion);
    cr_assert(ws_peer_send_text(page, "pairingcompleted"));
    expect(companion, WS_PEER_TEXT, "pairingcompleted");
    cr_assert(ws_peer_send_text(companion, ""));
    expect(page, WS_PEER_TEXT, "");
    cr_assert(ws_peer_send_frame(companion, WS_PEER_FIN | WS_PEER_BINARY, true, "\x80\xff", 2));
    expect(page, WS_PEER_BINARY, "\x80\xff");
    memset(large, 'l', sizeof large - 1);
    cr_assert(ws_peer_send_text(page, large));
    expect(companion, WS_PEER_TEXT, large);
    /* In parts it is one message all the same. */
    cr_assert(ws_peer_send_frame(page, WS_PEER_TEXT, true, "in ", 3));
    cr_assert(ws_peer_send_frame(page, WS_PEER_FIN | WS_PEER_CONTINUATION, true, "two", 3));
    expect(companion, WS_PEER_TEXT, "in two");
    cr_assert_eq(counters()->messages, 5);
    cr_assert_eq(counters()->bytes, 16 + 0 + 2 + sizeof large - 1 + 6);
    leave(page);
    leave(companion);
}

Test(app2app_endpoint, keeps_what_is_said_before_there_is_a_partner)
{
    struct ws_peer *page = client("/app2app/local/x");
    struct ws_peer *companion;

    cr_assert(ws_peer_send_text(page, "one"));
    cr_assert(ws_peer_send_frame(page, WS_PEER_FIN | WS_PEER_BINARY, true, "two", 3));
    /* Once a ping is answered all is there. */
    cr_assert(ws_peer_send_frame(page, WS_PEER_FIN | WS_PEER_PING, true, "", 0));
    cr_assert_eq(ws_peer_read_frame(page, &frame), WS_PEER_PONG);
    companion = client("/app2app/x");
    cr_assert(ws_peer_send_text(page, "three"));
    expect_paired(companion);
    expect(companion, WS_PEER_TEXT, "one");
    expect(companion, WS_PEER_BINARY, "two");
    expect(companion, WS_PEER_TEXT, "three");
    leave(page);
    leave(companion);
}

Test(app2app_endpoint, closes_who_says_too_much_before_there_is_a_partner)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer *page, *other;

    options.limits.max_queued_messages = 2;
    options.max_early_bytes = 10;
    restart(&options);
    page = client("/app2app/local/x");
    other = client("/app2app/local/x");
    for (int i = 0; i < 3; i++)
        cr_assert(ws_peer_send_text(page, "1"));
    cr_assert_eq(ws_peer_read_close(page, NULL), DVBCSS_CLOSE_POLICY);
    cr_assert(ws_peer_send_text(other, "123456"));
    cr_assert(ws_peer_send_text(other, "78901"));
    cr_assert_eq(ws_peer_read_close(other, NULL), DVBCSS_CLOSE_POLICY);
    cr_assert_eq(counters()->early_overflows, 2);
    leave(page);
    leave(other);
}

/* ---- ends ----------------------------------------------------------------------------------- */

Test(app2app_endpoint, ends_both_with_the_same_code)
{
    static const struct {
        unsigned sent;
        unsigned passed_on;
    } cases[] = {{1000, 1000}, {4711, 4711}, {1001, 1001}, {0, 1000}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ws_peer *page, *companion;
        char reason[124];

        make_pair(&page, &companion);
        cr_assert(ws_peer_send_close(page, cases[i].sent, cases[i].sent ? "enough" : NULL));
        cr_assert_eq(ws_peer_read_close(companion, reason), cases[i].passed_on);
        cr_assert_str_eq(reason, cases[i].sent ? "enough" : "the partner has gone");
        leave(page);
        leave(companion);
    }
}

Test(app2app_endpoint, ends_the_other_when_one_is_lost)
{
    struct ws_peer *page, *companion;

    make_pair(&page, &companion);
    ws_peer_reset(companion);
    cr_assert_eq(ws_peer_read_close(page, NULL), DVBCSS_CLOSE_GOING_AWAY);
    wait_for(&counters()->pairs_open, 0);
    free(companion);
    leave(page);
}

Test(app2app_endpoint, sends_what_was_said_before_the_end)
{
    struct ws_peer *page, *companion;

    make_pair(&page, &companion);
    cr_assert(ws_peer_send_text(page, "goodbye"));
    cr_assert(ws_peer_send_close(page, 1000, ""));
    expect(companion, WS_PEER_TEXT, "goodbye");
    cr_assert_eq(ws_peer_read_close(companion, NULL), DVBCSS_CLOSE_NORMAL);
    leave(page);
    leave(companion);
}

Test(app2app_endpoint, ends_a_pair_of_which_one_reads_too_slowly)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    static char large[65536];
    struct ws_peer *page, *companion;

    options.limits.max_queued_bytes = sizeof large;
    restart(&options);
    make_pair(&page, &companion);
    memset(large, 'l', sizeof large - 1);
    /* The companion takes nothing: what no buffer holds any more ends the pair. */
    for (int i = 0; i < 1000 && counters()->pairs_open != 0; i++) {
        if (!ws_peer_send_text(page, large))
            break;
    }
    wait_for(&counters()->pairs_open, 0);
    cr_assert_eq(ws_peer_read_close(page, NULL), DVBCSS_CLOSE_POLICY);
    leave(page);
    leave(companion);
}

static void make_named_pair(const char *name, struct ws_peer **page, struct ws_peer **companion)
{
    char path[64];

    snprintf(path, sizeof path, "/app2app/local/%s", name);
    *page = client(path);
    snprintf(path, sizeof path, "/app2app/%s", name);
    *companion = client(path);
    expect_paired(*page);
    expect_paired(*companion);
}

struct backlog {
    const char *name;
    size_t bytes;
};

static void note_backlog(void *user, struct dvbcss_connection *connection)
{
    struct dvbcss_connection_counters passed;
    struct dvbcss_app2app_client client;
    struct backlog *backlog = user;

    dvbcss_app2app_endpoint_client(connection, &client);
    dvbcss_connection_counters(connection, &passed);
    if (!client.local && strcmp(client.name, backlog->name) == 0)
        backlog->bytes = passed.queued_bytes;
}

static size_t backlog_of(const char *name)
{
    struct backlog backlog = {name, 0};

    dvbcss_endpoint_each(dvbcss_app2app_endpoint_base(relay), note_backlog, &backlog);
    return backlog.bytes;
}

static char part[50000];

/* What was sent was passed on, or was too much. */
static bool is_dealt_with(void *user)
{
    const struct dvbcss_app2app_endpoint_counters *before = user;

    return counters()->messages != before->messages ||
           counters()->backlog_overflows != before->backlog_overflows;
}

/* Has a page talk to a companion that takes nothing until so much waits, or is too much. */
static void fill(struct ws_peer *page, const char *name, size_t bytes)
{
    const uint64_t closed = counters()->backlog_overflows;

    memset(part, 'p', sizeof part - 1);
    while (backlog_of(name) < bytes && counters()->backlog_overflows == closed) {
        struct dvbcss_app2app_endpoint_counters before = *counters();

        cr_assert(ws_peer_send_text(page, part));
        cr_assert(ws_peer_pump(&loop, is_dealt_with, &before));
    }
}

Test(app2app_endpoint, bounds_what_waits_for_companions_of_one_address)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer *pages[2], *companions[2];
    char reason[124];

    options.max_queued_bytes_per_address = 500000;
    restart(&options);
    make_named_pair("x", &pages[0], &companions[0]);
    make_named_pair("y", &pages[1], &companions[1]);
    fill(pages[0], "x", 400000);
    cr_assert_eq(counters()->backlog_overflows, 0);
    fill(pages[1], "y", 400000);
    cr_assert_eq(ws_peer_read_close(pages[1], reason), DVBCSS_CLOSE_POLICY);
    cr_assert_str_eq(reason, "too much waits for clients of one address");
    cr_assert_eq(counters()->backlog_overflows, 1);
    cr_assert_eq(counters()->pairs_open, 1);
    expect(companions[0], WS_PEER_TEXT, part);
    for (size_t i = 0; i < 2; i++) {
        leave(pages[i]);
        leave(companions[i]);
    }
}

Test(app2app_endpoint, closes_the_pair_for_which_most_waits_when_all_together_is_too_much)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer *pages[2], *companions[2];
    char reason[124];

    options.max_queued_bytes_in_all = 500000;
    restart(&options);
    make_named_pair("x", &pages[0], &companions[0]);
    make_named_pair("y", &pages[1], &companions[1]);
    fill(pages[0], "x", 400000);
    /* The one that brings it over the bound is not the one that goes. */
    fill(pages[1], "y", 200000);
    cr_assert_eq(ws_peer_read_close(pages[0], reason), DVBCSS_CLOSE_POLICY);
    cr_assert_str_eq(reason, "too much waits for all clients, and most for this one");
    cr_assert_eq(counters()->backlog_overflows, 1);
    cr_assert_eq(counters()->pairs_open, 1);
    expect(companions[1], WS_PEER_TEXT, part);
    for (size_t i = 0; i < 2; i++) {
        leave(pages[i]);
        leave(companions[i]);
    }
}

Test(app2app_endpoint, goes_with_1001_for_all)
{
    struct ws_peer *page, *companion, *waiting;

    make_pair(&page, &companion);
    waiting = client("/app2app/other");
    cr_assert(ws_peer_send_text(waiting, "kept"));
    dvbcss_app2app_endpoint_destroy(relay);
    relay = NULL;
    cr_assert_eq(disconnects, 3);
    cr_assert_eq(ws_peer_read_close(page, NULL), DVBCSS_CLOSE_GOING_AWAY);
    cr_assert_eq(ws_peer_read_close(companion, NULL), DVBCSS_CLOSE_GOING_AWAY);
    cr_assert_eq(ws_peer_read_close(waiting, NULL), DVBCSS_CLOSE_GOING_AWAY);
    leave(page);
    leave(companion);
    leave(waiting);
}

/* ---- refusals ------------------------------------------------------------------------------- */

Test(app2app_endpoint, lets_only_so_many_wait)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer_answer answer;
    struct ws_peer *first, *second, *page;
    char value[16];

    options.max_waiting = (struct dvbcss_app2app_waiting_limits){2, 1, 10};
    restart(&options);
    first = client("/app2app/x");
    cr_assert_eq(refused("/app2app/x", NULL, &answer), 503);
    cr_assert(ws_peer_answer_header(&answer, "Retry-After", value, sizeof value));
    second = client("/app2app/y");
    cr_assert_eq(refused("/app2app/z", NULL, NULL), 503);
    cr_assert_eq(counters()->refused_waiting, 2);
    /* Whom a partner waits for does not wait. */
    page = client("/app2app/local/x");
    expect_paired(first);
    leave(first);
    leave(second);
    leave(page);
}

Test(app2app_endpoint, keeps_room_for_pages_however_many_companions_wait)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer *companion, *page;

    options.max_waiting.in_all = 1;
    restart(&options);
    companion = client("/app2app/x");
    cr_assert_eq(refused("/app2app/y", NULL, NULL), 503);
    page = client("/app2app/local/z");
    cr_assert_eq(refused("/app2app/local/y", NULL, NULL), 503);
    cr_assert_eq(counters()->waiting, 2);
    leave(companion);
    leave(page);
}

Test(app2app_endpoint, lets_only_so_many_companions_of_one_address_wait_but_any_number_of_pages)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer *companions[2], *pages[3];

    options.max_waiting.per_address = 2;
    restart(&options);
    companions[0] = client("/app2app/a");
    companions[1] = client("/app2app/b");
    cr_assert_eq(refused("/app2app/c", NULL, NULL), 503);
    cr_assert_eq(counters()->refused_waiting, 1);
    pages[0] = client("/app2app/local/d");
    pages[1] = client("/app2app/local/e");
    pages[2] = client("/app2app/local/f");
    cr_assert_eq(counters()->waiting, 5);
    /* One that has been paired waits no more. */
    leave(companions[0]);
    companions[0] = client("/app2app/d");
    expect_paired(companions[0]);
    wait_for(&counters()->waiting, 3);
    leave(client("/app2app/c"));
    for (size_t i = 0; i < 2; i++)
        leave(companions[i]);
    for (size_t i = 0; i < 3; i++)
        leave(pages[i]);
}

Test(app2app_endpoint, lets_pages_of_listed_origins_take_the_tv_s_side)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer *companion;

    options.local_access.origin_policy = DVBCSS_ORIGIN_LISTED;
    options.local_access.origins = "http://tv.example";
    restart(&options);
    cr_assert_eq(refused("/app2app/local/x", NULL, NULL), 403);
    cr_assert_eq(refused("/app2app/local/x", "Origin: http://evil.example\r\n", NULL), 403);
    cr_assert_eq(refused("/app2app/local/x", "Origin: http://tv.example\r\n", NULL), 101);
    companion = client("/app2app/x");
    leave(companion);
    cr_assert_eq(counters()->refused_local, 2);
}

Test(app2app_endpoint, refuses_names_that_are_too_long)
{
    static char path[1100] = "/app2app/local/";
    size_t length = strlen(path);
    struct ws_peer *peer;

    memset(path + length, 'n', DVBCSS_APP2APP_NAME_MAX);
    peer = client(path);
    path[length + DVBCSS_APP2APP_NAME_MAX] = 'n';
    cr_assert_eq(refused(path, NULL, NULL), 404);
    leave(peer);
}

Test(app2app_endpoint, has_companions_wait_only_so_long_but_not_pages)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct ws_peer *companion, *page;
    char reason[124];

    options.limits.setup_timeout_s = 1;
    restart(&options);
    page = client("/app2app/local/other");
    companion = client("/app2app/x");
    cr_assert_eq(ws_peer_read_close(companion, reason), DVBCSS_CLOSE_POLICY);
    cr_assert_eq(counters()->waiting, 1, "the page still waits");
    leave(companion);
    leave(page);
}

Test(app2app_endpoint, refuses_options_out_of_range)
{
    struct dvbcss_app2app_endpoint_options options = plain_options();
    struct dvbcss_app2app_endpoint *none = NULL;

    cr_assert_eq(dvbcss_app2app_endpoint_create(&none, server, &options), DVBCSS_EEXIST);
    options.path = NULL;
    cr_assert_eq(dvbcss_app2app_endpoint_create(&none, server, &options), DVBCSS_EINVAL);
    options.path = "/";
    cr_assert_eq(dvbcss_app2app_endpoint_create(&none, server, &options), DVBCSS_EINVAL);
    options.path = "/other/";
    options.local_access.origin_policy = (enum dvbcss_origin_policy)9;
    cr_assert_eq(dvbcss_app2app_endpoint_create(&none, server, &options), DVBCSS_EINVAL);
    cr_assert_null(none);
    dvbcss_app2app_endpoint_destroy(NULL);
}
