/*
 * The TS endpoint over real sockets: what companions are told, and when.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/log.h"
#include "dvbcss/ts_endpoint.h"
#include "test_server.h"
#include "ws_peer.h"

#define SECOND INT64_C(1000000000)
#define PTS "urn:dvb:css:timeline:pts"
#define SETUP "{\"contentIdStem\":\"dvb://\",\"timelineSelector\":\"" PTS "\"}"
#define ANYTIME                                                                                    \
    "{\"earliest\":{\"contentTime\":\"0\",\"wallClockTime\":\"minusinfinity\"},"                   \
    "\"latest\":{\"contentTime\":\"0\",\"wallClockTime\":\"plusinfinity\"}}"

static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_ts_endpoint *ts;
static struct dvbcss_clock *wall_clock;
static struct ws_peer_frame frame;

/* Where the test has put the wall clock; negative: where the machine's is. */
static int64_t wall_ns;

static int64_t read_wall(void *user)
{
    (void)user;
    return wall_ns >= 0 ? wall_ns : (int64_t)uv_hrtime();
}

/* What the hooks and the log saw. */
static struct {
    unsigned connects;
    unsigned setups;
    unsigned presentations;
    unsigned disconnects;
    unsigned last_code;
    struct dvbcss_connection *last;
    char last_id[64];
    char last_selector[64];
    unsigned lines;
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
    seen.last = connection;
    snprintf(seen.last_id, sizeof seen.last_id, "%s", dvbcss_connection_id(connection));
}

static void on_setup(void *context, struct dvbcss_connection *connection,
                     const struct dvbcss_ts_setup *setup)
{
    (void)context;
    cr_expect_eq(dvbcss_ts_session_setup(dvbcss_ts_endpoint_session(connection)), setup);
    seen.setups++;
    seen.last = connection;
    snprintf(seen.last_selector, sizeof seen.last_selector, "%s", setup->timeline_selector);
    act_once();
}

static void on_presentation(void *context, struct dvbcss_connection *connection,
                            const struct dvbcss_ts_presentation *presentation)
{
    (void)context;
    (void)connection;
    cr_expect_eq(presentation->earliest.when, DVBCSS_TS_MINUS_INFINITY);
    seen.presentations++;
    act_once();
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    (void)context;
    (void)reason;
    cr_expect_not_null(dvbcss_ts_endpoint_session(connection), "it can still be looked at");
    seen.disconnects++;
    seen.last_code = code;
    act_once();
}

static void count_line(void *user, enum dvbcss_log_level level, const char *id, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
    seen.lines += strcmp(id, "ts-ignored") == 0;
}

/* ---- a source ----------------------------------------------------------------------------------
 */

static struct {
    enum dvbcss_ts_state state;
    struct dvbcss_ts_line line;
    int needed;
} timeline;

static bool recognises(struct dvbcss_ts_source *source, const char *selector)
{
    (void)source;
    return strcmp(selector, PTS) == 0;
}

static enum dvbcss_ts_state read_line(struct dvbcss_ts_source *source, const char *selector,
                                      int64_t now_ns, struct dvbcss_ts_line *line)
{
    (void)source;
    (void)selector;
    (void)now_ns;
    *line = timeline.line;
    return timeline.state;
}

static void needed(struct dvbcss_ts_source *source, const char *selector)
{
    (void)source;
    (void)selector;
    timeline.needed++;
}

static void not_needed(struct dvbcss_ts_source *source, const char *selector)
{
    (void)source;
    (void)selector;
    timeline.needed--;
}

static const struct dvbcss_ts_source_ops ops = {recognises, read_line, needed, not_needed};
static struct dvbcss_ts_source pts = {&ops, NULL, NULL};

static void play(int64_t content, double speed)
{
    timeline.state = DVBCSS_TS_RUNNING;
    timeline.line = (struct dvbcss_ts_line){{content, 0}, wall_ns, {90000, 1}, speed};
    dvbcss_ts_source_changed(&pts);
}

