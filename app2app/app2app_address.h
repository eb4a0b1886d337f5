/**
 * @file
 * Whose an address is, and which are one. Private to app2app/.
 */
#ifndef DVBCSS_APP2APP_ADDRESS_H
#define DVBCSS_APP2APP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "server-core/ws_addresses.h"

/** What limits of one address go by. */
struct app2app_address {
    /** Whether there are such limits for this peer. */
    bool limited;
    struct ws_address_key key;
};

/** Whether a peer is on this machine. @p local is the address of ours that it reached. */
bool app2app_address_is_here(const struct sockaddr *peer, const struct sockaddr *local);

/** The address of a peer: as in the limits of an endpoint (server.h). One of the family AF_UNIX has
 * none, and is not limited. */
struct app2app_address app2app_address_of(const struct sockaddr *peer,
                                          const struct sockaddr *local);

/** Whether limits count the two together. */
bool app2app_address_equal(const struct app2app_address *a, const struct app2app_address *b);

#endif
