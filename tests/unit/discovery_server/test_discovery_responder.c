#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dvbcss/discovery_responder.h"
#include "test_loop.h"

static const char uuid[] = "123e4567-e89b-12d3-a456-426614174000";
static const char *const loopback[] = {"lo"};

static struct test_loop test;
static struct dvbcss_discovery_responder *responder;
static struct dvbcss_discovery_responder_options options;
static bool closed;

/* A companion on loopback: a socket, and what came last. */
struct companion {
    int fd;
    char text[2048];
    ssize_t length;
};

static struct companion open_companion(uint16_t port)
{
    struct companion companion = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;

    setsockopt(companion.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    cr_assert_eq(bind(companion.fd, (struct sockaddr *)&any, sizeof any), 0);
    return companion;
}

/* A port that nobody has now. */
static uint16_t free_port(void)
{
    struct companion holder = open_companion(0);
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;

    cr_assert_eq(getsockname(holder.fd, (struct sockaddr *)&bound, &size), 0);
    close(holder.fd);
    return ntohs(bound.sin_port);
}

static void join_group(const struct companion *companion)
{
    struct ip_mreqn request = {.imr_ifindex = (int)if_nametoindex("lo")};

    inet_pton(AF_INET, DVBCSS_SSDP_GROUP_V4, &request.imr_multiaddr);
    cr_assert_eq(setsockopt(companion->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request),
                 0);
}

static void send_text(const struct companion *companion, const char *address, const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    struct ip_mreqn request = {.imr_ifindex = (int)if_nametoindex("lo")};

    inet_pton(AF_INET, "127.0.0.1", &request.imr_address);
    setsockopt(companion->fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
    inet_pton(AF_INET, address, &to.sin_addr);
    cr_assert_eq(sendto(companion->fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to),
                 (ssize_t)strlen(text));
}

static void search(const struct companion *companion, const char *address, const char *target)
{
    char text[512];

    snprintf(text, sizeof text,
             "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
             "MX: 3\r\nST: %s\r\n\r\n",
             target);
    send_text(companion, address, text);
}

static bool receive(struct companion *companion)
{
    companion->length = recv(companion->fd, companion->text, sizeof companion->text - 1, 0);
    if (companion->length >= 0)
        companion->text[companion->length] = '\0';
    return companion->length >= 0;
}

static struct dvbcss_ssdp_message await(struct companion *companion)
{
    struct dvbcss_ssdp_message message;

    TEST_LOOP_SPIN_UNTIL(&test, receive(companion));
    cr_assert_eq(dvbcss_ssdp_decode(companion->text, (size_t)companion->length, &message, NULL), 0,
                 "%s", companion->text);
    return message;
}

static const struct dvbcss_discovery_responder_counters *counters(void)
{
    return dvbcss_discovery_responder_counters(responder);
}

static void begin(void)
{
    static const struct dvbcss_discovery_responder_options defaults =
        DVBCSS_DISCOVERY_RESPONDER_OPTIONS_INIT;

    test_loop_begin(&test);
    options = defaults;
    options.uuid = uuid;
    options.http_port = 7681;
    options.description_path = "/dd.xml";
    options.interfaces = loopback;
    options.interface_count = 1;
    options.ipv6 = false;
    options.repeat_ms = 0;
    options.port = free_port();
}

static void start(void)
{
    cr_assert_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options), 0);
}

static void note_closed(void *user)
{
    *(bool *)user = true;
}

static void end(void)
{
    dvbcss_discovery_responder_close(responder, note_closed, &closed);
    test_loop_end(&test);
    cr_expect_eq(closed, responder != NULL);
}

TestSuite(discovery_responder, .init = begin, .fini = end);

Test(discovery_responder, a_search_for_dial_is_answered_at_once_with_the_address_that_was_reached)
{
    struct companion companion = open_companion(0);
    struct dvbcss_ssdp_message message;

    start();
    search(&companion, DVBCSS_SSDP_GROUP_V4, DVBCSS_SSDP_DIAL);
    message = await(&companion);
    cr_expect_eq(message.kind, DVBCSS_SSDP_RESPONSE);
    cr_expect_str_eq(message.target, DVBCSS_SSDP_DIAL);
    cr_expect_str_eq(message.location, "http://127.0.0.1:7681/dd.xml");
    cr_expect_str_eq(message.usn, "uuid:123e4567-e89b-12d3-a456-426614174000::" DVBCSS_SSDP_DIAL);
    cr_expect_eq(message.max_age_s, 1800);
    cr_expect_geq(message.boot_id, 1);
    cr_expect_leq(companion.length, 1024);
    cr_expect_eq(counters()->searches, 1);
    close(companion.fd);
}

