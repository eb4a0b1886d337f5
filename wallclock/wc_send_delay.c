#include "wallclock/wc_send_delay.h"

#include <stdbool.h>

#include "wallclock/wc_socket.h"

enum {
    SAMPLES = 200,
};

static int open_loopback(struct wc_socket **socket, dvbcss_time_source now_ns, void *user)
{
    struct wc_socket_options options = {.transmit_times = true, .now_ns = now_ns, .user = user};
    int result = wc_address_parse("127.0.0.1", 0, &options.address);

    return result == 0 ? wc_socket_open(socket, &options) : result;
}

/* Sends a datagram to the socket itself and tells how long it took to leave. */
static bool measure_once(struct wc_socket *socket, dvbcss_time_source now_ns, void *user,
                         int64_t *delay_ns)
{
    struct wc_packet packet = {.length = 1, .peer = *wc_socket_address(socket)};
    struct wc_packet *sent = &packet;
    struct wc_packet received;
    int64_t before_ns = now_ns(user);

    packet.time_ns = before_ns;
    if (wc_socket_send(socket, &sent, 1, true) != 1)
        return false;
    wc_socket_transmit_times(socket, &sent, 1);
    *delay_ns = packet.time_ns - before_ns;
    (void)wc_socket_receive(socket, &received, 1);
    return packet.stamped;
}

int wc_send_delay_measure(int64_t *delay_ns, dvbcss_time_source now_ns, void *user)
{
    struct wc_socket *socket;
    int64_t shortest_ns = INT64_MAX;
    int result = open_loopback(&socket, now_ns, user);

    *delay_ns = 0;
    /* Without loopback there is nothing to measure, and nothing wrong. */
    if (result != 0)
        return result == DVBCSS_ENOMEM ? result : 0;
    for (int i = 0; i < SAMPLES; i++) {
        int64_t measured_ns;

        if (measure_once(socket, now_ns, user, &measured_ns) && measured_ns < shortest_ns)
            shortest_ns = measured_ns;
    }
    wc_socket_close(socket);
    if (shortest_ns != INT64_MAX)
        *delay_ns = shortest_ns / 4 * 3;
    return 0;
}
