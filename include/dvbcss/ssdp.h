/**
 * @file
 * SSDP, by which a companion finds a TV without knowing its address (UPnP Device Architecture 1.1
 * clause 1; DIAL 1.7 clause 5): the messages, and what a DIAL device answers to.
 *
 *     companion -> group    M-SEARCH, "who is of this target?"
 *     TV        -> companion HTTP/1.1 200 OK, with the LOCATION of its description
 *     TV        -> group    NOTIFY ssdp:alive from time to time, ssdp:byebye at the end
 *
 * Nothing here opens a socket: see discovery_responder.h and discovery_client.h.
 */
#ifndef DVBCSS_SSDP_H
#define DVBCSS_SSDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The port, and the groups of IPv4 and of IPv6 (link-local scope). */
#define DVBCSS_SSDP_PORT 1900
#define DVBCSS_SSDP_GROUP_V4 "239.255.255.250"
#define DVBCSS_SSDP_GROUP_V6 "ff02::c"

/** Targets of a search. */
#define DVBCSS_SSDP_ALL "ssdp:all"
#define DVBCSS_SSDP_ROOT_DEVICE "upnp:rootdevice"
#define DVBCSS_SSDP_DEVICE_TYPE "urn:schemas-upnp-org:device:tvdevice:1"
#define DVBCSS_SSDP_DIAL "urn:dial-multiscreen-org:service:dial:1"

/** Sizes with the closing NUL. */
enum {
    DVBCSS_SSDP_UUID_SIZE = 37,
    DVBCSS_SSDP_HOST_SIZE = 64,
    DVBCSS_SSDP_TARGET_SIZE = 192,
    DVBCSS_SSDP_USN_SIZE = 256,
    DVBCSS_SSDP_LOCATION_SIZE = 384,
    DVBCSS_SSDP_SERVER_SIZE = 128,
};

/** The longest message that is sent: companions in the field read no more. */
enum { DVBCSS_SSDP_MESSAGE_MAX = 1024 };

/** What a message is. */
enum dvbcss_ssdp_kind {
    DVBCSS_SSDP_SEARCH,
    DVBCSS_SSDP_RESPONSE,
    DVBCSS_SSDP_ALIVE,
    DVBCSS_SSDP_BYEBYE,
    DVBCSS_SSDP_UPDATE,
};

/** A message. Texts are "" and numbers -1 where it has none. Plain data: copy it as you like. */
struct dvbcss_ssdp_message {
    enum dvbcss_ssdp_kind kind;
    /** HOST of a request: "239.255.255.250:1900". */
    char host[DVBCSS_SSDP_HOST_SIZE];
    /** ST of a search or response, NT of a notification. */
    char target[DVBCSS_SSDP_TARGET_SIZE];
    /** USN: which device, and as what: "uuid:...::urn:...". */
    char usn[DVBCSS_SSDP_USN_SIZE];
    /** LOCATION: URL of the device description. */
    char location[DVBCSS_SSDP_LOCATION_SIZE];
    /** SERVER or USER-AGENT; cut if it is longer. */
    char server[DVBCSS_SSDP_SERVER_SIZE];
    /** MX of a search: seconds within which an answer is wanted. */
    int32_t mx_s;
    /** CACHE-CONTROL: seconds for which the announcement holds. */
    int32_t max_age_s;
    /** BOOTID.UPNP.ORG: a larger one means that the device has started anew. */
    int64_t boot_id;
};

#define DVBCSS_SSDP_MESSAGE_INIT                                                                   \
    {                                                                                              \
        DVBCSS_SSDP_SEARCH, "", "", "", "", "", -1, -1, -1                                         \
    }

/**
 * Takes a datagram apart. Names of headers may be in any case, lines may end in LF alone, unknown
 * headers are passed over; of a header that comes twice the first counts.
 *
 * @param bytes   the datagram, need not end in NUL
 * @param message filled on success, untouched otherwise
 * @param report  may be NULL; `offset` is the byte in @p bytes, `path` the header
 * @return 0, DVBCSS_EMESSAGETYPE (no message of SSDP), DVBCSS_EVALUE (a line that is no header, a
 *         control character, MAN or NTS with another value), DVBCSS_EMISSING (a header without
 *         which the message means nothing), DVBCSS_ELENGTH (a value is too long)
 * @note Any thread. UPnP Device Architecture 1.1 clauses 1.2 and 1.3.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ssdp_decode(const void *bytes, size_t length,
                                                   struct dvbcss_ssdp_message *message,
                                                   struct dvbcss_report *report);

/**
 * Writes a message with the spelling that companions in the field insist on: names of headers in
 * upper case, CRLF, first line of a response exactly "HTTP/1.1 200 OK", at most
 * #DVBCSS_SSDP_MESSAGE_MAX bytes.
 *
 * @param text   receives the message and a closing NUL
 * @param size   of @p text in bytes; DVBCSS_SSDP_MESSAGE_MAX + 1 is always enough
 * @param length may be NULL; receives the length without the NUL
 * @return 0, DVBCSS_ENOSPC (also for a message above the limit), DVBCSS_EVALUE (a text with a
 *         control character)
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ssdp_encode(const struct dvbcss_ssdp_message *message,
                                                   char *text, size_t size, size_t *length);

/** As what a DIAL device appears, each in a message of its own. */
enum dvbcss_ssdp_role {
    DVBCSS_SSDP_AS_DIAL,
    DVBCSS_SSDP_AS_ROOT_DEVICE,
    DVBCSS_SSDP_AS_UUID,
    DVBCSS_SSDP_AS_DEVICE_TYPE,
    DVBCSS_SSDP_ROLE_COUNT,
};

/**
 * Tells which roles of a device a search is for.
 *
 * @param search_target ST as it came
 * @param uuid          of the device, without "uuid:"
 * @return mask of 1 << enum dvbcss_ssdp_role; 0 if the device is not meant
 * @note Any thread.
 */
DVBCSS_API unsigned dvbcss_ssdp_match(const char *search_target, const char *uuid);

/**
 * Fills in how a device is called in a role: `target` and `usn` of @p message.
 *
 * @param uuid as dvbcss_ssdp_uuid_is_valid() accepts
 * @note Any thread.
 */
DVBCSS_API void dvbcss_ssdp_name(struct dvbcss_ssdp_message *message, enum dvbcss_ssdp_role role,
                                 const char *uuid);

/** Whether a text is a UUID: "123e4567-e89b-12d3-a456-426614174000", digits in any case. Any
 * thread. */
DVBCSS_API bool dvbcss_ssdp_uuid_is_valid(const char *text);

#ifdef __cplusplus
}
#endif

#endif