/* ---- setting up --------------------------------------------------------------------------------
 */

static struct dvbcss_ts_endpoint_options with_hooks(void)
{
    struct dvbcss_ts_endpoint_options options = DVBCSS_TS_ENDPOINT_OPTIONS_INIT;

    options.wall_clock = wall_clock;
    options.hooks.on_connect = on_connect;
    options.hooks.on_setup = on_setup;
    options.hooks.on_presentation = on_presentation;
    options.hooks.on_disconnect = on_disconnect;
    options.context = &seen;
    return options;
}

static void begin_endpoint(const struct dvbcss_ts_endpoint_options *options)
{
    cr_assert_eq(dvbcss_ts_endpoint_create(&ts, server, options), 0);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(dvbcss_ts_endpoint_hub(ts), "dvb://1.2.3"), 0);
    cr_assert_eq(dvbcss_ts_hub_attach(dvbcss_ts_endpoint_hub(ts), &pts), 0);
}

static void restart(const struct dvbcss_ts_endpoint_options *options)
{
    dvbcss_ts_endpoint_destroy(ts);
    begin_endpoint(options);
}

static void start(void)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_ts_endpoint_options endpoint;

    root.now_ns = read_wall;
    root.precision_s = 1e-9;
    cr_assert_eq(dvbcss_root_clock_create(&wall_clock, &root), 0);
    test_server_begin(&loop, &server);
    endpoint = with_hooks();
    begin_endpoint(&endpoint);
    play(0, 1.0);
}

static void stop(void)
{
    dvbcss_ts_endpoint_destroy(ts);
    cr_expect_eq(timeline.needed, 0);
    cr_expect_null(pts.attachments);
    test_server_end(&loop, server);
    dvbcss_clock_destroy(wall_clock);
}

TestSuite(ts_endpoint, .init = start, .fini = stop);

/* ---- what tests say ------------------------------------------------------------------------- */

static struct ws_peer *companion(void)
{
    struct ws_peer *peer = calloc(1, sizeof *peer);

    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/ts"));
    return peer;
}

static struct ws_peer *companion_that_asks(const char *setup)
{
    struct ws_peer *peer = companion();

    cr_assert(ws_peer_send_text(peer, setup));
    return peer;
}

static void leave(struct ws_peer *peer)
{
    ws_peer_close(peer);
    free(peer);
}

static struct dvbcss_ts_control_timestamp next(struct ws_peer *peer)
{
    struct dvbcss_ts_control_timestamp timestamp;

    cr_assert_eq(ws_peer_read_frame(peer, &frame), WS_PEER_TEXT);
    cr_assert_eq(dvbcss_ts_control_timestamp_decode((const char *)frame.payload, frame.length,
                                                    DVBCSS_STRICT, &timestamp, NULL),
                 0, "%s", (const char *)frame.payload);
    return timestamp;
}

static void expect_available(struct ws_peer *peer, int64_t content, int64_t at_ns, double speed)
{
    const struct dvbcss_ts_control_timestamp timestamp = next(peer);

    cr_assert(timestamp.available);
    cr_assert_eq(timestamp.content_time_ticks, content);
    cr_assert_eq(timestamp.wall_clock_time_ns, at_ns);
    cr_assert_eq(timestamp.speed, speed);
}

static void expect_unavailable(struct ws_peer *peer)
{
    cr_assert_not(next(peer).available);
}

static bool reached(void *user)
{
    const unsigned *const *counts = user;

    return *counts[0] >= *counts[1];
}

/* Turns the loop until a counter of `seen` is there. */
static void wait_for(const unsigned *counter, unsigned value)
{
    const unsigned *counts[] = {counter, &value};

    cr_assert(ws_peer_pump(&loop, reached, counts));
}

/* ---- telling -------------------------------------------------------------------------------- */

