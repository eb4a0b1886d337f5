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
    static const char host[] = "{{host}}";
    static const char port[] = "{{port}}";

    *length = sizeof host - 1;
    if (strncmp(text, host, sizeof host - 1) == 0)
        return writer->host;
    return strncmp(text, port, sizeof port - 1) == 0 ? writer->port : NULL;
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
