#include <string.h>

#include "common/utf8.h"
#include "dvbcss/alloc.h"
#include "dvbcss/ts.h"
#include "ts/ts_json.h"

enum { DUMP_FLAGS = JSON_COMPACT | JSON_ENCODE_ANY };

enum { STEM, SELECTOR, PRIVATE };

static const struct ts_rule rules[] = {
    [STEM] = {"contentIdStem", {JGET_REQUIRED, JGET_TRISTATE}},
    [SELECTOR] = {"timelineSelector", {JGET_REQUIRED, JGET_REQUIRED}},
    [PRIVATE] = {"private", {JGET_OPTIONAL, JGET_TRISTATE}},
};

/* Checks private data: an array of objects that each name their type (clause 5.7.3). */
static int check_private(const struct jget_place *array)
{
    int error = 0;

    for (size_t i = 0; !error && i < jget_length(array); i++) {
        struct jget_place item;
        const char *type;

        error = jget_element(array, i, &item);
        if (!error)
            error = jget_string(&item, "type", JGET_REQUIRED, NULL, &type);
    }
    return error;
}

/* Writes a value as JSON text of its own. */
static int dump(const json_t *value, char **out, size_t *out_length)
{
    size_t length = json_dumpb(value, NULL, 0, DUMP_FLAGS);
    char *text = length ? dvbcss_malloc(length + 1) : NULL;

    /* Every value that gets here can be written: only memory can be lacking. */
    if (!text || json_dumpb(value, text, length, DUMP_FLAGS) != length) {
        dvbcss_free(text);
        return DVBCSS_ENOMEM;
    }
    text[length] = '\0';
    *out = text;
    if (out_length)
        *out_length = length;
    return 0;
}

static int read_private(const struct jget_place *top, const char **out)
{
    const struct ts_rule *rule = &rules[PRIVATE];
    const json_t *value = json_object_get(top->value, rule->key);
    enum dvbcss_presence presence = DVBCSS_OMITTED;
    struct jget_place array;
    char *text = NULL;
    int error = 0;

    if (top->mode == DVBCSS_STRICT) {
        error = jget_array(top, rule->key, rule->need[DVBCSS_STRICT], &presence, &array);
        if (!error && presence == DVBCSS_VALUE)
            error = check_private(&array);
    }
    if (!error && value && !json_is_null(value) && dump(value, &text, NULL))
        error = jget_fail(top, rule->key, DVBCSS_ENOMEM, "out of memory");
    if (!error)
        *out = text;
    return error;
}

int ts_setup_read(const struct jget_place *top, void *out)
{
    struct dvbcss_ts_setup setup = DVBCSS_TS_SETUP_INIT;
    enum dvbcss_presence presence;
    const char *stem = "";
    const char *selector;
    int error;

    error = jget_string(top, rules[STEM].key, rules[STEM].need[top->mode], &presence, &stem);
    if (!error)
        error =
            jget_string(top, rules[SELECTOR].key, rules[SELECTOR].need[top->mode], NULL, &selector);
    if (!error)
        error = read_private(top, &setup.private_data);
    if (error)
        return error;
    setup.content_id_stem = dvbcss_strdup(stem);
    setup.timeline_selector = dvbcss_strdup(selector);
    if (!setup.content_id_stem || !setup.timeline_selector) {
        dvbcss_ts_setup_clear(&setup);
        return jget_fail(top, NULL, DVBCSS_ENOMEM, "out of memory");
    }
    *(struct dvbcss_ts_setup *)out = setup;
    return 0;
}

int dvbcss_ts_setup_decode(const char *text, size_t length, enum dvbcss_mode mode,
                           struct dvbcss_ts_setup *out, struct dvbcss_report *report)
{
    return ts_decode(text, length, mode, ts_setup_read, out, report);
}

/* Writes a string as a JSON string. */
static int quote(const char *text, char **out, size_t *out_length)
{
    json_t *value;
    int error;

    if (!utf8_is_valid(text))
        return DVBCSS_EINVAL;
    value = json_string_nocheck(text);
    if (!value)
        return DVBCSS_ENOMEM;
    error = dump(value, out, out_length);
    json_decref(value);
    return error;
}

/* Writes private data afresh, so that nothing but private data can be in it. */
static int rewrite_private(const char *private_data, char **out, size_t *out_length)
{
    struct jget_place array;
    int error = jget_parse_any(&array, private_data, strlen(private_data), DVBCSS_STRICT, NULL);

    if (!error) {
        error = json_is_array(array.value) ? check_private(&array) : DVBCSS_EINVAL;
        if (!error)
            error = dump(array.value, out, out_length);
        jget_finish(&array);
    }
    return error && error != DVBCSS_ENOMEM ? DVBCSS_EINVAL : error;
}

/* A part of the text: bytes that follow one another. */
struct part {
    const char *bytes;
    size_t length;
};

static int join(const struct part *parts, size_t count, char *buffer, size_t size, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < count; i++)
        *length += parts[i].length;
    if (*length >= size)
        return DVBCSS_ENOSPC;
    for (size_t i = 0; i < count; i++) {
        memcpy(buffer, parts[i].bytes, parts[i].length);
        buffer += parts[i].length;
    }
    *buffer = '\0';
    return 0;
}

#define LITERAL(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

int dvbcss_ts_setup_encode(const struct dvbcss_ts_setup *setup, char *buffer, size_t size,
                           size_t *length)
{
    char *stem = NULL;
    char *selector = NULL;
    char *private_data = NULL;
    size_t stem_length = 0;
    size_t selector_length = 0;
    size_t private_length = 0;
    int error;

    if (!setup->content_id_stem || !setup->timeline_selector)
        return DVBCSS_EINVAL;
    error = quote(setup->content_id_stem, &stem, &stem_length);
    if (!error)
        error = quote(setup->timeline_selector, &selector, &selector_length);
    if (!error && setup->private_data)
        error = rewrite_private(setup->private_data, &private_data, &private_length);
    if (!error) {
        const struct part parts[] = {
            LITERAL("{\"contentIdStem\":"),
            {stem, stem_length},
            LITERAL(",\"timelineSelector\":"),
            {selector, selector_length},
            {",\"private\":", private_data ? sizeof ",\"private\":" - 1 : 0},
            {private_data ? private_data : "", private_length},
            LITERAL("}"),
        };

        error = join(parts, sizeof parts / sizeof parts[0], buffer, size, length);
    }
    dvbcss_free(stem);
    dvbcss_free(selector);
    dvbcss_free(private_data);
    return error;
}

void dvbcss_ts_setup_clear(struct dvbcss_ts_setup *setup)
{
    if (!setup)
        return;
    dvbcss_free((void *)setup->content_id_stem);
    dvbcss_free((void *)setup->timeline_selector);
    dvbcss_free((void *)setup->private_data);
    memset(setup, 0, sizeof *setup);
}
