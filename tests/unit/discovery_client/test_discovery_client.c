#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dvbcss/discovery_client.h"
#include "test_loop.h"
#include "toy_server.h"

#define DESCRIPTION                                                                                \
    "<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><friendlyName>Living room"            \
    "</friendlyName><manufacturer>Maker</manufacturer><modelName>M1</modelName><UDN>uuid:1</UDN>"  \
    "</device></root>"
#define APPLICATION(cii)                                                                           \
    "<service xmlns=\"urn:dial-multiscreen-org:schemas:dial\" "                                    \
    "xmlns:h=\"urn:hbbtv:HbbTVCompanionScreen:2014\"><name>HbbTV</name><state>running</state>"     \
    "<additionalData><h:X_HbbTV_App2AppURL>ws://0.0.0.0:9/app/</h:X_HbbTV_App2AppURL>"             \
    "<h:X_HbbTV_InterDevSyncURL>" cii "</h:X_HbbTV_InterDevSyncURL><h:X_HbbTV_UserAgent>UA"        \
    "</h:X_HbbTV_UserAgent></additionalData></service>"

static struct test_loop test;
static struct toy_server *tv;
static struct dvbcss_discovery_client *client;
static struct dvbcss_discovery_client_options options;
/* SSDP of the TV: a socket that hears searches. */
static int ssdp = -1;
/* What the TV answers. */
static const char *description_head, *description, *application_status, *application;
static bool is_silent;

static struct dvbcss_discovered found;
static unsigned founds, dones;
static bool close_when_found;

/* ---- the TV --------------------------------------------------------------------------------- */

static void on_request(struct toy_connection *connection, const char *path, const char *head)
{
    static char text[200000];

    (void)head;
    if (is_silent)
        return;
    if (strcmp(path, "/dd.xml") == 0)
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%sContent-Type: text/xml\r\n\r\n%s",
                 description_head, description);
    else if (strcmp(path, "/apps/HbbTV") == 0)
        snprintf(text, sizeof text, "HTTP/1.1 %s\r\n\r\n%s", application_status, application);
    else
        snprintf(text, sizeof text, "HTTP/1.1 404 Not Found\r\n\r\n");
    toy_raw_text(connection, text);
    toy_hang_up(connection);
}

static const struct toy_script script = {.request = on_request};

static void open_ssdp(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t size = sizeof any;
    struct ip_mreqn request = {.imr_ifindex = (int)if_nametoindex("lo")};

    ssdp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, DVBCSS_SSDP_GROUP_V4, &request.imr_multiaddr);
    cr_assert_eq(bind(ssdp, (struct sockaddr *)&any, sizeof any), 0);
    cr_assert_eq(setsockopt(ssdp, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), 0);
    cr_assert_eq(getsockname(ssdp, (struct sockaddr *)&any, &size), 0);
    options.port = ntohs(any.sin_port);
}

/* A search that came, and who sent it. */
static struct dvbcss_ssdp_message search;
static struct sockaddr_in searcher;

static bool hear_search(void)
{
    char text[2048];
    socklen_t size = sizeof searcher;
    ssize_t length = recvfrom(ssdp, text, sizeof text, 0, (struct sockaddr *)&searcher, &size);

    if (length < 0)
        return false;
    cr_assert_eq(dvbcss_ssdp_decode(text, (size_t)length, &search, NULL), 0);
    return true;
}

static void say(const char *text)
{
    sendto(ssdp, text, strlen(text), 0, (struct sockaddr *)&searcher, sizeof searcher);
}

static void respond(const char *usn, const char *location)
{
    char text[1024];

    snprintf(text, sizeof text,
             "HTTP/1.1 200 OK\r\nLOCATION: %s\r\nST: " DVBCSS_SSDP_DIAL "\r\nUSN: %s\r\n\r\n",
             location, usn);
    say(text);
}

static const char *url_of(const char *path)
{
    static char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", toy_server_port(tv), path);
    return url;
}

/* ---- the companion -------------------------------------------------------------------------- */

static void on_found(void *user, const struct dvbcss_discovered *device)
{
    (void)user;
    found = *device;
    founds++;
    if (close_when_found) {
        dvbcss_discovery_client_close(client, NULL, NULL);
        client = NULL;
    }
}

