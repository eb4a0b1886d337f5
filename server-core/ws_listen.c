/*
 * Listening and accepting. The library would do it, too, but it does not tell when an address is in
 * use, forgets TCP_NODELAY, and cannot share a port.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

enum {
    /* Connections accepted before the rest of the loop has its turn. */
    ACCEPTS_PER_WAKE_UP = 64,
    /* Wait before accepting again, when the system had no descriptor or memory left. */
    ACCEPT_PAUSE_MS = 100,
};

/* ------------------------------------------------------------------------------------------------
 * Opening
 */

static int fail(struct dvbcss_report *report, size_t index, int error, const char *address,
                const char *why)
{
    if (report) {
        report->error = error;
        report->offset = 0;
        snprintf(report->path, sizeof report->path, "listen[%zu]", index);
        snprintf(report->reason, sizeof report->reason, "%s: %s", address, why);
    }
    return error;
}

static int error_of(int system_error)
{
    switch (system_error) {
    case EADDRINUSE:
        return DVBCSS_EADDRINUSE;
    case EACCES:
        return DVBCSS_EPERMISSION;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return DVBCSS_EADDRESS;
    case ENOMEM:
    case ENOBUFS:
        return DVBCSS_ENOMEM;
    default:
        return DVBCSS_EIO;
    }
}

static int parse_address(const struct dvbcss_server_listen *listen, union ws_address *address)
{
    memset(address, 0, sizeof *address);
    if (!listen->host)
        return uv_ip6_addr("::", listen->port, &address->v6);
    if (uv_ip4_addr(listen->host, listen->port, &address->v4) == 0)
        return 0;
    return uv_ip6_addr(listen->host, listen->port, &address->v6);
}

/* Returns the descriptor, or -1 with errno set. */
static int bind_socket(const union ws_address *address, bool both_families, int backlog)
{
    bool v6 = address->any.sa_family == AF_INET6;
    socklen_t length = v6 ? (socklen_t)sizeof address->v6 : (socklen_t)sizeof address->v4;
    int only_v6 = !both_families;
    int on = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int saved;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) == 0) &&
        bind(fd, &address->any, length) == 0 && listen(fd, backlog) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int open_address(struct ws_listener *listener, const struct dvbcss_server_listen *listen,
                        int backlog, size_t index, struct dvbcss_report *report)
{
    union ws_address address;
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    if (parse_address(listen, &address) != 0)
        return fail(report, index, DVBCSS_EADDRESS, listen->host, "not an IPv4 or IPv6 address");
    listener->fd = bind_socket(&address, !listen->host, backlog);
    if (listener->fd < 0 && !listen->host && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        /* A machine without IPv6. */
        uv_ip4_addr("0.0.0.0", listen->port, &address.v4);
        listener->fd = bind_socket(&address, false, backlog);
    }
    if (listener->fd < 0)
        return fail(report, index, error_of(errno), dvbcss_address_format(&address.any, text),
                    uv_strerror(uv_translate_sys_error(errno)));
    return 0;
}

static int take_socket(struct ws_listener *listener, int fd, size_t index,
                       struct dvbcss_report *report)
{
    int listening = 0;
    socklen_t length = sizeof listening;
    int flags = fcntl(fd, F_GETFL);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || !listening ||
        flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return fail(report, index, DVBCSS_EADDRESS, "inherited socket", "is not listening");
    listener->fd = fd;
    return 0;
}

