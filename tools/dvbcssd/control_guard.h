/**
 * @file
 * Who may use the control API over TCP: bearer token, Host against DNS rebinding, Origin against
 * web pages. What comes over the Unix-domain socket has passed the file's permissions.
 */
#ifndef DVBCSSD_CONTROL_GUARD_H
#define DVBCSSD_CONTROL_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "dvbcss/server.h"
#include "token.h"

enum { GUARD_ORIGIN_SIZE = 256 };

struct control_guard {
    struct token token;
    char *hosts;
    char *origins;
};

/** Takes what the configuration says, and reads the token's file. Returns 0, or -1 with @p reason
 * filled. @p guard must be zeroed or finished. */
int control_guard_init(struct control_guard *guard, const struct config_control *config,
                       char *reason, size_t reason_size);

/** Wipes the token and frees the rest. */
void control_guard_finish(struct control_guard *guard);

/** What is made of a request. */
struct control_verdict {
    /** 0, or the HTTP status to refuse with. */
    unsigned status;
    /** Static text, for the answer and the log. */
    const char *reason;
    /** The origin of an allowed web page, to be named in the answer; "" for none. */
    char origin[GUARD_ORIGIN_SIZE];
};

/** A token is not needed: a browser's question before the real request has none, and health is no
 * secret. */
#define GUARD_OPEN 1u
/** Pages come from the listener that the request reached: their Origin is what Host says. */
#define GUARD_OWN_PAGES 2u

/**
 * Judges a request.
 *
 * @param flags GUARD_OPEN, GUARD_OWN_PAGES
 */
void control_guard_check(const struct control_guard *guard,
                         const struct dvbcss_http_request *request, unsigned flags,
                         struct control_verdict *verdict);

#endif
