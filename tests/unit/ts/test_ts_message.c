/*
 * CSS-TS messages over the vectors in tests/vectors/ts/:
 *   valid/KIND/         both modes accept; what is written from it reads back the same
 *   tolerated/KIND/     DVBCSS_TOLERANT accepts, DVBCSS_STRICT refuses with the error in the name
 *   invalid/KIND/       both refuse with the error in the name
 */
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/ts.h"

/* ---- the vectors ---------------------------------------------------------------------------- */

/* Any of the messages. */
union message {
    struct dvbcss_ts_setup setup;
    struct dvbcss_ts_control_timestamp control;
    struct dvbcss_ts_presentation presentation;
};

static int decode_setup(const char *text, size_t length, enum dvbcss_mode mode, union message *out,
                        struct dvbcss_report *report)
{
    return dvbcss_ts_setup_decode(text, length, mode, &out->setup, report);
}

static int encode_setup(const union message *message, char *buffer, size_t size, size_t *length)
{
    return dvbcss_ts_setup_encode(&message->setup, buffer, size, length);
}

static bool equal_setup(const union message *a, const union message *b)
{
    const char *one = a->setup.private_data;
    const char *other = b->setup.private_data;

    return strcmp(a->setup.content_id_stem, b->setup.content_id_stem) == 0 &&
           strcmp(a->setup.timeline_selector, b->setup.timeline_selector) == 0 && !one == !other &&
           (!one || strcmp(one, other) == 0);
}

static void clear_setup(union message *message)
{
    dvbcss_ts_setup_clear(&message->setup);
}

static int decode_control(const char *text, size_t length, enum dvbcss_mode mode,
                          union message *out, struct dvbcss_report *report)
{
    return dvbcss_ts_control_timestamp_decode(text, length, mode, &out->control, report);
}

static int encode_control(const union message *message, char *buffer, size_t size, size_t *length)
{
    return dvbcss_ts_control_timestamp_encode(&message->control, buffer, size, length);
}

static bool equal_control(const union message *a, const union message *b)
{
    return dvbcss_ts_control_timestamp_equal(&a->control, &b->control);
}

static int decode_presentation(const char *text, size_t length, enum dvbcss_mode mode,
                               union message *out, struct dvbcss_report *report)
{
    return dvbcss_ts_presentation_decode(text, length, mode, &out->presentation, report);
}

static int encode_presentation(const union message *message, char *buffer, size_t size,
                               size_t *length)
{
    return dvbcss_ts_presentation_encode(&message->presentation, buffer, size, length);
}

static bool equal_presentation(const union message *a, const union message *b)
{
    return dvbcss_ts_presentation_equal(&a->presentation, &b->presentation);
}

static void clear_nothing(union message *message)
{
    (void)message;
}

static const struct kind {
    const char *folder;
    int (*decode)(const char *text, size_t length, enum dvbcss_mode mode, union message *out,
                  struct dvbcss_report *report);
    int (*encode)(const union message *message, char *buffer, size_t size, size_t *length);
    bool (*equal)(const union message *a, const union message *b);
    void (*clear)(union message *message);
} kinds[] = {
    {"setup", decode_setup, encode_setup, equal_setup, clear_setup},
    {"control", decode_control, encode_control, equal_control, clear_nothing},
    {"presentation", decode_presentation, encode_presentation, equal_presentation, clear_nothing},
};

/* Checks one vector. `expected` is what strict decoding returns, by its name. */
typedef void (*checker)(const struct kind *kind, const char *name, const char *text, size_t length,
                        const char *expected);

static void check_file(const struct kind *kind, const char *folder, const char *name, checker check)
{
    char path[1024];
    char text[4096];
    char expected[64];
    FILE *file;
    size_t length;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    length = fread(text, 1, sizeof text, file);
    fclose(file);
    snprintf(expected, sizeof expected, "DVBCSS_%.*s", (int)strcspn(name, "-"), name);
    /* On the heap without a terminator, so that reading past the end is seen. */
    char *exact = malloc(length + 1);
    memcpy(exact, text, length);
    exact = realloc(exact, length ? length : 1);
    check(kind, path, exact, length, expected);
    free(exact);
}

