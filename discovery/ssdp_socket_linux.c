#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "discovery/ssdp_socket.h"
#include "dvbcss/alloc.h"
#include "dvbcss/ssdp.h"

enum {
    /* Multicast stays in the house: the UPnP Device Architecture 1.1 clause 1.2.2 recommends 2. */
    HOPS = 2,
    /* Datagrams that are read before others on the loop have their turn. */
    TURN_MAX = 32,
};

struct ssdp_socket {
    uv_poll_t poll;
    int fd;
    int family;
    bool closing;
    ssdp_socket_received received;
    void *user;
    void (*closed)(void *user);
    void *closed_user;
};

/* Room for the one control message that comes or goes with a datagram. */
union control {
    struct cmsghdr header;
    char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
    char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

void ssdp_group(int family, uint16_t port, unsigned index, union discovery_address *group)
{
    memset(group, 0, sizeof *group);
    group->any.sa_family = (sa_family_t)family;
    if (family == AF_INET6) {
        group->v6.sin6_port = htons(port);
        group->v6.sin6_scope_id = index;
        inet_pton(AF_INET6, DVBCSS_SSDP_GROUP_V6, &group->v6.sin6_addr);
    } else {
        group->v4.sin_port = htons(port);
        inet_pton(AF_INET, DVBCSS_SSDP_GROUP_V4, &group->v4.sin_addr);
    }
}

/* ---- opening -------------------------------------------------------------------------------- */

struct setting {
    int level;
    int name;
    int value;
};

static int apply(int fd, const struct setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value,
                       sizeof settings[i].value) != 0)
            return DVBCSS_EIO;
    }
    return 0;
}

/* Without the settings "all", a socket hears every group that any program has joined anywhere. */
static int apply_settings(int fd, int family)
{
    static const struct setting v4[] = {
        {IPPROTO_IP, IP_PKTINFO, 1},
        {IPPROTO_IP, IP_MULTICAST_TTL, HOPS},
        {IPPROTO_IP, IP_MULTICAST_LOOP, 1},
        {IPPROTO_IP, IP_MULTICAST_ALL, 0},
    };
    static const struct setting v6[] = {
        {IPPROTO_IPV6, IPV6_V6ONLY, 1},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
        {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOPS},
        {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1},
        {IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0},
    };

    if (family == AF_INET6)
        return apply(fd, v6, sizeof v6 / sizeof v6[0]);
    return apply(fd, v4, sizeof v4 / sizeof v4[0]);
}

static int bind_port(int fd, int family, uint16_t port)
{
    static const struct setting shared[] = {{SOL_SOCKET, SO_REUSEADDR, 1}};
    union discovery_address any;

    memset(&any, 0, sizeof any);
    any.any.sa_family = (sa_family_t)family;
    if (family == AF_INET6)
        any.v6.sin6_port = htons(port);
    else
        any.v4.sin_port = htons(port);
    if (port != 0 && apply(fd, shared, 1) != 0)
        return DVBCSS_EIO;
    if (bind(fd, &any.any, discovery_address_size(&any)) == 0)
        return 0;
    return errno == EADDRINUSE ? DVBCSS_EADDRINUSE : DVBCSS_EIO;
}

static int open_descriptor(int family, uint16_t port, int *fd)
{
    int error;

    *fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return errno == EAFNOSUPPORT ? DVBCSS_EADDRESS : DVBCSS_EIO;
    error = apply_settings(*fd, family);
    if (!error)
        error = bind_port(*fd, family, port);
    if (error)
        close(*fd);
    return error;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static unsigned index_of(struct msghdr *message)
{
    for (struct cmsghdr *each = CMSG_FIRSTHDR(message); each; each = CMSG_NXTHDR(message, each)) {
        if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(each), sizeof info);
            return (unsigned)info.ipi_ifindex;
        }
        if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(each), sizeof info);
            return info.ipi6_ifindex;
        }
    }
    return 0;
}

/* Takes one datagram; false if there is none. */
static bool receive_one(struct ssdp_socket *socket)
{
    char bytes[SSDP_DATAGRAM_MAX];
    union discovery_address source;
    union control control;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_name = &source,
                             .msg_namelen = sizeof source,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket->fd, &message, 0);
    struct ssdp_datagram datagram = {bytes, (size_t)length, &source, 0};

    if (length < 0)
        return errno == EINTR;
    datagram.index = index_of(&message);
    socket->received(socket->user, &datagram);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct ssdp_socket *socket = poll->data;

    (void)events;
    if (status != 0)
        return;
    for (int i = 0; i < TURN_MAX && !socket->closing; i++) {
        if (!receive_one(socket))
            return;
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct ssdp_socket *socket = handle->data;
    void (*closed)(void *user) = socket->closed;
    void *user = socket->closed_user;

    close(socket->fd);
    dvbcss_free(socket);
    if (closed)
        closed(user);
}

