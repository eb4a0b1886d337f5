/* The CII client against scripted televisions. */
#include <stdio.h>
#include <string.h>

#include "dvbcss/cii_client.h"
#include "dvbcss/log.h"
#include "test_loop.h"
#include "toy_server.h"

enum { HISTORY = 16 };

struct fixture {
    struct test_loop test;
    struct toy_server *server;
    struct dvbcss_cii_client *client;
    unsigned connected;
    unsigned disconnected;
    unsigned received;
    unsigned protocol_errors;
    unsigned closed;
    unsigned changed[HISTORY];
    struct dvbcss_disconnect why;
    struct dvbcss_report report;
    char refused[64];
    char content_id[64];
    bool close_on_received;
};

static void on_closed(void *user)
{
    ((struct fixture *)user)->closed++;
}

static void on_connected(void *user)
{
    ((struct fixture *)user)->connected++;
}

static void on_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct fixture *f = user;

    f->disconnected++;
    f->why = *why;
}

static void on_received(void *user, const struct dvbcss_cii *message, unsigned changed)
{
    struct fixture *f = user;
    const char *content_id = dvbcss_cii_text(message, DVBCSS_CII_CONTENT_ID);

    if (f->received < HISTORY)
        f->changed[f->received] = changed;
    f->received++;
    snprintf(f->content_id, sizeof f->content_id, "%s", content_id ? content_id : "none");
    if (f->close_on_received)
        dvbcss_cii_client_close(f->client, on_closed, f);
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    struct fixture *f = user;

    f->protocol_errors++;
    f->report = *report;
    snprintf(f->refused, sizeof f->refused, "%.*s", (int)length, text);
}

static struct dvbcss_cii_client_options options_for(struct fixture *f)
{
    struct dvbcss_cii_client_options options = DVBCSS_CII_CLIENT_OPTIONS_INIT;

    options.url = toy_server_url(f->server, "/cii");
    options.connection.retry_min_ms = 1;
    options.connection.retry_max_ms = 5;
    options.events.connected = on_connected;
    options.events.disconnected = on_disconnected;
    options.events.received = on_received;
    options.events.protocol_error = on_protocol_error;
    options.user = f;
    return options;
}

static void begin(struct fixture *f, const struct toy_script *script)
{
    struct dvbcss_cii_client_options options;

    memset(f, 0, sizeof *f);
    test_loop_begin(&f->test);
    f->server = toy_server_create(&f->test.loop, script, f, NULL);
    options = options_for(f);
    cr_assert_eq(dvbcss_cii_client_create(&f->client, &f->test.loop, &options, NULL), 0);
}

static void end(struct fixture *f)
{
    dvbcss_cii_client_close(f->client, on_closed, f);
    TEST_LOOP_UNTIL(&f->test, f->closed);
    toy_server_close(f->server);
    test_loop_end(&f->test);
    cr_assert_eq(f->closed, 1);
}

/* ---- the state ------------------------------------------------------------------------------- */

static void say_two_things(struct toy_connection *connection)
{
    toy_text(connection, "{\"protocolVersion\":\"1.1\",\"contentId\":\"dvb://a\","
                         "\"contentIdStatus\":\"partial\",\"presentationStatus\":\"okay\","
                         "\"timelines\":[]}");
    toy_text(connection, "{\"contentIdStatus\":\"final\",\"timelines\":[]}");
    toy_text(connection, "{\"contentIdStatus\":\"final\"}");
    toy_text(connection, "{\"contentId\":null}");
}

