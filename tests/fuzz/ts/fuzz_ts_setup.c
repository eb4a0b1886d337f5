/* Setup-data: what is read can be written, and reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/ts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

static int same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_round_trip(const struct dvbcss_ts_setup *setup)
{
    struct dvbcss_ts_setup again;
    size_t length = 0;
    char *text;

    check(dvbcss_ts_setup_encode(setup, NULL, 0, &length) == DVBCSS_ENOSPC);
    text = malloc(length + 1);
    check(text != NULL);
    check(dvbcss_ts_setup_encode(setup, text, length + 1, &length) == 0);
    check(dvbcss_ts_setup_decode(text, length, DVBCSS_STRICT, &again, NULL) == 0);
    check(same(setup->content_id_stem, again.content_id_stem));
    check(same(setup->timeline_selector, again.timeline_selector));
    check(same(setup->private_data, again.private_data));
    dvbcss_ts_setup_clear(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_ts_setup setup;
    int strict = dvbcss_ts_setup_decode((const char *)data, size, DVBCSS_STRICT, &setup, &report);

    check((strict != 0) == (report.error != 0));
    if (!strict) {
        check_round_trip(&setup);
        dvbcss_ts_setup_clear(&setup);
    }
    if (dvbcss_ts_setup_decode((const char *)data, size, DVBCSS_TOLERANT, &setup, NULL) == 0)
        dvbcss_ts_setup_clear(&setup);
    else
        check(strict != 0);
    return 0;
}
