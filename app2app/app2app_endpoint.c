#include "dvbcss/app2app_endpoint.h"

#include <netinet/in.h>
#include <string.h>

#include "app2app/app2app_early.h"
#include "app2app/app2app_path.h"
#include "common/list.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

struct dvbcss_app2app_endpoint {
    struct dvbcss_endpoint *base;
    /* Without a slash at its end. */
    char *path;
    char *local_origins;
    char *local_hosts;
    struct dvbcss_access local_access;
    bool local_from_anywhere;
    size_t max_waiting;
    size_t max_waiting_per_name;
    /* Clients that wait, the one that waits longest first. */
    struct list_node waiting;
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
    void *context;
    struct dvbcss_app2app_endpoint_counters counters;
    bool destroying;
};

/* What each connection carries. */
struct client {
    /* On `waiting` while it waits. */
    struct list_node node;
    struct dvbcss_connection *connection;
    struct client *partner;
    struct app2app_place place;
    struct app2app_early early;
};

static struct client *client_of(struct dvbcss_connection *connection)
{
    return dvbcss_connection_user_data(connection);
}

static struct app2app_place place_in(const struct dvbcss_app2app_endpoint *endpoint,
                                     const char *path)
{
    return app2app_place_of(path + strlen(endpoint->path));
}

/* ---- who may connect ------------------------------------------------------------------------ */

static bool is_same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
    const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

    if (a->sa_family != b->sa_family)
        return false;
    return a->sa_family == AF_INET ? a4->sin_addr.s_addr == b4->sin_addr.s_addr
                                   : memcmp(&a6->sin6_addr, &b6->sin6_addr, 16) == 0;
}

/* A peer on this machine comes from the address that it asks, or from the loopback network. */
static bool is_on_this_machine(const struct sockaddr *peer, const struct sockaddr *local)
{
    const struct sockaddr_in *v4 = (const void *)peer;

    if (peer->sa_family != AF_INET && peer->sa_family != AF_INET6)
        return true;
    return is_same_address(peer, local) ||
           (peer->sa_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET);
}

static void refuse(const struct dvbcss_handshake *handshake, unsigned status, const char *body)
{
    static const struct dvbcss_http_header later = {"Retry-After", "30"};
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    int error;

    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.headers = &later;
    response.header_count = status == 503;
    response.body = body;
    response.body_length = strlen(body);
    error = dvbcss_handshake_refuse(handshake, &response);
    (void)error; /* Refused it is in any case. */
}

/* Whether there is a client to be paired with, and how many of one's own side wait beside one. */
struct crowd {
    struct client *partner;
    size_t in_all;
    size_t alike;
};

static struct crowd look_around(const struct dvbcss_app2app_endpoint *endpoint,
                                const struct app2app_place *place)
{
    struct crowd crowd = {NULL, 0, 0};
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, (struct list_node *)&endpoint->waiting) {
        struct client *client = CONTAINER_OF(node, struct client, node);

        crowd.in_all++;
        if (strcmp(client->place.name, place->name) != 0)
            continue;
        if (client->place.local == place->local)
            crowd.alike++;
        else if (!crowd.partner && !dvbcss_connection_closing(client->connection))
            crowd.partner = client;
    }
    return crowd;
}

static bool has_room(const struct dvbcss_app2app_endpoint *endpoint, const struct crowd *crowd)
{
    return crowd->partner ||
           (crowd->in_all < endpoint->max_waiting && crowd->alike < endpoint->max_waiting_per_name);
}

static void on_handshake(void *context, const struct dvbcss_handshake *handshake)
{
    struct dvbcss_app2app_endpoint *endpoint = context;
    const struct app2app_place place = place_in(endpoint, handshake->path);
    const struct crowd crowd = look_around(endpoint, &place);

    if (strlen(place.name) > DVBCSS_APP2APP_NAME_MAX) {
        refuse(handshake, 404, "The name of an App2App endpoint has at most 1000 bytes.\n");
    } else if (place.local && !endpoint->local_from_anywhere &&
               !is_on_this_machine(handshake->peer, handshake->local)) {
        endpoint->counters.refused_local++;
        refuse(handshake, 403,
               "The TV's side of App2App is for pages on the TV itself. Companions connect without "
               "\"local/\" in the path.\n");
    } else if (place.local && dvbcss_access_check(&endpoint->local_access, handshake->host,
                                                  handshake->origin) >= 0) {
        endpoint->counters.refused_local++;
        refuse(handshake, 403, "Pages of this Origin may not use the TV's side of App2App.\n");
    } else if (!has_room(endpoint, &crowd)) {
        endpoint->counters.refused_waiting++;
        refuse(handshake, 503,
               "Too many clients wait for a partner already.\n"
               "Come back when some of them have found theirs.\n");
    }
}

/* ---- passing on ----------------------------------------------------------------------------- */

static void fail_pair(struct dvbcss_app2app_endpoint *endpoint, struct client *client)
{
    endpoint->counters.failures++;
    dvbcss_connection_close(client->connection, DVBCSS_CLOSE_TRY_AGAIN_LATER, "out of memory");
}

