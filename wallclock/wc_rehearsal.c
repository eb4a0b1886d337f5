#include "wallclock/wc_rehearsal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dvbcss/alloc.h"
#include "dvbcss/wc.h"
#include "wallclock/wc_address.h"

struct wc_rehearsal {
    int descriptor;
};

/* Connected to itself, so that the kernel keeps what others send to it away. */
static bool connect_to_itself(struct wc_rehearsal *rehearsal, int family)
{
    union wc_address address;
    socklen_t size = sizeof address;

    return wc_address_parse(family == AF_INET6 ? "::1" : "127.0.0.1", 0, &address) == 0 &&
           bind(rehearsal->descriptor, &address.any, wc_address_size(&address)) == 0 &&
           getsockname(rehearsal->descriptor, &address.any, &size) == 0 &&
           connect(rehearsal->descriptor, &address.any, wc_address_size(&address)) == 0;
}

int wc_rehearsal_open(struct wc_rehearsal **out, int family)
{
    struct wc_rehearsal *rehearsal = dvbcss_calloc(1, sizeof *rehearsal);

    if (!rehearsal)
        return DVBCSS_ENOMEM;
    rehearsal->descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (rehearsal->descriptor < 0 || !connect_to_itself(rehearsal, family)) {
        wc_rehearsal_close(rehearsal);
        rehearsal = NULL;
    }
    *out = rehearsal;
    return 0;
}

void wc_rehearsal_close(struct wc_rehearsal *rehearsal)
{
    if (!rehearsal)
        return;
    if (rehearsal->descriptor >= 0)
        close(rehearsal->descriptor);
    dvbcss_free(rehearsal);
}

void wc_rehearse(struct wc_rehearsal *rehearsal)
{
    uint8_t datagram[DVBCSS_WC_MESSAGE_SIZE] = {0};

    if (!rehearsal)
        return;
    if (send(rehearsal->descriptor, datagram, sizeof datagram, 0) < 0)
        return;
    /* To the end, for one that was late the last time. */
    while (recv(rehearsal->descriptor, datagram, sizeof datagram, 0) >= 0)
        continue;
}
