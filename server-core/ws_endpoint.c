#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_access.h"
#include "server-core/ws_internal.h"

enum { ID_PREFIX_MAX = 31 };

struct dvbcss_endpoint *ws_endpoint_at(struct dvbcss_server *server, const char *path)
{
    struct dvbcss_endpoint *best = NULL;
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &server->endpoints) {
        struct dvbcss_endpoint *endpoint = CONTAINER_OF(node, struct dvbcss_endpoint, node);

        if (strcmp(endpoint->path, path) == 0)
            return endpoint;
        if (endpoint->options.path_prefix && ws_path_is_below(path, endpoint->path) &&
            (!best || strlen(endpoint->path) > strlen(best->path)))
            best = endpoint;
    }
    return best;
}

static bool path_is_taken(struct dvbcss_server *server, const char *path)
{
    const struct dvbcss_endpoint *endpoint = ws_endpoint_at(server, path);

    return endpoint && strcmp(endpoint->path, path) == 0;
}

static bool limits_are_valid(const struct dvbcss_endpoint_limits *limits,
                             enum dvbcss_queue_policy policy)
{
    return limits->max_connections >= DVBCSS_UNLIMITED &&
           limits->max_connections_per_address >= DVBCSS_UNLIMITED &&
           (policy == DVBCSS_QUEUE_NEWEST || limits->max_queued_messages > 0);
}

static bool options_are_valid(const struct dvbcss_endpoint_options *options)
{
    return options->path && options->path[0] == '/' && options->id_prefix &&
           options->id_prefix[0] != '\0' && strlen(options->id_prefix) <= ID_PREFIX_MAX &&
           limits_are_valid(&options->limits, options->queue_policy);
}

static void free_endpoint(struct dvbcss_endpoint *endpoint)
{
    list_remove(&endpoint->node);
    ws_access_free(&endpoint->options.access);
    dvbcss_free(endpoint->path);
    dvbcss_free(endpoint->id_prefix);
    dvbcss_free(endpoint);
}

int dvbcss_endpoint_add(struct dvbcss_endpoint **endpoint, struct dvbcss_server *server,
                        const struct dvbcss_endpoint_options *options)
{
    struct dvbcss_endpoint *created;

    if (!options_are_valid(options))
        return DVBCSS_EINVAL;
    if (server->state != WS_SERVER_OPEN)
        return DVBCSS_ESTATE;
    if (path_is_taken(server, options->path))
        return DVBCSS_EEXIST;
    created = dvbcss_calloc(1, sizeof *created);
    if (!created)
        return DVBCSS_ENOMEM;
    list_init(&created->node);
    list_init(&created->connections);
    created->server = server;
    created->options = *options;
    created->options.access = (struct dvbcss_access){DVBCSS_ORIGIN_ANY, NULL, NULL};
    created->path = dvbcss_strdup(options->path);
    created->id_prefix = dvbcss_strdup(options->id_prefix);
    if (!created->path || !created->id_prefix ||
        ws_access_copy(&created->options.access, &options->access) != 0) {
        free_endpoint(created);
        return DVBCSS_ENOMEM;
    }
    list_append(&server->endpoints, &created->node);
    *endpoint = created;
    return 0;
}

/* Ends connections whose handshake is still under way, too; their sockets say goodbye later. */
void dvbcss_endpoint_remove(struct dvbcss_endpoint *endpoint)
{
    struct list_node *node;
    struct list_node *after;

    if (!endpoint || endpoint->removed)
        return;
    endpoint->removed = true;
    /* Hooks may open and end others meanwhile, but sockets neither come nor go inside a call. */
    LIST_FOR_EACH (node, after, &endpoint->server->sockets) {
        struct ws_socket *socket = CONTAINER_OF(node, struct ws_socket, node);

        if (!socket->connection || socket->connection->endpoint != endpoint)
            continue;
        socket->farewell = DVBCSS_CLOSE_GOING_AWAY;
        ws_socket_defer(socket);
        ws_connection_end(socket->connection, DVBCSS_CLOSE_GOING_AWAY, "");
    }
    free_endpoint(endpoint);
}

