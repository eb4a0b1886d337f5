/**
 * @file
 * One line for each connection's life, written at its end.
 */
#ifndef DVBCSSD_CONNECTION_LOG_H
#define DVBCSSD_CONNECTION_LOG_H

#include "dvbcss/server.h"

/** The on_disconnect hook of every endpoint. */
void connection_log_end(void *context, struct dvbcss_connection *connection, unsigned code,
                        const char *reason);

#endif
