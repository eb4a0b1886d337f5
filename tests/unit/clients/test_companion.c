/* The synchronising client: how it locks, follows what the television changes, and comes back. */
#include <math.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "companion_fixture.h"
#include "dvbcss/system_time.h"

enum { PTS_HZ = 90000 };

static const char two_lists[] = "[{\"timelineSelector\":\"urn:dvb:css:timeline:temi:1:1\","
                                "\"timelineProperties\":{\"unitsPerTick\":1,"
                                "\"unitsPerSecond\":1000}}]";

/* ---- locking --------------------------------------------------------------------------------- */

Test(companion, goes_from_one_url_to_a_running_timeline)
{
    struct tv tv;
    struct dvbcss_companion_snapshot snapshot;
    struct dvbcss_clock *timeline;
    int64_t before_ns;
    int64_t after_ns;
    double position_s;

    switch_on(&tv);
    lock(&tv);
    cr_assert_str_eq(tv.log, " SYNCHRONISING_CLOCK WAITING_FOR_TIMELINE SYNCHRONISED");
    timeline = dvbcss_companion_timeline_clock(tv.companion);
    cr_assert_not_null(timeline);
    cr_assert_eq(timeline, tv.told);
    cr_assert(dvbcss_clock_available(timeline));
    /* The television's wall clock is the monotonic time of this machine, and its timeline began
     * at 0 with it. */
    before_ns = dvbcss_monotonic_ns(NULL);
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    after_ns = dvbcss_monotonic_ns(NULL);
    position_s = snapshot.position_s;
    cr_assert_geq(position_s, (double)before_ns / 1e9 - snapshot.error_bound_s);
    cr_assert_leq(position_s, (double)after_ns / 1e9 + snapshot.error_bound_s);
    cr_assert(isfinite(snapshot.error_bound_s) && snapshot.error_bound_s > 0.0);
    end(&tv);
}

Test(companion, shows_everything_in_a_snapshot)
{
    struct tv tv;
    struct dvbcss_companion_snapshot snapshot;

    switch_on(&tv);
    lock(&tv);
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    cr_assert_eq(snapshot.state, DVBCSS_COMPANION_SYNCHRONISED);
    cr_assert_str_eq(snapshot.content_id, "dvb://1.2.3");
    cr_assert_str_eq(snapshot.content_id_status, "final");
    cr_assert_str_eq(snapshot.presentation_status, "okay");
    cr_assert_str_eq(snapshot.selector, "urn:dvb:css:timeline:pts");
    cr_assert_eq(snapshot.rate.ticks, PTS_HZ);
    cr_assert(snapshot.available);
    cr_assert_eq(snapshot.speed, 1.0);
    cr_assert(snapshot.wall_clock_available);
    cr_assert_lt(fabs((double)snapshot.wall_clock_offset_ns) / 1e9,
                 snapshot.wall_clock_dispersion_s);
    cr_assert_geq(snapshot.wall_clock.exchanges, 1);
    cr_assert(snapshot.cii.connected);
    cr_assert(snapshot.ts.connected);
    cr_assert_eq(snapshot.control_timestamps, 1);
    cr_assert_eq(snapshot.timelines, 1);
    cr_assert_eq(snapshot.locks, 1);
    cr_assert_eq(strncmp(snapshot.wc_url, "udp://127.0.0.1:", 16), 0,
                 "the useless host is repaired");
    end(&tv);
}

Test(companion, has_a_snapshot_before_anything_was_reached)
{
    struct tv tv;
    struct dvbcss_companion_options options;
    struct dvbcss_companion_snapshot snapshot;

    switch_on(&tv);
    options = options_for(&tv);
    follow(&tv, &options);
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    cr_assert_eq(snapshot.state, DVBCSS_COMPANION_CONNECTING);
    cr_assert_null(snapshot.content_id);
    cr_assert_null(snapshot.selector);
    cr_assert_not(snapshot.available);
    cr_assert(isinf(snapshot.error_bound_s));
    cr_assert(isinf(snapshot.wall_clock_dispersion_s));
    cr_assert_null(dvbcss_companion_timeline_clock(tv.companion));
    cr_assert_not(dvbcss_clock_available(dvbcss_companion_wall_clock(tv.companion)));
    cr_assert_eq(dvbcss_companion_report(tv.companion, NULL, NULL, true), DVBCSS_ESTATE);
    dvbcss_companion_refresh(tv.companion);
    end(&tv);
}

