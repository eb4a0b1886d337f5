/* The hub: what companions are told, and when. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/ts_timeline.h"

#define SECOND INT64_C(1000000000)
#define PTS "urn:dvb:css:timeline:pts"
#define SETUP(stem, selector)                                                                      \
    "{\"contentIdStem\":\"" stem "\",\"timelineSelector\":\"" selector "\"}"

/* What a companion was told. */
struct companion {
    struct dvbcss_ts_session *session;
    unsigned told;
    struct dvbcss_ts_control_timestamp last;
    /* Which delivery it came with. */
    unsigned delivery;
};

static struct dvbcss_ts_hub *hub;
static struct dvbcss_ts_simple_source *pts;
static unsigned replans;
static unsigned deliveries;

static void count_replan(void *user)
{
    (void)user;
    replans++;
}

static void begin_with(struct dvbcss_ts_hub_options options)
{
    options.replanned = count_replan;
    cr_assert_eq(dvbcss_ts_hub_create(&hub, &options), 0);
    cr_assert_eq(dvbcss_ts_simple_source_create(&pts, PTS), 0);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_simple_source_base(pts)), 0);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, "dvb://a.b.c"), 0);
}

static void begin(void)
{
    const struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;

    begin_with(options);
}

static void end(void)
{
    dvbcss_ts_simple_source_destroy(pts);
    dvbcss_ts_hub_destroy(hub);
}

TestSuite(ts_hub, .init = begin, .fini = end);

static void play(int64_t content, int64_t wall_ns, double speed)
{
    const struct dvbcss_ts_line line = {{content, 0}, wall_ns, {90000, 1}, speed};

    cr_assert_eq(dvbcss_ts_simple_source_set(pts, DVBCSS_TS_RUNNING, &line), 0);
}

static void show(enum dvbcss_ts_state state)
{
    cr_assert_eq(dvbcss_ts_simple_source_set(pts, state, NULL), 0);
}

static void connect(struct companion *companion)
{
    memset(companion, 0, sizeof *companion);
    cr_assert_eq(dvbcss_ts_session_create(&companion->session, hub, companion), 0);
}

static void leave(struct companion *companion)
{
    dvbcss_ts_session_destroy(companion->session);
}

static int say(struct companion *companion, const char *text)
{
    return dvbcss_ts_session_receive(companion->session, text, strlen(text), NULL, NULL);
}

static void join(struct companion *companion, const char *setup)
{
    connect(companion);
    cr_assert_eq(say(companion, setup), 0);
}

/* Runs the hub and delivers what it has. Returns how many were told something. */
static unsigned run(int64_t now_ns)
{
    struct dvbcss_ts_delivery delivery;
    struct dvbcss_ts_session *session;
    unsigned told = 0;

    dvbcss_ts_hub_run(hub, now_ns);
    while (dvbcss_ts_hub_next_delivery(hub, &delivery)) {
        struct dvbcss_ts_control_timestamp timestamp;

        deliveries++;
        cr_assert_eq(strlen(delivery.text), delivery.length);
        cr_assert_eq(dvbcss_ts_control_timestamp_decode(delivery.text, delivery.length,
                                                        DVBCSS_STRICT, &timestamp, NULL),
                     0);
        cr_assert(dvbcss_ts_control_timestamp_equal(&timestamp, &delivery.timestamp));
        while ((session = dvbcss_ts_hub_next_receiver(hub))) {
            struct companion *companion = dvbcss_ts_session_user(session);

            companion->told++;
            companion->last = timestamp;
            companion->delivery = deliveries;
            told++;
        }
    }
    return told;
}

static int64_t deadline(void)
{
    int64_t deadline_ns;

    return dvbcss_ts_hub_deadline(hub, &deadline_ns) == 0 ? deadline_ns : INT64_MAX;
}

static void expect(const struct companion *companion, unsigned told, bool available,
                   int64_t content, int64_t wall_ns)
{
    cr_assert_eq(companion->told, told, "told %u times, expected %u", companion->told, told);
    cr_assert_eq(companion->last.available, available);
    cr_assert_eq(companion->last.content_time_ticks, content, "content %lld",
                 (long long)companion->last.content_time_ticks);
    cr_assert_eq(companion->last.wall_clock_time_ns, wall_ns, "wall %lld",
                 (long long)companion->last.wall_clock_time_ns);
}

