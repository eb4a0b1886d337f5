#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dvbcss/wc.h"
#include "dvbcss/wc_server.h"
#include "test_loop.h"
#include "wallclock/wc_address.h"
#include "wallclock/wc_rehearsal.h"

/* ---- the call that a rehearsal sends by, and nothing else here ------------------------------- */

static unsigned sent;
static int send_error;

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    sent++;
    if (send_error != 0) {
        errno = send_error;
        return -1;
    }
    return syscall(SYS_sendto, fd, buf, n, flags, NULL, 0);
}

/* ---- a rehearsal ----------------------------------------------------------------------------- */

/* Opens one; tells its descriptor, which is the next that is free. */
static struct wc_rehearsal *open_rehearsal(int family, int *descriptor)
{
    struct wc_rehearsal *rehearsal;

    *descriptor = dup(0);
    close(*descriptor);
    cr_assert_eq(wc_rehearsal_open(&rehearsal, family), 0);
    return rehearsal;
}

static void check_rehearsal(int family)
{
    enum { ROUNDS = 100 };
    union wc_address own;
    union wc_address peer;
    socklen_t size = sizeof own;
    int descriptor;
    struct wc_rehearsal *rehearsal = open_rehearsal(family, &descriptor);
    char byte;

    if (!rehearsal)
        cr_skip("no loopback of this family here");
    cr_assert_eq(getsockname(descriptor, &own.any, &size), 0);
    size = sizeof peer;
    cr_assert_eq(getpeername(descriptor, &peer.any, &size), 0);
    cr_assert(wc_address_equal(&own, &peer), "it hears others");
    for (int i = 0; i < ROUNDS; i++)
        wc_rehearse(rehearsal);
    cr_assert_eq(sent, ROUNDS);
    cr_assert_eq(recv(descriptor, &byte, 1, MSG_DONTWAIT), -1);
    cr_assert_eq(errno, EAGAIN);
    wc_rehearsal_close(rehearsal);
    cr_assert_eq(recv(descriptor, &byte, 1, MSG_DONTWAIT), -1);
    cr_assert_eq(errno, EBADF);
}

Test(wc_rehearsal, leaves_no_datagram_behind)
{
    check_rehearsal(AF_INET);
}

Test(wc_rehearsal, leaves_no_datagram_behind_over_ipv6)
{
    check_rehearsal(AF_INET6);
}

Test(wc_rehearsal, that_fails_has_no_consequence)
{
    int descriptor;
    struct wc_rehearsal *rehearsal = open_rehearsal(AF_INET, &descriptor);

    send_error = EPERM;
    wc_rehearse(rehearsal);
    send_error = 0;
    wc_rehearse(rehearsal);
    cr_assert_eq(sent, 2);
    wc_rehearsal_close(rehearsal);
}

Test(wc_rehearsal, is_none_without_a_socket)
{
    struct rlimit usual;
    struct rlimit none;
    struct wc_rehearsal *rehearsal;
    int result;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = (struct rlimit){0, usual.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    result = wc_rehearsal_open(&rehearsal, AF_INET);
    /* Criterion needs some, too. */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    cr_assert_eq(result, 0);
    cr_assert_null(rehearsal);
    wc_rehearse(rehearsal);
    wc_rehearsal_close(rehearsal);
    cr_assert_eq(sent, 0);
}

Test(wc_rehearsal, is_none_without_loopback)
{
    struct wc_rehearsal *rehearsal;

    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("no network namespace can be made here");
    cr_assert_eq(wc_rehearsal_open(&rehearsal, AF_INET), 0);
    cr_assert_null(rehearsal);
    cr_assert_eq(wc_rehearsal_open(&rehearsal, AF_INET6), 0);
    cr_assert_null(rehearsal);
}

/* ---- that of a server ------------------------------------------------------------------------ */

/* A loop with a server, and a socket that asks it. */
struct fixture {
    struct test_loop test;
    struct dvbcss_wc_server *server;
    int asker;
};

static struct dvbcss_wc_server_options local_options(void)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;

    options.address = "127.0.0.1";
    options.port = 0;
    return options;
}

