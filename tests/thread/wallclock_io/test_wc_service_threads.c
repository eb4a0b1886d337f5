/*
 * A service with several threads is asked by several threads while another one reads its counters,
 * and it is started and stopped over and over. A plain program, for the thread sanitizer.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "dvbcss/wc_service.h"
#include "wallclock/wc_address.h"

enum { ROUNDS = 5, THREADS = 3, ASKERS = 4, REQUESTS = 200, PATIENCE_S = 20 };

static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};

/* A thread that asks from a socket of its own, and waits for each answer. */
struct asker {
    pthread_t thread;
    const char *host;
    uint16_t port;
    unsigned answers;
};

/* The thread that reads the counters while they are counted. */
struct reader {
    pthread_t thread;
    struct dvbcss_wc_service *service;
    atomic_bool enough;
    bool went_back;
};

static bool ask(int descriptor, uint8_t cookie)
{
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE] = {0};

    bytes[11] = cookie;
    return send(descriptor, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes &&
           recv(descriptor, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes && bytes[11] == cookie;
}

static void *run_asker(void *argument)
{
    struct asker *asker = argument;
    struct timeval patience = {PATIENCE_S, 0};
    union wc_address address;
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);

    (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (wc_address_parse(asker->host, asker->port, &address) == 0 &&
        connect(descriptor, &address.any, wc_address_size(&address)) == 0) {
        while (asker->answers < REQUESTS && ask(descriptor, (uint8_t)asker->answers))
            asker->answers++;
    }
    close(descriptor);
    return NULL;
}

static void *run_reader(void *argument)
{
    struct reader *reader = argument;
    uint64_t answers = 0;

    while (!atomic_load(&reader->enough)) {
        struct dvbcss_wc_server_counters counters;

        dvbcss_wc_service_counters(reader->service, &counters);
        reader->went_back |= counters.answers < answers;
        answers = counters.answers;
    }
    return NULL;
}

static struct dvbcss_wc_service *start(void)
{
    struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;
    struct dvbcss_wc_service *service = NULL;
    int result;

    options.addresses = addresses;
    options.address_count = 2;
    options.threads = THREADS;
    options.server.port = 0;
    options.server.answers_per_s = DVBCSS_WC_SERVER_LIMIT_MAX;
    result = dvbcss_wc_service_start(&service, &options, NULL);
    if (result != 0)
        printf("cannot start: %s\n", dvbcss_error_text(result));
    return service;
}

/* Asks for all answers. Returns how many failures there were. */
static int run_askers(uint16_t port)
{
    struct asker askers[ASKERS];
    int failures = 0;

    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.host = addresses[i % 2], .port = port};
        if (pthread_create(&askers[i].thread, NULL, run_asker, &askers[i]) != 0)
            return 1;
    }
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        failures += askers[i].answers != REQUESTS;
    }
    return failures;
}

static int run_round(void)
{
    struct reader reader = {.service = start()};
    int failures;

    if (!reader.service)
        return 1;
    if (pthread_create(&reader.thread, NULL, run_reader, &reader) != 0)
        return 1;
    failures = run_askers(dvbcss_wc_service_port(reader.service));
    atomic_store(&reader.enough, true);
    pthread_join(reader.thread, NULL);
    dvbcss_wc_service_stop(reader.service);
    return failures + reader.went_back;
}

int main(void)
{
    int failures = 0;

    for (int round = 0; round < ROUNDS; round++)
        failures += run_round();
    printf("%d rounds, %d failures\n", ROUNDS, failures);
    return failures == 0 ? 0 : 1;
}
