#include "services.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "channels.h"
#include "connection_log.h"
#include "dvbcss/alloc.h"
#include "dvbcss/system_time.h"
#include "dvbcss/url.h"
#include "limits.h"
#include "listeners.h"
#include "wall_clock.h"

/* Starts one service. Returns 0, or -1 with the error filled. */
typedef int (*service_starter)(struct services *services, const struct config *config,
                               struct services_error *error);

static int refuse(struct services_error *error, const char *format, ...) DVBCSS_PRINTF(2, 3);

static int refuse(struct services_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- companions, for the page that is the television ----------------------------------------- */

static void on_companion(void *context, struct dvbcss_connection *connection)
{
    const struct services *services = context;

    (void)connection;
    page_channel_companions_changed(services->page);
}

static void on_cii_gone(void *context, struct dvbcss_connection *connection, unsigned code,
                        const char *reason)
{
    const struct services *services = context;

    page_channel_companion_left(services->page, connection,
                                dvbcss_cii_endpoint_user_data(connection));
    connection_log_end(context, connection, code, reason);
}

static void on_ts_gone(void *context, struct dvbcss_connection *connection, unsigned code,
                       const char *reason)
{
    const struct services *services = context;

    page_channel_companion_left(services->page, connection,
                                dvbcss_ts_endpoint_user_data(connection));
    connection_log_end(context, connection, code, reason);
}

static void on_setup(void *context, struct dvbcss_connection *connection,
                     const struct dvbcss_ts_setup *setup)
{
    (void)setup;
    page_companions_asked(connection);
    on_companion(context, connection);
}

static void on_presentation(void *context, struct dvbcss_connection *connection,
                            const struct dvbcss_ts_presentation *presentation)
{
    (void)presentation;
    page_companions_reported(connection);
    on_companion(context, connection);
}

/* ---- starters, in order --------------------------------------------------------------------- */

static int take_sockets(struct services *services, const struct config *config,
                        struct services_error *error)
{
    services->descriptors = descriptors_prepare(config);
    if (sockets_take(&services->sockets, error->text, sizeof error->text) != 0)
        return -1;
    /* Whoever connects to it would wait for ever. */
    if (services->sockets.http.count != 0 && !config->http.enabled)
        return refuse(error, "http: a socket was handed over for it, but it is not enabled");
    if (services->sockets.https.count != 0 && !config->tls.enabled)
        return refuse(error, "tls: a socket was handed over for it, but it is not enabled");
    return 0;
}

static int start_clock(struct services *services, const struct config *config,
                       struct services_error *error)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;

    options.now_ns = dvbcss_monotonic_ns;
    options.max_freq_error_ppm = wall_clock_freq_error_ppm(&config->wallclock);
    if (dvbcss_root_clock_create(&services->wall_clock, &options) != 0)
        return refuse(error, "wallclock: out of memory");
    return 0;
}

static int start_wc_service(struct services *services, const struct config *config,
                            struct services_error *error)
{
    char address[DVBCSS_URL_HOST_SIZE], host[DVBCSS_URL_HOST_SIZE];
    char reason[sizeof error->text - 32];

    if (!config->wallclock.enabled)
        return 0;
    if (wall_clock_start(&services->wc_service, &config->wallclock, reason, sizeof reason) != 0)
        return refuse(error, "wallclock: %s", reason);
    wall_clock_first_address(&config->wallclock, address, sizeof address);
    listeners_host(address, host, sizeof host);
    snprintf(services->urls.wc, sizeof services->urls.wc, "udp://%s:%u", host,
             dvbcss_wc_service_port(services->wc_service));
    return 0;
}

static int start_server(struct services *services, const struct config *config,
                        struct services_error *error)
{
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_server_listen listen[LISTENERS_MAX];
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int result;

    options.listen = listen;
    options.listen_count = listeners_of_companions(&services->sockets, config, listen);
    options.tls = listeners_certificate(&config->tls);
    options.fd_limit = services->descriptors.companions;
    limits_of_listener(&options, &config->http);
    services->hosts = limits_hosts(&config->http);
    if (!services->hosts)
        return refuse(error, "http: out of memory");
    result = dvbcss_server_create(&services->server, services->loop, &options, &report);
    if (result != 0) {
        listeners_explain(result, &report, listen, error->text, sizeof error->text);
        return -1;
    }
    listeners_write_urls(services);
    return 0;
}

