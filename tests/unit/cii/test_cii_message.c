#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"

#define BIT(name) DVBCSS_CII_BIT(DVBCSS_CII_##name)

static struct dvbcss_cii message;

static void finish(void)
{
    dvbcss_cii_finish(&message);
}

TestSuite(cii_message, .fini = finish);

/* Makes a message of JSON; to be finished. */
static struct dvbcss_cii from(const char *json)
{
    struct dvbcss_cii cii = DVBCSS_CII_INIT;

    cr_assert_eq(dvbcss_cii_decode(json, strlen(json), DVBCSS_STRICT, &cii, NULL), 0, "%s", json);
    return cii;
}

/* Expects the JSON of the properties of @p mask. */
static void expect_json(const struct dvbcss_cii *cii, unsigned mask, const char *expected)
{
    char *text = NULL;

    cr_assert_eq(dvbcss_cii_encode(cii, mask, NULL, &text, NULL), 0);
    cr_expect_str_eq(text, expected, "got %s, expected %s", text, expected);
    dvbcss_free(text);
}

Test(cii_message, is_omitted_throughout_at_first)
{
    memset(&message, 0xff, sizeof message);
    dvbcss_cii_init(&message);
    for (unsigned i = 0; i < DVBCSS_CII_PROPERTY_COUNT; i++)
        cr_expect_eq(dvbcss_cii_presence(&message, (enum dvbcss_cii_property)i), DVBCSS_OMITTED);
    cr_expect_eq(dvbcss_cii_defined(&message), 0);
    expect_json(&message, DVBCSS_CII_ALL, "{}");
    dvbcss_cii_finish(NULL);
}

Test(cii_message, properties_have_the_names_of_the_standard)
{
    static const char *const names[] = {
        "protocolVersion", "mrsUrl", "contentId", "contentIdStatus", "presentationStatus",
        "wcUrl",           "tsUrl",  "teUrl",     "timelines",       "private"};

    cr_assert_eq(sizeof names / sizeof names[0], DVBCSS_CII_PROPERTY_COUNT);
    for (unsigned i = 0; i < DVBCSS_CII_PROPERTY_COUNT; i++) {
        cr_expect_str_eq(dvbcss_cii_property_name((enum dvbcss_cii_property)i), names[i]);
        cr_expect_eq(dvbcss_cii_property_by_name(names[i]), (enum dvbcss_cii_property)i);
    }
    cr_expect_eq(dvbcss_cii_property_by_name("contentid"), DVBCSS_CII_PROPERTY_COUNT);
    cr_expect_null(dvbcss_cii_property_name(DVBCSS_CII_PROPERTY_COUNT));
    cr_expect_eq(dvbcss_cii_presence(&message, DVBCSS_CII_PROPERTY_COUNT), DVBCSS_OMITTED);
    cr_expect_null(dvbcss_cii_text(&message, DVBCSS_CII_PROPERTY_COUNT));
}

Test(cii_message, omitted_null_and_value_are_three_things)
{
    cr_assert_eq(dvbcss_cii_set_text(&message, DVBCSS_CII_TS_URL, "ws://h:1"), 0);
    cr_expect_eq(dvbcss_cii_presence(&message, DVBCSS_CII_TS_URL), DVBCSS_VALUE);
    cr_expect_str_eq(dvbcss_cii_text(&message, DVBCSS_CII_TS_URL), "ws://h:1");
    cr_expect_eq(dvbcss_cii_defined(&message), BIT(TS_URL));
    dvbcss_cii_set_null(&message, DVBCSS_CII_TS_URL);
    cr_expect_eq(dvbcss_cii_presence(&message, DVBCSS_CII_TS_URL), DVBCSS_NULL);
    cr_expect_null(dvbcss_cii_text(&message, DVBCSS_CII_TS_URL));
    cr_expect_eq(dvbcss_cii_defined(&message), BIT(TS_URL));
    dvbcss_cii_omit(&message, DVBCSS_CII_TS_URL);
    cr_expect_eq(dvbcss_cii_presence(&message, DVBCSS_CII_TS_URL), DVBCSS_OMITTED);
    cr_expect_eq(dvbcss_cii_defined(&message), 0);
    dvbcss_cii_omit(&message, DVBCSS_CII_PROPERTY_COUNT);
    dvbcss_cii_set_null(&message, DVBCSS_CII_PROPERTY_COUNT);
    cr_expect_eq(dvbcss_cii_defined(&message), 0);
}

