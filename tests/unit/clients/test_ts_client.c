/* The TS client against scripted televisions. */
#include <stdio.h>
#include <string.h>

#include "dvbcss/system_time.h"
#include "dvbcss/ts_client.h"
#include "test_loop.h"
#include "toy_server.h"

enum { PTS_HZ = 90000, LOG_SIZE = 256 };

struct fixture {
    struct test_loop test;
    struct toy_server *server;
    struct toy_connection *connection;
    struct dvbcss_clock *root;
    struct dvbcss_clock *wall;
    struct dvbcss_clock *timeline;
    int64_t now_ns;
    struct dvbcss_ts_client *client;
    /* One letter for each event, in their order. */
    char log[LOG_SIZE];
    unsigned connected;
    unsigned disconnected;
    unsigned timestamps;
    unsigned protocol_errors;
    unsigned closed;
    bool close_on_timing;
    /* The change of the timeline clock in which a listener closes the client, and whether it has
     * done with its clocks then. */
    struct dvbcss_clock_listener listener;
    unsigned close_on_change;
    bool destroy_clocks;
    /* What the server saw. */
    unsigned frames;
    char payload[512];
};

static int64_t now_ns(void *user)
{
    return *(int64_t *)user;
}

static void note(struct fixture *f, const char *letter)
{
    size_t used = strlen(f->log);

    snprintf(f->log + used, sizeof f->log - used, "%s", letter);
}

static void on_closed(void *user)
{
    ((struct fixture *)user)->closed++;
}

static void on_connected(void *user)
{
    ((struct fixture *)user)->connected++;
}

static void on_control_timestamp(void *user, const struct dvbcss_ts_control_timestamp *timestamp)
{
    struct fixture *f = user;

    (void)timestamp;
    f->timestamps++;
    note(f, "c");
}

static void on_timing(void *user, bool speed_changed)
{
    struct fixture *f = user;

    note(f, speed_changed ? "T" : "t");
    if (f->close_on_timing)
        dvbcss_ts_client_close(f->client, on_closed, f);
}

static void on_availability(void *user, bool available)
{
    note(user, available ? "a" : "u");
}

static void on_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct fixture *f = user;

    (void)why;
    f->disconnected++;
    note(f, "d");
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    struct fixture *f = user;

    (void)report;
    (void)text;
    (void)length;
    f->protocol_errors++;
    note(f, "p");
}

static void on_frame(struct toy_connection *connection, enum toy_opcode opcode, const char *payload,
                     size_t length)
{
    struct fixture *f = toy_user(connection);

    if (opcode == TOY_CLOSE) {
        toy_frame(connection, true, TOY_CLOSE, payload, length);
        toy_hang_up(connection);
        return;
    }
    f->connection = connection;
    f->frames++;
    snprintf(f->payload, sizeof f->payload, "%.*s", (int)length, payload);
}

static const struct toy_script standard = {.frame = on_frame};

static struct dvbcss_ts_client_options options_for(struct fixture *f)
{
    struct dvbcss_ts_client_options options = DVBCSS_TS_CLIENT_OPTIONS_INIT;

    options.url = toy_server_url(f->server, "/ts");
    options.content_id_stem = "dvb://";
    options.timeline_selector = "urn:dvb:css:timeline:pts";
    options.timeline = f->timeline;
    options.threshold_s = 0.001;
    options.connection.retry_min_ms = 1;
    options.connection.retry_max_ms = 5;
    options.events.connected = on_connected;
    options.events.control_timestamp = on_control_timestamp;
    options.events.timing = on_timing;
    options.events.availability = on_availability;
    options.events.disconnected = on_disconnected;
    options.events.protocol_error = on_protocol_error;
    options.user = f;
    return options;
}

