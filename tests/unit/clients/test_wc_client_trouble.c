/* The wall-clock client among servers that do not do as they should, and at its end. */
#include <sys/socket.h>
#include <unistd.h>

#include "clients/wc_client_internal.h"
#include "common/bytes.h"
#include "dvbcss/wc.h"
#include "wc_client_fixture.h"

/* ---- a server that the test plays ----------------------------------------------------------- */

struct played {
    int descriptor;
    union wc_address address;
};

static struct played play_server(void)
{
    struct played played;
    socklen_t size = sizeof played.address;

    played.descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(wc_address_parse("127.0.0.1", 0, &played.address), 0);
    cr_assert_eq(bind(played.descriptor, &played.address.any, wc_address_size(&played.address)), 0);
    cr_assert_eq(getsockname(played.descriptor, &played.address.any, &size), 0);
    return played;
}

/* Runs the loop until the client has asked. */
static void await_request(struct fixture *fixture, const struct played *played, uint8_t *request,
                          union wc_address *from)
{
    socklen_t size = sizeof *from;
    ssize_t length = -1;

    TEST_LOOP_SPIN_UNTIL(&fixture->test,
                         (length = recvfrom(played->descriptor, request, DVBCSS_WC_MESSAGE_SIZE,
                                            MSG_TRUNC, &from->any, &size)) >= 0);
    cr_assert_eq(length, DVBCSS_WC_MESSAGE_SIZE);
    cr_assert_eq(request[0], 0);
    cr_assert_eq(request[1], DVBCSS_WC_REQUEST);
}

static void send_to(int descriptor, const union wc_address *to, const uint8_t *bytes, size_t length)
{
    cr_assert_eq(sendto(descriptor, bytes, length, 0, &to->any, wc_address_size(to)),
                 (ssize_t)length);
}

static void make_answer(const uint8_t *request, uint8_t *answer, int64_t time_ns)
{
    struct dvbcss_wc_message message;

    cr_assert_eq(dvbcss_wc_message_decode(request, DVBCSS_WC_MESSAGE_SIZE, &message, NULL), 0);
    message.type = DVBCSS_WC_RESPONSE;
    message.precision = -20;
    message.max_freq_error = 50 * 256;
    cr_assert_eq(dvbcss_wc_time_from_ns(time_ns, &message.receive), 0);
    message.transmit = message.receive;
    cr_assert_eq(dvbcss_wc_message_encode(&message, answer), 0);
}

Test(wc_client_trouble, believes_nobody_but_the_server_that_it_asked)
{
    struct played server = play_server();
    struct played forger = play_server();
    struct dvbcss_wc_requester_stats stats;
    struct fixture fixture;
    union wc_address client;
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE + 1] = {0};
    uint8_t forged[DVBCSS_WC_MESSAGE_SIZE];

    set_up(&fixture, 1.0);
    fixture.options.requester.timeout_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.usable_age_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.interval_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.retry_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.burst_count = 0;
    start(&fixture, "127.0.0.1", wc_address_port(&server.address));
    await_request(&fixture, &server, request, &client);
    cr_assert_eq(wc_address_port(&client), status_of(&fixture).local_port);
    make_answer(request, answer, 1000000000);

    /* The right answer from elsewhere; answers of the server to what was not asked. */
    send_to(forger.descriptor, &client, answer, DVBCSS_WC_MESSAGE_SIZE);
    memcpy(forged, answer, sizeof forged);
    forged[15] ^= 1;
    send_to(server.descriptor, &client, forged, sizeof forged);
    /* Its own request; what is too short, too long, of another version, of another type. */
    send_to(server.descriptor, &client, request, sizeof request);
    send_to(server.descriptor, &client, answer, DVBCSS_WC_MESSAGE_SIZE - 1);
    send_to(server.descriptor, &client, answer, DVBCSS_WC_MESSAGE_SIZE + 1);
    memcpy(forged, answer, sizeof forged);
    forged[0] = 1;
    send_to(server.descriptor, &client, forged, sizeof forged);
    /* One that left before it came. */
    memcpy(forged, answer, sizeof forged);
    put_be32(forged + 24, 0);
    send_to(server.descriptor, &client, forged, sizeof forged);
    send_to(server.descriptor, &client, answer, DVBCSS_WC_MESSAGE_SIZE);
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges == 1);
    send_to(server.descriptor, &client, answer, DVBCSS_WC_MESSAGE_SIZE);
    TEST_LOOP_UNTIL(&fixture.test,
                    status_of(&fixture).requests.verdicts[DVBCSS_WC_REJECTED_DUPLICATE] == 1);

    stats = status_of(&fixture).requests;
    cr_assert_eq(stats.verdicts[DVBCSS_WC_REJECTED_SOURCE], 1);
    cr_assert_eq(stats.verdicts[DVBCSS_WC_REJECTED_ORIGINATE], 1);
    cr_assert_eq(stats.verdicts[DVBCSS_WC_REJECTED_TYPE], 1);
    cr_assert_eq(stats.verdicts[DVBCSS_WC_REJECTED_LENGTH], 2);
    cr_assert_eq(stats.verdicts[DVBCSS_WC_REJECTED_VERSION], 1);
    cr_assert_eq(stats.verdicts[DVBCSS_WC_REJECTED_BACKWARDS], 1);
    cr_assert_eq(stats.verdicts[DVBCSS_WC_ACCEPTED], 1);
    cr_assert_eq(fixture.exchanges, 1);
    close(server.descriptor);
    close(forger.descriptor);
    tear_down(&fixture);
}

