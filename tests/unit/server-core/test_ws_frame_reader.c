/*
 * Frames from peers: RFC 6455 section 5. What is found in a stream is written down as a line of
 * text: "text:one ~ ping:?; text:two;" is a message that a ping came into. Payload that is no
 * printable ASCII is written as \xhh.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server-core/ws_frame.h"
#include "server-core/ws_frame_reader.h"

enum { CLOSE_REASON_MAX = 123 };

/* ---- streams --------------------------------------------------------------------------------- */

struct stream {
    uint8_t *bytes;
    size_t length;
};

static void append(struct stream *stream, const void *bytes, size_t length)
{
    stream->bytes = realloc(stream->bytes, stream->length + length + 1);
    cr_assert(stream->bytes);
    memcpy(stream->bytes + stream->length, bytes, length);
    stream->length += length;
}

static void append_hex(struct stream *stream, const char *hex)
{
    unsigned value;
    int used;

    while (sscanf(hex, " %2x%n", &value, &used) == 1) {
        append(stream, &(uint8_t){(uint8_t)value}, 1);
        hex += used;
    }
}

static struct stream from_hex(const char *hex)
{
    struct stream stream = {0};

    append_hex(&stream, hex);
    return stream;
}

static uint8_t letter(size_t i)
{
    return (uint8_t)('a' + i % 26);
}

/* A masked frame with the head in hex and a payload of letters. */
static struct stream with_letters(const char *head, size_t length)
{
    static const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
    struct stream stream = from_hex(head);
    uint8_t *payload = malloc(length + 1);

    cr_assert(payload);
    for (size_t i = 0; i < length; i++)
        payload[i] = letter(i) ^ mask[i % 4];
    append(&stream, mask, sizeof mask);
    append(&stream, payload, length);
    free(payload);
    return stream;
}

/* ---- what a reader finds --------------------------------------------------------------------- */

struct transcript {
    char *text;
    size_t size;
    FILE *file;
    bool in_part;
    bool binary;
};

static void begin_transcript(struct transcript *transcript)
{
    *transcript = (struct transcript){0};
    transcript->file = open_memstream(&transcript->text, &transcript->size);
    cr_assert(transcript->file);
}

static void write_payload(FILE *file, const struct ws_frame_event *event)
{
    for (size_t i = 0; i < event->length; i++)
        if (event->bytes[i] >= ' ' && event->bytes[i] <= '~' && event->bytes[i] != '\\')
            fputc(event->bytes[i], file);
        else
            fprintf(file, "\\x%02x", event->bytes[i]);
}

static void write_part(struct transcript *transcript, const struct ws_frame_event *event)
{
    if (!transcript->in_part)
        fprintf(transcript->file, " %s:", event->binary ? "binary" : "text");
    else
        cr_assert_eq(event->binary, transcript->binary);
    write_payload(transcript->file, event);
    if (event->final)
        fputc(';', transcript->file);
    transcript->in_part = !event->final;
    transcript->binary = event->binary;
}

static void write_event(struct transcript *transcript, const struct ws_frame_event *event)
{
    static const char *const names[] = {
        [WS_FRAME_PING] = "ping",
        [WS_FRAME_PONG] = "pong",
        [WS_FRAME_CLOSE] = "close",
        [WS_FRAME_BREACH] = "breach",
    };

    if (event->kind == WS_FRAME_PART) {
        write_part(transcript, event);
        return;
    }
    fprintf(transcript->file, "%s %s:", transcript->in_part ? "~" : "", names[event->kind]);
    transcript->in_part = false;
    if (event->kind == WS_FRAME_BREACH)
        fputs(event->reason, transcript->file);
    else
        write_payload(transcript->file, event);
    fputc(';', transcript->file);
}

