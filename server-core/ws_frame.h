/**
 * @file
 * Opcodes and heads of frames, how a server writes them, and codes of close frames. Private to
 * server-core.
 */
#ifndef DVBCSS_WS_FRAME_H
#define DVBCSS_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Opcodes of RFC 6455 section 11.8. */
enum ws_opcode {
    WS_OPCODE_CONTINUATION = 0,
    WS_OPCODE_TEXT = 1,
    WS_OPCODE_BINARY = 2,
    WS_OPCODE_CLOSE = 8,
    WS_OPCODE_PING = 9,
    WS_OPCODE_PONG = 10,
};

/** The first two bytes of a head, RFC 6455 section 5.2. */
enum {
    WS_HEAD_FIN = 0x80,
    WS_HEAD_RESERVED = 0x70,
    WS_HEAD_OPCODE = 0x0f,
    WS_HEAD_MASKED = 0x80,
    WS_HEAD_LENGTH = 0x7f,
};

/** Lengths up to the first stand in the head's second byte; the two others announce more bytes. */
enum {
    WS_LENGTH_SHORT_MAX = 125,
    WS_LENGTH_IN_2_BYTES = 126,
    WS_LENGTH_IN_8_BYTES = 127,
};

/** Longest head of a frame without a mask. */
enum { WS_FRAME_HEAD_MAX = 10 };

/**
 * Writes the head of a whole message, unmasked, in front of its payload (RFC 6455 section 5.2).
 *
 * @param payload its first byte; the WS_FRAME_HEAD_MAX bytes before it are for the head
 * @param length  of the payload
 * @return length of the head, which ends right before @p payload
 */
size_t ws_frame_put_head(uint8_t *payload, enum ws_opcode opcode, size_t length);

/** Whether a code may be in a close frame (RFC 6455 section 7.4, and what IANA has registered
 * since). */
bool ws_close_code_is_valid(unsigned code);

#endif
