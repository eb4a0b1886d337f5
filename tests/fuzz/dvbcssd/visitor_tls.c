#include "visitor_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdlib.h>

#include "world.h"

struct visitor_tls {
    SSL *ssl;
    /* From the socket, and to it; the connection's. */
    BIO *in;
    BIO *out;
    size_t allowed;
    /* SIZE_MAX: none. */
    size_t spoiled;
};

/* Made once: what it has loaded is most of what a connection costs. */
static SSL_CTX *make_context(void)
{
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    world_require(context != NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    world_require(SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1) == 0);
    return context;
}

struct visitor_tls *visitor_tls_begin(const struct visitor_tls_manner *manner)
{
    static SSL_CTX *context;
    struct visitor_tls *tls = malloc(sizeof *tls);

    if (!context)
        context = make_context();
    world_require(tls != NULL);
    *tls = (struct visitor_tls){
        .ssl = SSL_new(context),
        .in = BIO_new(BIO_s_mem()),
        .out = BIO_new(BIO_s_mem()),
        .allowed = SIZE_MAX,
        .spoiled = SIZE_MAX,
    };
    world_require(tls->ssl && tls->in && tls->out);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    if (manner->old)
        world_require(SSL_set_max_proto_version(tls->ssl, TLS1_2_VERSION) == 1);
    if (manner->wary)
        SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL);
    /* Names that cannot be asked for are not. */
    if (*manner->name)
        (void)SSL_set_tlsext_host_name(tls->ssl, manner->name);
    (void)SSL_do_handshake(tls->ssl);
    /* The daemon's thread is this one, and so is its list of errors. */
    ERR_clear_error();
    return tls;
}

void visitor_tls_end(struct visitor_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

void visitor_tls_say(struct visitor_tls *tls, const void *bytes, size_t length)
{
    const char *next = bytes;
    size_t part;

    /* One record at a time. */
    while (length > 0 && SSL_write_ex(tls->ssl, next, length, &part) == 1) {
        next += part;
        length -= part;
    }
    ERR_clear_error();
}

void visitor_tls_hear(struct visitor_tls *tls, const void *bytes, size_t length)
{
    world_require(BIO_write(tls->in, bytes, (int)length) == (int)length);
}

size_t visitor_tls_read(struct visitor_tls *tls, void *bytes, size_t size)
{
    size_t length = 0;

    if (SSL_read_ex(tls->ssl, bytes, size, &length) != 1)
        length = 0;
    ERR_clear_error();
    return length;
}

void visitor_tls_change_keys(struct visitor_tls *tls, bool both)
{
    int kind = both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;

    if (SSL_key_update(tls->ssl, kind) == 1)
        (void)SSL_do_handshake(tls->ssl);
    ERR_clear_error();
}

void visitor_tls_negotiate_again(struct visitor_tls *tls)
{
    if (SSL_renegotiate(tls->ssl) == 1)
        (void)SSL_do_handshake(tls->ssl);
    ERR_clear_error();
}

void visitor_tls_finish(struct visitor_tls *tls)
{
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

void visitor_tls_hold_back(struct visitor_tls *tls, size_t length)
{
    tls->allowed = length;
}

void visitor_tls_spoil(struct visitor_tls *tls, size_t offset)
{
    tls->spoiled = offset;
}

const void *visitor_tls_outgoing(struct visitor_tls *tls, size_t *length)
{
    char *bytes;
    size_t kept = (size_t)BIO_get_mem_data(tls->out, &bytes);

    if (tls->spoiled < kept) {
        bytes[tls->spoiled] ^= 1;
        tls->spoiled = SIZE_MAX;
    }
    *length = kept < tls->allowed ? kept : tls->allowed;
    return bytes;
}

void visitor_tls_sent(struct visitor_tls *tls, size_t length)
{
    static char gone[65536];

    if (tls->allowed != SIZE_MAX)
        tls->allowed -= length;
    if (tls->spoiled != SIZE_MAX)
        tls->spoiled -= length;
    while (length > 0) {
        int part = BIO_read(tls->out, gone, length < sizeof gone ? (int)length : (int)sizeof gone);

        world_require(part > 0);
        length -= (size_t)part;
    }
}