/* Gives a message to a client. One that cannot have it would miss it: its connection ends, and the
 * other one's with it. */
static void pass_on(struct dvbcss_app2app_endpoint *endpoint, struct client *to,
                    struct dvbcss_message *message)
{
    int error = dvbcss_connection_send(to->connection, message);

    if (!error) {
        endpoint->counters.messages++;
        endpoint->counters.bytes += dvbcss_message_length(message);
    } else if (error == DVBCSS_ENOMEM) {
        fail_pair(endpoint, to);
    }
    /* Any other error means that the connection is closing. */
}

static void pass_early_messages_on(struct dvbcss_app2app_endpoint *endpoint, struct client *from)
{
    struct dvbcss_message *message;

    while ((message = app2app_early_take(&from->early))) {
        pass_on(endpoint, from->partner, message);
        dvbcss_message_release(message);
    }
}

static void keep(struct dvbcss_app2app_endpoint *endpoint, struct client *client,
                 struct dvbcss_message *message)
{
    int error = app2app_early_keep(&client->early, dvbcss_endpoint_limits(endpoint->base), message);

    if (error == DVBCSS_ENOMEM) {
        fail_pair(endpoint, client);
    } else if (error) {
        endpoint->counters.early_overflows++;
        dvbcss_connection_close(client->connection, DVBCSS_CLOSE_POLICY,
                                "said too much before it was paired");
    }
}

/* ---- pairing -------------------------------------------------------------------------------- */

static void tell_paired(struct dvbcss_app2app_endpoint *endpoint, struct client *client)
{
    int error = dvbcss_connection_send_text(client->connection, DVBCSS_APP2APP_PAIRED,
                                            strlen(DVBCSS_APP2APP_PAIRED));

    if (error == DVBCSS_ENOMEM)
        fail_pair(endpoint, client);
    /* Any other error means that the connection is closing. */
}

static void pair(struct dvbcss_app2app_endpoint *endpoint, struct client *first,
                 struct client *second)
{
    list_remove(&first->node);
    endpoint->counters.waiting--;
    endpoint->counters.pairs++;
    endpoint->counters.pairs_open++;
    first->partner = second;
    second->partner = first;
    dvbcss_connection_setup_done(first->connection);
    dvbcss_connection_setup_done(second->connection);
    dvbcss_log(DVBCSS_LOG_DEBUG, "app2app-paired", "%s and %s are paired",
               dvbcss_connection_id(first->connection), dvbcss_connection_id(second->connection));
    tell_paired(endpoint, first);
    tell_paired(endpoint, second);
    pass_early_messages_on(endpoint, first);
}

static void wait_for_partner(struct dvbcss_app2app_endpoint *endpoint, struct client *client)
{
    list_append(&endpoint->waiting, &client->node);
    endpoint->counters.waiting++;
    /* That nobody comes is the usual state of a page. */
    if (client->place.local)
        dvbcss_connection_setup_done(client->connection);
}

/* What a partner's end says to the other one: the same, unless it cannot be said. */
static unsigned code_to_pass_on(unsigned code)
{
    return code == DVBCSS_CLOSE_NO_STATUS  ? DVBCSS_CLOSE_NORMAL
           : code == DVBCSS_CLOSE_ABNORMAL ? DVBCSS_CLOSE_GOING_AWAY
                                           : code;
}

static void part(struct dvbcss_app2app_endpoint *endpoint, struct client *client, unsigned code,
                 const char *reason)
{
    struct client *partner = client->partner;

    endpoint->counters.pairs_open--;
    partner->partner = NULL;
    client->partner = NULL;
    if (!endpoint->destroying)
        dvbcss_connection_close(partner->connection, code_to_pass_on(code),
                                *reason ? reason : "the partner has gone");
}

/* ---- hooks of the server -------------------------------------------------------------------- */

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    struct dvbcss_app2app_endpoint *endpoint = context;
    struct client *client = client_of(connection);
    struct crowd crowd;

    list_init(&client->node);
    app2app_early_init(&client->early);
    client->connection = connection;
    client->place = place_in(endpoint, dvbcss_connection_path(connection));
    crowd = look_around(endpoint, &client->place);
    if (crowd.partner) {
        pair(endpoint, crowd.partner, client);
    } else if (has_room(endpoint, &crowd)) {
        wait_for_partner(endpoint, client);
    } else {
        /* There was room at the handshake. */
        endpoint->counters.refused_waiting++;
        dvbcss_connection_close(connection, DVBCSS_CLOSE_TRY_AGAIN_LATER,
                                "too many clients wait for a partner already");
    }
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    struct dvbcss_app2app_endpoint *endpoint = context;
    struct client *client = client_of(connection);
    struct dvbcss_message *message;

    if (dvbcss_message_create(&message, text ? DVBCSS_MESSAGE_TEXT : DVBCSS_MESSAGE_BINARY, bytes,
                              length) != 0) {
        fail_pair(endpoint, client);
        return;
    }
    if (client->partner)
        pass_on(endpoint, client->partner, message);
    else
        keep(endpoint, client, message);
    dvbcss_message_release(message);
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    struct dvbcss_app2app_endpoint *endpoint = context;
    struct client *client = client_of(connection);

    if (!list_empty(&client->node)) {
        list_remove(&client->node);
        endpoint->counters.waiting--;
    }
    app2app_early_clear(&client->early);
    if (client->partner)
        part(endpoint, client, code, reason);
    /* The hook may destroy the endpoint: nothing of it is touched afterwards. */
    if (endpoint->on_disconnect)
        endpoint->on_disconnect(endpoint->context, connection, code, reason);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void free_endpoint(struct dvbcss_app2app_endpoint *endpoint)
{
    dvbcss_free(endpoint->path);
    dvbcss_free(endpoint->local_origins);
    dvbcss_free(endpoint->local_hosts);
    dvbcss_free(endpoint);
}

