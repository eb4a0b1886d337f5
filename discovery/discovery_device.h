/**
 * @file
 * The way to one device: from the URL of its description to what its application resource says.
 * Private to discovery.
 */
#ifndef DISCOVERY_DISCOVERY_DEVICE_H
#define DISCOVERY_DISCOVERY_DEVICE_H

#include "discovery/discovery_fetch.h"
#include "dvbcss/discovery_client.h"

/** A device whose documents are being read. The owner frees it when it is done, or when the fetcher
 * is closed. */
struct discovery_device {
    struct discovery_fetcher *fetcher;
    struct dvbcss_discovered found;
    bool done;
    /** Called once, from the loop; may close the fetcher. */
    void (*ended)(void *user, struct discovery_device *device);
    void *user;
};

/**
 * Begins to read the description of a device whose `fetcher`, `ended` and `user` are set.
 *
 * @param location of the description
 * @return 0, or an error of discovery_fetch_start(): then nothing follows
 */
DVBCSS_NODISCARD int discovery_device_start(struct discovery_device *device,
                                            const struct dvbcss_url *location);

#endif
