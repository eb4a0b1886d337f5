#include "ws_crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    INPUT_BYTES = 2048,
    EVENTS = 512,
    /* Connections that are being opened at the same time. */
    OPENING_MAX = 64,
    TIMEOUT_MS = 30000,
};

struct connection {
    int fd;
    /* NULL without TLS. */
    SSL *tls;
    enum { CONNECTING, ASKING, OPEN } phase;
    size_t length;
    char input[INPUT_BYTES];
};

struct ws_crowd {
    struct ws_crowd_options options;
    SSL_CTX *tls;
    int epoll;
    struct connection *connections;
    size_t started;
    size_t opened;
};

_Noreturn void bench_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void bench_raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        bench_die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        bench_die("setrlimit");
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* What is sent here is short and goes into an empty socket: it is taken whole. */
static void send_all(struct connection *connection, const void *bytes, size_t length)
{
    ssize_t sent = connection->tls ? SSL_write(connection->tls, bytes, (int)length)
                                   : send(connection->fd, bytes, length, MSG_NOSIGNAL);

    if (sent != (ssize_t)length)
        bench_die("send");
}

/* Returns how many bytes came, 0 for none at the moment. */
static size_t receive_some(struct connection *connection)
{
    char *end = connection->input + connection->length;
    size_t room = INPUT_BYTES - 1 - connection->length;
    ssize_t got;

    if (connection->tls) {
        got = SSL_read(connection->tls, end, (int)room);
        if (got <= 0 && SSL_get_error(connection->tls, (int)got) == SSL_ERROR_WANT_READ)
            return 0;
    } else {
        got = recv(connection->fd, end, room, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return 0;
    }
    if (got <= 0)
        bench_die("a connection ended");
    return (size_t)got;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void ask(const struct ws_crowd *crowd, struct connection *connection)
{
    char request[512];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                          crowd->options.path, crowd->options.port);

    connection->phase = ASKING;
    send_all(connection, request, (size_t)length);
}

static void go_on_with_tls(const struct ws_crowd *crowd, struct connection *connection)
{
    int result = SSL_connect(connection->tls);

    if (result == 1)
        ask(crowd, connection);
    else if (SSL_get_error(connection->tls, result) != SSL_ERROR_WANT_READ)
        bench_die("TLS handshake");
}

static void start(struct ws_crowd *crowd)
{
    struct connection *connection = &crowd->connections[crowd->started++];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(crowd->options.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = fd;
    if (fd < 0 || connect(fd, (void *)&address, sizeof address) != 0 ||
        epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_die("connect");
    if (!crowd->tls) {
        ask(crowd, connection);
        return;
    }
    connection->tls = SSL_new(crowd->tls);
    if (!connection->tls || SSL_set_fd(connection->tls, fd) != 1 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        bench_die("TLS");
    go_on_with_tls(crowd, connection);
}

static void send_text(struct connection *connection, const char *text)
{
    /* Of up to 125 bytes or, longer, up to 65,535. A mask of four zeros leaves them as they are. */
    size_t length = strlen(text);
    size_t head = length <= 125 ? 6 : 8;
    char frame[512] = {'\x81', (char)(0x80 | (length <= 125 ? length : 126))};

    if (head + length > sizeof frame)
        bench_die("text");
    if (head == 8) {
        frame[2] = (char)(length >> 8);
        frame[3] = (char)length;
    }
    memcpy(frame + head, text, length);
    send_all(connection, frame, head + length);
}

/* The head of the answer is complete: what follows are frames. */
static void finish_asking(struct ws_crowd *crowd, struct connection *connection)
{
    char *end = memmem(connection->input, connection->length, "\r\n\r\n", 4);

    if (!end)
        return;
    if (memcmp(connection->input, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "%.*s\n", (int)connection->length, connection->input);
        exit(1);
    }
    connection->length -= (size_t)(end + 4 - connection->input);
    memmove(connection->input, end + 4, connection->length);
    connection->phase = OPEN;
    crowd->opened++;
    if (crowd->options.first_text)
        send_text(connection, crowd->options.first_text);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void take_text(struct ws_crowd *crowd, struct connection *connection, char *text,
                      size_t length)
{
    char kept = text[length];

    text[length] = '\0';
    crowd->options.on_text(crowd->options.context, (size_t)(connection - crowd->connections), text,
                           length);
    text[length] = kept;
}

/* Whole frames of a server: unmasked and, here, of up to 65535 bytes. */
static void take_frames(struct ws_crowd *crowd, struct connection *connection)
{
    unsigned char *input = (unsigned char *)connection->input;
    size_t taken = 0;

    for (;;) {
        unsigned char *frame = input + taken;
        size_t left = connection->length - taken;
        size_t head = left >= 2 && frame[1] == 126 ? 4 : 2;
        size_t length;

        if (left < head)
            break;
        length = head == 4 ? (size_t)frame[2] << 8 | frame[3] : frame[1];
        if (left < head + length)
            break;
        if ((frame[0] & 0x0f) == 1)
            take_text(crowd, connection, (char *)frame + head, length);
        taken += head + length;
    }
    connection->length -= taken;
    memmove(connection->input, connection->input + taken, connection->length);
}

static void receive(struct ws_crowd *crowd, struct connection *connection)
{
    size_t got;

    if (connection->phase == CONNECTING) {
        go_on_with_tls(crowd, connection);
        return;
    }
    do {
        got = receive_some(connection);
        connection->length += got;
        if (connection->phase == ASKING)
            finish_asking(crowd, connection);
        if (connection->phase == OPEN)
            take_frames(crowd, connection);
        /* What TLS has decrypted already, no descriptor tells of. */
    } while (connection->tls && got != 0);
}

void ws_crowd_turn(struct ws_crowd *crowd)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(crowd->epoll, events, EVENTS, TIMEOUT_MS);

    if (count <= 0)
        bench_die("nothing comes any more");
    for (int i = 0; i < count; i++)
        receive(crowd, events[i].data.ptr);
}

/* ---- life ----------------------------------------------------------------------------------- */

struct ws_crowd *ws_crowd_open(const struct ws_crowd_options *options, size_t count)
{
    struct ws_crowd *crowd = calloc(1, sizeof *crowd);

    if (!crowd)
        bench_die("memory");
    crowd->options = *options;
    crowd->connections = calloc(count, sizeof *crowd->connections);
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (options->tls)
        crowd->tls = SSL_CTX_new(TLS_client_method());
    if (!crowd->connections || crowd->epoll < 0 || (options->tls && !crowd->tls))
        bench_die("connections");
    if (crowd->tls)
        SSL_CTX_set_mode(crowd->tls, SSL_MODE_RELEASE_BUFFERS);
    while (crowd->opened < count) {
        while (crowd->started < count && crowd->started - crowd->opened < OPENING_MAX)
            start(crowd);
        ws_crowd_turn(crowd);
    }
    return crowd;
}

void ws_crowd_drop(struct ws_crowd *crowd)
{
    for (size_t i = 0; i < crowd->started; i++) {
        SSL_free(crowd->connections[i].tls);
        close(crowd->connections[i].fd);
    }
    SSL_CTX_free(crowd->tls);
    close(crowd->epoll);
    free(crowd->connections);
    free(crowd);
}
