/*
 * Objects on different threads are independent: each thread has a loop, and on it a wall-clock
 * server and a client that has to become available. A plain program, for the thread sanitizer.
 */
#include <pthread.h>
#include <stdio.h>
#include <uv.h>

#include "dvbcss/clock.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc_client.h"
#include "dvbcss/wc_server.h"

enum { THREADS = 3, EXCHANGES = 5 };

/* One thread's television and companion. */
struct pair {
    pthread_t thread;
    uv_loop_t loop;
    struct dvbcss_clock *root;
    struct dvbcss_clock *wall_clock;
    struct dvbcss_wc_server *server;
    struct dvbcss_wc_client *client;
    int exchanges;
    bool ended_well;
};

static void on_exchange(void *user, const struct dvbcss_wc_exchange *exchange)
{
    struct pair *pair = user;

    (void)exchange;
    if (++pair->exchanges < EXCHANGES)
        return;
    dvbcss_wc_client_close(pair->client, NULL, NULL);
    dvbcss_wc_server_close(pair->server, NULL, NULL);
    pair->client = NULL;
    pair->server = NULL;
}

static int start_server(struct pair *pair)
{
    struct dvbcss_wc_server_options options = DVBCSS_WC_SERVER_OPTIONS_INIT;

    options.address = "127.0.0.1";
    options.port = 0;
    return dvbcss_wc_server_create(&pair->server, &pair->loop, &options);
}

static int start_client(struct pair *pair)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_client_options options = DVBCSS_WC_CLIENT_OPTIONS_INIT;
    char url[64];
    int error;

    root.now_ns = dvbcss_monotonic_ns;
    error = dvbcss_root_clock_create(&pair->root, &root);
    if (error)
        return error;
    error = dvbcss_tunable_clock_create(&pair->wall_clock, pair->root, root.rate, dvbcss_ticks(0));
    if (error)
        return error;
    snprintf(url, sizeof url, "udp://127.0.0.1:%d", dvbcss_wc_server_port(pair->server));
    options.url = url;
    options.wall_clock = pair->wall_clock;
    options.events.exchange = on_exchange;
    options.user = pair;
    return dvbcss_wc_client_create(&pair->client, &pair->loop, &options, NULL);
}

static void *run_pair(void *argument)
{
    struct pair *pair = argument;

    if (uv_loop_init(&pair->loop) != 0)
        return NULL;
    if (start_server(pair) != 0 || start_client(pair) != 0) {
        dvbcss_wc_server_close(pair->server, NULL, NULL);
        pair->server = NULL;
    }
    uv_run(&pair->loop, UV_RUN_DEFAULT);
    pair->ended_well = pair->exchanges == EXCHANGES && dvbcss_clock_available(pair->wall_clock);
    dvbcss_clock_destroy(pair->wall_clock);
    dvbcss_clock_destroy(pair->root);
    pair->ended_well = uv_loop_close(&pair->loop) == 0 && pair->ended_well;
    return NULL;
}

int main(void)
{
    static struct pair pairs[THREADS];
    int failures = 0;

    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&pairs[i].thread, NULL, run_pair, &pairs[i]) != 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(pairs[i].thread, NULL);
        printf("thread %d: %d exchanges\n", i, pairs[i].exchanges);
        failures += !pairs[i].ended_well;
    }
    return failures == 0 ? 0 : 1;
}
