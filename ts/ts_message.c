#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/ts.h"
#include "ts/ts_json.h"

/* ---- control timestamp ---------------------------------------------------------------------- */

enum { CONTENT_TIME, WALL_CLOCK_TIME, SPEED };

static const struct ts_rule control_rules[] = {
    [CONTENT_TIME] = {"contentTime", {JGET_NULLABLE, JGET_TRISTATE}},
    [WALL_CLOCK_TIME] = {"wallClockTime", {JGET_REQUIRED, JGET_TRISTATE}},
    [SPEED] = {"timelineSpeedMultiplier", {JGET_NULLABLE, JGET_TRISTATE}},
};

static int control_read(const struct jget_place *top, void *out)
{
    const struct ts_rule *rules = control_rules;
    const enum dvbcss_mode mode = top->mode;
    struct dvbcss_ts_control_timestamp timestamp = {false, 0, 0, 0.0};
    enum dvbcss_presence content;
    enum dvbcss_presence wall;
    enum dvbcss_presence speed;
    int error;

    error = jget_decimal(top, rules[CONTENT_TIME].key, rules[CONTENT_TIME].need[mode], &content,
                         &timestamp.content_time_ticks);
    if (!error)
        error = jget_decimal(top, rules[WALL_CLOCK_TIME].key, rules[WALL_CLOCK_TIME].need[mode],
                             &wall, &timestamp.wall_clock_time_ns);
    if (!error)
        error =
            jget_number(top, rules[SPEED].key, rules[SPEED].need[mode], &speed, &timestamp.speed);
    if (error)
        return error;
    timestamp.available = content == DVBCSS_VALUE && speed == DVBCSS_VALUE;
    if (mode == DVBCSS_STRICT && content != speed)
        return jget_fail(top, rules[SPEED].key, DVBCSS_EVALUE,
                         "null together with contentTime, or not at all");
    if (timestamp.available && wall != DVBCSS_VALUE)
        return jget_fail(top, rules[WALL_CLOCK_TIME].key, DVBCSS_EMISSING,
                         "required if the timeline is available");
    if (!timestamp.available) {
        timestamp.content_time_ticks = 0;
        timestamp.speed = 0.0;
    }
    *(struct dvbcss_ts_control_timestamp *)out = timestamp;
    return 0;
}

int dvbcss_ts_control_timestamp_decode(const char *text, size_t length, enum dvbcss_mode mode,
                                       struct dvbcss_ts_control_timestamp *out,
                                       struct dvbcss_report *report)
{
    return ts_decode(text, length, mode, control_read, out, report);
}

int dvbcss_ts_control_timestamp_encode(const struct dvbcss_ts_control_timestamp *timestamp,
                                       char *buffer, size_t size, size_t *length)
{
    char content[TS_NUMBER_SIZE] = "null";
    char speed[TS_NUMBER_SIZE] = "null";
    char text[DVBCSS_TS_CONTROL_TIMESTAMP_SIZE];
    int written;

    if (!isfinite(timestamp->speed))
        return DVBCSS_EINVAL;
    if (timestamp->available) {
        snprintf(content, sizeof content, "\"%" PRId64 "\"", timestamp->content_time_ticks);
        ts_format_number(speed, timestamp->speed);
    }
    written = snprintf(text, sizeof text,
                       "{\"contentTime\":%s,\"wallClockTime\":\"%" PRId64
                       "\",\"timelineSpeedMultiplier\":%s}",
                       content, timestamp->wall_clock_time_ns, speed);
    return ts_hand_out(text, (size_t)written, buffer, size, length);
}

bool dvbcss_ts_control_timestamp_equal(const struct dvbcss_ts_control_timestamp *a,
                                       const struct dvbcss_ts_control_timestamp *b)
{
    if (a->available != b->available || a->wall_clock_time_ns != b->wall_clock_time_ns)
        return false;
    return !a->available ||
           (a->content_time_ticks == b->content_time_ticks && a->speed == b->speed);
}

/* ---- actual, earliest and latest presentation timestamps ---------------------------------------
 */

/* A member that is one presentation timestamp, and the infinity that its wallClockTime may be. */
struct point_rule {
    struct ts_rule rule;
    size_t offset;
    enum dvbcss_ts_when infinity;
    /* As the standard writes the infinity. */
    const char *token;
    /* As others write it; ends with NULL. */
    const char *others[3];
};

enum { ACTUAL, EARLIEST, LATEST, POINTS };

static const struct point_rule point_rules[POINTS] = {
    [ACTUAL] = {{"actual", {JGET_OPTIONAL, JGET_TRISTATE}},
                offsetof(struct dvbcss_ts_presentation, actual),
                DVBCSS_TS_AT,
                NULL,
                {NULL}},
    [EARLIEST] = {{"earliest", {JGET_REQUIRED, JGET_REQUIRED}},
                  offsetof(struct dvbcss_ts_presentation, earliest),
                  DVBCSS_TS_MINUS_INFINITY,
                  "minusinfinity",
                  {"-Infinity", NULL}},
    [LATEST] = {{"latest", {JGET_REQUIRED, JGET_REQUIRED}},
                offsetof(struct dvbcss_ts_presentation, latest),
                DVBCSS_TS_PLUS_INFINITY,
                "plusinfinity",
                {"Infinity", "+Infinity", NULL}},
};

