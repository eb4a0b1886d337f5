/**
 * @file
 * What all clients of a WebSocket endpoint (CSS-CII, CSS-TS) share: how they connect, and how they
 * tell why a connection ended.
 *
 * A client belongs to one `uv_loop_t` and is used from that loop's thread only. It connects by
 * itself, and again with jittered, growing delays after every loss, until it is closed. Nothing
 * blocks the loop: names are looked up by libuv's thread pool.
 *
 * Loops in several threads may have clients at the same time. But while the last client on a loop
 * ends, no other thread should be opening files or sockets: libwebsockets 4.1.6 closes a descriptor
 * twice then, and the short moment in between cannot be guarded from outside.
 */
#ifndef DVBCSS_CLIENT_H
#define DVBCSS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As in <uv.h>, which needs more than plain C11. */
typedef struct uv_loop_s uv_loop_t;

/** How a client connects. Strings are copied. */
struct dvbcss_client_options {
    /** File with the certificates (PEM) that a `wss` server's must descend from; NULL for the
     * system's. A server that cannot prove its name is always refused, unless it has the key of
     * @ref pin. */
    const char *ca_file;
    /** The SHA-256 of the public key (its SubjectPublicKeyInfo) that a `wss` server must have: 64
     * hexadecimal digits, or base64 as in "sha256//Fb8Q...=". NULL: any. Without a `ca_file` the
     * key alone decides, as suits a device whose certificate nobody vouches for; with one, both
     * have to be right. */
    const char *pin;
    /** Time for one attempt, from the look-up of the name to the end of the handshake. */
    uint32_t connect_timeout_ms;
    /** Silence after which the server is asked for a sign of life by a ping; if none comes in as
     * long again, it counts as lost. A program that was stopped asks anew when it goes on. 0:
     * never. */
    uint32_t idle_timeout_ms;
    /** The longest message that is accepted, in bytes: a longer one ends the connection (1009). */
    size_t max_message_size;
    /** Delay before the second attempt; doubled for each one after it, until @ref retry_max_ms.
     * Each delay is shortened by a random part of up to a half. */
    uint32_t retry_min_ms;
    uint32_t retry_max_ms;
    /** A connection that lived this long starts the delays anew. */
    uint32_t stable_ms;
    /** False: one attempt, and no other after a loss. */
    bool reconnect;
};

#define DVBCSS_CLIENT_OPTIONS_INIT                                                                 \
    {                                                                                              \
        NULL, NULL, 10000, 15000, 256 * 1024, 500, 30000, 10000, true                              \
    }

/** Room for a pin in the form of dvbcss_client_pin_format(). */
enum { DVBCSS_CLIENT_PIN_SIZE = 64 };

/**
 * Writes a pin as "sha256//BASE64", in which other programs (curl) take it, too.
 *
 * @param pin    as in struct dvbcss_client_options
 * @param text   receives the text
 * @param report what is wrong with @p pin; may be NULL
 * @return 0 or DVBCSS_EVALUE
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_client_pin_format(const char *pin,
                                                         char text[DVBCSS_CLIENT_PIN_SIZE],
                                                         struct dvbcss_report *report);

/** Why a connection was not made, or ended. Valid during the callback that carries it. */
struct dvbcss_disconnect {
    /** DVBCSS_ERESOLVE, DVBCSS_EADDRESS (no such route or nobody listens), DVBCSS_EREFUSED (an
     * HTTP answer instead of a WebSocket: see @ref http_status), DVBCSS_ETLS, DVBCSS_ETIMEDOUT
     * (attempt too long, or peer silent), DVBCSS_EPROTOCOL (what came is no WebSocket, or breaks
     * its rules, or is too long), DVBCSS_ECLOSED (an open connection ended, or the server closed
     * without an answer: see @ref was_open), DVBCSS_EIO, DVBCSS_ENOMEM. */
    int error;
    /** Whether the connection had been open before. */
    bool was_open;
    /** RFC 6455 7.4 code of an open connection's end: what the peer sent, 1005 if it sent none,
     * 1006 if it vanished; 0 if the connection was never open. */
    uint16_t close_code;
    /** Status of an HTTP answer that refused the upgrade, as 403, 404, 426, 503; 0 if none. */
    uint16_t http_status;
    /** The server's Retry-After in seconds; of a date, how far it is ahead of the answer's own (of
     * the system's time if it has none), 0 if it is past. -1 if it sent none that is understood. */
    int32_t retry_after_s;
    /** Milliseconds until the next attempt; -1 if there will be none. */
    int64_t retry_in_ms;
    /** The peer's own words: reason of the close frame, or the beginning of the HTTP answer's body;
     * "" if none. One printable line: spaces for line ends, "?" for what is not ASCII. */
    char reason[160];
    /** What happened, for people: "403 Forbidden: the endpoint is disabled". */
    char text[256];
};

/** Room for a peer's numeric address. */
enum { DVBCSS_CLIENT_ADDRESS_SIZE = 64 };

/** How a client stands. */
struct dvbcss_client_status {
    /** Whether the connection is open. */
    bool connected;
    /** Numeric address of the server that was reached last, without brackets, with its zone if it
     * has one; "" before. */
    char peer[DVBCSS_CLIENT_ADDRESS_SIZE];
    /** Why the last connection ended or the last attempt failed: an error of
     * struct dvbcss_disconnect; 0 if none did. */
    int last_error;
    /** The same for people; "" if none did. */
    char last_text[256];
    /** Attempts to connect, and those that led to an open connection. */
    uint64_t attempts;
    uint64_t connections;
    /** Messages that were understood, and those that were not. */
    uint64_t messages;
    uint64_t protocol_errors;
};

/** Called once a client that was closed is gone for good: all its handles are off the loop. */
typedef void (*dvbcss_client_closed)(void *user);

#ifdef __cplusplus
}
#endif

#endif
