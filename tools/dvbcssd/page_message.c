#include "page_message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_body.h"
#include "common/utf8.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "tv.h"

const char *const page_clock_names[] = {"unix", "wall"};

/* ---- mistakes ------------------------------------------------------------------------------- */

void page_mistake_fill(struct page_mistake *mistake, const char *member, const char *format, ...)
{
    va_list arguments;

    snprintf(mistake->member, sizeof mistake->member, "%s", member);
    utf8_end_at_character(mistake->member);
    va_start(arguments, format);
    vsnprintf(mistake->reason, sizeof mistake->reason, format, arguments);
    va_end(arguments);
    utf8_end_at_character(mistake->reason);
}

static int no_memory(struct page_mistake *mistake)
{
    return page_mistake_set(mistake, DVBCSS_ENOMEM, "", "out of memory");
}

/* What the decoders of CII and TS say, as said of a member of this message. */
static int refuse_as_reported(struct page_mistake *mistake, const char *member,
                              const struct dvbcss_report *report)
{
    char path[sizeof mistake->member];

    snprintf(path, sizeof path, "%s%s%s", member, *report->path ? "." : "", report->path);
    return page_mistake_set(mistake, report->error, path, "%s", report->reason);
}

/* ---- objects by table ----------------------------------------------------------------------- */

static int read_object(json_t *object, const char *where, const struct body_member *members,
                       size_t count, struct body_value *values, struct page_mistake *mistake)
{
    char member[sizeof mistake->member];
    struct body_error error;

    if (!json_is_object(object))
        return page_mistake_set(mistake, DVBCSS_ETYPE, where, "expected an object");
    if (body_read(object, members, count, values, &error) == 0)
        return 0;
    snprintf(member, sizeof member, "%s.%s", where, error.member);
    return page_mistake_set(mistake, DVBCSS_EVALUE, member, "%s", error.reason);
}

enum hello_member { VERSION, NAME, CLOCK, TOKEN, HELLO_MEMBERS };

static int read_clock_name(const char *text, enum page_clock *clock, struct page_mistake *mistake)
{
    for (int i = PAGE_CLOCK_UNIX; i <= PAGE_CLOCK_WALL; i++) {
        if (strcmp(text, page_clock_names[i]) == 0) {
            *clock = (enum page_clock)i;
            return 0;
        }
    }
    return page_mistake_set(mistake, DVBCSS_EVALUE, "hello.clock", "expected wall or unix");
}

static int read_hello(json_t *value, struct page_message *message, struct page_mistake *mistake)
{
    static const struct body_member members[HELLO_MEMBERS] = {
        [VERSION] = {"version", BODY_INTEGER, true, false, 1, 1000000},
        [NAME] = {"name", BODY_TEXT, false, false, 0, PAGE_NAME_MAX},
        [CLOCK] = {"clock", BODY_TEXT, false, false, 0, 16},
        [TOKEN] = {"token", BODY_TEXT, false, false, 0, CONFIG_TOKEN_MAX},
    };
    struct page_hello *hello = &message->hello;
    struct body_value values[HELLO_MEMBERS];
    int error = read_object(value, "hello", members, HELLO_MEMBERS, values, mistake);

    if (error != 0)
        return error;
    hello->version =
        values[VERSION].integer < PAGE_VERSION ? (int)values[VERSION].integer : PAGE_VERSION;
    hello->clock = PAGE_CLOCK_WALL;
    /* Their lengths were checked. */
    if (values[NAME].presence == DVBCSS_VALUE)
        memcpy(hello->name, values[NAME].text, strlen(values[NAME].text) + 1);
    if (values[TOKEN].presence == DVBCSS_VALUE)
        memcpy(hello->token.text, values[TOKEN].text, strlen(values[TOKEN].text) + 1);
    return values[CLOCK].presence == DVBCSS_VALUE
               ? read_clock_name(values[CLOCK].text, &hello->clock, mistake)
               : 0;
}

static int read_options(json_t *value, struct page_message *message, struct page_mistake *mistake)
{
    static const struct body_member members[] = {{"blockCii", BODY_BOOLEAN, false, false, 0, 0}};
    struct body_value block;
    int error = read_object(value, "options", members, 1, &block, mistake);

    if (error == 0 && block.presence == DVBCSS_VALUE) {
        message->parts |= PAGE_BLOCK;
        message->block_cii = block.truth;
    }
    return error;
}

