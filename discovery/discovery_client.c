#include "dvbcss/discovery_client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "common/list.h"
#include "discovery/discovery_device.h"
#include "discovery/discovery_links.h"
#include "discovery/ssdp_socket.h"
#include "dvbcss/alloc.h"
#include "dvbcss/url.h"

enum {
    /* IPv4 first: its URLs need no zone. IPv6 follows after this time. */
    IPV6_AFTER_MS = 100,
    TIMERS = 2,
};

/* A place where a device said that it is. */
struct candidate {
    struct list_node node;
    struct dvbcss_discovery_client *client;
    struct discovery_device device;
    /* It has failed, and nobody was told yet: another place of the device may do. */
    bool failed;
};

struct dvbcss_discovery_client {
    uv_loop_t *loop;
    struct dvbcss_discovery_client_options options;
    char **interfaces;
    char *host;
    struct dvbcss_url location;
    bool has_location;

    struct ssdp_socket *sockets[SSDP_FAMILIES];
    struct discovery_fetcher *fetcher;
    struct list_node candidates;
    size_t candidate_count;
    size_t pending;
    uv_timer_t search;
    uv_timer_t deadline;
    /* Two for each search: one for each family. */
    unsigned steps;
    uv_getaddrinfo_t lookup;
    bool looking_up;
    union discovery_address host_address;
    bool host_known;
    bool time_over;
    bool closing;

    struct dvbcss_discovery_client_counters counters;
    unsigned open_handles;
    void (*closed)(void *user);
    void *closed_user;
};

/* ---- what was found ------------------------------------------------------------------------- */

/* The part of a USN that names the device: "uuid:..." before "::". */
static size_t uuid_length(const char *usn)
{
    const char *end = strstr(usn, "::");

    return end ? (size_t)(end - usn) : strlen(usn);
}

static bool same_device(const char *a, const char *b)
{
    size_t length = uuid_length(a);

    return length == uuid_length(b) && strncmp(a, b, length) == 0;
}

/* By what a device is known: SSDP's name of it, or the one in its description. */
static const char *identity_of(const struct dvbcss_discovered *found)
{
    return found->usn[0] != '\0' ? found->usn : found->device.udn;
}

/* Whether another candidate of the same device has come to its end well. What was read by address,
 * and came to nothing, is the host that was asked for. */
static bool known_otherwise(const struct dvbcss_discovery_client *client,
                            const struct candidate *candidate)
{
    const char *identity = identity_of(&candidate->device.found);
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, &client->candidates) {
        const struct candidate *other = CONTAINER_OF(node, struct candidate, node);

        if (other == candidate || !other->device.done || other->failed)
            continue;
        if (identity[0] == '\0' || same_device(identity_of(&other->device.found), identity))
            return true;
    }
    return false;
}

static void tell(struct dvbcss_discovery_client *client, const struct candidate *candidate)
{
    if (client->options.events.found)
        client->options.events.found(client->options.user, &candidate->device.found);
}

/* Tells those that nothing came of, and that all is done. */
static void finish(struct dvbcss_discovery_client *client)
{
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, &client->candidates) {
        struct candidate *candidate = CONTAINER_OF(node, struct candidate, node);

        if (!candidate->failed || known_otherwise(client, candidate))
            continue;
        candidate->failed = false;
        tell(client, candidate);
        if (client->closing)
            return;
    }
    if (client->options.events.done)
        client->options.events.done(client->options.user);
}

static void finish_if_over(struct dvbcss_discovery_client *client)
{
    if (client->closing || client->pending > 0 || client->looking_up)
        return;
    if (client->time_over || client->has_location)
        finish(client);
}

static void on_device_ended(void *user, struct discovery_device *device)
{
    struct candidate *candidate = user;
    struct dvbcss_discovery_client *client = candidate->client;

    client->pending--;
    candidate->failed = device->found.error != 0;
    if (!candidate->failed && !known_otherwise(client, candidate))
        tell(client, candidate);
    finish_if_over(client);
}

static bool is_known_place(const struct dvbcss_discovery_client *client, const char *location)
{
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, &client->candidates) {
        if (strcmp(CONTAINER_OF(node, struct candidate, node)->device.found.location, location) ==
            0)
            return true;
    }
    return false;
}

