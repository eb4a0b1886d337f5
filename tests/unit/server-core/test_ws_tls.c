/* TLS: who is let in, what a certificate changes, and that nobody is harmed by a bad handshake. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

#include "socket_faults.h"
#include "toy_certificate.h"
#include "ws_fixture.h"

enum { DAY_S = 24 * 3600, BIG = 100000 };

static char certificate[TOY_CERTIFICATE_PATH_SIZE];
static char other[TOY_CERTIFICATE_PATH_SIZE];
static struct ws_peer_answer answer;
static struct ws_peer_frame frame;

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

TestSuite(ws_tls, .init = make_certificates, .fini = remove_certificates);

/* A server with TLS at its first address and without at its second. */
static struct dvbcss_server_options both_kinds(void)
{
    static const struct dvbcss_server_listen listen[] = {{.host = "127.0.0.1", .tls = true},
                                                         {.host = "127.0.0.1"}};
    struct dvbcss_server_options options = loopback_server();

    options.listen = listen;
    options.listen_count = 2;
    options.tls.certificate_file = certificate;
    return options;
}

static void start(const struct dvbcss_endpoint_options *endpoint)
{
    struct dvbcss_server_options options = both_kinds();

    start_server(&options, endpoint);
}

static const struct dvbcss_server_counters *counters(void)
{
    return dvbcss_server_counters(fixture.server);
}

/* Connects to the TLS address and shakes hands. */
static bool secure(const struct ws_peer_tls *tls)
{
    struct ws_peer_tls usual = {.ca_file = certificate};

    return ws_peer_connect(&peer, &fixture.loop, server_address()) &&
           ws_peer_secure(&peer, tls ? tls : &usual);
}

static void open_secure_peer(void)
{
    cr_assert(secure(NULL));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, NULL), 101);
    cr_assert(wait_for(&fixture.record.connects, 1));
}

static void expect_echo(void)
{
    cr_assert(ws_peer_send_text(&peer, "hello"));
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_str_eq((const char *)frame.payload, "hello");
}

struct counter_wait {
    const uint64_t *counter;
    uint64_t value;
};

static bool has_counted(void *user)
{
    const struct counter_wait *wait = user;

    return *wait->counter >= wait->value;
}

static bool wait_for_counter(const uint64_t *counter, uint64_t value)
{
    struct counter_wait wait = {counter, value};

    return ws_peer_pump(&fixture.loop, has_counted, &wait);
}

/* ---- serving -------------------------------------------------------------------------------- */

Test(ws_tls, carries_websockets_in_both_versions)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    start(NULL);
    cr_assert(dvbcss_server_address_secure(fixture.server, 0));
    cr_assert_not(dvbcss_server_address_secure(fixture.server, 1));
    cr_assert_not(dvbcss_server_address_secure(fixture.server, 2));
    for (unsigned i = 0; i < 2; i++) {
        struct ws_peer_tls tls = {.ca_file = certificate, .version = versions[i]};

        cr_assert(secure(&tls));
        cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, NULL), 101);
        cr_assert(wait_for(&fixture.record.connects, i + 1));
        cr_assert(dvbcss_connection_secure(fixture.record.connection));
        expect_echo();
        ws_peer_close(&peer);
        cr_assert(wait_for(&fixture.record.disconnects, i + 1));
    }
    cr_assert_eq(counters()->tls_handshakes, 2);
    cr_assert_eq(counters()->tls_failures, 0);
    stop_server();
}

Test(ws_tls, stands_beside_plain_listeners)
{
    start(NULL);
    cr_assert(
        ws_peer_open(&peer, &fixture.loop, dvbcss_server_address(fixture.server, 1), "/echo"));
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_not(dvbcss_connection_secure(fixture.record.connection));
    expect_echo();
    cr_assert_eq(counters()->tls_handshakes, 0);
    stop_server();
}

static void answer_how(void *context, const struct dvbcss_http_request *request)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    char text[32];

    (void)context;
    snprintf(text, sizeof text, "%s %zu", request->secure ? "secure" : "plain",
             request->body_length);
    response.body = text;
    response.body_length = strlen(text);
    cr_assert_eq(dvbcss_http_respond(request, &response), 0);
}

static void add_handler(void (*handle)(void *context, const struct dvbcss_http_request *request))
{
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    struct dvbcss_http_handler *handler;

    options.path = "/how";
    options.handle = handle;
    cr_assert_eq(dvbcss_http_handler_add(&handler, fixture.server, &options), 0);
}

