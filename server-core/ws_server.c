#include <stdio.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"
#include "server-core/ws_tls.h"

enum {
    HOUSEKEEPING_MS = 1000,
    /* They stand in every answer, that to a handshake among them. */
    COMMON_HEADERS_MAX = 2048,
    FD_LIMIT_MIN = 16,
    HEADER_BYTES_MIN = 512,
    HEADER_BYTES_MAX = 65535,
};

/* ------------------------------------------------------------------------------------------------
 * Closing: LEAVING until the peers have answered or time is up, STOPPING until the library has
 * ended its wires, TURNING until it has let go of the loop, FINISHING until our handles have.
 */

void ws_server_handle_closed(struct dvbcss_server *server)
{
    void (*closed)(void *) = server->closed;
    void *user = server->closed_user;

    if (--server->open_handles != 0)
        return;
    ws_listen_free(server);
    dvbcss_free(server->common_headers);
    dvbcss_free(server);
    if (closed)
        closed(user);
}

static void on_handle_closed(uv_handle_t *handle)
{
    ws_server_handle_closed(handle->data);
}

static void finish(struct dvbcss_server *server)
{
    server->state = WS_SERVER_FINISHING;
    if (server->transport)
        ws_transport_destroy(server->transport);
    server->transport = NULL;
    ws_tls_destroy(server->tls);
    server->tls = NULL;
    ws_endpoint_free_all(server);
    ws_http_free_all(server);
    uv_close((uv_handle_t *)&server->idle, on_handle_closed);
    uv_close((uv_handle_t *)&server->housekeeping, on_handle_closed);
    uv_close((uv_handle_t *)&server->accept_pause, on_handle_closed);
}

static void stop(struct dvbcss_server *server)
{
    ws_socket_run_deferred(server);
    server->state = WS_SERVER_STOPPING;
    uv_timer_stop(&server->housekeeping);
    if (server->transport)
        ws_transport_stop(server->transport);
    ws_server_wake(server);
}

static void on_close_timeout(uv_timer_t *timer)
{
    struct dvbcss_server *server = timer->data;

    if (server->state == WS_SERVER_LEAVING)
        stop(server);
}

static void on_idle(uv_idle_t *idle)
{
    struct dvbcss_server *server = idle->data;

    ws_socket_run_deferred(server);
    if (server->state == WS_SERVER_TURNING) {
        if (server->turns_left-- == 0)
            finish(server);
        return;
    }
    uv_idle_stop(idle);
    if (server->state == WS_SERVER_OPEN || !list_empty(&server->sockets))
        return;
    if (server->state == WS_SERVER_LEAVING) {
        stop(server);
    } else {
        server->state = WS_SERVER_TURNING;
        server->turns_left = WS_TRANSPORT_TURNS;
        ws_server_wake(server);
    }
}

void ws_server_wake(struct dvbcss_server *server)
{
    uv_idle_start(&server->idle, on_idle);
}

void dvbcss_server_close(struct dvbcss_server *server, void (*closed)(void *user), void *user)
{
    if (!server || server->state != WS_SERVER_OPEN)
        return;
    server->state = WS_SERVER_LEAVING;
    server->closed = closed;
    server->closed_user = user;
    ws_listen_stop(server);
    ws_socket_leave_all(server);
    uv_timer_start(&server->housekeeping, on_close_timeout,
                   (uint64_t)server->options.close_timeout_s * 1000, 0);
    ws_server_wake(server);
}

/* ------------------------------------------------------------------------------------------------
 * Housekeeping: only while there is somebody to look after.
 */

static void on_housekeeping(uv_timer_t *timer)
{
    struct dvbcss_server *server = timer->data;

    ws_socket_check_times(server);
    ws_farewells_check(&server->farewells, uv_now(server->loop));
}

void ws_server_socket_came(const struct ws_socket *socket)
{
    struct dvbcss_server *server = socket->server;

    server->unix_sockets += socket->peer.any.sa_family == AF_UNIX;
    if (server->counters.sockets_open++ == 0)
        uv_timer_start(&server->housekeeping, on_housekeeping, HOUSEKEEPING_MS, HOUSEKEEPING_MS);
}