static void check_all(const char *what, checker check)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char folder[512];
        struct dirent *entry;
        unsigned count = 0;
        DIR *files;

        snprintf(folder, sizeof folder, "%s/ts/%s/%s", VECTORS_DIR, what, kinds[i].folder);
        files = opendir(folder);
        cr_assert_not_null(files, "%s", folder);
        while ((entry = readdir(files))) {
            if (entry->d_name[0] == '.')
                continue;
            check_file(&kinds[i], folder, entry->d_name, check);
            count++;
        }
        closedir(files);
        cr_assert_gt(count, 0, "no vectors in %s", folder);
    }
}

static void check_valid(const struct kind *kind, const char *name, const char *text, size_t length,
                        const char *expected)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    union message strict;
    union message tolerant;
    union message again;
    char written[1024];
    size_t written_length;

    (void)expected;
    cr_assert_eq(kind->decode(text, length, DVBCSS_STRICT, &strict, &report), 0, "%s: %s: %s", name,
                 report.path, report.reason);
    cr_assert_eq(kind->decode(text, length, DVBCSS_TOLERANT, &tolerant, NULL), 0, "%s", name);
    cr_assert(kind->equal(&strict, &tolerant), "%s: the modes differ", name);
    cr_assert_eq(kind->encode(&strict, written, sizeof written, &written_length), 0, "%s", name);
    cr_assert_eq(strlen(written), written_length, "%s", name);
    cr_assert_eq(kind->decode(written, written_length, DVBCSS_STRICT, &again, NULL), 0, "%s: %s",
                 name, written);
    cr_assert(kind->equal(&strict, &again), "%s: written as %s", name, written);
    kind->clear(&strict);
    kind->clear(&tolerant);
    kind->clear(&again);
}

static void check_refused(const struct kind *kind, const char *name, const char *text,
                          size_t length, enum dvbcss_mode mode, const char *expected)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    union message untouched;
    union message out;
    int error;

    memset(&out, 0x5a, sizeof out);
    untouched = out;
    error = kind->decode(text, length, mode, &out, &report);
    cr_assert_str_eq(dvbcss_error_name(error), expected, "%s: %s: %s", name, report.path,
                     report.reason);
    cr_assert_eq(report.error, error, "%s", name);
    cr_assert_neq(report.reason[0], '\0', "%s", name);
    cr_assert_eq(memcmp(&out, &untouched, sizeof out), 0, "%s: changed on failure", name);
}

static void check_tolerated(const struct kind *kind, const char *name, const char *text,
                            size_t length, const char *expected)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    union message message;

    check_refused(kind, name, text, length, DVBCSS_STRICT, expected);
    cr_assert_eq(kind->decode(text, length, DVBCSS_TOLERANT, &message, &report), 0, "%s: %s: %s",
                 name, report.path, report.reason);
    kind->clear(&message);
}

static void check_invalid(const struct kind *kind, const char *name, const char *text,
                          size_t length, const char *expected)
{
    check_refused(kind, name, text, length, DVBCSS_STRICT, expected);
    check_refused(kind, name, text, length, DVBCSS_TOLERANT, expected);
}

Test(ts_message, valid_vectors_are_read_in_both_modes_and_survive_being_written)
{
    check_all("valid", check_valid);
}

Test(ts_message, tolerated_vectors_are_read_in_tolerant_mode_only)
{
    check_all("tolerated", check_tolerated);
}

Test(ts_message, invalid_vectors_are_refused_in_both_modes_and_change_nothing)
{
    check_all("invalid", check_invalid);
}

/* ---- setup-data ----------------------------------------------------------------------------- */

static struct dvbcss_ts_setup setup_of(const char *text, enum dvbcss_mode mode)
{
    struct dvbcss_ts_setup setup = DVBCSS_TS_SETUP_INIT;

