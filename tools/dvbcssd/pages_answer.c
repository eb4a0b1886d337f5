#include "pages_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "pages_range.h"

enum { HEADERS_MAX = 12, POLICY_SIZE = 896, HOST_SIZE = 256 };

/* ---- headers -------------------------------------------------------------------------------- */

/* The headers of an answer, and the texts that they point to. */
struct headers {
    struct dvbcss_http_header list[HEADERS_MAX];
    size_t count;
    char policy[POLICY_SIZE];
    char range[80];
};

static void add(struct headers *headers, const char *name, const char *value)
{
    headers->list[headers->count++] = (struct dvbcss_http_header){name, value};
}

/* The name of this host as the request has it, without the port; "" if it is nothing that can stand
 * in a policy: it is the peer's text, and a policy has no form for IPv6. */
static void read_host(const struct dvbcss_http_request *request, char host[HOST_SIZE])
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

    if (dvbcss_http_request_header(request, "host", host, HOST_SIZE) != 0)
        host[0] = '\0';
    host[strcspn(host, ":")] = '\0';
    if (host[strspn(host, letters)] != '\0')
        host[0] = '\0';
}

/* What a page may load: what comes from here, and WebSockets to any port of this host, because CII
 * names the other endpoints. */
static void write_policy(const struct dvbcss_http_request *request, char policy[POLICY_SIZE])
{
    char host[HOST_SIZE], sockets[2 * HOST_SIZE + 32] = "";

    read_host(request, host);
    if (*host)
        snprintf(sockets, sizeof sockets, " ws://%s:* wss://%s:*", host, host);
    snprintf(policy, POLICY_SIZE,
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
             "media-src 'self' blob:; connect-src 'self'%s; frame-ancestors 'none'; "
             "base-uri 'none'; form-action 'self'",
             sockets);
}

/* Isolation (the opener and embedder policies) is also what gives a page its fine clock. */
static void begin(struct headers *headers, const struct dvbcss_http_request *request)
{
    headers->count = 0;
    write_policy(request, headers->policy);
    add(headers, "Content-Security-Policy", headers->policy);
    add(headers, "X-Content-Type-Options", "nosniff");
    add(headers, "Referrer-Policy", "no-referrer");
    add(headers, "Cross-Origin-Opener-Policy", "same-origin");
    add(headers, "Cross-Origin-Embedder-Policy", "require-corp");
    add(headers, "Cross-Origin-Resource-Policy", "same-origin");
    add(headers, "Cache-Control", "no-cache");
}

static unsigned send_answer(const struct dvbcss_http_request *request,
                            const struct headers *headers, struct dvbcss_http_response *response)
{
    response->headers = headers->list;
    response->header_count = headers->count;
    /* The base answers 500 if this fails. */
    return dvbcss_http_respond(request, response) == 0 ? response->status : 500;
}

unsigned pages_refuse(const struct dvbcss_http_request *request, unsigned status,
                      const char *reason, const char *allow)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct headers headers;
    char text[256];

    begin(&headers, request);
    if (allow)
        add(&headers, "Allow", allow);
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = text;
    response.body_length = (size_t)snprintf(text, sizeof text, "%s\n", reason);
    return send_answer(request, &headers, &response);
}

unsigned pages_answer_json(const struct dvbcss_http_request *request, json_t *json)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct headers headers;
    unsigned status;

    json_decref(json);
    if (!text)
        return pages_refuse(request, 500, "out of memory", NULL);
    begin(&headers, request);
    response.content_type = "application/json";
    response.body = text;
    response.body_length = strlen(text);
    status = send_answer(request, &headers, &response);
    dvbcss_free(text);
    return status;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Whether a list of entity tags names this one; weak ones compare alike here (RFC 9110 13.1.2). */
static bool tags_have(const char *list, const char *etag)
{
    return strcmp(list, "*") == 0 || strstr(list, etag);
}

static bool is_unchanged(const struct dvbcss_http_request *request, const struct pages_file *file)
{
    char tags[512];

    return dvbcss_http_request_header(request, "if-none-match", tags, sizeof tags) == 0 &&
           tags_have(tags, file->etag);
}

/* What part is asked for: of a file that changed since, the whole. */
static enum pages_range_kind read_range(const struct dvbcss_http_request *request,
                                        const struct pages_file *file, struct pages_range *range)
{
    char text[128], tag[128];
    int tagged;

    if (dvbcss_http_request_header(request, "range", text, sizeof text) != 0)
        return PAGES_RANGE_WHOLE;
    tagged = dvbcss_http_request_header(request, "if-range", tag, sizeof tag);
    if (tagged != DVBCSS_ENOENT && (tagged != 0 || strcmp(tag, file->etag) != 0))
        return PAGES_RANGE_WHOLE;
    return pages_range_read(text, file->size, range);
}

/* Answers with the bytes of a range; for HEAD the base needs their number only. */
static unsigned answer_bytes(const struct dvbcss_http_request *request,
                             const struct pages_file *file, struct headers *headers,
                             struct dvbcss_http_response *response, struct pages_range range)
{
    bool head = strcmp(request->method, "HEAD") == 0;
    void *body = NULL;
    unsigned status;

    response->content_type = file->type;
    response->body_length = file->size == 0 ? 0 : (size_t)(range.last - range.first + 1);
    if (!head && response->body_length != 0) {
        body = dvbcss_malloc(response->body_length);
        if (!body || pages_file_read(file, range.first, body, response->body_length) != 0) {
            dvbcss_free(body);
            return pages_refuse(request, 500, "the file cannot be read", NULL);
        }
    }
    response->body = body;
    status = send_answer(request, headers, response);
    dvbcss_free(body);
    return status;
}

unsigned pages_answer_file(const struct dvbcss_http_request *request, const struct pages_file *file,
                           uint64_t *bytes)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    struct pages_range range = {0, file->size == 0 ? 0 : file->size - 1};
    enum pages_range_kind kind = read_range(request, file, &range);
    struct headers headers;
    unsigned status;

    if (kind == PAGES_RANGE_WHOLE && file->size > PAGES_ANSWER_MAX &&
        strcmp(request->method, "GET") == 0 && !is_unchanged(request, file))
        return pages_refuse(request, 403,
                            "the file is too large for one answer: ask for parts of it "
                            "(Range)",
                            NULL);
    begin(&headers, request);
    add(&headers, "ETag", file->etag);
    add(&headers, "Accept-Ranges", "bytes");
    if (is_unchanged(request, file)) {
        response.status = 304;
        return send_answer(request, &headers, &response);
    }
    if (kind == PAGES_RANGE_OUTSIDE) {
        snprintf(headers.range, sizeof headers.range, "bytes */%" PRIu64, file->size);
        add(&headers, "Content-Range", headers.range);
        response.status = 416;
        return send_answer(request, &headers, &response);
    }
    if (kind == PAGES_RANGE_PART) {
        /* Fewer than asked for is allowed (RFC 9110 15.3.7), and browsers ask again. */
        if (range.last - range.first >= PAGES_ANSWER_MAX)
            range.last = range.first + PAGES_ANSWER_MAX - 1;
        snprintf(headers.range, sizeof headers.range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                 range.first, range.last, file->size);
        add(&headers, "Content-Range", headers.range);
        response.status = 206;
    }
    status = answer_bytes(request, file, &headers, &response, range);
    if (status < 300)
        *bytes += response.body_length;
    return status;
}
