/*
 * Which web pages may connect. A browser names the page's origin in Origin, and the host that the
 * page asked for in Host; the page can choose neither.
 */
#include "server-core/ws_access.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "dvbcss/alloc.h"

static bool list_has(const char *list, const char *word, size_t length)
{
    if (!list || length == 0)
        return false;
    for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
        size_t item = strcspn(list, " ");

        if (item == length && strncasecmp(list, word, length) == 0)
            return true;
        list += item;
    }
    return false;
}

/* Host and port as they stand in Host: "tv.example", "192.0.2.7:7681", "[2001:db8::1]:7681". */
struct authority {
    const char *host;
    size_t host_length;
    /** Without the colon; empty for none. */
    const char *port;
};

static struct authority split(const char *text)
{
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
    size_t length = bracket ? (size_t)(bracket + 1 - text) : strcspn(text, ":");

    return (struct authority){text, length, text[length] == ':' ? text + length + 1 : ""};
}

static bool is_address(const struct authority *authority)
{
    unsigned char address[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    bool v6 = authority->host[0] == '[' && authority->host_length >= 2;
    size_t length = authority->host_length - (v6 ? 2 : 0);

    if (length >= sizeof text)
        return false;
    memcpy(text, authority->host + (v6 ? 1 : 0), length);
    text[length] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, text, address) == 1;
}

/* An address cannot be made to resolve to another, nor can localhost. */
static bool host_is_ours(const char *hosts, const char *host)
{
    static const char localhost[] = "localhost";
    struct authority authority = split(host);

    return is_address(&authority) ||
           (authority.host_length == sizeof localhost - 1 &&
            strncasecmp(authority.host, localhost, sizeof localhost - 1) == 0) ||
           list_has(hosts, authority.host, authority.host_length);
}

/* The scheme's own port may be left out in either. The scheme itself is not compared: whoever
 * decrypts TLS in front of us makes it another. */
static bool is_same_origin(const char *origin, const char *host)
{
    static const struct {
        const char *scheme;
        const char *port;
    } schemes[] = {{"http://", "80"}, {"https://", "443"}};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i].scheme);
        struct authority page, asked = split(host);

        if (strncasecmp(origin, schemes[i].scheme, length) != 0)
            continue;
        page = split(origin + length);
        return page.host_length == asked.host_length && page.host_length != 0 &&
               strncasecmp(page.host, asked.host, page.host_length) == 0 &&
               strcmp(*page.port ? page.port : schemes[i].port,
                      *asked.port ? asked.port : schemes[i].port) == 0;
    }
    return false;
}

static bool origin_may(const struct dvbcss_access *access, const char *host, const char *origin)
{
    bool listed = list_has(access->origins, origin, strlen(origin));

    switch (access->origin_policy) {
    case DVBCSS_ORIGIN_ANY:
        return true;
    case DVBCSS_ORIGIN_NONE_OR_LISTED:
        return *origin == '\0' || listed;
    case DVBCSS_ORIGIN_LISTED:
        return listed;
    case DVBCSS_ORIGIN_SAME:
        return *origin == '\0' || listed || is_same_origin(origin, host);
    }
    return false;
}

int dvbcss_access_check(const struct dvbcss_access *access, const char *host, const char *origin)
{
    if (access->hosts && !host_is_ours(access->hosts, host))
        return DVBCSS_REFUSAL_HOST;
    return origin_may(access, host, origin) ? -1 : DVBCSS_REFUSAL_ORIGIN;
}

int ws_access_copy(struct dvbcss_access *copy, const struct dvbcss_access *from)
{
    char *origins = dvbcss_strdup(from->origins);
    char *hosts = dvbcss_strdup(from->hosts);

    if ((from->origins && !origins) || (from->hosts && !hosts)) {
        dvbcss_free(origins);
        dvbcss_free(hosts);
        return DVBCSS_ENOMEM;
    }
    *copy = (struct dvbcss_access){from->origin_policy, origins, hosts};
    return 0;
}

void ws_access_free(struct dvbcss_access *copy)
{
    /* Ours, whatever the type of the options says. */
    dvbcss_free((void *)copy->origins);
    dvbcss_free((void *)copy->hosts);
}
