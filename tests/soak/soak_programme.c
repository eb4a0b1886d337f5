#include "soak_programme.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak_crowd.h"

/* ---- changes --------------------------------------------------------------------------------- */

static unsigned draw(struct soak_programme *programme, unsigned limit)
{
    return soak_random_below(&programme->random, limit);
}

static const char *timeline_path(struct soak_programme *programme)
{
    static const char *const paths[] = {"/api/v1/timelines/pts", "/api/v1/timelines/temi",
                                        "/api/v1/timelines/x0", "/api/v1/timelines/x1",
                                        "/api/v1/timelines/x2"};

    return paths[draw(programme, sizeof paths / sizeof *paths)];
}

static int request(const struct soak_programme *programme, const char *method, const char *path,
                   json_t *body)
{
    return soak_daemon_request(programme->daemon, method, path, body, NULL);
}

static int change_content(struct soak_programme *programme)
{
    static const char *const ids[] = {"dvb://1.2.3", "dvb://1.2.4", "dvb://9.9.9", "other://x"};
    static const char *const states[] = {"okay", "transitioning", "fault"};
    json_t *changes = json_pack("{s:s, s:s, s:s}", "contentId", ids[draw(programme, 4)],
                                "contentIdStatus", draw(programme, 2) ? "final" : "partial",
                                "presentationStatus", states[draw(programme, 3)]);

    if (draw(programme, 2))
        json_object_set_new(changes, "mrsUrl",
                            draw(programme, 2) ? json_null() : json_string("http://mrs.example/x"));
    return request(programme, "PATCH", "/api/v1/content", changes);
}

static int change_speed(struct soak_programme *programme)
{
    static const double speeds[] = {0, 1, 1, 2, -1, 0.5};

    return request(programme, "PATCH",
                   draw(programme, 3) ? timeline_path(programme) : "/api/v1/media",
                   json_pack("{s:f}", "speed", speeds[draw(programme, 6)]));
}

static int seek(struct soak_programme *programme)
{
    return request(programme, "PATCH", timeline_path(programme),
                   json_pack("{s:f}", "seek_s", (double)draw(programme, 200) - 100));
}

static int change_availability(struct soak_programme *programme)
{
    return request(programme, "PATCH", timeline_path(programme),
                   json_pack("{s:b}", "available", draw(programme, 4) != 0));
}

static int add_timeline(struct soak_programme *programme)
{
    unsigned number = draw(programme, 3);

    return request(programme, "POST", "/api/v1/timelines",
                   json_pack("{s:o, s:o, s:s}", "name", json_sprintf("x%u", number), "selector",
                             json_sprintf("urn:example:%u", number), "tick_rate",
                             draw(programme, 2) ? "1000" : "30000/1001"));
}

static int remove_timeline(struct soak_programme *programme)
{
    char path[64];

    snprintf(path, sizeof path, "/api/v1/timelines/x%u", draw(programme, 3));
    return request(programme, "DELETE", path, NULL);
}

/* Whoever is first on the list of connections. */
static int close_somebody(struct soak_programme *programme)
{
    json_t *answer = soak_daemon_get(programme->daemon, "/api/v1/connections");
    json_t *list = json_object_get(answer, "connections");
    const json_t *one = json_array_get(list, json_array_size(list) / 2);
    const char *id = json_string_value(json_object_get(one, "id"));
    char path[128];

    snprintf(path, sizeof path, "/api/v1/connections/%s/close", id ? id : "cii-0");
    json_decref(answer);
    return request(programme, "POST", path,
                   json_pack("{s:i, s:s}", "code", SOAK_CLOSED_BY_CONTROL, "reason", "soaked"));
}

void soak_programme_change(struct soak_programme *programme)
{
    static int (*const changes[])(struct soak_programme *) = {
        change_content,      change_content, change_speed,    change_speed,   seek,
        change_availability, add_timeline,   remove_timeline, close_somebody,
    };
    int status = changes[draw(programme, sizeof changes / sizeof *changes)](programme);

    programme->changes++;
    if (status != 0 && status < 500)
        return;
    programme->failures++;
    fprintf(stderr, "soak: a change was answered with %d\n", status);
}

/* ---- what is so in the end ------------------------------------------------------------------- */