void ssdp_socket_close(struct ssdp_socket *socket, void (*closed)(void *user), void *user)
{
    if (!socket)
        return;
    socket->closing = true;
    socket->closed = closed;
    socket->closed_user = user;
    uv_close((uv_handle_t *)&socket->poll, on_closed);
}

int ssdp_socket_open(struct ssdp_socket **out, uv_loop_t *loop, int family, uint16_t port,
                     ssdp_socket_received received, void *user)
{
    struct ssdp_socket *socket = dvbcss_calloc(1, sizeof *socket);
    int error;

    if (!socket)
        return DVBCSS_ENOMEM;
    error = open_descriptor(family, port, &socket->fd);
    if (error) {
        dvbcss_free(socket);
        return error;
    }
    socket->family = family;
    socket->received = received;
    socket->user = user;
    if (uv_poll_init(loop, &socket->poll, socket->fd) != 0) {
        close(socket->fd);
        dvbcss_free(socket);
        return DVBCSS_EIO;
    }
    socket->poll.data = socket;
    if (uv_poll_start(&socket->poll, UV_READABLE, on_readable) != 0) {
        ssdp_socket_close(socket, NULL, NULL);
        return DVBCSS_EIO;
    }
    *out = socket;
    return 0;
}

const int ssdp_families[SSDP_FAMILIES] = {AF_INET, AF_INET6};

int ssdp_sockets_open(struct ssdp_socket *sockets[SSDP_FAMILIES], uv_loop_t *loop,
                      const bool wanted[SSDP_FAMILIES], uint16_t port,
                      ssdp_socket_received received, void *user)
{
    int missing = 0;

    for (int i = 0; i < SSDP_FAMILIES; i++) {
        int error =
            wanted[i] ? ssdp_socket_open(&sockets[i], loop, ssdp_families[i], port, received, user)
                      : 0;

        if (error == DVBCSS_EADDRESS) {
            missing = error;
        } else if (error) {
            ssdp_socket_close(sockets[0], NULL, NULL);
            sockets[0] = NULL;
            return error;
        }
    }
    return sockets[0] || sockets[1] ? 0 : missing;
}

/* ---- groups and sending --------------------------------------------------------------------- */

static int change_membership(const struct ssdp_socket *socket, unsigned index, int v4, int v6)
{
    union discovery_address group;

    ssdp_group(socket->family, 0, index, &group);
    if (socket->family == AF_INET6) {
        struct ipv6_mreq request = {group.v6.sin6_addr, index};

        return setsockopt(socket->fd, IPPROTO_IPV6, v6, &request, sizeof request);
    }
    struct ip_mreqn request = {group.v4.sin_addr, {0}, (int)index};

    return setsockopt(socket->fd, IPPROTO_IP, v4, &request, sizeof request);
}

int ssdp_socket_join(struct ssdp_socket *socket, unsigned index)
{
    if (change_membership(socket, index, IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP) == 0)
        return 0;
    /* It is one already. */
    return errno == EADDRINUSE ? 0 : DVBCSS_EIO;
}

void ssdp_socket_leave(struct ssdp_socket *socket, unsigned index)
{
    (void)change_membership(socket, index, IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP);
}

/* Says by which interface, and from which address, a datagram goes. */
static void put_route(struct msghdr *message, int family, unsigned index,
                      const union discovery_address *from)
{
    struct cmsghdr *header = message->msg_control;

    if (family == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_ifindex = index};

        if (from)
            info.ipi6_addr = from->v6.sin6_addr;
        message->msg_controllen = CMSG_SPACE(sizeof info);
        header->cmsg_level = IPPROTO_IPV6;
        header->cmsg_type = IPV6_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(header), &info, sizeof info);
        return;
    }
    struct in_pktinfo info = {.ipi_ifindex = (int)index};

    if (from)
        info.ipi_spec_dst = from->v4.sin_addr;
    message->msg_controllen = CMSG_SPACE(sizeof info);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(header), &info, sizeof info);
}

int ssdp_socket_send(const struct ssdp_socket *socket, unsigned index,
                     const union discovery_address *from, const union discovery_address *to,
                     const void *bytes, size_t length)
{
    union discovery_address target = *to;
    union control control;
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    struct msghdr message = {.msg_name = &target,
                             .msg_namelen = discovery_address_size(to),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control};

    memset(&control, 0, sizeof control);
    if (index != 0)
        put_route(&message, socket->family, index, from);
    else
        message.msg_control = NULL;
    return sendmsg(socket->fd, &message, 0) == (ssize_t)length ? 0 : DVBCSS_EIO;
}
