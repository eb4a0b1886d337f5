/*
 * Faults of the system and of peers, each brought about on purpose: whatever becomes of the
 * connection that meets one, everybody else is served as ever, and in the end no memory, descriptor
 * or handle remains. Failing allocations have their place in tests/alloc; what the daemon makes of
 * faults in tests/system/test_faults.py.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "socket_faults.h"
#include "ws_fixture.h"

enum { NEVER = 1000000, DESCRIPTORS = 1024, LONG_TEXT = 20000, LONG_ANSWER = 60000 };

static struct ws_peer bystander;
static struct ws_peer newcomer;
static struct ws_peer_frame frame;
static struct ws_peer_answer answer;
static unsigned descriptors;

/* ---- everybody else -------------------------------------------------------------------------- */

static unsigned count_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < DESCRIPTORS; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void answer_at_length(void *context, const struct dvbcss_http_request *request)
{
    static const char body[LONG_ANSWER] = "long";
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    int result;

    (void)context;
    response.body = body;
    response.body_length = sizeof body;
    result = dvbcss_http_respond(request, &response);
    cr_assert_eq(result, 0);
}

static void begin(const struct dvbcss_server_options *options,
                  const struct dvbcss_endpoint_options *endpoint)
{
    struct dvbcss_http_handler_options handler = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    struct dvbcss_http_handler *added;

    failing_alloc_begin(NEVER);
    start_server(options, endpoint);
    handler.path = "/long";
    handler.handle = answer_at_length;
    cr_assert_eq(dvbcss_http_handler_add(&added, fixture.server, &handler), 0);
    bystander.fd = -1;
    newcomer.fd = -1;
    descriptors = count_descriptors();
}

static void open_bystander(void)
{
    cr_assert(ws_peer_open(&bystander, &fixture.loop, server_address(), "/echo"));
}

static bool echoes(struct ws_peer *who, const char *text)
{
    return ws_peer_send_text(who, text) && ws_peer_read_frame(who, &frame) == WS_PEER_TEXT &&
           strcmp((char *)frame.payload, text) == 0;
}

static void expect_others_to_be_served(void)
{
    cr_assert(echoes(&bystander, "still here"));
    cr_assert(ws_peer_open(&newcomer, &fixture.loop, server_address(), "/echo"));
    cr_assert(echoes(&newcomer, "new here"));
    ws_peer_close(&newcomer);
}

static bool as_many_sockets_are_open(void *user)
{
    return dvbcss_server_counters(fixture.server)->sockets_open == *(uint64_t *)user;
}

static void wait_for_sockets(uint64_t count)
{
    cr_assert(ws_peer_pump(&fixture.loop, as_many_sockets_are_open, &count));
}

static void end(void)
{
    socket_faults_end();
    ws_peer_close(&bystander);
    ws_peer_close(&newcomer);
    wait_for_sockets(0);
    cr_assert_eq(count_descriptors(), descriptors);
    stop_server();
    cr_assert_eq(failing_alloc_outstanding(), 0);
    failing_alloc_end();
}

/* ---- accepting ------------------------------------------------------------------------------- */

struct accept_case {
    char name[16];
    int error;
    unsigned calls;
    /* The peer that comes meanwhile is hung up on, so that it does not wait in vain. */
    bool hung_up;
};

