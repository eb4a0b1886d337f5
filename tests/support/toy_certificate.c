#include "toy_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool fine)
{
    if (fine)
        return;
    fprintf(stderr, "toy certificate: cannot be made\n");
    abort();
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    must(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *names, long seconds)
{
    X509 *certificate = X509_new();
    X509_NAME *subject;

    must(certificate && X509_set_version(certificate, 2) == 1);
    subject = X509_get_subject_name(certificate);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -24 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"toy", -1, -1,
                               0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    add_extension(certificate, NID_subject_alt_name, names);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    must(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void write_file(EVP_PKEY *key, const char *names, long seconds, const char *passphrase,
                       char path[TOY_CERTIFICATE_PATH_SIZE])
{
    X509 *certificate = make(key, names, seconds);
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_128_cbc() : NULL;
    int descriptor;
    FILE *file;

    snprintf(path, TOY_CERTIFICATE_PATH_SIZE, "/tmp/toy-certificate-XXXXXX");
    descriptor = mkstemp(path);
    must(descriptor >= 0);
    file = fdopen(descriptor, "w");
    must(file && PEM_write_X509(file, certificate) == 1 &&
         PEM_write_PrivateKey(file, key, cipher, (const unsigned char *)passphrase,
                              passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1 &&
         fclose(file) == 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void toy_certificate_write(const char *names, long seconds, char path[TOY_CERTIFICATE_PATH_SIZE])
{
    write_file(EVP_EC_gen("P-256"), names, seconds, NULL, path);
}

void toy_certificate_write_rsa(const char *names, long seconds,
                               char path[TOY_CERTIFICATE_PATH_SIZE])
{
    write_file(EVP_RSA_gen(2048), names, seconds, NULL, path);
}

void toy_certificate_write_protected(const char *names, long seconds, const char *passphrase,
                                     char path[TOY_CERTIFICATE_PATH_SIZE])
{
    write_file(EVP_EC_gen("P-256"), names, seconds, passphrase, path);
}

void toy_certificate_pin(const char *path, char pin[TOY_CERTIFICATE_PIN_SIZE])
{
    static const char prefix[] = "sha256//";
    FILE *file = fopen(path, "r");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned char *key = NULL;
    int length;

    must(certificate);
    length = i2d_PUBKEY(X509_get0_pubkey(certificate), &key);
    must(length > 0);
    SHA256(key, (size_t)length, digest);
    memcpy(pin, prefix, sizeof prefix);
    EVP_EncodeBlock((unsigned char *)pin + sizeof prefix - 1, digest, sizeof digest);
    OPENSSL_free(key);
    X509_free(certificate);
    fclose(file);
}
