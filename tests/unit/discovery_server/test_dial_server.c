#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/discovery_dial.h"
#include "test_loop.h"
#include "ws_peer.h"

static struct test_loop test;
static struct dvbcss_server *server;
static struct dvbcss_dial_server *dial;
static struct dvbcss_dial_server_options options;
static struct ws_peer peer;
static struct ws_peer_answer answer;
static char folder[] = "/tmp/dvbcss-dial-XXXXXX";
static char path[64];
static bool closed;

static void begin(void)
{
    static const struct dvbcss_server_listen listen = {.host = "127.0.0.1"};
    static const struct dvbcss_dial_server_options defaults = DVBCSS_DIAL_SERVER_OPTIONS_INIT;
    struct dvbcss_server_options server_options = DVBCSS_SERVER_OPTIONS_INIT;

    test_loop_begin(&test);
    peer.fd = -1;
    server_options.listen = &listen;
    server_options.listen_count = 1;
    server_options.fd_limit = 1024;
    cr_assert_eq(dvbcss_server_create(&server, &test.loop, &server_options, NULL), 0);
    options = defaults;
    options.device = (struct dvbcss_dial_device){"Living room", "Maker", "M1",
                                                 "123e4567-e89b-12d3-a456-426614174000"};
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/body", folder);
}

static void start(void)
{
    cr_assert_eq(dvbcss_dial_server_create(&dial, server, &options), 0);
}

static void note_closed(void *user)
{
    *(bool *)user = true;
}

static void end(void)
{
    ws_peer_close(&peer);
    dvbcss_dial_server_close(dial, note_closed, &closed);
    dvbcss_server_close(server, NULL, NULL);
    test_loop_end(&test);
    cr_expect_eq(closed, dial != NULL);
    unlink(path);
    rmdir(folder);
}

TestSuite(dial_server, .init = begin, .fini = end);

/* Sends a request with headers (each with CRLF) and a body, and reads the answer. */
static int ask(const char *method, const char *url_path, const char *headers, const char *body)
{
    char more[1024];

    ws_peer_close(&peer);
    cr_assert(ws_peer_connect(&peer, &test.loop, dvbcss_server_address(server, 0)));
    snprintf(more, sizeof more, "%s", headers);
    if (body)
        snprintf(more, sizeof more, "%sContent-Length: %zu\r\n", headers, strlen(body));
    cr_assert(ws_peer_request(&peer, method, url_path, more));
    if (body && *body)
        cr_assert(ws_peer_say(&peer, body));
    return ws_peer_read_answer(&peer, &answer);
}

static const char *header(const char *name)
{
    static char value[512];

    return ws_peer_answer_header(&answer, name, value, sizeof value) ? value : "";
}

static unsigned port(void)
{
    return ntohs(
        ((const struct sockaddr_in *)(const void *)dvbcss_server_address(server, 0))->sin_port);
}

/* The server's port between two texts. */
static const char *here(const char *before, const char *after)
{
    static char text[256];

    snprintf(text, sizeof text, "%s%u%s", before, port(), after);
    return text;
}

static const struct dvbcss_dial_server_counters *counters(void)
{
    return dvbcss_dial_server_counters(dial);
}

/* ---- documents ------------------------------------------------------------------------------ */

Test(dial_server, the_description_comes_as_text_xml_with_the_application_url)
{
    start();
    cr_assert_eq(ask("GET", "/dd.xml", "", NULL), 200);
    cr_expect_not_null(
        strstr(answer.head, here("\r\nApplication-URL: http://127.0.0.1:", "/dial/apps")),
        "spelled exactly so: %s", answer.head);
    cr_expect_eq(strncmp(header("Content-Type"), "text/xml", 8), 0);
    cr_expect_not_null(strstr(answer.body, "<friendlyName>Living room</friendlyName>"));
    cr_expect_eq(counters()->descriptions, 1);
}

Test(dial_server, the_description_fits_one_tcp_segment_with_its_headers)
{
    char name[600];

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    options.device.friendly_name = name;
    start();
    cr_assert_eq(ask("GET", "/dd.xml", "", NULL), 200);
    cr_expect_leq(strlen(answer.head) + answer.body_length, 1400);
}

