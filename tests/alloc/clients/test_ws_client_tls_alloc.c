/* A client with TLS is made or not: whichever allocation of ours fails, nothing is left. */
#include <criterion/criterion.h>
#include <unistd.h>
#include <uv.h>

#include "clients/ws_client.h"
#include "failing_alloc.h"
#include "toy_certificate.h"

static void on_opened(void *user)
{
    (void)user;
}

static void on_text(void *user, const char *text, size_t length)
{
    (void)user, (void)text, (void)length;
}

static void on_binary(void *user, size_t length)
{
    (void)user, (void)length;
}

static void on_ended(void *user, const struct dvbcss_disconnect *why)
{
    (void)user, (void)why;
}

static const struct ws_client_events events = {on_opened, on_text, on_binary, on_ended};

static int make(uv_loop_t *loop, const char *ca_file, struct ws_client **client)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;
    char pin[TOY_CERTIFICATE_PIN_SIZE];

    toy_certificate_pin(ca_file, pin);
    options.ca_file = ca_file;
    options.pin = pin;
    return ws_client_create(client, loop, "wss://127.0.0.1:1/", &options, &events, NULL, NULL);
}

Test(ws_client_tls_alloc, making_a_client)
{
    char certificate[TOY_CERTIFICATE_PATH_SIZE];
    bool failed = true;

    toy_certificate_write("IP:127.0.0.1", 3600, certificate);
    for (unsigned n = 0; failed; n++) {
        struct ws_client *client = NULL;
        uv_loop_t loop;
        int result;

        cr_assert_eq(uv_loop_init(&loop), 0);
        failing_alloc_begin(n);
        result = make(&loop, certificate, &client);
        failed = failing_alloc_failed();
        cr_assert_eq(result, failed ? DVBCSS_ENOMEM : 0);
        if (client)
            ws_client_destroy(client, NULL, NULL);
        uv_run(&loop, UV_RUN_DEFAULT);
        cr_assert_eq(uv_loop_close(&loop), 0);
        cr_assert_eq(failing_alloc_outstanding(), 0);
        failing_alloc_end();
    }
    unlink(certificate);
}
