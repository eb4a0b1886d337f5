/*
 * dvbcssd: a television's companion interface in one process.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "config.h"
#include "dvbcss/log.h"
#include "options.h"
#include "ready.h"
#include "services.h"

extern char **environ;

enum { SIGNALS = 2 };
static const int stop_signals[SIGNALS] = {SIGTERM, SIGINT};

struct daemon {
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    struct services *services;
};

static void write_log(void *user, enum dvbcss_log_level level, const char *id, const char *text)
{
    static const char *const names[] = {"", "error", "warning", "info", "debug"};

    (void)user;
    fprintf(stderr, "dvbcssd: %s: %s: %s\n", names[level], id, text);
}

static void stop(struct daemon *daemon)
{
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    services_stop(daemon->services);
    daemon->services = NULL;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;

    (void)number;
    if (daemon->services)
        stop(daemon);
}

static void watch_signals(struct daemon *daemon)
{
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&daemon->loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
        uv_signal_start(&daemon->signals[i], on_signal, stop_signals[i]);
    }
}

/* Files first, standard output last: whoever reads a line there finds the files whole. */
static int announce(const struct daemon *daemon, const struct options *options)
{
    struct services_urls urls;

    services_urls(daemon->services, &urls);
    for (int to_stdout = 0; to_stdout <= 1; to_stdout++) {
        for (int i = 0; i < options->ready_file_count; i++) {
            const char *path = options->ready_files[i];

            if ((strcmp(path, "-") == 0) != to_stdout)
                continue;
            if (ready_write(path, &urls) != 0) {
                fprintf(stderr, "dvbcssd: error: %s: cannot be written: %s\n", path,
                        strerror(errno));
                return -1;
            }
        }
    }
    dvbcss_log(DVBCSS_LOG_INFO, "serving", "CII at %s, wall clock at %s",
               *urls.cii ? urls.cii : "no address", *urls.wc ? urls.wc : "no address");
    return 0;
}

/* Serves until a signal comes. Returns the exit status. */
static int serve(const struct config *config, const struct options *options)
{
    struct services_error error;
    struct daemon daemon = {.services = NULL};
    int status = 0;

    if (uv_loop_init(&daemon.loop) != 0) {
        fprintf(stderr, "dvbcssd: error: no event loop can be had\n");
        return 1;
    }
    if (services_start(&daemon.services, &daemon.loop, config, &error) != 0) {
        fprintf(stderr, "dvbcssd: error: %s\n", error.text);
        status = 1;
    } else {
        watch_signals(&daemon);
        if (announce(&daemon, options) != 0) {
            stop(&daemon);
            status = 1;
        }
    }
    uv_run(&daemon.loop, UV_RUN_DEFAULT);
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
        fprintf(stderr, "dvbcssd: error: out of memory\n");
        return 1;
    }
    switch (options_read(argc, argv, environ, &config, &options)) {
    case OPTIONS_RUN:
        dvbcss_log_set(write_log, NULL, (enum dvbcss_log_level)config.log_level);
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
