#include "clients/ws_client_tls.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/client.h"

/* ---- pins ------------------------------------------------------------------------------------ */

static const char prefix[] = "sha256//";

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(const char *text, struct ws_client_pin *pin)
{
    for (size_t i = 0; i < WS_CLIENT_PIN_SIZE; i++) {
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);

        if (low < 0)
            return false;
        pin->bytes[i] = (uint8_t)(high << 4 | low);
        text += 2;
        if (*text == ':' && i + 1 < WS_CLIENT_PIN_SIZE)
            text++;
    }
    return *text == '\0';
}

static bool read_base64(const char *text, struct ws_client_pin *pin)
{
    enum { TEXT_LENGTH = 44, PADDED_SIZE = 33 };
    unsigned char bytes[PADDED_SIZE];

    if (strncmp(text, prefix, sizeof prefix - 1) == 0)
        text += sizeof prefix - 1;
    /* 32 bytes end with one character of padding, no more and no less. */
    if (strlen(text) != TEXT_LENGTH || text[TEXT_LENGTH - 1] != '=' ||
        text[TEXT_LENGTH - 2] == '=' ||
        EVP_DecodeBlock(bytes, (const unsigned char *)text, TEXT_LENGTH) != PADDED_SIZE)
        return false;
    memcpy(pin->bytes, bytes, WS_CLIENT_PIN_SIZE);
    return true;
}

int ws_client_pin_parse(const char *text, struct ws_client_pin *pin, struct dvbcss_report *report)
{
    struct ws_client_pin read;

    if (read_hex(text, &read) || read_base64(text, &read)) {
        *pin = read;
        return 0;
    }
    if (report) {
        *report = (struct dvbcss_report){.error = DVBCSS_EVALUE};
        snprintf(report->path, sizeof report->path, "pin");
        snprintf(report->reason, sizeof report->reason,
                 "expected the SHA-256 of a public key: 64 hexadecimal digits or sha256//BASE64");
    }
    return DVBCSS_EVALUE;
}

int dvbcss_client_pin_format(const char *pin, char text[DVBCSS_CLIENT_PIN_SIZE],
                             struct dvbcss_report *report)
{
    struct ws_client_pin read;
    int error = ws_client_pin_parse(pin, &read, report);

    if (error)
        return error;
    memcpy(text, prefix, sizeof prefix);
    EVP_EncodeBlock((unsigned char *)text + sizeof prefix - 1, read.bytes, WS_CLIENT_PIN_SIZE);
    return 0;
}

/* ---- believing ------------------------------------------------------------------------------- */

/* The digest of the SubjectPublicKeyInfo (RFC 7469 2.4). */
static bool has_key(const X509 *certificate, const struct ws_client_pin *pin)
{
    unsigned char *bytes = NULL;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    int length = certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes) : -1;

    if (length <= 0)
        return false;
    SHA256(bytes, (size_t)length, digest);
    OPENSSL_free(bytes);
    return memcmp(digest, pin->bytes, sizeof digest) == 0;
}

bool ws_client_trust_is_pin_alone(const struct ws_client_trust *trust)
{
    return trust->pinned && !trust->ca_file;
}

static const struct ws_client_trust *trust_of(X509_STORE_CTX *store,
                                              const struct ws_client_trust_finder *finder)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

    return ssl ? finder->find(finder->user, ssl) : NULL;
}

static int verify(X509_STORE_CTX *store, void *finder)
{
    const struct ws_client_trust *trust = trust_of(store, finder);

    if (!trust || (trust->pinned && !has_key(X509_STORE_CTX_get0_cert(store), &trust->pin))) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    if (!ws_client_trust_is_pin_alone(trust))
        return X509_verify_cert(store);
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* The system's certificates are many: they are not read where nobody asks them. */
static bool load_authorities(SSL_CTX *ssl, const struct ws_client_trust *trust)
{
    if (ws_client_trust_is_pin_alone(trust))
        return true;
    if (trust->ca_file)
        return SSL_CTX_load_verify_locations(ssl, trust->ca_file, NULL) == 1;
    return SSL_CTX_set_default_verify_paths(ssl) == 1;
}

struct ssl_ctx_st *ws_client_tls_create(const struct ws_client_trust *trust,
                                        struct ws_client_trust_finder *finder)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());

    if (!ssl)
        return NULL;
    if (!load_authorities(ssl, trust) || SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(ssl);
        return NULL;
    }
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, verify, finder);
    return ssl;
}

const char *ws_client_tls_verdict(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_APPLICATION_VERIFICATION:
        return "the server's key is not the pinned one";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "the server's certificate is for another host";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "the server's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "the server's certificate is not valid yet";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "no trusted authority vouches for the server's certificate";
    default:
        return X509_verify_cert_error_string(verdict);
    }
}