static int add_base(struct dvbcss_app2app_endpoint *endpoint, struct dvbcss_server *server,
                    const struct dvbcss_app2app_endpoint_options *options)
{
    struct dvbcss_endpoint_options base = DVBCSS_ENDPOINT_OPTIONS_INIT;

    base.path = endpoint->path;
    base.path_prefix = true;
    base.id_prefix = "app2app";
    base.enabled = options->enabled;
    base.binary_policy = DVBCSS_BINARY_ACCEPT;
    base.limits = options->limits;
    base.access = options->access;
    base.user_data_size = sizeof(struct client);
    base.hooks.on_handshake = on_handshake;
    base.hooks.on_connect = on_connect;
    base.hooks.on_message = on_message;
    base.hooks.on_disconnect = on_disconnect;
    base.context = endpoint;
    return dvbcss_endpoint_add(&endpoint->base, server, &base);
}

static int copy_text(char **copy, const char *text)
{
    *copy = dvbcss_strdup(text);
    return text && !*copy ? DVBCSS_ENOMEM : 0;
}

static int copy_settings(struct dvbcss_app2app_endpoint *endpoint,
                         const struct dvbcss_app2app_endpoint_options *options)
{
    int error = copy_text(&endpoint->path, options->path);

    if (!error)
        error = copy_text(&endpoint->local_origins, options->local_access.origins);
    if (!error)
        error = copy_text(&endpoint->local_hosts, options->local_access.hosts);
    if (error)
        return error;
    for (size_t end = strlen(endpoint->path); end > 0 && endpoint->path[end - 1] == '/'; end--)
        endpoint->path[end - 1] = '\0';
    endpoint->local_access = (struct dvbcss_access){options->local_access.origin_policy,
                                                    endpoint->local_origins, endpoint->local_hosts};
    endpoint->local_from_anywhere = options->local_from_anywhere;
    endpoint->max_waiting = options->max_waiting;
    endpoint->max_waiting_per_name = options->max_waiting_per_name;
    endpoint->on_disconnect = options->on_disconnect;
    endpoint->context = options->context;
    return 0;
}

int dvbcss_app2app_endpoint_create(struct dvbcss_app2app_endpoint **endpoint,
                                   struct dvbcss_server *server,
                                   const struct dvbcss_app2app_endpoint_options *options)
{
    struct dvbcss_app2app_endpoint *created;
    int error;

    if (!options->path || (unsigned)options->local_access.origin_policy > DVBCSS_ORIGIN_SAME)
        return DVBCSS_EINVAL;
    created = dvbcss_calloc(1, sizeof *created);
    if (!created)
        return DVBCSS_ENOMEM;
    list_init(&created->waiting);
    error = copy_settings(created, options);
    if (!error)
        error = add_base(created, server, options);
    if (error) {
        free_endpoint(created);
        return error;
    }
    *endpoint = created;
    return 0;
}

void dvbcss_app2app_endpoint_destroy(struct dvbcss_app2app_endpoint *endpoint)
{
    /* The hook that is called from here may well ask for the same. */
    if (!endpoint || endpoint->destroying)
        return;
    endpoint->destroying = true;
    dvbcss_endpoint_remove(endpoint->base);
    free_endpoint(endpoint);
}

/* ---- looking -------------------------------------------------------------------------------- */

void dvbcss_app2app_endpoint_client(struct dvbcss_connection *connection,
                                    struct dvbcss_app2app_client *client)
{
    const struct client *own = client_of(connection);

    client->local = own->place.local;
    client->name = own->place.name;
    client->partner = own->partner ? own->partner->connection : NULL;
}

struct dvbcss_endpoint *dvbcss_app2app_endpoint_base(const struct dvbcss_app2app_endpoint *endpoint)
{
    return endpoint->base;
}

const struct dvbcss_app2app_endpoint_counters *
dvbcss_app2app_endpoint_counters(const struct dvbcss_app2app_endpoint *endpoint)
{
    return &endpoint->counters;
}
