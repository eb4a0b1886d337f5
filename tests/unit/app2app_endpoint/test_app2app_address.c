/*
 * Which peers of App2App are on this machine, and which share the limits of one address.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "app2app/app2app_address.h"

/* An address of the family that its text has; "" is one of AF_UNIX. */
static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage storage;
    struct sockaddr_in *v4 = (void *)&storage;
    struct sockaddr_in6 *v6 = (void *)&storage;

    memset(&storage, 0, sizeof storage);
    storage.ss_family = AF_UNIX;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        storage.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        storage.ss_family = AF_INET6;
    return storage;
}

Test(app2app_address, knows_who_is_on_this_machine)
{
    static const struct {
        const char *peer;
        const char *local;
        bool here;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.9.9.9", "127.0.0.1", true},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.2", "10.0.0.1", false},
        {"::1", "::1", true},
        {"fd00::1", "fd00::1", true},
        {"fd00::2", "fd00::1", false},
        {"", "", true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage peer = address(cases[i].peer), local = address(cases[i].local);

        cr_expect_eq(app2app_address_is_here((void *)&peer, (void *)&local), cases[i].here,
                     "%s from %s", cases[i].local, cases[i].peer);
    }
}

Test(app2app_address, counts_together_what_one_peer_has)
{
    static const struct {
        const char *a;
        const char *b;
        const char *local;
        bool equal;
    } cases[] = {
        {"10.0.0.2", "10.0.0.2", "10.0.0.1", true},
        {"10.0.0.2", "10.0.0.3", "10.0.0.1", false},
        /* On the link of ours, and beyond it. */
        {"fd00::2", "fd00::2", "fd00::1", true},
        {"fd00::2", "fd00::3", "fd00::1", false},
        {"2001:db8:1::2", "2001:db8:1::3", "2001:db8::1", true},
        {"2001:db8:1::2", "2001:db8:2::2", "2001:db8::1", false},
        {"10.0.0.2", "fd00::2", "fd00::1", false},
        /* Without an address there is nothing to count by. */
        {"", "", "", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage a = address(cases[i].a), b = address(cases[i].b);
        struct sockaddr_storage local = address(cases[i].local);
        struct app2app_address of_a = app2app_address_of((void *)&a, (void *)&local);
        struct app2app_address of_b = app2app_address_of((void *)&b, (void *)&local);

        cr_expect_eq(of_a.limited, *cases[i].a != '\0');
        cr_expect_eq(app2app_address_equal(&of_a, &of_b), cases[i].equal, "%s and %s", cases[i].a,
                     cases[i].b);
    }
}
