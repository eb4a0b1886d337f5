#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clients/wc_client_internal.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "dvbcss/wc_tracking.h"

enum {
    LOOKUP_MIN_MS = 1000,
    LOOKUP_MAX_MS = 30000,
    TEXT_SIZE = 512,
};

int64_t wc_client_local_ns(const struct dvbcss_wc_client *client)
{
    return dvbcss_clock_now_ns(client->local_clock);
}

const union wc_address *wc_client_server_address(const struct dvbcss_wc_client *client)
{
    return &client->addresses[client->address_index];
}

/* ---- trouble -------------------------------------------------------------------------------- */

static unsigned trouble_bit(int error)
{
    static const int troubles[] = {
        DVBCSS_ERESOLVE, DVBCSS_EADDRESS, DVBCSS_EIO, DVBCSS_ETIMEDOUT, DVBCSS_ENOMEM,
    };
    unsigned bit = 1;

    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++, bit <<= 1) {
        if (troubles[i] == error)
            break;
    }
    return bit;
}

void wc_client_tell_trouble(struct dvbcss_wc_client *client, int error, const char *format, ...)
{
    struct dvbcss_wc_trouble trouble;
    char text[TEXT_SIZE];
    va_list arguments;

    client->trouble = error;
    if (client->told & trouble_bit(error))
        return;
    client->told |= trouble_bit(error);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    dvbcss_log(DVBCSS_LOG_WARNING, "wc-trouble", "%s", text);
    trouble.error = error;
    trouble.text = text;
    if (client->events.trouble && !client->closing)
        client->events.trouble(client->user, &trouble);
}

