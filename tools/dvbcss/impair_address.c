#include "impair_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int look_up(const char *host, const char *port, int flags, struct impair_address *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return DVBCSS_ERESOLVE;
    memset(out, 0, sizeof *out);
    memcpy(&out->storage, found->ai_addr, found->ai_addrlen);
    out->size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int impair_address_parse(const char *text, struct impair_address *out)
{
    char host[DVBCSS_URL_HOST_SIZE] = "127.0.0.1";
    const char *colon = strrchr(text, ':');
    const char *port = colon ? colon + 1 : text;

    if (colon) {
        size_t length = (size_t)(colon - text);
        bool bracketed = length >= 2 && text[0] == '[' && colon[-1] == ']';

        /* An IPv6 address without brackets cannot be told from one with a port. */
        if (!bracketed && memchr(text, ':', length))
            return DVBCSS_EINVAL;
        if (bracketed) {
            text++;
            length -= 2;
        }
        if (length >= sizeof host)
            return DVBCSS_EINVAL;
        memcpy(host, text, length);
        host[length] = '\0';
    }
    if (*port < '0' || *port > '9' || strlen(port) > 5 || strtoul(port, NULL, 10) > UINT16_MAX)
        return DVBCSS_EINVAL;
    return look_up(host, port, AI_NUMERICHOST | AI_PASSIVE, out) == 0 ? 0 : DVBCSS_EINVAL;
}

int impair_address_resolve(const char *url, struct impair_address *out,
                           struct dvbcss_report *report)
{
    struct dvbcss_url parts;
    char port[8];
    int error = dvbcss_url_parse(url, DVBCSS_URL_UDP, &parts, report);

    if (error != 0)
        return error;
    snprintf(port, sizeof port, "%u", parts.port);
    return look_up(parts.host, port, AI_ADDRCONFIG, out);
}

struct dvbcss_url impair_address_url(const struct impair_address *address)
{
    struct dvbcss_url url = DVBCSS_URL_INIT;
    char port[8];

    url.scheme = DVBCSS_URL_UDP;
    if (getnameinfo((const struct sockaddr *)&address->storage, address->size, url.host,
                    sizeof url.host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        url.port = (uint16_t)strtoul(port, NULL, 10);
    return url;
}

bool impair_address_equal(const struct impair_address *a, const struct impair_address *b)
{
    if (a->storage.ss_family != b->storage.ss_family)
        return false;
    if (a->storage.ss_family == AF_INET) {
        const struct sockaddr_in *x = (const struct sockaddr_in *)&a->storage;
        const struct sockaddr_in *y = (const struct sockaddr_in *)&b->storage;

        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    if (a->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)&a->storage;
        const struct sockaddr_in6 *y = (const struct sockaddr_in6 *)&b->storage;

        return x->sin6_port == y->sin6_port && x->sin6_scope_id == y->sin6_scope_id &&
               memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
    }
    return false;
}