void ws_server_socket_gone(const struct ws_socket *socket)
{
    struct dvbcss_server *server = socket->server;

    server->unix_sockets -= socket->peer.any.sa_family == AF_UNIX;
    if (--server->counters.sockets_open != 0)
        return;
    if (server->state == WS_SERVER_OPEN)
        uv_timer_stop(&server->housekeeping);
    else
        ws_server_wake(server);
}

/* ------------------------------------------------------------------------------------------------
 * Creating
 */

/* Names the first option that is out of its range; NULL if there is none. */
static const char *find_bad_option(const struct dvbcss_server_options *options)
{
    if (options->listen_count != 0 && !options->listen)
        return "listen";
    if (options->header_count != 0 && !options->headers)
        return "headers";
    if (options->backlog <= 0)
        return "backlog";
    if (options->fd_limit < FD_LIMIT_MIN)
        return "fd_limit";
    if (options->max_sockets < DVBCSS_UNLIMITED)
        return "max_sockets";
    if (options->max_sockets_per_address < DVBCSS_UNLIMITED)
        return "max_sockets_per_address";
    if (options->max_header_bytes < HEADER_BYTES_MIN ||
        options->max_header_bytes > HEADER_BYTES_MAX)
        return "max_header_bytes";
    if (options->header_timeout_s == 0)
        return "header_timeout_s";
    if (options->idle_timeout_s != 0 && options->idle_timeout_s <= options->ping_interval_s)
        return "idle_timeout_s";
    return NULL;
}

static int complain(struct dvbcss_report *report, int error, const char *path, const char *reason)
{
    if (report) {
        *report = (struct dvbcss_report){.error = error};
        snprintf(report->path, sizeof report->path, "%s", path);
        snprintf(report->reason, sizeof report->reason, "%s", reason);
    }
    return error;
}

static void append_header(char *text, size_t *length, const char *name, const char *value)
{
    if (*length < COMMON_HEADERS_MAX)
        *length += (size_t)snprintf(text + *length, COMMON_HEADERS_MAX - *length, "%s: %s\r\n",
                                    name, value);
}

static int build_common_headers(struct dvbcss_server *server,
                                const struct dvbcss_server_options *options,
                                struct dvbcss_report *report)
{
    struct dvbcss_http_header name = {"Server", options->server_name};
    char text[COMMON_HEADERS_MAX] = "";
    size_t length = 0;

    if (options->server_name) {
        if (!ws_header_is_valid(&name))
            return complain(report, DVBCSS_EINVAL, "server_name", "cannot stand in a header");
        append_header(text, &length, name.name, name.value);
    }
    for (size_t i = 0; i < options->header_count; i++) {
        if (!ws_header_is_valid(&options->headers[i]))
            return complain(report, DVBCSS_EINVAL, "headers", "one of them is not a header");
        append_header(text, &length, options->headers[i].name, options->headers[i].value);
    }
    if (length >= COMMON_HEADERS_MAX)
        return complain(report, DVBCSS_EINVAL, "headers", "together they are too long");
    server->common_headers = dvbcss_strdup(text);
    return server->common_headers ? 0 : DVBCSS_ENOMEM;
}

static void init_handles(struct dvbcss_server *server)
{
    uv_idle_init(server->loop, &server->idle);
    server->idle.data = server;
    uv_timer_init(server->loop, &server->housekeeping);
    server->housekeeping.data = server;
    uv_timer_init(server->loop, &server->accept_pause);
    server->accept_pause.data = server;
    server->open_handles = 3;
}

static int start(struct dvbcss_server *server, const struct dvbcss_server_options *options,
                 struct dvbcss_report *report)
{
    struct ws_transport_options transport = {
        .loop = server->loop,
        .fd_limit = options->fd_limit,
        .tls = server->tls,
    };
    int result = ws_transport_create(&server->transport, &transport);

    if (result == DVBCSS_EIO)
        return complain(report, result, "",
                        "libwebsockets does not start; is its libuv plug-in installed?");
    return result == 0 ? ws_listen_start(server) : result;
}

