#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/ts_timeline.h"

#define SECOND INT64_C(1000000000)
#define PTS "urn:dvb:css:timeline:pts"

/* Time moves by a prime at every reading: two readings are never the same instant. */
static int64_t program_time_ns;
static int64_t step_ns;

static int64_t read_time(void *user)
{
    (void)user;
    program_time_ns += step_ns;
    return program_time_ns;
}

static struct dvbcss_clock *root;
static struct dvbcss_clock *wall;
static struct dvbcss_clock *timeline;
static struct dvbcss_ts_clock_source *source;
static struct dvbcss_ts_hub *hub;
static struct dvbcss_ts_session *session;
static unsigned replans;

static void count_replan(void *user)
{
    (void)user;
    replans++;
}

static void begin(void)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;

    options.now_ns = read_time;
    options.precision_s = 1e-9;
    program_time_ns = 0;
    step_ns = 0;
    cr_assert_eq(dvbcss_root_clock_create(&root, &options), 0);
    cr_assert_eq(
        dvbcss_tunable_clock_create(&wall, root, dvbcss_rate_hz(1000000000), dvbcss_ticks(0)), 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&timeline, wall, dvbcss_rate_hz(90000),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
}

static void serve(const struct dvbcss_ts_clock_source_options *options)
{
    static const char setup[] = "{\"timelineSelector\":\"" PTS "\"}";
    struct dvbcss_ts_hub_options hub_options = DVBCSS_TS_HUB_OPTIONS_INIT;

    hub_options.replanned = count_replan;
    cr_assert_eq(dvbcss_ts_clock_source_create(&source, options), 0);
    cr_assert_eq(dvbcss_ts_hub_create(&hub, &hub_options), 0);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, "x"), 0);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_clock_source_base(source)), 0);
    cr_assert_eq(dvbcss_ts_session_create(&session, hub, NULL), 0);
    cr_assert_eq(dvbcss_ts_session_receive(session, setup, strlen(setup), NULL, NULL), 0);
}

static struct dvbcss_ts_clock_source_options usual(void)
{
    struct dvbcss_ts_clock_source_options options = DVBCSS_TS_CLOCK_SOURCE_OPTIONS_INIT;

    options.selector = PTS;
    options.clock = timeline;
    options.wall_clock = wall;
    return options;
}

static void end(void)
{
    dvbcss_ts_session_destroy(session);
    dvbcss_ts_clock_source_destroy(source);
    dvbcss_ts_hub_destroy(hub);
    dvbcss_clock_destroy(timeline);
    dvbcss_clock_destroy(wall);
    dvbcss_clock_destroy(root);
    session = NULL;
    source = NULL;
    hub = NULL;
}

TestSuite(ts_clock_source, .init = begin, .fini = end);

/* Runs the hub; tells whether there was a control timestamp. */
static bool tell(int64_t now_ns, struct dvbcss_ts_control_timestamp *out)
{
    struct dvbcss_ts_delivery delivery;

    dvbcss_ts_hub_run(hub, now_ns);
    if (!dvbcss_ts_hub_next_delivery(hub, &delivery))
        return false;
    cr_assert_eq(dvbcss_ts_hub_next_receiver(hub), session);
    *out = delivery.timestamp;
    return true;
}

Test(ts_clock_source, tells_what_the_clock_shows)
{
    const struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;

    serve(&options);
    program_time_ns = 5 * SECOND;
    cr_assert(tell(5 * SECOND, &told));
    cr_assert(told.available);
    cr_assert_eq(told.content_time_ticks, 450000);
    cr_assert_eq(told.wall_clock_time_ns, 5 * SECOND);
    cr_assert_eq(told.speed, 1.0);
}

Test(ts_clock_source, tells_of_a_clock_that_stands_still)
{
    const struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;

    cr_assert_eq(dvbcss_clock_set_speed(timeline, 0.0), 0);
    serve(&options);
    program_time_ns = 5 * SECOND;
    cr_assert(tell(5 * SECOND, &told));
    cr_assert_eq(told.content_time_ticks, 0);
    cr_assert_eq(told.speed, 0.0);
    cr_assert_eq(told.wall_clock_time_ns, 5 * SECOND);
}

Test(ts_clock_source, is_gone_while_the_clock_is_not_available)
{
    const struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;

    serve(&options);
    cr_assert_eq(dvbcss_clock_set_available(timeline, false), 0);
    cr_assert(tell(SECOND, &told));
    cr_assert_not(told.available);
    cr_assert_eq(dvbcss_clock_set_available(timeline, true), 0);
    cr_assert(tell(SECOND, &told));
    cr_assert(told.available);
    cr_assert_eq(dvbcss_clock_set_available(wall, false), 0);
    cr_assert(tell(SECOND, &told));
    cr_assert_not(told.available);
}

Test(ts_clock_source, reads_both_clocks_at_one_instant)
{
    const struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;

    serve(&options);
    step_ns = 7919;
    cr_assert(tell(SECOND, &told));
    /* 100 times 2 s pass; readings apart would differ by 7.9 us or more. The hub asks at times of
     * its own, the line is the same. */
    for (int64_t i = 2; i <= 200; i += 2) {
        program_time_ns += 2 * SECOND;
        cr_assert(tell((i + 1) * SECOND, &told));
        cr_assert_eq(told.content_time_ticks, (i + 1) * 90000);
        cr_assert_eq(told.wall_clock_time_ns, (i + 1) * SECOND);
    }
}

