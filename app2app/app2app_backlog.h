/**
 * @file
 * What waits for clients that read slowly, all of them together. The base bounds what waits for
 * each one. Private to app2app/.
 */
#ifndef DVBCSS_APP2APP_BACKLOG_H
#define DVBCSS_APP2APP_BACKLOG_H

#include <stddef.h>

#include "app2app/app2app_client.h"

/** Bytes that may wait. */
struct app2app_backlog_limits {
    size_t per_address;
    size_t in_all;
};

/** Who is to go, and the words for it. */
struct app2app_backlog_excess {
    struct dvbcss_connection *connection;
    const char *reason;
};

/**
 * Looks who must go so that one more message may wait for a client. To be asked again until nobody
 * must, or the client itself: one more message may need several to go.
 *
 * What waits for either of a pair counts for the companion's address: pages are the TV's.
 *
 * @param base   the endpoint of all clients
 * @param to     has a partner; something waits for it already
 * @param length bytes of the message
 * @return connection NULL: nobody
 */
struct app2app_backlog_excess
app2app_backlog_find_excess(struct dvbcss_endpoint *base,
                            const struct app2app_backlog_limits *limits,
                            const struct app2app_client *to, size_t length);

#endif