Test(discovery_responder, a_search_that_is_sent_to_it_alone_is_answered)
{
    struct companion companion = open_companion(0);

    start();
    search(&companion, "127.0.0.1", DVBCSS_SSDP_DIAL);
    cr_expect_eq(await(&companion).kind, DVBCSS_SSDP_RESPONSE);
    close(companion.fd);
}

Test(discovery_responder, each_target_is_answered_with_the_same_target)
{
    static const char *const targets[] = {"upnp:rootdevice",
                                          "urn:schemas-upnp-org:device:tvdevice:1",
                                          "uuid:123e4567-e89b-12d3-a456-426614174000"};
    struct companion companion = open_companion(0);

    start();
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        search(&companion, DVBCSS_SSDP_GROUP_V4, targets[i]);
        cr_expect_str_eq(await(&companion).target, targets[i]);
    }
    close(companion.fd);
}

Test(discovery_responder, a_search_for_all_is_answered_for_each_with_dial_among_them)
{
    struct companion companion = open_companion(0);
    bool dial = false;

    start();
    search(&companion, DVBCSS_SSDP_GROUP_V4, "ssdp:all");
    for (int i = 0; i < DVBCSS_SSDP_ROLE_COUNT; i++)
        dial |= strcmp(await(&companion).target, DVBCSS_SSDP_DIAL) == 0;
    cr_expect(dial);
    close(companion.fd);
}

Test(discovery_responder, an_answer_is_repeated_in_case_it_was_lost)
{
    struct companion companion = open_companion(0);
    char first[2048];

    options.repeat_ms = 20;
    start();
    search(&companion, DVBCSS_SSDP_GROUP_V4, DVBCSS_SSDP_DIAL);
    await(&companion);
    strcpy(first, companion.text);
    await(&companion);
    cr_expect_str_eq(companion.text, first);
    cr_expect_eq(counters()->responses, 2);
    close(companion.fd);
}

Test(discovery_responder, what_does_not_concern_it_is_not_answered)
{
    struct companion companion = open_companion(0);

    start();
    search(&companion, DVBCSS_SSDP_GROUP_V4, "urn:schemas-upnp-org:device:MediaServer:1");
    send_text(&companion, DVBCSS_SSDP_GROUP_V4,
              "HTTP/1.1 200 OK\r\nST: a\r\nUSN: b\r\n"
              "LOCATION: http://127.0.0.1/\r\n\r\n");
    send_text(&companion, DVBCSS_SSDP_GROUP_V4, "hello");
    send_text(&companion, DVBCSS_SSDP_GROUP_V4, "");
    search(&companion, DVBCSS_SSDP_GROUP_V4, "upnp:rootdevice");
    cr_expect_str_eq(await(&companion).target, "upnp:rootdevice");
    cr_expect_eq(counters()->malformed, 2);
    cr_expect_eq(counters()->searches, 1);
    close(companion.fd);
}

Test(discovery_responder, a_flood_is_answered_at_its_rate_only)
{
    struct companion companion = open_companion(0);
    unsigned answers = 0;

    options.limit = (struct dvbcss_discovery_limit_options){0.001, 5.0, 1000.0, 1000.0};
    start();
    for (int i = 0; i < 100; i++)
        search(&companion, DVBCSS_SSDP_GROUP_V4, DVBCSS_SSDP_DIAL);
    TEST_LOOP_SPIN_UNTIL(&test, counters()->searches + counters()->limited >= 100);
    while (receive(&companion))
        answers++;
    cr_expect_eq(answers, 5);
    cr_expect_eq(counters()->limited, 95);
    close(companion.fd);
}

Test(discovery_responder, an_advertised_host_and_port_take_the_place_of_those_reached)
{
    struct companion companion = open_companion(0);

    options.advertise_host = "tv.example";
    options.advertise_port = 8080;
    start();
    search(&companion, DVBCSS_SSDP_GROUP_V4, DVBCSS_SSDP_DIAL);
    cr_expect_str_eq(await(&companion).location, "http://tv.example:8080/dd.xml");
    close(companion.fd);
}

