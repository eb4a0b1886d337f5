#include "watch.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"

/* ---- options -------------------------------------------------------------------------------- */

void watch_init(struct watch *watch, const struct command *command, const struct watch_ops *ops,
                double interval_s)
{
    watch->command = command;
    watch->ops = ops;
    watch->interval_s = interval_s;
}

/* Takes an option that all commands share; false for a bad value. */
static bool take_shared_option(struct watch *watch, int option, const char *argument)
{
    switch (option) {
    case 'i':
        return read_number(argument, 0.001, 86400, &watch->interval_s);
    case 'n':
        return read_integer(argument, 1, INT64_MAX, &watch->count);
    case 't':
        return read_number(argument, 0.001, 1e9, &watch->timeout_s);
    default:
        watch->json = true;
        return true;
    }
}

int watch_read_options(struct watch *watch, int argc, char **argv, const char *letters,
                       const struct option *options, watch_take_option take)
{
    int option, index = -1;

    while ((option = getopt_long(argc, argv, letters, options, &index)) != -1) {
        /* Options without a letter have values that are no characters. */
        bool shared = option <= CHAR_MAX && strchr("jint", option) != NULL;

        if (option == 'h') {
            fputs(watch->command->help, stdout);
            return EXIT_DONE;
        }
        if (option == '?') {
            fprintf(stderr, "Try 'dvbcss %s --help'.\n", watch->command->name);
            return EXIT_USAGE;
        }
        if (!(shared ? take_shared_option : take)(watch, option, optarg)) {
            if (index >= 0)
                return usage_error(watch->command, "--%s cannot be \"%s\"", options[index].name,
                                   optarg);
            return usage_error(watch->command, "-%c cannot be \"%s\"", option, optarg);
        }
        index = -1;
    }
    return -1;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void on_sample(uv_timer_t *timer)
{
    struct watch *watch = timer->data;

    if (watch->running)
        watch->ops->sample(watch);
}

static void on_deadline(uv_timer_t *timer)
{
    struct watch *watch = timer->data;

    watch_say(watch, "not done within %g s", watch->timeout_s);
    watch_finish(watch, EXIT_TIMEOUT);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    watch_finish(handle->data, EXIT_DONE);
}

static uint64_t milliseconds(double seconds)
{
    return (uint64_t)ceil(seconds * 1000.0);
}

static void start_handles(struct watch *watch)
{
    uv_timer_init(&watch->loop, &watch->sampler);
    uv_timer_init(&watch->loop, &watch->deadline);
    uv_signal_init(&watch->loop, &watch->interrupt);
    uv_signal_init(&watch->loop, &watch->terminate);
    watch->sampler.data = watch;
    watch->deadline.data = watch;
    watch->interrupt.data = watch;
    watch->terminate.data = watch;
    uv_signal_start(&watch->interrupt, on_signal, SIGINT);
    uv_signal_start(&watch->terminate, on_signal, SIGTERM);
    if (watch->ops->sample)
        uv_timer_start(&watch->sampler, on_sample, milliseconds(watch->interval_s),
                       milliseconds(watch->interval_s));
    if (watch->timeout_s > 0)
        uv_timer_start(&watch->deadline, on_deadline, milliseconds(watch->timeout_s), 0);
    watch->running = true;
}

void watch_finish(struct watch *watch, int exit_code)
{
    if (!watch->running)
        return;
    watch->running = false;
    watch->exit_code = exit_code;
    if (watch->line_open)
        fputc('\n', stdout);
    watch->line_open = false;
    uv_close((uv_handle_t *)&watch->sampler, NULL);
    uv_close((uv_handle_t *)&watch->deadline, NULL);
    uv_close((uv_handle_t *)&watch->interrupt, NULL);
    uv_close((uv_handle_t *)&watch->terminate, NULL);
    watch->ops->stop(watch);
}

int watch_run(struct watch *watch)
{
    int exit_code;

    if (uv_loop_init(&watch->loop) != 0)
        return failure(watch->command, "no event loop can be had");
    watch->live = !watch->json && isatty(STDOUT_FILENO);
    start_handles(watch);
    exit_code = watch->ops->start(watch);
    if (exit_code != EXIT_DONE)
        watch_finish(watch, exit_code);
    uv_run(&watch->loop, UV_RUN_DEFAULT);
    uv_loop_close(&watch->loop);
    return watch->exit_code;
}

void watch_count(struct watch *watch)
{
    if (watch->count > 0 && --watch->count == 0)
        watch_finish(watch, EXIT_DONE);
}

/* ---- output --------------------------------------------------------------------------------- */

/* Whoever reads the output may be gone. */
static void flush(struct watch *watch)
{
    if (!flush_output())
        watch_finish(watch, EXIT_FAILED);
}

void watch_say(struct watch *watch, const char *format, ...)
{
    va_list arguments;

    if (watch->json)
        return;
    if (watch->line_open)
        fputs("\r\033[K", stdout);
    watch->line_open = false;
    va_start(arguments, format);
    terminal_vprint(stdout, format, arguments);
    va_end(arguments);
    fputc('\n', stdout);
    flush(watch);
}

void watch_show(struct watch *watch, const char *format, ...)
{
    va_list arguments;

    if (watch->json)
        return;
    if (watch->live)
        fputs("\r\033[K", stdout);
    va_start(arguments, format);
    terminal_vprint(stdout, format, arguments);
    va_end(arguments);
    if (!watch->live)
        fputc('\n', stdout);
    watch->line_open = watch->live;
    flush(watch);
}

void watch_wait(struct watch *watch, const char *text)
{
    if (watch->live || watch->waiting != text)
        watch_show(watch, "%s", text);
    watch->waiting = text;
}

void watch_print(struct watch *watch, json_t *object)
{
    if (!object || json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0) {
        /* Output that cannot be written is told at the end, by finish_output(). */
        if (!ferror(stdout))
            failure(watch->command, "cannot print a line");
        json_decref(object);
        watch_finish(watch, EXIT_FAILED);
        return;
    }
    json_decref(object);
    fputc('\n', stdout);
    flush(watch);
}

json_t *watch_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *watch_json_text(const char *text)
{
    return text ? json_string(text) : json_null();
}
