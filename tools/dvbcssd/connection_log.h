/**
 * @file
 * One line for each connection's life, written at its end. If so many end that they would flood the
 * log, some have none, and one line tells how many.
 */
#ifndef DVBCSSD_CONNECTION_LOG_H
#define DVBCSSD_CONNECTION_LOG_H

#include "dvbcss/server.h"

/** The on_disconnect hook of every endpoint. */
void connection_log_end(void *context, struct dvbcss_connection *connection, unsigned code,
                        const char *reason);

/** Tells how many have had no line since the last one that had, if there are any. */
void connection_log_flush(void);

#endif
