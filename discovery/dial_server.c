#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "discovery/dial_server.h"
#include "dvbcss/alloc.h"
#include "dvbcss/discovery_policy.h"
#include "dvbcss/ssdp.h"
#include "dvbcss/url.h"

enum {
    /* Host and port as in a URL. */
    AUTHORITY_SIZE = DVBCSS_URL_HOST_SIZE + 8,
    HEADERS_MAX = 4,
    LINES_PER_S = 5,
};

static const char application_suffix[] = "/" DVBCSS_DIAL_APPLICATION;
static const char run_suffix[] = "/" DVBCSS_DIAL_APPLICATION "/run";

/* One request on its way through, and the headers that its answer gets. */
struct exchange {
    struct dvbcss_dial_server *dial;
    const struct dvbcss_http_request *request;
    char origin[AUTHORITY_SIZE];
    bool has_origin;
    bool permitted;
    struct dvbcss_http_header headers[HEADERS_MAX];
    size_t header_count;
};

/* ---- answers -------------------------------------------------------------------------------- */

static void add_header(struct exchange *exchange, const char *name, const char *value)
{
    exchange->headers[exchange->header_count++] = (struct dvbcss_http_header){name, value};
}

static void answer(const struct exchange *exchange, unsigned status, const char *content_type,
                   const char *body)
{
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;

    response.status = status;
    response.content_type = content_type;
    response.headers = exchange->headers;
    response.header_count = exchange->header_count;
    response.body = body;
    response.body_length = strlen(body);
    /* If it fails, the base answers 500. */
    if (dvbcss_http_respond(exchange->request, &response) != 0)
        dvbcss_log(DVBCSS_LOG_WARNING, "dial-answer", "%s cannot be answered",
                   exchange->request->path);
}

static void answer_text(const struct exchange *exchange, unsigned status, const char *text)
{
    answer(exchange, status, "text/plain; charset=utf-8", text);
}

