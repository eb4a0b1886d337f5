/**
 * @file
 * The ready file: one JSON object that says where everything is served.
 *
 *     {"cii": "ws://...", "ts": "ws://...", "wc": "udp://...", "wc_ws": "ws://...",
 *      "app2app": "ws://...", "http": "http://...", "dial": null, "pages": null,
 *      "control_socket": "/run/dvbcssd/control.sock", "control": null,
 *      "wall_clock": {"clock": "CLOCK_MONOTONIC_RAW", "epoch_ns": 0}, "pid": 4711}
 *
 * A service that is not there is null. `wall_clock` says what the served wall clock is made of, so
 * that a test on the same machine can tell the true time: clock - epoch_ns.
 */
#ifndef DVBCSSD_READY_H
#define DVBCSSD_READY_H

#include "services.h"

/** Writes the object to @p path, in one step: who sees the file sees all of it. "-" is standard
 * output. Returns 0, or -1 with errno set. */
int ready_write(const char *path, const struct services_urls *urls);

#endif
