#include "pages_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- kinds ---------------------------------------------------------------------------------- */

static const struct {
    const char *extension;
    const char *type;
} types[] = {
    {"html", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"webp", "image/webp"},
    {"ico", "image/x-icon"},
    {"txt", "text/plain; charset=utf-8"},
    {"vtt", "text/vtt; charset=utf-8"},
    {"mp4", "video/mp4"},
    {"m4v", "video/mp4"},
    {"webm", "video/webm"},
    {"ogv", "video/ogg"},
    {"m4a", "audio/mp4"},
    {"mp3", "audio/mpeg"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"flac", "audio/flac"},
    {"wav", "audio/wav"},
};

const char *pages_file_type(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (!dot || dot == name)
        return NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcasecmp(dot + 1, types[i].extension) == 0)
            return types[i].type;
    }
    return NULL;
}

/* ---- looking up ----------------------------------------------------------------------------- */

int pages_folder_open(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Walks the path name by name, so that no step can lead out of the folder: no link is followed, and
 * the names that go up begin with a dot. Returns a descriptor or -1. */
static int open_below(int folder, const char *path)
{
    int at = folder;

    for (;;) {
        size_t length = strcspn(path, "/");
        bool last = path[length] == '\0';
        char name[NAME_MAX + 1];
        int next;

        if (length == 0 || length > NAME_MAX || path[0] == '.') {
            next = -1;
        } else {
            memcpy(name, path, length);
            name[length] = '\0';
            /* A pipe without a writer must not hold up the loop. */
            next = openat(at, name,
                          O_NOFOLLOW | O_CLOEXEC |
                              (last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY));
        }
        if (at != folder)
            close(at);
        if (next < 0 || last)
            return next;
        at = next;
        path += length + 1;
    }
}

int pages_file_open(struct pages_file *file, int folder, const char *path)
{
    const char *name = strrchr(path, '/');
    struct stat found;

    file->type = pages_file_type(name ? name + 1 : path);
    file->fd = file->type ? open_below(folder, path) : -1;
    if (file->fd < 0)
        return DVBCSS_ENOENT;
    if (fstat(file->fd, &found) != 0 || !S_ISREG(found.st_mode)) {
        pages_file_close(file);
        return DVBCSS_ENOENT;
    }
    file->size = (uint64_t)found.st_size;
    snprintf(file->etag, sizeof file->etag, "\"%" PRIx64 "-%" PRIx64 "\"", file->size,
             (uint64_t)found.st_mtim.tv_sec * 1000000000 + (uint64_t)found.st_mtim.tv_nsec);
    return 0;
}

int pages_file_read(const struct pages_file *file, uint64_t offset, void *bytes, size_t length)
{
    size_t have = 0;

    while (have < length) {
        ssize_t got = pread(file->fd, (char *)bytes + have, length - have, (off_t)(offset + have));

        if (got <= 0) {
            if (got < 0 && errno == EINTR)
                continue;
            return DVBCSS_EIO;
        }
        have += (size_t)got;
    }
    return 0;
}

void pages_file_close(struct pages_file *file)
{
    close(file->fd);
    file->fd = -1;
}
