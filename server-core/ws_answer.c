#include <stdio.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

static const struct {
    unsigned status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
};

static const char *phrase_of(unsigned status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Status";
}

bool ws_header_is_valid(const struct dvbcss_http_header *header)
{
    return header->name && header->value && *header->name != '\0' &&
           header->name[strcspn(header->name, "\r\n: \t")] == '\0' &&
           header->value[strcspn(header->value, "\r\n")] == '\0';
}

bool ws_response_is_valid(const struct dvbcss_http_response *response)
{
    if (response->status < 200 || response->status > 599)
        return false;
    if (response->content_type && strpbrk(response->content_type, "\r\n"))
        return false;
    for (size_t i = 0; i < response->header_count; i++)
        if (!ws_header_is_valid(&response->headers[i]))
            return false;
    return true;
}

/* Text that grows into a buffer; without a buffer it only counts. */
struct text {
    char *bytes;
    size_t length;
};

static void add(struct text *text, const char *addition)
{
    size_t length = strlen(addition);

    if (text->bytes)
        memcpy(text->bytes + text->length, addition, length);
    text->length += length;
}

static void add_header(struct text *text, const char *name, const char *value)
{
    add(text, name);
    add(text, ": ");
    add(text, value);
    add(text, "\r\n");
}

static void write_head(struct text *text, const struct dvbcss_http_response *response,
                       const char *common)
{
    char line[64];

    snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", response->status,
             phrase_of(response->status));
    add(text, line);
    if (response->content_type)
        add_header(text, "Content-Type", response->content_type);
    /* A 204 and a 304 have no body to tell the length of (RFC 9110 8.6). */
    if (response->status != 204 && response->status != 304) {
        snprintf(line, sizeof line, "%zu", response->body_length);
        add_header(text, "Content-Length", line);
    }
    for (size_t i = 0; i < response->header_count; i++)
        add_header(text, response->headers[i].name, response->headers[i].value);
    add_header(text, "Connection", "close");
    add(text, common);
    add(text, "\r\n");
}

int ws_answer_build(struct dvbcss_message **answer, const struct dvbcss_http_response *response,
                    const char *common, bool head_only)
{
    bool without_body = head_only || response->status == 204 || response->status == 304;
    size_t body_length = without_body ? 0 : response->body_length;
    struct text text = {NULL, 0};
    struct dvbcss_message *built;

    write_head(&text, response, common);
    if (body_length > SIZE_MAX - text.length)
        return DVBCSS_ENOMEM;
    built = ws_message_allocate(DVBCSS_MESSAGE_BINARY, text.length + body_length);
    if (!built)
        return DVBCSS_ENOMEM;
    text = (struct text){(char *)built->bytes, 0};
    write_head(&text, response, common);
    if (body_length != 0)
        memcpy(built->bytes + text.length, response->body, body_length);
    *answer = built;
    return 0;
}
