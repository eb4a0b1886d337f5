/* Sessions and their groups: who shares what, what is kept of whom, and what hubs can be told. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "ts_world.h"

TestSuite(ts_session, .init = begin, .fini = end);

/* ---- groups ---------------------------------------------------------------------------------- */

Test(ts_session, companions_that_ask_for_the_same_share_one_delivery)
{
    struct companion all[10];
    struct companion other;

    play(0, 0, 1.0);
    for (size_t i = 0; i < 10; i++)
        join(&all[i], SETUP("dvb://", PTS));
    join(&other, SETUP("", PTS));
    deliveries = 0;
    cr_assert_eq(run(0), 11);
    cr_assert_eq(deliveries, 2);
    cr_assert_neq(all[0].delivery, other.delivery);
    for (size_t i = 0; i < 10; i++) {
        cr_assert_eq(all[i].delivery, all[0].delivery);
        leave(&all[i]);
    }
    leave(&other);
}

static unsigned reads;

static bool recognises_all(struct dvbcss_ts_source *source, const char *selector)
{
    (void)source;
    (void)selector;
    return true;
}

static enum dvbcss_ts_state count_read(struct dvbcss_ts_source *source, const char *selector,
                                       int64_t now_ns, struct dvbcss_ts_line *line)
{
    (void)source;
    (void)selector;
    (void)now_ns;
    (void)line;
    reads++;
    return DVBCSS_TS_GONE;
}

Test(ts_session, a_timeline_is_read_once_for_all_its_groups)
{
    static const struct dvbcss_ts_source_ops ops = {recognises_all, count_read, NULL, NULL};
    struct dvbcss_ts_source source = {&ops, NULL, NULL};
    struct companion a;
    struct companion b;

    cr_assert_eq(dvbcss_ts_hub_attach(hub, &source), 0);
    join(&a, SETUP("", "x"));
    join(&b, SETUP("dvb://", "x"));
    reads = 0;
    cr_assert_eq(run(0), 2);
    cr_assert_eq(reads, 1);
    cr_assert_eq(run(2 * SECOND), 2);
    cr_assert_eq(reads, 2);
    leave(&a);
    leave(&b);
    dvbcss_ts_source_detach_all(&source);
}

Test(ts_session, a_newcomer_is_answered_alone)
{
    struct companion a;
    struct companion b;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(0);
    join(&b, SETUP("", PTS));
    cr_assert_eq(run(SECOND), 1);
    expect(&a, 1, true, 0, 0);
    expect(&b, 1, true, 90000, SECOND);
    cr_assert_eq(run(2 * SECOND), 2, "both are repeated together");
    leave(&a);
    leave(&b);
}

Test(ts_session, sessions_may_end_while_a_delivery_is_taken)
{
    struct companion all[4];
    struct dvbcss_ts_delivery delivery;
    const struct dvbcss_ts_session *first;

    play(0, 0, 1.0);
    for (size_t i = 0; i < 4; i++)
        join(&all[i], SETUP("", PTS));
    dvbcss_ts_hub_run(hub, 0);
    cr_assert(dvbcss_ts_hub_next_delivery(hub, &delivery));
    first = dvbcss_ts_hub_next_receiver(hub);
    cr_assert_eq(first, all[0].session);
    leave(&all[0]);
    leave(&all[1]);
    cr_assert_eq(dvbcss_ts_hub_next_receiver(hub), all[2].session);
    leave(&all[3]);
    leave(&all[2]);
    cr_assert_null(dvbcss_ts_hub_next_receiver(hub));
    cr_assert_not(dvbcss_ts_hub_next_delivery(hub, &delivery));
}

Test(ts_session, receivers_that_were_not_taken_get_the_next_one)
{
    struct companion a;
    struct dvbcss_ts_delivery delivery;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    dvbcss_ts_hub_run(hub, 0);
    cr_assert(dvbcss_ts_hub_next_delivery(hub, &delivery));
    cr_assert_not(dvbcss_ts_hub_next_delivery(hub, &delivery));
    cr_assert_eq(run(2 * SECOND), 1);
    leave(&a);
}

Test(ts_session, a_delivery_that_was_not_taken_gives_way_to_a_newer_one)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    dvbcss_ts_hub_run(hub, 0);
    play(0, 0, 0.0);
    cr_assert_eq(run(SECOND), 1);
    expect(&a, 1, true, 0, SECOND);
    leave(&a);
}

/* ---- sessions -------------------------------------------------------------------------------- */

