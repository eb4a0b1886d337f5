/*
 * dvbcss ts: follows one timeline of a TV, told everything that CII would tell a companion.
 */
#include <stdlib.h>

#include "client_report.h"
#include "dvbcss/clock.h"
#include "dvbcss/ts_client.h"
#include "dvbcss/wc_client.h"
#include "local_clock.h"
#include "watch.h"

struct ts_watch {
    struct watch watch;
    struct dvbcss_ts_client_options options;
    struct dvbcss_wc_client_options wc_options;
    struct dvbcss_rate rate;
    double max_freq_error_ppm;
    struct local_clock clock;
    struct dvbcss_clock *timeline;
    struct dvbcss_wc_client *wc_client;
    struct dvbcss_ts_client *client;
};

static const char help[] =
    "Usage: dvbcss ts [OPTION]... TS-URL WC-URL STEM SELECTOR TICK-RATE [BIND-ADDRESS "
    "[BIND-PORT]]\n"
    "Follow the timeline SELECTOR of content whose id begins with STEM (\"\" for any), as\n"
    "  dvbcss ts ws://192.168.1.5:7681/ts udp://192.168.1.5:6677 \"\" \\\n"
    "            urn:dvb:css:timeline:pts 90000\n"
    "\n"
    "  -1, --once              end when the connection is refused or lost (status 1)\n"
    "      --threshold SECONDS leave smaller jumps of the timeline alone (0.001)\n"
    "      --freq-error PPM    largest frequency error of this machine's clock (500)\n" HELP_TRUST(
        "wss") HELP_INTERVAL("0.4")
        HELP_WATCH_OPTIONS(
            "samples while available") "\n"
                                       "Each JSON line has an event: connected, disconnected, "
                                       "control_timestamp, timing,\n"
                                       "protocol_error, trouble or position. Times named local_ns "
                                       "are "
                                       "of CLOCK_MONOTONIC_RAW.\n" HELP_EXIT_CODES;

/* ---- what is shown -------------------------------------------------------------------------- */

static void sample(struct watch *watch)
{
    struct ts_watch *self = (struct ts_watch *)watch;
    bool available = dvbcss_clock_available(self->timeline);
    struct dvbcss_ticks local, position;
    double bound_s;

    /* They have a root in common: this cannot fail. */
    if (dvbcss_clock_read_pair(self->clock.root, self->timeline, &local, &position) != 0)
        return;
    bound_s = dvbcss_clock_dispersion_s(self->timeline, position);
    if (watch->json)
        watch_print(watch,
                    json_pack("{s:s, s:I, s:b, s:o, s:o, s:o}", "event", "position", "local_ns",
                              (json_int_t)dvbcss_ticks_round(local), "available", available,
                              "position", watch_json_number(dvbcss_ticks_to_double(position)),
                              "speed", watch_json_number(dvbcss_clock_speed(self->timeline)),
                              "bound_s", watch_json_number(bound_s)));
    else if (available)
        watch_show(watch, "%.3f ticks  speed %g  +/- %.3f ms", dvbcss_ticks_to_double(position),
                   dvbcss_clock_speed(self->timeline), bound_s * 1e3);
    else
        watch_wait(watch, dvbcss_clock_available(self->clock.wall) ? "the timeline is not available"
                                                                   : "waiting for the wall clock");
    if (available)
        watch_count(watch);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_connected(void *user)
{
    client_report_connected(user, "ts");
}

static void on_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct ts_watch *self = user;

    client_report_disconnected(&self->watch, "ts", why);
    if (!self->options.connection.reconnect)
        watch_finish(&self->watch, EXIT_FAILED);
}

static void on_control_timestamp(void *user, const struct dvbcss_ts_control_timestamp *timestamp)
{
    struct ts_watch *self = user;

    if (self->watch.json)
        watch_print(&self->watch,
                    json_pack("{s:s, s:b, s:I, s:I, s:o}", "event", "control_timestamp",
                              "available", timestamp->available, "content_time",
                              (json_int_t)timestamp->content_time_ticks, "wall_clock_time",
                              (json_int_t)timestamp->wall_clock_time_ns, "speed",
                              watch_json_number(timestamp->speed)));
}

static void on_timing(void *user, bool speed_changed)
{
    struct ts_watch *self = user;

    if (self->watch.json)
        watch_print(&self->watch,
                    json_pack("{s:s, s:b}", "event", "timing", "speed_changed", speed_changed));
    else
        watch_say(&self->watch, speed_changed ? "the speed is %g now" : "the timeline jumped (%g)",
                  dvbcss_clock_speed(self->timeline));
}

static void on_availability(void *user, bool available)
{
    watch_say(user, "the timeline is %s", available ? "available" : "unavailable");
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    (void)text;
    (void)length;
    client_report_protocol_error(user, "ts", report);
}

