#include "world_certificate.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "tests/support/toy_certificate.h"
#include "world.h"

enum { CERTIFICATE_MAX = 4096 };

static struct certificate {
    char bytes[CERTIFICATE_MAX];
    size_t length;
} usual, other;
static int file;
static bool replaced;

/* Returns the file that it was read from, which has no name any more. */
static int make(struct certificate *certificate)
{
    char path[TOY_CERTIFICATE_PATH_SIZE];
    ssize_t length;
    int fd;

    toy_certificate_write("IP:127.0.0.1", 24 * 3600, path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    world_require(fd >= 0 && unlink(path) == 0);
    length = read(fd, certificate->bytes, sizeof certificate->bytes);
    world_require(length > 0 && length < CERTIFICATE_MAX);
    certificate->length = (size_t)length;
    return fd;
}

void world_certificate_make(void)
{
    file = make(&usual);
    close(make(&other));
}

const char *world_certificate_path(void)
{
    static char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return path;
}

static void put(const void *bytes, size_t length)
{
    world_require(ftruncate(file, 0) == 0);
    world_require(pwrite(file, bytes, length, 0) == (ssize_t)length);
}

void world_certificate_replace(const void *bytes, size_t length)
{
    if (length != 0)
        put(bytes, length);
    else
        put(other.bytes, other.length);
    replaced = true;
}

void world_certificate_put_back(void)
{
    if (replaced)
        put(usual.bytes, usual.length);
    replaced = false;
}
