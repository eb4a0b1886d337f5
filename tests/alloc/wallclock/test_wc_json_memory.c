/* Reading a request without memory: an error, and nothing left behind. */
#include <string.h>

#include <criterion/criterion.h>

#include "dvbcss/wc_json.h"
#include "failing_alloc.h"

Test(wc_json_memory, a_request_is_read_whole_or_not_at_all)
{
    static const char text[] =
        "{\"v\":0,\"id\":\"\\u00e9x\",\"ot\":1.5,\"other\":[1,{\"a\":null}]}";

    for (unsigned n = 0;; n++) {
        struct dvbcss_wc_json_request request = DVBCSS_WC_JSON_REQUEST_INIT;
        struct dvbcss_report report = DVBCSS_REPORT_INIT;
        int error;
        bool failed;

        failing_alloc_begin(n);
        error = dvbcss_wc_json_decode(text, sizeof text - 1, &request, &report);
        cr_assert_eq(report.error, error);
        cr_assert(!error || !request.echo);
        dvbcss_wc_json_request_finish(&request);
        cr_assert_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        failed = failing_alloc_end();
        cr_assert_eq(error, failed ? DVBCSS_ENOMEM : 0, "allocation %u: %s", n,
                     dvbcss_error_name(error));
        if (!failed)
            break;
    }
}
