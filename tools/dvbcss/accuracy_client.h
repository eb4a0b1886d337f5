/**
 * @file
 * The client that is measured: a real one, whose clock can be read at any instant.
 */
#ifndef DVBCSS_TOOL_ACCURACY_CLIENT_H
#define DVBCSS_TOOL_ACCURACY_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "accuracy_child.h"
#include "accuracy_clock.h"
#include "dvbcss/wc_client.h"

/** A way of setting the wall clock. */
struct accuracy_estimator {
    const char *name;
    int (*create)(struct dvbcss_wc_estimator **out,
                  const struct dvbcss_wc_estimator_options *options);
};

/** All of them, ended by one without a name; the first is the default. */
extern const struct accuracy_estimator accuracy_estimators[];

/** The estimator of a name; NULL for none. */
const struct accuracy_estimator *accuracy_estimator_find(const char *name);

/** Storage of the caller; zeros are a client that does not run. */
struct accuracy_client {
    /** Its local clock. */
    struct accuracy_clock local;
    struct dvbcss_clock *root;
    struct dvbcss_clock *wall;
    struct dvbcss_wc_client *client;
    /** What sets the wall clock; the client's. */
    struct dvbcss_wc_estimator *estimator;
};

/** How it is started. */
struct accuracy_client_options {
    const struct accuracy_estimator *estimator;
    double max_freq_error_ppm;
    /** Time between requests in ns; 0 asks as seldom as the bound allows. */
    int64_t interval_ns;
    struct dvbcss_wc_client_events events;
    void *user;
};

/** Starts it on a loop, asking @p url. Returns 0 or a dvbcss_error; end it all the same. */
int accuracy_client_start(struct accuracy_client *client, uv_loop_t *loop, const char *url,
                          const struct accuracy_client_options *options);

/** Stops asking; the clock can still be read. */
void accuracy_client_stop(struct accuracy_client *client);

/** Frees the clocks, once the loop has run empty. */
void accuracy_client_finish(struct accuracy_client *client);

/** Reads the clock now; false if it is not available. */
bool accuracy_client_read(const struct accuracy_client *client, struct accuracy_reading *out);

/** Sleeps as a machine does: the client stands still, and so does its local clock. Then it does at
 * once what a client does that the kernel tells of the sleep: it forgets what it knew of the
 * server's clock, which makes its own unavailable, and asks anew. */
void accuracy_client_sleep(struct accuracy_client *client, double seconds);

#endif
