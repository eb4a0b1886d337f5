#include <stdio.h>

#include "server-core/ws_internal.h"

enum { BODY_SIZE = 512 };

static const struct {
    unsigned status;
    const char *text;
} refusals[DVBCSS_REFUSAL_COUNT] = {
#define REFUSAL_ENTRY(name, status, text) [DVBCSS_REFUSAL_##name] = {status, text},
    DVBCSS_REFUSAL_MAP(REFUSAL_ENTRY)
#undef REFUSAL_ENTRY
};

/* What a person can do about it. */
static const char *const hints[DVBCSS_REFUSAL_COUNT] = {
    [DVBCSS_REFUSAL_DISABLED] = "It exists, but is switched off for now.",
    [DVBCSS_REFUSAL_ORIGIN] = "The page must come from an origin that the server's settings list.",
    [DVBCSS_REFUSAL_HOST] =
        "Use the server's address, or have its settings list the name that you used.",
    [DVBCSS_REFUSAL_HOOK] = "The server's log may say more.",
    [DVBCSS_REFUSAL_UNKNOWN_PATH] = "Check the path of the URL.",
    [DVBCSS_REFUSAL_METHOD] = "Use GET.",
    [DVBCSS_REFUSAL_NOT_WEBSOCKET] =
        ("This URL speaks WebSocket (RFC 6455): use a WebSocket client, which sends a GET with "
         "\"Upgrade: websocket\" and \"Connection: Upgrade\"."),
    [DVBCSS_REFUSAL_VERSION] = "Sec-WebSocket-Version must be 13.",
    [DVBCSS_REFUSAL_KEY] = "It must be 16 random bytes in Base64.",
    [DVBCSS_REFUSAL_SUBPROTOCOL] = "Leave Sec-WebSocket-Protocol out.",
    [DVBCSS_REFUSAL_MALFORMED] =
        "It needs one Host, with a body one Content-Length, and for a WebSocket HTTP/1.1.",
    [DVBCSS_REFUSAL_TARGET] =
        "Ask for a path below the root, with two hexadecimal digits behind each percent sign.",
    [DVBCSS_REFUSAL_BODY_TOO_BIG] = "Send less at a time.",
    [DVBCSS_REFUSAL_HEADERS_TOO_BIG] = "Send fewer or shorter headers.",
    [DVBCSS_REFUSAL_TIMEOUT] = "Send the whole request at once.",
    [DVBCSS_REFUSAL_ADDRESS_FULL] = "Close a connection of yours, or try again later.",
    [DVBCSS_REFUSAL_SERVER_ADDRESS_FULL] = "Close a connection of yours, or try again later.",
    [DVBCSS_REFUSAL_FULL] = "Try again later.",
    [DVBCSS_REFUSAL_SERVER_FULL] = "Try again later.",
    [DVBCSS_REFUSAL_CLOSING] = "Try again later.",
    [DVBCSS_REFUSAL_INTERNAL] = "The server's log may say more.",
};

const char *ws_refusal_text(enum dvbcss_refusal why)
{
    return refusals[why].text;
}

/* The headers that a program looks for. Returns their number. */
static size_t set_headers(struct dvbcss_http_header headers[2], enum dvbcss_refusal why,
                          const char *retry_after)
{
    size_t count = 0;

    switch (refusals[why].status) {
    case 405:
        headers[count++] = (struct dvbcss_http_header){"Allow", "GET"};
        break;
    case 426:
        headers[count++] = (struct dvbcss_http_header){"Upgrade", "websocket"};
        break;
    case 429:
    case 503:
        headers[count++] = (struct dvbcss_http_header){"Retry-After", retry_after};
        break;
    default:
        break;
    }
    if (why == DVBCSS_REFUSAL_VERSION)
        headers[count++] = (struct dvbcss_http_header){"Sec-WebSocket-Version", "13"};
    return count;
}

/* For a person. Returns the length. */
static size_t write_text(enum dvbcss_refusal why, char body[BODY_SIZE])
{
    return (size_t)snprintf(body, BODY_SIZE, "%u: %s.\n%s\n", refusals[why].status,
                            refusals[why].text, hints[why]);
}

static size_t write_body(enum dvbcss_refusal why, const struct dvbcss_refusal_format *format,
                         char body[BODY_SIZE])
{
    char reason[BODY_SIZE];

    snprintf(reason, sizeof reason, "%s. %s", refusals[why].text, hints[why]);
    return format->write(refusals[why].status, reason, body, BODY_SIZE);
}

int ws_refusal_build(struct dvbcss_message **answer, const struct dvbcss_server *server,
                     enum dvbcss_refusal why, const struct dvbcss_refusal_format *format,
                     bool head_only)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct dvbcss_http_header headers[2];
    char retry_after[16];
    char body[BODY_SIZE];

    if (!format)
        format = server->options.refusal_format;
    snprintf(retry_after, sizeof retry_after, "%u", server->options.retry_after_s);
    response.status = refusals[why].status;
    response.content_type = format ? format->content_type : "text/plain; charset=utf-8";
    response.headers = headers;
    response.header_count = set_headers(headers, why, retry_after);
    response.body = body;
    response.body_length = format ? write_body(why, format, body) : write_text(why, body);
    return ws_answer_build(answer, &response, server->common_headers, head_only);
}
