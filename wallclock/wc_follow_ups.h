/**
 * @file
 * The follow-ups (type 3) of answers that were sent with type 2: each tells when the kernel passed
 * its answer to the network driver. Private to the suite.
 *
 * The kernel's transmit stamp is nearly always there when the answer was sent. It comes later where
 * a queue of the network, or the driver, holds the answer back; then the answer is kept until its
 * stamp comes, but no longer than WC_FOLLOW_UP_WAIT_NS, and no more of them than
 * WC_FOLLOW_UPS_KEPT: for the newest the oldest is followed up. A follow-up without a stamp repeats
 * the transmit time of its answer, which is true, if early.
 *
 * Nothing here waits or reads a clock: `now_ns` is of any clock that runs as time does and never
 * back. Nothing allocates but making. Follow-ups are used by the thread that uses their socket.
 */
#ifndef DVBCSS_WALLCLOCK_WC_FOLLOW_UPS_H
#define DVBCSS_WALLCLOCK_WC_FOLLOW_UPS_H

#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/wc_server.h"
#include "wallclock/wc_socket.h"

enum {
    /** The most answers that wait for their stamps. */
    WC_FOLLOW_UPS_KEPT = 2 * WC_SOCKET_BATCH,
};

/** The longest wait for a stamp, in nanoseconds. */
#define WC_FOLLOW_UP_WAIT_NS INT64_C(1000000)

struct wc_follow_ups;

/**
 * Makes them for the answers that are sent on a socket.
 *
 * @param socket   opened for transmit times; must outlive them
 * @param counters `follow_ups`, `stamped_follow_ups` and `send_failures` are counted there; must
 *                 outlive them
 * @return 0, DVBCSS_ENOMEM
 */
DVBCSS_NODISCARD int wc_follow_ups_create(struct wc_follow_ups **out, struct wc_socket *socket,
                                          struct dvbcss_wc_server_counters *counters);

/** Follows up what is still kept, and frees; NULL is fine. */
void wc_follow_ups_destroy(struct wc_follow_ups *follow_ups);

/**
 * Takes the answers that were just sent, stamped: follows up those whose stamps are there, and
 * those that will have none, and keeps the others. Those that the system refused have no follow-up.
 * Whatever else is due goes out with them.
 *
 * @param answers at most WC_SOCKET_BATCH, `time_ns` the transmit time that each carries; copied if
 *                they are kept, and altered
 */
void wc_follow_ups_add(struct wc_follow_ups *follow_ups, struct wc_packet *const *answers,
                       unsigned count, int64_t now_ns);

/** Follows up those whose stamps have come meanwhile, and those that have waited long enough. To be
 * called when polling tells that there are stamps, and when the wait is over. */
void wc_follow_ups_send_due(struct wc_follow_ups *follow_ups, int64_t now_ns);

/** How long (ns) the oldest that is kept may still wait, 0 if it has waited long enough; -1 if none
 * is kept. */
int64_t wc_follow_ups_wait_ns(const struct wc_follow_ups *follow_ups, int64_t now_ns);

#endif