Test(wc_client_trouble, tries_the_addresses_of_a_name_until_one_answers)
{
    struct skew skew = {0, 0};
    struct played silent = play_server();
    struct dvbcss_wc_server *server;
    struct fixture fixture;
    union wc_address asker;
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];

    set_up(&fixture, 1.0);
    fixture.options.requester.timeout_ns = 2000000;
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", wc_address_port(&silent.address));
    await_request(&fixture, &silent, request, &asker);
    /* As if the name had two addresses. */
    fixture.client->addresses[1] = silent.address;
    fixture.client->addresses[1].v4.sin_port = htons(dvbcss_wc_server_port(server));
    fixture.client->address_count = 2;
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 1);
    cr_assert_eq(wc_address_port(wc_client_server_address(fixture.client)),
                 dvbcss_wc_server_port(server));
    close(silent.descriptor);
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client_trouble, originate_times_are_random_and_tell_nothing_of_the_clock)
{
    enum { REQUESTS = 8 };
    struct played server = play_server();
    struct fixture fixture;
    union wc_address client;
    uint8_t requests[REQUESTS][DVBCSS_WC_MESSAGE_SIZE];

    set_up(&fixture, 1.0);
    start(&fixture, "127.0.0.1", wc_address_port(&server.address));
    for (int i = 0; i < REQUESTS; i++) {
        await_request(&fixture, &server, requests[i], &client);
        /* By chance both words are near once in 2^24 runs. */
        for (int j = 0; j < i; j++)
            cr_assert_gt(
                llabs((long long)get_be32(requests[i] + 8) - (long long)get_be32(requests[j] + 8)) +
                    llabs((long long)get_be32(requests[i] + 12) -
                          (long long)get_be32(requests[j] + 12)),
                1000);
    }
    close(server.descriptor);
    tear_down(&fixture);
}

/* ---- trouble -------------------------------------------------------------------------------- */

Test(wc_client_trouble, a_server_that_does_not_answer_is_told_once)
{
    struct played server = play_server();
    struct fixture fixture;

    set_up(&fixture, 1.0);
    fixture.options.requester.timeout_ns = 2000000;
    start(&fixture, "127.0.0.1", wc_address_port(&server.address));
    TEST_LOOP_UNTIL(&fixture.test, status_of(&fixture).requests.timeouts >= 50);
    cr_assert_eq(fixture.troubles, 1);
    cr_assert_eq(fixture.last_trouble, DVBCSS_ETIMEDOUT);
    cr_assert_str_eq(fixture.last_text, "no answer from 127.0.0.1");
    cr_assert_eq(status_of(&fixture).trouble, DVBCSS_ETIMEDOUT);
    cr_assert_not(status_of(&fixture).available);
    close(server.descriptor);
    tear_down(&fixture);
}

