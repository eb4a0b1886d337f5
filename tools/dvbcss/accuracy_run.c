#include "accuracy_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client_report.h"
#include "dvbcss/system_time.h"

/* The new epoch of a server that comes back differs from the old one by this. */
static const int64_t restart_step_ns = INT64_C(-500000000000);

enum { COMMAND_SIZE = 8192 };

static double seconds_since_begin(const struct accuracy_run *run, int64_t monotonic_ns)
{
    return (double)(monotonic_ns - run->begin_ns) / 1e9;
}

static uint64_t milliseconds(double seconds)
{
    return (uint64_t)ceil(seconds * 1e3);
}

/* ---- samples -------------------------------------------------------------------------------- */

static void take_sample(struct accuracy_run *run, const struct accuracy_reading *reading)
{
    struct accuracy_sample sample = {.bound_s = reading->bound_s};
    int64_t true_ns;

    sample.time_s = seconds_since_begin(run, reading->monotonic_ns);
    if (sample.time_s < 0) {
        run->client_early++;
        return;
    }
    if (!accuracy_truth_at(&run->truth, reading->monotonic_ns, &true_ns))
        return;
    sample.error_s = (double)(reading->wall_ns - true_ns) / 1e9;
    accuracy_samples_add(&run->samples, sample);
}

static void on_sampler(uv_timer_t *timer)
{
    struct accuracy_run *run = timer->data;
    struct accuracy_reading reading;

    run->reads++;
    if (accuracy_client_read(&run->client, &reading))
        take_sample(run, &reading);
}

static void on_exchange(void *user, const struct dvbcss_wc_exchange *exchange)
{
    struct accuracy_run *run = user;

    accuracy_values_add(&run->rtts, (double)exchange->rtt_ns / 1e9);
}

static void on_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    client_report_trouble(user, "wall clock", trouble->error, trouble->text);
}

static void on_client_line(void *user, const json_t *object)
{
    struct accuracy_run *run = user;
    struct accuracy_reading reading;
    bool available = accuracy_child_reading(object, &reading);

    if (available)
        take_sample(run, &reading);
    if (available || accuracy_child_unavailable(object)) {
        run->client_told = true;
        uv_timer_stop(&run->wait);
    }
}

/* ---- what happens meanwhile ----------------------------------------------------------------- */

static void on_end(uv_timer_t *timer)
{
    watch_finish(timer->data, EXIT_DONE);
}

static void end_early(struct accuracy_run *run, const char *whose, const char *command,
                      int64_t status, int signal)
{
    double elapsed_s = seconds_since_begin(run, dvbcss_monotonic_ns(NULL));
    char when[64] = "";

    if (run->begun)
        snprintf(when, sizeof when, " after %.1f of %g s", elapsed_s, run->plan.duration_s);
    if (signal != 0)
        failure(run->watch.command, "the %s's command '%s' has ended%s, by signal %d", whose,
                command, when, signal);
    else
        failure(run->watch.command, "the %s's command '%s' has ended%s, with exit status %d", whose,
                command, when, (int)status);
    run->cut_short = run->begun;
    watch_finish(&run->watch, EXIT_FAILED);
}

static void on_server_ended(void *user, int64_t status, int signal)
{
    struct accuracy_run *run = user;

    end_early(run, "server", run->plan.server_command, status, signal);
}

static void on_truth_ended(void *user, int64_t status, int signal)
{
    struct accuracy_run *run = user;

    end_early(run, "truth", run->plan.truth_command, status, signal);
}

static void on_client_ended(void *user, int64_t status, int signal)
{
    struct accuracy_run *run = user;

    end_early(run, "client", run->plan.client_command, status, signal);
}

static void on_server_back(uv_timer_t *timer)
{
    struct accuracy_run *run = timer->data;

    accuracy_clock_step(&run->server.clock, restart_step_ns);
    run->broken_s = seconds_since_begin(run, dvbcss_monotonic_ns(NULL));
    accuracy_server_set_away(&run->server, false);
}