/* More than a TLS record, which the library reads piece by piece: nothing may be left behind. */
Test(ws_tls, carries_requests_with_bodies)
{
    static char body[60000];

    start(NULL);
    add_handler(answer_how);
    cr_assert(secure(NULL));
    cr_assert(ws_peer_request(&peer, "POST", "/how", "Content-Length: 60000\r\n"));
    cr_assert(ws_peer_send(&peer, body, sizeof body));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_str_eq(answer.body, "secure 60000");
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

/* It comes in records of its own, which are still in the socket when the answer goes. */
Test(ws_tls, what_follows_a_request_does_not_reset_its_answer)
{
    static char more[60000];
    int error = 0;
    socklen_t length = sizeof error;

    start(NULL);
    add_handler(answer_how);
    cr_assert(secure(NULL));
    cr_assert(ws_peer_request(&peer, "GET", "/how", NULL));
    cr_assert(ws_peer_send(&peer, more, sizeof more));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert_eq(getsockopt(peer.fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    cr_assert_eq(error, 0, "%s", strerror(error));
    stop_server();
}

static void answer_much(void *context, const struct dvbcss_http_request *request)
{
    static char text[60000];
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;

    (void)context;
    memset(text, 'x', sizeof text);
    response.body = text;
    response.body_length = sizeof text;
    cr_assert_eq(dvbcss_http_respond(request, &response), 0);
}

Test(ws_tls, carries_answers_of_several_records)
{
    start(NULL);
    add_handler(answer_much);
    cr_assert(secure(NULL));
    cr_assert(ws_peer_request(&peer, "GET", "/how", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 200);
    cr_assert_eq(answer.body_length, 60000);
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
}

Test(ws_tls, carries_a_big_message_of_the_peer_whole)
{
    struct dvbcss_endpoint_options endpoint = recording_endpoint("/echo");
    char *message = malloc(BIG);

    memset(message, 'm', BIG);
    endpoint.limits.max_message_bytes = BIG;
    start(&endpoint);
    fixture.record.echo = false;
    open_secure_peer();
    cr_assert(ws_peer_send_frame(&peer, WS_PEER_FIN | WS_PEER_TEXT, true, message, BIG));
    cr_assert(wait_for(&fixture.record.messages, 1));
    cr_assert_eq(fixture.record.length, BIG);
    stop_server();
    free(message);
}

Test(ws_tls, carries_many_messages_of_one_record)
{
    enum { MESSAGES = 2000, FRAME = 7 };
    static unsigned char frames[MESSAGES][FRAME];

    for (int i = 0; i < MESSAGES; i++)
        memcpy(frames[i], (const unsigned char[]){0x81, 0x81, 0, 0, 0, 0, 'x'}, FRAME);
    start(NULL);
    fixture.record.echo = false;
    open_secure_peer();
    cr_assert(ws_peer_send(&peer, frames, sizeof frames));
    cr_assert(wait_for(&fixture.record.messages, MESSAGES));
    cr_assert_eq(fixture.record.messages, MESSAGES);
    stop_server();
}

/* What a slow reader has not taken waits in our queue and, of one message, inside the library. */
Test(ws_tls, carries_big_messages_to_a_slow_peer_in_order)
{
    enum { MESSAGES = 40 };
    struct dvbcss_endpoint_options endpoint = recording_endpoint("/echo");
    char *message = malloc(BIG);

    endpoint.limits.max_queued_bytes = (size_t)MESSAGES * BIG;
    start(&endpoint);
    open_secure_peer();
    for (int i = 0; i < MESSAGES; i++) {
        memset(message, 'a' + i % 26, BIG);
        cr_assert_eq(dvbcss_connection_send_text(fixture.record.connection, message, BIG), 0);
    }
    cr_assert(dvbcss_connection_congested(fixture.record.connection));
    for (int i = 0; i < MESSAGES; i++) {
        cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
        cr_assert_eq(frame.length, BIG);
        for (size_t at = 0; at < BIG; at++)
            cr_assert_eq(frame.payload[at], 'a' + i % 26);
    }
    cr_assert(wait_for(&fixture.record.drained, 1));
    cr_assert_not(dvbcss_connection_congested(fixture.record.connection));
    stop_server();
    free(message);
}

/* Of several records: who has sent it need not wait while the socket takes all of them. */
Test(ws_tls, gives_the_socket_as_much_as_it_takes)
{
    char *message = malloc(BIG);

    memset(message, 'm', BIG);
    start(NULL);
    open_secure_peer();
    cr_assert_eq(dvbcss_connection_send_text(fixture.record.connection, message, BIG), 0);
    cr_assert_not(dvbcss_connection_congested(fixture.record.connection));
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_eq(frame.length, BIG);
    stop_server();
    free(message);
}

/* OpenSSL keeps errors for whoever looks next, in a queue of the thread: of a certificate that
 * somebody else could not read, say. A socket that takes no more is no failure because of one. */
Test(ws_tls, takes_the_errors_of_others_for_nobodys_failure)
{
    char *message = malloc(BIG);

    memset(message, 'm', BIG);
    start(NULL);
    open_secure_peer();
    while (!dvbcss_connection_congested(fixture.record.connection)) {
        ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
        cr_assert_eq(dvbcss_connection_send_text(fixture.record.connection, message, BIG), 0);
    }
    ERR_clear_error();
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_eq(frame.length, BIG);
    cr_assert_eq(fixture.record.disconnects, 0);
    stop_server();
    free(message);
}

Test(ws_tls, carries_the_code_of_a_close_behind_what_waits)
{
    char *message = malloc(BIG);
    char reason[128];

    memset(message, 'z', BIG);
    start(NULL);
    open_secure_peer();
    for (int i = 0; i < 5; i++)
        cr_assert_eq(dvbcss_connection_send_text(fixture.record.connection, message, BIG), 0);
    dvbcss_connection_close(fixture.record.connection, 4001, "bye");
    cr_assert_eq(ws_peer_read_close(&peer, reason), 4001);
    cr_assert_str_eq(reason, "bye");
    cr_assert(ws_peer_send_close(&peer, 4001, ""));
    cr_assert(ws_peer_wait_eof(&peer));
    stop_server();
    free(message);
}

Test(ws_tls, says_goodbye_when_the_server_ends)
{
    start(NULL);
    open_secure_peer();
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1001);
    ws_peer_close(&peer);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
}

/* The library keeps something of a context in a place that the next context takes for itself. */
Test(ws_tls, is_there_for_several_servers)
{
    struct dvbcss_server_options options = both_kinds();
    struct dvbcss_server *second;
    struct ws_peer_tls tls = {.ca_file = certificate};

    start(NULL);
    cr_assert_eq(dvbcss_server_create(&second, &fixture.loop, &options, NULL), 0);
    open_secure_peer();
    expect_echo();
    ws_peer_close(&peer);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, dvbcss_server_address(second, 0)));
    cr_assert(ws_peer_secure(&peer, &tls));
    cr_assert(ws_peer_request(&peer, "GET", "/nothing", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 404);
    dvbcss_server_close(second, NULL, NULL);
    stop_server();
}

/* OpenSSL has to answer, which it cannot, and the library would have it try whenever the loop
 * turns: of a peer that sends on, without end. */
Test(ws_tls, lets_a_peer_go_that_wants_new_keys_and_takes_nothing)
{
    static const struct socket_fault full = {.error = EAGAIN, .calls = 1000000};

    start(NULL);
    open_secure_peer();
    socket_faults_send(&full);
    cr_assert_eq(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    cr_assert_eq(SSL_do_handshake(peer.ssl), 1);
    cr_assert(ws_peer_send_text(&peer, "and more"));
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.code, DVBCSS_CLOSE_ABNORMAL);
    cr_assert_lt(socket_faults_met(), 10);
    socket_faults_end();
    stop_server();
}

/* ---- what is spoken ------------------------------------------------------------------------- */

Test(ws_tls, refuses_old_versions)
{
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION};

    start(NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct ws_peer_tls tls = {.version = versions[i]};

        cr_assert_not(secure(&tls));
        cr_assert(wait_for_counter(&counters()->tls_failures, i + 1));
        ws_peer_close(&peer);
    }
    open_secure_peer();
    stop_server();
}

static void expect_protocol(const char *offered, const char *chosen)
{
    struct ws_peer_tls tls = {.ca_file = certificate, .alpn = offered};
    const unsigned char *name;
    unsigned length;

    cr_assert(secure(&tls));
    SSL_get0_alpn_selected(peer.ssl, &name, &length);
    cr_assert_eq(length, strlen(chosen));
    cr_assert_eq(memcmp(name ? (const char *)name : "", chosen, length), 0);
    ws_peer_close(&peer);
}

Test(ws_tls, speaks_http_1_1_only)
{
    start(NULL);
    expect_protocol("\x02h2\x08http/1.1", "http/1.1");
    expect_protocol("\x08http/1.1", "http/1.1");
    expect_protocol("\x02h2", "");
    stop_server();
}

/* The library looks for a virtual host of that name, and ours have names. */
Test(ws_tls, serves_under_every_name)
{
    static const char *const names[] = {"tv.example", "dvbcss", "d", "dvbcss-tls"};

    start(NULL);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct ws_peer_tls tls = {.ca_file = certificate, .name = names[i]};
        char request[96];

        cr_assert(secure(&tls), "%s", names[i]);
        snprintf(request, sizeof request, "GET /nothing HTTP/1.1\r\nHost: %s\r\n\r\n", names[i]);
        cr_assert(ws_peer_say(&peer, request));
        cr_assert_eq(ws_peer_read_answer(&peer, &answer), 404);
        ws_peer_close(&peer);
    }
    stop_server();
}