static void begin(struct fixture *f, const struct toy_script *script)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_ts_client_options options;

    memset(f, 0, sizeof *f);
    test_loop_begin(&f->test);
    f->server = toy_server_create(&f->test.loop, script, f, NULL);
    root.now_ns = now_ns;
    root.user = &f->now_ns;
    root.precision_s = 1e-9;
    cr_assert_eq(dvbcss_root_clock_create(&f->root, &root), 0);
    cr_assert_eq(
        dvbcss_tunable_clock_create(&f->wall, f->root, dvbcss_rate_hz(1000000000), dvbcss_ticks(0)),
        0);
    cr_assert_eq(dvbcss_correlated_clock_create(&f->timeline, f->wall, dvbcss_rate_hz(PTS_HZ),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    options = options_for(f);
    cr_assert_eq(dvbcss_ts_client_create(&f->client, &f->test.loop, &options, NULL), 0);
}

static void destroy_clocks(struct fixture *f)
{
    dvbcss_clock_destroy(f->timeline);
    dvbcss_clock_destroy(f->wall);
    dvbcss_clock_destroy(f->root);
    f->timeline = f->wall = f->root = NULL;
}

static void finish(struct fixture *f)
{
    toy_server_close(f->server);
    test_loop_end(&f->test);
    cr_assert_eq(f->closed, 1);
    destroy_clocks(f);
}

static void on_clock_changed(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                             unsigned changes)
{
    struct fixture *f = listener->user;

    (void)clock;
    if (!(changes & f->close_on_change))
        return;
    dvbcss_clock_unlisten(listener);
    dvbcss_ts_client_close(f->client, on_closed, f);
    if (f->destroy_clocks)
        destroy_clocks(f);
}

/* Has a listener close the client when the clock is set, or becomes available. */
static void close_from_listener(unsigned change, bool destroy)
{
    struct fixture f;

    begin(&f, &standard);
    f.close_on_change = change;
    f.destroy_clocks = destroy;
    f.listener.changed = on_clock_changed;
    f.listener.user = &f;
    dvbcss_clock_listen(f.timeline, &f.listener);
    TEST_LOOP_UNTIL(&f.test, f.connection);
    toy_text(f.connection, "{\"contentTime\":\"900\",\"wallClockTime\":\"5\","
                           "\"timelineSpeedMultiplier\":1.0}");
    TEST_LOOP_UNTIL(&f.test, f.closed);
    cr_expect_str_eq(f.log, "c", "no event after the client was closed");
    cr_expect(destroy || !dvbcss_clock_available(f.timeline), "the clock is left alone");
    finish(&f);
}

static void end(struct fixture *f)
{
    dvbcss_ts_client_close(f->client, on_closed, f);
    cr_assert_not(dvbcss_clock_available(f->timeline));
    TEST_LOOP_UNTIL(&f->test, f->closed);
    finish(f);
}

/* Sends a control timestamp and waits until it was taken in. */
static void say(struct fixture *f, const char *text)
{
    unsigned before = f->timestamps + f->protocol_errors;

    TEST_LOOP_UNTIL(&f->test, f->connection);
    toy_text(f->connection, text);
    TEST_LOOP_UNTIL(&f->test, f->timestamps + f->protocol_errors > before);
}

/* ---- setting up and following ---------------------------------------------------------------- */

Test(ts_client, asks_for_its_timeline)
{
    struct fixture f;

    begin(&f, &standard);
    TEST_LOOP_UNTIL(&f.test, f.frames);
    cr_assert_str_eq(f.payload, "{\"contentIdStem\":\"dvb://\","
                                "\"timelineSelector\":\"urn:dvb:css:timeline:pts\"}");
    cr_assert_eq(f.connected, 1);
    end(&f);
}

Test(ts_client, makes_the_clock_unavailable_until_the_tv_has_answered)
{
    struct fixture f;
    struct dvbcss_ts_control_timestamp latest;

    begin(&f, &standard);
    cr_assert_not(dvbcss_clock_available(f.timeline));
    cr_assert_not(dvbcss_ts_client_latest(f.client, &latest));
    say(&f, "{\"contentTime\":\"0\",\"wallClockTime\":\"0\",\"timelineSpeedMultiplier\":1}");
    cr_assert(dvbcss_clock_available(f.timeline));
    cr_assert(dvbcss_ts_client_available(f.client));
    cr_assert(dvbcss_ts_client_latest(f.client, &latest));
    cr_assert_eq(latest.speed, 1.0);
    end(&f);
}

/* The table of what a control timestamp does, with a threshold of 1 ms at 90 kHz. */
Test(ts_client, tells_of_changes_that_matter_and_of_no_others)
{
    static const struct {
        const char *text;
        const char *events;
    } steps[] = {
        {"{\"contentTime\":null,\"wallClockTime\":\"0\",\"timelineSpeedMultiplier\":null}", "c"},
        {"{\"contentTime\":\"0\",\"wallClockTime\":\"0\",\"timelineSpeedMultiplier\":1}", "ca"},
        {"{\"contentTime\":\"90000\",\"wallClockTime\":\"1000000000\","
         "\"timelineSpeedMultiplier\":1}",
         "c"},
        {"{\"contentTime\":\"90050\",\"wallClockTime\":\"1000000000\","
         "\"timelineSpeedMultiplier\":1}",
         "c"},
        {"{\"contentTime\":\"90090\",\"wallClockTime\":\"1000000000\","
         "\"timelineSpeedMultiplier\":1}",
         "c"},
        {"{\"contentTime\":\"90180\",\"wallClockTime\":\"1000000000\","
         "\"timelineSpeedMultiplier\":1}",
         "ct"},
        {"{\"contentTime\":\"90180\",\"wallClockTime\":\"1000000000\","
         "\"timelineSpeedMultiplier\":0}",
         "cT"},
        {"{\"contentTime\":\"90181\",\"wallClockTime\":\"9000000000\","
         "\"timelineSpeedMultiplier\":0}",
         "c"},
        {"{\"contentTime\":\"90580\",\"wallClockTime\":\"9000000000\","
         "\"timelineSpeedMultiplier\":0}",
         "ct"},
        {"{\"contentTime\":null,\"wallClockTime\":\"9100000000\","
         "\"timelineSpeedMultiplier\":null}",
         "cu"},
        {"{\"contentTime\":\"5\",\"wallClockTime\":\"9100000000\",\"timelineSpeedMultiplier\":2}",
         "cTa"},
    };
    struct fixture f;

    begin(&f, &standard);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        f.log[0] = '\0';
        say(&f, steps[i].text);
        cr_expect_str_eq(f.log, steps[i].events, "step %zu: %s", i, f.log);
    }
    f.now_ns = 10100000000;
    cr_assert_eq(dvbcss_clock_now(f.timeline).whole, 5 + 2 * PTS_HZ);
    end(&f);
}