Test(companion, asks_with_the_stem_and_the_selector_of_the_options)
{
    static const char *const wanted[] = {"urn:dvb:css:timeline:temi:9:9",
                                         "urn:dvb:css:timeline:pts"};
    struct tv tv;
    struct dvbcss_companion_options options;

    switch_on(&tv);
    options = options_for(&tv);
    options.selectors = wanted;
    options.selector_count = 2;
    options.stem = DVBCSS_COMPANION_STEM_CONTENT;
    follow(&tv, &options);
    TEST_LOOP_UNTIL(&tv.test, tv.setups);
    cr_assert_str_eq(tv.setup, "{\"contentIdStem\":\"dvb://1.2.3\","
                               "\"timelineSelector\":\"urn:dvb:css:timeline:pts\"}");
    end(&tv);
}

Test(companion, reports_its_presentation_timestamps)
{
    struct tv tv;

    switch_on(&tv);
    lock(&tv);
    cr_assert_eq(dvbcss_companion_report(tv.companion, NULL, NULL, true), 0);
    TEST_LOOP_UNTIL(&tv.test, tv.setups == 2);
    cr_assert(strstr(tv.setup, "\"actual\""), "%s", tv.setup);
    end(&tv);
}

/* ---- following ------------------------------------------------------------------------------- */

Test(companion, tells_when_the_tv_does_not_have_the_timeline)
{
    struct tv tv;
    struct dvbcss_companion_options options;

    switch_on(&tv);
    snprintf(tv.timestamp, sizeof tv.timestamp,
             "{\"contentTime\":null,\"wallClockTime\":\"1\",\"timelineSpeedMultiplier\":null}");
    options = options_for(&tv);
    follow(&tv, &options);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_UNAVAILABLE));
    stamp(&tv, 0, 0, 1.0);
    toy_text(tv.ts, tv.timestamp);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    cr_assert_str_eq(tv.log, " SYNCHRONISING_CLOCK WAITING_FOR_TIMELINE UNAVAILABLE SYNCHRONISED");
    end(&tv);
}

Test(companion, follows_several_changes_in_one_message)
{
    struct tv tv;
    struct dvbcss_companion_snapshot snapshot;

    switch_on(&tv);
    lock(&tv);
    greet_with(&tv, "\"dvb://4.5.6\"", two_lists);
    stamp(&tv, 500, 0, 0.0);
    toy_text(tv.cii, tv.greeting);
    TEST_LOOP_UNTIL(&tv.test, tv.setups == 2);
    cr_assert(strstr(tv.setup, "temi:1:1"), "%s", tv.setup);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    cr_assert_str_eq(snapshot.content_id, "dvb://4.5.6");
    cr_assert_str_eq(snapshot.selector, "urn:dvb:css:timeline:temi:1:1");
    cr_assert_eq(snapshot.rate.ticks, 1000);
    cr_assert_eq(snapshot.position.whole, 500);
    cr_assert_eq(snapshot.speed, 0.0);
    cr_assert_eq(snapshot.timelines, 2);
    cr_assert_eq(tv.timelines, 2);
    end(&tv);
}

