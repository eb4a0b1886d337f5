/*
 * To be preloaded into a program: faults that no outside can bring about at will, chosen by its
 * environment. Together with socket_faults.c, whose faults it chooses, too.
 *
 *     FAULT_SIGTERM_AT=N   SIGTERM comes with the N-th system call of those that make something
 *     FAULT_CLOCK_JUMPS=S  the system's time jumps by S seconds with every reading, back and forth
 *     FAULT_FREQUENCY=PPM  the system's time is synchronised, and corrects its clock by so much
 *     FAULT_RECEIVE_BUFFER=BYTES  the system grants no receive buffer above this
 *     FAULT_RESERVED_PORTS=1  ports below 1024 are refused, as without the right to them
 *     FAULT_SEND=ERRNO,BYTES,EVERY  every so manieth call that sends on an accepted socket fails;
 *                          with ERRNO 0 it takes so many bytes
 *     FAULT_ACCEPT=ERRNO,CALLS      so many calls that accept fail
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "socket_faults.h"

static long sigterm_at;
static long jump_s;
static const char *frequency_ppm;
static const char *receive_buffer;
static bool ports_reserved;

__attribute__((constructor)) static void choose_faults(void)
{
    const char *text = getenv("FAULT_SIGTERM_AT");
    struct socket_fault fault = {.calls = UINT32_MAX};
    unsigned calls;
    int error;

    sigterm_at = text ? strtol(text, NULL, 10) : 0;
    text = getenv("FAULT_CLOCK_JUMPS");
    jump_s = text ? strtol(text, NULL, 10) : 0;
    frequency_ppm = getenv("FAULT_FREQUENCY");
    receive_buffer = getenv("FAULT_RECEIVE_BUFFER");
    ports_reserved = getenv("FAULT_RESERVED_PORTS") != NULL;
    text = getenv("FAULT_SEND");
    if (text && sscanf(text, "%d,%zu,%u", &fault.error, &fault.bytes, &fault.every) == 3)
        socket_faults_send(&fault);
    text = getenv("FAULT_ACCEPT");
    if (text && sscanf(text, "%d,%u", &error, &calls) == 2)
        socket_faults_accept(error, calls);
}

/* ---- signals --------------------------------------------------------------------------------- */

static long signalled(long result)
{
    if (sigterm_at > 0 && --sigterm_at == 0)
        kill(getpid(), SIGTERM);
    return result;
}

static bool is_reserved(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const void *)address;

    return address->sa_family == AF_INET && v4->sin_port != 0 && ntohs(v4->sin_port) < 1024;
}

int socket(int domain, int type, int protocol)
{
    return (int)signalled(syscall(SYS_socket, domain, type, protocol));
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    if (ports_reserved && is_reserved(address)) {
        errno = EACCES;
        return -1;
    }
    return (int)signalled(syscall(SYS_bind, fd, address, length));
}

int listen(int fd, int backlog)
{
    return (int)signalled(syscall(SYS_listen, fd, backlog));
}

int epoll_create1(int flags)
{
    return (int)signalled(syscall(SYS_epoll_create1, flags));
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    return (int)signalled(syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

int pipe2(int fds[2], int flags)
{
    return (int)signalled(syscall(SYS_pipe2, fds, flags));
}

/* ---- sockets --------------------------------------------------------------------------------- */

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int most;

    if (receive_buffer && level == SOL_SOCKET && name == SO_RCVBUFFORCE) {
        errno = EPERM;
        return -1;
    }
    if (receive_buffer && level == SOL_SOCKET && name == SO_RCVBUF) {
        most = (int)strtol(receive_buffer, NULL, 10);
        if (*(const int *)value > most)
            value = &most;
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, length);
}

/* ---- the system's time ----------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static bool forwards;
    long result = syscall(SYS_clock_gettime, clock, now);

    if (jump_s != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        forwards = !forwards;
        now->tv_sec += forwards ? jump_s : 0;
    }
    return (int)result;
}

int adjtimex(struct timex *kernel)
{
    long result = syscall(SYS_adjtimex, kernel);

    if (frequency_ppm) {
        kernel->status &= ~STA_UNSYNC;
        kernel->tick = 10000;
        kernel->freq = strtol(frequency_ppm, NULL, 10) * 65536;
        result = TIME_OK;
    }
    return (int)result;
}
