/*
 * The head is packed while it is read: method, path, query, then name and value of each header,
 * each with a NUL behind it. A line is appended to that byte by byte, and once it is complete its
 * pieces take its place, which they always fit in.
 */
#include "server-core/ws_request.h"

#include <string.h>
#include <strings.h>

#include "dvbcss/alloc.h"

/* Most heads fit in that. */
enum { FIRST_BYTES = 1024 };

struct ws_request {
    char *text;
    size_t size;
    /** Bytes of the text: packed pieces, then those of the line that is being read. */
    size_t used;
    /** Where in the text the pieces end and the line begins. */
    size_t line;
    /** Of the head, empty lines in front of it included. */
    size_t received;
    size_t max_bytes;
    /** Where in the text they begin; the method is at 0. Headers are at 0 as long as the first line
     * is missing. */
    size_t path;
    size_t query;
    size_t headers;
    bool http_1_1;
};

/* ------------------------------------------------------------------------------------------------
 * Characters and pieces
 */

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "!#$%&'*+-.^_`|~";
    size_t length = strspn(text, allowed);

    return length != 0 && text[length] == '\0';
}

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *digit = c == '\0' ? NULL : strchr(digits, c);

    return digit ? (int)(digit - digits) % 16 : -1;
}

/* Ends a piece at the first of a character; returns what is behind that, or NULL. */
static char *cut(char *piece, char at)
{
    char *found = strchr(piece, at);

    if (!found)
        return NULL;
    *found = '\0';
    return found + 1;
}

/* ------------------------------------------------------------------------------------------------
 * Paths
 */

/* Undoes the percent encoding, in place; false if it is none. */
static bool decode(char *path)
{
    char *to = path;

    for (const char *from = path; *from != '\0'; from++) {
        char c = *from;

        if (c == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);

            if (low < 0 || is_control((unsigned char)(high * 16 + low)))
                return false;
            c = (char)(high * 16 + low);
            from += 2;
        }
        *to++ = c;
    }
    *to = '\0';
    return true;
}

/* Removes empty segments, "." and "..", in place; false if that leads above the root. What is
 * written ends with a slash, but for a last segment without one. */
static bool normalise(char *path)
{
    const char *from = path + 1;
    char *to = path + 1;

    while (*from != '\0') {
        size_t length = strcspn(from, "/");
        size_t with_slash = from[length] == '/' ? length + 1 : length;

        if (length == 2 && strncmp(from, "..", 2) == 0) {
            if (to == path + 1)
                return false;
            do {
                to--;
            } while (to[-1] != '/');
        } else if (length != 0 && !(length == 1 && *from == '.')) {
            memmove(to, from, with_slash);
            to += with_slash;
        }
        from += with_slash;
    }
    *to = '\0';
    return true;
}

/* Where the path, which can have a query behind it, begins in a target; NULL if that is not of a
 * form that a server has to serve (RFC 9112 section 3.2). A path that is missing is put there. */