ParameterizedTestParameters(ws_faults, of_accepting_pass)
{
    static struct accept_case cases[] = {
        {"EMFILE", EMFILE, 1, true},        {"ENFILE", ENFILE, 1, true},
        {"EMFILE twice", EMFILE, 2, false}, {"ENOBUFS", ENOBUFS, 1, false},
        {"ENOMEM", ENOMEM, 3, false},       {"ECONNABORTED", ECONNABORTED, 5, false},
        {"EPROTO", EPROTO, 1, false},       {"EINTR", EINTR, 2, false},
        {"ENETDOWN", ENETDOWN, 1, false},   {"EPERM", EPERM, 1, false},
    };

    return cr_make_param_array(struct accept_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct accept_case *param, ws_faults, of_accepting_pass)
{
    begin(NULL, NULL);
    open_bystander();
    socket_faults_accept(param->error, param->calls);
    if (param->hung_up) {
        cr_assert(ws_peer_connect(&newcomer, &fixture.loop, server_address()));
        cr_assert(ws_peer_wait_eof(&newcomer), "%s", param->name);
        ws_peer_close(&newcomer);
    }
    expect_others_to_be_served();
    cr_assert_geq(socket_faults_met(), 1);
    end();
}

/* ---- sending --------------------------------------------------------------------------------- */

struct send_case {
    char name[16];
    int error;
    size_t bytes;
    /* The connection does not live through it. */
    bool fatal;
};

ParameterizedTestParameters(ws_faults, of_each_call_that_sends_touch_one_connection_at_most)
{
    static struct send_case cases[] = {
        {"one byte", 0, 1, false},         {"seven bytes", 0, 7, false},
        {"EAGAIN", EAGAIN, 0, false},      {"EINTR", EINTR, 0, false},
        {"ENOBUFS", ENOBUFS, 0, true},     {"ENOMEM", ENOMEM, 0, true},
        {"EPIPE", EPIPE, 0, true},         {"ECONNRESET", ECONNRESET, 0, true},
        {"ETIMEDOUT", ETIMEDOUT, 0, true},
    };

    return cr_make_param_array(struct send_case, cases, sizeof cases / sizeof cases[0]);
}

/* Whether a conversation takes its course; nobody waits for ever in any case. */
static bool talk(void)
{
    static char text[LONG_TEXT + 1];
    unsigned code;

    memset(text, 'x', LONG_TEXT);
    if (!ws_peer_open(&newcomer, &fixture.loop, server_address(), "/echo") ||
        !echoes(&newcomer, "short") || !echoes(&newcomer, text) ||
        !ws_peer_send_close(&newcomer, 1000, "bye"))
        return false;
    code = ws_peer_read_close(&newcomer, NULL);
    return code == 1000 && ws_peer_wait_eof(&newcomer);
}

static bool ask(void)
{
    int status = WS_PEER_EOF;

    if (ws_peer_connect(&newcomer, &fixture.loop, server_address()) &&
        ws_peer_request(&newcomer, "GET", "/long", NULL))
        status = ws_peer_read_answer(&newcomer, &answer);
    cr_assert_neq(status, WS_PEER_TIMEOUT);
    return status == 200 && answer.body_length == LONG_ANSWER;
}

static void meet_fault(const struct socket_fault *fault, bool (*scene)(void), bool fatal)
{
    bool came_through;

    fixture.record.failing = fatal;
    socket_faults_send(fault);
    came_through = scene();
    socket_faults_end();
    fixture.record.failing = false;
    ws_peer_close(&newcomer);
    cr_assert(came_through || fatal, "fault %d after %u calls", fault->error, fault->after);
    wait_for_sockets(1);
    expect_others_to_be_served();
    wait_for_sockets(1);
}

ParameterizedTest(struct send_case *param, ws_faults,
                  of_each_call_that_sends_touch_one_connection_at_most)
{
    static bool (*const scenes[])(void) = {talk, ask};

    begin(NULL, NULL);
    open_bystander();
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct socket_fault fault = {.error = param->error, .bytes = param->bytes, .calls = 1};
        unsigned long met;

        do {
            met = socket_faults_met();
            meet_fault(&fault, scenes[i], param->fatal);
            fault.after++;
        } while (socket_faults_met() != met);
        cr_assert_gt(fault.after, 1);
        /* Every time, as long as it takes. */
        fault = (struct socket_fault){
            .error = param->error, .bytes = param->bytes, .calls = NEVER, .every = 2};
        meet_fault(&fault, scenes[i], param->fatal);
    }
    end();
}

/* Who holds back because the socket is full is told when it is not, also if it was the answer to
 * the handshake that filled it. */
static void expect_congestion(void *context, struct dvbcss_connection *connection)
{
    record_connect(context, connection);
    cr_assert(dvbcss_connection_congested(connection));
}

static void greet(void *context, struct dvbcss_connection *connection)
{
    struct record *record = context;

    if (record->drained++ == 0)
        cr_assert_eq(dvbcss_connection_send_text(connection, "at last", 7), 0);
}

