/**
 * @file
 * The server whose clock is known: a real one, on a thread of its own, over a clock made wrong.
 */
#ifndef DVBCSS_TOOL_ACCURACY_SERVER_H
#define DVBCSS_TOOL_ACCURACY_SERVER_H

#include <stdatomic.h>

#include "accuracy_clock.h"
#include "accuracy_thread.h"
#include "dvbcss/wc_server.h"
#include "impair_address.h"

/** Storage of the caller; zeros are a server that does not run. Not to be moved while it runs. */
struct accuracy_server {
    struct accuracy_clock clock;
    struct accuracy_thread thread;
    struct dvbcss_wc_server *server;
    struct dvbcss_wc_server_options options;
    atomic_bool away;
};

/**
 * Starts it on a free port of 127.0.0.1. Its clock begins at 1000 s.
 *
 * @param skew_ppm           how much too fast the clock is
 * @param max_freq_error_ppm what the server says of it
 * @return 0 or an error of dvbcss_wc_server_create(); end it all the same
 */
int accuracy_server_start(struct accuracy_server *server, double skew_ppm,
                          double max_freq_error_ppm);

/** Where it answers. */
struct impair_address accuracy_server_address(const struct accuracy_server *server);

/** Takes it off the network, or back on the same port. */
void accuracy_server_set_away(struct accuracy_server *server, bool away);

/** Ends it. */
void accuracy_server_end(struct accuracy_server *server);

#endif
