/**
 * @file
 * Addresses of UDP sockets, as the commands are given them.
 */
#ifndef DVBCSS_TOOL_IMPAIR_ADDRESS_H
#define DVBCSS_TOOL_IMPAIR_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dvbcss/url.h"

/** A socket's address of either family. */
struct impair_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/** Reads a numeric "ADDRESS:PORT", "[ADDRESS]:PORT" or "PORT" (of 127.0.0.1); the port may be 0.
 * Returns 0 or DVBCSS_EINVAL. */
int impair_address_parse(const char *text, struct impair_address *out);

/** Looks up where a udp:// URL leads, waiting for the name service. Returns 0, DVBCSS_EVALUE and
 * the other errors of dvbcss_url_parse(), or DVBCSS_ERESOLVE. */
int impair_address_resolve(const char *url, struct impair_address *out,
                           struct dvbcss_report *report);

/** Takes an address apart, as dvbcss_url_format() wants it. */
struct dvbcss_url impair_address_url(const struct impair_address *address);

/** Whether two are the same address and port. */
bool impair_address_equal(const struct impair_address *a, const struct impair_address *b);

#endif
