#include "dvbcss/discovery_responder.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "discovery/discovery_served.h"
#include "discovery/ssdp_socket.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "dvbcss/url.h"

enum {
    /* Answers that wait for being repeated; more than these are sent once. */
    REPEATS_MAX = 64,
    /* A second announcement follows the first one of a start after this time. */
    SECOND_ANNOUNCEMENT_MS = 500,
    LINES_PER_S = 5,
};

/* An answer that is due once more. */
struct repeat {
    uint64_t at_ms;
    enum dvbcss_ssdp_role role;
    struct served_asker asker;
};

struct dvbcss_discovery_responder {
    uv_loop_t *loop;
    struct dvbcss_discovery_responder_options options;
    /* What the options' pointers point to. */
    char *description_path;
    char *http_address;
    char *advertise_host;
    char *server;
    char **interfaces;
    char uuid[DVBCSS_SSDP_UUID_SIZE];

    struct ssdp_socket *sockets[SSDP_FAMILIES];
    struct served served;
    uv_timer_t rescan;
    uv_timer_t notify;
    uv_timer_t repeat;
    /* A queue in the order of at_ms, as they all wait equally long. */
    struct repeat repeats[REPEATS_MAX];
    size_t repeat_first;
    size_t repeat_count;

    int64_t boot_id;
    struct dvbcss_discovery_limit limit;
    struct dvbcss_log_limit log_limit;
    struct dvbcss_discovery_responder_counters counters;
    /* Handles that have to go off the loop before the end. */
    unsigned open_handles;
    void (*closed)(void *user);
    void *closed_user;
};

static struct ssdp_socket *socket_of(const struct dvbcss_discovery_responder *responder, int family)
{
    return responder->sockets[ssdp_family_index(family)];
}

/* ---- messages ------------------------------------------------------------------------------- */

/* The URL of the description for whoever reaches this machine at @p address. */
static int location_of(const struct dvbcss_discovery_responder *responder,
                       const union discovery_address *address,
                       char location[DVBCSS_SSDP_LOCATION_SIZE])
{
    const struct dvbcss_discovery_responder_options *options = &responder->options;
    char text[DISCOVERY_ADDRESS_TEXT_SIZE];
    char host[DVBCSS_URL_HOST_SIZE];
    int length;

    discovery_address_text(address, false, text);
    if (dvbcss_url_host_of_address(options->advertise_host ? options->advertise_host : text, host,
                                   sizeof host) != 0)
        return DVBCSS_ENOSPC;
    length =
        snprintf(location, DVBCSS_SSDP_LOCATION_SIZE, "http://%s:%u%s", host,
                 (unsigned)(options->advertise_port ? options->advertise_port : options->http_port),
                 options->description_path);
    return length < DVBCSS_SSDP_LOCATION_SIZE ? 0 : DVBCSS_ENOSPC;
}

/* Writes what the device says of itself in one role. */
static int write_message(const struct dvbcss_discovery_responder *responder,
                         enum dvbcss_ssdp_kind kind, enum dvbcss_ssdp_role role,
                         const union discovery_address *own, char text[DVBCSS_SSDP_MESSAGE_MAX + 1],
                         size_t *length)
{
    struct dvbcss_ssdp_message message = DVBCSS_SSDP_MESSAGE_INIT;
    int error = location_of(responder, own, message.location);

    if (error)
        return error;
    message.kind = kind;
    message.max_age_s = (int32_t)responder->options.max_age_s;
    message.boot_id = responder->boot_id;
    snprintf(message.server, sizeof message.server, "%s", responder->options.server);
    if (kind != DVBCSS_SSDP_RESPONSE)
        snprintf(message.host, sizeof message.host,
                 own->any.sa_family == AF_INET6 ? "[FF02::C]:%u" : DVBCSS_SSDP_GROUP_V4 ":%u",
                 responder->options.port);
    dvbcss_ssdp_name(&message, role, responder->uuid);
    return dvbcss_ssdp_encode(&message, text, DVBCSS_SSDP_MESSAGE_MAX + 1, length);
}

static void respond(struct dvbcss_discovery_responder *responder, enum dvbcss_ssdp_role role,
                    const struct served_asker *asker)
{
    struct ssdp_socket *socket = socket_of(responder, asker->source.any.sa_family);
    char text[DVBCSS_SSDP_MESSAGE_MAX + 1];
    size_t length;

    if (write_message(responder, DVBCSS_SSDP_RESPONSE, role, &asker->own, text, &length) == 0 &&
        ssdp_socket_send(socket, asker->index, &asker->own, &asker->source, text, length) == 0)
        responder->counters.responses++;
    else
        responder->counters.send_failures++;
}

