/**
 * @file
 * What `dvbcss ctl` can be told: a table of commands, each with the request that it makes.
 */
#ifndef DVBCSS_TOOL_CTL_COMMANDS_H
#define DVBCSS_TOOL_CTL_COMMANDS_H

#include <stdbool.h>

#include "ctl_http.h"
#include "ctl_show.h"

/** Options that belong to some commands only; NULL if not given. */
struct ctl_options {
    const char *at;
    const char *in;
    const char *code;
    const char *reason;
    const char *rate;
    const char *position;
    const char *speed;
    const char *accuracy;
    bool unavailable;
};

/** A command line behind the command's words. */
struct ctl_line {
    const struct ctl_options *options;
    int count;
    char **arguments;
};

/** What is wrong with a command line. */
struct ctl_error {
    char text[256];
};

struct ctl_command {
    /** One word or two. */
    const char *words;
    /** For people: "NAME SECONDS". */
    const char *arguments;
    int minimum, maximum;
    /** One line for the list of commands. */
    const char *help;
    const char *method;
    /** "%s" is the first argument, if there is one. */
    const char *path;
    /** Makes the request's body: 0, or -1 with @p error filled. NULL for no body. */
    int (*build)(const struct ctl_line *line, json_t *body, struct ctl_error *error);
    /** NULL: the answer is printed as it is. */
    ctl_show show;
};

extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;

/** Finds the command that a line begins with, of several the longest; NULL if there is none.
 * @param words set to the number of its words */
const struct ctl_command *ctl_command_find(int count, char **arguments, int *words);

/** Makes the request; the caller lets go of its body. 0, or -1 with @p error filled. */
int ctl_command_request(const struct ctl_command *command, const struct ctl_line *line,
                        struct ctl_request *request, struct ctl_error *error);

#endif