static void expect_no_resumption(int version)
{
    struct ws_peer_tls tls = {.ca_file = certificate, .version = version};

    cr_assert(secure(&tls));
    cr_assert(ws_peer_request(&peer, "GET", "/nothing", NULL));
    cr_assert_eq(ws_peer_read_answer(&peer, &answer), 404);
    tls.session = SSL_get1_session(peer.ssl);
    cr_assert_not(SSL_SESSION_has_ticket(tls.session));
    ws_peer_close(&peer);
    cr_assert(secure(&tls));
    cr_assert_not(SSL_session_reused(peer.ssl));
    ws_peer_close(&peer);
    SSL_SESSION_free(tls.session);
}

Test(ws_tls, resumes_no_sessions)
{
    start(NULL);
    expect_no_resumption(TLS1_2_VERSION);
    expect_no_resumption(TLS1_3_VERSION);
    stop_server();
}

static bool renegotiation_has_failed(void *user)
{
    int result = SSL_do_handshake(peer.ssl);

    (void)user;
    cr_assert_neq(result, 1);
    return SSL_get_error(peer.ssl, result) == SSL_ERROR_SSL;
}

Test(ws_tls, does_not_negotiate_again)
{
    struct ws_peer_tls tls = {.ca_file = certificate, .version = TLS1_2_VERSION};

    start(NULL);
    cr_assert(secure(&tls));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, NULL), 101);
    cr_assert_eq(SSL_renegotiate(peer.ssl), 1);
    cr_assert(ws_peer_pump(&fixture.loop, renegotiation_has_failed, NULL));
    cr_assert_eq(counters()->tls_handshakes, 1);
    stop_server();
}

