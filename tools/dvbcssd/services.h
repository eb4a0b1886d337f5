/**
 * @file
 * The daemon's services: wall clock, HTTP listener, CII, TS and what else companions speak, what
 * the television presents, and its control, started in this order and stopped in the reverse one.
 */
#ifndef DVBCSSD_SERVICES_H
#define DVBCSSD_SERVICES_H

#include <stddef.h>
#include <uv.h>

#include "app2app.h"
#include "config.h"
#include "control.h"
#include "descriptors.h"
#include "discovery.h"
#include "dvbcss/cii_endpoint.h"
#include "dvbcss/clock.h"
#include "dvbcss/server.h"
#include "dvbcss/ts_endpoint.h"
#include "dvbcss/wc_service.h"
#include "dvbcss/wc_ws_endpoint.h"
#include "loop_delay.h"
#include "notify.h"
#include "options.h"
#include "page_channel.h"
#include "pages.h"
#include "programme.h"
#include "sockets.h"
#include "tv.h"

/** What could not be started and why, for people: "wallclock: 0.0.0.0:6677: ...". */
struct services_error {
    char text[512];
};

/** Where the services can be reached; "" for one that is not there. */
struct services_urls {
    char cii[512];
    char ts[512];
    /** The same by TLS. */
    char cii_tls[512];
    char ts_tls[512];
    char wc[512];
    char wc_ws[512];
    /** What DIAL announces: the companions' side. */
    char app2app[512];
    char http[512];
    char https[512];
    /** The device description. */
    char dial[512];
    /** The channel for a page that is the television. */
    char page[512];
    /** The pages' own index. */
    char pages[512 + 1];
    /** A path. */
    char control_socket[128];
    char control[128];
};

/** What runs: for the control API to look at and to change by the functions of each. */
struct services {
    uv_loop_t *loop;
    /** What is in force, and where it came from. */
    struct config *config;
    const struct options *options;
    /** When it started, in the loop's milliseconds. */
    uint64_t started_ms;
    /** Opened by the service manager, if it did. */
    struct sockets sockets;
    struct descriptors descriptors;
    struct dvbcss_clock *wall_clock;
    /** NULL if it is not served. */
    struct dvbcss_wc_service *wc_service;
    struct dvbcss_server *server;
    struct dvbcss_cii_endpoint *cii;
    struct dvbcss_ts_endpoint *ts;
    struct dvbcss_wc_ws_endpoint *wc_ws;
    struct app2app app2app;
    /** What services_set_delay() set. */
    double delay_ms;
    struct tv *tv;
    /** NULL while it does not run. */
    struct programme *programme;
    struct page_channel *page;
    /** Names that requests to the companions' listener may give: limits_hosts(). */
    char *hosts;
    /** On the companions' listener; NULL if they are not served there. */
    struct dvbcss_http_handler *public_handlers[2];
    /** NULL if there is none. */
    struct control *control;
    /** NULL if they are not served. */
    struct pages *pages;
    /** NULL if companions are not to find it. */
    struct discovery *discovery;
    struct notify *notify;
    struct loop_delay loop_delay;
    struct services_urls urls;
    uint64_t api_requests;
    uint64_t api_refusals;
    uint64_t reloads;
    uint64_t failed_reloads;
};

/**
 * Starts everything that the configuration asks for; it serves once the loop runs.
 *
 * @param services zeroed but for loop, config, options and notify, which outlive it
 * @return 0, or -1 with @p error filled; handles may then be closing on the loop: run it once more
 */
int services_start(struct services *services, struct services_error *error);

/** Stops everything, telling each companion. The loop runs empty afterwards. */
void services_stop(struct services *services);

/** Shifts what companions are told: positive milliseconds make them later. */
void services_set_delay(struct services *services, double delay_ms);

/** Starts the demo programme, anew if it runs, in place of everything that is presented: 0 or a
 * dvbcss_error. */
DVBCSS_NODISCARD int services_start_programme(struct services *services);

/** Stops the demo programme; what it presents stays. */
void services_stop_programme(struct services *services);

/** Presents what the configuration says, in place of everything: content and timelines, or the demo
 * programme. 0 or a dvbcss_error. */
DVBCSS_NODISCARD int services_present_configured(struct services *services);

/** Presents the content of the configuration, without its timelines: only what differs from
 * @p before, a new id with its status; everything if it is NULL. 0 or a dvbcss_error. */
DVBCSS_NODISCARD int services_present_content(struct services *services,
                                              const struct config_content *before);

/** Adds a timeline of the configuration: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int services_add_timeline(struct services *services,
                                           const struct config_timeline *timeline);

/** Lets companions into the TS endpoint or not, and has CII say so: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int services_enable_ts(struct services *services, bool enabled);

#endif
