/**
 * @file
 * What the commands share that watch a TV: options, the loop with its signals and timers, samples
 * at an interval, and output as a live line, as lines, or as JSON lines.
 *
 *     watch_run() -> start() -> [sample() at each interval, events of clients] -> stop() -> exit
 */
#ifndef DVBCSS_TOOL_WATCH_H
#define DVBCSS_TOOL_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "command.h"

struct watch;

/** What a command does while it watches. */
struct watch_ops {
    /** Makes the clients; returns an exit code, EXIT_DONE to go on. */
    int (*start)(struct watch *watch);
    /** Shows where things stand, at each interval and once at the end of the live line. NULL for
     * none. */
    void (*sample)(struct watch *watch);
    /** Closes what start() made; the loop runs empty afterwards. Called also after start() failed.
     */
    void (*stop)(struct watch *watch);
};

/** A command that watches. Put it first in a struct of your own. */
struct watch {
    const struct command *command;
    const struct watch_ops *ops;
    uv_loop_t loop;
    bool json;
    double interval_s;
    /** 0 for none. */
    double timeout_s;
    /** How many results are wanted; 0 for no end. */
    int64_t count;
    /** What was last said to be waited for; compared by its address. */
    const char *waiting;

    /* ---- the members below belong to watch.c ---- */
    uv_timer_t sampler;
    uv_timer_t deadline;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    bool live;
    bool line_open;
    bool running;
    int exit_code;
};

/** The options that every such command has, for getopt_long(). */
#define WATCH_OPTIONS                                                                              \
    {"json", no_argument, NULL, 'j'}, {"interval", required_argument, NULL, 'i'},                  \
        {"count", required_argument, NULL, 'n'}, {"timeout", required_argument, NULL, 't'},        \
    {                                                                                              \
        "help", no_argument, NULL, 'h'                                                             \
    }
#define WATCH_LETTERS "ji:n:t:h"
#define HELP_INTERVAL(seconds) "  -i, --interval SECONDS  time between samples (" seconds ")\n"
#define HELP_WATCH_OPTIONS(what)                                                                   \
    "  -n, --count N           end after N " what "\n"                                             \
    "  -t, --timeout SECONDS   end with status 3 if it is not done by then\n"                      \
    "  -j, --json              print JSON lines\n"                                                 \
    "  -h, --help              print this and exit\n"

/** Sets the defaults: an interval of @p interval_s seconds, no end. */
void watch_init(struct watch *watch, const struct command *command, const struct watch_ops *ops,
                double interval_s);

/** Takes an option of the command's own. Returns whether its value is good. */
typedef bool (*watch_take_option)(struct watch *watch, int option, const char *argument);

/**
 * Reads the command's options; those of WATCH_OPTIONS it takes itself.
 *
 * @param letters WATCH_LETTERS and the command's own, as for getopt_long()
 * @param options WATCH_OPTIONS and the command's own, ended by zeros
 * @param take    NULL if the command has none of its own
 * @return -1 to go on, with optind at the first argument; or an exit code, when help was printed
 *         or an error
 */
int watch_read_options(struct watch *watch, int argc, char **argv, const char *letters,
                       const struct option *options, watch_take_option take);

/** Runs the command to its end. Returns its exit code. */
int watch_run(struct watch *watch);

/** Ends the command from inside its loop; the first call decides the exit code. Nothing happens
 * while the loop does not run. */
void watch_finish(struct watch *watch, int exit_code);

/** Counts one result; ends the command with EXIT_DONE when --count is reached. */
void watch_count(struct watch *watch);

/** Prints a line for people, below the live line if there is one. Not with --json. */
void watch_say(struct watch *watch, const char *format, ...) DVBCSS_PRINTF(2, 3);

/** Shows the present state to people: on a terminal in the place of the last such line, elsewhere
 * as a line of its own. Not with --json. */
void watch_show(struct watch *watch, const char *format, ...) DVBCSS_PRINTF(2, 3);

/** Shows what is waited for, as watch_show(); but elsewhere than on a terminal only if @p text is
 * another than @c waiting. It has to stay valid. */
void watch_wait(struct watch *watch, const char *text);

/** Prints an object as a JSON line and lets go of it. NULL (no memory) is reported. Ends the
 * command when nobody reads any more. */
void watch_print(struct watch *watch, json_t *object);

/** A number for JSON: null if it is not finite. */
json_t *watch_json_number(double value);

/** A string for JSON: null for NULL. */
json_t *watch_json_text(const char *text);

#endif
