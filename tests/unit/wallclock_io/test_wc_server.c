#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "common/bytes.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc.h"
#include "dvbcss/wc_server.h"
#include "test_loop.h"
#include "wallclock/wc_address.h"

enum { DEADLINE_S = 20, BUFFER = 2048 };

/* A loop with a server, and a socket that asks it. */
struct fixture {
    struct test_loop test;
    struct dvbcss_wc_server *server;
    union wc_address address;
    int asker;
    bool closed;
};

static void set_up(struct fixture *fixture, const struct dvbcss_wc_server_options *options)
{
    memset(fixture, 0, sizeof *fixture);
    test_loop_begin(&fixture->test);
    cr_assert_eq(dvbcss_wc_server_create(&fixture->server, &fixture->test.loop, options), 0);
    cr_assert_eq(wc_address_parse(options->address, dvbcss_wc_server_port(fixture->server),
                                  &fixture->address),
                 0);
    fixture->asker = socket(fixture->address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert_geq(fixture->asker, 0);
}

static void note_closed(void *closed)
{
    *(bool *)closed = true;
}

static void tear_down(struct fixture *fixture)
{
    close(fixture->asker);
    dvbcss_wc_server_close(fixture->server, note_closed, &fixture->closed);
    cr_assert_not(fixture->closed, "closing calls back from the loop only");
    test_loop_end(&fixture->test);
    cr_assert(fixture->closed);
}

static struct dvbcss_wc_server_options local_options(void)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;

    options.address = "127.0.0.1";
    options.port = 0;
    return options;
}

static void send_bytes(struct fixture *fixture, const void *bytes, size_t length)
{
    cr_assert_eq(sendto(fixture->asker, bytes, length, 0, &fixture->address.any,
                        wc_address_size(&fixture->address)),
                 (ssize_t)length);
}

/* A request that is told from others by @p cookie; its nanoseconds are no time. */
static void make_request(uint8_t request[DVBCSS_WC_MESSAGE_SIZE], uint32_t cookie)
{
    memset(request, 0, DVBCSS_WC_MESSAGE_SIZE);
    put_be32(request + 8, cookie);
    put_be32(request + 12, 0xfedcba98u);
}

static void send_request(struct fixture *fixture, uint32_t cookie)
{
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];

    make_request(request, cookie);
    send_bytes(fixture, request, sizeof request);
}

/* Runs the loop until the asker has an answer. */
static void receive_answer(struct fixture *fixture, struct dvbcss_wc_message *answer)
{
    uint8_t bytes[BUFFER];
    ssize_t length = -1;

    TEST_LOOP_SPIN_UNTIL(&fixture->test,
                         (length = recv(fixture->asker, bytes, sizeof bytes, 0)) >= 0);
    cr_assert_eq(dvbcss_wc_message_decode(bytes, (size_t)length, answer, NULL), 0);
}

/* Answers come in the order of the requests: with this one nothing else is under way. */
static void expect_answer_to(struct fixture *fixture, uint32_t cookie)
{
    struct dvbcss_wc_message answer;

    receive_answer(fixture, &answer);
    cr_assert_eq(answer.type, DVBCSS_WC_RESPONSE);
    cr_assert_eq(answer.originate.seconds, cookie);
}

static struct dvbcss_wc_server_counters counters_of(const struct fixture *fixture)
{
    struct dvbcss_wc_server_counters counters;

    dvbcss_wc_server_counters(fixture->server, &counters);
    return counters;
}

Test(wc_server, an_answer_echoes_originate_bit_for_bit_and_tells_when_it_came_and_left)
{
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server_counters counters;
    struct dvbcss_wc_message answer;
    struct fixture fixture;
    int64_t before_ns;

    options.max_freq_error_ppm = 50;
    set_up(&fixture, &options);
    before_ns = dvbcss_monotonic_ns(NULL);
    send_request(&fixture, 0x01020304u);
    receive_answer(&fixture, &answer);
    cr_assert_eq(answer.type, DVBCSS_WC_RESPONSE);
    cr_assert_eq(answer.originate.seconds, 0x01020304u);
    cr_assert_eq(answer.originate.nanoseconds, 0xfedcba98u);
    cr_assert_eq(answer.max_freq_error, 50u * 256u);
    cr_assert_geq(dvbcss_wc_time_to_ns(answer.receive), before_ns);
    cr_assert_geq(dvbcss_wc_time_to_ns(answer.transmit), dvbcss_wc_time_to_ns(answer.receive));
    cr_assert_leq(dvbcss_wc_time_to_ns(answer.transmit), dvbcss_monotonic_ns(NULL));
    counters = counters_of(&fixture);
    cr_assert_eq(counters.answers, 1);
    tear_down(&fixture);
}

