/**
 * @file
 * A UDP socket of one family that hears multicast on chosen interfaces, knows on which of them each
 * datagram came in, and sends by a chosen one. Private to discovery.
 */
#ifndef DISCOVERY_SSDP_SOCKET_H
#define DISCOVERY_SSDP_SOCKET_H

#include <stdint.h>
#include <uv.h>

#include "discovery/discovery_links.h"

/** What a sender may have of a datagram; longer ones are cut. */
enum { SSDP_DATAGRAM_MAX = 2048 };

/** A socket. */
struct ssdp_socket;

/** A datagram that came, valid during the call. */
struct ssdp_datagram {
    const char *bytes;
    size_t length;
    const union discovery_address *source;
    /** Of the interface on which it came in. */
    unsigned index;
};

/** Called from the loop; may close the socket. */
typedef void (*ssdp_socket_received)(void *user, const struct ssdp_datagram *datagram);

/**
 * Opens a socket on every address of a family.
 *
 * @param port 0 for any; another one is shared with whoever shares it, too
 * @return 0, DVBCSS_EADDRINUSE, DVBCSS_EADDRESS (this machine does not have the family),
 *         DVBCSS_EIO, DVBCSS_ENOMEM; a handle may close on the loop if it fails
 */
DVBCSS_NODISCARD int ssdp_socket_open(struct ssdp_socket **out, uv_loop_t *loop, int family,
                                      uint16_t port, ssdp_socket_received received, void *user);

/** IPv4, then IPv6. */
enum { SSDP_FAMILIES = 2 };
extern const int ssdp_families[SSDP_FAMILIES];

/** Which of a pair of sockets is of this family. */
static inline int ssdp_family_index(int family)
{
    return family == AF_INET6 ? 1 : 0;
}

/**
 * Opens a socket for each family that is @p wanted. A machine without one of them does with the
 * other: its place stays NULL.
 *
 * @return as ssdp_socket_open(), and then none is open; DVBCSS_EADDRESS only if no family is there
 */
DVBCSS_NODISCARD int ssdp_sockets_open(struct ssdp_socket *sockets[SSDP_FAMILIES], uv_loop_t *loop,
                                       const bool wanted[SSDP_FAMILIES], uint16_t port,
                                       ssdp_socket_received received, void *user);

/** Hears the group on an interface from now on: 0 or DVBCSS_EIO. */
DVBCSS_NODISCARD int ssdp_socket_join(struct ssdp_socket *socket, unsigned index);

/** Hears it there no more; fine if the interface is gone. */
void ssdp_socket_leave(struct ssdp_socket *socket, unsigned index);

/**
 * Sends a datagram.
 *
 * @param index of the interface to send by
 * @param from  address of this machine to send from; NULL for what the system chooses
 * @return 0 or DVBCSS_EIO
 */
DVBCSS_NODISCARD int ssdp_socket_send(const struct ssdp_socket *socket, unsigned index,
                                      const union discovery_address *from,
                                      const union discovery_address *to, const void *bytes,
                                      size_t length);

/** The group of SSDP in a family. */
void ssdp_group(int family, uint16_t port, unsigned index, union discovery_address *group);

/** Closes a socket at once, freed from the loop; NULL is fine, and @p closed is not called then. */
void ssdp_socket_close(struct ssdp_socket *socket, void (*closed)(void *user), void *user);

#endif
