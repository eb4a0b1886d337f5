/**
 * @file
 * Looks the addresses of a wall-clock server up without blocking the loop. Private to clients.
 */
#ifndef CLIENTS_WC_LOOKUP_H
#define CLIENTS_WC_LOOKUP_H

#include <uv.h>

#include "wallclock/wc_address.h"

/** The most addresses of a name that are considered. */
enum { WC_LOOKUP_ADDRESSES = 8 };

/** A look-up under way. */
struct wc_lookup;

/**
 * Called exactly once for each look-up that was started, from the loop; it is gone then.
 *
 * @param status    0 or a code of libuv; UV_ECANCELED after wc_lookup_cancel()
 * @param addresses valid during the call
 * @param count     at least 1 if @p status is 0
 */
typedef void (*wc_lookup_done)(void *user, int status, const union wc_address *addresses,
                               unsigned count);

/**
 * Starts looking a name up.
 *
 * @param family AF_INET, AF_INET6, or AF_UNSPEC for both
 * @return 0, DVBCSS_ENOMEM, DVBCSS_ERESOLVE for a name that cannot be one
 */
DVBCSS_NODISCARD int wc_lookup_start(struct wc_lookup **out, uv_loop_t *loop, const char *host,
                                     uint16_t port, int family, wc_lookup_done done, void *user);

/** Gives a look-up up; its callback still follows from the loop. */
void wc_lookup_cancel(struct wc_lookup *lookup);

#endif
