/**
 * @file
 * TLS of a server: the certificate that it shows, and the rules for whoever speaks to it. Private
 * to server-core.
 */
#ifndef DVBCSS_WS_TLS_H
#define DVBCSS_WS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/server.h"

struct ws_tls;
struct ws_socket;
/** SSL_CTX and SSL of OpenSSL. */
struct ssl_ctx_st;
struct ssl_st;

/** Reads certificate and key. Returns 0, or DVBCSS_EINVAL, DVBCSS_ETLS or DVBCSS_ENOMEM with
 * @p report filled. */
int ws_tls_create(struct ws_tls **tls, const struct dvbcss_server_tls *files,
                  struct dvbcss_report *report);

/** No connection may be left that was made with it. NULL is fine. */
void ws_tls_destroy(struct ws_tls *tls);

/** Reads certificate and key again, or other ones; for the handshakes to come. All or nothing. */
int ws_tls_reload(struct ws_tls *tls, const struct dvbcss_server_tls *files,
                  struct dvbcss_report *report);

/** Until when the certificate is valid, in seconds since 1970. */
int64_t ws_tls_not_after(const struct ws_tls *tls);

/** Sets the rules in a context from which connections are made, and has each of them show the
 * certificate of the moment. Returns 0 or DVBCSS_ETLS. */
int ws_tls_apply(struct ws_tls *tls, struct ssl_ctx_st *context);

/** Says whose adoption begins; NULL that it is over. */
void ws_tls_adopt(struct ws_socket *socket);

/** Has ws_event_secured() called when a handshake is done. The socket outlives @p ssl. */
void ws_tls_watch(struct ssl_st *ssl, struct ws_socket *socket);

/** The host name that the peer has asked for; "" if it has asked for none, or for one that cannot
 * stand in a URL. Valid as long as @p ssl. */
const char *ws_tls_server_name(const struct ssl_st *ssl);

/** Writes as much as the connection takes at once. Returns 0 or DVBCSS_EIO. */
int ws_tls_write(struct ssl_st *ssl, const void *bytes, size_t length, size_t *written);

/** Tells the peer that nothing more will come, if the socket takes that at once. */
void ws_tls_finish(struct ssl_st *ssl);

#endif
