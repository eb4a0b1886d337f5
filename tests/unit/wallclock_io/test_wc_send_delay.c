#include <criterion/criterion.h>

#include "dvbcss/system_time.h"
#include "wallclock/wc_send_delay.h"
#include "wallclock/wc_socket.h"

enum {
    DATAGRAMS = 500,
};

/* The shortest time in which one of many datagrams left, 0 if the kernel stamps none. */
static int64_t shortest_departure_ns(void)
{
    struct wc_socket_options options = {.transmit_times = true, .now_ns = dvbcss_monotonic_ns};
    struct wc_socket *socket;
    int64_t shortest_ns = INT64_MAX;

    cr_assert_eq(wc_address_parse("127.0.0.1", 0, &options.address), 0);
    cr_assert_eq(wc_socket_open(&socket, &options), 0);
    for (int i = 0; i < DATAGRAMS; i++) {
        struct wc_packet packet = {.length = 32, .peer = *wc_socket_address(socket)};
        struct wc_packet *sent = &packet;
        int64_t before_ns = dvbcss_monotonic_ns(NULL);

        packet.time_ns = before_ns;
        cr_assert_eq(wc_socket_send(socket, &sent, 1, true), 1);
        wc_socket_transmit_times(socket, &sent, 1);
        if (packet.stamped && packet.time_ns - before_ns < shortest_ns)
            shortest_ns = packet.time_ns - before_ns;
    }
    wc_socket_close(socket);
    return shortest_ns == INT64_MAX ? 0 : shortest_ns;
}

static int64_t measure(dvbcss_time_source now_ns)
{
    int64_t delay_ns;

    cr_assert_eq(wc_send_delay_measure(&delay_ns, now_ns, NULL), 0);
    return delay_ns;
}

Test(wc_send_delay, is_less_than_any_datagram_takes_to_leave)
{
    int64_t delay_ns = measure(dvbcss_monotonic_ns);

    cr_assert_geq(delay_ns, 0);
    cr_assert_leq(delay_ns, shortest_departure_ns());
}

Test(wc_send_delay, is_something_where_the_kernel_stamps)
{
    if (shortest_departure_ns() > 0)
        cr_assert_gt(measure(dvbcss_monotonic_ns), 0);
}

static int64_t standing_ns(void *user)
{
    (void)user;
    return 5000000000;
}

Test(wc_send_delay, is_nothing_to_a_clock_that_stands)
{
    cr_assert_eq(measure(standing_ns), 0);
}
