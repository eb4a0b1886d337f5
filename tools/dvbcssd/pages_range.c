#include "pages_range.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Reads digits; more than fit count as the largest number. False without any. */
static bool read_number(const char **text, uint64_t *number)
{
    const char *start = *text;

    *number = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');

        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    return *text != start;
}

/* "-500": the last bytes. */
static enum pages_range_kind take_suffix(uint64_t length, uint64_t size, struct pages_range *range)
{
    if (length == 0 || size == 0)
        return PAGES_RANGE_OUTSIDE;
    range->first = length < size ? size - length : 0;
    range->last = size - 1;
    return PAGES_RANGE_PART;
}

enum pages_range_kind pages_range_read(const char *text, uint64_t size, struct pages_range *range)
{
    static const char unit[] = "bytes=";
    uint64_t first, last = UINT64_MAX;
    bool has_first;

    if (strncmp(text, unit, sizeof unit - 1) != 0)
        return PAGES_RANGE_WHOLE;
    text += sizeof unit - 1;
    has_first = read_number(&text, &first);
    if (*text++ != '-')
        return PAGES_RANGE_WHOLE;
    if ((!read_number(&text, &last) && !has_first) || *text)
        return PAGES_RANGE_WHOLE;
    if (!has_first)
        return take_suffix(last, size, range);
    /* No digits after the dash: up to the end. */
    if (text[-1] == '-')
        last = UINT64_MAX;
    if (last < first)
        return PAGES_RANGE_WHOLE;
    if (first >= size)
        return PAGES_RANGE_OUTSIDE;
    range->first = first;
    range->last = last < size ? last : size - 1;
    return PAGES_RANGE_PART;
}