void wc_client_forget_trouble(struct dvbcss_wc_client *client)
{
    client->silent = 0;
    client->trouble = 0;
    client->told = 0;
    client->backoff.failures = 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void on_clock_changed(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                             unsigned changes)
{
    struct dvbcss_wc_client *client = listener->user;
    bool available = dvbcss_clock_available(clock);

    if (!(changes & DVBCSS_CLOCK_AVAILABILITY) || available == client->available)
        return;
    client->available = available;
    if (client->events.availability)
        client->events.availability(client->user, available);
}

static void free_client(struct dvbcss_wc_client *client)
{
    dvbcss_wc_requester_destroy(client->requester);
    dvbcss_wc_estimator_destroy(client->estimator);
    dvbcss_clock_destroy(client->hold);
    dvbcss_free(client);
}

void wc_client_part_gone(struct dvbcss_wc_client *client)
{
    dvbcss_wc_client_closed closed = client->closed;
    void *user = client->closed_user;

    if (--client->parts > 0)
        return;
    free_client(client);
    if (closed)
        closed(user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    wc_client_part_gone(handle->data);
}

static void on_adjusted(void *user, const struct dvbcss_wc_adjustment *adjustment)
{
    struct dvbcss_wc_client *client = user;

    if (client->events.adjusted && !client->closing)
        client->events.adjusted(client->user, adjustment);
}

static int make_estimator(struct dvbcss_wc_client *client,
                          const struct dvbcss_wc_client_options *options)
{
    struct dvbcss_wc_estimator_options estimator = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;

    estimator.wall_clock = options->wall_clock;
    estimator.max_dispersion_s = options->max_dispersion_s;
    estimator.jump_candidates = options->jump_candidates;
    estimator.adjusted = on_adjusted;
    estimator.user = client;
    return dvbcss_wc_tracking_create(&client->estimator, &estimator, NULL);
}

static int make_requester(struct dvbcss_wc_client *client,
                          const struct dvbcss_wc_client_options *options)
{
    struct dvbcss_wc_requester_options requester = options->requester;

    requester.local_precision_s = dvbcss_clock_root_precision_s(client->local_clock);
    requester.local_max_freq_error_ppm = dvbcss_clock_root_max_freq_error_ppm(client->local_clock);
    return dvbcss_wc_requester_create(&client->requester, &requester);
}

static int refuse_bind_address(const char *address, struct dvbcss_report *report)
{
    if (report) {
        report->error = DVBCSS_EINVAL;
        report->offset = 0;
        snprintf(report->path, sizeof report->path, "bind_address");
        snprintf(report->reason, sizeof report->reason,
                 "%.60s: expected a numeric address without brackets", address);
    }
    return DVBCSS_EINVAL;
}

/* Reads the settings of where and when to ask. */
static int take_settings(struct dvbcss_wc_client *client,
                         const struct dvbcss_wc_client_options *options,
                         struct dvbcss_report *report)
{
    if (!options->url)
        return DVBCSS_EINVAL;
    client->bound = options->bind_address != NULL;
    if (client->bound &&
        wc_address_parse(options->bind_address, options->bind_port, &client->bind_address) != 0)
        return refuse_bind_address(options->bind_address, report);
    client->bind_port = options->bind_port;
    client->adaptive = options->poll.floor_ns != 0;
    if (client->adaptive && dvbcss_wc_poll_init(&client->poll, &options->poll) != 0)
        return DVBCSS_EINVAL;
    return dvbcss_url_parse(options->url, DVBCSS_URL_UDP, &client->server, report);
}

static int take_clocks(struct dvbcss_wc_client *client,
                       const struct dvbcss_wc_client_options *options)
{
    client->wall_clock = options->estimator ? dvbcss_wc_estimator_wall_clock(options->estimator)
                                            : options->wall_clock;
    if (!client->wall_clock || !dvbcss_clock_parent(client->wall_clock))
        return DVBCSS_EINVAL;
    client->local_clock = dvbcss_clock_parent(client->wall_clock);
    return dvbcss_offset_clock_create(&client->hold, client->wall_clock, 0);
}

/* Makes what needs neither the loop nor to set the wall clock. */
static int prepare(struct dvbcss_wc_client *client, const struct dvbcss_wc_client_options *options,
                   struct dvbcss_report *report)
{
    int result = take_settings(client, options, report);

    if (result == 0)
        result = take_clocks(client, options);
    if (result == 0)
        result = make_requester(client, options);
    return result;
}

static int set_up(struct dvbcss_wc_client *client, const struct dvbcss_wc_client_options *options,
                  struct dvbcss_report *report)
{
    int result = prepare(client, options, report);

    if (result == 0)
        result = wc_client_watch(client);
    /* The last that can fail, since it sets the wall clock. */
    if (result == 0 && !options->estimator)
        result = make_estimator(client, options);
    return result;
}

/* Ends a client that could not be made. */
static void give_up(struct dvbcss_wc_client *client)
{
    if (client->notice)
        wc_client_unwatch(client);
    else
        free_client(client);
}

static void start(struct dvbcss_wc_client *client, uv_loop_t *loop)
{
    client->parts += 2;
    (void)uv_timer_init(loop, &client->work_timer);
    (void)uv_timer_init(loop, &client->lookup_timer);
    client->work_timer.data = client;
    client->lookup_timer.data = client;
    client->available = dvbcss_clock_available(client->wall_clock);
    client->listener.changed = on_clock_changed;
    client->listener.user = client;
    dvbcss_clock_listen(client->wall_clock, &client->listener);
    wc_client_schedule_lookup(client, 0);
}

int dvbcss_wc_client_create(struct dvbcss_wc_client **out, uv_loop_t *loop,
                            const struct dvbcss_wc_client_options *options,
                            struct dvbcss_report *report)
{
    struct dvbcss_wc_client *client = dvbcss_calloc(1, sizeof *client);
    int result;

    if (!client)
        return DVBCSS_ENOMEM;
    client->events = options->events;
    client->user = options->user;
    client->backoff.min_ms = LOOKUP_MIN_MS;
    client->backoff.max_ms = LOOKUP_MAX_MS;
    client->rtt_last_ns = -1;
    client->rtt_min_ns = -1;
    client->loop = loop;
    result = set_up(client, options, report);
    if (result != 0) {
        give_up(client);
        return result;
    }
    if (options->estimator)
        client->estimator = options->estimator;
    start(client, loop);
    *out = client;
    return 0;
}

int wc_client_check(const struct dvbcss_wc_client_options *options)
{
    struct dvbcss_wc_client *client = dvbcss_calloc(1, sizeof *client);
    int result;

    if (!client)
        return DVBCSS_ENOMEM;
    result = prepare(client, options, NULL);
    free_client(client);
    return result;
}

void dvbcss_wc_client_close(struct dvbcss_wc_client *client, dvbcss_wc_client_closed closed,
                            void *user)
{
    if (!client)
        return;
    client->closing = true;
    client->closed = closed;
    client->closed_user = user;
    dvbcss_clock_unlisten(&client->listener);
    wc_client_cancel_lookup(client);
    wc_client_close_channel(client);
    wc_client_unwatch(client);
    uv_close((uv_handle_t *)&client->lookup_timer, on_timer_closed);
    uv_close((uv_handle_t *)&client->work_timer, on_timer_closed);
}

/* ---- using ---------------------------------------------------------------------------------- */

int dvbcss_wc_client_set_server(struct dvbcss_wc_client *client, const char *url,
                                struct dvbcss_report *report)
{
    struct dvbcss_url server;
    int result = dvbcss_url_parse(url, DVBCSS_URL_UDP, &server, report);

    if (result != 0)
        return result;
    if (server.port == client->server.port && strcmp(server.host, client->server.host) == 0)
        return 0;
    client->server = server;
    client->replaced = true;
    wc_client_forget_trouble(client);
    wc_client_cancel_lookup(client);
    wc_client_close_channel(client);
    wc_client_schedule_lookup(client, 0);
    return 0;
}

void dvbcss_wc_client_refresh(struct dvbcss_wc_client *client)
{
    client->backoff.failures = 0;
    wc_client_ask_anew(client);
    wc_client_schedule_lookup(client, 0);
    wc_client_schedule_work(client);
}

static void tell_estimate(const struct dvbcss_wc_client *client,
                          struct dvbcss_wc_client_status *status)
{
    int64_t now_ns = wc_client_local_ns(client);

    status->available = dvbcss_clock_available(client->wall_clock);
    status->dispersion_s = dvbcss_wc_estimator_dispersion_s(client->estimator, now_ns);
    dvbcss_wc_estimator_stats(client->estimator, now_ns, &status->estimate);
    status->rtt_last_ns = client->rtt_last_ns;
    status->rtt_min_ns = client->rtt_min_ns;
    status->rtt_median_ns = dvbcss_wc_estimator_rtt_ns(client->estimator, 0.5);
    status->rtt_p95_ns = dvbcss_wc_estimator_rtt_ns(client->estimator, 0.95);
}

void dvbcss_wc_client_status(const struct dvbcss_wc_client *client,
                             struct dvbcss_wc_client_status *status)
{
    memset(status, 0, sizeof *status);
    status->kernel_drops = client->past_kernel_drops;
    if (client->channel) {
        if (wc_address_format(wc_client_server_address(client), status->server,
                              sizeof status->server) != 0)
            status->server[0] = '\0';
        status->local_port = wc_address_port(wc_socket_address(client->channel->socket));
        status->kernel_drops += wc_socket_kernel_drops(client->channel->socket);
    }
    status->trouble = client->trouble;
    status->requests = *dvbcss_wc_requester_stats(client->requester);
    status->send_failures = client->send_failures;
    status->exchanges = client->exchanges;
    status->useful = client->useful;
    status->unstamped = client->unstamped;
    status->sleeps = client->sleeps;
    status->path_changes = client->path_changes;
    tell_estimate(client, status);
}

double dvbcss_wc_client_worst_dispersion_s(struct dvbcss_wc_client *client)
{
    return dvbcss_wc_estimator_worst_dispersion_s(client->estimator, wc_client_local_ns(client));
}
