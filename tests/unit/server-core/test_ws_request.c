/*
 * Heads of requests: RFC 9112 sections 2 to 5. Each is read whole, byte by byte, and cut in two at
 * every place, and is the same.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server-core/ws_request.h"

enum { MAX_BYTES = 5000 };

static struct ws_request *request;

static void renew(size_t max_bytes)
{
    ws_request_destroy(request);
    cr_assert_eq(ws_request_create(&request, max_bytes), 0);
}

static void stop(void)
{
    ws_request_destroy(request);
}

TestSuite(ws_request, .fini = stop);

/* Gives the bytes up to an end to the request, and moves on by what it takes. */
static enum ws_request_state give(const char *bytes, size_t *at, size_t end)
{
    enum ws_request_state state;
    size_t taken;

    cr_assert_eq(ws_request_read(request, bytes + *at, end - *at, &taken, &state), 0);
    if (state == WS_REQUEST_COMPLETE)
        cr_assert_leq(taken, end - *at);
    else
        cr_assert_eq(taken, end - *at);
    *at += taken;
    return state;
}

/* Reads a head anew, in a first piece of one size and others of another. */
static enum ws_request_state read_in_pieces(const char *bytes, size_t length, size_t first,
                                            size_t others, size_t *at)
{
    size_t end = first;
    enum ws_request_state state;

    renew(MAX_BYTES);
    *at = 0;
    state = give(bytes, at, end);
    while (state == WS_REQUEST_INCOMPLETE && end < length) {
        end = length - end < others ? length : end + others;
        state = give(bytes, at, end);
    }
    return state;
}

static enum ws_request_state read_whole(const char *text)
{
    size_t at;

    return read_in_pieces(text, strlen(text), strlen(text), 1, &at);
}

struct expected {
    const char *method;
    const char *path;
    const char *query;
    /** Of the header "X"; NULL for none. */
    const char *x;
    bool http_1_0;
};

static void expect_request(const struct expected *expected, const char *text)
{
    const char *x = ws_request_header(request, "X");

    cr_assert_str_eq(ws_request_method(request), expected->method ? expected->method : "GET");
    cr_assert_str_eq(ws_request_path(request), expected->path, "%s", text);
    cr_assert_str_eq(ws_request_query(request), expected->query ? expected->query : "", "%s", text);
    cr_assert_eq(ws_request_is_http_1_1(request), !expected->http_1_0);
    cr_assert_eq(x != NULL, expected->x != NULL);
    if (x)
        cr_assert_str_eq(x, expected->x, "%s", text);
}

/* Reads a head in all ways, with something behind it, which stays there. */
static void expect_head(const char *text, const struct expected *expected)
{
    char bytes[2000];
    size_t head = strlen(text);
    size_t length = (size_t)snprintf(bytes, sizeof bytes, "%sGET", text);
    size_t at;

    cr_assert_lt(length, sizeof bytes);
    for (size_t first = 0; first <= length; first++) {
        cr_assert_eq(read_in_pieces(bytes, length, first, length, &at), WS_REQUEST_COMPLETE,
                     "cut at %zu: %s", first, text);
        cr_assert_eq(at, head, "cut at %zu: %s", first, text);
        expect_request(expected, text);
    }
    cr_assert_eq(read_in_pieces(bytes, length, 1, 1, &at), WS_REQUEST_COMPLETE, "%s", text);
    cr_assert_eq(at, head, "%s", text);
    expect_request(expected, text);
}

/* Reads what its last byte makes wrong, in all ways. */
static void expect_wrong(enum ws_request_state state, const char *bytes, size_t length)
{
    size_t at;

    for (size_t first = 0; first <= length; first++)
        cr_assert_eq(read_in_pieces(bytes, length, first, length, &at), state, "cut at %zu: %s",
                     first, bytes);
    cr_assert_eq(read_in_pieces(bytes, length, 1, 1, &at), state, "%s", bytes);
    cr_assert_eq(at, length, "%zu, too early: %s", at, bytes);
}

/* ---- first lines and line ends -------------------------------------------------------------- */