Test(ts_session, second_setup_data_configure_the_session_anew)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(0);
    cr_assert_eq(say(&a, SETUP("dvb://", "other")), 0);
    cr_assert_eq(dvbcss_ts_session_state(a.session), DVBCSS_TS_SESSION_UNANSWERED);
    cr_assert_str_eq(dvbcss_ts_session_setup(a.session)->timeline_selector, "other");
    run(1);
    expect(&a, 2, false, 0, 1);
    cr_assert_eq(say(&a, SETUP("dvb://", PTS)), 0);
    run(SECOND);
    expect(&a, 3, true, 90000, SECOND);
    cr_assert_eq(say(&a, SETUP("dvb://", PTS)), 0);
    run(SECOND);
    expect(&a, 4, true, 90000, SECOND);
    leave(&a);
}

Test(ts_session, presentation_timestamps_are_kept_until_the_next_setup_data)
{
    static const char text[] =
        "{\"earliest\":{\"contentTime\":\"1\",\"wallClockTime\":\"minusinfinity\"},"
        "\"latest\":{\"contentTime\":\"3\",\"wallClockTime\":\"4\"}}";
    enum dvbcss_ts_request_kind kind = DVBCSS_TS_REQUEST_SETUP;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct companion a;

    connect(&a);
    cr_assert_eq(dvbcss_ts_session_receive(a.session, text, strlen(text), &kind, &report),
                 DVBCSS_ESTATE);
    cr_assert_eq(report.error, DVBCSS_ESTATE);
    cr_assert_eq(kind, DVBCSS_TS_REQUEST_SETUP, "untouched");
    cr_assert_null(dvbcss_ts_session_presentation(a.session));
    cr_assert_eq(dvbcss_ts_session_ignored(a.session), 1);
    cr_assert_eq(say(&a, SETUP("", PTS)), 0);
    cr_assert_eq(dvbcss_ts_session_receive(a.session, text, strlen(text), &kind, NULL), 0);
    cr_assert_eq(kind, DVBCSS_TS_REQUEST_PRESENTATION);
    cr_assert_eq(dvbcss_ts_session_presentation(a.session)->latest.wall_clock_time_ns, 4);
    cr_assert_eq(say(&a, SETUP("", PTS)), 0);
    cr_assert_null(dvbcss_ts_session_presentation(a.session));
    leave(&a);
}

Test(ts_session, what_cannot_be_understood_is_counted_and_changes_nothing)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "null",
        "5",
        "\"x\"",
        "{\"timelineSelector\":5}",
        "{\"contentIdStem\":\"a\"}",
        "{\"earliest\":{}}",
        "\xff\xfe",
    };
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("dvb://", PTS));
    run(0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_neq(say(&a, bad[i]), 0, "%s", bad[i]);
    cr_assert_eq(dvbcss_ts_session_ignored(a.session), sizeof bad / sizeof bad[0]);
    cr_assert_eq(dvbcss_ts_session_state(a.session), DVBCSS_TS_SESSION_AVAILABLE);
    cr_assert_str_eq(dvbcss_ts_session_setup(a.session)->timeline_selector, PTS);
    cr_assert_eq(run(2 * SECOND), 1, "the connection lives");
    leave(&a);
}

Test(ts_session, sessions_outlive_their_hub)
{
    struct companion a;
    struct companion b;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    connect(&b);
    run(0);
    replans = 0;
    dvbcss_ts_hub_destroy(hub);
    hub = NULL;
    cr_assert_eq(replans, 0, "there is nothing left to run");
    cr_assert_eq(dvbcss_ts_session_state(a.session), DVBCSS_TS_SESSION_CLOSED);
    cr_assert_eq(say(&a, SETUP("", PTS)), DVBCSS_ESTATE);
    cr_assert_eq(say(&b, "{}"), DVBCSS_EMISSING);
    cr_assert_str_eq(dvbcss_ts_session_setup(a.session)->timeline_selector, PTS);
    leave(&a);
    leave(&b);
}

/* ---- delay, window, options ------------------------------------------------------------------ */

Test(ts_session, a_delay_moves_the_line_later)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(SECOND);
    expect(&a, 1, true, 90000, SECOND);
    dvbcss_ts_hub_set_delay_ns(hub, SECOND / 10);
    cr_assert_eq(run(SECOND), 1);
    expect(&a, 2, true, 81000, SECOND);
    dvbcss_ts_hub_set_delay_ns(hub, INT64_MAX);
    play(0, SECOND, 1.0);
    run(SECOND);
    expect(&a, 3, false, 0, SECOND);
    dvbcss_ts_hub_set_delay_ns(hub, INT64_MIN);
    play(0, -1, 0.0);
    cr_assert_eq(run(SECOND), 0, "that cannot be told either");
    leave(&a);
}

