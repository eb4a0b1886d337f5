/**
 * @file
 * The narrow door between the base and the library that speaks HTTP and WebSocket for it. One file
 * stands behind it; nothing of that library passes through. Private to server-core.
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

/** Headers of a request that decide about a handshake. */
enum ws_header {
    WS_HEADER_HOST,
    WS_HEADER_ORIGIN,
    WS_HEADER_UPGRADE,
    WS_HEADER_CONNECTION,
    WS_HEADER_VERSION,
    WS_HEADER_KEY,
    WS_HEADER_PROTOCOL,
    WS_HEADER_CONTENT_LENGTH,
    WS_HEADER_TRANSFER_ENCODING,
};

struct ws_transport_options {
    uv_loop_t *loop;
    /** Descriptors below this number can be adopted. */
    unsigned fd_limit;
    unsigned max_header_bytes;
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

/** Sends a whole frame (ws_frame.h) on an established WebSocket. What the socket does not take is
 * kept inside; with a message wait until ws_wire_congested() says no. Returns 0 or DVBCSS_EIO. */
int ws_wire_write(struct ws_wire *wire, uint8_t *frame, size_t length);

/** Sends a part of an HTTP answer as it is. Returns 0 or DVBCSS_EIO. */
int ws_wire_write_http(struct ws_wire *wire, uint8_t *bytes, size_t length);

/** Whether part of an earlier write is still inside. */
bool ws_wire_congested(struct ws_wire *wire);

/** Asks for ws_event_writable(). */
void ws_wire_want_write(struct ws_wire *wire);

/** Bytes of the wire, heads of frames and all, that the base has had from the peer so far; 0 if
 * that cannot be told. */
uint64_t ws_wire_received(struct ws_wire *wire);

/** The host name that the peer of a wire with TLS has asked for; "" if there is none. */
const char *ws_wire_server_name(struct ws_wire *wire);

/** Whether the peer has sent something, or its end, that was not read yet. */
bool ws_wire_has_input(struct ws_wire *wire);

/** Whether the peer has neither hung up nor been lost, as far as is known. */
bool ws_wire_peer_is_there(struct ws_wire *wire);

/** Sends a short frame over a wire that the library is closing, if the socket takes it at once.
 * Returns whether it did. */
bool ws_wire_write_last(struct ws_wire *wire, uint8_t *frame, size_t length);

/** Ends a wire without a word, from the loop, not inside this call. */
void ws_wire_kill(struct ws_wire *wire);

/** The payload of the close frame that the library has sent by itself, on an established wire that
 * has ended. Returns its length, 0 if there was none. */
size_t ws_wire_sent_close(struct ws_wire *wire, const uint8_t **payload);

/** The method and, in @p path and @p query, the target of the request; NULL if it has none or it
 * does not fit. */
const char *ws_wire_request(struct ws_wire *wire, char *path, size_t path_size, char *query,
                            size_t query_size);

/** Whether the request is of HTTP 1.1. */
bool ws_wire_is_http_1_1(struct ws_wire *wire);

/** Copies a header. Returns its length, 0 if it is missing or empty, -1 if it does not fit or there
 * are several where there may be one. */
int ws_wire_header(struct ws_wire *wire, enum ws_header header, char *value, size_t size);

/** Copies a header by its name in lower case. Returns as ws_wire_header(). */
int ws_wire_header_by_name(struct ws_wire *wire, const char *name, char *value, size_t size);

/* ------------------------------------------------------------------------------------------------
 * What the library tells the base. Those that return int say -1 to hang up.
 *
 * After the answer to a plain request the base always hangs up. The library has no second request
 * right: one with a body behind another in the same segment keeps it in a loop for ever, and an
 * unknown Upgrade behind another makes it read freed memory.
 */

/** The TLS handshake is done. */
void ws_event_secured(struct ws_socket *socket);

/** A request to upgrade, its head complete: 0 lets the handshake go on; otherwise the answer must
 * have been written. */
int ws_event_upgrade(struct ws_socket *socket);

/** Headers for the 101 answer: writes at most @p room bytes, returns how many. */
size_t ws_event_add_headers(struct ws_socket *socket, char *bytes, size_t room);

/** The handshake is done. */
void ws_event_established(struct ws_socket *socket);

/** Part of a message; @p final with its last byte. */
void ws_event_received(struct ws_socket *socket, const void *bytes, size_t length, bool final,
                       bool binary);

/** The peer answered a ping. */
void ws_event_pong(struct ws_socket *socket);

/** The peer's close frame: 0 lets the library answer it. */
int ws_event_peer_close(struct ws_socket *socket, const uint8_t *payload, size_t length);

/** The wire takes more, as ws_wire_want_write() asked. */
void ws_event_writable(struct ws_socket *socket);

/** The WebSocket ends or has ended, or its handshake half way; possibly more than once. */
void ws_event_closed(struct ws_socket *socket);

/** A plain request, its head complete. */
int ws_event_request(struct ws_socket *socket);

/** Part of its body. */
int ws_event_body(struct ws_socket *socket, const void *bytes, size_t length);

/** The end of its body. */
int ws_event_body_end(struct ws_socket *socket);

/** As ws_event_writable(), while it is not a WebSocket. */
int ws_event_http_writable(struct ws_socket *socket);

/** The wire is gone; the last event. */
void ws_event_destroyed(struct ws_socket *socket);

#endif