static void on_done(void *user)
{
    (void)user;
    dones++;
}

static void begin(void)
{
    static const struct dvbcss_discovery_client_options defaults =
        DVBCSS_DISCOVERY_CLIENT_OPTIONS_INIT;
    static const char *const interfaces[] = {"lo"};
    static char head[128];

    test_loop_begin(&test);
    tv = toy_server_create(&test.loop, &script, NULL, NULL);
    options = defaults;
    options.interfaces = interfaces;
    options.interface_count = 1;
    options.ipv6 = false;
    options.duration_ms = 20000;
    options.interval_ms = 110;
    options.searches = 3;
    options.events.found = on_found;
    options.events.done = on_done;
    open_ssdp();
    snprintf(head, sizeof head, "Application-URL: http://127.0.0.1:%u/apps/\r\n",
             toy_server_port(tv));
    description_head = head;
    description = DESCRIPTION;
    application_status = "200 OK";
    application = APPLICATION("ws://127.0.0.1:7681/cii");
}

static void start(void)
{
    cr_assert_eq(dvbcss_discovery_client_create(&client, &test.loop, &options, NULL), 0);
}

static void end(void)
{
    close(ssdp);
    dvbcss_discovery_client_close(client, NULL, NULL);
    toy_server_close(tv);
    test_loop_end(&test);
}

TestSuite(discovery_client, .init = begin, .fini = end);

/* ---- searching ------------------------------------------------------------------------------ */

Test(discovery_client, it_asks_for_dial_several_times)
{
    start();
    for (unsigned i = 0; i < options.searches; i++) {
        TEST_LOOP_SPIN_UNTIL(&test, hear_search());
        cr_expect_eq(search.kind, DVBCSS_SSDP_SEARCH);
        cr_expect_str_eq(search.target, DVBCSS_SSDP_DIAL);
        cr_expect_eq(search.mx_s, 1);
        cr_expect_eq(strncmp(search.host, "239.255.255.250:", 16), 0);
    }
    cr_expect_eq(dvbcss_discovery_client_counters(client)->searches, options.searches);
}

Test(discovery_client, a_tv_that_answers_is_told_with_all_it_says)
{
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    respond("uuid:1::" DVBCSS_SSDP_DIAL, url_of("/dd.xml"));
    TEST_LOOP_UNTIL(&test, founds > 0);
    cr_expect_eq(found.stage, DVBCSS_DISCOVERY_DONE);
    cr_expect_eq(found.error, 0);
    cr_expect_str_eq(found.usn, "uuid:1::" DVBCSS_SSDP_DIAL);
    cr_expect_str_eq(found.location, url_of("/dd.xml"));
    cr_expect_str_eq(found.address, "127.0.0.1");
    cr_expect_str_eq(found.content_type, "text/xml");
    cr_expect_str_eq(found.device.friendly_name, "Living room");
    cr_expect_str_eq(found.application.name, "HbbTV");
    cr_expect_str_eq(found.inter_dev_sync_url, "ws://127.0.0.1:7681/cii");
}

Test(discovery_client, a_tv_is_told_once_however_often_and_as_whatever_it_answers)
{
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    respond("uuid:1::" DVBCSS_SSDP_DIAL, url_of("/dd.xml"));
    respond("uuid:1::" DVBCSS_SSDP_DIAL, url_of("/dd.xml"));
    respond("uuid:1::" DVBCSS_SSDP_DIAL, url_of("/dd.xml?again"));
    TEST_LOOP_UNTIL(&test, founds > 0);
    TEST_LOOP_SPIN_UNTIL(&test, toy_server_accepted(tv) >= 3 && toy_server_present(tv) == 0);
    cr_expect_eq(founds, 1);
    cr_expect_eq(dvbcss_discovery_client_counters(client)->repeated, 1);
}

