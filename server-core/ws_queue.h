/**
 * @file
 * The messages that wait for one slow connection. Private to server-core.
 */
#ifndef DVBCSS_WS_QUEUE_H
#define DVBCSS_WS_QUEUE_H

#include <stddef.h>

#include "dvbcss/server.h"

struct ws_queued;

/** A queue; zeroed storage is an empty one. */
struct ws_queue {
    struct ws_queued *first;
    struct ws_queued *last;
    size_t messages;
    /** Payload. */
    size_t bytes;
};

/** Bounds and policy. */
struct ws_queue_rules {
    enum dvbcss_queue_policy policy;
    size_t max_messages;
    size_t max_bytes;
};

/**
 * Adds a message, taking a reference.
 *
 * @param dropped how many messages made way for it, is added here
 * @return 0, DVBCSS_EFULL (a bound would be exceeded) or DVBCSS_ENOMEM; nothing has changed then
 */
int ws_queue_push(struct ws_queue *queue, struct dvbcss_message *message,
                  const struct ws_queue_rules *rules, uint64_t *dropped);

/** The oldest message; NULL if there is none. */
struct dvbcss_message *ws_queue_front(const struct ws_queue *queue);

/** Removes the oldest message and releases it. */
void ws_queue_pop(struct ws_queue *queue);

/** Removes all; returns how many there were. */
size_t ws_queue_clear(struct ws_queue *queue);

#endif
