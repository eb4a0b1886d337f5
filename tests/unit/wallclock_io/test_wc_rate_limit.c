#include <criterion/criterion.h>

#include "dvbcss/time.h"
#include "dvbcss/wc_server.h"
#include "wallclock/wc_rate_limit.h"

enum { PER_S = 10, SECRET = 4711 };

static struct wc_rate_limit *new_limit(void)
{
    struct wc_rate_limit *limit;

    cr_assert_eq(wc_rate_limit_create(&limit, PER_S, SECRET), 0);
    return limit;
}

static union wc_address address_of(const char *text, uint16_t port)
{
    union wc_address address;

    cr_assert_eq(wc_address_parse(text, port, &address), 0);
    return address;
}

/* How many of @p count requests at one time pass. */
static unsigned passing(struct wc_rate_limit *limit, const char *source, uint16_t port,
                        int64_t now_ns, unsigned count)
{
    union wc_address address = address_of(source, port);
    unsigned passed = 0;

    for (unsigned i = 0; i < count; i++)
        passed += wc_rate_limit_passes(limit, &address, now_ns);
    return passed;
}

/* Takes all that the bucket of a source holds. */
static void empty(struct wc_rate_limit *limit, const char *source, int64_t now_ns)
{
    cr_assert_eq(passing(limit, source, 1, now_ns, PER_S), PER_S);
}

/* Whether a source is limited: of many requests most do not pass. */
static bool is_limited(struct wc_rate_limit *limit, const char *source, int64_t now_ns)
{
    return passing(limit, source, 1, now_ns, 40 * PER_S) < 20 * PER_S;
}

Test(wc_rate_limit, a_source_gets_a_second_s_answers_at_once_and_then_one_per_interval)
{
    struct wc_rate_limit *limit = new_limit();
    int64_t now_ns = 5 * DVBCSS_NS_PER_S;
    unsigned passed;

    empty(limit, "192.0.2.1", now_ns);
    cr_assert(is_limited(limit, "192.0.2.1", now_ns));
    for (int i = 0; i < 50; i++) {
        now_ns += DVBCSS_NS_PER_S / PER_S;
        cr_assert_eq(passing(limit, "192.0.2.1", 1, now_ns, 1), 1);
    }
    cr_assert(is_limited(limit, "192.0.2.1", now_ns));
    passed = passing(limit, "192.0.2.1", 1, now_ns + 60 * DVBCSS_NS_PER_S, PER_S);
    cr_assert_eq(passed, PER_S, "a bucket is never more than full and then full again");
    wc_rate_limit_destroy(limit);
}

Test(wc_rate_limit, of_the_requests_beyond_the_limit_about_one_in_eight_passes)
{
    enum { REQUESTS = 80000 };
    struct wc_rate_limit *limit = new_limit();
    unsigned passed;

    empty(limit, "192.0.2.1", 0);
    passed = passing(limit, "192.0.2.1", 1, 0, REQUESTS);
    cr_assert_gt(passed, REQUESTS / WC_RATE_LIMIT_LEAK * 9 / 10);
    cr_assert_lt(passed, REQUESTS / WC_RATE_LIMIT_LEAK * 11 / 10);
    wc_rate_limit_destroy(limit);
}

Test(wc_rate_limit, sources_do_not_take_from_each_other_and_ports_are_one_source)
{
    struct wc_rate_limit *limit = new_limit();

    empty(limit, "192.0.2.1", 0);
    empty(limit, "192.0.2.2", 0);
    cr_assert_lt(passing(limit, "192.0.2.1", 2, 0, 40), 20);
    wc_rate_limit_destroy(limit);
}

Test(wc_rate_limit, an_ipv6_source_is_its_network_unless_it_is_link_local)
{
    struct wc_rate_limit *limit = new_limit();

    empty(limit, "2001:db8::1", 0);
    cr_assert(is_limited(limit, "2001:db8::ffff:2", 0));
    empty(limit, "2001:db8:0:1::1", 0);
    empty(limit, "fe80::1", 0);
    empty(limit, "fe80::2", 0);
    cr_assert(is_limited(limit, "fe80::1", 0));
    wc_rate_limit_destroy(limit);
}

Test(wc_rate_limit, ipv4_sources_that_come_by_ipv6_are_told_apart)
{
    struct wc_rate_limit *limit = new_limit();

    empty(limit, "::ffff:192.0.2.1", 0);
    empty(limit, "::ffff:192.0.2.2", 0);
    cr_assert(is_limited(limit, "::ffff:192.0.2.1", 0));
    wc_rate_limit_destroy(limit);
}

Test(wc_rate_limit, a_flood_of_sources_shuts_none_out)
{
    struct wc_rate_limit *limit = new_limit();
    union wc_address address = address_of("10.0.0.0", 1);

    for (uint32_t i = 0; i < 100000; i++) {
        address.v4.sin_addr.s_addr = htonl(0x0a000000u + i);
        cr_assert(wc_rate_limit_passes(limit, &address, 0));
    }
    empty(limit, "192.0.2.1", 0);
    wc_rate_limit_destroy(limit);
}

Test(wc_rate_limit, a_clock_that_goes_back_shuts_none_out)
{
    struct wc_rate_limit *limit = new_limit();

    empty(limit, "192.0.2.1", 1000 * DVBCSS_NS_PER_S);
    empty(limit, "192.0.2.1", 5 * DVBCSS_NS_PER_S);
    cr_assert(is_limited(limit, "192.0.2.1", 5 * DVBCSS_NS_PER_S));
    wc_rate_limit_destroy(limit);
}

Test(wc_rate_limit, a_limit_out_of_range_is_refused)
{
    struct wc_rate_limit *limit = NULL;

    cr_assert_eq(wc_rate_limit_create(&limit, 0, SECRET), DVBCSS_ERANGE);
    cr_assert_eq(wc_rate_limit_create(&limit, DVBCSS_WC_SERVER_LIMIT_MAX + 1, SECRET),
                 DVBCSS_ERANGE);
    cr_assert_null(limit);
    wc_rate_limit_destroy(NULL);
}
