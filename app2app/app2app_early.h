/**
 * @file
 * What a client of App2App says before it is paired: kept in order, within bounds. Private to
 * app2app/.
 */
#ifndef DVBCSS_APP2APP_EARLY_H
#define DVBCSS_APP2APP_EARLY_H

#include <stddef.h>

#include "common/list.h"
#include "dvbcss/server.h"

/** The messages of one client. */
struct app2app_early {
    struct list_node messages;
    size_t count;
    size_t bytes;
};

/** Makes an empty one; it needs no end while it is empty. */
void app2app_early_init(struct app2app_early *early);

/** Throws the messages away. */
void app2app_early_clear(struct app2app_early *early);

/** Keeps a message: 0, DVBCSS_EFULL (one of the bounds would be exceeded) or DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int app2app_early_keep(struct app2app_early *early, size_t max_messages,
                                        size_t max_bytes, struct dvbcss_message *message);

/** Takes the oldest message, to be released; NULL if there is none. */
struct dvbcss_message *app2app_early_take(struct app2app_early *early);

#endif
