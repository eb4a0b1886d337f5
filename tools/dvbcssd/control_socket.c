#include "control_socket.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dvbcss/log.h"

#define DEFAULT_FOLDER "/run/dvbcssd"
#define SOCKET_NAME "control.sock"

/* As that of the other listeners: a full queue refuses at once, it does not have a peer wait. */
enum { BACKLOG = 511 };

/* ---- where ---------------------------------------------------------------------------------- */

/* Writes the path of "auto": in the first folder that the service manager made for us. */
static int default_path(char *path, size_t size)
{
    const char *folders = getenv("RUNTIME_DIRECTORY");
    int length;

    if (!folders || !*folders) {
        folders = DEFAULT_FOLDER;
        /* It may be there, and only the superuser can make it: opening the socket will tell. */
        if (mkdir(folders, 0755) != 0 && errno != EEXIST)
            return -1;
    }
    length = snprintf(path, size, "%.*s/" SOCKET_NAME, (int)strcspn(folders, ":"), folders);
    if (length < 0 || (size_t)length >= size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void address_of(const struct control_socket *control, struct sockaddr_un *address)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, control->path, strlen(control->path) + 1);
}

/* Removes a socket behind which nobody is left. Returns 0, or -1 with errno set: EADDRINUSE if
 * somebody answers. */
static int remove_stale(const struct control_socket *control)
{
    struct sockaddr_un address;
    struct stat found;
    int fd, answered;

    if (lstat(control->path, &found) != 0)
        return errno == ENOENT ? 0 : -1;
    if (!S_ISSOCK(found.st_mode)) {
        errno = EEXIST;
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    address_of(control, &address);
    answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
    close(fd);
    if (answered) {
        errno = EADDRINUSE;
        return -1;
    }
    return unlink(control->path);
}

/* Created for nobody but us, and opened for others when it belongs to the right ones. */
static int bind_privately(int fd, const struct control_socket *control)
{
    struct sockaddr_un address;
    mode_t before = umask(0177);
    int result, saved;

    address_of(control, &address);
    result = bind(fd, (struct sockaddr *)&address, sizeof address);
    saved = errno;
    umask(before);
    errno = saved;
    return result;
}

/* Returns 0, or -1 with the reason filled. */
static int set_owner(const struct control_socket *control, const struct config_control *config,
                     char *reason, size_t reason_size)
{
    const struct passwd *user = *config->socket_owner ? getpwnam(config->socket_owner) : NULL;
    const struct group *group = *config->socket_group ? getgrnam(config->socket_group) : NULL;

    if (*config->socket_owner && !user) {
        snprintf(reason, reason_size, "socket_owner: there is no user %s", config->socket_owner);
        return -1;
    }
    if (*config->socket_group && !group) {
        snprintf(reason, reason_size, "socket_group: there is no group %s", config->socket_group);
        return -1;
    }
    if (((user || group) && chown(control->path, user ? user->pw_uid : (uid_t)-1,
                                  group ? group->gr_gid : (gid_t)-1) != 0) ||
        chmod(control->path, (mode_t)config->socket_mode) != 0) {
        snprintf(reason, reason_size, "%s: owner and permissions cannot be set: %s", control->path,
                 strerror(errno));
        return -1;
    }
    return 0;
}

static int open_at_path(struct control_socket *control, const struct config_control *config,
                        char *reason, size_t reason_size)
{
    struct stat made;

    control->fd = -1;
    if (remove_stale(control) == 0)
        control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->fd < 0 || bind_privately(control->fd, control) != 0) {
        snprintf(reason, reason_size, "%s: %s", control->path,
                 errno == EEXIST ? "is there already, and no socket" : strerror(errno));
    } else if (lstat(control->path, &made) != 0 || listen(control->fd, BACKLOG) != 0) {
        snprintf(reason, reason_size, "%s: %s", control->path, strerror(errno));
        unlink(control->path);
    } else {
        control->device = made.st_dev;
        control->inode = made.st_ino;
        if (set_owner(control, config, reason, reason_size) == 0)
            return 0;
        unlink(control->path);
    }
    if (control->fd >= 0)
        close(control->fd);
    control->fd = -1;
    control->path[0] = '\0';
    return -1;
}

int control_socket_open(struct control_socket *control, const struct config_control *config,
                        char *reason, size_t reason_size)
{
    bool is_default = strcmp(config->socket, "auto") == 0;

    control->path[0] = '\0';
    control->fd = -1;
    if (!*config->socket)
        return 0;
    if (is_default && default_path(control->path, sizeof control->path) != 0) {
        snprintf(reason, reason_size, "%s: %s", DEFAULT_FOLDER, strerror(errno));
        control->path[0] = '\0';
    } else if (!is_default && strlen(config->socket) >= sizeof control->path) {
        snprintf(reason, reason_size, "%s: the path is longer than %zu bytes", config->socket,
                 sizeof control->path - 1);
    } else {
        if (!is_default)
            memcpy(control->path, config->socket, strlen(config->socket) + 1);
        if (open_at_path(control, config, reason, reason_size) == 0)
            return 0;
    }
    if (!is_default)
        return -1;
    dvbcss_log(DVBCSS_LOG_INFO, "control-socket", "none by default: %s", reason);
    return 0;
}

void control_socket_inherit(struct control_socket *control, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;

    memset(control, 0, sizeof *control);
    control->fd = fd;
    /* One that is not terminated fills all of sun_path, and one without a file begins with 0. */
    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0 && length < sizeof address)
        memcpy(control->path, address.sun_path, sizeof control->path - 1);
}

void control_socket_remove(struct control_socket *control)
{
    struct stat found;

    if (control->path[0] && lstat(control->path, &found) == 0 && found.st_dev == control->device &&
        found.st_ino == control->inode)
        unlink(control->path);
    control->path[0] = '\0';
}
