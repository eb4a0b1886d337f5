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
     * is missing, and so is the host if the target has none. */
    size_t host;
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

/* The length of the scheme in front of an absolute URL, with its slashes; 0 if it is none. */
static size_t scheme_length(const char *target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(target, schemes[i], strlen(schemes[i])) == 0)
            return strlen(schemes[i]);
    return 0;
}

/* Where the path, which can have a query behind it, begins in a target; NULL if that is not of a
 * form that a server has to serve (RFC 9112 section 3.2). The host of an absolute URL takes the
 * place of its scheme, and a path that is missing is put behind it. */
static char *find_path(char *target, char **host)
{
    size_t scheme = scheme_length(target);
    size_t length = strcspn(target + scheme, "/?");
    char *begin = target + scheme;
    char *path = begin + length;
    char *user;

    *host = NULL;
    if (scheme == 0)
        return *target == '/' ? target : NULL;
    while ((user = memchr(begin, '@', (size_t)(path - begin))))
        begin = user + 1;
    if (begin == path)
        return NULL;
    *host = target;
    memmove(target, begin, (size_t)(path - begin));
    target[path - begin] = '\0';
    if (*path != '/')
        *--path = '/';
    return path;
}

/* ------------------------------------------------------------------------------------------------
 * Lines, without their ends. What reads one finds the end of its pieces, if all is well.
 */

static enum ws_request_state read_target(struct ws_request *request, char *target, char **end)
{
    char *host = NULL;
    char *path = strchr(target, '#') ? NULL : find_path(target, &host);
    char *query;

    if (!path)
        return WS_REQUEST_BAD_TARGET;
    query = cut(path, '?');
    if (!query)
        query = path + strlen(path);
    if (!decode(path) || !normalise(path))
        return WS_REQUEST_BAD_TARGET;
    request->host = host ? (size_t)(host - request->text) : 0;
    request->path = (size_t)(path - request->text);
    request->query = (size_t)(query - request->text);
    request->headers = request->query + strlen(query) + 1;
    *end = request->text + request->headers;
    return WS_REQUEST_INCOMPLETE;
}

static enum ws_request_state read_first_line(struct ws_request *request, char *line, char **end)
{
    char *target = cut(line, ' ');
    char *version = target ? cut(target, ' ') : NULL;

    if (!version || !is_token(line) || *target == '\0' || strchr(target, '\t'))
        return WS_REQUEST_MALFORMED;
    request->http_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (!request->http_1_1 && strcmp(version, "HTTP/1.0") != 0)
        return WS_REQUEST_MALFORMED;
    return read_target(request, target, end);
}

static enum ws_request_state read_header(char *line, char **end)
{
    char *value = cut(line, ':');
    char *packed;
    size_t length;

    if (!value || !is_token(line))
        return WS_REQUEST_MALFORMED;
    value += strspn(value, " \t");
    length = strlen(value);
    while (length != 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    packed = line + strlen(line) + 1;
    memmove(packed, value, length);
    packed[length] = '\0';
    *end = packed + length + 1;
    return WS_REQUEST_INCOMPLETE;
}

/* The line that is being read has got its LF. */
static enum ws_request_state end_line(struct ws_request *request)
{
    char *line = request->text + request->line;
    char *end = request->text + request->used - 1;
    enum ws_request_state state;

    if (end > line && end[-1] == '\r')
        end--;
    if (end == line) {
        request->used = request->line;
        return request->headers != 0 ? WS_REQUEST_COMPLETE : WS_REQUEST_INCOMPLETE;
    }
    *end = '\0';
    state = request->headers != 0 ? read_header(line, &end) : read_first_line(request, line, &end);
    if (state == WS_REQUEST_INCOMPLETE)
        request->used = request->line = (size_t)(end - request->text);
    return state;
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

/* The value of the next header of a name, as it was sent, behind the header that has this value
 * (NULL: of the first one), or NULL. */
static const char *next_sent(const struct ws_request *request, const char *name, const char *value)
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

/* The same as it counts: a host in the target takes the place of Host. */
static const char *next_value(const struct ws_request *request, const char *name, const char *value)
{
    if (request->host != 0 && strcasecmp(name, "host") == 0)
        return value ? NULL : request->text + request->host;
    return next_sent(request, name, value);
}

size_t ws_request_count(const struct ws_request *request, const char *name)
{
    const char *value = NULL;
    size_t count = 0;

    while ((value = next_sent(request, name, value)))
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
