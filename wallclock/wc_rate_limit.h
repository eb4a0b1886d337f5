/**
 * @file
 * A limit of answers per second for each source address. Private to the suite; reads no clock.
 *
 * A fixed table of token buckets. A source that is not in the table takes the place of the one
 * whose bucket has been full for the longest time, or is the nearest to it: whoever fills the table
 * with sources only has others start with full buckets.
 */
#ifndef DVBCSS_WALLCLOCK_WC_RATE_LIMIT_H
#define DVBCSS_WALLCLOCK_WC_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "wallclock/wc_address.h"

struct wc_rate_limit;

/** Of the requests beyond the limit one in so many is let pass, by chance. */
enum { WC_RATE_LIMIT_LEAK = 8 };

/**
 * Makes a table of full buckets.
 *
 * @param per_s  answers per second, 1 to DVBCSS_WC_SERVER_LIMIT_MAX, and how many a bucket holds
 * @param secret random bits
 * @return 0, DVBCSS_ERANGE, DVBCSS_ENOMEM
 */
DVBCSS_NODISCARD int wc_rate_limit_create(struct wc_rate_limit **out, unsigned per_s,
                                          uint64_t secret);

/** Frees the table; NULL is fine. */
void wc_rate_limit_destroy(struct wc_rate_limit *limit);

/**
 * Tells whether a source may have an answer, and counts that it has one.
 *
 * @param source an IPv4 or IPv6 address; its port does not matter, and of an IPv6 address only the
 *               network of 64 bits, unless it is link-local
 * @param now_ns never negative
 */
bool wc_rate_limit_passes(struct wc_rate_limit *limit, const union wc_address *source,
                          int64_t now_ns);

#endif