static void check_event(const struct ws_frame_event *event, const uint8_t *begin,
                        const uint8_t *end)
{
    cr_assert_eq(event->reason != NULL, event->kind == WS_FRAME_BREACH);
    if (event->reason)
        cr_assert(strlen(event->reason) > 0 && strlen(event->reason) <= CLOSE_REASON_MAX);
    if (event->kind == WS_FRAME_PART)
        cr_assert(event->bytes >= begin && event->bytes + event->length <= end);
    else
        cr_assert(!event->final && !event->binary);
    if (event->kind == WS_FRAME_NONE || event->kind == WS_FRAME_BREACH)
        cr_assert(!event->bytes && event->length == 0 && begin <= end);
}

/* Gives a reader a copy that nothing can be read beyond. */
static void feed(struct ws_frame_reader *reader, struct transcript *transcript,
                 const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length + !length);
    struct ws_frame_event event;
    size_t taken = 0;

    cr_assert(copy);
    memcpy(copy, bytes, length);
    do {
        size_t before = taken;

        taken += ws_frame_read(reader, copy + taken, length - taken, &event);
        cr_assert(taken <= length && (taken > before || event.kind == WS_FRAME_NONE));
        check_event(&event, copy + before, copy + taken);
        if (event.kind != WS_FRAME_NONE)
            write_event(transcript, &event);
    } while (event.kind != WS_FRAME_NONE && event.kind != WS_FRAME_BREACH);
    cr_assert_eq(taken, length);
    free(copy);
}

static void end_transcript(struct transcript *transcript, const char *expected, const char *what)
{
    const char *text;

    fclose(transcript->file);
    text = transcript->size > 0 ? transcript->text + 1 : transcript->text;
    cr_assert_str_eq(text, expected, "%s: %s", what, text);
    free(transcript->text);
}

static void expect_in_two(const struct stream *stream, size_t split, const char *expected)
{
    struct ws_frame_reader reader = {0};
    struct transcript transcript;
    char what[64];

    begin_transcript(&transcript);
    snprintf(what, sizeof what, "%zu bytes, split at %zu", stream->length, split);
    feed(&reader, &transcript, stream->bytes, split);
    if (!reader.breach)
        feed(&reader, &transcript, stream->bytes + split, stream->length - split);
    end_transcript(&transcript, expected, what);
}

static void expect_byte_by_byte(const struct stream *stream, const char *expected)
{
    struct ws_frame_reader reader = {0};
    struct transcript transcript;

    begin_transcript(&transcript);
    for (size_t i = 0; i < stream->length && !reader.breach; i++)
        feed(&reader, &transcript, stream->bytes + i, 1);
    end_transcript(&transcript, expected, "byte by byte");
}

/* Long streams are split near their ends, where the heads are, and here and there. */
static void expect(struct stream stream, const char *expected)
{
    expect_byte_by_byte(&stream, expected);
    for (size_t split = 0; split <= stream.length; split++)
        if (stream.length < 1000 || split < 40 || split + 40 > stream.length || split % 4099 == 0)
            expect_in_two(&stream, split, expected);
    free(stream.bytes);
}

static void expect_hex(const char *hex, const char *expected)
{
    expect(from_hex(hex), expected);
}

/* The last byte shows the breach, and the byte before does not. */
static void expect_breach(const char *hex, const char *before, const char *reason)
{
    struct stream all_but_one = from_hex(hex);
    char *expected;

    cr_assert(asprintf(&expected, "%s%sbreach:%s;", before, *before ? " " : "", reason) > 0);
    expect_hex(hex, expected);
    free(expected);
    cr_assert(all_but_one.length > 0);
    all_but_one.length--;
    expect(all_but_one, before[0] && before[strlen(before) - 1] == '~' ? "text:a" : before);
}

/* ---- what is allowed ------------------------------------------------------------------------- */

Test(ws_frame_reader, the_examples_of_the_standard_that_a_client_sends_are_read)
{
    expect_hex("81 85 37 fa 21 3d 7f 9f 4d 51 58", "text:Hello;");
    expect_hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58", "pong:Hello;");
}

Test(ws_frame_reader, the_examples_of_the_standard_that_a_server_sends_are_breaches)
{
    static const char *const heads[] = {"81 05", "01 03", "89 05", "82 7e", "82 7f"};

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        expect_breach(heads[i], "", "frame without mask");
}

