/*
 * Tools see what a TV sends just as it is, before the clients make the best of it, and may leave
 * there and then.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "dvbcss/cii_client.h"
#include "dvbcss/ts_client.h"
#include "mock_time.h"
#include "test_loop.h"
#include "toy_server.h"

static struct test_loop test;
static struct toy_server *tv;
static const char *message;

static struct dvbcss_cii_client *cii;
static struct dvbcss_ts_client *ts;
static char seen[256];
static unsigned texts, others;
static bool leave;

static void on_opened(struct toy_connection *connection)
{
    toy_text(connection, message);
}

static const struct toy_script script = {.opened = on_opened};

static void begin(void)
{
    test_loop_begin(&test);
    tv = toy_server_create(&test.loop, &script, NULL, NULL);
}

static void end(void)
{
    dvbcss_cii_client_close(cii, NULL, NULL);
    dvbcss_ts_client_close(ts, NULL, NULL);
    toy_server_close(tv);
    test_loop_end(&test);
}

TestSuite(client_text, .init = begin, .fini = end);

static void on_text(void *user, const char *text, size_t length)
{
    (void)user;
    cr_expect_eq(others, 0, "it is told before all else");
    snprintf(seen, sizeof seen, "%.*s", (int)length, text);
    texts++;
    if (!leave)
        return;
    dvbcss_cii_client_close(cii, NULL, NULL);
    dvbcss_ts_client_close(ts, NULL, NULL);
    cii = NULL;
    ts = NULL;
}

static void on_received(void *user, const struct dvbcss_cii *state, unsigned changed)
{
    (void)user;
    (void)state;
    (void)changed;
    others++;
}

static void on_control_timestamp(void *user, const struct dvbcss_ts_control_timestamp *timestamp)
{
    (void)user;
    (void)timestamp;
    others++;
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    (void)user;
    (void)report;
    (void)text;
    (void)length;
    others++;
}

static void start_cii(void)
{
    struct dvbcss_cii_client_options options = DVBCSS_CII_CLIENT_OPTIONS_INIT;

    options.url = toy_server_url(tv, "/cii");
    options.connection.reconnect = false;
    options.events.text = on_text;
    options.events.received = on_received;
    options.events.protocol_error = on_protocol_error;
    cr_assert_eq(dvbcss_cii_client_create(&cii, &test.loop, &options, NULL), 0);
}

Test(client_text, cii_shows_what_it_then_understands)
{
    message = "{\"presentationStatus\": [\"okay\"]}";
    start_cii();
    TEST_LOOP_UNTIL(&test, others > 0);
    cr_expect_str_eq(seen, message);
    cr_expect_eq(texts, 1);
}

Test(client_text, cii_shows_what_it_does_not_understand)
{
    message = "no JSON";
    start_cii();
    TEST_LOOP_UNTIL(&test, others > 0);
    cr_expect_str_eq(seen, message);
}

Test(client_text, cii_tells_nothing_more_to_whoever_leaves_there)
{
    message = "{\"presentationStatus\": \"okay\"}";
    leave = true;
    start_cii();
    TEST_LOOP_UNTIL(&test, texts > 0);
    cr_expect_eq(others, 0);
}

/* A TS client below a wall clock that stands. */
static void follow(void (*then)(void))
{
    struct dvbcss_ts_client_options options = DVBCSS_TS_CLIENT_OPTIONS_INIT;
    struct dvbcss_root_clock_options root_options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct mock_time time = {0, 0, 0};
    struct dvbcss_clock *root, *timeline;

    root_options.now_ns = mock_time_read;
    root_options.user = &time;
    root_options.precision_s = 1e-9;
    cr_assert_eq(dvbcss_root_clock_create(&root, &root_options), 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&timeline, root, (struct dvbcss_rate){90000, 1},
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    options.url = toy_server_url(tv, "/ts");
    options.timeline_selector = "urn:dvb:css:timeline:pts";
    options.timeline = timeline;
    options.connection.reconnect = false;
    options.events.text = on_text;
    options.events.control_timestamp = on_control_timestamp;
    options.events.protocol_error = on_protocol_error;
    cr_assert_eq(dvbcss_ts_client_create(&ts, &test.loop, &options, NULL), 0);
    then();
    dvbcss_ts_client_close(ts, NULL, NULL);
    ts = NULL;
    dvbcss_clock_destroy(timeline);
    dvbcss_clock_destroy(root);
}

static void until_understood(void)
{
    TEST_LOOP_UNTIL(&test, others > 0);
    cr_expect_str_eq(seen, message);
}

static void until_seen(void)
{
    TEST_LOOP_UNTIL(&test, texts > 0);
    cr_expect_eq(others, 0);
}

Test(client_text, ts_shows_what_it_then_understands)
{
    message = "{\"contentTime\": 7, \"wallClockTime\": 8, \"timelineSpeedMultiplier\": 1}";
    follow(until_understood);
}

Test(client_text, ts_tells_nothing_more_to_whoever_leaves_there)
{
    message = "{\"contentTime\": \"7\", \"wallClockTime\": \"8\", \"timelineSpeedMultiplier\": 1}";
    leave = true;
    follow(until_seen);
}