Test(ws_faults, of_the_handshakes_answer_are_followed_by_word_that_the_socket_takes_more)
{
    static const struct socket_fault short_writes = {.bytes = 10, .calls = 2};
    struct dvbcss_endpoint_options endpoint = recording_endpoint("/echo");

    endpoint.hooks.on_connect = expect_congestion;
    endpoint.hooks.on_drained = greet;
    begin(NULL, &endpoint);
    socket_faults_send(&short_writes);
    cr_assert(ws_peer_open(&newcomer, &fixture.loop, server_address(), "/echo"));
    cr_assert_eq(ws_peer_read_frame(&newcomer, &frame), WS_PEER_TEXT);
    cr_assert_str_eq((char *)frame.payload, "at last");
    end();
}

/* Half of a message has gone: without the other half nothing can follow, and whoever has sent it
 * must not be told that the connection lives. */
Test(ws_faults, of_memory_for_the_rest_of_a_message_end_its_connection)
{
    static const struct socket_fault short_write = {.bytes = 3, .calls = 1};
    struct dvbcss_message *message;

    begin(NULL, NULL);
    cr_assert(ws_peer_open(&newcomer, &fixture.loop, server_address(), "/echo"));
    cr_assert(wait_for(&fixture.record.connects, 1));
    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, "halves", 6), 0);
    socket_faults_send(&short_write);
    failing_alloc_rearm(0);
    cr_assert_eq(dvbcss_connection_send(fixture.record.connection, message), DVBCSS_EIO);
    cr_assert(failing_alloc_failed());
    failing_alloc_rearm(NEVER);
    cr_assert(dvbcss_connection_closing(fixture.record.connection));
    dvbcss_message_release(message);
    cr_assert(wait_for(&fixture.record.disconnects, 1));
    cr_assert_eq(fixture.record.code, DVBCSS_CLOSE_ABNORMAL);
    open_bystander();
    end();
}

/* The answer to a request that takes too long is the last that its peer hears, if it hears it. */
Test(ws_faults, of_the_answer_to_a_slow_request_end_its_connection)
{
    static const struct socket_fault fault = {.error = ENOBUFS, .calls = 1};
    struct dvbcss_server_options options = loopback_server();

    options.header_timeout_s = 1;
    begin(&options, NULL);
    cr_assert(ws_peer_connect(&newcomer, &fixture.loop, server_address()));
    cr_assert(ws_peer_say(&newcomer, "GET /long HTTP/1.1\r\nHost: tv\r\nX-Slow: "));
    socket_faults_send(&fault);
    cr_assert_eq(ws_peer_read_answer(&newcomer, &answer), WS_PEER_EOF);
    cr_assert_eq(dvbcss_server_counters(fixture.server)->header_timeouts, 1);
    open_bystander();
    end();
}

/* ---- peers ----------------------------------------------------------------------------------- */

static bool so_many_were_accepted(void *user)
{
    return dvbcss_server_counters(fixture.server)->sockets_accepted == *(uint64_t *)user;
}

static void go_to_accepted(struct ws_peer *who)
{
    uint64_t count = dvbcss_server_counters(fixture.server)->sockets_accepted + 1;

    cr_assert(ws_peer_connect(who, &fixture.loop, server_address()));
    cr_assert(ws_peer_pump(&fixture.loop, so_many_were_accepted, &count));
}

static void go_to_half_a_header(struct ws_peer *who)
{
    go_to_accepted(who);
    cr_assert(ws_peer_say(who, "GET /echo HTTP/1.1\r\nHost: tv\r\nUpgra"));
}

static void go_to_half_a_body(struct ws_peer *who)
{
    go_to_accepted(who);
    cr_assert(ws_peer_request(who, "POST", "/long", "Content-Length: 10\r\n"));
    cr_assert(ws_peer_say(who, "half"));
}

static void go_to_handshake_done(struct ws_peer *who)
{
    cr_assert(ws_peer_open(who, &fixture.loop, server_address(), "/echo"));
}

static void go_into_a_frame(struct ws_peer *who)
{
    go_to_handshake_done(who);
    cr_assert(ws_peer_send(who, "\x81\x8a\x00\x00\x00\x00half", 10));
}

static void go_between_fragments(struct ws_peer *who)
{
    go_to_handshake_done(who);
    cr_assert(ws_peer_send_frame(who, WS_PEER_TEXT, true, "fragment", 8));
}

