#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/system_time.h"
#include "wallclock/wc_socket.h"

static struct wc_socket *open_socket(const char *address, bool transmit_times)
{
    struct wc_socket_options options = {
        .transmit_times = transmit_times,
        .now_ns = dvbcss_monotonic_ns,
    };
    struct wc_socket *opened = NULL;

    cr_assert_eq(wc_address_parse(address, 0, &options.address), 0);
    cr_assert_eq(wc_socket_open(&opened, &options), 0);
    cr_assert_neq(wc_address_port(wc_socket_address(opened)), 0);
    return opened;
}

static void await_input(const struct wc_socket *socket)
{
    struct pollfd waiting = {wc_socket_descriptor(socket), POLLIN, 0};

    cr_assert_eq(poll(&waiting, 1, 10000), 1, "nothing arrived");
}

static struct wc_packet packet_to(const struct wc_socket *receiver, uint8_t mark)
{
    struct wc_packet packet = {.length = 32, .peer = *wc_socket_address(receiver)};

    memset(packet.bytes, mark, sizeof packet.bytes);
    packet.time_ns = dvbcss_monotonic_ns(NULL);
    return packet;
}

static void send_one(struct wc_socket *from, struct wc_packet *packet)
{
    cr_assert_eq(wc_socket_send(from, &packet, 1, false), 1);
    cr_assert_eq(packet->send_errno, 0);
}

Test(wc_socket, descriptor_does_not_block_and_is_closed_on_exec)
{
    struct wc_socket *socket = open_socket("127.0.0.1", false);
    struct wc_packet packet;
    int descriptor = wc_socket_descriptor(socket);

    cr_assert(fcntl(descriptor, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(wc_socket_receive(socket, &packet, 1), 0);
    wc_socket_close(socket);
    wc_socket_close(NULL);
}

Test(wc_socket, tells_bytes_peer_and_the_kernels_time_of_arrival)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", false);
    struct wc_packet sent = packet_to(receiver, 0xa5);
    struct wc_packet received[2];
    int64_t before_ns = dvbcss_monotonic_ns(NULL);

    send_one(sender, &sent);
    await_input(receiver);
    cr_assert_eq(wc_socket_receive(receiver, received, 2), 1);
    cr_assert_eq(received[0].length, 32);
    cr_assert_eq(memcmp(received[0].bytes, sent.bytes, 32), 0);
    cr_assert(wc_address_equal(&received[0].peer, wc_socket_address(sender)));
    cr_assert(received[0].stamped);
    cr_assert_geq(received[0].time_ns, before_ns);
    cr_assert_leq(received[0].time_ns, dvbcss_monotonic_ns(NULL));
    wc_socket_close(sender);
    wc_socket_close(receiver);
}

Test(wc_socket, tells_the_true_length_of_a_datagram_that_does_not_fit)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", false);
    const union wc_address *to = wc_socket_address(receiver);
    uint8_t large[1000] = {0};
    struct wc_packet received[4];

    cr_assert_eq(
        sendto(wc_socket_descriptor(sender), large, sizeof large, 0, &to->any, wc_address_size(to)),
        (ssize_t)sizeof large);
    cr_assert_eq(sendto(wc_socket_descriptor(sender), large, 0, 0, &to->any, wc_address_size(to)),
                 0);
    await_input(receiver);
    cr_assert_eq(wc_socket_receive(receiver, received, 4), 2);
    cr_assert_eq(received[0].length, 1000);
    cr_assert_eq(received[1].length, 0);
    wc_socket_close(sender);
    wc_socket_close(receiver);
}

Test(wc_socket, takes_no_more_than_there_is_room_for_and_leaves_the_rest)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", false);
    struct wc_packet received[WC_SOCKET_BATCH];

    for (unsigned i = 0; i < WC_SOCKET_BATCH + 3; i++) {
        struct wc_packet sent = packet_to(receiver, (uint8_t)i);

        send_one(sender, &sent);
    }
    cr_assert_eq(wc_socket_receive(receiver, received, WC_SOCKET_BATCH), WC_SOCKET_BATCH);
    for (unsigned i = 0; i < WC_SOCKET_BATCH; i++)
        cr_assert_eq(received[i].bytes[31], i);
    cr_assert_eq(wc_socket_receive(receiver, received, WC_SOCKET_BATCH), 3);
    cr_assert_eq(received[0].bytes[0], WC_SOCKET_BATCH);
    wc_socket_close(sender);
    wc_socket_close(receiver);
}

