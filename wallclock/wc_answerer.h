/**
 * @file
 * Answers CSS-WC requests on one UDP socket, a batch at a time, for whoever waits until something
 * has arrived: a loop (wc_server.h) or a thread (wc_service.h). Private to the suite.
 *
 * Nothing here blocks or waits, and nothing allocates but opening. An answerer is used by one
 * thread, except where a function says otherwise.
 */
#ifndef DVBCSS_WALLCLOCK_WC_ANSWERER_H
#define DVBCSS_WALLCLOCK_WC_ANSWERER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/wc_server.h"
#include "wallclock/wc_address.h"

struct wc_answerer;

/** Opens the socket, as dvbcss_wc_server_create(): the same errors. */
DVBCSS_NODISCARD int wc_answerer_open(struct wc_answerer **out,
                                      const struct dvbcss_wc_server_options *options);

/** Sends the follow-ups that are still due, closes the socket and frees; NULL is fine. */
void wc_answerer_close(struct wc_answerer *answerer);

/** The descriptor, to be polled. */
int wc_answerer_descriptor(const struct wc_answerer *answerer);

/** The libuv events to poll for (see uv_poll_start()). */
int wc_answerer_poll_events(const struct wc_answerer *answerer);

/** Answers what has arrived, but no more than about a millisecond's work, and publishes the
 * counters. */
void wc_answerer_turn(struct wc_answerer *answerer);

/** Sends the follow-ups of earlier answers whose transmit stamps have come meanwhile, and of those
 * that have waited long enough, and publishes the counters. To be called when polling tells an
 * error or UV_PRIORITIZED, and when wc_answerer_wait_ns() is over; after wc_answerer_turn(), for
 * answers come first. */
void wc_answerer_follow_up(struct wc_answerer *answerer);

/** Nanoseconds until a follow-up is due even if no stamp comes, 0 if it is already; -1 for none. */
int64_t wc_answerer_wait_ns(const struct wc_answerer *answerer);

/** Clears an error that polling told; wc_answerer_follow_up() does the rest. */
void wc_answerer_clear_error(struct wc_answerer *answerer);

/** The address that the socket is bound to. */
const union wc_address *wc_answerer_address(const struct wc_answerer *answerer);

/** The precision in seconds that is announced. Any thread. */
double wc_answerer_precision_s(const struct wc_answerer *answerer);

/** The receive buffer that the system granted; see dvbcss_wc_service_receive_buffer(). */
size_t wc_answerer_receive_buffer(const struct wc_answerer *answerer);

/** Reads what was last published. Any thread. */
void wc_answerer_counters(const struct wc_answerer *answerer,
                          struct dvbcss_wc_server_counters *counters);

#endif