static void answer_xml(struct exchange *exchange, const char *document)
{
    answer(exchange, 200, "text/xml; charset=utf-8", document);
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* "host:port" of this server as the client reached it, or as it is to be advertised. */
static void authority_of(const struct exchange *exchange, bool advertised,
                         char authority[AUTHORITY_SIZE])
{
    const struct dvbcss_dial_server *dial = exchange->dial;
    char reached[DVBCSS_ADDRESS_TEXT_SIZE];
    char host[DVBCSS_URL_HOST_SIZE];
    const char *colon;

    dvbcss_address_format(exchange->request->local, reached);
    colon = strrchr(reached, ':');
    if (!colon)
        colon = reached + strlen(reached);
    snprintf(host, sizeof host, "%.*s", (int)(colon - reached), reached);
    if (advertised && dial->advertise_host &&
        dvbcss_url_host_of_address(dial->advertise_host, host, sizeof host) != 0)
        host[0] = '\0';
    if (advertised && dial->advertise_port != 0)
        snprintf(authority, AUTHORITY_SIZE, "%s:%u", host, dial->advertise_port);
    else
        snprintf(authority, AUTHORITY_SIZE, "%s%s", host, colon);
}

/* Writes a URL of this server for the client. */
static void url_for(const struct exchange *exchange, const char *scheme, const char *path,
                    const char *more, char url[DVBCSS_URL_TEXT_SIZE])
{
    char authority[AUTHORITY_SIZE];

    authority_of(exchange, true, authority);
    snprintf(url, DVBCSS_URL_TEXT_SIZE, "%s://%s%s%s", scheme, authority, path, more);
}

/* ---- who may what --------------------------------------------------------------------------- */

static bool is_permitted(const struct exchange *exchange, const char *origin)
{
    const struct dvbcss_dial_server *dial = exchange->dial;
    const char *const *allowed = (const char *const *)dial->allowed_origins;
    char reached[AUTHORITY_SIZE], advertised[AUTHORITY_SIZE];

    authority_of(exchange, false, reached);
    authority_of(exchange, true, advertised);
    return dvbcss_discovery_origin_permitted(origin, reached, allowed,
                                             dial->allowed_origin_count) ||
           dvbcss_discovery_origin_permitted(origin, advertised, NULL, 0);
}

static void read_origin(struct exchange *exchange)
{
    int error = dvbcss_http_request_header(exchange->request, "origin", exchange->origin,
                                           sizeof exchange->origin);

    exchange->has_origin = error != DVBCSS_ENOENT;
    /* One that is too long is none that we know. */
    exchange->permitted = error != DVBCSS_ENOSPC &&
                          is_permitted(exchange, exchange->has_origin ? exchange->origin : NULL);
}

/* Reading is for everybody; a page may see the header that it needs. */
static void let_pages_read(struct exchange *exchange)
{
    add_header(exchange, "Access-Control-Allow-Origin", "*");
    add_header(exchange, "Access-Control-Expose-Headers", "Application-URL, Location");
}

/* Refuses pages of foreign origins; true if it did. */
static bool refuse_foreign(struct exchange *exchange)
{
    struct dvbcss_dial_server *dial = exchange->dial;
    char origin[128];

    if (exchange->permitted) {
        if (exchange->has_origin)
            add_header(exchange, "Access-Control-Allow-Origin", exchange->origin);
        return false;
    }
    dial->counters.foreign_origins++;
    if (dvbcss_log_permit(&dial->log_limit, (int64_t)uv_now(dial->loop) * 1000000, 1000000000,
                          LINES_PER_S))
        dvbcss_log(
            DVBCSS_LOG_WARNING, "dial-origin", "a page of %s may not change anything",
            dvbcss_log_escape(origin, sizeof origin, exchange->origin, strlen(exchange->origin)));
    answer_text(exchange, 403,
                "Pages of this origin may not launch or stop applications on this television.\n");
    return true;
}

/* ---- documents ------------------------------------------------------------------------------ */

static void get_description(struct exchange *exchange)
{
    char url[DVBCSS_URL_TEXT_SIZE];

    exchange->dial->counters.descriptions++;
    url_for(exchange, "http", exchange->dial->apps_path, "", url);
    let_pages_read(exchange);
    add_header(exchange, "Application-URL", url);
    answer_xml(exchange, exchange->dial->description);
}

static void get_application(struct exchange *exchange)
{
    struct dvbcss_dial_server *dial = exchange->dial;
    char app2app_url[DVBCSS_URL_TEXT_SIZE];
    char inter_dev_sync_url[DVBCSS_URL_TEXT_SIZE];
    char document[DVBCSS_DIAL_APPLICATION_SIZE];
    const struct dvbcss_dial_application application = {
        .running = dial->running,
        .allow_stop = dial->stop_command != NULL,
        .app2app_url = app2app_url,
        .inter_dev_sync_url = inter_dev_sync_url,
        .user_agent = dial->user_agent,
    };

    dial->counters.resources++;
    url_for(exchange, "ws", dial->app2app_path, "", app2app_url);
    url_for(exchange, "ws", dial->inter_dev_sync_path, "", inter_dev_sync_url);
    let_pages_read(exchange);
    if (dvbcss_dial_encode_application(&application, document, sizeof document, NULL) == 0)
        answer_xml(exchange, document);
}

/* ---- launching and stopping ----------------------------------------------------------------- */

static void finish_close(struct dvbcss_dial_server *dial);

static void on_command_ended(void *user, const struct dial_command_end *end)
{
    struct dvbcss_dial_server *dial = user;

    dial->command = NULL;
    if (dial->closing) {
        finish_close(dial);
        return;
    }
    if (end && end->timed_out)
        dial->counters.command_timeouts++;
    if (end && (end->status != 0 || end->timed_out)) {
        dial->counters.command_failures++;
        dvbcss_log(DVBCSS_LOG_WARNING, "dial-command", "the command to %s failed: %s",
                   dial->will_run ? "launch" : "stop",
                   end->timed_out ? "it took too long" : "status is not 0");
        return;
    }
    dial->running = dial->will_run;
}

/* Starts a command; true if it runs, otherwise the request has its answer. */
static bool start_command(struct exchange *exchange, char **command, bool will_run)
{
    struct dvbcss_dial_server *dial = exchange->dial;

    if (!command) {
        answer_text(exchange, 501,
                    will_run ? "Launching applications is not set up on this television.\n"
                             : "Stopping applications is not set up on this television.\n");
        return false;
    }
    if (dial->command) {
        add_header(exchange, "Retry-After", "2");
        answer_text(exchange, 503, "Another request to launch or stop is under way.\n");
        return false;
    }
    if (dial_command_start(&dial->command, dial->loop, (const char *const *)command,
                           exchange->request->body, exchange->request->body_length,
                           dial->command_timeout_ms, on_command_ended, dial) != 0) {
        dial->counters.command_failures++;
        dvbcss_log(DVBCSS_LOG_ERROR, "dial-command", "%s cannot be started", command[0]);
        answer_text(exchange, 503, "The command of this television cannot be started.\n");
        return false;
    }
    dial->counters.commands++;
    dial->will_run = will_run;
    return true;
}

static void post_application(struct exchange *exchange)
{
    char url[DVBCSS_URL_TEXT_SIZE];

    if (refuse_foreign(exchange) || !start_command(exchange, exchange->dial->launch_command, true))
        return;
    url_for(exchange, "http", exchange->dial->apps_path, run_suffix, url);
    add_header(exchange, "Location", url);
    answer_text(exchange, 201, "");
}

static void delete_run(struct exchange *exchange)
{
    if (refuse_foreign(exchange))
        return;
    if (!exchange->dial->running && exchange->dial->stop_command) {
        answer_text(exchange, 404, "The application is not running.\n");
        return;
    }
    if (start_command(exchange, exchange->dial->stop_command, false))
        answer_text(exchange, 200, "");
}

/* ---- routes --------------------------------------------------------------------------------- */

/* What there is below apps_path; a NULL suffix is the description. */
struct route {
    const char *suffix;
    const char *method;
    void (*answer)(struct exchange *exchange);
};

static const struct route routes[] = {
    {NULL, "GET", get_description},
    {NULL, "HEAD", get_description},
    {application_suffix, "GET", get_application},
    {application_suffix, "HEAD", get_application},
    {application_suffix, "POST", post_application},
    {run_suffix, "DELETE", delete_run},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static bool route_is_at(const struct route *route, const char *suffix)
{
    if (!route->suffix || !suffix)
        return !route->suffix && !suffix;
    return strcmp(route->suffix, suffix) == 0;
}

/* The methods of a resource as a list; "" if there is no such resource. */
static void methods_at(const char *suffix, char *list, size_t size)
{
    size_t used = 0;

    list[0] = '\0';
    for (int i = 0; i < ROUTES && used < size; i++) {
        if (route_is_at(&routes[i], suffix))
            used += (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "",
                                     routes[i].method);
    }
}

/* A browser asks before it sends what is not simple. */
static void preflight(struct exchange *exchange, const char *methods)
{
    if (!exchange->has_origin)
        add_header(exchange, "Allow", methods);
    add_header(exchange, "Access-Control-Allow-Origin",
               exchange->permitted && exchange->has_origin ? exchange->origin : "*");
    add_header(exchange, "Access-Control-Allow-Methods",
               exchange->permitted ? methods : "GET, HEAD");
    add_header(exchange, "Access-Control-Allow-Headers", "Content-Type");
    answer(exchange, 204, NULL, "");
}

/* @p suffix is what follows apps_path; NULL for the description. */
static void dispatch(struct exchange *exchange, const char *suffix)
{
    char methods[64];

    read_origin(exchange);
    for (int i = 0; i < ROUTES; i++) {
        if (route_is_at(&routes[i], suffix) &&
            strcmp(routes[i].method, exchange->request->method) == 0) {
            routes[i].answer(exchange);
            return;
        }
    }
    methods_at(suffix, methods, sizeof methods);
    if (methods[0] == '\0') {
        let_pages_read(exchange);
        answer_text(exchange, 404, "There is no such application here; there is HbbTV.\n");
    } else if (strcmp(exchange->request->method, "OPTIONS") == 0) {
        preflight(exchange, methods);
    } else {
        add_header(exchange, "Allow", methods);
        answer_text(exchange, 405, "This method is not allowed here.\n");
    }
}

static void handle_description(void *context, const struct dvbcss_http_request *request)
{
    struct exchange exchange = {.dial = context, .request = request};

    /* The handler is asked for all that is below its path, too. */
    dispatch(&exchange, strcmp(request->path, exchange.dial->description_path) == 0 ? NULL : "");
}

static void handle_apps(void *context, const struct dvbcss_http_request *request)
{
    struct exchange exchange = {.dial = context, .request = request};

    dispatch(&exchange, request->path + strlen(exchange.dial->apps_path));
}

/* ---- life ----------------------------------------------------------------------------------- */

static void free_dial(struct dvbcss_dial_server *dial)
{
    dial_settings_finish(dial);
    dvbcss_free(dial);
}

static void on_end(uv_handle_t *handle)
{
    struct dvbcss_dial_server *dial = handle->data;
    void (*closed)(void *user) = dial->closed;
    void *user = dial->closed_user;

    free_dial(dial);
    if (closed)
        closed(user);
}

static void finish_close(struct dvbcss_dial_server *dial)
{
    uv_close((uv_handle_t *)&dial->end, on_end);
}

void dvbcss_dial_server_close(struct dvbcss_dial_server *dial, void (*closed)(void *user),
                              void *user)
{
    if (!dial)
        return;
    dvbcss_http_handler_remove(dial->apps_handler);
    dvbcss_http_handler_remove(dial->description_handler);
    dial->closed = closed;
    dial->closed_user = user;
    dial->closing = true;
    if (dial->command)
        dial_command_kill(dial->command);
    else
        finish_close(dial);
}

static int add_handlers(struct dvbcss_dial_server *dial, struct dvbcss_server *server,
                        size_t max_launch_bytes)
{
    struct dvbcss_http_handler_options handler = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    int error;

    handler.context = dial;
    handler.path = dial->description_path;
    handler.max_body_bytes = 0;
    handler.handle = handle_description;
    error = dvbcss_http_handler_add(&dial->description_handler, server, &handler);
    if (error)
        return error;
    handler.path = dial->apps_path;
    handler.max_body_bytes = max_launch_bytes;
    handler.handle = handle_apps;
    error = dvbcss_http_handler_add(&dial->apps_handler, server, &handler);
    if (error)
        dvbcss_http_handler_remove(dial->description_handler);
    return error;
}

int dvbcss_dial_server_create(struct dvbcss_dial_server **out, struct dvbcss_server *server,
                              const struct dvbcss_dial_server_options *options)
{
    struct dvbcss_dial_server *dial = dvbcss_calloc(1, sizeof *dial);
    int error;

    if (!dial)
        return DVBCSS_ENOMEM;
    dial->loop = dvbcss_server_loop(server);
    error = dial_settings_take(dial, options);
    if (!error)
        error = add_handlers(dial, server, options->max_launch_bytes);
    if (error) {
        free_dial(dial);
        return error;
    }
    /* Its closing ends the service from the loop. */
    uv_timer_init(dial->loop, &dial->end);
    dial->end.data = dial;
    *out = dial;
    return 0;
}

const struct dvbcss_dial_server_counters *
dvbcss_dial_server_counters(const struct dvbcss_dial_server *dial)
{
    return &dial->counters;
}
