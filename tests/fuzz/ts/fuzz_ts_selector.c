/* Selectors: what is taken apart is put together the same. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char *again = malloc(size + 1);
    struct dvbcss_ts_selector selector;
    struct dvbcss_rate rate;
    size_t length;

    check(text && again);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    selector = dvbcss_ts_selector_parse(text);
    check(dvbcss_ts_selector_format(&selector, again, size + 1, &length) == 0);
    check(strcmp(text, again) == 0 && strlen(text) == length);
    check(dvbcss_ts_selector_equal(&selector, &selector));
    rate = dvbcss_ts_selector_rate(&selector);
    check((rate.ticks == 0) == (rate.seconds == 0));
    free(text);
    free(again);
    return 0;
}
