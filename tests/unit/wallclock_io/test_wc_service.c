#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bytes.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc.h"
#include "dvbcss/wc_service.h"
#include "wallclock/wc_address.h"

enum { PATIENCE_MS = 20000 };

static const char *const local[] = {"127.0.0.1"};
static const char *const several[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
static const char *const both_families[] = {"0.0.0.0", "::"};

static struct dvbcss_wc_service_options options_for(const char *const *addresses, size_t count)
{
    struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;

    options.addresses = addresses;
    options.address_count = count;
    options.server.port = 0;
    return options;
}

static struct dvbcss_wc_service *start(const struct dvbcss_wc_service_options *options)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_service *service = NULL;

    cr_assert_eq(dvbcss_wc_service_start(&service, options, &report), 0, "%s", report.reason);
    return service;
}

static int new_asker(const char *host, uint16_t port)
{
    union wc_address address;
    int asker;

    cr_assert_eq(wc_address_parse(host, port, &address), 0);
    asker = socket(address.any.sa_family, SOCK_DGRAM, 0);
    cr_assert_geq(asker, 0);
    cr_assert_eq(connect(asker, &address.any, wc_address_size(&address)), 0);
    return asker;
}

static void send_request(int asker, uint32_t cookie)
{
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE] = {0};

    put_be32(request + 8, cookie);
    cr_assert_eq(send(asker, request, sizeof request, 0), DVBCSS_WC_MESSAGE_SIZE);
}

/* Waits for an answer, for no more than @p wait_ms. */
static bool receive_answer(int asker, struct dvbcss_wc_message *answer, int wait_ms)
{
    struct pollfd waiting = {asker, POLLIN, 0};
    uint8_t bytes[64];
    ssize_t length;

    if (poll(&waiting, 1, wait_ms) != 1)
        return false;
    length = recv(asker, bytes, sizeof bytes, 0);
    cr_assert_geq(length, 0);
    cr_assert_eq(dvbcss_wc_message_decode(bytes, (size_t)length, answer, NULL), 0);
    return true;
}

static void expect_answer(const char *host, uint16_t port, uint32_t cookie)
{
    struct dvbcss_wc_message answer;
    int asker = new_asker(host, port);

    send_request(asker, cookie);
    cr_assert(receive_answer(asker, &answer, PATIENCE_MS), "no answer from %s", host);
    cr_assert_eq(answer.type, DVBCSS_WC_RESPONSE);
    cr_assert_eq(answer.originate.seconds, cookie);
    close(asker);
}

/* Counters are published at the end of a turn, which may come after the answer. */
static struct dvbcss_wc_server_counters counters_with_answers(struct dvbcss_wc_service *service,
                                                              uint64_t answers)
{
    struct dvbcss_wc_server_counters counters;

    do
        dvbcss_wc_service_counters(service, &counters);
    while (counters.answers < answers);
    cr_assert_eq(counters.answers, answers);
    return counters;
}

static bool has_ipv6(void)
{
    union wc_address address;
    int descriptor = socket(AF_INET6, SOCK_DGRAM, 0);
    bool bound = wc_address_parse("::1", 0, &address) == 0 && descriptor >= 0 &&
                 bind(descriptor, &address.any, wc_address_size(&address)) == 0;

    if (descriptor >= 0)
        close(descriptor);
    return bound;
}

Test(wc_service, answers_without_any_help_of_the_program, .timeout = 60)
{
    struct dvbcss_wc_service_options options = options_for(local, 1);
    struct dvbcss_wc_service *service = start(&options);

    for (uint32_t i = 0; i < 100; i++)
        expect_answer("127.0.0.1", dvbcss_wc_service_port(service), i);
    counters_with_answers(service, 100);
    cr_assert_gt(dvbcss_wc_service_precision_s(service), 0.0);
    cr_assert_lt(dvbcss_wc_service_precision_s(service), 1e-3);
    dvbcss_wc_service_stop(service);
}

Test(wc_service, one_port_is_served_on_several_addresses, .timeout = 60)
{
    struct dvbcss_wc_service_options options = options_for(several, 3);
    struct dvbcss_wc_service *service = start(&options);

    for (uint32_t i = 0; i < 3; i++)
        expect_answer(several[i], dvbcss_wc_service_port(service), i);
    counters_with_answers(service, 3);
    dvbcss_wc_service_stop(service);
}

Test(wc_service, both_families_are_served_with_their_wildcards_side_by_side, .timeout = 60)
{
    struct dvbcss_wc_service_options options = options_for(both_families, 2);
    struct dvbcss_wc_service *service;

    if (!has_ipv6())
        cr_skip("no IPv6 here");
    service = start(&options);
    expect_answer("127.0.0.1", dvbcss_wc_service_port(service), 4);
    expect_answer("::1", dvbcss_wc_service_port(service), 6);
    counters_with_answers(service, 2);
    dvbcss_wc_service_stop(service);
}

/* How many threads have read the time, which a thread of the service does for what it answers. */
static atomic_uint readers;

static int64_t count_readers(void *user)
{
    static _Thread_local bool counted;

    if (!counted)
        atomic_fetch_add(&readers, 1);
    counted = true;
    return dvbcss_monotonic_ns(user);
}

/* As many clients as leave no thread without one, however the kernel spreads them: three times in
 * 10^11. */
Test(wc_service, many_clients_are_spread_over_several_threads_and_counted_together, .timeout = 60)
{
    enum { CLIENTS = 64, THREADS = 3 };
    struct dvbcss_wc_service_options options = options_for(several, 2);
    struct dvbcss_wc_service *service;

    options.threads = THREADS;
    options.server.now_ns = count_readers;
    service = start(&options);
    atomic_store(&readers, 0);
    for (uint32_t i = 0; i < CLIENTS; i++)
        expect_answer(several[i % 2], dvbcss_wc_service_port(service), i);
    counters_with_answers(service, CLIENTS);
    cr_assert_eq(atomic_load(&readers), THREADS);
    dvbcss_wc_service_stop(service);
}

