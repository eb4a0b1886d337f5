#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "common/json_get.h"

static struct dvbcss_report report;
static struct jget_place top;

static void parse_as(enum dvbcss_mode mode, const char *text)
{
    memset(&report, 0, sizeof report);
    cr_assert_eq(jget_parse(&top, text, strlen(text), mode, &report), 0, "%s: %s", text,
                 report.reason);
}

static void assert_refused(int got, int error, const char *path, const char *reason)
{
    cr_assert_eq(got, error, "got %s, not %s", dvbcss_error_name(got), dvbcss_error_name(error));
    cr_assert_eq(report.error, error);
    cr_assert_str_eq(report.path, path);
    cr_assert_str_eq(report.reason, reason);
}

/* ---- parsing -------------------------------------------------------------------------------- */

#define PARSE_BYTES(bytes)                                                                         \
    (memset(&report, 0, sizeof report),                                                            \
     jget_parse(&top, bytes, sizeof bytes - 1, DVBCSS_STRICT, &report))

Test(json_parse, text_need_not_be_terminated)
{
    cr_assert_eq(jget_parse(&top, "{}garbage", 2, DVBCSS_STRICT, NULL), 0);
    jget_finish(&top);
}

Test(json_parse, the_last_of_two_members_of_one_name_counts)
{
    int64_t value;

    parse_as(DVBCSS_STRICT, "{\"a\": 1, \"a\": 2}");
    cr_assert_eq(jget_integer(&top, "a", JGET_REQUIRED, 0, 9, NULL, &value), 0);
    cr_assert_eq(value, 2);
    jget_finish(&top);
}

Test(json_parse, broken_text_is_refused_where_it_breaks)
{
    cr_assert_eq(PARSE_BYTES("{\"a\": 1,, \"b\": 2}"), DVBCSS_EJSON);
    cr_assert_eq(report.error, DVBCSS_EJSON);
    cr_assert_eq(report.offset, 9, "%zu", report.offset);
    cr_assert_str_eq(report.path, "");
    cr_assert_neq(report.reason[0], '\0');
}

Test(json_parse, each_kind_of_broken_text_is_refused)
{
    cr_assert_eq(PARSE_BYTES(""), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES(" "), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{}{}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": NaN}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": Infinity}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": 01}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("\xef\xbb\xbf{}"), DVBCSS_EJSON);
}

