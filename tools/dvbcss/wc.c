/*
 * dvbcss wc: follows a TV's wall clock, and shows how far it may be off.
 */
#include <stdio.h>
#include <string.h>

#include "client_report.h"
#include "dvbcss/clock.h"
#include "dvbcss/system_time.h"
#include "dvbcss/wc.h"
#include "dvbcss/wc_client.h"
#include "local_clock.h"
#include "watch.h"
#include "wc_report.h"

enum { URL_SIZE = 300 };

struct wc_watch {
    struct watch watch;
    struct dvbcss_wc_client_options options;
    double max_freq_error_ppm;
    /* --repeat, and one of those that plan when to ask: one or the other. */
    bool fixed;
    bool planned;
    bool show_exchanges;
    struct wc_report_stamps stamps;
    struct local_clock clock;
    struct dvbcss_wc_client *client;
    char url[URL_SIZE];
};

#define HELP_SAMPLES HELP_INTERVAL("0.2") HELP_WATCH_OPTIONS("samples of the available clock")

static const char help[] =
    "Usage: dvbcss wc [OPTION]... udp://HOST:PORT [BIND-ADDRESS [BIND-PORT]]\n"
    "  or:  dvbcss wc [OPTION]... [HOST [PORT [BIND-ADDRESS [BIND-PORT]]]]\n"
    "Follow the wall clock of a television (127.0.0.1, port 6677 unless told otherwise) and show\n"
    "how far it may be off.\n"
    "\n"
    "      --floor SECONDS     shortest time between requests while all is well (1.2)\n"
    "      --ceiling SECONDS   longest time between requests (1.8)\n"
    "      --target SECONDS    error bound that is good enough to ask seldom (0.0003)\n"
    "      --repeat SECONDS    time between requests, whatever the error bound\n"
    "      --reply-timeout SECONDS  time to wait for an answer (0.2)\n"
    "      --max-error SECONDS the clock counts as available up to this error (any)\n"
    "      --freq-error PPM    largest frequency error of this machine's clock (500)\n"
    "  -x, --exchanges         show each exchange with its four times\n" HELP_SAMPLES "\n"
    "Each JSON line has an event: exchange, availability, trouble or clock. Times\n"
    "named local_ns are of CLOCK_MONOTONIC_RAW.\n" HELP_EXIT_CODES;

/* ---- what is shown -------------------------------------------------------------------------- */

