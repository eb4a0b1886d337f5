/**
 * @file
 * How much a peer may send. Private to server-core.
 */
#ifndef DVBCSS_WS_LIMITS_H
#define DVBCSS_WS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dvbcss_connection;

/** A token bucket, told by what is missing in it, so that all zero is a full one. */
struct ws_bucket {
    /** Thousandths of a token. */
    uint64_t missing;
    uint64_t updated_ms;
};

/**
 * Takes tokens.
 *
 * @param rate  tokens that come back per second, not 0
 * @param burst tokens in a full bucket
 * @return whether they were there; if not, they are missing from now on all the same
 */
bool ws_bucket_take(struct ws_bucket *bucket, uint64_t rate, uint64_t burst, uint64_t tokens,
                    uint64_t now_ms);

/** What a connection has used up. */
struct ws_usage {
    struct ws_bucket messages;
    struct ws_bucket pings;
    struct ws_bucket bytes;
    /** Bytes of the wire that were taken from the bucket, and when that was compared with what
     * came; 0: not since there is a limit. */
    uint64_t paid;
    uint64_t compared_ms;
};

/** Takes what has arrived out of the connection's buckets, and closes the connection if that is too
 * much. @p final with the last byte of a message. Returns whether it may stay. */
bool ws_limits_take(struct dvbcss_connection *connection, size_t length, bool final);

/** The same with a ping: as many as messages, beside them. */
bool ws_limits_take_ping(struct dvbcss_connection *connection);

/** The same with what has arrived beside payload, now and then; and closes the connection if its
 * setup takes too long. Returns whether it may stay. */
bool ws_limits_check(struct dvbcss_connection *connection);

#endif