Test(wc_client_trouble, a_name_that_nobody_knows_is_told_once)
{
    struct fixture fixture;

    set_up(&fixture, 1.0);
    /* No resolver takes a label of more than 63 characters. */
    fixture.options.url =
        "udp://a23456789b23456789c23456789d23456789e23456789f23456789g23456789h23456789."
        "invalid:6677";
    cr_assert_eq(
        dvbcss_wc_client_create(&fixture.client, &fixture.test.loop, &fixture.options, NULL), 0);
    TEST_LOOP_UNTIL(&fixture.test, fixture.troubles == 1);
    cr_assert_eq(fixture.last_trouble, DVBCSS_ERESOLVE);
    cr_assert(strstr(fixture.last_text, "cannot look up a23456789"));
    cr_assert_str_eq(status_of(&fixture).server, "");
    dvbcss_wc_client_refresh(fixture.client);
    tear_down(&fixture);
}

Test(wc_client_trouble, what_the_system_refuses_to_send_is_told_once_and_tried_again)
{
    struct fixture fixture;

    set_up(&fixture, 1.0);
    /* Sending to everybody takes a leave that the client never asks for. */
    start(&fixture, "255.255.255.255", 6677);
    TEST_LOOP_UNTIL(&fixture.test, status_of(&fixture).send_failures >= 10);
    cr_assert_eq(fixture.troubles, 1);
    cr_assert_eq(fixture.last_trouble, DVBCSS_EIO);
    tear_down(&fixture);
}

Test(wc_client_trouble, an_address_that_stands_for_all_is_no_servers)
{
    struct fixture fixture;

    set_up(&fixture, 1.0);
    start(&fixture, "0.0.0.0", 6677);
    TEST_LOOP_UNTIL(&fixture.test, fixture.troubles == 1);
    cr_assert_eq(fixture.last_trouble, DVBCSS_EADDRESS);
    tear_down(&fixture);
}

Test(wc_client_trouble, a_port_to_ask_from_that_is_taken_is_told)
{
    struct played other = play_server();
    struct fixture fixture;

    set_up(&fixture, 1.0);
    fixture.options.bind_address = "127.0.0.1";
    fixture.options.bind_port = wc_address_port(&other.address);
    start(&fixture, "127.0.0.1", 6677);
    TEST_LOOP_UNTIL(&fixture.test, fixture.troubles == 1);
    cr_assert_eq(fixture.last_trouble, DVBCSS_EADDRESS);
    close(other.descriptor);
    tear_down(&fixture);
}

static int create_result(struct fixture *fixture, struct dvbcss_report *report)
{
    int result =
        dvbcss_wc_client_create(&fixture->client, &fixture->test.loop, &fixture->options, report);

    cr_assert_null(fixture->client);
    return result;
}

Test(wc_client_trouble, options_that_cannot_be_are_refused)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EINVAL, "no URL");
    fixture.options.url = "http://127.0.0.1:80";
    cr_assert_eq(create_result(&fixture, &report), DVBCSS_EUNSUPPORTED);
    cr_assert_eq(report.error, DVBCSS_EUNSUPPORTED);
    fixture.options.url = "udp://127.0.0.1:70000";
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_ERANGE);
    fixture.options.url = "udp://127.0.0.1";
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EMISSING);
    fixture.options.url = "udp://127.0.0.1:6677";
    fixture.options.bind_address = "here";
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EINVAL);
    cr_assert_eq(create_result(&fixture, &report), DVBCSS_EINVAL);
    cr_assert_eq(report.error, DVBCSS_EINVAL);
    cr_assert_str_eq(report.path, "bind_address");
    cr_assert_not_null(strstr(report.reason, "here"));
    fixture.options.bind_address = NULL;
    fixture.options.wall_clock = NULL;
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EINVAL);
    fixture.options.wall_clock = fixture.root;
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EINVAL);
    fixture.options.wall_clock = fixture.wall_clock;
    fixture.options.requester.interval_ns = 0;
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EINVAL);
    fixture.options.requester.interval_ns = 1000000;
    fixture.options.poll.floor_ns = 2000000;
    fixture.options.poll.ceiling_ns = 1000000;
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EINVAL);
    fixture.options.poll.floor_ns = 0;
    fixture.options.max_dispersion_s = -1.0;
    cr_assert_eq(create_result(&fixture, NULL), DVBCSS_EINVAL);
    fixture.options.max_dispersion_s = 0.0;
    cr_assert(dvbcss_clock_available(fixture.wall_clock), "nothing of it has changed the clock");
    cr_assert_eq(dvbcss_clock_correlation(fixture.wall_clock).initial_error_s, 0.0);
    start(&fixture, "127.0.0.1", 6677);
    tear_down(&fixture);
}

