/*
 * Frames from peers: in pieces of any size the reader finds what a second reader finds that has all
 * bytes before it and looks at one frame after the other.
 *
 * The input is a count, that many sizes of pieces less one, used in turn, and the stream.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server-core/ws_frame_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZES_MAX = 15 };

/* What was found: a value for each byte of payload and for each end, of a kind of its own. So it
 * does not show how a payload was parted. */
enum kind { TEXT, BINARY, PING, PONG, CLOSE, END, BREACH };

struct finding {
    uint8_t kind;
    uint8_t value;
};

struct findings {
    struct finding *list;
    size_t count;
    size_t room;
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void find(struct findings *findings, enum kind kind, uint8_t value)
{
    require(findings->count < findings->room);
    findings->list[findings->count++] = (struct finding){(uint8_t)kind, value};
}

/* Each frame has at least six bytes, and one end. */
static struct findings findings_for(size_t length)
{
    struct findings findings = {.room = length + 1};

    findings.list = malloc(findings.room * sizeof *findings.list);
    require(findings.list != NULL);
    return findings;
}

/* ---- the reader ------------------------------------------------------------------------------ */

static enum kind kind_of(const struct ws_frame_event *event)
{
    switch (event->kind) {
    case WS_FRAME_PART:
        return event->binary ? BINARY : TEXT;
    case WS_FRAME_PING:
        return PING;
    case WS_FRAME_PONG:
        return PONG;
    default:
        require(event->kind == WS_FRAME_CLOSE);
        return CLOSE;
    }
}

static void find_event(struct findings *findings, const struct ws_frame_event *event)
{
    enum kind kind = kind_of(event);

    require(event->kind != WS_FRAME_PART || event->length > 0 || event->final);
    for (size_t i = 0; i < event->length; i++)
        find(findings, kind, event->bytes[i]);
    if (event->kind != WS_FRAME_PART || event->final)
        find(findings, END, (uint8_t)kind);
}

/* Returns the reason of a breach; NULL if there was none. */
static const char *read_piece(struct ws_frame_reader *reader, struct findings *findings,
                              const uint8_t *bytes, size_t length)
{
    /* Exactly as large as the piece, so that the sanitizers see a step past its ends. */
    uint8_t *piece = malloc(length + !length);
    struct ws_frame_event event;
    size_t taken = 0;

    require(piece != NULL);
    memcpy(piece, bytes, length);
    for (;;) {
        taken += ws_frame_read(reader, piece + taken, length - taken, &event);
        require(taken <= length);
        if (event.kind == WS_FRAME_NONE || event.kind == WS_FRAME_BREACH)
            break;
        find_event(findings, &event);
    }
    require(taken == length);
    require((event.kind == WS_FRAME_BREACH) == (event.reason != NULL));
    free(piece);
    return event.reason;
}

/* Returns as read_piece(). Without sizes there is one piece. */
static const char *read_pieces(struct findings *findings, const uint8_t *sizes, size_t count,
                               const uint8_t *stream, size_t length)
{
    struct ws_frame_reader reader = {0};
    const char *reason = NULL;

    for (size_t i = 0; length > 0 && !reason; i++) {
        size_t piece = count > 0 && sizes[i % count] < length ? sizes[i % count] + 1u : length;

        reason = read_piece(&reader, findings, stream, piece);
        stream += piece;
        length -= piece;
    }
    if (reason) {
        require(read_piece(&reader, findings, stream, length) == reason);
        find(findings, BREACH, 0);
    }
    return reason;
}

/* ---- the other reader ------------------------------------------------------------------------ */

/* The frames that can follow, as the first byte of each: those of RFC 6455 section 5.2 whose FIN
 * and opcode the rules of section 5.4 and 5.5 allow. */
static bool may_begin(uint8_t first, bool inside)
{
    static const uint8_t outside_of_message[] = {0x01, 0x02, 0x81, 0x82, 0x88, 0x89, 0x8a};
    static const uint8_t inside_of_message[] = {0x00, 0x80, 0x88, 0x89, 0x8a};

    return inside ? memchr(inside_of_message, first, sizeof inside_of_message) != NULL
                  : memchr(outside_of_message, first, sizeof outside_of_message) != NULL;
}

/* Finds the length; returns how many bytes of head there are, 0 for a breach, and more than there
 * are bytes if that cannot be told. */
static size_t measure(const uint8_t *frame, size_t available, uint64_t *payload)
{
    unsigned code = frame[1] - 0x80u;

    *payload = code;
    if (frame[1] < 0x80 || (code >= 126 && frame[0] >= 0x88))
        return 0;
    if (code == 126 && available >= 4) {
        *payload = frame[2] * 256u + frame[3];
        return *payload < 126 ? 0 : 8;
    }
    if (code == 127 && available >= 3 && frame[2] >= 128)
        return 0;
    if (code == 127 && available >= 8 && memcmp(frame + 2, "\0\0\0\0\0", 6) == 0)
        return 0;
    if (code == 127 && available >= 10) {
        *payload = 0;
        for (int i = 0; i < 8; i++)
            *payload = *payload * 256 + frame[2 + i];
        return 14;
    }
    return code == 126 ? 8 : code == 127 ? 14 : 6;
}

/* Where the frames before have led to. */
struct context {
    bool in_message;
    enum kind message;
};

static enum kind begin_frame(uint8_t first, struct context *context)
{
    switch (first) {
    case 0x88:
        return CLOSE;
    case 0x89:
        return PING;
    case 0x8a:
        return PONG;
    default:
        context->in_message = first < 0x80;
        if (first % 16 != 0)
            context->message = first % 16 == 1 ? TEXT : BINARY;
        return context->message;
    }
}

/* Returns how long the frame is; 0 if nothing can be found behind it. */
static size_t read_frame(struct findings *findings, struct context *context, const uint8_t *frame,
                         size_t available)
{
    bool allowed = may_begin(frame[0], context->in_message);
    size_t head = SIZE_MAX;
    uint64_t payload = 0;
    enum kind kind;

    if (allowed && available >= 2)
        head = measure(frame, available, &payload);
    if (!allowed || head == 0)
        find(findings, BREACH, 0);
    if (!allowed || head == 0 || head > available)
        return 0;
    available -= head;
    if (frame[0] >= 0x88 && available < payload)
        return 0;
    kind = begin_frame(frame[0], context);
    for (size_t i = 0; i < payload && i < available; i++)
        find(findings, kind, (uint8_t)(frame[head + i] ^ frame[head - 4 + i % 4]));
    if (available < payload)
        return 0;
    if (frame[0] >= 0x80)
        find(findings, END, (uint8_t)kind);
    return head + (size_t)payload;
}

static void read_as_a_whole(struct findings *findings, const uint8_t *stream, size_t length)
{
    struct context context = {0};
    size_t frame;

    for (size_t at = 0; at < length; at += frame) {
        frame = read_frame(findings, &context, stream + at, length - at);
        if (frame == 0)
            return;
    }
}

/* ---------------------------------------------------------------------------------------------- */

static void require_same(const struct findings *one, const struct findings *other)
{
    require(one->count == other->count);
    for (size_t i = 0; i < one->count; i++)
        require(one->list[i].kind == other->list[i].kind &&
                one->list[i].value == other->list[i].value);
}

static void check(const uint8_t *sizes, size_t count, const uint8_t *stream, size_t length)
{
    struct findings expected = findings_for(length);
    struct findings whole = findings_for(length);
    struct findings pieces = findings_for(length);

    read_as_a_whole(&expected, stream, length);
    require(read_pieces(&whole, NULL, 0, stream, length) ==
            read_pieces(&pieces, sizes, count, stream, length));
    require_same(&whole, &expected);
    require_same(&pieces, &expected);
    free(expected.list);
    free(whole.list);
    free(pieces.list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count;

    if (size == 0)
        return 0;
    count = data[0] % (SIZES_MAX + 1);
    if (size > count)
        check(data + 1, count, data + 1 + count, size - 1 - count);
    return 0;
}
