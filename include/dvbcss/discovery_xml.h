/**
 * @file
 * Reads the documents of dial.h, as TVs in the field write them: by namespace where they have the
 * right ones, by the bare name where they do not. Documents with a DOCTYPE are refused, so that no
 * entity can grow.
 */
#ifndef DVBCSS_DISCOVERY_XML_H
#define DVBCSS_DISCOVERY_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Sizes with the closing NUL; a longer name is cut, a longer URL makes the document unusable. */
enum {
    DVBCSS_DISCOVERY_NAME_SIZE = 256,
    DVBCSS_DISCOVERY_URL_SIZE = 1024,
};

/** What a device description says of its root device; "" for what it lacks. */
struct dvbcss_discovery_device {
    char device_type[DVBCSS_DISCOVERY_NAME_SIZE];
    char friendly_name[DVBCSS_DISCOVERY_NAME_SIZE];
    char manufacturer[DVBCSS_DISCOVERY_NAME_SIZE];
    char model_name[DVBCSS_DISCOVERY_NAME_SIZE];
    /** As "uuid:...". */
    char udn[DVBCSS_DISCOVERY_NAME_SIZE];
};

/** What an application resource says; "" for what it lacks. */
struct dvbcss_discovery_application {
    char name[DVBCSS_DISCOVERY_NAME_SIZE];
    char state[DVBCSS_DISCOVERY_NAME_SIZE];
    char dial_version[DVBCSS_DISCOVERY_NAME_SIZE];
    /** X_HbbTV_App2AppURL, X_HbbTV_InterDevSyncURL, X_HbbTV_UserAgent as they stand there. */
    char app2app_url[DVBCSS_DISCOVERY_URL_SIZE];
    char inter_dev_sync_url[DVBCSS_DISCOVERY_URL_SIZE];
    char user_agent[DVBCSS_DISCOVERY_URL_SIZE];
    /** Whether one of those three is outside of the namespace of HbbTV. */
    bool wrong_namespace;
};

/**
 * Reads a device description (UPnP Device Architecture 1.1 clause 2.3).
 *
 * @param xml    the document, need not end in NUL
 * @param device filled on success, untouched otherwise
 * @param report may be NULL; `offset` is the byte in @p xml
 * @return 0, DVBCSS_EVALUE (not well-formed, a DOCTYPE, too deep), DVBCSS_EMESSAGETYPE (another
 *         document), DVBCSS_ELENGTH (a URL is too long), DVBCSS_ENOMEM
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_discovery_decode_device(const void *xml, size_t length,
                               struct dvbcss_discovery_device *device,
                               struct dvbcss_report *report);

/** Reads an application resource (DIAL 1.7 clause 6.1.2, TS 102 796 clause 14.7.2); as above. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_discovery_decode_application(const void *xml, size_t length,
                                    struct dvbcss_discovery_application *application,
                                    struct dvbcss_report *report);

#ifdef __cplusplus
}
#endif

#endif
