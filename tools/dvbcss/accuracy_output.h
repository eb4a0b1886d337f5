/**
 * @file
 * A file that a measurement is written into. It is opened before, so that a place that cannot be
 * written is known at once, and stays as it is until there is something to write.
 */
#ifndef DVBCSS_TOOL_ACCURACY_OUTPUT_H
#define DVBCSS_TOOL_ACCURACY_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "accuracy_report.h"
#include "command.h"

/** Storage of the caller; one without a path is not wanted, and every function is fine with it. */
struct accuracy_output {
    const char *path;
    void (*write)(const struct accuracy_report *report, FILE *out);

    /* ---- the members below belong to accuracy_output.c ---- */
    FILE *file;
    /* There was none before: it goes again if nothing is written. */
    bool made;
};

/** Opens it; what it holds stays. False if it cannot be written, which is said. */
bool accuracy_output_open(struct accuracy_output *output, const struct command *command);

/** Writes a measurement in the place of what it holds. False if that fails, which is said. */
bool accuracy_output_write(struct accuracy_output *output, const struct command *command,
                           const struct accuracy_report *report);

/** Closes one that was not written, and leaves things as they were. */
void accuracy_output_finish(struct accuracy_output *output);

#endif
