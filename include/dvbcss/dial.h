/**
 * @file
 * The two documents by which a TV tells a companion what it is and where its services are: the UPnP
 * device description, and the DIAL resource of the application "HbbTV" (TS 102 796 clause 14.7.2).
 *
 *     LOCATION of SSDP -> device description, with the HTTP header Application-URL
 *     <Application-URL>/HbbTV -> application resource with the URLs of App2App and of CSS-CII
 *
 * Here they are written; discovery_xml.h reads them, discovery_dial.h serves them.
 */
#ifndef DVBCSS_DIAL_H
#define DVBCSS_DIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The one application. */
#define DVBCSS_DIAL_APPLICATION "HbbTV"

/** Namespaces of the documents. */
#define DVBCSS_DIAL_NS_DEVICE "urn:schemas-upnp-org:device-1-0"
#define DVBCSS_DIAL_NS_SERVICE "urn:dial-multiscreen-org:schemas:dial"
#define DVBCSS_DIAL_NS_HBBTV "urn:hbbtv:HbbTVCompanionScreen:2014"

/** Sizes with the closing NUL. A device description with its HTTP headers fits one TCP segment:
 * companions in the field parse what one read gives them. */
enum {
    DVBCSS_DIAL_DEVICE_SIZE = 1100,
    DVBCSS_DIAL_APPLICATION_SIZE = 4096,
};

/** What a TV is. All are required, UTF-8, and stay the same from one start to the next: companions
 * remember TVs by them. */
struct dvbcss_dial_device {
    const char *friendly_name;
    const char *manufacturer;
    const char *model_name;
    /** Without "uuid:". */
    const char *uuid;
};

/**
 * Writes a device description.
 *
 * @param text   receives the document and a closing NUL
 * @param size   of @p text in bytes; DVBCSS_DIAL_DEVICE_SIZE is the most that is used
 * @param length may be NULL; receives the length without the NUL
 * @return 0, DVBCSS_ENOSPC (longer than @p size or DVBCSS_DIAL_DEVICE_SIZE allow), DVBCSS_EVALUE
 *         (a text is empty, no UTF-8, or has a character that XML cannot hold; no UUID)
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_dial_encode_device(const struct dvbcss_dial_device *device,
                                                          char *text, size_t size, size_t *length);

/** What a TV's HbbTV application resource says. */
struct dvbcss_dial_application {
    bool running;
    /** Whether a running application can be stopped by DELETE of "run". */
    bool allow_stop;
    /** X_HbbTV_App2AppURL, X_HbbTV_InterDevSyncURL, X_HbbTV_UserAgent. All are required: companions
     * take a TV that lacks one for something else. */
    const char *app2app_url;
    const char *inter_dev_sync_url;
    const char *user_agent;
};

/** Writes an application resource; as dvbcss_dial_encode_device(), up to
 * DVBCSS_DIAL_APPLICATION_SIZE. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_dial_encode_application(const struct dvbcss_dial_application *application, char *text,
                               size_t size, size_t *length);

#ifdef __cplusplus
}
#endif

#endif
