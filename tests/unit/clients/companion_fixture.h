/**
 * @file
 * A television of two toy endpoints and the library's own wall-clock server, a companion that
 * follows it, and what the companion told.
 */
#ifndef TESTS_COMPANION_FIXTURE_H
#define TESTS_COMPANION_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "dvbcss/companion.h"
#include "dvbcss/wc_server.h"
#include "test_loop.h"
#include "toy_server.h"

enum { LOG_SIZE = 1024, TEXT_SIZE = 1024 };

/* One toy server plays both endpoints: the path tells which. */
struct tv {
    struct test_loop test;
    struct toy_server *toy;
    struct dvbcss_wc_server *clock;
    struct toy_connection *cii;
    struct toy_connection *ts;
    unsigned cii_connections;
    unsigned ts_connections;
    unsigned setups;
    char setup[TEXT_SIZE];
    /* What to say on CII when somebody connects, and on TS when somebody has set up; "" for
     * nothing. */
    char greeting[TEXT_SIZE];
    char timestamp[TEXT_SIZE];

    struct dvbcss_companion *companion;
    char log[LOG_SIZE];
    unsigned timelines;
    unsigned troubles;
    int last_error;
    char last_text[TEXT_SIZE];
    enum dvbcss_companion_part last_part;
    unsigned closed;
    struct dvbcss_clock *told;
    int close_at_state;
    /* How many changes of the wall clock are left until a listener of it closes the companion. */
    struct dvbcss_clock_listener wall_listener;
    unsigned changes_left;
};

/* ---- the television -------------------------------------------------------------------------- */

static inline void on_request(struct toy_connection *connection, const char *path, const char *head)
{
    struct tv *tv = toy_user(connection);

    (void)head;
    toy_accept(connection);
    if (strcmp(path, "/cii") == 0) {
        tv->cii = connection;
        tv->cii_connections++;
        if (tv->greeting[0] != '\0')
            toy_text(connection, tv->greeting);
    } else {
        tv->ts = connection;
        tv->ts_connections++;
    }
}

static inline void on_frame(struct toy_connection *connection, enum toy_opcode opcode,
                            const char *payload, size_t length)
{
    struct tv *tv = toy_user(connection);

    if (opcode == TOY_CLOSE) {
        toy_frame(connection, true, TOY_CLOSE, payload, length);
        toy_hang_up(connection);
        return;
    }
    if (opcode != TOY_TEXT)
        return;
    tv->setups++;
    snprintf(tv->setup, sizeof tv->setup, "%.*s", (int)length, payload);
    if (tv->timestamp[0] != '\0')
        toy_text(connection, tv->timestamp);
}

static inline void on_gone(struct toy_connection *connection)
{
    struct tv *tv = toy_user(connection);

    if (connection == tv->cii)
        tv->cii = NULL;
    if (connection == tv->ts)
        tv->ts = NULL;
}

static const struct toy_script script = {on_request, NULL, on_frame, on_gone};

static const char pts_list[] = "[{\"timelineSelector\":\"urn:dvb:css:timeline:pts\","
                               "\"timelineProperties\":{\"unitsPerTick\":1,"
                               "\"unitsPerSecond\":90000}}]";
static inline void greet_with(struct tv *tv, const char *content_id, const char *timelines)
{
    unsigned toy_port = toy_server_port(tv->toy);
    unsigned clock_port = dvbcss_wc_server_port(tv->clock);

    snprintf(tv->greeting, sizeof tv->greeting,
             "{\"protocolVersion\":\"1.1\",\"contentId\":%s,\"contentIdStatus\":\"final\","
             "\"presentationStatus\":\"okay extra\",\"wcUrl\":\"udp://0.0.0.0:%u\","
             "\"tsUrl\":\"ws://127.0.0.1:%u/ts\",\"timelines\":%s}",
             content_id, clock_port, toy_port, timelines);
}

