#include "soak_tls.h"

#include <errno.h>
#include <openssl/err.h>

SSL_CTX *soak_tls_create(const char *certificate)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (!context || SSL_CTX_load_verify_locations(context, certificate, NULL) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    return context;
}

SSL *soak_tls_begin(SSL_CTX *context, int fd)
{
    SSL *tls = SSL_new(context);

    if (!tls || SSL_set_fd(tls, fd) != 1) {
        SSL_free(tls);
        return NULL;
    }
    SSL_set_connect_state(tls);
    return tls;
}

/* The errors of one connection must not be taken for those of the next. */
static bool must_wait(const SSL *tls, int result)
{
    int error = SSL_get_error(tls, result);

    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

int soak_tls_shake_hands(SSL *tls)
{
    int result = SSL_do_handshake(tls);

    if (result == 1)
        return 1;
    return must_wait(tls, result) ? 0 : -1;
}

static ssize_t as_system_call(SSL *tls, int result)
{
    if (result > 0)
        return result;
    if (SSL_get_error(tls, result) == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = must_wait(tls, result) ? EAGAIN : EIO;
    return -1;
}

ssize_t soak_tls_send(SSL *tls, const void *bytes, size_t length)
{
    const char *next = bytes;
    size_t sent = 0;
    ssize_t part = 0;

    /* One record at a time. */
    while (sent < length &&
           (part = as_system_call(tls, SSL_write(tls, next + sent, (int)(length - sent)))) > 0)
        sent += (size_t)part;
    return sent != 0 || length == 0 ? (ssize_t)sent : part;
}

ssize_t soak_tls_receive(SSL *tls, void *bytes, size_t size)
{
    return as_system_call(tls, SSL_read(tls, bytes, (int)size));
}

void soak_tls_change_keys(SSL *tls, bool both)
{
    if (SSL_key_update(tls, both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
        (void)SSL_do_handshake(tls);
    ERR_clear_error();
}

void soak_tls_finish(SSL *tls)
{
    (void)SSL_shutdown(tls);
    ERR_clear_error();
}
