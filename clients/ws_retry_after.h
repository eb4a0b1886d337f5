/**
 * @file
 * The Retry-After header of an HTTP answer (RFC 9110 10.2.3).
 */
#ifndef CLIENTS_WS_RETRY_AFTER_H
#define CLIENTS_WS_RETRY_AFTER_H

#include <stdint.h>

/** Room for a value that can be understood: as long as a date. */
enum { WS_RETRY_AFTER_SIZE = 30 };

/**
 * Reads the header: seconds, or a date in the form that servers have to write (IMF-fixdate), which
 * is compared with the server's own clock so that nobody's needs to be right.
 *
 * @param value   of the header
 * @param date    of the answer's Date header; where it is no date, @p now_s counts
 * @param now_s   seconds since 1970
 * @return seconds, 0 for a date that is past; -1 if the value is neither
 */
int32_t ws_retry_after_s(const char *value, const char *date, int64_t now_s);

#endif
