#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "server-core/ws_received.h"

uint64_t ws_received_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    int unread = 0;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 ||
        length < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received ||
        ioctl(fd, FIONREAD, &unread) != 0)
        return 0;
    return info.tcpi_bytes_received - (unsigned)unread;
}
