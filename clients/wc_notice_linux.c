#include "clients/wc_notice.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "dvbcss/alloc.h"

enum {
    /* What notices say does not matter: they are cut. */
    NOTICE_SIZE = 16,
    /* Taken before the loop's other work has its turn. */
    NOTICES_PER_TURN = 64,
};

/* Where notices of one kind come from. */
struct source {
    uv_poll_t poll;
    int descriptor;
    /* Takes what is waiting. Returns whether it is worth telling. */
    bool (*take)(int descriptor);
    struct wc_notice *notice;
};

enum { SOURCES = 2 };

struct wc_notice {
    struct source sources[SOURCES];
    unsigned open;
    wc_noticed noticed;
    void *user;
    wc_notice_closed closed;
};

/* ---- addresses and routes ------------------------------------------------------------------- */

static int open_network(void)
{
    struct sockaddr_nl address = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                     RTMGRP_IPV6_ROUTE,
    };
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (descriptor >= 0 &&
        bind(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool take_network(int descriptor)
{
    char notice[NOTICE_SIZE];
    int taken = 0;

    /* Notices that were lost are as good as notices. */
    while (taken < NOTICES_PER_TURN &&
           (recv(descriptor, notice, sizeof notice, 0) >= 0 || errno == ENOBUFS))
        taken++;
    return taken > 0;
}

/* ---- the time ------------------------------------------------------------------------------- */

/* Waits for a moment that does not come, so that only a step of the system time ends it: that it is
 * set, or has to be after a sleep. */
static bool wait_for_step(int descriptor)
{
    /* Far, but a time that every kernel takes. */
    struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};

    if (sizeof never.it_value.tv_sec > sizeof(int32_t))
        never.it_value.tv_sec *= 4;
    return timerfd_settime(descriptor, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) ==
           0;
}

static int open_time(void)
{
    int descriptor = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

    if (descriptor >= 0 && !wait_for_step(descriptor)) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool take_time(int descriptor)
{
    uint64_t expirations;
    bool stepped = read(descriptor, &expirations, sizeof expirations) < 0 && errno == ECANCELED;

    return stepped && wait_for_step(descriptor);
}

/* ---- both ----------------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct source *source = poll->data;

    (void)events;
    /* libuv stops polling on an error, which a netlink socket has when it lost notices. */
    if (status != 0)
        (void)uv_poll_start(poll, UV_READABLE, on_poll);
    if (source->take(source->descriptor))
        source->notice->noticed(source->notice->user);
}

static bool open_source(struct wc_notice *notice, uv_loop_t *loop, int descriptor,
                        bool (*take)(int descriptor))
{
    struct source *source = &notice->sources[notice->open];

    if (descriptor < 0)
        return false;
    if (uv_poll_init(loop, &source->poll, descriptor) != 0) {
        close(descriptor);
        return false;
    }
    notice->open++;
    source->poll.data = source;
    source->descriptor = descriptor;
    source->take = take;
    source->notice = notice;
    return uv_poll_start(&source->poll, UV_READABLE, on_poll) == 0;
}

int wc_notice_open(struct wc_notice **out, uv_loop_t *loop, wc_noticed noticed, void *user)
{
    struct wc_notice *notice = dvbcss_calloc(1, sizeof *notice);

    if (!notice)
        return DVBCSS_ENOMEM;
    notice->noticed = noticed;
    notice->user = user;
    /* Either is of use without the other. */
    (void)open_source(notice, loop, open_network(), take_network);
    (void)open_source(notice, loop, open_time(), take_time);
    if (notice->open == 0) {
        dvbcss_free(notice);
        return DVBCSS_EIO;
    }
    *out = notice;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct source *source = handle->data;
    struct wc_notice *notice = source->notice;
    wc_notice_closed closed = notice->closed;
    void *user = notice->user;

    if (--notice->open > 0)
        return;
    dvbcss_free(notice);
    if (closed)
        closed(user);
}

void wc_notice_close(struct wc_notice *notice, wc_notice_closed closed)
{
    notice->closed = closed;
    for (unsigned i = 0, count = notice->open; i < count; i++) {
        uv_close((uv_handle_t *)&notice->sources[i].poll, on_closed);
        close(notice->sources[i].descriptor);
    }
}
