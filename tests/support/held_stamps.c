#include "held_stamps.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool held;
static atomic_uint to_lose;

void held_stamps_hold(void)
{
    atomic_store(&held, true);
}

void held_stamps_release(void)
{
    atomic_store(&held, false);
}

void held_stamps_lose(unsigned count)
{
    atomic_store(&to_lose, count);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    const struct msghdr asked = *message;
    ssize_t length;

    if (flags & MSG_ERRQUEUE && atomic_load(&held)) {
        errno = EAGAIN;
        return -1;
    }
    length = syscall(SYS_recvmsg, fd, message, flags);
    if (!(flags & MSG_ERRQUEUE) || length < 0 || atomic_load(&to_lose) == 0)
        return length;
    atomic_fetch_sub(&to_lose, 1);
    *message = asked;
    return recvmsg(fd, message, flags);
}
