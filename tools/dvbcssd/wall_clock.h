/**
 * @file
 * The daemon's wall-clock service: from the words of the configuration to a service on threads of
 * its own.
 */
#ifndef DVBCSSD_WALL_CLOCK_H
#define DVBCSSD_WALL_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "dvbcss/wc_service.h"

/** The frequency error that is announced, in ppm: set, or what the system knows. */
double wall_clock_freq_error_ppm(const struct config_wallclock *config);

/**
 * Starts the service on every address that is listed.
 *
 * @param reason filled on error: "192.0.2.1 port 6677: address cannot be used"
 * @return 0 or -1
 */
int wall_clock_start(struct dvbcss_wc_service **out, const struct config_wallclock *config,
                     char *reason, size_t reason_size);

/** Tells whether who reached another service on @p address reaches the wall clock there, too. */
bool wall_clock_is_on(const struct config_wallclock *config, const char *address);

/** Writes the first address that is listed. */
void wall_clock_first_address(const struct config_wallclock *config, char *address, size_t size);

#endif