/* Lets time pass without giving the loop a turn. */
static void pass_time(int64_t span_ns)
{
    int64_t until_ns = dvbcss_monotonic_ns(NULL) + span_ns;

    while (dvbcss_monotonic_ns(NULL) < until_ns)
        continue;
}

Test(wc_server, a_request_that_had_to_wait_is_told_when_it_came_and_not_when_it_was_taken)
{
    struct dvbcss_wc_server_options options = local_options();
    int64_t deadline_ns = dvbcss_monotonic_ns(NULL) + DEADLINE_S * DVBCSS_NS_PER_S;
    struct dvbcss_wc_message answer;
    struct fixture fixture;
    int64_t sent_ns;

    set_up(&fixture, &options);
    /* The kernel begins to stamp a while after the first socket of the machine asked for it. */
    do {
        send_request(&fixture, 1);
        sent_ns = dvbcss_monotonic_ns(NULL);
        pass_time(20000000);
        receive_answer(&fixture, &answer);
        cr_assert_geq(dvbcss_wc_time_to_ns(answer.transmit), sent_ns + 20000000);
        cr_assert_lt(dvbcss_monotonic_ns(NULL), deadline_ns, "told when it was taken");
    } while (dvbcss_wc_time_to_ns(answer.receive) > sent_ns + 10000000);
    tear_down(&fixture);
}

Test(wc_server, precision_is_measured_and_rounded_up_on_the_wire)
{
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_message answer;
    struct fixture fixture;
    double precision_s;

    set_up(&fixture, &options);
    precision_s = dvbcss_wc_server_precision_s(fixture.server);
    cr_assert_gt(precision_s, 0.0);
    cr_assert_lt(precision_s, 1e-3);
    send_request(&fixture, 1);
    receive_answer(&fixture, &answer);
    cr_assert_geq(dvbcss_wc_precision_decode(answer.precision), precision_s);
    cr_assert_lt(dvbcss_wc_precision_decode(answer.precision), 2 * precision_s);
    tear_down(&fixture);
}

Test(wc_server, what_is_no_request_is_dropped_without_a_word_and_counted)
{
    static const size_t lengths[] = {0, 1, 31, 33, 40, 41, 1472};
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server_counters counters;
    struct fixture fixture;
    uint8_t bytes[BUFFER] = {0};

    set_up(&fixture, &options);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        send_bytes(&fixture, bytes, lengths[i]);
    for (unsigned version = 1; version < 256; version += 127) {
        bytes[0] = (uint8_t)version;
        send_bytes(&fixture, bytes, DVBCSS_WC_MESSAGE_SIZE);
    }
    bytes[0] = 0;
    for (unsigned type = 1; type < 6; type++) {
        bytes[1] = (uint8_t)type;
        send_bytes(&fixture, bytes, DVBCSS_WC_MESSAGE_SIZE);
    }
    send_request(&fixture, 99);
    expect_answer_to(&fixture, 99);
    counters = counters_of(&fixture);
    cr_assert_eq(counters.datagrams[DVBCSS_WC_DROPPED_LENGTH], 7);
    cr_assert_eq(counters.datagrams[DVBCSS_WC_DROPPED_VERSION], 3);
    cr_assert_eq(counters.datagrams[DVBCSS_WC_DROPPED_TYPE], 5);
    cr_assert_eq(counters.datagrams[DVBCSS_WC_ANSWERED], 1);
    cr_assert_eq(counters.answers, 1);
    tear_down(&fixture);
}

/* A datagram of any length up to 64 and any content; seldom a request. */
static void send_garbage(struct fixture *fixture, uint32_t *seed)
{
    uint8_t bytes[64];
    size_t length;

    for (size_t i = 0; i < sizeof bytes; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(*seed >> 24);
    }
    length = *seed >> 26;
    /* Nearly right, but no request. */
    if (length == DVBCSS_WC_MESSAGE_SIZE)
        bytes[1] |= 1;
    send_bytes(fixture, bytes, length);
}

Test(wc_server, every_good_request_amid_a_flood_of_garbage_is_answered)
{
    enum { ROUNDS = 2000, GARBAGE = 50 };
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server_counters counters;
    struct fixture fixture;
    uint32_t seed = 12345;

    set_up(&fixture, &options);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < GARBAGE; i++)
            send_garbage(&fixture, &seed);
        send_request(&fixture, round);
        expect_answer_to(&fixture, round);
    }
    counters = counters_of(&fixture);
    cr_assert_eq(counters.answers, ROUNDS);
    cr_assert_eq(counters.datagrams[DVBCSS_WC_DROPPED_LENGTH] +
                     counters.datagrams[DVBCSS_WC_DROPPED_VERSION] +
                     counters.datagrams[DVBCSS_WC_DROPPED_TYPE],
                 ROUNDS * GARBAGE);
    tear_down(&fixture);
}

