/**
 * @file
 * Whom a TV answers in discovery, as pure functions: sources on its own links only, at a limited
 * rate each and in all (so that nobody uses it to flood somebody else), and launch requests of web
 * pages from origins that it knows only.
 */
#ifndef DVBCSS_DISCOVERY_POLICY_H
#define DVBCSS_DISCOVERY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tells whether a source is a neighbour: in the network of one of this machine's addresses, or
 * link-local in IPv6. An IPv4 address that is mapped into IPv6 counts as IPv4.
 *
 * @param source  AF_INET or AF_INET6; port and zone do not matter
 * @param address an address of the interface on which the source was heard
 * @param netmask of that address, of the same family
 * @return false for another family than the address's
 * @note Any thread.
 */
DVBCSS_API bool dvbcss_discovery_on_link(const struct sockaddr *source,
                                         const struct sockaddr *address,
                                         const struct sockaddr *netmask);

/** How many datagrams are sent as answers. */
struct dvbcss_discovery_limit_options {
    /** To one source: on average per second, and at once after a silence. */
    double source_per_s;
    double source_burst;
    /** To all of them together. */
    double total_per_s;
    double total_burst;
};

/** A companion that searches for everything several times a second gets its answers; a hundred of
 * them in one room, too. */
#define DVBCSS_DISCOVERY_LIMIT_OPTIONS_INIT                                                        \
    {                                                                                              \
        10.0, 30.0, 200.0, 500.0                                                                   \
    }

/** How many sources are told apart; beyond that the one that was silent longest is forgotten, and
 * the limit for all still holds. */
enum { DVBCSS_DISCOVERY_SOURCES = 64 };

/** The state of a limit: storage of the caller, private inside. */
struct dvbcss_discovery_limit {
    struct dvbcss_discovery_limit_options options;
    struct dvbcss_discovery_bucket {
        uint8_t address[16];
        double tokens;
        int64_t at_ns;
        bool used;
    } sources[DVBCSS_DISCOVERY_SOURCES], total;
};

/** Makes @p limit ready. */
DVBCSS_API void dvbcss_discovery_limit_init(struct dvbcss_discovery_limit *limit,
                                            const struct dvbcss_discovery_limit_options *options);

/**
 * Asks to send datagrams to a source, and counts them if that is permitted.
 *
 * @param now_ns    monotonic time in nanoseconds
 * @param source    AF_INET or AF_INET6; the port does not matter
 * @param datagrams all of them or none
 */
DVBCSS_API bool dvbcss_discovery_limit_permit(struct dvbcss_discovery_limit *limit, int64_t now_ns,
                                              const struct sockaddr *source, unsigned datagrams);

/**
 * Tells whether a request that changes something may come from a web page of this origin.
 *
 * @param origin  the Origin header; NULL if there was none: not a web page
 * @param own     "host:port" that the request reached: pages that the TV itself serves by http.
 *                This is the address of the socket, not the Host header, which a page that has its
 *                name point to the TV chooses.
 * @param allowed further origins, as "https://companion.example.com"
 * @return false also for the origin "null"
 * @note Any thread. DIAL 2.1 clause 6.6.
 */
DVBCSS_API bool dvbcss_discovery_origin_permitted(const char *origin, const char *own,
                                                  const char *const *allowed, size_t allowed_count);

#ifdef __cplusplus
}
#endif

#endif
