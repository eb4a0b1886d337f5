/**
 * @file
 * The DIAL side of a TV on the server base: the device description with its Application-URL, the
 * resource of the application "HbbTV", and requests to launch and stop it.
 *
 *     GET    <description_path>        device description
 *     GET    <apps_path>/HbbTV         application resource
 *     POST   <apps_path>/HbbTV         launch: the body goes to a command's standard input
 *     DELETE <apps_path>/HbbTV/run     stop
 *
 * Any web page may read (CORS); launching and stopping is for programs, for pages of the TV itself
 * and for the origins that the options name (DIAL 2.1 clause 6.6).
 *
 * Thread: everything here belongs to the thread that runs the server's loop.
 */
#ifndef DVBCSS_DISCOVERY_DIAL_H
#define DVBCSS_DISCOVERY_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/dial.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/server.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The DIAL service of a server. */
struct dvbcss_dial_server;

/** How it is made. Start from #DVBCSS_DIAL_SERVER_OPTIONS_INIT. Everything is copied. */
struct dvbcss_dial_server_options {
    /** Required. */
    struct dvbcss_dial_device device;
    const char *description_path;
    const char *apps_path;
    /** Paths on the same server of CSS-CII and App2App: their URLs name the address and port that
     * each client reached. */
    const char *inter_dev_sync_path;
    const char *app2app_path;
    /** What the TV's browser calls itself; at least six fields separated by ";" in the brackets. */
    const char *user_agent;
    /** Host and port for all URLs in the place of those reached; NULL and 0 for none. */
    const char *advertise_host;
    uint16_t advertise_port;
    /** Program and arguments, NULL at the end, that launch an application: the body of the request
     * is its standard input. NULL: launching is answered with 501. No shell is involved. */
    const char *const *launch_command;
    /** The same for stopping; NULL: stopping is answered with 501. */
    const char *const *stop_command;
    /** Milliseconds after which a command is killed. */
    unsigned command_timeout_ms;
    /** The largest body of a launch request; a larger one is answered with 413. */
    size_t max_launch_bytes;
    /** Web pages that may launch and stop, as "https://companion.example.com". */
    const char *const *allowed_origins;
    size_t allowed_origin_count;
};

#define DVBCSS_DIAL_SERVER_OPTIONS_INIT                                                            \
    {                                                                                              \
        {NULL, NULL, NULL, NULL}, "/dd.xml", "/dial/apps", "/cii", "/app2app/",                    \
            "HbbTV/1.5.1 (+DRM; dvbcss; dvbcssd; 0.1; 0.1; dvbcss; )", NULL, 0, NULL, NULL, 10000, \
            65536, NULL, 0                                                                         \
    }

/** What it did. */
struct dvbcss_dial_server_counters {
    /** Documents that were read. */
    uint64_t descriptions;
    uint64_t resources;
    /** Commands that were started, that failed (did not start, or another status than 0), and those
     * killed because they took too long. */
    uint64_t commands;
    uint64_t command_failures;
    uint64_t command_timeouts;
    /** Requests of foreign origins. */
    uint64_t foreign_origins;
};

/**
 * Adds the service to a server. Close it before the server.
 *
 * @param out    the new service; the caller ends it with dvbcss_dial_server_close()
 * @return 0, DVBCSS_EINVAL (an option is missing or out of its range), what the functions of dial.h
 *         return for the device, and what dvbcss_http_handler_add() returns
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_dial_server_create(struct dvbcss_dial_server **out, struct dvbcss_server *server,
                          const struct dvbcss_dial_server_options *options);

/**
 * Takes the service from its server, kills a command that is still running, and frees it from the
 * loop.
 *
 * @param dial   NULL is fine: nothing happens then and @p closed is not called
 * @param closed called from the loop at the end; may be NULL
 */
DVBCSS_API void dvbcss_dial_server_close(struct dvbcss_dial_server *dial,
                                         void (*closed)(void *user), void *user);

/** What it did so far; valid as long as the service, always up to date. */
DVBCSS_API const struct dvbcss_dial_server_counters *
dvbcss_dial_server_counters(const struct dvbcss_dial_server *dial);

#ifdef __cplusplus
}
#endif

#endif
