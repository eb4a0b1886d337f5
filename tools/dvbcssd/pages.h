/**
 * @file
 * The pages: files for browsers on the companions' listener, and the programme's media for them.
 */
#ifndef DVBCSSD_PAGES_H
#define DVBCSSD_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "dvbcss/server.h"

struct pages;

/** What was asked for so far. */
struct pages_counters {
    uint64_t answered;
    uint64_t refused;
    /** Bytes of files. */
    uint64_t bytes;
};

/**
 * Starts to serve; nothing if the configuration does not ask for it.
 *
 * @param out    set to NULL if pages are not served
 * @param server where they are served
 * @param reason filled on failure
 * @return 0 or -1
 */
int pages_start(struct pages **out, struct dvbcss_server *server, const struct config *config,
                char *reason, size_t reason_size);

/** Ends it. NULL is fine. */
void pages_stop(struct pages *pages);

/** What was asked for. */
const struct pages_counters *pages_counters(const struct pages *pages);

#endif
