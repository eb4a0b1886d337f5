/*
 * Any bytes as a message: refused with a report, or read and written back as they were, but for the
 * reserved byte.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_message message;
    uint8_t written[DVBCSS_WC_MESSAGE_SIZE];
    int error = dvbcss_wc_message_decode(data, size, &message, &report);

    require(report.error == error);
    if (error) {
        require(report.reason[0] != '\0' && report.offset <= size);
        return 0;
    }
    require(dvbcss_wc_message_encode(&message, written) == 0);
    require(written[3] == 0);
    written[3] = data[3];
    require(memcmp(written, data, sizeof written) == 0);
    require(dvbcss_wc_time_to_ns(message.originate) >= 0);
    require(dvbcss_wc_precision_decode(message.precision) > 0);
    require(dvbcss_wc_max_freq_error_decode(message.max_freq_error) >= 0);
    return 0;
}
