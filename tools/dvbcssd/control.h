/**
 * @file
 * Where the control API is served: on a Unix-domain socket and, if configured, over TCP and to the
 * pages on the companions' listener.
 */
#ifndef DVBCSSD_CONTROL_H
#define DVBCSSD_CONTROL_H

#include <stddef.h>

#include "config.h"
#include "control_guard.h"
#include "dvbcss/server.h"

struct control;
struct services;

/**
 * Starts to serve.
 *
 * @param out      set to NULL if there is nothing to serve it on
 * @param services what is controlled, with the companions' listener; outlives this
 * @param reason   filled on failure
 * @return 0 or -1
 */
int control_start(struct control **out, struct services *services, const struct config *config,
                  char *reason, size_t reason_size);

/** Ends it; the loop runs empty afterwards. NULL is fine. */
void control_stop(struct control *control);

/** Takes another guard into service; @p guard is what was there before. */
void control_swap_guard(struct control *control, struct control_guard *guard);

/** Path of the socket, and URL of the TCP listener; "" for one that is not there. @p control may
 * be NULL here and below. */
const char *control_socket_path(const struct control *control);
const char *control_url(const struct control *control);

/** The server behind both; NULL if there is none. */
struct dvbcss_server *control_server(const struct control *control);

#endif
