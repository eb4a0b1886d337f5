#include "soak_companion.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, INPUT_STEP = 4096, FRAME_MAX = 100000 };

/* ---- sending --------------------------------------------------------------------------------- */

bool soak_companion_send_bare(struct soak_companion *companion, const void *bytes, size_t length)
{
    return send(companion->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

bool soak_companion_send_raw(struct soak_companion *companion, const void *bytes, size_t length)
{
    return companion->tls ? soak_tls_send(companion->tls, bytes, length) == (ssize_t)length
                          : soak_companion_send_bare(companion, bytes, length);
}

bool soak_companion_send(struct soak_companion *companion, int first_byte, const void *payload,
                         size_t length)
{
    static const uint8_t key[4] = {0x12, 0x34, 0x56, 0x78};
    static uint8_t frame[14 + FRAME_MAX];
    const uint8_t *bytes = payload;
    size_t used = 2;

    if (length > FRAME_MAX)
        return false;
    frame[0] = (uint8_t)first_byte;
    if (length < 126) {
        frame[1] = (uint8_t)(0x80 | length);
    } else {
        size_t octets = length < 65536 ? 2 : 8;

        frame[1] = (uint8_t)(0x80 | (octets == 2 ? 126 : 127));
        for (size_t i = 0; i < octets; i++)
            frame[used++] = (uint8_t)((uint64_t)length >> 8 * (octets - 1 - i));
    }
    memcpy(frame + used, key, sizeof key);
    used += sizeof key;
    for (size_t i = 0; i < length; i++)
        frame[used++] = bytes[i] ^ key[i % sizeof key];
    return soak_companion_send_raw(companion, frame, used);
}

bool soak_companion_set_up(struct soak_companion *companion)
{
    char text[512];
    int length =
        snprintf(text, sizeof text, "{\"contentIdStem\":\"%s\",\"timelineSelector\":\"%s\"}",
                 companion->stem, companion->selector);

    return soak_companion_send(companion, 0x80 | TEXT, text, (size_t)length);
}

static bool shake_hands(struct soak_companion *companion)
{
    char request[512];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: tv\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                          companion->role == SOAK_CII ? "/cii" : "/ts");

    return soak_companion_send_raw(companion, request, (size_t)length);
}

/* ---- life ------------------------------------------------------------------------------------ */

bool soak_companion_connect(struct soak_companion *companion, uint16_t port, SSL_CTX *tls)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    /* Small, so that one who stalls is soon noticed. */
    int receive_bytes = 4096;

    companion->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (companion->fd < 0)
        return false;
    setsockopt(companion->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    /* Each is a device of its own for limits that count by address. */
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 0x10000 + companion->number);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(companion->fd, (struct sockaddr *)&own, sizeof own) == 0 &&
        (connect(companion->fd, (struct sockaddr *)&server, sizeof server) == 0 ||
         errno == EINPROGRESS)) {
        companion->phase = SOAK_CONNECTING;
        companion->tls = tls ? soak_tls_begin(tls, companion->fd) : NULL;
        if (companion->tls || !tls)
            return true;
    }
    close(companion->fd);
    companion->fd = -1;
    return false;
}

