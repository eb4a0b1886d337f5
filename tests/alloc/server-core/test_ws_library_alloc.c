/* What the library allocates for a connection fails, one after the other: the connection is lost,
 * nothing else. */
#include <criterion/criterion.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/server.h"
#include "ws_peer.h"

enum { NEVER = -1 };

static long left = NEVER;
static bool failed;
static struct ws_peer peer;
static struct ws_peer_frame frame;

/* Without the memory for its poll handle, "uvh", version 4.1.6 loses a connection that it has begun
 * to take, and cannot end any more: that one is let through. */
static void *failing(void *memory, size_t size, const char *reason)
{
    if (size == 0) {
        free(memory);
        return NULL;
    }
    if (left >= 0 && strcmp(reason, "uvh") != 0 && left-- == 0) {
        failed = true;
        return NULL;
    }
    return realloc(memory, size);
}

static void echo(void *context, struct dvbcss_connection *connection, const void *bytes,
                 size_t length, bool text)
{
    (void)context, (void)text;
    cr_assert_eq(dvbcss_connection_send_text(connection, bytes, length), 0);
}

static bool connect_and_echo(uv_loop_t *loop, const struct sockaddr *address)
{
    return ws_peer_open(&peer, loop, address, "/echo") && ws_peer_send_text(&peer, "text") &&
           ws_peer_read_frame(&peer, &frame) == WS_PEER_TEXT;
}

static void play(long n)
{
    static const struct dvbcss_server_listen listen = {.host = "127.0.0.1"};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_endpoint_options endpoint_options = DVBCSS_ENDPOINT_OPTIONS_INIT;
    struct dvbcss_server *server;
    struct dvbcss_endpoint *endpoint;
    uv_loop_t loop;

    options.listen = &listen;
    options.listen_count = 1;
    options.fd_limit = 1024;
    options.close_timeout_s = 0;
    endpoint_options.path = "/echo";
    endpoint_options.id_prefix = "echo";
    endpoint_options.hooks.on_message = echo;
    cr_assert_eq(uv_loop_init(&loop), 0);
    cr_assert_eq(dvbcss_server_create(&server, &loop, &options, NULL), 0);
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, server, &endpoint_options), 0);
    failed = false;
    left = n;
    if (!connect_and_echo(&loop, dvbcss_server_address(server, 0)))
        cr_assert(failed);
    left = NEVER;
    ws_peer_close(&peer);
    cr_assert(connect_and_echo(&loop, dvbcss_server_address(server, 0)));
    ws_peer_close(&peer);
    dvbcss_server_close(server, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&loop), 0);
}

Test(ws_library_alloc, failing_for_a_connection_leaves_the_others)
{
    long n = 0;

    lws_set_allocator(failing);
    do
        play(n++);
    while (failed);
    cr_assert_gt(n, 1);
}
