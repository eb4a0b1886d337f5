#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

enum { ID_PREFIX_MAX = 31 };

struct dvbcss_endpoint *ws_endpoint_at(struct dvbcss_server *server, const char *path)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &server->endpoints) {
        struct dvbcss_endpoint *endpoint = CONTAINER_OF(node, struct dvbcss_endpoint, node);

        if (strcmp(endpoint->path, path) == 0)
            return endpoint;
    }
    return NULL;
}

static bool options_are_valid(const struct dvbcss_endpoint_options *options)
{
    return options->path && options->path[0] == '/' && options->id_prefix &&
           options->id_prefix[0] != '\0' && strlen(options->id_prefix) <= ID_PREFIX_MAX &&
           options->max_connections >= DVBCSS_UNLIMITED &&
           (options->queue_policy == DVBCSS_QUEUE_NEWEST || options->max_queued_messages > 0);
}

static void free_endpoint(struct dvbcss_endpoint *endpoint)
{
    list_remove(&endpoint->node);
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
    if (ws_endpoint_at(server, options->path))
        return DVBCSS_EEXIST;
    created = dvbcss_calloc(1, sizeof *created);
    if (!created)
        return DVBCSS_ENOMEM;
    list_init(&created->node);
    list_init(&created->connections);
    created->server = server;
    created->options = *options;
    created->path = dvbcss_strdup(options->path);
    created->id_prefix = dvbcss_strdup(options->id_prefix);
    if (!created->path || !created->id_prefix) {
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
    endpoint->options.max_connections = max_connections;
}

int dvbcss_endpoint_max_connections(const struct dvbcss_endpoint *endpoint)
{
    return endpoint->options.max_connections;
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
