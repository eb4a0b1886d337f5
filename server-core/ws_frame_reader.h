/**
 * @file
 * Frames that a server receives, from bytes as they arrive (RFC 6455 section 5). It looks at
 * nothing but the bytes. Private to server-core.
 */
#ifndef DVBCSS_WS_FRAME_READER_H
#define DVBCSS_WS_FRAME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most bytes of payload that a ping, pong or close can have. */
enum { WS_CONTROL_MAX = 125 };

enum ws_frame_event_kind {
    /** Nothing yet: more has to come. */
    WS_FRAME_NONE,
    /** Part of a text or binary message. */
    WS_FRAME_PART,
    WS_FRAME_PING,
    WS_FRAME_PONG,
    WS_FRAME_CLOSE,
    /** The peer does not keep to the protocol. Nothing can be read after it. */
    WS_FRAME_BREACH,
};

struct ws_frame_event {
    enum ws_frame_event_kind kind;
    /** Payload, unmasked: inside of the bytes that were given (a part) or of the reader (a control
     * frame); valid until the next call. NULL of what has no payload by its kind. */
    const uint8_t *bytes;
    size_t length;
    /** Of a part: it is the last of its message; its message is binary. */
    bool final;
    bool binary;
    /** Of a breach: a sentence for the reason of a close frame, at most 123 bytes. */
    const char *reason;
};

/** Its members are its own. All zero is the state before the first byte. */
struct ws_frame_reader {
    /** What is still missing of the payload of a frame; 0 in its head and between frames. */
    uint64_t payload_left;
    /** Why nothing can be read any more; NULL while it can. */
    const char *breach;
    /** Of the frame whose payload is being read. */
    enum ws_frame_event_kind kind;
    /** It begins with the byte for the next byte of payload. */
    uint8_t mask[4];
    /** Between the first and the last frame of a message, and whether that is binary. */
    bool in_message;
    bool binary;
    /** Of a head, or of the payload of a control frame, what has come: still masked. */
    uint8_t kept_length;
    uint8_t kept[WS_CONTROL_MAX];
};

/**
 * Reads up to the next event.
 *
 * Breaches are: a reserved bit, an unknown opcode, a frame without mask, a length in more bytes
 * than it needs or beyond 63 bits, a control frame that is fragmented or has more than
 * WS_CONTROL_MAX bytes, a continuation of nothing, a message inside of another. They are told as
 * soon as they can be seen: of the first byte before the second has come. A breach takes all bytes,
 * and so does every later call, which tells of the same breach. Whether text is UTF-8, and what a
 * close frame says, is for the caller to look at; a frame after a close frame is one like any
 * other.
 *
 * Parts come as soon as there are bytes of them; a message of none has one part of length 0, and so
 * has one whose last frame is empty. Frames that bring neither a byte nor the end of their message
 * are no event.
 *
 * @param bytes what has arrived; payload in it is unmasked in place
 * @param event what was found; WS_FRAME_NONE only if all bytes were taken
 * @return how many bytes were taken
 */
size_t ws_frame_read(struct ws_frame_reader *reader, uint8_t *bytes, size_t length,
                     struct ws_frame_event *event);

#endif
