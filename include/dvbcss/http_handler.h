/**
 * @file
 * Plain HTTP on a server's ports (server.h): handlers of requests, and what they answer.
 *
 * HTTP is version 1.1 with one request per connection.
 *
 * Thread: everything here belongs to the thread that runs the server's loop.
 */
#ifndef DVBCSS_HTTP_HANDLER_H
#define DVBCSS_HTTP_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dvbcss_server;
struct dvbcss_http_handler;
struct dvbcss_refusal_format;

/** One header of an HTTP answer. */
struct dvbcss_http_header {
    /** As "Cache-Control", without the colon. */
    const char *name;
    const char *value;
};

/** A request, valid during the call of the handler. Strings are terminated by 0. */
struct dvbcss_http_request {
    /** "GET", "POST", ... */
    const char *method;
    /** Percent-decoded and normalised: no "..", no empty segments. */
    const char *path;
    /** What follows the question mark, as it was sent; "" without one. */
    const char *query;
    /** The whole body. */
    const void *body;
    size_t body_length;
    const struct sockaddr *peer;
    const struct sockaddr *local;
    /** Whether it came by TLS. */
    bool secure;
    /** The base's own. */
    void *exchange;
};

/** An answer. Start from #DVBCSS_HTTP_RESPONSE_INIT. Copied by dvbcss_http_respond(). */
struct dvbcss_http_response {
    /** 200 to 599. */
    unsigned status;
    /** As "application/json"; NULL for none. */
    const char *content_type;
    /** Beside Content-Type, Content-Length, Server and those of the server's options. */
    const struct dvbcss_http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_length;
};

#define DVBCSS_HTTP_RESPONSE_INIT                                                                  \
    {                                                                                              \
        200, NULL, NULL, 0, NULL, 0                                                                \
    }

/** How a handler is made. Start from #DVBCSS_HTTP_HANDLER_OPTIONS_INIT. Everything is copied. */
struct dvbcss_http_handler_options {
    /** As "/api/v1": matches this path and those below it. "/" matches all. The longest match
     * wins; WebSocket endpoints come first. */
    const char *path;
    /** Largest request body; a larger one is answered with 413. */
    size_t max_body_bytes;
    /** Answers a request by calling dvbcss_http_respond() once before it returns; otherwise the
     * peer gets a 500. */
    void (*handle)(void *context, const struct dvbcss_http_request *request);
    /** For @p handle. */
    void *context;
    /** How requests are refused that do not come as far as @p handle; must outlive the handler.
     * NULL: as the server's. */
    const struct dvbcss_refusal_format *refusal_format;
};

#define DVBCSS_HTTP_HANDLER_OPTIONS_INIT                                                           \
    {                                                                                              \
        NULL, 65536, NULL, NULL, NULL                                                              \
    }

/**
 * Adds a handler of plain HTTP requests.
 *
 * @param handler result; valid until it is removed or the server has closed
 * @param options copied
 * @return 0, DVBCSS_EINVAL (no path, one without a slash in front, no `handle`), DVBCSS_EEXIST (the
 *         path has a handler), DVBCSS_ENOMEM, DVBCSS_ESTATE (the server is closing)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_http_handler_add(struct dvbcss_http_handler **handler, struct dvbcss_server *server,
                        const struct dvbcss_http_handler_options *options);

/** Removes a handler; it is not called again. Inside its own call it is allowed. NULL is fine. */
DVBCSS_API void dvbcss_http_handler_remove(struct dvbcss_http_handler *handler);

/**
 * Finds a header of a request. For Host, that is the host and port of a target that is an absolute
 * URL: they take the header's place.
 *
 * @param name   without colon, in lower case
 * @param value  result, terminated by 0; several of the same name are joined with ", "
 * @param size   of @p value in bytes
 * @return 0, DVBCSS_ENOENT (it is missing or empty), DVBCSS_ENOSPC
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_http_request_header(const struct dvbcss_http_request *request, const char *name, char *value,
                           size_t size);

/**
 * Answers a request, from inside its handler.
 *
 * @param response copied
 * @return 0, DVBCSS_ESTATE (answered already), DVBCSS_EINVAL (status out of range, a line break in
 *         a header), DVBCSS_ENOSPC (the headers are too large), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_http_respond(const struct dvbcss_http_request *request,
                                                    const struct dvbcss_http_response *response);

#ifdef __cplusplus
}
#endif

#endif
