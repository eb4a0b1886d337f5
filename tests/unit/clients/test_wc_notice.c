#include <criterion/criterion.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "clients/wc_notice.h"
#include "test_loop.h"

/* What a watch told. */
struct told {
    unsigned notices;
    bool closed;
};

static void on_notice(void *user)
{
    ((struct told *)user)->notices++;
}

static void on_closed(void *user)
{
    ((struct told *)user)->closed = true;
}

/* Moves to a network of this test's own. Returns whether it may. */
static bool have_own_network(void)
{
    return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

/* Switches the loopback interface on or off, and with it its addresses and routes. */
static void switch_loopback(bool on)
{
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request;

    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", sizeof "lo");
    cr_assert_eq(ioctl(descriptor, SIOCGIFFLAGS, &request), 0);
    request.ifr_flags = (short)(on ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    cr_assert_eq(ioctl(descriptor, SIOCSIFFLAGS, &request), 0);
    close(descriptor);
}

Test(wc_notice, tells_each_change_of_the_network)
{
    struct test_loop test;
    struct wc_notice *notice;
    struct told told = {0, false};

    if (!have_own_network())
        cr_skip("no network of one's own here");
    test_loop_begin(&test);
    cr_assert_eq(wc_notice_open(&notice, &test.loop, on_notice, &told), 0);
    for (int round = 0; round < 3; round++) {
        told.notices = 0;
        switch_loopback(round % 2 == 0);
        TEST_LOOP_UNTIL(&test, told.notices > 0);
    }
    wc_notice_close(notice, on_closed);
    cr_assert_not(told.closed, "closing calls back from the loop only");
    test_loop_end(&test);
    cr_assert(told.closed);
}

Test(wc_notice, goes_on_after_more_notices_than_the_system_keeps)
{
    enum { CHANGES = 3000 };
    struct test_loop test;
    struct wc_notice *notice;
    struct told told = {0, false};

    if (!have_own_network())
        cr_skip("no network of one's own here");
    test_loop_begin(&test);
    cr_assert_eq(wc_notice_open(&notice, &test.loop, on_notice, &told), 0);
    for (int i = 0; i < CHANGES; i++)
        switch_loopback(i % 2 == 0);
    TEST_LOOP_UNTIL(&test, told.notices > 0);
    uv_run(&test.loop, UV_RUN_NOWAIT);
    while (told.notices > 0) {
        told.notices = 0;
        uv_run(&test.loop, UV_RUN_NOWAIT);
    }
    switch_loopback(true);
    TEST_LOOP_UNTIL(&test, told.notices > 0);
    wc_notice_close(notice, NULL);
    test_loop_end(&test);
}

Test(wc_notice, may_be_closed_before_the_loop_runs)
{
    struct test_loop test;
    struct wc_notice *notice;
    struct told told = {0, false};

    test_loop_begin(&test);
    cr_assert_eq(wc_notice_open(&notice, &test.loop, on_notice, &told), 0);
    wc_notice_close(notice, on_closed);
    test_loop_end(&test);
    cr_assert(told.closed);
}
