/**
 * @file
 * A hub with a source and companions, for the tests of what companions are told.
 */
#ifndef TESTS_TS_WORLD_H
#define TESTS_TS_WORLD_H

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/ts_timeline.h"

#define SECOND INT64_C(1000000000)
#define PTS "urn:dvb:css:timeline:pts"
#define SETUP(stem, selector)                                                                      \
    "{\"contentIdStem\":\"" stem "\",\"timelineSelector\":\"" selector "\"}"

/** What a companion was told. */
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

static inline void count_replan(void *user)
{
    (void)user;
    replans++;
}

/** Makes a hub with content "dvb://a.b.c" and one source, for PTS. */
static inline void begin_with(struct dvbcss_ts_hub_options options)
{
    options.replanned = count_replan;
    cr_assert_eq(dvbcss_ts_hub_create(&hub, &options), 0);
    cr_assert_eq(dvbcss_ts_simple_source_create(&pts, PTS), 0);
    cr_assert_eq(dvbcss_ts_hub_attach(hub, dvbcss_ts_simple_source_base(pts)), 0);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, "dvb://a.b.c"), 0);
}

/** The same with the usual options. */
static inline void begin(void)
{
    const struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;

    begin_with(options);
}

static inline void end(void)
{
    dvbcss_ts_simple_source_destroy(pts);
    dvbcss_ts_hub_destroy(hub);
}

/** Has the source show a line through a point. */
static inline void play(int64_t content, int64_t wall_ns, double speed)
{
    const struct dvbcss_ts_line line = {{content, 0}, wall_ns, {90000, 1}, speed};

    cr_assert_eq(dvbcss_ts_simple_source_set(pts, DVBCSS_TS_RUNNING, &line), 0);
}

/** Has the source show a state without a line. */
static inline void show(enum dvbcss_ts_state state)
{
    cr_assert_eq(dvbcss_ts_simple_source_set(pts, state, NULL), 0);
}

static inline void connect(struct companion *companion)
{
    memset(companion, 0, sizeof *companion);
    cr_assert_eq(dvbcss_ts_session_create(&companion->session, hub, companion), 0);
}

static inline void leave(struct companion *companion)
{
    dvbcss_ts_session_destroy(companion->session);
}

static inline int say(struct companion *companion, const char *text)
{
    return dvbcss_ts_session_receive(companion->session, text, strlen(text), NULL, NULL);
}

/** Connects and sends setup-data. */
static inline void join(struct companion *companion, const char *setup)
{
    connect(companion);
    cr_assert_eq(say(companion, setup), 0);
}

/** Runs the hub and delivers what it has. Returns how many were told something. */
static inline unsigned run(int64_t now_ns)
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

/** When the hub wants to be run; INT64_MAX for never. */
static inline int64_t deadline(void)
{
    int64_t deadline_ns;

    return dvbcss_ts_hub_deadline(hub, &deadline_ns) == 0 ? deadline_ns : INT64_MAX;
}

/** Expects how often a companion was told something, and what it was told last. */
static inline void expect(const struct companion *companion, unsigned told, bool available,
                          int64_t content, int64_t wall_ns)
{
    cr_assert_eq(companion->told, told, "told %u times, expected %u", companion->told, told);
    cr_assert_eq(companion->last.available, available);
    cr_assert_eq(companion->last.content_time_ticks, content, "content %lld",
                 (long long)companion->last.content_time_ticks);
    cr_assert_eq(companion->last.wall_clock_time_ns, wall_ns, "wall %lld",
                 (long long)companion->last.wall_clock_time_ns);
}

#endif
