/* Every allocation of every constructor, encoder and decoder fails once. */
#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/ts_timeline.h"
#include "failing_alloc.h"

/*
 * Calls `attempt` until none of its allocations failed. It returns what the function under test
 * returned and leaves nothing behind in either case; without memory that must be DVBCSS_ENOMEM.
 */
static void walk(int (*attempt)(void))
{
    for (unsigned n = 0;; n++) {
        int error;
        bool failed;

        failing_alloc_begin(n);
        error = attempt();
        cr_assert_eq(failing_alloc_outstanding(), 0, "allocation %u: %ld left", n,
                     failing_alloc_outstanding());
        failed = failing_alloc_end();
        cr_assert_eq(error, failed ? DVBCSS_ENOMEM : 0, "allocation %u: %s", n,
                     dvbcss_error_name(error));
        if (!failed) {
            cr_assert_gt(n, 0, "nothing was allocated");
            return;
        }
    }
}

static const char setup_text[] = "{\"contentIdStem\":\"dvb://a\",\"timelineSelector\":\"one\","
                                 "\"private\":[{\"type\":\"x\",\"y\":[1,2.5,null]}]}";

static int decode_setup(void)
{
    struct dvbcss_ts_setup setup = DVBCSS_TS_SETUP_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error =
        dvbcss_ts_setup_decode(setup_text, sizeof setup_text - 1, DVBCSS_STRICT, &setup, &report);

    cr_assert_eq(report.error, error);
    dvbcss_ts_setup_clear(&setup);
    return error;
}

static int encode_setup(void)
{
    const struct dvbcss_ts_setup setup = {"dvb://a", "one", "[{\"type\":\"x\",\"y\":[1]}]"};
    char text[256];
    size_t length;

    return dvbcss_ts_setup_encode(&setup, text, sizeof text, &length);
}

static int decode_control_timestamp(void)
{
    static const char text[] = "{\"contentTime\":\"1e3\",\"wallClockTime\":\"2\","
                               "\"timelineSpeedMultiplier\":\"1.5\"}";
    struct dvbcss_ts_control_timestamp timestamp;

    return dvbcss_ts_control_timestamp_decode(text, sizeof text - 1, DVBCSS_TOLERANT, &timestamp,
                                              NULL);
}

static int decode_presentation(void)
{
    static const char text[] =
        "{\"actual\":{\"contentTime\":\"1\",\"wallClockTime\":\"2\"},"
        "\"earliest\":{\"contentTime\":\"1\",\"wallClockTime\":\"-Infinity\"},"
        "\"latest\":{\"contentTime\":1,\"wallClockTime\":\"plusinfinity\"}}";
    struct dvbcss_ts_presentation presentation;

    return dvbcss_ts_presentation_decode(text, sizeof text - 1, DVBCSS_TOLERANT, &presentation,
                                         NULL);
}

static int decode_request(void)
{
    struct dvbcss_ts_request request;
    int error =
        dvbcss_ts_request_decode(setup_text, sizeof setup_text - 1, DVBCSS_STRICT, &request, NULL);

    if (!error)
        dvbcss_ts_request_clear(&request);
    return error;
}

static int create_sources(void)
{
    struct dvbcss_ts_simple_source *simple = NULL;
    int error = dvbcss_ts_simple_source_create(&simple, "one");

    dvbcss_ts_simple_source_destroy(simple);
    return error;
}

static int64_t no_time(void *user)
{
    (void)user;
    return 0;
}

static int create_clock_source(void)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_ts_clock_source_options source_options = DVBCSS_TS_CLOCK_SOURCE_OPTIONS_INIT;
    struct dvbcss_ts_clock_source *source = NULL;
    struct dvbcss_clock *root = NULL;
    int error;

    options.now_ns = no_time;
    options.precision_s = 1e-9;
    error = dvbcss_root_clock_create(&root, &options);
    source_options.selector = "one";
    source_options.clock = root;
    source_options.wall_clock = root;
    if (!error)
        error = dvbcss_ts_clock_source_create(&source, &source_options);
    dvbcss_ts_clock_source_destroy(source);
    dvbcss_clock_destroy(root);
    return error;
}

/* Needed and not needed, which must be in balance after every failure. */
static int balance;

static bool recognises(struct dvbcss_ts_source *source, const char *selector)
{
    (void)source;
    (void)selector;
    return true;
}

static enum dvbcss_ts_state read_gone(struct dvbcss_ts_source *source, const char *selector,
                                      int64_t now_ns, struct dvbcss_ts_line *line)
{
    (void)source;
    (void)selector;
    (void)now_ns;
    (void)line;
    return DVBCSS_TS_GONE;
}