static void on_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    client_report_trouble(user, "wall clock", trouble->error, trouble->text);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static int create_clocks(struct ts_watch *self)
{
    int error = local_clock_init(&self->clock, self->max_freq_error_ppm);

    if (error != 0)
        return error;
    return dvbcss_correlated_clock_create(&self->timeline, self->clock.wall, self->rate,
                                          dvbcss_correlation(0, 0), 1.0);
}

static int start(struct watch *watch)
{
    struct ts_watch *self = (struct ts_watch *)watch;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = create_clocks(self);

    if (error != 0)
        return failure(watch->command, "%s", dvbcss_error_text(error));
    self->wc_options.wall_clock = self->clock.wall;
    error = dvbcss_wc_client_create(&self->wc_client, &watch->loop, &self->wc_options, &report);
    if (error != 0)
        return client_report_failure(watch->command, self->wc_options.url, error, &report);
    self->options.timeline = self->timeline;
    error = dvbcss_ts_client_create(&self->client, &watch->loop, &self->options, &report);
    return error == 0 ? EXIT_DONE
                      : client_report_failure(watch->command, self->options.url, error, &report);
}

static void stop(struct watch *watch)
{
    struct ts_watch *self = (struct ts_watch *)watch;

    dvbcss_ts_client_close(self->client, NULL, NULL);
    dvbcss_wc_client_close(self->wc_client, NULL, NULL);
}

static const struct watch_ops ops = {start, sample, stop};

enum { THRESHOLD = 256, FREQ_ERROR, CA_FILE, PIN };

static bool take_option(struct watch *watch, int option, const char *argument)
{
    struct ts_watch *self = (struct ts_watch *)watch;

    switch (option) {
    case THRESHOLD:
        return read_number(argument, 0, 1e6, &self->options.threshold_s);
    case FREQ_ERROR:
        return read_number(argument, 0, 100000, &self->max_freq_error_ppm);
    case CA_FILE:
        self->options.connection.ca_file = argument;
        return true;
    case PIN:
        self->options.connection.pin = argument;
        return true;
    default:
        self->options.connection.reconnect = false;
        return true;
    }
}

static int take_arguments(struct ts_watch *self, int argc, char **argv)
{
    enum { TS_URL, WC_URL, STEM, SELECTOR, RATE, BIND_ADDRESS, BIND_PORT };
    int64_t port;

    if (argc <= RATE || argc > BIND_PORT + 1)
        return usage_error(self->watch.command, "expected TS-URL WC-URL STEM SELECTOR TICK-RATE");
    self->options.url = argv[TS_URL];
    self->wc_options.url = argv[WC_URL];
    self->options.content_id_stem = argv[STEM];
    self->options.timeline_selector = argv[SELECTOR];
    if (!read_rate(argv[RATE], &self->rate))
        return usage_error(self->watch.command, "\"%s\" is no tick rate, as 90000 or 30000/1001",
                           argv[RATE]);
    if (argc > BIND_ADDRESS)
        self->wc_options.bind_address = argv[BIND_ADDRESS];
    if (argc > BIND_PORT) {
        if (!read_integer(argv[BIND_PORT], 0, 65535, &port))
            return usage_error(self->watch.command, "\"%s\" is no port", argv[BIND_PORT]);
        self->wc_options.bind_port = (uint16_t)port;
    }
    return -1;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"once", no_argument, NULL, '1'},
                                            {"threshold", required_argument, NULL, THRESHOLD},
                                            {"freq-error", required_argument, NULL, FREQ_ERROR},
                                            {"ca-file", required_argument, NULL, CA_FILE},
                                            {"pin", required_argument, NULL, PIN},
                                            WATCH_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    static const struct dvbcss_ts_client_options defaults = DVBCSS_TS_CLIENT_OPTIONS_INIT;
    static const struct dvbcss_wc_client_options wc_defaults = DVBCSS_WC_CLIENT_OPTIONS_INIT;
    static const struct dvbcss_ts_client_events events = {
        on_connected,    on_control_timestamp, on_timing, on_availability,
        on_disconnected, on_protocol_error,    NULL};
    struct ts_watch self = {
        .options = defaults, .wc_options = wc_defaults, .max_freq_error_ppm = 500};
    int exit_code;

    watch_init(&self.watch, command, &ops, 0.4);
    self.options.threshold_s = 0.001;
    self.options.events = events;
    self.options.user = &self;
    self.wc_options.events.trouble = on_trouble;
    self.wc_options.user = &self;
    exit_code =
        watch_read_options(&self.watch, argc, argv, "1" WATCH_LETTERS, options, take_option);
    if (exit_code < 0)
        exit_code = take_arguments(&self, argc - optind, argv + optind);
    if (exit_code >= 0)
        return exit_code;
    exit_code = watch_run(&self.watch);
    dvbcss_clock_destroy(self.timeline);
    local_clock_finish(&self.clock);
    return exit_code;
}

const struct command command_ts = {"ts", "follow one timeline of a TV (CSS-TS)", help, run};