Test(wc_server, more_requests_than_a_batch_are_answered_in_order)
{
    enum { REQUESTS = 150 };
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;

    set_up(&fixture, &options);
    for (uint32_t i = 0; i < REQUESTS; i++)
        send_request(&fixture, i);
    for (uint32_t i = 0; i < REQUESTS; i++)
        expect_answer_to(&fixture, i);
    tear_down(&fixture);
}

Test(wc_server, a_flood_gives_way_to_the_loops_other_work)
{
    enum { REQUESTS = 400 };
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server_counters counters;
    struct fixture fixture;
    uint64_t seen;

    set_up(&fixture, &options);
    for (uint32_t i = 0; i < REQUESTS; i++)
        send_request(&fixture, i);
    uv_run(&fixture.test.loop, UV_RUN_NOWAIT);
    counters = counters_of(&fixture);
    seen = counters.datagrams[DVBCSS_WC_ANSWERED];
    cr_assert_gt(seen, 0);
    cr_assert_lt(seen, REQUESTS, "%u requests in one turn of the loop", (unsigned)seen);
    tear_down(&fixture);
}

Test(wc_server, a_follow_up_comes_at_once_and_tells_when_the_answer_left)
{
    enum { REQUESTS = 100 };
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server_counters counters;
    struct fixture fixture;

    options.follow_up = true;
    set_up(&fixture, &options);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct dvbcss_wc_message first;
        struct dvbcss_wc_message second;

        send_request(&fixture, i);
        receive_answer(&fixture, &first);
        receive_answer(&fixture, &second);
        cr_assert_eq(first.type, DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP);
        cr_assert_eq(second.type, DVBCSS_WC_FOLLOW_UP);
        cr_assert_eq(second.originate.seconds, i);
        cr_assert(dvbcss_wc_time_equal(first.originate, second.originate));
        cr_assert(dvbcss_wc_time_equal(first.receive, second.receive));
        cr_assert_geq(dvbcss_wc_time_to_ns(second.transmit), dvbcss_wc_time_to_ns(first.transmit));
        cr_assert_leq(dvbcss_wc_time_to_ns(second.transmit), dvbcss_monotonic_ns(NULL));
    }
    counters = counters_of(&fixture);
    cr_assert_eq(counters.answers, REQUESTS);
    cr_assert_eq(counters.follow_ups, REQUESTS);
    cr_assert_lt(counters.unstamped, REQUESTS, "the kernel's receive times are used");
    cr_assert_gt(counters.stamped_follow_ups, 0, "the kernel's transmit times are used");
    tear_down(&fixture);
}

/* Starts at 1000 s and runs 10 % fast. */
static int64_t skewed_ns(void *start_ns)
{
    int64_t passed_ns = dvbcss_monotonic_ns(NULL) - *(int64_t *)start_ns;

    return 1000 * DVBCSS_NS_PER_S + passed_ns + passed_ns / 10;
}

Test(wc_server, all_times_are_those_of_the_time_source_that_was_given)
{
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_message answer;
    struct fixture fixture;
    int64_t start_ns = dvbcss_monotonic_ns(NULL);
    int64_t before_ns;

    options.now_ns = skewed_ns;
    options.user = &start_ns;
    set_up(&fixture, &options);
    before_ns = skewed_ns(&start_ns);
    send_request(&fixture, 5);
    receive_answer(&fixture, &answer);
    cr_assert_geq(dvbcss_wc_time_to_ns(answer.receive), before_ns);
    cr_assert_geq(dvbcss_wc_time_to_ns(answer.transmit), dvbcss_wc_time_to_ns(answer.receive));
    cr_assert_leq(dvbcss_wc_time_to_ns(answer.transmit), skewed_ns(&start_ns));
    tear_down(&fixture);
}

static int64_t before_the_epoch_ns(void *user)
{
    (void)user;
    return -5;
}

Test(wc_server, a_time_that_cannot_be_expressed_is_not_told)
{
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;

    options.now_ns = before_the_epoch_ns;
    options.precision_s = 1e-6;
    set_up(&fixture, &options);
    send_request(&fixture, 5);
    TEST_LOOP_UNTIL(&fixture.test, counters_of(&fixture).datagrams[DVBCSS_WC_DROPPED_TIME] == 1);
    cr_assert_eq(counters_of(&fixture).answers, 0);
    tear_down(&fixture);
}