static void replace(char *text, size_t size, const char *what, const char *with)
{
    char *found = strstr(text, what);
    char rest[512];

    if (!found)
        return;
    snprintf(rest, sizeof rest, "%s", found + strlen(what));
    snprintf(found, size - (size_t)(found - text), "%s%s", with, rest);
}

/* What a companion that reached 127.0.0.1 is told. */
static void fill_in_address(json_t *content, const char *name, const char *scheme, uint16_t port)
{
    const char *url = json_string_value(json_object_get(content, name));
    char text[512];
    char digits[8];

    if (!url)
        return;
    snprintf(digits, sizeof digits, "%u", port);
    snprintf(text, sizeof text, "%s", url);
    replace(text, sizeof text, "{{ws}}", scheme);
    replace(text, sizeof text, "{{host}}", "127.0.0.1");
    replace(text, sizeof text, "{{port}}", digits);
    json_object_set_new(content, name, json_string(text));
}

static void fill_in_addresses(json_t *content, const char *scheme, uint16_t port)
{
    fill_in_address(content, "wcUrl", scheme, port);
    fill_in_address(content, "tsUrl", scheme, port);
}

struct soak_truth soak_truth_ask(const struct soak_daemon *daemon)
{
    struct soak_truth truth;
    json_t *answer = soak_daemon_get(daemon, "/api/v1/timelines");

    truth.timelines = json_incref(json_object_get(answer, "timelines"));
    json_decref(answer);
    truth.content = soak_daemon_get(daemon, "/api/v1/content");
    truth.content_by_tls = json_deep_copy(truth.content);
    fill_in_addresses(truth.content, "ws", daemon->port);
    fill_in_addresses(truth.content_by_tls, "wss", daemon->tls_port);
    return truth;
}

void soak_truth_finish(struct soak_truth *truth)
{
    json_decref(truth->content);
    json_decref(truth->content_by_tls);
    json_decref(truth->timelines);
}

static const json_t *find_timeline(const struct soak_truth *truth, const char *selector)
{
    size_t index;
    json_t *timeline;

    json_array_foreach (truth->timelines, index, timeline) {
        if (strcmp(json_string_value(json_object_get(timeline, "selector")), selector) == 0)
            return timeline;
    }
    return NULL;
}

static double rate_of(const json_t *timeline)
{
    const char *text = json_string_value(json_object_get(timeline, "tick_rate"));
    char *rest;
    double ticks = strtod(text, &rest);

    return *rest == '/' ? ticks / strtod(rest + 1, NULL) : ticks;
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

/* Times of the protocol are texts; null is no number. */
static bool read_time(const json_t *message, const char *name, long long *value)
{
    const char *text = json_string_value(json_object_get(message, name));

    *value = text ? strtoll(text, NULL, 10) : 0;
    return text != NULL;
}

/* Both are points of one line, up to the rounding of each to whole ticks. */
static bool is_on_line(const json_t *timestamp, const json_t *timeline)
{
    long long content_ticks;
    long long wall_ns;
    double speed = number_of(timeline, "effective_speed");
    long long since_ns;
    double expected;

    if (!read_time(timestamp, "contentTime", &content_ticks) ||
        !read_time(timestamp, "wallClockTime", &wall_ns) ||
        fabs(number_of(timestamp, "timelineSpeedMultiplier") - speed) > 1e-9)
        return false;
    since_ns = wall_ns - json_integer_value(json_object_get(timeline, "wall_clock_ns"));
    expected =
        number_of(timeline, "position_ticks") + (double)since_ns / 1e9 * rate_of(timeline) * speed;
    return fabs(expected - (double)content_ticks) <= 2;
}

static bool timestamp_is_right(const struct soak_truth *truth,
                               const struct soak_companion *companion)
{
    const char *id = json_string_value(json_object_get(truth->content, "contentId"));
    const json_t *timeline = find_timeline(truth, companion->selector);
    bool available = timeline && json_is_true(json_object_get(timeline, "available")) && id &&
                     strncmp(id, companion->stem, strlen(companion->stem)) == 0;

    if (available)
        return is_on_line(companion->known, timeline);
    return json_is_null(json_object_get(companion->known, "contentTime"));
}

bool soak_truth_is_known(const struct soak_truth *truth, const struct soak_companion *companion)
{
    if (!companion->known)
        return false;
    if (companion->role == SOAK_TS)
        return timestamp_is_right(truth, companion);
    return json_equal(companion->known, companion->tls ? truth->content_by_tls : truth->content);
}
