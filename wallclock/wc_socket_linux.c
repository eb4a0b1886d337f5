#include "wallclock/wc_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "dvbcss/alloc.h"
#include "dvbcss/time.h"
#include "wallclock/wc_stamp.h"

enum {
    /* Room for what comes with a datagram: receive stamp, local address, count of drops. */
    CONTROL_SIZE = 192,
    /* Room for what comes with a transmit stamp: stamps, error with an address, local address. */
    ERROR_CONTROL_SIZE = 256,
    /* How often the clocks are read before a step of the system time is believed, or a reading
     * that took longer than it should, from the first clock to the last. */
    READINGS = 3,
    READING_LIMIT_NS = 5000,
};

struct wc_socket {
    int descriptor;
    union wc_address address;
    dvbcss_time_source now_ns;
    void *user;
    struct wc_stamp_map stamps;
    uint64_t kernel_drops;
    /* The kernel's own count, of 32 bits, as it was last seen. */
    uint32_t drops_seen;
    bool transmit_times;
    /* Number that the kernel gives to the next datagram with a transmit stamp; not known after a
     * sending that failed, until the count was started anew. */
    uint32_t next_stamp_id;
    bool stamp_ids_lost;
    struct mmsghdr messages[WC_SOCKET_BATCH];
    struct iovec parts[WC_SOCKET_BATCH];
    _Alignas(struct cmsghdr) char control[WC_SOCKET_BATCH][CONTROL_SIZE];
};

/* ---- opening -------------------------------------------------------------------------------- */

