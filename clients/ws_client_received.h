/**
 * @file
 * What the system knows of a connection and libwebsockets does not. Includes nothing of libuv or
 * libwebsockets: their headers and those of the kernel exclude each other.
 */
#ifndef CLIENTS_WS_CLIENT_RECEIVED_H
#define CLIENTS_WS_CLIENT_RECEIVED_H

#include <stdbool.h>

/** Whether the peer of a TCP connection ever sent a byte; also once they were read. False if the
 * system does not tell. */
bool ws_client_received_bytes(int descriptor);

#endif
