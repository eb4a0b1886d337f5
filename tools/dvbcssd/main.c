/*
 * dvbcssd: a television's companion interface in one process.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "config.h"
#include "connection_log.h"
#include "dvbcss/log.h"
#include "logging.h"
#include "options.h"
#include "ready.h"
#include "reload.h"
#include "services.h"

struct daemon {
    uv_loop_t loop;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_signal_t hang_up;
    struct services services;
    bool stopped;
};

/* ---- signals -------------------------------------------------------------------------------- */

static void ignore_signals(struct daemon *daemon)
{
    uv_close((uv_handle_t *)&daemon->terminate, NULL);
    uv_close((uv_handle_t *)&daemon->interrupt, NULL);
    uv_close((uv_handle_t *)&daemon->hang_up, NULL);
}

static void stop(struct daemon *daemon)
{
    if (daemon->stopped)
        return;
    daemon->stopped = true;
    ignore_signals(daemon);
    services_stop(&daemon->services);
    notify_stop(daemon->services.notify);
}

static void on_stop(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data);
}

static void on_reload(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    struct reload_result result;
    int refused;

    (void)number;
    if (daemon->stopped)
        return;
    refused = reload(&daemon->services, &result);
    (void)refused; /* The log has it. */
    reload_result_finish(&result);
}

static void watch_signals(struct daemon *daemon)
{
    struct {
        uv_signal_t *handle;
        uv_signal_cb callback;
        int number;
    } watched[] = {{&daemon->terminate, on_stop, SIGTERM},
                   {&daemon->interrupt, on_stop, SIGINT},
                   {&daemon->hang_up, on_reload, SIGHUP}};

    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        uv_signal_init(&daemon->loop, watched[i].handle);
        watched[i].handle->data = daemon;
        uv_signal_start(watched[i].handle, watched[i].callback, watched[i].number);
    }
}

/* ---- serving -------------------------------------------------------------------------------- */

/* Files first, standard output last: whoever reads a line there finds the files whole. */
static int announce(const struct daemon *daemon, const struct options *options)
{
    const struct services_urls *urls = &daemon->services.urls;

    for (int to_stdout = 0; to_stdout <= 1; to_stdout++) {
        for (int i = 0; i < options->ready_file_count; i++) {
            const char *path = options->ready_files[i];

            if ((strcmp(path, "-") == 0) != to_stdout)
                continue;
            if (ready_write(path, urls) != 0) {
                logging_fatal("%s: cannot be written: %s", path, strerror(errno));
                return -1;
            }
        }
    }
    dvbcss_log(DVBCSS_LOG_INFO, "serving", "CII at %s, wall clock at %s",
               *urls->cii ? urls->cii : "no address", *urls->wc ? urls->wc : "no address");
    notify_ready(daemon->services.notify, "serving");
    return 0;
}

/* Serves until a signal comes. Returns the exit status. */
static int serve(struct config *config, const struct options *options)
{
    struct services_error error;
    struct daemon daemon = {.services = {.config = config, .options = options}};
    int status = 0;

    if (uv_loop_init(&daemon.loop) != 0) {
        logging_fatal("no event loop can be had");
        return 1;
    }
    daemon.services.loop = &daemon.loop;
    daemon.services.notify = notify_start(&daemon.loop);
    /* Before anything is made that an end by default would leave behind: a signal that comes while
     * the services start waits for the loop. */
    watch_signals(&daemon);
    if (services_start(&daemon.services, &error) != 0) {
        logging_fatal("%s", error.text);
        ignore_signals(&daemon);
        notify_stop(daemon.services.notify);
        status = 1;
    } else if (announce(&daemon, options) != 0) {
        stop(&daemon);
        status = 1;
    }
    uv_run(&daemon.loop, UV_RUN_DEFAULT);
    connection_log_flush();
    uv_loop_close(&daemon.loop);
    return status;
}

int main(int argc, char **argv)
{
    struct config config;
    struct options options;
    int status = 1;

    /* A companion that vanishes must not end the television. */
    signal(SIGPIPE, SIG_IGN);
    if (config_init(&config) != 0) {
        logging_fatal("out of memory");
        return 1;
    }
    switch (options_read(argc, argv, environ, &config, &options)) {
    case OPTIONS_RUN:
        logging_set(&config.log);
        status = serve(&config, &options);
        break;
    case OPTIONS_CHECK_CONFIG:
        printf("the configuration is good\n");
        status = 0;
        break;
    case OPTIONS_DONE:
        status = 0;
        break;
    case OPTIONS_FAILED:
        status = 2;
        break;
    }
    options_finish(&options);
    config_finish(&config);
    return status;
}
