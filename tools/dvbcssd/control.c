#include "control.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "api.h"
#include "control_socket.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "limits.h"
#include "listeners.h"
#include "services.h"

enum {
    MAX_REQUEST_BYTES = 65536,
    REFUSALS_LOGGED_PER_S = 5,
};

struct control {
    struct services *services;
    struct dvbcss_server *server;
    struct dvbcss_http_handler *handler;
    /** On the companions' listener. */
    struct dvbcss_http_handler *page_handlers[2];
    struct control_socket socket;
    struct control_guard guard;
    struct dvbcss_log_limit refusal_log;
    char url[128];
};

/* ---- requests ------------------------------------------------------------------------------- */

static void log_refusal(struct control *control, const struct dvbcss_http_request *request,
                        const char *reason)
{
    char peer[DVBCSS_ADDRESS_TEXT_SIZE];

    if (dvbcss_log_enabled(DVBCSS_LOG_WARNING) &&
        dvbcss_log_permit(&control->refusal_log, (int64_t)uv_hrtime(), 1000000000,
                          REFUSALS_LOGGED_PER_S))
        dvbcss_log(DVBCSS_LOG_WARNING, "control-refused", "%s: %s",
                   dvbcss_address_format(request->peer, peer), reason);
}

static void handle(struct control *control, const struct dvbcss_http_request *request,
                   unsigned flags)
{
    struct api_call call = {.services = control->services, .request = request};
    struct control_verdict verdict;

    if (strcmp(request->method, "OPTIONS") == 0 || strcmp(request->path, "/healthz") == 0)
        flags |= GUARD_OPEN;
    control_guard_check(&control->guard, request, flags, &verdict);
    call.origin = verdict.origin;
    if (verdict.status != 0) {
        control->services->api_refusals++;
        log_refusal(control, request, verdict.reason);
        api_refuse(&call, verdict.status, NULL, "%s", verdict.reason);
    } else {
        api_handle(&call);
    }
}

static void on_request(void *context, const struct dvbcss_http_request *request)
{
    handle(context, request, 0);
}

static void on_page_request(void *context, const struct dvbcss_http_request *request)
{
    handle(context, request, GUARD_OWN_PAGES);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int open_socket(struct control *control, const struct config_control *config, char *reason,
                       size_t reason_size)
{
    const struct socket_list *inherited = &control->services->sockets.control;

    if (inherited->count == 0)
        return control_socket_open(&control->socket, config, reason, reason_size);
    control_socket_inherit(&control->socket, inherited->fds[0]);
    return 0;
}

static int start_server(struct control *control, const struct config *config, char *reason,
                        size_t reason_size)
{
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    struct dvbcss_http_handler_options handler = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_server_listen listen[2];
    int error;

    if (*config->control.tcp_address)
        listen[options.listen_count++] =
            (struct dvbcss_server_listen){.host = config->control.tcp_address,
                                          .port = (uint16_t)config->control.tcp_port,
                                          .tls = config->control.tls};
    if (control->socket.fd >= 0)
        listen[options.listen_count++] =
            (struct dvbcss_server_listen){.socket = control->socket.fd};
    if (options.listen_count == 0)
        return 0;
    options.listen = listen;
    options.refusal_format = &api_refusal_format;
    limits_of_control(&options, &config->control);
    options.fd_limit = control->services->descriptors.control;
    options.tls = listeners_certificate(&config->tls);
    error = dvbcss_server_create(&control->server, control->services->loop, &options, &report);
    if (error != 0) {
        listeners_explain(error, &report, NULL, reason, reason_size);
        if (control->socket.fd >= 0)
            close(control->socket.fd);
        return -1;
    }
    handler.path = "/";
    handler.max_body_bytes = MAX_REQUEST_BYTES;
    handler.handle = on_request;
    handler.context = control;
    error = dvbcss_http_handler_add(&control->handler, control->server, &handler);
    if (error != 0)
        snprintf(reason, reason_size, "%s", dvbcss_error_text(error));
    return error == 0 ? 0 : -1;
}

/* For the pages: the API, and the metrics unless they are there for all. */
static int start_for_pages(struct control *control, const struct config *config, char *reason,
                           size_t reason_size)
{
    static const char *const paths[] = {"/api/v1", "/metrics"};
    struct dvbcss_http_handler_options options = DVBCSS_HTTP_HANDLER_OPTIONS_INIT;
    int error = 0;

    if (!config->pages.api)
        return 0;
    options.max_body_bytes = MAX_REQUEST_BYTES;
    options.handle = on_page_request;
    options.refusal_format = &api_refusal_format;
    options.context = control;
    for (size_t i = 0; i < (config->http.metrics ? 1 : 2) && error == 0; i++) {
        options.path = paths[i];
        error = dvbcss_http_handler_add(&control->page_handlers[i], control->services->server,
                                        &options);
    }
    if (error != 0)
        snprintf(reason, reason_size, "pages: %s", dvbcss_error_text(error));
    return error == 0 ? 0 : -1;
}

static void write_url(struct control *control, const struct config_control *config)
{
    char address[DVBCSS_ADDRESS_TEXT_SIZE];

    if (*config->tcp_address)
        snprintf(control->url, sizeof control->url, "%s://%s", config->tls ? "https" : "http",
                 dvbcss_address_format(dvbcss_server_address(control->server, 0), address));
}

int control_start(struct control **out, struct services *services, const struct config *config,
                  char *reason, size_t reason_size)
{
    struct control *control = dvbcss_calloc(1, sizeof *control);

    if (!control) {
        snprintf(reason, reason_size, "out of memory");
        return -1;
    }
    control->services = services;
    if (control_guard_init(&control->guard, &config->control, reason, reason_size) != 0 ||
        open_socket(control, &config->control, reason, reason_size) != 0 ||
        start_server(control, config, reason, reason_size) != 0 ||
        start_for_pages(control, config, reason, reason_size) != 0)
        goto fail;
    if (!control->server && !config->pages.api) {
        control_stop(control);
        return 0;
    }
    write_url(control, &config->control);
    *out = control;
    return 0;

fail:
    control_stop(control);
    return -1;
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    for (size_t i = 0; i < sizeof control->page_handlers / sizeof(void *); i++)
        dvbcss_http_handler_remove(control->page_handlers[i]);
    dvbcss_http_handler_remove(control->handler);
    dvbcss_server_close(control->server, NULL, NULL);
    control_socket_remove(&control->socket);
    control_guard_finish(&control->guard);
    dvbcss_free(control);
}

void control_swap_guard(struct control *control, struct control_guard *guard)
{
    struct control_guard before = control->guard;

    control->guard = *guard;
    *guard = before;
}

const char *control_socket_path(const struct control *control)
{
    return control ? control->socket.path : "";
}

const char *control_url(const struct control *control)
{
    return control ? control->url : "";
}

struct dvbcss_server *control_server(const struct control *control)
{
    return control ? control->server : NULL;
}