static void sample(struct watch *watch)
{
    struct wc_watch *self = (struct wc_watch *)watch;
    struct wc_report_clock clock = {.stamps = self->stamps};
    const struct dvbcss_wc_client_status *status = &clock.status;

    dvbcss_wc_client_status(self->client, &clock.status);
    local_clock_read(&self->clock, &clock.local_ns, &clock.wall_ns);
    clock.worst_bound_s = dvbcss_wc_client_worst_dispersion_s(self->client);
    if (watch->json)
        wc_report_clock(watch, &clock);
    else if (status->available)
        watch_show(watch, "%.6f s  +/- %.3f ms  rtt %.3f ms  (%llu of %llu exchanges useful)",
                   (double)clock.wall_ns / 1e9, status->dispersion_s * 1e3,
                   (double)status->rtt_last_ns / 1e6, (unsigned long long)status->useful,
                   (unsigned long long)status->exchanges);
    else
        watch_wait(watch, "waiting for the wall clock");
    if (status->available)
        watch_count(watch);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_availability(void *user, bool available)
{
    struct wc_watch *self = user;

    if (self->watch.json)
        watch_print(&self->watch,
                    json_pack("{s:s, s:b}", "event", "availability", "available", available));
    else
        watch_say(&self->watch, "the wall clock is %s", available ? "available" : "unavailable");
}

static void on_exchange(void *user, const struct dvbcss_wc_exchange *exchange)
{
    struct wc_watch *self = user;

    if (exchange->candidate.flags & DVBCSS_WC_USER_T1)
        self->stamps.user_t1++;
    if (exchange->candidate.flags & DVBCSS_WC_USER_T4)
        self->stamps.user_t4++;
    if (self->show_exchanges)
        wc_report_exchange(&self->watch, exchange);
}

static void on_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    client_report_trouble(user, "wall clock", trouble->error, trouble->text);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static int start(struct watch *watch)
{
    struct wc_watch *self = (struct wc_watch *)watch;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = local_clock_init(&self->clock, self->max_freq_error_ppm);

    if (error != 0)
        return failure(watch->command, "%s", dvbcss_error_text(error));
    self->options.wall_clock = self->clock.wall;
    error = dvbcss_wc_client_create(&self->client, &watch->loop, &self->options, &report);
    return error == 0 ? EXIT_DONE
                      : client_report_failure(watch->command, self->url, error, &report);
}

static void stop(struct watch *watch)
{
    struct wc_watch *self = (struct wc_watch *)watch;
    struct dvbcss_wc_client_status status;

    if (!self->client)
        return;
    dvbcss_wc_client_status(self->client, &status);
    wc_report_summary(watch, &status, &self->stamps);
    dvbcss_wc_client_close(self->client, NULL, NULL);
}

static const struct watch_ops ops = {start, sample, stop};

enum { REPEAT = 256, REPLY_TIMEOUT, FLOOR, CEILING, TARGET, MAX_ERROR, FREQ_ERROR };

static bool read_ns(const char *argument, int64_t *out_ns)
{
    double seconds;

    if (!read_number(argument, 0.001, 3600, &seconds))
        return false;
    *out_ns = (int64_t)(seconds * 1e9);
    return true;
}

static bool take_option(struct watch *watch, int option, const char *argument)
{
    struct wc_watch *self = (struct wc_watch *)watch;

    switch (option) {
    case REPEAT:
        self->fixed = true;
        return read_ns(argument, &self->options.requester.interval_ns);
    case REPLY_TIMEOUT:
        return read_ns(argument, &self->options.requester.timeout_ns);
    case FLOOR:
        self->planned = true;
        return read_ns(argument, &self->options.poll.floor_ns);
    case CEILING:
        self->planned = true;
        return read_ns(argument, &self->options.poll.ceiling_ns);
    case TARGET:
        self->planned = true;
        return read_number(argument, 0, 3600, &self->options.poll.target_s);
    case MAX_ERROR:
        return read_number(argument, 0, 1e6, &self->options.max_dispersion_s);
    case FREQ_ERROR:
        return read_number(argument, 0, 100000, &self->max_freq_error_ppm);
    default:
        self->show_exchanges = true;
        return true;
    }
}

/* Options that are right each by itself, but not together. */
static int check_polling(struct wc_watch *self)
{
    struct dvbcss_wc_poll_options *poll = &self->options.poll;

    if (self->fixed && self->planned)
        return usage_error(self->watch.command,
                           "--repeat leaves nothing to --floor, --ceiling and --target");
    if (poll->floor_ns > poll->ceiling_ns)
        return usage_error(self->watch.command, "the floor of %g s is above the ceiling of %g s",
                           (double)poll->floor_ns / 1e9, (double)poll->ceiling_ns / 1e9);
    if (self->fixed)
        poll->floor_ns = 0;
    return -1;
}

/* udp://HOST:PORT, or HOST and PORT apart; then where to ask from. */
static int take_arguments(struct wc_watch *self, int argc, char **argv)
{
    int next = 0;
    int64_t port;

    if (argc > 0 && strstr(argv[0], "://")) {
        snprintf(self->url, sizeof self->url, "%s", argv[next++]);
    } else {
        const char *host = next < argc ? argv[next++] : "127.0.0.1";
        char usual[8];

        snprintf(usual, sizeof usual, "%d", DVBCSS_WC_DEFAULT_PORT);
        snprintf(self->url, sizeof self->url, strchr(host, ':') ? "udp://[%s]:%s" : "udp://%s:%s",
                 host, next < argc ? argv[next++] : usual);
    }
    self->options.url = self->url;
    if (next < argc)
        self->options.bind_address = argv[next++];
    if (next < argc && strcmp(argv[next], "random") != 0) {
        if (!read_integer(argv[next], 0, 65535, &port))
            return usage_error(self->watch.command, "\"%s\" is no port", argv[next]);
        self->options.bind_port = (uint16_t)port;
    }
    if (next + 1 < argc)
        return usage_error(self->watch.command, "unexpected argument \"%s\"", argv[next + 1]);
    return -1;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {
        {"repeat", required_argument, NULL, REPEAT},
        {"reply-timeout", required_argument, NULL, REPLY_TIMEOUT},
        {"floor", required_argument, NULL, FLOOR},
        {"ceiling", required_argument, NULL, CEILING},
        {"target", required_argument, NULL, TARGET},
        {"max-error", required_argument, NULL, MAX_ERROR},
        {"freq-error", required_argument, NULL, FREQ_ERROR},
        {"exchanges", no_argument, NULL, 'x'},
        WATCH_OPTIONS,
        {NULL, 0, NULL, 0}};
    static const struct dvbcss_wc_client_options defaults = DVBCSS_WC_CLIENT_OPTIONS_INIT;
    struct wc_watch self = {.options = defaults, .max_freq_error_ppm = 500};
    int exit_code;

    watch_init(&self.watch, command, &ops, 0.2);
    self.options.events.availability = on_availability;
    self.options.events.exchange = on_exchange;
    self.options.events.trouble = on_trouble;
    self.options.user = &self;
    exit_code =
        watch_read_options(&self.watch, argc, argv, "x" WATCH_LETTERS, options, take_option);
    if (exit_code < 0)
        exit_code = check_polling(&self);
    if (exit_code < 0)
        exit_code = take_arguments(&self, argc - optind, argv + optind);
    if (exit_code >= 0)
        return exit_code;
    exit_code = watch_run(&self.watch);
    local_clock_finish(&self.clock);
    return exit_code;
}

const struct command command_wc = {"wc", "follow a TV's wall clock (CSS-WC)", help, run};
