#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "dvbcss/wc_server.h"
#include "failing_alloc.h"

Test(wc_server, creating_survives_every_lack_of_memory)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;
    uv_loop_t loop;
    bool failed = true;
    unsigned n;

    options.address = "127.0.0.1";
    options.port = 0;
    options.follow_up = true;
    cr_assert_eq(uv_loop_init(&loop), 0);
    for (n = 0; failed; n++) {
        struct dvbcss_wc_server *server = NULL;
        int result;

        failing_alloc_begin(n);
        result = dvbcss_wc_server_create(&server, &loop, &options);
        if (result == 0) {
            dvbcss_wc_server_close(server, NULL, NULL);
        } else {
            cr_assert_eq(result, DVBCSS_ENOMEM);
            cr_assert_null(server);
            cr_assert_eq(failing_alloc_outstanding(), 0);
        }
        cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
        failed = failing_alloc_end();
        cr_assert_eq(failing_alloc_outstanding(), 0);
        cr_assert_eq(failed, result != 0);
    }
    cr_assert_geq(n, 6, "the server, its answerer, socket, follow-ups and rehearsal");
    cr_assert_eq(uv_loop_close(&loop), 0);
}

/* A socket that asks from 127.0.1.N. */
static int new_asker(unsigned n, uint16_t port)
{
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000100 + n)}};
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int asker = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_geq(asker, 0);
    cr_assert_eq(bind(asker, (struct sockaddr *)&source, sizeof source), 0);
    cr_assert_eq(connect(asker, (struct sockaddr *)&server, sizeof server), 0);
    return asker;
}

static void send_datagram(int asker, size_t length)
{
    static const uint8_t request[DVBCSS_WC_MESSAGE_SIZE + 1];

    cr_assert_eq(send(asker, request, length, 0), (ssize_t)length);
}

static uint64_t handled(const struct dvbcss_wc_server_counters *counters)
{
    return counters->answers + counters->limited + counters->datagrams[DVBCSS_WC_DROPPED_LENGTH];
}

/* Has all that was sent so far dealt with, follow-ups included. */
static struct dvbcss_wc_server_counters
settle(uv_loop_t *loop, const struct dvbcss_wc_server *server, uint64_t datagrams)
{
    struct dvbcss_wc_server_counters counters;

    do {
        uv_run(loop, UV_RUN_NOWAIT);
        dvbcss_wc_server_counters(server, &counters);
    } while (handled(&counters) < datagrams || counters.follow_ups < counters.answers);
    return counters;
}

/* One alone, which is rehearsed; many of one source, which exceed its limit; and what is no
 * request. */
static struct dvbcss_wc_server_counters ask(uv_loop_t *loop, const struct dvbcss_wc_server *server)
{
    enum { SOURCES = 20, MANY = 30 };
    struct dvbcss_wc_server_counters counters = {.answers = 0};
    uint64_t sent = 0;

    for (unsigned n = 0; n < SOURCES; n++) {
        int asker = new_asker(n, dvbcss_wc_server_port(server));

        send_datagram(asker, DVBCSS_WC_MESSAGE_SIZE);
        counters = settle(loop, server, ++sent);
        for (unsigned i = 0; i < MANY; i++)
            send_datagram(asker, DVBCSS_WC_MESSAGE_SIZE);
        send_datagram(asker, DVBCSS_WC_MESSAGE_SIZE + 1);
        sent += MANY + 1;
        counters = settle(loop, server, sent);
        close(asker);
    }
    cr_assert_eq(handled(&counters), sent);
    return counters;
}

Test(wc_server, answering_allocates_nothing, .timeout = 60)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct dvbcss_wc_server_counters counters;
    struct dvbcss_wc_server *server;
    uv_loop_t loop;

    options.address = "127.0.0.1";
    options.port = 0;
    options.follow_up = true;
    options.answers_per_s = 10;
    cr_assert(options.rehearse);
    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_eq(dvbcss_wc_server_create(&server, &loop, &options), 0);
    failing_alloc_begin(0);
    counters = ask(&loop, server);
    cr_expect_not(failing_alloc_end(), "something asked for memory");
    cr_expect_gt(counters.limited, 0);
    cr_expect_gt(counters.stamped_follow_ups, 0);
    dvbcss_wc_server_close(server, NULL, NULL);
    cr_assert_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    cr_assert_eq(uv_loop_close(&loop), 0);
}