Test(cii_client, adds_messages_up_and_tells_what_changed)
{
    static const struct toy_script script = {.opened = say_two_things};
    struct fixture f;
    const struct dvbcss_cii *state;
    struct dvbcss_client_status status;

    begin(&f, &script);
    cr_assert_eq(dvbcss_cii_defined(dvbcss_cii_client_state(f.client)), 0);
    TEST_LOOP_UNTIL(&f.test, f.received == 4);
    state = dvbcss_cii_client_state(f.client);
    cr_assert_eq(f.changed[0], DVBCSS_CII_BIT(DVBCSS_CII_PROTOCOL_VERSION) |
                                   DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID) |
                                   DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID_STATUS) |
                                   DVBCSS_CII_BIT(DVBCSS_CII_PRESENTATION_STATUS) |
                                   DVBCSS_CII_BIT(DVBCSS_CII_TIMELINES));
    cr_assert_eq(f.changed[1], DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID_STATUS));
    cr_assert_eq(f.changed[2], 0, "told, although nothing is new");
    cr_assert_eq(f.changed[3], DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID));
    cr_assert_eq(dvbcss_cii_presence(state, DVBCSS_CII_CONTENT_ID), DVBCSS_NULL);
    cr_assert_str_eq(dvbcss_cii_text(state, DVBCSS_CII_CONTENT_ID_STATUS), "final");
    dvbcss_cii_client_status(f.client, &status);
    cr_assert(status.connected);
    cr_assert_str_eq(status.peer, "127.0.0.1");
    cr_assert_eq(status.messages, 4);
    cr_assert_eq(status.connections, 1);
    end(&f);
}

/* What televisions in the field send instead of what they should. */
static void say_it_wrongly(struct toy_connection *connection)
{
    toy_text(connection, "{\"protocolVersion\":1.1,\"contentId\":\"http://x/a.mpd\","
                         "\"presentationStatus\":[\"okay\",\"sub\"],\"timelines\":["
                         "{\"timelineSelector\":\"urn:x\",\"unitsPerTick\":\"1\","
                         "\"unitsPerSecond\":\"25\"},null]}");
}

Test(cii_client, understands_numbers_for_strings_arrays_for_status_and_flat_timelines)
{
    static const struct toy_script script = {.opened = say_it_wrongly};
    struct fixture f;
    const struct dvbcss_cii *state;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.received);
    state = dvbcss_cii_client_state(f.client);
    cr_assert_eq(state->presentation_status.count, 2);
    cr_assert_eq(state->timelines.count, 1);
    cr_assert_eq(state->timelines.items[0].units_per_second, 25);
    cr_assert_eq(f.protocol_errors, 0);
    end(&f);
}

static void advertise_useless_hosts(struct toy_connection *connection)
{
    toy_text(connection, "{\"wcUrl\":\"udp://0.0.0.0:6677\",\"tsUrl\":\"ws://[::]:7681/ts\","
                         "\"teUrl\":\"ws://192.0.2.7:1/te\",\"mrsUrl\":\"not a url\"}");
}

Test(cii_client, puts_the_peer_in_the_place_of_hosts_that_nobody_can_reach)
{
    static const struct toy_script script = {.opened = advertise_useless_hosts};
    struct fixture f;
    const struct dvbcss_cii *state;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.received);
    state = dvbcss_cii_client_state(f.client);
    cr_assert_str_eq(dvbcss_cii_text(state, DVBCSS_CII_WC_URL), "udp://127.0.0.1:6677");
    cr_assert_str_eq(dvbcss_cii_text(state, DVBCSS_CII_TS_URL), "ws://127.0.0.1:7681/ts");
    cr_assert_str_eq(dvbcss_cii_text(state, DVBCSS_CII_TE_URL), "ws://192.0.2.7:1/te",
                     "what is well is left alone");
    cr_assert_str_eq(dvbcss_cii_text(state, DVBCSS_CII_MRS_URL), "not a url");
    end(&f);
}

/* ---- what cannot be understood --------------------------------------------------------------- */

static void say_nonsense(struct toy_connection *connection)
{
    toy_text(connection, "{\"contentId\":\"before\"}");
    toy_text(connection, "this is not JSON");
    toy_text(connection, "{\"contentId\":\"x\",\"timelines\":5}");
    toy_frame(connection, true, TOY_BINARY, "{\"contentId\":\"y\"}", 17);
    toy_text(connection, "5");
    toy_text(connection, "{\"a\":");
    toy_text(connection, "{\"contentId\":\"\\ud800\"}");
    toy_text(connection, "{\"contentId\":\"z\",\"contentId\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}");
    toy_text(connection, "{\"contentIdStatus\":\"final\"}");
}

