/*
 * A WebSocket server on the public API alone, to be measured from outside:
 *
 *     ws_broadcast PORT [CERTIFICATE KEY]
 *
 * With a certificate and its key (PEM files) it speaks TLS.
 *
 * On SIGUSR2 every client of ws://127.0.0.1:PORT/ and .../cii gets one text of 400 bytes,
 * {"t":"<CLOCK_MONOTONIC in ns>","seq":0,"pad":"xxx..."}. Prints what it did when it is ended by
 * SIGINT or SIGTERM.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/server.h"
#include "ws_crowd.h"

enum { MESSAGE_BYTES = 400 };

/* Load generators connect to the one or the other. */
static const char *const paths[] = {"/", "/cii"};

enum { PATHS = sizeof paths / sizeof *paths };

struct bench {
    struct dvbcss_server *server;
    struct dvbcss_endpoint *endpoints[PATHS];
    uv_signal_t broadcast;
    uv_signal_t interrupt;
    uv_signal_t terminate;
    unsigned sequence;
};

static void on_broadcast(uv_signal_t *handle, int number)
{
    static const char end[] = "\"}";
    struct bench *bench = handle->data;
    struct dvbcss_message *message;
    char text[MESSAGE_BYTES];
    int length;

    (void)number;
    memset(text, 'x', sizeof text);
    length = snprintf(text, sizeof text, "{\"t\":\"%" PRIu64 "\",\"seq\":%u,\"pad\":\"",
                      uv_hrtime(), bench->sequence++);
    text[length] = 'x';
    memcpy(text + sizeof text - 2, end, 2);
    if (dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, text, sizeof text) != 0)
        return;
    for (size_t i = 0; i < PATHS; i++)
        dvbcss_endpoint_broadcast(bench->endpoints[i], message);
    dvbcss_message_release(message);
}

static void on_end(uv_signal_t *handle, int number)
{
    struct bench *bench = handle->data;
    const struct dvbcss_server_counters *counters = dvbcss_server_counters(bench->server);

    (void)number;
    printf("connections %" PRIu64 ", messages %" PRIu64 ", dropped %" PRIu64 ", stalled %" PRIu64
           "\n",
           counters->connections_opened, counters->messages_out, counters->messages_dropped,
           counters->stall_evictions);
    uv_close((uv_handle_t *)&bench->broadcast, NULL);
    uv_close((uv_handle_t *)&bench->interrupt, NULL);
    uv_close((uv_handle_t *)&bench->terminate, NULL);
    dvbcss_server_close(bench->server, NULL, NULL);
}

static void watch(struct bench *bench, uv_loop_t *loop)
{
    struct {
        uv_signal_t *handle;
        uv_signal_cb callback;
        int number;
    } watched[] = {{&bench->broadcast, on_broadcast, SIGUSR2},
                   {&bench->interrupt, on_end, SIGINT},
                   {&bench->terminate, on_end, SIGTERM}};

    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        uv_signal_init(loop, watched[i].handle);
        watched[i].handle->data = bench;
        uv_signal_start(watched[i].handle, watched[i].callback, watched[i].number);
    }
}

static int serve(struct bench *bench, uv_loop_t *loop, char **arguments, bool tls)
{
    struct dvbcss_server_listen listen = {
        .host = "127.0.0.1", .port = (uint16_t)strtoul(arguments[0], NULL, 10), .tls = tls};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_endpoint_options endpoint = DVBCSS_ENDPOINT_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int result;

    options.listen = &listen;
    options.listen_count = 1;
    if (tls)
        options.tls = (struct dvbcss_server_tls){arguments[1], arguments[2]};
    endpoint.id_prefix = "bench";
    result = dvbcss_server_create(&bench->server, loop, &options, &report);
    for (size_t i = 0; i < PATHS && result == 0; i++) {
        endpoint.path = paths[i];
        result = dvbcss_endpoint_add(&bench->endpoints[i], bench->server, &endpoint);
    }
    if (result != 0)
        fprintf(stderr, "ws_broadcast: %s %s\n", dvbcss_error_text(result), report.reason);
    return result;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    uv_loop_t loop;

    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: ws_broadcast PORT [CERTIFICATE KEY]\n");
        return 2;
    }
    bench_raise_descriptor_limit();
    uv_loop_init(&loop);
    if (serve(&bench, &loop, argv + 1, argc == 4) != 0)
        return 1;
    watch(&bench, &loop);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return 0;
}
