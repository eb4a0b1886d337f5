/**
 * @file
 * What an attacker sends to a client of the wall clock: answers that he guessed, and old ones that
 * he has seen.
 */
#ifndef DVBCSS_TOOL_IMPAIR_ATTACK_H
#define DVBCSS_TOOL_IMPAIR_ATTACK_H

#include <stddef.h>
#include <stdint.h>

#include "dvbcss/wc.h"
#include "impair_model.h"

enum { IMPAIR_ANSWERS_KEPT = 16 };

/** The last answers that went to one client. Zeros are none. */
struct impair_answers {
    uint8_t bytes[IMPAIR_ANSWERS_KEPT][DVBCSS_WC_MESSAGE_SIZE];
    size_t count;
    size_t next;
};

/** Keeps a datagram if it can be an answer. */
void impair_answers_keep(struct impair_answers *answers, const void *bytes, size_t length);

/** One of the answers that were kept, to be sent again; NULL if there is none. */
const uint8_t *impair_answers_pick(const struct impair_answers *answers,
                                   struct impair_random *random);

/**
 * Makes an answer as one does who cannot see the requests: its originate timevalue is guessed. Its
 * other figures are those of the last answer, so that nothing else gives it away, with times far
 * in the future.
 */
void impair_answers_forge(const struct impair_answers *answers, struct impair_random *random,
                          uint8_t out[DVBCSS_WC_MESSAGE_SIZE]);

#endif