    cr_assert_eq(dvbcss_ts_setup_decode(text, strlen(text), mode, &setup, NULL), 0, "%s", text);
    return setup;
}

Test(ts_setup, a_missing_or_null_stem_is_empty_for_servers)
{
    static const char *const texts[] = {"{\"timelineSelector\":\"urn:a\"}",
                                        "{\"timelineSelector\":\"urn:a\",\"contentIdStem\":null}"};

    for (size_t i = 0; i < 2; i++) {
        struct dvbcss_ts_setup setup = setup_of(texts[i], DVBCSS_TOLERANT);

        cr_assert_str_eq(setup.content_id_stem, "");
        cr_assert_str_eq(setup.timeline_selector, "urn:a");
        cr_assert_null(setup.private_data);
        dvbcss_ts_setup_clear(&setup);
    }
}

Test(ts_setup, private_data_are_kept_in_their_order)
{
    struct dvbcss_ts_setup setup =
        setup_of("{\"timelineSelector\":\"s\",\"contentIdStem\":\"\","
                 "\"private\":[ {\"type\":\"b\",\"a\":[1,null]},\n{\"type\":\"a\"} ]}",
                 DVBCSS_STRICT);

    cr_assert_str_eq(setup.private_data, "[{\"type\":\"b\",\"a\":[1,null]},{\"type\":\"a\"}]");
    dvbcss_ts_setup_clear(&setup);
    cr_assert_null(setup.private_data);
}

Test(ts_setup, is_written_in_the_order_of_the_standard)
{
    const struct dvbcss_ts_setup setup = {"dvb://\"\\\n", "urn:a", "[{\"type\": \"x\"}]"};
    char text[128];
    size_t length;

    cr_assert_eq(dvbcss_ts_setup_encode(&setup, text, sizeof text, &length), 0);
    cr_assert_str_eq(text,
                     "{\"contentIdStem\":\"dvb://\\\"\\\\\\n\",\"timelineSelector\":\"urn:a\","
                     "\"private\":[{\"type\":\"x\"}]}");
}

Test(ts_setup, what_no_message_can_carry_is_not_written)
{
    static const struct dvbcss_ts_setup setups[] = {
        {NULL, "s", NULL},         {"a", NULL, NULL},
        {"\xff", "s", NULL},       {"a", "\xc3", NULL},
        {"a", "s", "{}"},          {"a", "s", "[{}]"},
        {"a", "s", "[1]"},         {"a", "s", ""},
        {"a", "s", "[],\"b\":[]"}, {"a", "s", "[{\"type\":\"\xff\"}]"},
    };

    for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
        char text[64] = "untouched";
        size_t length;

        cr_assert_eq(dvbcss_ts_setup_encode(&setups[i], text, sizeof text, &length), DVBCSS_EINVAL,
                     "case %zu", i);
        cr_assert_str_eq(text, "untouched");
    }
}

Test(ts_setup, too_small_a_buffer_is_told_how_much_is_needed)
{
    const struct dvbcss_ts_setup setup = {"a", "s", NULL};
    char text[64] = "untouched";
    size_t length = 0;
    size_t again;

    cr_assert_eq(dvbcss_ts_setup_encode(&setup, NULL, 0, &length), DVBCSS_ENOSPC);
    cr_assert_eq(dvbcss_ts_setup_encode(&setup, text, length, &again), DVBCSS_ENOSPC);
    cr_assert_str_eq(text, "untouched");
    cr_assert_eq(dvbcss_ts_setup_encode(&setup, text, length + 1, &again), 0);
    cr_assert_eq(again, length);
    cr_assert_eq(strlen(text), length);
}

/* ---- control timestamps --------------------------------------------------------------------- */