void ws_endpoint_free_all(struct dvbcss_server *server)
{
    while (!list_empty(&server->endpoints))
        free_endpoint(CONTAINER_OF(server->endpoints.next, struct dvbcss_endpoint, node));
}

static void close_disabled(void *user, struct dvbcss_connection *connection)
{
    (void)user;
    ws_connection_close(connection, DVBCSS_CLOSE_GOING_AWAY, "endpoint is disabled");
}

void dvbcss_endpoint_set_enabled(struct dvbcss_endpoint *endpoint, bool enabled)
{
    endpoint->options.enabled = enabled;
    if (!enabled)
        dvbcss_endpoint_each(endpoint, close_disabled, NULL);
}

bool dvbcss_endpoint_enabled(const struct dvbcss_endpoint *endpoint)
{
    return endpoint->options.enabled;
}

void dvbcss_endpoint_set_max_connections(struct dvbcss_endpoint *endpoint, int max_connections)
{
    endpoint->options.limits.max_connections = max_connections;
}

int dvbcss_endpoint_max_connections(const struct dvbcss_endpoint *endpoint)
{
    return endpoint->options.limits.max_connections;
}

int dvbcss_endpoint_set_limits(struct dvbcss_endpoint *endpoint,
                               const struct dvbcss_endpoint_limits *limits)
{
    if (!limits_are_valid(limits, endpoint->options.queue_policy))
        return DVBCSS_EINVAL;
    endpoint->options.limits = *limits;
    return 0;
}

const struct dvbcss_endpoint_limits *dvbcss_endpoint_limits(const struct dvbcss_endpoint *endpoint)
{
    return &endpoint->options.limits;
}

int dvbcss_endpoint_set_access(struct dvbcss_endpoint *endpoint, const struct dvbcss_access *access)
{
    struct dvbcss_access copy;
    int result = ws_access_copy(&copy, access);

    if (result != 0)
        return result;
    ws_access_free(&endpoint->options.access);
    endpoint->options.access = copy;
    return 0;
}

size_t dvbcss_endpoint_connection_count(const struct dvbcss_endpoint *endpoint)
{
    return endpoint->open_count;
}

const char *dvbcss_endpoint_path(const struct dvbcss_endpoint *endpoint)
{
    return endpoint->path;
}

void *dvbcss_endpoint_context(const struct dvbcss_endpoint *endpoint)
{
    return endpoint->options.context;
}

void dvbcss_endpoint_each(struct dvbcss_endpoint *endpoint,
                          void (*visit)(void *user, struct dvbcss_connection *connection),
                          void *user)
{
    struct list_node *node;
    struct list_node *after;

    /* Connections come and go from the loop only, so the list stands still here. */
    LIST_FOR_EACH (node, after, &endpoint->connections)
        visit(user, CONTAINER_OF(node, struct dvbcss_connection, node));
}

struct dvbcss_connection *dvbcss_endpoint_find(struct dvbcss_endpoint *endpoint, const char *id)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &endpoint->connections) {
        struct dvbcss_connection *connection = CONTAINER_OF(node, struct dvbcss_connection, node);

        if (strcmp(connection->id, id) == 0)
            return connection;
    }
    return NULL;
}

size_t dvbcss_endpoint_broadcast(struct dvbcss_endpoint *endpoint, struct dvbcss_message *message)
{
    struct list_node *node;
    struct list_node *after;
    size_t count = 0;

    LIST_FOR_EACH (node, after, &endpoint->connections) {
        struct dvbcss_connection *connection = CONTAINER_OF(node, struct dvbcss_connection, node);

        if (dvbcss_connection_send(connection, message) == 0)
            count++;
    }
    return count;
}
