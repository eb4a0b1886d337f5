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

/** The command line, as far as it is needed while the daemon runs. Points into argv and the
 * environment. */
struct options {
    /** Where to say that everything serves: paths in the order given; "-" is stdout. */
    const char **ready_files;
    int ready_file_count;
    /** Where the configuration comes from. */
    const char *config_file;
    const char **assignments;
    int assignment_count;
    char *const *environment;
};

/**
 * Reads the command line, and with it the configuration from all its sources.
 *
 * @param config  initialised; finish it whatever the outcome
 * @param options filled; finish it whatever the outcome
 */
enum options_action options_read(int argc, char **argv, char *const *environment,
                                 struct config *config, struct options *options);

/** Reads the configuration from all its sources once more, into an initialised one. Returns 0, or
 * -1 with @p error filled. */
int options_read_config(const struct options *options, struct config *config,
                        struct config_error *error);

/** Frees what the options hold. */
void options_finish(struct options *options);

#endif
