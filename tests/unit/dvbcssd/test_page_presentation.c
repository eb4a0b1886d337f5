/* What the messages of a page add up to. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/dvbcssd/page_presentation.h"

#define PTS "urn:dvb:css:timeline:pts"
#define WALL INT64_C(5000000000000)

static struct page_presentation presentation;
static struct page_mistake mistake;
static struct page_times times = {WALL, 0};

static void finish(void)
{
    page_presentation_finish(&presentation);
}

TestSuite(page_presentation, .fini = finish);

static int add(const char *text)
{
    struct page_presentation after = {.timelines = NULL};
    struct page_message message = {.parts = 0};
    int error = page_message_decode(text, strlen(text), &message, &mistake);

    cr_assert_eq(error, 0, "%s: %s", text, mistake.reason);
    error = page_presentation_add(&presentation, &message, &times, &after, &mistake);
    if (error == 0) {
        page_presentation_finish(&presentation);
        presentation = after;
    } else {
        page_presentation_finish(&after);
    }
    page_message_finish(&message);
    return error;
}

static int list(const char *selector, unsigned rate)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"cii\":{\"timelines\":[{\"timelineSelector\":\"%s\",\"timelineProperties\":"
             "{\"unitsPerTick\":1,\"unitsPerSecond\":%u}}]}}",
             selector, rate);
    return add(text);
}

static int stamp(const char *selector, const char *content, const char *wall, const char *speed)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"controlTimestamps\":{\"%s\":{\"contentTime\":%s,\"wallClockTime\":\"%s\","
             "\"timelineSpeedMultiplier\":%s}}}",
             selector, content, wall, speed);
    return add(text);
}

static const struct page_timeline *timeline(const char *selector)
{
    const struct page_timeline *found = page_presentation_timeline(&presentation, selector);

    cr_assert_not_null(found, "%s", selector);
    return found;
}

Test(page_presentation, content_adds_up)
{
    cr_assert_eq(add("{\"cii\":{\"contentId\":\"a\",\"presentationStatus\":\"okay\"}}"), 0);
    cr_assert_eq(add("{\"cii\":{\"contentId\":\"b\",\"mrsUrl\":null}}"), 0);
    cr_expect_str_eq(dvbcss_cii_text(&presentation.cii, DVBCSS_CII_CONTENT_ID), "b");
    cr_expect_eq(dvbcss_cii_presence(&presentation.cii, DVBCSS_CII_PRESENTATION_STATUS),
                 DVBCSS_VALUE);
    cr_expect_eq(dvbcss_cii_presence(&presentation.cii, DVBCSS_CII_MRS_URL), DVBCSS_NULL);
}

Test(page_presentation, a_listed_timeline_waits_for_its_line_and_keeps_it)
{
    cr_assert_eq(list("urn:x", 1000), 0);
    cr_expect_not(timeline("urn:x")->timestamp.available);
    cr_expect_eq(timeline("urn:x")->rate.ticks, 1000);
    cr_assert_eq(stamp("urn:x", "7", "4999999999999", "0.5"), 0);
    cr_expect_eq(timeline("urn:x")->timestamp.content_time_ticks, 7);
    cr_assert_eq(list("urn:x", 2000), 0);
    cr_expect_eq(timeline("urn:x")->rate.ticks, 2000);
    cr_expect_eq(timeline("urn:x")->timestamp.content_time_ticks, 7);
    cr_assert_eq(add("{\"cii\":{\"contentId\":\"c\"}}"), 0);
    cr_expect(timeline("urn:x")->timestamp.available);
    cr_assert_eq(stamp("urn:x", "null", "0", "null"), 0);
    cr_expect_not(timeline("urn:x")->timestamp.available);
    cr_assert_eq(add("{\"cii\":{\"timelines\":null}}"), 0);
    cr_expect_eq(presentation.timeline_count, 0);
}

Test(page_presentation, an_unlisted_timeline_is_there_while_it_is_available)
{
    cr_assert_eq(stamp("urn:dvb:css:timeline:mpd:period:rel:25", "0", "1", "1"), 0);
    cr_assert_eq(stamp(PTS, "0", "1", "1"), 0);
    cr_assert_eq(list("urn:x", 5), 0);
    cr_expect_eq(presentation.timeline_count, 3);
    cr_expect_eq(timeline(PTS)->rate.ticks, 90000);
    cr_expect_eq(timeline("urn:dvb:css:timeline:mpd:period:rel:25")->rate.ticks, 25);
    cr_assert_eq(stamp("urn:dvb:css:timeline:mpd:period:rel:25", "null", "1", "null"), 0);
    cr_expect_eq(presentation.timeline_count, 2);
    cr_expect_str_eq(timeline(PTS)->selector, PTS);
    cr_assert_eq(stamp("urn:nobody:knows", "null", "1", "null"), 0);
    cr_expect_eq(presentation.timeline_count, 2);
}

Test(page_presentation, a_rate_that_no_one_told_is_a_mistake)
{
    static const char *const selectors[] = {
        "urn:dvb:css:timeline:ct", "urn:dvb:css:timeline:temi:1:1", "urn:x",
        "tag:rd.bbc.co.uk,2015-12-08:dvb:css:timeline:simple-elapsed-time:0",
        "tag:rd.bbc.co.uk,2015-12-08:dvb:css:timeline:simple-elapsed-time:25/2"};

    for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++)
        cr_expect_eq(stamp(selectors[i], "0", "1", "1"), DVBCSS_EVALUE, "%s", selectors[i]);
    cr_expect_eq(
        stamp("tag:rd.bbc.co.uk,2015-12-08:dvb:css:timeline:simple-elapsed-time:50", "0", "1", "1"),
        0);
    cr_expect_eq(presentation.timelines[0].rate.ticks, 50);
}

Test(page_presentation, times_of_another_clock_are_brought_to_the_wall_clock)
{
    times = (struct page_times){WALL, -INT64_C(1795252866000000000)};
    cr_assert_eq(stamp(PTS, "9", "1795252870000000000", "1"), 0);
    cr_expect_eq(timeline(PTS)->timestamp.wall_clock_time_ns, INT64_C(4000000000));
    cr_expect_eq(stamp(PTS, "9", "-9223372036854775807", "1"), DVBCSS_EVALUE);
}

Test(page_presentation, what_cannot_be_is_a_mistake_and_changes_nothing)
{
    static const struct {
        const char *content, *wall, *speed, *member;
    } cases[] = {
        {"0", "1795252870000000000", "1", "controlTimestamps." PTS ".wallClockTime"},
        {"0", "-99999999999999999", "1", "controlTimestamps." PTS ".wallClockTime"},
        {"0", "1", "1000.5", "controlTimestamps." PTS ".timelineSpeedMultiplier"},
        {"0", "1", "-1001", "controlTimestamps." PTS ".timelineSpeedMultiplier"},
        {"9223372036854775807", "1", "0", "controlTimestamps." PTS ".contentTime"},
        {"-4611686018427389000", "1", "0", "controlTimestamps." PTS ".contentTime"},
        {"4611686018427387000", "1", "1", "controlTimestamps." PTS ".contentTime"},
    };

    cr_assert_eq(stamp(PTS, "5", "6", "1"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(stamp(PTS, cases[i].content, cases[i].wall, cases[i].speed), DVBCSS_EVALUE,
                     "case %zu", i);
        cr_expect_str_eq(mistake.member, cases[i].member);
        cr_expect_eq(timeline(PTS)->timestamp.content_time_ticks, 5);
    }
}

Test(page_presentation, there_are_only_so_many_timelines)
{
    char selector[64];

    for (unsigned i = 1; i <= 100; i++) {
        snprintf(selector, sizeof selector, "urn:dvb:css:timeline:mpd:period:rel:%u", i);
        cr_assert_eq(stamp(selector, "0", "1", "1"), 0);
    }
    cr_expect_eq(stamp(PTS, "0", "1", "1"), DVBCSS_EFULL);
    cr_expect_eq(presentation.timeline_count, 100);
}

Test(page_presentation, blocking_stays_until_it_is_said_otherwise)
{
    cr_assert_eq(add("{\"options\":{\"blockCii\":true}}"), 0);
    cr_expect(presentation.block_cii);
    cr_assert_eq(add("{\"cii\":{}}"), 0);
    cr_expect(presentation.block_cii);
    cr_assert_eq(add("{\"options\":{\"blockCii\":false}}"), 0);
    cr_expect_not(presentation.block_cii);
}