/* Sends all roles on one link. */
static void notify_link(struct dvbcss_discovery_responder *responder, enum dvbcss_ssdp_kind kind,
                        const struct served_link *link)
{
    struct ssdp_socket *socket = socket_of(responder, link->family);
    char text[DVBCSS_SSDP_MESSAGE_MAX + 1];
    union discovery_address group;
    size_t length;

    ssdp_group(link->family, responder->options.port, link->index, &group);
    for (int role = 0; role < DVBCSS_SSDP_ROLE_COUNT; role++) {
        if (write_message(responder, kind, (enum dvbcss_ssdp_role)role, &link->own, text,
                          &length) == 0 &&
            ssdp_socket_send(socket, link->index, &link->own, &group, text, length) == 0)
            responder->counters.notifications++;
        else
            responder->counters.send_failures++;
    }
}

static void notify_all(struct dvbcss_discovery_responder *responder, enum dvbcss_ssdp_kind kind)
{
    for (size_t i = 0; i < responder->served.link_count; i++)
        notify_link(responder, kind, &responder->served.links[i]);
}

/* ---- answering ------------------------------------------------------------------------------ */

static void on_repeat(uv_timer_t *timer)
{
    struct dvbcss_discovery_responder *responder = timer->data;
    uint64_t now_ms = uv_now(responder->loop);

    while (responder->repeat_count > 0) {
        struct repeat *due = &responder->repeats[responder->repeat_first];

        if (due->at_ms > now_ms) {
            uv_timer_start(timer, on_repeat, due->at_ms - now_ms, 0);
            return;
        }
        respond(responder, due->role, &due->asker);
        responder->repeat_first = (responder->repeat_first + 1) % REPEATS_MAX;
        responder->repeat_count--;
    }
}

static void repeat_later(struct dvbcss_discovery_responder *responder, enum dvbcss_ssdp_role role,
                         const struct served_asker *asker)
{
    struct repeat *repeat;

    if (responder->options.repeat_ms == 0 || responder->repeat_count == REPEATS_MAX)
        return;
    repeat = &responder->repeats[(responder->repeat_first + responder->repeat_count) % REPEATS_MAX];
    repeat->at_ms = uv_now(responder->loop) + responder->options.repeat_ms;
    repeat->role = role;
    repeat->asker = *asker;
    if (responder->repeat_count++ == 0)
        uv_timer_start(&responder->repeat, on_repeat, responder->options.repeat_ms, 0);
}

static unsigned count_of(unsigned roles)
{
    unsigned count = 0;

    for (; roles != 0; roles &= roles - 1)
        count++;
    return count;
}

/* A search that means this device: whether its source gets an answer. */
static bool permitted(struct dvbcss_discovery_responder *responder, struct served_asker *asker,
                      unsigned datagrams)
{
    char text[DISCOVERY_ADDRESS_TEXT_SIZE];

    if (!served_find_own(&responder->served, asker)) {
        responder->counters.off_link++;
        discovery_address_text(&asker->source, true, text);
        if (dvbcss_log_permit(&responder->log_limit, (int64_t)uv_now(responder->loop) * 1000000,
                              1000000000, LINES_PER_S))
            dvbcss_log(DVBCSS_LOG_INFO, "ssdp-off-link", "%s is on no link of ours: no answer",
                       text);
        return false;
    }
    if (!dvbcss_discovery_limit_permit(&responder->limit,
                                       (int64_t)uv_now(responder->loop) * 1000000,
                                       &asker->source.any, datagrams)) {
        responder->counters.limited++;
        return false;
    }
    return true;
}

static void on_search(struct dvbcss_discovery_responder *responder, unsigned roles,
                      const struct ssdp_datagram *datagram)
{
    struct served_asker asker = {.source = *datagram->source, .index = datagram->index};
    bool single = (roles & (roles - 1)) == 0;
    unsigned times = single && responder->options.repeat_ms > 0 ? 2 : 1;

    if (!permitted(responder, &asker, count_of(roles) * times))
        return;
    responder->counters.searches++;
    for (int role = 0; role < DVBCSS_SSDP_ROLE_COUNT; role++) {
        if (!(roles & (1U << role)))
            continue;
        respond(responder, (enum dvbcss_ssdp_role)role, &asker);
        if (single)
            repeat_later(responder, (enum dvbcss_ssdp_role)role, &asker);
    }
}