/* ---- clock ---------------------------------------------------------------------------------- */

static int read_clock(json_t *value, struct page_message *message, struct page_mistake *mistake)
{
    const json_t *t1 = json_object_get(value, "t1");
    size_t length;

    if (!json_is_object(value))
        return page_mistake_set(mistake, DVBCSS_ETYPE, "clock", "expected an object");
    if (json_object_size(value) != 1 || !(json_is_string(t1) || json_is_number(t1)))
        return page_mistake_set(mistake, DVBCSS_ETYPE, "clock.t1",
                                "expected a string or a number, and nothing beside it");
    length = json_dumpb(t1, message->t1, sizeof message->t1 - 1, JSON_ENCODE_ANY | JSON_COMPACT);
    if (length == 0)
        return no_memory(mistake);
    if (length >= sizeof message->t1)
        return page_mistake_set(mistake, DVBCSS_EVALUE, "clock.t1", "expected at most %d bytes",
                                PAGE_T1_SIZE - 1);
    message->t1[length] = '\0';
    return 0;
}

/* ---- CII and control timestamps -------------------------------------------------------------- */

/* Parts of a message are read by the decoders of their protocols, which take texts. */
typedef int (*text_decoder)(const char *text, size_t length, void *out,
                            struct dvbcss_report *report);

static int decode_part(const json_t *value, const char *member, text_decoder decode, void *out,
                       struct page_mistake *mistake)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    size_t length;
    char *text = page_json_text(value, &length);
    int error;

    if (!text)
        return no_memory(mistake);
    error = decode(text, length, out, &report);
    dvbcss_free(text);
    return error == 0 ? 0 : refuse_as_reported(mistake, member, &report);
}

static int decode_cii(const char *text, size_t length, void *out, struct dvbcss_report *report)
{
    return dvbcss_cii_decode(text, length, DVBCSS_TOLERANT, out, report);
}

static int decode_timestamp(const char *text, size_t length, void *out,
                            struct dvbcss_report *report)
{
    return dvbcss_ts_control_timestamp_decode(text, length, DVBCSS_TOLERANT, out, report);
}

static int check_selector(const char *selector, const char *member, struct page_mistake *mistake)
{
    size_t length = strlen(selector);

    if (length != 0 && length <= PAGE_SELECTOR_MAX)
        return 0;
    return page_mistake_set(mistake, DVBCSS_EVALUE, member,
                            "expected a timeline selector of 1 to %d bytes", PAGE_SELECTOR_MAX);
}

static int check_timelines(const struct dvbcss_cii_timelines *timelines,
                           struct page_mistake *mistake)
{
    char member[64];
    int error = 0;

    if (timelines->count > TV_TIMELINES_MAX)
        return page_mistake_set(mistake, DVBCSS_EFULL, "cii.timelines",
                                "expected at most %d timelines", TV_TIMELINES_MAX);
    for (size_t i = 0; i < timelines->count && error == 0; i++) {
        snprintf(member, sizeof member, "cii.timelines[%zu].timelineSelector", i);
        error = check_selector(timelines->items[i].selector, member, mistake);
        for (size_t j = 0; j < i && error == 0; j++) {
            if (strcmp(timelines->items[i].selector, timelines->items[j].selector) == 0)
                error = page_mistake_set(mistake, DVBCSS_EEXIST, member, "is in the list twice");
        }
    }
    return error;
}

/* The decoder passes over timelines without usable units, as companions have to; a page is told. */
static int check_units(const json_t *sent, const struct dvbcss_cii_timelines *read,
                       struct page_mistake *mistake)
{
    char member[64];
    size_t count = 0;
    size_t i;
    json_t *entry;

    json_array_foreach (sent, i, entry) {
        const char *selector = json_string_value(json_object_get(entry, "timelineSelector"));

        if (json_is_null(entry))
            continue;
        if (count < read->count && strcmp(selector, read->items[count].selector) == 0) {
            count++;
            continue;
        }
        snprintf(member, sizeof member, "cii.timelines[%zu].timelineProperties", i);
        return page_mistake_set(mistake, DVBCSS_EVALUE, member,
                                "expected unitsPerTick and unitsPerSecond, of 1 to %" PRIu32,
                                UINT32_MAX);
    }
    return 0;
}

