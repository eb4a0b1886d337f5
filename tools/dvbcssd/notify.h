/**
 * @file
 * Tells the service manager how the daemon is: the protocol of sd_notify(3), which is one datagram
 * of lines a message. Without $NOTIFY_SOCKET nothing is told.
 */
#ifndef DVBCSSD_NOTIFY_H
#define DVBCSSD_NOTIFY_H

#include <uv.h>

struct notify;

/** Reads the environment, and keeps the manager's watchdog content from @p loop if it has one.
 * Returns NULL if nobody wants to know, or without memory. */
struct notify *notify_start(uv_loop_t *loop);

/** It serves. NULL is fine here and below. */
void notify_ready(struct notify *notify, const char *status);

/** It reads its configuration again; notify_ready() follows. */
void notify_reloading(struct notify *notify);

/** It ends: the watchdog rests, and the memory is free once the loop has run. */
void notify_stop(struct notify *notify);

#endif
