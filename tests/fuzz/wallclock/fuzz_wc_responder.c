/*
 * Any datagram, at any time, to a responder: the first byte decides about follow-ups, eight bytes
 * each are the receive and the transmit time, the rest is the datagram.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/wc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_answer(const uint8_t *request, uint8_t *answer, bool follow_up,
                         int64_t receive_ns, int64_t transmit_ns)
{
    uint8_t second[DVBCSS_WC_MESSAGE_SIZE];
    struct dvbcss_wc_message message;

    require(dvbcss_wc_message_decode(answer, DVBCSS_WC_MESSAGE_SIZE, &message, NULL) == 0);
    require(message.type == (follow_up ? DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP : DVBCSS_WC_RESPONSE));
    require(memcmp(request + 8, answer + 8, 8) == 0);
    require(dvbcss_wc_time_to_ns(message.receive) == receive_ns);
    require(dvbcss_wc_time_to_ns(message.transmit) == transmit_ns);
    require(message.precision == -19 && message.max_freq_error == 12800);
    if (!follow_up) {
        require(dvbcss_wc_follow_up(answer, transmit_ns, second) == DVBCSS_EMESSAGETYPE);
        return;
    }
    require(dvbcss_wc_follow_up(answer, receive_ns, second) == 0);
    require(second[1] == DVBCSS_WC_FOLLOW_UP);
    require(memcmp(answer + 2, second + 2, 22) == 0);
    require(dvbcss_wc_answer_set_transmit(answer, receive_ns) == 0);
    require(memcmp(answer + 24, second + 24, 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dvbcss_wc_responder_options options = {1e-6, 50, false};
    struct dvbcss_wc_responder responder;
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];
    const uint8_t *request = data + 17;
    enum dvbcss_wc_answer result;
    int64_t receive_ns;
    int64_t transmit_ns;

    if (size < 17)
        return 0;
    options.follow_up = data[0] & 1;
    memcpy(&receive_ns, data + 1, 8);
    memcpy(&transmit_ns, data + 9, 8);
    require(dvbcss_wc_responder_init(&responder, &options) == 0);
    result = dvbcss_wc_respond(&responder, request, size - 17, receive_ns, transmit_ns, answer);
    require((int)result >= 0 && result < DVBCSS_WC_ANSWER_COUNT);
    for (int i = 0; i < DVBCSS_WC_ANSWER_COUNT; i++)
        require(responder.counts[i] == (i == (int)result));
    if (result == DVBCSS_WC_ANSWERED)
        check_answer(request, answer, options.follow_up, receive_ns, transmit_ns);
    return 0;
}
