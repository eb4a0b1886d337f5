/**
 * @file
 * The head of an HTTP request, from bytes as they arrive (RFC 9112 sections 2 to 5). It looks at
 * nothing but the bytes. Private to server-core.
 */
#ifndef DVBCSS_WS_REQUEST_H
#define DVBCSS_WS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"

struct ws_request;

enum ws_request_state {
    /** More has to come. */
    WS_REQUEST_INCOMPLETE,
    /** The empty line was read. */
    WS_REQUEST_COMPLETE,
    /** No head of a request begins like that. */
    WS_REQUEST_MALFORMED,
    /** It would be one, but its target cannot be served. */
    WS_REQUEST_BAD_TARGET,
    /** The head is longer than it may be. */
    WS_REQUEST_TOO_BIG,
};

/**
 * @param max_bytes of a head, with the empty lines in front of it and the one behind it
 * @return 0 or DVBCSS_ENOMEM
 */
DVBCSS_NODISCARD int ws_request_create(struct ws_request **request, size_t max_bytes);

/** NULL is fine. */
void ws_request_destroy(struct ws_request *request);

/**
 * Takes what has arrived, up to the end of the head. Lines end with CRLF or LF; empty lines in
 * front of the first are skipped. Malformed are: a line that is no request line of HTTP/1.0 or 1.1
 * (of any other version, too), a method or the name of a header that is no token, blanks around
 * that name, a folded line, a control character anywhere (a tab in or around the value of a header
 * is fine), and a CR without LF. A bad target is one that is neither a path nor an absolute URL of
 * http or https with a host, that has a fragment, or whose path has a percent sign without two
 * hexadecimal digits, encodes a control character, or leads above the root. That is told once the
 * line is complete, of a control character at once.
 *
 * @param request of which the state is still WS_REQUEST_INCOMPLETE
 * @param taken   how many of the bytes belong to the head; all of them unless it is complete
 * @param state   what has become of it
 * @return 0 or DVBCSS_ENOMEM
 */
DVBCSS_NODISCARD int ws_request_read(struct ws_request *request, const void *bytes, size_t length,
                                     size_t *taken, enum ws_request_state *state);

/* ------------------------------------------------------------------------------------------------
 * Of a complete request. What is returned is valid as long as the request.
 */

/** "GET", "POST", ...: any token. */
const char *ws_request_method(const struct ws_request *request);

/** Percent-decoded, then normalised: begins with "/", has no segments "." and "..", no empty ones;
 * a slash at the end stays. Text of any bytes but control characters: its encoding is not looked
 * at. */
const char *ws_request_path(const struct ws_request *request);

/** What follows the question mark, as it was sent; "" without one. */
const char *ws_request_query(const struct ws_request *request);

/** Whether it is of HTTP 1.1, not 1.0. */
bool ws_request_is_http_1_1(const struct ws_request *request);

/** How many headers have this name, in letters of any case, as they were sent. */
size_t ws_request_count(const struct ws_request *request, const char *name);

/** The value of the first header of this name, without blanks around it; NULL if there is none. For
 * Host, that is the host and port of a target that is an absolute URL, whatever the header says or
 * if there is none (RFC 9112 section 3.2.2). */
const char *ws_request_header(const struct ws_request *request, const char *name);

/**
 * Copies the values of all headers of this name, with ", " between them; for Host as above.
 *
 * @param size of @p value, with the NUL
 * @return 0, DVBCSS_ENOENT (there is none, or all of them are empty) or DVBCSS_ENOSPC; @p value is
 *         terminated, and empty if the result is not 0
 */
DVBCSS_NODISCARD int ws_request_copy_header(const struct ws_request *request, const char *name,
                                            char *value, size_t size);

#endif
