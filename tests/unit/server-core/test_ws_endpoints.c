/* Endpoints: added, changed and removed while the server runs. */
#include "ws_fixture.h"

static struct ws_peer peers[3];
static struct ws_peer_frame frame;

static void open_three(void)
{
    for (unsigned i = 0; i < 3; i++) {
        cr_assert(ws_peer_open(&peers[i], &fixture.loop, server_address(), "/echo"));
        cr_assert(wait_for(&fixture.record.connects, i + 1));
    }
}

static void close_three(void)
{
    for (int i = 0; i < 3; i++)
        ws_peer_close(&peers[i]);
}

Test(ws_endpoints, are_checked_when_they_are_added)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    struct dvbcss_endpoint *endpoint;

    start_server(NULL, NULL);
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EEXIST);
    options.path = "no-slash";
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EINVAL);
    options.path = NULL;
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EINVAL);
    options.path = "/x";
    options.id_prefix = "an-id-prefix-of-thirty-two-bytes";
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EINVAL);
    options.id_prefix = "";
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EINVAL);
    options.id_prefix = "x";
    options.limits.max_connections = -2;
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EINVAL);
    options.limits.max_connections = -1;
    options.limits.max_queued_messages = 0;
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_EINVAL);
    options.queue_policy = DVBCSS_QUEUE_NEWEST;
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), 0);
    stop_server();
}

Test(ws_endpoints, refuse_to_join_a_server_that_is_closing)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/late");
    struct dvbcss_endpoint *endpoint;

    start_server(NULL, NULL);
    dvbcss_server_close(fixture.server, on_server_closed, &fixture);
    cr_assert_eq(dvbcss_endpoint_add(&endpoint, fixture.server, &options), DVBCSS_ESTATE);
    uv_run(&fixture.loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&fixture.loop), 0);
}

Test(ws_endpoints, send_one_message_to_all)
{
    struct dvbcss_message *message;

    start_server(NULL, NULL);
    open_three();
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, "all", 3), 0);
    cr_assert_eq(dvbcss_endpoint_broadcast(fixture.endpoint, message), 3);
    dvbcss_message_release(message);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(ws_peer_read_frame(&peers[i], &frame), WS_PEER_TEXT);
        cr_assert_str_eq((char *)frame.payload, "all");
    }
    close_three();
    stop_server();
}

static void collect_and_close(void *user, struct dvbcss_connection *connection)
{
    char *ids = user;

    strcat(ids, dvbcss_connection_id(connection));
    strcat(ids, " ");
    dvbcss_connection_close(connection, 4000, NULL);
}

Test(ws_endpoints, visit_all_connections_even_if_each_is_closed_meanwhile)
{
    char ids[64] = "";
    char again[64] = "";

    start_server(NULL, NULL);
    open_three();
    cr_assert_eq(dvbcss_endpoint_connection_count(fixture.endpoint), 3);
    dvbcss_endpoint_each(fixture.endpoint, collect_and_close, ids);
    cr_assert_str_eq(ids, "echo-1 echo-2 echo-3 ");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(ws_peer_read_close(&peers[i], NULL), 4000);
    cr_assert_eq(fixture.record.disconnects, 3);
    dvbcss_endpoint_each(fixture.endpoint, collect_and_close, again);
    cr_assert_str_eq(again, "");
    cr_assert_eq(dvbcss_endpoint_connection_count(fixture.endpoint), 0);
    close_three();
    stop_server();
}

Test(ws_endpoints, find_connections_by_id)
{
    struct dvbcss_connection *found;

    start_server(NULL, NULL);
    open_three();
    found = dvbcss_endpoint_find(fixture.endpoint, "echo-2");
    cr_assert_not_null(found);
    cr_assert_str_eq(dvbcss_connection_id(found), "echo-2");
    cr_assert_null(dvbcss_endpoint_find(fixture.endpoint, "echo-4"));
    dvbcss_connection_close(found, 4000, NULL);
    cr_assert_eq(ws_peer_read_close(&peers[1], NULL), 4000);
    cr_assert_null(dvbcss_endpoint_find(fixture.endpoint, "echo-2"));
    close_three();
    stop_server();
}