Test(wc_socket, one_datagram_that_is_refused_does_not_hold_up_the_others)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", false);
    struct wc_packet packets[3] = {packet_to(receiver, 1), packet_to(receiver, 2),
                                   packet_to(receiver, 3)};
    struct wc_packet *list[3] = {&packets[0], &packets[1], &packets[2]};
    struct wc_packet received[4];

    /* Nobody has port 0. */
    packets[1].peer.v4.sin_port = 0;
    cr_assert_eq(wc_socket_send(sender, list, 3, false), 2);
    cr_assert_eq(packets[0].send_errno, 0);
    cr_assert_neq(packets[1].send_errno, 0);
    cr_assert_eq(packets[2].send_errno, 0);
    await_input(receiver);
    cr_assert_eq(wc_socket_receive(receiver, received, 4), 2);
    cr_assert_eq(received[1].bytes[0], 3);
    wc_socket_close(sender);
    wc_socket_close(receiver);
}

/* Sends stamped packets and checks that each has got its own transmit time, in order. */
static void check_transmit_times(struct wc_socket *sender, struct wc_packet *const *list,
                                 unsigned count)
{
    int64_t before_ns = dvbcss_monotonic_ns(NULL);
    int64_t last_ns = before_ns;

    for (unsigned i = 0; i < count; i++)
        list[i]->time_ns = before_ns;
    cr_assert_eq(wc_socket_send(sender, list, count, true), count);
    wc_socket_transmit_times(sender, list, count);
    for (unsigned i = 0; i < count; i++) {
        cr_assert(list[i]->stamped);
        cr_assert_geq(list[i]->time_ns + 1000, last_ns);
        last_ns = list[i]->time_ns;
    }
    cr_assert_leq(last_ns, dvbcss_monotonic_ns(NULL));
}

Test(wc_socket, tells_when_each_datagram_left)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", true);
    struct wc_packet packets[3] = {packet_to(receiver, 1), packet_to(receiver, 2),
                                   packet_to(receiver, 3)};
    struct wc_packet *list[3] = {&packets[0], &packets[1], &packets[2]};

    check_transmit_times(sender, list, 3);
    check_transmit_times(sender, list, 3);
    wc_socket_close(sender);
    wc_socket_close(receiver);
}

Test(wc_socket, transmit_times_find_their_datagrams_again_after_one_was_refused)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", true);
    struct wc_packet packets[3] = {packet_to(receiver, 1), packet_to(receiver, 2),
                                   packet_to(receiver, 3)};
    struct wc_packet *list[3] = {&packets[0], &packets[1], &packets[2]};

    packets[1].peer.v4.sin_port = 0;
    cr_assert_eq(wc_socket_send(sender, list, 3, true), 2);
    wc_socket_transmit_times(sender, list, 3);
    cr_assert(packets[0].stamped);
    cr_assert_not(packets[1].stamped);
    packets[1].peer = packets[0].peer;
    check_transmit_times(sender, list, 3);
    wc_socket_close(sender);
    wc_socket_close(receiver);
}

Test(wc_socket, without_transmit_times_a_datagram_keeps_the_time_it_had)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", false);
    struct wc_packet packet = packet_to(receiver, 1);
    struct wc_packet *list = &packet;

    packet.time_ns = 4711;
    cr_assert_eq(wc_socket_send(sender, &list, 1, true), 1);
    wc_socket_transmit_times(sender, &list, 1);
    cr_assert_not(packet.stamped);
    cr_assert_eq(packet.time_ns, 4711);
    wc_socket_close(sender);
    wc_socket_close(receiver);
}

