/*
 * dvbcss accuracy: how well a client keeps a wall clock on a bad network, and whether it knows.
 */
#include <math.h>
#include <stdio.h>

#include "accuracy_output.h"
#include "accuracy_page.h"
#include "accuracy_run.h"
#include "impair_options.h"

/* Values of getopt_long() for options without a letter. */
enum {
    FIRST_OPTION = 256,
    SETTLE = FIRST_OPTION,
    GRACE,
    SAMPLE,
    WAIT,
    REPEAT,
    FREQ_ERROR,
    SKEW,
    SERVER_FREQ_ERROR,
    TRUTH_ERROR,
    ALLOW,
    REALTIME,
    ESTIMATOR,
    TRUTH,
    /* From here on: texts, in the order of take_option(). */
    SERVER,
    SERVER_COMMAND,
    TRUTH_COMMAND,
    CLIENT_COMMAND,
    CSV,
    HTML,
    SVG,
    END_OF_OPTIONS,
};

enum { OUTPUTS = END_OF_OPTIONS - CSV };

struct accuracy {
    struct accuracy_run run;
    struct impair_options network;
    struct accuracy_rules rules;
    bool given[END_OF_OPTIONS - FIRST_OPTION];
    /** Percent. */
    double allowed;
    struct accuracy_output outputs[OUTPUTS];
};

static const char help[] =
    "Usage: dvbcss accuracy [OPTION]...\n"
    "Measure how far a client's wall clock is from the server's, and whether the client's claimed\n"
    "bound covers it: a real server whose clock is wrong on purpose, a network in between, a real\n"
    "client, over real sockets.\n"
    "\n"
    "  -d, --duration SECONDS      how long (20)\n"
    "      --settle SECONDS        not counted for percentiles (5, at most half the duration)\n"
    "      --grace SECONDS         not counted after a restart or a sleep (3)\n"
    "      --sample SECONDS        time between samples of our own client (0.01)\n"
    "      --wait SECONDS          how long commands may take to say what is needed (10)\n"
    "      --realtime              the network goes before all other programs; needs the right to\n"
    "      --estimator NAME        of our own client: tracking (default), lowest or recent\n"
    "      --repeat SECONDS        time between requests of our own client (as its bound wants)\n"
    "      --freq-error PPM        what our own client says of its clock (100)\n"
    "      --skew-ppm PPM          how much too fast our own server's clock is (20)\n"
    "      --server-freq-error PPM what our own server says of it (50, or the skew)\n"
    "Somebody else's server:\n"
    "      --server URL            udp://HOST:PORT, running already\n"
    "      --server-command CMD    starts it; its JSON lines say where (\"port\" or \"url\") and\n"
    "                              what its clock shows; dvbcssd --ready-file - will do\n"
    "      --truth CLOCK[-NS]      its wall clock is a CLOCK of this machine, as\n"
    "                              CLOCK_MONOTONIC, less NS\n"
    "      --truth-command CMD     its JSON lines say what the server's clock shows\n"
    "      --truth-error SECONDS   how far the truth may be off (0)\n"
    "Somebody else's client:\n"
    "      --client-command CMD    asks at {url}, or {host} and {port}; its JSON lines say what\n"
    "                              its clock shows\n"
    "Output:\n"
    "      --allow PERCENT         least coverage for exit status 0 (100)\n"
    "      --csv FILE              time, error and bound of each sample\n"
    "      --html FILE, --svg FILE pictures, with or without a page around them\n"
    "  -i, --interval SECONDS      time between lines of progress on a terminal\n"
    "  -j, --json                  print JSON lines; the last one has the event \"result\"\n"
    "  -h, --help                  print this and exit\n" HELP_IMPAIR_OPTIONS "\n"
    "A clock's JSON line is {\"monotonic_ns\" (CLOCK_MONOTONIC) or \"local_ns\"\n"
    "(CLOCK_MONOTONIC_RAW), \"wall_ns\", \"bound_s\"}; commands are run by the shell.\n"
    "Events come after a third of the duration unless --event-at tells otherwise.\n"
    "Exit status: 0 coverage is what --allow wants, 1 it is not, a command has ended early (what\n"
    "was measured is told all the same), or nothing could be measured, 2 bad command line.\n";

static bool is_given(const struct accuracy *self, int option)
{
    return self->given[option - FIRST_OPTION];
}

/* ---- output --------------------------------------------------------------------------------- */

