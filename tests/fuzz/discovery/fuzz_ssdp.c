/*
 * The parser of SSDP: whatever it accepts can be written, and what was written means the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/ssdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char uuid[] = "00000000-0000-0000-0000-000000000000";
    struct dvbcss_ssdp_message message;
    struct dvbcss_ssdp_message again;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    char written[DVBCSS_SSDP_MESSAGE_MAX + 1];
    size_t length;
    int error = dvbcss_ssdp_decode(data, size, &message, &report);

    if (error) {
        require(report.error == error && report.offset <= size);
        return 0;
    }
    (void)dvbcss_ssdp_match(message.target, uuid);
    /* What fills every member is more than one message may hold. */
    error = dvbcss_ssdp_encode(&message, written, sizeof written, &length);
    require(error == 0 || error == DVBCSS_ENOSPC);
    if (error)
        return 0;
    require(strlen(written) == length);
    require(dvbcss_ssdp_decode(written, length, &again, NULL) == 0);
    require(again.kind == message.kind && strcmp(again.target, message.target) == 0);
    return 0;
}
