/**
 * @file
 * Takes a changed configuration while the daemon runs: whole or not at all.
 */
#ifndef DVBCSSD_RELOAD_H
#define DVBCSSD_RELOAD_H

#include <jansson.h>

#include "services.h"

/** What came of it. */
struct reload_result {
    /** Why it was refused: "tv.conf:12: ...". */
    char error[512];
    /** 0, or the dvbcss_error for which not all of what was taken could be put in force. */
    int failure;
    /** Arrays of names, as "log.level" and "timeline.pts": what is in force now, and what waits
     * for a restart. NULL if it was refused. */
    json_t *applied;
    json_t *needs_restart;
};

/**
 * Reads the configuration from its sources again and puts in force what changed.
 *
 * @param result filled; end it with reload_result_finish()
 * @return 0, or -1 if it was refused: then nothing has changed
 */
int reload(struct services *services, struct reload_result *result);

/** Frees what the result holds. */
void reload_result_finish(struct reload_result *result);

#endif
