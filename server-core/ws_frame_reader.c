#include "server-core/ws_frame_reader.h"

#include <string.h>

#include "server-core/ws_frame.h"

/* A head is two bytes, up to eight bytes of length, and the mask. */
enum { FIRST_BYTES = 2, MASK_SIZE = 4 };

/* What a frame of an opcode is; nothing if there is no such opcode. */
static const enum ws_frame_event_kind kinds[WS_HEAD_OPCODE + 1] = {
    [WS_OPCODE_CONTINUATION] = WS_FRAME_PART, [WS_OPCODE_TEXT] = WS_FRAME_PART,
    [WS_OPCODE_BINARY] = WS_FRAME_PART,       [WS_OPCODE_CLOSE] = WS_FRAME_CLOSE,
    [WS_OPCODE_PING] = WS_FRAME_PING,         [WS_OPCODE_PONG] = WS_FRAME_PONG,
};

/* Of an opcode that there is. */
static bool is_control(unsigned first_byte)
{
    return kinds[first_byte & WS_HEAD_OPCODE] != WS_FRAME_PART;
}

static const char *breach_of_first_byte(const struct ws_frame_reader *reader)
{
    unsigned byte = reader->kept[0];
    bool continues = (byte & WS_HEAD_OPCODE) == WS_OPCODE_CONTINUATION;

    if (byte & WS_HEAD_RESERVED)
        return "reserved bit in a frame";
    if (kinds[byte & WS_HEAD_OPCODE] == WS_FRAME_NONE)
        return "unknown opcode";
    if (is_control(byte))
        return byte & WS_HEAD_FIN ? NULL : "control frame in fragments";
    if (continues && !reader->in_message)
        return "continuation of no message";
    if (!continues && reader->in_message)
        return "message inside of another";
    return NULL;
}

static const char *breach_of_second_byte(const struct ws_frame_reader *reader)
{
    unsigned byte = reader->kept[1];

    if (!(byte & WS_HEAD_MASKED))
        return "frame without mask";
    if (is_control(reader->kept[0]) && (byte & WS_HEAD_LENGTH) > WS_CONTROL_MAX)
        return "control frame of more than 125 bytes";
    return NULL;
}

/* How many bytes of the length follow the second byte of the head. */
static unsigned extended_size(const struct ws_frame_reader *reader)
{
    unsigned length = reader->kept[1] & WS_HEAD_LENGTH;

    if (length <= WS_LENGTH_SHORT_MAX)
        return 0;
    return length == WS_LENGTH_IN_2_BYTES ? 2 : 8;
}

/* Of the first @p count bytes of it. */
static uint64_t extended_length(const struct ws_frame_reader *reader, unsigned count)
{
    uint64_t length = 0;

    for (unsigned i = 0; i < count; i++)
        length = length << 8 | reader->kept[FIRST_BYTES + i];
    return length;
}

/* Each rule is looked at when the byte has come that decides it. */
static const char *breach_of_length(const struct ws_frame_reader *reader)
{
    unsigned size = extended_size(reader);
    unsigned have = reader->kept_length - FIRST_BYTES;

    if (size == 8 && have == 1 && reader->kept[FIRST_BYTES] & 0x80)
        return "length of more than 63 bits";
    if ((size == 8 && have == 6 && extended_length(reader, 6) == 0) ||
        (size == 2 && have == 2 && extended_length(reader, 2) <= WS_LENGTH_SHORT_MAX))
        return "length in more bytes than it needs";
    return NULL;
}

static const char *breach_of_head(const struct ws_frame_reader *reader)
{
    switch (reader->kept_length) {
    case 1:
        return breach_of_first_byte(reader);
    case 2:
        return breach_of_second_byte(reader);
    default:
        return breach_of_length(reader);
    }
}

