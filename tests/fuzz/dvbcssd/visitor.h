/**
 * @file
 * Clients of the daemon in world.h, as good or as bad as the input has them.
 */
#ifndef TESTS_FUZZ_VISITOR_H
#define TESTS_FUZZ_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "visitor_tls.h"
#include "world.h"

enum { VISITORS_MAX = 6, VISITOR_HEARD_MAX = 4096 };

struct visitor {
    int fd;
    /** NULL: what it says is on the socket as it is. */
    struct visitor_tls *tls;
    /** Does not read. */
    bool deaf;
    /** The first bytes that came. */
    size_t heard_length;
    char heard[VISITOR_HEARD_MAX + 1];
};

/** Connects one more. NULL if there are too many, or nobody takes them any more. */
struct visitor *visitor_come(enum world_listener listener);

/** Has it speak by TLS from now on, with whatever there is at the other end. Nothing happens if it
 * does, or has left. */
void visitor_begin_tls(struct visitor *visitor, const struct visitor_tls_manner *manner);

/** Sends bytes, without TLS as far as the socket takes them. Nothing happens on one that has left.
 */
void visitor_send(struct visitor *visitor, const void *bytes, size_t length);

/** The same beside TLS, not in its records. */
void visitor_send_bare(struct visitor *visitor, const void *bytes, size_t length);

/** Sends a frame: FIN, reserved bits and opcode, and the payload, masked or not. */
void visitor_send_frame(struct visitor *visitor, int first_byte, bool masked, const void *payload,
                        size_t length);

/** Sends a right handshake. */
void visitor_send_handshake(struct visitor *visitor, const char *path);

/** Sends a request that may control the daemon. */
void visitor_send_request(struct visitor *visitor, const char *method, const char *path,
                          const void *body, size_t length);

/** Says that nothing more will be sent. */
void visitor_end_sending(struct visitor *visitor);

/** Leaves with a reset. */
void visitor_leave(struct visitor *visitor);

/** The visitor of that number, in the order of coming; NULL if there is none. */
struct visitor *visitor_at(size_t index);

/** All leave. */
void visitors_leave(void);

/** Reads what has come to those that are not deaf, and sends what TLS has left to send. Returns
 * whether there was anything. */
bool visitors_go_on(void);

#endif
