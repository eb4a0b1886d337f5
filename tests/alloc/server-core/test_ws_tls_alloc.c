/* Every allocation of ours behind TLS fails once: a server is made or not, a certificate changed or
 * not, a peer served or not; nothing in between, and nothing is left. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "dvbcss/server.h"
#include "failing_alloc.h"
#include "toy_certificate.h"
#include "ws_peer.h"

enum { NEVER = 1000000, DAY_S = 24 * 3600 };

static char certificate[TOY_CERTIFICATE_PATH_SIZE];
static char other[TOY_CERTIFICATE_PATH_SIZE];
static uv_loop_t loop;
static struct dvbcss_server *server;
static struct ws_peer peer;
static struct ws_peer_answer answer;

static void make_certificates(void)
{
    toy_certificate_write("IP:127.0.0.1", DAY_S, certificate);
    toy_certificate_write("IP:127.0.0.1", DAY_S, other);
}

static void remove_certificates(void)
{
    unlink(certificate);
    unlink(other);
}

TestSuite(ws_tls_alloc, .init = make_certificates, .fini = remove_certificates);

static int make_server(struct dvbcss_report *report)
{
    static const struct dvbcss_server_listen listen = {.host = "127.0.0.1", .tls = true};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;

    options.listen = &listen;
    options.listen_count = 1;
    options.fd_limit = 1024;
    options.tls.certificate_file = certificate;
    options.tls.key_file = certificate;
    return dvbcss_server_create(&server, &loop, &options, report);
}

static void start(void)
{
    peer.fd = -1;
    server = NULL;
    cr_assert_eq(uv_loop_init(&loop), 0);
}

static void finish(void)
{
    dvbcss_server_close(server, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    cr_assert_eq(failing_alloc_outstanding(), 0);
}

/* Whether a peer that trusts this certificate alone gets an answer. */
static bool is_served(const char *ca_file)
{
    struct ws_peer_tls tls = {.ca_file = ca_file};
    bool served = ws_peer_connect(&peer, &loop, dvbcss_server_address(server, 0)) &&
                  ws_peer_secure(&peer, &tls) && ws_peer_request(&peer, "GET", "/", NULL) &&
                  ws_peer_read_answer(&peer, &answer) == 404;

    ws_peer_close(&peer);
    return served;
}

Test(ws_tls_alloc, creating_a_server)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_report report = DVBCSS_REPORT_INIT;
        int result;

        start();
        failing_alloc_begin(n);
        result = make_server(&report);
        failed = failing_alloc_failed();
        cr_assert_eq(result, failed ? DVBCSS_ENOMEM : 0);
        cr_assert_eq(report.error, result);
        finish();
        failing_alloc_end();
    }
}

Test(ws_tls_alloc, changing_the_certificate)
{
    struct dvbcss_server_tls files = {other, other};
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        int result;

        start();
        failing_alloc_begin(NEVER);
        cr_assert_eq(make_server(NULL), 0);
        failing_alloc_rearm(n);
        result = dvbcss_server_reload_tls(server, &files, NULL);
        failed = failing_alloc_failed();
        cr_assert_eq(result, failed ? DVBCSS_ENOMEM : 0);
        failing_alloc_rearm(NEVER);
        cr_assert(is_served(failed ? certificate : other));
        cr_assert_not(is_served(failed ? other : certificate));
        finish();
        failing_alloc_end();
    }
}

Test(ws_tls_alloc, taking_a_peer)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        bool served;

        start();
        failing_alloc_begin(NEVER);
        cr_assert_eq(make_server(NULL), 0);
        failing_alloc_rearm(n);
        served = is_served(certificate);
        failed = failing_alloc_failed();
        cr_assert(served || failed);
        failing_alloc_rearm(NEVER);
        cr_assert(is_served(certificate));
        finish();
        failing_alloc_end();
    }
}
