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

#ifdef __cplusplus
}
#endif

#endif