static char *find_path(char *target)
{
    static const char *const schemes[] = {"http://", "https://"};

    if (*target == '/')
        return target;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        char *path;

        if (strncasecmp(target, schemes[i], length) != 0)
            continue;
        path = target + length + strcspn(target + length, "/?");
        if (path == target + length)
            return NULL;
        /* The last byte of the host, which nobody reads, makes room. */
        if (*path != '/')
            *--path = '/';
        return path;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------
 * Lines, without their ends. What reads one returns the end of its pieces, or NULL if it is
 * malformed.
 */

static char *read_first_line(struct ws_request *request, char *line)
{
    char *target = cut(line, ' ');
    char *version = target ? cut(target, ' ') : NULL;
    char *path;
    char *query;

    if (!version || !is_token(line) || strpbrk(target, "#\t"))
        return NULL;
    request->http_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (!request->http_1_1 && strcmp(version, "HTTP/1.0") != 0)
        return NULL;
    path = find_path(target);
    if (!path)
        return NULL;
    query = cut(path, '?');
    if (!query)
        query = path + strlen(path);
    if (!decode(path) || !normalise(path))
        return NULL;
    request->path = (size_t)(path - request->text);
    request->query = (size_t)(query - request->text);
    request->headers = request->query + strlen(query) + 1;
    return request->text + request->headers;
}

static char *read_header(char *line)
{
    char *value = cut(line, ':');
    char *packed;
    size_t length;

    if (!value || !is_token(line))
        return NULL;
    value += strspn(value, " \t");
    length = strlen(value);
    while (length != 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    packed = line + strlen(line) + 1;
    memmove(packed, value, length);
    packed[length] = '\0';
    return packed + length + 1;
}

/* The line that is being read has got its LF. */
static enum ws_request_state end_line(struct ws_request *request)
{
    char *line = request->text + request->line;
    char *end = request->text + request->used - 1;

    if (end > line && end[-1] == '\r')
        end--;
    if (end == line) {
        request->used = request->line;
        return request->headers != 0 ? WS_REQUEST_COMPLETE : WS_REQUEST_INCOMPLETE;
    }
    *end = '\0';
    end = request->headers != 0 ? read_header(line) : read_first_line(request, line);
    if (!end)
        return WS_REQUEST_MALFORMED;
    request->used = request->line = (size_t)(end - request->text);
    return WS_REQUEST_INCOMPLETE;
}

static enum ws_request_state read_byte(struct ws_request *request, char c)
{
    bool after_cr = request->used > request->line && request->text[request->used - 1] == '\r';

    request->text[request->used++] = c;
    if (c == '\n')
        return end_line(request);
    if (after_cr || (is_control((unsigned char)c) && c != '\r' && c != '\t'))
        return WS_REQUEST_MALFORMED;
    return WS_REQUEST_INCOMPLETE;
}

/* ------------------------------------------------------------------------------------------------
 * Requests
 */

int ws_request_create(struct ws_request **request, size_t max_bytes)
{
    struct ws_request *created = dvbcss_calloc(1, sizeof *created);

    if (!created)
        return DVBCSS_ENOMEM;
    created->max_bytes = max_bytes;
    *request = created;
    return 0;
}

void ws_request_destroy(struct ws_request *request)
{
    if (!request)
        return;
    dvbcss_free(request->text);
    dvbcss_free(request);
}

/* Makes room for bytes that the head is allowed to have. */
static int reserve(struct ws_request *request, size_t bytes)
{
    size_t needed = request->used + bytes;
    size_t size = request->size != 0 ? request->size : FIRST_BYTES;
    char *text;

    if (needed <= request->size)
        return 0;
    while (size < needed && size <= request->max_bytes / 2)
        size *= 2;
    if (size < needed || size > request->max_bytes)
        size = request->max_bytes;
    text = dvbcss_realloc(request->text, size);
    if (!text)
        return DVBCSS_ENOMEM;
    request->text = text;
    request->size = size;
    return 0;
}

int ws_request_read(struct ws_request *request, const void *bytes, size_t length, size_t *taken,
                    enum ws_request_state *state)
{
    const char *input = bytes;
    size_t allowed = request->max_bytes - request->received;
    size_t count = length < allowed ? length : allowed;
    size_t done = 0;

    if (reserve(request, count) != 0)
        return DVBCSS_ENOMEM;
    *state = WS_REQUEST_INCOMPLETE;
    while (*state == WS_REQUEST_INCOMPLETE && done < count)
        *state = read_byte(request, input[done++]);
    request->received += done;
    if (*state == WS_REQUEST_INCOMPLETE && done < length)
        *state = WS_REQUEST_TOO_BIG;
    *taken = *state == WS_REQUEST_COMPLETE ? done : length;
    return 0;
}

const char *ws_request_method(const struct ws_request *request)
{
    return request->text;
}

const char *ws_request_path(const struct ws_request *request)
{
    return request->text + request->path;
}

const char *ws_request_query(const struct ws_request *request)
{
    return request->text + request->query;
}

bool ws_request_is_http_1_1(const struct ws_request *request)
{
    return request->http_1_1;
}

/* ------------------------------------------------------------------------------------------------
 * Headers
 */

/* The value of the next header of a name, behind the header that has this value (NULL: of the first
 * one), or NULL. */
static const char *next_value(const struct ws_request *request, const char *name, const char *value)
{
    const char *end = request->text + request->used;
    const char *header = value ? value + strlen(value) + 1 : request->text + request->headers;

    while (header < end) {
        value = header + strlen(header) + 1;
        if (strcasecmp(header, name) == 0)
            return value;
        header = value + strlen(value) + 1;
    }
    return NULL;
}

size_t ws_request_count(const struct ws_request *request, const char *name)
{
    const char *value = NULL;
    size_t count = 0;

    while ((value = next_value(request, name, value)))
        count++;
    return count;
}

const char *ws_request_header(const struct ws_request *request, const char *name)
{
    return next_value(request, name, NULL);
}

/* Copies as much of a text as there is room for; returns where it ends, or would. */
static size_t put(char *to, size_t size, size_t at, const char *text)
{
    size_t length = strlen(text);

    if (at < size)
        memcpy(to + at, text, length < size - at ? length : size - at);
    return at + length;
}

int ws_request_copy_header(const struct ws_request *request, const char *name, char *value,
                           size_t size)
{
    const char *separator = "";
    const char *next = NULL;
    size_t length = 0;
    bool empty = true;

    while ((next = next_value(request, name, next))) {
        length = put(value, size, length, separator);
        length = put(value, size, length, next);
        separator = ", ";
        empty = empty && *next == '\0';
    }
    if (empty || length >= size) {
        if (size != 0)
            value[0] = '\0';
        return empty ? DVBCSS_ENOENT : DVBCSS_ENOSPC;
    }
    value[length] = '\0';
    return 0;
}
