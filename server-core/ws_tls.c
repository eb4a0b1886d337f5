#include "server-core/ws_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "dvbcss/alloc.h"
#include "dvbcss/error.h"
#include "dvbcss/log.h"
#include "server-core/ws_transport.h"

/* Of TLS 1.2: ephemeral keys and authenticated encryption. What TLS 1.3 has is all like that. */
#define CIPHERS                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"

struct ws_tls {
    char *certificate_file;
    /* NULL if the certificate's file has the key. */
    char *key_file;
    /* Certificate, chain and key, checked. No connection is made from it. */
    SSL_CTX *identity;
};

/* ------------------------------------------------------------------------------------------------
 * Reading certificate and key
 */

/* Fills the report with "file: reason"; of a long file name, its end. */
static int fail(struct dvbcss_report *report, int error, const char *path, const char *file,
                const char *reason)
{
    size_t length = strlen(file);
    size_t room;

    if (!report)
        return error;
    *report = (struct dvbcss_report){.error = error};
    snprintf(report->path, sizeof report->path, "%s", path);
    room =
        sizeof report->reason - sizeof ": " -
        (strlen(reason) < sizeof report->reason / 2 ? strlen(reason) : sizeof report->reason / 2);
    snprintf(report->reason, sizeof report->reason, "%s: %s",
             length > room ? file + length - room : file, reason);
    return error;
}

/* Otherwise OpenSSL would ask for it on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *user)
{
    (void)writing, (void)user;
    if (size > 0)
        buffer[0] = '\0';
    return -1;
}

/* The first error is the one that the others follow from. */
static const char *reason_of(unsigned long error, const char *nothing_found)
{
    const char *reason;

    if (ERR_SYSTEM_ERROR(error))
        return uv_strerror(uv_translate_sys_error(ERR_GET_REASON(error)));
    if (ERR_GET_REASON(error) == ERR_R_UNSUPPORTED ||
        (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE))
        return nothing_found;
    if (ERR_GET_REASON(error) == ERR_R_INTERRUPTED_OR_CANCELLED ||
        (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_BAD_PASSWORD_READ))
        return "is protected by a passphrase";
    reason = ERR_reason_error_string(error);
    return reason ? reason : nothing_found;
}

static int read_certificate(SSL_CTX *identity, const char *file, struct dvbcss_report *report)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(identity, file) == 1)
        return 0;
    return fail(report, DVBCSS_ETLS, "tls.certificate_file", file,
                reason_of(ERR_peek_error(), "has no certificate in PEM"));
}

static int read_key(SSL_CTX *identity, const char *file, struct dvbcss_report *report)
{
    unsigned long error;

    ERR_clear_error();
    if (SSL_CTX_use_PrivateKey_file(identity, file, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(identity) == 1)
        return 0;
    error = ERR_peek_error();
    /* Of another kind than the certificate's, or of the same and yet another. */
    if (ERR_GET_LIB(error) == ERR_LIB_X509 ||
        (ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) == SSL_R_NO_CERTIFICATE_ASSIGNED))
        return fail(report, DVBCSS_ETLS, "tls.key_file", file, "is not the certificate's key");
    return fail(report, DVBCSS_ETLS, "tls.key_file", file,
                reason_of(error, "has no private key in PEM"));
}

static int64_t not_after(SSL_CTX *identity)
{
    struct tm time;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(identity)), &time) != 1)
        return 0;
    return (int64_t)timegm(&time);
}

/* A television whose clock was never set must serve all the same: so this is for people. */
static void tell(SSL_CTX *identity, const char *file)
{
    const X509 *certificate = SSL_CTX_get0_certificate(identity);
    time_t end = (time_t)not_after(identity);
    const char *trouble = "";
    struct tm parts;
    char text[32] = "";

    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        trouble = ", which is over";
    else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        trouble = ", but not yet";
    gmtime_r(&end, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    dvbcss_log(*trouble ? DVBCSS_LOG_WARNING : DVBCSS_LOG_INFO, "tls-certificate",
               "%s is valid until %s%s", file, text, trouble);
}

static int read_identity(SSL_CTX **identity, const struct dvbcss_server_tls *files,
                         struct dvbcss_report *report)
{
    SSL_CTX *created;
    int result;

    if (!files->certificate_file)
        return fail(report, DVBCSS_EINVAL, "tls.certificate_file", "no file", "there must be one");
    created = SSL_CTX_new(TLS_server_method());
    if (!created)
        return fail(report, DVBCSS_ENOMEM, "tls", files->certificate_file,
                    dvbcss_error_text(DVBCSS_ENOMEM));
    SSL_CTX_set_default_passwd_cb(created, no_passphrase);
    result = read_certificate(created, files->certificate_file, report);
    if (result == 0)
        result =
            read_key(created, files->key_file ? files->key_file : files->certificate_file, report);
    ERR_clear_error();
    if (result != 0) {
        SSL_CTX_free(created);
        return result;
    }
    tell(created, files->certificate_file);
    *identity = created;
    return 0;
}

/* ------------------------------------------------------------------------------------------------
 * Life
 */

static int create(struct ws_tls **tls, const struct dvbcss_server_tls *files,
                  struct dvbcss_report *report)
{
    struct ws_tls *created = dvbcss_calloc(1, sizeof *created);
    int result;

    if (!created)
        return DVBCSS_ENOMEM;
    result = read_identity(&created->identity, files, report);
    if (result == 0) {
        created->certificate_file = dvbcss_strdup(files->certificate_file);
        created->key_file = dvbcss_strdup(files->key_file);
        if (!created->certificate_file || (files->key_file && !created->key_file))
            result = DVBCSS_ENOMEM;
    }
    if (result != 0) {
        ws_tls_destroy(created);
        return result;
    }
    *tls = created;
    return 0;
}

int ws_tls_create(struct ws_tls **tls, const struct dvbcss_server_tls *files,
                  struct dvbcss_report *report)
{
    int result = create(tls, files, report);

    return result == DVBCSS_ENOMEM
               ? fail(report, result, "tls", files->certificate_file, dvbcss_error_text(result))
               : result;
}

void ws_tls_destroy(struct ws_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->identity);
    dvbcss_free(tls->certificate_file);
    dvbcss_free(tls->key_file);
    dvbcss_free(tls);
}