Test(dial_server, the_application_names_the_address_that_the_client_reached)
{
    start();
    cr_assert_eq(ask("GET", "/dial/apps/HbbTV", "", NULL), 200);
    cr_expect_eq(strncmp(header("Content-Type"), "text/xml", 8), 0);
    cr_expect_not_null(strstr(answer.body, here(">ws://127.0.0.1:", "/cii<")));
    cr_expect_not_null(strstr(answer.body, here(">ws://127.0.0.1:", "/app2app/<")));
    cr_expect_not_null(strstr(answer.body, "X_HbbTV_UserAgent>HbbTV/"));
    cr_expect_not_null(strstr(answer.body, "<state>running</state>"));
    cr_expect_null(strstr(answer.body, "0.0.0.0"));
    cr_expect_eq(counters()->resources, 1);
}

Test(dial_server, an_advertised_host_and_port_are_named_everywhere)
{
    options.advertise_host = "2001:db8::7";
    options.advertise_port = 8080;
    start();
    cr_assert_eq(ask("GET", "/dd.xml", "", NULL), 200);
    cr_expect_str_eq(header("Application-URL"), "http://[2001:db8::7]:8080/dial/apps");
    cr_assert_eq(ask("GET", "/dial/apps/HbbTV", "", NULL), 200);
    cr_expect_not_null(strstr(answer.body, ">ws://[2001:db8::7]:8080/cii<"));
}

Test(dial_server, head_gives_the_headers_alone)
{
    start();
    /* The length that the headers state never comes. */
    cr_assert_eq(ask("HEAD", "/dd.xml", "", NULL), WS_PEER_EOF);
    cr_expect_eq(answer.status, 200);
    cr_expect_str_not_empty(header("Application-URL"));
}

Test(dial_server, other_applications_and_paths_are_404)
{
    static const char *const paths[] = {"/dial/apps",
                                        "/dial/apps/",
                                        "/dial/apps/YouTube",
                                        "/dial/apps/HbbTVs",
                                        "/dial/apps/HbbTV/run/x",
                                        "/dd.xml/x"};

    start();
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        cr_expect_eq(ask("GET", paths[i], "", NULL), 404, "%s", paths[i]);
        cr_expect_gt(answer.body_length, 0);
    }
    cr_expect_eq(ask("POST", "/dial/apps/YouTube", "", "v=1"), 404);
}

Test(dial_server, other_methods_are_405_and_say_which_are_allowed)
{
    start();
    cr_expect_eq(ask("DELETE", "/dial/apps/HbbTV", "", NULL), 405);
    cr_expect_str_eq(header("Allow"), "GET, HEAD, POST");
    cr_expect_eq(ask("GET", "/dial/apps/HbbTV/run", "", NULL), 405);
    cr_expect_str_eq(header("Allow"), "DELETE");
    cr_expect_eq(ask("DELETE", "/dd.xml", "", NULL), 405);
}

/* ---- web pages ------------------------------------------------------------------------------ */

Test(dial_server, any_page_may_read)
{
    start();
    cr_assert_eq(ask("GET", "/dd.xml", "Origin: https://any.example\r\n", NULL), 200);
    cr_expect_str_eq(header("Access-Control-Allow-Origin"), "*");
    cr_expect_not_null(strstr(header("Access-Control-Expose-Headers"), "Application-URL"));
    cr_assert_eq(ask("GET", "/dial/apps/HbbTV", "Origin: https://any.example\r\n", NULL), 200);
    cr_expect_str_eq(header("Access-Control-Allow-Origin"), "*");
}

static const char *const touch_command[] = {"/bin/sh", "-c", "cat > \"$0\"", path, NULL};

Test(dial_server, foreign_pages_may_neither_launch_nor_stop)
{
    static const char *const origins[] = {"https://evil.example", "null",
                                          "http://tv.evil.example:7681", "http://127.0.0.1"};
    char line[128];

    options.launch_command = touch_command;
    options.stop_command = touch_command;
    start();
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        snprintf(line, sizeof line, "Origin: %s\r\n", origins[i]);
        cr_expect_eq(ask("POST", "/dial/apps/HbbTV", line, "x"), 403, "%s", origins[i]);
        cr_expect_str_eq(header("Access-Control-Allow-Origin"), "");
        cr_expect_eq(ask("DELETE", "/dial/apps/HbbTV/run", line, NULL), 403, "%s", origins[i]);
    }
    cr_expect_eq(counters()->foreign_origins, 8);
    cr_expect_eq(counters()->commands, 0);
    cr_expect_neq(access(path, F_OK), 0);
}

