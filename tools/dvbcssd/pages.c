#include "pages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "pages_answer.h"
#include "pages_file.h"

#define MEDIA_PATH "/media"
#define SITE_PATH "/pages.json"

enum { PAGES_HANDLERS = 3, MEDIA_LISTED_MAX = 1000 };

struct pages {
    struct dvbcss_http_handler *handlers[PAGES_HANDLERS];
    /** Descriptors of the folders; -1 for none. */
    int folder;
    int media;
    /** What pages have to know of this television. */
    json_t *site;
    struct pages_counters counters;
};

/* ---- requests ------------------------------------------------------------------------------- */

static void count(struct pages *pages, unsigned status)
{
    if (status < 400)
        pages->counters.answered++;
    else
        pages->counters.refused++;
}

/* Refuses what is neither GET nor HEAD: true if the request has its answer. */
static bool refuse_method(struct pages *pages, const struct dvbcss_http_request *request)
{
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        return false;
    count(pages, pages_refuse(request, 405, "only GET and HEAD are allowed here", "GET, HEAD"));
    return true;
}

static void answer_file(struct pages *pages, const struct dvbcss_http_request *request, int folder,
                        const char *path)
{
    struct pages_file file;

    if (folder < 0 || pages_file_open(&file, folder, path) != 0) {
        count(pages, pages_refuse(request, 404, "there is nothing at this path", NULL));
        return;
    }
    count(pages, pages_answer_file(request, &file, &pages->counters.bytes));
    pages_file_close(&file);
}

static void on_page(void *context, const struct dvbcss_http_request *request)
{
    struct pages *pages = context;
    const char *path = request->path + 1;

    if (!refuse_method(pages, request))
        answer_file(pages, request, pages->folder, *path ? path : "index.html");
}

static void on_site(void *context, const struct dvbcss_http_request *request)
{
    struct pages *pages = context;

    if (refuse_method(pages, request))
        return;
    if (strcmp(request->path, SITE_PATH) == 0)
        count(pages, pages_answer_json(request, json_incref(pages->site)));
    else
        count(pages, pages_refuse(request, 404, "there is nothing at this path", NULL));
}

/* ---- media ---------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An object for one name of the media folder; NULL for what is not served. */
static json_t *describe_medium(int folder, const char *name)
{
    struct pages_file file;
    json_t *described;

    if (pages_file_open(&file, folder, name) != 0)
        return NULL;
    /* A name that is no UTF-8 gives NULL, too. */
    described = json_pack("{s:s, s:s, s:I}", "name", name, "type", file.type, "size",
                          (json_int_t)file.size);
    pages_file_close(&file);
    return described;
}

/* The names in a folder that could be served, sorted: their number. */
static size_t read_names(int folder, char *names[MEDIA_LISTED_MAX])
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    size_t found = 0;

    if (!directory) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while (found < MEDIA_LISTED_MAX && (entry = readdir(directory))) {
        if (!pages_file_type(entry->d_name))
            continue;
        names[found] = dvbcss_strdup(entry->d_name);
        if (!names[found])
            break;
        found++;
    }
    closedir(directory);
    qsort(names, found, sizeof *names, compare_names);
    return found;
}

static json_t *list_media(int folder)
{
    json_t *list = json_array();
    char *names[MEDIA_LISTED_MAX];
    size_t found = folder < 0 ? 0 : read_names(folder, names);

    for (size_t i = 0; i < found; i++) {
        json_t *medium = describe_medium(folder, names[i]);

        if (medium)
            json_array_append_new(list, medium);
        dvbcss_free(names[i]);
    }
    return list ? json_pack("{s:o}", "media", list) : NULL;
}

static void on_media(void *context, const struct dvbcss_http_request *request)
{
    struct pages *pages = context;
    const char *path = request->path + strlen(MEDIA_PATH);

    if (refuse_method(pages, request))
        return;
    path += *path == '/';
    if (*path)
        answer_file(pages, request, pages->media, path);
    else
        count(pages, pages_answer_json(request, list_media(pages->media)));
}

