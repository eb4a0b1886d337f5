/* Addresses to listen on, what can be wrong with them, and accepting when the system is short. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "server-core/ws_internal.h"
#include "ws_fixture.h"

static struct ws_peer_answer answer;

static uint16_t port_of(const struct sockaddr *address)
{
    return ntohs(address->sa_family == AF_INET
                     ? ((const struct sockaddr_in *)(const void *)address)->sin_port
                     : ((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
}

static int try_listen(const struct dvbcss_server_listen *listen, size_t count,
                      struct dvbcss_report *report)
{
    struct dvbcss_server_options options = loopback_server();
    struct dvbcss_server *server = NULL;
    uv_loop_t loop;
    int result;

    options.listen = listen;
    options.listen_count = count;
    cr_assert_eq(uv_loop_init(&loop), 0);
    result = dvbcss_server_create(&server, &loop, &options, report);
    if (result == 0)
        dvbcss_server_close(server, NULL, NULL);
    else
        cr_assert_null(server);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
    return result;
}

Test(ws_listen, on_several_addresses_with_ports_of_the_systems_choice)
{
    static const struct dvbcss_server_listen listen[] = {{.host = "127.0.0.1"},
                                                         {.host = "127.0.0.2"}};
    struct dvbcss_server_options options = loopback_server();
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    options.listen = listen;
    options.listen_count = 2;
    start_server(&options, NULL);
    cr_assert_eq(dvbcss_server_address_count(fixture.server), 2);
    cr_assert_null(dvbcss_server_address(fixture.server, 2));
    cr_assert_eq(dvbcss_server_loop(fixture.server), &fixture.loop);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_neq(port_of(dvbcss_server_address(fixture.server, i)), 0);
        cr_assert(
            ws_peer_open(&peer, &fixture.loop, dvbcss_server_address(fixture.server, i), "/echo"));
        cr_assert(wait_for(&fixture.record.connects, (unsigned)i + 1));
        dvbcss_address_format(dvbcss_connection_local(fixture.record.connection), text);
        cr_assert_eq(strncmp(text, listen[i].host, strlen(listen[i].host)), 0);
        ws_peer_close(&peer);
        cr_assert(wait_for(&fixture.record.disconnects, (unsigned)i + 1));
    }
    stop_server();
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;

    if (fd >= 0)
        close(fd);
    return bound;
}

Test(ws_listen, on_ipv6)
{
    static const struct dvbcss_server_listen listen = {.host = "::1"};
    struct dvbcss_server_options options = loopback_server();
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    if (!has_ipv6())
        cr_skip_test("this machine has no IPv6");
    options.listen = &listen;
    start_server(&options, NULL);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    dvbcss_address_format(dvbcss_connection_peer(fixture.record.connection), text);
    cr_assert_eq(strncmp(text, "[::1]:", 6), 0);
    stop_server();
}

/* Where both families come in by one socket, IPv4 peers are "::ffff:..." to the library. */
Test(ws_listen, on_everything_shows_ipv4_peers_as_such)
{
    static const struct dvbcss_server_listen listen = {.host = NULL};
    struct dvbcss_server_options options = loopback_server();
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    options.listen = &listen;
    start_server(&options, NULL);
    v4.sin_port = htons(port_of(server_address()));
    cr_assert(ws_peer_open(&peer, &fixture.loop, (struct sockaddr *)&v4, "/echo"));
    cr_assert(wait_for(&fixture.record.connects, 1));
    dvbcss_address_format(dvbcss_connection_peer(fixture.record.connection), text);
    cr_assert_eq(strncmp(text, "127.0.0.1:", 10), 0, "%s", text);
    dvbcss_address_format(dvbcss_connection_local(fixture.record.connection), text);
    cr_assert_eq(strncmp(text, "127.0.0.1:", 10), 0, "%s", text);
    stop_server();
}

Test(ws_listen, on_an_address_in_use_fails_and_names_it)
{
    struct dvbcss_server_listen listen[2] = {{.host = "127.0.0.1"}, {.host = "127.0.0.1"}};
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    start_server(NULL, NULL);
    listen[1].port = port_of(server_address());
    cr_assert_eq(try_listen(listen, 2, &report), DVBCSS_EADDRINUSE);
    cr_assert_eq(report.error, DVBCSS_EADDRINUSE);
    cr_assert_str_eq(report.path, "listen[1]");
    cr_assert_not_null(strstr(report.reason, dvbcss_address_format(server_address(), text)));
    cr_assert_eq(try_listen(listen, 2, NULL), DVBCSS_EADDRINUSE);
    /* The first one of the pair was given back each time. */
    open_peer();
    stop_server();
}

struct address_case {
    char host[32];
};

