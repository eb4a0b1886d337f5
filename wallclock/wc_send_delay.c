#include "wallclock/wc_send_delay.h"

#include <stdbool.h>

#include "wallclock/wc_socket.h"

enum {
    SAMPLES = 200,
};

static struct wc_socket *open_loopback(dvbcss_time_source now_ns, void *user)
{
    struct wc_socket_options options = {.transmit_times = true, .now_ns = now_ns, .user = user};
    struct wc_socket *opened;

    if (wc_address_parse("127.0.0.1", 0, &options.address) != 0 ||
        wc_socket_open(&opened, &options) != 0)
        return NULL;
    return opened;
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

int64_t wc_send_delay_ns(dvbcss_time_source now_ns, void *user)
{
    struct wc_socket *socket = open_loopback(now_ns, user);
    int64_t shortest_ns = INT64_MAX;

    for (int i = 0; socket && i < SAMPLES; i++) {
        int64_t delay_ns;

        if (measure_once(socket, now_ns, user, &delay_ns) && delay_ns < shortest_ns)
            shortest_ns = delay_ns;
    }
    wc_socket_close(socket);
    return shortest_ns == INT64_MAX ? 0 : shortest_ns / 4 * 3;
}
