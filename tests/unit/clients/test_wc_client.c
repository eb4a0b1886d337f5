/* The wall-clock client and servers that do as they should. */
#include <sys/socket.h>
#include <unistd.h>

#include "clients/wc_client_internal.h"
#include "wc_client_fixture.h"

static void check_lock(const char *host, const char *address, bool follow_up)
{
    struct skew skew = {INT64_C(5000000000), 200};
    struct dvbcss_wc_client_status status;
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    fixture.truth = &skew;
    cr_assert_not(dvbcss_clock_available(fixture.wall_clock) && fixture.client);
    server = start_server(&fixture, address, &skew, follow_up);
    start(&fixture, host, dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 50);
    cr_assert(dvbcss_clock_available(fixture.wall_clock));
    cr_assert_eq(fixture.became_available, 1);
    cr_assert_eq(fixture.became_unavailable, 0);
    cr_assert_gt(fixture.adjustments, 0);
    cr_assert_eq(fixture.followed_up, follow_up ? fixture.exchanges : 0);
    cr_assert_eq(fixture.troubles, 0);

    status = status_of(&fixture);
    cr_assert(status.available);
    cr_assert_str_eq(status.server, address);
    cr_assert_eq(status.exchanges, fixture.exchanges);
    cr_assert_lt(status.unstamped, status.exchanges, "the kernel's receive times are used");
    cr_assert_eq(status.trouble, 0);
    cr_assert_geq(status.rtt_last_ns, status.rtt_min_ns);
    cr_assert_geq(status.rtt_min_ns, 0);
    cr_assert_lt(status.dispersion_s, 1.0);
    cr_assert_geq(status.requests.sent, fixture.exchanges);
    cr_assert(isinf(dvbcss_wc_client_worst_dispersion_s(fixture.client)));
    cr_assert_lt(dvbcss_wc_client_worst_dispersion_s(fixture.client), 1.0);
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, locks_to_a_server_whose_clock_is_fast_and_its_bound_covers_the_true_error)
{
    check_lock("127.0.0.1", "127.0.0.1", false);
}

