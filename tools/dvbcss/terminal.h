/**
 * @file
 * Printing what a peer had a hand in: it must neither drive the terminal nor forge lines. Every
 * text for people goes through here as a whole, so that no caller has to know who wrote which part.
 */
#ifndef DVBCSS_TOOL_TERMINAL_H
#define DVBCSS_TOOL_TERMINAL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "dvbcss/export.h"

/**
 * Makes a text fit to be shown: control characters (also those of U+0080 to U+009F) and what is not
 * UTF-8 are written as dvbcss_log_escape() writes them, as `\n` and `\x1b`. What does not fit is
 * cut between characters.
 *
 * @param size bytes that @p out has room for, at least 1
 * @return @p out
 */
const char *terminal_escape(char *out, size_t size, const char *text);

/** Prints a line as printf() does, made fit to be shown as terminal_escape() does; line feeds of
 * @p format, too. Writes no line feed of its own. */
void terminal_print(FILE *out, const char *format, ...) DVBCSS_PRINTF(2, 3);

/** The same, with the arguments as a list. */
void terminal_vprint(FILE *out, const char *format, va_list arguments) DVBCSS_PRINTF(2, 0);

#endif