static void on_datagram(void *user, const struct ssdp_datagram *datagram)
{
    struct dvbcss_discovery_responder *responder = user;
    struct dvbcss_ssdp_message message;
    unsigned roles;

    if (dvbcss_ssdp_decode(datagram->bytes, datagram->length, &message, NULL) != 0) {
        responder->counters.malformed++;
        return;
    }
    roles =
        message.kind == DVBCSS_SSDP_SEARCH ? dvbcss_ssdp_match(message.target, responder->uuid) : 0;
    if (roles == 0)
        responder->counters.other_messages++;
    else
        on_search(responder, roles, datagram);
}

/* ---- links ---------------------------------------------------------------------------------- */

static void on_link_added(void *user, struct served_link *link)
{
    struct dvbcss_discovery_responder *responder = user;
    char location[DVBCSS_SSDP_LOCATION_SIZE];

    if (ssdp_socket_join(socket_of(responder, link->family), link->index) != 0) {
        dvbcss_log(DVBCSS_LOG_WARNING, "ssdp-join", "%s: multicast cannot be heard there",
                   link->name);
        return;
    }
    if (location_of(responder, &link->own, location) == 0)
        dvbcss_log(DVBCSS_LOG_INFO, "ssdp-link", "announcing %s on %s", location, link->name);
    notify_link(responder, DVBCSS_SSDP_ALIVE, link);
}

static void on_link_moved(void *user, struct served_link *link)
{
    notify_link(user, DVBCSS_SSDP_ALIVE, link);
}

static void on_link_removed(void *user, struct served_link *link)
{
    struct dvbcss_discovery_responder *responder = user;

    dvbcss_log(DVBCSS_LOG_INFO, "ssdp-link", "%s is gone", link->name);
    ssdp_socket_leave(socket_of(responder, link->family), link->index);
}

static bool is_wanted(void *user, const struct discovery_link *link)
{
    const struct dvbcss_discovery_responder *responder = user;
    char text[DISCOVERY_ADDRESS_TEXT_SIZE];

    if (!socket_of(responder, link->address.any.sa_family))
        return false;
    discovery_address_text(&link->address, false, text);
    if (responder->http_address && strcmp(responder->http_address, text) != 0)
        return false;
    /* Who names neither interface nor address does not mean loopback. */
    if (responder->options.interface_count == 0)
        return responder->http_address || !link->internal;
    return discovery_link_is_named(link, responder->interfaces, responder->options.interface_count);
}

static void rescan(struct dvbcss_discovery_responder *responder)
{
    static const struct served_events events = {is_wanted, on_link_added, on_link_moved,
                                                on_link_removed};

    /* Without memory everything stays as it is until the next time. */
    if (served_update(&responder->served, &events, responder) == 0)
        responder->counters.links = responder->served.link_count;
}

static void on_rescan(uv_timer_t *timer)
{
    rescan(timer->data);
}

