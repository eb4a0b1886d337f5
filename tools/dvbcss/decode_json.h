/**
 * @file
 * Shows a JSON message of CSS-CII or CSS-TS.
 */
#ifndef DVBCSS_TOOL_DECODE_JSON_H
#define DVBCSS_TOOL_DECODE_JSON_H

#include <stddef.h>

#include "command.h"

/**
 * Shows the members of a message, or says why it is none.
 *
 * @param name "cii", "setup", "control", "presentation", or NULL to tell by its members
 * @return an exit code: EXIT_FAILED also for one that only a tolerant reader accepts
 */
int decode_json(const struct command *command, const char *name, const char *text, size_t length);

#endif
