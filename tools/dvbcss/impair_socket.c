#include "impair_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A burst of many clients fits in; without the right to, the kernel grants what it may. */
static const int buffer_bytes = 1 << 20;

/* A receive time that is older than this is no receive time: the system time was set. */
static const int64_t oldest_arrival_ns = INT64_C(1000000000);

static int64_t read_clock_ns(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t impair_now_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

static int bind_error(void)
{
    switch (errno) {
    case EADDRINUSE:
        return DVBCSS_EADDRINUSE;
    case EADDRNOTAVAIL:
    case EACCES:
        return DVBCSS_EADDRESS;
    default:
        return DVBCSS_EIO;
    }
}

int impair_socket_open(struct impair_address *address)
{
    int on = 1, error;
    int fd = socket(address->storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return DVBCSS_EIO;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    if (bind(fd, (struct sockaddr *)&address->storage, address->size) == 0 &&
        getsockname(fd, (struct sockaddr *)&address->storage, &address->size) == 0)
        return fd;
    error = bind_error();
    close(fd);
    return error;
}

struct impair_address impair_socket_any(const struct impair_address *like)
{
    struct impair_address any = {.size = like->size};

    any.storage.ss_family = like->storage.ss_family;
    return any;
}

/* When a datagram arrived: the kernel's stamps are of the system time, which others set, so both
 * clocks are read now and only the datagram's age is believed. */
static int64_t arrival_ns(struct msghdr *message)
{
    int64_t now_ns = impair_now_ns(), age_ns = 0;
    struct timespec stamp;

    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
        age_ns = read_clock_ns(CLOCK_REALTIME) -
                 ((int64_t)stamp.tv_sec * INT64_C(1000000000) + stamp.tv_nsec);
    }
    return age_ns > 0 && age_ns < oldest_arrival_ns ? now_ns - age_ns : now_ns;
}

bool impair_socket_receive(int socket, struct impair_arrival *arrival)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec place = {arrival->bytes, sizeof arrival->bytes};
    struct msghdr message = {.msg_name = &arrival->from.storage,
                             .msg_namelen = sizeof arrival->from.storage,
                             .msg_iov = &place,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket, &message, MSG_TRUNC);

    if (length < 0)
        return false;
    arrival->from.size = message.msg_namelen;
    arrival->length = (size_t)length;
    arrival->at_ns = arrival_ns(&message);
    return true;
}

bool impair_socket_send(int socket, const struct impair_address *to, const void *bytes,
                        size_t length)
{
    return sendto(socket, bytes, length, 0, (const struct sockaddr *)&to->storage, to->size) ==
           (ssize_t)length;
}
