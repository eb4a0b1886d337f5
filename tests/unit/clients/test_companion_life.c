/* The synchronising client: its settings, and how it is closed. */
#include <math.h>

#include "companion_fixture.h"
#include "dvbcss/system_time.h"

/* ---- settings -------------------------------------------------------------------------------- */

static unsigned estimators_made;

static int most_recent(void *user, struct dvbcss_wc_estimator **out,
                       const struct dvbcss_wc_estimator_options *options)
{
    (void)user;
    estimators_made++;
    return dvbcss_wc_most_recent_create(out, options);
}

Test(companion_life, uses_the_estimator_of_the_program)
{
    struct tv tv;
    struct dvbcss_companion_options options;

    switch_on(&tv);
    options = options_for(&tv);
    options.estimator = most_recent;
    follow(&tv, &options);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    cr_assert_eq(estimators_made, 1);
    end(&tv);
}

static int64_t shifted_ns(void *user)
{
    return dvbcss_monotonic_ns(NULL) + *(int64_t *)user;
}

Test(companion_life, measures_against_the_time_source_of_the_program)
{
    struct tv tv;
    struct dvbcss_companion_options options;
    struct dvbcss_companion_snapshot snapshot;
    int64_t ahead_ns = INT64_C(123456789000);

    switch_on(&tv);
    options = options_for(&tv);
    options.now_ns = shifted_ns;
    options.time_user = &ahead_ns;
    follow(&tv, &options);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    cr_assert_lt(fabs((double)(snapshot.wall_clock_offset_ns + ahead_ns)) / 1e9,
                 snapshot.wall_clock_dispersion_s);
    end(&tv);
}

Test(companion_life, refuses_what_cannot_work)
{
    static const char *const none[] = {NULL};
    struct dvbcss_companion_options good = DVBCSS_COMPANION_OPTIONS_INIT;
    struct dvbcss_companion_options options;
    struct dvbcss_companion *companion = NULL;
    struct test_loop test;

    test_loop_begin(&test);
    good.cii_url = "ws://127.0.0.1:1/cii";
    options = good;
    options.cii_url = NULL;
    cr_expect_eq(dvbcss_companion_create(&companion, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options.cii_url = "udp://127.0.0.1:1";
    cr_expect_eq(dvbcss_companion_create(&companion, &test.loop, &options, NULL),
                 DVBCSS_EUNSUPPORTED);
    options = good;
    options.selectors = none;
    options.selector_count = 1;
    cr_expect_eq(dvbcss_companion_create(&companion, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.stem = DVBCSS_COMPANION_STEM_GIVEN;
    cr_expect_eq(dvbcss_companion_create(&companion, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.jump_candidates = 0;
    cr_expect_eq(dvbcss_companion_create(&companion, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.threshold_s = (double)NAN;
    cr_expect_eq(dvbcss_companion_create(&companion, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options = good;
    options.max_freq_error_ppm = -1.0;
    cr_expect_eq(dvbcss_companion_create(&companion, &test.loop, &options, NULL), DVBCSS_EINVAL);
    cr_assert_null(companion);
    test_loop_end(&test);
}

static int refused(const struct dvbcss_companion_options *options)
{
    struct dvbcss_companion *companion = NULL;
    struct test_loop test;
    int error;

    test_loop_begin(&test);
    error = dvbcss_companion_create(&companion, &test.loop, options, NULL);
    dvbcss_companion_close(companion, NULL, NULL);
    test_loop_end(&test);
    return error;
}

Test(companion_life, refuses_settings_that_its_parts_would_refuse_later)
{
    static const char *const broken[] = {"urn:dvb:css:timeline:pts", "\xff"};
    struct dvbcss_companion_options good = DVBCSS_COMPANION_OPTIONS_INIT;
    struct dvbcss_companion_options options;

    good.cii_url = "ws://127.0.0.1:1/cii";
    cr_assert_eq(refused(&good), 0);
    options = good;
    options.poll.ceiling_ns = 1;
    cr_expect_eq(refused(&options), DVBCSS_EINVAL);
    options.poll.floor_ns = 0;
    cr_expect_eq(refused(&options), 0, "the policy is not used");
    options = good;
    options.requester.timeout_ns = -5;
    cr_expect_eq(refused(&options), DVBCSS_EINVAL);
    options = good;
    options.max_dispersion_s = -1.0;
    cr_expect_eq(refused(&options), DVBCSS_EINVAL);
    options.estimator = most_recent;
    cr_expect_eq(refused(&options), DVBCSS_EINVAL, "it is handed to the program's estimator");
    cr_expect_eq(estimators_made, 0);
    options = good;
    options.stem = DVBCSS_COMPANION_STEM_GIVEN;
    options.content_id_stem = "dvb://\xff";
    cr_expect_eq(refused(&options), DVBCSS_EINVAL);
    options = good;
    options.selectors = broken;
    options.selector_count = 2;
    cr_expect_eq(refused(&options), DVBCSS_EINVAL);
}

/* ---- the end --------------------------------------------------------------------------------- */

Test(companion_life, can_be_closed_from_inside_each_change_of_state)
{
    for (int state = DVBCSS_COMPANION_SYNCHRONISING_CLOCK; state <= DVBCSS_COMPANION_SYNCHRONISED;
         state++) {
        struct tv tv;
        struct dvbcss_companion_options options;

        if (state == DVBCSS_COMPANION_UNAVAILABLE)
            continue;
        switch_on(&tv);
        tv.close_at_state = state;
        options = options_for(&tv);
        follow(&tv, &options);
        TEST_LOOP_UNTIL(&tv.test, tv.closed);
        switch_off(&tv);
    }
}

static void on_wall_clock_changed(struct dvbcss_clock_listener *listener,
                                  struct dvbcss_clock *clock, unsigned changes)
{
    struct tv *tv = listener->user;

    (void)clock;
    (void)changes;
    if (--tv->changes_left > 0)
        return;
    dvbcss_clock_unlisten(listener);
    dvbcss_companion_close(tv->companion, on_closed, tv);
}

static void close_at_change(struct tv *tv, unsigned change)
{
    tv->changes_left = change;
    tv->wall_listener.changed = on_wall_clock_changed;
    tv->wall_listener.user = tv;
    dvbcss_clock_listen(dvbcss_companion_wall_clock(tv->companion), &tv->wall_listener);
}

Test(companion_life, can_be_closed_by_a_listener_of_its_wall_clock)
{
    for (unsigned change = 1; change <= 4; change++) {
        struct tv tv;
        struct dvbcss_companion_options options;

        switch_on(&tv);
        options = options_for(&tv);
        follow(&tv, &options);
        close_at_change(&tv, change);
        TEST_LOOP_UNTIL(&tv.test, tv.closed);
        switch_off(&tv);
    }
}

Test(companion_life, can_be_closed_by_a_listener_when_its_wall_clock_begins_anew)
{
    struct tv tv;

    switch_on(&tv);
    lock(&tv);
    toy_text(tv.cii, "{\"wcUrl\":null}");
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_WAITING_FOR_CONTENT));
    close_at_change(&tv, 1);
    toy_text(tv.cii, tv.greeting);
    TEST_LOOP_UNTIL(&tv.test, tv.closed);
    switch_off(&tv);
}

Test(companion_life, can_be_closed_at_any_turn_of_the_loop)
{
    for (unsigned turns = 0; turns < 60; turns++) {
        struct tv tv;
        struct dvbcss_companion_options options;

        switch_on(&tv);
        options = options_for(&tv);
        follow(&tv, &options);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&tv.test.loop, i % 3 == 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
        end(&tv);
    }
}
