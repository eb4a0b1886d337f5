/**
 * @file
 * The time source that the wall clock of this machine is made of.
 */
#ifndef DVBCSS_SYSTEM_TIME_H
#define DVBCSS_SYSTEM_TIME_H

#include <stdint.h>

#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads the system's monotonic time in nanoseconds. It starts near 0 when the machine does, and
 * neither steps nor slews when the system time is set or disciplined: its rate is that of the
 * crystal. It stands still while the machine is suspended.
 *
 * A `dvbcss_time_source` for root clocks and for the wall-clock server. All processes of a machine
 * read the same time.
 *
 * @param unused there for the type; NULL will do
 * @return nanoseconds since the machine started, never negative
 * @note Any thread.
 */
DVBCSS_API int64_t dvbcss_monotonic_ns(void *unused);

/**
 * Tells how far the rate of dvbcss_monotonic_ns() may be off. While the system time is synchronised
 * (by chronyd, ntpd, ...) the kernel knows the crystal's error from that; a margin for its
 * temperature and for what the kernel does not know is added. Otherwise it is the most that the
 * kernel could correct.
 *
 * @return parts per million, above 0
 * @note Any thread.
 */
DVBCSS_API double dvbcss_monotonic_max_freq_error_ppm(void);

/**
 * Reads the time for which the machine was suspended since it started, in nanoseconds:
 * dvbcss_monotonic_ns() stood still for so long. It is exact to a millisecond or so, and varies by
 * that: it tells a suspend, not a span.
 *
 * @note Any thread.
 */
DVBCSS_API int64_t dvbcss_suspended_ns(void);

#ifdef __cplusplus
}
#endif

#endif