static void report(struct companion *companion, int64_t earliest_ns, int64_t latest_ns)
{
    char text[DVBCSS_TS_PRESENTATION_SIZE];

    snprintf(text, sizeof text,
             "{\"earliest\":{\"contentTime\":\"0\",\"wallClockTime\":\"%lld\"},"
             "\"latest\":{\"contentTime\":\"0\",\"wallClockTime\":\"%lld\"}}",
             (long long)earliest_ns, (long long)latest_ns);
    cr_assert_eq(say(companion, text), 0);
}

Test(ts_session, the_window_is_of_all_companions_of_one_timeline)
{
    struct dvbcss_ts_window window;
    struct companion all[5];

    cr_assert_eq(dvbcss_ts_hub_window(hub, PTS, 0, &window), DVBCSS_EUNAVAILABLE);
    join(&all[0], SETUP("", PTS));
    cr_assert_eq(dvbcss_ts_hub_window(hub, PTS, 0, &window), DVBCSS_EUNAVAILABLE);
    play(0, 0, 1.0);
    cr_assert_eq(dvbcss_ts_hub_window(hub, PTS, SECOND, &window), 0);
    cr_assert_eq(window.companions, 0);
    join(&all[1], SETUP("dvb://", PTS));
    join(&all[2], SETUP("no", PTS));
    join(&all[3], SETUP("", "other"));
    join(&all[4], SETUP("", PTS));
    report(&all[0], 10, 50);
    report(&all[1], 20, 60);
    report(&all[2], 55, 55);
    report(&all[3], 55, 55);
    cr_assert_eq(say(&all[4], "{\"earliest\":{\"contentTime\":\"-9223372036854775808\","
                              "\"wallClockTime\":\"0\"},\"latest\":{\"contentTime\":\"0\","
                              "\"wallClockTime\":\"1\"}}"),
                 0);
    cr_assert_eq(dvbcss_ts_hub_window(hub, PTS, SECOND, &window), 0);
    cr_assert_eq(window.companions, 2);
    cr_assert_eq(window.content_time_ticks, 90000);
    cr_assert_eq(window.earliest.wall_clock_time_ns, SECOND + 20);
    cr_assert_eq(window.latest.wall_clock_time_ns, SECOND + 50);
    cr_assert_not(dvbcss_ts_window_empty(&window));
    for (size_t i = 0; i < 5; i++)
        leave(&all[i]);
}

Test(ts_session, options_that_make_no_sense_are_refused)
{
    struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;
    struct dvbcss_ts_hub *other = NULL;

    options.resend_interval_ns = -1;
    cr_assert_eq(dvbcss_ts_hub_create(&other, &options), DVBCSS_EINVAL);
    options.resend_interval_ns = 1;
    options.change_threshold_s = NAN;
    cr_assert_eq(dvbcss_ts_hub_create(&other, &options), DVBCSS_EINVAL);
    options.change_threshold_s = -1.0;
    cr_assert_eq(dvbcss_ts_hub_create(&other, &options), DVBCSS_EINVAL);
    cr_assert_null(other);
    dvbcss_ts_hub_destroy(NULL);
    dvbcss_ts_session_destroy(NULL);
}

Test(ts_session, a_source_is_attached_once_and_has_to_be_complete)
{
    struct dvbcss_ts_source incomplete = {NULL, NULL, NULL};

    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_simple_source_base(pts)), DVBCSS_EEXIST);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, &incomplete), DVBCSS_EINVAL);
    dvbcss_ts_hub_detach(hub, &incomplete);
}

Test(ts_session, a_simple_source_takes_the_rate_of_its_selector)
{
    const struct dvbcss_ts_line without_rate = {{0, 0}, 0, {0, 0}, 1.0};
    const struct dvbcss_ts_line wrong = {{0, 0}, 0, {0, 0}, NAN};
    struct companion a;

    cr_assert_eq(dvbcss_ts_simple_source_set(pts, DVBCSS_TS_RUNNING, &without_rate), 0);
    join(&a, SETUP("", PTS));
    run(SECOND);
    expect(&a, 1, true, 90000, SECOND);
    cr_assert_eq(dvbcss_ts_simple_source_set(pts, DVBCSS_TS_RUNNING, NULL), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_ts_simple_source_set(pts, DVBCSS_TS_RUNNING, &wrong), DVBCSS_EINVAL);
    cr_assert_eq(run(SECOND), 0);
    leave(&a);
}