Test(ws_frame_reader, every_length_from_none_to_65536_is_read_in_its_shortest_form)
{
    static const struct {
        const char *head;
        size_t length;
    } cases[] = {
        {"81 80", 0},           {"81 81", 1},
        {"81 87", 7},           {"81 88", 8},
        {"81 89", 9},           {"81 fd", 125},
        {"81 fe 00 7e", 126},   {"81 fe 00 7f", 127},
        {"81 fe ff ff", 65535}, {"81 ff 00 00 00 00 00 01 00 00", 65536},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *expected = malloc(cases[i].length + sizeof "text:;");

        cr_assert(expected);
        strcpy(expected, "text:");
        for (size_t j = 0; j < cases[i].length; j++)
            expected[5 + j] = (char)letter(j);
        strcpy(expected + 5 + cases[i].length, ";");
        expect(with_letters(cases[i].head, cases[i].length), expected);
        free(expected);
    }
}

Test(ws_frame_reader, the_longest_length_is_read_and_its_payload_told_as_it_comes)
{
    expect(with_letters("82 ff 7f ff ff ff ff ff ff ff", 5), "binary:abcde");
    expect(with_letters("81 ff 00 00 00 00 80 00 00 00", 3), "text:abc");
}

Test(ws_frame_reader, messages_come_in_fragments_with_control_frames_between)
{
    static const struct {
        const char *hex;
        const char *expected;
    } cases[] = {
        {"01 81 00000000 61  80 81 00000000 62", "text:ab;"},
        {"02 81 00000000 61  00 81 00000000 62  80 81 00000000 63", "binary:abc;"},
        {"01 81 00000000 61  89 81 00000000 3f  80 81 00000000 62", "text:a~ ping:?; text:b;"},
        {"02 81 00000000 61  8a 80 00000000  80 81 00000000 62", "binary:a~ pong:; binary:b;"},
        {"01 81 00000000 61  89 80 00000000  8a 80 00000000  00 81 00000000 62  88 80 00000000"
         "80 80 00000000",
         "text:a~ ping:; pong:; text:b~ close:; text:;"},
        {"01 80 00000000  89 80 00000000  80 81 00000000 62", "ping:; text:b;"},
        {"01 80 00000000  00 80 00000000  80 80 00000000", "text:;"},
        {"02 80 00000000  80 80 00000000", "binary:;"},
        {"01 81 00000000 61  80 80 00000000", "text:a;"},
        {"01 81 00000000 61  00 80 00000000", "text:a"},
        {"81 81 00000000 61  82 81 00000000 62  81 80 00000000", "text:a; binary:b; text:;"},
        {"02 81 00000000 61  80 81 00000000 62  01 81 00000000 63  80 81 00000000 64",
         "binary:ab; text:cd;"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_hex(cases[i].hex, cases[i].expected);
}

Test(ws_frame_reader, each_frame_has_its_own_mask)
{
    expect_hex("01 85 37fa213d 7f9f4d5158  00 83 01020304 5f5f5f  80 82 ffffffff 8586"
               "81 81 80000000 e1",
               "text:Hello^]\\x5czy; text:a;");
}

Test(ws_frame_reader, what_follows_a_close_frame_is_read_like_anything)
{
    expect_hex("88 82 00000000 03e8  81 81 00000000 61", "close:\\x03\\xe8; text:a;");
}

Test(ws_frame_reader, control_frames_have_up_to_125_bytes)
{
    char expected[WS_CONTROL_MAX + sizeof "close:;"];

    for (size_t length = 0; length <= WS_CONTROL_MAX; length++) {
        char head[sizeof "88 80"];

        snprintf(head, sizeof head, "88 %02zx", 0x80 | length);
        memcpy(expected, "close:", 6);
        for (size_t i = 0; i < length; i++)
            expected[6 + i] = (char)letter(i);
        memcpy(expected + 6 + length, ";", 2);
        expect(with_letters(head, length), expected);
    }
}

Test(ws_frame_reader, parts_are_told_as_they_come_and_only_the_last_is_final)
{
    static const struct {
        const char *hex;
        const char *payload;
        bool final;
    } pieces[] = {
        {"02", NULL, false},  {"84 00000000", NULL, false}, {"6162", "ab", false},
        {"63", "c", false},   {"64 80", "d", false},        {"83 00000000 65", "e", false},
        {"6667", "fg", true},
    };
    struct ws_frame_reader reader = {0};

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct stream piece = from_hex(pieces[i].hex);
        struct ws_frame_event event;
        size_t taken = ws_frame_read(&reader, piece.bytes, piece.length, &event);

        cr_assert_eq(event.kind, pieces[i].payload ? WS_FRAME_PART : WS_FRAME_NONE, "%zu", i);
        if (pieces[i].payload) {
            cr_assert_eq(event.length, strlen(pieces[i].payload));
            cr_assert_eq(memcmp(event.bytes, pieces[i].payload, event.length), 0);
            cr_assert(event.binary && event.final == pieces[i].final);
            ws_frame_read(&reader, piece.bytes + taken, piece.length - taken, &event);
            cr_assert_eq(event.kind, WS_FRAME_NONE);
        }
        free(piece.bytes);
    }
}

Test(ws_frame_reader, no_bytes_are_no_event)
{
    struct ws_frame_reader reader = {0};
    struct ws_frame_event event;

    cr_assert_eq(ws_frame_read(&reader, NULL, 0, &event), 0);
    cr_assert_eq(event.kind, WS_FRAME_NONE);
}

/* ---- what is not ----------------------------------------------------------------------------- */

Test(ws_frame_reader, every_opcode_is_known_or_a_breach)
{
    static const char *const expected[16] = {
        [0] = "breach:continuation of no message;",
        [1] = "text:;",
        [2] = "binary:;",
        [8] = "close:;",
        [9] = "ping:;",
        [10] = "pong:;",
    };

    for (unsigned opcode = 0; opcode < 16; opcode++) {
        char hex[sizeof "80 80 00000000"];

        snprintf(hex, sizeof hex, "%02x 80 00000000", 0x80 | opcode);
        expect_hex(hex, expected[opcode] ? expected[opcode] : "breach:unknown opcode;");
    }
}

Test(ws_frame_reader, an_unknown_opcode_is_seen_in_the_first_byte_in_and_outside_of_messages)
{
    static const char *const hex[] = {"3", "4", "5", "6", "7", "b", "c", "d", "e", "f"};

    for (size_t i = 0; i < sizeof hex / sizeof hex[0]; i++) {
        char stream[64];

        for (unsigned high = 0; high <= 8; high += 8) {
            snprintf(stream, sizeof stream, "%u%s", high, hex[i]);
            expect_breach(stream, "", "unknown opcode");
            snprintf(stream, sizeof stream, "01 81 00000000 61 %u%s", high, hex[i]);
            expect_breach(stream, "text:a~", "unknown opcode");
        }
    }
}

Test(ws_frame_reader, each_reserved_bit_is_a_breach_with_every_opcode)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char hex[sizeof "00"];

        snprintf(hex, sizeof hex, "%02x", byte);
        if (byte & 0x70)
            expect_breach(hex, "", "reserved bit in a frame");
    }
}

