/*
 * A television in few lines: wall clock, CII, and TS with one timeline that
 * begins now.
 *
 *     example_tv
 *
 * Prints the CII URL for companions on this machine, and runs until it is
 * interrupted.
 */
#include <dvbcss/cii_endpoint.h>
#include <dvbcss/system_time.h>
#include <dvbcss/ts_endpoint.h>
#include <dvbcss/wc_server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define ADDRESS "127.0.0.1"
#define CONTENT_ID "dvb://233a.1004.1044"
enum { PTS_HZ = 90000 };

static struct dvbcss_clock *wall_clock, *timeline;
static struct dvbcss_wc_server *wc_server;
static struct dvbcss_server *server;
static struct dvbcss_cii_endpoint *cii;
static struct dvbcss_ts_endpoint *ts;
static struct dvbcss_ts_clock_source *source;

static void check(int error)
{
    if (error) {
        fprintf(stderr, "%s\n", dvbcss_error_text(error));
        exit(1);
    }
}

/* The wall clock is the machine's monotonic time, for CSS-WC and for the
 * timeline alike. */
static void serve(uv_loop_t *loop)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_server_options wc = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct dvbcss_server_listen listen = {.host = ADDRESS};
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_cii_endpoint_options cii_options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;
    struct dvbcss_ts_endpoint_options ts_options = DVBCSS_TS_ENDPOINT_OPTIONS_INIT;

    root.now_ns = dvbcss_monotonic_ns;
    check(dvbcss_root_clock_create(&wall_clock, &root));
    wc.address = ADDRESS;
    wc.port = 0;
    check(dvbcss_wc_server_create(&wc_server, loop, &wc));
    options.listen = &listen;
    options.listen_count = 1;
    check(dvbcss_server_create(&server, loop, &options, NULL));
    check(dvbcss_cii_endpoint_create(&cii, server, &cii_options));
    ts_options.wall_clock = wall_clock;
    check(dvbcss_ts_endpoint_create(&ts, server, &ts_options));
}

static void present_timeline(void)
{
    struct dvbcss_ts_clock_source_options options = DVBCSS_TS_CLOCK_SOURCE_OPTIONS_INIT;

    check(dvbcss_correlated_clock_create(&timeline, wall_clock, dvbcss_rate_hz(PTS_HZ),
                                         dvbcss_correlation(dvbcss_clock_now_ns(wall_clock), 0),
                                         1.0));
    options.selector = DVBCSS_TS_SELECTOR_PTS_TEXT;
    options.clock = timeline;
    options.wall_clock = wall_clock;
    check(dvbcss_ts_clock_source_create(&source, &options));
    check(dvbcss_ts_hub_set_content_id(dvbcss_ts_endpoint_hub(ts), CONTENT_ID));
    check(dvbcss_ts_hub_attach(dvbcss_ts_endpoint_hub(ts), dvbcss_ts_clock_source_base(source)));
}

static void present_content(void)
{
    struct dvbcss_cii_timeline pts = {DVBCSS_TS_SELECTOR_PTS_TEXT, 1, PTS_HZ, false, 0.0, NULL};
    struct dvbcss_cii state = DVBCSS_CII_INIT;
    char wc_url[64];

    snprintf(wc_url, sizeof wc_url, "udp://{{host}}:%d", dvbcss_wc_server_port(wc_server));
    check(dvbcss_cii_set_text(&state, DVBCSS_CII_CONTENT_ID, CONTENT_ID));
    check(dvbcss_cii_set_text(&state, DVBCSS_CII_CONTENT_ID_STATUS, "final"));
    check(dvbcss_cii_set_text(&state, DVBCSS_CII_PRESENTATION_STATUS, "okay"));
    check(dvbcss_cii_set_text(&state, DVBCSS_CII_WC_URL, wc_url));
    check(dvbcss_cii_set_text(&state, DVBCSS_CII_TS_URL, "ws://{{host}}:{{port}}/ts"));
    check(dvbcss_cii_set_timelines(&state, &pts, 1));
    check(dvbcss_cii_endpoint_set_state(cii, &state));
    dvbcss_cii_finish(&state);
}

static void on_interrupt(uv_signal_t *signal, int number)
{
    (void)number;
    dvbcss_cii_endpoint_destroy(cii);
    dvbcss_ts_endpoint_destroy(ts);
    dvbcss_server_close(server, NULL, NULL);
    dvbcss_wc_server_close(wc_server, NULL, NULL);
    uv_close((uv_handle_t *)signal, NULL);
}

int main(void)
{
    char address[DVBCSS_ADDRESS_TEXT_SIZE];
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t interrupt;

    serve(loop);
    present_timeline();
    present_content();
    uv_signal_init(loop, &interrupt);
    uv_signal_start(&interrupt, on_interrupt, SIGINT);
    printf("ws://%s/cii\n", dvbcss_address_format(dvbcss_server_address(server, 0), address));
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    dvbcss_ts_clock_source_destroy(source);
    dvbcss_clock_destroy(timeline);
    dvbcss_clock_destroy(wall_clock);
    return uv_loop_close(loop) == 0 ? 0 : 1;
}
