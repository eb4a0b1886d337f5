/**
 * @file
 * The Unix-domain socket of the control API: opened with its permissions and owner, in the place
 * of a stale one, and removed in the end.
 */
#ifndef DVBCSSD_CONTROL_SOCKET_H
#define DVBCSSD_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "config.h"

struct control_socket {
    /** "" if there is none. */
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    /** Listening; whoever takes it closes it. */
    int fd;
    /** Which file it was, if we made it: another one in its place is left alone. */
    dev_t device;
    ino_t inode;
};

/**
 * Opens the socket that the configuration asks for.
 *
 * @param reason filled on failure: what is wrong, with the path
 * @return 0 (with an empty path if none is wanted, or if "auto" found no place, which is logged),
 *         or -1
 */
int control_socket_open(struct control_socket *control, const struct config_control *config,
                        char *reason, size_t reason_size);

/** Takes one that a service manager opened: its file is the manager's. */
void control_socket_inherit(struct control_socket *control, int fd);

/** Removes the file, if it is ours. One that was not opened is fine. */
void control_socket_remove(struct control_socket *control);

#endif