/* More than the socket takes of a peer that does not read. */
static void go_to_being_pushed(struct ws_peer *who)
{
    static const char text[LONG_ANSWER] = "pushed";
    int result = 0;

    go_to_handshake_done(who);
    while (!dvbcss_connection_congested(fixture.record.connection) && result == 0)
        result = dvbcss_connection_send_text(fixture.record.connection, text, sizeof text);
    cr_assert_eq(result, 0);
}

static void go_to_closing_by_server(struct ws_peer *who)
{
    unsigned disconnects = fixture.record.disconnects;

    go_to_handshake_done(who);
    dvbcss_connection_close(fixture.record.connection, 4001, "closing");
    cr_assert(wait_for(&fixture.record.disconnects, disconnects + 1));
}

static void go_to_closing_by_peer(struct ws_peer *who)
{
    unsigned disconnects = fixture.record.disconnects;

    go_to_handshake_done(who);
    cr_assert(ws_peer_send_close(who, 1000, "closing"));
    cr_assert(wait_for(&fixture.record.disconnects, disconnects + 1));
}

static void go_into_an_answer(struct ws_peer *who)
{
    go_to_accepted(who);
    cr_assert(ws_peer_request(who, "GET", "/long", NULL));
}

typedef void (*state_fn)(struct ws_peer *who);

static const state_fn states[] = {
    go_to_accepted,        go_to_half_a_header,  go_to_half_a_body,  go_to_handshake_done,
    go_into_a_frame,       go_between_fragments, go_to_being_pushed, go_to_closing_by_server,
    go_to_closing_by_peer, go_into_an_answer,
};
enum { STATES = sizeof states / sizeof *states };

static void hang_up(struct ws_peer *who)
{
    ws_peer_close(who);
}

/* Says that nothing more will come, and takes what comes until the server ends it. */
static void half_close(struct ws_peer *who)
{
    cr_assert_eq(shutdown(who->fd, SHUT_WR), 0);
    cr_assert(ws_peer_wait_eof(who));
    ws_peer_close(who);
}

static void half_close_and_reset(struct ws_peer *who)
{
    cr_assert_eq(shutdown(who->fd, SHUT_WR), 0);
    ws_peer_reset(who);
}

static void stop_reading_and_close(struct ws_peer *who)
{
    cr_assert_eq(shutdown(who->fd, SHUT_RD), 0);
    ws_peer_close(who);
}

/* Patience of a second each: what waits for a peer that does nothing does not wait long. */
static struct dvbcss_server_options impatient_server(void)
{
    struct dvbcss_server_options options = loopback_server();

    options.header_timeout_s = 1;
    options.close_timeout_s = 1;
    return options;
}

static struct dvbcss_endpoint_options impatient_endpoint(void)
{
    struct dvbcss_endpoint_options options = recording_endpoint("/echo");

    options.limits.stall_timeout_s = 1;
    return options;
}

Test(ws_faults, of_peers_that_leave_in_any_state_and_any_way_end_that_connection, .timeout = 60)
{
    static const state_fn ways[] = {hang_up, ws_peer_reset, half_close, half_close_and_reset,
                                    stop_reading_and_close};
    const struct dvbcss_server_options server = impatient_server();
    const struct dvbcss_endpoint_options endpoint = impatient_endpoint();
    static struct ws_peer leaver;

    begin(&server, &endpoint);
    open_bystander();
    for (size_t i = 0; i < STATES; i++) {
        for (size_t j = 0; j < sizeof ways / sizeof *ways; j++) {
            states[i](&leaver);
            ways[j](&leaver);
            wait_for_sockets(1);
            expect_others_to_be_served();
            wait_for_sockets(1);
        }
    }
    end();
}

/* They neither read nor pong nor go on nor leave. */
Test(ws_faults, of_peers_that_do_nothing_in_any_state_are_waited_for_in_vain_once, .timeout = 60)
{
    static struct ws_peer idlers[STATES];
    struct dvbcss_server_options server = impatient_server();
    const struct dvbcss_endpoint_options endpoint = impatient_endpoint();

    server.ping_interval_s = 1;
    server.idle_timeout_s = 2;
    begin(&server, &endpoint);
    for (size_t i = 0; i < STATES; i++)
        states[i](&idlers[i]);
    wait_for_sockets(0);
    open_bystander();
    expect_others_to_be_served();
    for (size_t i = 0; i < STATES; i++)
        ws_peer_close(&idlers[i]);
    end();
}