Test(cii_message, texts_that_may_not_be_sent_cannot_be_set)
{
    static const struct {
        enum dvbcss_cii_property property;
        int error;
        const char *text;
    } cases[] = {
        {DVBCSS_CII_PROTOCOL_VERSION, 0, "1.1"},
        {DVBCSS_CII_PROTOCOL_VERSION, DVBCSS_EVALUE, "1.0"},
        {DVBCSS_CII_CONTENT_ID, 0, ""},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EINVAL, NULL},
        {DVBCSS_CII_CONTENT_ID_STATUS, 0, "partial"},
        {DVBCSS_CII_CONTENT_ID_STATUS, DVBCSS_EVALUE, "stable"},
        {DVBCSS_CII_PRESENTATION_STATUS, 0, "okay sub"},
        {DVBCSS_CII_PRESENTATION_STATUS, DVBCSS_EVALUE, "okay  sub"},
        {DVBCSS_CII_PRESENTATION_STATUS, DVBCSS_EVALUE, ""},
        {DVBCSS_CII_PRIVATE, 0, "[{\"type\":\"x\"}]"},
        {DVBCSS_CII_PRIVATE, DVBCSS_EVALUE, "[{\"type\":5}]"},
        {DVBCSS_CII_PRIVATE, DVBCSS_EVALUE, "[],\"contentId\":\"x\""},
        {DVBCSS_CII_PRIVATE, DVBCSS_EVALUE, ""},
        {DVBCSS_CII_TIMELINES, DVBCSS_EINVAL, "[]"},
        {DVBCSS_CII_PROPERTY_COUNT, DVBCSS_EINVAL, "x"},
        /* What is no UTF-8 cannot stand in a text frame. */
        {DVBCSS_CII_CONTENT_ID, 0, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {DVBCSS_CII_CONTENT_ID, 0, "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xe0\xa0\x80"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xff"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\x80"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xc0\x80"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xc3"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xe0\x9f\xbf"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xed\xa0\x80"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xf0\x8f\xbf\xbf"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xf4\x90\x80\x80"},
        {DVBCSS_CII_CONTENT_ID, DVBCSS_EVALUE, "\xe2\x82("},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned defined = dvbcss_cii_defined(&message);

        cr_expect_eq(dvbcss_cii_set_text(&message, cases[i].property, cases[i].text),
                     cases[i].error, "case %zu", i);
        if (cases[i].error)
            cr_expect_eq(dvbcss_cii_defined(&message), defined, "case %zu", i);
    }
}

Test(cii_message, setter_that_fails_leaves_the_value)
{
    cr_assert_eq(dvbcss_cii_set_text(&message, DVBCSS_CII_CONTENT_ID_STATUS, "final"), 0);
    cr_expect_eq(dvbcss_cii_set_text(&message, DVBCSS_CII_CONTENT_ID_STATUS, "x"), DVBCSS_EVALUE);
    cr_expect_str_eq(message.content_id_status.text, "final");
}

Test(cii_message, private_data_is_kept_with_sorted_members)
{
    cr_assert_eq(dvbcss_cii_set_text(&message, DVBCSS_CII_PRIVATE,
                                     " [ {\"type\":\"t\", \"b\":1, \"a\":[ ]} ] "),
                 0);
    cr_expect_str_eq(dvbcss_cii_text(&message, DVBCSS_CII_PRIVATE),
                     "[{\"a\":[],\"b\":1,\"type\":\"t\"}]");
}

