/*
 * A companion's timeline clock that lives through what a television says. Each line of the input is
 * a step: "l" loses the connection, "t" lets as many ms pass as its number says, anything else is a
 * control timestamp. After every step the clock is available exactly if it may be, an applied
 * timestamp is within the threshold of what the clock shows, and what is reported can be read back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/ts_controller.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t now_ns;
static struct dvbcss_clock *wall;
static struct dvbcss_clock *timeline;
static struct dvbcss_ts_controller controller;

static void check(int condition)
{
    if (!condition)
        abort();
}

static int64_t read_time(void *user)
{
    (void)user;
    return now_ns;
}

static void begin(void)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    static const struct dvbcss_ts_controller fresh = DVBCSS_TS_CONTROLLER_INIT;

    now_ns = 0;
    options.now_ns = read_time;
    options.precision_s = 1e-9;
    check(dvbcss_root_clock_create(&wall, &options) == 0);
    check(dvbcss_correlated_clock_create(&timeline, wall, dvbcss_rate_hz(90000),
                                         dvbcss_correlation(0, 0), 1.0) == 0);
    controller = fresh;
    controller.timeline = timeline;
    check(dvbcss_ts_controller_begin(&controller) == 0);
}

static void end(void)
{
    dvbcss_clock_destroy(timeline);
    dvbcss_clock_destroy(wall);
}

static void check_applied(const struct dvbcss_ts_control_timestamp *timestamp, unsigned effects,
                          bool was_available)
{
    struct dvbcss_correlation said =
        dvbcss_correlation(timestamp->wall_clock_time_ns, timestamp->content_time_ticks);

    check(((effects & DVBCSS_TS_AVAILABLE) != 0) == (!was_available && timestamp->available));
    check(((effects & DVBCSS_TS_UNAVAILABLE) != 0) == (was_available && !timestamp->available));
    check(!(effects & DVBCSS_TS_SPEED) || (effects & DVBCSS_TS_TIMING));
    if (!timestamp->available) {
        check(!(effects & DVBCSS_TS_TIMING));
        return;
    }
    check(dvbcss_clock_speed(timeline) == timestamp->speed);
    check(
        !dvbcss_clock_change_significant(timeline, said, timestamp->speed, controller.threshold_s));
}

static void apply(const char *text, size_t length)
{
    struct dvbcss_ts_control_timestamp timestamp;
    const bool was_available = controller.available;
    const double speed = dvbcss_clock_speed(timeline);
    unsigned effects = 0;

    if (dvbcss_ts_control_timestamp_decode(text, length, DVBCSS_TOLERANT, &timestamp, NULL) != 0)
        return;
    if (dvbcss_ts_controller_apply(&controller, &timestamp, &effects) == 0) {
        check_applied(&timestamp, effects, was_available);
        return;
    }
    check(effects == 0 && controller.available == was_available);
    check(dvbcss_clock_speed(timeline) == speed);
}

static void step(const char *text, size_t length)
{
    const bool was_available = controller.available;
    struct dvbcss_ts_presentation report;
    struct dvbcss_ts_presentation again;
    char written[DVBCSS_TS_PRESENTATION_SIZE];
    size_t written_length;

    if (length > 0 && text[0] == 'l')
        check(dvbcss_ts_controller_lose(&controller) ==
              (was_available ? (unsigned)DVBCSS_TS_UNAVAILABLE : 0u));
    else if (length > 0 && text[0] == 't')
        now_ns += (int64_t)(strtoul(text + 1, NULL, 10) % 100000) * 1000000;
    else
        apply(text, length);
    check(dvbcss_clock_available(timeline) == controller.available);
    if (dvbcss_ts_controller_report(&controller, NULL, NULL, true, &report) != 0)
        return;
    check(report.has_actual == controller.available);
    check(dvbcss_ts_presentation_encode(&report, written, sizeof written, &written_length) == 0);
    check(dvbcss_ts_presentation_decode(written, written_length, DVBCSS_STRICT, &again, NULL) == 0);
    check(dvbcss_ts_presentation_equal(&report, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[512];
    size_t start = 0;

    begin();
    for (size_t i = 0; i <= size; i++) {
        size_t length = i - start;

        if (i < size && data[i] != '\n')
            continue;
        if (length < sizeof line) {
            memcpy(line, data + start, length);
            line[length] = '\0';
            step(line, length);
        }
        start = i + 1;
    }
    end();
    return 0;
}
