#include "dvbcss/cii_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/list.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "dvbcss/url.h"

/* Messages for different changes that a group keeps ready: the full state for those who connect,
 * the last change for the many, and some for those who are behind. */
enum { KEPT_MESSAGES = 4 };

/* One message, ready to be sent, and the properties of the present state that it carries. */
struct encoding {
    unsigned properties;
    struct dvbcss_message *message;
};

/* The connections that reached us at the same address: their messages are the same. */
struct group {
    struct list_node node;
    unsigned users;
    char host[DVBCSS_URL_HOST_SIZE];
    uint16_t port;
    bool secure;
    struct encoding kept[KEPT_MESSAGES];
    unsigned next_kept;
};

struct dvbcss_cii_endpoint {
    struct dvbcss_endpoint *base;
    struct dvbcss_cii_snapshot *snapshot;
    struct list_node groups;
    enum dvbcss_cii_policy policy;
    char *advertise_host;
    uint16_t advertise_port;
    uint16_t advertise_tls_port;
    /* NULL for none. */
    struct dvbcss_message *greeting;
    struct dvbcss_cii_endpoint_hooks hooks;
    void *context;
    struct dvbcss_cii_endpoint_counters counters;
    bool destroying;
};

/* What each connection carries; the application's data follows. */
struct companion {
    /* NULL if there was no memory for one: the connection is closing then. */
    struct group *group;
    struct dvbcss_cii_session session;
    _Alignas(max_align_t) unsigned char user_data[];
};

static struct companion *companion_of(struct dvbcss_connection *connection)
{
    return dvbcss_connection_user_data(connection);
}

static struct dvbcss_cii_endpoint *endpoint_of(struct dvbcss_connection *connection)
{
    return dvbcss_endpoint_context(dvbcss_connection_endpoint(connection));
}

/* ---- groups --------------------------------------------------------------------------------- */

static void forget_messages(struct group *group)
{
    for (unsigned i = 0; i < KEPT_MESSAGES; i++) {
        dvbcss_message_release(group->kept[i].message);
        group->kept[i] = (struct encoding){0, NULL};
    }
}

static void leave_group(struct group *group)
{
    if (!group || --group->users > 0)
        return;
    forget_messages(group);
    list_remove(&group->node);
    dvbcss_free(group);
}

/* Puts into words which address of ours a peer reached. A socket without one is a local one. */
static uint16_t reached_address(const struct sockaddr *local, char *host, size_t size)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)local;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)local;

    if (local->sa_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, host, (socklen_t)size))
        return ntohs(v4->sin_port);
    if (local->sa_family == AF_INET6 && inet_ntop(AF_INET6, &v6->sin6_addr, host, (socklen_t)size))
        return ntohs(v6->sin6_port);
    snprintf(host, size, "localhost");
    return 0;
}

/* Finds the group of a connection, or makes it; NULL if there is no memory. */
static struct group *join_group(struct dvbcss_cii_endpoint *endpoint,
                                const struct dvbcss_connection *connection)
{
    char host[DVBCSS_URL_HOST_SIZE];
    uint16_t port = reached_address(dvbcss_connection_local(connection), host, sizeof host);
    bool secure = dvbcss_connection_secure(connection);
    uint16_t advertised_port = secure ? endpoint->advertise_tls_port : endpoint->advertise_port;
    const char *name = dvbcss_connection_server_name(connection);
    struct list_node *node;
    struct list_node *after;
    struct group *group;

    if (endpoint->advertise_host)
        snprintf(host, sizeof host, "%s", endpoint->advertise_host);
    else if (*name)
        snprintf(host, sizeof host, "%s", name);
    if (advertised_port != 0)
        port = advertised_port;
    LIST_FOR_EACH (node, after, &endpoint->groups) {
        group = CONTAINER_OF(node, struct group, node);
        if (group->port == port && group->secure == secure && strcmp(group->host, host) == 0) {
            group->users++;
            return group;
        }
    }
    group = dvbcss_calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->users = 1;
    memcpy(group->host, host, sizeof host);
    group->port = port;
    group->secure = secure;
    list_append(&endpoint->groups, &group->node);
    return group;
}

