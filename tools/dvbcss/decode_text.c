#include "decode_text.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

bool decode_looks_like_json(const char *text, size_t length)
{
    while (length > 0 && isspace((unsigned char)*text)) {
        text++;
        length--;
    }
    return length > 0 && (*text == '{' || *text == '[');
}

/* Copies text without the bytes that only make it readable. */
static size_t squeeze(const char *text, size_t length, const char *dropped, char *out)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0' || !strchr(dropped, text[i]))
            out[used++] = text[i];
    }
    out[used] = '\0';
    return used;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* Decodes in place; false if it is not hex. */
static bool undo_hex(char *text, size_t length, size_t *out_length)
{
    size_t start = length > 1 && text[0] == '0' && tolower((unsigned char)text[1]) == 'x' ? 2 : 0;

    if (length == start || (length - start) % 2 != 0)
        return false;
    for (size_t i = start; i < length; i++) {
        if (hex_digit(text[i]) < 0)
            return false;
    }
    *out_length = (length - start) / 2;
    for (size_t i = 0; i < *out_length; i++)
        text[i] = (char)(hex_digit(text[start + 2 * i]) * 16 + hex_digit(text[start + 2 * i + 1]));
    return true;
}

/* Decodes in place; false if it is not base64. */
static bool undo_base64(char *text, size_t length, size_t *out_length)
{
    size_t padding = 0;
    int decoded;

    if (length == 0 || length % 4 != 0)
        return false;
    while (padding < 2 && text[length - 1 - padding] == '=')
        padding++;
    decoded = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)text, (int)length);
    if (decoded < 0)
        return false;
    *out_length = (size_t)decoded - padding;
    return true;
}

enum decode_text decode_text(const char *text, size_t length, unsigned char **out,
                             size_t *out_length)
{
    char *work = malloc(length + 1);
    size_t squeezed;

    if (!work)
        return DECODE_TEXT_NO_MEMORY;
    *out = (unsigned char *)work;
    squeezed = squeeze(text, length, " \t\r\n:", work);
    if (undo_hex(work, squeezed, out_length))
        return DECODE_TEXT_HEX;
    squeezed = squeeze(text, length, " \t\r\n", work);
    if (undo_base64(work, squeezed, out_length))
        return DECODE_TEXT_BASE64;
    free(work);
    *out = NULL;
    return DECODE_TEXT_NONE;
}
