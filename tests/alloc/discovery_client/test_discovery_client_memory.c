/*
 * The search and the readers of documents with one allocation failing, each in turn.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/discovery_client.h"
#include "failing_alloc.h"

static uv_loop_t loop;

static void start(void)
{
    cr_assert_eq(uv_loop_init(&loop), 0);
}

static void stop(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&loop), 0);
}

TestSuite(discovery_client_memory, .init = start, .fini = stop);

static void creation_fails_cleanly(const struct dvbcss_discovery_client_options *options)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_discovery_client *client = NULL;
        int error;

        failing_alloc_begin(n);
        error = dvbcss_discovery_client_create(&client, &loop, options, NULL);
        cr_expect_eq(error, failing_alloc_failed() ? DVBCSS_ENOMEM : 0, "allocation %u", n);
        cr_expect_eq(client == NULL, error != 0, "allocation %u", n);
        dvbcss_discovery_client_close(client, NULL, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
        cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        failed = failing_alloc_end();
    }
}

Test(discovery_client_memory, a_search_fails_cleanly)
{
    static const char *const interfaces[] = {"lo"};
    struct dvbcss_discovery_client_options options = DVBCSS_DISCOVERY_CLIENT_OPTIONS_INIT;

    options.interfaces = interfaces;
    options.interface_count = 1;
    creation_fails_cleanly(&options);
}

Test(discovery_client_memory, a_search_at_one_place_fails_cleanly)
{
    struct dvbcss_discovery_client_options options = DVBCSS_DISCOVERY_CLIENT_OPTIONS_INIT;

    options.location = "http://127.0.0.1:1/dd.xml";
    creation_fails_cleanly(&options);
    options.location = NULL;
    options.host = "127.0.0.1";
    creation_fails_cleanly(&options);
}

Test(discovery_client_memory, reading_a_document_fails_cleanly)
{
    static const char xml[] = "<root><device><friendlyName>a</friendlyName></device></root>";
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_discovery_device device;
        int error;

        failing_alloc_begin(n);
        error = dvbcss_discovery_decode_device(xml, sizeof xml - 1, &device, NULL);
        failed = failing_alloc_end();
        cr_expect_eq(error, failed ? DVBCSS_ENOMEM : 0, "allocation %u", n);
        cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
    }
}
