/**
 * @file
 * Somebody else's program, and the JSON lines that it prints about its clock.
 */
#ifndef DVBCSS_TOOL_ACCURACY_CHILD_H
#define DVBCSS_TOOL_ACCURACY_CHILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/** A line is not longer than this; longer ones are skipped. */
enum { ACCURACY_LINE_MAX = 16384 };

struct accuracy_child;

/** What a child tells. */
struct accuracy_child_events {
    /** An object that it printed; lines that are none are skipped. Valid during the call. */
    void (*line)(void *user, const json_t *object);
    /** It has ended by itself, and all its lines were told. @p signal is 0 unless one ended it. */
    void (*ended)(void *user, int64_t status, int signal);
};

/**
 * Starts a command with the shell. Its standard error is ours.
 *
 * @param out     ended with accuracy_child_close()
 * @param command copied
 * @return 0, DVBCSS_EIO, DVBCSS_ENOMEM
 */
int accuracy_child_start(struct accuracy_child **out, uv_loop_t *loop, const char *command,
                         const struct accuracy_child_events *events, void *user);

/** Ends the command and what it has started, by force if it takes long; calls no event any more.
 * NULL is fine. */
void accuracy_child_close(struct accuracy_child *child);

/** How many lines it has printed, whatever they say; 0 for NULL. */
uint64_t accuracy_child_lines(const struct accuracy_child *child);

/**
 * Puts the address of a network into a command: {url}, {host} and {port}.
 *
 * @return whether it fits into @p out
 */
bool accuracy_child_command(const char *command, const char *url, const char *host, unsigned port,
                            char *out, size_t size);

/** What a clock showed. */
struct accuracy_reading {
    /** dvbcss_monotonic_ns(). */
    int64_t monotonic_ns;
    int64_t wall_ns;
    /** How far it may be off, in seconds; NAN if that was not said. */
    double bound_s;
};

/**
 * Reads {"local_ns" (CLOCK_MONOTONIC_RAW) or "monotonic_ns" (CLOCK_MONOTONIC), "wall_ns",
 * "bound_s"}; times may be numbers or strings.
 *
 * @return false if it is no reading, or says that the clock is not available
 */
bool accuracy_child_reading(const json_t *object, struct accuracy_reading *out);

/** Whether it says that the clock is not available. */
bool accuracy_child_unavailable(const json_t *object);

#endif