static inline void stamp(struct tv *tv, int64_t content, int64_t wall_ns, double speed)
{
    snprintf(tv->timestamp, sizeof tv->timestamp,
             "{\"contentTime\":\"%lld\",\"wallClockTime\":\"%lld\",\"timelineSpeedMultiplier\":%g}",
             (long long)content, (long long)wall_ns, speed);
}

/* ---- the companion --------------------------------------------------------------------------- */

static inline void note(struct tv *tv, const char *word)
{
    size_t used = strlen(tv->log);

    snprintf(tv->log + used, sizeof tv->log - used, " %s", word);
}

static inline void on_closed(void *user)
{
    ((struct tv *)user)->closed++;
}

static inline void on_state(void *user, enum dvbcss_companion_state state)
{
    struct tv *tv = user;

    note(tv, dvbcss_companion_state_name(state));
    if ((int)state == tv->close_at_state)
        dvbcss_companion_close(tv->companion, on_closed, tv);
}

static inline void on_timeline(void *user, struct dvbcss_clock *timeline)
{
    struct tv *tv = user;

    tv->timelines++;
    tv->told = timeline;
}

static inline void on_trouble(void *user, enum dvbcss_companion_part part, int error,
                              const char *text)
{
    struct tv *tv = user;

    cr_assert_neq(text[0], '\0');
    tv->troubles++;
    tv->last_part = part;
    tv->last_error = error;
    snprintf(tv->last_text, sizeof tv->last_text, "%s", text);
}

static inline struct dvbcss_companion_options options_for(struct tv *tv)
{
    struct dvbcss_companion_options options = DVBCSS_COMPANION_OPTIONS_INIT;

    options.cii_url = toy_server_url(tv->toy, "/cii");
    options.precision_s = 1e-6;
    options.connection.retry_min_ms = 1;
    options.connection.retry_max_ms = 5;
    options.poll.floor_ns = 1000000;
    options.poll.ceiling_ns = 2000000;
    options.events.state = on_state;
    options.events.timeline = on_timeline;
    options.events.trouble = on_trouble;
    options.user = tv;
    return options;
}

static inline void switch_on(struct tv *tv)
{
    struct dvbcss_wc_server_options clock = DVBCSS_WC_SERVER_OPTIONS_INIT;

    memset(tv, 0, sizeof *tv);
    tv->close_at_state = -1;
    test_loop_begin(&tv->test);
    tv->toy = toy_server_create(&tv->test.loop, &script, tv, NULL);
    clock.address = "127.0.0.1";
    clock.port = 0;
    cr_assert_eq(dvbcss_wc_server_create(&tv->clock, &tv->test.loop, &clock), 0);
    greet_with(tv, "\"dvb://1.2.3\"", pts_list);
    stamp(tv, 0, 0, 1.0);
}

static inline void follow(struct tv *tv, const struct dvbcss_companion_options *options)
{
    cr_assert_eq(dvbcss_companion_create(&tv->companion, &tv->test.loop, options, NULL), 0);
}

static inline void switch_off(struct tv *tv)
{
    toy_server_close(tv->toy);
    dvbcss_wc_server_close(tv->clock, NULL, NULL);
    test_loop_end(&tv->test);
    cr_assert_eq(tv->closed, 1);
}

static inline void end(struct tv *tv)
{
    dvbcss_companion_close(tv->companion, on_closed, tv);
    cr_assert_eq(tv->closed, 0, "never from inside the call");
    TEST_LOOP_UNTIL(&tv->test, tv->closed);
    switch_off(tv);
}

static inline bool in_state(const struct tv *tv, enum dvbcss_companion_state state)
{
    return dvbcss_companion_state(tv->companion) == state;
}

static inline void lock(struct tv *tv)
{
    struct dvbcss_companion_options options = options_for(tv);

    follow(tv, &options);
    TEST_LOOP_UNTIL(&tv->test, in_state(tv, DVBCSS_COMPANION_SYNCHRONISED));
}

#endif
