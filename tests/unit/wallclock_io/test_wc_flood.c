#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "dvbcss/wc.h"
#include "dvbcss/wc_service.h"
#include "wallclock/wc_address.h"

enum {
    /* Of each kind. */
    DATAGRAMS = 1000000,
    /* What is sent at once; the last of them is a request. */
    BATCH = 100,
    BATCHES = DATAGRAMS / (BATCH - 1) + 1,
    WARM_UP_BATCHES = 100,
    LONGEST = 64,
    PATIENCE_S = 30,
    /* Pages that the C library or the kernel may count late; a byte per datagram would be more. */
    GROWTH_LIMIT_KB = 512,
};

struct datagram {
    uint8_t bytes[LONGEST];
    size_t length;
};

/* Makes what comes in the place of a request; it may be one by chance. */
typedef void (*datagram_maker)(struct datagram *datagram, uint64_t *random);

/* A flood, and what has to come of it. */
struct flood {
    struct dvbcss_wc_service *service;
    int sender;
    uint64_t random;
    struct datagram datagrams[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    uint64_t sent;
    uint64_t requests;
};

/* A shift-register generator (Marsaglia). */
static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void make_random(struct datagram *datagram, uint64_t *random)
{
    for (size_t i = 0; i < LONGEST; i += sizeof *random) {
        uint64_t bits = next_random(random);

        memcpy(datagram->bytes + i, &bits, sizeof bits);
    }
    datagram->length = next_random(random) % (LONGEST + 1);
}

static void make_request(struct datagram *datagram, uint64_t *random)
{
    make_random(datagram, random);
    datagram->bytes[0] = 0;
    datagram->bytes[1] = DVBCSS_WC_REQUEST;
    datagram->length = DVBCSS_WC_MESSAGE_SIZE;
}

/* A request with one thing wrong: its version, its type or its length. */
static void make_nearly_right(struct datagram *datagram, uint64_t *random)
{
    uint64_t choice = next_random(random);

    make_request(datagram, random);
    switch (choice % 4) {
    case 0:
        datagram->bytes[0] = (uint8_t)(1 + (choice >> 8) % 255);
        break;
    case 1:
        datagram->bytes[1] = (uint8_t)(1 + (choice >> 8) % 255);
        break;
    case 2:
        datagram->length = (choice >> 8) % DVBCSS_WC_MESSAGE_SIZE;
        break;
    default:
        datagram->length = DVBCSS_WC_MESSAGE_SIZE + 1 + (choice >> 8) % DVBCSS_WC_MESSAGE_SIZE;
        break;
    }
}

static bool is_request(const struct datagram *datagram)
{
    return datagram->length == DVBCSS_WC_MESSAGE_SIZE && datagram->bytes[0] == 0 &&
           datagram->bytes[1] == DVBCSS_WC_REQUEST;
}

/* Each request among the datagrams is answered, in their order, and nothing else is. */
static void expect_answers(struct flood *flood)
{
    for (int i = 0; i < BATCH; i++) {
        uint8_t answer[LONGEST];

        if (!is_request(&flood->datagrams[i]))
            continue;
        flood->requests++;
        cr_assert_eq(recv(flood->sender, answer, sizeof answer, 0), DVBCSS_WC_MESSAGE_SIZE);
        cr_assert_eq(answer[1], DVBCSS_WC_RESPONSE);
        cr_assert_arr_eq(answer + 8, flood->datagrams[i].bytes + 8, 8);
    }
}

static void send_batches(struct flood *flood, datagram_maker make, unsigned batches)
{
    for (unsigned batch = 0; batch < batches; batch++) {
        int sent = 0;

        for (int i = 0; i < BATCH; i++) {
            datagram_maker maker = i == BATCH - 1 ? make_request : make;

            maker(&flood->datagrams[i], &flood->random);
            flood->parts[i].iov_len = flood->datagrams[i].length;
        }
        while (sent < BATCH) {
            int more = sendmmsg(flood->sender, flood->messages + sent, (unsigned)(BATCH - sent), 0);

            cr_assert_gt(more, 0);
            sent += more;
        }
        flood->sent += BATCH;
        expect_answers(flood);
    }
}

static long resident_kb(void)
{
    static const char label[] = "VmRSS:";
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    long resident = 0;

    cr_assert_not_null(status);
    while (resident == 0 && fgets(line, sizeof line, status)) {
        if (strncmp(line, label, sizeof label - 1) == 0)
            resident = strtol(line + sizeof label - 1, NULL, 10);
    }
    fclose(status);
    cr_assert_gt(resident, 0);
    return resident;
}

static void begin(struct flood *flood, unsigned seed)
{
    static const char *const addresses[] = {"127.0.0.1"};
    struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;
    struct timeval patience = {PATIENCE_S, 0};
    union wc_address address;

    memset(flood, 0, sizeof *flood);
    flood->random = seed;
    for (int i = 0; i < BATCH; i++) {
        flood->parts[i].iov_base = flood->datagrams[i].bytes;
        flood->messages[i].msg_hdr.msg_iov = &flood->parts[i];
        flood->messages[i].msg_hdr.msg_iovlen = 1;
    }
    options.addresses = addresses;
    options.address_count = 1;
    options.server.port = 0;
    cr_assert_eq(dvbcss_wc_service_start(&flood->service, &options, NULL), 0);
    cr_assert_eq(wc_address_parse(addresses[0], dvbcss_wc_service_port(flood->service), &address),
                 0);
    flood->sender = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert_eq(connect(flood->sender, &address.any, wc_address_size(&address)), 0);
    cr_assert_eq(setsockopt(flood->sender, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
}

/* Every datagram was seen once, and made of it what had to be. */
static void end(struct flood *flood)
{
    struct dvbcss_wc_server_counters counters;
    uint64_t seen;

    do {
        dvbcss_wc_service_counters(flood->service, &counters);
        seen = 0;
        for (int i = 0; i < DVBCSS_WC_ANSWER_COUNT; i++)
            seen += counters.datagrams[i];
    } while (seen < flood->sent);
    cr_assert_eq(seen, flood->sent);
    cr_assert_eq(counters.answers, flood->requests);
    cr_assert_eq(counters.kernel_drops, 0);
    dvbcss_wc_service_stop(flood->service);
    close(flood->sender);
}

static void run_flood(datagram_maker make, unsigned seed)
{
    static struct flood flood;
    long before_kb;
    long growth_kb;

    begin(&flood, seed);
    send_batches(&flood, make, WARM_UP_BATCHES);
    before_kb = resident_kb();
    send_batches(&flood, make, BATCHES);
    growth_kb = resident_kb() - before_kb;
    cr_assert_lt(growth_kb, GROWTH_LIMIT_KB, "memory grew by %ld kB", growth_kb);
    end(&flood);
}

Test(wc_flood, a_million_random_datagrams_cost_no_memory_and_no_answer, .timeout = 110)
{
    run_flood(make_random, 1);
}

Test(wc_flood, a_million_nearly_right_datagrams_cost_no_memory_and_no_answer, .timeout = 110)
{
    run_flood(make_nearly_right, 2);
}