static bool has_ipv6(void)
{
    union wc_address address;
    int descriptor = socket(AF_INET6, SOCK_DGRAM, 0);
    bool bound = wc_address_parse("::1", 0, &address) == 0 && descriptor >= 0 &&
                 bind(descriptor, &address.any, wc_address_size(&address)) == 0;

    if (descriptor >= 0)
        close(descriptor);
    return bound;
}

Test(wc_server, answers_over_ipv6)
{
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;
    char text[64];

    if (!has_ipv6())
        cr_skip("no IPv6 here");
    options.address = "::1";
    set_up(&fixture, &options);
    send_request(&fixture, 6);
    expect_answer_to(&fixture, 6);
    cr_assert_eq(dvbcss_wc_server_address(fixture.server, text, sizeof text), 0);
    cr_assert_str_eq(text, "::1");
    tear_down(&fixture);
}

Test(wc_server, an_ipv6_only_server_leaves_ipv4_to_another_one_on_the_port)
{
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server *second;
    struct fixture fixture;

    if (!has_ipv6())
        cr_skip("no IPv6 here");
    options.address = "0.0.0.0";
    set_up(&fixture, &options);
    options.address = "::";
    options.port = dvbcss_wc_server_port(fixture.server);
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), DVBCSS_EADDRINUSE);
    options.ipv6_only = true;
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), 0);
    send_request(&fixture, 7);
    expect_answer_to(&fixture, 7);
    dvbcss_wc_server_close(second, NULL, NULL);
    tear_down(&fixture);
}

static void find_descriptor(uv_handle_t *handle, void *descriptor)
{
    if (handle->type == UV_POLL)
        cr_assert_eq(uv_fileno(handle, descriptor), 0);
}

Test(wc_server, an_error_on_the_socket_does_not_end_the_service)
{
    struct dvbcss_wc_server_options options = local_options();
    struct fixture fixture;
    uv_os_fd_t descriptor = -1;
    int on = 1;

    set_up(&fixture, &options);
    /* Errors of the network are then told by polling, as transmit times are. */
    uv_walk(&fixture.test.loop, find_descriptor, &descriptor);
    cr_assert_eq(setsockopt(descriptor, IPPROTO_IP, IP_RECVERR, &on, sizeof on), 0);
    for (int round = 0; round < 5; round++) {
        send_request(&fixture, 1);
        /* Nobody takes the answer: the port is unreachable. */
        close(fixture.asker);
        TEST_LOOP_UNTIL(&fixture.test, counters_of(&fixture).answers == 2u * (unsigned)round + 1);
        fixture.asker = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        cr_assert_geq(fixture.asker, 0);
        send_request(&fixture, 2);
        expect_answer_to(&fixture, 2);
    }
    tear_down(&fixture);
}

Test(wc_server, several_servers_share_a_port_if_all_of_them_want_to)
{
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server *second;
    struct fixture fixture;

    options.reuse_port = true;
    set_up(&fixture, &options);
    options.port = dvbcss_wc_server_port(fixture.server);
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), 0);
    send_request(&fixture, 7);
    expect_answer_to(&fixture, 7);
    dvbcss_wc_server_close(second, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_server, what_cannot_be_served_is_refused_with_the_reason)
{
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server *second = NULL;
    struct fixture fixture;

    set_up(&fixture, &options);
    options.port = dvbcss_wc_server_port(fixture.server);
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), DVBCSS_EADDRINUSE);
    options.port = 0;
    options.precision_s = -1.0;
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), DVBCSS_ERANGE);
    options.precision_s = 0.0;
    options.max_freq_error_ppm = 0.0;
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), DVBCSS_ERANGE);
    options = local_options();
    options.address = "192.0.2.1";
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), DVBCSS_EADDRESS);
    options.address = "tv.local";
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), DVBCSS_EINVAL);
    options.address = NULL;
    cr_assert_eq(dvbcss_wc_server_create(&second, &fixture.test.loop, &options), DVBCSS_EINVAL);
    cr_assert_null(second);
    tear_down(&fixture);
}

Test(wc_server, closing_frees_the_port_at_once)
{
    struct dvbcss_wc_server_options options = local_options();
    struct dvbcss_wc_server *first;
    struct fixture fixture;

    set_up(&fixture, &options);
    options.port = dvbcss_wc_server_port(fixture.server);
    first = fixture.server;
    dvbcss_wc_server_close(first, NULL, NULL);
    cr_assert_eq(dvbcss_wc_server_create(&fixture.server, &fixture.test.loop, &options), 0);
    send_request(&fixture, 8);
    expect_answer_to(&fixture, 8);
    dvbcss_wc_server_close(NULL, note_closed, &fixture.closed);
    tear_down(&fixture);
}
