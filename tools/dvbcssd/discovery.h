/**
 * @file
 * Being found: SSDP and DIAL on the companions' listener, as the configuration asks for.
 */
#ifndef DVBCSSD_DISCOVERY_H
#define DVBCSSD_DISCOVERY_H

#include <stddef.h>
#include <uv.h>

#include "config.h"
#include "dvbcss/discovery_dial.h"
#include "dvbcss/discovery_responder.h"
#include "dvbcss/server.h"

struct discovery;

/**
 * Starts to announce the television.
 *
 * @param out    NULL afterwards if discovery is not enabled
 * @param server carries the documents; outlives it
 * @param reason filled when it cannot be started
 * @return 0 or -1; handles may then be closing on the loop
 */
int discovery_start(struct discovery **out, struct dvbcss_server *server,
                    const struct config *config, char *reason, size_t reason_size);

/** Says byebye and frees it from the loop; NULL is fine. */
void discovery_stop(struct discovery *discovery);

/** Path of the device description. */
const char *discovery_description_path(void);

#endif
