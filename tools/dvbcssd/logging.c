#include "logging.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "dvbcss/alloc.h"

static struct config_log settings = {DVBCSS_LOG_INFO, LOG_TEXT, LOG_STDERR};

static const struct {
    const char *name;
    /* As in <syslog.h>. */
    int priority;
} levels[] = {{"none", 7}, {"error", 3}, {"warning", 4}, {"info", 6}, {"debug", 7}};

/* ---- lines ---------------------------------------------------------------------------------- */

/* "2026-11-21T15:40:00.123Z" */
static void write_time(char *text, size_t size)
{
    struct timespec now;
    struct tm parts;
    size_t length;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, size - length, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

/* Each line is one write, so that lines of several processes do not mix. */
static void write_text(const char *prefix, enum dvbcss_log_level level, const char *id,
                       const char *text)
{
    if (settings.target == LOG_JOURNALD)
        fprintf(stderr, "%s%s: %s\n", prefix, id, text);
    else
        fprintf(stderr, "dvbcssd: %s: %s: %s\n", levels[level].name, id, text);
}

static void write_json(const char *prefix, enum dvbcss_log_level level, const char *id,
                       const char *text, json_t *fields)
{
    char when[40];
    json_t *line;
    char *dump;

    write_time(when, sizeof when);
    line = json_pack("{s:s, s:s, s:s, s:s}", "time", when, "level", levels[level].name, "id", id,
                     "text", text);
    if (line && fields)
        json_object_update(line, fields);
    dump =
        line ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(line);
    if (dump)
        fprintf(stderr, "%s%s\n", prefix, dump);
    dvbcss_free(dump);
}

static void write_line(enum dvbcss_log_level level, const char *id, const char *text,
                       json_t *fields)
{
    char prefix[8] = "";

    if (settings.target == LOG_JOURNALD)
        snprintf(prefix, sizeof prefix, "<%d>", levels[level].priority);
    if (settings.format == LOG_JSON)
        write_json(prefix, level, id, text, fields);
    else
        write_text(prefix, level, id, text);
}

static void on_line(void *user, enum dvbcss_log_level level, const char *id, const char *text)
{
    (void)user;
    write_line(level, id, text, NULL);
}

/* ---- what the others use -------------------------------------------------------------------- */

void logging_set(const struct config_log *config)
{
    settings = *config;
    dvbcss_log_set(on_line, NULL, (enum dvbcss_log_level)config->level);
}

void logging_event(enum dvbcss_log_level level, const char *id, const char *text, json_t *fields)
{
    if (dvbcss_log_enabled(level))
        write_line(level, id, text, fields);
    json_decref(fields);
}

void logging_fatal(const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (settings.format == LOG_TEXT && settings.target == LOG_STDERR)
        fprintf(stderr, "dvbcssd: error: %s\n", text);
    else
        write_line(DVBCSS_LOG_ERROR, "fatal", text, NULL);
}
