/**
 * @file
 * Addresses of peers and of our own. Private to server-core.
 */
#ifndef DVBCSS_WS_ADDRESS_H
#define DVBCSS_WS_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

union ws_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/** Copies an address, an IPv4 address out of its IPv6 mapping. */
void ws_address_set(union ws_address *address, const struct sockaddr_storage *from);

#endif
