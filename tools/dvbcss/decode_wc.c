#include "decode_wc.h"

#include <math.h>
#include <stdio.h>

#include "common/bytes.h"
#include "dvbcss/wc.h"

static const char *const type_texts[] = {"request", "response", "response, a follow-up will come",
                                         "follow-up"};

/* Where each field stands in the message, with a line of text on its meaning. */
static void show(const uint8_t *bytes, int offset, int size, const char *name, const char *meaning)
{
    printf("%4d  ", offset);
    for (int i = 0; i < 8; i++)
        printf(i < size ? "%02x" : "  ", i < size ? bytes[offset + i] : 0);
    printf("  %-22s %s\n", name, meaning);
}

static void show_time(const uint8_t *bytes, int offset, const char *name,
                      struct dvbcss_wc_time time)
{
    char meaning[96];

    snprintf(meaning, sizeof meaning, "%u s + %u ns%s", time.seconds, time.nanoseconds,
             time.nanoseconds >= 1000000000u ? "  (not a time: 10^9 ns or more)" : "");
    show(bytes, offset, 8, name, meaning);
}

/* Why a message that decodes is not quite right; NULL if it is. */
static const char *complaint(const struct dvbcss_wc_message *message)
{
    if (message->type == DVBCSS_WC_REQUEST)
        return NULL;
    if (message->receive.nanoseconds >= 1000000000u || message->transmit.nanoseconds >= 1000000000u)
        return "a time of the server has 10^9 ns or more";
    if (dvbcss_wc_time_to_ns(message->transmit) < dvbcss_wc_time_to_ns(message->receive))
        return "it was transmitted before it was received";
    return NULL;
}

int decode_wc(const struct command *command, const void *bytes, size_t length)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_message message;
    const uint8_t *raw = bytes;
    const char *wrong;
    char meaning[96];

    if (dvbcss_wc_message_decode(bytes, length, &message, &report) != 0)
        return failure(command, "not a wall-clock message: %s at byte %zu: %s",
                       dvbcss_error_text(report.error), report.offset, report.reason);
    printf("CSS-WC message, %zu bytes\n", length);
    show(raw, 0, 1, "version", "0");
    show(raw, 1, 1, "message type", type_texts[message.type]);
    snprintf(meaning, sizeof meaning, "2^%d s = %.3g ms", message.precision,
             dvbcss_wc_precision_decode(message.precision) * 1e3);
    show(raw, 2, 1, "precision", meaning);
    show(raw, 3, 1, "reserved", raw[3] == 0 ? "0" : "not 0, ignored");
    snprintf(meaning, sizeof meaning, "%g ppm",
             dvbcss_wc_max_freq_error_decode(message.max_freq_error));
    show(raw, 4, 4, "max freq error", meaning);
    show_time(raw, 8, "originate timevalue", message.originate);
    show_time(raw, 16, "receive timevalue", message.receive);
    show_time(raw, 24, "transmit timevalue", message.transmit);
    wrong = complaint(&message);
    if (wrong)
        return failure(command, "not a correct message: %s", wrong);
    return EXIT_DONE;
}