Test(cii_message, presentation_status_is_set_term_by_term)
{
    static const char *const terms[] = {"transitioning", "sub1", "sub2"};
    static const char *const bad[][2] = {
        {"okay", ""}, {"", "okay"}, {"okay sub", "x"}, {"okay\t", "x"}, {"okay", "\xff"}};

    cr_assert_eq(dvbcss_cii_set_presentation_status(&message, terms, 3), 0);
    cr_assert_eq(message.presentation_status.count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect_str_eq(message.presentation_status.tokens[i], terms[i]);
    expect_json(&message, DVBCSS_CII_ALL, "{\"presentationStatus\":\"transitioning sub1 sub2\"}");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(dvbcss_cii_set_presentation_status(&message, bad[i], 2), DVBCSS_EVALUE);
    cr_expect_eq(dvbcss_cii_set_presentation_status(&message, terms, 0), DVBCSS_EVALUE);
    cr_expect_eq(dvbcss_cii_set_presentation_status(&message, NULL, 1), DVBCSS_EINVAL);
    cr_expect_eq(dvbcss_cii_set_presentation_status(&message, (const char *[]){NULL}, 1),
                 DVBCSS_EINVAL);
    cr_expect_eq(message.presentation_status.count, 3);
    cr_assert_eq(dvbcss_cii_set_presentation_status(&message, terms, 1), 0);
    cr_expect_eq(message.presentation_status.count, 1);
}

Test(cii_message, timelines_are_copied)
{
    char selector[] = "urn:dvb:css:timeline:pts";
    char private_data[] = "[{\"type\":\"x\", \"a\":1}]";
    struct dvbcss_cii_timeline items[] = {{selector, 1, 90000, true, 0.2, private_data},
                                          {selector, 1001, 30000, false, 0, NULL}};

    cr_assert_eq(dvbcss_cii_set_timelines(&message, items, 2), 0);
    memset(selector, 'x', sizeof selector - 1);
    memset(private_data, 'x', sizeof private_data - 1);
    expect_json(&message, DVBCSS_CII_ALL,
                "{\"timelines\":[{\"timelineSelector\":\"urn:dvb:css:timeline:pts\","
                "\"timelineProperties\":{\"unitsPerTick\":1,\"unitsPerSecond\":90000,"
                "\"accuracy\":0.2},\"private\":[{\"a\":1,\"type\":\"x\"}]},"
                "{\"timelineSelector\":\"urn:dvb:css:timeline:pts\",\"timelineProperties\":"
                "{\"unitsPerTick\":1001,\"unitsPerSecond\":30000}}]}");
    cr_assert_eq(dvbcss_cii_set_timelines(&message, NULL, 0), 0);
    expect_json(&message, DVBCSS_CII_ALL, "{\"timelines\":[]}");
}

Test(cii_message, timelines_that_may_not_be_sent_cannot_be_set)
{
    static const struct {
        struct dvbcss_cii_timeline item;
        int error;
    } cases[] = {
        {{"s", 0, 1, false, 0, NULL}, DVBCSS_ERANGE},
        {{"s", 1, 0, false, 0, NULL}, DVBCSS_ERANGE},
        {{"s", 1, 1, true, -0.1, NULL}, DVBCSS_ERANGE},
        {{"s", 1, 1, true, NAN, NULL}, DVBCSS_ERANGE},
        {{"s", 1, 1, true, INFINITY, NULL}, DVBCSS_ERANGE},
        {{NULL, 1, 1, false, 0, NULL}, DVBCSS_EINVAL},
        {{"\xff", 1, 1, false, 0, NULL}, DVBCSS_EVALUE},
        {{"s", 1, 1, false, 0, "[{}]"}, DVBCSS_EVALUE},
        {{"s", 1, 1, false, 0, "junk"}, DVBCSS_EVALUE},
        {{"s", 1, 1, false, NAN, "[]"}, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(dvbcss_cii_set_timelines(&message, &cases[i].item, 1), cases[i].error,
                     "case %zu", i);
    cr_expect_eq(dvbcss_cii_set_timelines(&message, NULL, 1), DVBCSS_EINVAL);
}

Test(cii_message, numbers_are_written_alike_in_every_locale)
{
    struct dvbcss_cii_timeline item = {"s", 1, 1, true, 0.1, NULL};
    locale_t german = newlocale(LC_NUMERIC_MASK, "de_DE.UTF-8", (locale_t)0);

    if (!german)
        cr_skip_test("no locale with a decimal comma is installed");
    uselocale(german);
    cr_assert_eq(dvbcss_cii_set_timelines(&message, &item, 1), 0);
    expect_json(&message, DVBCSS_CII_ALL,
                "{\"timelines\":[{\"timelineSelector\":\"s\",\"timelineProperties\":"
                "{\"unitsPerTick\":1,\"unitsPerSecond\":1,\"accuracy\":0.1}}]}");
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(german);
}

/* ---- whole messages ------------------------------------------------------------------------- */

static const char whole[] =
    "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"contentId\":\"a\",\"contentIdStatus\":"
    "\"final\","
    "\"presentationStatus\":\"okay sub\",\"wcUrl\":\"udp://h:1\",\"tsUrl\":\"ws://h:1\","
    "\"timelines\":[{\"timelineSelector\":\"s\",\"timelineProperties\":{\"unitsPerTick\":1,"
    "\"unitsPerSecond\":2,\"accuracy\":0.5},\"private\":[{\"type\":\"t\"}]}],"
    "\"private\":[{\"type\":\"t\"}]}";

Test(cii_message, copy_is_deep_and_equal)
{
    struct dvbcss_cii original = from(whole);

    cr_assert_eq(dvbcss_cii_set_text(&message, DVBCSS_CII_TE_URL, "ws://gone"), 0);
    cr_assert_eq(dvbcss_cii_copy(&message, &original), 0);
    cr_expect(dvbcss_cii_equal(&message, &original));
    dvbcss_cii_finish(&original);
    expect_json(&message, DVBCSS_CII_ALL, whole);
    cr_assert_eq(dvbcss_cii_copy(&message, &message), 0);
    expect_json(&message, DVBCSS_CII_ALL, whole);
}

Test(cii_message, equality_sees_every_difference)
{
    static const char base[] =
        "{\"presentationStatus\":\"okay sub\",\"contentId\":\"a\",\"timelines\":[{"
        "\"timelineSelector\":\"s\",\"timelineProperties\":{\"unitsPerTick\":1,"
        "\"unitsPerSecond\":2,\"accuracy\":0.5},\"private\":[]}]}";
    static const char *const edits[][2] = {
        {"okay sub", "okay"},      {"okay sub", "okay sux"},     {"\"a\"", "\"b\""},
        {"\"a\"", "null"},         {"contentId", "ignored"},     {"\"s\"", "\"t\""},
        {"Tick\":1", "Tick\":3"},  {"Second\":2", "Second\":3"}, {"0.5", "0.25"},
        {",\"accuracy\":0.5", ""}, {",\"private\":[]", ""},      {":[]", ":[{\"type\":\"\"}]"},
    };
    struct dvbcss_cii original = from(base);

    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        const char *found = strstr(base, edits[i][0]);
        struct dvbcss_cii other;
        char text[512];

        cr_assert_not_null(found, "edit %zu", i);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(found - base), base, edits[i][1],
                 found + strlen(edits[i][0]));
        other = from(text);
        cr_expect_not(dvbcss_cii_equal(&original, &other), "%s", text);
        cr_expect_not(dvbcss_cii_equal(&other, &original), "%s", text);
        dvbcss_cii_finish(&other);
    }
    dvbcss_cii_finish(&original);
}

Test(cii_message, difference_is_what_a_message_must_carry)
{
    static const struct {
        const char *before;
        const char *after;
        unsigned difference;
    } cases[] = {
        {"{}", "{}", 0},
        {"{\"contentId\":\"a\",\"contentIdStatus\":\"final\",\"tsUrl\":\"x\"}",
         "{\"contentId\":\"b\",\"contentIdStatus\":\"final\",\"tsUrl\":null}",
         BIT(CONTENT_ID) | BIT(CONTENT_ID_STATUS) | BIT(TS_URL)},
        {"{\"tsUrl\":\"x\"}", "{}", 0},
        {"{}", "{\"tsUrl\":null}", BIT(TS_URL)},
        {"{\"timelines\":[]}", "{\"timelines\":[]}", 0},
        {"{\"timelines\":null}", "{\"timelines\":[]}", BIT(TIMELINES)},
        /* The steps of a server: an id, nothing, another id, its status, no status, no id. */
        {"{\"protocolVersion\":\"1.1\"}",
         "{\"protocolVersion\":\"1.1\",\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\"}",
         BIT(CONTENT_ID) | BIT(CONTENT_ID_STATUS)},
        {"{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\"}",
         "{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\"}", 0},
        {"{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\"}",
         "{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"partial\"}",
         BIT(CONTENT_ID) | BIT(CONTENT_ID_STATUS)},
        {"{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"partial\"}",
         "{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"final\"}", BIT(CONTENT_ID_STATUS)},
        {"{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"final\"}", "{\"contentId\":\"dvb://2\"}",
         0},
        {"{\"contentId\":\"dvb://2\"}", "{\"contentId\":null}", BIT(CONTENT_ID)},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dvbcss_cii before = from(cases[i].before);
        struct dvbcss_cii after = from(cases[i].after);

        cr_expect_eq(dvbcss_cii_diff(&before, &after), cases[i].difference, "case %zu", i);
        dvbcss_cii_finish(&before);
        dvbcss_cii_finish(&after);
    }
}

Test(cii_message, merge_applies_what_an_update_says_and_tells_what_changed)
{
    static const struct {
        const char *update;
        unsigned changed;
        const char *state;
    } steps[] = {
        {"{}", 0, "{}"},
        {"{\"contentId\":null}", BIT(CONTENT_ID), "{\"contentId\":null}"},
        {"{\"contentId\":null}", 0, "{\"contentId\":null}"},
        {"{\"contentId\":\"a\",\"contentIdStatus\":\"final\",\"timelines\":[]}",
         BIT(CONTENT_ID) | BIT(CONTENT_ID_STATUS) | BIT(TIMELINES),
         "{\"contentId\":\"a\",\"contentIdStatus\":\"final\",\"timelines\":[]}"},
        {"{\"contentId\":\"b\",\"contentIdStatus\":\"final\"}", BIT(CONTENT_ID),
         "{\"contentId\":\"b\",\"contentIdStatus\":\"final\",\"timelines\":[]}"},
        {"{\"timelines\":null}", BIT(TIMELINES),
         "{\"contentId\":\"b\",\"contentIdStatus\":\"final\",\"timelines\":null}"},
        {"{\"contentId\":null,\"private\":[]}", BIT(CONTENT_ID) | BIT(PRIVATE),
         "{\"contentId\":null,\"contentIdStatus\":\"final\",\"timelines\":null,\"private\":[]}"},
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct dvbcss_cii update = from(steps[i].update);
        unsigned changed = 12345;

        cr_assert_eq(dvbcss_cii_merge(&message, &update, &changed), 0);
        cr_expect_eq(changed, steps[i].changed, "step %zu", i);
        expect_json(&message, DVBCSS_CII_ALL, steps[i].state);
        cr_assert_eq(dvbcss_cii_merge(&message, &update, NULL), 0);
        dvbcss_cii_finish(&update);
    }
}

/* ---- writing -------------------------------------------------------------------------------- */

Test(cii_message, only_the_properties_asked_for_are_written)
{
    message = from(whole);
    expect_json(&message, 0, "{}");
    expect_json(&message, BIT(TE_URL), "{}");
    expect_json(&message, BIT(MRS_URL) | BIT(CONTENT_ID), "{\"mrsUrl\":null,\"contentId\":\"a\"}");
    expect_json(&message, ~0U, whole);
}

Test(cii_message, placeholders_become_the_address_that_the_client_reached)
{
    static const struct {
        const char *host;
        uint16_t port;
        const char *url;
        const char *written;
    } cases[] = {
        {"10.0.0.7", 7681, "ws://{{host}}:{{port}}/ts", "ws://10.0.0.7:7681/ts"},
        {"10.0.0.7", 7681, "udp://{{host}}:6677", "udp://10.0.0.7:6677"},
        {"::1", 1, "ws://{{host}}:{{port}}", "ws://[::1]:1"},
        {"fe80::1%eth0", 1, "ws://{{host}}:{{port}}", "ws://[fe80::1]:1"},
        {"::ffff:10.0.0.7", 1, "ws://{{host}}:{{port}}", "ws://10.0.0.7:1"},
        {"tv.local", 1, "{{host}}{{host}}", "tv.localtv.local"},
        {"tv.local", 1, "{{ws}}://{{host}}/", "ws://tv.local/"},
        {"h", 1, "{{{host}}}{{HOST}}{{host{{port}}{{", "{h}{{HOST}}{{host1{{"},
        {"h", 1, "plain", "plain"},
        {"h", 1, "", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const enum dvbcss_cii_property urls[] = {DVBCSS_CII_MRS_URL, DVBCSS_CII_WC_URL,
                                                        DVBCSS_CII_TS_URL, DVBCSS_CII_TE_URL};
        struct dvbcss_cii_address address = {cases[i].host, cases[i].port, false};

        for (size_t u = 0; u < sizeof urls / sizeof urls[0]; u++) {
            struct dvbcss_cii cii = DVBCSS_CII_INIT;
            char expected[128];
            char *text = NULL;

            snprintf(expected, sizeof expected, "{\"%s\":\"%s\"}",
                     dvbcss_cii_property_name(urls[u]), cases[i].written);
            cr_assert_eq(dvbcss_cii_set_text(&cii, urls[u], cases[i].url), 0);
            cr_assert_eq(dvbcss_cii_encode(&cii, DVBCSS_CII_ALL, &address, &text, NULL), 0);
            cr_expect_str_eq(text, expected, "got %s", text);
            dvbcss_free(text);
            dvbcss_cii_finish(&cii);
        }
    }
}

Test(cii_message, urls_for_a_companion_with_tls_say_wss)
{
    struct dvbcss_cii_address address = {"tv.local", 7683, true};
    char *text = NULL;

    message =
        from("{\"wcUrl\":\"udp://{{host}}:6677\",\"tsUrl\":\"{{ws}}://{{host}}:{{port}}/ts\"}");
    cr_assert_eq(dvbcss_cii_encode(&message, DVBCSS_CII_ALL, &address, &text, NULL), 0);
    cr_expect_str_eq(text,
                     "{\"wcUrl\":\"udp://tv.local:6677\",\"tsUrl\":\"wss://tv.local:7683/ts\"}");
    dvbcss_free(text);
}

Test(cii_message, placeholders_are_left_in_other_properties_and_null_stays_null)
{
    struct dvbcss_cii_address address = {"h", 1, false};
    char *text = NULL;

    message = from("{\"contentId\":\"{{host}}\",\"wcUrl\":null}");
    cr_assert_eq(dvbcss_cii_encode(&message, DVBCSS_CII_ALL, &address, &text, NULL), 0);
    cr_expect_str_eq(text, "{\"contentId\":\"{{host}}\",\"wcUrl\":null}");
    dvbcss_free(text);
}

Test(cii_message, host_that_fits_no_url_is_refused)
{
    char host[300];
    struct dvbcss_cii_address address = {host, 1, false};
    char *text = NULL;

    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    cr_expect_eq(dvbcss_cii_encode(&message, DVBCSS_CII_ALL, &address, &text, NULL), DVBCSS_EVALUE);
    cr_expect_null(text);
}
