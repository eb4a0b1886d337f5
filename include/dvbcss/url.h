/**
 * @file
 * The URLs of DVB-CSS: `ws://host:port/path`, `udp://host:port` and their kin, taken apart and put
 * together; and the repair of hosts that a server should not have advertised.
 *
 * Nothing here resolves a name or opens a socket.
 */
#ifndef DVBCSS_URL_H
#define DVBCSS_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The schemes; as a mask they say which ones a caller accepts. */
enum dvbcss_url_scheme {
    DVBCSS_URL_WS = 1 << 0,
    DVBCSS_URL_WSS = 1 << 1,
    DVBCSS_URL_UDP = 1 << 2,
    DVBCSS_URL_HTTP = 1 << 3,
    DVBCSS_URL_HTTPS = 1 << 4,
};

/** What the URL of a WebSocket endpoint (CSS-CII, CSS-TS) may start with. */
#define DVBCSS_URL_ANY_WEBSOCKET ((unsigned)DVBCSS_URL_WS | (unsigned)DVBCSS_URL_WSS)

/** Sizes with the closing NUL. A host name has 253 characters at most (RFC 1035). */
enum {
    DVBCSS_URL_HOST_SIZE = 256,
    DVBCSS_URL_PATH_SIZE = 1024,
    DVBCSS_URL_TEXT_SIZE = DVBCSS_URL_HOST_SIZE + DVBCSS_URL_PATH_SIZE + 32,
};

/** A URL in its parts. Plain data: copy it as you like. */
struct dvbcss_url {
    enum dvbcss_url_scheme scheme;
    /** Name, IPv4 or IPv6 literal without brackets; a zone as in `fe80::1%eth0`. What a resolver
     * takes. */
    char host[DVBCSS_URL_HOST_SIZE];
    /** 1 to 65535: as given, else the scheme's default (80, 443; `udp` has none). */
    uint16_t port;
    /** What is requested from the host: path and query, with the leading "/"; "" if the URL has
     * none. */
    char path[DVBCSS_URL_PATH_SIZE];
};

#define DVBCSS_URL_INIT                                                                            \
    {                                                                                              \
        DVBCSS_URL_WS, "", 0, ""                                                                   \
    }

/**
 * Takes a URL apart (RFC 3986). The scheme may be in any case; user names, fragments, percent
 * signs in the host and port 0 are refused, as is a path after `udp://host:port` (a single "/" is
 * let pass).
 *
 * @param text    the URL, NUL-terminated
 * @param schemes mask of enum dvbcss_url_scheme that are wanted here
 * @param url     filled on success, untouched otherwise
 * @param report  may be NULL; `offset` is the byte in @p text, `path` stays ""
 * @return 0, DVBCSS_EVALUE (malformed), DVBCSS_EUNSUPPORTED (scheme not wanted), DVBCSS_EMISSING
 *         (no host, or no port where there is no default), DVBCSS_ERANGE (port), DVBCSS_ELENGTH
 *         (host or path too long)
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_url_parse(const char *text, unsigned schemes,
                                                 struct dvbcss_url *url,
                                                 struct dvbcss_report *report);

/**
 * Writes a URL with its port, with brackets around an IPv6 literal (its zone as "%25", RFC 6874)
 * and without the slash of an empty path: some televisions refuse a slash at the end.
 *
 * @param url  as dvbcss_url_parse() fills it
 * @param text receives the URL; DVBCSS_URL_TEXT_SIZE bytes are always enough
 * @param size of @p text in bytes
 * @return 0 or DVBCSS_ENOSPC (@p text is then "" if it has any room)
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_url_format(const struct dvbcss_url *url, char *text,
                                                  size_t size);

/**
 * Tells a scheme as it is written in a URL.
 *
 * @return static text such as "ws"; "?" for what is no scheme
 * @note Any thread.
 */
DVBCSS_API const char *dvbcss_url_scheme_name(enum dvbcss_url_scheme scheme);

/**
 * Writes a socket's address as the host of a URL that is meant for another machine: IPv6 in
 * brackets and without its zone (which means something to this machine only), an IPv4-mapped
 * address as plain IPv4. Names and IPv4 stay as they are.
 *
 * @param address as getnameinfo() or getsockname() put it, without brackets
 * @param host    receives the host
 * @param size    of @p host in bytes
 * @return 0 or DVBCSS_ENOSPC (@p host is then "" if it has any room)
 * @note Any thread.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_url_host_of_address(const char *address, char *host,
                                                           size_t size);

/**
 * Tells whether a host that a server advertised cannot be what it means: the unspecified address
 * (0.0.0.0, ::), or this very machine (localhost, 127.0.0.0/8, ::1) although the server is on
 * another one.
 *
 * @param host name or address as in struct dvbcss_url; "" is unusable
 * @param peer address by which the server was reached, numeric
 * @note Any thread.
 */
DVBCSS_API bool dvbcss_url_host_unusable(const char *host, const char *peer);

/**
 * Takes a URL apart that a server advertised, as dvbcss_url_parse() does, and puts the peer's
 * address in the place of a host that is empty or dvbcss_url_host_unusable(), and the peer's zone
 * behind a link-local host: the peer cannot know what its link is called here. For clients.
 *
 * @param peer address by which the server was reached, numeric, with its zone if it has one
 * @return also DVBCSS_EINVAL: @p peer is no address (@p report is then not filled)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_url_parse_advertised(const char *text, unsigned schemes,
                                                            const char *peer,
                                                            struct dvbcss_url *url,
                                                            struct dvbcss_report *report);

#ifdef __cplusplus
}
#endif

#endif