Test(dial_server, an_origin_longer_than_any_that_is_known_is_foreign)
{
    char line[900];
    char origin[700];

    memset(origin, 'a', sizeof origin);
    origin[sizeof origin - 1] = '\0';
    snprintf(line, sizeof line, "Origin: http://%s\r\n", origin);
    options.launch_command = touch_command;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", line, "x"), 403);
}

Test(dial_server, pages_of_the_tv_itself_and_of_named_origins_may_launch)
{
    static const char *const origins[] = {"https://companion.example"};
    char line[128];

    options.launch_command = touch_command;
    options.allowed_origins = origins;
    options.allowed_origin_count = 1;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "Origin: https://companion.example\r\n", "a"),
                 201);
    cr_expect_str_eq(header("Access-Control-Allow-Origin"), "https://companion.example");
    TEST_LOOP_SPIN_UNTIL(&test, access(path, F_OK) == 0);
    snprintf(line, sizeof line, "Origin: http://127.0.0.1:%u\r\n", port());
    /* The first command may still be at it. */
    while (ask("POST", "/dial/apps/HbbTV", line, "b") == 503)
        uv_run(&test.loop, UV_RUN_NOWAIT);
    cr_expect_eq(answer.status, 201);
}

Test(dial_server, a_page_that_a_proxy_serves_for_the_tv_may_launch)
{
    options.launch_command = touch_command;
    options.advertise_host = "tv.example";
    options.advertise_port = 8080;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "Origin: http://tv.example:8080\r\n", "a"), 201);
    TEST_LOOP_SPIN_UNTIL(&test, access(path, F_OK) == 0);
}

Test(dial_server, a_browser_that_asks_first_learns_what_its_page_may)
{
    static const char *const origins[] = {"https://companion.example"};

    options.allowed_origins = origins;
    options.allowed_origin_count = 1;
    start();
    cr_expect_eq(ask("OPTIONS", "/dial/apps/HbbTV", "Origin: https://companion.example\r\n", NULL),
                 204);
    cr_expect_str_eq(header("Access-Control-Allow-Methods"), "GET, HEAD, POST");
    cr_expect_str_eq(header("Access-Control-Allow-Origin"), "https://companion.example");
    cr_expect_eq(ask("OPTIONS", "/dial/apps/HbbTV", "Origin: https://evil.example\r\n", NULL), 204);
    cr_expect_str_eq(header("Access-Control-Allow-Methods"), "GET, HEAD");
    cr_expect_eq(ask("OPTIONS", "/dial/apps/HbbTV/run", "", NULL), 204);
    cr_expect_str_eq(header("Allow"), "DELETE");
}

/* ---- launching and stopping ----------------------------------------------------------------- */

static size_t read_body(char *bytes, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length = 0;

    if (file) {
        length = fread(bytes, 1, size - 1, file);
        fclose(file);
    }
    bytes[length] = '\0';
    return length;
}

static bool body_is(const char *expected)
{
    char bytes[256];

    read_body(bytes, sizeof bytes);
    return strcmp(bytes, expected) == 0;
}

static bool state_is(const char *state)
{
    char element[64];

    snprintf(element, sizeof element, "<state>%s</state>", state);
    cr_assert_eq(ask("GET", "/dial/apps/HbbTV", "", NULL), 200);
    return strstr(answer.body, element) != NULL;
}

Test(dial_server, without_commands_launching_and_stopping_are_501)
{
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", "<x/>"), 501);
    cr_expect_eq(ask("DELETE", "/dial/apps/HbbTV/run", "", NULL), 501);
    cr_expect_not_null(strstr(answer.body, "not set up"));
}

Test(dial_server, a_launch_gives_its_body_to_the_command)
{
    static const char body[] = "<?xml version=\"1.0\"?><mhp:ServiceDiscovery/>; rm -rf $HOME `id`";

    options.launch_command = touch_command;
    options.stop_command = touch_command;
    start();
    cr_expect(state_is("stopped"));
    cr_expect_eq(ask("DELETE", "/dial/apps/HbbTV/run", "", NULL), 404);
    cr_assert_eq(ask("POST", "/dial/apps/HbbTV", "Content-Type: text/plain\r\n", body), 201);
    cr_expect_str_eq(header("Location"), here("http://127.0.0.1:", "/dial/apps/HbbTV/run"));
    TEST_LOOP_SPIN_UNTIL(&test, body_is(body));
    TEST_LOOP_SPIN_UNTIL(&test, state_is("running"));
    cr_expect_not_null(strstr(answer.body, "<link rel=\"run\" href=\"run\"/>"));
    cr_expect_eq(ask("DELETE", "/dial/apps/HbbTV/run", "", NULL), 200);
    TEST_LOOP_SPIN_UNTIL(&test, state_is("stopped"));
    cr_expect_eq(counters()->commands, 2);
    cr_expect_eq(counters()->command_failures, 0);
}

