/* The hub: what companions are told, and when. */
#include <criterion/criterion.h>

#include "ts_world.h"

TestSuite(ts_hub, .init = begin, .fini = end);

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
