/**
 * @file
 * Whom a client with TLS believes: a server that descends from certain certificates and proves its
 * name, or one with a certain key.
 */
#ifndef CLIENTS_WS_CLIENT_TLS_H
#define CLIENTS_WS_CLIENT_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/error.h"

/** SSL_CTX and SSL of OpenSSL. */
struct ssl_ctx_st;
struct ssl_st;

/** Length of a SHA-256. */
enum { WS_CLIENT_PIN_SIZE = 32 };

/** The SHA-256 of a public key. */
struct ws_client_pin {
    uint8_t bytes[WS_CLIENT_PIN_SIZE];
};

/** Whom to believe. All zero: whoever the system's certificates vouch for. */
struct ws_client_trust {
    /** File with certificates (PEM); NULL for the system's. */
    const char *ca_file;
    /** Whether only the server with the key of @ref pin is believed. Without a `ca_file` it is
     * believed whoever vouches for it, and whatever it is called. */
    bool pinned;
    struct ws_client_pin pin;
};

/** Reads a pin: 64 hexadecimal digits, with or without colons between bytes, or 44 characters of
 * base64, with or without "sha256//" before. Returns 0 or DVBCSS_EVALUE with @p report filled. */
int ws_client_pin_parse(const char *text, struct ws_client_pin *pin, struct dvbcss_report *report);

/** Whether the pin decides alone, so that names count for nothing. */
bool ws_client_trust_is_pin_alone(const struct ws_client_trust *trust);

/** Tells whom a connection believes. */
struct ws_client_trust_finder {
    /** NULL for nobody. */
    const struct ws_client_trust *(*find)(void *user, const struct ssl_st *ssl);
    void *user;
};

/**
 * Makes what connections are made from that rely on the same certificates; each may have a pin of
 * its own.
 *
 * @param trust  whose certificates are loaded; none if its pin decides alone
 * @param finder asked in each handshake; has to outlive what is made
 * @return NULL if the file cannot be used, or without memory
 */
struct ssl_ctx_st *ws_client_tls_create(const struct ws_client_trust *trust,
                                        struct ws_client_trust_finder *finder);

/** Says for people why a certificate was not believed; an X509_V_ERR_... of OpenSSL. */
const char *ws_client_tls_verdict(long verdict);

#endif
