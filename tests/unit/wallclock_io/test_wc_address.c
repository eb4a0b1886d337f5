#include <criterion/criterion.h>
#include <net/if.h>
#include <string.h>

#include "wallclock/wc_address.h"

static void check_round_trip(const char *text, int family)
{
    union wc_address address;
    char written[WC_ADDRESS_TEXT_SIZE];

    cr_assert_eq(wc_address_parse(text, 6677, &address), 0, "%s", text);
    cr_assert_eq(address.any.sa_family, family);
    cr_assert_eq(wc_address_port(&address), 6677);
    cr_assert_eq(wc_address_format(&address, written, sizeof written), 0);
    cr_assert_str_eq(written, text);
    cr_assert_eq(wc_address_format(&address, written, strlen(text) + 1), 0);
    cr_assert_eq(wc_address_format(&address, written, strlen(text)), DVBCSS_ENOSPC);
}

Test(wc_address, is_written_as_it_was_read)
{
    check_round_trip("127.0.0.1", AF_INET);
    check_round_trip("0.0.0.0", AF_INET);
    check_round_trip("::", AF_INET6);
    check_round_trip("::1", AF_INET6);
    check_round_trip("2001:db8::5", AF_INET6);
    if (if_nametoindex("lo") != 0)
        check_round_trip("fe80::1%lo", AF_INET6);
}

Test(wc_address, what_is_not_numeric_is_refused_and_changes_nothing)
{
    static const char *const refused[] = {
        "",      "localhost", "1.2.3",     "1.2.3.4.5", "256.1.1.1",
        "[::1]", ":::1",      "1.2.3.4:5", " ::1",      "fe80::1%no-such-zone",
    };
    union wc_address address;

    memset(&address, 0x5a, sizeof address);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        cr_assert_eq(wc_address_parse(refused[i], 1, &address), DVBCSS_EINVAL, "%s", refused[i]);
    cr_assert_eq(address.any.sa_family, 0x5a5a);
}

static bool equal(const char *a, uint16_t a_port, const char *b, uint16_t b_port)
{
    union wc_address left;
    union wc_address right;

    cr_assert_eq(wc_address_parse(a, a_port, &left), 0);
    cr_assert_eq(wc_address_parse(b, b_port, &right), 0);
    return wc_address_equal(&left, &right);
}

Test(wc_address, is_equal_in_family_address_and_port_or_not_at_all)
{
    cr_assert(equal("10.0.0.1", 5, "10.0.0.1", 5));
    cr_assert_not(equal("10.0.0.1", 5, "10.0.0.1", 6));
    cr_assert_not(equal("10.0.0.1", 5, "10.0.0.2", 5));
    cr_assert(equal("::1", 5, "::1", 5));
    cr_assert_not(equal("::1", 5, "::1", 6));
    cr_assert_not(equal("::1", 5, "::2", 5));
    cr_assert_not(equal("::ffff:10.0.0.1", 5, "10.0.0.1", 5));
    if (if_nametoindex("lo") != 0)
        cr_assert_not(equal("fe80::1%lo", 5, "fe80::1", 5));
}

Test(wc_address, the_wildcard_is_told_from_others)
{
    union wc_address address;

    wc_address_wildcard(AF_INET, 7, &address);
    cr_assert(wc_address_is_wildcard(&address));
    cr_assert_eq(wc_address_port(&address), 7);
    wc_address_wildcard(AF_INET6, 8, &address);
    cr_assert(wc_address_is_wildcard(&address));
    cr_assert_eq(wc_address_port(&address), 8);
    cr_assert_eq(wc_address_parse("127.0.0.1", 1, &address), 0);
    cr_assert_not(wc_address_is_wildcard(&address));
    cr_assert_eq(wc_address_parse("::1", 1, &address), 0);
    cr_assert_not(wc_address_is_wildcard(&address));
}