Test(json_parse, zero_bytes_are_refused_wherever_they_stand)
{
    cr_assert_eq(PARSE_BYTES("{\"a\": \"x\0y\"}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": \"x\\u0000y\"}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\\u0000\": 1}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{}\0"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("\0{}"), DVBCSS_EJSON);
}

Test(json_parse, invalid_utf8_is_refused)
{
    cr_assert_eq(PARSE_BYTES("{\"a\": \"\xff\"}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": \"\xc0\x80\"}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": \"\xed\xa0\x80\"}"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": \"\xe2\x82"), DVBCSS_EJSON);
    cr_assert_eq(PARSE_BYTES("{\"a\": \"\\ud800\"}"), DVBCSS_EJSON);
}

Test(json_parse, numbers_that_fit_nothing_are_too_big)
{
    cr_assert_eq(PARSE_BYTES("{\"a\": 9223372036854775808}"), DVBCSS_ETOOBIG);
    cr_assert_eq(PARSE_BYTES("{\"a\": -9223372036854775809}"), DVBCSS_ETOOBIG);
    cr_assert_eq(PARSE_BYTES("{\"a\": 1e999}"), DVBCSS_ETOOBIG);
}

Test(json_parse, a_tolerant_reader_takes_integers_that_are_too_big_as_reals)
{
    static const char text[] = "{\"other\": [18446744073709551615], \"a\": \"x\"}";
    const char *value;

    parse_as(DVBCSS_TOLERANT, text);
    cr_assert_eq(jget_string(&top, "a", JGET_REQUIRED, NULL, &value), 0);
    cr_assert_str_eq(value, "x");
    jget_finish(&top);
    cr_assert_eq(jget_parse(&top, "[1e999]", 7, DVBCSS_TOLERANT, NULL), DVBCSS_ETOOBIG);
}

Test(json_parse, only_an_object_is_a_message)
{
    assert_refused(PARSE_BYTES("5"), DVBCSS_ETYPE, "", "expected an object, got a number");
    assert_refused(PARSE_BYTES("null"), DVBCSS_ETYPE, "", "expected an object, got null");
    assert_refused(PARSE_BYTES("[]"), DVBCSS_ETYPE, "", "expected an object, got an array");
    assert_refused(PARSE_BYTES("\"{}\""), DVBCSS_ETYPE, "", "expected an object, got a string");
    assert_refused(PARSE_BYTES("true"), DVBCSS_ETYPE, "", "expected an object, got a boolean");
}

Test(json_parse, nesting_without_end_is_refused)
{
    char text[20000];

    memset(text, '[', sizeof text);
    cr_assert_eq(jget_parse(&top, text, sizeof text, DVBCSS_STRICT, NULL), DVBCSS_EJSON);
}

Test(json_parse, bytes_of_the_peer_are_escaped_in_the_reason)
{
    cr_assert_eq(PARSE_BYTES("{\"a\": \x1b]0;x}"), DVBCSS_EJSON);
    for (const char *c = report.reason; *c; c++)
        cr_assert(*c >= 0x20 && *c < 0x7f);
}

/* ---- presence ------------------------------------------------------------------------------- */

struct presence_case {
    const char *text;
    enum jget_need need;
    int error;
    enum dvbcss_presence presence;
};

Test(json_presence, omitted_null_and_value_are_kept_apart)
{
    static const struct presence_case cases[] = {
        {"{}", JGET_REQUIRED, DVBCSS_EMISSING, DVBCSS_OMITTED},
        {"{}", JGET_OPTIONAL, 0, DVBCSS_OMITTED},
        {"{}", JGET_NULLABLE, DVBCSS_EMISSING, DVBCSS_OMITTED},
        {"{}", JGET_TRISTATE, 0, DVBCSS_OMITTED},
        {"{\"a\": null}", JGET_REQUIRED, DVBCSS_ETYPE, DVBCSS_OMITTED},
        {"{\"a\": null}", JGET_OPTIONAL, DVBCSS_ETYPE, DVBCSS_OMITTED},
        {"{\"a\": null}", JGET_NULLABLE, 0, DVBCSS_NULL},
        {"{\"a\": null}", JGET_TRISTATE, 0, DVBCSS_NULL},
        {"{\"a\": \"x\"}", JGET_REQUIRED, 0, DVBCSS_VALUE},
        {"{\"a\": \"x\"}", JGET_OPTIONAL, 0, DVBCSS_VALUE},
        {"{\"a\": \"x\"}", JGET_NULLABLE, 0, DVBCSS_VALUE},
        {"{\"a\": \"x\"}", JGET_TRISTATE, 0, DVBCSS_VALUE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const enum dvbcss_presence untouched = (enum dvbcss_presence)77;
        enum dvbcss_presence presence = untouched;
        const char *text = "untouched";
        int error;

        parse_as(DVBCSS_STRICT, cases[i].text);
        error = jget_string(&top, "a", cases[i].need, &presence, &text);
        cr_assert_eq(error, cases[i].error, "case %zu", i);
        cr_assert_eq(presence, error ? untouched : cases[i].presence, "case %zu", i);
        cr_assert_str_eq(text, presence == DVBCSS_VALUE ? "x" : "untouched", "case %zu", i);
        jget_finish(&top);
    }
}

Test(json_presence, a_required_member_needs_no_presence)
{
    const char *text;

    parse_as(DVBCSS_STRICT, "{\"a\": \"\"}");
    cr_assert_eq(jget_string(&top, "a", JGET_REQUIRED, NULL, &text), 0);
    cr_assert_str_eq(text, "");
    assert_refused(jget_string(&top, "b", JGET_REQUIRED, NULL, &text), DVBCSS_EMISSING, "b",
                   "required member is missing");
    jget_finish(&top);
}

Test(json_presence, a_success_leaves_the_report_alone)
{
    const char *text;

    parse_as(DVBCSS_STRICT, "{\"a\": \"x\"}");
    report.error = 4711;
    cr_assert_eq(jget_string(&top, "a", JGET_REQUIRED, NULL, &text), 0);
    cr_assert_eq(report.error, 4711);
    jget_finish(&top);
}

/* ---- numbers -------------------------------------------------------------------------------- */

struct number_case {
    const char *json;
    /** What strict mode says, then what tolerant mode says. */
    int strict;
    int tolerant;
    int64_t value;
};

static void check_numbers(const struct number_case *cases, size_t count, int (*get)(int64_t *out))
{
    for (size_t i = 0; i < count; i++) {
        for (int mode = DVBCSS_STRICT; mode <= DVBCSS_TOLERANT; mode++) {
            int expected = mode == DVBCSS_STRICT ? cases[i].strict : cases[i].tolerant;
            char text[128];
            int64_t value = 4711;
            int error;

            snprintf(text, sizeof text, "{\"a\": %s}", cases[i].json);
            parse_as((enum dvbcss_mode)mode, text);
            error = get(&value);
            cr_assert_eq(error, expected, "%s in mode %d: %s", text, mode,
                         dvbcss_error_name(error));
            cr_assert_eq(value, error ? 4711 : cases[i].value, "%s: %" PRId64, text, value);
            jget_finish(&top);
        }
    }
}

static int get_decimal(int64_t *out)
{
    return jget_decimal(&top, "a", JGET_REQUIRED, NULL, out);
}

Test(json_numbers, times_are_strings_of_decimal_digits)
{
    static const struct number_case cases[] = {
        {"\"0\"", 0, 0, 0},
        {"\"-1\"", 0, 0, -1},
        {"\"1003847\"", 0, 0, 1003847},
        {"\"9223372036854775807\"", 0, 0, INT64_MAX},
        {"\"-9223372036854775808\"", 0, 0, INT64_MIN},
        {"\"9223372036854775808\"", DVBCSS_ETOOBIG, DVBCSS_ETOOBIG, 0},
        {"\"-9223372036854775809\"", DVBCSS_ETOOBIG, DVBCSS_ETOOBIG, 0},
        {"\"12345678901234567890\"", DVBCSS_ETOOBIG, DVBCSS_ETOOBIG, 0},
        {"\"9238756389456238756498237645289\"", DVBCSS_ETOOBIG, DVBCSS_ETOOBIG, 0},
        {"\"99999999999999999999999999999x\"", DVBCSS_EVALUE, DVBCSS_ETOOBIG, 0},
        {"\"\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"-\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"01\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"-0\"", DVBCSS_EVALUE, 0, 0},
        {"\"-01\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"+1\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\" 1\"", DVBCSS_EVALUE, 0, 1},
        {"\"1\\n\"", DVBCSS_EVALUE, 0, 1},
        {"\"1.0\"", DVBCSS_EVALUE, 0, 1},
        {"\"1e3\"", DVBCSS_EVALUE, 0, 1000},
        {"\"1e18\"", DVBCSS_EVALUE, 0, 1000000000000000000},
        {"\"1e+21\"", DVBCSS_EVALUE, DVBCSS_ETOOBIG, 0},
        {"\"-9223372036854775808.0\"", DVBCSS_EVALUE, 0, INT64_MIN},
        {"\"9223372036854775808.0\"", DVBCSS_EVALUE, DVBCSS_ETOOBIG, 0},
        {"\"1e999\"", DVBCSS_EVALUE, DVBCSS_ETOOBIG, 0},
        {"\"5.25\"", DVBCSS_EVALUE, 0, 5},
        {"\"12345.5\"", DVBCSS_EVALUE, 0, 12346},
        {"\"-0.5\"", DVBCSS_EVALUE, 0, -1},
        {"\"-0.25\"", DVBCSS_EVALUE, 0, 0},
        {"\"1e-400\"", DVBCSS_EVALUE, 0, 0},
        {"\"9223372036854775807.5\"", DVBCSS_EVALUE, DVBCSS_ETOOBIG, 0},
        {"\"5.25x\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"5.\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\".5\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"minusinfinity\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"NaN\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"[1]\"", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"5", DVBCSS_ETYPE, 0, 5},
        {"-5.0", DVBCSS_ETYPE, 0, -5},
        {"5.25", DVBCSS_ETYPE, 0, 5},
        {"-5.5", DVBCSS_ETYPE, 0, -6},
        {"1e300", DVBCSS_ETYPE, DVBCSS_ETOOBIG, 0},
        {"true", DVBCSS_ETYPE, DVBCSS_ETYPE, 0},
        {"[]", DVBCSS_ETYPE, DVBCSS_ETYPE, 0},
        {"{}", DVBCSS_ETYPE, DVBCSS_ETYPE, 0},
    };

    check_numbers(cases, sizeof cases / sizeof cases[0], get_decimal);
}

static int get_integer(int64_t *out)
{
    return jget_integer(&top, "a", JGET_REQUIRED, 1, UINT32_MAX, NULL, out);
}

Test(json_numbers, integers_keep_to_their_bounds)
{
    static const struct number_case cases[] = {
        {"1", 0, 0, 1},
        {"4294967295", 0, 0, UINT32_MAX},
        {"0", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"-1", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"4294967296", DVBCSS_ETOOBIG, DVBCSS_ETOOBIG, 0},
        {"90000.0", DVBCSS_EVALUE, 0, 90000},
        {"9e4", DVBCSS_EVALUE, 0, 90000},
        {"1.5", DVBCSS_EVALUE, DVBCSS_EVALUE, 0},
        {"\"90000\"", DVBCSS_ETYPE, 0, 90000},
        {"\"ninety\"", DVBCSS_ETYPE, DVBCSS_EVALUE, 0},
        {"\"\"", DVBCSS_ETYPE, DVBCSS_EVALUE, 0},
        {"\"null\"", DVBCSS_ETYPE, DVBCSS_EVALUE, 0},
        {"false", DVBCSS_ETYPE, DVBCSS_ETYPE, 0},
    };

    check_numbers(cases, sizeof cases / sizeof cases[0], get_integer);
}

static int get_number_in_tenths(int64_t *out)
{
    double number;
    int error = jget_number(&top, "a", JGET_REQUIRED, NULL, &number);

    if (!error)
        *out = (int64_t)(number * 10.0);
    return error;
}

Test(json_numbers, numbers_are_numbers)
{
    static const struct number_case cases[] = {
        {"1", 0, 0, 10},
        {"-2.5", 0, 0, -25},
        {"1e2", 0, 0, 1000},
        {"\"1.5\"", DVBCSS_ETYPE, 0, 15},
        {"\"1.5x\"", DVBCSS_ETYPE, DVBCSS_EVALUE, 0},
        {"\"nan\"", DVBCSS_ETYPE, DVBCSS_EVALUE, 0},
        {"\"Infinity\"", DVBCSS_ETYPE, DVBCSS_EVALUE, 0},
        {"true", DVBCSS_ETYPE, DVBCSS_ETYPE, 0},
    };

    check_numbers(cases, sizeof cases / sizeof cases[0], get_number_in_tenths);
}

/* ---- paths ---------------------------------------------------------------------------------- */

Test(json_path, a_refusal_names_the_way_to_the_member)
{
    struct jget_place timelines;
    struct jget_place entry;
    struct jget_place properties;
    int64_t value;

    parse_as(DVBCSS_STRICT,
             "{\"timelines\": [{}, {\"timelineProperties\": {\"unitsPerTick\": true}}, 7]}");
    cr_assert_eq(jget_array(&top, "timelines", JGET_REQUIRED, NULL, &timelines), 0);
    cr_assert_eq(jget_length(&timelines), 3);
    cr_assert_eq(jget_element(&timelines, 1, &entry), 0);
    cr_assert_eq(jget_object(&entry, "timelineProperties", JGET_REQUIRED, NULL, &properties), 0);
    assert_refused(jget_integer(&properties, "unitsPerTick", JGET_REQUIRED, 1, 9, NULL, &value),
                   DVBCSS_ETYPE, "timelines[1].timelineProperties.unitsPerTick",
                   "expected a number, got a boolean");
    assert_refused(jget_element(&timelines, 2, &entry), DVBCSS_ETYPE, "timelines[2]",
                   "expected an object, got a number");
    assert_refused(jget_object(&top, "timelines", JGET_REQUIRED, NULL, &entry), DVBCSS_ETYPE,
                   "timelines", "expected an object, got an array");
    jget_finish(&top);
}

Test(json_path, a_refusal_of_the_decoder_is_reported_the_same_way)
{
    parse_as(DVBCSS_STRICT, "{\"a\": \"b\\nc\"}");
    cr_assert(jget_is(&top, "a", "b\nc"));
    cr_assert(!jget_is(&top, "a", "b"));
    cr_assert(!jget_is(&top, "x", "b"));
    assert_refused(jget_fail(&top, "a", DVBCSS_EVALUE, "'%s' is unknown", "b\nc"), DVBCSS_EVALUE,
                   "a", "'b\\nc' is unknown");
    assert_refused(jget_fail(&top, NULL, DVBCSS_EVALUE, "both or none"), DVBCSS_EVALUE, "",
                   "both or none");
    jget_finish(&top);
}

Test(json_path, a_long_path_and_reason_are_cut)
{
    struct jget_place place;
    char key[200];

    parse_as(DVBCSS_STRICT, "{\"a\": {}}");
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    cr_assert_eq(jget_object(&top, "a", JGET_REQUIRED, NULL, &place), 0);
    cr_assert_eq(jget_fail(&place, key, DVBCSS_EVALUE, "%s", key), DVBCSS_EVALUE);
    cr_assert_eq(strlen(report.path), sizeof report.path - 1);
    cr_assert_eq(strlen(report.reason), sizeof report.reason - 1);
    jget_finish(&top);
}
