/**
 * @file
 * Notices of the system that the network or the machine's time may have changed: addresses and
 * routes came or went, the system time was set, the machine slept. Private to clients. The build
 * chooses the file that implements it (wc_notice_linux.c).
 */
#ifndef CLIENTS_WC_NOTICE_H
#define CLIENTS_WC_NOTICE_H

#include <uv.h>

#include "dvbcss/error.h"

/** A watch for notices. */
struct wc_notice;

/** Called from the loop when something may have changed; more often than something has. */
typedef void (*wc_noticed)(void *user);

/** Called from the loop once a closed watch is gone. */
typedef void (*wc_notice_closed)(void *user);

/** Opens a watch: 0, DVBCSS_EIO if the system gives no notice, DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int wc_notice_open(struct wc_notice **out, uv_loop_t *loop, wc_noticed noticed,
                                    void *user);

/** Closes a watch; calls @p closed with the watch's user, unless it is NULL. */
void wc_notice_close(struct wc_notice *notice, wc_notice_closed closed);

#endif
