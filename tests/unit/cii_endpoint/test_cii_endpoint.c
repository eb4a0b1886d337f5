/*
 * The CII endpoint over real sockets: what companions are told, and when.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii_endpoint.h"
#include "test_server.h"
#include "ws_peer.h"

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_cii_endpoint *cii;
static struct ws_peer_frame frame;

/* What the hooks saw. */
static struct {
    unsigned connects;
    unsigned disconnects;
    unsigned messages;
    unsigned last_code;
    size_t last_length;
    bool last_text;
    char last_id[64];
    /* What a hook is to do once. */
    void (*act)(void);
} seen;

static void act_once(void)
{
    void (*act)(void) = seen.act;

    seen.act = NULL;
    if (act)
        act();
}

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    cr_expect_eq(context, &seen);
    seen.connects++;
    snprintf(seen.last_id, sizeof seen.last_id, "%s", dvbcss_connection_id(connection));
    act_once();
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    (void)context;
    (void)connection;
    (void)bytes;
    seen.messages++;
    seen.last_length = length;
    seen.last_text = text;
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    (void)context;
    (void)connection;
    (void)reason;
    seen.disconnects++;
    seen.last_code = code;
    act_once();
}

static void start_server(void)
{
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_server_listen listen[] = {{.host = "127.0.0.1"}, {.host = "::1"}};

    cr_assert_eq(uv_loop_init(&loop), 0);
    options.listen = listen;
    options.listen_count = 2;
    cr_assert_eq(dvbcss_server_create(&server, &loop, &options, NULL), 0);
}

static struct dvbcss_cii_endpoint_options with_hooks(void)
{
    struct dvbcss_cii_endpoint_options options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;

    options.hooks.on_connect = on_connect;
    options.hooks.on_message = on_message;
    options.hooks.on_disconnect = on_disconnect;
    options.context = &seen;
    return options;
}

static void start(void)
{
    struct dvbcss_cii_endpoint_options options = with_hooks();

    start_server();
    cr_assert_eq(dvbcss_cii_endpoint_create(&cii, server, &options), 0);
}

/* Replaces the endpoint that start() made. */
static void restart(const struct dvbcss_cii_endpoint_options *options)
{
    dvbcss_cii_endpoint_destroy(cii);
    cii = NULL;
    cr_assert_eq(dvbcss_cii_endpoint_create(&cii, server, options), 0);
}

static void stop(void)
{
    dvbcss_cii_endpoint_destroy(cii);
    test_server_end(&loop, server);
}

TestSuite(cii_endpoint, .init = start, .fini = stop);

/* ---- what tests say ------------------------------------------------------------------------- */

static struct ws_peer *companion_at(size_t address)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);

    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, address), "/cii"));
    return peer;
}

static struct ws_peer *companion(void)
{
    return companion_at(0);
}

static void leave(struct ws_peer *peer)
{
    ws_peer_close(peer);
    free(peer);
}

static void expect_message(struct ws_peer *peer, const char *expected)
{
    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_TEXT, "no text for %s", expected);
    cr_expect(frame.final);
    cr_expect_str_eq((const char *)frame.payload, expected, "got %s", (const char *)frame.payload);
}

static const char nothing[] =
    "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"teUrl\":null,\"timelines\":[]}";

static void change(const char *json)
{
    struct dvbcss_cii changes = DVBCSS_CII_INIT;

    cr_assert_eq(dvbcss_cii_decode(json, strlen(json), DVBCSS_STRICT, &changes, NULL), 0);
    cr_assert_eq(dvbcss_cii_endpoint_change(cii, &changes), 0);
    dvbcss_cii_finish(&changes);
}

static void set_state(const char *json)
{
    struct dvbcss_cii state = DVBCSS_CII_INIT;

    cr_assert_eq(dvbcss_cii_decode(json, strlen(json), DVBCSS_STRICT, &state, NULL), 0);
    cr_assert_eq(dvbcss_cii_endpoint_set_state(cii, &state), 0);
    dvbcss_cii_finish(&state);
}

static bool count_is_reached(void *user)
{
    return dvbcss_endpoint_connection_count(dvbcss_cii_endpoint_base(cii)) == *(size_t *)user;
}

/* Turns the loop until that many companions are there. */
static void wait_for_companions(size_t count)
{
    cr_assert(ws_peer_pump(&loop, count_is_reached, &count));
}

/* ---- telling -------------------------------------------------------------------------------- */

