/**
 * @file
 * Puts the end of a connection in words.
 */
#ifndef CLIENTS_WS_END_H
#define CLIENTS_WS_END_H

#include "clients/ws_client_socket.h"
#include "dvbcss/client.h"

/**
 * Fills in @p why; `retry_in_ms` is -1.
 *
 * @param peer numeric address that was tried or reached, "" if none was
 */
void ws_end_describe(struct dvbcss_disconnect *why, const struct dvbcss_url *url, const char *peer,
                     const struct ws_client_socket_end *end);

#endif
