/*
 * A WebSocket server on the public API that gives back every message as it came, for tests of the
 * protocol itself:
 *
 *     ws_echo MAX_MESSAGE_BYTES
 *
 * Prints the URL of its endpoint on 127.0.0.1, and runs until SIGINT or SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "dvbcss/server.h"

enum { STOP_SIGNALS = 2 };

static struct dvbcss_server *server;
static uv_signal_t stops[STOP_SIGNALS];

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    struct dvbcss_message *message;

    (void)context;
    if (dvbcss_message_create(&message, text ? DVBCSS_MESSAGE_TEXT : DVBCSS_MESSAGE_BINARY, bytes,
                              length) != 0)
        return;
    if (dvbcss_connection_send(connection, message) != 0)
        dvbcss_connection_close(connection, DVBCSS_CLOSE_INTERNAL_ERROR, "the echo was lost");
    dvbcss_message_release(message);
}

static void on_stop(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
    for (int i = 0; i < STOP_SIGNALS; i++)
        uv_close((uv_handle_t *)&stops[i], NULL);
    dvbcss_server_close(server, NULL, NULL);
}

static int serve(uv_loop_t *loop, size_t max_message_bytes)
{
    struct dvbcss_server_listen listen = {.host = "127.0.0.1"};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_endpoint_options echo = DVBCSS_ENDPOINT_OPTIONS_INIT;
    struct dvbcss_endpoint *endpoint;
    int result;

    options.listen = &listen;
    options.listen_count = 1;
    echo.path = "/echo";
    echo.id_prefix = "echo";
    echo.binary_policy = DVBCSS_BINARY_ACCEPT;
    echo.limits.max_message_bytes = max_message_bytes;
    echo.limits.max_queued_bytes = 16 * max_message_bytes;
    echo.hooks.on_message = on_message;
    result = dvbcss_server_create(&server, loop, &options, NULL);
    return result != 0 ? result : dvbcss_endpoint_add(&endpoint, server, &echo);
}

int main(int argc, char **argv)
{
    static const int numbers[STOP_SIGNALS] = {SIGINT, SIGTERM};
    char address[DVBCSS_ADDRESS_TEXT_SIZE];
    uv_loop_t loop;
    int result;

    if (argc != 2) {
        fprintf(stderr, "usage: ws_echo MAX_MESSAGE_BYTES\n");
        return 2;
    }
    uv_loop_init(&loop);
    result = serve(&loop, strtoul(argv[1], NULL, 10));
    if (result != 0) {
        fprintf(stderr, "ws_echo: %s\n", dvbcss_error_text(result));
        return 1;
    }
    for (int i = 0; i < STOP_SIGNALS; i++) {
        uv_signal_init(&loop, &stops[i]);
        uv_signal_start(&stops[i], on_stop, numbers[i]);
    }
    printf("ws://%s/echo\n", dvbcss_address_format(dvbcss_server_address(server, 0), address));
    fflush(stdout);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
