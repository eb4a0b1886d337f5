#include "ctl_commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

#define API "/api/v1/"
#define ANY_NUMBER 1e15

static int refuse(struct ctl_error *error, const char *what, const char *got)
{
    snprintf(error->text, sizeof error->text, "expected %s, got \"%.100s\"", what, got);
    return -1;
}

/* ---- members -------------------------------------------------------------------------------- */

static int set_number(json_t *body, const char *name, const char *text, struct ctl_error *error)
{
    double value;

    if (!read_number(text, -ANY_NUMBER, ANY_NUMBER, &value))
        return refuse(error, "a number", text);
    return json_object_set_new(body, name, json_real(value));
}

static int set_integer(json_t *body, const char *name, const char *text, struct ctl_error *error)
{
    int64_t value;

    if (!read_integer(text, INT64_MIN, INT64_MAX, &value))
        return refuse(error, "a whole number", text);
    return json_object_set_new(body, name, json_integer(value));
}

static int set_text(json_t *body, const char *name, const char *text, struct ctl_error *error)
{
    if (json_object_set_new(body, name, json_string(text)) != 0)
        return refuse(error, "UTF-8", text);
    return 0;
}

typedef int (*setter)(json_t *body, const char *name, const char *text, struct ctl_error *error);

/* A value, or the word "none" for null. */
static int set_or_none(json_t *body, const char *name, const char *text, setter set,
                       struct ctl_error *error)
{
    if (strcmp(text, "none") == 0)
        return json_object_set_new(body, name, json_null());
    return set(body, name, text, error);
}

