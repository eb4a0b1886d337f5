#include "dvbcss/wc.h"

#include "wallclock/wc_wire.h"

const char *dvbcss_wc_answer_name(enum dvbcss_wc_answer answer)
{
    static const char *const names[DVBCSS_WC_ANSWER_COUNT] = {
#define ANSWER_NAME(name, text) text,
        DVBCSS_WC_ANSWER_MAP(ANSWER_NAME)
#undef ANSWER_NAME
    };

    return (unsigned)answer < DVBCSS_WC_ANSWER_COUNT ? names[answer] : "?";
}

int dvbcss_wc_responder_init(struct dvbcss_wc_responder *responder,
                             const struct dvbcss_wc_responder_options *options)
{
    struct dvbcss_wc_responder fresh = {0};

    fresh.type = options->follow_up ? DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP : DVBCSS_WC_RESPONSE;
    if (dvbcss_wc_precision_encode(options->precision_s, &fresh.precision) != 0 ||
        dvbcss_wc_max_freq_error_encode(options->max_freq_error_ppm, &fresh.max_freq_error) != 0 ||
        fresh.max_freq_error == 0)
        return DVBCSS_ERANGE;
    *responder = fresh;
    return 0;
}

static enum dvbcss_wc_answer dropped_because(int error)
{
    switch (error) {
    case DVBCSS_ELENGTH:
        return DVBCSS_WC_DROPPED_LENGTH;
    case DVBCSS_EVERSION:
        return DVBCSS_WC_DROPPED_VERSION;
    default:
        return DVBCSS_WC_DROPPED_TYPE;
    }
}

static enum dvbcss_wc_answer respond(const struct dvbcss_wc_responder *responder,
                                     const void *request, size_t length, int64_t receive_ns,
                                     int64_t transmit_ns, uint8_t *answer)
{
    struct dvbcss_wc_message message;
    int error = dvbcss_wc_message_decode(request, length, &message, NULL);

    if (error)
        return dropped_because(error);
    if (message.type != DVBCSS_WC_REQUEST)
        return DVBCSS_WC_DROPPED_TYPE;
    if (dvbcss_wc_time_from_ns(receive_ns, &message.receive) != 0 ||
        dvbcss_wc_time_from_ns(transmit_ns, &message.transmit) != 0)
        return DVBCSS_WC_DROPPED_TIME;
    message.type = responder->type;
    message.precision = responder->precision;
    message.max_freq_error = responder->max_freq_error;
    wc_put_message(answer, &message);
    return DVBCSS_WC_ANSWERED;
}

enum dvbcss_wc_answer dvbcss_wc_respond(struct dvbcss_wc_responder *responder, const void *request,
                                        size_t length, int64_t receive_ns, int64_t transmit_ns,
                                        uint8_t answer[DVBCSS_WC_MESSAGE_SIZE])
{
    enum dvbcss_wc_answer result =
        respond(responder, request, length, receive_ns, transmit_ns, answer);

    responder->counts[result]++;
    return result;
}

int dvbcss_wc_answer_set_transmit(uint8_t answer[DVBCSS_WC_MESSAGE_SIZE], int64_t transmit_ns)
{
    struct dvbcss_wc_time transmit;
    int error = dvbcss_wc_time_from_ns(transmit_ns, &transmit);

    if (!error)
        wc_put_time(answer + WC_OFFSET_TRANSMIT, transmit);
    return error;
}

int dvbcss_wc_follow_up(const uint8_t answer[DVBCSS_WC_MESSAGE_SIZE], int64_t transmit_ns,
                        uint8_t out[DVBCSS_WC_MESSAGE_SIZE])
{
    struct dvbcss_wc_message message;
    int error = dvbcss_wc_message_decode(answer, DVBCSS_WC_MESSAGE_SIZE, &message, NULL);

    if (error || message.type != DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP)
        return DVBCSS_EMESSAGETYPE;
    error = dvbcss_wc_time_from_ns(transmit_ns, &message.transmit);
    if (error)
        return error;
    message.type = DVBCSS_WC_FOLLOW_UP;
    wc_put_message(out, &message);
    return 0;
}
