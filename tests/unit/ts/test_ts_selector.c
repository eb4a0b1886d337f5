#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/ts.h"

static const struct {
    const char *text;
    struct dvbcss_ts_selector expected;
    uint32_t rate_hz;
} known[] = {
    {"urn:dvb:css:timeline:pts", {DVBCSS_TS_SELECTOR_PTS, 0, 0, 0, NULL, NULL}, 90000},
    {"urn:dvb:css:timeline:ct", {DVBCSS_TS_SELECTOR_CT, 0, 0, 0, NULL, NULL}, 0},
    {"urn:dvb:css:timeline:temi:1:5", {DVBCSS_TS_SELECTOR_TEMI, 1, 5, 0, NULL, NULL}, 0},
    {"urn:dvb:css:timeline:temi:0:255", {DVBCSS_TS_SELECTOR_TEMI, 0, 255, 0, NULL, NULL}, 0},
    {"urn:dvb:css:timeline:mpd:period:rel:1000",
     {DVBCSS_TS_SELECTOR_MPD, 0, 0, 1000, NULL, NULL},
     1000},
    {"urn:dvb:css:timeline:mpd:period:rel:1000:second",
     {DVBCSS_TS_SELECTOR_MPD, 0, 0, 1000, "second", NULL},
     1000},
    {"urn:dvb:css:timeline:mpd:period:rel:4294967295:a:b:",
     {DVBCSS_TS_SELECTOR_MPD, 0, 0, UINT32_MAX, "a:b:", NULL},
     UINT32_MAX},
};

/* What looks like one of the standard's but is not. */
static const char *const others[] = {
    "",
    "urn:dvb:css:timeline:",
    "urn:dvb:css:timeline:pts ",
    "urn:dvb:css:timeline:PTS",
    "urn:dvb:css:timeline:ptsx",
    "urn:dvb:css:timeline:ct:1",
    "urn:dvb:css:timeline:temi",
    "urn:dvb:css:timeline:temi:",
    "urn:dvb:css:timeline:temi:1",
    "urn:dvb:css:timeline:temi:1:",
    "urn:dvb:css:timeline:temi::1",
    "urn:dvb:css:timeline:temi:256:1",
    "urn:dvb:css:timeline:temi:1:256",
    "urn:dvb:css:timeline:temi:01:1",
    "urn:dvb:css:timeline:temi:1:1:1",
    "urn:dvb:css:timeline:temi:+1:1",
    "urn:dvb:css:timeline:temi:18446744073709551617:1",
    "urn:dvb:css:timeline:mpd:period:rel:",
    "urn:dvb:css:timeline:mpd:period:rel:0",
    "urn:dvb:css:timeline:mpd:period:rel:0:x",
    "urn:dvb:css:timeline:mpd:period:rel:1000:",
    "urn:dvb:css:timeline:mpd:period:rel:4294967296",
    "urn:dvb:css:timeline:mpd:period:rel:0100",
    "urn:dvb:css:timeline:mpd:period:rel:x",
    "tag:rd.bbc.co.uk,2015-12-08:dvb:css:timeline:simple-elapsed-time:1000",
};

static void expect_written(const struct dvbcss_ts_selector *selector, const char *expected)
{
    char text[128];
    size_t length;

    cr_assert_eq(dvbcss_ts_selector_format(selector, text, sizeof text, &length), 0);
    cr_assert_str_eq(text, expected);
    cr_assert_eq(length, strlen(expected));
}

Test(ts_selector, those_of_the_standard_are_taken_apart_and_written_back)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct dvbcss_ts_selector selector = dvbcss_ts_selector_parse(known[i].text);
        const struct dvbcss_rate rate = dvbcss_ts_selector_rate(&selector);

        cr_assert(dvbcss_ts_selector_equal(&selector, &known[i].expected), "%s", known[i].text);
        expect_written(&selector, known[i].text);
        cr_assert_eq(rate.ticks, known[i].rate_hz, "%s", known[i].text);
        cr_assert_eq(rate.seconds, known[i].rate_hz ? 1 : 0, "%s", known[i].text);
    }
}

Test(ts_selector, anything_else_is_free_and_kept_as_it_is)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const struct dvbcss_ts_selector selector = dvbcss_ts_selector_parse(others[i]);

        cr_assert_eq(selector.kind, DVBCSS_TS_SELECTOR_FREE, "%s", others[i]);
        cr_assert_eq(dvbcss_ts_selector_rate(&selector).ticks, 0);
        expect_written(&selector, others[i]);
    }
}

Test(ts_selector, selectors_are_equal_exactly_if_their_texts_are)
{
    const size_t count = sizeof known / sizeof known[0];

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            const struct dvbcss_ts_selector a = dvbcss_ts_selector_parse(known[i].text);
            const struct dvbcss_ts_selector b = dvbcss_ts_selector_parse(known[j].text);

            cr_assert_eq(dvbcss_ts_selector_equal(&a, &b), i == j, "%zu %zu", i, j);
        }
    }
}

Test(ts_selector, what_no_selector_can_say_is_not_written)
{
    static const struct dvbcss_ts_selector wrong[] = {
        {DVBCSS_TS_SELECTOR_FREE, 0, 0, 0, NULL, NULL},
        {DVBCSS_TS_SELECTOR_MPD, 0, 0, 0, NULL, NULL},
        {DVBCSS_TS_SELECTOR_MPD, 0, 0, 1000, "", NULL},
        {(enum dvbcss_ts_selector_kind)77, 0, 0, 0, NULL, NULL},
    };
    char text[64];
    size_t length;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_eq(dvbcss_ts_selector_format(&wrong[i], text, sizeof text, &length),
                     DVBCSS_EINVAL, "case %zu", i);
}

Test(ts_selector, too_small_a_buffer_is_told_how_much_is_needed)
{
    const struct dvbcss_ts_selector selector = dvbcss_ts_selector_parse("urn:dvb:css:timeline:ct");
    char text[64] = "untouched";
    size_t length = 0;

    cr_assert_eq(dvbcss_ts_selector_format(&selector, NULL, 0, &length), DVBCSS_ENOSPC);
    cr_assert_eq(length, strlen("urn:dvb:css:timeline:ct"));
    cr_assert_eq(dvbcss_ts_selector_format(&selector, text, length, &length), DVBCSS_ENOSPC);
    cr_assert_str_eq(text, "untouched");
    cr_assert_eq(dvbcss_ts_selector_format(&selector, text, length + 1, &length), 0);
}

Test(ts_selector, a_stem_matches_what_begins_with_it)
{
    static const struct {
        const char *content_id;
        const char *stem;
        bool matches;
    } cases[] = {
        {"abc", "a", true},     {"abc", "", true},  {"abc", "abc", true}, {"", "", true},
        {"abc", "abcd", false}, {NULL, "", false},  {"abc", "b", false},  {"abc", "A", false},
        {"", "a", false},       {NULL, "a", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_eq(dvbcss_ts_stem_matches(cases[i].content_id, cases[i].stem), cases[i].matches,
                     "case %zu", i);
}