Test(ts_clock_source, tells_changes_of_its_clocks_at_once)
{
    const struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;

    serve(&options);
    cr_assert(tell(0, &told));
    replans = 0;
    cr_assert_eq(dvbcss_clock_set_speed(timeline, 2.0), 0);
    cr_assert_gt(replans, 0);
    cr_assert(tell(1, &told));
    cr_assert_eq(told.speed, 2.0);
    replans = 0;
    cr_assert_eq(dvbcss_tunable_clock_adjust(wall, dvbcss_ticks(5)), 0);
    cr_assert_gt(replans, 0);
}

Test(ts_clock_source, without_auto_update_waits_for_a_word)
{
    struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;

    options.auto_update = false;
    serve(&options);
    cr_assert(tell(0, &told));
    replans = 0;
    cr_assert_eq(dvbcss_clock_set_speed(timeline, 2.0), 0);
    cr_assert_eq(replans, 0);
    cr_assert_not(tell(1, &told));
    dvbcss_ts_source_changed(dvbcss_ts_clock_source_base(source));
    cr_assert(tell(1, &told));
    cr_assert_eq(told.speed, 2.0);
}

Test(ts_clock_source, changes_made_before_it_was_attached_are_not_missed)
{
    const struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;

    serve(&options);
    cr_assert(tell(0, &told));
    dvbcss_ts_hub_detach(hub, dvbcss_ts_clock_source_base(source));
    cr_assert(tell(0, &told));
    cr_assert_eq(dvbcss_clock_set_correlation(timeline, dvbcss_correlation(0, 777)), 0);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_clock_source_base(source)), 0);
    cr_assert(tell(0, &told));
    cr_assert_eq(told.content_time_ticks, 777);
}

Test(ts_clock_source, takes_the_speed_from_another_clock_if_it_is_told_to)
{
    struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;
    struct dvbcss_clock *media;

    cr_assert_eq(dvbcss_correlated_clock_create(&media, wall, dvbcss_rate_hz(25),
                                                dvbcss_correlation(0, 0), 0.5),
                 0);
    options.speed_source = media;
    serve(&options);
    cr_assert(tell(0, &told));
    cr_assert_eq(told.speed, 0.5);
    replans = 0;
    cr_assert_eq(dvbcss_clock_set_speed(media, 0.25), 0);
    cr_assert_gt(replans, 0);
    cr_assert(tell(0, &told));
    cr_assert_eq(told.speed, 0.25);
    dvbcss_ts_clock_source_destroy(source);
    source = NULL;
    dvbcss_clock_destroy(media);
}

Test(ts_clock_source, tells_the_speed_against_the_wall_clock)
{
    struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;
    struct dvbcss_clock *late;

    /* The wall clock is slewed, media run at a speed that a quotient of effective speeds would get
     * wrong in its last bit, and rendering takes 40 ms. */
    cr_assert_eq(dvbcss_tunable_clock_set_slew(wall, 100000000.0), 0);
    cr_assert_eq(dvbcss_clock_set_speed(timeline, 1.9), 0);
    cr_assert_eq(dvbcss_offset_clock_create(&late, timeline, -40000000), 0);
    options.clock = late;
    serve(&options);
    cr_assert(tell(0, &told));
    cr_assert_eq(told.speed, 1.9);
    dvbcss_ts_clock_source_destroy(source);
    source = NULL;
    dvbcss_clock_destroy(late);
}

Test(ts_clock_source, works_beside_the_wall_clock_as_well_as_below_it)
{
    struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_ts_control_timestamp told;
    struct dvbcss_clock *beside;

    cr_assert_eq(dvbcss_correlated_clock_create(&beside, root, dvbcss_rate_hz(1000),
                                                dvbcss_correlation(0, 50), 2.0),
                 0);
    options.clock = beside;
    serve(&options);
    program_time_ns = SECOND;
    cr_assert(tell(SECOND, &told));
    cr_assert_eq(told.content_time_ticks, 2050);
    cr_assert_eq(told.speed, 2.0);
    cr_assert_eq(dvbcss_clock_set_available(wall, false), 0);
    cr_assert(tell(SECOND, &told));
    cr_assert_not(told.available);
    dvbcss_ts_clock_source_destroy(source);
    source = NULL;
    dvbcss_clock_destroy(beside);
}

Test(ts_clock_source, what_cannot_work_is_refused)
{
    struct dvbcss_root_clock_options root_options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_ts_clock_source_options options = usual();
    struct dvbcss_clock *stranger;

    options.selector = NULL;
    cr_assert_eq(dvbcss_ts_clock_source_create(&source, &options), DVBCSS_EINVAL);
    options = usual();
    options.clock = NULL;
    cr_assert_eq(dvbcss_ts_clock_source_create(&source, &options), DVBCSS_EINVAL);
    options = usual();
    options.wall_clock = NULL;
    cr_assert_eq(dvbcss_ts_clock_source_create(&source, &options), DVBCSS_EINVAL);
    root_options.now_ns = read_time;
    root_options.precision_s = 1e-9;
    cr_assert_eq(dvbcss_root_clock_create(&stranger, &root_options), 0);
    options.wall_clock = stranger;
    cr_assert_eq(dvbcss_ts_clock_source_create(&source, &options), DVBCSS_ENOCOMMONCLOCK);
    dvbcss_clock_destroy(stranger);
    cr_assert_null(source);
}
