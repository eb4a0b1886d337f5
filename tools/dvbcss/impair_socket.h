/**
 * @file
 * UDP sockets that tell when a datagram arrived by the kernel's word.
 */
#ifndef DVBCSS_TOOL_IMPAIR_SOCKET_H
#define DVBCSS_TOOL_IMPAIR_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "impair_address.h"

/** The longest datagram that is carried: what fits into an Ethernet frame. */
enum { IMPAIR_DATAGRAM_MAX = 1500 };

/** A datagram as it came. */
struct impair_arrival {
    struct impair_address from;
    /** CLOCK_MONOTONIC. */
    int64_t at_ns;
    /** The true length; above IMPAIR_DATAGRAM_MAX for one that was cut. */
    size_t length;
    uint8_t bytes[IMPAIR_DATAGRAM_MAX];
};

/** The clock of all times here: CLOCK_MONOTONIC, for which there are timers of the kernel. */
int64_t impair_now_ns(void);

/** Opens a socket that does not block. @p address is where it is bound to and, after that, the
 * address that it got. Returns a descriptor or a dvbcss_error. */
int impair_socket_open(struct impair_address *address);

/** The address of any port of any interface, of the family of @p like. */
struct impair_address impair_socket_any(const struct impair_address *like);

/** Takes one datagram; false if there is none. */
bool impair_socket_receive(int socket, struct impair_arrival *arrival);

/** Sends one datagram; false if the kernel refused. */
bool impair_socket_send(int socket, const struct impair_address *to, const void *bytes,
                        size_t length);

#endif
