/*
 * dvbcss impair: a UDP relay that makes a bad network out of a good one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client_report.h"
#include "impair_draw.h"
#include "impair_options.h"
#include "impair_relay.h"
#include "watch.h"

struct impair_watch {
    struct watch watch;
    struct impair_options network;
    struct impair_relay_options relay_options;
    const char *server_url;
    struct impair_relay *relay;
    uv_timer_t end;
    double duration_s;
    int64_t draws;
    bool list_models;
};

static const char help[] =
    "Usage: dvbcss impair [OPTION]... --server udp://HOST:PORT\n"
    "  or:  dvbcss impair --models\n"
    "  or:  dvbcss impair [OPTION]... --draw N\n"
    "Relay UDP between any number of clients and one server as a bad network would: late, lost,\n"
    "twice, out of order. The first line tells where clients reach it, the end what it has done\n"
    "and how late it was itself.\n"
    "\n"
    "      --server URL            where requests go, and nothing goes anywhere else\n"
    "  -l, --listen ADDRESS:PORT   where clients come to (127.0.0.1:0, any free port)\n"
    "  -d, --duration SECONDS      end by itself\n"
    "      --clients N             clients at once; one more takes the place of the one that\n"
    "                              was silent longest (64)\n"
    "      --awake-us US           stay awake for so long before each datagram is due (150)\n"
    "      --realtime              go before all other programs; needs the right to\n"
    "      --models                list the networks, and exit\n"
    "      --draw N                tell what the network does to N datagrams each way, 10 ms\n"
    "                              apart, and exit\n"
    "  -i, --interval SECONDS      time between lines of statistics\n"
    "  -j, --json                  print JSON lines\n"
    "  -h, --help                  print this and exit\n" HELP_IMPAIR_OPTIONS "\n"
    "The client's sleep of \"suspend\" and the server's new epoch of \"server-restart\" are up\n"
    "to client and server; 'dvbcss accuracy' does them.\n"
    "Each JSON line has an event: listening, statistics, model or draw.\n"
    "Exit status: 0 ended by a signal or by --duration, 1 failed, 2 bad command line.\n";

/* ---- what is shown -------------------------------------------------------------------------- */

static void print_url(const char *what, const struct impair_address *address)
{
    struct dvbcss_url url = impair_address_url(address);
    char text[DVBCSS_URL_TEXT_SIZE];

    if (dvbcss_url_format(&url, text, sizeof text) == 0)
        printf("%s %s", what, text);
}

static void show_listening(struct impair_watch *self)
{
    const struct impair_address *address = impair_relay_address(self->relay);
    struct dvbcss_url url = impair_address_url(address);
    char text[DVBCSS_URL_TEXT_SIZE];

    if (self->watch.json && dvbcss_url_format(&url, text, sizeof text) == 0) {
        watch_print(&self->watch,
                    json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:I}", "event", "listening", "url",
                              text, "host", url.host, "port", url.port, "server", self->server_url,
                              "model", self->relay_options.model.name, "seed",
                              (json_int_t)self->relay_options.seed));
    } else if (!self->watch.json) {
        print_url("listening on", address);
        print_url(", server", &self->relay_options.server);
        watch_say(&self->watch, ", network %s", self->relay_options.model.name);
    }
}

static void print_statistics(struct impair_watch *self)
{
    json_t *line = impair_stats_json(impair_relay_stats(self->relay));

    if (line)
        json_object_set_new(line, "event", json_string("statistics"));
    watch_print(&self->watch, line);
}

static void sample(struct watch *watch)
{
    struct impair_watch *self = (struct impair_watch *)watch;
    const struct impair_stats *stats = impair_relay_stats(self->relay);
    const struct impair_counters *up = &stats->direction[IMPAIR_UP];
    const struct impair_counters *down = &stats->direction[IMPAIR_DOWN];

    if (watch->json)
        print_statistics(self);
    else if (isatty(STDOUT_FILENO))
        watch_show(watch, "up %llu, lost %llu   down %llu, lost %llu   clients %llu   late %.0f us",
                   (unsigned long long)up->received, (unsigned long long)up->lost,
                   (unsigned long long)down->received, (unsigned long long)down->lost,
                   (unsigned long long)stats->clients, impair_stats_lateness_s(stats, 0.99) * 1e6);
}

static int list_models(struct impair_watch *self)
{
    for (const struct impair_model *model = impair_models; model->name; model++) {
        if (self->watch.json)
            watch_print(&self->watch, json_pack("{s:s, s:s, s:s}", "event", "model", "name",
                                                model->name, "summary", model->summary));
        else
            printf("%-15s %s\n", model->name, model->summary);
    }
    return EXIT_DONE;
}

/* ---- start and stop ------------------------------------------------------------------------- */

static void on_end(uv_timer_t *timer)
{
    watch_finish(timer->data, EXIT_DONE);
}