/* ---- bad peers ------------------------------------------------------------------------------ */

static void expect_hang_up(const char *bytes, size_t length, uint64_t failures)
{
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_send(&peer, bytes, length));
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert(wait_for_counter(&counters()->tls_failures, failures));
    ws_peer_close(&peer);
}

Test(ws_tls, hangs_up_on_garbage_and_on_plain_requests)
{
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char record[] = "\x16\x03\x01\x00\x05hello";
    char garbage[500];

    memset(garbage, 0xa5, sizeof garbage);
    start(NULL);
    expect_hang_up(request, sizeof request - 1, 1);
    expect_hang_up(record, sizeof record - 1, 2);
    expect_hang_up(garbage, sizeof garbage, 3);
    open_secure_peer();
    expect_echo();
    cr_assert_eq(counters()->tls_handshakes, 1);
    stop_server();
}

Test(ws_tls, hangs_up_on_a_peer_that_goes_on_with_garbage)
{
    static const char garbage[] = "this is no record of TLS, and long enough to be noticed as such";

    start(NULL);
    open_secure_peer();
    cr_assert_eq(send(peer.fd, garbage, sizeof garbage, 0), (ssize_t)sizeof garbage);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.code, 1006);
    stop_server();
}

Test(ws_tls, is_not_understood_by_a_plain_listener)
{
    struct ws_peer_tls tls = {.ca_file = certificate};

    start(NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, dvbcss_server_address(fixture.server, 1)));
    cr_assert_not(ws_peer_secure(&peer, &tls));
    ws_peer_close(&peer);
    open_secure_peer();
    stop_server();
}