static bool set_flag(int descriptor, int level, int name, int value)
{
    return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

static void enlarge_receive_buffer(int descriptor, int size)
{
    /* Beyond the system's limit only with the right to; the limit is good, too. */
    if (!set_flag(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, size))
        (void)set_flag(descriptor, SOL_SOCKET, SO_RCVBUF, size);
}

/* Starts the kernel's count of transmit stamps at 0: it does when the numbering is switched on. */
static bool number_transmit_stamps(int descriptor)
{
    int unnumbered = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;

    return set_flag(descriptor, SOL_SOCKET, SO_TIMESTAMPING, unnumbered) &&
           set_flag(descriptor, SOL_SOCKET, SO_TIMESTAMPING,
                    unnumbered | SOF_TIMESTAMPING_OPT_ID) &&
           /* Without it a waiting stamp makes libuv stop polling. */
           set_flag(descriptor, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
}

static int set_options(struct wc_socket *socket, const struct wc_socket_options *options)
{
    int descriptor = socket->descriptor;
    bool v6 = options->address.any.sa_family == AF_INET6;

    if (v6 && !set_flag(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6_only))
        return DVBCSS_EIO;
    if (options->reuse_port && !set_flag(descriptor, SOL_SOCKET, SO_REUSEPORT, 1))
        return DVBCSS_EIO;
    /* An answer must leave from the address that was asked, which the system only guesses if the
     * socket stands for all of them. */
    if (wc_address_is_wildcard(&options->address) &&
        !(v6 ? set_flag(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
             : set_flag(descriptor, IPPROTO_IP, IP_PKTINFO, 1)))
        return DVBCSS_EIO;
    /* The rest makes it better where there is it: without stamps the times are user space's. */
    if (options->receive_buffer > 0)
        enlarge_receive_buffer(descriptor, options->receive_buffer);
    (void)set_flag(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    (void)set_flag(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
    socket->transmit_times = options->transmit_times && number_transmit_stamps(descriptor);
    return 0;
}

static int bind_to(struct wc_socket *socket, const union wc_address *address)
{
    socklen_t size = sizeof socket->address;

    if (bind(socket->descriptor, &address->any, wc_address_size(address)) != 0) {
        switch (errno) {
        case EADDRINUSE:
            return DVBCSS_EADDRINUSE;
        case EACCES:
            return DVBCSS_EPERMISSION;
        case EADDRNOTAVAIL:
        case EINVAL:
        case ENODEV:
            return DVBCSS_EADDRESS;
        default:
            return DVBCSS_EIO;
        }
    }
    return getsockname(socket->descriptor, &socket->address.any, &size) == 0 ? 0 : DVBCSS_EIO;
}

int wc_socket_open(struct wc_socket **out, const struct wc_socket_options *options)
{
    struct wc_socket *opened = dvbcss_calloc(1, sizeof *opened);
    int result;

    if (!opened)
        return DVBCSS_ENOMEM;
    opened->now_ns = options->now_ns;
    opened->user = options->user;
    opened->descriptor =
        socket(options->address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (opened->descriptor < 0) {
        result = errno == EAFNOSUPPORT ? DVBCSS_EADDRESS : DVBCSS_EIO;
        goto fail;
    }
    result = set_options(opened, options);
    if (result == 0)
        result = bind_to(opened, &options->address);
    if (result != 0)
        goto fail;
    *out = opened;
    return 0;

fail:
    wc_socket_close(opened);
    return result;
}

void wc_socket_close(struct wc_socket *socket)
{
    if (!socket)
        return;
    if (socket->descriptor >= 0)
        close(socket->descriptor);
    dvbcss_free(socket);
}

int wc_socket_descriptor(const struct wc_socket *socket)
{
    return socket->descriptor;
}

int wc_socket_poll_events(const struct wc_socket *socket)
{
    return socket->transmit_times ? UV_READABLE | UV_PRIORITIZED : UV_READABLE;
}

const union wc_address *wc_socket_address(const struct wc_socket *socket)
{
    return &socket->address;
}

size_t wc_socket_receive_buffer(const struct wc_socket *socket)
{
    int size = 0;
    socklen_t length = sizeof size;

    (void)getsockopt(socket->descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length);
    /* The kernel grants twice what it was asked for, to count its own structures against it. */
    return (size_t)size / 2;
}

uint64_t wc_socket_kernel_drops(const struct wc_socket *socket)
{
    return socket->kernel_drops;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static int64_t read_system(clockid_t clock)
{
    struct timespec now = {0, 0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * DVBCSS_NS_PER_S + now.tv_nsec;
}

static void read_clocks_once(const struct wc_socket *socket, struct wc_clock_reading *reading)
{
    reading->before_ns = socket->now_ns(socket->user);
    reading->real_ns = read_system(CLOCK_REALTIME);
    reading->mono_ns = read_system(CLOCK_MONOTONIC);
    reading->after_ns = socket->now_ns(socket->user);
}

static void read_clocks(struct wc_socket *socket, struct wc_clock_reading *reading)
{
    int left = READINGS;

    do
        read_clocks_once(socket, reading);
    while (--left > 0 && (reading->after_ns - reading->before_ns > READING_LIMIT_NS ||
                          !wc_stamp_map_agrees(&socket->stamps, reading)));
    wc_stamp_map_observe(&socket->stamps, reading);
}

double wc_socket_stamp_precision_s(struct wc_socket *socket, unsigned samples)
{
    int64_t shortest_ns = INT64_MAX;

    for (unsigned i = 0; i < samples; i++) {
        struct wc_clock_reading reading;
        int64_t span_ns;

        read_clocks_once(socket, &reading);
        span_ns = reading.after_ns - reading.before_ns;
        if (span_ns < shortest_ns)
            shortest_ns = span_ns;
    }
    return (double)shortest_ns / (double)DVBCSS_NS_PER_S;
}

static int64_t stamp_of(const struct cmsghdr *header)
{
    struct timespec stamp;

    memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
    return (int64_t)stamp.tv_sec * DVBCSS_NS_PER_S + stamp.tv_nsec;
}

static void take_drops(struct wc_socket *socket, const struct cmsghdr *header)
{
    uint32_t drops;

    memcpy(&drops, CMSG_DATA(header), sizeof drops);
    socket->kernel_drops += drops - socket->drops_seen;
    socket->drops_seen = drops;
}

static void take_local_v4(struct wc_packet *packet, const struct cmsghdr *header)
{
    struct in_pktinfo info;

    memcpy(&info, CMSG_DATA(header), sizeof info);
    packet->local.s6_addr[10] = 0xff;
    packet->local.s6_addr[11] = 0xff;
    /* Not ipi_addr: that is the group if the datagram was sent to one. */
    memcpy(packet->local.s6_addr + 12, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
}

static void take_local_v6(struct wc_packet *packet, const struct cmsghdr *header)
{
    struct in6_pktinfo info;

    memcpy(&info, CMSG_DATA(header), sizeof info);
    if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
        return;
    packet->local = info.ipi6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
        packet->local_zone = info.ipi6_ifindex;
}

static bool is(const struct cmsghdr *header, int level, int type)
{
    return header->cmsg_level == level && header->cmsg_type == type;
}

static void take_control(struct wc_socket *socket, struct wc_packet *packet,
                         const struct wc_clock_reading *reading, struct msghdr *message)
{
    packet->stamped = false;
    packet->time_ns = reading->after_ns;
    memset(&packet->local, 0, sizeof packet->local);
    packet->local_zone = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (is(header, SOL_SOCKET, SCM_TIMESTAMPNS))
            packet->stamped =
                wc_stamp_arrival(&socket->stamps, reading, stamp_of(header), &packet->time_ns);
        else if (is(header, SOL_SOCKET, SO_RXQ_OVFL))
            take_drops(socket, header);
        else if (is(header, IPPROTO_IP, IP_PKTINFO))
            take_local_v4(packet, header);
        else if (is(header, IPPROTO_IPV6, IPV6_PKTINFO))
            take_local_v6(packet, header);
    }
}

/* How many messages came, after waiting for none; 0 for any error, which all pass or do not
 * concern what is waiting. */
static unsigned receive_messages(struct wc_socket *socket, unsigned count, int flags)
{
    int received;

    do
        received =
            recvmmsg(socket->descriptor, socket->messages, count, flags | MSG_DONTWAIT, NULL);
    while (received < 0 && errno == EINTR);
    return received < 0 ? 0 : (unsigned)received;
}

unsigned wc_socket_receive(struct wc_socket *socket, struct wc_packet *packets, unsigned count)
{
    struct wc_clock_reading reading;
    unsigned received;

    for (unsigned i = 0; i < count; i++) {
        struct msghdr *message = &socket->messages[i].msg_hdr;

        socket->parts[i] = (struct iovec){packets[i].bytes, sizeof packets[i].bytes};
        *message = (struct msghdr){
            .msg_name = &packets[i].peer,
            .msg_namelen = sizeof packets[i].peer,
            .msg_iov = &socket->parts[i],
            .msg_iovlen = 1,
            .msg_control = socket->control[i],
            .msg_controllen = CONTROL_SIZE,
        };
    }
    /* MSG_TRUNC has the true length of each datagram told. */
    received = receive_messages(socket, count, MSG_TRUNC);
    read_clocks(socket, &reading);
    for (unsigned i = 0; i < received; i++) {
        packets[i].length = socket->messages[i].msg_len;
        take_control(socket, &packets[i], &reading, &socket->messages[i].msg_hdr);
    }
    if (received < count)
        wc_stamp_map_drained(&socket->stamps);
    return received;
}

/* ---- sending -------------------------------------------------------------------------------- */

static void add_control(struct msghdr *message, int level, int type, const void *data, size_t size)
{
    struct cmsghdr *header =
        (struct cmsghdr *)(void *)((char *)message->msg_control + message->msg_controllen);

    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), data, size);
    message->msg_controllen += CMSG_SPACE(size);
}

static void add_local(const struct wc_socket *socket, struct msghdr *message,
                      const struct wc_packet *packet)
{
    if (IN6_IS_ADDR_UNSPECIFIED(&packet->local))
        return;
    if (socket->address.any.sa_family == AF_INET) {
        struct in_pktinfo info = {0};

        memcpy(&info.ipi_spec_dst, packet->local.s6_addr + 12, sizeof info.ipi_spec_dst);
        add_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
        struct in6_pktinfo info = {packet->local, packet->local_zone};

        add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

static void prepare_message(struct wc_socket *socket, unsigned index, struct wc_packet *packet,
                            bool stamped)
{
    struct msghdr *message = &socket->messages[index].msg_hdr;

    socket->parts[index] = (struct iovec){packet->bytes, packet->length};
    *message = (struct msghdr){
        .msg_name = &packet->peer,
        .msg_namelen = wc_address_size(&packet->peer),
        .msg_iov = &socket->parts[index],
        .msg_iovlen = 1,
        .msg_control = socket->control[index],
    };
    add_local(socket, message, packet);
    if (stamped) {
        uint32_t record = SOF_TIMESTAMPING_TX_SOFTWARE;

        add_control(message, SOL_SOCKET, SO_TIMESTAMPING, &record, sizeof record);
    }
}

static void note_sent(struct wc_socket *socket, struct wc_packet *packet, bool stamped)
{
    packet->send_errno = 0;
    packet->stamp_due = stamped && !socket->stamp_ids_lost;
    if (packet->stamp_due)
        packet->stamp_id = socket->next_stamp_id++;
}

static void note_refused(struct wc_socket *socket, struct wc_packet *packet, bool stamped,
                         int error)
{
    packet->send_errno = error;
    packet->stamp_due = false;
    /* It may have been numbered before it was refused. */
    socket->stamp_ids_lost |= stamped;
}

unsigned wc_socket_send(struct wc_socket *socket, struct wc_packet *const *packets, unsigned count,
                        bool stamped)
{
    bool stamping = stamped && socket->transmit_times;
    unsigned refused = 0;

    for (unsigned i = 0; i < count; i++)
        prepare_message(socket, i, packets[i], stamping);
    for (unsigned done = 0; done < count;) {
        int sent = sendmmsg(socket->descriptor, socket->messages + done, count - done, 0);

        if (sent < 0 && errno == EINTR)
            continue;
        /* The first of them was refused; the next may go elsewhere and pass. */
        if (sent <= 0) {
            note_refused(socket, packets[done++], stamping, errno);
            refused++;
        }
        for (int i = 0; i < sent; i++)
            note_sent(socket, packets[done++], stamping);
    }
    return count - refused;
}

/* ---- transmit times ------------------------------------------------------------------------- */

/* Finds in what the error queue gave a transmit stamp and its number. */
static bool parse_transmit_stamp(struct msghdr *message, uint32_t *id, int64_t *stamp_ns)
{
    bool has_id = false;
    bool has_stamp = false;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (is(header, SOL_SOCKET, SCM_TIMESTAMPING)) {
            /* The first of three times: the software's. */
            *stamp_ns = stamp_of(header);
            has_stamp = true;
        } else if (is(header, IPPROTO_IP, IP_RECVERR) || is(header, IPPROTO_IPV6, IPV6_RECVERR)) {
            struct sock_extended_err error;

            memcpy(&error, CMSG_DATA(header), sizeof error);
            *id = error.ee_data;
            has_id =
                error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && error.ee_info == SCM_TSTAMP_SND;
        }
    }
    return has_id && has_stamp;
}

static bool read_error_queue(struct wc_socket *socket, uint32_t *id, int64_t *stamp_ns, bool *end)
{
    _Alignas(struct cmsghdr) char control[ERROR_CONTROL_SIZE];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket->descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

    *end = length < 0 && errno != EINTR;
    return length >= 0 && parse_transmit_stamp(&message, id, stamp_ns);
}

static void match_stamp(struct wc_socket *socket, struct wc_packet *const *packets, unsigned count,
                        uint32_t id, int64_t stamp_ns)
{
    struct wc_clock_reading reading;

    for (unsigned i = 0; i < count; i++) {
        struct wc_packet *packet = packets[i];
        int64_t left_ns = 0;

        if (!packet->stamp_due || packet->stamp_id != id)
            continue;
        packet->stamp_due = false;
        read_clocks(socket, &reading);
        packet->stamped = wc_stamp_departure(&socket->stamps, &reading, stamp_ns, &left_ns);
        /* It cannot have left before it was given to the kernel, and both are never too late. */
        if (packet->stamped && left_ns > packet->time_ns)
            packet->time_ns = left_ns;
        return;
    }
}

static bool any_due(struct wc_packet *const *packets, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (packets[i]->stamp_due)
            return true;
    }
    return false;
}

void wc_socket_transmit_times(struct wc_socket *socket, struct wc_packet *const *packets,
                              unsigned count)
{
    bool end;

    for (unsigned i = 0; i < count; i++)
        packets[i]->stamped = false;
    do {
        uint32_t id;
        int64_t stamp_ns;

        if (read_error_queue(socket, &id, &stamp_ns, &end))
            match_stamp(socket, packets, count, id, stamp_ns);
    } while (!end);
    /* While a stamp of the old count is to come, it could not be told from one of the new. */
    if (socket->stamp_ids_lost && !any_due(packets, count)) {
        socket->transmit_times = number_transmit_stamps(socket->descriptor);
        socket->next_stamp_id = 0;
        socket->stamp_ids_lost = false;
    }
}

void wc_socket_clear_error(struct wc_socket *socket)
{
    int error;
    socklen_t size = sizeof error;

    (void)getsockopt(socket->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
}
