/**
 * @file
 * A server on a loop of its own with one endpoint "/echo" that records what its hooks are told and
 * sends texts back. For the tests of server-core; each is a program of its own, so that everything
 * here is static.
 */
#ifndef TESTS_WS_FIXTURE_H
#define TESTS_WS_FIXTURE_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/server.h"
#include "ws_peer.h"

/** What the hooks of the fixture's endpoint were told. */
struct record {
    unsigned connects;
    unsigned messages;
    unsigned drained;
    unsigned disconnects;
    /** Of the last one. */
    char id[64];
    char text[512];
    size_t length;
    bool is_text;
    unsigned code;
    char reason[128];
    struct dvbcss_connection *connection;
    bool echo;
    /** The sockets fail: an echo may, too. */
    bool failing;
};

struct fixture {
    uv_loop_t loop;
    struct dvbcss_server *server;
    struct dvbcss_endpoint *endpoint;
    struct record record;
    bool closed;
};

static struct fixture fixture;
static struct ws_peer peer;

static inline void record_connect(void *context, struct dvbcss_connection *connection)
{
    struct record *record = context;

    record->connects++;
    record->connection = connection;
    snprintf(record->id, sizeof record->id, "%s", dvbcss_connection_id(connection));
}

static inline void record_message(void *context, struct dvbcss_connection *connection,
                                  const void *bytes, size_t length, bool text)
{
    struct record *record = context;

    record->messages++;
    record->is_text = text;
    record->length = length;
    snprintf(record->text, sizeof record->text, "%.*s", (int)length, (const char *)bytes);
    if (record->echo) {
        int result = dvbcss_connection_send_text(connection, bytes, length);

        cr_assert(result == 0 || (record->failing && result == DVBCSS_EIO));
    }
}

static inline void record_drained(void *context, struct dvbcss_connection *connection)
{
    struct record *record = context;

    (void)connection;
    record->drained++;
}

static inline void record_disconnect(void *context, struct dvbcss_connection *connection,
                                     unsigned code, const char *reason)
{
    struct record *record = context;

    record->disconnects++;
    record->code = code;
    record->connection = NULL;
    snprintf(record->id, sizeof record->id, "%s", dvbcss_connection_id(connection));
    snprintf(record->reason, sizeof record->reason, "%s", reason);
}

/** Options of an endpoint with the recording hooks. */
static inline struct dvbcss_endpoint_options recording_endpoint(const char *path)
{
    struct dvbcss_endpoint_options options = DVBCSS_ENDPOINT_OPTIONS_INIT;

    options.path = path;
    options.id_prefix = path + 1;
    options.hooks = (struct dvbcss_endpoint_hooks){.on_connect = record_connect,
                                                   .on_message = record_message,
                                                   .on_drained = record_drained,
                                                   .on_disconnect = record_disconnect};
    options.context = &fixture.record;
    return options;
}

/** Options of a server on a free port of 127.0.0.1. */
static inline struct dvbcss_server_options loopback_server(void)
{
    static const struct dvbcss_server_listen listen = {.host = "127.0.0.1"};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;

    options.listen = &listen;
    options.listen_count = 1;
    options.fd_limit = 1024;
    return options;
}

/** Starts the fixture; NULL takes the defaults above. */
static inline void start_server(const struct dvbcss_server_options *server_options,
                                const struct dvbcss_endpoint_options *endpoint_options)
{
    struct dvbcss_server_options server = loopback_server();
    struct dvbcss_endpoint_options endpoint = recording_endpoint("/echo");

    memset(&fixture.record, 0, sizeof fixture.record);
    fixture.closed = false;
    fixture.record.echo = true;
    peer.fd = -1;
    cr_assert_eq(uv_loop_init(&fixture.loop), 0);
    cr_assert_eq(dvbcss_server_create(&fixture.server, &fixture.loop,
                                      server_options ? server_options : &server, NULL),
                 0);
    cr_assert_eq(dvbcss_endpoint_add(&fixture.endpoint, fixture.server,
                                     endpoint_options ? endpoint_options : &endpoint),
                 0);
}

static inline void on_server_closed(void *user)
{
    ((struct fixture *)user)->closed = true;
}

static inline bool all_are_disconnected(void *user)
{
    const struct record *record = user;

    return record->disconnects == record->connects;
}

/** Closes the server and the loop: nothing may be left. The peer hangs up once its connection has
 * ended, so that the server need not wait for it to say goodbye. */
static inline void stop_server(void)
{
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    cr_assert(ws_peer_pump(&fixture.loop, all_are_disconnected, &fixture.record));
    ws_peer_close(&peer);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert(fixture.closed);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
}

static inline const struct sockaddr *server_address(void)
{
    return dvbcss_server_address(fixture.server, 0);
}

/** Opens a WebSocket to /echo. */
static inline void open_peer(void)
{
    cr_assert(ws_peer_open(&peer, &fixture.loop, server_address(), "/echo"));
}

/** Turns the loop until a counter has a value. */
struct count {
    const unsigned *counter;
    unsigned value;
};

static inline bool count_is_reached(void *user)
{
    const struct count *count = user;

    return *count->counter >= count->value;
}

static inline bool wait_for(const unsigned *counter, unsigned value)
{
    struct count count = {counter, value};

    return ws_peer_pump(&fixture.loop, count_is_reached, &count);
}

#endif
