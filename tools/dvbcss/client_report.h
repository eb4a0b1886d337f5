/**
 * @file
 * Showing what happens to a connection with a TV: for the commands that have one.
 */
#ifndef DVBCSS_TOOL_CLIENT_REPORT_H
#define DVBCSS_TOOL_CLIENT_REPORT_H

#include "dvbcss/client.h"
#include "watch.h"

/** Says why a client could not be made. Returns EXIT_USAGE for a bad URL or option, else
 * EXIT_FAILED. */
int client_report_failure(const struct command *command, const char *url, int error,
                          const struct dvbcss_report *report);

/** Shows that a connection is open; @p part is "cii" or "ts". */
void client_report_connected(struct watch *watch, const char *part);

/** Shows that a connection was lost or not made, and why. */
void client_report_disconnected(struct watch *watch, const char *part,
                                const struct dvbcss_disconnect *why);

/** Shows trouble that a client goes on trying to overcome. */
void client_report_trouble(struct watch *watch, const char *part, int error, const char *text);

/** Shows that a message was not understood. */
void client_report_protocol_error(struct watch *watch, const char *part,
                                  const struct dvbcss_report *report);

#endif