static int read_cii(json_t *value, struct page_message *message, struct page_mistake *mistake)
{
    static const enum dvbcss_cii_property own[] = {DVBCSS_CII_PROTOCOL_VERSION, DVBCSS_CII_WC_URL,
                                                   DVBCSS_CII_TS_URL};
    int error = decode_part(value, "cii", decode_cii, &message->cii, mistake);

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        dvbcss_cii_omit(&message->cii, own[i]);
    if (error == 0)
        error = check_units(json_object_get(value, "timelines"), &message->cii.timelines, mistake);
    return error == 0 ? check_timelines(&message->cii.timelines, mistake) : error;
}

static int read_timestamp(const char *selector, const json_t *value, struct page_message *message,
                          struct page_mistake *mistake)
{
    struct page_timestamp *timestamp = &message->timestamps[message->timestamp_count];
    char member[sizeof mistake->member];
    int error;

    snprintf(member, sizeof member, "controlTimestamps.%s", selector);
    error = check_selector(selector, member, mistake);
    if (error == 0)
        error = decode_part(value, member, decode_timestamp, &timestamp->timestamp, mistake);
    if (error != 0)
        return error;
    timestamp->selector = dvbcss_strdup(selector);
    if (!timestamp->selector)
        return no_memory(mistake);
    message->timestamp_count++;
    return 0;
}

static int read_timestamps(json_t *value, struct page_message *message,
                           struct page_mistake *mistake)
{
    const char *selector;
    json_t *timestamp;
    int error = 0;

    if (!json_is_object(value))
        return page_mistake_set(mistake, DVBCSS_ETYPE, "controlTimestamps", "expected an object");
    if (json_object_size(value) > TV_TIMELINES_MAX)
        return page_mistake_set(mistake, DVBCSS_EFULL, "controlTimestamps",
                                "expected at most %d timelines", TV_TIMELINES_MAX);
    message->timestamps = dvbcss_calloc(json_object_size(value) + 1, sizeof *message->timestamps);
    if (!message->timestamps)
        return no_memory(mistake);
    json_object_foreach (value, selector, timestamp) {
        error = read_timestamp(selector, timestamp, message, mistake);
        if (error != 0)
            break;
    }
    return error;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* Options are one part or none; what is in them says which. */
static const struct part {
    const char *name;
    unsigned part;
    int (*read)(json_t *value, struct page_message *message, struct page_mistake *mistake);
} parts[] = {
    {"hello", PAGE_HELLO, read_hello}, {"clock", PAGE_CLOCK, read_clock},
    {"cii", PAGE_CII, read_cii},       {"controlTimestamps", PAGE_TIMESTAMPS, read_timestamps},
    {"options", 0, read_options},
};

static const struct part *find_part(const char *name)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    }
    return NULL;
}

int page_message_read(json_t *root, struct page_message *message, struct page_mistake *mistake)
{
    const char *name;
    json_t *value;
    int error = 0;

    if (!json_is_object(root))
        return page_mistake_set(mistake, DVBCSS_ETYPE, "", "expected an object");
    json_object_foreach (root, name, value) {
        const struct part *part = find_part(name);

        error = part ? part->read(value, message, mistake)
                     : page_mistake_set(mistake, DVBCSS_EVALUE, name,
                                        "there is no such member in a message");
        if (error != 0)
            break;
        message->parts |= part->part;
    }
    return error;
}

int page_message_decode(const char *text, size_t length, struct page_message *message,
                        struct page_mistake *mistake)
{
    char why[sizeof mistake->reason];
    json_error_t problem;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    int error;

    if (!root) {
        /* It quotes the text, which need not be UTF-8, nor is it cut where a character ends. */
        dvbcss_log_escape(why, sizeof why, problem.text, strlen(problem.text));
        return page_mistake_set(mistake, DVBCSS_EJSON, "", "not JSON: line %d column %d: %s",
                                problem.line, problem.column, why);
    }
    error = page_message_read(root, message, mistake);
    json_decref(root);
    return error;
}

void page_message_finish(struct page_message *message)
{
    for (size_t i = 0; i < message->timestamp_count; i++)
        dvbcss_free(message->timestamps[i].selector);
    dvbcss_free(message->timestamps);
    dvbcss_cii_finish(&message->cii);
    token_finish(&message->hello.token);
}