Test(ws_tls, gives_a_handshake_no_more_time_than_a_request)
{
    static const char beginning[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct dvbcss_server_options options = both_kinds();
    struct ws_peer silent;

    options.header_timeout_s = 1;
    start_server(&options, NULL);
    cr_assert(ws_peer_connect(&silent, &fixture.loop, server_address()));
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(ws_peer_send(&peer, beginning, sizeof beginning - 1));
    cr_assert(ws_peer_wait_eof(&peer));
    cr_assert(ws_peer_wait_eof(&silent));
    ws_peer_close(&silent);
    cr_assert(wait_for_counter(&counters()->tls_failures, 2));
    stop_server();
}

Test(ws_tls, forgets_peers_that_leave_during_the_handshake)
{
    struct ws_peer_tls nobody = {.ca_file = other};

    start(NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    ws_peer_reset(&peer);
    cr_assert(wait_for_counter(&counters()->tls_failures, 1));
    cr_assert_not(secure(&nobody), "the peer does not know the certificate");
    cr_assert(wait_for_counter(&counters()->tls_failures, 2));
    ws_peer_close(&peer);
    cr_assert_eq(counters()->sockets_open, 0);
    stop_server();
}

Test(ws_tls, turns_peers_away_without_a_word_when_it_is_full)
{
    struct dvbcss_server_options options = both_kinds();
    struct ws_peer late;

    options.max_sockets = 1;
    start_server(&options, NULL);
    open_secure_peer();
    cr_assert(ws_peer_connect(&late, &fixture.loop, server_address()));
    cr_assert(ws_peer_wait_eof(&late));
    cr_assert_eq(late.length, 0);
    ws_peer_close(&late);
    cr_assert_eq(counters()->refusals[DVBCSS_REFUSAL_SERVER_FULL], 1);
    stop_server();
}

Test(ws_tls, ends_with_handshakes_under_way)
{
    start(NULL);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert(wait_for_counter(&counters()->sockets_open, 1));
    stop_server();
}

/* ---- certificates --------------------------------------------------------------------------- */

static void expect_certificate(const char *file)
{
    struct ws_peer_tls tls = {.ca_file = file};

    cr_assert(secure(&tls));
    ws_peer_close(&peer);
}

Test(ws_tls, takes_a_new_certificate_and_keeps_who_is_there)
{
    struct dvbcss_server_tls files = {other, NULL};
    struct ws_peer_tls old = {.ca_file = certificate};
    struct ws_peer first;

    start(NULL);
    open_secure_peer();
    first = peer;
    peer.ssl = NULL;
    expect_certificate(certificate);
    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, &files, NULL), 0);
    expect_certificate(other);
    cr_assert_not(secure(&old));
    ws_peer_close(&peer);
    peer = first;
    expect_echo();
    stop_server();
}

Test(ws_tls, reads_the_same_files_again)
{
    start(NULL);
    expect_certificate(certificate);
    cr_assert_eq(rename(other, certificate), 0);
    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, NULL, NULL), 0);
    expect_certificate(certificate);
    stop_server();
}

/* A peer that could do both must not be shown the certificate of before. */
Test(ws_tls, forgets_a_certificate_of_another_kind)
{
    char rsa[TOY_CERTIFICATE_PATH_SIZE];
    struct dvbcss_server_tls files = {rsa, NULL};

    toy_certificate_write_rsa("IP:127.0.0.1", 2 * DAY_S, rsa);
    start(NULL);
    expect_certificate(certificate);
    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, &files, NULL), 0);
    cr_assert_gt(dvbcss_server_tls_not_after(fixture.server), (int64_t)time(NULL) + DAY_S);
    expect_certificate(rsa);
    files.certificate_file = certificate;
    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, &files, NULL), 0);
    cr_assert_leq(dvbcss_server_tls_not_after(fixture.server), (int64_t)time(NULL) + DAY_S);
    expect_certificate(certificate);
    stop_server();
    unlink(rsa);
}

static void expect_bad_reload(const struct dvbcss_server_tls *files, const char *path,
                              const char *reason)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, files, &report), DVBCSS_ETLS);
    cr_assert_eq(report.error, DVBCSS_ETLS);
    cr_assert_str_eq(report.path, path);
    cr_assert_not_null(strstr(report.reason, reason), "%s", report.reason);
    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, files, NULL), DVBCSS_ETLS);
    expect_certificate(certificate);
}