Test(ts_endpoint, answers_setup_data_at_once)
{
    struct ws_peer *peer = companion();

    wait_for(&seen.connects, 1);
    cr_assert_str_eq(seen.last_id, "ts-1");
    cr_assert_eq(dvbcss_ts_session_state(dvbcss_ts_endpoint_session(seen.last)),
                 DVBCSS_TS_SESSION_WAITING);
    wall_ns = SECOND;
    cr_assert(ws_peer_send_text(peer, SETUP));
    expect_available(peer, 90000, SECOND, 1.0);
    cr_assert_str_eq((const char *)frame.payload,
                     "{\"contentTime\":\"90000\",\"wallClockTime\":\"1000000000\","
                     "\"timelineSpeedMultiplier\":1}");
    cr_assert_eq(seen.setups, 1);
    cr_assert_str_eq(seen.last_selector, PTS);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->setups, 1);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->messages, 1);
    leave(peer);
}

Test(ts_endpoint, understands_companions_that_leave_the_stem_out)
{
    struct ws_peer *peer = companion_that_asks("{\"timelineSelector\":\"" PTS "\"}");

    expect_available(peer, 0, 0, 1.0);
    leave(peer);
}

Test(ts_endpoint, says_unavailable_to_who_asks_for_something_else)
{
    struct ws_peer *peer =
        companion_that_asks("{\"contentIdStem\":\"http://\",\"timelineSelector\":\"" PTS "\"}");

    expect_unavailable(peer);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(dvbcss_ts_endpoint_hub(ts), "http://x"), 0);
    expect_available(peer, 0, 0, 1.0);
    leave(peer);
}

Test(ts_endpoint, tells_changes_to_all_with_one_encoding)
{
    enum { COUNT = 20 };
    struct ws_peer *peers[COUNT];
    uint64_t encodings;
    uint64_t messages;

    for (int i = 0; i < COUNT; i++) {
        peers[i] = companion_that_asks(SETUP);
        expect_available(peers[i], 0, 0, 1.0);
    }
    encodings = dvbcss_ts_endpoint_counters(ts)->encodings;
    messages = dvbcss_ts_endpoint_counters(ts)->messages;
    play(12345, 0.0);
    for (int i = 0; i < COUNT; i++)
        expect_available(peers[i], 12345, 0, 0.0);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->encodings, encodings + 1);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->messages, messages + COUNT);
    for (int i = 0; i < COUNT; i++)
        leave(peers[i]);
}

Test(ts_endpoint, changes_in_one_turn_of_the_loop_go_out_together)
{
    struct ws_peer *peer = companion_that_asks(SETUP);

    expect_available(peer, 0, 0, 1.0);
    play(1000, 1.0);
    play(2000, 1.0);
    play(3000, 2.0);
    expect_available(peer, 3000, 0, 2.0);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->messages, 2);
    leave(peer);
}

Test(ts_endpoint, an_update_goes_out_without_waiting_for_the_loop)
{
    struct ws_peer *peer = companion_that_asks(SETUP);
    uint64_t messages;

    expect_available(peer, 0, 0, 1.0);
    messages = dvbcss_ts_endpoint_counters(ts)->messages;
    play(1000, 1.0);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->messages, messages);
    dvbcss_ts_endpoint_update(ts);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->messages, messages + 1);
    expect_available(peer, 1000, 0, 1.0);
    leave(peer);
}

Test(ts_endpoint, sends_again_by_itself_with_a_fresh_time)
{
    struct dvbcss_ts_endpoint_options options = with_hooks();
    struct dvbcss_ts_control_timestamp before;
    struct ws_peer *peer;

    wall_ns = -1;
    options.hub.resend_interval_ns = 2000000;
    restart(&options);
    peer = companion_that_asks(SETUP);
    before = next(peer);
    for (int i = 0; i < 5; i++) {
        const struct dvbcss_ts_control_timestamp again = next(peer);

        cr_assert(again.available);
        cr_assert_gt(again.wall_clock_time_ns, before.wall_clock_time_ns);
        cr_assert_gt(again.content_time_ticks, before.content_time_ticks);
        before = again;
    }
    leave(peer);
}

