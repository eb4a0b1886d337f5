/**
 * @file
 * The daemon that is soaked: a process of its own, what it uses, and its control API.
 */
#ifndef TESTS_SOAK_DAEMON_H
#define TESTS_SOAK_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/toy_certificate.h"

struct soak_daemon {
    pid_t pid;
    /** Of the companions' listener on 127.0.0.1. */
    uint16_t port;
    /** The same with TLS. */
    uint16_t tls_port;
    /** Its certificate. */
    char certificate[TOY_CERTIFICATE_PATH_SIZE];
    char folder[32];
    char socket[64];
};

/** What a process uses. */
struct soak_usage {
    long memory_kb;
    unsigned descriptors;
};

/**
 * Starts the daemon and waits until it serves.
 *
 * @param settings "section.key=value", with NULL behind the last
 * @return false once it has said why not
 */
bool soak_daemon_start(struct soak_daemon *daemon, const char *program,
                       const char *const *settings);

/** Ends it by SIGTERM; whether it ended as it should. */
bool soak_daemon_stop(struct soak_daemon *daemon);

/** What it uses now. */
struct soak_usage soak_daemon_usage(const struct soak_daemon *daemon);

/**
 * One request to its control API, waiting for the answer.
 *
 * @param body   taken over; NULL for none
 * @param answer set to the answer's JSON, NULL if it has none; may be NULL
 * @return the status, 0 if there was no answer
 */
int soak_daemon_request(const struct soak_daemon *daemon, const char *method, const char *path,
                        json_t *body, json_t **answer);

/** The same with GET; the end of the program if that fails. */
json_t *soak_daemon_get(const struct soak_daemon *daemon, const char *path);

#endif
