#include "ws_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One turn of the loop, without waiting, and a short wait for the socket that a test looks at. */
static void turn(uv_loop_t *loop, int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};

    uv_run(loop, UV_RUN_NOWAIT);
    poll(&wait, 1, 1);
}

bool ws_peer_pump(uv_loop_t *loop, bool (*done)(void *user), void *user)
{
    int64_t deadline = now_ms() + WS_PEER_PATIENCE_MS;

    while (!done(user)) {
        if (now_ms() > deadline)
            return false;
        turn(loop, -1, 0);
    }
    return true;
}

bool ws_peer_connect(struct ws_peer *peer, uv_loop_t *loop, const struct sockaddr *address)
{
    socklen_t length = address->sa_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                                      : (socklen_t)sizeof(struct sockaddr_in);

    peer->loop = loop;
    peer->length = 0;
    peer->ssl = NULL;
    peer->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* The backlog takes the connection, whether the loop turns or not. */
    if (peer->fd >= 0 && connect(peer->fd, address, length) == 0)
        return true;
    ws_peer_close(peer);
    return false;
}

/* What SSL_read() and its kin have come to, in the words of recv(). */
static ssize_t as_system_call(struct ws_peer *peer, int result)
{
    int error = SSL_get_error(peer->ssl, result);

    if (result > 0)
        return result;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static ssize_t send_some(struct ws_peer *peer, const void *bytes, size_t length)
{
    if (!peer->ssl)
        return send(peer->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    ERR_clear_error();
    return as_system_call(peer, SSL_write(peer->ssl, bytes, (int)length));
}

static ssize_t receive_some(struct ws_peer *peer, void *bytes, size_t size)
{
    if (!peer->ssl)
        return recv(peer->fd, bytes, size, MSG_DONTWAIT);
    ERR_clear_error();
    return as_system_call(peer, SSL_read(peer->ssl, bytes, (int)size));
}

static SSL *make_ssl(const struct ws_peer_tls *tls)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    if (tls->version != 0) {
        /* Otherwise OpenSSL would refuse the old ones by itself. */
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, tls->version);
        SSL_CTX_set_max_proto_version(context, tls->version);
    }
    if (tls->ca_file) {
        SSL_CTX_load_verify_locations(context, tls->ca_file, NULL);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    if (tls->alpn)
        SSL_CTX_set_alpn_protos(context, (const unsigned char *)tls->alpn,
                                (unsigned)strlen(tls->alpn));
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ssl = SSL_new(context);
    SSL_CTX_free(context);
    if (tls->name)
        SSL_set_tlsext_host_name(ssl, tls->name);
    if (tls->session)
        SSL_set_session(ssl, tls->session);
    return ssl;
}

bool ws_peer_secure(struct ws_peer *peer, const struct ws_peer_tls *tls)
{
    int64_t deadline = now_ms() + WS_PEER_PATIENCE_MS;

    peer->ssl = make_ssl(tls);
    fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    SSL_set_fd(peer->ssl, peer->fd);
    while (now_ms() < deadline) {
        ERR_clear_error();
        if (as_system_call(peer, SSL_connect(peer->ssl)) > 0)
            return true;
        if (errno != EAGAIN)
            return false;
        turn(peer->loop, peer->fd, POLLIN);
    }
    return false;
}

void ws_peer_close(struct ws_peer *peer)
{
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

void ws_peer_reset(struct ws_peer *peer)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};

    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ws_peer_close(peer);
}

bool ws_peer_send(struct ws_peer *peer, const void *bytes, size_t length)
{
    const char *next = bytes;
    int64_t deadline = now_ms() + WS_PEER_PATIENCE_MS;

    while (length != 0) {
        ssize_t sent = send_some(peer, next, length);

        if (sent > 0) {
            next += sent;
            length -= (size_t)sent;
        } else if ((errno != EAGAIN && errno != EINTR) || now_ms() > deadline) {
            return false;
        } else {
            turn(peer->loop, peer->fd, POLLOUT);
        }
    }
    return true;
}

bool ws_peer_say(struct ws_peer *peer, const char *text)
{
    return ws_peer_send(peer, text, strlen(text));
}

/* Waits until at least @length bytes are there. Returns 0, WS_PEER_EOF or WS_PEER_TIMEOUT. */
static int fill(struct ws_peer *peer, size_t length)
{
    int64_t deadline = now_ms() + WS_PEER_PATIENCE_MS;

    while (peer->length < length) {
        ssize_t got =
            receive_some(peer, peer->bytes + peer->length, sizeof peer->bytes - peer->length);

        if (got > 0) {
            peer->length += (size_t)got;
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            return WS_PEER_EOF;
        } else if (now_ms() > deadline) {
            return WS_PEER_TIMEOUT;
        } else {
            turn(peer->loop, peer->fd, POLLIN);
        }
    }
    return 0;
}

static void consume(struct ws_peer *peer, size_t length)
{
    peer->length -= length;
    memmove(peer->bytes, peer->bytes + length, peer->length);
}

bool ws_peer_request(struct ws_peer *peer, const char *method, const char *path,
                     const char *headers)
{
    char head[8192];
    int length = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method,
                          path, headers ? headers : "");

    return length > 0 && (size_t)length < sizeof head && ws_peer_send(peer, head, (size_t)length);
}

bool ws_peer_answer_header(const struct ws_peer_answer *answer, const char *name, char *value,
                           size_t size)
{
    size_t length = strlen(name);

    for (const char *line = strstr(answer->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *start = line + length + 1 + strspn(line + length + 1, " \t");

            snprintf(value, size, "%.*s", (int)strcspn(start, "\r\n"), start);
            return true;
        }
    }
    return false;
}