Test(ts_endpoint, loses_its_patience_with_a_source_that_is_still_looking)
{
    struct dvbcss_ts_endpoint_options options = with_hooks();
    struct ws_peer *peer;

    wall_ns = -1;
    options.hub.patience_ns = 2000000;
    timeline.state = DVBCSS_TS_NOT_YET;
    restart(&options);
    peer = companion_that_asks(SETUP);
    expect_unavailable(peer);
    leave(peer);
}

Test(ts_endpoint, second_setup_data_are_answered_anew)
{
    struct ws_peer *peer = companion_that_asks(SETUP);

    expect_available(peer, 0, 0, 1.0);
    cr_assert(ws_peer_send_text(peer, "{\"contentIdStem\":\"\",\"timelineSelector\":\"x\"}"));
    expect_unavailable(peer);
    cr_assert_eq(timeline.needed, 0);
    cr_assert(ws_peer_send_text(peer, SETUP));
    expect_available(peer, 0, 0, 1.0);
    cr_assert_eq(timeline.needed, 1);
    cr_assert_eq(seen.setups, 3);
    leave(peer);
}

Test(ts_endpoint, a_slow_companion_finds_the_newest_control_timestamp_only)
{
    struct ws_peer *slow = companion_that_asks(SETUP);
    struct dvbcss_connection_counters counters;
    struct dvbcss_ts_control_timestamp timestamp;
    int64_t content = 0;
    int64_t before = 0;

    expect_available(slow, 0, 0, 1.0);
    do {
        play(content += 1000, 1.0);
        dvbcss_ts_endpoint_update(ts);
        cr_assert_lt(content, 1000000000, "the socket takes everything");
    } while (!dvbcss_connection_congested(seen.last));
    for (int i = 0; i < 10; i++) {
        play(content += 1000, 1.0);
        dvbcss_ts_endpoint_update(ts);
    }
    dvbcss_connection_counters(seen.last, &counters);
    cr_assert_leq(counters.queued_messages, 1);
    cr_assert_geq(counters.dropped, 9);
    do {
        timestamp = next(slow);
        cr_assert_gt(timestamp.content_time_ticks, before);
        before = timestamp.content_time_ticks;
    } while (timestamp.content_time_ticks != content);
    leave(slow);
}

/* ---- what companions say -----------------------------------------------------------------------
 */

Test(ts_endpoint, what_cannot_be_understood_is_counted_logged_once_and_ignored)
{
    static const char *const bad[] = {"", "{}", "[1]", "null", "{\"timelineSelector\":1}", ANYTIME};
    const size_t count = sizeof bad / sizeof bad[0];
    struct ws_peer *peer;

    dvbcss_log_set(count_line, NULL, DVBCSS_LOG_INFO);
    peer = companion();
    for (size_t i = 0; i < count; i++)
        cr_assert(ws_peer_send_text(peer, bad[i]));
    cr_assert(ws_peer_send_text(peer, SETUP));
    expect_available(peer, 0, 0, 1.0);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->ignored, count);
    cr_assert_eq(dvbcss_ts_session_ignored(dvbcss_ts_endpoint_session(seen.last)), count);
    cr_assert_eq(seen.lines, 1);
    cr_assert_eq(seen.disconnects, 0);
    leave(peer);
    dvbcss_log_set(NULL, NULL, DVBCSS_LOG_NONE);
}

Test(ts_endpoint, hostile_companions_cannot_flood_the_log)
{
    dvbcss_log_set(count_line, NULL, DVBCSS_LOG_INFO);
    for (unsigned i = 0; i < 20; i++) {
        struct ws_peer *peer = companion();

        cr_assert(ws_peer_send_text(peer, "junk"));
        leave(peer);
        wait_for(&seen.disconnects, i + 1);
    }
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->ignored, 20);
    cr_assert_eq(seen.lines, 5);
    dvbcss_log_set(NULL, NULL, DVBCSS_LOG_NONE);
}

