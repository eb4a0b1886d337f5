/**
 * @file
 * The rehearsal of an answer: a datagram that goes out and comes back over loopback, so that the
 * answer after it does not find the way through the kernel cold. Private to the suite.
 *
 * A thread that slept until a request came finds little of the code that sends in the caches of its
 * core. What is slow for that shows between the transmit time in an answer and its departure, where
 * a companion can tell it from nothing; after a rehearsal it lies before the transmit time.
 */
#ifndef DVBCSS_WALLCLOCK_WC_REHEARSAL_H
#define DVBCSS_WALLCLOCK_WC_REHEARSAL_H

#include "dvbcss/error.h"

struct wc_rehearsal;

/**
 * Opens a socket of its own on loopback that hears nobody but itself.
 *
 * @param family AF_INET or AF_INET6: that of the socket whose answers are rehearsed
 * @param out    NULL if loopback is not to be had: then there is no rehearsal, and nothing wrong
 * @return 0, DVBCSS_ENOMEM
 */
DVBCSS_NODISCARD int wc_rehearsal_open(struct wc_rehearsal **out, int family);

/** Closes and frees; NULL is fine. */
void wc_rehearsal_close(struct wc_rehearsal *rehearsal);

/** Sends a datagram as long as an answer and takes it back, without waiting for it; whatever fails
 * has no consequence. NULL is fine. */
void wc_rehearse(struct wc_rehearsal *rehearsal);

#endif