static void add_candidate(struct dvbcss_discovery_client *client, const struct dvbcss_url *location,
                          const struct dvbcss_ssdp_message *message)
{
    struct candidate *candidate;
    char text[DVBCSS_URL_TEXT_SIZE];

    if (dvbcss_url_format(location, text, sizeof text) != 0 || is_known_place(client, text)) {
        client->counters.repeated++;
        return;
    }
    candidate = client->candidate_count < client->options.max_devices
                    ? dvbcss_calloc(1, sizeof *candidate)
                    : NULL;
    if (!candidate) {
        client->counters.beyond_limit++;
        return;
    }
    candidate->client = client;
    candidate->device.fetcher = client->fetcher;
    candidate->device.ended = on_device_ended;
    candidate->device.user = candidate;
    if (message) {
        memcpy(candidate->device.found.usn, message->usn, sizeof message->usn);
        memcpy(candidate->device.found.server, message->server, sizeof message->server);
    }
    if (discovery_device_start(&candidate->device, location) != 0) {
        dvbcss_free(candidate);
        return;
    }
    list_append(&client->candidates, &candidate->node);
    client->candidate_count++;
    client->pending++;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void on_datagram(void *user, const struct ssdp_datagram *datagram)
{
    struct dvbcss_discovery_client *client = user;
    struct dvbcss_ssdp_message message;
    char peer[DISCOVERY_ADDRESS_TEXT_SIZE];
    struct dvbcss_url location;

    if (client->time_over)
        return;
    if (dvbcss_ssdp_decode(datagram->bytes, datagram->length, &message, NULL) != 0) {
        client->counters.malformed++;
        return;
    }
    if (message.kind != DVBCSS_SSDP_RESPONSE || strcmp(message.target, DVBCSS_SSDP_DIAL) != 0)
        return;
    client->counters.responses++;
    discovery_address_text(datagram->source, true, peer);
    if (dvbcss_url_parse_advertised(message.location, DVBCSS_URL_HTTP, peer, &location, NULL) !=
        0) {
        client->counters.malformed++;
        return;
    }
    add_candidate(client, &location, &message);
}

/* ---- searching ------------------------------------------------------------------------------ */

static void send_search(struct dvbcss_discovery_client *client, unsigned index,
                        const union discovery_address *from, const union discovery_address *to,
                        const char *host)
{
    struct dvbcss_ssdp_message message = DVBCSS_SSDP_MESSAGE_INIT;
    struct ssdp_socket *socket = client->sockets[ssdp_family_index(to->any.sa_family)];
    char text[DVBCSS_SSDP_MESSAGE_MAX + 1];
    size_t length;

    message.kind = DVBCSS_SSDP_SEARCH;
    message.mx_s = (int32_t)client->options.mx_s;
    snprintf(message.host, sizeof message.host, "%s:%u", host, client->options.port);
    snprintf(message.target, sizeof message.target, "%s", DVBCSS_SSDP_DIAL);
    if (dvbcss_ssdp_encode(&message, text, sizeof text, &length) == 0 &&
        ssdp_socket_send(socket, index, from, to, text, length) == 0)
        client->counters.searches++;
    else
        client->counters.send_failures++;
}

/* Whether this address is the one to search from: the first of its interface and family that is not
 * link-local, or without one the first. */
static bool is_best_of_link(const struct discovery_link *links, size_t count, size_t which)
{
    const struct discovery_link *link = &links[which];
    bool link_local = discovery_address_is_link_local(&link->address);

    for (size_t i = 0; i < count; i++) {
        bool other_link_local = discovery_address_is_link_local(&links[i].address);

        if (links[i].index != link->index ||
            links[i].address.any.sa_family != link->address.any.sa_family)
            continue;
        if ((link_local && !other_link_local) || (link_local == other_link_local && i < which))
            return false;
    }
    return true;
}

static void search_links(struct dvbcss_discovery_client *client, int family)
{
    struct discovery_link *links;
    size_t count;

    /* Without memory this search is left out; the next one may have some. */
    if (discovery_links_list(&links, &count) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        union discovery_address group;

        if (links[i].address.any.sa_family != family ||
            !discovery_link_is_named(&links[i], client->interfaces,
                                     client->options.interface_count) ||
            !is_best_of_link(links, count, i))
            continue;
        ssdp_group(family, client->options.port, links[i].index, &group);
        send_search(client, links[i].index, &links[i].address, &group,
                    family == AF_INET6 ? "[FF02::C]" : DVBCSS_SSDP_GROUP_V4);
    }
    dvbcss_free(links);
}

static void search_host(struct dvbcss_discovery_client *client)
{
    union discovery_address to = client->host_address;
    char text[DISCOVERY_ADDRESS_TEXT_SIZE];
    char host[DVBCSS_URL_HOST_SIZE];

    if (!client->sockets[ssdp_family_index(to.any.sa_family)])
        return;
    discovery_address_text(&to, false, text);
    if (dvbcss_url_host_of_address(text, host, sizeof host) == 0)
        send_search(client, 0, NULL, &to, host);
}

static void on_search(uv_timer_t *timer)
{
    struct dvbcss_discovery_client *client = timer->data;
    int family = (int)(client->steps % SSDP_FAMILIES);

    if (client->host) {
        if (family == 0 && client->host_known)
            search_host(client);
    } else if (client->sockets[family]) {
        search_links(client, ssdp_families[family]);
    }
    if (++client->steps < client->options.searches * SSDP_FAMILIES)
        uv_timer_start(timer, on_search,
                       family == 0 ? IPV6_AFTER_MS : client->options.interval_ms - IPV6_AFTER_MS,
                       0);
}

static void on_deadline(uv_timer_t *timer)
{
    struct dvbcss_discovery_client *client = timer->data;

    client->time_over = true;
    uv_timer_stop(&client->search);
    finish_if_over(client);
}

/* ---- one host ------------------------------------------------------------------------------- */

/* The description is tried where it usually is, whatever becomes of the search. */
static void ask_host(struct dvbcss_discovery_client *client)
{
    struct dvbcss_url location = DVBCSS_URL_INIT;

    client->host_known = true;
    location.scheme = DVBCSS_URL_HTTP;
    location.port = client->options.host_port;
    discovery_address_text(&client->host_address, true, location.host);
    snprintf(location.path, sizeof location.path, "%s", client->options.host_path);
    add_candidate(client, &location, NULL);
    uv_timer_start(&client->search, on_search, 0, 0);
}

static void release(struct dvbcss_discovery_client *client);

/* There is nobody of that name: the end. */
static void fail_host(struct dvbcss_discovery_client *client)
{
    struct dvbcss_discovered nobody = {.error = DVBCSS_ERESOLVE};

    snprintf(nobody.text, sizeof nobody.text, "%s: %s", client->host,
             dvbcss_error_text(DVBCSS_ERESOLVE));
    if (client->options.events.found)
        client->options.events.found(client->options.user, &nobody);
    client->time_over = true;
    finish_if_over(client);
}

static void on_host_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct dvbcss_discovery_client *client = request->data;

    client->looking_up = false;
    if (!client->closing && status == 0 && found->ai_addrlen <= sizeof client->host_address) {
        memcpy(&client->host_address, found->ai_addr, found->ai_addrlen);
        if (client->host_address.any.sa_family == AF_INET6)
            client->host_address.v6.sin6_port = htons(client->options.port);
        else
            client->host_address.v4.sin_port = htons(client->options.port);
        ask_host(client);
    } else if (!client->closing) {
        fail_host(client);
    }
    uv_freeaddrinfo(found);
    release(client);
}

