#include "ready.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/alloc.h"

/* The object as one line, to be freed by dvbcss_free(); NULL without memory. */
static char *describe(const struct services_urls *urls)
{
    const struct {
        const char *name;
        const char *url;
    } members[] = {{"cii", urls->cii},
                   {"ts", urls->ts},
                   {"cii_tls", urls->cii_tls},
                   {"ts_tls", urls->ts_tls},
                   {"wc", urls->wc},
                   {"wc_ws", urls->wc_ws},
                   {"app2app", urls->app2app},
                   {"http", urls->http},
                   {"https", urls->https},
                   {"dial", urls->dial},
                   {"page", urls->page},
                   {"pages", urls->pages},
                   {"control_socket", urls->control_socket},
                   {"control", urls->control}};
    json_t *object = json_pack("{s:{s:s, s:i}, s:i}", "wall_clock", "clock", "CLOCK_MONOTONIC_RAW",
                               "epoch_ns", 0, "pid", (int)getpid());
    int error = object ? 0 : -1;
    char *text;

    for (size_t i = 0; i < sizeof members / sizeof *members && error == 0; i++)
        error = json_object_set_new(object, members[i].name,
                                    *members[i].url ? json_string(members[i].url) : json_null());
    text = error == 0 ? json_dumps(object, 0) : NULL;
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