Test(discovery_client, hosts_that_mean_nothing_here_are_replaced_by_the_peer)
{
    application = APPLICATION("ws://:7681/cii");
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    respond("uuid:1", url_of("/dd.xml"));
    TEST_LOOP_UNTIL(&test, founds > 0);
    cr_expect_str_eq(found.application.app2app_url, "ws://0.0.0.0:9/app/");
    cr_expect_str_eq(found.app2app_url, "ws://127.0.0.1:9/app/");
    cr_expect_str_eq(found.inter_dev_sync_url, "ws://127.0.0.1:7681/cii");
}

Test(discovery_client, what_is_no_answer_is_passed_over)
{
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    say("hello");
    say("HTTP/1.1 200 OK\r\nLOCATION: file:///etc/passwd\r\nST: " DVBCSS_SSDP_DIAL
        "\r\nUSN: uuid:2\r\n\r\n");
    say("HTTP/1.1 200 OK\r\nLOCATION: http://127.0.0.1:1/\r\nST: upnp:rootdevice\r\n"
        "USN: uuid:3\r\n\r\n");
    respond("uuid:1", url_of("/dd.xml"));
    TEST_LOOP_UNTIL(&test, founds > 0);
    cr_expect_str_eq(found.usn, "uuid:1");
    cr_expect_eq(dvbcss_discovery_client_counters(client)->malformed, 2);
}

Test(discovery_client, a_crowd_of_devices_is_limited)
{
    char usn[32], path[32];

    options.max_devices = 3;
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    for (int i = 0; i < 10; i++) {
        snprintf(usn, sizeof usn, "uuid:%d", i);
        snprintf(path, sizeof path, "/dd.xml?%d", i);
        respond(usn, url_of(path));
    }
    TEST_LOOP_SPIN_UNTIL(&test, dvbcss_discovery_client_counters(client)->beyond_limit == 7);
}

Test(discovery_client, it_ends_when_its_time_is_over)
{
    options.duration_ms = 50;
    start();
    TEST_LOOP_UNTIL(&test, dones > 0);
    cr_expect_eq(founds, 0);
}

Test(discovery_client, it_can_be_closed_when_a_device_is_found)
{
    close_when_found = true;
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    respond("uuid:1", url_of("/dd.xml"));
    TEST_LOOP_UNTIL(&test, founds > 0);
}

Test(discovery_client, it_can_be_closed_while_a_document_is_awaited)
{
    is_silent = true;
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    respond("uuid:1", url_of("/dd.xml"));
    TEST_LOOP_UNTIL(&test, toy_server_accepted(tv) > 0);
}

/* ---- one place ------------------------------------------------------------------------------ */

static void read_location(const char *location)
{
    options.location = location;
    start();
    TEST_LOOP_UNTIL(&test, dones > 0);
    cr_assert_eq(founds, 1);
}

Test(discovery_client, a_description_is_read_by_its_url_without_multicast)
{
    read_location(url_of("/dd.xml"));
    cr_expect_eq(found.stage, DVBCSS_DISCOVERY_DONE);
    cr_expect_str_eq(found.device.udn, "uuid:1");
    cr_expect_str_eq(found.usn, "");
}

Test(discovery_client, a_name_in_the_url_is_looked_up)
{
    char url[128];

    snprintf(url, sizeof url, "http://localhost:%u/dd.xml", toy_server_port(tv));
    read_location(url);
    /* localhost may be ::1, where the toy does not listen. */
    cr_expect(found.error == 0 || found.error == DVBCSS_EADDRESS);
}

Test(discovery_client, a_name_that_nobody_has_is_told)
{
    read_location("http://no-such-host.invalid/dd.xml");
    cr_expect_eq(found.error, DVBCSS_ERESOLVE);
    cr_expect_str_not_empty(found.text);
}

Test(discovery_client, a_host_is_searched_alone_and_its_usual_place_is_read)
{
    options.host = "127.0.0.1";
    options.host_port = toy_server_port(tv);
    start();
    TEST_LOOP_UNTIL(&test, founds > 0);
    cr_expect_str_eq(found.location, url_of("/dd.xml"));
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    cr_expect_eq(strncmp(search.host, "127.0.0.1:", 10), 0);
}

