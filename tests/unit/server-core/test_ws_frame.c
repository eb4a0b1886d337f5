/* The heads of frames to peers: RFC 6455 section 5.2. */
#include <criterion/criterion.h>
#include <string.h>

#include "server-core/ws_frame.h"

static uint8_t bytes[WS_FRAME_HEAD_MAX + 1];

static void expect_head(enum ws_opcode opcode, size_t length, const char *head, size_t head_length)
{
    uint8_t *payload = bytes + WS_FRAME_HEAD_MAX;

    memset(bytes, 0xee, sizeof bytes);
    cr_assert_eq(ws_frame_put_head(payload, opcode, length), head_length);
    cr_assert_eq(memcmp(payload - head_length, head, head_length), 0, "length %zu", length);
    for (size_t i = 0; i < WS_FRAME_HEAD_MAX - head_length; i++)
        cr_assert_eq(bytes[i], 0xee, "what is before the head stays");
    cr_assert_eq(*payload, 0xee, "the payload stays");
}

Test(ws_frame, short_lengths_stand_in_the_second_byte)
{
    expect_head(WS_OPCODE_TEXT, 0, "\x81\x00", 2);
    expect_head(WS_OPCODE_TEXT, 1, "\x81\x01", 2);
    expect_head(WS_OPCODE_TEXT, 125, "\x81\x7d", 2);
}

Test(ws_frame, lengths_up_to_65535_take_two_bytes_more)
{
    expect_head(WS_OPCODE_TEXT, 126, "\x81\x7e\x00\x7e", 4);
    expect_head(WS_OPCODE_TEXT, 0x1234, "\x81\x7e\x12\x34", 4);
    expect_head(WS_OPCODE_TEXT, 65535, "\x81\x7e\xff\xff", 4);
}

Test(ws_frame, longer_ones_take_eight_bytes_more)
{
    expect_head(WS_OPCODE_TEXT, 65536, "\x81\x7f\0\0\0\0\0\x01\0\0", 10);
    expect_head(WS_OPCODE_TEXT, 0x12345678, "\x81\x7f\0\0\0\0\x12\x34\x56\x78", 10);
}

Test(ws_frame, every_kind_has_its_opcode_and_is_whole)
{
    expect_head(WS_OPCODE_BINARY, 3, "\x82\x03", 2);
    expect_head(WS_OPCODE_CLOSE, 2, "\x88\x02", 2);
    expect_head(WS_OPCODE_PING, 1, "\x89\x01", 2);
}
