/**
 * @file
 * Certificates for tests, made on the spot.
 */
#ifndef TESTS_TOY_CERTIFICATE_H
#define TESTS_TOY_CERTIFICATE_H

enum { TOY_CERTIFICATE_PATH_SIZE = 64 };

/**
 * Writes a certificate that vouches for itself, and its key, into a new file (PEM).
 *
 * @param names   as in a subjectAltName: "DNS:localhost,IP:127.0.0.1"
 * @param seconds that it is valid from now on; negative for one that has expired
 * @param path    receives the file's path; the test removes it
 */
void toy_certificate_write(const char *names, long seconds, char path[TOY_CERTIFICATE_PATH_SIZE]);

/** The same with a key of another kind: RSA in the place of ECDSA. */
void toy_certificate_write_rsa(const char *names, long seconds,
                               char path[TOY_CERTIFICATE_PATH_SIZE]);

/** The same with a key that a passphrase protects. */
void toy_certificate_write_protected(const char *names, long seconds, const char *passphrase,
                                     char path[TOY_CERTIFICATE_PATH_SIZE]);

enum { TOY_CERTIFICATE_PIN_SIZE = 64 };

/** Tells the SHA-256 of a certificate's public key as "sha256//BASE64". */
void toy_certificate_pin(const char *path, char pin[TOY_CERTIFICATE_PIN_SIZE]);

#endif