static int look_up_host(struct dvbcss_discovery_client *client)
{
    struct addrinfo hints = {.ai_family = client->options.ipv6 ? AF_UNSPEC : AF_INET,
                             .ai_socktype = SOCK_DGRAM};
    int result;

    client->lookup.data = client;
    result =
        uv_getaddrinfo(client->loop, &client->lookup, on_host_resolved, client->host, NULL, &hints);
    if (result != 0)
        return result == UV_ENOMEM ? DVBCSS_ENOMEM : DVBCSS_EINVAL;
    client->looking_up = true;
    client->open_handles++;
    return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void free_client(struct dvbcss_discovery_client *client)
{
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, &client->candidates)
        dvbcss_free(CONTAINER_OF(node, struct candidate, node));
    discovery_names_free(client->interfaces, client->options.interface_count);
    dvbcss_free(client->host);
    dvbcss_free(client);
}

static void release(struct dvbcss_discovery_client *client)
{
    void (*closed)(void *user) = client->closed;
    void *user = client->closed_user;

    if (--client->open_handles > 0)
        return;
    free_client(client);
    if (closed)
        closed(user);
}

static void on_part_closed(void *user)
{
    release(user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void dvbcss_discovery_client_close(struct dvbcss_discovery_client *client,
                                   void (*closed)(void *user), void *user)
{
    if (!client)
        return;
    client->closing = true;
    client->time_over = true;
    client->closed = closed;
    client->closed_user = user;
    if (client->looking_up)
        (void)uv_cancel((uv_req_t *)&client->lookup);
    uv_close((uv_handle_t *)&client->search, on_timer_closed);
    uv_close((uv_handle_t *)&client->deadline, on_timer_closed);
    for (int i = 0; i < SSDP_FAMILIES; i++)
        ssdp_socket_close(client->sockets[i], on_part_closed, client);
    discovery_fetcher_close(client->fetcher, on_part_closed, client);
}

static bool options_are_good(const struct dvbcss_discovery_client_options *options)
{
    return (!options->location || !options->host) && (options->ipv4 || options->ipv6) &&
           options->searches > 0 && options->interval_ms > IPV6_AFTER_MS && options->port != 0 &&
           options->duration_ms > 0 && options->fetch_timeout_ms > 0 &&
           options->max_document_bytes > 0 && options->max_document_bytes <= 16777216 &&
           options->max_devices > 0 &&
           (!options->host ||
            (options->host_port != 0 && options->host_path && options->host_path[0] == '/'));
}

static int copy_options(struct dvbcss_discovery_client *client,
                        const struct dvbcss_discovery_client_options *options,
                        struct dvbcss_report *report)
{
    int error = 0;

    if (options->location)
        error = dvbcss_url_parse(options->location, DVBCSS_URL_HTTP, &client->location, report);
    if (error)
        return error;
    client->has_location = options->location != NULL;
    client->host = dvbcss_strdup(options->host);
    if (options->host && !client->host)
        return DVBCSS_ENOMEM;
    error =
        discovery_names_copy(&client->interfaces, options->interfaces, options->interface_count);
    if (!error)
        client->options = *options;
    return error;
}

static int open_sockets(struct dvbcss_discovery_client *client)
{
    const bool wanted[SSDP_FAMILIES] = {client->options.ipv4, client->options.ipv6};
    int error;

    if (client->has_location)
        return 0;
    error = ssdp_sockets_open(client->sockets, client->loop, wanted, 0, on_datagram, client);
    for (int i = 0; i < SSDP_FAMILIES; i++)
        client->open_handles += client->sockets[i] != NULL;
    return error;
}

/* Starts what the options ask for. */
static int begin(struct dvbcss_discovery_client *client)
{
    if (client->has_location) {
        add_candidate(client, &client->location, NULL);
        return client->pending > 0 ? 0 : DVBCSS_ENOMEM;
    }
    uv_timer_start(&client->deadline, on_deadline, client->options.duration_ms, 0);
    if (client->host)
        return look_up_host(client);
    uv_timer_start(&client->search, on_search, 0, 0);
    return 0;
}

int dvbcss_discovery_client_create(struct dvbcss_discovery_client **out, uv_loop_t *loop,
                                   const struct dvbcss_discovery_client_options *options,
                                   struct dvbcss_report *report)
{
    const struct discovery_fetch_limits limits = {options->fetch_timeout_ms,
                                                  options->max_document_bytes};
    struct dvbcss_discovery_client *client;
    int error;

    if (!options_are_good(options))
        return DVBCSS_EINVAL;
    client = dvbcss_calloc(1, sizeof *client);
    if (!client)
        return DVBCSS_ENOMEM;
    client->loop = loop;
    list_init(&client->candidates);
    error = copy_options(client, options, report);
    if (!error)
        error = discovery_fetcher_create(&client->fetcher, loop, &limits);
    if (error) {
        free_client(client);
        return error;
    }
    uv_timer_init(loop, &client->search);
    uv_timer_init(loop, &client->deadline);
    client->search.data = client;
    client->deadline.data = client;
    client->open_handles = TIMERS + 1;
    error = open_sockets(client);
    if (!error)
        error = begin(client);
    if (error) {
        dvbcss_discovery_client_close(client, NULL, NULL);
        return error;
    }
    *out = client;
    return 0;
}

const struct dvbcss_discovery_client_counters *
dvbcss_discovery_client_counters(const struct dvbcss_discovery_client *client)
{
    return &client->counters;
}
