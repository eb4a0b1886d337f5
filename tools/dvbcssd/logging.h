/**
 * @file
 * The daemon's log: lines for people or JSON objects, on standard error.
 *
 *     dvbcssd: info: ws-refused: 127.0.0.1:40312: nothing is served here
 *     {"time":"2026-11-21T15:40:00.123Z","level":"info","id":"ws-refused","text":"127.0.0.1:..."}
 *
 * For journald the level comes first, as <6>, and the journal's own fields are left to it.
 */
#ifndef DVBCSSD_LOGGING_H
#define DVBCSSD_LOGGING_H

#include <jansson.h>

#include "config.h"
#include "dvbcss/log.h"

/** Makes the log what the configuration says; again to change it. */
void logging_set(const struct config_log *config);

/**
 * Logs an event that has data of its own.
 *
 * @param text   one line for people
 * @param fields an object whose members join those of the JSON line; taken over, NULL for none
 */
void logging_event(enum dvbcss_log_level level, const char *id, const char *text, json_t *fields);

/** Prints an error that ends the daemon, or that it cannot begin with. */
void logging_fatal(const char *format, ...) DVBCSS_PRINTF(1, 2);

#endif
