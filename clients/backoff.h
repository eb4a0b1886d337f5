/**
 * @file
 * When to try again: growing delays with a random part. Pure arithmetic.
 */
#ifndef CLIENTS_BACKOFF_H
#define CLIENTS_BACKOFF_H

#include <stdint.h>

/** Settings, and where the sequence of delays stands. */
struct backoff {
    /** Delay before the second attempt, and the largest delay. */
    uint32_t min_ms;
    uint32_t max_ms;
    /** A connection that lived this long starts the sequence anew. */
    uint32_t stable_ms;
    /** Delays given since the sequence began. */
    unsigned failures;
};

/**
 * Gives the next delay: min * 2^n, at most max, less a random part of up to a half, so that the
 * clients of a server that restarts do not come back all at once.
 *
 * @param random        any number, evenly distributed
 * @param retry_after_s what the server asked for in seconds, negative if nothing: the delay is at
 *                      least that, with the random part added instead; an hour is the most that a
 *                      server is granted
 * @return milliseconds
 */
uint32_t backoff_next(struct backoff *backoff, uint32_t random, int32_t retry_after_s);

/** Takes note of how long a connection lived that has just ended. */
void backoff_connection_lived(struct backoff *backoff, uint64_t lived_ms);

#endif