Test(cii_client, leaves_state_and_connection_alone_when_it_does_not_understand)
{
    static const struct toy_script script = {.opened = say_nonsense};
    struct fixture f;
    struct dvbcss_client_status status;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.received == 2);
    cr_assert_eq(f.protocol_errors, 7);
    cr_assert_str_eq(dvbcss_cii_text(dvbcss_cii_client_state(f.client), DVBCSS_CII_CONTENT_ID),
                     "before");
    cr_assert_eq(f.changed[1], DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID_STATUS));
    cr_assert_eq(f.disconnected, 0);
    dvbcss_cii_client_status(f.client, &status);
    cr_assert_eq(status.protocol_errors, 7);
    cr_assert_eq(status.messages, 2);
    end(&f);
}

static void say_one_bad_thing(struct toy_connection *connection)
{
    toy_text(connection, "{\"timelines\":5}");
}

Test(cii_client, tells_where_and_why_it_does_not_understand)
{
    static const struct toy_script script = {.opened = say_one_bad_thing};
    struct fixture f;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.protocol_errors);
    cr_assert_eq(f.report.error, DVBCSS_ETYPE);
    cr_assert_str_eq(f.report.path, "timelines");
    cr_assert_str_eq(f.refused, "{\"timelines\":5}");
    end(&f);
}

/* Who goes on and on must not fill a disk. */
enum { NONSENSE = 6, LINES_MAX = 5, LONG_MS = 1100 };

static struct toy_connection *talker;
static unsigned lines;

static void talk_nonsense(struct toy_connection *connection)
{
    talker = connection;
    for (unsigned i = 0; i < NONSENSE; i++)
        toy_text(connection, "nonsense");
}

static void count_line(void *user, enum dvbcss_log_level level, const char *event, const char *text)
{
    (void)user, (void)level, (void)text;
    lines += strcmp(event, "client-message-refused") == 0;
}

Test(cii_client, logs_a_few_messages_a_minute_that_it_does_not_understand)
{
    static const struct toy_script script = {.opened = talk_nonsense};
    struct fixture f;

    dvbcss_log_set(count_line, NULL, DVBCSS_LOG_WARNING);
    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.protocol_errors == NONSENSE);
    cr_assert_eq(lines, LINES_MAX);
    uv_sleep(LONG_MS);
    talk_nonsense(talker);
    TEST_LOOP_UNTIL(&f.test, f.protocol_errors == 2 * NONSENSE);
    cr_assert_eq(lines, LINES_MAX);
    dvbcss_log_set(NULL, NULL, DVBCSS_LOG_NONE);
    end(&f);
}

static void say_binary(struct toy_connection *connection)
{
    toy_frame(connection, true, TOY_BINARY, "{}", 2);
}

Test(cii_client, calls_a_binary_message_by_its_name)
{
    static const struct toy_script script = {.opened = say_binary};
    struct fixture f;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.protocol_errors);
    cr_assert_eq(f.report.error, DVBCSS_EMESSAGETYPE);
    end(&f);
}

/* ---- losing and coming back ------------------------------------------------------------------ */

static void come_and_go(struct toy_connection *connection)
{
    struct fixture *f = toy_user(connection);
    char text[64];

    snprintf(text, sizeof text, "{\"contentId\":\"visit %u\"}", toy_server_accepted(f->server));
    toy_text(connection, text);
    toy_close(connection, 1001, "off for a moment");
    toy_hang_up(connection);
}

Test(cii_client, keeps_the_state_over_a_loss_and_connects_again)
{
    static const struct toy_script script = {.opened = come_and_go};
    struct fixture f;
    struct dvbcss_client_status status;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.disconnected == 1);
    cr_assert_eq(f.why.close_code, 1001);
    cr_assert_str_eq(f.why.reason, "off for a moment");
    cr_assert_geq(f.why.retry_in_ms, 0);
    cr_assert_str_eq(dvbcss_cii_text(dvbcss_cii_client_state(f.client), DVBCSS_CII_CONTENT_ID),
                     "visit 1");
    dvbcss_cii_client_status(f.client, &status);
    cr_assert_not(status.connected);
    cr_assert_eq(status.last_error, DVBCSS_ECLOSED);
    TEST_LOOP_UNTIL(&f.test, f.connected >= 3);
    cr_assert_str_eq(dvbcss_cii_text(dvbcss_cii_client_state(f.client), DVBCSS_CII_CONTENT_ID),
                     "visit 2");
    end(&f);
}

