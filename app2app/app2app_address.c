#include "app2app/app2app_address.h"

#include <netinet/in.h>
#include <string.h>

static bool has_address(const struct sockaddr *peer)
{
    return peer->sa_family == AF_INET || peer->sa_family == AF_INET6;
}

static bool is_same(const struct sockaddr *a, const struct sockaddr *b)
{
    const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
    const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

    if (a->sa_family != b->sa_family)
        return false;
    return a->sa_family == AF_INET ? a4->sin_addr.s_addr == b4->sin_addr.s_addr
                                   : memcmp(&a6->sin6_addr, &b6->sin6_addr, 16) == 0;
}

/* A peer on this machine comes from the address that it asks, or from the loopback network. */
bool app2app_address_is_here(const struct sockaddr *peer, const struct sockaddr *local)
{
    const struct sockaddr_in *v4 = (const void *)peer;

    if (!has_address(peer))
        return true;
    return is_same(peer, local) ||
           (peer->sa_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET);
}

static union ws_address copy_of(const struct sockaddr *address)
{
    union ws_address copy;

    memset(&copy, 0, sizeof copy);
    if (address->sa_family == AF_INET)
        memcpy(&copy.v4, address, sizeof copy.v4);
    else if (address->sa_family == AF_INET6)
        memcpy(&copy.v6, address, sizeof copy.v6);
    return copy;
}

struct app2app_address app2app_address_of(const struct sockaddr *peer, const struct sockaddr *local)
{
    const union ws_address peer_copy = copy_of(peer), local_copy = copy_of(local);

    if (!has_address(peer))
        return (struct app2app_address){false, {0, 0}};
    return (struct app2app_address){true, ws_address_key(&peer_copy, &local_copy)};
}

bool app2app_address_equal(const struct app2app_address *a, const struct app2app_address *b)
{
    return a->limited && b->limited && a->key.network == b->key.network &&
           a->key.host == b->key.host;
}