static void expect_control(const char *text, bool available, int64_t content, int64_t wall,
                           double speed)
{
    struct dvbcss_ts_control_timestamp timestamp;

    cr_assert_eq(
        dvbcss_ts_control_timestamp_decode(text, strlen(text), DVBCSS_TOLERANT, &timestamp, NULL),
        0, "%s", text);
    cr_assert_eq(timestamp.available, available, "%s", text);
    cr_assert_eq(timestamp.content_time_ticks, content, "%s", text);
    cr_assert_eq(timestamp.wall_clock_time_ns, wall, "%s", text);
    cr_assert_eq(timestamp.speed, speed, "%s", text);
}

Test(ts_control_timestamp, says_what_it_said_on_the_wire)
{
    expect_control("{\"contentTime\":\"1003847\",\"wallClockTime\":\"348957623498576\","
                   "\"timelineSpeedMultiplier\":2.0}",
                   true, 1003847, INT64_C(348957623498576), 2.0);
    expect_control(
        "{\"contentTime\":null,\"wallClockTime\":\"7\",\"timelineSpeedMultiplier\":null}", false, 0,
        7, 0.0);
}

Test(ts_control_timestamp, is_unavailable_if_anything_of_the_line_is_missing)
{
    expect_control("{\"contentTime\":\"5\",\"wallClockTime\":\"7\","
                   "\"timelineSpeedMultiplier\":null}",
                   false, 0, 7, 0.0);
    expect_control("{\"wallClockTime\":\"7\",\"timelineSpeedMultiplier\":1}", false, 0, 7, 0.0);
    expect_control("{\"contentTime\":\"5\",\"wallClockTime\":\"7\"}", false, 0, 7, 0.0);
    expect_control("{\"contentTime\":null}", false, 0, 0, 0.0);
}

Test(ts_control_timestamp, takes_numbers_for_strings_and_strings_for_numbers)
{
    expect_control("{\"contentTime\":5e3,\"wallClockTime\":7,\"timelineSpeedMultiplier\":\"-2.5\"}",
                   true, 5000, 7, -2.5);
    expect_control("{\"contentTime\":\"1e3\",\"wallClockTime\":\"7.0\","
                   "\"timelineSpeedMultiplier\":\"1e0\"}",
                   true, 1000, 7, 1.0);
}

static void expect_written(struct dvbcss_ts_control_timestamp timestamp, const char *expected)
{
    char text[DVBCSS_TS_CONTROL_TIMESTAMP_SIZE];
    size_t length;

    cr_assert_eq(dvbcss_ts_control_timestamp_encode(&timestamp, text, sizeof text, &length), 0);
    cr_assert_str_eq(text, expected);
    cr_assert_eq(length, strlen(expected));
}

Test(ts_control_timestamp, is_written_compactly_with_all_members)
{
    expect_written((struct dvbcss_ts_control_timestamp){true, 834188, INT64_C(116012000000), 1.0},
                   "{\"contentTime\":\"834188\",\"wallClockTime\":\"116012000000\","
                   "\"timelineSpeedMultiplier\":1}");
    expect_written((struct dvbcss_ts_control_timestamp){false, 5, 900028432, 1.0},
                   "{\"contentTime\":null,\"wallClockTime\":\"900028432\","
                   "\"timelineSpeedMultiplier\":null}");
    expect_written((struct dvbcss_ts_control_timestamp){true, -1, -5, -1.005},
                   "{\"contentTime\":\"-1\",\"wallClockTime\":\"-5\","
                   "\"timelineSpeedMultiplier\":-1.005}");
}

Test(ts_control_timestamp, the_speed_is_the_shortest_number_that_reads_back)
{
    static const struct {
        double speed;
        const char *text;
    } cases[] = {{1.0, "1"},        {0.0, "0"},
                 {-0.0, "0"},       {0.1, "0.1"},
                 {-2.5, "-2.5"},    {1.0 / 3.0, "0.3333333333333333"},
                 {1e300, "1e+300"}, {1.0000000000000002, "1.0000000000000002"},
                 {0.5, "0.5"},      {1.00002, "1.00002"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[160];

        snprintf(expected, sizeof expected,
                 "{\"contentTime\":\"0\",\"wallClockTime\":\"0\",\"timelineSpeedMultiplier\":%s}",
                 cases[i].text);
        expect_written((struct dvbcss_ts_control_timestamp){true, 0, 0, cases[i].speed}, expected);
    }
}

Test(ts_control_timestamp, the_speed_is_json_in_every_locale)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C.UTF-8"};

    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++) {
        /* Not every machine has every locale; the last one is always there. */
        if (!setlocale(LC_NUMERIC, locales[i]))
            continue;
        expect_written((struct dvbcss_ts_control_timestamp){true, 0, 0, -1234.5},
                       "{\"contentTime\":\"0\",\"wallClockTime\":\"0\","
                       "\"timelineSpeedMultiplier\":-1234.5}");
        setlocale(LC_NUMERIC, "C");
    }
}

