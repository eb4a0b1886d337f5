/*
 * The head of a request: it does not matter in which pieces it comes; it is as long as it is; and
 * what is given as its path is one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server-core/ws_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    /* More than the first piece of memory has. */
    MAX_BYTES = 2000,
    MAX_PIECE = 24,
    NAME_SIZE = 24,
    VALUE_SIZE = 40,
};

struct outcome {
    struct ws_request *request;
    enum ws_request_state state;
    size_t taken;
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* The memory of a piece is as large as that, so that the sanitizers see a read past its end. */
static void give(struct outcome *outcome, const uint8_t *data, size_t length)
{
    uint8_t *piece = malloc(length);
    size_t taken;

    require(piece != NULL);
    memcpy(piece, data, length);
    require(ws_request_read(outcome->request, piece, length, &taken, &outcome->state) == 0);
    free(piece);
    require(outcome->state == WS_REQUEST_COMPLETE ? taken <= length : taken == length);
    outcome->taken += taken;
}

/* Reads pieces of at most a number of bytes; the data themselves say of how many. */
static struct outcome read_head(const uint8_t *data, size_t size, size_t max_bytes,
                                size_t max_piece)
{
    struct outcome outcome = {NULL, WS_REQUEST_INCOMPLETE, 0};

    require(ws_request_create(&outcome.request, max_bytes) == 0);
    while (outcome.state == WS_REQUEST_INCOMPLETE && outcome.taken < size) {
        size_t left = size - outcome.taken;
        size_t piece = max_piece < left ? 1 + data[outcome.taken] % max_piece : left;

        give(&outcome, data + outcome.taken, piece);
    }
    return outcome;
}

static void check_same_header(const struct ws_request *a, const struct ws_request *b,
                              const char *name)
{
    size_t count = ws_request_count(a, name);
    const char *first = ws_request_header(a, name);
    char a_value[VALUE_SIZE];
    char b_value[VALUE_SIZE];
    int error = ws_request_copy_header(a, name, a_value, sizeof a_value);

    require(ws_request_count(b, name) == count);
    /* A host in the target takes the place of Host. */
    require((count != 0) == (first != NULL) || strcasecmp(name, "host") == 0);
    require(count == 0 || first != NULL);
    require(!first || strcmp(first, ws_request_header(b, name)) == 0);
    require(ws_request_copy_header(b, name, b_value, sizeof b_value) == error);
    require(strcmp(a_value, b_value) == 0);
    require((*a_value != '\0') == (error == 0));
    require(count != 1 || error != 0 || strcmp(a_value, first) == 0);
}

/* What stands in front of a colon is the name of a header, or part of something else. */
static void check_same_headers(const struct ws_request *a, const struct ws_request *b,
                               const uint8_t *data, size_t size)
{
    char name[NAME_SIZE];
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        if (data[i] == ':') {
            name[length] = '\0';
            check_same_header(a, b, name);
        }
        if (data[i] == ':' || data[i] == '\n' || length == sizeof name - 1)
            length = 0;
        else
            name[length++] = (char)data[i];
    }
}

static void check_same(const struct outcome *a, const struct outcome *b, const uint8_t *data)
{
    require(a->state == b->state);
    if (a->state != WS_REQUEST_COMPLETE)
        return;
    require(a->taken == b->taken);
    require(strcmp(ws_request_method(a->request), ws_request_method(b->request)) == 0);
    require(strcmp(ws_request_path(a->request), ws_request_path(b->request)) == 0);
    require(strcmp(ws_request_query(a->request), ws_request_query(b->request)) == 0);
    require(ws_request_is_http_1_1(a->request) == ws_request_is_http_1_1(b->request));
    check_same_headers(a->request, b->request, data, a->taken);
}

static bool is_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

/* Normal is what no rule would change. */
static void check_path(const char *path)
{
    require(*path == '/' && is_text(path));
    while (*path == '/') {
        size_t length = strcspn(path + 1, "/");

        require(length != 0 || path[1] == '\0');
        require(!(length == 1 && path[1] == '.'));
        require(!(length == 2 && path[1] == '.' && path[2] == '.'));
        path += 1 + length;
    }
}

/* A path that was read and is sent, every byte of it encoded but the slashes, is the same. */
static void check_path_again(const char *path)
{
    static char text[3 * MAX_BYTES + 100];
    char *to = text + sprintf(text, "GET ");
    struct outcome outcome;

    for (const char *from = path; *from != '\0'; from++)
        to += *from == '/' ? sprintf(to, "/") : sprintf(to, "%%%02X", (unsigned char)*from);
    to += sprintf(to, " HTTP/1.1\n\n");
    outcome = read_head((const uint8_t *)text, (size_t)(to - text), sizeof text, SIZE_MAX);
    require(outcome.state == WS_REQUEST_COMPLETE);
    require(strcmp(ws_request_path(outcome.request), path) == 0);
    ws_request_destroy(outcome.request);
}

static void check_limit(const uint8_t *data, size_t size, size_t max_bytes,
                        enum ws_request_state expected)
{
    struct outcome outcome = read_head(data, size, max_bytes, SIZE_MAX);

    require(outcome.state == expected);
    ws_request_destroy(outcome.request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = read_head(data, size, MAX_BYTES, SIZE_MAX);
    struct outcome pieces = read_head(data, size, MAX_BYTES, MAX_PIECE);
    struct outcome bytes = read_head(data, size, MAX_BYTES, 1);

    check_same(&whole, &pieces, data);
    check_same(&whole, &bytes, data);
    if (whole.state == WS_REQUEST_COMPLETE) {
        require(is_text(ws_request_method(whole.request)) &&
                is_text(ws_request_query(whole.request)));
        check_path(ws_request_path(whole.request));
        check_path_again(ws_request_path(whole.request));
        check_limit(data, size, whole.taken, WS_REQUEST_COMPLETE);
        check_limit(data, size, whole.taken - 1, WS_REQUEST_TOO_BIG);
    }
    ws_request_destroy(whole.request);
    ws_request_destroy(pieces.request);
    ws_request_destroy(bytes.request);
    return 0;
}