/* Has a datagram for @p to come in on a wildcard socket and go back as it is. */
static void check_reflection(const char *bound_to, const char *to)
{
    struct wc_socket *reflector = open_socket(bound_to, false);
    struct wc_socket *asker = open_socket(to, false);
    struct wc_packet sent = packet_to(reflector, 9);
    struct wc_packet *back = &sent;
    struct wc_packet received;
    uint16_t port = wc_address_port(wc_socket_address(reflector));

    cr_assert_eq(wc_address_parse(to, port, &sent.peer), 0);
    send_one(asker, &sent);
    await_input(reflector);
    cr_assert_eq(wc_socket_receive(reflector, &received, 1), 1);
    back = &received;
    cr_assert_eq(wc_socket_send(reflector, &back, 1, false), 1);
    await_input(asker);
    cr_assert_eq(wc_socket_receive(asker, &received, 1), 1);
    cr_assert(wc_address_equal(&received.peer, &sent.peer), "came from elsewhere than %s", to);
    wc_socket_close(asker);
    wc_socket_close(reflector);
}

static bool has_ipv6(void)
{
    struct wc_socket_options options = {.now_ns = dvbcss_monotonic_ns};
    struct wc_socket *opened;

    cr_assert_eq(wc_address_parse("::1", 0, &options.address), 0);
    if (wc_socket_open(&opened, &options) != 0)
        return false;
    wc_socket_close(opened);
    return true;
}

Test(wc_socket, an_answer_leaves_from_the_address_that_was_asked)
{
    check_reflection("0.0.0.0", "127.0.0.2");
    if (!has_ipv6())
        cr_skip("no IPv6 here");
    check_reflection("::", "::1");
    check_reflection("::", "127.0.0.3");
}

static int open_result(const char *address, uint16_t port)
{
    struct wc_socket_options options = {.now_ns = dvbcss_monotonic_ns};
    struct wc_socket *opened = NULL;
    int result;

    cr_assert_eq(wc_address_parse(address, port, &options.address), 0);
    result = wc_socket_open(&opened, &options);
    wc_socket_close(opened);
    return result;
}

Test(wc_socket, what_cannot_be_bound_to_is_refused_with_the_reason)
{
    struct wc_socket *first = open_socket("127.0.0.1", false);

    cr_assert_eq(open_result("127.0.0.1", wc_address_port(wc_socket_address(first))),
                 DVBCSS_EADDRINUSE);
    cr_assert_eq(open_result("192.0.2.1", 0), DVBCSS_EADDRESS);
    wc_socket_close(first);
}

Test(wc_socket, tells_the_receive_buffer_that_it_was_granted)
{
    enum { LITTLE = 8192 };
    struct wc_socket_options options = {.receive_buffer = LITTLE, .now_ns = dvbcss_monotonic_ns};
    struct wc_socket *asked;

    cr_assert_eq(wc_address_parse("127.0.0.1", 0, &options.address), 0);
    cr_assert_eq(wc_socket_open(&asked, &options), 0);
    cr_assert_eq(wc_socket_receive_buffer(asked), LITTLE);
    wc_socket_close(asked);
}

Test(wc_socket, counts_what_the_kernel_dropped)
{
    struct wc_socket *receiver = open_socket("127.0.0.1", false);
    struct wc_socket *sender = open_socket("127.0.0.1", false);
    struct wc_packet received[WC_SOCKET_BATCH];
    int small = 1;
    unsigned sent = 2000;
    uint64_t taken = 0;
    unsigned count;

    cr_assert_eq(
        setsockopt(wc_socket_descriptor(receiver), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    for (unsigned i = 0; i < sent; i++) {
        struct wc_packet packet = packet_to(receiver, 1);

        send_one(sender, &packet);
    }
    while ((count = wc_socket_receive(receiver, received, WC_SOCKET_BATCH)) > 0)
        taken += count;
    /* The next datagram after the drops tells of them. */
    received[0] = packet_to(receiver, 2);
    send_one(sender, &received[0]);
    await_input(receiver);
    cr_assert_eq(wc_socket_receive(receiver, received, 1), 1);
    cr_assert_eq(wc_socket_kernel_drops(receiver), sent - taken);
    cr_assert_lt(taken, sent);
    wc_socket_close(sender);
    wc_socket_close(receiver);
}
