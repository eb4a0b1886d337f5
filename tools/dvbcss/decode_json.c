#include "decode_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/cii.h"
#include "dvbcss/ts.h"
#include "terminal.h"

/* One kind of message: how it is recognised, read and shown. */
struct json_kind {
    const char *name;
    const char *title;
    /* Members that no other kind has; ends with NULL. */
    const char *members[4];
    /* Reads the message and, if it is one and `show` is set, prints it. */
    int (*read)(const char *text, size_t length, enum dvbcss_mode mode, bool show,
                struct dvbcss_report *report);
};

static void print_member(const char *name, const char *format, ...) DVBCSS_PRINTF(2, 3);

static void print_member(const char *name, const char *format, ...)
{
    va_list arguments;

    printf("  %-26s ", name);
    va_start(arguments, format);
    terminal_vprint(stdout, format, arguments);
    va_end(arguments);
    putchar('\n');
}

/* ---- CII ------------------------------------------------------------------------------------ */

static void show_timelines(const struct dvbcss_cii_timelines *timelines)
{
    for (size_t i = 0; i < timelines->count; i++) {
        const struct dvbcss_cii_timeline *timeline = &timelines->items[i];
        char accuracy[48] = "";

        if (timeline->has_accuracy)
            snprintf(accuracy, sizeof accuracy, ", accurate to %g s", timeline->accuracy_s);
        print_member("", "%s: %g ticks/s (%" PRIu32 " units per second, %" PRIu32 " per tick)%s",
                     timeline->selector,
                     (double)timeline->units_per_second / (double)timeline->units_per_tick,
                     timeline->units_per_second, timeline->units_per_tick, accuracy);
    }
}

static void show_property(const struct dvbcss_cii *cii, enum dvbcss_cii_property property)
{
    const char *name = dvbcss_cii_property_name(property);

    switch (dvbcss_cii_presence(cii, property)) {
    case DVBCSS_OMITTED:
        print_member(name, "omitted: unchanged");
        return;
    case DVBCSS_NULL:
        print_member(name, "null: there is none");
        return;
    case DVBCSS_VALUE:
        break;
    }
    if (property == DVBCSS_CII_TIMELINES) {
        print_member(name, "%zu", cii->timelines.count);
        show_timelines(&cii->timelines);
    } else if (property == DVBCSS_CII_PRESENTATION_STATUS) {
        print_member(name, "%s", cii->presentation_status.tokens[0]);
        for (size_t i = 1; i < cii->presentation_status.count; i++)
            print_member("", "and \"%s\"", cii->presentation_status.tokens[i]);
    } else {
        print_member(name, "%s", dvbcss_cii_text(cii, property));
    }
}

static int read_cii(const char *text, size_t length, enum dvbcss_mode mode, bool show,
                    struct dvbcss_report *report)
{
    struct dvbcss_cii cii = DVBCSS_CII_INIT;
    int error = dvbcss_cii_decode(text, length, mode, &cii, report);

    for (int i = 0; error == 0 && show && i < DVBCSS_CII_PROPERTY_COUNT; i++)
        show_property(&cii, (enum dvbcss_cii_property)i);
    dvbcss_cii_finish(&cii);
    return error;
}

/* ---- TS ------------------------------------------------------------------------------------- */

static int read_setup(const char *text, size_t length, enum dvbcss_mode mode, bool show,
                      struct dvbcss_report *report)
{
    struct dvbcss_ts_setup setup = DVBCSS_TS_SETUP_INIT;
    int error = dvbcss_ts_setup_decode(text, length, mode, &setup, report);
    struct dvbcss_rate rate;

    if (error == 0 && show) {
        struct dvbcss_ts_selector selector = dvbcss_ts_selector_parse(setup.timeline_selector);

        rate = dvbcss_ts_selector_rate(&selector);
        print_member("contentIdStem", "\"%s\"%s", setup.content_id_stem,
                     *setup.content_id_stem ? "" : ": any content");
        print_member("timelineSelector", "%s", setup.timeline_selector);
        if (rate.ticks != 0)
            print_member("", "%" PRIu32 " ticks/s", rate.ticks);
        if (setup.private_data)
            print_member("private", "%s", setup.private_data);
    }
    dvbcss_ts_setup_clear(&setup);
    return error;
}

static int read_control(const char *text, size_t length, enum dvbcss_mode mode, bool show,
                        struct dvbcss_report *report)
{
    struct dvbcss_ts_control_timestamp timestamp;
    int error = dvbcss_ts_control_timestamp_decode(text, length, mode, &timestamp, report);

