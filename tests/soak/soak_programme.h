/**
 * @file
 * What the daemon presents: changed at random through its control API, and compared in the end with
 * what each companion knows of it.
 */
#ifndef TESTS_SOAK_PROGRAMME_H
#define TESTS_SOAK_PROGRAMME_H

#include <jansson.h>
#include <stdbool.h>

#include "soak_companion.h"
#include "soak_daemon.h"
#include "soak_random.h"

/** What changed. */
struct soak_programme {
    const struct soak_daemon *daemon;
    struct soak_random random;
    uint64_t changes;
    /** Answers that no such change gets: 5xx, or none. */
    uint64_t failures;
};

/** Makes one change, whatever it is. */
void soak_programme_change(struct soak_programme *programme);

/** The state as the daemon states it. */
struct soak_truth {
    /** As those without TLS are told it, and those with it. */
    json_t *content;
    json_t *content_by_tls;
    json_t *timelines;
};

/** Asks for it. */
struct soak_truth soak_truth_ask(const struct soak_daemon *daemon);

void soak_truth_finish(struct soak_truth *truth);

/** Whether a companion knows just that. */
bool soak_truth_is_known(const struct soak_truth *truth, const struct soak_companion *companion);

#endif
