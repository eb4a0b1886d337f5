/*
 * Sources hear exactly which of their selectors are needed, in whatever order sources are attached
 * and detached and companions connect, ask, ask again and go.
 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/ts_timeline.h"

enum { SELECTORS = 3, SOURCES = 2, COMPANIONS = 2 };

static const char *const selectors[SELECTORS] = {"a", "b", "c"};

/* A source that recognises the selectors of a mask and counts what it hears. */
struct listener {
    struct dvbcss_ts_source source;
    unsigned mask;
    bool attached;
    int needed[SELECTORS];
};

static int index_of(const char *selector)
{
    for (int i = 0; i < SELECTORS; i++)
        if (strcmp(selectors[i], selector) == 0)
            return i;
    return -1;
}

static bool recognises(struct dvbcss_ts_source *source, const char *selector)
{
    const struct listener *listener = source->user;
    const int index = index_of(selector);

    return index >= 0 && (listener->mask >> index & 1u);
}

static enum dvbcss_ts_state read_nothing(struct dvbcss_ts_source *source, const char *selector,
                                         int64_t now_ns, struct dvbcss_ts_line *line)
{
    const struct listener *listener = source->user;

    (void)line;
    (void)now_ns;
    if (listener->needed[index_of(selector)] != 1)
        cr_assert_fail("asked for what it does not know of");
    return DVBCSS_TS_GONE;
}

static void needed(struct dvbcss_ts_source *source, const char *selector)
{
    struct listener *listener = source->user;

    if (!recognises(source, selector) || listener->needed[index_of(selector)]++ != 0)
        cr_assert_fail("needed twice, or by whom it does not concern");
    dvbcss_ts_source_changed(source);
}

static void not_needed(struct dvbcss_ts_source *source, const char *selector)
{
    struct listener *listener = source->user;

    if (listener->needed[index_of(selector)]-- != 1)
        cr_assert_fail("not needed without being needed");
    dvbcss_ts_source_changed(source);
}

static const struct dvbcss_ts_source_ops ops = {recognises, read_nothing, needed, not_needed};

/* ---- a small world, and what may happen in it ------------------------------------------------ */

static struct dvbcss_ts_hub *hub;
static struct listener sources[SOURCES];
static struct dvbcss_ts_session *companions[COMPANIONS];
static int wants[COMPANIONS];

static void begin(void)
{
    const struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;

    cr_assert_eq(dvbcss_ts_hub_create(&hub, &options), 0);
    cr_assert_eq(dvbcss_ts_hub_set_content_id(hub, "x"), 0);
    memset(sources, 0, sizeof sources);
    memset(companions, 0, sizeof companions);
    for (int i = 0; i < SOURCES; i++) {
        sources[i].source.ops = &ops;
        sources[i].source.user = &sources[i];
        sources[i].mask = i == 0 ? 3u : 6u; /* a, b and b, c */
    }
    for (int i = 0; i < COMPANIONS; i++)
        wants[i] = -1;
}

static void toggle_source(int which)
{
    struct listener *listener = &sources[which];

    if (listener->attached)
        dvbcss_ts_hub_detach(hub, &listener->source);
    else
        cr_assert_eq(dvbcss_ts_hub_attach(hub, &listener->source), 0);
    listener->attached = !listener->attached;
}

static void ask(int which, int selector)
{
    char text[96];

    if (!companions[which])
        cr_assert_eq(dvbcss_ts_session_create(&companions[which], hub, NULL), 0);
    /* Stems of their own: companions of one selector are in different groups. */
    snprintf(text, sizeof text, "{\"contentIdStem\":\"%s\",\"timelineSelector\":\"%s\"}",
             which == 0 ? "" : "x", selectors[selector]);
    cr_assert_eq(dvbcss_ts_session_receive(companions[which], text, strlen(text), NULL, NULL), 0);
    wants[which] = selector;
}

static void go(int which)
{
    dvbcss_ts_session_destroy(companions[which]);
    companions[which] = NULL;
    wants[which] = -1;
}

enum { STEPS = SOURCES + COMPANIONS * (SELECTORS + 1) };

static void step(int what)
{
    if (what < SOURCES) {
        toggle_source(what);
        return;
    }
    what -= SOURCES;
    if (what % (SELECTORS + 1) == SELECTORS)
        go(what / (SELECTORS + 1));
    else
        ask(what / (SELECTORS + 1), what % (SELECTORS + 1));
}