Test(companion, stays_on_its_connection_when_only_the_content_changes)
{
    struct tv tv;
    unsigned connections;

    switch_on(&tv);
    lock(&tv);
    connections = tv.ts_connections;
    toy_text(tv.cii, "{\"contentId\":\"dvb://7.8.9\",\"contentIdStatus\":\"partial\"}");
    TEST_LOOP_UNTIL(
        &tv.test, strcmp(dvbcss_companion_cii(tv.companion)->content_id.text, "dvb://7.8.9") == 0);
    cr_assert_eq(tv.ts_connections, connections);
    cr_assert(in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    end(&tv);
}

Test(companion, asks_anew_when_the_stem_is_the_content)
{
    struct tv tv;
    struct dvbcss_companion_options options;

    switch_on(&tv);
    options = options_for(&tv);
    options.stem = DVBCSS_COMPANION_STEM_CONTENT;
    follow(&tv, &options);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    toy_text(tv.cii, "{\"contentId\":\"dvb://7.8.9\",\"contentIdStatus\":\"final\"}");
    TEST_LOOP_UNTIL(&tv.test, tv.setups == 2);
    cr_assert(strstr(tv.setup, "dvb://7.8.9"), "%s", tv.setup);
    end(&tv);
}

Test(companion, waits_while_the_tv_presents_nothing)
{
    struct tv tv;

    switch_on(&tv);
    lock(&tv);
    toy_text(tv.cii, "{\"contentId\":null}");
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_WAITING_FOR_CONTENT));
    cr_assert_null(dvbcss_companion_timeline_clock(tv.companion));
    cr_assert_null(tv.told);
    toy_text(tv.cii, tv.greeting);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    cr_assert_not_null(tv.told);
    end(&tv);
}

Test(companion, follows_a_wall_clock_that_moves)
{
    struct tv tv;
    struct dvbcss_wc_server *old;
    struct dvbcss_wc_server_options clock = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct dvbcss_companion_snapshot snapshot;

    switch_on(&tv);
    lock(&tv);
    old = tv.clock;
    clock.address = "127.0.0.1";
    clock.port = 0;
    cr_assert_eq(dvbcss_wc_server_create(&tv.clock, &tv.test.loop, &clock), 0);
    dvbcss_wc_server_close(old, NULL, NULL);
    greet_with(&tv, "\"dvb://1.2.3\"", pts_list);
    toy_text(tv.cii, tv.greeting);
    do {
        struct dvbcss_wc_server_counters counters;

        cr_assert_neq(uv_run(&tv.test.loop, UV_RUN_ONCE), 0);
        dvbcss_wc_server_counters(tv.clock, &counters);
        if (counters.answers > 0)
            break;
    } while (true);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    cr_assert_eq(snapshot.timelines, 1, "the timeline need not change with it");
    end(&tv);
}

/* A socket that nobody ever reads; tells its port. */
static int open_silent_socket(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return descriptor;
}

Test(companion, claims_no_bound_while_a_new_wall_clock_is_silent)
{
    struct tv tv;
    struct dvbcss_companion_snapshot snapshot;
    uint64_t messages;
    unsigned port;
    int silent = open_silent_socket(&port);
    char moved[64];

    switch_on(&tv);
    lock(&tv);
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    messages = snapshot.cii.messages;
    snprintf(moved, sizeof moved, "{\"wcUrl\":\"udp://127.0.0.1:%u\"}", port);
    toy_text(tv.cii, moved);
    do {
        cr_assert_neq(uv_run(&tv.test.loop, UV_RUN_ONCE), 0);
        dvbcss_companion_snapshot(tv.companion, &snapshot);
    } while (snapshot.cii.messages == messages);
    cr_assert_eq(snapshot.state, DVBCSS_COMPANION_SYNCHRONISING_CLOCK);
    cr_assert_not(snapshot.wall_clock_available);
    cr_assert(isinf(snapshot.wall_clock_dispersion_s));
    cr_assert_not(snapshot.available);
    cr_assert(isinf(snapshot.error_bound_s));
    toy_text(tv.cii, tv.greeting);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    cr_assert_eq(snapshot.timelines, 1, "the timeline need not change with it");
    end(&tv);
    close(silent);
}

Test(companion, waits_when_the_tv_takes_its_urls_back)
{
    struct tv tv;

    switch_on(&tv);
    lock(&tv);
    toy_text(tv.cii, "{\"wcUrl\":null}");
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_WAITING_FOR_CONTENT));
    cr_assert_not(dvbcss_clock_available(dvbcss_companion_wall_clock(tv.companion)));
    toy_text(tv.cii, tv.greeting);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    toy_text(tv.cii, "{\"tsUrl\":null}");
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_WAITING_FOR_CONTENT));
    end(&tv);
}

/* ---- losing and coming back ------------------------------------------------------------------ */

