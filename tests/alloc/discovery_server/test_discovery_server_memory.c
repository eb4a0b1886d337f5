/*
 * The responder and the DIAL service with one allocation failing, each in turn.
 */
#include <criterion/criterion.h>
#include <uv.h>

#include "dvbcss/discovery_dial.h"
#include "dvbcss/discovery_responder.h"
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

TestSuite(discovery_server_memory, .init = start, .fini = stop);

static const char uuid[] = "123e4567-e89b-12d3-a456-426614174000";
static const char *const words[] = {"lo", "other", NULL};

Test(discovery_server_memory, a_responder_fails_cleanly_or_lives_without_links)
{
    struct dvbcss_discovery_responder_options options = DVBCSS_DISCOVERY_RESPONDER_OPTIONS_INIT;
    bool failed = true;

    options.uuid = uuid;
    options.http_port = 80;
    options.description_path = "/dd.xml";
    options.http_address = "127.0.0.1";
    options.advertise_host = "tv.example";
    options.interfaces = words;
    options.interface_count = 2;
    for (unsigned n = 0; failed; n++) {
        struct dvbcss_discovery_responder *responder = NULL;
        int error;

        failing_alloc_begin(n);
        error = dvbcss_discovery_responder_create(&responder, &loop, &options);
        cr_expect(error == 0 || error == DVBCSS_ENOMEM, "allocation %u", n);
        cr_expect_eq(responder == NULL, error != 0, "allocation %u", n);
        dvbcss_discovery_responder_close(responder, NULL, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
        cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        failed = failing_alloc_end();
    }
}

Test(discovery_server_memory, a_dial_service_fails_cleanly)
{
    static const struct dvbcss_server_listen listen = {.host = "127.0.0.1"};
    struct dvbcss_server_options server_options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_dial_server_options options = DVBCSS_DIAL_SERVER_OPTIONS_INIT;
    struct dvbcss_server *server;
    bool failed = true;

    server_options.listen = &listen;
    server_options.listen_count = 1;
    server_options.fd_limit = 1024;
    cr_assert_eq(dvbcss_server_create(&server, &loop, &server_options, NULL), 0);
    options.device = (struct dvbcss_dial_device){"Name", "Maker", "Model", uuid};
    options.advertise_host = "tv.example";
    options.launch_command = words;
    options.stop_command = words;
    options.allowed_origins = words;
    options.allowed_origin_count = 2;
    for (unsigned n = 0; failed; n++) {
        struct dvbcss_dial_server *dial = NULL;
        int error;

        failing_alloc_begin(n);
        error = dvbcss_dial_server_create(&dial, server, &options);
        failed = failing_alloc_end();
        cr_expect_eq(error, failed ? DVBCSS_ENOMEM : 0, "allocation %u", n);
        cr_expect_eq(dial == NULL, failed, "allocation %u", n);
        if (failed)
            cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        dvbcss_dial_server_close(dial, NULL, NULL);
    }
    dvbcss_server_close(server, NULL, NULL);
}