Test(ts_control_timestamp, the_largest_one_has_room)
{
    char text[DVBCSS_TS_CONTROL_TIMESTAMP_SIZE];
    const struct dvbcss_ts_control_timestamp timestamp = {true, INT64_MIN, INT64_MIN,
                                                          -2.2250738585072014e-308};
    size_t length;

    cr_assert_eq(dvbcss_ts_control_timestamp_encode(&timestamp, text, sizeof text, &length), 0);
}

Test(ts_control_timestamp, a_speed_that_is_no_number_is_not_written)
{
    static const double speeds[] = {NAN, INFINITY, -INFINITY};

    for (size_t i = 0; i < 3; i++) {
        const struct dvbcss_ts_control_timestamp timestamp = {true, 0, 0, speeds[i]};
        char text[DVBCSS_TS_CONTROL_TIMESTAMP_SIZE];
        size_t length;

        cr_assert_eq(dvbcss_ts_control_timestamp_encode(&timestamp, text, sizeof text, &length),
                     DVBCSS_EINVAL);
    }
}

Test(ts_control_timestamp, equality_ignores_what_an_unavailable_one_does_not_say)
{
    struct dvbcss_ts_control_timestamp a = {true, 1, 2, 1.0};
    struct dvbcss_ts_control_timestamp b = a;

    cr_assert(dvbcss_ts_control_timestamp_equal(&a, &b));
    b.speed = 2.0;
    cr_assert_not(dvbcss_ts_control_timestamp_equal(&a, &b));
    a.available = b.available = false;
    cr_assert(dvbcss_ts_control_timestamp_equal(&a, &b));
    b.wall_clock_time_ns++;
    cr_assert_not(dvbcss_ts_control_timestamp_equal(&a, &b));
}

/* ---- presentation timestamps ---------------------------------------------------------------- */

Test(ts_presentation, says_what_it_said_on_the_wire)
{
    static const char text[] =
        "{\"earliest\":{\"contentTime\":\"123465\",\"wallClockTime\":\"minusinfinity\"},"
        "\"latest\":{\"contentTime\":\"123466\",\"wallClockTime\":\"19284782\"}}";
    struct dvbcss_ts_presentation presentation;

    cr_assert_eq(
        dvbcss_ts_presentation_decode(text, sizeof text - 1, DVBCSS_STRICT, &presentation, NULL),
        0);
    cr_assert_not(presentation.has_actual);
    cr_assert_eq(presentation.earliest.content_time_ticks, 123465);
    cr_assert_eq(presentation.earliest.when, DVBCSS_TS_MINUS_INFINITY);
    cr_assert_eq(presentation.latest.content_time_ticks, 123466);
    cr_assert_eq(presentation.latest.when, DVBCSS_TS_AT);
    cr_assert_eq(presentation.latest.wall_clock_time_ns, 19284782);
}