Test(companion, goes_on_while_only_cii_is_lost)
{
    struct tv tv;

    switch_on(&tv);
    lock(&tv);
    toy_reset(tv.cii);
    TEST_LOOP_UNTIL(&tv.test, tv.cii_connections == 2);
    cr_assert(in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    cr_assert_eq(tv.last_part, DVBCSS_COMPANION_CII);
    cr_assert_eq(tv.last_error, DVBCSS_ECLOSED);
    cr_assert_eq(tv.ts_connections, 1);
    end(&tv);
}

Test(companion, locks_again_after_losing_ts)
{
    struct tv tv;
    struct dvbcss_companion_snapshot snapshot;

    switch_on(&tv);
    lock(&tv);
    toy_close(tv.ts, 1001, "off");
    toy_hang_up(tv.ts);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_WAITING_FOR_TIMELINE));
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    dvbcss_companion_snapshot(tv.companion, &snapshot);
    cr_assert_eq(snapshot.locks, 2);
    cr_assert_eq(snapshot.timelines, 1, "the same clock goes on");
    end(&tv);
}

Test(companion, tells_of_urls_that_cannot_work_and_goes_on)
{
    struct tv tv;
    struct dvbcss_companion_options options;

    switch_on(&tv);
    snprintf(tv.greeting, sizeof tv.greeting,
             "{\"contentId\":\"x\",\"wcUrl\":\"http://127.0.0.1/\",\"tsUrl\":\"nonsense\"}");
    options = options_for(&tv);
    follow(&tv, &options);
    TEST_LOOP_UNTIL(&tv.test, tv.troubles == 2);
    cr_assert(in_state(&tv, DVBCSS_COMPANION_WAITING_FOR_CONTENT));
    greet_with(&tv, "\"dvb://1.2.3\"", pts_list);
    toy_text(tv.cii, tv.greeting);
    TEST_LOOP_UNTIL(&tv.test, in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    end(&tv);
}

Test(companion, tells_of_messages_that_it_does_not_understand)
{
    struct tv tv;
    unsigned before;

    switch_on(&tv);
    lock(&tv);
    before = tv.troubles;
    toy_text(tv.cii, "{\"timelines\":[{\"timelineProperties\":"
                     "{\"unitsPerTick\":1,\"unitsPerSecond\":1}}]}");
    TEST_LOOP_UNTIL(&tv.test, tv.troubles == before + 1);
    cr_assert_eq(strncmp(tv.last_text, "timelines[0].timelineSelector: ", 31), 0, "%s",
                 tv.last_text);
    toy_text(tv.ts, "{\"contentTime\":\"0\",\"wallClockTime\":\"0\","
                    "\"timelineSpeedMultiplier\":\"fast\"}");
    TEST_LOOP_UNTIL(&tv.test, tv.troubles == before + 2);
    cr_assert_eq(strncmp(tv.last_text, "timelineSpeedMultiplier: ", 25), 0, "%s", tv.last_text);
    toy_text(tv.ts, "nonsense");
    TEST_LOOP_UNTIL(&tv.test, tv.troubles == before + 3);
    cr_assert_neq(tv.last_text[0], ':', "the message as a whole has no path");
    cr_assert(in_state(&tv, DVBCSS_COMPANION_SYNCHRONISED));
    end(&tv);
}

Test(companion, names_its_states_and_parts)
{
    cr_assert_str_eq(dvbcss_companion_state_name(DVBCSS_COMPANION_SYNCHRONISED), "SYNCHRONISED");
    cr_assert_str_eq(dvbcss_companion_state_text(DVBCSS_COMPANION_CONNECTING),
                     "connecting to the TV");
    cr_assert_str_eq(dvbcss_companion_state_name((enum dvbcss_companion_state)99), "?");
    cr_assert_str_eq(dvbcss_companion_state_text((enum dvbcss_companion_state)99), "?");
    cr_assert_str_eq(dvbcss_companion_part_name(DVBCSS_COMPANION_WALL_CLOCK), "wall clock");
    cr_assert_str_eq(dvbcss_companion_part_name((enum dvbcss_companion_part)99), "?");
}