static void say_less_each_time(struct toy_connection *connection)
{
    struct fixture *f = toy_user(connection);

    if (toy_server_accepted(f->server) == 1) {
        toy_text(connection,
                 "{\"contentId\":\"a\",\"tsUrl\":\"ws://192.0.2.1:1\",\"mrsUrl\":null}");
        toy_hang_up(connection);
    } else {
        toy_text(connection, "{\"contentId\":\"a\",\"mrsUrl\":null}");
        toy_text(connection, "{}");
    }
}

Test(cii_client, forgets_what_a_new_connection_does_not_say_at_first)
{
    static const struct toy_script script = {.opened = say_less_each_time};
    struct fixture f;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.received == 3);
    cr_assert_eq(f.changed[1], DVBCSS_CII_BIT(DVBCSS_CII_TS_URL));
    cr_assert_eq(f.changed[2], 0, "later messages say only what is new");
    cr_assert_eq(dvbcss_cii_presence(dvbcss_cii_client_state(f.client), DVBCSS_CII_TS_URL),
                 DVBCSS_OMITTED);
    cr_assert_str_eq(dvbcss_cii_text(dvbcss_cii_client_state(f.client), DVBCSS_CII_CONTENT_ID),
                     "a");
    end(&f);
}

static void refuse_at_first(struct toy_connection *connection, const char *path, const char *head)
{
    struct fixture *f = toy_user(connection);

    (void)path;
    (void)head;
    if (toy_server_accepted(f->server) > 2) {
        toy_accept(connection);
        return;
    }
    toy_raw_text(connection, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\n"
                             "Content-Length: 4\r\n\r\nfull");
    toy_hang_up(connection);
}

Test(cii_client, comes_back_after_refusals)
{
    static const struct toy_script script = {.request = refuse_at_first};
    struct fixture f;

    begin(&f, &script);
    TEST_LOOP_UNTIL(&f.test, f.connected);
    cr_assert_eq(f.disconnected, 2);
    cr_assert_eq(f.why.http_status, 503);
    cr_assert_eq(f.why.retry_after_s, 0);
    cr_assert_not(f.why.was_open);
    end(&f);
}

Test(cii_client, tries_once_only_if_told_so)
{
    static const struct toy_script script = {.opened = come_and_go};
    struct dvbcss_cii_client_options options;
    struct fixture f;

    begin(&f, &script);
    dvbcss_cii_client_close(f.client, NULL, NULL);
    options = options_for(&f);
    options.connection.reconnect = false;
    cr_assert_eq(dvbcss_cii_client_create(&f.client, &f.test.loop, &options, NULL), 0);
    TEST_LOOP_UNTIL(&f.test, f.disconnected);
    cr_assert_eq(f.why.retry_in_ms, -1);
    end(&f);
}

/* ---- arguments and the end ------------------------------------------------------------------- */

