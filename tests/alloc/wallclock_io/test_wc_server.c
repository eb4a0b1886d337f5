#include <criterion/criterion.h>
#include <uv.h>

#include "dvbcss/wc_server.h"
#include "failing_alloc.h"

Test(wc_server, creating_survives_every_lack_of_memory)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;
    uv_loop_t loop;
    bool failed = true;
    unsigned n;

    options.address = "127.0.0.1";
    options.port = 0;
    options.follow_up = true;
    cr_assert_eq(uv_loop_init(&loop), 0);
    for (n = 0; failed; n++) {
        struct dvbcss_wc_server *server = NULL;
        int result;

        failing_alloc_begin(n);
        result = dvbcss_wc_server_create(&server, &loop, &options);
        if (result == 0) {
            dvbcss_wc_server_close(server, NULL, NULL);
        } else {
            cr_assert_eq(result, DVBCSS_ENOMEM);
            cr_assert_null(server);
            cr_assert_eq(failing_alloc_outstanding(), 0);
        }
        cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
        failed = failing_alloc_end();
        cr_assert_eq(failing_alloc_outstanding(), 0);
        cr_assert_eq(failed, result != 0);
    }
    cr_assert_geq(n, 6, "the server, its answerer, socket, follow-ups and rehearsal");
    cr_assert_eq(uv_loop_close(&loop), 0);
}