Test(ws_tls, goes_on_with_its_certificate_when_another_cannot_be_had)
{
    struct dvbcss_server_tls vanished = {"/nonexistent/tv.pem", NULL};
    struct dvbcss_server_tls foreign = {other, certificate};
    struct dvbcss_server_tls empty = {"/dev/null", certificate};

    start(NULL);
    expect_bad_reload(&vanished, "tls.certificate_file",
                      "/nonexistent/tv.pem: no such file or directory");
    expect_bad_reload(&foreign, "tls.key_file", "is not the certificate's key");
    expect_bad_reload(&empty, "tls.certificate_file", "/dev/null: has no certificate in PEM");
    stop_server();
}

Test(ws_tls, reloads_nothing_without_a_listener_or_when_it_ends)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    start_server(NULL, NULL);
    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, NULL, &report), DVBCSS_ESTATE);
    cr_assert_eq(report.error, DVBCSS_ESTATE);
    cr_assert_eq(dvbcss_server_tls_not_after(fixture.server), 0);
    stop_server();
    start(NULL);
    dvbcss_server_close(fixture.server, NULL, NULL);
    cr_assert_eq(dvbcss_server_reload_tls(fixture.server, NULL, NULL), DVBCSS_ESTATE);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
}

static void expect_no_server(const char *certificate_file, const char *key_file, int error,
                             const char *path, const char *reason)
{
    struct dvbcss_server_options options = both_kinds();
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_server *server = NULL;
    uv_loop_t loop;

    options.tls.certificate_file = certificate_file;
    options.tls.key_file = key_file;
    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_eq(dvbcss_server_create(&server, &loop, &options, &report), error);
    cr_assert_null(server);
    cr_assert_eq(report.error, error);
    cr_assert_str_eq(report.path, path);
    cr_assert_not_null(strstr(report.reason, reason), "%s", report.reason);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
}

Test(ws_tls, does_not_start_with_files_that_cannot_be_used)
{
    static const char cert[] = "tls.certificate_file", key[] = "tls.key_file";
    char protected[TOY_CERTIFICATE_PATH_SIZE], rsa[TOY_CERTIFICATE_PATH_SIZE], lengthy[250];

    toy_certificate_write_protected("IP:127.0.0.1", DAY_S, "secret", protected);
    toy_certificate_write_rsa("IP:127.0.0.1", DAY_S, rsa);
    memset(lengthy, 'x', sizeof lengthy - 1);
    lengthy[0] = '/';
    memcpy(lengthy + sizeof lengthy - sizeof "/tv.pem", "/tv.pem", sizeof "/tv.pem");
    expect_no_server(NULL, NULL, DVBCSS_EINVAL, cert, "");
    expect_no_server("/nonexistent", NULL, DVBCSS_ETLS, cert, "/nonexistent: no such file");
    expect_no_server("/", NULL, DVBCSS_ETLS, cert, "/: ");
    expect_no_server("/dev/null", NULL, DVBCSS_ETLS, cert, "/dev/null: has no certificate");
    expect_no_server(certificate, "/dev/null", DVBCSS_ETLS, key, "/dev/null: has no private key");
    expect_no_server(certificate, "/nonexistent", DVBCSS_ETLS, key, "/nonexistent: no such file");
    expect_no_server(certificate, other, DVBCSS_ETLS, key, "is not the certificate's key");
    expect_no_server(certificate, rsa, DVBCSS_ETLS, key, "is not the certificate's key");
    expect_no_server(rsa, certificate, DVBCSS_ETLS, key, "is not the certificate's key");
    expect_no_server(protected, NULL, DVBCSS_ETLS, key, "is protected by a passphrase");
    expect_no_server(lengthy, NULL, DVBCSS_ETLS, cert, "x/tv.pem: no such file");
    unlink(protected);
    unlink(rsa);
}

Test(ws_tls, starts_with_a_certificate_that_is_over)
{
    char past[TOY_CERTIFICATE_PATH_SIZE];
    struct dvbcss_server_options options = both_kinds();
    struct ws_peer_tls anything = {.ca_file = NULL};

    toy_certificate_write("IP:127.0.0.1", -3600, past);
    options.tls.certificate_file = past;
    start_server(&options, NULL);
    cr_assert(secure(&anything));
    stop_server();
    unlink(past);
}