static void set_up(struct fixture *fixture, const struct dvbcss_wc_server_options *options)
{
    union wc_address address;

    test_loop_begin(&fixture->test);
    cr_assert_eq(dvbcss_wc_server_create(&fixture->server, &fixture->test.loop, options), 0);
    cr_assert_eq(
        wc_address_parse(options->address, dvbcss_wc_server_port(fixture->server), &address), 0);
    fixture->asker = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(connect(fixture->asker, &address.any, wc_address_size(&address)), 0);
}

static void tear_down(struct fixture *fixture)
{
    close(fixture->asker);
    dvbcss_wc_server_close(fixture->server, NULL, NULL);
    test_loop_end(&fixture->test);
}

static void send_datagram(struct fixture *fixture, size_t length)
{
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE] = {0};

    cr_assert_eq(write(fixture->asker, request, length), (ssize_t)length);
}

/* Has so many requests arrive at once, and waits for whatever comes back. */
static void exchange(struct fixture *fixture, unsigned requests, unsigned answers)
{
    uint8_t bytes[64];

    for (unsigned i = 0; i < requests; i++)
        send_datagram(fixture, DVBCSS_WC_MESSAGE_SIZE);
    for (unsigned i = 0; i < answers; i++)
        TEST_LOOP_SPIN_UNTIL(&fixture->test, recv(fixture->asker, bytes, sizeof bytes, 0) ==
                                                 DVBCSS_WC_MESSAGE_SIZE);
}

static struct dvbcss_wc_server_counters counters_of(const struct fixture *fixture)
{
    struct dvbcss_wc_server_counters counters;

    dvbcss_wc_server_counters(fixture->server, &counters);
    return counters;
}

Test(wc_rehearsal, is_for_requests_that_come_alone)
{
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;

    set_up(&fixture, &options);
    exchange(&fixture, 1, 1);
    exchange(&fixture, 1, 1);
    cr_assert_eq(sent, 2);
    exchange(&fixture, 2, 2);
    /* A batch that is full, and one that is left over. */
    exchange(&fixture, 65, 65);
    cr_assert_eq(sent, 2);
    tear_down(&fixture);
}

Test(wc_rehearsal, is_not_for_what_is_no_request)
{
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;

    set_up(&fixture, &options);
    send_datagram(&fixture, 1);
    TEST_LOOP_UNTIL(&fixture.test, counters_of(&fixture).datagrams[DVBCSS_WC_DROPPED_LENGTH] == 1);
    cr_assert_eq(sent, 0);
    tear_down(&fixture);
}

Test(wc_rehearsal, can_be_done_without)
{
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;

    options.rehearse = false;
    set_up(&fixture, &options);
    exchange(&fixture, 1, 1);
    cr_assert_eq(sent, 0);
    tear_down(&fixture);
}

Test(wc_rehearsal, that_fails_does_not_keep_a_server_from_answering)
{
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;

    set_up(&fixture, &options);
    send_error = EPERM;
    exchange(&fixture, 1, 1);
    cr_assert_eq(sent, 1);
    tear_down(&fixture);
}

Test(wc_rehearsal, is_no_request_and_has_no_part_in_transmit_stamps)
{
    enum { ROUNDS = 50 };
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server_counters counters;
    struct fixture fixture;

    options.follow_up = true;
    set_up(&fixture, &options);
    for (unsigned i = 0; i < ROUNDS; i++)
        exchange(&fixture, 1, 2);
    counters = counters_of(&fixture);
    cr_assert_eq(sent, ROUNDS);
    cr_assert_eq(counters.answers, ROUNDS);
    cr_assert_eq(counters.stamped_follow_ups, ROUNDS);
    for (int i = 0; i < DVBCSS_WC_ANSWER_COUNT; i++)
        cr_assert_eq(counters.datagrams[i], i == DVBCSS_WC_ANSWERED ? ROUNDS : 0);
    tear_down(&fixture);
}