static void on_notify(uv_timer_t *timer)
{
    notify_all(timer->data, DVBCSS_SSDP_ALIVE);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void free_responder(struct dvbcss_discovery_responder *responder)
{
    discovery_names_free(responder->interfaces, responder->options.interface_count);
    dvbcss_free(responder->description_path);
    dvbcss_free(responder->http_address);
    dvbcss_free(responder->advertise_host);
    dvbcss_free(responder->server);
    served_finish(&responder->served);
    dvbcss_free(responder);
}

static void on_handle_closed(void *user)
{
    struct dvbcss_discovery_responder *responder = user;
    void (*closed)(void *user) = responder->closed;
    void *closed_user = responder->closed_user;

    if (--responder->open_handles > 0)
        return;
    free_responder(responder);
    if (closed)
        closed(closed_user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

void dvbcss_discovery_responder_close(struct dvbcss_discovery_responder *responder,
                                      void (*closed)(void *user), void *user)
{
    uv_timer_t *timers[3];

    if (!responder)
        return;
    notify_all(responder, DVBCSS_SSDP_BYEBYE);
    responder->closed = closed;
    responder->closed_user = user;
    timers[0] = &responder->rescan;
    timers[1] = &responder->notify;
    timers[2] = &responder->repeat;
    for (int i = 0; i < 3; i++)
        uv_close((uv_handle_t *)timers[i], on_timer_closed);
    for (int i = 0; i < SSDP_FAMILIES; i++)
        ssdp_socket_close(responder->sockets[i], on_handle_closed, responder);
}

static int copy_text(char **copy, const char *text)
{
    *copy = dvbcss_strdup(text);
    return text && !*copy ? DVBCSS_ENOMEM : 0;
}

static int copy_options(struct dvbcss_discovery_responder *responder,
                        const struct dvbcss_discovery_responder_options *options)
{
    int error = copy_text(&responder->description_path, options->description_path);

    if (!error)
        error = copy_text(&responder->http_address, options->http_address);
    if (!error)
        error = copy_text(&responder->advertise_host, options->advertise_host);
    if (!error)
        error = copy_text(&responder->server, options->server);
    if (!error)
        error = discovery_names_copy(&responder->interfaces, options->interfaces,
                                     options->interface_count);
    if (error)
        return error;
    responder->options = *options;
    responder->options.description_path = responder->description_path;
    responder->options.advertise_host = responder->advertise_host;
    responder->options.server = responder->server;
    snprintf(responder->uuid, sizeof responder->uuid, "%s", options->uuid);
    return 0;
}

static bool options_are_good(const struct dvbcss_discovery_responder_options *options)
{
    return options->uuid && dvbcss_ssdp_uuid_is_valid(options->uuid) && options->http_port != 0 &&
           options->description_path && options->description_path[0] == '/' && options->server &&
           options->max_age_s >= 2 && options->max_age_s <= 86400 && options->rescan_ms > 0 &&
           options->port != 0 && (options->ipv4 || options->ipv6);
}

/* The longest message that can come about has to fit, or nothing would ever be said. */
static bool messages_fit(const struct dvbcss_discovery_responder *responder)
{
    char text[DVBCSS_SSDP_MESSAGE_MAX + 1];
    union discovery_address longest = {.v6 = {.sin6_family = AF_INET6}};

    memset(&longest.v6.sin6_addr, 0xfd, sizeof longest.v6.sin6_addr);
    return write_message(responder, DVBCSS_SSDP_ALIVE, DVBCSS_SSDP_AS_DIAL, &longest, text, NULL) ==
           0;
}

static void start_timers(struct dvbcss_discovery_responder *responder)
{
    uv_timer_init(responder->loop, &responder->rescan);
    uv_timer_init(responder->loop, &responder->notify);
    uv_timer_init(responder->loop, &responder->repeat);
    responder->rescan.data = responder;
    responder->notify.data = responder;
    responder->repeat.data = responder;
    responder->open_handles += 3;
    uv_timer_start(&responder->rescan, on_rescan, responder->options.rescan_ms,
                   responder->options.rescan_ms);
    uv_timer_start(&responder->notify, on_notify, SECOND_ANNOUNCEMENT_MS,
                   (uint64_t)responder->options.max_age_s * 400);
}

static int open_sockets(struct dvbcss_discovery_responder *responder)
{
    const bool wanted[SSDP_FAMILIES] = {responder->options.ipv4, responder->options.ipv6};
    int error = ssdp_sockets_open(responder->sockets, responder->loop, wanted,
                                  responder->options.port, on_datagram, responder);

    for (int i = 0; i < SSDP_FAMILIES; i++)
        responder->open_handles += responder->sockets[i] != NULL;
    return error;
}

int dvbcss_discovery_responder_create(struct dvbcss_discovery_responder **out, uv_loop_t *loop,
                                      const struct dvbcss_discovery_responder_options *options)
{
    struct dvbcss_discovery_responder *responder;
    int error;

    if (!options_are_good(options))
        return DVBCSS_EINVAL;
    responder = dvbcss_calloc(1, sizeof *responder);
    if (!responder)
        return DVBCSS_ENOMEM;
    responder->loop = loop;
    responder->boot_id = (int64_t)time(NULL);
    dvbcss_discovery_limit_init(&responder->limit, &options->limit);
    error = copy_options(responder, options);
    if (!error && !messages_fit(responder))
        error = DVBCSS_EINVAL;
    if (!error)
        error = open_sockets(responder);
    if (error) {
        free_responder(responder);
        return error;
    }
    start_timers(responder);
    rescan(responder);
    *out = responder;
    return 0;
}

const struct dvbcss_discovery_responder_counters *
dvbcss_discovery_responder_counters(const struct dvbcss_discovery_responder *responder)
{
    return &responder->counters;
}