/* ---- first answers ----------------------------------------------------------------------------
 */

Test(ts_hub, says_nothing_before_setup_data)
{
    struct companion a;

    play(0, 0, 1.0);
    connect(&a);
    cr_assert_eq(run(SECOND), 0);
    cr_assert_eq(run(100 * SECOND), 0);
    cr_assert_eq(dvbcss_ts_session_state(a.session), DVBCSS_TS_SESSION_WAITING);
    cr_assert_null(dvbcss_ts_session_setup(a.session));
    leave(&a);
}

Test(ts_hub, answers_setup_data_at_once_if_the_timeline_is_known)
{
    struct companion a;

    play(0, 0, 1.0);
    run(0);
    join(&a, SETUP("dvb://", PTS));
    cr_assert_leq(deadline(), SECOND);
    cr_assert_eq(run(SECOND), 1);
    expect(&a, 1, true, 90000, SECOND);
    cr_assert_eq(dvbcss_ts_session_state(a.session), DVBCSS_TS_SESSION_AVAILABLE);
    cr_assert_str_eq(dvbcss_ts_session_setup(a.session)->content_id_stem, "dvb://");
    cr_assert_str_eq(dvbcss_ts_session_setup(a.session)->timeline_selector, PTS);
    leave(&a);
}

Test(ts_hub, asks_to_be_run_when_setup_data_arrive)
{
    struct companion a;

    connect(&a);
    replans = 0;
    cr_assert_eq(say(&a, SETUP("", PTS)), 0);
    cr_assert_gt(replans, 0);
    leave(&a);
}

Test(ts_hub, says_unavailable_at_once_if_stem_selector_or_content_do_not_match)
{
    struct companion stem;
    struct companion selector;
    struct companion content;

    play(0, 0, 1.0);
    join(&stem, SETUP("dvb://x", PTS));
    join(&selector, SETUP("", "urn:dvb:css:timeline:temi:1:1"));
    cr_assert_eq(run(SECOND), 2);
    expect(&stem, 1, false, 0, SECOND);
    expect(&selector, 1, false, 0, SECOND);
    cr_assert_eq(dvbcss_ts_session_state(stem.session), DVBCSS_TS_SESSION_UNAVAILABLE);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, NULL), 0);
    join(&content, SETUP("", PTS));
    run(SECOND + 1);
    expect(&content, 1, false, 0, SECOND + 1);
    leave(&stem);
    leave(&selector);
    leave(&content);
}

Test(ts_hub, waits_for_a_source_that_is_still_looking_but_not_for_ever)
{
    struct companion a;
    struct companion b;

    show(DVBCSS_TS_NOT_YET);
    join(&a, SETUP("", PTS));
    cr_assert_eq(run(SECOND), 0);
    cr_assert_eq(dvbcss_ts_session_state(a.session), DVBCSS_TS_SESSION_UNANSWERED);
    cr_assert_eq(deadline(), 2 * SECOND);
    join(&b, SETUP("", PTS));
    cr_assert_eq(run(2 * SECOND - 1), 0);
    cr_assert_eq(run(2 * SECOND), 2);
    expect(&a, 1, false, 0, 2 * SECOND);
    expect(&b, 1, false, 0, 2 * SECOND);
    cr_assert_gt(deadline(), 2 * SECOND, "no busy loop while it goes on looking");
    play(0, 0, 1.0);
    cr_assert_eq(run(2 * SECOND + 5), 2);
    cr_assert(a.last.available);
    leave(&a);
    leave(&b);
}

Test(ts_hub, answers_as_soon_as_a_source_has_found_its_timeline)
{
    struct companion a;

    show(DVBCSS_TS_NOT_YET);
    join(&a, SETUP("", PTS));
    cr_assert_eq(run(0), 0);
    play(0, 0, 1.0);
    cr_assert_eq(run(SECOND / 2), 1);
    expect(&a, 1, true, 45000, SECOND / 2);
    leave(&a);
}

Test(ts_hub, says_nothing_while_a_timeline_is_being_looked_for_anew)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    cr_assert_eq(run(0), 1);
    show(DVBCSS_TS_NOT_YET);
    cr_assert_eq(run(SECOND), 0);
    cr_assert_eq(deadline(), 2 * SECOND);
    cr_assert_eq(run(2 * SECOND), 1);
    expect(&a, 2, false, 0, 2 * SECOND);
    leave(&a);
}

