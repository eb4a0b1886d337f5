/* Every lack of memory in the clients: nothing crashes, nothing leaks, and where the client was
 * made it comes to its goal in the end. */
#include <stdio.h>
#include <string.h>

#include "dvbcss/cii_client.h"
#include "dvbcss/companion.h"
#include "dvbcss/ts_client.h"
#include "failing_alloc.h"
#include "test_loop.h"
#include "toy_server.h"

enum { URL_SIZE = 64 };

static void greet(struct toy_connection *connection)
{
    toy_text(connection,
             "{\"protocolVersion\":\"1.1\",\"contentId\":\"dvb://1.2.3\",\"contentIdStatus\":"
             "\"final\",\"presentationStatus\":\"okay\",\"wcUrl\":\"udp://0.0.0.0:9\",\"tsUrl\":"
             "\"ws://0.0.0.0:9/ts\",\"timelines\":[{\"timelineSelector\":"
             "\"urn:dvb:css:timeline:pts\",\"timelineProperties\":{\"unitsPerTick\":1,"
             "\"unitsPerSecond\":90000}}]}");
}

static void answer(struct toy_connection *connection, enum toy_opcode opcode, const char *payload,
                   size_t length)
{
    if (opcode == TOY_CLOSE) {
        toy_frame(connection, true, TOY_CLOSE, payload, length);
        toy_hang_up(connection);
    } else if (opcode == TOY_TEXT) {
        toy_text(connection, "{\"contentTime\":\"5\",\"wallClockTime\":\"7\","
                             "\"timelineSpeedMultiplier\":1}");
    }
}

static const struct toy_script script = {.opened = greet, .frame = answer};
static const struct toy_script ts_script = {.frame = answer};

/* A television that greets again until it was understood. */
struct fixture {
    struct test_loop test;
    struct toy_server *server;
    char url[URL_SIZE];
    bool reached;
};

static void begin(struct fixture *f, const struct toy_script *tv)
{
    memset(f, 0, sizeof *f);
    test_loop_begin(&f->test);
    f->server = toy_server_create(&f->test.loop, tv, f, NULL);
    snprintf(f->url, sizeof f->url, "%s", toy_server_url(f->server, "/"));
}

/* The client was closed, or never made. Returns whether an allocation failed. */
static bool end(struct fixture *f)
{
    toy_server_close(f->server);
    test_loop_end(&f->test);
    cr_assert_eq(failing_alloc_outstanding(), 0);
    return failing_alloc_end();
}

static struct dvbcss_client_options quick(void)
{
    struct dvbcss_client_options options = DVBCSS_CLIENT_OPTIONS_INIT;

    options.retry_min_ms = 1;
    options.retry_max_ms = 2;
    options.pin = "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    return options;
}

/* ---- CII ------------------------------------------------------------------------------------- */

static void on_received(void *user, const struct dvbcss_cii *message, unsigned changed)
{
    (void)message;
    (void)changed;
    ((struct fixture *)user)->reached = true;
}

static void on_refused(void *user, const struct dvbcss_report *report, const char *text,
                       size_t length)
{
    (void)text;
    (void)length;
    cr_assert_eq(report->error, DVBCSS_ENOMEM);
    ((struct fixture *)user)->reached = true;
}

Test(clients_alloc, cii_client_survives_each_lack_of_memory)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_cii_client_options options = DVBCSS_CII_CLIENT_OPTIONS_INIT;
        struct dvbcss_cii_client *client = NULL;
        struct fixture f;
        int error;

        begin(&f, &script);
        options.url = f.url;
        options.connection = quick();
        options.events.received = on_received;
        options.events.protocol_error = on_refused;
        options.user = &f;
        failing_alloc_begin(n);
        error = dvbcss_cii_client_create(&client, &f.test.loop, &options, NULL);
        if (error == 0)
            TEST_LOOP_UNTIL(&f.test, f.reached);
        else
            cr_assert_eq(error, DVBCSS_ENOMEM, "n = %u: %s", n, dvbcss_error_text(error));
        dvbcss_cii_client_close(client, NULL, NULL);
        failed = end(&f);
    }
}

/* ---- TS -------------------------------------------------------------------------------------- */

static void on_availability(void *user, bool available)
{
    (void)available;
    ((struct fixture *)user)->reached = true;
}

static int64_t no_time(void *user)
{
    (void)user;
    return 0;
}

Test(clients_alloc, ts_client_survives_each_lack_of_memory)
{
    struct dvbcss_root_clock_options time = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_clock *root;
    struct dvbcss_clock *timeline;
    bool failed = true;

    time.now_ns = no_time;
    time.precision_s = 1e-9;
    cr_assert_eq(dvbcss_root_clock_create(&root, &time), 0);
    cr_assert_eq(dvbcss_correlated_clock_create(&timeline, root, dvbcss_rate_hz(90000),
                                                dvbcss_correlation(0, 0), 1.0),
                 0);
    for (unsigned n = 0; failed; n++) {
        struct dvbcss_ts_client_options options = DVBCSS_TS_CLIENT_OPTIONS_INIT;
        struct dvbcss_ts_client *client = NULL;
        struct fixture f;
        int error;

        begin(&f, &ts_script);
        options.url = f.url;
        options.timeline_selector = "urn:dvb:css:timeline:pts";
        options.timeline = timeline;
        options.connection = quick();
        options.events.availability = on_availability;
        options.events.protocol_error = on_refused;
        options.user = &f;
        failing_alloc_begin(n);
        error = dvbcss_ts_client_create(&client, &f.test.loop, &options, NULL);
        if (error == 0)
            TEST_LOOP_UNTIL(&f.test, f.reached);
        else
            cr_assert_eq(error, DVBCSS_ENOMEM, "n = %u: %s", n, dvbcss_error_text(error));
        dvbcss_ts_client_close(client, NULL, NULL);
        failed = end(&f);
    }
    dvbcss_clock_destroy(timeline);
    dvbcss_clock_destroy(root);
}

/* ---- the companion --------------------------------------------------------------------------- */

static void on_state(void *user, enum dvbcss_companion_state state)
{
    if (state == DVBCSS_COMPANION_SYNCHRONISING_CLOCK)
        ((struct fixture *)user)->reached = true;
}

static void on_trouble(void *user, enum dvbcss_companion_part part, int error, const char *text)
{
    (void)part;
    (void)text;
    if (error == DVBCSS_ENOMEM)
        ((struct fixture *)user)->reached = true;
}

Test(clients_alloc, companion_survives_each_lack_of_memory)
{
    static const char *const wanted[] = {"urn:dvb:css:timeline:pts", "urn:x"};
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_companion_options options = DVBCSS_COMPANION_OPTIONS_INIT;
        struct dvbcss_companion *companion = NULL;
        struct fixture f;
        int error;

        begin(&f, &script);
        options.cii_url = f.url;
        options.selectors = wanted;
        options.selector_count = 2;
        options.stem = DVBCSS_COMPANION_STEM_GIVEN;
        options.content_id_stem = "dvb://";
        options.precision_s = 1e-6;
        options.connection = quick();
        options.events.state = on_state;
        options.events.trouble = on_trouble;
        options.user = &f;
        failing_alloc_begin(n);
        error = dvbcss_companion_create(&companion, &f.test.loop, &options, NULL);
        if (error == 0)
            TEST_LOOP_UNTIL(&f.test, f.reached);
        else
            cr_assert_eq(error, DVBCSS_ENOMEM, "n = %u: %s", n, dvbcss_error_text(error));
        dvbcss_companion_close(companion, NULL, NULL);
        failed = end(&f);
    }
}
