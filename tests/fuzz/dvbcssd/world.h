/**
 * @file
 * The daemon inside a fuzzer's process, with a clock that moves only when it is told to: what takes
 * half a minute of patience outside takes no time here, and a run repeats exactly.
 *
 * Visitors (visitor.h) are the other ends of its connections.
 */
#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include <stdint.h>

/** Listeners of the daemon. */
enum world_listener { WORLD_COMPANIONS, WORLD_COMPANIONS_TLS, WORLD_CONTROL, WORLD_LISTENERS };

/** The bearer token of the control API. */
#define WORLD_TOKEN "0123456789abcdef"

/** Ends the process, for the fuzzer to report, unless @p condition holds. */
#define world_require(condition) world_check((condition) != 0, #condition, __FILE__, __LINE__)
void world_check(int holds, const char *condition, const char *file, int line);

/** Starts the daemon if it does not run. */
void world_begin(void);

/** The port of a listener, in network byte order. */
uint16_t world_port(enum world_listener listener);

/** Turns the loop until nothing happens any more. */
void world_settle(void);

/** Lets time pass. */
void world_pass(uint64_t milliseconds);

/** Ends the daemon as SIGTERM does, with whoever is connected; world_end() sees it through. */
void world_terminate(void);

/** Something may have been changed that has to be put back. */
void world_mark_changed(void);

/** Once all visitors have left: memory, descriptors and handles are what they were in the
 * beginning, and if the daemon is to end or was changed, it ends and leaves nothing. */
void world_end(void);

#endif