Test(ts_endpoint, json_in_binary_frames_is_read_all_the_same)
{
    struct ws_peer *peer = companion();

    cr_assert(ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_BINARY, true, SETUP, strlen(SETUP)));
    expect_available(peer, 0, 0, 1.0);
    cr_assert(ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_BINARY, true, "\xff\x00\xfe", 3));
    play(1, 0.0);
    expect_available(peer, 1, 0, 0.0);
    leave(peer);
}

Test(ts_endpoint, a_message_that_is_too_large_closes_its_connection_only)
{
    struct ws_peer *good = companion_that_asks(SETUP);
    struct ws_peer *bad = companion();
    char *text = malloc(20001);

    cr_assert_not_null(text);
    memset(text, ' ', 20000);
    text[20000] = '\0';
    expect_available(good, 0, 0, 1.0);
    cr_assert(ws_peer_send_text(bad, text));
    cr_assert_eq(ws_peer_read_close(bad, NULL), DVBCSS_CLOSE_TOO_BIG);
    play(1, 0.0);
    expect_available(good, 1, 0, 0.0);
    free(text);
    leave(bad);
    leave(good);
}

Test(ts_endpoint, a_flood_of_setup_data_starves_nobody)
{
    struct ws_peer *flood = companion();
    struct ws_peer *good;

    for (int i = 0; i < 2000; i++) {
        char setup[128];

        snprintf(setup, sizeof setup, "{\"contentIdStem\":\"%d\",\"timelineSelector\":\"%d\"}", i,
                 i % 7);
        cr_assert(ws_peer_send_text(flood, setup));
    }
    good = companion_that_asks(SETUP);
    expect_available(good, 0, 0, 1.0);
    wait_for(&seen.setups, 2001);
    cr_assert_eq(seen.disconnects, 0);
    leave(flood);
    leave(good);
}

Test(ts_endpoint, presentation_timestamps_are_kept_and_reported)
{
    struct ws_peer *peer = companion_that_asks(SETUP);
    struct dvbcss_ts_window window;

    expect_available(peer, 0, 0, 1.0);
    cr_assert_null(dvbcss_ts_session_presentation(dvbcss_ts_endpoint_session(seen.last)));
    cr_assert(ws_peer_send_text(peer, ANYTIME));
    wait_for(&seen.presentations, 1);
    cr_assert_eq(dvbcss_ts_session_presentation(dvbcss_ts_endpoint_session(seen.last))->latest.when,
                 DVBCSS_TS_PLUS_INFINITY);
    cr_assert_eq(dvbcss_ts_endpoint_counters(ts)->presentations, 1);
    cr_assert_eq(dvbcss_ts_endpoint_window(ts, PTS, &window), 0);
    cr_assert_eq(window.companions, 1);
    cr_assert_eq(dvbcss_ts_endpoint_window(ts, "x", &window), DVBCSS_EUNAVAILABLE);
    leave(peer);
}

/* ---- who comes and goes ------------------------------------------------------------------------
 */

Test(ts_endpoint, sources_hear_when_companions_come_and_go)
{
    struct ws_peer *first = companion_that_asks(SETUP);
    struct ws_peer *second = companion_that_asks(SETUP);

    wait_for(&seen.setups, 2);
    cr_assert_eq(timeline.needed, 1);
    leave(first);
    wait_for(&seen.disconnects, 1);
    cr_assert_eq(timeline.needed, 1);
    ws_peer_reset(second);
    free(second);
    wait_for(&seen.disconnects, 2);
    cr_assert_eq(timeline.needed, 0);
    cr_assert_eq(dvbcss_endpoint_connection_count(dvbcss_ts_endpoint_base(ts)), 0);
}

