#include "wallclock/wc_address.h"

#include <arpa/inet.h>
#include <string.h>
#include <uv.h>

int wc_address_parse(const char *text, uint16_t port, union wc_address *out)
{
    union wc_address parsed;

    memset(&parsed, 0, sizeof parsed);
    if (uv_ip4_addr(text, port, &parsed.v4) != 0) {
        if (uv_ip6_addr(text, port, &parsed.v6) != 0)
            return DVBCSS_EINVAL;
        /* libuv takes a zone that does not exist for none. */
        if (strchr(text, '%') && parsed.v6.sin6_scope_id == 0)
            return DVBCSS_EINVAL;
    }
    *out = parsed;
    return 0;
}

int wc_address_from_sockaddr(const struct sockaddr *from, uint16_t port, union wc_address *out)
{
    memset(out, 0, sizeof *out);
    switch (from->sa_family) {
    case AF_INET:
        memcpy(&out->v4, from, sizeof out->v4);
        out->v4.sin_port = htons(port);
        return 0;
    case AF_INET6:
        memcpy(&out->v6, from, sizeof out->v6);
        out->v6.sin6_port = htons(port);
        return 0;
    default:
        return DVBCSS_EINVAL;
    }
}

void wc_address_wildcard(int family, uint16_t port, union wc_address *out)
{
    memset(out, 0, sizeof *out);
    out->any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        out->v4.sin_port = htons(port);
    else
        out->v6.sin6_port = htons(port);
}

int wc_address_format(const union wc_address *address, char *text, size_t size)
{
    char whole[WC_ADDRESS_TEXT_SIZE];
    size_t length;
    int result;

    if (address->any.sa_family == AF_INET)
        result = uv_ip4_name(&address->v4, whole, sizeof whole);
    else
        result = uv_ip6_name(&address->v6, whole, sizeof whole);
    length = strlen(whole);
    if (result == 0 && address->any.sa_family == AF_INET6 && address->v6.sin6_scope_id != 0) {
        size_t left = sizeof whole - length - 1;

        whole[length] = '%';
        result = uv_if_indextoname(address->v6.sin6_scope_id, whole + length + 1, &left);
        length = strlen(whole);
    }
    if (result != 0 || length >= size)
        return DVBCSS_ENOSPC;
    memcpy(text, whole, length + 1);
    return 0;
}

uint16_t wc_address_port(const union wc_address *address)
{
    return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port : address->v6.sin6_port);
}

socklen_t wc_address_size(const union wc_address *address)
{
    return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

bool wc_address_is_wildcard(const union wc_address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

bool wc_address_equal(const union wc_address *a, const union wc_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr && a->v4.sin_port == b->v4.sin_port;
    return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
           a->v6.sin6_port == b->v6.sin6_port &&
           (!IN6_IS_ADDR_LINKLOCAL(&a->v6.sin6_addr) || a->v6.sin6_scope_id == b->v6.sin6_scope_id);
}