/* An option's value, if it was given. */
static int set_option(json_t *body, const char *name, const char *text, setter set,
                      struct ctl_error *error)
{
    return text ? set(body, name, text, error) : 0;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static int build_when(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    if (set_option(body, "at_ns", line->options->at, set_integer, error) != 0)
        return -1;
    return set_option(body, "in_s", line->options->in, set_number, error);
}

static int build_enable(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    (void)line, (void)error;
    return json_object_set_new(body, "enabled", json_true());
}

static int build_disable(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    (void)line, (void)error;
    return json_object_set_new(body, "enabled", json_false());
}

static int build_limit(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    return set_or_none(body, "max_connections", line->arguments[1], set_integer, error);
}

static int build_close(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    if (set_option(body, "code", line->options->code, set_integer, error) != 0)
        return -1;
    return set_option(body, "reason", line->options->reason, set_text, error);
}

/* PROPERTY=VALUE for a string, PROPERTY:=JSON for anything else. */
static int build_content(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    for (int i = 0; i < line->count; i++) {
        const char *text = line->arguments[i], *equals = strchr(text, '=');
        bool is_json = equals && equals > text && equals[-1] == ':';
        char name[64];
        json_t *value;

        if (!equals || equals == text || (size_t)(equals - text) >= sizeof name)
            return refuse(error, "PROPERTY=VALUE or PROPERTY:=JSON", text);
        snprintf(name, sizeof name, "%.*s", (int)(equals - text) - is_json, text);
        value = is_json ? json_loads(equals + 1, JSON_DECODE_ANY, NULL) : json_string(equals + 1);
        if (json_object_set_new(body, name, value) != 0)
            return refuse(error, is_json ? "JSON" : "UTF-8", text);
    }
    return 0;
}

static int build_add(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    const struct ctl_options *options = line->options;

    if (set_text(body, "name", line->arguments[0], error) != 0 ||
        set_text(body, "selector", line->arguments[1], error) != 0 ||
        set_option(body, "tick_rate", options->rate, set_text, error) != 0 ||
        set_option(body, "position_ticks", options->position, set_integer, error) != 0 ||
        set_option(body, "speed", options->speed, set_number, error) != 0 ||
        set_option(body, "accuracy_s", options->accuracy, set_number, error) != 0)
        return -1;
    return options->unavailable ? json_object_set_new(body, "available", json_false()) : 0;
}

static int build_play(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    return json_object_set_new(body, "speed", json_real(1)) == 0 ? build_when(line, body, error)
                                                                 : -1;
}

static int build_pause(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    return json_object_set_new(body, "speed", json_real(0)) == 0 ? build_when(line, body, error)
                                                                 : -1;
}

/* The last argument is the value: behind a timeline's name, or alone for the media. */
static const char *last_argument(const struct ctl_line *line)
{
    return line->arguments[line->count - 1];
}

static int build_speed(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    if (set_number(body, "speed", last_argument(line), error) != 0)
        return -1;
    return build_when(line, body, error);
}

static int build_seek(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    if (set_number(body, "seek_s", last_argument(line), error) != 0)
        return -1;
    return build_when(line, body, error);
}

static int build_jump(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    if (set_integer(body, "position_ticks", last_argument(line), error) != 0)
        return -1;
    return build_when(line, body, error);
}

static int build_available(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    const char *text = last_argument(line);

    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return refuse(error, "yes or no", text);
    if (json_object_set_new(body, "available", json_boolean(strcmp(text, "yes") == 0)) != 0)
        return -1;
    return build_when(line, body, error);
}

static int build_accuracy(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    if (set_or_none(body, "accuracy_s", last_argument(line), set_number, error) != 0)
        return -1;
    return build_when(line, body, error);
}

static int build_delay(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    return set_number(body, "delay_ms", last_argument(line), error);
}

static int build_override(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    return set_or_none(body, "content_id_override", last_argument(line), set_text, error);
}

static int build_start(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    (void)line, (void)error;
    return json_object_set_new(body, "running", json_true());
}

static int build_stop(const struct ctl_line *line, json_t *body, struct ctl_error *error)
{
    (void)line, (void)error;
    return json_object_set_new(body, "running", json_false());
}

/* ---- the table ------------------------------------------------------------------------------ */

const struct ctl_command ctl_commands[] = {
    {"status", "", 0, 0, "everything at a glance", "GET", API "status", NULL, ctl_show_status},
    {"endpoints", "", 0, 0, "the WebSocket endpoints", "GET", API "endpoints", NULL,
     ctl_show_endpoints},
    {"enable", "ENDPOINT", 1, 1, "let companions in", "PATCH", API "endpoints/%s", build_enable,
     ctl_show_endpoint},
    {"disable", "ENDPOINT", 1, 1, "send companions away, and refuse new ones", "PATCH",
     API "endpoints/%s", build_disable, ctl_show_endpoint},
    {"limit", "ENDPOINT N|none", 2, 2, "let so many in at the same time", "PATCH",
     API "endpoints/%s", build_limit, ctl_show_endpoint},
    {"connections", "[ENDPOINT]", 0, 1, "the companions", "GET", API "connections", NULL,
     ctl_show_connections},
    {"connection", "ID", 1, 1, "one companion", "GET", API "connections/%s", NULL, ctl_show_object},
    {"close", "ID", 1, 1, "close a connection (--code, --reason)", "POST",
     API "connections/%s/close", build_close, NULL},
    {"content", "", 0, 0, "what CII says", "GET", API "content", NULL, ctl_show_object},
    {"content set", "PROPERTY=VALUE|PROPERTY:=JSON...", 1, 32, "change CII properties in one step",
     "PATCH", API "content", build_content, ctl_show_object},
    {"timelines", "", 0, 0, "the timelines", "GET", API "timelines", NULL, ctl_show_timelines},
    {"timeline show", "NAME", 1, 1, "one timeline", "GET", API "timelines/%s", NULL,
     ctl_show_changed},
    {"timeline add", "NAME SELECTOR", 2, 2,
     "add one (--rate, --position, --speed, --accuracy, --unavailable)", "POST", API "timelines",
     build_add, ctl_show_changed},
    {"timeline remove", "NAME", 1, 1, "remove one", "DELETE", API "timelines/%s", NULL, NULL},
    {"timeline play", "NAME", 1, 1, "run at normal speed", "PATCH", API "timelines/%s", build_play,
     ctl_show_changed},
    {"timeline pause", "NAME", 1, 1, "stand still", "PATCH", API "timelines/%s", build_pause,
     ctl_show_changed},
    {"timeline speed", "NAME SPEED", 2, 2, "run at a speed", "PATCH", API "timelines/%s",
     build_speed, ctl_show_changed},
    {"timeline seek", "NAME SECONDS", 2, 2, "jump forwards or back", "PATCH", API "timelines/%s",
     build_seek, ctl_show_changed},
    {"timeline jump", "NAME TICKS", 2, 2, "jump to a position", "PATCH", API "timelines/%s",
     build_jump, ctl_show_changed},
    {"timeline available", "NAME yes|no", 2, 2, "whether it can be had", "PATCH",
     API "timelines/%s", build_available, ctl_show_changed},
    {"timeline accuracy", "NAME SECONDS|none", 2, 2, "the accuracy that CII states", "PATCH",
     API "timelines/%s", build_accuracy, ctl_show_changed},
    {"media", "", 0, 0, "what all timelines derive from", "GET", API "media", NULL,
     ctl_show_object},
    {"media play", "", 0, 0, "run at normal speed", "PATCH", API "media", build_play,
     ctl_show_changed},
    {"media pause", "", 0, 0, "stand still", "PATCH", API "media", build_pause, ctl_show_changed},
    {"media speed", "SPEED", 1, 1, "run at a speed", "PATCH", API "media", build_speed,
     ctl_show_changed},
    {"media seek", "SECONDS", 1, 1, "jump forwards or back", "PATCH", API "media", build_seek,
     ctl_show_changed},
    {"scheduled", "", 0, 0, "changes that wait for their time", "GET", API "scheduled", NULL,
     ctl_show_scheduled},
    {"cancel", "ID", 1, 1, "cancel one of them", "DELETE", API "scheduled/%s", NULL, NULL},
    {"adjustments", "", 0, 0, "what companions are told otherwise", "GET", API "adjustments", NULL,
     ctl_show_object},
    {"adjust delay", "MS", 1, 1, "shift timelines: positive if the picture is late", "PATCH",
     API "adjustments", build_delay, ctl_show_object},
    {"adjust content", "ID|none", 1, 1, "tell companions this content id, whatever is presented",
     "PATCH", API "adjustments", build_override, ctl_show_object},
    {"programme", "", 0, 0, "whether the demo programme runs", "GET", API "programme", NULL,
     ctl_show_object},
    {"programme start", "", 0, 0, "start it in place of everything presented", "PATCH",
     API "programme", build_start, ctl_show_object},
    {"programme stop", "", 0, 0, "stop it, and leave what it presents", "PATCH", API "programme",
     build_stop, ctl_show_object},
    {"reload", "", 0, 0, "read the configuration again", "POST", API "reload", NULL,
     ctl_show_reload},
    {"metrics", "", 0, 0, "figures for Prometheus", "GET", "/metrics", NULL, NULL},
    {"health", "", 0, 0, "whether the daemon is well", "GET", "/healthz", NULL, ctl_show_object},
    {"openapi", "", 0, 0, "the description of the API", "GET", API "openapi.json", NULL, NULL},
};

const size_t ctl_command_count = sizeof ctl_commands / sizeof *ctl_commands;

/* How many words of the line the command takes; 0 if it is another. */
static int match(const struct ctl_command *command, int count, char **arguments)
{
    const char *space = strchr(command->words, ' ');
    size_t first = space ? (size_t)(space - command->words) : strlen(command->words);

    if (count < 1 || strlen(arguments[0]) != first ||
        strncmp(arguments[0], command->words, first) != 0)
        return 0;
    if (!space)
        return 1;
    return count >= 2 && strcmp(arguments[1], space + 1) == 0 ? 2 : 0;
}

const struct ctl_command *ctl_command_find(int count, char **arguments, int *words)
{
    const struct ctl_command *found = NULL;

    *words = 0;
    for (size_t i = 0; i < ctl_command_count; i++) {
        int matched = match(&ctl_commands[i], count, arguments);

        if (matched > *words) {
            *words = matched;
            found = &ctl_commands[i];
        }
    }
    return found;
}

/* Writes an argument as a segment of a path (RFC 3986 section 2.1). Servers take an encoded slash
 * for a plain one, so there must be none. */
static int encode(const char *text, char *out, size_t size)
{
    size_t length = 0;

    for (; *text; text++) {
        bool plain = isalnum((unsigned char)*text) || strchr("-._~", *text);

        if (length + 4 > size || *text == '/')
            return -1;
        length += (size_t)snprintf(out + length, size - length, plain ? "%c" : "%%%02X",
                                   plain ? *text : (unsigned char)*text);
    }
    out[length] = '\0';
    return *out ? 0 : -1;
}

static int write_path(const struct ctl_command *command, const struct ctl_line *line,
                      struct ctl_request *request)
{
    const char *gap = strstr(command->path, "%s");
    char segment[256];