int ws_tls_reload(struct ws_tls *tls, const struct dvbcss_server_tls *files,
                  struct dvbcss_report *report)
{
    const struct dvbcss_server_tls same = {tls->certificate_file, tls->key_file};
    struct ws_tls *fresh;
    struct ws_tls before = *tls;
    int result = ws_tls_create(&fresh, files ? files : &same, report);

    if (result != 0)
        return result;
    *tls = *fresh;
    *fresh = before;
    ws_tls_destroy(fresh);
    return 0;
}

int64_t ws_tls_not_after(const struct ws_tls *tls)
{
    return not_after(tls->identity);
}

/* ------------------------------------------------------------------------------------------------
 * Connections
 */

static int show_certificate(SSL *ssl, void *user)
{
    const struct ws_tls *tls = user;
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_get0_chain_certs(tls->identity, &chain);
    return SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(tls->identity),
                                SSL_CTX_get0_privatekey(tls->identity), chain, 1);
}

static int socket_index;

/* Whose adoption is under way: a quick peer may be done with the handshake before it returns. */
static _Thread_local struct ws_socket *adopted;

static void make_socket_index(void)
{
    socket_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static void on_progress(const SSL *ssl, int where, int value)
{
    struct ws_socket *socket = adopted ? adopted : SSL_get_ex_data(ssl, socket_index);

    (void)value;
    if (!socket)
        return;
    if (where & SSL_CB_HANDSHAKE_DONE)
        ws_event_secured(socket);
    else if (where & SSL_CB_EXIT && SSL_want_write(ssl))
        ws_event_stuck(socket);
}

int ws_tls_apply(struct ws_tls *tls, struct ssl_ctx_st *context)
{
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS) != 1 ||
        /* Resumed sessions would outlive the certificate, and keys of tickets would have to be
         * changed now and then. */
        SSL_CTX_set_num_tickets(context, 0) != 1)
        return DVBCSS_ETLS;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Buffers of 34 kB for each connection that is idle most of the time. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* The library's own would look for a virtual host of the name that the peer asks for. */
    SSL_CTX_set_tlsext_servername_callback(context, NULL);
    SSL_CTX_set_cert_cb(context, show_certificate, tls);
    SSL_CTX_set_info_callback(context, on_progress);
    return 0;
}

void ws_tls_adopt(struct ws_socket *socket)
{
    adopted = socket;
}

void ws_tls_watch(struct ssl_st *ssl, struct ws_socket *socket)
{
    static uv_once_t once = UV_ONCE_INIT;

    uv_once(&once, make_socket_index);
    /* Without memory the handshake is not counted, no more. */
    (void)SSL_set_ex_data(ssl, socket_index, socket);
}

const char *ws_tls_server_name(const struct ssl_st *ssl)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    return name && name[strspn(name, allowed)] == '\0' ? name : "";
}

int ws_tls_write(struct ssl_st *ssl, const void *bytes, size_t length, size_t *written)
{
    const uint8_t *next = bytes;
    size_t part;
    int error;

    *written = 0;
    /* The failure of somebody else must not be taken for one of this, nor this for the next. */
    ERR_clear_error();
    /* One record at a time. */
    while (*written < length && SSL_write_ex(ssl, next + *written, length - *written, &part) == 1)
        *written += part;
    if (*written == length)
        return 0;
    error = SSL_get_error(ssl, 0);
    ERR_clear_error();
    /* A peer that keeps half of a handshake message back would have us want to read: for ever. */
    return error == SSL_ERROR_WANT_WRITE ? 0 : DVBCSS_EIO;
}

void ws_tls_finish(struct ssl_st *ssl)
{
    (void)SSL_shutdown(ssl);
    ERR_clear_error();
}
