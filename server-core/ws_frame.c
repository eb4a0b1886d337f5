#include "server-core/ws_frame.h"

#include "dvbcss/server.h"

/* Writes the low @p count bytes of a length, the highest first. */
static void put_length(uint8_t *bytes, uint64_t length, unsigned count)
{
    for (unsigned i = count; i-- > 0; length >>= 8)
        bytes[i] = (uint8_t)length;
}

size_t ws_frame_put_head(uint8_t *payload, enum ws_opcode opcode, size_t length)
{
    unsigned extended = length <= WS_LENGTH_SHORT_MAX ? 0 : length <= UINT16_MAX ? 2 : 8;
    uint8_t *head = payload - 2 - extended;

    head[0] = (uint8_t)(WS_HEAD_FIN | opcode);
    if (extended == 0)
        head[1] = (uint8_t)length;
    else
        head[1] = extended == 2 ? WS_LENGTH_IN_2_BYTES : WS_LENGTH_IN_8_BYTES;
    put_length(head + 2, length, extended);
    return 2 + extended;
}

bool ws_close_code_is_valid(unsigned code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != DVBCSS_CLOSE_NO_STATUS &&
            code != DVBCSS_CLOSE_ABNORMAL) ||
           (code >= 3000 && code <= 4999);
}
