/**
 * @file
 * What the daemon serves below the App2App URL that DIAL announces: the relay between pages on the
 * television and companions, and the channels that stand in for CII, wall clock and TS, for
 * companions that trust App2App more than what televisions make of DVB-CSS.
 */
#ifndef DVBCSSD_APP2APP_H
#define DVBCSSD_APP2APP_H

#include <stddef.h>

#include "config.h"
#include "dvbcss/app2app_endpoint.h"
#include "dvbcss/cii_endpoint.h"
#include "dvbcss/ts_endpoint.h"
#include "dvbcss/wc_ws_endpoint.h"

/** What runs; all are there, enabled or not. Zeroed storage is one of which nothing runs. */
struct app2app {
    struct dvbcss_app2app_endpoint *relay;
    struct dvbcss_cii_endpoint *cii;
    struct dvbcss_wc_ws_endpoint *wc;
    /** Belongs to the TS endpoint. */
    struct dvbcss_endpoint *ts;
};

/** What it is made of beside the configuration; all outlive it. */
struct app2app_parts {
    struct dvbcss_server *server;
    struct dvbcss_ts_endpoint *ts;
    const struct dvbcss_clock *wall_clock;
    /** limits_hosts() */
    const char *hosts;
    /** As the CII endpoint's own. */
    struct dvbcss_cii_endpoint_hooks cii_hooks;
    size_t cii_user_data_size;
    void *context;
};

/**
 * Starts what the configuration asks for.
 *
 * @param reason filled on error
 * @return 0, or -1: app2app_stop() is due all the same
 */
int app2app_start(struct app2app *app2app, const struct app2app_parts *parts,
                  const struct config *config, char *reason, size_t reason_size);

/** Stops all of it but the TS channel, which goes with the TS endpoint. */
void app2app_stop(struct app2app *app2app);

/** Size of the text of a path or a URL below. */
enum { APP2APP_TEXT_SIZE = 512 };

/** Writes the path below which all is served, without a slash at its end. */
void app2app_path(const struct config *config, char path[APP2APP_TEXT_SIZE]);

/** Writes the URLs that the CII channel names, with placeholders for scheme, host and port. */
void app2app_urls(const struct config *config, char wc_url[APP2APP_TEXT_SIZE],
                  char ts_url[APP2APP_TEXT_SIZE]);

#endif
