/*
 * The decoder in both modes: what is accepted can be written, means the same when it is read again,
 * and is written as the same bytes then.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_round_trip(const struct dvbcss_cii *cii, enum dvbcss_mode mode)
{
    struct dvbcss_cii again = DVBCSS_CII_INIT;
    struct dvbcss_cii merged = DVBCSS_CII_INIT;
    char *text = NULL;
    char *second = NULL;
    size_t length = 0;
    unsigned changed = 0;

    require(dvbcss_cii_encode(cii, DVBCSS_CII_ALL, NULL, &text, &length) == 0);
    require(dvbcss_cii_decode(text, length, mode, &again, NULL) == 0);
    require(dvbcss_cii_equal(cii, &again));
    require(dvbcss_cii_encode(&again, DVBCSS_CII_ALL, NULL, &second, NULL) == 0);
    require(strcmp(text, second) == 0);
    require(dvbcss_cii_merge(&merged, &again, &changed) == 0);
    require(dvbcss_cii_equal(&merged, cii) && changed == dvbcss_cii_defined(cii));
    dvbcss_free(text);
    dvbcss_free(second);
    dvbcss_cii_finish(&again);
    dvbcss_cii_finish(&merged);
}

/* Decodes in one mode. Returns whether the message was accepted. */
static int check(const uint8_t *data, size_t size, enum dvbcss_mode mode)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_cii cii = DVBCSS_CII_INIT;
    int error = dvbcss_cii_decode((const char *)data, size, mode, &cii, &report);

    require(report.error == error);
    if (error)
        require(dvbcss_cii_defined(&cii) == 0 && report.reason[0] != '\0');
    else
        check_round_trip(&cii, mode);
    dvbcss_cii_finish(&cii);
    return error == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int strict = check(data, size, DVBCSS_STRICT);
    int tolerant = check(data, size, DVBCSS_TOLERANT);

    require(!strict || tolerant);
    return 0;
}