Test(discovery_responder, it_announces_itself_at_the_start_and_takes_leave_at_the_end)
{
    struct companion companion = open_companion(options.port);
    struct dvbcss_ssdp_message message;
    unsigned seen = 0;

    join_group(&companion);
    start();
    for (int i = 0; i < DVBCSS_SSDP_ROLE_COUNT; i++) {
        message = await(&companion);
        cr_expect_eq(message.kind, DVBCSS_SSDP_ALIVE);
        cr_expect_str_eq(message.location, "http://127.0.0.1:7681/dd.xml");
        cr_expect_eq(strncmp(message.host, "239.255.255.250:", 16), 0);
        seen |= dvbcss_ssdp_match(message.target, uuid);
    }
    cr_expect_eq(seen, (1U << DVBCSS_SSDP_ROLE_COUNT) - 1);
    dvbcss_discovery_responder_close(responder, NULL, NULL);
    responder = NULL;
    do {
        message = await(&companion);
    } while (message.kind == DVBCSS_SSDP_ALIVE);
    cr_expect_eq(message.kind, DVBCSS_SSDP_BYEBYE);
    close(companion.fd);
}

Test(discovery_responder, announcements_are_repeated)
{
    struct companion companion = open_companion(options.port);
    unsigned count = 0;

    join_group(&companion);
    options.max_age_s = 2;
    start();
    while (count < 3 * DVBCSS_SSDP_ROLE_COUNT)
        count += await(&companion).kind == DVBCSS_SSDP_ALIVE;
    close(companion.fd);
}

Test(discovery_responder, multicast_leaves_the_house_no_further_than_two_hops)
{
    struct companion companion = open_companion(options.port);
    char control[64];
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    const struct cmsghdr *header;
    int on = 1, hops = 0;

    setsockopt(companion.fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
    join_group(&companion);
    start();
    TEST_LOOP_SPIN_UNTIL(&test, recvmsg(companion.fd, &message, 0) >= 0);
    header = CMSG_FIRSTHDR(&message);
    cr_assert_not_null(header);
    cr_expect_eq(header->cmsg_type, IP_TTL);
    memcpy(&hops, CMSG_DATA(header), sizeof hops);
    cr_expect_eq(hops, 2);
    close(companion.fd);
}

Test(discovery_responder, two_of_them_live_on_one_machine)
{
    struct dvbcss_discovery_responder *other = NULL;
    struct companion companion = open_companion(0);
    bool seen[2] = {false, false};

    start();
    options.uuid = "00000000-0000-0000-0000-000000000002";
    cr_assert_eq(dvbcss_discovery_responder_create(&other, &test.loop, &options), 0);
    search(&companion, DVBCSS_SSDP_GROUP_V4, DVBCSS_SSDP_DIAL);
    for (int i = 0; i < 2; i++)
        seen[strncmp(await(&companion).usn, "uuid:0000", 9) == 0] = true;
    cr_expect(seen[0] && seen[1]);
    dvbcss_discovery_responder_close(other, NULL, NULL);
    close(companion.fd);
}

Test(discovery_responder, without_a_name_loopback_is_not_served)
{
    options.interface_count = 0;
    options.http_address = "192.0.2.77";
    start();
    cr_expect_eq(counters()->links, 0);
}

Test(discovery_responder, an_http_server_on_loopback_alone_is_announced_there)
{
    options.interface_count = 0;
    options.http_address = "127.0.0.1";
    start();
    cr_expect_eq(counters()->links, 1);
}

Test(discovery_responder, it_can_be_closed_at_once_and_nothing_at_all)
{
    options.repeat_ms = 1000;
    start();
    dvbcss_discovery_responder_close(NULL, NULL, NULL);
}

Test(discovery_responder, a_port_that_somebody_holds_for_himself_is_told)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(options.port)};

    cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
    cr_expect_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options),
                 DVBCSS_EADDRINUSE);
    cr_expect_null(responder);
    close(fd);
}

Test(discovery_responder, options_out_of_range_are_refused)
{
    const struct dvbcss_discovery_responder_options good = options;
    char path[1024];

    options.uuid = "x";
    cr_expect_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options),
                 DVBCSS_EINVAL);
    options = good;
    options.http_port = 0;
    cr_expect_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options),
                 DVBCSS_EINVAL);
    options = good;
    options.description_path = "dd.xml";
    cr_expect_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options),
                 DVBCSS_EINVAL);
    options = good;
    options.max_age_s = 0;
    cr_expect_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options),
                 DVBCSS_EINVAL);
    options = good;
    options.ipv4 = false;
    cr_expect_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options),
                 DVBCSS_EINVAL);
    options = good;
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    options.description_path = path;
    cr_expect_eq(dvbcss_discovery_responder_create(&responder, &test.loop, &options),
                 DVBCSS_EINVAL);
}
