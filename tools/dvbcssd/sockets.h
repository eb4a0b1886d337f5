/**
 * @file
 * Listening sockets that a service manager opened before the daemon started, as sd_listen_fds(3)
 * describes: nobody who connects meanwhile, or while the daemon restarts, is turned away.
 */
#ifndef DVBCSSD_SOCKETS_H
#define DVBCSSD_SOCKETS_H

#include <stddef.h>

#include "config.h"
#include "dvbcss/server.h"

/** As many as the manager may hand over for one purpose. */
enum { SOCKETS_MAX = 16 };

/** Descriptors for one purpose. */
struct socket_list {
    int fds[SOCKETS_MAX];
    size_t count;
};

struct sockets {
    /** Of the companions' listeners, without TLS and with it: TCP. */
    struct socket_list http;
    struct socket_list https;
    /** Of the control API: Unix-domain, one at most. */
    struct socket_list control;
};

/**
 * Takes what the environment of the process names, and removes that from it: programs that the
 * daemon starts have none of it. A socket that is called "http", "https" or "control" is for that;
 * any other name leaves it to its family.
 *
 * @param sockets filled; empty if there are none, or if they are meant for another process
 * @param reason  filled on failure: which one is wrong, and why
 * @return 0 or -1
 */
int sockets_take(struct sockets *sockets, char *reason, size_t reason_size);

#endif