/* The URL of an endpoint on a listener, whose URL differs in its scheme: ws for http, wss for
 * https; none if there is no such listener. */
static void endpoint_url(const char *listener, bool enabled, const char *path, char *url,
                         size_t size)
{
    if (enabled && *listener)
        snprintf(url, size, "ws%s%s", listener + strlen("http"), path);
}

static int start_cii(struct services *services, const struct config *config,
                     struct services_error *error)
{
    struct dvbcss_cii_endpoint_options options = channels_cii(config, services->hosts);
    int result;

    options.path = config->cii.path;
    options.enabled = config->cii.enabled;
    options.user_data_size = sizeof(struct page_companion);
    options.hooks.on_connect = on_companion;
    options.hooks.on_disconnect = on_cii_gone;
    options.context = services;
    result = dvbcss_cii_endpoint_create(&services->cii, services->server, &options);
    if (result != 0)
        return refuse(error, "cii: %s: %s", options.path, dvbcss_error_text(result));
    endpoint_url(services->urls.http, config->cii.enabled, options.path, services->urls.cii,
                 sizeof services->urls.cii);
    endpoint_url(services->urls.https, config->cii.enabled, options.path, services->urls.cii_tls,
                 sizeof services->urls.cii_tls);
    return 0;
}

static int start_ts(struct services *services, const struct config *config,
                    struct services_error *error)
{
    struct dvbcss_ts_endpoint_options options = DVBCSS_TS_ENDPOINT_OPTIONS_INIT;
    int result;

    options.path = config->ts.path;
    options.enabled = config->ts.enabled;
    options.access = limits_access(&config->ts, services->hosts);
    limits_of_endpoint(&options.limits, &config->ts);
    options.wall_clock = services->wall_clock;
    options.user_data_size = sizeof(struct page_companion);
    options.hooks.on_connect = on_companion;
    options.hooks.on_setup = on_setup;
    options.hooks.on_presentation = on_presentation;
    options.hooks.on_disconnect = on_ts_gone;
    options.context = services;
    options.hub.resend_interval_ns = (int64_t)(config->ts_resend_s * 1e9);
    result = dvbcss_ts_endpoint_create(&services->ts, services->server, &options);
    if (result != 0)
        return refuse(error, "ts: %s: %s", options.path, dvbcss_error_text(result));
    services_set_delay(services, config->ts_delay_ms);
    endpoint_url(services->urls.http, config->ts.enabled, options.path, services->urls.ts,
                 sizeof services->urls.ts);
    endpoint_url(services->urls.https, config->ts.enabled, options.path, services->urls.ts_tls,
                 sizeof services->urls.ts_tls);
    return 0;
}

static int start_wc_ws(struct services *services, const struct config *config,
                       struct services_error *error)
{
    struct dvbcss_wc_ws_endpoint_options options =
        channels_wall_clock(config, services->hosts, services->wall_clock);
    int result;

    options.path = config->wc_ws.path;
    options.enabled = config->wc_ws.enabled;
    result = dvbcss_wc_ws_endpoint_create(&services->wc_ws, services->server, &options);
    if (result != 0)
        return refuse(error, "wc_ws: %s: %s", options.path, dvbcss_error_text(result));
    endpoint_url(listeners_base_url(services), config->wc_ws.enabled, options.path,
                 services->urls.wc_ws, sizeof services->urls.wc_ws);
    return 0;
}

static int start_app2app(struct services *services, const struct config *config,
                         struct services_error *error)
{
    const struct app2app_parts parts = {
        .server = services->server,
        .ts = services->ts,
        .wall_clock = services->wall_clock,
        .hosts = services->hosts,
        .cii_hooks = {.on_connect = on_companion, .on_disconnect = on_cii_gone},
        .cii_user_data_size = sizeof(struct page_companion),
        .context = services,
    };
    char reason[sizeof error->text - 32];

    if (app2app_start(&services->app2app, &parts, config, reason, sizeof reason) != 0)
        return refuse(error, "app2app: %s", reason);
    endpoint_url(
        listeners_base_url(services), config->app2app.enabled || config->app2app.compatibility,
        config->discovery.app2app_path, services->urls.app2app, sizeof services->urls.app2app);
    return 0;
}

enum { WC_URL_SIZE = DVBCSS_URL_HOST_SIZE + 32, TS_URL_SIZE = 512 };

/* As CII names it. A companion that reached one address of this machine reaches every port of it,
 * unless the wall clock has addresses of its own. */