Test(cii_endpoint, says_everything_at_once_on_connect)
{
    struct dvbcss_cii_endpoint_options options = with_hooks();
    struct dvbcss_cii state = DVBCSS_CII_INIT;
    struct ws_peer *peer;

    cr_assert_eq(dvbcss_cii_set_text(&state, DVBCSS_CII_CONTENT_ID, "dvb://1.2.3"), 0);
    cr_assert_eq(dvbcss_cii_set_text(&state, DVBCSS_CII_CONTENT_ID_STATUS, "final"), 0);
    options.state = &state;
    restart(&options);
    dvbcss_cii_finish(&state);
    peer = companion();
    expect_message(peer,
                   "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"contentId\":\"dvb://1.2.3\","
                   "\"contentIdStatus\":\"final\",\"teUrl\":null,\"timelines\":[]}");
    leave(peer);
}

Test(cii_endpoint, tells_everybody_what_changes_in_one_message_for_one_step)
{
    struct ws_peer *first = companion();
    struct ws_peer *second = companion();

    expect_message(first, nothing);
    expect_message(second, nothing);
    change("{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\",\"presentationStatus\":"
           "\"transitioning\"}");
    for (int i = 0; i < 2; i++)
        expect_message(i ? second : first,
                       "{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\","
                       "\"presentationStatus\":\"transitioning\",\"timelines\":[]}");
    change("{\"contentId\":\"dvb://2\"}");
    expect_message(first, "{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"partial\","
                          "\"timelines\":[]}");
    leave(first);
    leave(second);
}

Test(cii_endpoint, says_nothing_when_nothing_changed)
{
    struct ws_peer *peer = companion();

    expect_message(peer, nothing);
    set_state("{}");
    set_state("{\"protocolVersion\":\"1.1\",\"mrsUrl\":null}");
    change("{\"teUrl\":null}");
    change("{\"contentId\":null}");
    expect_message(peer, "{\"contentId\":null,\"timelines\":[]}");
    cr_expect_eq(dvbcss_cii_endpoint_counters(cii)->messages, 2);
    cr_expect_eq(dvbcss_cii_endpoint_counters(cii)->states, 4);
    leave(peer);
}

Test(cii_endpoint, omitting_a_property_tells_nobody_and_later_companions_nothing)
{
    struct ws_peer *early = companion();
    struct ws_peer *late;

    expect_message(early, nothing);
    set_state("{\"contentId\":\"a\",\"mrsUrl\":\"http://m\"}");
    expect_message(early, "{\"mrsUrl\":\"http://m\",\"contentId\":\"a\",\"timelines\":[]}");
    set_state("{}");
    expect_message(early, "{\"mrsUrl\":null,\"timelines\":[]}");
    late = companion();
    expect_message(late, nothing);
    cr_expect_eq(dvbcss_cii_presence(dvbcss_cii_endpoint_state(cii), DVBCSS_CII_CONTENT_ID),
                 DVBCSS_OMITTED);
    leave(early);
    leave(late);
}

Test(cii_endpoint, follows_the_policy)
{
    struct dvbcss_cii_endpoint_options options = with_hooks();
    struct ws_peer *peer;

    options.policy = DVBCSS_CII_SEND_LEAST;
    restart(&options);
    peer = companion();
    expect_message(peer, nothing);
    change("{\"presentationStatus\":\"okay\"}");
    expect_message(peer, "{\"presentationStatus\":\"okay\"}");
    leave(peer);
    options.policy = DVBCSS_CII_SEND_FULL;
    restart(&options);
    peer = companion();
    expect_message(peer, nothing);
    change("{\"presentationStatus\":\"okay\"}");
    expect_message(peer, "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"presentationStatus\":"
                         "\"okay\",\"teUrl\":null,\"timelines\":[]}");
    leave(peer);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static uint16_t port_at(size_t index)
{
    const struct sockaddr *address = dvbcss_server_address(server, index);

    /* The port is at the same place in both families. */
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

Test(cii_endpoint, urls_name_the_address_that_the_companion_reached)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};

    set_state("{\"mrsUrl\":\"http://m\",\"wcUrl\":\"udp://{{host}}:6677\","
              "\"tsUrl\":\"ws://{{host}}:{{port}}/ts\",\"timelines\":null}");
    for (size_t i = 0; i < 2; i++) {
        struct ws_peer *peer = companion_at(i);
        char expected[256];

        snprintf(expected, sizeof expected,
                 "{\"protocolVersion\":\"1.1\",\"mrsUrl\":\"http://m\",\"wcUrl\":\"udp://%s:6677\","
                 "\"tsUrl\":\"ws://%s:%u/ts\",\"teUrl\":null,\"timelines\":null}",
                 hosts[i], hosts[i], (unsigned)port_at(i));
        expect_message(peer, expected);
        leave(peer);
    }
}

