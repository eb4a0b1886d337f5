/* Counting by address. */
#include "server-core/ws_addresses.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "dvbcss/server.h"
#include "failing_alloc.h"

static const union ws_address ours = {.v4 = {.sin_family = AF_INET}};

static union ws_address address_of(const char *text)
{
    union ws_address address;

    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
    } else {
        cr_assert_eq(inet_pton(AF_INET6, text, &address.v6.sin6_addr), 1, "%s", text);
        address.v6.sin6_family = AF_INET6;
    }
    return address;
}

static bool same(const char *a, const char *b, const char *local_text)
{
    union ws_address left = address_of(a), right = address_of(b), local = address_of(local_text);
    struct ws_address_key left_key = ws_address_key(&left, &local);
    struct ws_address_key right_key = ws_address_key(&right, &local);

    return left_key.network == right_key.network && left_key.host == right_key.host;
}

Test(ws_addresses, are_the_same_only_where_one_peer_has_them)
{
    cr_assert(same("192.0.2.1", "192.0.2.1", "192.0.2.9"));
    cr_assert_not(same("192.0.2.1", "192.0.2.2", "192.0.2.9"));
    cr_assert_not(same("0.0.0.1", "::1", "::1"));
    /* A host far away has 64 bits to choose from, and hosts on the same link share the others. */
    cr_assert(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::7", "2001:db8:9:9::9"));
    cr_assert_not(same("2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:9:9::9"));
    cr_assert_not(same("2001:db8:1:2::1", "2001:db8:1:2::7", "2001:db8:1:2::9"));
    cr_assert_not(same("fe80::1", "fe80::2", "fe80::9"));
    cr_assert_not(same("fe80::1", "fe80::2", "192.0.2.9"));
}

Test(ws_addresses, are_counted_up_to_the_limit_each)
{
    struct ws_addresses addresses = {0};
    union ws_address first = address_of("192.0.2.1"), second = address_of("192.0.2.2");
    struct ws_address_entry *entries[3], *none;

    cr_assert_eq(ws_addresses_enter(&addresses, &first, &ours, 2, &entries[0]), 0);
    cr_assert_eq(ws_addresses_enter(&addresses, &first, &ours, 2, &entries[1]), 0);
    cr_assert_eq(ws_addresses_enter(&addresses, &first, &ours, 2, &none), DVBCSS_EFULL);
    cr_assert_eq(ws_addresses_enter(&addresses, &second, &ours, 2, &entries[2]), 0);
    cr_assert_eq(addresses.entry_count, 2);
    ws_addresses_leave(&addresses, entries[0]);
    cr_assert_eq(ws_addresses_enter(&addresses, &first, &ours, 2, &entries[0]), 0);
    for (int i = 0; i < 3; i++)
        ws_addresses_leave(&addresses, entries[i]);
    cr_assert_eq(addresses.entry_count, 0);
    cr_assert_null(addresses.buckets);
}

Test(ws_addresses, of_a_limit_of_zero_are_none)
{
    struct ws_addresses addresses = {0};
    union ws_address first = address_of("192.0.2.1");
    struct ws_address_entry *entry;

    cr_assert_eq(ws_addresses_enter(&addresses, &first, &ours, 0, &entry), DVBCSS_EFULL);
    cr_assert_eq(addresses.entry_count, 0);
    cr_assert_null(addresses.buckets);
}

Test(ws_addresses, of_unix_sockets_are_not_counted)
{
    struct ws_addresses addresses = {0};
    union ws_address nameless = {.any = {.sa_family = AF_UNIX}};
    struct ws_address_entry *entry = (void *)&addresses;

    cr_assert_eq(ws_addresses_enter(&addresses, &nameless, &nameless, 0, &entry), 0);
    cr_assert_null(entry);
    ws_addresses_leave(&addresses, entry);
    cr_assert_null(addresses.buckets);
}

enum { MANY = 20000 };

Test(ws_addresses, by_the_thousand_take_memory_only_while_they_are_there)
{
    static struct ws_address_entry *entries[MANY];
    struct ws_addresses addresses = {0};
    union ws_address address = address_of("10.0.0.0");
    size_t most;

    for (uint32_t i = 0; i < MANY; i++) {
        address.v4.sin_addr.s_addr = htonl(0x0a000000 + i);
        cr_assert_eq(ws_addresses_enter(&addresses, &address, &ours, 1, &entries[i]), 0);
    }
    most = addresses.bucket_count;
    cr_assert_geq(most, MANY);
    cr_assert_lt(most, 4 * MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        struct ws_address_entry *again;

        address.v4.sin_addr.s_addr = htonl(0x0a000000 + i);
        cr_assert_eq(ws_addresses_enter(&addresses, &address, &ours, 1, &again), DVBCSS_EFULL);
    }
    for (uint32_t i = 0; i < MANY; i++)
        ws_addresses_leave(&addresses, entries[i]);
    cr_assert_eq(addresses.entry_count, 0);
    cr_assert_leq(addresses.bucket_count, 64);
    cr_assert_null(addresses.buckets);
}

/* Enters 40 addresses and leaves with those that came in. Returns whether all did. */
static bool come_and_go(void)
{
    struct ws_addresses addresses = {0};
    struct ws_address_entry *entries[40] = {NULL};
    union ws_address address = address_of("10.0.0.0");
    bool all = true;

    for (uint32_t i = 0; i < 40; i++) {
        int result;

        address.v4.sin_addr.s_addr = htonl(0x0a000000 + i);
        result = ws_addresses_enter(&addresses, &address, &ours, 1, &entries[i]);
        cr_assert(result == 0 || result == DVBCSS_ENOMEM);
        all &= result == 0;
    }
    for (uint32_t i = 0; i < 40; i++)
        ws_addresses_leave(&addresses, entries[i]);
    cr_assert_eq(addresses.entry_count, 0);
    cr_assert_null(addresses.buckets);
    return all;
}

Test(ws_addresses, survive_every_failing_allocation)
{
    bool failed = true, growing_failed_unnoticed = false;

    for (unsigned n = 0; failed; n++) {
        bool all;

        failing_alloc_begin(n);
        all = come_and_go();
        cr_assert_eq(failing_alloc_outstanding(), 0);
        failed = failing_alloc_end();
        cr_assert(failed || all);
        growing_failed_unnoticed |= failed && all;
    }
    cr_assert(growing_failed_unnoticed);
}
