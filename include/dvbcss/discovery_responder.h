/**
 * @file
 * The SSDP side of a TV: answers searches and announces the TV on every link of this machine, over
 * IPv4 and IPv6, and follows interfaces that come and go.
 *
 * It answers sources on its own links only, within limits, and names the address of the very
 * interface on which it was asked. What it points to is served by discovery_dial.h.
 *
 * Thread: everything here belongs to the thread that runs the loop.
 */
#ifndef DVBCSS_DISCOVERY_RESPONDER_H
#define DVBCSS_DISCOVERY_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/discovery_policy.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/ssdp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As in <uv.h>, which needs more than plain C11. */
typedef struct uv_loop_s uv_loop_t;

/** A responder. */
struct dvbcss_discovery_responder;

/** How a responder is made. Start from #DVBCSS_DISCOVERY_RESPONDER_OPTIONS_INIT. Everything is
 * copied. */
struct dvbcss_discovery_responder_options {
    /** The device's, without "uuid:", the same from one start to the next; required. See
     * discovery_identity.h. */
    const char *uuid;
    /** Port and path of the device description on this machine's HTTP server; required. */
    uint16_t http_port;
    const char *description_path;
    /** The one address that the HTTP server listens on; NULL if it listens on all of those families
     * that follow. */
    const char *http_address;
    bool ipv4;
    bool ipv6;
    /** Host and port for LOCATION in the place of the address and port reached; NULL and 0 for
     * none. */
    const char *advertise_host;
    uint16_t advertise_port;
    /** Names of the interfaces to serve; none for all but loopback. */
    const char *const *interfaces;
    size_t interface_count;
    /** SERVER header, as "Linux UPnP/1.1 dvbcssd/0.1". */
    const char *server;
    /** Seconds for which an announcement holds; it is repeated before half of it is over. */
    unsigned max_age_s;
    /** Milliseconds after which an answer to a search for a single target is repeated, in case the
     * first was lost; 0 for never. */
    unsigned repeat_ms;
    /** Milliseconds between looks at the machine's interfaces. */
    unsigned rescan_ms;
    /** The UDP port; another than #DVBCSS_SSDP_PORT for tests. */
    uint16_t port;
    struct dvbcss_discovery_limit_options limit;
};

#define DVBCSS_DISCOVERY_RESPONDER_OPTIONS_INIT                                                    \
    {                                                                                              \
        NULL, 0, NULL, NULL, true, true, NULL, 0, NULL, 0, "UPnP/1.1 dvbcss/1", 1800, 150, 2000,   \
            DVBCSS_SSDP_PORT, DVBCSS_DISCOVERY_LIMIT_OPTIONS_INIT                                  \
    }

/** What a responder did. */
struct dvbcss_discovery_responder_counters {
    /** Links (an interface and a family) that it serves now. */
    uint64_t links;
    /** Datagrams that came: searches that were for this device, others, and those that could not be
     * understood. */
    uint64_t searches;
    uint64_t other_messages;
    uint64_t malformed;
    /** Searches that were not answered: from somewhere else, or too many. */
    uint64_t off_link;
    uint64_t limited;
    /** Datagrams that were sent, and that the system refused to send. */
    uint64_t responses;
    uint64_t notifications;
    uint64_t send_failures;
};

/**
 * Makes a responder and announces the device at once.
 *
 * @param out  the new responder; the caller ends it with dvbcss_discovery_responder_close()
 * @param loop the caller's; must outlive the responder
 * @return 0, DVBCSS_EINVAL (an option is missing or out of its range, no UUID, a URL that does not
 *         fit a message), DVBCSS_EADDRINUSE (somebody holds the port for himself), DVBCSS_EIO,
 *         DVBCSS_ENOMEM
 * @note That no link is there yet is no error: it is served once it comes. If it fails, run the
 *       loop once more before uv_loop_close(): handles close on it.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_discovery_responder_create(struct dvbcss_discovery_responder **out, uv_loop_t *loop,
                                  const struct dvbcss_discovery_responder_options *options);

/**
 * Says byebye on every link, and frees the responder from the loop.
 *
 * @param responder NULL is fine: nothing happens then and @p closed is not called
 * @param closed    called from the loop at the end; may be NULL
 */
DVBCSS_API void dvbcss_discovery_responder_close(struct dvbcss_discovery_responder *responder,
                                                 void (*closed)(void *user), void *user);

/** What it did so far; valid as long as the responder, always up to date. */
DVBCSS_API const struct dvbcss_discovery_responder_counters *
dvbcss_discovery_responder_counters(const struct dvbcss_discovery_responder *responder);

#ifdef __cplusplus
}
#endif

#endif