Test(ts_endpoint, disabling_sends_everybody_away_and_counts_them_out)
{
    struct ws_peer *peer = companion_that_asks(SETUP);
    struct ws_peer late = {0};

    expect_available(peer, 0, 0, 1.0);
    dvbcss_endpoint_set_enabled(dvbcss_ts_endpoint_base(ts), false);
    cr_assert_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_GOING_AWAY);
    wait_for(&seen.disconnects, 1);
    cr_assert_eq(timeline.needed, 0);
    cr_assert(ws_peer_connect(&late, &loop, dvbcss_server_address(server, 0)));
    cr_assert_eq(ws_peer_upgrade(&late, "/ts", NULL, NULL), 403);
    ws_peer_close(&late);
    leave(peer);
    dvbcss_endpoint_set_enabled(dvbcss_ts_endpoint_base(ts), true);
    peer = companion_that_asks(SETUP);
    expect_available(peer, 0, 0, 1.0);
    leave(peer);
}

Test(ts_endpoint, respects_its_limit)
{
    struct dvbcss_ts_endpoint_options options = with_hooks();
    struct ws_peer late = {0};
    struct ws_peer *peer;

    options.limits.max_connections = 1;
    restart(&options);
    peer = companion_that_asks(SETUP);
    expect_available(peer, 0, 0, 1.0);
    cr_assert(ws_peer_connect(&late, &loop, dvbcss_server_address(server, 0)));
    cr_assert_eq(ws_peer_upgrade(&late, "/ts", NULL, NULL), 503);
    ws_peer_close(&late);
    leave(peer);
}

Test(ts_endpoint, may_begin_disabled_at_another_path)
{
    struct dvbcss_ts_endpoint_options options = with_hooks();
    struct ws_peer peer = {0};

    options.path = "/elsewhere";
    options.enabled = false;
    restart(&options);
    cr_assert(ws_peer_connect(&peer, &loop, dvbcss_server_address(server, 0)));
    cr_assert_eq(ws_peer_upgrade(&peer, "/elsewhere", NULL, NULL), 403);
    ws_peer_close(&peer);
}

static void close_it(void)
{
    dvbcss_connection_close(seen.last, 4001, "go");
}

Test(ts_endpoint, a_hook_may_close_its_connection)
{
    struct ws_peer *peer = companion();
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];

    seen.act = close_it;
    cr_assert(ws_peer_send_text(peer, SETUP));
    cr_assert_eq(ws_peer_read_close(peer, reason), 4001);
    cr_assert_str_eq(reason, "go");
    wait_for(&seen.disconnects, 1);
    cr_assert_eq(seen.last_code, 4001);
    leave(peer);
}

static void destroy_it(void)
{
    struct dvbcss_ts_endpoint *endpoint = ts;

    ts = NULL;
    dvbcss_ts_endpoint_destroy(endpoint);
}

Test(ts_endpoint, a_hook_may_destroy_the_endpoint)
{
    struct dvbcss_ts_endpoint_options options = with_hooks();
    static const char *const messages[] = {SETUP, ANYTIME};

    for (size_t i = 0; i < 2; i++) {
        struct ws_peer *other = companion_that_asks(SETUP);
        struct ws_peer *peer = companion();

        expect_available(other, 0, 0, 1.0);
        if (i == 1) {
            cr_assert(ws_peer_send_text(peer, SETUP));
            expect_available(peer, 0, 0, 1.0);
        }
        seen.act = destroy_it;
        cr_assert(ws_peer_send_text(peer, messages[i]));
        cr_assert_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_GOING_AWAY);
        cr_assert_eq(ws_peer_read_close(other, NULL), DVBCSS_CLOSE_GOING_AWAY);
        cr_assert_null(ts);
        cr_assert_eq(timeline.needed, 0);
        leave(peer);
        leave(other);
        begin_endpoint(&options);
    }
}

Test(ts_endpoint, may_be_destroyed_when_a_companion_goes)
{
    struct ws_peer *other = companion_that_asks(SETUP);
    struct ws_peer *peer = companion_that_asks(SETUP);

    expect_available(peer, 0, 0, 1.0);
    expect_available(other, 0, 0, 1.0);
    seen.act = destroy_it;
    leave(peer);
    wait_for(&seen.disconnects, 2);
    cr_assert_null(ts);
    cr_assert_eq(ws_peer_read_close(other, NULL), DVBCSS_CLOSE_GOING_AWAY);
    leave(other);
}