static bool is_infinity(const struct jget_place *at, const struct point_rule *rule)
{
    if (!rule->token)
        return false;
    if (jget_is(at, "wallClockTime", rule->token))
        return true;
    for (size_t i = 0; at->mode == DVBCSS_TOLERANT && rule->others[i]; i++)
        if (jget_is(at, "wallClockTime", rule->others[i]))
            return true;
    return false;
}

static int read_point(const struct jget_place *at, const struct point_rule *rule,
                      struct dvbcss_ts_point *out)
{
    struct dvbcss_ts_point point = {0, DVBCSS_TS_AT, 0};
    int error = jget_decimal(at, "contentTime", JGET_REQUIRED, NULL, &point.content_time_ticks);

    if (!error && is_infinity(at, rule))
        point.when = rule->infinity;
    else if (!error)
        error = jget_decimal(at, "wallClockTime", JGET_REQUIRED, NULL, &point.wall_clock_time_ns);
    if (!error)
        *out = point;
    return error;
}

int ts_presentation_read(const struct jget_place *top, void *out)
{
    struct dvbcss_ts_presentation presentation = DVBCSS_TS_PRESENTATION_INIT;

    for (size_t i = 0; i < POINTS; i++) {
        const struct point_rule *rule = &point_rules[i];
        enum dvbcss_presence presence = DVBCSS_OMITTED;
        struct jget_place place;
        int error = jget_object(top, rule->rule.key, rule->rule.need[top->mode], &presence, &place);

        if (!error && presence == DVBCSS_VALUE)
            error = read_point(&place, rule,
                               (struct dvbcss_ts_point *)((char *)&presentation + rule->offset));
        if (error)
            return error;
        if (i == ACTUAL)
            presentation.has_actual = presence == DVBCSS_VALUE;
    }
    *(struct dvbcss_ts_presentation *)out = presentation;
    return 0;
}

int dvbcss_ts_presentation_decode(const char *text, size_t length, enum dvbcss_mode mode,
                                  struct dvbcss_ts_presentation *out, struct dvbcss_report *report)
{
    return ts_decode(text, length, mode, ts_presentation_read, out, report);
}

int dvbcss_ts_presentation_encode(const struct dvbcss_ts_presentation *presentation, char *buffer,
                                  size_t size, size_t *length)
{
    char text[DVBCSS_TS_PRESENTATION_SIZE];
    size_t used = 0;

    for (size_t i = presentation->has_actual ? ACTUAL : EARLIEST; i < POINTS; i++) {
        const struct point_rule *rule = &point_rules[i];
        const struct dvbcss_ts_point *point =
            (const struct dvbcss_ts_point *)((const char *)presentation + rule->offset);
        char wall[TS_NUMBER_SIZE];
        const char *when = wall;

        snprintf(wall, sizeof wall, "%" PRId64, point->wall_clock_time_ns);
        if (point->when != DVBCSS_TS_AT) {
            if (point->when != rule->infinity)
                return DVBCSS_EINVAL;
            when = rule->token;
        }
        used +=
            (size_t)snprintf(text + used, sizeof text - used,
                             "%c\"%s\":{\"contentTime\":\"%" PRId64 "\",\"wallClockTime\":\"%s\"}",
                             used ? ',' : '{', rule->rule.key, point->content_time_ticks, when);
    }
    text[used++] = '}';
    return ts_hand_out(text, used, buffer, size, length);
}

static bool point_equal(const struct dvbcss_ts_point *a, const struct dvbcss_ts_point *b)
{
    return a->content_time_ticks == b->content_time_ticks && a->when == b->when &&
           (a->when != DVBCSS_TS_AT || a->wall_clock_time_ns == b->wall_clock_time_ns);
}

bool dvbcss_ts_presentation_equal(const struct dvbcss_ts_presentation *a,
                                  const struct dvbcss_ts_presentation *b)
{
    return a->has_actual == b->has_actual &&
           (!a->has_actual || point_equal(&a->actual, &b->actual)) &&
           point_equal(&a->earliest, &b->earliest) && point_equal(&a->latest, &b->latest);
}

/* ---- any message of a companion ---------------------------------------------------------------
 */

static const ts_reader request_readers[] = {
    [DVBCSS_TS_REQUEST_SETUP] = ts_setup_read,
    [DVBCSS_TS_REQUEST_PRESENTATION] = ts_presentation_read,
};

static int request_read(const struct jget_place *top, void *out)
{
    struct dvbcss_ts_request request;
    int error;

    memset(&request, 0, sizeof request);
    request.kind = DVBCSS_TS_REQUEST_PRESENTATION;
    if (json_object_get(top->value, "timelineSelector") ||
        json_object_get(top->value, "contentIdStem"))
        request.kind = DVBCSS_TS_REQUEST_SETUP;
    error = request_readers[request.kind](top, &request.as);
    if (!error)
        *(struct dvbcss_ts_request *)out = request;
    return error;
}

int dvbcss_ts_request_decode(const char *text, size_t length, enum dvbcss_mode mode,
                             struct dvbcss_ts_request *out, struct dvbcss_report *report)
{
    return ts_decode(text, length, mode, request_read, out, report);
}

void dvbcss_ts_request_clear(struct dvbcss_ts_request *request)
{
    if (request && request->kind == DVBCSS_TS_REQUEST_SETUP)
        dvbcss_ts_setup_clear(&request->as.setup);
}