Test(ws_frame_reader, every_frame_without_mask_is_a_breach_whatever_its_length)
{
    static const char *const first_bytes[] = {"81", "82", "01", "02", "88", "89", "8a"};

    for (size_t i = 0; i < sizeof first_bytes / sizeof first_bytes[0]; i++)
        for (unsigned second = 0; second < 128; second++) {
            char hex[sizeof "00 00"];

            snprintf(hex, sizeof hex, "%s %02x", first_bytes[i], second);
            expect_breach(hex, "", "frame without mask");
        }
    expect_breach("01 81 00000000 61 80 01", "text:a~", "frame without mask");
}

Test(ws_frame_reader, lengths_in_more_bytes_than_they_need_are_breaches)
{
    static const char reason[] = "length in more bytes than it needs";

    expect_breach("81 fe 00 00", "", reason);
    expect_breach("81 fe 00 01", "", reason);
    expect_breach("81 fe 00 7d", "", reason);
    expect_breach("81 ff 00 00 00 00 00 00", "", reason);
    expect_breach("01 81 00000000 61 80 fe 00 7d", "text:a~", reason);
    expect_hex("81 ff 00 00 00 00 00 00 00 7e", "breach:length in more bytes than it needs;");
    expect_hex("81 ff 00 00 00 00 00 00 ff ff", "breach:length in more bytes than it needs;");
}

