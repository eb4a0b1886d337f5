#include "clients/ws_retry_after.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TM_YEAR_BASE = 1900, MONTH_LENGTH = 3 };

static bool is_laid_out_as(const char *text, const char *layout)
{
    for (; *layout; layout++, text++) {
        bool digit = *text >= '0' && *text <= '9';

        if (*layout == '0' ? !digit : *layout == '?' ? !*text : *text != *layout)
            return false;
    }
    return *text == '\0';
}

static int number_at(const char *digits, unsigned count)
{
    int number = 0;

    while (count-- > 0)
        number = 10 * number + (*digits++ - '0');
    return number;
}

/* Not by strptime(), which reads the names of the user's language. */
static int month_at(const char *name)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int month = 0; months[MONTH_LENGTH * month] != '\0'; month++)
        if (strncmp(months + (size_t)(MONTH_LENGTH * month), name, MONTH_LENGTH) == 0)
            return month;
    return -1;
}

/* As "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool read_date(const char *text, int64_t *seconds)
{
    struct tm date = {.tm_isdst = 0};

    if (!is_laid_out_as(text, "???, 00 ??? 0000 00:00:00 GMT"))
        return false;
    date.tm_mday = number_at(text + 5, 2);
    date.tm_mon = month_at(text + 8);
    date.tm_year = number_at(text + 12, 4) - TM_YEAR_BASE;
    date.tm_hour = number_at(text + 17, 2);
    date.tm_min = number_at(text + 20, 2);
    date.tm_sec = number_at(text + 23, 2);
    if (date.tm_mon < 0 || date.tm_mday < 1 || date.tm_mday > 31 || date.tm_year < 0 ||
        date.tm_hour > 23 || date.tm_min > 59 || date.tm_sec > 60)
        return false;
    *seconds = timegm(&date);
    return true;
}

int32_t ws_retry_after_s(const char *value, const char *date, int64_t now_s)
{
    char *end;
    long seconds = strtol(value, &end, 10);
    int64_t then_s;

    if (end != value && *end == '\0')
        return seconds >= 0 && seconds <= INT32_MAX ? (int32_t)seconds : -1;
    if (!read_date(value, &then_s))
        return -1;
    (void)read_date(date, &now_s);
    if (then_s <= now_s)
        return 0;
    return then_s - now_s <= INT32_MAX ? (int32_t)(then_s - now_s) : INT32_MAX;
}
