#include "impair_attack.h"

#include <string.h>

/* How far a forged answer is ahead of the true time. */
enum { FORGED_AHEAD_S = 1000 };

void impair_answers_keep(struct impair_answers *answers, const void *bytes, size_t length)
{
    if (length != DVBCSS_WC_MESSAGE_SIZE)
        return;
    memcpy(answers->bytes[answers->next], bytes, length);
    answers->next = (answers->next + 1) % IMPAIR_ANSWERS_KEPT;
    if (answers->count < IMPAIR_ANSWERS_KEPT)
        answers->count++;
}

const uint8_t *impair_answers_pick(const struct impair_answers *answers,
                                   struct impair_random *random)
{
    if (answers->count == 0)
        return NULL;
    return answers->bytes[impair_random_bits(random) % answers->count];
}

/* The last answer, or one that could be. */
static struct dvbcss_wc_message last_answer(const struct impair_answers *answers)
{
    struct dvbcss_wc_message message = {
        .type = DVBCSS_WC_RESPONSE, .precision = -20, .max_freq_error = 256};
    size_t last = (answers->next + IMPAIR_ANSWERS_KEPT - 1) % IMPAIR_ANSWERS_KEPT;

    if (answers->count > 0 &&
        dvbcss_wc_message_decode(answers->bytes[last], DVBCSS_WC_MESSAGE_SIZE, &message, NULL) != 0)
        message.type = DVBCSS_WC_RESPONSE;
    return message;
}

void impair_answers_forge(const struct impair_answers *answers, struct impair_random *random,
                          uint8_t out[DVBCSS_WC_MESSAGE_SIZE])
{
    struct dvbcss_wc_message message = last_answer(answers);
    uint64_t guess = impair_random_bits(random);

    message.originate = (struct dvbcss_wc_time){(uint32_t)(guess >> 32), (uint32_t)guess};
    message.receive.seconds += FORGED_AHEAD_S;
    message.transmit.seconds += FORGED_AHEAD_S;
    /* Its type came out of a message or from above: it exists. */
    if (dvbcss_wc_message_encode(&message, out) != 0)
        memset(out, 0, DVBCSS_WC_MESSAGE_SIZE);
}