static bool open_outputs(struct accuracy *self)
{
    for (int i = 0; i < OUTPUTS; i++) {
        if (!accuracy_output_open(&self->outputs[i], self->run.watch.command))
            return false;
    }
    return true;
}

static bool write_outputs(struct accuracy *self, const struct accuracy_report *report)
{
    bool written = true;

    for (int i = 0; i < OUTPUTS; i++)
        written =
            accuracy_output_write(&self->outputs[i], self->run.watch.command, report) && written;
    return written;
}

static void close_outputs(struct accuracy *self)
{
    for (int i = 0; i < OUTPUTS; i++)
        accuracy_output_finish(&self->outputs[i]);
}

/* Why there is no sample at all. */
static int nothing_measured(const struct accuracy_run *run)
{
    const struct command *command = run->watch.command;
    const char *client = run->plan.client_command;
    const struct impair_counters *passed = run->network.stats.direction;

    if (client && run->client_lines == 0)
        return failure(command, "the client's command '%s' has printed nothing", client);
    if (client && !run->client_told)
        return failure(command,
                       "the client's command '%s' has printed %llu line%s, but not what its clock "
                       "shows, as {\"monotonic_ns\": ..., \"wall_ns\": ..., \"bound_s\": ...}",
                       client, (unsigned long long)run->client_lines,
                       run->client_lines == 1 ? "" : "s");
    if (client && run->client_early > 0)
        return failure(command,
                       "the client's command '%s' tells only what its clock showed before it was "
                       "started: monotonic_ns is of CLOCK_MONOTONIC, local_ns of "
                       "CLOCK_MONOTONIC_RAW",
                       client);
    return failure(command,
                   "the client's clock was never available: it was %s %llu times, while %llu "
                   "requests and %llu answers came to the network",
                   client ? "told of" : "read",
                   (unsigned long long)(client ? run->client_lines : run->reads),
                   (unsigned long long)passed[IMPAIR_UP].received,
                   (unsigned long long)passed[IMPAIR_DOWN].received);
}

static const char *server_name(const struct accuracy_plan *plan)
{
    if (plan->server_command)
        return "command";
    return plan->server_url ? plan->server_url : "own";
}

static int report_result(struct accuracy *self)
{
    struct accuracy_run *run = &self->run;
    const struct accuracy_plan *plan = &run->plan;
    struct accuracy_result result;
    struct accuracy_report report = {
        .model = plan->network.model.name,
        .seed = plan->network.seed,
        .server = server_name(plan),
        .client = plan->client_command ? "command" : "own",
        .estimator = plan->client_command ? NULL : plan->client.estimator->name,
        .skew_ppm = plan->server_url || plan->server_command ? NAN : plan->skew_ppm,
        .duration_s = run->elapsed_s,
        .rules = &self->rules,
        .samples = &run->samples,
        .result = &result,
        .rtt = accuracy_percentiles(&run->rtts),
        .network = &run->network.stats};
    bool written;

    self->rules.broken_s = run->broken_s;
    if (!is_given(self, SETTLE) && self->rules.settle_s >= run->elapsed_s)
        self->rules.settle_s = run->elapsed_s / 2;
    if (accuracy_samples_judge(&run->samples, &self->rules, &result) != 0)
        return failure(run->watch.command, "%s", dvbcss_error_text(DVBCSS_ENOMEM));
    if (run->watch.json)
        watch_print(&run->watch, accuracy_report_json(&report));
    else
        accuracy_report_print(&report);
    written = write_outputs(self, &report);
    if (run->samples.count == 0)
        return nothing_measured(run);
    return written && result.coverage * 100 >= self->allowed ? EXIT_DONE : EXIT_FAILED;
}

/* ---- the command line ----------------------------------------------------------------------- */

static bool take_figure(struct accuracy *self, int option, const char *argument)
{
    struct accuracy_plan *plan = &self->run.plan;
    double seconds;

    switch (option) {
    case 'd':
        return read_number(argument, 0.1, 1e6, &plan->duration_s);
    case SETTLE:
        return read_number(argument, 0, 1e6, &self->rules.settle_s);
    case GRACE:
        return read_number(argument, 0, 1e6, &self->rules.grace_s);
    case SAMPLE:
        return read_number(argument, 0.001, 3600, &plan->sample_s);
    case WAIT:
        return read_number(argument, 0.1, 3600, &plan->wait_s);
    case REPEAT:
        if (!read_number(argument, 0.001, 3600, &seconds))
            return false;
        plan->client.interval_ns = (int64_t)(seconds * 1e9);
        return true;
    case FREQ_ERROR:
        return read_number(argument, 0, 100000, &plan->client.max_freq_error_ppm);
    case SKEW:
        return read_number(argument, -100000, 100000, &plan->skew_ppm);
    case SERVER_FREQ_ERROR:
        return read_number(argument, 0.001, 100000, &plan->server_freq_error_ppm);
    case TRUTH_ERROR:
        return read_number(argument, 0, 3600, &self->rules.truth_error_s);
    default:
        return read_number(argument, 0, 100, &self->allowed);
    }
}

