#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/server.h"
#include "server-core/ws_address.h"

void ws_address_set(union ws_address *address, const struct sockaddr_storage *from)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

    memset(address, 0, sizeof *address);
    if (from->ss_family == AF_INET) {
        memcpy(&address->v4, from, sizeof address->v4);
    } else if (from->ss_family == AF_UNIX) {
        /* Its path would be of no use to anybody: a peer has none, and ours is known. */
        address->any.sa_family = AF_UNIX;
    } else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = v6->sin6_port;
        memcpy(&address->v4.sin_addr, v6->sin6_addr.s6_addr + 12, sizeof address->v4.sin_addr);
    } else {
        memcpy(&address->v6, from, sizeof address->v6);
    }
}

const char *dvbcss_address_format(const struct sockaddr *address,
                                  char text[DVBCSS_ADDRESS_TEXT_SIZE])
{
    struct sockaddr_storage storage = {0};
    union ws_address plain;
    char host[INET6_ADDRSTRLEN];

    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) {
        snprintf(text, DVBCSS_ADDRESS_TEXT_SIZE, address->sa_family == AF_UNIX ? "unix" : "?");
        return text;
    }
    memcpy(&storage, address, address->sa_family == AF_INET ? sizeof plain.v4 : sizeof plain.v6);
    ws_address_set(&plain, &storage);
    if (plain.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &plain.v4.sin_addr, host, sizeof host);
        snprintf(text, DVBCSS_ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(plain.v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &plain.v6.sin6_addr, host, sizeof host);
        snprintf(text, DVBCSS_ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(plain.v6.sin6_port));
    }
    return text;
}
