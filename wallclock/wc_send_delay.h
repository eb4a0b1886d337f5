/**
 * @file
 * How long a datagram takes from the reading of the clock before it is given to the kernel until it
 * leaves. Private to the suite.
 */
#ifndef DVBCSS_WALLCLOCK_WC_SEND_DELAY_H
#define DVBCSS_WALLCLOCK_WC_SEND_DELAY_H

#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"

/**
 * Measures it by datagrams that the kernel stamps, on a socket of its own that sends to itself.
 * Blocks for some milliseconds.
 *
 * @param delay_ns nanoseconds that every datagram of this machine takes at least: three quarters of
 *                 the shortest measured, so that a time to which they are added is not after the
 *                 departure; 0 where it cannot be measured
 * @return 0, DVBCSS_ENOMEM
 */
DVBCSS_NODISCARD int wc_send_delay_measure(int64_t *delay_ns, dvbcss_time_source now_ns,
                                           void *user);

#endif
