/*
 * Parses any bytes and reads each member in every way: the first byte chooses mode and need, the
 * rest is the message.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_get.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is refused has been reported, in printable words. */
static void check_report(int error, struct dvbcss_report *report)
{
    if (error && (report->error != error || !report->reason[0]))
        abort();
    for (const char *c = report->reason; *c; c++) {
        if (*c < 0x20 || *c > 0x7e)
            abort();
    }
    memset(report, 0, sizeof *report);
}

static void read_number(const struct jget_place *at, const char *key, enum jget_need need)
{
    enum dvbcss_presence presence;
    int64_t integer;
    double number = 0.0;

    check_report(jget_integer(at, key, need, -1000, 1000, &presence, &integer), at->report);
    check_report(jget_decimal(at, key, need, &presence, &integer), at->report);
    check_report(jget_number(at, key, need, &presence, &number), at->report);
    if (!isfinite(number))
        abort();
}

static void read_member(const struct jget_place *at, const char *key, enum jget_need need)
{
    enum dvbcss_presence presence = DVBCSS_OMITTED;
    struct jget_place inner;
    const char *text;
    int error;

    read_number(at, key, need);
    check_report(jget_string(at, key, need, &presence, &text), at->report);
    check_report(jget_object(at, key, need, &presence, &inner), at->report);
    presence = DVBCSS_OMITTED;
    error = jget_array(at, key, need, &presence, &inner);
    check_report(error, at->report);
    if (error || presence != DVBCSS_VALUE)
        return;
    for (size_t i = 0; i < jget_length(&inner); i++) {
        struct jget_place element;

        check_report(jget_element(&inner, i, &element), at->report);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct jget_place top;
    enum jget_need need;
    const char *key;
    json_t *value;
    int error;

    if (size == 0)
        return 0;
    need = (enum jget_need)(data[0] >> 1 & 3);
    error = jget_parse(&top, (const char *)data + 1, size - 1,
                       data[0] & 1 ? DVBCSS_TOLERANT : DVBCSS_STRICT, &report);
    check_report(error, &report);
    if (error)
        return 0;
    json_object_foreach (top.value, key, value) {
        read_member(&top, key, need);
    }
    read_member(&top, "there is no such member", need);
    jget_finish(&top);
    return 0;
}
