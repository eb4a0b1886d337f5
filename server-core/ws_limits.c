#include "server-core/ws_limits.h"

#include <stdio.h>

#include "server-core/ws_internal.h"

enum {
    MS_PER_S = 1000,
    /* As much as fits into a bucket comes in that time. */
    OVERHEAD_INTERVAL_MS = DVBCSS_RATE_BURST_S * MS_PER_S,
};

bool ws_bucket_take(struct ws_bucket *bucket, uint64_t rate, uint64_t burst, uint64_t tokens,
                    uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - bucket->updated_ms;

    bucket->updated_ms = now_ms;
    /* A thousandth of a token per unit of rate and millisecond. */
    if (elapsed_ms > bucket->missing / rate)
        bucket->missing = 0;
    else
        bucket->missing -= elapsed_ms * rate;
    if (tokens > (UINT64_MAX - bucket->missing) / MS_PER_S)
        return false;
    bucket->missing += tokens * MS_PER_S;
    return bucket->missing / MS_PER_S < burst || bucket->missing == burst * MS_PER_S;
}

static uint64_t now_ms(const struct dvbcss_connection *connection)
{
    return uv_now(connection->endpoint->server->loop);
}

static bool take_bytes(struct dvbcss_connection *connection, uint64_t bytes)
{
    const struct dvbcss_endpoint_limits *limits = &connection->endpoint->options.limits;
    uint64_t burst = (uint64_t)limits->max_bytes_per_s * DVBCSS_RATE_BURST_S;
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];

    if (burst < limits->max_message_bytes)
        burst = limits->max_message_bytes;
    if (limits->max_bytes_per_s == 0 ||
        ws_bucket_take(&connection->usage.bytes, limits->max_bytes_per_s, burst, bytes,
                       now_ms(connection)))
        return true;
    connection->endpoint->server->counters.byte_rate_evictions++;
    snprintf(reason, sizeof reason, "more than %zu bytes per second", limits->max_bytes_per_s);
    ws_connection_close(connection, DVBCSS_CLOSE_POLICY, reason);
    return false;
}

/* One of @p what. */
static bool take_message(struct dvbcss_connection *connection, struct ws_bucket *bucket,
                         const char *what)
{
    const struct dvbcss_endpoint_limits *limits = &connection->endpoint->options.limits;
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];

    if (limits->max_messages_per_s == 0 ||
        ws_bucket_take(bucket, limits->max_messages_per_s,
                       (uint64_t)limits->max_messages_per_s * DVBCSS_RATE_BURST_S, 1,
                       now_ms(connection)))
        return true;
    connection->endpoint->server->counters.message_rate_evictions++;
    snprintf(reason, sizeof reason, "more than %u %s per second", limits->max_messages_per_s, what);
    ws_connection_close(connection, DVBCSS_CLOSE_POLICY, reason);
    return false;
}

bool ws_limits_take(struct dvbcss_connection *connection, size_t length, bool final)
{
    connection->usage.paid += length;
    return take_bytes(connection, length) &&
           (!final || take_message(connection, &connection->usage.messages, "messages"));
}

bool ws_limits_take_ping(struct dvbcss_connection *connection)
{
    return take_message(connection, &connection->usage.pings, "pings");
}

/* Heads of frames and what is no message, however little is in it. Later than payload, so that a
 * message that is as long as it may be is not one byte too many for its head. */
static bool check_overhead(struct dvbcss_connection *connection)
{
    struct ws_usage *usage = &connection->usage;
    uint64_t now = now_ms(connection);
    uint64_t paid = usage->paid;
    bool first = usage->compared_ms == 0;

    if (connection->endpoint->options.limits.max_bytes_per_s == 0) {
        usage->compared_ms = 0;
        return true;
    }
    if (!first && now - usage->compared_ms < OVERHEAD_INTERVAL_MS)
        return true;
    usage->compared_ms = now;
    usage->paid = connection->socket->received;
    /* What came before there was a limit is free. */
    return first || usage->paid <= paid || take_bytes(connection, usage->paid - paid);
}

static bool check_setup(struct dvbcss_connection *connection)
{
    unsigned limit_s = connection->endpoint->options.limits.setup_timeout_s;
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];

    if (limit_s == 0 || connection->setup_done ||
        now_ms(connection) - connection->opened_ms < (uint64_t)limit_s * MS_PER_S)
        return true;
    connection->endpoint->server->counters.setup_evictions++;
    snprintf(reason, sizeof reason, "no setup within %u seconds", limit_s);
    ws_connection_close(connection, DVBCSS_CLOSE_POLICY, reason);
    return false;
}

bool ws_limits_check(struct dvbcss_connection *connection)
{
    return check_setup(connection) && check_overhead(connection);
}