Test(discovery_client, a_host_that_serves_elsewhere_is_found_by_its_answer)
{
    options.host = "127.0.0.1";
    options.host_port = 1;
    options.duration_ms = 2000;
    start();
    TEST_LOOP_SPIN_UNTIL(&test, hear_search());
    respond("uuid:1", url_of("/dd.xml"));
    TEST_LOOP_UNTIL(&test, dones > 0);
    cr_expect_eq(founds, 1, "the place where it is not does not matter then");
    cr_expect_eq(found.error, 0);
}

Test(discovery_client, a_host_that_nobody_has_is_told)
{
    options.host = "no-such-host.invalid";
    start();
    TEST_LOOP_UNTIL(&test, dones > 0);
    cr_expect_eq(founds, 1);
    cr_expect_eq(found.error, DVBCSS_ERESOLVE);
}

/* ---- what can be wrong ---------------------------------------------------------------------- */

static void expect_failure(enum dvbcss_discovery_stage stage, int error)
{
    read_location(url_of("/dd.xml"));
    cr_expect_eq(found.stage, stage);
    cr_expect_eq(found.error, error, "%s", found.text);
    cr_expect_str_not_empty(found.text);
}

Test(discovery_client, a_device_without_application_url_is_told)
{
    description_head = "Application_URL: http://127.0.0.1/\r\n";
    expect_failure(DVBCSS_DISCOVERY_DESCRIPTION, DVBCSS_EMISSING);
}

Test(discovery_client, an_application_url_of_another_scheme_is_not_followed)
{
    description_head = "Application-URL: file:///etc/\r\n";
    expect_failure(DVBCSS_DISCOVERY_DESCRIPTION, DVBCSS_EVALUE);
}

Test(discovery_client, a_device_without_the_application_is_told)
{
    application_status = "404 Not Found";
    expect_failure(DVBCSS_DISCOVERY_APPLICATION, DVBCSS_EREFUSED);
    cr_expect_eq(found.http_status, 404);
}

Test(discovery_client, redirections_are_not_followed)
{
    application_status = "302 Found\r\nLocation: /dd.xml";
    expect_failure(DVBCSS_DISCOVERY_APPLICATION, DVBCSS_EREFUSED);
    cr_expect_eq(found.http_status, 302);
}

Test(discovery_client, a_document_that_is_no_xml_is_told)
{
    application = "<html><body>nothing";
    expect_failure(DVBCSS_DISCOVERY_APPLICATION, DVBCSS_EMESSAGETYPE);
}

Test(discovery_client, a_document_that_is_too_long_is_given_up)
{
    static char endless[100000];

    memset(endless, ' ', sizeof endless - 1);
    description = endless;
    expect_failure(DVBCSS_DISCOVERY_DESCRIPTION, DVBCSS_ELENGTH);
}

Test(discovery_client, a_tv_that_says_nothing_is_given_up)
{
    is_silent = true;
    options.fetch_timeout_ms = 50;
    expect_failure(DVBCSS_DISCOVERY_DESCRIPTION, DVBCSS_ETIMEDOUT);
}

Test(discovery_client, a_place_where_nobody_listens_is_told)
{
    read_location("http://127.0.0.1:1/dd.xml");
    cr_expect_eq(found.error, DVBCSS_EADDRESS);
}

Test(discovery_client, options_out_of_range_are_refused)
{
    const struct dvbcss_discovery_client_options good = options;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    options.location = "ws://127.0.0.1/";
    cr_expect_eq(dvbcss_discovery_client_create(&client, &test.loop, &options, &report),
                 DVBCSS_EUNSUPPORTED);
    cr_expect_str_not_empty(report.reason);
    options = good;
    options.searches = 0;
    cr_expect_eq(dvbcss_discovery_client_create(&client, &test.loop, &options, NULL),
                 DVBCSS_EINVAL);
    options = good;
    options.ipv4 = false;
    cr_expect_eq(dvbcss_discovery_client_create(&client, &test.loop, &options, NULL),
                 DVBCSS_EINVAL);
    options = good;
    options.location = "http://127.0.0.1/";
    options.host = "127.0.0.1";
    cr_expect_eq(dvbcss_discovery_client_create(&client, &test.loop, &options, NULL),
                 DVBCSS_EINVAL);
    cr_expect_null(client);
}