Test(ts_client, understands_numbers_where_strings_are_due)
{
    struct fixture f;

    begin(&f, &standard);
    say(&f, "{\"contentTime\":180000,\"wallClockTime\":1e9,\"timelineSpeedMultiplier\":\"1\"}");
    f.now_ns = 1500000000;
    cr_assert(dvbcss_clock_available(f.timeline));
    cr_assert_eq(dvbcss_clock_now(f.timeline).whole, 180000 + PTS_HZ / 2);
    end(&f);
}

Test(ts_client, takes_a_bare_null_speed_for_unavailable)
{
    struct fixture f;

    begin(&f, &standard);
    say(&f, "{\"timelineSpeedMultiplier\":null}");
    cr_assert_eq(f.protocol_errors, 0);
    cr_assert_not(dvbcss_ts_client_available(f.client));
    end(&f);
}

Test(ts_client, leaves_clock_and_connection_alone_when_it_does_not_understand)
{
    static const char *const nonsense[] = {
        "",
        "nonsense",
        "[]",
        "5",
        "{\"contentTime\":\"x\",\"wallClockTime\":\"1\","
        "\"timelineSpeedMultiplier\":1}",
        "{\"contentTime\":\"1\",\"wallClockTime\":\"1\",\"timelineSpeedMultiplier\":1e999}",
        "{\"contentTime\":\"99999999999999999999999\",\"wallClockTime\":\"1\","
        "\"timelineSpeedMultiplier\":1}",
    };
    struct fixture f;

    begin(&f, &standard);
    say(&f, "{\"contentTime\":\"7\",\"wallClockTime\":\"0\",\"timelineSpeedMultiplier\":0}");
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++)
        say(&f, nonsense[i]);
    cr_assert_eq(f.protocol_errors, sizeof nonsense / sizeof nonsense[0]);
    cr_assert_eq(dvbcss_clock_now(f.timeline).whole, 7);
    cr_assert(dvbcss_clock_available(f.timeline));
    cr_assert_eq(f.disconnected, 0);
    end(&f);
}

/* ---- losing and coming back ------------------------------------------------------------------ */

Test(ts_client, is_unavailable_after_a_loss_until_it_was_set_up_again)
{
    struct fixture f;

    begin(&f, &standard);
    say(&f, "{\"contentTime\":\"0\",\"wallClockTime\":\"0\",\"timelineSpeedMultiplier\":1}");
    f.log[0] = '\0';
    toy_reset(f.connection);
    f.connection = NULL;
    TEST_LOOP_UNTIL(&f.test, f.disconnected);
    cr_assert_str_eq(f.log, "ud");
    cr_assert_not(dvbcss_clock_available(f.timeline));
    TEST_LOOP_UNTIL(&f.test, f.connection);
    cr_assert_eq(f.frames, 2);
    cr_assert_eq(strncmp(f.payload, "{\"contentIdStem\"", 16), 0, "set up again");
    say(&f, "{\"contentTime\":\"0\",\"wallClockTime\":\"0\",\"timelineSpeedMultiplier\":1}");
    cr_assert(dvbcss_clock_available(f.timeline));
    end(&f);
}

/* ---- reporting ------------------------------------------------------------------------------- */

