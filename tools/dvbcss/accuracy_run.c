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
    if (sample.time_s < 0 || !accuracy_truth_at(&run->truth, reading->monotonic_ns, &true_ns))
        return;
    sample.error_s = (double)(reading->wall_ns - true_ns) / 1e9;
    accuracy_samples_add(&run->samples, sample);
}

static void on_sampler(uv_timer_t *timer)
{
    struct accuracy_run *run = timer->data;
    struct accuracy_reading reading;

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

    if (run->begun && accuracy_child_reading(object, &reading))
        take_sample(run, &reading);
}

/* ---- what happens meanwhile ----------------------------------------------------------------- */

static void on_end(uv_timer_t *timer)
{
    watch_finish(timer->data, EXIT_DONE);
}

static void fail(struct accuracy_run *run, const char *what)
{
    watch_finish(&run->watch, failure(run->watch.command, "%s", what));
}

static void on_server_ended(void *user)
{
    fail(user, "the server's command has ended");
}

static void on_truth_ended(void *user)
{
    fail(user, "the truth's command has ended");
}

static void on_client_ended(void *user)
{
    fail(user, "the client's command has ended");
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

/* ---- start: server, then network and client ------------------------------------------------- */

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
    return EXIT_DONE;
}

static void start_timers(struct accuracy_run *run)
{
    enum impair_event event = run->plan.network.model.event;

    uv_timer_start(&run->end, on_end, milliseconds(run->plan.duration_s), 0);
    if (event == IMPAIR_SERVER_RESTART || event == IMPAIR_CLIENT_SLEEP)
        uv_timer_start(&run->event, on_event, milliseconds(run->plan.network.model.event_at_s), 0);
}

/* The server answers somewhere: the rest can begin. */
static int begin(struct accuracy_run *run, const struct impair_address *server)
{
    char url[DVBCSS_URL_TEXT_SIZE];
    struct dvbcss_url parts;
    int error, exit_code;

    run->plan.network.server = *server;
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

static int begin_at(struct accuracy_run *run, const char *url)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct impair_address address;
    int error = impair_address_resolve(url, &address, &report);

    return error == 0 ? begin(run, &address)
                      : client_report_failure(&run->watch, url, error, &report);
}

static void on_truth_line(void *user, const json_t *object)
{
    struct accuracy_run *run = user;

    if (accuracy_child_reading(object, &run->truth.reading))
        run->truth.told = true;
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
        on_truth_line(run, object);
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
    int exit_code;

    take_truth_of_server(run, object);
    if (run->begun || !take_address_of_server(object, url, sizeof url))
        return;
    exit_code = begin_at(run, url);
    if (exit_code != EXIT_DONE)
        watch_finish(&run->watch, exit_code);
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
    struct impair_address address;
    int error =
        accuracy_server_start(&run->server, run->plan.skew_ppm, run->plan.server_freq_error_ppm);

    if (error != 0)
        return failure(run->watch.command, "no server: %s", dvbcss_error_text(error));
    run->truth.kind = ACCURACY_TRUTH_OWN;
    run->truth.own = &run->server.clock;
    address = accuracy_server_address(&run->server);
    return begin(run, &address);
}

static int start(struct watch *watch)
{
    static const struct accuracy_child_events server_events = {on_server_line, on_server_ended};
    static const struct accuracy_child_events truth_events = {on_truth_line, on_truth_ended};
    struct accuracy_run *run = (struct accuracy_run *)watch;
    int exit_code = EXIT_DONE;

    uv_timer_init(&watch->loop, &run->sampler);
    uv_timer_init(&watch->loop, &run->end);
    uv_timer_init(&watch->loop, &run->event);
    run->sampler.data = run->end.data = run->event.data = run;
    run->broken_s = NAN;
    if (!run->plan.truth_given)
        run->truth.kind = ACCURACY_TRUTH_TOLD;
    if (run->plan.truth_command)
        exit_code = start_child(run, &run->truth_child, run->plan.truth_command, &truth_events);
    if (exit_code != EXIT_DONE)
        return exit_code;
    if (run->plan.server_command)
        return start_child(run, &run->server_child, run->plan.server_command, &server_events);
    return run->plan.server_url ? begin_at(run, run->plan.server_url) : start_own_server(run);
}

/* ---- progress and end ----------------------------------------------------------------------- */

static void sample(struct watch *watch)
{
    struct accuracy_run *run = (struct accuracy_run *)watch;
    const struct accuracy_sample *last;
    double elapsed_s = seconds_since_begin(run, dvbcss_monotonic_ns(NULL));

    if (!isatty(STDOUT_FILENO))
        return;
    if (!run->begun || run->samples.count == 0) {
        watch_show(watch, "waiting for the first reading of the client's clock");
        return;
    }
    last = &run->samples.list[run->samples.count - 1];
    watch_show(watch, "%.0f of %g s   error %.3f ms +/- %.3f ms   %zu samples", elapsed_s,
               run->plan.duration_s, last->error_s * 1e3, last->bound_s * 1e3, run->samples.count);
}

static void stop(struct watch *watch)
{
    struct accuracy_run *run = (struct accuracy_run *)watch;

    run->measured = run->begun && watch->exit_code == EXIT_DONE;
    run->elapsed_s = seconds_since_begin(run, dvbcss_monotonic_ns(NULL));
    uv_close((uv_handle_t *)&run->sampler, NULL);
    uv_close((uv_handle_t *)&run->end, NULL);
    uv_close((uv_handle_t *)&run->event, NULL);
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
