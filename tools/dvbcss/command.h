/**
 * @file
 * The sub-commands of `dvbcss`, and what their command lines share.
 */
#ifndef DVBCSS_TOOL_COMMAND_H
#define DVBCSS_TOOL_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/export.h"
#include "dvbcss/time.h"

/** Exit codes that scripts can rely on. */
enum exit_code {
    /** What was asked for was done, or the user ended it. */
    EXIT_DONE = 0,
    /** It could not be done: no connection, not a message, ... */
    EXIT_FAILED = 1,
    /** The command line is wrong. */
    EXIT_USAGE = 2,
    /** The time of --timeout was over before it was done. */
    EXIT_TIMEOUT = 3,
};

/** A sub-command. */
struct command {
    const char *name;
    /** One line for the list of commands. */
    const char *summary;
    /** Usage, options and exit codes. */
    const char *help;
    /** argv[0] is the command's name. Returns an exit code. */
    int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_accuracy;
extern const struct command command_cii;
extern const struct command command_companion;
extern const struct command command_ctl;
extern const struct command command_decode;
extern const struct command command_discover;
extern const struct command command_doctor;
extern const struct command command_impair;
extern const struct command command_ts;
extern const struct command command_wc;

/** Says what is wrong with the command line, and where help is. Returns EXIT_USAGE. */
int usage_error(const struct command *command, const char *format, ...) DVBCSS_PRINTF(2, 3);

/** Says what failed. Returns EXIT_FAILED. */
int failure(const struct command *command, const char *format, ...) DVBCSS_PRINTF(2, 3);

/** Writes out what was printed; false if that cannot be. finish_output() tells why, at the end. */
bool flush_output(void);

/**
 * Writes out what a command printed, at its end, and says so if not all of it was written. Nobody
 * reading any more is no news: whoever closed the pipe knows.
 *
 * @param name      of the command; NULL for none
 * @param exit_code the command's own
 * @return that, or EXIT_FAILED if it was EXIT_DONE and something was not written
 */
int finish_output(const char *name, int exit_code);

/** The part of help texts on whom to believe by TLS; @p scheme is "wss" or "https". */
#define HELP_TRUST(scheme)                                                                         \
    "      --ca-file FILE      certificates (PEM) that a " scheme " server's must descend from\n"  \
    "                          (the system's)\n"                                                   \
    "      --pin PIN           SHA-256 of its public key, in hex or base64; without --ca-file\n"   \
    "                          that alone decides\n"

/** The part of every help text on exit codes. */
#define HELP_EXIT_CODES                                                                            \
    "\n"                                                                                           \
    "Exit status: 0 done (or ended by a signal), 1 failed, 2 bad command line,\n"                  \
    "3 not done within --timeout.\n"

/** Reads a finite number from @p minimum to @p maximum; false if it is none. */
bool read_number(const char *text, double minimum, double maximum, double *out);

/** Reads a whole number from @p minimum to @p maximum; false if it is none. */
bool read_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *out);

/** Reads a tick rate, as 90000 or 30000/1001; false if it is none. */
bool read_rate(const char *text, struct dvbcss_rate *out);

#endif
