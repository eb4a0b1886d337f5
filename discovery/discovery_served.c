#include "discovery/discovery_served.h"

#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/discovery_policy.h"

static bool same_address(const union discovery_address *a, const union discovery_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

static struct served_link *find_link(struct served_link *links, size_t count, unsigned index,
                                     int family)
{
    for (size_t i = 0; i < count; i++) {
        if (links[i].index == index && links[i].family == family)
            return &links[i];
    }
    return NULL;
}

/* Takes an address into the list of links. Announcements are link-local, and so is the address that
 * they name, where there is one. */
static void take_address(struct served *served, const struct discovery_link *address)
{
    int family = address->address.any.sa_family;
    struct served_link *link = find_link(served->links, served->link_count, address->index, family);

    if (!link) {
        link = &served->links[served->link_count++];
        link->index = address->index;
        link->family = family;
        memcpy(link->name, address->name, sizeof link->name);
        link->own = address->address;
    } else if (discovery_address_is_link_local(&address->address) &&
               !discovery_address_is_link_local(&link->own)) {
        link->own = address->address;
    }
}

/* Makes the lists of now. */
static int look(struct served *now, const struct served_events *events, void *user)
{
    size_t kept = 0;
    int error = discovery_links_list(&now->addresses, &now->address_count);

    if (error || now->address_count == 0)
        return error;
    now->links = dvbcss_calloc(now->address_count, sizeof *now->links);
    if (!now->links) {
        served_finish(now);
        return DVBCSS_ENOMEM;
    }
    for (size_t i = 0; i < now->address_count; i++) {
        if (!events->wanted(user, &now->addresses[i]))
            continue;
        now->addresses[kept] = now->addresses[i];
        take_address(now, &now->addresses[kept++]);
    }
    now->address_count = kept;
    return 0;
}

int served_update(struct served *served, const struct served_events *events, void *user)
{
    struct served before = *served;
    struct served now = {0};
    int error = look(&now, events, user);

    if (error)
        return error;
    *served = now;
    for (size_t i = 0; i < before.link_count; i++) {
        struct served_link *link = &before.links[i];

        if (!find_link(now.links, now.link_count, link->index, link->family))
            events->removed(user, link);
    }
    for (size_t i = 0; i < now.link_count; i++) {
        struct served_link *link = &now.links[i];
        const struct served_link *was =
            find_link(before.links, before.link_count, link->index, link->family);

        if (!was)
            events->added(user, link);
        else if (!same_address(&was->own, &link->own))
            events->moved(user, link);
    }
    served_finish(&before);
    return 0;
}

bool served_find_own(const struct served *served, struct served_asker *asker)
{
    bool link_local = discovery_address_is_link_local(&asker->source);

    for (size_t i = 0; i < served->address_count; i++) {
        const struct discovery_link *link = &served->addresses[i];

        if (link->index != asker->index ||
            !dvbcss_discovery_on_link(&asker->source.any, &link->address.any, &link->netmask.any))
            continue;
        /* Only a link-local address is sure to be reached from one. */
        if (link_local && !discovery_address_is_link_local(&link->address))
            continue;
        asker->own = link->address;
        return true;
    }
    return false;
}

void served_finish(struct served *served)
{
    dvbcss_free(served->links);
    dvbcss_free(served->addresses);
    memset(served, 0, sizeof *served);
}
