#include "notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dvbcss/alloc.h"

struct notify {
    int fd;
    struct sockaddr_un address;
    socklen_t address_length;
    uv_timer_t watchdog;
};

/* Best effort: a manager that does not listen is no reason to stop serving. */
static void send_message(const struct notify *notify, const char *message)
{
    ssize_t sent = sendto(notify->fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
                          (const struct sockaddr *)&notify->address, notify->address_length);

    (void)sent;
}

/* A path, or with an @ in front the name of an abstract socket. */
static int read_address(struct notify *notify, const char *name)
{
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length >= sizeof notify->address.sun_path)
        return -1;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, length);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    notify->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

static void on_watchdog(uv_timer_t *timer)
{
    send_message(timer->data, "WATCHDOG=1");
}

/* The manager names its patience in microseconds, and perhaps the process that it means. */
static void start_watchdog(struct notify *notify)
{
    const char *interval = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    unsigned long long interval_us = interval ? strtoull(interval, NULL, 10) : 0;
    uint64_t half_ms = interval_us / 2000;

    if (interval_us == 0 || (pid && strtoll(pid, NULL, 10) != (long long)getpid()))
        return;
    if (half_ms == 0)
        half_ms = 1;
    uv_timer_start(&notify->watchdog, on_watchdog, half_ms, half_ms);
}

struct notify *notify_start(uv_loop_t *loop)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct notify *notify = name ? dvbcss_calloc(1, sizeof *notify) : NULL;

    if (!notify)
        return NULL;
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify->fd < 0 || read_address(notify, name) != 0) {
        if (notify->fd >= 0)
            close(notify->fd);
        dvbcss_free(notify);
        return NULL;
    }
    uv_timer_init(loop, &notify->watchdog);
    notify->watchdog.data = notify;
    start_watchdog(notify);
    return notify;
}

void notify_ready(struct notify *notify, const char *status)
{
    char message[512];

    if (!notify)
        return;
    snprintf(message, sizeof message, "READY=1\nSTATUS=%s", status);
    send_message(notify, message);
}

void notify_reloading(struct notify *notify)
{
    struct timespec now;
    char message[96];

    if (!notify)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    send_message(notify, message);
}

static void on_closed(uv_handle_t *handle)
{
    struct notify *notify = handle->data;

    close(notify->fd);
    dvbcss_free(notify);
}

void notify_stop(struct notify *notify)
{
    if (!notify)
        return;
    send_message(notify, "STOPPING=1");
    uv_close((uv_handle_t *)&notify->watchdog, on_closed);
}
