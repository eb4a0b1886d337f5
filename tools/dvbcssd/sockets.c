#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The first descriptor that a manager hands over: behind standard input, output and error. */
enum { FIRST_FD = 3, NAME_SIZE = 256 };

/* What a socket can be for. */
struct purpose {
    const char *name;
    size_t list_offset;
    size_t maximum;
    /* Which families it may have. */
    bool internet;
};

static const struct purpose purposes[] = {
    {"http", offsetof(struct sockets, http), SOCKETS_MAX, true},
    {"https", offsetof(struct sockets, https), SOCKETS_MAX, true},
    {"control", offsetof(struct sockets, control), 1, false},
};

static bool is_internet(int family)
{
    return family == AF_INET || family == AF_INET6;
}

/* By name, or for a name that is none of ours by family. NULL if there is none. */
static const struct purpose *find_purpose(const char *name, int family)
{
    const struct purpose *by_family = NULL;

    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
        if (strcmp(purposes[i].name, name) == 0)
            return &purposes[i];
        if (!by_family && purposes[i].internet == is_internet(family) &&
            (is_internet(family) || family == AF_UNIX))
            by_family = &purposes[i];
    }
    return by_family;
}

static const char *look_at_socket(int fd, int *family)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    int listening = 0;
    socklen_t listening_length = sizeof listening;
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return strerror(errno);
    *family = address.ss_family;
    /* Datagram sockets do not listen. */
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_length) != 0 || !listening)
        return "it does not listen";
    return NULL;
}

/* Puts one socket where it belongs. Returns NULL, or what is wrong with it. */
static const char *sort_socket(struct sockets *sockets, int fd, const char *name)
{
    int family = AF_UNSPEC;
    const char *wrong = look_at_socket(fd, &family);
    const struct purpose *purpose = wrong ? NULL : find_purpose(name, family);
    struct socket_list *list;

    if (wrong)
        return wrong;
    if (!purpose)
        return "nothing is served on sockets of its family";
    if (purpose->internet != is_internet(family))
        return purpose->internet ? "it is no TCP socket" : "it is no Unix-domain socket";
    list = (struct socket_list *)(void *)((char *)sockets + purpose->list_offset);
    if (list->count == purpose->maximum)
        return "there are more for the same purpose than can be served";
    list->fds[list->count++] = fd;
    return NULL;
}

/* Copies the name at the front of a list with colons, and returns what is behind it. */
static const char *next_name(const char *names, char name[NAME_SIZE])
{
    size_t length = strcspn(names, ":");

    snprintf(name, NAME_SIZE, "%.*s", (int)length, names);
    return names + length + (names[length] == ':');
}

static int sort_all(struct sockets *sockets, int count, const char *names, char *reason,
                    size_t reason_size)
{
    char name[NAME_SIZE];

    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
        const char *wrong;

        names = next_name(names, name);
        wrong = sort_socket(sockets, fd, name);
        if (wrong) {
            snprintf(reason, reason_size, "socket %d (%s) that was handed over: %s", fd,
                     *name ? name : "without a name", wrong);
            return -1;
        }
    }
    return 0;
}

int sockets_take(struct sockets *sockets, char *reason, size_t reason_size)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    int result = 0;

    memset(sockets, 0, sizeof *sockets);
    if (pid && count && strtoll(pid, NULL, 10) == (long long)getpid())
        result = sort_all(sockets, (int)strtol(count, NULL, 10), names ? names : "", reason,
                          reason_size);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return result;
}
