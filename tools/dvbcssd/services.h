/**
 * @file
 * The daemon's services: wall clock, HTTP listener, CII, TS and what the television presents,
 * started in this order and stopped in the reverse one.
 */
#ifndef DVBCSSD_SERVICES_H
#define DVBCSSD_SERVICES_H

#include <stddef.h>
#include <uv.h>

#include "config.h"

struct services;

/** What could not be started and why, for people: "wallclock: 0.0.0.0:6677: ...". */
struct services_error {
    char text[512];
};

/** Where the services can be reached; "" for one that is not there. */
struct services_urls {
    char cii[512];
    char ts[512];
    char wc[512];
    char http[512];
};

/**
 * Starts everything that the configuration asks for; it serves once the loop runs.
 *
 * @param config copied as far as it is needed later
 * @return 0, or -1 with @p error filled; handles may then be closing on the loop: run it once more
 */
int services_start(struct services **out, uv_loop_t *loop, const struct config *config,
                   struct services_error *error);

/** Stops everything, telling each companion. The loop runs empty afterwards. NULL is fine. */
void services_stop(struct services *services);

/** The URLs, with the ports that the system chose. */
void services_urls(const struct services *services, struct services_urls *urls);

#endif
