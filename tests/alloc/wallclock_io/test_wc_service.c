#include <criterion/criterion.h>

#include "dvbcss/wc_service.h"
#include "failing_alloc.h"

Test(wc_service, starting_survives_every_lack_of_memory)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};
    struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;
    bool failed = true;
    unsigned n;

    options.addresses = addresses;
    options.address_count = 2;
    options.threads = 2;
    options.server.port = 0;
    options.server.follow_up = true;
    options.server.answers_per_s = 100;
    for (n = 0; failed; n++) {
        struct dvbcss_wc_service *service = NULL;
        int result;

        failing_alloc_begin(n);
        result = dvbcss_wc_service_start(&service, &options, NULL);
        if (result == 0) {
            dvbcss_wc_service_stop(service);
        } else {
            cr_assert_eq(result, DVBCSS_ENOMEM);
            cr_assert_null(service);
        }
        failed = failing_alloc_end();
        cr_assert_eq(failing_alloc_outstanding(), 0);
        cr_assert_eq(failed, result != 0);
    }
    cr_assert_geq(n, 24,
                  "3 of the service, and of each server itself, its socket, its limit, its "
                  "follow-ups and its rehearsal");
}
