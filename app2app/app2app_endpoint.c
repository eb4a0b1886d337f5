#include "dvbcss/app2app_endpoint.h"

#include <string.h>

#include "app2app/app2app_backlog.h"
#include "app2app/app2app_client.h"
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
    struct dvbcss_app2app_waiting_limits waiting_limits;
    size_t max_early_bytes;
    struct app2app_backlog_limits backlog_limits;
    /* Clients that wait, the one that waits longest first. */
    struct list_node waiting;
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
    void *context;
    struct dvbcss_app2app_endpoint_counters counters;
    bool destroying;
};

static struct app2app_place place_in(const struct dvbcss_app2app_endpoint *endpoint,
                                     const char *path)
{
    return app2app_place_of(path + strlen(endpoint->path));
}

/* ---- who may connect ------------------------------------------------------------------------ */

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

/* Pages on this machine are nobody that limits of one address protect from. */
static struct app2app_address address_of(const struct app2app_place *place,
                                         const struct sockaddr *peer, const struct sockaddr *local)
{
    struct app2app_address address = app2app_address_of(peer, local);

    address.limited = address.limited && !(place->local && app2app_address_is_here(peer, local));
    return address;
}

/* Whether there is a client to be paired with, and how many of one's own side wait beside one. */
struct crowd {
    struct app2app_client *partner;
    size_t in_all;
    size_t of_name;
    size_t of_address;
};

static struct crowd look_around(const struct dvbcss_app2app_endpoint *endpoint,
                                const struct app2app_place *place,
                                const struct app2app_address *address)
{
    struct crowd crowd = {NULL, 0, 0, 0};
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, (struct list_node *)&endpoint->waiting) {
        struct app2app_client *client = CONTAINER_OF(node, struct app2app_client, node);
        bool same_name = strcmp(client->place.name, place->name) == 0;

        if (client->place.local == place->local) {
            crowd.in_all++;
            crowd.of_name += same_name;
            crowd.of_address += app2app_address_equal(&client->address, address);
        } else if (same_name && !crowd.partner && !dvbcss_connection_closing(client->connection)) {
            crowd.partner = client;
        }
    }
    return crowd;
}

static bool has_room(const struct dvbcss_app2app_endpoint *endpoint, const struct crowd *crowd)
{
    const struct dvbcss_app2app_waiting_limits *limits = &endpoint->waiting_limits;

    return crowd->partner || (crowd->in_all < limits->in_all && crowd->of_name < limits->per_name &&
                              crowd->of_address < limits->per_address);
}

static void on_handshake(void *context, const struct dvbcss_handshake *handshake)
{
    struct dvbcss_app2app_endpoint *endpoint = context;
    const struct app2app_place place = place_in(endpoint, handshake->path);
    const struct app2app_address address = address_of(&place, handshake->peer, handshake->local);
    const struct crowd crowd = look_around(endpoint, &place, &address);

    if (strlen(place.name) > DVBCSS_APP2APP_NAME_MAX) {
        refuse(handshake, 404, "The name of an App2App endpoint has at most 1000 bytes.\n");
    } else if (place.local && !endpoint->local_from_anywhere &&
               !app2app_address_is_here(handshake->peer, handshake->local)) {
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

static void fail_pair(struct dvbcss_app2app_endpoint *endpoint, struct app2app_client *client)
{
    endpoint->counters.failures++;
    dvbcss_connection_close(client->connection, DVBCSS_CLOSE_TRY_AGAIN_LATER, "out of memory");
}

/* Closes who must go so that a message may wait for a client, if need be the client itself. */
static void make_room(struct dvbcss_app2app_endpoint *endpoint, struct app2app_client *to,
                      size_t length)
{
    struct app2app_backlog_excess excess;

    while (!dvbcss_connection_closing(to->connection)) {
        excess = app2app_backlog_find_excess(endpoint->base, &endpoint->backlog_limits, to, length);
        if (!excess.connection)
            return;
        endpoint->counters.backlog_overflows++;
        dvbcss_connection_close(excess.connection, DVBCSS_CLOSE_POLICY, excess.reason);
    }
}

/* Gives a message to a client. One that cannot have it would miss it: its connection ends, and the
 * other one's with it. */
static void pass_on(struct dvbcss_app2app_endpoint *endpoint, struct app2app_client *to,
                    struct dvbcss_message *message)
{
    int error;

    if (dvbcss_connection_congested(to->connection))
        make_room(endpoint, to, dvbcss_message_length(message));
    error = dvbcss_connection_send(to->connection, message);
    if (!error) {
        endpoint->counters.messages++;
        endpoint->counters.bytes += dvbcss_message_length(message);
    } else if (error == DVBCSS_ENOMEM) {
        fail_pair(endpoint, to);
    }
    /* Any other error means that the connection is closing. */
}

static void pass_early_messages_on(struct dvbcss_app2app_endpoint *endpoint,
                                   struct app2app_client *from)
{
    struct dvbcss_message *message;

    while ((message = app2app_early_take(&from->early))) {
        pass_on(endpoint, from->partner, message);
        dvbcss_message_release(message);
    }
}

static void keep(struct dvbcss_app2app_endpoint *endpoint, struct app2app_client *client,
                 struct dvbcss_message *message)
{
    const size_t max_messages = dvbcss_endpoint_limits(endpoint->base)->max_queued_messages;
    int error =
        app2app_early_keep(&client->early, max_messages, endpoint->max_early_bytes, message);

    if (error == DVBCSS_ENOMEM) {
        fail_pair(endpoint, client);
    } else if (error) {
        endpoint->counters.early_overflows++;
        dvbcss_connection_close(client->connection, DVBCSS_CLOSE_POLICY,
                                "said too much before it was paired");
    }
}

/* ---- pairing -------------------------------------------------------------------------------- */

static void tell_paired(struct dvbcss_app2app_endpoint *endpoint, struct app2app_client *client)
{
    int error = dvbcss_connection_send_text(client->connection, DVBCSS_APP2APP_PAIRED,
                                            strlen(DVBCSS_APP2APP_PAIRED));

    if (error == DVBCSS_ENOMEM)
        fail_pair(endpoint, client);
    /* Any other error means that the connection is closing. */
}

static void pair(struct dvbcss_app2app_endpoint *endpoint, struct app2app_client *first,
                 struct app2app_client *second)
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

static void wait_for_partner(struct dvbcss_app2app_endpoint *endpoint,
                             struct app2app_client *client)
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

static void part(struct dvbcss_app2app_endpoint *endpoint, struct app2app_client *client,
                 unsigned code, const char *reason)
{
    struct app2app_client *partner = client->partner;

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
    struct app2app_client *client = app2app_client_of(connection);
    struct crowd crowd;

    list_init(&client->node);
    app2app_early_init(&client->early);
    client->connection = connection;
    client->place = place_in(endpoint, dvbcss_connection_path(connection));
    client->address = address_of(&client->place, dvbcss_connection_peer(connection),
                                 dvbcss_connection_local(connection));
    crowd = look_around(endpoint, &client->place, &client->address);
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
    struct app2app_client *client = app2app_client_of(connection);
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
    struct app2app_client *client = app2app_client_of(connection);

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
    base.user_data_size = sizeof(struct app2app_client);
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
    endpoint->waiting_limits = options->max_waiting;
    endpoint->max_early_bytes = options->max_early_bytes;
    endpoint->backlog_limits = (struct app2app_backlog_limits){
        options->max_queued_bytes_per_address, options->max_queued_bytes_in_all};
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
    const struct app2app_client *own = app2app_client_of(connection);

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