/* ---- telling -------------------------------------------------------------------------------- */

static int encode(struct dvbcss_cii_endpoint *endpoint, const struct group *group,
                  unsigned properties, struct dvbcss_message **message)
{
    struct dvbcss_cii_address address = {group->host, group->port, group->secure};
    char *text;
    size_t length;
    int error = dvbcss_cii_encode(dvbcss_cii_snapshot_state(endpoint->snapshot), properties,
                                  &address, &text, &length);

    if (error)
        return error;
    error = dvbcss_message_create(message, DVBCSS_MESSAGE_TEXT, text, length);
    dvbcss_free(text);
    if (!error)
        endpoint->counters.encodings++;
    return error;
}

/* Gives the message that carries @p properties of the present state to a group's connections; the
 * group keeps it. */
static int message_for(struct dvbcss_cii_endpoint *endpoint, struct group *group,
                       unsigned properties, struct dvbcss_message **message)
{
    struct encoding fresh = {properties, NULL};
    int error;

    for (unsigned i = 0; i < KEPT_MESSAGES; i++) {
        if (group->kept[i].message && group->kept[i].properties == properties) {
            *message = group->kept[i].message;
            return 0;
        }
    }
    error = encode(endpoint, group, properties, &fresh.message);
    if (error)
        return error;
    dvbcss_message_release(group->kept[group->next_kept].message);
    group->kept[group->next_kept] = fresh;
    group->next_kept = (group->next_kept + 1) % KEPT_MESSAGES;
    *message = fresh.message;
    return 0;
}

/* A companion that cannot be told the truth must not go on with a stale one. */
static void give_up(struct dvbcss_cii_endpoint *endpoint, struct dvbcss_connection *connection)
{
    endpoint->counters.failures++;
    dvbcss_connection_close(connection, DVBCSS_CLOSE_TRY_AGAIN_LATER, "out of memory");
}

static unsigned due_of(const struct dvbcss_cii_endpoint *endpoint,
                       const struct companion *companion)
{
    return dvbcss_cii_session_due(&companion->session, endpoint->snapshot, endpoint->policy);
}

/* Tells one companion what is due, unless it has not taken the last message yet: then on_drained()
 * comes back to it. */
static void tell(struct dvbcss_cii_endpoint *endpoint, struct dvbcss_connection *connection,
                 unsigned due)
{
    struct companion *companion = companion_of(connection);
    struct dvbcss_message *message;
    int error;

    if (dvbcss_connection_closing(connection))
        return;
    if (due != 0 && dvbcss_connection_congested(connection)) {
        endpoint->counters.deferrals++;
        return;
    }
    if (due != 0) {
        error = message_for(endpoint, companion->group, due, &message);
        if (!error)
            error = dvbcss_connection_send(connection, message);
        if (error == DVBCSS_ENOMEM)
            give_up(endpoint, connection);
        if (error)
            return;
        endpoint->counters.messages++;
    }
    dvbcss_cii_session_advance(&companion->session, endpoint->snapshot);
}

/* One round of telling all. Most companions were told the same snapshot: what is due from it is
 * worked out once. The session keeps that snapshot from being freed, and its address from meaning
 * another. */
struct round {
    struct dvbcss_cii_endpoint *endpoint;
    struct dvbcss_cii_session from;
    unsigned due;
};

static void tell_in_round(void *user, struct dvbcss_connection *connection)
{
    struct round *round = user;
    const struct companion *companion = companion_of(connection);

    if (companion->session.told != round->from.told) {
        dvbcss_cii_session_finish(&round->from);
        if (companion->session.told)
            dvbcss_cii_session_advance(&round->from, companion->session.told);
        round->due = due_of(round->endpoint, companion);
    }
    tell(round->endpoint, connection, round->due);
}