void soak_companion_leave(struct soak_companion *companion, bool reset)
{
    struct linger at_once = {1, 0};

    SSL_free(companion->tls);
    if (companion->fd >= 0) {
        if (reset)
            setsockopt(companion->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(companion->fd);
    }
    json_decref(companion->known);
    free(companion->input);
    *companion = (struct soak_companion){.fd = -1, .number = companion->number};
}

/* ---- receiving ------------------------------------------------------------------------------- */

static bool learn(struct soak_companion *companion, const char *text, size_t length)
{
    json_t *message = json_loadb(text, length, 0, NULL);

    if (!json_is_object(message)) {
        json_decref(message);
        return false;
    }
    if (companion->role == SOAK_CII && companion->known) {
        json_object_update(companion->known, message);
        json_decref(message);
    } else {
        json_decref(companion->known);
        companion->known = message;
    }
    return true;
}

static enum soak_end take_frame(struct soak_companion *companion, int opcode,
                                const uint8_t *payload, size_t length, unsigned *code)
{
    switch (opcode) {
    case TEXT:
        return learn(companion, (const char *)payload, length) ? SOAK_LIVES : SOAK_WRONG;
    case PING:
        if (!companion->mute)
            soak_companion_send(companion, 0x80 | PONG, payload, length);
        return SOAK_LIVES;
    case PONG:
        return SOAK_LIVES;
    case CLOSE:
        *code = length >= 2 ? (unsigned)payload[0] << 8 | payload[1] : 1005;
        if (length > 2)
            snprintf(companion->reason, sizeof companion->reason, "%.*s", (int)length - 2,
                     (const char *)payload + 2);
        soak_companion_send(companion, 0x80 | CLOSE, payload, length);
        return SOAK_CLOSED;
    default:
        return SOAK_WRONG;
    }
}

/* The length of the frame's head; 0 if it is not all there. */
static size_t read_head(const uint8_t *bytes, size_t available, size_t *payload_length)
{
    size_t octets = 0;

    if (available < 2)
        return 0;
    *payload_length = bytes[1] & 0x7f;
    if (*payload_length >= 126) {
        octets = *payload_length == 126 ? 2 : 8;
        if (available < 2 + octets)
            return 0;
        *payload_length = 0;
        for (size_t i = 0; i < octets; i++)
            *payload_length = *payload_length << 8 | bytes[2 + i];
    }
    return 2 + octets;
}

static enum soak_end take_frames(struct soak_companion *companion, unsigned *code)
{
    size_t used = 0;
    enum soak_end end = SOAK_LIVES;

    while (end == SOAK_LIVES) {
        const uint8_t *frame = companion->input + used;
        size_t available = companion->length - used;
        size_t length = 0;
        size_t head = read_head(frame, available, &length);

        if (head == 0 || available - head < length)
            break;
        /* A server sends whole messages, without mask and reserved bits. */
        if ((frame[0] & 0xf0) != 0x80 || frame[1] & 0x80)
            return SOAK_WRONG;
        end = take_frame(companion, frame[0] & 0x0f, frame + head, length, code);
        used += head + length;
    }
    if (used != 0)
        memmove(companion->input, companion->input + used, companion->length - used);
    companion->length -= used;
    return end;
}

static enum soak_end take_answer(struct soak_companion *companion)
{
    const uint8_t *end = memmem(companion->input, companion->length, "\r\n\r\n", 4);
    size_t length;

    if (!end)
        return SOAK_LIVES;
    if (memcmp(companion->input, "HTTP/1.1 101 ", 13) != 0)
        return SOAK_WRONG;
    length = (size_t)(end + 4 - companion->input);
    memmove(companion->input, end + 4, companion->length - length);
    companion->length -= length;
    companion->phase = SOAK_OPEN;
    if (companion->role == SOAK_TS && companion->selector)
        soak_companion_set_up(companion);
    return SOAK_LIVES;
}

static ssize_t receive(struct soak_companion *companion)
{
    uint8_t *room = companion->input + companion->length;
    size_t size = companion->size - companion->length;

    return companion->tls ? soak_tls_receive(companion->tls, room, size)
                          : recv(companion->fd, room, size, MSG_DONTWAIT);
}

static enum soak_end read_input(struct soak_companion *companion)
{
    for (;;) {
        ssize_t count;

        if (companion->size - companion->length < INPUT_STEP) {
            companion->size += 2 * (size_t)INPUT_STEP;
            companion->input = realloc(companion->input, companion->size);
            if (!companion->input)
                abort();
        }
        count = receive(companion);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? SOAK_LIVES : SOAK_LOST;
        if (count == 0)
            return SOAK_LOST;
        companion->length += (size_t)count;
    }
}

static bool open_up(struct soak_companion *companion)
{
    companion->phase = SOAK_SHAKING;
    return companion->opening
               ? soak_companion_send_raw(companion, companion->opening, strlen(companion->opening))
               : shake_hands(companion);
}

static bool begin(struct soak_companion *companion)
{
    int error = 0;
    socklen_t length = sizeof error;

    if (getsockopt(companion->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0)
        return false;
    if (!companion->tls)
        return open_up(companion);
    companion->phase = SOAK_SECURING;
    return true;
}

static bool secure(struct soak_companion *companion)
{
    int result = soak_tls_shake_hands(companion->tls);

    return result == 1 ? open_up(companion) : result == 0;
}

enum soak_end soak_companion_go_on(struct soak_companion *companion, unsigned *code)
{
    enum soak_end end = SOAK_LIVES;
    enum soak_end ending;

    if (companion->phase == SOAK_CONNECTING && !begin(companion))
        return SOAK_LOST;
    if (companion->phase == SOAK_SECURING) {
        if (!secure(companion))
            return SOAK_LOST;
        if (companion->phase == SOAK_SECURING)
            return SOAK_LIVES;
    }
    if (companion->stalled)
        return SOAK_LIVES;
    ending = read_input(companion);
    if (companion->manner == SOAK_BAD) {
        companion->length = 0;
        return ending;
    }
    if (companion->phase == SOAK_SHAKING)
        end = take_answer(companion);
    if (end == SOAK_LIVES && companion->phase == SOAK_OPEN)
        end = take_frames(companion, code);
    return end == SOAK_LIVES ? ending : end;
}
