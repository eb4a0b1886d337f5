#include <criterion/criterion.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/system_time.h"
#include "dvbcss/wc_client.h"
#include "failing_alloc.h"

static void note_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    *(int *)user = trouble->error;
}

/* Makes a client of a loop of its own and has it open its socket, or tell why it cannot. */
static int create_run_and_close(const struct dvbcss_wc_client_options *options, const int *trouble)
{
    struct dvbcss_wc_client *client = NULL;
    uv_loop_t loop;
    int result;

    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_eq(dvbcss_tunable_clock_set_error(options->wall_clock, 0.0, 0.0), 0);
    cr_assert_eq(dvbcss_clock_set_available(options->wall_clock, true), 0);
    result = dvbcss_wc_client_create(&client, &loop, options, NULL);
    if (result == 0) {
        struct dvbcss_wc_client_status status;

        do {
            uv_run(&loop, UV_RUN_NOWAIT);
            dvbcss_wc_client_status(client, &status);
        } while (status.local_port == 0 && *trouble == 0);
        dvbcss_wc_client_close(client, NULL, NULL);
        result = *trouble;
    } else {
        cr_assert_null(client);
        cr_assert(dvbcss_clock_available(options->wall_clock), "it has changed nothing");
        cr_assert_eq(dvbcss_clock_correlation(options->wall_clock).initial_error_s, 0.0);
    }
    cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    cr_assert_eq(uv_loop_close(&loop), 0);
    return result;
}

static void walk(const char *url)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_client_options options = DVBCSS_WC_CLIENT_OPTIONS_INIT;
    struct dvbcss_clock *local;
    int trouble;
    bool failed = true;
    unsigned n;

    root.now_ns = dvbcss_monotonic_ns;
    cr_assert_eq(dvbcss_root_clock_create(&local, &root), 0);
    cr_assert_eq(
        dvbcss_tunable_clock_create(&options.wall_clock, local, root.rate, dvbcss_ticks(0)), 0);
    options.url = url;
    options.events.trouble = note_trouble;
    options.user = &trouble;
    for (n = 0; failed; n++) {
        int result;

        trouble = 0;
        failing_alloc_begin(n);
        result = create_run_and_close(&options, &trouble);
        failed = failing_alloc_end();
        cr_assert_eq(result, failed ? DVBCSS_ENOMEM : 0, "allocation %u of %s", n, url);
        cr_assert_eq(failing_alloc_outstanding(), 0);
    }
    cr_assert_geq(n, 4, "client, estimator, requester, channel, socket");
    dvbcss_clock_destroy(options.wall_clock);
    dvbcss_clock_destroy(local);
}

Test(wc_client, creating_and_opening_survive_every_lack_of_memory)
{
    walk("udp://127.0.0.1:6677");
}

Test(wc_client, looking_a_name_up_survives_every_lack_of_memory)
{
    walk("udp://localhost:6677");
}
