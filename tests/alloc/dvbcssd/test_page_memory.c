/* Every allocation of the page channel's codec fails once. Its parser is left out: jansson's own
 * has no clean way to fail (common/alloc_guard.h). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "failing_alloc.h"
#include "tools/dvbcssd/page_presentation.h"

static json_t *root;
static struct page_presentation before;

static void begin(void)
{
    static const char text[] =
        "{\"hello\":{\"version\":2,\"name\":\"n\",\"token\":\"t\"},\"clock\":{\"t1\":\"5\"},"
        "\"cii\":{\"contentId\":\"a\",\"presentationStatus\":\"okay\",\"timelines\":"
        "[{\"timelineSelector\":\"urn:x\",\"timelineProperties\":{\"unitsPerTick\":1,"
        "\"unitsPerSecond\":25}}]},\"controlTimestamps\":{\"urn:x\":{\"contentTime\":\"1\","
        "\"wallClockTime\":\"2\",\"timelineSpeedMultiplier\":1},\"urn:dvb:css:timeline:pts\":"
        "{\"contentTime\":\"1\",\"wallClockTime\":\"2\",\"timelineSpeedMultiplier\":1}},"
        "\"options\":{\"blockCii\":true}}";

    root = json_loads(text, 0, NULL);
    cr_assert_not_null(root);
}

static void end(void)
{
    page_presentation_finish(&before);
    json_decref(root);
}

TestSuite(page_memory, .init = begin, .fini = end);

/* Calls `attempt` until none of its allocations failed. */
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

static int read_message(void)
{
    struct page_message message = {.parts = 0};
    struct page_mistake mistake;
    int error = page_message_read(root, &message, &mistake);

    page_message_finish(&message);
    return error;
}

Test(page_memory, reading_fails_cleanly)
{
    walk(read_message);
}

static int add_message(void)
{
    struct page_presentation after = {.timelines = NULL};
    struct page_message message = {.parts = 0};
    struct page_mistake mistake;
    const struct page_times times = {5, 0};
    int error = page_message_read(root, &message, &mistake);

    if (error == 0)
        error = page_presentation_add(&before, &message, &times, &after, &mistake);
    page_presentation_finish(&after);
    page_message_finish(&message);
    return error;
}

Test(page_memory, adding_fails_cleanly)
{
    struct page_message message = {.parts = 0};
    struct page_mistake mistake;
    const struct page_times times = {5, 0};

    walk(add_message);
    cr_assert_eq(page_message_read(root, &message, &mistake), 0);
    cr_assert_eq(page_presentation_add(&(struct page_presentation){.timelines = NULL}, &message,
                                       &times, &before, &mistake),
                 0);
    page_message_finish(&message);
    walk(add_message);
}

static int write(json_t *message)
{
    int error = message ? 0 : DVBCSS_ENOMEM;

    json_decref(message);
    return error;
}

static int write_hello(void)
{
    return write(page_write_hello("page-1", true, 10));
}

static int write_clock(void)
{
    return write(page_write_clock("\"5\"", 1, 2));
}

static int write_error(void)
{
    return write(page_write_error("bad_message", &(struct page_mistake){"m", "r"}));
}

static int write_reported(void)
{
    const struct dvbcss_ts_presentation presentation = DVBCSS_TS_PRESENTATION_INIT;

    return write(page_write_reported("ts-1", "urn:x", &presentation));
}

Test(page_memory, writing_fails_cleanly)
{
    walk(write_hello);
    walk(write_error);
}

/* These parse texts on the way, so that jansson may give up without saying why: they are only not
 * to leak. */
static void walk_parsing(int (*attempt)(void))
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        int error;

        failing_alloc_begin(n);
        error = attempt();
        cr_assert_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        failed = failing_alloc_end();
        cr_expect(failed || error == 0);
    }
}

Test(page_memory, writing_what_is_parsed_leaks_nothing)
{
    walk_parsing(write_clock);
    walk_parsing(write_reported);
}
