/**
 * @file
 * The companion's side of discovery: finds TVs by searching all links, or one TV by its address
 * where multicast does not get through.
 *
 *     M-SEARCH -> LOCATION -> device description -> Application-URL -> application "HbbTV"
 *
 * What comes from the network is limited in size, number and time, and redirections are not
 * followed.
 *
 * Threads: a client belongs to the loop on which it was made and is used from that loop's thread
 * only. Its events are called from the loop, never from inside a function of this file, and may
 * close the client. Names are looked up by libuv's thread pool.
 */
#ifndef DVBCSS_DISCOVERY_CLIENT_H
#define DVBCSS_DISCOVERY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/discovery_xml.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/ssdp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As in <uv.h>, which needs more than plain C11. */
typedef struct uv_loop_s uv_loop_t;

/** A search. */
struct dvbcss_discovery_client;

/** How far the way to a TV was gone. */
enum dvbcss_discovery_stage {
    /** Reading the device description. */
    DVBCSS_DISCOVERY_DESCRIPTION,
    /** Reading the application resource. */
    DVBCSS_DISCOVERY_APPLICATION,
    /** All is read. */
    DVBCSS_DISCOVERY_DONE,
};

/** A device that was found, as far as the way was gone; "" and 0 for the rest. */
struct dvbcss_discovered {
    enum dvbcss_discovery_stage stage;
    /** Why it stopped before DVBCSS_DISCOVERY_DONE: DVBCSS_EADDRESS, DVBCSS_ERESOLVE,
     * DVBCSS_ETIMEDOUT, DVBCSS_EREFUSED (another status than 200: @ref http_status),
     * DVBCSS_ELENGTH (document too long), DVBCSS_EMISSING (no Application-URL), DVBCSS_EPROTOCOL
     * (no HTTP), DVBCSS_EIO, or what a function of discovery_xml.h returned. 0 if all is read. */
    int error;
    unsigned http_status;
    /** The same for people. */
    char text[256];
    /** What SSDP said; "" if the device was found by its address. */
    char usn[DVBCSS_SSDP_USN_SIZE];
    char server[DVBCSS_SSDP_SERVER_SIZE];
    /** Where the description was read. */
    char location[DVBCSS_DISCOVERY_URL_SIZE];
    /** Numeric address that it was read from, with its zone if it has one. */
    char address[64];
    /** Content-Type of the description. */
    char content_type[128];
    /** The header Application-URL: as it came, and as it was used. */
    char application_url_advertised[DVBCSS_DISCOVERY_URL_SIZE];
    char application_url[DVBCSS_DISCOVERY_URL_SIZE];
    struct dvbcss_discovery_device device;
    struct dvbcss_discovery_application application;
    /** The URLs of the resource with a host that a companion can use: see
     * dvbcss_url_parse_advertised(). "" if there is none, or it is no URL of a WebSocket. */
    char app2app_url[DVBCSS_DISCOVERY_URL_SIZE];
    char inter_dev_sync_url[DVBCSS_DISCOVERY_URL_SIZE];
};

/** What a search tells. Each may be NULL. */
struct dvbcss_discovery_client_events {
    /** A device was found: at DVBCSS_DISCOVERY_DONE a TV, before that something that answers to
     * DIAL and is none, or cannot be understood. Each device once. @p device is valid during the
     * call. */
    void (*found)(void *user, const struct dvbcss_discovered *device);
    /** The time is over and every device that answered was told. */
    void (*done)(void *user);
};

/** How a search is made. Start from #DVBCSS_DISCOVERY_CLIENT_OPTIONS_INIT. Copied. */
struct dvbcss_discovery_client_options {
    /** URL of a device description to read in place of a search; NULL for none. */
    const char *location;
    /** Name or numeric address of one TV to ask in place of a search: by a search that is sent to
     * it alone, and by reading the description at @ref host_port. NULL for none. */
    const char *host;
    uint16_t host_port;
    const char *host_path;
    /** Names of the interfaces to search; none for all. */
    const char *const *interfaces;
    size_t interface_count;
    bool ipv4;
    bool ipv6;
    /** How often is asked, and the milliseconds in between. */
    unsigned searches;
    unsigned interval_ms;
    /** MX: seconds in which TVs may spread their answers. */
    unsigned mx_s;
    /** Milliseconds from the start after which no answer is awaited any more; one document that is
     * being read then is still read. */
    unsigned duration_ms;
    /** Milliseconds for each document, and its largest size in bytes. */
    unsigned fetch_timeout_ms;
    size_t max_document_bytes;
    /** Devices; the answers of more are ignored. */
    size_t max_devices;
    /** The UDP port of the TVs; another than #DVBCSS_SSDP_PORT for tests. */
    uint16_t port;
    struct dvbcss_discovery_client_events events;
    /** Handed to the events. */
    void *user;
};

#define DVBCSS_DISCOVERY_CLIENT_OPTIONS_INIT                                                       \
    {                                                                                              \
        NULL, NULL, 7681, "/dd.xml", NULL, 0, true, true, 4, 600, 1, 3000, 3000, 65536, 64,        \
            DVBCSS_SSDP_PORT, {NULL, NULL}, NULL                                                   \
    }

/** What a search did. */
struct dvbcss_discovery_client_counters {
    /** Searches sent, and those that the system refused to send. */
    uint64_t searches;
    uint64_t send_failures;
    /** Answers, and datagrams that were none. */
    uint64_t responses;
    uint64_t malformed;
    /** Answers of devices that were known already, and of those beyond the limit. */
    uint64_t repeated;
    uint64_t beyond_limit;
};

/**
 * Makes a search that begins as soon as the loop runs.
 *
 * @param out     the new search; the caller ends it with dvbcss_discovery_client_close()
 * @param loop    the caller's; must outlive the search
 * @param report  what is wrong with `location`; may be NULL
 * @return 0, an error of dvbcss_url_parse() for `location`, DVBCSS_EINVAL, DVBCSS_EIO,
 *         DVBCSS_ENOMEM
 * @note If it fails, run the loop once more before uv_loop_close(): handles close on it.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_discovery_client_create(struct dvbcss_discovery_client **out, uv_loop_t *loop,
                               const struct dvbcss_discovery_client_options *options,
                               struct dvbcss_report *report);

/**
 * Ends a search at once, calling no event any more, and frees it from the loop.
 *
 * @param client NULL is fine: nothing happens then and @p closed is not called
 * @param closed called from the loop at the end; may be NULL
 */
DVBCSS_API void dvbcss_discovery_client_close(struct dvbcss_discovery_client *client,
                                              void (*closed)(void *user), void *user);

/** What it did so far; valid as long as the search, always up to date. */
DVBCSS_API const struct dvbcss_discovery_client_counters *
dvbcss_discovery_client_counters(const struct dvbcss_discovery_client *client);

#ifdef __cplusplus
}
#endif

#endif