Test(ts_hub, does_not_run_idle_while_what_was_gone_is_looked_for)
{
    struct companion a;

    show(DVBCSS_TS_GONE);
    join(&a, SETUP("", PTS));
    cr_assert_eq(run(0), 1);
    show(DVBCSS_TS_NOT_YET);
    cr_assert_eq(run(SECOND), 0);
    cr_assert_eq(deadline(), 2 * SECOND);
    cr_assert_eq(run(2 * SECOND), 1, "the resend that was due");
    cr_assert_gt(deadline(), 2 * SECOND);
    leave(&a);
}

Test(ts_hub, waits_for_ever_if_it_is_set_to)
{
    struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;
    struct companion a;

    end();
    options.patience_ns = -1;
    begin_with(options);
    show(DVBCSS_TS_NOT_YET);
    join(&a, SETUP("", PTS));
    cr_assert_eq(run(0), 0);
    cr_assert_eq(deadline(), INT64_MAX);
    cr_assert_eq(run(1000000 * SECOND), 0);
    leave(&a);
}

/* ---- changes --------------------------------------------------------------------------------- */

Test(ts_hub, another_point_of_the_same_line_is_no_change)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(0);
    play(90000, SECOND, 1.0);
    cr_assert_eq(run(SECOND), 0);
    leave(&a);
}

Test(ts_hub, a_line_within_the_threshold_is_no_change)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(0);
    play(4, 0, 1.0); /* 44 us */
    cr_assert_eq(run(SECOND), 0);
    play(5, 0, 1.0); /* 56 us */
    cr_assert_eq(run(SECOND), 1);
    leave(&a);
}

Test(ts_hub, small_changes_add_up)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(0);
    for (int64_t i = 1; i <= 5; i++) {
        play(i, 0, 1.0);
        run(SECOND);
    }
    cr_assert_eq(a.told, 2);
    leave(&a);
}

Test(ts_hub, pause_seek_and_speed_are_changes)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(0);
    play(9000, SECOND / 10, 0.0);
    cr_assert_eq(run(SECOND / 10), 1);
    expect(&a, 2, true, 9000, SECOND / 10);
    cr_assert_eq(a.last.speed, 0.0);
    play(500000, SECOND / 5, 0.0);
    cr_assert_eq(run(SECOND / 5), 1);
    expect(&a, 3, true, 500000, SECOND / 5);
    play(500000, SECOND / 5, -2.0);
    cr_assert_eq(run(SECOND / 5), 1);
    cr_assert_eq(a.last.speed, -2.0);
    leave(&a);
}

Test(ts_hub, unavailable_for_another_reason_is_no_change)
{
    struct companion a;

    show(DVBCSS_TS_GONE);
    join(&a, SETUP("dvb://", PTS));
    cr_assert_eq(run(0), 1);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, "http://x"), 0);
    cr_assert_eq(run(SECOND), 0);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, NULL), 0);
    cr_assert_eq(run(SECOND), 0);
    leave(&a);
}

Test(ts_hub, availability_follows_content_id_and_source)
{
    struct companion a;

    join(&a, SETUP("dvb://a.b.c;1", PTS));
    play(0, 0, 1.0);
    run(0);
    expect(&a, 1, false, 0, 0);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, "dvb://a.b.c;1~x"), 0);
    cr_assert_str_eq(dvbcss_ts_hub_content_id(hub), "dvb://a.b.c;1~x");
    cr_assert_eq(run(SECOND), 1);
    expect(&a, 2, true, 90000, SECOND);
    dvbcss_ts_hub_detach(hub, dvbcss_ts_simple_source_base(pts));
    cr_assert_eq(run(SECOND + 1), 1);
    expect(&a, 3, false, 0, SECOND + 1);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_simple_source_base(pts)), 0);
    cr_assert_eq(run(2 * SECOND), 1);
    expect(&a, 4, true, 180000, 2 * SECOND);
    leave(&a);
}