static int open_listener(struct ws_listener *listener, const struct dvbcss_server_options *options,
                         size_t index, struct dvbcss_report *report)
{
    const struct dvbcss_server_listen *wanted = &options->listen[index];
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    int result;

    listener->tls = wanted->tls;
    result = wanted->socket != 0 ? take_socket(listener, wanted->socket, index, report)
                                 : open_address(listener, wanted, options->backlog, index, report);
    if (result != 0)
        return result;
    if (getsockname(listener->fd, (struct sockaddr *)&bound, &length) != 0 ||
        (bound.ss_family != AF_INET && bound.ss_family != AF_INET6 && bound.ss_family != AF_UNIX))
        return fail(report, index, DVBCSS_EADDRESS, "socket", "has no address of a known family");
    if (bound.ss_family == AF_INET6)
        /* As it is: "::" is no IPv4 address. */
        memcpy(&listener->address.v6, &bound, sizeof listener->address.v6);
    else
        ws_address_set(&listener->address, &bound);
    return 0;
}

void ws_listen_free(struct dvbcss_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        if (server->listeners[i].fd >= 0)
            close(server->listeners[i].fd);
    dvbcss_free(server->listeners);
    server->listeners = NULL;
    server->listener_count = 0;
}

void ws_listen_give_back(struct dvbcss_server *server, const struct dvbcss_server_options *options)
{
    for (size_t i = 0; i < server->listener_count; i++)
        if (options->listen[i].socket != 0)
            server->listeners[i].fd = -1;
}

int ws_listen_open(struct dvbcss_server *server, const struct dvbcss_server_options *options,
                   struct dvbcss_report *report)
{
    int result = 0;

    if (options->listen_count == 0)
        return 0;
    server->listeners = dvbcss_calloc(options->listen_count, sizeof *server->listeners);
    if (!server->listeners)
        return DVBCSS_ENOMEM;
    server->listener_count = options->listen_count;
    for (size_t i = 0; i < server->listener_count; i++) {
        server->listeners[i].server = server;
        server->listeners[i].fd = -1;
    }
    for (size_t i = 0; i < server->listener_count && result == 0; i++)
        result = open_listener(&server->listeners[i], options, i, report);
    if (result != 0) {
        ws_listen_give_back(server, options);
        ws_listen_free(server);
    }
    return result;
}

/* ------------------------------------------------------------------------------------------------
 * Accepting
 */

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void resume(uv_timer_t *timer)
{
    struct dvbcss_server *server = timer->data;

    if (server->reserve_fd < 0)
        server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < server->listener_count; i++)
        uv_poll_start(&server->listeners[i].poll, UV_READABLE, on_acceptable);
}

/* A listening socket stays readable while its queue is not empty: without a pause the loop would
 * spin. */
static void pause_accepting(struct dvbcss_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        uv_poll_stop(&server->listeners[i].poll);
    uv_timer_start(&server->accept_pause, resume, ACCEPT_PAUSE_MS, 0);
}

/* No descriptor is left: gives up the spare one to take the next peer and hang up on it, so that it
 * does not wait in vain. Returns whether that went well. */
static bool shed(struct ws_listener *listener)
{
    struct dvbcss_server *server = listener->server;
    int fd;

    if (server->reserve_fd < 0)
        return false;
    close(server->reserve_fd);
    fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && server->reserve_fd >= 0;
}

static bool go_on_after_error(struct ws_listener *listener, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        listener->server->counters.accept_failures++;
        ws_farewells_end(&listener->server->farewells);
        if (shed(listener))
            return true;
        break;
    case ENOBUFS:
    case ENOMEM:
        listener->server->counters.accept_failures++;
        break;
    default:
        /* The peer gave up, or its network failed (accept(2) lists a dozen errors of that kind). */
        return true;
    }
    pause_accepting(listener->server);
    return false;
}

/* A peer too many: it is told in one go, without the library. One that waits for a TLS handshake
 * would not understand. */
