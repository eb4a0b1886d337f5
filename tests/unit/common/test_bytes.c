#include <criterion/criterion.h>
#include <string.h>

#include "common/bytes.h"

Test(bytes, numbers_are_big_endian_at_any_alignment)
{
    const uint8_t expected[] = {0xff, 0x12, 0x34, 0xab, 0xcd, 0xff};
    uint8_t bytes[6];

    memset(bytes, 0xff, sizeof bytes);
    put_be32(bytes + 1, 0x1234abcd);
    cr_assert_arr_eq(bytes, expected, sizeof expected);
    cr_assert_eq(get_be32(bytes + 1), 0x1234abcd);
}

Test(bytes, every_bit_survives)
{
    for (int bit = 0; bit < 32; bit++) {
        uint8_t bytes[4];

        put_be32(bytes, UINT32_C(1) << bit);
        cr_assert_eq(get_be32(bytes), UINT32_C(1) << bit);
    }
    cr_assert_eq(get_be32((const uint8_t[]){0xff, 0xff, 0xff, 0xff}), UINT32_MAX);
}