Test(ts_endpoint, connections_carry_data_of_the_application)
{
    struct dvbcss_ts_endpoint_options options = with_hooks();
    struct ws_peer *peer;
    unsigned char *data;

    options.user_data_size = 100;
    restart(&options);
    peer = companion();
    wait_for(&seen.connects, 1);
    data = dvbcss_ts_endpoint_user_data(seen.last);
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(data[i], 0);
    memset(data, 0xff, 100);
    cr_assert(ws_peer_send_text(peer, SETUP));
    expect_available(peer, 0, 0, 1.0);
    leave(peer);
}

Test(ts_endpoint, tells_the_same_on_a_further_path)
{
    struct dvbcss_ts_path_options options = DVBCSS_TS_PATH_OPTIONS_INIT;
    struct dvbcss_endpoint *second = NULL, *third = NULL;
    struct ws_peer *first = companion_that_asks(SETUP);
    struct ws_peer *peer = calloc(1, sizeof *peer);

    expect_available(first, 0, 0, 1.0);
    options.path = "/other";
    options.id_prefix = "other";
    cr_assert_eq(dvbcss_ts_endpoint_add_path(ts, &second, server, &options), 0);
    cr_assert_eq(dvbcss_ts_endpoint_add_path(ts, &third, server, &options), DVBCSS_EFULL);
    cr_assert_null(third);
    cr_assert(peer && ws_peer_open(peer, &loop, dvbcss_server_address(server, 0), "/other"));
    cr_assert(ws_peer_send_text(peer, SETUP));
    expect_available(peer, 0, 0, 1.0);
    cr_assert_str_eq(seen.last_id, "other-1");
    cr_assert_eq(dvbcss_endpoint_connection_count(second), 1);
    cr_assert_eq(dvbcss_endpoint_connection_count(dvbcss_ts_endpoint_base(ts)), 1);
    wall_ns = SECOND;
    play(7, 0.0);
    expect_available(first, 7, SECOND, 0.0);
    expect_available(peer, 7, SECOND, 0.0);
    dvbcss_ts_endpoint_destroy(ts);
    ts = NULL;
    cr_assert_eq(ws_peer_read_close(peer, NULL), DVBCSS_CLOSE_GOING_AWAY);
    cr_assert_eq(seen.disconnects, 2);
    leave(first);
    leave(peer);
}

Test(ts_endpoint, further_paths_that_cannot_be_had_are_refused)
{
    struct dvbcss_ts_path_options options = DVBCSS_TS_PATH_OPTIONS_INIT;
    struct dvbcss_endpoint *second = NULL;

    options.path = "/ts";
    options.id_prefix = "other";
    cr_assert_eq(dvbcss_ts_endpoint_add_path(ts, &second, server, &options), DVBCSS_EEXIST);
    options.path = "no-slash";
    cr_assert_eq(dvbcss_ts_endpoint_add_path(ts, &second, server, &options), DVBCSS_EINVAL);
    cr_assert_null(second);
}

Test(ts_endpoint, what_cannot_work_is_refused)
{
    struct dvbcss_ts_endpoint_options options = with_hooks();
    struct dvbcss_ts_endpoint *other = NULL;

    cr_assert_eq(dvbcss_ts_endpoint_create(&other, server, &options), DVBCSS_EEXIST);
    options.path = "no-slash";
    cr_assert_eq(dvbcss_ts_endpoint_create(&other, server, &options), DVBCSS_EINVAL);
    options = with_hooks();
    options.path = "/other";
    options.wall_clock = NULL;
    cr_assert_eq(dvbcss_ts_endpoint_create(&other, server, &options), DVBCSS_EINVAL);
    options = with_hooks();
    options.path = "/other";
    options.hub.resend_interval_ns = -1;
    cr_assert_eq(dvbcss_ts_endpoint_create(&other, server, &options), DVBCSS_EINVAL);
    cr_assert_null(other);
    dvbcss_ts_endpoint_destroy(NULL);
}
