/**
 * @file
 * Endpoints that are served twice, at a path of their own and as a channel of App2App: what both
 * have in common, by the configuration.
 */
#ifndef DVBCSSD_CHANNELS_H
#define DVBCSSD_CHANNELS_H

#include "config.h"
#include "dvbcss/cii_endpoint.h"
#include "dvbcss/clock.h"
#include "dvbcss/wc_ws_endpoint.h"

/** CII by [cii]: whom it lets in, its limits, and what its URLs name. @p hosts is limits_hosts();
 * the strings stay whose they are. */
struct dvbcss_cii_endpoint_options channels_cii(const struct config *config, const char *hosts);

/** The wall clock by [wc_ws], likewise. */
struct dvbcss_wc_ws_endpoint_options channels_wall_clock(const struct config *config,
                                                         const char *hosts,
                                                         const struct dvbcss_clock *wall_clock);

#endif
