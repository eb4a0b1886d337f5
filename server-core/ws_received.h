/**
 * @file
 * What the kernel knows of a TCP connection. Private to server-core.
 */
#ifndef DVBCSS_WS_RECEIVED_H
#define DVBCSS_WS_RECEIVED_H

#include <stdint.h>

/** Bytes that a peer has sent and that were read; 0 if the system does not tell. */
uint64_t ws_received_of(int fd);

#endif
