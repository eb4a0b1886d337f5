/**
 * @file
 * Runs a program with text on its standard input, for a limited time, without a shell. Private to
 * discovery.
 */
#ifndef DISCOVERY_DIAL_COMMAND_H
#define DISCOVERY_DIAL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "dvbcss/error.h"

/** A program that runs. */
struct dial_command;

/** How it ended. */
struct dial_command_end {
    /** Exit status; -1 if a signal ended it. */
    int status;
    /** Whether it was killed because its time was over. */
    bool timed_out;
};

/** Called from the loop when a program has ended and all of it is off the loop. @p end is NULL
 * after dial_command_kill(). */
typedef void (*dial_command_ended)(void *user, const struct dial_command_end *end);

/**
 * Starts a program in a process group of its own.
 *
 * @param arguments program, found by PATH, and its arguments; NULL at the end
 * @param input     copied
 * @return 0, DVBCSS_ENOENT (it cannot be started), DVBCSS_EIO, DVBCSS_ENOMEM; handles may close on
 *         the loop if it fails, and @p ended is not called
 */
DVBCSS_NODISCARD int dial_command_start(struct dial_command **out, uv_loop_t *loop,
                                        const char *const *arguments, const void *input,
                                        size_t length, unsigned timeout_ms,
                                        dial_command_ended ended, void *user);

/** Kills the program and what it has started; `ended` follows from the loop. */
void dial_command_kill(struct dial_command *command);

#endif