/* ---- starting ------------------------------------------------------------------------------- */

/* The folder that was installed with this program, wherever that was moved to. */
static void write_default_folder(char *folder, size_t size)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash;

    program[length < 0 ? 0 : length] = '\0';
    slash = strrchr(program, '/');
    snprintf(folder, size, "%.*s" DVBCSS_WEB_FROM_PROGRAM, slash ? (int)(slash - program + 1) : 0,
             program);
}

static int open_folders(struct pages *pages, const struct config_pages *config, char *reason,
                        size_t reason_size)
{
    char installed[PATH_MAX + sizeof DVBCSS_WEB_FROM_PROGRAM];
    const char *folder = config->folder;

    if (!*folder) {
        write_default_folder(installed, sizeof installed);
        folder = installed;
    }
    pages->folder = pages_folder_open(folder);
    if (pages->folder < 0) {
        snprintf(reason, reason_size, "folder: %s: %s", folder, strerror(errno));
        return -1;
    }
    pages->media = *config->media ? pages_folder_open(config->media) : -1;
    if (*config->media && pages->media < 0) {
        snprintf(reason, reason_size, "media: %s: %s", config->media, strerror(errno));
        return -1;
    }
    return 0;
}

static json_t *path_or_null(bool enabled, const char *path)
{
    return enabled ? json_string(path) : json_null();
}

static json_t *describe_site(const struct config *config)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:s}", "version", DVBCSS_VERSION, "cii",
                     path_or_null(config->cii.enabled, config->cii.path), "ts",
                     path_or_null(config->ts.enabled, config->ts.path), "wc",
                     path_or_null(config->wc_ws.enabled, config->wc_ws.path), "server",
                     path_or_null(config->page.enabled, config->page.path), "api",
                     config->pages.api, "media", MEDIA_PATH "/");
}

static int add_handlers(struct pages *pages, struct dvbcss_server *server)
{
    static const struct {
        const char *path;
        void (*handle)(void *context, const struct dvbcss_http_request *request);
    } served[PAGES_HANDLERS] = {{"/", on_page}, {MEDIA_PATH, on_media}, {SITE_PATH, on_site}};
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    int error = 0;

    options.max_body_bytes = 0;
    options.context = pages;
    for (size_t i = 0; i < PAGES_HANDLERS && error == 0; i++) {
        options.path = served[i].path;
        options.handle = served[i].handle;
        error = dvbcss_http_handler_add(&pages->handlers[i], server, &options);
    }
    return error;
}

int pages_start(struct pages **out, struct dvbcss_server *server, const struct config *config,
                char *reason, size_t reason_size)
{
    struct pages *pages;
    int error;

    *out = NULL;
    if (!config->pages.enabled)
        return 0;
    pages = dvbcss_calloc(1, sizeof *pages);
    if (!pages) {
        snprintf(reason, reason_size, "out of memory");
        return -1;
    }
    pages->folder = -1;
    pages->media = -1;
    if (open_folders(pages, &config->pages, reason, reason_size) != 0)
        goto fail;
    pages->site = describe_site(config);
    error = pages->site ? add_handlers(pages, server) : DVBCSS_ENOMEM;
    if (error != 0) {
        snprintf(reason, reason_size, "%s", dvbcss_error_text(error));
        goto fail;
    }
    *out = pages;
    return 0;

fail:
    pages_stop(pages);
    return -1;
}

void pages_stop(struct pages *pages)
{
    if (!pages)
        return;
    for (size_t i = PAGES_HANDLERS; i-- > 0;)
        dvbcss_http_handler_remove(pages->handlers[i]);
    json_decref(pages->site);
    if (pages->media >= 0)
        close(pages->media);
    if (pages->folder >= 0)
        close(pages->folder);
    dvbcss_free(pages);
}

const struct pages_counters *pages_counters(const struct pages *pages)
{
    return &pages->counters;
}
