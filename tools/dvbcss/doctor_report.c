#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "terminal.h"

static const struct {
    enum finding_level level;
    const char *id;
    const char *advice;
} findings[FINDING_COUNT] = {
#define DOCTOR_FINDING_ROW(name, level, id, advice)                                                \
    [FINDING_##name] = {FINDING_##level, id, advice},
    DOCTOR_FINDINGS(DOCTOR_FINDING_ROW)
#undef DOCTOR_FINDING_ROW
};

static const char *const levels[] = {"good", "note", "problem"};

static void print_line(json_t *line)
{
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

    puts(text ? text : "{\"event\":\"error\",\"text\":\"out of memory\"}");
    (void)flush_output();
    free(text);
    json_decref(line);
}

void doctor_step(struct doctor *doctor, const char *step)
{
    doctor->step = step;
    memset(doctor->told, 0, sizeof doctor->told);
    if (!doctor->json) {
        printf("%s\n", step);
        (void)flush_output();
    }
}

static void tell(struct doctor *doctor, enum finding finding, const char *text)
{
    static const char *const marks[] = {"ok", "note", "PROBLEM"};
    const char *advice = findings[finding].advice;
    enum finding_level level = findings[finding].level;

    doctor->told[finding] = true;
    doctor->problems += level == FINDING_PROBLEM;
    doctor->notes += level == FINDING_NOTE;
    if (doctor->json) {
        print_line(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?}", "event", "finding", "step",
                             doctor->step, "level", levels[level], "id", findings[finding].id,
                             "text", text, "advice", advice));
        return;
    }
    printf("  %-8s %s [%s]\n", marks[level], text, findings[finding].id);
    if (advice)
        printf("           %s\n", advice);
    (void)flush_output();
}

DVBCSS_PRINTF(3, 0)
static void find(struct doctor *doctor, enum finding finding, const char *format, va_list arguments)
{
    char raw[1024], text[sizeof raw];

    vsnprintf(raw, sizeof raw, format, arguments);
    tell(doctor, finding, terminal_escape(text, sizeof text, raw));
}

void doctor_find(struct doctor *doctor, enum finding finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    find(doctor, finding, format, arguments);
    va_end(arguments);
}

void doctor_find_once(struct doctor *doctor, enum finding finding, const char *format, ...)
{
    va_list arguments;

    if (doctor->told[finding])
        return;
    va_start(arguments, format);
    find(doctor, finding, format, arguments);
    va_end(arguments);
}

int doctor_conclude(struct doctor *doctor)
{
    if (doctor->json)
        print_line(json_pack("{s:s, s:i, s:i}", "event", "result", "problems",
                             (int)doctor->problems, "notes", (int)doctor->notes));
    else
        printf("%u problem%s, %u note%s\n", doctor->problems, doctor->problems == 1 ? "" : "s",
               doctor->notes, doctor->notes == 1 ? "" : "s");
    return doctor->problems == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* ---- what is found in several steps --------------------------------------------------------- */

const char *doctor_kind(const json_t *value)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };

    return value ? kinds[json_typeof(value)] : "missing";
}

const char *doctor_string(struct doctor *doctor, const json_t *message, const char *member)
{
    const json_t *value = json_object_get(message, member);

    if (!value)
        doctor_find(doctor, FINDING_MEMBER_MISSING, "%s is missing", member);
    else if (!json_is_string(value))
        doctor_find(doctor, FINDING_MEMBER_TYPE, "%s is %s and has to be a string", member,
                    doctor_kind(value));
    return json_string_value(value);
}

void doctor_check_end(struct doctor *doctor, const struct dvbcss_disconnect *why)
{
    static const struct {
        int error;
        /** 0 for any. */
        uint16_t http_status;
        enum finding finding;
    } rows[] = {
        {DVBCSS_EREFUSED, 403, FINDING_REFUSED_403},  {DVBCSS_EREFUSED, 404, FINDING_REFUSED_404},
        {DVBCSS_EREFUSED, 426, FINDING_REFUSED_426},  {DVBCSS_EREFUSED, 503, FINDING_REFUSED_503},
        {DVBCSS_EREFUSED, 0, FINDING_REFUSED},        {DVBCSS_EADDRESS, 0, FINDING_NOBODY_LISTENS},
        {DVBCSS_ERESOLVE, 0, FINDING_NAME_UNKNOWN},   {DVBCSS_ETIMEDOUT, 0, FINDING_NO_ANSWER},
        {DVBCSS_EPROTOCOL, 0, FINDING_NOT_WEBSOCKET}, {DVBCSS_ETLS, 0, FINDING_TLS},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].error == why->error &&
            (rows[i].http_status == 0 || rows[i].http_status == why->http_status)) {
            doctor_find(doctor, rows[i].finding, "%s", why->text);
            return;
        }
    }
    doctor_find(doctor, FINDING_CLOSED, "%s", why->text);
}