static void on_event(uv_timer_t *timer)
{
    struct accuracy_run *run = timer->data;
    double for_s = run->plan.network.model.event_for_s;

    if (run->plan.network.model.event == IMPAIR_SERVER_RESTART) {
        accuracy_server_set_away(&run->server, true);
        uv_timer_start(timer, on_server_back, milliseconds(for_s), 0);
    } else {
        accuracy_client_sleep(&run->client, for_s);
        run->broken_s = seconds_since_begin(run, dvbcss_monotonic_ns(NULL));
    }
}

/* ---- what is waited for --------------------------------------------------------------------- */

static bool truth_known(const struct accuracy_run *run)
{
    return run->truth.kind != ACCURACY_TRUTH_TOLD || run->truth.told;
}

/* What a command has yet to tell. */
struct wanted {
    const char *whose;
    const char *command;
    const struct accuracy_child *child;
    const char *what;
    /* What else would tell it. */
    const char *hint;
};

static struct wanted wanted_now(const struct accuracy_run *run)
{
    const struct accuracy_plan *plan = &run->plan;

    if (run->begun)
        return (struct wanted){"client", plan->client_command, run->client_child,
                               "what its clock shows", ""};
    if (!run->server_known)
        return (struct wanted){"server", plan->server_command, run->server_child, "where it is",
                               ""};
    if (plan->truth_command)
        return (struct wanted){"truth", plan->truth_command, run->truth_child,
                               "what the server's clock shows", ""};
    return (struct wanted){"server", plan->server_command, run->server_child,
                           "what its clock shows", "; --truth or --truth-command can tell"};
}

static void on_wait_over(uv_timer_t *timer)
{
    struct accuracy_run *run = timer->data;
    struct wanted wanted = wanted_now(run);
    unsigned long long lines = accuracy_child_lines(wanted.child);
    char printed[64] = "nothing";

    if (lines > 0)
        snprintf(printed, sizeof printed, "%llu line%s, but not that", lines,
                 lines == 1 ? "" : "s");
    watch_finish(&run->watch, failure(run->watch.command,
                                      "the %s's command '%s' has not told %s within %g s (--wait);"
                                      " it has printed %s%s",
                                      wanted.whose, wanted.command, wanted.what, run->plan.wait_s,
                                      printed, wanted.hint));
}

static void wait_for_command(struct accuracy_run *run)
{
    uv_timer_start(&run->wait, on_wait_over, milliseconds(run->plan.wait_s), 0);
}

/* ---- start: server, truth, network, client -------------------------------------------------- */

static int start_own_client(struct accuracy_run *run, const char *url)
{
    struct accuracy_client_options options = run->plan.client;
    int error;

    options.events.exchange = on_exchange;
    options.events.trouble = on_trouble;
    options.user = run;
    error = accuracy_client_start(&run->client, &run->watch.loop, url, &options);
    if (error != 0)
        return failure(run->watch.command, "no client: %s", dvbcss_error_text(error));
    uv_timer_start(&run->sampler, on_sampler, 0, milliseconds(run->plan.sample_s));
    return EXIT_DONE;
}

static int start_client_command(struct accuracy_run *run, const char *url)
{
    static const struct accuracy_child_events events = {on_client_line, on_client_ended};
    struct dvbcss_url parts = impair_address_url(&run->network.address);
    char command[COMMAND_SIZE];
    int error;

    if (!accuracy_child_command(run->plan.client_command, url, parts.host, parts.port, command,
                                sizeof command))
        return failure(run->watch.command, "the client's command is too long");
    error = accuracy_child_start(&run->client_child, &run->watch.loop, command, &events, run);
    if (error != 0)
        return failure(run->watch.command, "no client: %s", dvbcss_error_text(error));
    wait_for_command(run);
    return EXIT_DONE;
}

static void start_timers(struct accuracy_run *run)
{
    enum impair_event event = run->plan.network.model.event;

    uv_timer_start(&run->end, on_end, milliseconds(run->plan.duration_s), 0);
    if (event == IMPAIR_SERVER_RESTART || event == IMPAIR_CLIENT_SLEEP)
        uv_timer_start(&run->event, on_event, milliseconds(run->plan.network.model.event_at_s), 0);
}