Test(ts_client, reports_given_timestamps)
{
    struct dvbcss_ts_presentation presentation = DVBCSS_TS_PRESENTATION_INIT;
    struct fixture f;

    begin(&f, &standard);
    cr_assert_eq(dvbcss_ts_client_report(f.client, &presentation), DVBCSS_ECLOSED);
    TEST_LOOP_UNTIL(&f.test, f.frames == 1);
    presentation.earliest.content_time_ticks = 123465;
    presentation.latest.content_time_ticks = 123465;
    cr_assert_eq(dvbcss_ts_client_report(f.client, &presentation), 0);
    TEST_LOOP_UNTIL(&f.test, f.frames == 2);
    cr_assert_str_eq(f.payload, "{\"earliest\":{\"contentTime\":\"123465\",\"wallClockTime\":"
                                "\"minusinfinity\"},\"latest\":{\"contentTime\":\"123465\","
                                "\"wallClockTime\":\"plusinfinity\"}}");
    end(&f);
}

Test(ts_client, reports_what_its_clocks_show)
{
    struct fixture f;
    struct dvbcss_clock *earliest;

    begin(&f, &standard);
    say(&f, "{\"contentTime\":\"90580\",\"wallClockTime\":\"9000000000\","
            "\"timelineSpeedMultiplier\":0}");
    cr_assert_eq(dvbcss_correlated_clock_create(&earliest, f.wall, dvbcss_rate_hz(PTS_HZ),
                                                dvbcss_correlation(8000000000, 90580), 0.0),
                 0);
    cr_assert_eq(dvbcss_ts_client_report_clocks(f.client, earliest, NULL, true), 0);
    TEST_LOOP_UNTIL(&f.test, f.frames == 2);
    cr_assert(strstr(f.payload, "\"actual\":{\"contentTime\":\"90580\",\"wallClockTime\":"
                                "\"9000000000\"}"),
              "%s", f.payload);
    cr_assert(strstr(f.payload, "\"earliest\":{\"contentTime\":\"90580\",\"wallClockTime\":"
                                "\"8000000000\"}"),
              "%s", f.payload);
    cr_assert(strstr(f.payload, "\"plusinfinity\""), "%s", f.payload);
    cr_assert_eq(dvbcss_ts_client_report_clocks(f.client, f.wall, NULL, true), DVBCSS_EINVAL,
                 "a clock below another parent");
    dvbcss_clock_destroy(earliest);
    end(&f);
}

/* ---- arguments and the end ------------------------------------------------------------------- */

Test(ts_client, refuses_what_cannot_work)
{
    struct fixture f;
    struct dvbcss_ts_client *client = NULL;
    struct dvbcss_ts_client_options good;
    struct dvbcss_ts_client_options options;

    begin(&f, &standard);
    good = options_for(&f);
    options = good;
    options.timeline_selector = NULL;
    cr_expect_eq(dvbcss_ts_client_create(&client, &f.test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.timeline = NULL;
    cr_expect_eq(dvbcss_ts_client_create(&client, &f.test.loop, &options, NULL), DVBCSS_EINVAL);
    options.timeline = f.root;
    cr_expect_eq(dvbcss_ts_client_create(&client, &f.test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.threshold_s = -1.0;
    cr_expect_eq(dvbcss_ts_client_create(&client, &f.test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.content_id_stem = "\xff";
    cr_expect_eq(dvbcss_ts_client_create(&client, &f.test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.url = "http://x/";
    cr_expect_eq(dvbcss_ts_client_create(&client, &f.test.loop, &options, NULL),
                 DVBCSS_EUNSUPPORTED);
    cr_assert_null(client);
    end(&f);
}

Test(ts_client, can_be_closed_from_inside_an_event)
{
    struct fixture f;

    begin(&f, &standard);
    TEST_LOOP_UNTIL(&f.test, f.connection);
    f.close_on_timing = true;
    toy_text(f.connection, "{\"contentTime\":\"5\",\"wallClockTime\":\"0\","
                           "\"timelineSpeedMultiplier\":2}");
    TEST_LOOP_UNTIL(&f.test, f.closed);
    cr_assert_str_eq(f.log, "cT", "nothing is told after the end was asked for");
    finish(&f);
}

Test(ts_client, can_be_closed_at_any_turn_of_the_loop)
{
    for (unsigned turns = 0; turns < 25; turns++) {
        struct fixture f;

        begin(&f, &standard);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&f.test.loop, UV_RUN_NOWAIT);
        end(&f);
    }
}

Test(ts_client, can_be_closed_by_a_listener_of_its_clock)
{
    close_from_listener(DVBCSS_CLOCK_TIMING, false);
    close_from_listener(DVBCSS_CLOCK_AVAILABILITY, false);
}

Test(ts_client, does_not_touch_its_clock_once_a_listener_has_closed_it_and_destroyed_that)
{
    close_from_listener(DVBCSS_CLOCK_TIMING, true);
    close_from_listener(DVBCSS_CLOCK_AVAILABILITY, true);
}
