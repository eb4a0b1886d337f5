/**
 * @file
 * A companion's wall clock with its client, servers for it, and what the client told.
 */
#ifndef TESTS_WC_CLIENT_FIXTURE_H
#define TESTS_WC_CLIENT_FIXTURE_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/system_time.h"
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

static inline int64_t skewed_ns(void *user)
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
    /* Whether to be done with the clocks then, too: nothing may read them any more. */
    bool destroy_clocks_in_event;
    bool clocks_gone;
    unsigned late_readings;
    bool closed;
};

static inline int64_t local_ns(void *user)
{
    struct fixture *fixture = user;

    if (fixture->clocks_gone)
        fixture->late_readings++;
    return dvbcss_monotonic_ns(NULL);
}

static inline void destroy_clocks(struct fixture *fixture)
{
    dvbcss_clock_destroy(fixture->wall_clock);
    dvbcss_clock_destroy(fixture->root);
    fixture->wall_clock = NULL;
    fixture->root = NULL;
    fixture->clocks_gone = true;
}

static inline void note_closed(void *closed)
{
    *(bool *)closed = true;
}

static inline void close_client(struct fixture *fixture)
{
    dvbcss_wc_client_close(fixture->client, note_closed, &fixture->closed);
    fixture->client = NULL;
}

static inline void close_if_wanted(struct fixture *fixture)
{
    if (!fixture->close_in_event || !fixture->client)
        return;
    close_client(fixture);
    if (fixture->destroy_clocks_in_event)
        destroy_clocks(fixture);
}

/* The wall clock is read between two readings of the truth, and must lie between them but for its
 * bound. */
static inline void check_bound(struct fixture *fixture)
{
    int64_t before_ns = skewed_ns(fixture->truth);
    struct dvbcss_ticks now = dvbcss_clock_now(fixture->wall_clock);
    int64_t after_ns = skewed_ns(fixture->truth);
    double bound_ns = dvbcss_clock_dispersion_s(fixture->wall_clock, now) * 1e9;

    if ((double)(before_ns - now.whole) > bound_ns || (double)(now.whole - after_ns) > bound_ns)
        fixture->broken_bounds++;
}

static inline void on_exchange(void *user, const struct dvbcss_wc_exchange *exchange)
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

static inline void on_adjusted(void *user, const struct dvbcss_wc_adjustment *adjustment)
{
    struct fixture *fixture = user;

    cr_assert_lt(adjustment->new_dispersion_s, INFINITY);
    fixture->adjustments++;
    close_if_wanted(fixture);
}

static inline void on_availability(void *user, bool available)
{
    struct fixture *fixture = user;

    *(available ? &fixture->became_available : &fixture->became_unavailable) += 1;
    close_if_wanted(fixture);
}

static inline void on_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    struct fixture *fixture = user;

    fixture->troubles++;
    fixture->last_trouble = trouble->error;
    snprintf(fixture->last_text, sizeof fixture->last_text, "%s", trouble->text);
    close_if_wanted(fixture);
}

static inline void set_up(struct fixture *fixture, double max_freq_error_ppm)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_client_options options = DVBCSS_WC_CLIENT_OPTIONS_INIT;

    memset(fixture, 0, sizeof *fixture);
    root.now_ns = local_ns;
    root.user = fixture;
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

static inline void start(struct fixture *fixture, const char *host, uint16_t port)
{
    snprintf(fixture->url, sizeof fixture->url, "udp://%s:%u", host, port);
    fixture->options.url = fixture->url;
    cr_assert_eq(
        dvbcss_wc_client_create(&fixture->client, &fixture->test.loop, &fixture->options, NULL), 0);
}

static inline void tear_down(struct fixture *fixture)
{
    if (fixture->client)
        close_client(fixture);
    test_loop_end(&fixture->test);
    cr_assert(fixture->closed);
    destroy_clocks(fixture);
    cr_assert_eq(fixture->late_readings, 0, "a clock was read after the client was closed");
    cr_assert_eq(fixture->broken_bounds, 0, "the claimed bound did not hold");
}

static inline struct dvbcss_wc_server *start_server(struct fixture *fixture, const char *address,
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

static inline struct dvbcss_wc_client_status status_of(const struct fixture *fixture)
{
    struct dvbcss_wc_client_status status;

    dvbcss_wc_client_status(fixture->client, &status);
    return status;
}

#endif