/* Makes @p snapshot the present state; takes the caller's count of it. */
static void publish(struct dvbcss_cii_endpoint *endpoint, struct dvbcss_cii_snapshot *snapshot)
{
    struct round round = {endpoint, DVBCSS_CII_SESSION_INIT,
                          dvbcss_cii_defined(dvbcss_cii_snapshot_state(snapshot))};
    struct list_node *node;
    struct list_node *after;

    dvbcss_cii_snapshot_unref(endpoint->snapshot);
    endpoint->snapshot = snapshot;
    endpoint->counters.states++;
    LIST_FOR_EACH (node, after, &endpoint->groups)
        forget_messages(CONTAINER_OF(node, struct group, node));
    dvbcss_endpoint_each(endpoint->base, tell_in_round, &round);
    dvbcss_cii_session_finish(&round.from);
}

/* ---- hooks of the server -------------------------------------------------------------------- */

static int greet(const struct dvbcss_cii_endpoint *endpoint, struct dvbcss_connection *connection)
{
    int error = endpoint->greeting ? dvbcss_connection_send(connection, endpoint->greeting) : 0;

    return error == DVBCSS_ENOMEM ? error : 0; /* Any other means that it is closing. */
}

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    struct dvbcss_cii_endpoint *endpoint = context;
    struct companion *companion = companion_of(connection);

    dvbcss_cii_session_init(&companion->session);
    companion->group = join_group(endpoint, connection);
    if (companion->group && greet(endpoint, connection) == 0)
        tell(endpoint, connection, due_of(endpoint, companion));
    else
        give_up(endpoint, connection);
    if (endpoint->hooks.on_connect)
        endpoint->hooks.on_connect(endpoint->context, connection);
}

