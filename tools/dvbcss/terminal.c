#include "terminal.h"

#include <stdlib.h>
#include <string.h>

#include "dvbcss/log.h"

/* Room for one character as it is shown. */
enum { SHOWN_SIZE = 8 };

/* How many bytes of UTF-8 follow this lead byte; -1 if it is none. */
static int trailing_bytes(unsigned char lead)
{
    if (lead < 0x80)
        return 0;
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    return lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
}

/* The smallest second byte that does not write a shorter character the long way, and, after 0xc2,
 * none of the control characters of U+0080 to U+009F. */
static unsigned char second_min(unsigned char lead)
{
    return lead == 0xc2 || lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
}

/* Length of the character that text begins with, in bytes; 0 for what must not be shown. */
static size_t printable(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    int trailing = trailing_bytes(bytes[0]);

    if (trailing < 0 || bytes[0] < ' ' || bytes[0] == 0x7f)
        return 0;
    if (trailing > 0 && bytes[1] < second_min(bytes[0]))
        return 0;
    for (int i = 1; i <= trailing; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    return (size_t)trailing + 1;
}

/* Puts the character that *text begins with in a form that can be shown; goes on to the next. */
static size_t take_character(const char **text, char shown[SHOWN_SIZE])
{
    size_t length = printable(*text);

    if (length == 0) {
        dvbcss_log_escape(shown, SHOWN_SIZE, *text, 1);
        (*text)++;
        return strlen(shown);
    }
    memcpy(shown, *text, length);
    *text += length;
    return length;
}

const char *terminal_escape(char *out, size_t size, const char *text)
{
    size_t used = 0;

    while (*text) {
        char shown[SHOWN_SIZE];
        size_t length = take_character(&text, shown);

        if (used + length >= size)
            break;
        memcpy(out + used, shown, length);
        used += length;
    }
    out[used] = '\0';
    return out;
}

void terminal_vprint(FILE *out, const char *format, va_list arguments)
{
    char *text;
    const char *rest;

    if (vasprintf(&text, format, arguments) < 0) {
        fputs("out of memory", out);
        return;
    }
    rest = text;
    while (*rest) {
        char shown[SHOWN_SIZE];
        size_t length = take_character(&rest, shown);

        fwrite(shown, 1, length, out);
    }
    free(text);
}

void terminal_print(FILE *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    terminal_vprint(out, format, arguments);
    va_end(arguments);
}
