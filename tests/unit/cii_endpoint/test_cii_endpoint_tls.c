/* The URLs that companions with TLS are told: for TLS, and for the name that the certificate has.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "dvbcss/cii_endpoint.h"
#include "toy_certificate.h"
#include "ws_peer.h"

enum { DAY_S = 24 * 3600 };

static char certificate[TOY_CERTIFICATE_PATH_SIZE];
static uv_loop_t loop;
static struct dvbcss_server *server;
static struct dvbcss_cii_endpoint *cii;
static struct ws_peer peer;
static struct ws_peer_frame frame;

static void start(const char *advertise_host)
{
    static const struct dvbcss_server_listen listen[] = {{.host = "127.0.0.1"},
                                                         {.host = "127.0.0.1", .tls = true}};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_cii_endpoint_options cii_options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;
    struct dvbcss_cii state = DVBCSS_CII_INIT;

    toy_certificate_write("DNS:tv.example", DAY_S, certificate);
    peer.fd = -1;
    cr_assert_eq(uv_loop_init(&loop), 0);
    options.listen = listen;
    options.listen_count = 2;
    options.fd_limit = 1024;
    options.tls.certificate_file = certificate;
    cr_assert_eq(dvbcss_server_create(&server, &loop, &options, NULL), 0);
    cr_assert_eq(dvbcss_cii_set_text(&state, DVBCSS_CII_TS_URL, "{{ws}}://{{host}}:{{port}}/ts"),
                 0);
    cii_options.state = &state;
    cii_options.advertise_host = advertise_host;
    cr_assert_eq(dvbcss_cii_endpoint_create(&cii, server, &cii_options), 0);
    dvbcss_cii_finish(&state);
}

static void stop(void)
{
    ws_peer_close(&peer);
    dvbcss_cii_endpoint_destroy(cii);
    dvbcss_server_close(server, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    unlink(certificate);
}

static unsigned port_at(size_t address)
{
    const struct sockaddr *reached = dvbcss_server_address(server, address);

    return ntohs(((const struct sockaddr_in *)(const void *)reached)->sin_port);
}

/* Connects, by TLS if @p tls is given, and compares the tsUrl that it is told. */
static void expect_ts_url(size_t address, const struct ws_peer_tls *tls, const char *scheme,
                          const char *host)
{
    char expected[128];

    cr_assert(ws_peer_connect(&peer, &loop, dvbcss_server_address(server, address)));
    cr_assert(!tls || ws_peer_secure(&peer, tls));
    cr_assert_eq(ws_peer_upgrade(&peer, "/cii", NULL, NULL), 101);
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    snprintf(expected, sizeof expected, "\"tsUrl\":\"%s://%s:%u/ts\"", scheme, host,
             port_at(address));
    cr_assert_not_null(strstr((const char *)frame.payload, expected), "%s, got %s", expected,
                       (const char *)frame.payload);
    ws_peer_close(&peer);
}

Test(cii_endpoint_tls, companions_are_told_the_kind_of_url_that_they_came_by)
{
    struct ws_peer_tls nameless = {.ca_file = NULL};

    start(NULL);
    expect_ts_url(0, NULL, "ws", "127.0.0.1");
    expect_ts_url(1, &nameless, "wss", "127.0.0.1");
    expect_ts_url(0, NULL, "ws", "127.0.0.1");
    stop();
}

Test(cii_endpoint_tls, companions_that_ask_for_a_name_are_told_that_name)
{
    struct ws_peer_tls named = {.ca_file = certificate, .name = "tv.example"};
    struct ws_peer_tls bad = {.name = "tv\"/example"};

    start(NULL);
    expect_ts_url(1, &named, "wss", "tv.example");
    expect_ts_url(1, &bad, "wss", "127.0.0.1");
    stop();
}

Test(cii_endpoint_tls, a_configured_host_comes_first)
{
    struct ws_peer_tls named = {.ca_file = certificate, .name = "tv.example"};

    start("other.example");
    expect_ts_url(0, NULL, "ws", "other.example");
    expect_ts_url(1, &named, "wss", "other.example");
    stop();
}