Test(ws_endpoints, say_1001_to_all_when_disabled_and_serve_again_when_enabled)
{
    start_server(NULL, NULL);
    open_three();
    dvbcss_endpoint_set_enabled(fixture.endpoint, false);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(ws_peer_read_close(&peers[i], NULL), 1001);
    cr_assert_eq(fixture.record.disconnects, 3);
    cr_assert_eq(fixture.record.code, 1001);
    dvbcss_endpoint_set_enabled(fixture.endpoint, true);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 4));
    cr_assert_str_eq(fixture.record.id, "echo-4");
    close_three();
    stop_server();
}

Test(ws_endpoints, end_their_connections_inside_the_call_that_removes_them)
{
    start_server(NULL, NULL);
    open_three();
    dvbcss_endpoint_remove(fixture.endpoint);
    cr_assert_eq(fixture.record.disconnects, 3);
    cr_assert_eq(fixture.record.code, 1001);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(ws_peer_read_close(&peers[i], NULL), 1001);
    cr_assert(ws_peer_connect(&peer, &fixture.loop, server_address()));
    cr_assert_eq(ws_peer_upgrade(&peer, "/echo", NULL, NULL), 404);
    close_three();
    stop_server();
}

static void remove_on_message(void *context, struct dvbcss_connection *connection,
                              const void *bytes, size_t length, bool text)
{
    (void)context, (void)bytes, (void)length, (void)text;
    dvbcss_endpoint_remove(dvbcss_connection_endpoint(connection));
}

static void remove_on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                                 const char *reason)
{
    record_disconnect(context, connection, code, reason);
    dvbcss_endpoint_remove(dvbcss_connection_endpoint(connection));
}

Test(ws_endpoints, may_be_removed_inside_their_message_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.hooks.on_message = remove_on_message;
    start_server(NULL, &options);
    open_three();
    /* Gathered from fragments, so that there is a buffer to take care of, too. */
    cr_assert(ws_peer_send_frame(&peers[0], WS_PEER_TEXT, true, "a", 1));
    cr_assert(ws_peer_send_frame(&peers[0], WS_PEER_FIN | WS_PEER_CONTINUATION, true, "b", 1));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(ws_peer_read_close(&peers[i], NULL), 1001);
    cr_assert_eq(fixture.record.disconnects, 3);
    close_three();
    stop_server();
}

Test(ws_endpoints, may_be_removed_inside_their_disconnect_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.hooks.on_disconnect = remove_on_disconnect;
    start_server(NULL, &options);
    open_three();
    ws_peer_close(&peers[1]);
    cr_assert(wait_for(&fixture.record.disconnects, 3));
    cr_assert_eq(ws_peer_read_close(&peers[0], NULL), 1001);
    close_three();
    stop_server();
    cr_assert_eq(fixture.record.disconnects, 3);
}

static void remove_on_connect(void *context, struct dvbcss_connection *connection)
{
    record_connect(context, connection);
    dvbcss_endpoint_remove(dvbcss_connection_endpoint(connection));
}

Test(ws_endpoints, may_be_removed_inside_their_connect_hook)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.hooks.on_connect = remove_on_connect;
    start_server(NULL, &options);
    open_peer();
    cr_assert_eq(ws_peer_read_close(&peer, NULL), 1001);
    cr_assert_eq(fixture.record.disconnects, 1);
    stop_server();
}

/* ------------------------------------------------------------------------------------------------
 * Slow readers
 */

enum { BIG = 1 << 20 };

/* Bytes before the payload of a frame that is this long. */
enum { LONG_HEAD = 10 };

/* Fills the way to a peer that does not read: afterwards something waits. Returns the bytes. */
static size_t fill(struct dvbcss_connection *connection)
{
    static char bytes[BIG];
    struct dvbcss_message *message;
    size_t sent = 0;

    memset(bytes, 'x', sizeof bytes);
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, bytes, sizeof bytes), 0);
    for (int i = 0; i < 64 && !dvbcss_connection_congested(connection); i++) {
        cr_assert_eq(dvbcss_connection_send(connection, message), 0);
        sent += LONG_HEAD + BIG;
    }
    cr_assert(dvbcss_connection_congested(connection));
    dvbcss_message_release(message);
    return sent;
}

/* Reads and throws away. */
struct skip {
    struct ws_peer *reader;
    size_t left;
};

