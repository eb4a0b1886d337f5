/**
 * @file
 * The daemon's command line.
 */
#ifndef DVBCSSD_OPTIONS_H
#define DVBCSSD_OPTIONS_H

#include "config.h"

/** What the command line asks for. */
enum options_action {
    OPTIONS_RUN,
    OPTIONS_CHECK_CONFIG,
    /** Help, version or defaults were printed: exit with 0. */
    OPTIONS_DONE,
    /** An error was printed: exit with 2. */
    OPTIONS_FAILED,
};

/** Where to say that everything serves. */
struct options {
    /** Paths in the order given; "-" is stdout. Point into argv. */
    const char **ready_files;
    int ready_file_count;
};

/**
 * Reads the command line, and with it the configuration from all its sources.
 *
 * @param config  initialised; finish it whatever the outcome
 * @param options filled; finish it whatever the outcome
 */
enum options_action options_read(int argc, char **argv, char *const *environment,
                                 struct config *config, struct options *options);

/** Frees what the options hold. */
void options_finish(struct options *options);

#endif