Test(ws_request, heads_are_read_however_they_arrive)
{
    static const struct {
        const char *text;
        struct expected expected;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", {.path = "/"}},
        {"GET / HTTP/1.0\r\n\r\n", {.path = "/", .http_1_0 = true}},
        {"GET /cii?a=b HTTP/1.1\r\nHost: tv\r\nX: y\r\n\r\n",
         {.path = "/cii", .query = "a=b", .x = "y"}},
        {"DELETE /x HTTP/1.1\r\n\r\n", {.method = "DELETE", .path = "/x"}},
        {"OPTIONS /x HTTP/1.1\r\n\r\n", {.method = "OPTIONS", .path = "/x"}},
        {"get /x HTTP/1.1\r\n\r\n", {.method = "get", .path = "/x"}},
        {"!#$%&'*+-.^_`|~09azAZ /x HTTP/1.1\r\n\r\n",
         {.method = "!#$%&'*+-.^_`|~09azAZ", .path = "/x"}},
        {"GET /x HTTP/1.1\n\n", {.path = "/x"}},
        {"GET /x HTTP/1.1\nX: y\n\n", {.path = "/x", .x = "y"}},
        {"GET /x HTTP/1.1\nX: y\r\n\n", {.path = "/x", .x = "y"}},
        {"GET /x HTTP/1.1\r\nX: y\n\r\n", {.path = "/x", .x = "y"}},
        {"\r\nGET /x HTTP/1.1\r\nX: y\r\n\r\n", {.path = "/x", .x = "y"}},
        {"\n\r\n\nGET /x HTTP/1.1\r\n\r\n", {.path = "/x"}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_head(cases[i].text, &cases[i].expected);
}

#define BYTES(text) text, sizeof text - 1

Test(ws_request, malformed_ones_are_told_with_the_line_that_shows_it)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {BYTES(" \r\n")},
        {BYTES("GET\r\n")},
        {BYTES("GET /\r\n")},
        {BYTES("GET /\n")},
        {BYTES("GET / \r\n")},
        {BYTES("GET  HTTP/1.1\r\n")},
        {BYTES(" GET / HTTP/1.1\r\n")},
        {BYTES("\r\n GET / HTTP/1.1\r\n")},
        {BYTES(" / HTTP/1.1\r\n")},
        {BYTES("GET  / HTTP/1.1\r\n")},
        {BYTES("GET /  HTTP/1.1\r\n")},
        {BYTES("GET / HTTP/1.1 \r\n")},
        {BYTES("GET\t/ HTTP/1.1\r\n")},
        {BYTES("GET /\tHTTP/1.1\r\n")},
        {BYTES("GET / HTTP/1.1\t\r\n")},
        {BYTES("GET /a b HTTP/1.1\r\n")},
        {BYTES("GET /% 41 HTTP/1.1\r\n")},
        {BYTES("GET /a\tb HTTP/1.1\r\n")},
        {BYTES("GET /?a\tb HTTP/1.1\r\n")},
        {BYTES("G(T / HTTP/1.1\r\n")},
        {BYTES("GET: / HTTP/1.1\r\n")},
        {BYTES("G\xc3\x89T / HTTP/1.1\r\n")},
        {BYTES("GET / HTTP/0.9\r\n")},
        {BYTES("GET / HTTP/1.2\r\n")},
        {BYTES("GET / HTTP/2.0\r\n")},
        {BYTES("PRI * HTTP/2.0\r\n")},
        {BYTES("GET / HTTP/1.\r\n")},
        {BYTES("GET / HTTP/1.10\r\n")},
        {BYTES("GET / HTTP/11\r\n")},
        {BYTES("GET / http/1.1\r\n")},
        {BYTES("GET / HTTPS/1.1\r\n")},
        {BYTES("GET / RTSP/1.0\r\n")},
        {BYTES("GET / HTTP/1.1\rX")},
        {BYTES("GET / HTTP/1.1\r\r")},
        {BYTES("\rG")},
        {BYTES("\r\r")},
        {BYTES("GET / HTTP/1.1\r\nX: a\rb")},
        {BYTES("GET / HTTP/1.1\r\n\rX")},
        {BYTES("GET / HTTP/1.1\r\n\r\r")},
        {BYTES("GET / HTTP/1.1\r\nX: a\0")},
        {BYTES("GET /\0")},
        {BYTES("\0")},
        {BYTES("\x16")},
        {BYTES("GET / HTTP/1.1\r\nX\r\n")},
        {BYTES("GET / HTTP/1.1\r\n:\r\n")},
        {BYTES("GET / HTTP/1.1\r\n: y\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX : y\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX\t: y\r\n")},
        {BYTES("GET / HTTP/1.1\r\n X: y\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX Y: y\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX(: y\r\n")},
        {BYTES("GET / HTTP/1.1\r\n\"X\": y\r\n")},
        {BYTES("GET / HTTP/1.1\r\n\xc3\x84: y\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX: y\r\n z\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX: y\r\n\tz\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX: y\r\n z: a\r\n")},
        {BYTES("GET / HTTP/1.1\r\nX: y\r\n \r\n")},
        {BYTES("GET / HTTP/1.1\nX: y\n z\n")},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_wrong(WS_REQUEST_MALFORMED, cases[i].bytes, cases[i].length);
}

/* ---- targets -------------------------------------------------------------------------------- */

Test(ws_request, targets_are_decoded_and_normalised)
{
    static const struct {
        const char *target;
        const char *path;
        const char *query;
    } cases[] = {
        {"/a", "/a", ""},
        {"/a/", "/a/", ""},
        {"//", "/", ""},
        {"//a//b", "/a/b", ""},
        {"/a//", "/a/", ""},
        {"/.", "/", ""},
        {"/./", "/", ""},
        {"/a/.", "/a/", ""},
        {"/a/..", "/", ""},
        {"/a/../", "/", ""},
        {"/a/../b", "/b", ""},
        {"/a/./b", "/a/b", ""},
        {"/a/b/..", "/a/", ""},
        {"/a/b/../", "/a/", ""},
        {"/a/b/../c", "/a/c", ""},
        {"/a/b/../../c/", "/c/", ""},
        {"/a//../b", "/b", ""},
        {"/a//..//b", "/b", ""},
        {"/...", "/...", ""},
        {"/..a/.b/c./d..", "/..a/.b/c./d..", ""},
        {"/%61%2d%7E", "/a-~", ""},
        {"/a%2fb", "/a/b", ""},
        {"/a%2F%2e%2E%2fb", "/b", ""},
        {"/%2f", "/", ""},
        {"/a/%2e", "/a/", ""},
        {"/a/.%2e", "/", ""},
        {"/%252e%252e/", "/%2e%2e/", ""},
        {"/%25", "/%", ""},
        {"/a%20b", "/a b", ""},
        {"/a%3Fb%23", "/a?b#", ""},
        {"/a%3Fb?c", "/a?b", "c"},
        {"/%c3%a4\xc3\xa4", "/\xc3\xa4\xc3\xa4", ""},
        {"/\xff%80", "/\xff\x80", ""},
        {"/a+b;c=d,e:f@g&h'(i)*!$~\\|", "/a+b;c=d,e:f@g&h'(i)*!$~\\|", ""},
        {"/?", "/", ""},
        {"/?a", "/", "a"},
        {"/a/?/../%zz?b", "/a/", "/../%zz?b"},
        {"/?%61\xc3\xa4", "/", "%61\xc3\xa4"},
        {"http://tv", "/", ""},
        {"http://tv/", "/", ""},
        {"http://tv/a/../b?c", "/b", "c"},
        {"http://tv?c", "/", "c"},
        {"http://tv?/c", "/", "/c"},
        {"http://tv?", "/", ""},
        {"http://t", "/", ""},
        {"http://t?c", "/", "c"},
        {"hTTp://user@[::1]:80/a", "/a", ""},
        {"HTTPS://tv:443//a%2f", "/a/", ""},
        {"https://tv", "/", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expected expected = {.path = cases[i].path, .query = cases[i].query, .x = "y"};
        char text[200];

        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nX: y\r\n\r\n", cases[i].target);
        expect_head(text, &expected);
    }
}

Test(ws_request, a_host_in_the_target_takes_the_place_of_the_header)
{
    static const struct {
        const char *target;
        const char *path;
        const char *host;
    } cases[] = {
        {"/a", "/a", "sent"},          {"http://tv/a", "/a", "tv"},
        {"http://t", "/", "t"},        {"https://tv.example:443?a", "/", "tv.example:443"},
        {"http://sent/", "/", "sent"}, {"hTTp://user:word@[::1]:80/a", "/a", "[::1]:80"},
        {"http://a@b@tv", "/", "tv"},  {"http://tv/@x", "/@x", "tv"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        char value[20];

        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: sent\r\n\r\n", cases[i].target);
        cr_assert_eq(read_whole(text), WS_REQUEST_COMPLETE, "%s", text);
        cr_assert_str_eq(ws_request_path(request), cases[i].path);
        cr_assert_str_eq(ws_request_header(request, "HOST"), cases[i].host);
        cr_assert_eq(ws_request_copy_header(request, "host", value, sizeof value), 0);
        cr_assert_str_eq(value, cases[i].host);
        cr_assert_eq(ws_request_count(request, "host"), 1);
    }
    cr_assert_eq(read_whole("GET http://tv/ HTTP/1.0\r\n\r\n"), WS_REQUEST_COMPLETE);
    cr_assert_str_eq(ws_request_header(request, "host"), "tv");
    cr_assert_eq(ws_request_count(request, "host"), 0);
}

Test(ws_request, other_targets_cannot_be_served)
{
    static const char *const targets[] = {
        "*",
        "a",
        "a/b",
        "?",
        ".",
        "..",
        "%2f",
        "%2fa",
        "tv:80",
        "tv",
        "#",
        "/#",
        "/a#b",
        "/?a#b",
        "http://tv#",
        "/%",
        "/%4",
        "/%?",
        "/%4?1",
        "/%4g",
        "/%g4",
        "/%%41",
        "/%-1",
        "/%00",
        "/%01",
        "/%09",
        "/%0a",
        "/%0D",
        "/%1f",
        "/%7f",
        "/%7F",
        "/..",
        "/../",
        "/../x",
        "/./..",
        "//..",
        "/a/../..",
        "/a/../../a",
        "/..%2fx",
        "/%2e%2e/x",
        "/.%2e",
        "/%2f..",
        "http:",
        "http:/",
        "http:/tv",
        "http://",
        "http:///",
        "http:///a",
        "http://?a",
        "https://",
        "http://tv/..",
        "http://tv/%",
        "ws://tv/",
        "ftp://tv/",
        "file:///etc/passwd",
        "http://a@",
        "http://@/",
    };

    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char text[200];
        int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n", targets[i]);

        expect_wrong(WS_REQUEST_BAD_TARGET, text, (size_t)length);
    }
}

/* ---- characters ----------------------------------------------------------------------------- */

static bool is_control(unsigned c)
{
    return c < 0x20 || c == 0x7f;
}

static bool is_token(unsigned c)
{
    return c > 0x20 && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", (int)c);
}

/* Whether a head is complete with a byte in it. */
static bool is_read(const char *before, unsigned c, const char *behind)
{
    char text[100];
    int length = snprintf(text, sizeof text, "%s%c%s", before, (int)c, behind);
    size_t at;

    return read_in_pieces(text, (size_t)length, (size_t)length, 1, &at) == WS_REQUEST_COMPLETE;
}

static bool is_read_encoded(unsigned c)
{
    char text[100];

    snprintf(text, sizeof text, "GET /%%%02x HTTP/1.1\r\n\r\n", c);
    return read_whole(text) == WS_REQUEST_COMPLETE;
}

Test(ws_request, every_byte_is_allowed_where_it_should_be)
{
    for (unsigned c = 0; c < 256; c++) {
        bool in_name = is_token(c);
        bool in_target = !is_control(c) && c != ' ' && c != '#';

        cr_assert_eq(is_read("G", c, "T / HTTP/1.1\r\n\r\n"), in_name, "method, %u", c);
        cr_assert_eq(is_read("GET /a", c, "20 HTTP/1.1\r\n\r\n"), in_target, "path, %u", c);
        cr_assert_eq(is_read("GET /?a", c, "b HTTP/1.1\r\n\r\n"), in_target, "query, %u", c);
        cr_assert_eq(is_read_encoded(c), !is_control(c), "encoded, %u", c);
        cr_assert_eq(is_read("GET / HTTP/1.1\r\nA", c, "B: C\r\n\r\n"), in_name || c == ':',
                     "name, %u", c);
        cr_assert_eq(is_read("GET / HTTP/1.1\r\nA: B", c, "C\r\n\r\n"), !is_control(c) || c == '\t',
                     "value, %u", c);
    }
}

/* ---- headers -------------------------------------------------------------------------------- */

Test(ws_request, values_have_no_blanks_around_them)
{
    static const struct {
        const char *line;
        const char *value;
    } cases[] = {
        {"X:", ""},
        {"X: ", ""},
        {"X: \t \t", ""},
        {"X:y", "y"},
        {"X: y", "y"},
        {"X:\t y \t", "y"},
        {"X: a b\tc", "a b\tc"},
        {"X: a: b :c", "a: b :c"},
        {"X::", ":"},
        {"x: y", "y"},
        {"X: \xc3\xa4\xff", "\xc3\xa4\xff"},
        {"X: \"a, b\"", "\"a, b\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct expected expected = {.path = "/a", .query = "b", .x = cases[i].value};
        char text[200];

        snprintf(text, sizeof text, "GET /a?b HTTP/1.1\r\n%s\r\n\r\n", cases[i].line);
        expect_head(text, &expected);
        snprintf(text, sizeof text, "GET /a?b HTTP/1.1\nA:\n%s\nXX: z\n\n", cases[i].line);
        expect_head(text, &expected);
    }
}

Test(ws_request, headers_are_found_by_name_in_letters_of_any_case)
{
    cr_assert_eq(read_whole("GET / HTTP/1.1\r\n"
                            "hOST: tv\r\n"
                            "Empty:\r\n"
                            "Accept: a\r\n"
                            "Host2: Value: Host: no\r\n"
                            "ACCEPT: b\r\n"
                            "accept:\r\n"
                            "Last: z\r\n\r\n"),
                 WS_REQUEST_COMPLETE);
    cr_assert_str_eq(ws_request_header(request, "Host"), "tv");
    cr_assert_str_eq(ws_request_header(request, "HOST"), "tv");
    cr_assert_str_eq(ws_request_header(request, "empty"), "");
    cr_assert_str_eq(ws_request_header(request, "accept"), "a");
    cr_assert_str_eq(ws_request_header(request, "last"), "z");
    cr_assert_null(ws_request_header(request, "a"));
    cr_assert_null(ws_request_header(request, "tv"));
    cr_assert_null(ws_request_header(request, "Value"));
    cr_assert_null(ws_request_header(request, "Hos"));
    cr_assert_null(ws_request_header(request, "Host:"));
    cr_assert_null(ws_request_header(request, ""));
    cr_assert_eq(ws_request_count(request, "Accept"), 3);
    cr_assert_eq(ws_request_count(request, "host"), 1);
    cr_assert_eq(ws_request_count(request, "empty"), 1);
    cr_assert_eq(ws_request_count(request, "none"), 0);
}

Test(ws_request, a_request_without_headers_has_none)
{
    cr_assert_eq(read_whole("GET / HTTP/1.1\r\n\r\n"), WS_REQUEST_COMPLETE);
    cr_assert_null(ws_request_header(request, "GET"));
    cr_assert_null(ws_request_header(request, ""));
    cr_assert_eq(ws_request_count(request, "/"), 0);
}

static void expect_copy(const char *name, size_t size, int error, const char *expected)
{
    char value[40];

    memset(value, '#', sizeof value);
    cr_assert_eq(ws_request_copy_header(request, name, value, size), error, "%s, %zu", name, size);
    cr_assert_str_eq(value, expected);
    for (size_t i = size; i < sizeof value; i++)
        cr_assert_eq(value[i], '#', "%s, %zu", name, size);
}

Test(ws_request, values_of_one_name_are_copied_together)
{
    cr_assert_eq(read_whole("GET / HTTP/1.1\r\n"
                            "One: value\r\n"
                            "Two: a\r\n"
                            "Empty:\r\n"
                            "two:b, c\r\n"
                            "Holes:\r\n"
                            "Holes: d\r\n"
                            "Holes:\r\n"
                            "Blank:\r\n"
                            "Blank:\r\n\r\n"),
                 WS_REQUEST_COMPLETE);
    expect_copy("one", 40, 0, "value");
    expect_copy("one", 6, 0, "value");
    expect_copy("one", 5, DVBCSS_ENOSPC, "");
    expect_copy("one", 1, DVBCSS_ENOSPC, "");
    expect_copy("two", 40, 0, "a, b, c");
    expect_copy("two", 8, 0, "a, b, c");
    for (size_t size = 1; size < 8; size++)
        expect_copy("two", size, DVBCSS_ENOSPC, "");
    expect_copy("holes", 40, 0, ", d, ");
    expect_copy("empty", 40, DVBCSS_ENOENT, "");
    expect_copy("blank", 40, DVBCSS_ENOENT, "");
    expect_copy("blank", 1, DVBCSS_ENOENT, "");
    expect_copy("none", 40, DVBCSS_ENOENT, "");
    expect_copy("none", 1, DVBCSS_ENOENT, "");
}

Test(ws_request, nothing_is_copied_to_nowhere)
{
    char value = '#';

    cr_assert_eq(read_whole("GET / HTTP/1.1\r\nOne: value\r\n\r\n"), WS_REQUEST_COMPLETE);
    cr_assert_eq(ws_request_copy_header(request, "one", &value, 0), DVBCSS_ENOSPC);
    cr_assert_eq(ws_request_copy_header(request, "none", &value, 0), DVBCSS_ENOENT);
    cr_assert_eq(value, '#');
}

/* ---- sizes ---------------------------------------------------------------------------------- */

static char long_head[MAX_BYTES + 1];

/* A head of a length: with empty lines in front, a long path, and many headers with a long one. */
static const char *make_long(size_t length, size_t empty_lines, size_t path, size_t headers)
{
    char *to = long_head;
    size_t missing;

    cr_assert_leq(length, MAX_BYTES);
    while (empty_lines-- > 0)
        to += sprintf(to, "\r\n");
    to += sprintf(to, "GET /%0*d HTTP/1.1\r\n", (int)path, 0);
    while (headers-- > 0)
        to += sprintf(to, "A:\n");
    missing = length - (size_t)(to - long_head) - strlen("Long: \r\n\r\n");
    sprintf(to, "Long: %0*d\r\n\r\n", (int)missing, 0);
    cr_assert_eq(strlen(long_head), length);
    return long_head;
}

/* Reads a head in equal pieces, with something behind it. */
static enum ws_request_state read_at_most(size_t max_bytes, const char *text, size_t piece)
{
    char bytes[MAX_BYTES + 10];
    size_t length = (size_t)snprintf(bytes, sizeof bytes, "%smore", text);
    enum ws_request_state state = WS_REQUEST_INCOMPLETE;
    size_t at = 0;

    renew(max_bytes);
    while (state == WS_REQUEST_INCOMPLETE && at < length)
        state = give(bytes, &at, length - at < piece ? length : at + piece);
    if (state == WS_REQUEST_COMPLETE)
        cr_assert_eq(at, strlen(text));
    else
        cr_assert_gt(at, max_bytes);
    return state;
}

Test(ws_request, a_head_can_be_as_long_as_it_may_be_and_no_longer)
{
    static const size_t lengths[] = {100, 1023, 1024, 1025, 2047, 2048, 2049, 4097, MAX_BYTES};
    static const size_t pieces[] = {1, 7, 1000, MAX_BYTES + 10};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t length = lengths[i];

        make_long(length, i % 3, length / 3, length / 20);
        for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++) {
            cr_assert_eq(read_at_most(length, long_head, pieces[j]), WS_REQUEST_COMPLETE, "%zu",
                         length);
            cr_assert_eq(strlen(ws_request_path(request)), 1 + length / 3);
            cr_assert_eq(ws_request_count(request, "a"), length / 20);
            cr_assert_eq(strspn(ws_request_header(request, "long"), "0"),
                         strlen(ws_request_header(request, "long")));
            cr_assert_eq(read_at_most(length - 1, long_head, pieces[j]), WS_REQUEST_TOO_BIG, "%zu",
                         length);
        }
    }
}

Test(ws_request, what_is_full_and_incomplete_becomes_too_big_with_the_next_byte)
{
    static const char *const texts[] = {"GET /abcdef", "\r\n\n\r\n\r\n\r\n\r\n", "GET", "G"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t at = 0;

        renew(strlen(texts[i]));
        cr_assert_eq(give(texts[i], &at, strlen(texts[i])), WS_REQUEST_INCOMPLETE);
        cr_assert_eq(give("", &(size_t){0}, 0), WS_REQUEST_INCOMPLETE);
        cr_assert_eq(give("\n", &(size_t){0}, 1), WS_REQUEST_TOO_BIG);
    }
}

Test(ws_request, what_is_malformed_before_it_is_too_big_is_malformed)
{
    size_t at = 0;

    renew(8);
    cr_assert_eq(give("GET /\r\n and more", &at, 16), WS_REQUEST_MALFORMED);
    at = 0;
    renew(4);
    cr_assert_eq(give("GET /\r\n and more", &at, 16), WS_REQUEST_TOO_BIG);
}

Test(ws_request, nothing_to_destroy_is_fine)
{
    ws_request_destroy(NULL);
}
