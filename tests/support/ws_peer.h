/**
 * @file
 * A raw HTTP and WebSocket peer for tests of what serves on a libuv loop: it says exactly what a
 * test tells it to, right or wrong, and reports exactly what came back.
 *
 * Whatever waits here turns the loop meanwhile, in the same thread, and gives up after
 * WS_PEER_PATIENCE_MS: nothing sleeps, and a test that fails does not hang.
 */
#ifndef TESTS_WS_PEER_H
#define TESTS_WS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

enum { WS_PEER_PATIENCE_MS = 15000 };

/** Opcodes of RFC 6455, and what wraps them in the first byte of a frame. */
enum {
    WS_PEER_CONTINUATION = 0x0,
    WS_PEER_TEXT = 0x1,
    WS_PEER_BINARY = 0x2,
    WS_PEER_CLOSE = 0x8,
    WS_PEER_PING = 0x9,
    WS_PEER_PONG = 0xa,
    WS_PEER_FIN = 0x80,
};

/** What ws_peer_read_frame() returns if there is no frame. */
enum {
    WS_PEER_EOF = -1,
    WS_PEER_TIMEOUT = -2,
    /** Masked, reserved bits, or longer than the buffer. */
    WS_PEER_GARBAGE = -3,
};

/** A peer. Connect before anything else; finish with ws_peer_close(). */
struct ws_peer {
    uv_loop_t *loop;
    int fd;
    /** NULL unless it speaks TLS: an SSL of OpenSSL. */
    struct ssl_st *ssl;
    /** Read from the socket and not used yet. */
    size_t length;
    unsigned char bytes[262144];
};

/** An HTTP answer. */
struct ws_peer_answer {
    int status;
    /** Status line and headers as they came, terminated by 0. */
    char head[4096];
    char body[65536];
    size_t body_length;
};

/** A frame that the server sent. */
struct ws_peer_frame {
    bool final;
    int opcode;
    size_t length;
    /** Terminated by one 0 more. */
    unsigned char payload[131072];
};

/** Turns the loop until @p done returns true; returns false if that took too long. */
bool ws_peer_pump(uv_loop_t *loop, bool (*done)(void *user), void *user);

/** Connects. The loop turns whenever this peer waits. */
bool ws_peer_connect(struct ws_peer *peer, uv_loop_t *loop, const struct sockaddr *address);

/** How ws_peer_secure() shakes hands; all zero for whatever OpenSSL does by itself. */
struct ws_peer_tls {
    /** File with the certificate that the server must show; NULL accepts any. */
    const char *ca_file;
    /** As TLS1_2_VERSION: the only one that is spoken. */
    int version;
    /** What is asked for by SNI. */
    const char *name;
    /** Protocols as ALPN lists them, "\x02h2". */
    const char *alpn;
    /** One to resume. */
    struct ssl_session_st *session;
};

/** Shakes hands on a peer that has connected. From then on all it sends and reads is TLS. Returns
 * false if the server or the peer refused. */
bool ws_peer_secure(struct ws_peer *peer, const struct ws_peer_tls *tls);

/** Closes the socket, with unread input or without. Fine on one that is closed. */
void ws_peer_close(struct ws_peer *peer);

/** Closes the socket with a reset (RST). */
void ws_peer_reset(struct ws_peer *peer);

/** Sends bytes as they are. */
bool ws_peer_send(struct ws_peer *peer, const void *bytes, size_t length);

/** Sends a string as it is. */
bool ws_peer_say(struct ws_peer *peer, const char *text);

/** Sends "METHOD PATH HTTP/1.1", a Host header, @p headers (lines with CRLF; NULL for none) and the
 * empty line. */
bool ws_peer_request(struct ws_peer *peer, const char *method, const char *path,
                     const char *headers);

/** Reads one HTTP answer, its body by Content-Length. Returns the status or WS_PEER_EOF,
 * WS_PEER_TIMEOUT. */
int ws_peer_read_answer(struct ws_peer *peer, struct ws_peer_answer *answer);

/** The value of a header of an answer, copied to @p value; false if it has none. */
bool ws_peer_answer_header(const struct ws_peer_answer *answer, const char *name, char *value,
                           size_t size);

/** Sends a right handshake plus @p headers (may be NULL), reads the answer (@p answer may be NULL);
 * returns its status. */
int ws_peer_upgrade(struct ws_peer *peer, const char *path, const char *headers,
                    struct ws_peer_answer *answer);

/** Connects and upgrades; false unless the answer was 101. */
bool ws_peer_open(struct ws_peer *peer, uv_loop_t *loop, const struct sockaddr *address,
                  const char *path);

/** Sends a frame. @p first_byte is FIN, reserved bits and opcode. */
bool ws_peer_send_frame(struct ws_peer *peer, int first_byte, bool masked, const void *payload,
                        size_t length);

/** Sends a whole masked text. */
bool ws_peer_send_text(struct ws_peer *peer, const char *text);

/** Sends a masked close frame; @p code 0 for an empty one. */
bool ws_peer_send_close(struct ws_peer *peer, unsigned code, const char *reason);

/** Reads one frame. Returns its opcode or one of the negative values. */
int ws_peer_read_frame(struct ws_peer *peer, struct ws_peer_frame *frame);

/** Reads frames until a close frame, whose code it returns (1005 if it has none; its reason goes to
 * @p reason if that is not NULL, 124 bytes), or the end: 1006 if there was no close frame, 0 on
 * timeout or garbage. */
unsigned ws_peer_read_close(struct ws_peer *peer, char *reason);

/** Reads until the server has closed the socket and tells whether it did. */
bool ws_peer_wait_eof(struct ws_peer *peer);

#endif
