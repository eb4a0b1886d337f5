#include "ts/ts_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ts_decode(const char *text, size_t length, enum dvbcss_mode mode, ts_reader read, void *out,
              struct dvbcss_report *report)
{
    struct jget_place top;
    int error = jget_parse(&top, text, length, mode, report);

    if (error)
        return error;
    error = read(&top, out);
    jget_finish(&top);
    return error;
}

void ts_format_number(char out[TS_NUMBER_SIZE], double value)
{
    char *to = out;

    if (value == 0.0)
        value = 0.0; /* "-0" is a number in JSON, but nobody expects it. */
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, TS_NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    /* The locale's decimal point may be any character, of several bytes even. */
    for (const char *from = out; *from;) {
        size_t number = strspn(from, "0123456789eE+-");

        memmove(to, from, number);
        to += number;
        from += number;
        if (*from) {
            *to++ = '.';
            from += strcspn(from, "0123456789eE+-");
        }
    }
    *to = '\0';
}

int ts_hand_out(const char *text, size_t length, char *buffer, size_t size, size_t *out_length)
{
    *out_length = length;
    if (length >= size)
        return DVBCSS_ENOSPC;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return 0;
}
