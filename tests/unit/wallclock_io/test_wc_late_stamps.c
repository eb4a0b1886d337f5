/* Servers, on a loop and on a thread, while the kernel's transmit stamps come late or not at all.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bytes.h"
#include "dvbcss/wc.h"
#include "dvbcss/wc_server.h"
#include "dvbcss/wc_service.h"
#include "held_stamps.h"
#include "test_loop.h"
#include "wallclock/wc_address.h"

enum { BUFFER = 64 };

/* Either a server or a service, and a socket that asks it. */
struct fixture {
    struct test_loop test;
    struct dvbcss_wc_server *server;
    struct dvbcss_wc_service *service;
    int asker;
};

static void connect_asker(struct fixture *fixture, uint16_t port)
{
    union wc_address address;

    cr_assert_eq(wc_address_parse("127.0.0.1", port, &address), 0);
    fixture->asker = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(connect(fixture->asker, &address.any, wc_address_size(&address)), 0);
}

static void set_up_on_loop(struct fixture *fixture)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;

    memset(fixture, 0, sizeof *fixture);
    test_loop_begin(&fixture->test);
    options.address = "127.0.0.1";
    options.port = 0;
    options.follow_up = true;
    cr_assert_eq(dvbcss_wc_server_create(&fixture->server, &fixture->test.loop, &options), 0);
    connect_asker(fixture, dvbcss_wc_server_port(fixture->server));
}

static void set_up_on_thread(struct fixture *fixture)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.1"};
    struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;

    memset(fixture, 0, sizeof *fixture);
    test_loop_begin(&fixture->test);
    options.addresses = addresses;
    options.address_count = 2;
    options.server.port = 0;
    options.server.follow_up = true;
    cr_assert_eq(dvbcss_wc_service_start(&fixture->service, &options, NULL), 0);
    connect_asker(fixture, dvbcss_wc_service_port(fixture->service));
}

static void stop(struct fixture *fixture)
{
    dvbcss_wc_server_close(fixture->server, NULL, NULL);
    dvbcss_wc_service_stop(fixture->service);
}

static void tear_down(struct fixture *fixture)
{
    close(fixture->asker);
    test_loop_end(&fixture->test);
}

static struct dvbcss_wc_server_counters counters_of(const struct fixture *fixture)
{
    struct dvbcss_wc_server_counters counters;

    if (fixture->server)
        dvbcss_wc_server_counters(fixture->server, &counters);
    else
        dvbcss_wc_service_counters(fixture->service, &counters);
    return counters;
}

static void ask(struct fixture *fixture, uint32_t cookie)
{
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE] = {0};

    put_be32(request + 8, cookie);
    cr_assert_eq(send(fixture->asker, request, sizeof request, 0), DVBCSS_WC_MESSAGE_SIZE);
}

static struct dvbcss_wc_message expect(struct fixture *fixture, enum dvbcss_wc_type type,
                                       uint32_t cookie)
{
    struct dvbcss_wc_message message;
    uint8_t bytes[BUFFER];
    ssize_t length;

    TEST_LOOP_SPIN_UNTIL(&fixture->test,
                         (length = recv(fixture->asker, bytes, sizeof bytes, 0)) >= 0);
    cr_assert_eq(dvbcss_wc_message_decode(bytes, (size_t)length, &message, NULL), 0);
    cr_assert_eq(message.type, type);
    cr_assert_eq(message.originate.seconds, cookie);
    return message;
}

/* Asks, and lets the stamp come after the answer has arrived. Returns whether the follow-up tells
 * it; it does not if that took longer than the stamp is waited for. */
static bool late_stamp_is_told(struct fixture *fixture, uint32_t cookie)
{
    struct dvbcss_wc_message answer;
    struct dvbcss_wc_message follow_up;

    held_stamps_hold();
    ask(fixture, cookie);
    answer = expect(fixture, DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, cookie);
    held_stamps_release();
    follow_up = expect(fixture, DVBCSS_WC_FOLLOW_UP, cookie);
    cr_assert(dvbcss_wc_time_equal(answer.receive, follow_up.receive));
    cr_assert_geq(dvbcss_wc_time_to_ns(follow_up.transmit), dvbcss_wc_time_to_ns(answer.transmit));
    return !dvbcss_wc_time_equal(answer.transmit, follow_up.transmit);
}

static void check_late_stamps(struct fixture *fixture)
{
    struct dvbcss_wc_server_counters counters;
    uint32_t rounds = 0;

    while (!late_stamp_is_told(fixture, rounds++))
        continue;
    /* They are published at the end of a turn. */
    TEST_LOOP_SPIN_UNTIL(&fixture->test, counters_of(fixture).follow_ups == rounds);
    counters = counters_of(fixture);
    cr_assert_eq(counters.answers, rounds);
    cr_assert_geq(counters.stamped_follow_ups, 1);
    cr_assert_eq(counters.send_failures, 0);
    stop(fixture);
    tear_down(fixture);
}

static void check_missing_stamps(struct fixture *fixture)
{
    enum { ROUNDS = 20 };
    struct dvbcss_wc_server_counters counters;

    /* Then nothing but time wakes the server. */
    held_stamps_lose(ROUNDS);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct dvbcss_wc_message answer;
        struct dvbcss_wc_message follow_up;

        ask(fixture, i);
        answer = expect(fixture, DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, i);
        follow_up = expect(fixture, DVBCSS_WC_FOLLOW_UP, i);
        cr_assert(dvbcss_wc_time_equal(answer.transmit, follow_up.transmit));
    }
    TEST_LOOP_SPIN_UNTIL(&fixture->test, counters_of(fixture).follow_ups == ROUNDS);
    counters = counters_of(fixture);
    cr_assert_eq(counters.answers, ROUNDS);
    cr_assert_eq(counters.stamped_follow_ups, 0);
    cr_assert_eq(counters.send_failures, 0);
    stop(fixture);
    tear_down(fixture);
}

/* Whoever was promised a follow-up gets it. */
static void check_ending(struct fixture *fixture)
{
    held_stamps_hold();
    ask(fixture, 1);
    (void)expect(fixture, DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP, 1);
    stop(fixture);
    (void)expect(fixture, DVBCSS_WC_FOLLOW_UP, 1);
    held_stamps_release();
    tear_down(fixture);
}

Test(wc_late_stamps, are_told_by_a_server_on_a_loop, .timeout = 60)
{
    struct fixture fixture;

    set_up_on_loop(&fixture);
    check_late_stamps(&fixture);
}

Test(wc_late_stamps, are_told_by_a_server_on_a_thread, .timeout = 60)
{
    struct fixture fixture;

    set_up_on_thread(&fixture);
    check_late_stamps(&fixture);
}

Test(wc_late_stamps, that_never_come_are_not_waited_for_by_a_server_on_a_loop, .timeout = 60)
{
    struct fixture fixture;

    set_up_on_loop(&fixture);
    check_missing_stamps(&fixture);
}

Test(wc_late_stamps, that_never_come_are_not_waited_for_by_a_server_on_a_thread, .timeout = 60)
{
    struct fixture fixture;

    set_up_on_thread(&fixture);
    check_missing_stamps(&fixture);
}

Test(wc_late_stamps, do_not_keep_a_server_on_a_loop_from_ending, .timeout = 60)
{
    struct fixture fixture;

    set_up_on_loop(&fixture);
    check_ending(&fixture);
}

Test(wc_late_stamps, do_not_keep_a_server_on_a_thread_from_ending, .timeout = 60)
{
    struct fixture fixture;

    set_up_on_thread(&fixture);
    check_ending(&fixture);
}