static int begin(struct accuracy_run *run)
{
    char url[DVBCSS_URL_TEXT_SIZE];
    struct dvbcss_url parts;
    int error, exit_code;

    uv_timer_stop(&run->wait);
    error = accuracy_network_start(&run->network, &run->plan.network);
    parts = impair_address_url(&run->network.address);
    if (error == 0)
        error = dvbcss_url_format(&parts, url, sizeof url);
    if (error != 0)
        return failure(run->watch.command, "no relay: %s", dvbcss_error_text(error));
    run->begin_ns = dvbcss_monotonic_ns(NULL);
    run->begun = true;
    exit_code =
        run->plan.client_command ? start_client_command(run, url) : start_own_client(run, url);
    if (exit_code == EXIT_DONE)
        start_timers(run);
    return exit_code;
}

/* Begins if all is known that is needed. */
static int begin_if_known(struct accuracy_run *run)
{
    return run->begun || !run->server_known || !truth_known(run) ? EXIT_DONE : begin(run);
}

static void go_on(struct accuracy_run *run)
{
    int exit_code = begin_if_known(run);

    if (exit_code != EXIT_DONE)
        watch_finish(&run->watch, exit_code);
}

static int take_url_of_server(struct accuracy_run *run, const char *url)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = impair_address_resolve(url, &run->plan.network.server, &report);

    if (error != 0)
        return client_report_failure(run->watch.command, url, error, &report);
    run->server_known = true;
    return EXIT_DONE;
}

static void take_truth(struct accuracy_run *run, const json_t *object)
{
    struct accuracy_reading reading;

    if (!accuracy_child_reading(object, &reading))
        return;
    run->truth.reading = reading;
    run->truth.told = true;
}

static void on_truth_line(void *user, const json_t *object)
{
    take_truth(user, object);
    go_on(user);
}

/* A server's own words about its clock: a reading, or the ready file of dvbcssd. */
static void take_truth_of_server(struct accuracy_run *run, const json_t *object)
{
    const char *clock;
    json_int_t epoch_ns;

    if (run->plan.truth_given || run->plan.truth_command)
        return;
    if (json_unpack((json_t *)object, "{s:{s:s, s:I}}", "wall_clock", "clock", &clock, "epoch_ns",
                    &epoch_ns) == 0)
        (void)accuracy_truth_set(clock, epoch_ns, &run->truth);
    else
        take_truth(run, object);
}

/* The first line with "url", "wc", or "port" of 127.0.0.1, tells where the server is. */
static bool take_address_of_server(const json_t *object, char *url, size_t size)
{
    const json_t *port = json_object_get(object, "port");
    const json_t *text = json_object_get(object, "url");

    if (!text)
        text = json_object_get(object, "wc");
    if (json_is_string(text))
        return snprintf(url, size, "%s", json_string_value(text)) < (int)size;
    return json_is_integer(port) && snprintf(url, size, "udp://127.0.0.1:%lld",
                                             (long long)json_integer_value(port)) < (int)size;
}

static void on_server_line(void *user, const json_t *object)
{
    struct accuracy_run *run = user;
    char url[DVBCSS_URL_TEXT_SIZE];
    int exit_code = EXIT_DONE;

    take_truth_of_server(run, object);
    if (!run->server_known && take_address_of_server(object, url, sizeof url))
        exit_code = take_url_of_server(run, url);
    if (exit_code != EXIT_DONE)
        watch_finish(&run->watch, exit_code);
    else
        go_on(run);
}

static int start_child(struct accuracy_run *run, struct accuracy_child **child, const char *command,
                       const struct accuracy_child_events *events)
{
    int error = accuracy_child_start(child, &run->watch.loop, command, events, run);

    if (error != 0)
        return failure(run->watch.command, "cannot start \"%s\": %s", command,
                       dvbcss_error_text(error));
    return EXIT_DONE;
}

