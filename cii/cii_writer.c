#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cii/cii_internal.h"
#include "dvbcss/alloc.h"

static void append(struct cii_writer *writer, const char *bytes, size_t length)
{
    if (writer->failed)
        return;
    if (length >= writer->capacity - writer->length) {
        size_t capacity = 2 * (writer->length + length) + 128;
        char *text = dvbcss_realloc(writer->text, capacity);

        if (!text) {
            writer->failed = true;
            return;
        }
        writer->text = text;
        writer->capacity = capacity;
    }
    memcpy(writer->text + writer->length, bytes, length);
    writer->length += length;
    writer->text[writer->length] = '\0';
}

void cii_write(struct cii_writer *writer, const char *text)
{
    append(writer, text, strlen(text));
}

static void append_escape(struct cii_writer *writer, char c)
{
    static const char special[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = strchr(special, c);
    char escape[8];

    if (found)
        snprintf(escape, sizeof escape, "\\%c", letters[found - special]);
    else
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)c);
    cii_write(writer, escape);
}

/* Appends the inside of a JSON string (RFC 8259 section 7), escaping no more than it must. */
static void append_escaped(struct cii_writer *writer, const char *text, size_t length)
{
    size_t from = 0;

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= ' ' && text[i] != '"' && text[i] != '\\')
            continue;
        append(writer, text + from, i - from);
        append_escape(writer, text[i]);
        from = i + 1;
    }
    append(writer, text + from, length - from);
}

void cii_write_string(struct cii_writer *writer, const char *text)
{
    append(writer, "\"", 1);
    append_escaped(writer, text, strlen(text));
    append(writer, "\"", 1);
}

/* Finds what stands for the placeholder at the start of @p text; NULL if there is none. */
static const char *placeholder(const struct cii_writer *writer, const char *text, size_t *length)
{
    const struct {
        const char *name;
        const char *meaning;
    } placeholders[] = {
        {"{{ws}}", writer->ws}, {"{{host}}", writer->host}, {"{{port}}", writer->port}};

    for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++) {
        *length = strlen(placeholders[i].name);
        if (strncmp(text, placeholders[i].name, *length) == 0)
            return placeholders[i].meaning;
    }
    return NULL;
}

void cii_write_url(struct cii_writer *writer, const char *text)
{
    const char *from = text;
    const char *brace = text;

    append(writer, "\"", 1);
    while ((brace = strstr(brace, "{{"))) {
        size_t length;
        const char *meaning = placeholder(writer, brace, &length);

        if (!meaning) {
            brace++;
            continue;
        }
        append_escaped(writer, from, (size_t)(brace - from));
        append_escaped(writer, meaning, strlen(meaning));
        brace += length;
        from = brace;
    }
    append_escaped(writer, from, strlen(from));
    append(writer, "\"", 1);
}

int cii_writer_finish(struct cii_writer *writer, char **text)
{
    if (writer->failed) {
        dvbcss_free(writer->text);
        return DVBCSS_ENOMEM;
    }
    *text = writer->text;
    return 0;
}

void cii_format_number(char *text, double number)
{
    int digits = 15;

    do
        snprintf(text, CII_NUMBER_SIZE, "%.*g", digits, number);
    while (digits++ < 17 && strtod(text, NULL) != number);
    /* The program may run in a locale with another decimal point. */
    for (char *c = text; *c != '\0'; c++) {
        if (!strchr("0123456789+-e", *c))
            *c = '.';
    }
}

/* ---- any JSON value ------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_object(struct cii_writer *writer, const json_t *object)
{
    size_t count = json_object_size(object);
    const char **names = dvbcss_calloc(count + 1, sizeof *names);
    size_t i = 0;

    if (!names) {
        writer->failed = true;
        return;
    }
    for (void *member = json_object_iter((json_t *)object); member;
         member = json_object_iter_next((json_t *)object, member))
        names[i++] = json_object_iter_key(member);
    qsort(names, count, sizeof *names, compare_names);
    cii_write(writer, "{");
    for (i = 0; i < count; i++) {
        cii_write(writer, i > 0 ? "," : "");
        cii_write_string(writer, names[i]);
        cii_write(writer, ":");
        cii_write_json(writer, json_object_get(object, names[i]));
    }
    cii_write(writer, "}");
    dvbcss_free(names);
}

static void write_array(struct cii_writer *writer, const json_t *array)
{
    cii_write(writer, "[");
    for (size_t i = 0; i < json_array_size(array); i++) {
        cii_write(writer, i > 0 ? "," : "");
        cii_write_json(writer, json_array_get(array, i));
    }
    cii_write(writer, "]");
}

static void write_integer(struct cii_writer *writer, const json_t *integer)
{
    char text[CII_NUMBER_SIZE];

    snprintf(text, sizeof text, "%" PRId64, (int64_t)json_integer_value(integer));
    cii_write(writer, text);
}

/* A real stays one: 1.0 does not become the integer 1. */
static void write_real(struct cii_writer *writer, const json_t *real)
{
    char text[CII_NUMBER_SIZE];

    cii_format_number(text, json_real_value(real));
    cii_write(writer, text);
    cii_write(writer, strpbrk(text, ".e") ? "" : ".0");
}

/* jansson's own writer does not notice each lack of memory: a name may be lost in its output. */
void cii_write_json(struct cii_writer *writer, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(writer, value);
        break;
    case JSON_ARRAY:
        write_array(writer, value);
        break;
    case JSON_STRING:
        cii_write_string(writer, json_string_value(value));
        break;
    case JSON_INTEGER:
        write_integer(writer, value);
        break;
    case JSON_REAL:
        write_real(writer, value);
        break;
    case JSON_TRUE:
        cii_write(writer, "true");
        break;
    case JSON_FALSE:
        cii_write(writer, "false");
        break;
    case JSON_NULL:
        cii_write(writer, "null");
        break;
    }
}
