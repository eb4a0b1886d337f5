#include "visitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_HEAD_MAX = 14, FRAME_MAX = 200000 };

static struct visitor visitors[VISITORS_MAX];
static size_t visitor_count;

static struct visitor *seat(int fd)
{
    struct visitor *visitor = &visitors[visitor_count++];

    memset(visitor, 0, sizeof *visitor);
    visitor->fd = fd;
    return visitor;
}

/* A signal, the fuzzer's alarm for one, does not end it. */
static bool connect_to(int fd, const struct sockaddr_in *address)
{
    struct pollfd connected = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return true;
    error = errno;
    if (error == EINTR) {
        while (poll(&connected, 1, -1) < 0)
            world_require(errno == EINTR);
        world_require(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0);
    }
    world_require(error == 0 || error == ECONNREFUSED);
    return error == 0;
}

struct visitor *visitor_come(enum world_listener listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = world_port(listener)};
    int small = 4096;
    int at_once = 1;
    int fd;

    if (visitor_count == VISITORS_MAX)
        return NULL;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    world_require(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    /* Otherwise what follows something that was not answered waits for the system's own time. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    if (connect_to(fd, &address))
        return seat(fd);
    close(fd);
    return NULL;
}

/* Returns whether the socket has taken anything. */
static bool send_records(struct visitor *visitor)
{
    size_t length;
    const void *bytes = visitor_tls_outgoing(visitor->tls, &length);
    ssize_t sent = length != 0 ? send(visitor->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

    if (sent > 0)
        visitor_tls_sent(visitor->tls, (size_t)sent);
    else if (sent < 0 && errno != EAGAIN)
        visitor_leave(visitor);
    return sent > 0;
}

void visitor_begin_tls(struct visitor *visitor, const struct visitor_tls_manner *manner)
{
    if (visitor->fd < 0 || visitor->tls)
        return;
    visitor->tls = visitor_tls_begin(manner);
    /* At once: who has only just come is quicker than the daemon. */
    send_records(visitor);
}

void visitor_send(struct visitor *visitor, const void *bytes, size_t length)
{
    if (visitor->tls)
        visitor_tls_say(visitor->tls, bytes, length);
    else
        visitor_send_bare(visitor, bytes, length);
}

void visitor_send_bare(struct visitor *visitor, const void *bytes, size_t length)
{
    if (visitor->fd >= 0 && send(visitor->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        visitor_leave(visitor);
}

static size_t write_head(uint8_t *head, int first_byte, bool masked, size_t length)
{
    size_t used = 2;

    head[0] = (uint8_t)first_byte;
    if (length < 126) {
        head[1] = (uint8_t)length;
    } else if (length < 65536) {
        head[1] = 126;
        head[used++] = (uint8_t)(length >> 8);
        head[used++] = (uint8_t)length;
    } else {
        head[1] = 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            head[used++] = (uint8_t)((uint64_t)length >> shift);
    }
    head[1] |= masked ? 0x80 : 0;
    return used;
}

void visitor_send_frame(struct visitor *visitor, int first_byte, bool masked, const void *payload,
                        size_t length)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    static uint8_t frame[FRAME_HEAD_MAX + FRAME_MAX];
    const uint8_t *bytes = payload;
    size_t used;

    length = length < FRAME_MAX ? length : FRAME_MAX;
    used = write_head(frame, first_byte, masked, length);
    if (masked) {
        memcpy(frame + used, key, sizeof key);
        used += sizeof key;
    }
    for (size_t i = 0; i < length; i++)
        frame[used++] = (uint8_t)(bytes[i] ^ (masked ? key[i % sizeof key] : 0));
    visitor_send(visitor, frame, used);
}

void visitor_send_handshake(struct visitor *visitor, const char *path)
{
    char request[4096];
    int length = snprintf(request, sizeof request,
                          "GET %.2000s HTTP/1.1\r\nHost: tv\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                          path);

    visitor_send(visitor, request, (size_t)length);
}

void visitor_send_request(struct visitor *visitor, const char *method, const char *path,
                          const void *body, size_t length)
{
    char head[4096];
    int head_length = snprintf(head, sizeof head,
                               "%.20s %.2000s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                               "Authorization: Bearer " WORLD_TOKEN "\r\n"
                               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                               method, path, length);

    visitor_send(visitor, head, (size_t)head_length);
    if (length != 0)
        visitor_send(visitor, body, length);
}

void visitor_end_sending(struct visitor *visitor)
{
    if (visitor->fd >= 0)
        shutdown(visitor->fd, SHUT_WR);
}

void visitor_leave(struct visitor *visitor)
{
    /* By a reset also where a goodbye would do: no port has to wait afterwards. */
    static const struct linger at_once = {1, 0};

    if (visitor->fd < 0)
        return;
    setsockopt(visitor->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(visitor->fd);
    visitor->fd = -1;
    visitor_tls_end(visitor->tls);
    visitor->tls = NULL;
}

struct visitor *visitor_at(size_t index)
{
    return index < visitor_count ? &visitors[index] : NULL;
}

void visitors_leave(void)
{
    for (size_t i = 0; i < visitor_count; i++)
        visitor_leave(&visitors[i]);
    visitor_count = 0;
}

static void remember(struct visitor *visitor, const char *bytes, size_t length)
{
    size_t room = VISITOR_HEARD_MAX - visitor->heard_length;

    if (room > length)
        room = length;
    memcpy(visitor->heard + visitor->heard_length, bytes, room);
    visitor->heard_length += room;
}

static bool read_some(struct visitor *visitor)
{
    char bytes[65536];
    ssize_t length = recv(visitor->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    size_t part;

    if (length <= 0)
        return false;
    if (!visitor->tls) {
        remember(visitor, bytes, (size_t)length);
        return true;
    }
    visitor_tls_hear(visitor->tls, bytes, (size_t)length);
    while ((part = visitor_tls_read(visitor->tls, bytes, sizeof bytes)) > 0)
        remember(visitor, bytes, part);
    return true;
}

bool visitors_go_on(void)
{
    bool any = false;

    for (size_t i = 0; i < visitor_count; i++) {
        struct visitor *visitor = &visitors[i];

        if (visitor->fd >= 0 && !visitor->deaf)
            any |= read_some(visitor);
        if (visitor->tls)
            any |= send_records(visitor);
    }
    return any;
}