int ws_peer_read_answer(struct ws_peer *peer, struct ws_peer_answer *answer)
{
    char value[32];
    size_t head;
    int result;

    memset(answer, 0, sizeof *answer);
    for (head = 4;; head++) {
        result = fill(peer, head);
        if (result < 0)
            return result;
        if (memcmp(peer->bytes + head - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    if (head >= sizeof answer->head)
        return WS_PEER_GARBAGE;
    memcpy(answer->head, peer->bytes, head);
    consume(peer, head);
    if (sscanf(answer->head, "HTTP/%*d.%*d %d", &answer->status) != 1)
        return WS_PEER_GARBAGE;
    if (ws_peer_answer_header(answer, "content-length", value, sizeof value))
        answer->body_length = strtoul(value, NULL, 10);
    if (answer->body_length >= sizeof answer->body)
        return WS_PEER_GARBAGE;
    result = fill(peer, answer->body_length);
    if (result < 0)
        return result;
    memcpy(answer->body, peer->bytes, answer->body_length);
    consume(peer, answer->body_length);
    return answer->status;
}

int ws_peer_upgrade(struct ws_peer *peer, const char *path, const char *headers,
                    struct ws_peer_answer *answer)
{
    struct ws_peer_answer *own = answer ? NULL : malloc(sizeof *own);
    char all[4096];
    int result;

    snprintf(all, sizeof all,
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s",
             headers ? headers : "");
    result = ws_peer_request(peer, "GET", path, all)
                 ? ws_peer_read_answer(peer, answer ? answer : own)
                 : WS_PEER_EOF;
    free(own);
    return result;
}

bool ws_peer_open(struct ws_peer *peer, uv_loop_t *loop, const struct sockaddr *address,
                  const char *path)
{
    return ws_peer_connect(peer, loop, address) && ws_peer_upgrade(peer, path, NULL, NULL) == 101;
}

bool ws_peer_send_frame(struct ws_peer *peer, int first_byte, bool masked, const void *payload,
                        size_t length)
{
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    unsigned char *frame = malloc(length + 14);
    size_t at = 0;
    bool sent;

    frame[at++] = (unsigned char)first_byte;
    if (length < 126) {
        frame[at++] = (unsigned char)length;
    } else if (length < 65536) {
        frame[at++] = 126;
        frame[at++] = (unsigned char)(length >> 8);
        frame[at++] = (unsigned char)length;
    } else {
        frame[at++] = 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            frame[at++] = (unsigned char)(length >> shift);
    }
    if (masked) {
        frame[1] |= 0x80;
        memcpy(frame + at, mask, sizeof mask);
        at += sizeof mask;
    }
    for (size_t i = 0; i < length; i++)
        frame[at + i] =
            (unsigned char)(((const unsigned char *)payload)[i] ^ (masked ? mask[i & 3] : 0));
    sent = ws_peer_send(peer, frame, at + length);
    free(frame);
    return sent;
}

bool ws_peer_send_text(struct ws_peer *peer, const char *text)
{
    return ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_TEXT, true, text, strlen(text));
}

bool ws_peer_send_close(struct ws_peer *peer, unsigned code, const char *reason)
{
    unsigned char payload[125] = {(unsigned char)(code >> 8), (unsigned char)code};
    size_t length = 0;

    if (code != 0) {
        length = reason ? strlen(reason) : 0;
        memcpy(payload + 2, reason ? reason : "", length);
        length += 2;
    }
    return ws_peer_send_frame(peer, WS_PEER_FIN | WS_PEER_CLOSE, true, payload, length);
}

int ws_peer_read_frame(struct ws_peer *peer, struct ws_peer_frame *frame)
{
    size_t head = 2;
    int result = fill(peer, head);

    if (result < 0)
        return result;
    frame->final = peer->bytes[0] & 0x80;
    frame->opcode = peer->bytes[0] & 0x0f;
    frame->length = peer->bytes[1] & 0x7f;
    if ((peer->bytes[0] & 0x70) != 0 || (peer->bytes[1] & 0x80) != 0)
        return WS_PEER_GARBAGE;
    if (frame->length >= 126) {
        head = frame->length == 126 ? 4 : 10;
        result = fill(peer, head);
        if (result < 0)
            return result;
        frame->length = 0;
        for (size_t i = 2; i < head; i++)
            frame->length = frame->length << 8 | peer->bytes[i];
    }
    if (frame->length >= sizeof frame->payload)
        return WS_PEER_GARBAGE;
    result = fill(peer, head + frame->length);
    if (result < 0)
        return result;
    memcpy(frame->payload, peer->bytes + head, frame->length);
    frame->payload[frame->length] = 0;
    consume(peer, head + frame->length);
    return frame->opcode;
}

unsigned ws_peer_read_close(struct ws_peer *peer, char *reason)
{
    struct ws_peer_frame *frame = malloc(sizeof *frame);
    unsigned code = 0;
    int opcode;

    do
        opcode = ws_peer_read_frame(peer, frame);
    while (opcode >= 0 && opcode != WS_PEER_CLOSE);
    if (opcode == WS_PEER_EOF) {
        code = 1006;
    } else if (opcode == WS_PEER_CLOSE && frame->length < 2) {
        code = 1005;
    } else if (opcode == WS_PEER_CLOSE) {
        code = (unsigned)(frame->payload[0] << 8 | frame->payload[1]);
        if (reason)
            snprintf(reason, 124, "%s", (const char *)frame->payload + 2);
    }
    free(frame);
    return code;
}

bool ws_peer_wait_eof(struct ws_peer *peer)
{
    for (;;) {
        int result = fill(peer, peer->length + 1);

        if (result < 0)
            return result == WS_PEER_EOF;
        peer->length = 0;
    }
}