/* ---- closing -------------------------------------------------------------------------------- */

static void leave_only(struct dvbcss_wc_client_events *events, size_t kept)
{
    struct dvbcss_wc_client_events all = *events;

    memset(events, 0, sizeof *events);
    if (kept == 0)
        events->adjusted = all.adjusted;
    else if (kept == 1)
        events->availability = all.availability;
    else if (kept == 2)
        events->exchange = all.exchange;
    else
        events->trouble = all.trouble;
}

static void close_in_events(bool destroy_clocks)
{
    for (size_t event = 0; event < 3; event++) {
        struct skew skew = {0, 0};
        struct dvbcss_wc_server *server;
        struct fixture fixture;

        set_up(&fixture, 1.0);
        leave_only(&fixture.options.events, event);
        fixture.close_in_event = true;
        fixture.destroy_clocks_in_event = destroy_clocks;
        server = start_server(&fixture, "127.0.0.1", &skew, false);
        start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
        TEST_LOOP_UNTIL(&fixture.test, fixture.closed);
        cr_assert_eq(fixture.exchanges + fixture.adjustments + fixture.became_available, 1);
        dvbcss_wc_server_close(server, NULL, NULL);
        tear_down(&fixture);
    }
}

static void close_in_troubles(bool destroy_clocks)
{
    static const char *const hosts[] = {"0.0.0.0", "255.255.255.255", "127.0.0.1"};

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct played silent = play_server();
        struct fixture fixture;

        set_up(&fixture, 1.0);
        fixture.options.requester.timeout_ns = 1000000;
        fixture.close_in_event = true;
        fixture.destroy_clocks_in_event = destroy_clocks;
        start(&fixture, hosts[i], wc_address_port(&silent.address));
        TEST_LOOP_UNTIL(&fixture.test, fixture.closed);
        cr_assert_eq(fixture.troubles, 1);
        close(silent.descriptor);
        tear_down(&fixture);
    }
}

Test(wc_client_trouble, every_event_may_close_the_client)
{
    close_in_events(false);
}

Test(wc_client_trouble, every_trouble_may_close_the_client)
{
    close_in_troubles(false);
}

Test(wc_client_trouble, the_clocks_may_go_in_the_event_that_closes_the_client)
{
    close_in_events(true);
    close_in_troubles(true);
}

Test(wc_client_trouble, the_clocks_may_go_when_another_server_or_a_sleep_makes_them_unavailable)
{
    for (int sleep = 0; sleep < 2; sleep++) {
        struct skew skew = {0, 0};
        struct dvbcss_wc_server *server;
        struct dvbcss_wc_server *other;
        struct fixture fixture;
        char url[URL_SIZE];

        set_up(&fixture, 1.0);
        server = start_server(&fixture, "127.0.0.1", &skew, false);
        other = start_server(&fixture, "127.0.0.1", &skew, false);
        leave_only(&fixture.options.events, 1);
        start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
        TEST_LOOP_UNTIL(&fixture.test, fixture.became_available);
        fixture.close_in_event = true;
        fixture.destroy_clocks_in_event = true;
        snprintf(url, sizeof url, "udp://127.0.0.1:%u", dvbcss_wc_server_port(other));
        if (sleep)
            fixture.client->suspended_ns -= 60 * DVBCSS_NS_PER_S;
        else
            cr_assert_eq(dvbcss_wc_client_set_server(fixture.client, url, NULL), 0);
        TEST_LOOP_UNTIL(&fixture.test, fixture.closed);
        cr_assert_eq(fixture.became_unavailable, 1);
        dvbcss_wc_server_close(server, NULL, NULL);
        dvbcss_wc_server_close(other, NULL, NULL);
        tear_down(&fixture);
    }
}

Test(wc_client_trouble, may_be_closed_before_the_loop_runs_and_while_a_name_is_looked_up)
{
    for (int turns = 0; turns < 3; turns++) {
        struct fixture fixture;

        set_up(&fixture, 1.0);
        start(&fixture, "localhost", 6677);
        for (int i = 0; i < turns; i++)
            uv_run(&fixture.test.loop, UV_RUN_NOWAIT);
        tear_down(&fixture);
    }
    dvbcss_wc_client_close(NULL, NULL, NULL);
}