Test(ts_presentation, is_written_with_its_tokens)
{
    struct dvbcss_ts_presentation presentation = DVBCSS_TS_PRESENTATION_INIT;
    char text[DVBCSS_TS_PRESENTATION_SIZE];
    size_t length;

    cr_assert_eq(dvbcss_ts_presentation_encode(&presentation, text, sizeof text, &length), 0);
    cr_assert_str_eq(text,
                     "{\"earliest\":{\"contentTime\":\"0\",\"wallClockTime\":\"minusinfinity\"},"
                     "\"latest\":{\"contentTime\":\"0\",\"wallClockTime\":\"plusinfinity\"}}");
    presentation.has_actual = true;
    presentation.actual = (struct dvbcss_ts_point){90580, DVBCSS_TS_AT, INT64_C(9000000000)};
    presentation.earliest = (struct dvbcss_ts_point){-1, DVBCSS_TS_AT, -2};
    cr_assert_eq(dvbcss_ts_presentation_encode(&presentation, text, sizeof text, &length), 0);
    cr_assert_str_eq(text,
                     "{\"actual\":{\"contentTime\":\"90580\",\"wallClockTime\":\"9000000000\"},"
                     "\"earliest\":{\"contentTime\":\"-1\",\"wallClockTime\":\"-2\"},"
                     "\"latest\":{\"contentTime\":\"0\",\"wallClockTime\":\"plusinfinity\"}}");
}

Test(ts_presentation, the_largest_one_has_room)
{
    const struct dvbcss_ts_point smallest = {INT64_MIN, DVBCSS_TS_AT, INT64_MIN};
    const struct dvbcss_ts_presentation presentation = {true, smallest, smallest, smallest};
    char text[DVBCSS_TS_PRESENTATION_SIZE];
    size_t length;

    cr_assert_eq(dvbcss_ts_presentation_encode(&presentation, text, sizeof text, &length), 0);
    cr_assert_eq(dvbcss_ts_presentation_encode(&presentation, text, length, &length),
                 DVBCSS_ENOSPC);
}

Test(ts_presentation, an_infinity_where_none_is_allowed_is_not_written)
{
    const struct dvbcss_ts_point never = {0, DVBCSS_TS_PLUS_INFINITY, 0};
    const struct dvbcss_ts_point always = {0, DVBCSS_TS_MINUS_INFINITY, 0};
    const struct dvbcss_ts_point now = {0, DVBCSS_TS_AT, 0};
    const struct dvbcss_ts_presentation wrong[] = {
        {false, now, never, now}, {false, now, now, always}, {true, always, now, now}};

    for (size_t i = 0; i < 3; i++) {
        char text[DVBCSS_TS_PRESENTATION_SIZE];
        size_t length;

        cr_assert_eq(dvbcss_ts_presentation_encode(&wrong[i], text, sizeof text, &length),
                     DVBCSS_EINVAL, "case %zu", i);
    }
}

/* ---- any message of a companion ------------------------------------------------------------- */

Test(ts_request, knows_messages_by_their_members)
{
    static const struct {
        const char *text;
        int error;
        enum dvbcss_ts_request_kind kind;
    } cases[] = {
        {"{\"timelineSelector\":\"a\"}", 0, DVBCSS_TS_REQUEST_SETUP},
        {"{\"contentIdStem\":\"a\"}", DVBCSS_EMISSING, DVBCSS_TS_REQUEST_SETUP},
        {"{\"earliest\":{\"contentTime\":\"1\",\"wallClockTime\":\"2\"},"
         "\"latest\":{\"contentTime\":\"1\",\"wallClockTime\":\"2\"}}",
         0, DVBCSS_TS_REQUEST_PRESENTATION},
        {"{}", DVBCSS_EMISSING, DVBCSS_TS_REQUEST_PRESENTATION},
        {"[]", DVBCSS_ETYPE, DVBCSS_TS_REQUEST_PRESENTATION},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dvbcss_ts_request request;
        int error = dvbcss_ts_request_decode(cases[i].text, strlen(cases[i].text), DVBCSS_TOLERANT,
                                             &request, NULL);

        cr_assert_eq(error, cases[i].error, "%s", cases[i].text);
        if (error)
            continue;
        cr_assert_eq(request.kind, cases[i].kind, "%s", cases[i].text);
        dvbcss_ts_request_clear(&request);
    }
    dvbcss_ts_request_clear(NULL);
    dvbcss_ts_setup_clear(NULL);
}