static void on_drained(void *context, struct dvbcss_connection *connection)
{
    tell(context, connection, due_of(context, companion_of(connection)));
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    struct dvbcss_cii_endpoint *endpoint = context;

    endpoint->counters.ignored++;
    dvbcss_log(DVBCSS_LOG_DEBUG, "cii-ignored", "%s: ignored a message of %zu bytes",
               dvbcss_connection_id(connection), length);
    if (endpoint->hooks.on_message)
        endpoint->hooks.on_message(endpoint->context, connection, bytes, length, text);
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    struct dvbcss_cii_endpoint *endpoint = context;
    struct companion *companion = companion_of(connection);

    dvbcss_cii_session_finish(&companion->session);
    leave_group(companion->group);
    /* The hook may destroy the endpoint: nothing of it is touched afterwards. */
    if (endpoint->hooks.on_disconnect)
        endpoint->hooks.on_disconnect(endpoint->context, connection, code, reason);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void free_endpoint(struct dvbcss_cii_endpoint *endpoint)
{
    dvbcss_cii_snapshot_unref(endpoint->snapshot);
    dvbcss_message_release(endpoint->greeting);
    dvbcss_free(endpoint->advertise_host);
    dvbcss_free(endpoint);
}

static int add_base(struct dvbcss_cii_endpoint *endpoint, struct dvbcss_server *server,
                    const struct dvbcss_cii_endpoint_options *options)
{
    struct dvbcss_endpoint_options base = DVBCSS_ENDPOINT_OPTIONS_INIT;

    base.path = options->path;
    base.id_prefix = options->id_prefix;
    base.enabled = options->enabled;
    base.binary_policy = DVBCSS_BINARY_ACCEPT;
    base.limits = options->limits;
    base.limits.setup_timeout_s = 0;
    base.access = options->access;
    base.user_data_size = sizeof(struct companion) + options->user_data_size;
    base.hooks.on_connect = on_connect;
    base.hooks.on_message = on_message;
    base.hooks.on_drained = on_drained;
    base.hooks.on_disconnect = on_disconnect;
    base.context = endpoint;
    return dvbcss_endpoint_add(&endpoint->base, server, &base);
}

static int copy_settings(struct dvbcss_cii_endpoint *endpoint,
                         const struct dvbcss_cii_endpoint_options *options)
{
    static const struct dvbcss_cii nothing = DVBCSS_CII_INIT;

    endpoint->policy = options->policy;
    endpoint->advertise_port = options->advertise_port;
    endpoint->advertise_tls_port = options->advertise_tls_port;
    endpoint->hooks = options->hooks;
    endpoint->context = options->context;
    endpoint->advertise_host = dvbcss_strdup(options->advertise_host);
    if (options->advertise_host && !endpoint->advertise_host)
        return DVBCSS_ENOMEM;
    if (options->greeting &&
        dvbcss_message_create(&endpoint->greeting, DVBCSS_MESSAGE_TEXT, options->greeting,
                              strlen(options->greeting)) != 0)
        return DVBCSS_ENOMEM;
    return dvbcss_cii_snapshot_create(options->state ? options->state : &nothing,
                                      &endpoint->snapshot);
}

/* What is advertised must be fit to stand in a URL. */
static bool options_are_valid(const struct dvbcss_cii_endpoint_options *options)
{
    char host[DVBCSS_URL_HOST_SIZE];
    char text[DVBCSS_URL_TEXT_SIZE];
    struct dvbcss_url url;

    if ((unsigned)options->policy > DVBCSS_CII_SEND_FULL)
        return false;
    if (!options->advertise_host)
        return true;
    if (dvbcss_url_host_of_address(options->advertise_host, host, sizeof host))
        return false;
    snprintf(text, sizeof text, "ws://%s", host);
    return dvbcss_url_parse(text, DVBCSS_URL_WS, &url, NULL) == 0 &&
           strlen(url.host) == strlen(host) - (host[0] == '[' ? strlen("[]") : 0);
}

int dvbcss_cii_endpoint_create(struct dvbcss_cii_endpoint **endpoint, struct dvbcss_server *server,
                               const struct dvbcss_cii_endpoint_options *options)
{
    struct dvbcss_cii_endpoint *created;
    int error;

    if (!options_are_valid(options))
        return DVBCSS_EINVAL;
    created = dvbcss_calloc(1, sizeof *created);
    if (!created)
        return DVBCSS_ENOMEM;
    list_init(&created->groups);
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

void dvbcss_cii_endpoint_destroy(struct dvbcss_cii_endpoint *endpoint)
{
    /* A hook that is called from here may well ask for the same. */
    if (!endpoint || endpoint->destroying)
        return;
    endpoint->destroying = true;
    dvbcss_endpoint_remove(endpoint->base);
    free_endpoint(endpoint);
}

/* ---- state ---------------------------------------------------------------------------------- */

int dvbcss_cii_endpoint_set_state(struct dvbcss_cii_endpoint *endpoint,
                                  const struct dvbcss_cii *state)
{
    struct dvbcss_cii_snapshot *snapshot;
    int error = dvbcss_cii_snapshot_create(state, &snapshot);

    if (!error)
        publish(endpoint, snapshot);
    return error;
}

int dvbcss_cii_endpoint_change(struct dvbcss_cii_endpoint *endpoint,
                               const struct dvbcss_cii *changes)
{
    struct dvbcss_cii state = DVBCSS_CII_INIT;
    int error = dvbcss_cii_copy(&state, dvbcss_cii_endpoint_state(endpoint));

    if (!error)
        error = dvbcss_cii_merge(&state, changes, NULL);
    if (!error)
        error = dvbcss_cii_endpoint_set_state(endpoint, &state);
    dvbcss_cii_finish(&state);
    return error;
}

const struct dvbcss_cii *dvbcss_cii_endpoint_state(const struct dvbcss_cii_endpoint *endpoint)
{
    return dvbcss_cii_snapshot_state(endpoint->snapshot);
}

struct dvbcss_endpoint *dvbcss_cii_endpoint_base(const struct dvbcss_cii_endpoint *endpoint)
{
    return endpoint->base;
}

const struct dvbcss_cii_endpoint_counters *
dvbcss_cii_endpoint_counters(const struct dvbcss_cii_endpoint *endpoint)
{
    return &endpoint->counters;
}

void *dvbcss_cii_endpoint_user_data(struct dvbcss_connection *connection)
{
    return companion_of(connection)->user_data;
}

bool dvbcss_cii_endpoint_up_to_date(struct dvbcss_connection *connection)
{
    return due_of(endpoint_of(connection), companion_of(connection)) == 0;
}
