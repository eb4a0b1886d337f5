/**
 * @file
 * Showing what was found on the network.
 */
#ifndef DVBCSS_TOOL_DISCOVER_REPORT_H
#define DVBCSS_TOOL_DISCOVER_REPORT_H

#include "dvbcss/cii.h"
#include "dvbcss/discovery_client.h"
#include "watch.h"

/**
 * Shows a TV.
 *
 * @param cii     what it presents; NULL if it was not asked
 * @param trouble why it did not say; "" if it did
 */
void discover_report_tv(struct watch *watch, const struct dvbcss_discovered *device,
                        const struct dvbcss_cii *cii, const char *trouble);

/** Shows a device that is no TV, or cannot be read, and why. */
void discover_report_other(struct watch *watch, const struct dvbcss_discovered *device);

/** Shows that the search is over, and to people what to try if nothing was found. */
void discover_report_done(struct watch *watch,
                          const struct dvbcss_discovery_client_counters *counters, size_t tvs);

#endif