Test(wc_service, a_source_beyond_its_limit_is_answered_less_but_not_shut_out, .timeout = 60)
{
    enum { LIMIT = 10, REQUESTS = 400 };
    struct dvbcss_wc_service_options options = options_for(local, 1);
    struct dvbcss_wc_service *service;
    struct dvbcss_wc_server_counters counters;
    struct dvbcss_wc_message answer;
    unsigned answers = 0;
    int asker;

    options.server.answers_per_s = LIMIT;
    service = start(&options);
    asker = new_asker("127.0.0.1", dvbcss_wc_service_port(service));
    for (uint32_t i = 0; i < REQUESTS; i++)
        send_request(asker, i);
    /* They may be of two turns while they are published. */
    do
        dvbcss_wc_service_counters(service, &counters);
    while (counters.answers + counters.limited < REQUESTS ||
           counters.datagrams[DVBCSS_WC_ANSWERED] + counters.limited < REQUESTS);
    while (receive_answer(asker, &answer, 0))
        answers++;
    close(asker);
    cr_assert_eq(counters.answers, answers);
    cr_assert_eq(counters.datagrams[DVBCSS_WC_ANSWERED], answers);
    cr_assert_eq(counters.answers + counters.limited, REQUESTS);
    cr_assert_gt(counters.limited, 0);
    cr_assert_gt(counters.answers, LIMIT, "some beyond the limit are answered");
    dvbcss_wc_service_stop(service);
}

static volatile sig_atomic_t signals_taken;
static pthread_t signal_taker;

static void take_signal(int number)
{
    (void)number;
    signal_taker = pthread_self();
    signals_taken++;
}

Test(wc_service, signals_stay_with_the_program, .timeout = 60)
{
    struct dvbcss_wc_service_options options = options_for(local, 1);
    struct sigaction action = {.sa_handler = take_signal};
    struct dvbcss_wc_service *service;
    sigset_t usr1, before;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
    service = start(&options);
    /* Blocked here, it would go to any thread that has not blocked it. */
    cr_assert_eq(pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
    cr_assert_eq(kill(getpid(), SIGUSR1), 0);
    expect_answer("127.0.0.1", dvbcss_wc_service_port(service), 1);
    cr_assert_eq(signals_taken, 0, "a thread of the service took it");
    cr_assert_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    cr_assert_eq(signals_taken, 1);
    cr_assert(pthread_equal(signal_taker, pthread_self()));
    dvbcss_wc_service_stop(service);
}

Test(wc_service, stopping_frees_the_port_at_once, .timeout = 60)
{
    struct dvbcss_wc_service_options options = options_for(several, 3);
    struct dvbcss_wc_service *service = start(&options);

    options.server.port = dvbcss_wc_service_port(service);
    for (int i = 0; i < 20; i++) {
        dvbcss_wc_service_stop(service);
        service = start(&options);
        cr_assert_eq(dvbcss_wc_service_port(service), options.server.port);
    }
    expect_answer("127.0.0.2", options.server.port, 1);
    dvbcss_wc_service_stop(service);
    dvbcss_wc_service_stop(NULL);
}

static void expect_refusal(const struct dvbcss_wc_service_options *options, int error)
{
    struct dvbcss_wc_service *service = NULL;

    cr_assert_eq(dvbcss_wc_service_start(&service, options, NULL), error);
    cr_assert_null(service);
}

Test(wc_service, what_is_out_of_range_is_refused, .timeout = 60)
{
    struct dvbcss_wc_service_options options = options_for(local, 1);

    options.threads = 0;
    expect_refusal(&options, DVBCSS_EINVAL);
    options.threads = DVBCSS_WC_SERVICE_MAX_THREADS + 1;
    expect_refusal(&options, DVBCSS_EINVAL);
    options = options_for(local, 0);
    expect_refusal(&options, DVBCSS_EINVAL);
    options = options_for(local, DVBCSS_WC_SERVICE_MAX_ADDRESSES + 1);
    expect_refusal(&options, DVBCSS_EINVAL);
    options = options_for(local, 1);
    options.server.answers_per_s = DVBCSS_WC_SERVER_LIMIT_MAX + 1;
    expect_refusal(&options, DVBCSS_ERANGE);
}

Test(wc_service, the_address_that_failed_is_named_and_nothing_is_left_open, .timeout = 60)
{
    static const char *const bad[] = {"127.0.0.1", "tv.local"};
    static const char *const missing[] = {NULL};
    struct dvbcss_wc_service_options options = options_for(bad, 2);
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_service *first;
    struct dvbcss_wc_service *second = NULL;

    cr_assert_eq(dvbcss_wc_service_start(&second, &options, &report), DVBCSS_EINVAL);
    cr_assert_eq(report.error, DVBCSS_EINVAL);
    cr_assert(strstr(report.reason, "tv.local"), "%s", report.reason);
    options = options_for(missing, 1);
    expect_refusal(&options, DVBCSS_EINVAL);

    options = options_for(several, 2);
    first = start(&options);
    options = options_for(several + 1, 2);
    options.server.port = dvbcss_wc_service_port(first);
    cr_assert_eq(dvbcss_wc_service_start(&second, &options, &report), DVBCSS_EADDRINUSE);
    cr_assert(strstr(report.reason, "127.0.0.2"), "%s", report.reason);
    cr_assert_null(second);
    dvbcss_wc_service_stop(first);
}
