/**
 * @file
 * Shows a wall-clock message.
 */
#ifndef DVBCSS_TOOL_DECODE_WC_H
#define DVBCSS_TOOL_DECODE_WC_H

#include <stddef.h>

#include "command.h"

/** Shows the fields of a CSS-WC message, or says why it is none. Returns an exit code. */
int decode_wc(const struct command *command, const void *bytes, size_t length);

#endif