static void check(void)
{
    dvbcss_ts_hub_run(hub, 0);
    for (int s = 0; s < SOURCES; s++) {
        for (int i = 0; i < SELECTORS; i++) {
            bool expected = false;

            for (int c = 0; c < COMPANIONS; c++)
                expected = expected || wants[c] == i;
            expected = expected && sources[s].attached && (sources[s].mask >> i & 1u);
            /* Asserting costs more than all the rest: only where it fails. */
            if (sources[s].needed[i] != (expected ? 1 : 0))
                cr_assert_fail("source %d, selector %s", s, selectors[i]);
        }
    }
}

static void check_silence(void)
{
    for (int s = 0; s < SOURCES; s++)
        for (int i = 0; i < SELECTORS; i++)
            if (sources[s].needed[i] != 0)
                cr_assert_fail("source %d, selector %s", s, selectors[i]);
}

/* Ends the world, the hub before or after the companions. */
static void end(bool hub_first)
{
    if (hub_first)
        dvbcss_ts_hub_destroy(hub);
    for (int i = 0; i < COMPANIONS; i++)
        go(i);
    if (!hub_first)
        dvbcss_ts_hub_destroy(hub);
    check_silence();
    for (int i = 0; i < SOURCES; i++)
        cr_assert_null(sources[i].source.attachments);
}

Test(ts_notices, are_right_after_every_sequence_of_five_steps)
{
    enum { LENGTH = 5 };
    long total = 1;

    for (int i = 0; i < LENGTH; i++)
        total *= STEPS;
    for (long sequence = 0; sequence < total; sequence++) {
        long rest = sequence;

        begin();
        for (int i = 0; i < LENGTH; i++, rest /= STEPS) {
            step((int)(rest % STEPS));
            check();
        }
        end(sequence % 2 == 0);
    }
}

Test(ts_notices, are_right_in_every_order_of_a_whole_life)
{
    /* Attach both sources, two companions ask, both go, both sources are detached: each pair in
     * its order, the pairs interleaved in every way. */
    enum { ACTORS = 4 };
    static const int first[ACTORS] = {0, 1, SOURCES + 1, SOURCES + SELECTORS + 1 + 1};
    static const int second[ACTORS] = {0, 1, SOURCES + SELECTORS, SOURCES + 2 * SELECTORS + 1};
    unsigned orders = 0;

    for (unsigned order = 0; order < 1u << 16; order++) {
        unsigned used[ACTORS] = {0};
        unsigned rest = order;
        bool valid = true;

        for (int i = 0; i < 8; i++, rest >>= 2)
            valid = ++used[rest & 3u] <= 2 && valid;
        if (!valid)
            continue;
        begin();
        memset(used, 0, sizeof used);
        for (rest = order; used[0] + used[1] + used[2] + used[3] < 8; rest >>= 2) {
            const unsigned actor = rest & 3u;

            step(used[actor]++ == 0 ? first[actor] : second[actor]);
            check();
        }
        check_silence();
        end(false);
        orders++;
    }
    cr_assert_eq(orders, 2520); /* 8! / 2!^4 */
}

Test(ts_notices, a_selector_that_stays_in_use_is_not_reported_in_between)
{
    begin();
    toggle_source(0);
    ask(0, 0);
    ask(0, 0); /* not_needed() would trip over its assertion, and needed() over its own */
    ask(1, 0);
    go(0);
    cr_assert_eq(sources[0].needed[0], 1);
    end(false);
}

Test(ts_notices, come_once_for_each_hub)
{
    const struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;
    struct dvbcss_ts_hub *other;

    begin();
    cr_assert_eq(dvbcss_ts_hub_create(&other, &options), 0);
    toggle_source(0);
    cr_assert_eq(dvbcss_ts_hub_attach(other, &sources[0].source), 0);
    ask(0, 0);
    cr_assert_eq(sources[0].needed[0], 1);
    dvbcss_ts_hub_destroy(other);
    cr_assert_eq(sources[0].needed[0], 1);
    dvbcss_ts_source_detach_all(&sources[0].source);
    check_silence();
    sources[0].attached = false;
    end(false);
}