static bool skip_is_done(void *user)
{
    struct skip *skip = user;
    size_t most = skip->left < sizeof skip->reader->bytes ? skip->left : sizeof skip->reader->bytes;
    ssize_t got = most != 0 ? recv(skip->reader->fd, skip->reader->bytes, most, MSG_DONTWAIT) : 0;

    if (got > 0)
        skip->left -= (size_t)got;
    return skip->left == 0;
}

static void skip_bytes(struct ws_peer *reader, size_t count)
{
    struct skip skip = {reader, count};

    cr_assert(ws_peer_pump(&fixture.loop, skip_is_done, &skip));
}

Test(ws_endpoints, queue_for_a_slow_reader_in_order_and_tell_when_it_has_caught_up)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    struct dvbcss_connection_counters counters;
    size_t waiting;

    options.limits.max_queued_bytes = 8 * BIG;
    start_server(NULL, &options);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    waiting = fill(fixture.record.connection);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(dvbcss_connection_send_text(fixture.record.connection, &"abc"[i], 1), 0);
    dvbcss_connection_counters(fixture.record.connection, &counters);
    cr_assert_eq(counters.queued_messages, 3);
    cr_assert_eq(counters.queued_bytes, 3);
    cr_assert_eq(fixture.record.drained, 0);
    skip_bytes(&peer, waiting);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
        cr_assert_eq(frame.payload[0], "abc"[i]);
    }
    cr_assert(wait_for(&fixture.record.drained, 1));
    cr_assert_not(dvbcss_connection_congested(fixture.record.connection));
    dvbcss_connection_counters(fixture.record.connection, &counters);
    cr_assert_eq(counters.dropped, 0);
    cr_assert_eq(counters.queued_messages, 0);
    stop_server();
}

Test(ws_endpoints, close_a_reader_whose_queue_overflows_with_1008_and_serve_the_others)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    struct dvbcss_connection *slow;
    struct dvbcss_message *message;

    options.limits.max_queued_messages = 4;
    start_server(NULL, &options);
    open_three();
    slow = dvbcss_endpoint_find(fixture.endpoint, "echo-2");
    fill(slow);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(dvbcss_connection_send_text(slow, "x", 1), 0);
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, "all", 3), 0);
    cr_assert_eq(dvbcss_endpoint_broadcast(fixture.endpoint, message), 2);
    cr_assert_eq(dvbcss_connection_send(slow, message), DVBCSS_ECLOSED);
    dvbcss_message_release(message);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.code, 1008);
    cr_assert_eq(dvbcss_server_counters(fixture.server)->queue_overflows, 1);
    for (int i = 0; i < 3; i += 2) {
        cr_assert_eq(ws_peer_read_frame(&peers[i], &frame), WS_PEER_TEXT);
        cr_assert_str_eq((char *)frame.payload, "all");
    }
    close_three();
    stop_server();
    cr_assert_eq(fixture.record.disconnects, 3);
}

Test(ws_endpoints, keep_only_the_newest_for_a_slow_reader_if_told_so)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");
    struct dvbcss_connection_counters counters;
    size_t waiting;

    options.queue_policy = DVBCSS_QUEUE_NEWEST;
    start_server(NULL, &options);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    waiting = fill(fixture.record.connection);
    for (int i = 0; i < 100; i++) {
        char text[8];
        int length = snprintf(text, sizeof text, "%d", i);

        cr_assert_eq(dvbcss_connection_send_text(fixture.record.connection, text, (size_t)length),
                     0);
    }
    dvbcss_connection_counters(fixture.record.connection, &counters);
    cr_assert_eq(counters.queued_messages, 1);
    cr_assert_eq(counters.queued_bytes, 2);
    cr_assert_eq(counters.dropped, 99);
    skip_bytes(&peer, waiting);
    cr_assert_eq(ws_peer_read_frame(&peer, &frame), WS_PEER_TEXT);
    cr_assert_str_eq((char *)frame.payload, "99");
    cr_assert(wait_for(&fixture.record.drained, 1));
    dvbcss_connection_counters(fixture.record.connection, &counters);
    cr_assert_eq(counters.queued_messages, 0);
    stop_server();
}

Test(ws_endpoints, close_a_reader_that_takes_nothing)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.limits.stall_timeout_s = 1;
    start_server(NULL, &options);
    open_peer();
    cr_assert(wait_for(&fixture.record.connects, 1));
    fill(fixture.record.connection);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.code, 1008);
    cr_assert_eq(dvbcss_server_counters(fixture.server)->stall_evictions, 1);
    stop_server();
}
