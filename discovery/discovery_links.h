/**
 * @file
 * The addresses of this machine's interfaces. Private to discovery.
 */
#ifndef DISCOVERY_DISCOVERY_LINKS_H
#define DISCOVERY_DISCOVERY_LINKS_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dvbcss/error.h"

/** An address or a netmask. */
union discovery_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/** One address of one interface that is up: an interface has as many of these as addresses. */
struct discovery_link {
    unsigned index;
    char name[IF_NAMESIZE];
    /** Loopback. */
    bool internal;
    union discovery_address address;
    union discovery_address netmask;
};

/**
 * Lists all addresses of this machine.
 *
 * @param links result, to be given to dvbcss_free(); NULL if there are none
 * @return 0, DVBCSS_ENOMEM, DVBCSS_EIO
 */
DVBCSS_NODISCARD int discovery_links_list(struct discovery_link **links, size_t *count);

/** Whether an interface of this name is wanted: one of @p names, or without names any. */
bool discovery_link_is_named(const struct discovery_link *link, char *const *names, size_t count);

/** Whether this is a link-local address of IPv6: it means something on one interface only. */
bool discovery_address_is_link_local(const union discovery_address *address);

/** The size of an address for the system's calls. */
socklen_t discovery_address_size(const union discovery_address *address);

/** Room for a numeric address with its zone. */
enum { DISCOVERY_ADDRESS_TEXT_SIZE = INET6_ADDRSTRLEN + 1 + IF_NAMESIZE };

/** Writes an address in numbers, without port; with @p zone, the name of a link-local address's
 * interface after it, as in "fe80::1%eth0". */
void discovery_address_text(const union discovery_address *address, bool zone,
                            char text[DISCOVERY_ADDRESS_TEXT_SIZE]);

/** Copies names into memory of their own: 0 or DVBCSS_ENOMEM. Without any, @p copy is NULL. */
DVBCSS_NODISCARD int discovery_names_copy(char ***copy, const char *const *names, size_t count);

/** Frees what discovery_names_copy() made; NULL is fine. */
void discovery_names_free(char **names, size_t count);

#endif
