#include "toy_server.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_SIZE = 64 * 1024, URL_SIZE = 256, ACCEPT_SIZE = 32 };

struct toy_server {
    uv_loop_t *loop;
    const struct toy_script *script;
    void *user;
    SSL_CTX *tls;
    uv_tcp_t listener;
    bool listening;
    uint16_t port;
    unsigned accepted;
    unsigned present;
    bool closing;
    struct toy_connection *connections;
    char url[URL_SIZE];
};

struct toy_connection {
    struct toy_server *server;
    struct toy_connection *next;
    uv_tcp_t tcp;
    SSL *ssl;
    bool upgraded;
    bool closing;
    char accept[ACCEPT_SIZE];
    size_t length;
    char input[INPUT_SIZE + 1];
};

struct write {
    uv_write_t request;
    char bytes[];
};

static void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "toy server: %s failed\n", what);
    abort();
}

static void *must_have(void *memory)
{
    must(memory != NULL, "allocation");
    return memory;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void server_free_if_done(struct toy_server *server)
{
    if (!server->closing || server->listening || server->present > 0)
        return;
    SSL_CTX_free(server->tls);
    free(server);
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct toy_connection *connection = handle->data;
    struct toy_server *server = connection->server;
    struct toy_connection **link = &server->connections;

    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    server->present--;
    if (server->script->gone && !server->closing)
        server->script->gone(connection);
    SSL_free(connection->ssl);
    free(connection);
    server_free_if_done(server);
}

static void drop(struct toy_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
}

static void on_shut_down(uv_shutdown_t *request, int status)
{
    struct toy_connection *connection = request->data;

    (void)status;
    free(request);
    drop(connection);
}

void toy_hang_up(struct toy_connection *connection)
{
    uv_shutdown_t *request = must_have(calloc(1, sizeof *request));

    request->data = connection;
    if (connection->closing ||
        uv_shutdown(request, (uv_stream_t *)&connection->tcp, on_shut_down) != 0) {
        free(request);
        drop(connection);
    }
}

void toy_reset(struct toy_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    must(uv_tcp_close_reset(&connection->tcp, on_connection_closed) == 0, "reset");
}

/* ---- sending --------------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request->data);
}

static void write_plain(struct toy_connection *connection, const void *bytes, size_t length)
{
    struct write *write = must_have(malloc(sizeof *write + length));
    uv_buf_t buffer = uv_buf_init(write->bytes, (unsigned)length);

    memcpy(write->bytes, bytes, length);
    write->request.data = write;
    if (connection->closing ||
        uv_write(&write->request, (uv_stream_t *)&connection->tcp, &buffer, 1, on_written) != 0)
        free(write);
}

/* What TLS has made for the network. */
static void flush_tls(struct toy_connection *connection)
{
    char bytes[4096];
    int length;

    while ((length = BIO_read(SSL_get_wbio(connection->ssl), bytes, sizeof bytes)) > 0)
        write_plain(connection, bytes, (size_t)length);
}

void toy_raw(struct toy_connection *connection, const void *bytes, size_t length)
{
    if (!connection->ssl) {
        write_plain(connection, bytes, length);
        return;
    }
    must(SSL_write(connection->ssl, bytes, (int)length) == (int)length, "SSL_write");
    flush_tls(connection);
}

void toy_raw_text(struct toy_connection *connection, const char *text)
{
    toy_raw(connection, text, strlen(text));
}

void toy_frame(struct toy_connection *connection, bool fin, enum toy_opcode opcode,
               const void *payload, size_t length)
{
    unsigned char *frame = must_have(malloc(length + 10));
    size_t head = 2;

    frame[0] = (unsigned char)((fin ? 0x80u : 0u) | (unsigned)opcode);
    if (length < 126) {
        frame[1] = (unsigned char)length;
    } else if (length < 65536) {
        frame[1] = 126;
        head = 4;
    } else {
        frame[1] = 127;
        head = 10;
    }
    for (size_t i = 2; i < head; i++)
        frame[i] = (unsigned char)(length >> 8 * (head - 1 - i));
    if (length > 0)
        memcpy(frame + head, payload, length);
    toy_raw(connection, frame, head + length);
    free(frame);
}

void toy_text(struct toy_connection *connection, const char *text)
{
    toy_frame(connection, true, TOY_TEXT, text, strlen(text));
}

void toy_close(struct toy_connection *connection, uint16_t code, const char *reason)
{
    char payload[126];
    size_t length = strlen(reason);

    must(length <= sizeof payload - 3, "fitting the reason in");
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    snprintf(payload + 2, sizeof payload - 2, "%s", reason);
    toy_frame(connection, true, TOY_CLOSE, payload, code == 0 ? 0 : length + 2);
}

/* ---- the handshake --------------------------------------------------------------------------- */

static void note_accept_value(struct toy_connection *connection)
{
    static const char name[] = "Sec-WebSocket-Key:";
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const char *key = strcasestr(connection->input, name);
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[128];
    unsigned length = 0;
    int key_length;

    if (!key)
        return;
    key += strlen(name);
    key += strspn(key, " ");
    key_length = (int)strcspn(key, "\r\n ");
    snprintf(text, sizeof text, "%.*s%s", key_length, key, magic);
    must(EVP_Digest(text, strlen(text), digest, &length, EVP_sha1(), NULL) == 1, "SHA-1");
    EVP_EncodeBlock((unsigned char *)connection->accept, digest, (int)length);
}

void toy_accept(struct toy_connection *connection)
{
    char answer[256];

    snprintf(answer, sizeof answer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             connection->accept);
    toy_raw_text(connection, answer);
    connection->upgraded = true;
    if (connection->server->script->opened)
        connection->server->script->opened(connection);
}

static void consume(struct toy_connection *connection, size_t length)
{
    connection->length -= length;
    memmove(connection->input, connection->input + length, connection->length);
    connection->input[connection->length] = '\0';
}

/* Returns whether a request was there. */
static bool take_request(struct toy_connection *connection)
{
    const struct toy_script *script = connection->server->script;
    char *end = strstr(connection->input, "\r\n\r\n");
    char path[URL_SIZE] = "";
    char *head;

    if (!end)
        return false;
    end[2] = '\0';
    (void)sscanf(connection->input, "GET %255s", path);
    note_accept_value(connection);
    head = must_have(strdup(connection->input));
    consume(connection, (size_t)(end + 4 - connection->input));
    if (script->request)
        script->request(connection, path, head);
    else
        toy_accept(connection);
    free(head);
    return true;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void deliver(struct toy_connection *connection, enum toy_opcode opcode, const char *payload,
                    size_t length)
{
    const struct toy_script *script = connection->server->script;

    if (script->frame) {
        script->frame(connection, opcode, payload, length);
        return;
    }
    if (opcode != TOY_CLOSE)
        return;
    toy_frame(connection, true, TOY_CLOSE, payload, length);
    toy_hang_up(connection);
}

/* Takes a masked frame of up to 65535 bytes. Returns whether one was there. */
static bool take_frame(struct toy_connection *connection)
{
    const unsigned char *bytes = (const unsigned char *)connection->input;
    size_t head = 6;
    size_t length;
    enum toy_opcode opcode;
    char *payload;

    if (connection->length < head)
        return false;
    must((bytes[1] & 0x80) != 0, "finding the mask that a client owes");
    opcode = (enum toy_opcode)(bytes[0] & 0x0f);
    length = bytes[1] & 0x7f;
    if (length == 126) {
        head = 8;
        length = (size_t)bytes[2] << 8 | bytes[3];
    }
    if (connection->length < head + length)
        return false;
    payload = must_have(malloc(length + 1));
    for (size_t i = 0; i < length; i++)
        payload[i] = (char)(bytes[head + i] ^ bytes[head - 4 + i % 4]);
    payload[length] = '\0';
    consume(connection, head + length);
    deliver(connection, opcode, payload, length);
    free(payload);
    return true;
}

static void add_input(struct toy_connection *connection, const char *bytes, size_t length)
{
    must(length <= INPUT_SIZE - connection->length, "keeping what a client sent");
    memcpy(connection->input + connection->length, bytes, length);
    connection->length += length;
    connection->input[connection->length] = '\0';
    while (!connection->closing &&
           (connection->upgraded ? take_frame(connection) : take_request(connection)))
        ;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void add_tls_input(struct toy_connection *connection, const char *bytes, size_t length)
{
    char plain[4096];
    int got;

    must(BIO_write(SSL_get_rbio(connection->ssl), bytes, (int)length) == (int)length, "BIO_write");
    while ((got = SSL_read(connection->ssl, plain, sizeof plain)) > 0)
        add_input(connection, plain, (size_t)got);
    if (!connection->closing)
        flush_tls(connection);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    *buffer = uv_buf_init(must_have(malloc(suggested)), (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct toy_connection *connection = stream->data;

    if (length < 0)
        drop(connection);
    else if (connection->ssl)
        add_tls_input(connection, buffer->base, (size_t)length);
    else
        add_input(connection, buffer->base, (size_t)length);
    free(buffer->base);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct toy_server *server = listener->data;
    struct toy_connection *connection = must_have(calloc(1, sizeof *connection));

    must(status == 0 && uv_tcp_init(server->loop, &connection->tcp) == 0, "accepting");
    connection->server = server;
    connection->tcp.data = connection;
    connection->next = server->connections;
    server->connections = connection;
    server->accepted++;
    server->present++;
    if (server->tls) {
        connection->ssl = must_have(SSL_new(server->tls));
        SSL_set_bio(connection->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(connection->ssl);
    }
    must(uv_accept(listener, (uv_stream_t *)&connection->tcp) == 0, "uv_accept");
    must(uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read) == 0, "reading");
}

/* ---- the server ------------------------------------------------------------------------------ */

static void begin_tls(struct toy_server *server, const char *file)
{
    server->tls = must_have(SSL_CTX_new(TLS_server_method()));
    must(SSL_CTX_use_certificate_file(server->tls, file, SSL_FILETYPE_PEM) == 1 &&
             SSL_CTX_use_PrivateKey_file(server->tls, file, SSL_FILETYPE_PEM) == 1,
         "using the certificate");
}

struct toy_server *toy_server_create(uv_loop_t *loop, const struct toy_script *script, void *user,
                                     const char *certificate_file)
{
    struct toy_server *server = must_have(calloc(1, sizeof *server));
    struct sockaddr_in address;
    int size = sizeof address;

    server->loop = loop;
    server->script = script;
    server->user = user;
    if (certificate_file)
        begin_tls(server, certificate_file);
    must(uv_ip4_addr("127.0.0.1", 0, &address) == 0 && uv_tcp_init(loop, &server->listener) == 0 &&
             uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0) == 0,
         "binding");
    server->listener.data = server;
    server->listening = true;
    must(uv_listen((uv_stream_t *)&server->listener, 16, on_connection) == 0, "listening");
    must(uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &size) == 0, "naming");
    server->port = ntohs(address.sin_port);
    return server;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct toy_server *server = handle->data;

    server->listening = false;
    server_free_if_done(server);
}

void toy_server_stop_listening(struct toy_server *server)
{
    if (!uv_is_closing((uv_handle_t *)&server->listener))
        uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}

void toy_server_close(struct toy_server *server)
{
    struct toy_connection *next;

    server->closing = true;
    for (struct toy_connection *connection = server->connections; connection; connection = next) {
        next = connection->next;
        drop(connection);
    }
    if (server->listening)
        toy_server_stop_listening(server);
    else
        server_free_if_done(server);
}

uint16_t toy_server_port(const struct toy_server *server)
{
    return server->port;
}

const char *toy_server_url(struct toy_server *server, const char *path)
{
    snprintf(server->url, sizeof server->url, "%s://127.0.0.1:%u%s", server->tls ? "wss" : "ws",
             server->port, path);
    return server->url;
}

unsigned toy_server_accepted(const struct toy_server *server)
{
    return server->accepted;
}

unsigned toy_server_present(const struct toy_server *server)
{
    return server->present;
}

void *toy_user(struct toy_connection *connection)
{
    return connection->server->user;
}
