#include "app2app.h"

#include <stdio.h>
#include <string.h>

#include "channels.h"
#include "connection_log.h"
#include "limits.h"

/* The channels' names, as the companions that look for them expect them. */
#define CII_CHANNEL "/hbbtv-sync-cii"
#define WC_CHANNEL "/hbbtv-sync-wc"
#define TS_CHANNEL "/hbbtv-sync-ts"

/* ---- paths and URLs ------------------------------------------------------------------------- */

void app2app_path(const struct config *config, char path[APP2APP_TEXT_SIZE])
{
    const char *configured = config->discovery.app2app_path;
    size_t length = strlen(configured);

    while (length > 1 && configured[length - 1] == '/')
        length--;
    snprintf(path, APP2APP_TEXT_SIZE, "%.*s", (int)length, configured);
}

static void channel_text(const struct config *config, const char *before, const char *channel,
                         char text[APP2APP_TEXT_SIZE])
{
    char path[APP2APP_TEXT_SIZE];

    app2app_path(config, path);
    snprintf(text, APP2APP_TEXT_SIZE, "%s%.*s%s", before, APP2APP_TEXT_SIZE - 64, path, channel);
}

void app2app_urls(const struct config *config, char wc_url[APP2APP_TEXT_SIZE],
                  char ts_url[APP2APP_TEXT_SIZE])
{
    channel_text(config, "{{ws}}://{{host}}:{{port}}", WC_CHANNEL, wc_url);
    channel_text(config, "{{ws}}://{{host}}:{{port}}", TS_CHANNEL, ts_url);
}

/* ---- starting ------------------------------------------------------------------------------- */

static int start_relay(struct app2app *app2app, const struct app2app_parts *parts,
                       const struct config *config)
{
    const struct config_app2app *settings = &config->app2app;
    struct dvbcss_app2app_endpoint_options options = DVBCSS_APP2APP_ENDPOINT_OPTIONS_INIT;
    char path[APP2APP_TEXT_SIZE];

    app2app_path(config, path);
    options.path = path;
    options.enabled = settings->enabled;
    options.limits.max_connections = (int)settings->max_connections;
    limits_of_app2app(&options.limits, settings);
    options.limits.max_message_bytes = (size_t)settings->max_message_bytes;
    options.limits.max_queued_bytes = (size_t)settings->max_queued_bytes;
    options.limits.setup_timeout_s = (unsigned)settings->wait_timeout_s;
    options.max_waiting = (struct dvbcss_app2app_waiting_limits){
        (size_t)settings->max_waiting, (size_t)settings->max_waiting_per_name,
        (size_t)settings->max_waiting_per_address};
    options.max_early_bytes = (size_t)settings->max_early_bytes;
    options.max_queued_bytes_in_all = (size_t)settings->max_queued_bytes_in_all;
    options.max_queued_bytes_per_address = (size_t)settings->max_queued_bytes_per_address;
    options.local_from_anywhere = settings->local_from_anywhere;
    if (*settings->local_origins) {
        options.local_access.origin_policy = DVBCSS_ORIGIN_LISTED;
        options.local_access.origins = settings->local_origins;
    }
    options.on_disconnect = connection_log_end;
    return dvbcss_app2app_endpoint_create(&app2app->relay, parts->server, &options);
}

static int start_cii(struct app2app *app2app, const struct app2app_parts *parts,
                     const struct config *config)
{
    struct dvbcss_cii_endpoint_options options = channels_cii(config, parts->hosts);
    char path[APP2APP_TEXT_SIZE];

    channel_text(config, "", CII_CHANNEL, path);
    options.path = path;
    options.id_prefix = "compat-cii";
    options.enabled = config->app2app.compatibility;
    options.policy = DVBCSS_CII_SEND_FULL;
    options.greeting = DVBCSS_APP2APP_PAIRED;
    options.hooks = parts->cii_hooks;
    options.user_data_size = parts->cii_user_data_size;
    options.context = parts->context;
    return dvbcss_cii_endpoint_create(&app2app->cii, parts->server, &options);
}

static int start_wc(struct app2app *app2app, const struct app2app_parts *parts,
                    const struct config *config)
{
    struct dvbcss_wc_ws_endpoint_options options =
        channels_wall_clock(config, parts->hosts, parts->wall_clock);
    char path[APP2APP_TEXT_SIZE];

    channel_text(config, "", WC_CHANNEL, path);
    options.path = path;
    options.id_prefix = "compat-wc";
    options.enabled = config->app2app.compatibility;
    return dvbcss_wc_ws_endpoint_create(&app2app->wc, parts->server, &options);
}

static int start_ts(struct app2app *app2app, const struct app2app_parts *parts,
                    const struct config *config)
{
    struct dvbcss_ts_path_options options = DVBCSS_TS_PATH_OPTIONS_INIT;
    char path[APP2APP_TEXT_SIZE];

    channel_text(config, "", TS_CHANNEL, path);
    options.path = path;
    options.id_prefix = "compat-ts";
    options.enabled = config->app2app.compatibility;
    options.access = limits_access(&config->ts, parts->hosts);
    limits_of_endpoint(&options.limits, &config->ts);
    return dvbcss_ts_endpoint_add_path(parts->ts, &app2app->ts, parts->server, &options);
}

int app2app_start(struct app2app *app2app, const struct app2app_parts *parts,
                  const struct config *config, char *reason, size_t reason_size)
{
    static int (*const starters[])(struct app2app *, const struct app2app_parts *,
                                   const struct config *) = {start_relay, start_cii, start_wc,
                                                             start_ts};
    int error = 0;

    for (size_t i = 0; i < sizeof starters / sizeof *starters && error == 0; i++)
        error = starters[i](app2app, parts, config);
    if (error == 0)
        return 0;
    snprintf(reason, reason_size, "%s: %s", config->discovery.app2app_path,
             dvbcss_error_text(error));
    return -1;
}

void app2app_stop(struct app2app *app2app)
{
    dvbcss_wc_ws_endpoint_destroy(app2app->wc);
    dvbcss_cii_endpoint_destroy(app2app->cii);
    dvbcss_app2app_endpoint_destroy(app2app->relay);
}
