#include "accuracy_client.h"

#include <math.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/system_time.h"
#include "dvbcss/wc_estimator.h"
#include "dvbcss/wc_tracking.h"

static int create_tracking(struct dvbcss_wc_estimator **out,
                           const struct dvbcss_wc_estimator_options *options)
{
    return dvbcss_wc_tracking_create(out, options, NULL);
}

const struct accuracy_estimator accuracy_estimators[] = {
    {"tracking", create_tracking},
    {"lowest", dvbcss_wc_lowest_dispersion_create},
    {"recent", dvbcss_wc_most_recent_create},
    {NULL, NULL},
};

const struct accuracy_estimator *accuracy_estimator_find(const char *name)
{
    for (const struct accuracy_estimator *estimator = accuracy_estimators; estimator->name;
         estimator++) {
        if (strcmp(estimator->name, name) == 0)
            return estimator;
    }
    return NULL;
}

static int make_clocks(struct accuracy_client *client, double max_freq_error_ppm)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    int error;

    options.now_ns = accuracy_clock_now;
    options.user = &client->local;
    options.max_freq_error_ppm = max_freq_error_ppm;
    error = dvbcss_root_clock_create(&client->root, &options);
    return error == 0
               ? dvbcss_tunable_clock_create(&client->wall, client->root,
                                             dvbcss_rate_hz(UINT32_C(1000000000)), dvbcss_ticks(0))
               : error;
}

int accuracy_client_start(struct accuracy_client *client, uv_loop_t *loop, const char *url,
                          const struct accuracy_client_options *options)
{
    struct dvbcss_wc_client_options client_options = DVBCSS_WC_CLIENT_OPTIONS_INIT;
    struct dvbcss_wc_estimator_options estimator_options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    int error = make_clocks(client, options->max_freq_error_ppm);

    if (error != 0)
        return error;
    estimator_options.wall_clock = client->wall;
    client_options.url = url;
    client_options.events = options->events;
    client_options.user = options->user;
    if (options->interval_ns > 0) {
        client_options.poll.floor_ns = 0;
        client_options.requester.interval_ns = options->interval_ns;
    }
    error = options->estimator->create(&client_options.estimator, &estimator_options);
    if (error != 0)
        return error;
    error = dvbcss_wc_client_create(&client->client, loop, &client_options, NULL);
    if (error != 0)
        dvbcss_wc_estimator_destroy(client_options.estimator);
    else
        client->estimator = client_options.estimator;
    return error;
}

void accuracy_client_stop(struct accuracy_client *client)
{
    dvbcss_wc_client_close(client->client, NULL, NULL);
    client->client = NULL;
    client->estimator = NULL;
}

void accuracy_client_finish(struct accuracy_client *client)
{
    dvbcss_clock_destroy(client->wall);
    dvbcss_clock_destroy(client->root);
    client->wall = NULL;
    client->root = NULL;
}

bool accuracy_client_read(const struct accuracy_client *client, struct accuracy_reading *out)
{
    struct dvbcss_ticks local, wall;

    if (!dvbcss_clock_available(client->wall) ||
        dvbcss_clock_read_pair(client->root, client->wall, &local, &wall) != 0)
        return false;
    /* The local clock only ever lost time: what it shows less what it showed at 0. */
    out->monotonic_ns = dvbcss_ticks_round(local) - accuracy_clock_at(&client->local, 0);
    out->wall_ns = dvbcss_ticks_round(wall);
    out->bound_s = dvbcss_clock_dispersion_s(client->wall, wall);
    return isfinite(out->bound_s);
}

void accuracy_client_sleep(struct accuracy_client *client, double seconds)
{
    int64_t before_ns = dvbcss_monotonic_ns(NULL);

    uv_sleep((unsigned)(seconds * 1e3));
    accuracy_clock_step(&client->local, before_ns - dvbcss_monotonic_ns(NULL));
    dvbcss_wc_client_refresh(client->client);
    dvbcss_wc_estimator_reset(client->estimator);
}
