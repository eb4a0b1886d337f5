#include <criterion/criterion.h>

#include "common/utf8.h"

struct sample {
    const char *name;
    const char *bytes;
    size_t length;
};

#define SAMPLE(name, bytes)                                                                        \
    {                                                                                              \
        name, bytes, sizeof bytes - 1                                                              \
    }

static const struct sample valid[] = {
    SAMPLE("nothing", ""),
    SAMPLE("ASCII with zeros", "a\0b\x7f"),
    SAMPLE("first and last of two", "\xc2\x80\xdf\xbf"),
    SAMPLE("first and last of three", "\xe0\xa0\x80\xef\xbf\xbf"),
    SAMPLE("around the surrogates", "\xed\x9f\xbf\xee\x80\x80"),
    SAMPLE("first and last of four", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
};

static const struct sample invalid[] = {
    SAMPLE("lone continuation", "a\x80"),
    SAMPLE("overlong of two", "\xc1\xbf"),
    SAMPLE("overlong of three", "\xe0\x9f\xbf"),
    SAMPLE("overlong of four", "\xf0\x8f\xbf\xbf"),
    SAMPLE("first surrogate", "\xed\xa0\x80"),
    SAMPLE("last surrogate", "\xed\xbf\xbf"),
    SAMPLE("beyond U+10FFFF", "\xf4\x90\x80\x80"),
    SAMPLE("five bytes", "\xf8\x88\x80\x80\x80"),
    SAMPLE("one of two", "\xc3"),
    SAMPLE("two of three", "\xe2\x82"),
    SAMPLE("three of four", "\xf0\x9f\x98"),
    SAMPLE("ASCII inside", "\xe2\x82z"),
};

Test(utf8, of_every_length_is_valid)
{
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        cr_expect(utf8_bytes_are_valid(valid[i].bytes, valid[i].length), "%s", valid[i].name);
}

Test(utf8, malformed_or_cut_off_is_not)
{
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        cr_expect_not(utf8_bytes_are_valid(invalid[i].bytes, invalid[i].length), "%s",
                      invalid[i].name);
        cr_expect_not(utf8_is_valid(invalid[i].bytes), "%s", invalid[i].name);
    }
}

Test(utf8, text_ends_with_its_zero)
{
    cr_assert(utf8_is_valid("a\0\xff"));
    cr_assert_not(utf8_bytes_are_valid("a\0\xff", 3));
}

Test(utf8, that_was_cut_inside_a_character_ends_before_it)
{
    static const char text[] = "x\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    /* Where a character begins or the text ends. */
    static const size_t whole[] = {0, 1, 3, 6, 10};
    size_t last = 0;

    for (size_t length = 0; length < sizeof text; length++) {
        char cut[sizeof text];

        memcpy(cut, text, length);
        cut[length] = '\0';
        if (last + 1 < sizeof whole / sizeof *whole && whole[last + 1] == length)
            last++;
        utf8_end_at_character(cut);
        cr_assert_eq(strlen(cut), whole[last], "cut at %zu", length);
    }
}