static const char *write_wc_url(const struct services *services, const struct config *config,
                                char url[WC_URL_SIZE])
{
    char address[DVBCSS_URL_HOST_SIZE], host[DVBCSS_URL_HOST_SIZE] = "{{host}}";

    if (!wall_clock_is_on(&config->wallclock, config->http.address)) {
        wall_clock_first_address(&config->wallclock, address, sizeof address);
        listeners_host(address, host, sizeof host);
    }
    snprintf(url, WC_URL_SIZE, "udp://%s:%u", host,
             config->wallclock.advertise_port != 0 ? (unsigned)config->wallclock.advertise_port
                                                   : dvbcss_wc_service_port(services->wc_service));
    return url;
}

/* As CII names it: on the address that each companion reached. */
static const char *write_ts_url(const struct config *config, char url[TS_URL_SIZE])
{
    snprintf(url, TS_URL_SIZE, "{{ws}}://{{host}}:{{port}}%s", config->ts.path);
    return url;
}

static int start_tv(struct services *services, const struct config *config,
                    struct services_error *error)
{
    char wc_url[WC_URL_SIZE], ts_url[TS_URL_SIZE];
    char compat_wc_url[APP2APP_TEXT_SIZE], compat_ts_url[APP2APP_TEXT_SIZE];
    struct tv_options options = {
        .loop = services->loop,
        .wall_clock = services->wall_clock,
        .cii = services->cii,
        .ts = services->ts,
        .compat = {services->app2app.cii, compat_wc_url, compat_ts_url},
    };
    int result;

    if (services->wc_service)
        options.wc_url = write_wc_url(services, config, wc_url);
    if (config->ts.enabled)
        options.ts_url = write_ts_url(config, ts_url);
    app2app_urls(config, compat_wc_url, compat_ts_url);
    result = tv_create(&services->tv, &options);
    if (result == 0)
        result = tv_override_content_id(services->tv, config->content.id_override);
    return result == 0 ? 0 : refuse(error, "content: %s", dvbcss_error_text(result));
}

static int start_content(struct services *services, const struct config *config,
                         struct services_error *error)
{
    int result = services_present_configured(services);

    (void)config;
    return result == 0 ? 0 : refuse(error, "content: %s", dvbcss_error_text(result));
}

static int start_page(struct services *services, const struct config *config,
                      struct services_error *error)
{
    char reason[sizeof error->text - 32];

    if (page_channel_start(&services->page, services, reason, sizeof reason) != 0)
        return refuse(error, "page: %s", reason);
    if (config->page.enabled)
        snprintf(services->urls.page, sizeof services->urls.page, "ws%s%s",
                 listeners_base_url(services) + strlen("http"), config->page.path);
    return 0;
}

/* Metrics and health for whoever reaches the companions' listener, without the API. */
static int start_public_handlers(struct services *services, const struct config *config,
                                 struct services_error *error)
{
    static const char *const paths[] = {"/metrics", "/healthz"};
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;

    if (!config->http.metrics)
        return 0;
    options.max_body_bytes = 0;
    options.handle = api_handle_public;
    options.context = services;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int result;

        options.path = paths[i];
        result = dvbcss_http_handler_add(&services->public_handlers[i], services->server, &options);
        if (result != 0)
            return refuse(error, "http: %s: %s", options.path, dvbcss_error_text(result));
    }
    return 0;
}

static int start_discovery(struct services *services, const struct config *config,
                           struct services_error *error)
{
    char reason[sizeof error->text - 32];

    if (discovery_start(&services->discovery, services->server, config, reason, sizeof reason) != 0)
        return refuse(error, "discovery: %s", reason);
    if (services->discovery)
        snprintf(services->urls.dial, sizeof services->urls.dial, "%s%s", services->urls.http,
                 discovery_description_path());
    return 0;
}

static int start_pages(struct services *services, const struct config *config,
                       struct services_error *error)
{
    char reason[sizeof error->text - 32];

    if (pages_start(&services->pages, services->server, config, reason, sizeof reason) != 0)
        return refuse(error, "pages: %s", reason);
    if (services->pages)
        snprintf(services->urls.pages, sizeof services->urls.pages, "%s/",
                 listeners_base_url(services));
    return 0;
}

static int start_control(struct services *services, const struct config *config,
                         struct services_error *error)
{
    char reason[sizeof error->text - 32];

