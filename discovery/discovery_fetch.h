/**
 * @file
 * Gets small documents by HTTP without trusting who serves them: limited in size and time, straight
 * from the host that the URL names (no proxy, no redirection). Private to discovery.
 */
#ifndef DISCOVERY_DISCOVERY_FETCH_H
#define DISCOVERY_DISCOVERY_FETCH_H

#include <uv.h>

#include "dvbcss/discovery_xml.h"
#include "dvbcss/error.h"
#include "dvbcss/url.h"

/** Gets documents on a loop. */
struct discovery_fetcher;

/** What came of a request, valid during the call. */
struct discovery_fetched {
    /** 0, DVBCSS_ERESOLVE, DVBCSS_EADDRESS (no route, or nobody listens), DVBCSS_ETIMEDOUT,
     * DVBCSS_ELENGTH, DVBCSS_EPROTOCOL, DVBCSS_EREFUSED (another status than 200), DVBCSS_ENOMEM.
     */
    int error;
    /** The same for people. */
    const char *text;
    unsigned status;
    const char *body;
    size_t length;
    /** Numeric address that was reached, with its zone if the URL had one; "" if none was. */
    char address[64];
    char content_type[128];
    /** The header Application-URL; "" if there is none, or a longer one. */
    char application_url[DVBCSS_DISCOVERY_URL_SIZE];
};

/** Called exactly once for each request that was started, unless the fetcher is closed before. May
 * start further requests and close the fetcher. */
typedef void (*discovery_fetch_done)(void *user, const struct discovery_fetched *fetched);

/** How much one request may cost. */
struct discovery_fetch_limits {
    unsigned timeout_ms;
    size_t max_bytes;
};

/** Makes a fetcher: 0, DVBCSS_EIO, DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int discovery_fetcher_create(struct discovery_fetcher **out, uv_loop_t *loop,
                                              const struct discovery_fetch_limits *limits);

/** Gives everything up and frees the fetcher from the loop; NULL is fine, and @p closed is not
 * called then. */
void discovery_fetcher_close(struct discovery_fetcher *fetcher, void (*closed)(void *user),
                             void *user);

/** Starts to get a document: 0, DVBCSS_ENOMEM, DVBCSS_ERESOLVE (a name that cannot be one). */
DVBCSS_NODISCARD int discovery_fetch_start(struct discovery_fetcher *fetcher,
                                           const struct dvbcss_url *url, discovery_fetch_done done,
                                           void *user);

#endif