static void turn_away(struct ws_listener *listener, int fd, enum dvbcss_refusal why)
{
    struct dvbcss_server *server = listener->server;
    struct dvbcss_message *answer;
    bool told = false;

    server->counters.refusals[why]++;
    if (!listener->tls && ws_refusal_build(&answer, server, why, NULL, false) == 0) {
        told = send(fd, answer->bytes, answer->length, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
        dvbcss_message_release(answer);
    }
    if (told)
        ws_farewells_keep(&server->farewells, fd, uv_now(server->loop));
    else
        close(fd);
}

/* Peers of this machine, which the file of their socket let in, have room however many come over
 * the network. */
static bool is_full(const struct ws_listener *listener, int fd)
{
    const struct dvbcss_server *server = listener->server;
    int limit = server->options.max_sockets;
    uint64_t open = listener->address.any.sa_family == AF_UNIX
                        ? server->unix_sockets
                        : server->counters.sockets_open - server->unix_sockets;

    return (unsigned)fd >= ws_transport_fd_limit(server->transport) ||
           (limit != DVBCSS_UNLIMITED && open >= (uint64_t)limit);
}

/* Finds both its addresses, and counts it by the peer's. */
static int count_in(struct dvbcss_server *server, struct ws_accepted *accepted,
                    const struct sockaddr_storage *from)
{
    struct sockaddr_storage to = {0};
    socklen_t length = sizeof to;

    if (getsockname(accepted->fd, (struct sockaddr *)&to, &length) != 0)
        return DVBCSS_EIO;
    ws_address_set(&accepted->peer, from);
    ws_address_set(&accepted->local, &to);
    return ws_addresses_enter(&server->addresses, &accepted->peer, &accepted->local,
                              server->options.max_sockets_per_address, &accepted->address);
}

static void take_in(struct ws_listener *listener, int fd, const struct sockaddr_storage *from)
{
    struct dvbcss_server *server = listener->server;
    struct ws_accepted accepted = {.fd = fd, .tls = listener->tls};
    int on = 1;
    int result = count_in(server, &accepted, from);

    if (result == DVBCSS_EFULL) {
        turn_away(listener, fd, DVBCSS_REFUSAL_SERVER_ADDRESS_FULL);
        return;
    }
    if (result == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        result = ws_socket_adopt(server, &accepted);
    } else {
        close(fd);
    }
    if (result != 0)
        server->counters.accept_failures++;
}

static bool accept_one(struct ws_listener *listener)
{
    struct dvbcss_server *server = listener->server;
    struct sockaddr_storage from = {0};
    socklen_t length = sizeof from;
    int fd = accept4(listener->fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return go_on_after_error(listener, errno);
    server->counters.sockets_accepted++;
    if (is_full(listener, fd))
        turn_away(listener, fd, DVBCSS_REFUSAL_SERVER_FULL);
    else
        take_in(listener, fd, &from);
    return true;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct ws_listener *listener = poll->data;

    (void)events;
    if (status < 0) {
        /* An error on the socket has stopped the handle. */
        pause_accepting(listener->server);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_WAKE_UP; i++)
        if (!accept_one(listener))
            break;
}

int ws_listen_start(struct dvbcss_server *server)
{
    server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < server->listener_count; i++) {
        struct ws_listener *listener = &server->listeners[i];

        if (uv_poll_init(server->loop, &listener->poll, listener->fd) != 0)
            return DVBCSS_EIO;
        listener->poll.data = listener;
        listener->polled = true;
        server->open_handles++;
        if (uv_poll_start(&listener->poll, UV_READABLE, on_acceptable) != 0)
            return DVBCSS_EIO;
    }
    return 0;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct ws_listener *listener = handle->data;

    ws_server_handle_closed(listener->server);
}

void ws_listen_stop(struct dvbcss_server *server)
{
    uv_timer_stop(&server->accept_pause);
    for (size_t i = 0; i < server->listener_count; i++) {
        struct ws_listener *listener = &server->listeners[i];

        if (listener->polled)
            uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
        /* At once: nobody new shall wait in its queue. */
        if (listener->fd >= 0)
            close(listener->fd);
        listener->fd = -1;
    }
    if (server->reserve_fd >= 0)
        close(server->reserve_fd);
    server->reserve_fd = -1;
    ws_farewells_end(&server->farewells);
}