    if (control_start(&services->control, services, config, reason, sizeof reason) != 0)
        return refuse(error, "control: %s", reason);
    snprintf(services->urls.control_socket, sizeof services->urls.control_socket, "%s",
             control_socket_path(services->control));
    snprintf(services->urls.control, sizeof services->urls.control, "%s",
             control_url(services->control));
    return 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

int services_start(struct services *services, struct services_error *error)
{
    static const service_starter starters[] = {
        take_sockets, start_clock,           start_wc_service, start_server, start_cii,
        start_ts,     start_wc_ws,           start_app2app,    start_tv,     start_content,
        start_page,   start_public_handlers, start_discovery,  start_pages,  start_control};

    loop_delay_start(&services->loop_delay, services->loop);
    services->started_ms = uv_now(services->loop);
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++) {
        if (starters[i](services, services->config, error) != 0) {
            services_stop(services);
            return -1;
        }
    }
    return 0;
}

void services_stop(struct services *services)
{
    control_stop(services->control);
    pages_stop(services->pages);
    discovery_stop(services->discovery);
    for (size_t i = 0; i < sizeof services->public_handlers / sizeof(void *); i++)
        dvbcss_http_handler_remove(services->public_handlers[i]);
    page_channel_stop(services->page);
    services->page = NULL;
    services_stop_programme(services);
    tv_destroy(services->tv);
    app2app_stop(&services->app2app);
    dvbcss_wc_ws_endpoint_destroy(services->wc_ws);
    dvbcss_ts_endpoint_destroy(services->ts);
    dvbcss_cii_endpoint_destroy(services->cii);
    dvbcss_server_close(services->server, NULL, NULL);
    dvbcss_free(services->hosts);
    dvbcss_wc_service_stop(services->wc_service);
    dvbcss_clock_destroy(services->wall_clock);
    loop_delay_stop(&services->loop_delay);
}

/* ---- changes while they run ----------------------------------------------------------------- */

int services_start_programme(struct services *services)
{
    int error;

    services_stop_programme(services);
    error = tv_reset(services->tv);
    return error == 0 ? programme_start(&services->programme, services->loop, services->tv,
                                        services->config->demo_step_s)
                      : error;
}

void services_stop_programme(struct services *services)
{
    programme_stop(services->programme);
    services->programme = NULL;
}

int services_present_configured(struct services *services)
{
    const struct config *config = services->config;
    int error;

    if (config_runs_demo(config))
        return services_start_programme(services);
    services_stop_programme(services);
    error = tv_reset(services->tv);
    if (error == 0)
        error = services_present_content(services, NULL);
    for (size_t i = 0; i < config->timeline_count && error == 0; i++)
        error = services_add_timeline(services, &config->timelines[i]);
    return error == 0 ? tv_publish(services->tv) : error;
}

int services_present_content(struct services *services, const struct config_content *before)
{
    const struct config_content *config = &services->config->content;
    struct tv_content content = {config->id, config->id_status, config->presentation_status};

    if (before && strcmp(before->id, config->id) == 0) {
        content.id = NULL;
        /* No content has no status of its id, whatever the key says. */
        if (!*config->id || strcmp(before->id_status, config->id_status) == 0)
            content.id_status = NULL;
    }
    if (before && strcmp(before->presentation_status, config->presentation_status) == 0)
        content.presentation_status = NULL;
    return tv_set_content(services->tv, &content);
}

int services_add_timeline(struct services *services, const struct config_timeline *timeline)
{
    struct tv_timeline_options options = {
        timeline->name,  timeline->selector,   timeline->rate,      timeline->start_ticks,
        timeline->speed, timeline->accuracy_s, timeline->available, true};

    return tv_add_timeline(services->tv, &options, NULL);
}

void services_set_delay(struct services *services, double delay_ms)
{
    services->delay_ms = delay_ms;
    dvbcss_ts_hub_set_delay_ns(dvbcss_ts_endpoint_hub(services->ts), (int64_t)(delay_ms * 1e6));
}

int services_enable_ts(struct services *services, bool enabled)
{
    char url[TS_URL_SIZE];
    int error = tv_set_ts_url(services->tv, enabled ? write_ts_url(services->config, url) : NULL);

    if (error == 0)
        error = tv_publish(services->tv);
    if (error == 0)
        dvbcss_endpoint_set_enabled(dvbcss_ts_endpoint_base(services->ts), enabled);
    return error;
}