Test(cii_client, refuses_urls_and_settings_that_cannot_work)
{
    struct dvbcss_cii_client_options options = DVBCSS_CII_CLIENT_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_cii_client *client = NULL;
    struct test_loop test;

    test_loop_begin(&test);
    cr_assert_eq(dvbcss_cii_client_create(&client, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options.url = "udp://127.0.0.1:6677";
    cr_assert_eq(dvbcss_cii_client_create(&client, &test.loop, &options, &report),
                 DVBCSS_EUNSUPPORTED);
    cr_assert_neq(report.reason[0], '\0');
    options.url = "ws://127.0.0.1:7681/cii";
    options.connection.retry_min_ms = 0;
    cr_assert_eq(dvbcss_cii_client_create(&client, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options.connection.retry_min_ms = 10;
    options.connection.retry_max_ms = 5;
    cr_assert_eq(dvbcss_cii_client_create(&client, &test.loop, &options, NULL), DVBCSS_EINVAL);
    options.connection.retry_max_ms = 50;
    options.connection.max_message_size = 0;
    cr_assert_eq(dvbcss_cii_client_create(&client, &test.loop, &options, NULL), DVBCSS_EINVAL);
    cr_assert_null(client);
    test_loop_end(&test);
}

Test(cii_client, can_be_closed_from_inside_an_event)
{
    static const struct toy_script script = {.opened = say_two_things};
    struct fixture f;

    begin(&f, &script);
    f.close_on_received = true;
    TEST_LOOP_UNTIL(&f.test, f.closed);
    cr_assert_eq(f.received, 1, "nothing is told after the end was asked for");
    toy_server_close(f.server);
    test_loop_end(&f.test);
}

Test(cii_client, can_be_closed_at_any_turn_of_the_loop)
{
    static const struct toy_script script = {.opened = come_and_go};

    for (unsigned turns = 0; turns < 40; turns++) {
        struct fixture f;

        begin(&f, &script);
        for (unsigned i = 0; i < turns; i++)
            (void)uv_run(&f.test.loop, UV_RUN_NOWAIT);
        end(&f);
    }
}

Test(cii_client, takes_null_for_nothing_to_close)
{
    dvbcss_cii_client_close(NULL, on_closed, NULL);
}

/* Held for reading while loops work, for writing while one of them ends: what libwebsockets closes
 * twice then may be what another thread has just opened (common/loop_pipe.h). */
static uv_rwlock_t ending;

/* Not an assertion in sight: this runs in threads. */
static void visit_on_a_loop_of_its_own(void *visits)
{
    static const struct toy_script script = {.opened = say_two_things};

    for (int i = 0; i < 10; i++) {
        struct dvbcss_cii_client_options options;
        struct fixture f;

        memset(&f, 0, sizeof f);
        uv_rwlock_rdlock(&ending);
        if (uv_loop_init(&f.test.loop) != 0)
            return;
        f.server = toy_server_create(&f.test.loop, &script, &f, NULL);
        options = options_for(&f);
        if (dvbcss_cii_client_create(&f.client, &f.test.loop, &options, NULL) != 0)
            return;
        while (f.received < 4 && uv_run(&f.test.loop, UV_RUN_ONCE) != 0)
            ;
        uv_rwlock_rdunlock(&ending);
        uv_rwlock_wrlock(&ending);
        dvbcss_cii_client_close(f.client, NULL, NULL);
        toy_server_close(f.server);
        (void)uv_run(&f.test.loop, UV_RUN_DEFAULT);
        if (f.received == 4 && uv_loop_close(&f.test.loop) == 0)
            ++*(unsigned *)visits;
        uv_rwlock_wrunlock(&ending);
    }
}

Test(cii_client, works_on_loops_in_several_threads_at_once)
{
    enum { THREADS = 4 };
    uv_thread_t threads[THREADS];
    unsigned visits[THREADS] = {0};

    cr_assert_eq(uv_rwlock_init(&ending), 0);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(uv_thread_create(&threads[i], visit_on_a_loop_of_its_own, &visits[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        cr_assert_eq(uv_thread_join(&threads[i]), 0);
        cr_expect_eq(visits[i], 10);
    }
    uv_rwlock_destroy(&ending);
}

Test(cii_client, shares_a_loop_with_many_others)
{
    enum { MANY = 50 };
    static const struct toy_script script = {.opened = say_two_things};
    struct dvbcss_cii_client *clients[MANY];
    struct dvbcss_cii_client_options options;
    struct fixture f;

    begin(&f, &script);
    options = options_for(&f);
    for (unsigned i = 0; i < MANY; i++)
        cr_assert_eq(dvbcss_cii_client_create(&clients[i], &f.test.loop, &options, NULL), 0);
    TEST_LOOP_UNTIL(&f.test, f.received == 4 * (MANY + 1));
    for (unsigned i = 0; i < MANY; i++)
        dvbcss_cii_client_close(clients[i], NULL, NULL);
    end(&f);
}