static bool take_option(struct watch *watch, int option, const char *argument)
{
    struct accuracy *self = (struct accuracy *)watch;
    struct accuracy_plan *plan = &self->run.plan;
    const char **const texts[] = {&plan->server_url,      &plan->server_command,
                                  &plan->truth_command,   &plan->client_command,
                                  &self->outputs[0].path, &self->outputs[1].path,
                                  &self->outputs[2].path};

    if (impair_options_own(option))
        return impair_options_take(&self->network, option, argument);
    if (option >= FIRST_OPTION)
        self->given[option - FIRST_OPTION] = true;
    if (option >= SERVER) {
        *texts[option - SERVER] = argument;
        return true;
    }
    if (option == ESTIMATOR) {
        plan->client.estimator = accuracy_estimator_find(argument);
        return plan->client.estimator != NULL;
    }
    if (option == REALTIME) {
        plan->network.realtime = true;
        return true;
    }
    if (option == TRUTH) {
        plan->truth_given = true;
        return accuracy_truth_parse(argument, &self->run.truth);
    }
    return take_figure(self, option, argument);
}

/* Options that say something of an end that is not ours; -1 if there are none. */
static int check_own_ends(const struct accuracy *self, bool own_server, bool own_client)
{
    static const struct {
        const char *name;
        int option;
        bool of_server;
    } options[] = {{"--skew-ppm", SKEW, true},  {"--server-freq-error", SERVER_FREQ_ERROR, true},
                   {"--sample", SAMPLE, false}, {"--estimator", ESTIMATOR, false},
                   {"--repeat", REPEAT, false}, {"--freq-error", FREQ_ERROR, false}};

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (is_given(self, options[i].option) && !(options[i].of_server ? own_server : own_client))
            return usage_error(self->run.watch.command,
                               "%s is for our own %s and without effect on somebody else's",
                               options[i].name, options[i].of_server ? "server" : "client");
    }
    return -1;
}

/* What the options say of server and client; -1 if that is fine. */
static int check_ends(const struct accuracy *self)
{
    const struct command *command = self->run.watch.command;
    const struct accuracy_plan *plan = &self->run.plan;
    bool own_server = !plan->server_url && !plan->server_command;

    if (plan->server_url && plan->server_command)
        return usage_error(command, "--server and --server-command exclude each other");
    if (plan->truth_given && plan->truth_command)
        return usage_error(command, "--truth and --truth-command exclude each other");
    if (own_server && (plan->truth_given || plan->truth_command))
        return usage_error(command, "the truth of our own server is known");
    if (plan->server_url && !plan->truth_given && !plan->truth_command)
        return usage_error(command, "--server needs --truth or --truth-command");
    if (plan->network.model.event == IMPAIR_SERVER_RESTART && !own_server)
        return usage_error(command, "--model %s needs our own server", plan->network.model.name);
    if (plan->network.model.event == IMPAIR_CLIENT_SLEEP && plan->client_command)
        return usage_error(command, "--model %s needs our own client", plan->network.model.name);
    return check_own_ends(self, own_server, !plan->client_command);
}

/* What the options say together; -1 if that is fine. */
static int check_plan(const struct accuracy *self)
{
    const struct command *command = self->run.watch.command;
    const struct accuracy_plan *plan = &self->run.plan;

    if (self->rules.settle_s >= plan->duration_s)
        return usage_error(command, "--settle must be shorter than --duration");
    if (plan->sample_s >= plan->duration_s)
        return usage_error(command, "--sample must be shorter than --duration");
    if (!impair_options_check_event(&self->network, command, &plan->network.model,
                                    plan->duration_s))
        return EXIT_USAGE;
    return check_ends(self);
}

/* The samples that are kept: far more than a picture shows. */
enum { SAMPLES_MAX = 2000000, RTTS_MAX = 500000 };