Test(cii_endpoint, urls_name_what_is_to_be_advertised)
{
    struct dvbcss_cii_endpoint_options options = with_hooks();
    struct ws_peer *peer;

    options.advertise_host = "2001:db8::7";
    options.advertise_port = 80;
    restart(&options);
    set_state("{\"wcUrl\":\"udp://{{host}}:6677\",\"tsUrl\":\"ws://{{host}}:{{port}}/ts\"}");
    peer = companion();
    expect_message(peer, "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,"
                         "\"wcUrl\":\"udp://[2001:db8::7]:6677\","
                         "\"tsUrl\":\"ws://[2001:db8::7]:80/ts\",\"teUrl\":null,\"timelines\":[]}");
    leave(peer);
}

/* ---- sharing -------------------------------------------------------------------------------- */

Test(cii_endpoint, companions_that_need_the_same_message_share_one_encoding)
{
    const struct dvbcss_cii_endpoint_counters *counters = dvbcss_cii_endpoint_counters(cii);
    struct ws_peer *peers[10];

    for (size_t i = 0; i < 10; i++) {
        peers[i] = companion_at(i % 2);
        expect_message(peers[i], nothing);
    }
    cr_expect_eq(counters->encodings, 2, "one for each address, not %u",
                 (unsigned)counters->encodings);
    change("{\"contentId\":\"a\"}");
    cr_expect_eq(counters->encodings, 4);
    cr_expect_eq(counters->messages, 20);
    for (size_t i = 0; i < 10; i++) {
        expect_message(peers[i], "{\"contentId\":\"a\",\"timelines\":[]}");
        leave(peers[i]);
    }
}

Test(cii_endpoint, a_group_that_everybody_left_is_made_anew)
{
    for (int i = 0; i < 3; i++) {
        struct ws_peer *peer = companion();

        expect_message(peer, nothing);
        leave(peer);
        wait_for_companions(0);
    }
    cr_expect_eq(dvbcss_cii_endpoint_counters(cii)->encodings, 3);
}

/* Sets a large state that differs from the one before. */
static void set_large_state(unsigned number)
{
    static char json[50000];
    int used =
        snprintf(json, sizeof json, "{\"contentId\":\"%u\",\"private\":[{\"type\":\"", number);

    memset(json + used, 'x', sizeof json - (size_t)used - 5);
    memcpy(json + sizeof json - 5, "\"}]}", 5);
    /* The first byte of the filling makes each state another. */
    json[used] = (char)('a' + number % 26);
    set_state(json);
}

Test(cii_endpoint, one_who_reads_slowly_gets_what_was_missed_in_one_message_and_delays_nobody)
{
    const struct dvbcss_cii_endpoint_counters *counters = dvbcss_cii_endpoint_counters(cii);
    struct ws_peer *slow = companion();
    struct ws_peer *quick = companion();
    struct dvbcss_cii known = DVBCSS_CII_INIT;
    unsigned states = 0;
    unsigned received = 0;

    expect_message(quick, nothing);
    while (counters->deferrals < 20 && states < 2000) {
        set_large_state(++states);
        cr_assert_eq(ws_peer_read_frame(quick, &frame), WS_PEER_TEXT);
    }
    cr_assert_geq(counters->deferrals, 20, "the slow one never fell behind");
    while (dvbcss_cii_diff(&known, dvbcss_cii_endpoint_state(cii)) != 0) {
        struct dvbcss_cii message = DVBCSS_CII_INIT;

        cr_assert_eq(ws_peer_read_frame(slow, &frame), WS_PEER_TEXT);
        cr_assert_eq(dvbcss_cii_decode((const char *)frame.payload, frame.length, DVBCSS_STRICT,
                                       &message, NULL),
                     0);
        cr_assert_eq(dvbcss_cii_merge(&known, &message, NULL), 0);
        dvbcss_cii_finish(&message);
        received++;
    }
    cr_expect_leq(received, 1 + states - 19, "%u messages for %u states", received, states);
    change("{\"presentationStatus\":\"okay\"}");
    expect_message(slow, "{\"presentationStatus\":\"okay\",\"timelines\":[]}");
    dvbcss_cii_finish(&known);
    leave(slow);
    leave(quick);
}

