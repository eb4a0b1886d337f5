#include "connection_log.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "logging.h"

enum { LINES_PER_S = 20 };

static struct dvbcss_log_limit limit;

void connection_log_flush(void)
{
    char text[96];

    if (limit.held_back == 0)
        return;
    snprintf(text, sizeof text, "%u more have ended, too many at a time for a line each",
             limit.held_back);
    logging_event(DVBCSS_LOG_INFO, "connections", text,
                  json_pack("{s:I}", "left_out", (json_int_t)limit.held_back));
    limit.held_back = 0;
}

void connection_log_end(void *context, struct dvbcss_connection *connection, unsigned code,
                        const char *reason)
{
    struct dvbcss_connection_counters counters;
    double age_s = (double)dvbcss_connection_age_ms(connection) / 1000.0;
    char peer[DVBCSS_ADDRESS_TEXT_SIZE], why[DVBCSS_CLOSE_REASON_MAX * 4 + 1], text[1024];

    (void)context;
    if (!dvbcss_log_enabled(DVBCSS_LOG_INFO) ||
        !dvbcss_log_permit(&limit, (int64_t)uv_hrtime(), 1000000000, LINES_PER_S))
        return;
    connection_log_flush();
    dvbcss_connection_counters(connection, &counters);
    dvbcss_address_format(dvbcss_connection_peer(connection), peer);
    dvbcss_log_escape(why, sizeof why, reason, strlen(reason));
    snprintf(text, sizeof text,
             "%s from %s ended after %.3f s: %llu messages (%llu bytes) out, %llu (%llu) in, "
             "%llu dropped, code %u%s%s",
             dvbcss_connection_id(connection), peer, age_s,
             (unsigned long long)counters.messages_out, (unsigned long long)counters.bytes_out,
             (unsigned long long)counters.messages_in, (unsigned long long)counters.bytes_in,
             (unsigned long long)counters.dropped, code, *why ? " " : "", why);
    logging_event(DVBCSS_LOG_INFO, "connection", text,
                  json_pack("{s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:i, s:s}", "connection",
                            dvbcss_connection_id(connection), "peer", peer, "age_s", age_s,
                            "messages_out", (json_int_t)counters.messages_out, "bytes_out",
                            (json_int_t)counters.bytes_out, "messages_in",
                            (json_int_t)counters.messages_in, "bytes_in",
                            (json_int_t)counters.bytes_in, "dropped", (json_int_t)counters.dropped,
                            "code", (int)code, "reason", why));
}