    snprintf(request->path, sizeof request->path, "%s", command->path);
    if (!gap) {
        /* The one command whose argument is optional asks for a part of a list. */
        if (strcmp(command->words, "connections") != 0 || line->count == 0)
            return 0;
        if (encode(line->arguments[0], segment, sizeof segment) != 0)
            return -1;
        snprintf(request->path, sizeof request->path, API "endpoints/%s/connections", segment);
        return 0;
    }
    if (encode(line->arguments[0], segment, sizeof segment) != 0)
        return -1;
    snprintf(request->path, sizeof request->path, "%.*s%s%s", (int)(gap - command->path),
             command->path, segment, gap + 2);
    return 0;
}

int ctl_command_request(const struct ctl_command *command, const struct ctl_line *line,
                        struct ctl_request *request, struct ctl_error *error)
{
    request->method = command->method;
    request->body = NULL;
    if (line->count < command->minimum || line->count > command->maximum) {
        snprintf(error->text, sizeof error->text, "expected: %s %s", command->words,
                 command->arguments);
        return -1;
    }
    if (write_path(command, line, request) != 0)
        return refuse(error, "a name or an id", line->arguments[0]);
    if (!command->build)
        return 0;
    request->body = json_object();
    return request->body ? command->build(line, request->body, error)
                         : refuse(error, "more memory", "none");
}