static void count_late(void *user, struct dvbcss_connection *connection)
{
    *(unsigned *)user += dvbcss_cii_endpoint_up_to_date(connection) ? 0 : 1;
}

Test(cii_endpoint, tells_who_is_up_to_date)
{
    struct dvbcss_endpoint *base = dvbcss_cii_endpoint_base(cii);
    struct ws_peer *slow = companion();
    unsigned late = 0;

    dvbcss_endpoint_each(base, count_late, &late);
    cr_expect_eq(late, 0);
    for (unsigned i = 1; late == 0 && i < 2000; i++) {
        set_large_state(i);
        dvbcss_endpoint_each(base, count_late, &late);
    }
    cr_expect_eq(late, 1);
    leave(slow);
}

/* ---- companions that misbehave, limits, life ------------------------------------------------ */

Test(cii_endpoint, whatever_a_companion_says_is_counted_and_ignored)
{
    struct ws_peer *peer = companion();

    expect_message(peer, nothing);
    cr_assert(ws_peer_send_text(peer, "{\"contentId\":\"mine\"}"));
    cr_assert(ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_BINARY, true, "\0\1", 2));
    cr_assert(ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_PING, true, "p", 1));
    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_PONG);
    cr_expect_eq(seen.messages, 2);
    cr_expect_eq(seen.last_length, 2);
    cr_expect_not(seen.last_text);
    cr_expect_eq(dvbcss_cii_endpoint_counters(cii)->ignored, 2);
    change("{\"contentId\":\"ours\"}");
    expect_message(peer, "{\"contentId\":\"ours\",\"timelines\":[]}");
    leave(peer);
}

Test(cii_endpoint, a_long_speech_is_cut_off)
{
    static char speech[5000];
    struct ws_peer *peer = companion();

    memset(speech, 'x', sizeof speech);
    cr_assert(ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_TEXT, true, speech, sizeof speech));
    cr_expect_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_TOO_BIG);
    cr_expect_eq(seen.messages, 0);
    leave(peer);
}

static int status_of_upgrade(void)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);
    int status;

    cr_assert(peer && ws_peer_connect(peer, &loop, dvbcss_server_address(server, 0)));
    status = ws_peer_upgrade(peer, "/cii", NULL, NULL);
    leave(peer);
    return status;
}

Test(cii_endpoint, is_disabled_and_limited_by_its_base)
{
    struct dvbcss_endpoint *base = dvbcss_cii_endpoint_base(cii);
    struct ws_peer *peer = companion();

    dvbcss_endpoint_set_max_connections(base, 1);
    cr_expect_eq(status_of_upgrade(), 503);
    dvbcss_endpoint_set_enabled(base, false);
    /* Whoever is leaving is told nothing more. */
    change("{\"contentId\":\"a\"}");
    expect_message(peer, nothing);
    cr_expect_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_GOING_AWAY);
    wait_for_companions(0);
    cr_expect_eq(seen.disconnects, 1);
    cr_expect_eq(seen.last_code, DVBCSS_CLOSE_GOING_AWAY);
    cr_expect_eq(status_of_upgrade(), 403);
    dvbcss_endpoint_set_enabled(base, true);
    leave(peer);
    peer = companion();
    expect_message(peer, "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"contentId\":\"a\","
                         "\"teUrl\":null,\"timelines\":[]}");
    leave(peer);
}

Test(cii_endpoint, connections_have_ids_and_data_of_the_application)
{
    struct dvbcss_cii_endpoint_options options = with_hooks();
    struct dvbcss_connection *connection;
    struct ws_peer *first;
    struct ws_peer *second;

    options.user_data_size = sizeof(uint64_t);
    restart(&options);
    first = companion();
    second = companion();
    cr_expect_eq(seen.connects, 2);
    cr_expect_str_eq(seen.last_id, "cii-2");
    connection = dvbcss_endpoint_find(dvbcss_cii_endpoint_base(cii), "cii-1");
    cr_assert_not_null(connection);
    cr_expect_eq(*(uint64_t *)dvbcss_cii_endpoint_user_data(connection), 0);
    *(uint64_t *)dvbcss_cii_endpoint_user_data(connection) = UINT64_MAX;
    change("{\"contentId\":\"a\"}");
    expect_message(first, nothing);
    expect_message(first, "{\"contentId\":\"a\",\"timelines\":[]}");
    cr_expect_eq(*(uint64_t *)dvbcss_cii_endpoint_user_data(connection), UINT64_MAX);
    leave(first);
    wait_for_companions(1);
    cr_expect_eq(seen.disconnects, 1);
    cr_expect_eq(seen.last_code, DVBCSS_CLOSE_ABNORMAL);
    leave(second);
}

