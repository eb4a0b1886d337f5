/**
 * @file
 * TLS of companions that come by it, over sockets that do not block.
 */
#ifndef TESTS_SOAK_TLS_H
#define TESTS_SOAK_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** Makes what connections are made from; they believe this certificate. NULL if that fails. */
SSL_CTX *soak_tls_create(const char *certificate);

/** Begins TLS on a socket, which stays the caller's. */
SSL *soak_tls_begin(SSL_CTX *context, int fd);

/** Goes on with the handshake: 1 once it is done, 0 while it is not, -1 if it has failed. */
int soak_tls_shake_hands(SSL *tls);

/** What send() and recv() do, with their results and errors: EAGAIN, and EIO for all others. */
ssize_t soak_tls_send(SSL *tls, const void *bytes, size_t length);
ssize_t soak_tls_receive(SSL *tls, void *bytes, size_t size);

/** Changes its keys, and if @p both asks for new ones of the server. */
void soak_tls_change_keys(SSL *tls, bool both);

/** Tells the server that nothing more will come. */
void soak_tls_finish(SSL *tls);

#endif
