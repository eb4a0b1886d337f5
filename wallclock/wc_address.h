/**
 * @file
 * IPv4 and IPv6 socket addresses. Private to the suite.
 */
#ifndef DVBCSS_WALLCLOCK_WC_ADDRESS_H
#define DVBCSS_WALLCLOCK_WC_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dvbcss/error.h"

/** Room for a numeric address with its zone and NUL. */
enum { WC_ADDRESS_TEXT_SIZE = 64 };

/** The address and port of a socket. */
union wc_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/** Reads a numeric address, IPv6 with or without a zone: 0 or DVBCSS_EINVAL. */
DVBCSS_NODISCARD int wc_address_parse(const char *text, uint16_t port, union wc_address *out);

/** Copies an IPv4 or IPv6 address from the system: 0, or DVBCSS_EINVAL for another family. */
DVBCSS_NODISCARD int wc_address_from_sockaddr(const struct sockaddr *from, uint16_t port,
                                              union wc_address *out);

/** Makes 0.0.0.0 or `::` with a port. */
void wc_address_wildcard(int family, uint16_t port, union wc_address *out);

/** Writes the numeric address, with its zone, without its port: 0 or DVBCSS_ENOSPC. */
DVBCSS_NODISCARD int wc_address_format(const union wc_address *address, char *text, size_t size);

/** The port in host byte order. */
uint16_t wc_address_port(const union wc_address *address);

/** The size of an address for the system's calls. */
socklen_t wc_address_size(const union wc_address *address);

/** Tells whether this is 0.0.0.0 or `::`. */
bool wc_address_is_wildcard(const union wc_address *address);

/** Tells whether family, address, port and (for a link-local address) zone are the same. */
bool wc_address_equal(const union wc_address *a, const union wc_address *b);

#endif
