#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/discovery_policy.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address address_of(const char *text)
{
    union address address;

    memset(&address, 0, sizeof address);
    if (strchr(text, ':')) {
        address.any.sa_family = AF_INET6;
        cr_assert_eq(inet_pton(AF_INET6, text, &address.v6.sin6_addr), 1, "%s", text);
    } else {
        address.any.sa_family = AF_INET;
        cr_assert_eq(inet_pton(AF_INET, text, &address.v4.sin_addr), 1, "%s", text);
    }
    return address;
}

/* ---- on link -------------------------------------------------------------------------------- */

Test(discovery_policy, only_neighbours_are_on_link)
{
    static const struct {
        const char *source, *address, *netmask;
        bool on_link;
    } rows[] = {
        {"192.168.1.9", "192.168.1.5", "255.255.255.0", true},
        {"192.168.2.9", "192.168.1.5", "255.255.255.0", false},
        {"192.168.2.9", "192.168.1.5", "255.255.0.0", true},
        {"8.8.8.8", "192.168.1.5", "255.255.255.0", false},
        {"10.0.0.2", "10.0.0.1", "255.255.255.255", false},
        {"127.0.0.9", "127.0.0.1", "255.0.0.0", true},
        {"::ffff:192.168.1.9", "192.168.1.5", "255.255.255.0", true},
        {"2001:db8:1::9", "2001:db8:1::5", "ffff:ffff:ffff:ffff::", true},
        {"2001:db8:2::9", "2001:db8:1::5", "ffff:ffff:ffff:ffff::", false},
        {"fe80::9", "2001:db8:1::5", "ffff:ffff:ffff:ffff::", true},
        {"fe80::9", "fe80::5", "ffff:ffff:ffff:ffff::", true},
        {"2001:db8:1::9", "fe80::5", "ffff:ffff:ffff:ffff::", false},
        {"::1", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true},
        {"192.168.1.9", "2001:db8:1::5", "ffff:ffff:ffff:ffff::", false},
        {"fe80::9", "192.168.1.5", "255.255.255.0", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        union address source = address_of(rows[i].source);
        union address address = address_of(rows[i].address);
        union address netmask = address_of(rows[i].netmask);

        cr_expect_eq(dvbcss_discovery_on_link(&source.any, &address.any, &netmask.any),
                     rows[i].on_link, "%s seen from %s", rows[i].source, rows[i].address);
    }
}

Test(discovery_policy, another_family_is_nowhere)
{
    struct sockaddr none = {.sa_family = AF_UNIX};
    union address address = address_of("192.168.1.5");
    struct dvbcss_discovery_limit_options options = DVBCSS_DISCOVERY_LIMIT_OPTIONS_INIT;
    struct dvbcss_discovery_limit limit;

    cr_expect_not(dvbcss_discovery_on_link(&none, &address.any, &address.any));
    dvbcss_discovery_limit_init(&limit, &options);
    cr_expect_not(dvbcss_discovery_limit_permit(&limit, 0, &none, 1));
}

/* ---- rate ----------------------------------------------------------------------------------- */

enum { SECOND_NS = 1000000000 };

static struct dvbcss_discovery_limit limit;

static void begin(void)
{
    const struct dvbcss_discovery_limit_options options = {2.0, 4.0, 10.0, 20.0};

    dvbcss_discovery_limit_init(&limit, &options);
}

TestSuite(discovery_rate, .init = begin);

/* How many of @p tries are permitted to a source at a time. */
static unsigned permitted(const char *source, int64_t now_ns, unsigned tries)
{
    union address address = address_of(source);
    unsigned count = 0;

    while (tries-- > 0)
        count += dvbcss_discovery_limit_permit(&limit, now_ns, &address.any, 1);
    return count;
}

Test(discovery_rate, a_source_gets_its_burst_and_then_its_rate)
{
    cr_expect_eq(permitted("10.0.0.1", 0, 100), 4);
    cr_expect_eq(permitted("10.0.0.1", SECOND_NS, 100), 2);
    cr_expect_eq(permitted("10.0.0.1", 100 * (int64_t)SECOND_NS, 100), 4);
}

Test(discovery_rate, one_source_does_not_use_up_what_another_may_have)
{
    cr_expect_eq(permitted("10.0.0.1", 0, 100), 4);
    cr_expect_eq(permitted("10.0.0.2", 0, 100), 4);
    cr_expect_eq(permitted("2001:db8::1", 0, 100), 4);
}

Test(discovery_rate, all_of_them_together_are_limited)
{
    char source[32];
    unsigned count = 0;

    for (int i = 0; i < 1000; i++) {
        snprintf(source, sizeof source, "10.0.%d.%d", i / 256, i % 256);
        count += permitted(source, 0, 1);
    }
    cr_expect_eq(count, 20);
    cr_expect_eq(permitted("10.9.9.9", SECOND_NS, 100), 4);
}

Test(discovery_rate, an_answer_of_several_datagrams_goes_out_whole_or_not_at_all)
{
    union address source = address_of("10.0.0.1");

    cr_expect(dvbcss_discovery_limit_permit(&limit, 0, &source.any, 3));
    cr_expect_not(dvbcss_discovery_limit_permit(&limit, 0, &source.any, 3));
    cr_expect(dvbcss_discovery_limit_permit(&limit, 0, &source.any, 1));
    cr_expect_not(dvbcss_discovery_limit_permit(&limit, 0, &source.any, 1));
}

Test(discovery_rate, time_that_stands_still_or_runs_back_gives_nothing)
{
    cr_expect_eq(permitted("10.0.0.1", SECOND_NS, 100), 4);
    cr_expect_eq(permitted("10.0.0.1", SECOND_NS, 100), 0);
    cr_expect_eq(permitted("10.0.0.1", 0, 100), 0);
}

/* ---- origin --------------------------------------------------------------------------------- */

Test(discovery_policy, foreign_pages_may_not_launch)
{
    static const char *const allowed[] = {"https://companion.example.com"};
    static const char own[] = "192.168.1.5:7681";
    static const struct {
        const char *origin;
        bool permitted;
    } rows[] = {
        {NULL, true},
        {"http://192.168.1.5:7681", true},
        {"https://companion.example.com", true},
        {"HTTPS://Companion.example.com", true},
        {"https://evil.example.com", false},
        {"http://companion.example.com", false},
        {"https://companion.example.com.evil.example", false},
        {"http://192.168.1.5", false},
        {"http://192.168.1.5:80", false},
        {"http://192.168.1.5:7681.evil.example", false},
        {"http://tv.evil.example:7681", false},
        {"https://192.168.1.5:7681", false},
        {"null", false},
        {"file://", false},
        {"", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(dvbcss_discovery_origin_permitted(rows[i].origin, own, allowed, 1),
                     rows[i].permitted, "%s", rows[i].origin ? rows[i].origin : "none");
    cr_expect(dvbcss_discovery_origin_permitted("http://192.168.1.5", "192.168.1.5:80", NULL, 0));
    cr_expect_not(
        dvbcss_discovery_origin_permitted("http://192.168.1.5", "192.168.1.55:80", NULL, 0));
}