Test(dial_server, a_launch_without_a_body_is_fine)
{
    options.launch_command = touch_command;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", ""), 201);
    TEST_LOOP_SPIN_UNTIL(&test, access(path, F_OK) == 0);
}

Test(dial_server, a_body_that_is_too_large_is_413)
{
    char body[600];

    memset(body, 'x', sizeof body);
    body[sizeof body - 1] = '\0';
    options.launch_command = touch_command;
    options.max_launch_bytes = 500;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", body), 413);
    cr_expect_eq(counters()->commands, 0);
}

Test(dial_server, a_command_that_fails_leaves_the_state_as_it_was)
{
    static const char *const failing[] = {"/bin/false", NULL};

    options.launch_command = failing;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", "x"), 201);
    TEST_LOOP_SPIN_UNTIL(&test, counters()->command_failures == 1);
    cr_expect(state_is("stopped"));
}

Test(dial_server, a_command_that_is_not_there_is_503)
{
    static const char *const missing[] = {"/nonexistent/launcher", NULL};

    options.launch_command = missing;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", "x"), 503);
    cr_expect_eq(counters()->command_failures, 1);
}

Test(dial_server, a_command_has_its_time_and_then_ends_with_all_it_has_started)
{
    static const char *const endless[] = {"/bin/sh", "-c", "trap '' TERM; sleep 1000 & wait; wait",
                                          NULL};

    options.launch_command = endless;
    options.command_timeout_ms = 50;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", "x"), 201);
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", "x"), 503, "one at a time");
    cr_expect_str_not_empty(header("Retry-After"));
    TEST_LOOP_SPIN_UNTIL(&test, counters()->command_timeouts == 1);
    cr_expect_eq(counters()->command_failures, 1);
}

Test(dial_server, closing_ends_a_command_that_is_at_it)
{
    static const char *const endless[] = {"/bin/sleep", "1000", NULL};

    options.launch_command = endless;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", "x"), 201);
}

Test(dial_server, a_command_need_not_read_its_input)
{
    static const char *const deaf[] = {"/bin/true", NULL};
    static char body[60001];

    memset(body, 'x', sizeof body - 1);
    signal(SIGPIPE, SIG_IGN);
    options.launch_command = deaf;
    start();
    cr_expect_eq(ask("POST", "/dial/apps/HbbTV", "", body), 201);
    TEST_LOOP_SPIN_UNTIL(&test, state_is("running"));
}

/* ---- creation ------------------------------------------------------------------------------- */

Test(dial_server, a_second_one_on_the_same_paths_is_refused_and_leaves_the_first_alone)
{
    struct dvbcss_dial_server *other = NULL;

    start();
    cr_expect_eq(dvbcss_dial_server_create(&other, server, &options), DVBCSS_EEXIST);
    options.description_path = "/other.xml";
    cr_expect_eq(dvbcss_dial_server_create(&other, server, &options), DVBCSS_EEXIST);
    cr_expect_eq(ask("GET", "/other.xml", "", NULL), 404);
    cr_expect_eq(ask("GET", "/dd.xml", "", NULL), 200);
}

Test(dial_server, options_out_of_range_are_refused)
{
    static const char *const empty[] = {NULL};
    const struct dvbcss_dial_server_options good = options;

    options.device.friendly_name = NULL;
    cr_expect_eq(dvbcss_dial_server_create(&dial, server, &options), DVBCSS_EVALUE);
    options = good;
    options.apps_path = "dial";
    cr_expect_eq(dvbcss_dial_server_create(&dial, server, &options), DVBCSS_EINVAL);
    options = good;
    options.apps_path = "/dial/";
    cr_expect_eq(dvbcss_dial_server_create(&dial, server, &options), DVBCSS_EINVAL);
    options = good;
    options.launch_command = empty;
    cr_expect_eq(dvbcss_dial_server_create(&dial, server, &options), DVBCSS_EINVAL);
    options = good;
    options.user_agent = "";
    cr_expect_eq(dvbcss_dial_server_create(&dial, server, &options), DVBCSS_EVALUE);
    cr_expect_null(dial);
}
