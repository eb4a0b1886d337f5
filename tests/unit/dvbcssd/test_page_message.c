/* What pages say, and what they are told. That each mistake is answered is for the system test. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dvbcssd/page_message.h"

#define PTS "urn:dvb:css:timeline:pts"

static struct page_message message;
static struct page_mistake mistake;

static void finish(void)
{
    page_message_finish(&message);
}

TestSuite(page_message, .fini = finish);

static void decode(const char *text)
{
    page_message_finish(&message);
    memset(&message, 0, sizeof message);
    cr_assert_eq(page_message_decode(text, strlen(text), &message, &mistake), 0, "%s: %s: %s", text,
                 mistake.member, mistake.reason);
}

static void refuse(const char *text, int error, const char *member)
{
    page_message_finish(&message);
    memset(&message, 0, sizeof message);
    memset(&mistake, 0, sizeof mistake);
    cr_expect_eq(page_message_decode(text, strlen(text), &message, &mistake), error, "%s", text);
    cr_expect_str_eq(mistake.member, member, "%s: %s", text, mistake.member);
    cr_expect_neq(mistake.reason[0], '\0', "%s", text);
}

static void expect_json(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT);

    cr_expect_str_eq(text, expected, "%s", text);
    free(text);
    json_decref(value);
}

Test(page_message, an_empty_one_holds_nothing)
{
    decode("{}");
    cr_expect_eq(message.parts, 0);
}

Test(page_message, hello_says_what_both_speak)
{
    decode("{\"hello\":{\"version\":1}}");
    cr_expect_eq(message.parts, PAGE_HELLO);
    cr_expect_eq(message.hello.version, 1);
    decode("{\"hello\":{\"version\":2,\"name\":\"Stube\",\"clock\":\"unix\",\"token\":\"t\"}}");
    cr_expect_eq(message.hello.version, 2);
    cr_expect_eq(message.hello.clock, PAGE_CLOCK_UNIX);
    cr_expect_str_eq(message.hello.name, "Stube");
    cr_expect_str_eq(message.hello.token.text, "t");
    decode("{\"hello\":{\"version\":99}}");
    cr_expect_eq(message.hello.version, PAGE_VERSION);
    cr_expect_eq(message.hello.clock, PAGE_CLOCK_WALL);
    refuse("{\"hello\":{\"version\":0}}", DVBCSS_EVALUE, "hello.version");
}

Test(page_message, a_token_is_wiped_with_the_message)
{
    decode("{\"hello\":{\"version\":2,\"token\":\"secret\"}}");
    page_message_finish(&message);
    for (size_t i = 0; i < sizeof message.hello.token.text; i++)
        cr_assert_eq(message.hello.token.text[i], '\0');
    memset(&message, 0, sizeof message);
}

Test(page_message, the_time_of_a_page_comes_back_as_it_was)
{
    static const char *const times[] = {"\"1\"", "17", "-0.5", "\"\\\"\""};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[64], answer[128];

        snprintf(text, sizeof text, "{\"clock\":{\"t1\":%s}}", times[i]);
        decode(text);
        snprintf(answer, sizeof answer, "{\"clock\":{\"t1\":%s,\"t2\":\"5\",\"t3\":\"-7\"}}",
                 times[i]);
        expect_json(page_write_clock(message.t1, 5, -7), answer);
    }
    refuse("{\"clock\":{\"t1\":true}}", DVBCSS_ETYPE, "clock.t1");
    refuse("{\"clock\":{\"t1\":1,\"t4\":1}}", DVBCSS_ETYPE, "clock.t1");
    refuse("{\"clock\":[]}", DVBCSS_ETYPE, "clock");
}

Test(page_message, a_time_of_the_greatest_length_fits)
{
    char text[128], t1[PAGE_T1_SIZE + 2];

    memset(t1, 'x', sizeof t1);
    snprintf(text, sizeof text, "{\"clock\":{\"t1\":\"%.*s\"}}", PAGE_T1_SIZE - 3, t1);
    decode(text);
    cr_expect_eq(strlen(message.t1), PAGE_T1_SIZE - 1);
    snprintf(text, sizeof text, "{\"clock\":{\"t1\":\"%.*s\"}}", PAGE_T1_SIZE - 2, t1);
    refuse(text, DVBCSS_EVALUE, "clock.t1");
}

Test(page_message, cii_keeps_omitted_null_and_value_apart_without_the_daemons_own)
{
    decode("{\"cii\":{\"protocolVersion\":\"1.1\",\"contentId\":\"a\",\"mrsUrl\":null,"
           "\"wcUrl\":\"udp://h:1\",\"tsUrl\":null}}");
    cr_expect_eq(message.parts, PAGE_CII);
    cr_expect_eq(dvbcss_cii_defined(&message.cii),
                 DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID) | DVBCSS_CII_BIT(DVBCSS_CII_MRS_URL));
    cr_expect_eq(dvbcss_cii_presence(&message.cii, DVBCSS_CII_MRS_URL), DVBCSS_NULL);
}

Test(page_message, control_timestamps_may_be_as_pages_in_the_field_send_them)
{
    decode("{\"controlTimestamps\":{\"" PTS "\":{\"contentTime\":5,\"wallClockTime\":\"7\","
           "\"timelineSpeedMultiplier\":\"1\"},\"x\":{\"contentTime\":null,"
           "\"wallClockTime\":\"1\",\"timelineSpeedMultiplier\":null}},\"cii\":{},"
           "\"options\":{\"blockCii\":true}}");
    cr_expect_eq(message.parts, PAGE_CII | PAGE_TIMESTAMPS | PAGE_BLOCK);
    cr_assert_eq(message.timestamp_count, 2);
    cr_expect_str_eq(message.timestamps[0].selector, PTS);
    cr_expect_eq(message.timestamps[0].timestamp.content_time_ticks, 5);
    cr_expect_eq(message.timestamps[0].timestamp.wall_clock_time_ns, 7);
    cr_expect_eq(message.timestamps[0].timestamp.speed, 1.0);
    cr_expect_not(message.timestamps[1].timestamp.available);
    cr_expect(message.block_cii);
    decode("{\"options\":{}}");
    cr_expect_eq(message.parts, 0);
}

Test(page_message, what_is_no_message_is_refused_with_its_member)
{
    refuse("", DVBCSS_EJSON, "");
    refuse("{\"hello\":{\"version\":2},\"hello\":{\"version\":2}}", DVBCSS_EJSON, "");
    refuse("[]", DVBCSS_ETYPE, "");
    refuse("{\"x\":1}", DVBCSS_EVALUE, "x");
    refuse("{\"cii\":{\"contentId\":[]}}", DVBCSS_ETYPE, "cii.contentId");
    refuse("{\"controlTimestamps\":{\"a\":{}, \"b\":null}}", DVBCSS_ETYPE, "controlTimestamps.b");
    refuse("{\"options\":5}", DVBCSS_ETYPE, "options");
}

Test(page_message, members_of_any_length_are_named_in_whole_characters)
{
    char text[1024], name[801] = "";

    for (int i = 0; i < 200; i++)
        strcat(name, "\xf0\x9f\x93\xba");
    for (int shift = 0; shift < 4; shift++) {
        json_t *error;

        snprintf(text, sizeof text, "{\"%.*s%s\":1}", shift, "xxx", name);
        memset(&mistake, 0, sizeof mistake);
        cr_assert_eq(page_message_decode(text, strlen(text), &message, &mistake), DVBCSS_EVALUE);
        cr_expect_gt(strlen(mistake.member), sizeof mistake.member - 6);
        error = page_write_error("bad_message", &mistake);
        cr_expect_not_null(error, "cut inside a character");
        json_decref(error);
    }
}

Test(page_message, what_is_not_utf_8_is_quoted_so_that_it_can_be_answered)
{
    static const char text[] = "{\"\xcf\x9a\xff\":";
    json_t *error;

    refuse(text, DVBCSS_EJSON, "");
    error = page_write_error("bad_message", &mistake);
    cr_expect_not_null(error);
    json_decref(error);
}

Test(page_message, the_daemon_says_what_the_document_says)
{
    static const struct dvbcss_ts_setup setup = {"dvb:", PTS, NULL};
    const struct page_mistake none = {"", "because"};
    struct dvbcss_ts_presentation presentation = DVBCSS_TS_PRESENTATION_INIT;

    expect_json(page_write_welcome(&(struct page_hello){.version = 2, .clock = PAGE_CLOCK_UNIX}),
                "{\"welcome\":{\"version\":2,\"clock\":\"unix\"}}");
    expect_json(page_write_cii_url("ws://h/cii"), "{\"ciiUrl\":\"ws://h/cii\"}");
    expect_json(page_write_selectors(json_pack("[s]", PTS), json_array()),
                "{\"add_timelineSelectors\":[\"" PTS "\"],\"remove_timelineSelectors\":[]}");
    expect_json(page_write_companion_count(3), "{\"nrOfSlaves\":3}");
    expect_json(page_write_error("owned", &none),
                "{\"error\":{\"code\":\"owned\",\"member\":null,\"reason\":\"because\"}}");
    expect_json(page_write_notice("silent", "r"),
                "{\"notice\":{\"code\":\"silent\",\"reason\":\"r\"}}");
    expect_json(page_write_connected("ts-1", "h:1"),
                "{\"companion\":{\"id\":\"ts-1\",\"event\":\"connected\",\"address\":\"h:1\"}}");
    expect_json(page_write_asked("ts-1", &setup),
                "{\"companion\":{\"id\":\"ts-1\",\"event\":\"asked\",\"contentIdStem\":\"dvb:\","
                "\"timelineSelector\":\"" PTS "\"}}");
    expect_json(page_write_disconnected("ts-1"),
                "{\"companion\":{\"id\":\"ts-1\",\"event\":\"disconnected\"}}");
    presentation.has_actual = true;
    presentation.actual = (struct dvbcss_ts_point){1, DVBCSS_TS_AT, 2};
    expect_json(page_write_reported("ts-1", PTS, &presentation),
                "{\"companion\":{\"id\":\"ts-1\",\"event\":\"reported\",\"timelineSelector\":\"" PTS
                "\",\"actual\":{\"contentTime\":\"1\",\"wallClockTime\":\"2\"},"
                "\"earliest\":{\"contentTime\":\"0\",\"wallClockTime\":\"minusinfinity\"},"
                "\"latest\":{\"contentTime\":\"0\",\"wallClockTime\":\"plusinfinity\"}}}");
}