Test(ts_hub, of_two_sources_the_first_that_recognises_is_asked)
{
    struct dvbcss_ts_simple_source *second;
    const struct dvbcss_ts_line line = {{7, 0}, 0, {90000, 1}, 0.0};
    struct companion a;

    cr_assert_eq(dvbcss_ts_simple_source_create(&second, PTS), 0);
    cr_assert_eq(dvbcss_ts_simple_source_set(second, DVBCSS_TS_RUNNING, &line), 0);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_simple_source_base(second)), 0);
    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(SECOND);
    expect(&a, 1, true, 90000, SECOND);
    dvbcss_ts_simple_source_destroy(pts);
    pts = NULL;
    run(SECOND);
    expect(&a, 2, true, 7, SECOND);
    leave(&a);
    dvbcss_ts_simple_source_destroy(second);
}

Test(ts_hub, a_line_that_cannot_be_told_is_unavailable_and_no_news)
{
    struct companion a;

    play(INT64_MAX - 1, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(SECOND);
    expect(&a, 1, false, 0, SECOND);
    play(INT64_MAX - 2, 0, 1.0);
    cr_assert_eq(run(SECOND + 1), 0);
    leave(&a);
}

/* ---- resending ------------------------------------------------------------------------------- */

Test(ts_hub, sends_again_every_2_s_with_a_fresh_time_on_the_same_line)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(SECOND);
    cr_assert_eq(deadline(), 3 * SECOND);
    cr_assert_eq(run(3 * SECOND - 1), 0);
    cr_assert_eq(run(3 * SECOND), 1);
    expect(&a, 2, true, 270000, 3 * SECOND);
    cr_assert_eq(deadline(), 5 * SECOND);
    cr_assert_eq(run(5 * SECOND + 7), 1);
    expect(&a, 3, true, 450000, 5 * SECOND);
    leave(&a);
}

Test(ts_hub, sends_paused_and_unavailable_again_too)
{
    struct companion a;
    struct companion b;

    play(5, 0, 0.0);
    join(&a, SETUP("", PTS));
    join(&b, SETUP("", "other"));
    run(0);
    cr_assert_eq(run(2 * SECOND), 2);
    expect(&a, 2, true, 5, 2 * SECOND);
    expect(&b, 2, false, 0, 2 * SECOND);
    leave(&a);
    leave(&b);
}

Test(ts_hub, a_change_puts_the_next_repetition_off)
{
    struct companion a;

    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    run(0);
    play(0, 0, 2.0);
    run(SECOND);
    cr_assert_eq(deadline(), 3 * SECOND);
    leave(&a);
}

Test(ts_hub, sends_changes_only_if_it_is_set_to)
{
    struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;
    struct companion a;

    end();
    options.resend_interval_ns = 0;
    begin_with(options);
    play(0, 0, 1.0);
    join(&a, SETUP("", PTS));
    cr_assert_eq(run(0), 1);
    cr_assert_eq(deadline(), INT64_MAX);
    cr_assert_eq(run(1000 * SECOND), 0);
    leave(&a);
}

/* ---- groups ---------------------------------------------------------------------------------- */

Test(ts_hub, companions_that_ask_for_the_same_share_one_delivery)
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

Test(ts_hub, a_timeline_is_read_once_for_all_its_groups)
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

Test(ts_hub, a_newcomer_is_answered_alone)
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

Test(ts_hub, sessions_may_end_while_a_delivery_is_taken)
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

Test(ts_hub, receivers_that_were_not_taken_get_the_next_one)
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

Test(ts_hub, a_delivery_that_was_not_taken_gives_way_to_a_newer_one)
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

Test(ts_hub, second_setup_data_configure_the_session_anew)
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

Test(ts_hub, presentation_timestamps_are_kept_until_the_next_setup_data)
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

Test(ts_hub, what_cannot_be_understood_is_counted_and_changes_nothing)
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

Test(ts_hub, sessions_outlive_their_hub)
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

Test(ts_hub, a_delay_moves_the_line_later)
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

Test(ts_hub, the_window_is_of_all_companions_of_one_timeline)
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

Test(ts_hub, options_that_make_no_sense_are_refused)
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

Test(ts_hub, a_source_is_attached_once_and_has_to_be_complete)
{
    struct dvbcss_ts_source incomplete = {NULL, NULL, NULL};

    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_simple_source_base(pts)), DVBCSS_EEXIST);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, &incomplete), DVBCSS_EINVAL);
    dvbcss_ts_hub_detach(hub, &incomplete);
}

Test(ts_hub, a_simple_source_takes_the_rate_of_its_selector)
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