static void init_server(struct dvbcss_server *server, uv_loop_t *loop,
                        const struct dvbcss_server_options *options)
{
    server->loop = loop;
    server->options = *options;
    server->options.listen = NULL;
    server->options.headers = NULL;
    server->options.server_name = NULL;
    server->options.tls = (struct dvbcss_server_tls){NULL, NULL};
    server->reserve_fd = -1;
    ws_farewells_init(&server->farewells);
    list_init(&server->endpoints);
    list_init(&server->handlers);
    list_init(&server->sockets);
    list_init(&server->deferred);
}

static bool wants_tls(const struct dvbcss_server_options *options)
{
    for (size_t i = 0; i < options->listen_count; i++)
        if (options->listen[i].tls)
            return true;
    return false;
}

static int create(struct dvbcss_server **server, uv_loop_t *loop,
                  const struct dvbcss_server_options *options, struct dvbcss_report *report)
{
    struct dvbcss_server *created = dvbcss_calloc(1, sizeof *created);
    int result;

    if (!created)
        return DVBCSS_ENOMEM;
    init_server(created, loop, options);
    result = build_common_headers(created, options, report);
    if (result == 0 && wants_tls(options))
        result = ws_tls_create(&created->tls, &options->tls, report);
    if (result == 0)
        result = ws_listen_open(created, options, report);
    if (result != 0) {
        ws_tls_destroy(created->tls);
        dvbcss_free(created->common_headers);
        dvbcss_free(created);
        return result;
    }
    init_handles(created);
    result = start(created, options, report);
    if (result != 0) {
        /* What has begun on the loop can only end on the loop. */
        ws_listen_give_back(created, options);
        dvbcss_server_close(created, NULL, NULL);
        return result;
    }
    *server = created;
    return 0;
}

int dvbcss_server_create(struct dvbcss_server **server, uv_loop_t *loop,
                         const struct dvbcss_server_options *options, struct dvbcss_report *report)
{
    const char *bad = find_bad_option(options);
    struct dvbcss_report own = DVBCSS_REPORT_INIT;
    int result;

    if (bad)
        return complain(report, DVBCSS_EINVAL, bad, "out of range");
    result = create(server, loop, options, &own);
    if (result != 0 && own.error == 0)
        complain(&own, result, "", dvbcss_error_text(result));
    if (result != 0 && report)
        *report = own;
    return result;
}

int dvbcss_server_set_limits(struct dvbcss_server *server,
                             const struct dvbcss_server_options *options)
{
    struct dvbcss_server_options *own = &server->options;

    if (find_bad_option(options))
        return DVBCSS_EINVAL;
    own->max_sockets = options->max_sockets;
    own->max_sockets_per_address = options->max_sockets_per_address;
    own->header_timeout_s = options->header_timeout_s;
    own->ping_interval_s = options->ping_interval_s;
    own->idle_timeout_s = options->idle_timeout_s;
    own->close_timeout_s = options->close_timeout_s;
    own->retry_after_s = options->retry_after_s;
    return 0;
}

int dvbcss_server_reload_tls(struct dvbcss_server *server, const struct dvbcss_server_tls *tls,
                             struct dvbcss_report *report)
{
    if (!server->tls || server->state != WS_SERVER_OPEN)
        return complain(report, DVBCSS_ESTATE, "tls", "no listener has TLS");
    return ws_tls_reload(server->tls, tls, report);
}

/* ------------------------------------------------------------------------------------------------
 * Getters
 */

uv_loop_t *dvbcss_server_loop(const struct dvbcss_server *server)
{
    return server->loop;
}

size_t dvbcss_server_address_count(const struct dvbcss_server *server)
{
    return server->listener_count;
}

const struct sockaddr *dvbcss_server_address(const struct dvbcss_server *server, size_t index)
{
    return index < server->listener_count ? &server->listeners[index].address.any : NULL;
}

bool dvbcss_server_address_secure(const struct dvbcss_server *server, size_t index)
{
    return index < server->listener_count && server->listeners[index].tls;
}

int64_t dvbcss_server_tls_not_after(const struct dvbcss_server *server)
{
    return server->tls ? ws_tls_not_after(server->tls) : 0;
}

const struct dvbcss_server_counters *dvbcss_server_counters(const struct dvbcss_server *server)
{
    return &server->counters;
}