static void needed(struct dvbcss_ts_source *source, const char *selector)
{
    (void)source;
    (void)selector;
    balance++;
}

static void not_needed(struct dvbcss_ts_source *source, const char *selector)
{
    (void)source;
    (void)selector;
    balance--;
}

static const struct dvbcss_ts_source_ops ops = {recognises, read_gone, needed, not_needed};

static int say(struct dvbcss_ts_session *session, const char *text)
{
    return dvbcss_ts_session_receive(session, text, strlen(text), NULL, NULL);
}

/* A whole life: what has been built before an allocation fails goes on working. */
static int live(void)
{
    const struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;
    struct dvbcss_ts_source early = {&ops, NULL, NULL};
    struct dvbcss_ts_source late = {&ops, NULL, NULL};
    struct dvbcss_ts_hub *hub = NULL;
    struct dvbcss_ts_session *session = NULL;
    int error = dvbcss_ts_hub_create(&hub, &options);

    if (error)
        return error;
    error = dvbcss_ts_hub_set_content_id(hub, "dvb://a");
    if (!error)
        error = dvbcss_ts_hub_attach(hub, &early);
    if (!error)
        error = dvbcss_ts_session_create(&session, hub, NULL);
    if (!error)
        error = say(session, setup_text);
    if (!error)
        error = dvbcss_ts_hub_attach(hub, &late);
    dvbcss_ts_hub_run(hub, 0);
    if (!error) {
        error = say(session, "{\"timelineSelector\":\"two\"}");
        /* A setup that failed leaves the one before in force. */
        cr_assert_str_eq(dvbcss_ts_session_setup(session)->timeline_selector,
                         error ? "one" : "two");
        cr_assert_eq(balance, 2);
    }
    dvbcss_ts_session_destroy(session);
    dvbcss_ts_source_detach_all(&early);
    dvbcss_ts_hub_destroy(hub);
    cr_assert_eq(balance, 0);
    cr_assert_null(early.attachments);
    cr_assert_null(late.attachments);
    return error;
}

Test(ts_memory, setup_data_are_read_whole_or_not_at_all)
{
    walk(decode_setup);
}

Test(ts_memory, setup_data_are_written_whole_or_not_at_all)
{
    walk(encode_setup);
}

Test(ts_memory, control_timestamps_are_read_whole_or_not_at_all)
{
    walk(decode_control_timestamp);
}

Test(ts_memory, presentation_timestamps_are_read_whole_or_not_at_all)
{
    walk(decode_presentation);
}

Test(ts_memory, requests_are_read_whole_or_not_at_all)
{
    walk(decode_request);
}

Test(ts_memory, presentation_timestamps_are_written_without_allocating)
{
    const struct dvbcss_ts_presentation presentation = {
        .has_actual = true,
        .actual = {1, DVBCSS_TS_AT, 2},
        .earliest = {3, DVBCSS_TS_MINUS_INFINITY, 0},
        .latest = {4, DVBCSS_TS_AT, INT64_MAX},
    };
    char text[DVBCSS_TS_PRESENTATION_SIZE];
    size_t length;

    failing_alloc_begin(0);
    cr_assert_eq(dvbcss_ts_presentation_encode(&presentation, text, sizeof text, &length), 0);
    cr_assert_not(failing_alloc_end());
}

Test(ts_memory, sources_are_made_whole_or_not_at_all)
{
    walk(create_sources);
    walk(create_clock_source);
}

Test(ts_memory, hub_sources_and_sessions_survive_every_failure)
{
    walk(live);
}

Test(ts_memory, control_timestamps_are_written_and_delivered_without_allocating)
{
    const struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;
    struct dvbcss_ts_session *session;
    struct dvbcss_ts_delivery delivery;
    struct dvbcss_ts_hub *hub;

    cr_assert_eq(dvbcss_ts_hub_create(&hub, &options), 0);
    cr_assert_eq(dvbcss_ts_session_create(&session, hub, NULL), 0);
    cr_assert_eq(say(session, setup_text), 0);
    failing_alloc_begin(0);
    dvbcss_ts_hub_run(hub, 0);
    cr_assert(dvbcss_ts_hub_next_delivery(hub, &delivery));
    cr_assert_eq(dvbcss_ts_hub_next_receiver(hub), session);
    cr_assert_not(failing_alloc_end());
    dvbcss_ts_session_destroy(session);
    dvbcss_ts_hub_destroy(hub);
}
