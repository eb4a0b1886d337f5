/**
 * @file
 * The endpoint's own copy of which web pages may connect. Private to server-core.
 */
#ifndef DVBCSS_WS_ACCESS_H
#define DVBCSS_WS_ACCESS_H

#include "dvbcss/server.h"

/** Copies rules with their lists. Returns 0 or DVBCSS_ENOMEM, and has changed nothing then. */
int ws_access_copy(struct dvbcss_access *copy, const struct dvbcss_access *from);

/** Frees what ws_access_copy() made. */
void ws_access_free(struct dvbcss_access *copy);

#endif
