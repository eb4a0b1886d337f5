/**
 * @file
 * How many file descriptors the daemon may have.
 */
#ifndef DVBCSSD_DESCRIPTORS_H
#define DVBCSSD_DESCRIPTORS_H

#include "config.h"

/** What servers are to be made for: descriptors below these numbers. */
struct descriptors {
    /** The companions' listener. */
    unsigned companions;
    /** Control, too: companions who take all of theirs do not lock it out. */
    unsigned control;
};

/**
 * Raises the process's own limit (RLIMIT_NOFILE) as far as the configuration needs it and the
 * system allows it; what the system does not allow is logged. It is never lowered.
 */
struct descriptors descriptors_prepare(const struct config *config);

#endif
