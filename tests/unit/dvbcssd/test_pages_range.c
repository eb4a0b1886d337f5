#include <criterion/criterion.h>

#include "tools/dvbcssd/pages_range.h"

enum { SIZE = 1000 };

static void expect_part(const char *text, uint64_t first, uint64_t last)
{
    struct pages_range range = {0, 0};

    cr_assert_eq(pages_range_read(text, SIZE, &range), PAGES_RANGE_PART, "%s", text);
    cr_assert(range.first == first && range.last == last, "%s gives %ju to %ju", text,
              (uintmax_t)range.first, (uintmax_t)range.last);
}

static void expect(const char *text, uint64_t size, enum pages_range_kind kind)
{
    struct pages_range range = {7, 8};

    cr_assert_eq(pages_range_read(text, size, &range), kind, "%s", text);
    cr_assert(range.first == 7 && range.last == 8, "%s leaves the range alone", text);
}

Test(pages_range, takes_what_a_browser_asks_for)
{
    expect_part("bytes=0-", 0, 999);
    expect_part("bytes=0-0", 0, 0);
    expect_part("bytes=100-199", 100, 199);
    expect_part("bytes=999-", 999, 999);
    expect_part("bytes=-1", 999, 999);
    expect_part("bytes=-500", 500, 999);
}

Test(pages_range, ends_where_the_file_ends)
{
    expect_part("bytes=500-1000", 500, 999);
    expect_part("bytes=500-99999999999999999999999999", 500, 999);
    expect_part("bytes=-1001", 0, 999);
    expect_part("bytes=-99999999999999999999999999", 0, 999);
}

Test(pages_range, tells_what_is_outside_of_the_file)
{
    expect("bytes=1000-", SIZE, PAGES_RANGE_OUTSIDE);
    expect("bytes=1000-1001", SIZE, PAGES_RANGE_OUTSIDE);
    expect("bytes=18446744073709551615-", SIZE, PAGES_RANGE_OUTSIDE);
    expect("bytes=18446744073709551616-", SIZE, PAGES_RANGE_OUTSIDE);
    expect("bytes=-0", SIZE, PAGES_RANGE_OUTSIDE);
    expect("bytes=0-", 0, PAGES_RANGE_OUTSIDE);
    expect("bytes=-1", 0, PAGES_RANGE_OUTSIDE);
}

Test(pages_range, means_the_whole_when_it_is_not_understood)
{
    static const char *const texts[] = {
        "",          "bytes",      "bytes=",         "bytes=-",       "bytes=5",    "bytes=a-b",
        "bytes=1-b", "bytes=2-1",  "bytes=0-1,5-6",  "bytes= 0-1",    "bytes=0-1 ", "items=0-1",
        "bytes=--1", "bytes=+0-1", "bytes=0x0-0x10", "Bytes : 0 - 1",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect(texts[i], SIZE, PAGES_RANGE_WHOLE);
}
