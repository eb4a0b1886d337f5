/**
 * @file
 * Files of one folder, looked up by the path of a request: nothing outside the folder, nothing
 * hidden, and nothing of a kind that pages do not need.
 */
#ifndef DVBCSSD_PAGES_FILE_H
#define DVBCSSD_PAGES_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"

enum { PAGES_ETAG_SIZE = 48 };

/** An open file. */
struct pages_file {
    int fd;
    uint64_t size;
    /** As "text/html; charset=utf-8"; static. */
    const char *type;
    /** Quoted, as it stands in a header; another one when the file was written anew. */
    char etag[PAGES_ETAG_SIZE];
};

/** The content type that a file's name stands for; NULL if such files are not served. */
const char *pages_file_type(const char *name);

/** Opens a folder for pages_file_open(): a descriptor, or -1 with errno set. */
int pages_folder_open(const char *path);

/**
 * Opens a file.
 *
 * @param file   filled on success; close it with pages_file_close()
 * @param folder from pages_folder_open()
 * @param path   below the folder, without a slash in front: "lib/dom.js"
 * @return 0, or DVBCSS_ENOENT: there is no such file, or it must not be served: a symbolic link on
 *         the way, a name that begins with a dot, no regular file, an unknown kind
 */
DVBCSS_NODISCARD int pages_file_open(struct pages_file *file, int folder, const char *path);

/** Reads @p length bytes from @p offset, all of them or DVBCSS_EIO. */
DVBCSS_NODISCARD int pages_file_read(const struct pages_file *file, uint64_t offset, void *bytes,
                                     size_t length);

/** Closes the file. */
void pages_file_close(struct pages_file *file);

#endif