Test(cii_endpoint, goes_with_a_close_frame_for_everybody)
{
    struct ws_peer *peer = companion();

    expect_message(peer, nothing);
    dvbcss_cii_endpoint_destroy(cii);
    cii = NULL;
    cr_expect_eq(seen.disconnects, 1);
    cr_expect_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_GOING_AWAY);
    cr_expect_eq(status_of_upgrade(), 404);
    dvbcss_cii_endpoint_destroy(NULL);
    leave(peer);
}

static void destroy_endpoint(void)
{
    dvbcss_cii_endpoint_destroy(cii);
    cii = NULL;
}

Test(cii_endpoint, may_be_destroyed_by_the_hook_of_a_connect)
{
    struct ws_peer *peer;

    seen.act = destroy_endpoint;
    peer = companion();
    expect_message(peer, nothing);
    cr_expect_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_GOING_AWAY);
    cr_expect_eq(seen.disconnects, 1);
    leave(peer);
}

Test(cii_endpoint, may_be_destroyed_again_by_the_hook_that_its_end_calls)
{
    struct ws_peer *peer = companion();

    seen.act = destroy_endpoint;
    dvbcss_cii_endpoint_destroy(cii);
    cr_expect_null(cii);
    leave(peer);
}

static bool has_disconnected(void *user)
{
    (void)user;
    return seen.disconnects > 0;
}

Test(cii_endpoint, may_be_destroyed_by_the_hook_of_a_disconnect)
{
    struct ws_peer *peer = companion();

    seen.act = destroy_endpoint;
    leave(peer);
    cr_assert(ws_peer_pump(&loop, has_disconnected, NULL));
    cr_expect_null(cii);
}

static void set_content(void)
{
    change("{\"contentId\":\"hook\"}");
}

Test(cii_endpoint, state_may_be_set_by_the_hook_of_a_connect)
{
    struct ws_peer *peer;

    seen.act = set_content;
    peer = companion();
    expect_message(peer, nothing);
    expect_message(peer, "{\"contentId\":\"hook\",\"timelines\":[]}");
    leave(peer);
}

Test(cii_endpoint, greets_before_it_says_anything)
{
    struct dvbcss_cii_endpoint_options options = with_hooks();
    struct ws_peer *peer;

    options.greeting = "hello";
    options.id_prefix = "greeter";
    restart(&options);
    peer = companion();
    expect_message(peer, "hello");
    expect_message(peer, nothing);
    cr_assert_not_null(dvbcss_endpoint_find(dvbcss_cii_endpoint_base(cii), "greeter-1"));
    leave(peer);
}

Test(cii_endpoint, works_without_hooks)
{
    struct dvbcss_cii_endpoint_options options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;
    struct ws_peer *peer;

    restart(&options);
    peer = companion();
    expect_message(peer, nothing);
    cr_assert(ws_peer_send_text(peer, "x"));
    leave(peer);
    wait_for_companions(0);
}

Test(cii_endpoint, options_that_cannot_be_met_are_refused)
{
    static const char *const hosts[] = {"",      "a b",  "tv/x",     "tv/",
                                        "tv:80", "u@tv", "\xc3\xa9", "{{host}}"};
    struct dvbcss_cii_endpoint *other = NULL;
    struct dvbcss_cii_endpoint_options options = with_hooks();

    cr_expect_eq(dvbcss_cii_endpoint_create(&other, server, &options), DVBCSS_EEXIST);
    options.path = "/other";
    options.policy = (enum dvbcss_cii_policy)3;
    cr_expect_eq(dvbcss_cii_endpoint_create(&other, server, &options), DVBCSS_EINVAL);
    options.policy = DVBCSS_CII_SEND_LEAST;
    options.limits.max_connections = -2;
    cr_expect_eq(dvbcss_cii_endpoint_create(&other, server, &options), DVBCSS_EINVAL);
    options.limits.max_connections = 1;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        options.advertise_host = hosts[i];
        cr_expect_eq(dvbcss_cii_endpoint_create(&other, server, &options), DVBCSS_EINVAL, "%s",
                     hosts[i]);
    }
    options.advertise_host = "tv.example";
    options.path = "no-slash";
    cr_expect_eq(dvbcss_cii_endpoint_create(&other, server, &options), DVBCSS_EINVAL);
    cr_expect_null(other);
}
