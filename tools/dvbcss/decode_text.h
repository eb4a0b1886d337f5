/**
 * @file
 * Hex and base64: the clothes in which a message comes out of logs and captures.
 */
#ifndef DVBCSS_TOOL_DECODE_TEXT_H
#define DVBCSS_TOOL_DECODE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum decode_text {
    /** It is neither: the bytes are the message itself. */
    DECODE_TEXT_NONE,
    DECODE_TEXT_HEX,
    DECODE_TEXT_BASE64,
    DECODE_TEXT_NO_MEMORY,
};

/**
 * Undoes hex (with white space, colons or 0x) or base64 (with white space).
 *
 * @param out receives what was inside, to be freed; only for HEX and BASE64
 */
enum decode_text decode_text(const char *text, size_t length, unsigned char **out,
                             size_t *out_length);

/** Whether the first byte that is no white space begins a JSON object or array. */
bool decode_looks_like_json(const char *text, size_t length);

#endif
