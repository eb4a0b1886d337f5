/**
 * @file
 * The network between client and server: the relay of `dvbcss impair`, on a thread of its own.
 */
#ifndef DVBCSS_TOOL_ACCURACY_NETWORK_H
#define DVBCSS_TOOL_ACCURACY_NETWORK_H

#include "accuracy_thread.h"
#include "impair_relay.h"

/** Storage of the caller; zeros are a network that does not run. Not to be moved while it runs. */
struct accuracy_network {
    struct accuracy_thread thread;
    struct impair_relay *relay;
    /** Where clients come to. */
    struct impair_address address;
    /** What it has done, after its end. */
    struct impair_stats stats;
};

/** Starts it. Returns 0 or an error of impair_relay_create(); end it all the same. */
int accuracy_network_start(struct accuracy_network *network,
                           const struct impair_relay_options *options);

/** Ends it. */
void accuracy_network_end(struct accuracy_network *network);

#endif