    if (error != 0 || !show)
        return error;
    if (timestamp.available)
        print_member("contentTime", "%" PRId64 " ticks of the timeline",
                     timestamp.content_time_ticks);
    else
        print_member("contentTime", "null: the timeline is not available");
    print_member("wallClockTime", "%" PRId64 " ns = %.9f s", timestamp.wall_clock_time_ns,
                 (double)timestamp.wall_clock_time_ns / 1e9);
    if (timestamp.available)
        print_member("timelineSpeedMultiplier", "%g%s", timestamp.speed,
                     timestamp.speed == 0 ? ": paused" : "");
    else
        print_member("timelineSpeedMultiplier", "null");
    return 0;
}

static void show_point(const char *name, const struct dvbcss_ts_point *point)
{
    switch (point->when) {
    case DVBCSS_TS_MINUS_INFINITY:
        print_member(name, "%" PRId64 " ticks as early as you like", point->content_time_ticks);
        break;
    case DVBCSS_TS_PLUS_INFINITY:
        print_member(name, "%" PRId64 " ticks as late as you like", point->content_time_ticks);
        break;
    case DVBCSS_TS_AT:
        print_member(name, "%" PRId64 " ticks at %" PRId64 " ns", point->content_time_ticks,
                     point->wall_clock_time_ns);
        break;
    }
}

static int read_presentation(const char *text, size_t length, enum dvbcss_mode mode, bool show,
                             struct dvbcss_report *report)
{
    struct dvbcss_ts_presentation presentation;
    int error = dvbcss_ts_presentation_decode(text, length, mode, &presentation, report);

    if (error != 0 || !show)
        return error;
    if (presentation.has_actual)
        show_point("actual", &presentation.actual);
    show_point("earliest", &presentation.earliest);
    show_point("latest", &presentation.latest);
    return 0;
}

/* ---- any ------------------------------------------------------------------------------------ */

static const struct json_kind json_kinds[] = {
    {"setup", "CSS-TS setup-data", {"contentIdStem", "timelineSelector"}, read_setup},
    {"control",
     "CSS-TS control timestamp",
     {"contentTime", "wallClockTime", "timelineSpeedMultiplier"},
     read_control},
    {"presentation",
     "CSS-TS presentation timestamps",
     {"actual", "earliest", "latest"},
     read_presentation},
    /* Any object may be a CII message, also one without members. */
    {"cii", "CSS-CII message", {NULL}, read_cii},
};
enum { KINDS = sizeof json_kinds / sizeof *json_kinds };

static bool has_member_of(const json_t *object, const struct json_kind *kind)
{
    for (const char *const *member = kind->members; *member; member++) {
        if (json_object_get(object, *member))
            return true;
    }
    return false;
}

static const struct json_kind *find_kind(const char *name, const char *text, size_t length)
{
    json_t *object = name ? NULL : json_loadb(text, length, 0, NULL);
    const struct json_kind *found = &json_kinds[KINDS - 1];

    for (int i = 0; i < KINDS; i++) {
        const struct json_kind *kind = &json_kinds[i];

        if (name ? strcmp(kind->name, name) == 0 : has_member_of(object, kind)) {
            found = kind;
            break;
        }
    }
    json_decref(object);
    return found;
}

static int refuse(const struct command *command, const char *what,
                  const struct dvbcss_report *report)
{
    char where[64] = "";

    if (report->error == DVBCSS_EJSON)
        snprintf(where, sizeof where, " at byte %zu", report->offset);
    return failure(command, "%s: %s%s%s%s: %s", what, report->path, *report->path ? ": " : "",
                   dvbcss_error_text(report->error), where, report->reason);
}

int decode_json(const struct command *command, const char *name, const char *text, size_t length)
{
    const struct json_kind *kind = find_kind(name, text, length);
    struct dvbcss_report strict = DVBCSS_REPORT_INIT, tolerant = DVBCSS_REPORT_INIT;
    char what[96];

    if (kind->read(text, length, DVBCSS_TOLERANT, false, &tolerant) != 0) {
        snprintf(what, sizeof what, "not a %s", kind->title);
        return refuse(command, what, &tolerant);
    }
    printf("%s, %zu bytes\n", kind->title, length);
    if (kind->read(text, length, DVBCSS_STRICT, true, &strict) == 0)
        return EXIT_DONE;
    if (kind->read(text, length, DVBCSS_TOLERANT, true, NULL) != 0)
        return failure(command, "out of memory");
    (void)flush_output();
    return refuse(command, "not a correct message, but can be understood", &strict);
}
