/**
 * @file
 * Datagrams under way, the one that is due first in front.
 */
#ifndef DVBCSS_TOOL_IMPAIR_QUEUE_H
#define DVBCSS_TOOL_IMPAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "impair_model.h"

/** A datagram under way. */
struct impair_datagram {
    int64_t due_ns;
    int64_t arrival_ns;
    enum impair_direction direction;
    /** Whose it is: place and generation of the session. */
    unsigned session;
    unsigned generation;
    size_t length;
    uint8_t bytes[];
};

/** A place in the queue. */
struct impair_place {
    int64_t due_ns;
    /** Order of arrival: of two that are due together the older one goes first. */
    uint64_t number;
    struct impair_datagram *datagram;
};

/** A heap of datagrams, bounded. */
struct impair_queue {
    struct impair_place *heap;
    size_t count;
    size_t limit;
    uint64_t next_number;
};

/** Makes an empty queue for up to @p limit datagrams. Returns 0 or DVBCSS_ENOMEM. */
int impair_queue_init(struct impair_queue *queue, size_t limit);

/** Forgets all datagrams; zeros are fine. */
void impair_queue_finish(struct impair_queue *queue);

/**
 * Puts a datagram in.
 *
 * @param head  everything but the bytes
 * @return false if the queue is full or there is no memory
 */
bool impair_queue_add(struct impair_queue *queue, const struct impair_datagram *head,
                      const void *bytes);

/** When the first one is due; INT64_MAX if there is none. */
int64_t impair_queue_due_ns(const struct impair_queue *queue);

/** Takes the first one out, to be ended with dvbcss_free(). Not from an empty queue. */
struct impair_datagram *impair_queue_take(struct impair_queue *queue);

#endif
