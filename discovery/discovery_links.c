#include "discovery/discovery_links.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/alloc.h"

/* Copies one of libuv's; false for an interface that has gone meanwhile. */
static bool copy_link(struct discovery_link *link, const uv_interface_address_t *from)
{
    link->index = if_nametoindex(from->name);
    if (link->index == 0 || strlen(from->name) >= sizeof link->name)
        return false;
    memcpy(link->name, from->name, strlen(from->name) + 1);
    link->internal = from->is_internal != 0;
    if (from->address.address4.sin_family == AF_INET) {
        link->address.v4 = from->address.address4;
        link->netmask.v4 = from->netmask.netmask4;
        return true;
    }
    link->address.v6 = from->address.address6;
    link->netmask.v6 = from->netmask.netmask6;
    return link->address.any.sa_family == AF_INET6;
}

int discovery_links_list(struct discovery_link **links, size_t *count)
{
    uv_interface_address_t *found;
    int found_count;
    int result = uv_interface_addresses(&found, &found_count);

    *links = NULL;
    *count = 0;
    /* A machine without any interface that is up. */
    if (result == UV_ENOENT || (result == 0 && found_count == 0))
        return 0;
    if (result != 0)
        return result == UV_ENOMEM ? DVBCSS_ENOMEM : DVBCSS_EIO;
    *links = dvbcss_calloc((size_t)found_count, sizeof **links);
    for (int i = 0; *links && i < found_count; i++) {
        if (copy_link(&(*links)[*count], &found[i]))
            (*count)++;
    }
    uv_free_interface_addresses(found, found_count);
    return *links ? 0 : DVBCSS_ENOMEM;
}

bool discovery_link_is_named(const struct discovery_link *link, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], link->name) == 0)
            return true;
    }
    return count == 0;
}

bool discovery_address_is_link_local(const union discovery_address *address)
{
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->v6.sin6_addr);
}

socklen_t discovery_address_size(const union discovery_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

void discovery_address_text(const union discovery_address *address, bool zone,
                            char text[DISCOVERY_ADDRESS_TEXT_SIZE])
{
    char name[IF_NAMESIZE];

    text[0] = '\0';
    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, text, DISCOVERY_ADDRESS_TEXT_SIZE);
        return;
    }
    inet_ntop(AF_INET6, &address->v6.sin6_addr, text, DISCOVERY_ADDRESS_TEXT_SIZE);
    if (zone && discovery_address_is_link_local(address) &&
        if_indextoname(address->v6.sin6_scope_id, name)) {
        size_t used = strlen(text);

        snprintf(text + used, DISCOVERY_ADDRESS_TEXT_SIZE - used, "%%%s", name);
    }
}

int discovery_names_copy(char ***copy, const char *const *names, size_t count)
{
    char **made = NULL;

    *copy = NULL;
    if (count == 0)
        return 0;
    made = dvbcss_calloc(count, sizeof *made);
    if (!made)
        return DVBCSS_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        made[i] = dvbcss_strdup(names[i]);
        if (!made[i]) {
            discovery_names_free(made, count);
            return DVBCSS_ENOMEM;
        }
    }
    *copy = made;
    return 0;
}

void discovery_names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        dvbcss_free(names[i]);
    dvbcss_free(names);
}
