/**
 * @file
 * A WebSocket server that a test controls byte by byte: what it answers, and every mistake that it
 * makes, is up to the test. On libuv alone, so that it shares nothing with what it tests.
 *
 * Errors of the system end the program: a test cannot go on without its server.
 */
#ifndef TESTS_TOY_SERVER_H
#define TESTS_TOY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct toy_server;
struct toy_connection;

/** Opcodes of RFC 6455 5.2. */
enum toy_opcode {
    TOY_CONTINUATION = 0,
    TOY_TEXT = 1,
    TOY_BINARY = 2,
    TOY_CLOSE = 8,
    TOY_PING = 9,
    TOY_PONG = 10,
};

/** What the test does. Each may be NULL. */
struct toy_script {
    /** A request's head is complete; @p path is what was asked for. NULL accepts the upgrade. */
    void (*request)(struct toy_connection *connection, const char *path, const char *head);
    /** The upgrade was accepted and the answer is on its way. */
    void (*opened)(struct toy_connection *connection);
    /** A frame came, unmasked; pings and closes, too. NULL answers a close with a close. */
    void (*frame)(struct toy_connection *connection, enum toy_opcode opcode, const char *payload,
                  size_t length);
    /** The connection is gone, by whomever. */
    void (*gone)(struct toy_connection *connection);
};

/** Listens on 127.0.0.1 at a free port. With @p certificate_file (PEM, with its key) it speaks
 * TLS; NULL for none. */
struct toy_server *toy_server_create(uv_loop_t *loop, const struct toy_script *script, void *user,
                                     const char *certificate_file);

/** Drops every connection and stops listening; the loop must run to free it. */
void toy_server_close(struct toy_server *server);

/** The same, but leaves the open connections alone. */
void toy_server_stop_listening(struct toy_server *server);

uint16_t toy_server_port(const struct toy_server *server);

/** The URL of a path on this server, valid until the next call. */
const char *toy_server_url(struct toy_server *server, const char *path);

/** Connections that were accepted since the start, and those that are there now. */
unsigned toy_server_accepted(const struct toy_server *server);
unsigned toy_server_present(const struct toy_server *server);

void *toy_user(struct toy_connection *connection);

/** Accepts the upgrade that was asked for. */
void toy_accept(struct toy_connection *connection);

/** Sends bytes as they are. */
void toy_raw(struct toy_connection *connection, const void *bytes, size_t length);

/** Sends text as it is: an HTTP answer, for example. */
void toy_raw_text(struct toy_connection *connection, const char *text);

/** Sends a frame. */
void toy_frame(struct toy_connection *connection, bool fin, enum toy_opcode opcode,
               const void *payload, size_t length);

/** Sends a text message. */
void toy_text(struct toy_connection *connection, const char *text);

/** Sends a close frame; 0 for one without a code. */
void toy_close(struct toy_connection *connection, uint16_t code, const char *reason);

/** Ends the connection after what was sent so far. */
void toy_hang_up(struct toy_connection *connection);

/** Ends the connection with a reset. */
void toy_reset(struct toy_connection *connection);

#endif
