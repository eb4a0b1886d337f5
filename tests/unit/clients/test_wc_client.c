#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "clients/wc_client_internal.h"
#include "common/bytes.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc.h"
#include "dvbcss/wc_client.h"
#include "dvbcss/wc_server.h"
#include "test_loop.h"
#include "wallclock/wc_address.h"

enum { URL_SIZE = 64 };

/* The clock of a server: ahead of this machine's, and faster. */
struct skew {
    int64_t ahead_ns;
    int64_t fast_ppm;
};

static int64_t skewed_ns(void *user)
{
    const struct skew *skew = user;
    int64_t now_ns = dvbcss_monotonic_ns(NULL);

    return now_ns + now_ns / 1000000 * skew->fast_ppm + skew->ahead_ns;
}

/* A companion: its clocks, its client, and what the client told. */
struct fixture {
    struct test_loop test;
    struct dvbcss_clock *root;
    struct dvbcss_clock *wall_clock;
    struct dvbcss_wc_client *client;
    struct dvbcss_wc_client_options options;
    char url[URL_SIZE];
    /* The truth: NULL if there is none. */
    struct skew *truth;
    unsigned exchanges;
    unsigned followed_up;
    unsigned adjustments;
    unsigned became_available;
    unsigned became_unavailable;
    unsigned troubles;
    int last_trouble;
    char last_text[256];
    unsigned broken_bounds;
    bool close_in_event;
    bool closed;
};

static void note_closed(void *closed)
{
    *(bool *)closed = true;
}

static void close_client(struct fixture *fixture)
{
    dvbcss_wc_client_close(fixture->client, note_closed, &fixture->closed);
    fixture->client = NULL;
}

static void close_if_wanted(struct fixture *fixture)
{
    if (fixture->close_in_event && fixture->client)
        close_client(fixture);
}

/* The wall clock is read between two readings of the truth, and must lie between them but for its
 * bound. */
static void check_bound(struct fixture *fixture)
{
    int64_t before_ns = skewed_ns(fixture->truth);
    struct dvbcss_ticks now = dvbcss_clock_now(fixture->wall_clock);
    int64_t after_ns = skewed_ns(fixture->truth);
    double bound_ns = dvbcss_clock_dispersion_s(fixture->wall_clock, now) * 1e9;

    if ((double)(before_ns - now.whole) > bound_ns || (double)(now.whole - after_ns) > bound_ns)
        fixture->broken_bounds++;
}

static void on_exchange(void *user, const struct dvbcss_wc_exchange *exchange)
{
    struct fixture *fixture = user;

    fixture->exchanges++;
    if (exchange->candidate.flags & DVBCSS_WC_FOLLOWED_UP)
        fixture->followed_up++;
    cr_assert_eq(exchange->rtt_ns, dvbcss_wc_candidate_rtt_ns(&exchange->candidate));
    if (fixture->truth)
        check_bound(fixture);
    close_if_wanted(fixture);
}

static void on_adjusted(void *user, const struct dvbcss_wc_adjustment *adjustment)
{
    struct fixture *fixture = user;

    cr_assert_lt(adjustment->new_dispersion_s, INFINITY);
    fixture->adjustments++;
    close_if_wanted(fixture);
}

static void on_availability(void *user, bool available)
{
    struct fixture *fixture = user;

    *(available ? &fixture->became_available : &fixture->became_unavailable) += 1;
    close_if_wanted(fixture);
}

static void on_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    struct fixture *fixture = user;

    fixture->troubles++;
    fixture->last_trouble = trouble->error;
    snprintf(fixture->last_text, sizeof fixture->last_text, "%s", trouble->text);
    close_if_wanted(fixture);
}

static void set_up(struct fixture *fixture, double max_freq_error_ppm)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_client_options options = DVBCSS_WC_CLIENT_OPTIONS_INIT;

    memset(fixture, 0, sizeof *fixture);
    root.now_ns = dvbcss_monotonic_ns;
    root.max_freq_error_ppm = max_freq_error_ppm;
    test_loop_begin(&fixture->test);
    cr_assert_eq(dvbcss_root_clock_create(&fixture->root, &root), 0);
    cr_assert_eq(dvbcss_tunable_clock_create(&fixture->wall_clock, fixture->root, root.rate,
                                             dvbcss_ticks(0)),
                 0);
    options.wall_clock = fixture->wall_clock;
    options.poll.floor_ns = 0;
    options.requester.interval_ns = 5000000;
    options.requester.retry_ns = 2000000;
    options.requester.timeout_ns = 50000000;
    options.requester.burst_spacing_ns = 1000000;
    options.events.exchange = on_exchange;
    options.events.adjusted = on_adjusted;
    options.events.availability = on_availability;
    options.events.trouble = on_trouble;
    options.user = fixture;
    fixture->options = options;
}

