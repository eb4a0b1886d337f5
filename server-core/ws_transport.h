/**
 * @file
 * The narrow door between the base and the library that moves its bytes: libwebsockets keeps the
 * sockets, shakes hands for TLS, and waits on the loop. What the bytes mean is the base's. One file
 * stands behind the door, which also holds back what a socket does not take at once; nothing of the
 * library passes through. Private to server-core.
 */
#ifndef DVBCSS_WS_TRANSPORT_H
#define DVBCSS_WS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/** The library's part of a server. */
struct ws_transport;
/** Certificate and rules (ws_tls.h). */
struct ws_tls;
/** One TCP connection inside the library. */
struct ws_wire;
/** The same connection as the base sees it (ws_socket.h). */
struct ws_socket;

struct ws_transport_options {
    uv_loop_t *loop;
    /** Descriptors below this number can be adopted. */
    unsigned fd_limit;
    /** Outlives the transport; NULL: no wire can be adopted with TLS. */
    struct ws_tls *tls;
};

/* ------------------------------------------------------------------------------------------------
 * What the base asks of the library
 */

/** Starts the library on a loop. Returns 0, DVBCSS_ENOMEM or DVBCSS_EIO. */
int ws_transport_create(struct ws_transport **transport,
                        const struct ws_transport_options *options);

/** First half of the end: every wire starts to close (ws_event_destroyed() follows for each). */
void ws_transport_stop(struct ws_transport *transport);

/** Second half: call it when all wires are gone and the loop has turned WS_TRANSPORT_TURNS times
 * since. Frees @p transport. */
void ws_transport_destroy(struct ws_transport *transport);

enum { WS_TRANSPORT_TURNS = 4 };

/** Descriptors from this number on are refused by ws_transport_adopt(). */
unsigned ws_transport_fd_limit(const struct ws_transport *transport);

/** Hands an accepted socket over, which is closed whatever happens; the peer of one with @p tls has
 * to shake hands first. Returns NULL on failure. */
struct ws_wire *ws_transport_adopt(struct ws_transport *transport, int fd, bool tls,
                                   struct ws_socket *socket);

enum { WS_SHA1_SIZE = 20 };

/** SHA-1 (FIPS 180-4), which handshakes need. */
void ws_transport_sha1(const void *bytes, size_t length, uint8_t digest[WS_SHA1_SIZE]);

/** The peer has begun to speak: how long it may go on is the base's to say from now on. */
void ws_wire_begin(struct ws_wire *wire);

/** Sends bytes. What the socket does not take is kept inside; with more wait until
 * ws_wire_congested() says no, unless it is short. Returns 0, or DVBCSS_EIO: nothing can follow,
 * for part of it may be gone. */
int ws_wire_write(struct ws_wire *wire, const uint8_t *bytes, size_t length);

/** Whether part of an earlier write is still inside; ws_event_writable() tells when it is not. */
bool ws_wire_congested(const struct ws_wire *wire);

/** Reads from the peer, as from the beginning, or lets what it sends wait. */
void ws_wire_set_reading(struct ws_wire *wire, bool reading);

/** Whether the peer has sent something that was not read yet: to hang up would reset the
 * connection, and what the peer has not read yet with it. */
bool ws_wire_has_input(const struct ws_wire *wire);

/** Tells the peer that nothing more will come. Not while it is congested. */
void ws_wire_finish(struct ws_wire *wire);

/** Ends a wire without a word, from the loop, not inside this call. */
void ws_wire_kill(struct ws_wire *wire);

/** The host name that the peer of a wire with TLS has asked for; "" if there is none. */
const char *ws_wire_server_name(struct ws_wire *wire);

/* ------------------------------------------------------------------------------------------------
 * What the library tells the base. Those that return int say -1 to hang up.
 */

/** The TLS handshake is done. */
void ws_event_secured(struct ws_socket *socket);

/** The TLS handshake, or what a peer asks for later, new keys for one, has to be answered, and the
 * socket takes nothing. */
void ws_event_stuck(struct ws_socket *socket);

/** Bytes have come; they may be changed. */
int ws_event_input(struct ws_socket *socket, uint8_t *bytes, size_t length);

/** The wire was congested, and is no more. */
int ws_event_writable(struct ws_socket *socket);

/** The wire is being closed: nothing can be written any more. */
void ws_event_closed(struct ws_socket *socket);

/** The wire is gone; the last event. */
void ws_event_destroyed(struct ws_socket *socket);

#endif