ParameterizedTestParameters(ws_listen, on_what_is_no_address_here_fails)
{
    static struct address_case cases[] = {{"localhost"}, {""},          {"300.0.0.1"},
                                          {"[::1]"},     {"192.0.2.1"}, {"127.0.0.1:80"}};

    return cr_make_param_array(struct address_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct address_case *param, ws_listen, on_what_is_no_address_here_fails)
{
    struct dvbcss_server_listen listen = {.host = param->host};
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    cr_assert_eq(try_listen(&listen, 1, &report), DVBCSS_EADDRESS, "%s", param->host);
    cr_assert_not_null(strstr(report.reason, param->host));
}

Test(ws_listen, on_nothing_is_possible)
{
    cr_assert_eq(try_listen(NULL, 0, NULL), 0);
}

/* A socket as systemd hands it over: bound and listening already, and blocking. */
static int listening_socket(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 8), 0);
    return fd;
}

Test(ws_listen, on_a_socket_that_the_caller_opened)
{
    struct dvbcss_server_listen listen = {.socket = listening_socket()};
    struct dvbcss_server_options options = loopback_server();

    options.listen = &listen;
    start_server(&options, NULL);
    open_peer();
    stop_server();
    cr_assert_eq(fcntl(listen.socket, F_GETFD), -1, "the server closes it in the end");
}

/* A name in the abstract space leaves no file behind. */
static struct sockaddr_un unix_address(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "dvbcss-test-%d", (int)getpid());
    return address;
}

static int listening_unix_socket(void)
{
    const struct sockaddr_un address = unix_address();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 8), 0);
    return fd;
}

static void connect_by_unix(struct ws_peer *who)
{
    const struct sockaddr_un address = unix_address();

    who->loop = &fixture.loop;
    who->length = 0;
    who->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(who->fd, (const struct sockaddr *)&address, sizeof address), 0);
}

Test(ws_listen, on_a_unix_domain_socket_that_the_caller_opened)
{
    struct dvbcss_server_listen listen_on = {.socket = listening_unix_socket()};
    struct dvbcss_server_options options = loopback_server();
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    options.listen = &listen_on;
    start_server(&options, NULL);
    connect_by_unix(&peer);
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, NULL), 101);
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_str_eq(dvbcss_address_format(dvbcss_connection_peer(fixture.record.connection), text),
                     "unix");
    cr_assert_str_eq(dvbcss_address_format(server_address(), text), "unix");
    stop_server();
}

Test(ws_listen, failing_leaves_the_callers_socket_open)
{
    struct dvbcss_server_listen listen[2] = {{.socket = listening_socket()}, {.host = "nonsense"}};

    cr_assert_eq(try_listen(listen, 2, NULL), DVBCSS_EADDRESS);
    cr_assert_neq(fcntl(listen[0].socket, F_GETFD), -1);
    close(listen[0].socket);
}