/* The head is whole: the payload comes next. */
static void end_head(struct ws_frame_reader *reader)
{
    unsigned opcode = reader->kept[0] & WS_HEAD_OPCODE;
    unsigned size = extended_size(reader);

    reader->kind = kinds[opcode];
    if (reader->kind == WS_FRAME_PART)
        reader->in_message = !(reader->kept[0] & WS_HEAD_FIN);
    if (reader->kind == WS_FRAME_PART && opcode != WS_OPCODE_CONTINUATION)
        reader->binary = opcode == WS_OPCODE_BINARY;
    reader->payload_left =
        size == 0 ? reader->kept[1] & WS_HEAD_LENGTH : extended_length(reader, size);
    memcpy(reader->mask, reader->kept + FIRST_BYTES + size, MASK_SIZE);
    reader->kept_length = 0;
}

/* Returns whether it was the last byte of the head. */
static bool take_head_byte(struct ws_frame_reader *reader, uint8_t byte)
{
    reader->kept[reader->kept_length++] = byte;
    reader->breach = breach_of_head(reader);
    /* Before the second byte has come, whatever stands in its place asks for more. */
    if (reader->breach || reader->kept_length < FIRST_BYTES + extended_size(reader) + MASK_SIZE)
        return false;
    end_head(reader);
    return true;
}

/* Turns the mask, so that it begins with the byte for what follows. */
static void unmask(uint8_t *bytes, size_t length, uint8_t *mask)
{
    uint8_t twice[2 * MASK_SIZE];
    uint64_t mask_word;
    uint64_t word;
    size_t i = 0;

    memcpy(twice, mask, MASK_SIZE);
    memcpy(twice + MASK_SIZE, mask, MASK_SIZE);
    memcpy(&mask_word, twice, sizeof mask_word);
    for (; length - i >= sizeof word; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        word ^= mask_word;
        memcpy(bytes + i, &word, sizeof word);
    }
    for (; i < length; i++)
        bytes[i] ^= twice[i % sizeof twice];
    memcpy(mask, twice + length % MASK_SIZE, MASK_SIZE);
}

static void tell(struct ws_frame_event *event, enum ws_frame_event_kind kind, const uint8_t *bytes,
                 size_t length)
{
    event->kind = kind;
    event->bytes = bytes;
    event->length = length;
}

static void take_part(struct ws_frame_reader *reader, uint8_t *bytes, size_t length,
                      struct ws_frame_event *event)
{
    bool final = reader->payload_left == 0 && !reader->in_message;

    if (length == 0 && !final)
        return;
    unmask(bytes, length, reader->mask);
    tell(event, WS_FRAME_PART, bytes, length);
    event->final = final;
    event->binary = reader->binary;
}

static void take_control(struct ws_frame_reader *reader, const uint8_t *bytes, size_t length,
                         struct ws_frame_event *event)
{
    memcpy(reader->kept + reader->kept_length, bytes, length);
    reader->kept_length = (uint8_t)(reader->kept_length + length);
    if (reader->payload_left > 0)
        return;
    unmask(reader->kept, reader->kept_length, reader->mask);
    tell(event, reader->kind, reader->kept, reader->kept_length);
    reader->kept_length = 0;
}

/* Of the payload, as much as has come: maybe nothing, right after the head. */
static size_t take_payload(struct ws_frame_reader *reader, uint8_t *bytes, size_t length,
                           struct ws_frame_event *event)
{
    size_t taken = length < reader->payload_left ? length : (size_t)reader->payload_left;

    reader->payload_left -= taken;
    if (reader->kind == WS_FRAME_PART)
        take_part(reader, bytes, taken, event);
    else
        take_control(reader, bytes, taken, event);
    return taken;
}

size_t ws_frame_read(struct ws_frame_reader *reader, uint8_t *bytes, size_t length,
                     struct ws_frame_event *event)
{
    size_t taken = 0;

    *event = (struct ws_frame_event){.kind = WS_FRAME_NONE};
    while (taken < length && event->kind == WS_FRAME_NONE && !reader->breach)
        if (reader->payload_left > 0 || take_head_byte(reader, bytes[taken++]))
            taken += take_payload(reader, bytes + taken, length - taken, event);
    if (!reader->breach)
        return taken;
    event->kind = WS_FRAME_BREACH;
    event->reason = reader->breach;
    return length;
}