static int start_own_server(struct accuracy_run *run)
{
    int error =
        accuracy_server_start(&run->server, run->plan.skew_ppm, run->plan.server_freq_error_ppm);

    if (error != 0)
        return failure(run->watch.command, "no server: %s", dvbcss_error_text(error));
    run->truth.kind = ACCURACY_TRUTH_OWN;
    run->truth.own = &run->server.clock;
    run->plan.network.server = accuracy_server_address(&run->server);
    run->server_known = true;
    return EXIT_DONE;
}

/* Has the server started, or looks where it is. */
static int start_server(struct accuracy_run *run)
{
    static const struct accuracy_child_events events = {on_server_line, on_server_ended};

    if (run->plan.server_command)
        return start_child(run, &run->server_child, run->plan.server_command, &events);
    return run->plan.server_url ? take_url_of_server(run, run->plan.server_url)
                                : start_own_server(run);
}

static int start(struct watch *watch)
{
    static const struct accuracy_child_events truth_events = {on_truth_line, on_truth_ended};
    struct accuracy_run *run = (struct accuracy_run *)watch;
    int exit_code = EXIT_DONE;

    uv_timer_init(&watch->loop, &run->sampler);
    uv_timer_init(&watch->loop, &run->end);
    uv_timer_init(&watch->loop, &run->event);
    uv_timer_init(&watch->loop, &run->wait);
    run->sampler.data = run->end.data = run->event.data = run->wait.data = run;
    run->broken_s = NAN;
    if (!run->plan.truth_given)
        run->truth.kind = ACCURACY_TRUTH_TOLD;
    if (run->plan.truth_command)
        exit_code = start_child(run, &run->truth_child, run->plan.truth_command, &truth_events);
    if (exit_code == EXIT_DONE)
        exit_code = start_server(run);
    if (exit_code != EXIT_DONE)
        return exit_code;
    wait_for_command(run);
    return begin_if_known(run);
}

/* ---- progress and end ----------------------------------------------------------------------- */

static void sample(struct watch *watch)
{
    struct accuracy_run *run = (struct accuracy_run *)watch;
    struct wanted wanted = wanted_now(run);
    const struct accuracy_sample *last;
    double elapsed_s = seconds_since_begin(run, dvbcss_monotonic_ns(NULL));

    if (!isatty(STDOUT_FILENO))
        return;
    if (!run->begun || run->samples.count == 0) {
        watch_show(watch, "waiting for the %s to tell %s", wanted.whose, wanted.what);
        return;
    }
    last = &run->samples.list[run->samples.count - 1];
    watch_show(watch, "%.0f of %g s   error %.3f ms +/- %.3f ms   %zu samples", elapsed_s,
               run->plan.duration_s, last->error_s * 1e3, last->bound_s * 1e3, run->samples.count);
}

static void stop(struct watch *watch)
{
    struct accuracy_run *run = (struct accuracy_run *)watch;

    run->measured =
        run->begun && (watch->exit_code == EXIT_DONE || (run->cut_short && run->samples.count > 0));
    run->client_lines = accuracy_child_lines(run->client_child);
    run->elapsed_s = seconds_since_begin(run, dvbcss_monotonic_ns(NULL));
    uv_close((uv_handle_t *)&run->sampler, NULL);
    uv_close((uv_handle_t *)&run->end, NULL);
    uv_close((uv_handle_t *)&run->event, NULL);
    uv_close((uv_handle_t *)&run->wait, NULL);
    accuracy_client_stop(&run->client);
    accuracy_child_close(run->client_child);
    accuracy_network_end(&run->network);
    accuracy_server_end(&run->server);
    accuracy_child_close(run->truth_child);
    accuracy_child_close(run->server_child);
}

const struct watch_ops accuracy_run_ops = {start, sample, stop};

void accuracy_run_finish(struct accuracy_run *run)
{
    accuracy_client_finish(&run->client);
    accuracy_samples_finish(&run->samples);
    accuracy_values_finish(&run->rtts);
}
