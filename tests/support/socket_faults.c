#include "socket_faults.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS = 65536 };

static bool accepted[DESCRIPTORS];
static struct socket_fault sending;
static struct {
    int error;
    unsigned calls;
} accepting;
static unsigned long met;

void socket_faults_send(const struct socket_fault *fault)
{
    sending = *fault;
}

void socket_faults_accept(int error, unsigned calls)
{
    accepting.error = error;
    accepting.calls = calls;
}

void socket_faults_end(void)
{
    sending.calls = 0;
    accepting.calls = 0;
}

unsigned long socket_faults_met(void)
{
    return met;
}

static bool is_ours(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && accepted[fd];
}

/* Whether this call meets a fault; then `bytes` is how much it may take, unless it fails. */
static bool meets_fault(int fd, size_t *bytes)
{
    static unsigned turn;

    if (sending.calls == 0 || !is_ours(fd))
        return false;
    if (sending.after != 0) {
        sending.after--;
        return false;
    }
    if (sending.every > 1 && ++turn % sending.every != 0)
        return false;
    sending.calls--;
    met++;
    *bytes = sending.bytes;
    return true;
}

/* ---- the calls ------------------------------------------------------------------------------- */

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    long result;

    if (accepting.calls != 0) {
        accepting.calls--;
        met++;
        errno = accepting.error;
        return -1;
    }
    result = syscall(SYS_accept4, fd, address, length, flags);
    if (result >= 0 && result < DESCRIPTORS)
        accepted[result] = true;
    return (int)result;
}

int close(int fd)
{
    if (is_ours(fd))
        accepted[fd] = false;
    return (int)syscall(SYS_close, fd);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to,
               socklen_t to_length)
{
    size_t most;

    if (meets_fault(fd, &most)) {
        if (sending.error != 0) {
            errno = sending.error;
            return -1;
        }
        length = length < most ? length : most;
    }
    return syscall(SYS_sendto, fd, bytes, length, flags, to, to_length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    return sendto(fd, bytes, length, flags, NULL, 0);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    if (is_ours(fd))
        return sendto(fd, bytes, length, 0, NULL, 0);
    return syscall(SYS_write, fd, bytes, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct msghdr shorter = *message;
    struct iovec first;
    size_t most;

    if (!meets_fault(fd, &most))
        return syscall(SYS_sendmsg, fd, message, flags);
    if (sending.error != 0) {
        errno = sending.error;
        return -1;
    }
    /* Short: a part of the first piece that is not empty. */
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        first = message->msg_iov[i];
        shorter.msg_iov = &first;
        shorter.msg_iovlen = 1;
        if (first.iov_len != 0)
            break;
    }
    if (shorter.msg_iovlen == 1 && first.iov_len > most)
        first.iov_len = most;
    return syscall(SYS_sendmsg, fd, &shorter, flags);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
                             .msg_iovlen = (size_t)count};

    if (is_ours(fd))
        return sendmsg(fd, &message, 0);
    return syscall(SYS_writev, fd, pieces, count);
}
