#include "clients/ws_retry_after.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DATE_LENGTH = 29, TM_YEAR_BASE = 1900 };

/* Not by strptime(), which reads the names of the user's language. */
static int month_of(const char *name)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *found = strlen(name) == 3 ? strstr(months, name) : NULL;

    return found && (found - months) % 3 == 0 ? (int)(found - months) / 3 : -1;
}

/* As "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool read_date(const char *text, int64_t *seconds)
{
    struct tm date = {.tm_isdst = 0};
    char month[4];
    int end = 0;

    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &date.tm_mday, month,
               &date.tm_year, &date.tm_hour, &date.tm_min, &date.tm_sec, &end) != 6 ||
        end != DATE_LENGTH || text[end] != '\0')
        return false;
    date.tm_mon = month_of(month);
    date.tm_year -= TM_YEAR_BASE;
    if (date.tm_mon < 0 || date.tm_mday < 1 || date.tm_mday > 31 || date.tm_year < 0 ||
        date.tm_hour < 0 || date.tm_hour > 23 || date.tm_min < 0 || date.tm_min > 59 ||
        date.tm_sec < 0 || date.tm_sec > 60)
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