Test(wc_client, locks_by_follow_ups_too)
{
    check_lock("127.0.0.1", "127.0.0.1", true);
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

Test(wc_client, locks_over_ipv6)
{
    if (!has_ipv6())
        cr_skip("no IPv6 here");
    check_lock("[::1]", "::1", false);
}

Test(wc_client, looks_a_name_up)
{
    /* It may have ::1 as well, where nobody answers. */
    check_lock("localhost", "127.0.0.1", false);
}

Test(wc_client, asks_from_the_address_that_it_was_told)
{
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    fixture.options.bind_address = "127.0.0.1";
    start(&fixture, "localhost", dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 1);
    cr_assert_str_eq(status_of(&fixture).server, "127.0.0.1");
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, another_server_takes_over_with_its_first_answer_and_not_before)
{
    struct skew first_skew = {INT64_C(5000000000), 0};
    struct skew second_skew = {INT64_C(90000000000), 0};
    struct dvbcss_wc_server *first;
    struct dvbcss_wc_server *second;
    struct fixture fixture;
    char url[URL_SIZE];
    unsigned exchanges;

    set_up(&fixture, 1.0);
    fixture.truth = &first_skew;
    first = start_server(&fixture, "127.0.0.1", &first_skew, false);
    second = start_server(&fixture, "127.0.0.1", &second_skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(first));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 3);

    snprintf(url, sizeof url, "udp://127.0.0.1:%u", dvbcss_wc_server_port(second));
    cr_assert_eq(dvbcss_wc_client_set_server(fixture.client, url, NULL), 0);
    cr_assert(dvbcss_clock_available(fixture.wall_clock));
    check_bound(&fixture);
    fixture.truth = &second_skew;
    exchanges = fixture.exchanges;
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges > exchanges);
    cr_assert(dvbcss_clock_available(fixture.wall_clock));
    check_bound(&fixture);
    dvbcss_wc_server_close(first, NULL, NULL);
    dvbcss_wc_server_close(second, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, setting_the_server_that_it_has_or_a_bad_url_changes_nothing)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 1);
    cr_assert_eq(dvbcss_wc_client_set_server(fixture.client, fixture.url, NULL), 0);
    cr_assert_str_eq(status_of(&fixture).server, "127.0.0.1");
    cr_assert_neq(dvbcss_wc_client_set_server(fixture.client, "udp://127.0.0.1", &report), 0);
    cr_assert_neq(report.error, 0);
    cr_assert_str_eq(status_of(&fixture).server, "127.0.0.1");
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, refreshing_asks_again_at_once)
{
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;
    unsigned exchanges;

    set_up(&fixture, 1.0);
    fixture.options.requester.interval_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.retry_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.burst_count = 1;
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 1);
    exchanges = fixture.exchanges;
    dvbcss_wc_client_refresh(fixture.client);
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges > exchanges);
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, asks_as_seldom_as_the_policy_says_and_not_as_the_requester_would)
{
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    fixture.options.requester.interval_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.retry_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.burst_count = 1;
    fixture.options.poll.floor_ns = 1000000;
    fixture.options.poll.ceiling_ns = 2000000;
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 20);
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, a_machine_that_slept_believes_nothing_until_it_has_asked_again)
{
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    fixture.truth = &skew;
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.became_available == 1);
    /* The machine sleeps for a minute, and the server's clock goes on. */
    fixture.client->suspended_ns -= 60 * DVBCSS_NS_PER_S;
    skew.ahead_ns += 60 * DVBCSS_NS_PER_S;
    TEST_LOOP_UNTIL(&fixture.test, fixture.became_unavailable == 1);
    TEST_LOOP_UNTIL(&fixture.test, fixture.became_available == 2 && fixture.exchanges >= 20);
    cr_assert_eq(status_of(&fixture).sleeps, 1);
    cr_assert_eq(fixture.broken_bounds, 0);
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, another_address_towards_the_server_has_it_ask_again_at_once)
{
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;
    unsigned exchanges;

    set_up(&fixture, 1.0);
    fixture.options.requester.interval_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.retry_ns = DVBCSS_WC_SPAN_MAX_NS;
    fixture.options.requester.burst_count = 1;
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 1);
    exchanges = fixture.exchanges;
    wc_client_noticed(fixture.client);
    cr_assert_eq(status_of(&fixture).path_changes, 0, "the path is what it was");
    cr_assert_eq(wc_address_parse("192.0.2.1", 0, &fixture.client->source), 0);
    wc_client_noticed(fixture.client);
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges > exchanges);
    cr_assert_eq(status_of(&fixture).path_changes, 1);
    cr_assert_eq(fixture.became_unavailable, 0, "what is known of the server still holds");
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, the_status_tells_what_the_estimator_knows)
{
    struct dvbcss_wc_client_status status;
    struct skew skew = {3 * DVBCSS_NS_PER_S, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
    cr_assert_eq(status_of(&fixture).rtt_median_ns, -1);
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 10);
    status = status_of(&fixture);
    cr_assert_eq(status.estimate.exchanges, status.exchanges);
    cr_assert_lt(fabs((double)(status.estimate.offset_ns - skew.ahead_ns)),
                 status.dispersion_s * 1e9);
    cr_assert_gt(status.rtt_median_ns, 0);
    cr_assert_geq(status.rtt_p95_ns, status.rtt_median_ns);
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, the_clock_becomes_unavailable_when_the_server_falls_silent_and_back_after)
{
    struct dvbcss_wc_server_options again = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    /* The bound grows by 0.1 s each second. */
    set_up(&fixture, 100000.0);
    fixture.options.max_dispersion_s = 0.02;
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    again.port = dvbcss_wc_server_port(server);
    start(&fixture, "127.0.0.1", again.port);
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 3);
    cr_assert_eq(fixture.became_available, 1);
    dvbcss_wc_server_close(server, NULL, NULL);
    TEST_LOOP_UNTIL(&fixture.test, fixture.became_unavailable == 1 && fixture.troubles == 1);
    cr_assert_eq(fixture.last_trouble, DVBCSS_ETIMEDOUT);
    cr_assert_not(status_of(&fixture).available);

    again.address = "127.0.0.1";
    again.now_ns = skewed_ns;
    again.user = &skew;
    cr_assert_eq(dvbcss_wc_server_create(&server, &fixture.test.loop, &again), 0);
    TEST_LOOP_UNTIL(&fixture.test, fixture.became_available == 2);
    cr_assert_eq(status_of(&fixture).trouble, 0);
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}

Test(wc_client, an_estimator_of_the_program_is_used_and_ended)
{
    struct dvbcss_wc_estimator_options estimator = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct skew skew = {0, 0};
    struct dvbcss_wc_server *server;
    struct fixture fixture;

    set_up(&fixture, 1.0);
    fixture.truth = &skew;
    estimator.wall_clock = fixture.wall_clock;
    cr_assert_eq(dvbcss_wc_most_recent_create(&fixture.options.estimator, &estimator), 0);
    fixture.options.wall_clock = NULL;
    server = start_server(&fixture, "127.0.0.1", &skew, false);
    start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
    TEST_LOOP_UNTIL(&fixture.test, fixture.exchanges >= 5);
    cr_assert_eq(status_of(&fixture).useful, status_of(&fixture).exchanges);
    cr_assert_eq(fixture.adjustments, 0, "that estimator has a hook of its own");
    dvbcss_wc_server_close(server, NULL, NULL);
    tear_down(&fixture);
}