static int refuse_listening(const struct impair_watch *self, int error)
{
    struct dvbcss_url url = impair_address_url(&self->relay_options.listen);
    char text[DVBCSS_URL_TEXT_SIZE];

    if (dvbcss_url_format(&url, text, sizeof text) != 0)
        text[0] = '\0';
    return failure(self->watch.command,
                   "cannot listen on %s: %s; --listen takes an address of this machine and a port "
                   "that is free, 0 for any",
                   text, dvbcss_error_text(error));
}

static int start(struct watch *watch)
{
    struct impair_watch *self = (struct impair_watch *)watch;
    int error;

    uv_timer_init(&watch->loop, &self->end);
    self->end.data = watch;
    if (self->duration_s > 0)
        uv_timer_start(&self->end, on_end, (uint64_t)ceil(self->duration_s * 1e3), 0);
    error = impair_relay_create(&self->relay, &watch->loop, &self->relay_options);
    if (error != 0)
        return refuse_listening(self, error);
    show_listening(self);
    return EXIT_DONE;
}

static void stop(struct watch *watch)
{
    struct impair_watch *self = (struct impair_watch *)watch;

    uv_close((uv_handle_t *)&self->end, NULL);
    if (self->relay && watch->json)
        print_statistics(self);
    else if (self->relay)
        impair_stats_print(impair_relay_stats(self->relay));
    impair_relay_close(self->relay);
}

static const struct watch_ops ops = {start, sample, stop};

/* ---- the command line ----------------------------------------------------------------------- */

enum { SERVER = 256, CLIENTS, AWAKE, REALTIME, MODELS, DRAW };

static bool take_integer(const char *argument, int64_t high, int64_t *out)
{
    return read_integer(argument, 1, high, out);
}

static bool take_option(struct watch *watch, int option, const char *argument)
{
    struct impair_watch *self = (struct impair_watch *)watch;
    double microseconds;
    int64_t clients;

    if (impair_options_own(option))
        return impair_options_take(&self->network, option, argument);
    switch (option) {
    case 'l':
        return impair_address_parse(argument, &self->relay_options.listen) == 0;
    case 'd':
        return read_number(argument, 0.001, 1e9, &self->duration_s);
    case SERVER:
        self->server_url = argument;
        return true;
    case CLIENTS:
        if (!take_integer(argument, 1024, &clients))
            return false;
        self->relay_options.clients = (unsigned)clients;
        return true;
    case AWAKE:
        if (!read_number(argument, 0, 2000, &microseconds))
            return false;
        self->relay_options.awake_ns = (int64_t)(microseconds * 1e3);
        return true;
    case REALTIME:
        self->relay_options.realtime = true;
        return true;
    case DRAW:
        return take_integer(argument, IMPAIR_DRAW_MAX, &self->draws);
    default:
        self->list_models = true;
        return true;
    }
}

static int draw(struct impair_watch *self)
{
    return impair_draw(&self->watch, &self->relay_options.model, self->relay_options.seed,
                       (size_t)self->draws);
}

static int relay(struct impair_watch *self)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error;

    if (!impair_options_check_event(&self->network, self->watch.command, &self->relay_options.model,
                                    self->duration_s))
        return EXIT_USAGE;
    if (!self->server_url)
        return usage_error(self->watch.command, "--server is needed");
    error = impair_address_resolve(self->server_url, &self->relay_options.server, &report);
    if (error != 0)
        return client_report_failure(self->watch.command, self->server_url, error, &report);
    if (self->relay_options.realtime)
        impair_options_check_realtime(self->watch.command);
    return watch_run(&self->watch);
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"server", required_argument, NULL, SERVER},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"duration", required_argument, NULL, 'd'},
                                            {"clients", required_argument, NULL, CLIENTS},
                                            {"awake-us", required_argument, NULL, AWAKE},
                                            {"realtime", no_argument, NULL, REALTIME},
                                            {"models", no_argument, NULL, MODELS},
                                            {"draw", required_argument, NULL, DRAW},
                                            {"interval", required_argument, NULL, 'i'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            IMPAIR_OPTIONS{NULL, 0, NULL, 0}};
    struct impair_watch self = {.network = IMPAIR_OPTIONS_DEFAULT,
                                .relay_options = IMPAIR_RELAY_OPTIONS_INIT};
    int exit_code;

    watch_init(&self.watch, command, &ops, 1);
    /* The default: any free port of 127.0.0.1. */
    if (impair_address_parse("0", &self.relay_options.listen) != 0)
        return failure(command, "no address to listen on");
    exit_code = watch_read_options(&self.watch, argc, argv, "l:d:i:jh", options, take_option);
    if (exit_code >= 0)
        return exit_code;
    if (optind < argc)
        return usage_error(command, "unexpected argument \"%s\"", argv[optind]);
    self.relay_options.model = impair_options_model(&self.network);
    self.relay_options.seed = self.network.seed;
    if (self.list_models)
        return list_models(&self);
    return self.draws > 0 ? draw(&self) : relay(&self);
}

const struct command command_impair = {"impair", "relay UDP as a bad network would", help, run};
