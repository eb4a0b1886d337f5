/**
 * @file
 * Whether a text is UTF-8, as what goes into a text frame has to be, and that it stays so when it
 * is cut. Private to the suite.
 */
#ifndef DVBCSS_COMMON_UTF8_H
#define DVBCSS_COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Tells whether so many bytes are well-formed UTF-8 (Unicode table 3-7: no overlong forms,
 * surrogates or code points above U+10FFFF, nothing cut off). */
static inline bool utf8_bytes_are_valid(const void *bytes, size_t length)
{
    const uint8_t *byte = bytes;
    const uint8_t *end = byte + length;

    while (byte != end) {
        uint8_t lead = *byte++;
        uint8_t low = 0x80;
        uint8_t high = 0xbf;
        ptrdiff_t rest;

        if (lead < 0x80)
            continue;
        if (lead < 0xc2 || lead > 0xf4)
            return false;
        rest = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (end - byte < rest)
            return false;
        /* Only the second byte has bounds of its own. */
        if (lead == 0xe0)
            low = 0xa0;
        else if (lead == 0xed)
            high = 0x9f;
        else if (lead == 0xf0)
            low = 0x90;
        else if (lead == 0xf4)
            high = 0x8f;
        for (; rest > 0; rest--, low = 0x80, high = 0xbf) {
            if (*byte < low || *byte > high)
                return false;
            byte++;
        }
    }
    return true;
}

/** The same for a text that ends with 0. */
static inline bool utf8_is_valid(const char *text)
{
    return utf8_bytes_are_valid(text, strlen(text));
}

/** Takes the first bytes of a character off the end of a text that was cut inside of it; the text
 * was UTF-8 before. */
static inline void utf8_end_at_character(char *text)
{
    size_t length = strlen(text);
    size_t start = length;
    uint8_t first;

    while (start > 0 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    first = (uint8_t)text[start - 1];
    if ((first >= 0xf0 && length - start < 3) || (first >= 0xe0 && length - start < 2) ||
        (first >= 0xc0 && length - start < 1))
        text[start - 1] = '\0';
}

#endif