static void start(struct fixture *fixture, const char *host, uint16_t port)
{
    snprintf(fixture->url, sizeof fixture->url, "udp://%s:%u", host, port);
    fixture->options.url = fixture->url;
    cr_assert_eq(
        dvbcss_wc_client_create(&fixture->client, &fixture->test.loop, &fixture->options, NULL), 0);
}

static void tear_down(struct fixture *fixture)
{
    if (fixture->client)
        close_client(fixture);
    test_loop_end(&fixture->test);
    cr_assert(fixture->closed);
    dvbcss_clock_destroy(fixture->wall_clock);
    dvbcss_clock_destroy(fixture->root);
    cr_assert_eq(fixture->broken_bounds, 0, "the claimed bound did not hold");
}

static struct dvbcss_wc_server *start_server(struct fixture *fixture, const char *address,
                                             struct skew *skew, bool follow_up)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct dvbcss_wc_server *server = NULL;

    options.address = address;
    options.port = 0;
    options.follow_up = follow_up;
    options.now_ns = skewed_ns;
    options.user = skew;
    cr_assert_eq(dvbcss_wc_server_create(&server, &fixture->test.loop, &options), 0);
    return server;
}

static struct dvbcss_wc_client_status status_of(const struct fixture *fixture)
{
    struct dvbcss_wc_client_status status;

    dvbcss_wc_client_status(fixture->client, &status);
    return status;
}

/* ---- a server ------------------------------------------------------------------------------- */

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

Test(wc_client, believes_nobody_but_the_server_that_it_asked)
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

Test(wc_client, tries_the_addresses_of_a_name_until_one_answers)
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

Test(wc_client, originate_times_are_random_and_tell_nothing_of_the_clock)
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

Test(wc_client, a_server_that_does_not_answer_is_told_once)
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

Test(wc_client, a_name_that_nobody_knows_is_told_once)
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

Test(wc_client, what_the_system_refuses_to_send_is_told_once_and_tried_again)
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

Test(wc_client, an_address_that_stands_for_all_is_no_servers)
{
    struct fixture fixture;

    set_up(&fixture, 1.0);
    start(&fixture, "0.0.0.0", 6677);
    TEST_LOOP_UNTIL(&fixture.test, fixture.troubles == 1);
    cr_assert_eq(fixture.last_trouble, DVBCSS_EADDRESS);
    tear_down(&fixture);
}

Test(wc_client, a_port_to_ask_from_that_is_taken_is_told)
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

Test(wc_client, options_that_cannot_be_are_refused)
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

Test(wc_client, every_event_may_close_the_client)
{
    for (size_t event = 0; event < 3; event++) {
        struct skew skew = {0, 0};
        struct dvbcss_wc_server *server;
        struct fixture fixture;

        set_up(&fixture, 1.0);
        leave_only(&fixture.options.events, event);
        fixture.close_in_event = true;
        server = start_server(&fixture, "127.0.0.1", &skew, false);
        start(&fixture, "127.0.0.1", dvbcss_wc_server_port(server));
        TEST_LOOP_UNTIL(&fixture.test, fixture.closed);
        cr_assert_eq(fixture.exchanges + fixture.adjustments + fixture.became_available, 1);
        dvbcss_wc_server_close(server, NULL, NULL);
        tear_down(&fixture);
    }
}

Test(wc_client, every_trouble_may_close_the_client)
{
    static const char *const hosts[] = {"0.0.0.0", "255.255.255.255", "127.0.0.1"};

    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct played silent = play_server();
        struct fixture fixture;

        set_up(&fixture, 1.0);
        fixture.options.requester.timeout_ns = 1000000;
        fixture.close_in_event = true;
        start(&fixture, hosts[i], wc_address_port(&silent.address));
        TEST_LOOP_UNTIL(&fixture.test, fixture.closed);
        cr_assert_eq(fixture.troubles, 1);
        close(silent.descriptor);
        tear_down(&fixture);
    }
}

Test(wc_client, may_be_closed_before_the_loop_runs_and_while_a_name_is_looked_up)
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