Test(ws_frame_reader, a_length_of_64_bits_is_a_breach)
{
    expect_breach("81 ff 80", "", "length of more than 63 bits");
    expect_breach("82 ff ff", "", "length of more than 63 bits");
}

Test(ws_frame_reader, control_frames_of_more_bytes_or_in_fragments_are_breaches)
{
    static const char *const opcodes[] = {"8", "9", "a"};

    for (size_t i = 0; i < sizeof opcodes / sizeof opcodes[0]; i++) {
        char hex[sizeof "88 fe"];

        snprintf(hex, sizeof hex, "8%s fe", opcodes[i]);
        expect_breach(hex, "", "control frame of more than 125 bytes");
        snprintf(hex, sizeof hex, "8%s ff", opcodes[i]);
        expect_breach(hex, "", "control frame of more than 125 bytes");
        snprintf(hex, sizeof hex, "0%s", opcodes[i]);
        expect_breach(hex, "", "control frame in fragments");
    }
}

Test(ws_frame_reader, fragments_have_to_follow_each_other)
{
    expect_breach("00", "", "continuation of no message");
    expect_breach("81 81 00000000 61 80", "text:a;", "continuation of no message");
    expect_breach("89 80 00000000 00", "ping:;", "continuation of no message");
    expect_breach("01 81 00000000 61 80 80 00000000 80", "text:a;", "continuation of no message");
    expect_breach("01 81 00000000 61 81", "text:a~", "message inside of another");
    expect_breach("01 81 00000000 61 02", "text:a~", "message inside of another");
    expect_breach("01 80 00000000 89 80 00000000 01", "ping:;", "message inside of another");
}

Test(ws_frame_reader, nothing_is_read_after_a_breach)
{
    uint8_t bytes[] = "\x83\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    struct ws_frame_reader reader = {0};
    struct ws_frame_event first;
    struct ws_frame_event again;

    cr_assert_eq(ws_frame_read(&reader, bytes, sizeof bytes - 1, &first), sizeof bytes - 1);
    cr_assert_eq(first.kind, WS_FRAME_BREACH);
    cr_assert_eq(ws_frame_read(&reader, bytes + 1, sizeof bytes - 2, &again), sizeof bytes - 2);
    cr_assert(again.kind == WS_FRAME_BREACH && again.reason == first.reason);
    cr_assert_eq(ws_frame_read(&reader, bytes, 0, &again), 0);
    cr_assert(again.kind == WS_FRAME_BREACH && again.reason == first.reason);
    cr_assert_arr_eq(bytes, "\x83\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", sizeof bytes);
}

/* ---- what another implementation sends ------------------------------------------------------- */

Test(ws_frame_reader, streams_of_a_client_that_others_wrote_are_read)
{
    FILE *file = fopen(VECTORS_DIR "/websocket/valid/frames/python-websockets.txt", "r");
    char line[4096];
    unsigned count = 0;

    cr_assert(file);
    while (fgets(line, sizeof line, file)) {
        char *hex = strchr(line, '|');
        char *expected = hex ? strchr(hex + 1, '|') : NULL;

        if (line[0] == '#')
            continue;
        cr_assert(expected && strchr(expected, '\n'), "%s", line);
        *expected++ = '\0';
        expected[strcspn(expected, "\n")] = '\0';
        expect_hex(hex + 1, expected);
        count++;
    }
    fclose(file);
    cr_assert(count >= 30, "%u", count);
}