/* What follows from the duration and from the model. */
static void complete_plan(struct accuracy *self)
{
    struct accuracy_plan *plan = &self->run.plan;
    struct impair_model *model = &plan->network.model;

    *model = impair_options_model(&self->network);
    plan->network.seed = self->network.seed;
    if (!impair_options_given(&self->network, IMPAIR_OPTION_EVENT_AT))
        model->event_at_s = plan->duration_s / 3;
    if (!impair_options_given(&self->network, IMPAIR_OPTION_EVENT_FOR))
        model->event_for_s = fmin(model->event_for_s, plan->duration_s / 6);
    if (!is_given(self, SETTLE))
        self->rules.settle_s = fmin(self->rules.settle_s, plan->duration_s / 2);
    if (!is_given(self, SERVER_FREQ_ERROR))
        plan->server_freq_error_ppm = fmax(plan->server_freq_error_ppm, fabs(plan->skew_ppm));
    plan->sample_s = fmax(plan->sample_s, plan->duration_s / SAMPLES_MAX);
    self->run.samples.limit = SAMPLES_MAX;
    self->run.rtts.limit = RTTS_MAX;
}

static int read_options(struct accuracy *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"duration", required_argument, NULL, 'd'},
        {"settle", required_argument, NULL, SETTLE},
        {"grace", required_argument, NULL, GRACE},
        {"sample", required_argument, NULL, SAMPLE},
        {"wait", required_argument, NULL, WAIT},
        {"repeat", required_argument, NULL, REPEAT},
        {"freq-error", required_argument, NULL, FREQ_ERROR},
        {"skew-ppm", required_argument, NULL, SKEW},
        {"server-freq-error", required_argument, NULL, SERVER_FREQ_ERROR},
        {"truth-error", required_argument, NULL, TRUTH_ERROR},
        {"allow", required_argument, NULL, ALLOW},
        {"estimator", required_argument, NULL, ESTIMATOR},
        {"realtime", no_argument, NULL, REALTIME},
        {"truth", required_argument, NULL, TRUTH},
        {"server", required_argument, NULL, SERVER},
        {"server-command", required_argument, NULL, SERVER_COMMAND},
        {"truth-command", required_argument, NULL, TRUTH_COMMAND},
        {"client-command", required_argument, NULL, CLIENT_COMMAND},
        {"csv", required_argument, NULL, CSV},
        {"html", required_argument, NULL, HTML},
        {"svg", required_argument, NULL, SVG},
        {"interval", required_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        IMPAIR_OPTIONS{NULL, 0, NULL, 0}};
    int exit_code =
        watch_read_options(&self->run.watch, argc, argv, "d:i:jh", options, take_option);

    if (exit_code >= 0)
        return exit_code;
    if (optind < argc)
        return usage_error(self->run.watch.command, "unexpected argument \"%s\"", argv[optind]);
    complete_plan(self);
    return check_plan(self);
}

static int measure(struct accuracy *self)
{
    int exit_code = watch_run(&self->run.watch);
    int judgement = self->run.measured ? report_result(self) : EXIT_DONE;

    accuracy_run_finish(&self->run);
    return exit_code == EXIT_DONE ? judgement : exit_code;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct impair_relay_options network = IMPAIR_RELAY_OPTIONS_INIT;
    struct accuracy self = {
        .run = {.plan = {.network = network,
                         .duration_s = 20,
                         .sample_s = 0.01,
                         .wait_s = 10,
                         .skew_ppm = 20,
                         .server_freq_error_ppm = 50,
                         .client = {.estimator = accuracy_estimators, .max_freq_error_ppm = 100}}},
        .network = IMPAIR_OPTIONS_DEFAULT,
        .rules = {.settle_s = 5, .grace_s = 3},
        .allowed = 100,
        .outputs = {{.write = accuracy_report_csv},
                    {.write = accuracy_page_html},
                    {.write = accuracy_page_svg}}};
    int exit_code;

    watch_init(&self.run.watch, command, &accuracy_run_ops, 0.5);
    if (impair_address_parse("0", &self.run.plan.network.listen) != 0)
        return failure(command, "no address for the relay");
    exit_code = read_options(&self, argc, argv);
    if (exit_code >= 0)
        return exit_code;
    if (self.run.plan.network.realtime)
        impair_options_check_realtime(command);
    exit_code = open_outputs(&self) ? measure(&self) : EXIT_FAILED;
    close_outputs(&self);
    return exit_code;
}

const struct command command_accuracy = {"accuracy", "measure how well a wall clock is kept", help,
                                         run};