Test(ws_listen, on_a_socket_that_does_not_listen_fails)
{
    struct dvbcss_server_listen listen = {.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    cr_assert_eq(try_listen(&listen, 1, NULL), DVBCSS_EADDRESS);
    close(listen.socket);
}

Test(ws_listen, with_options_out_of_range_fails)
{
    struct dvbcss_server_options good = loopback_server();
    struct dvbcss_server_options bad[10] = {good, good, good, good, good,
                                            good, good, good, good, good};
    static const char *const names[10] = {"backlog",          "fd_limit",
                                          "max_sockets",      "max_header_bytes",
                                          "max_header_bytes", "header_timeout_s",
                                          "idle_timeout_s",   "headers",
                                          "headers",          "max_sockets_per_address"};
    static const struct dvbcss_http_header split = {"X", "a\r\nb"};
    struct dvbcss_server *server;
    uv_loop_t loop;
    char long_name[2100];

    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    bad[0].backlog = 0;
    bad[1].fd_limit = 15;
    bad[2].max_sockets = -2;
    bad[3].max_header_bytes = 511;
    bad[4].max_header_bytes = 65536;
    bad[5].header_timeout_s = 0;
    bad[6].idle_timeout_s = bad[6].ping_interval_s;
    bad[7].headers = &split;
    bad[7].header_count = 1;
    bad[8].server_name = long_name;
    bad[9].max_sockets_per_address = -2;
    cr_assert_eq(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < 10; i++) {
        struct dvbcss_report report = DVBCSS_REPORT_INIT;

        cr_assert_eq(dvbcss_server_create(&server, &loop, &bad[i], &report), DVBCSS_EINVAL);
        cr_assert_eq(report.error, DVBCSS_EINVAL);
        cr_assert_str_eq(report.path, names[i]);
        cr_assert_str_neq(report.reason, "");
    }
    cr_assert_eq(uv_loop_close(&loop), 0);
}

Test(ws_listen, lets_those_who_are_turned_away_say_what_they_wanted)
{
    struct dvbcss_server_options options = loopback_server();
    static struct ws_peer late[WS_FAREWELLS + 1];

    options.max_sockets = 1;
    start_server(&options, NULL);
    open_peer();
    for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
        cr_assert(ws_peer_connect(&late[i], &fixture.loop, server_address()));
        cr_assert_eq(ws_peer_read_answer(&late[i], &answer), 503);
    }
    /* The first has made room for the last. */
    for (size_t i = 1; i < sizeof late / sizeof *late; i++) {
        char byte;

        cr_assert(ws_peer_request(&late[i], "GET", "/echo", NULL));
        cr_assert_eq(recv(late[i].fd, &byte, 1, MSG_DONTWAIT), 0, "%zu was reset", i);
    }
    /* Nobody waits for them for ever. */
    while (fixture.server->farewells.slots[WS_FAREWELLS - 1].fd >= 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    for (size_t i = 0; i < sizeof late / sizeof *late; i++)
        ws_peer_close(&late[i]);
    stop_server();
}

Test(ws_listen, turns_away_at_the_socket_limit_with_an_answer)
{
    struct dvbcss_server_options options = loopback_server();
    static struct ws_peer second;
    char value[16];

    options.max_sockets = 1;
    options.retry_after_s = 5;
    start_server(&options, NULL);
    open_peer();
    cr_assert(ws_peer_connect(&second, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_read_answer(&second, &answer), 503);
    cr_assert(ws_peer_answer_header(&answer, "retry-after", value, sizeof value));
    cr_assert_str_eq(value, "5");
    cr_assert(ws_peer_wait_eof(&second));
    ws_peer_close(&second);
    ws_peer_close(&peer);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    open_peer();
    stop_server();
}

Test(ws_listen, peers_of_one_kind_do_not_take_the_room_of_the_other)
{
    struct dvbcss_server_listen listen_on[2] = {{.host = "127.0.0.1"},
                                                {.socket = listening_unix_socket()}};
    struct dvbcss_server_options options = loopback_server();
    static struct ws_peer by_unix, late;

    options.listen = listen_on;
    options.listen_count = 2;
    options.max_sockets = 1;
    start_server(&options, NULL);
    for (int i = 0; i < 2; i++) {
        open_peer();
        connect_by_unix(&by_unix);
        cr_assert_eq(ws_peer_upgrade(&by_unix, "/echo", NULL, NULL), 101);
        cr_assert(ws_peer_connect(&late, &fixture.loop, server_address()));
        cr_assert_eq(ws_peer_read_answer(&late, &answer), 503);
        ws_peer_close(&late);
        connect_by_unix(&late);
        cr_assert_eq(ws_peer_read_answer(&late, &answer), 503);
        ws_peer_close(&late);
        ws_peer_close(&peer);
        ws_peer_close(&by_unix);
        /* Both have room again. */
        while (dvbcss_server_counters(fixture.server)->sockets_open != 0)
            uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    stop_server();
}

/* Takes every descriptor there is; returns how many that were. */
static int take_all(int *taken, int most)
{
    int count = 0;

    while (count < most && (taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    return count;
}

Test(ws_listen, hangs_up_on_peers_when_no_descriptor_is_left_and_recovers)
{
    const struct rlimit low = {128, 128};
    static struct ws_peer late;
    static int taken[128];
    int count;

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    start_server(NULL, NULL);
    open_peer();
    cr_assert(ws_peer_connect(&late, &fixture.loop, server_address()));
    count = take_all(taken, 128);
    cr_assert_gt(count, 0);
    /* Not left waiting in the queue of the system. */
    cr_assert(ws_peer_wait_eof(&late));
    ws_peer_close(&late);
    cr_assert_gt(dvbcss_server_counters(fixture.server)->accept_failures, 0);
    /* Who is in already is served as ever. */
    cr_assert(ws_peer_send_text(&peer, "still here"));
    cr_assert(wait_for(&fixture.record.messages, 1));
    while (count > 0)
        close(taken[--count]);
    cr_assert(ws_peer_open(&late, &fixture.loop, server_address(), "/echo"));
    ws_peer_close(&late);
    stop_server();
}

Test(ws_address, is_written_as_in_a_url)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(7681)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct sockaddr other = {.sa_family = AF_UNIX};
    char text[DVBCSS_ADDRESS_TEXT_SIZE];

    inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
    cr_assert_str_eq(dvbcss_address_format((struct sockaddr *)&v4, text), "192.0.2.7:7681");
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    cr_assert_str_eq(dvbcss_address_format((struct sockaddr *)&v6, text), "[2001:db8::1]:80");
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr);
    cr_assert_str_eq(dvbcss_address_format((struct sockaddr *)&v6, text), "192.0.2.7:80");
    cr_assert_str_eq(dvbcss_address_format(&other, text), "unix");
    other.sa_family = AF_UNSPEC;
    cr_assert_str_eq(dvbcss_address_format(&other, text), "?");
}
