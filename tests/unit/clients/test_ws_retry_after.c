/* When a server wants to be asked again. */
#include <criterion/criterion.h>

#include "clients/ws_retry_after.h"

/* 1994-11-06 08:49:37 UTC. */
enum { NOW_S = 784111777 };

static const char now[] = "Sun, 06 Nov 1994 08:49:37 GMT";

Test(ws_retry_after, takes_seconds_and_dates)
{
    static const struct {
        const char *value;
        int32_t seconds;
    } cases[] = {
        {"0", 0},
        {"30", 30},
        {"2147483647", INT32_MAX},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:51:07 GMT", 90},
        {"Mon, 07 Nov 1994 08:49:37 GMT", 24 * 3600},
        {"Sun, 01 Jan 1995 00:00:00 GMT", 55 * 24 * 3600 + 15 * 3600 + 10 * 60 + 23},
        {"Sun, 06 Nov 1994 08:49:36 GMT", 0},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", INT32_MAX},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(ws_retry_after_s(cases[i].value, now, 0), cases[i].seconds, "%s",
                     cases[i].value);
}

Test(ws_retry_after, takes_the_time_of_the_system_where_the_server_tells_none)
{
    static const char *const dates[] = {"", "yesterday", "Sun Nov  6 08:49:37 1994"};

    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
        cr_expect_eq(ws_retry_after_s("Sun, 06 Nov 1994 08:50:07 GMT", dates[i], NOW_S), 30, "%s",
                     dates[i]);
}

Test(ws_retry_after, takes_nothing_else)
{
    static const char *const values[] = {
        "",
        "soon",
        "-1",
        "2147483648",
        "30 s",
        "1.5",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 ovD 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, -1 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1899 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        cr_expect_eq(ws_retry_after_s(values[i], now, 0), -1, "%s", values[i]);
}
