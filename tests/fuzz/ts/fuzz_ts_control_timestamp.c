/* Control timestamps: what is read can be written, and reads back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "dvbcss/ts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

static void check_line(const struct dvbcss_ts_control_timestamp *timestamp)
{
    const struct dvbcss_ts_line line = dvbcss_ts_line_of(timestamp, dvbcss_rate_hz(90000));
    struct dvbcss_ts_control_timestamp stamp;
    struct dvbcss_ts_line stamped;

    if (!timestamp->available || dvbcss_ts_line_stamp(&line, 1000000007, &stamp) != 0)
        return;
    stamped = dvbcss_ts_line_of(&stamp, line.rate);
    check(dvbcss_ts_line_change_s(&line, &stamped) >= 0.0);
    check(stamp.wall_clock_time_ns <= 1000000007);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dvbcss_mode modes[] = {DVBCSS_STRICT, DVBCSS_TOLERANT};

    for (size_t i = 0; i < 2; i++) {
        struct dvbcss_ts_control_timestamp timestamp;
        struct dvbcss_ts_control_timestamp again;
        char text[DVBCSS_TS_CONTROL_TIMESTAMP_SIZE];
        size_t length;

        if (dvbcss_ts_control_timestamp_decode((const char *)data, size, modes[i], &timestamp,
                                               NULL) != 0)
            continue;
        check(dvbcss_ts_control_timestamp_encode(&timestamp, text, sizeof text, &length) == 0);
        check(dvbcss_ts_control_timestamp_decode(text, length, DVBCSS_STRICT, &again, NULL) == 0);
        check(dvbcss_ts_control_timestamp_equal(&timestamp, &again));
        check_line(&timestamp);
    }
    return 0;
}
