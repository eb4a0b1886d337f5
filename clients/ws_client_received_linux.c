#include "clients/ws_client_received.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* In segments, as a count of bytes would have the end of the connection in it. */
bool ws_client_received_bytes(int descriptor)
{
    struct tcp_info info = {.tcpi_data_segs_in = 0};
    socklen_t size = sizeof info;

    return descriptor >= 0 && getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_data_segs_in > 0;
}
