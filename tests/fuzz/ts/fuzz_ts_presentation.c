/* Presentation timestamps: what is read can be written, and reads back the same. */
#include <stdint.h>
#include <stdlib.h>

#include "dvbcss/ts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

static void check_window(const struct dvbcss_ts_presentation *presentation)
{
    static const double speeds[] = {1.0, 0.0, -0.3};

    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        struct dvbcss_ts_window window;

        check(dvbcss_ts_window_init(&window, 12345, dvbcss_rate_hz(90000), speeds[i]) == 0);
        if (dvbcss_ts_window_add(&window, presentation) != 0)
            check(!dvbcss_ts_window_empty(&window) && window.companions == 0);
        else
            check(window.companions == 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dvbcss_mode modes[] = {DVBCSS_STRICT, DVBCSS_TOLERANT};

    for (size_t i = 0; i < 2; i++) {
        struct dvbcss_ts_presentation presentation;
        struct dvbcss_ts_presentation again;
        char text[DVBCSS_TS_PRESENTATION_SIZE];
        size_t length;

        if (dvbcss_ts_presentation_decode((const char *)data, size, modes[i], &presentation,
                                          NULL) != 0)
            continue;
        check(dvbcss_ts_presentation_encode(&presentation, text, sizeof text, &length) == 0);
        check(dvbcss_ts_presentation_decode(text, length, DVBCSS_STRICT, &again, NULL) == 0);
        check(dvbcss_ts_presentation_equal(&presentation, &again));
        check_window(&presentation);
    }
    return 0;
}
