#include "dvbcss/wc.h"

#include <math.h>
#include <stdio.h>

#include "common/bytes.h"
#include "dvbcss/time.h"
#include "wallclock/wc_wire.h"

#define WC_VERSION 0

/* ---- times ---------------------------------------------------------------------------------- */

int dvbcss_wc_time_from_ns(int64_t ns, struct dvbcss_wc_time *out)
{
    if (ns < 0 || ns / DVBCSS_NS_PER_S > UINT32_MAX)
        return DVBCSS_ERANGE;
    out->seconds = (uint32_t)(ns / DVBCSS_NS_PER_S);
    out->nanoseconds = (uint32_t)(ns % DVBCSS_NS_PER_S);
    return 0;
}

int64_t dvbcss_wc_time_to_ns(struct dvbcss_wc_time time)
{
    return (int64_t)time.seconds * DVBCSS_NS_PER_S + time.nanoseconds;
}

/* ---- messages ------------------------------------------------------------------------------- */

void wc_put_time(uint8_t *bytes, struct dvbcss_wc_time time)
{
    put_be32(bytes, time.seconds);
    put_be32(bytes + 4, time.nanoseconds);
}

static struct dvbcss_wc_time get_time(const uint8_t *bytes)
{
    struct dvbcss_wc_time time = {get_be32(bytes), get_be32(bytes + 4)};

    return time;
}

void wc_put_message(uint8_t *out, const struct dvbcss_wc_message *message)
{
    out[WC_OFFSET_VERSION] = WC_VERSION;
    out[WC_OFFSET_TYPE] = (uint8_t)message->type;
    out[WC_OFFSET_PRECISION] = (uint8_t)message->precision;
    out[WC_OFFSET_RESERVED] = 0;
    put_be32(out + WC_OFFSET_MAX_FREQ_ERROR, message->max_freq_error);
    wc_put_time(out + WC_OFFSET_ORIGINATE, message->originate);
    wc_put_time(out + WC_OFFSET_RECEIVE, message->receive);
    wc_put_time(out + WC_OFFSET_TRANSMIT, message->transmit);
}

int dvbcss_wc_message_encode(const struct dvbcss_wc_message *message,
                             uint8_t out[DVBCSS_WC_MESSAGE_SIZE])
{
    if ((unsigned)message->type > DVBCSS_WC_FOLLOW_UP)
        return DVBCSS_EINVAL;
    wc_put_message(out, message);
    return 0;
}

static int refuse(struct dvbcss_report *report, int error, size_t offset, const char *what,
                  size_t value)
{
    if (report) {
        report->error = error;
        report->offset = offset;
        report->path[0] = '\0';
        snprintf(report->reason, sizeof report->reason, "%s %zu", what, value);
    }
    return error;
}

int dvbcss_wc_message_decode(const void *bytes, size_t length, struct dvbcss_wc_message *out,
                             struct dvbcss_report *report)
{
    const uint8_t *in = bytes;

    if (length != DVBCSS_WC_MESSAGE_SIZE)
        return refuse(report, DVBCSS_ELENGTH,
                      length < DVBCSS_WC_MESSAGE_SIZE ? length : DVBCSS_WC_MESSAGE_SIZE,
                      "expected 32 bytes, got", length);
    if (in[WC_OFFSET_VERSION] != WC_VERSION)
        return refuse(report, DVBCSS_EVERSION, WC_OFFSET_VERSION, "expected version 0, got",
                      in[WC_OFFSET_VERSION]);
    if (in[WC_OFFSET_TYPE] > DVBCSS_WC_FOLLOW_UP)
        return refuse(report, DVBCSS_EMESSAGETYPE, WC_OFFSET_TYPE,
                      "expected a message type from 0 to 3, got", in[WC_OFFSET_TYPE]);
    out->type = (enum dvbcss_wc_type)in[WC_OFFSET_TYPE];
    out->precision = (int8_t)in[WC_OFFSET_PRECISION];
    out->max_freq_error = get_be32(in + WC_OFFSET_MAX_FREQ_ERROR);
    out->originate = get_time(in + WC_OFFSET_ORIGINATE);
    out->receive = get_time(in + WC_OFFSET_RECEIVE);
    out->transmit = get_time(in + WC_OFFSET_TRANSMIT);
    return 0;
}

/* ---- quality figures ------------------------------------------------------------------------ */

int dvbcss_wc_precision_encode(double seconds, int8_t *out)
{
    double mantissa;
    int exponent;

    if (!(seconds > 0) || !isfinite(seconds))
        return DVBCSS_ERANGE;
    /* seconds = mantissa * 2^exponent with 0.5 <= mantissa < 1: exact, where a quotient of
     * logarithms is not (2^29 s came out as 30 in other programs). */
    mantissa = frexp(seconds, &exponent);
    if (mantissa == 0.5)
        exponent--;
    if (exponent < INT8_MIN || exponent > INT8_MAX)
        return DVBCSS_ERANGE;
    *out = (int8_t)exponent;
    return 0;
}

double dvbcss_wc_precision_decode(int8_t precision)
{
    return ldexp(1.0, precision);
}

int dvbcss_wc_max_freq_error_encode(double ppm, uint32_t *out)
{
    /* A multiplication by 256 is exact, so that ceil() rounds the true value. */
    double units = ceil(ppm * 256);

    if (!(ppm >= 0) || units > UINT32_MAX)
        return DVBCSS_ERANGE;
    *out = (uint32_t)units;
    return 0;
}

double dvbcss_wc_max_freq_error_decode(uint32_t max_freq_error)
{
    return max_freq_error / 256.0;
}
