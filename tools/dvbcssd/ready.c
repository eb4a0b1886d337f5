#include "ready.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/alloc.h"

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

/* The object as one line, to be freed by dvbcss_free(); NULL without memory. */
static char *describe(const struct services_urls *urls)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:s, s:i}, s:i}", "cii",
        text_or_null(urls->cii), "ts", text_or_null(urls->ts), "wc", text_or_null(urls->wc), "http",
        text_or_null(urls->http), "dial", text_or_null(urls->dial), "page",
        text_or_null(urls->page), "pages", text_or_null(urls->pages), "control_socket",
        text_or_null(urls->control_socket), "control", text_or_null(urls->control), "wall_clock",
        "clock", "CLOCK_MONOTONIC_RAW", "epoch_ns", 0, "pid", (int)getpid());
    char *text = object ? json_dumps(object, 0) : NULL;

    json_decref(object);
    if (!text)
        errno = ENOMEM;
    return text;
}

static int write_line(FILE *file, const char *text)
{
    return fprintf(file, "%s\n", text) < 0 || fflush(file) != 0 ? -1 : 0;
}

/* Beside the file and then in its place: a rename is all or nothing. */
static int replace_file(const char *path, const char *text)
{
    size_t size = strlen(path) + sizeof ".new";
    char *beside = malloc(size);
    FILE *file;
    int result = -1, reason;

    if (!beside)
        return -1;
    snprintf(beside, size, "%s.new", path);
    file = fopen(beside, "w");
    if (file) {
        result = write_line(file, text);
        if (fclose(file) != 0)
            result = -1;
        if (result == 0)
            result = rename(beside, path);
        reason = errno;
        if (result != 0)
            unlink(beside);
        errno = reason;
    }
    free(beside);
    return result;
}

int ready_write(const char *path, const struct services_urls *urls)
{
    char *text = describe(urls);
    int result;

    if (!text)
        return -1;
    result = strcmp(path, "-") == 0 ? write_line(stdout, text) : replace_file(path, text);
    dvbcss_free(text);
    return result;
}
