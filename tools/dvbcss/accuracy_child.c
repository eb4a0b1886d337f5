#include "accuracy_child.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dvbcss/alloc.h"
#include "dvbcss/error.h"
#include "dvbcss/system_time.h"

static const uint64_t patience_ms = 2000;

/* What it has started may keep its output open, and is waited for no longer than this. */
static const uint64_t rest_ms = 500;

struct accuracy_child {
    struct accuracy_child_events events;
    void *user;
    uv_process_t process;
    uv_pipe_t out;
    uv_timer_t force;
    /* Handles that are not closed yet. */
    unsigned parts;
    bool exited;
    int64_t status;
    int signal;
    /* Its output has come to an end. */
    bool silent;
    bool closing;
    /* The rest of a line that was too long is still to come. */
    bool skipping;
    uint64_t lines;
    size_t length;
    char line[ACCURACY_LINE_MAX];
    char received[ACCURACY_LINE_MAX];
};

/* ---- its end -------------------------------------------------------------------------------- */

static void on_part_closed(uv_handle_t *handle)
{
    struct accuracy_child *child = handle->data;

    if (--child->parts == 0)
        dvbcss_free(child);
}

static void close_parts(struct accuracy_child *child)
{
    uv_close((uv_handle_t *)&child->process, on_part_closed);
    uv_close((uv_handle_t *)&child->out, on_part_closed);
    uv_close((uv_handle_t *)&child->force, on_part_closed);
}

static void tell_end(struct accuracy_child *child)
{
    uv_timer_stop(&child->force);
    uv_read_stop((uv_stream_t *)&child->out);
    child->events.ended(child->user, child->status, child->signal);
}

static void on_rest_over(uv_timer_t *timer)
{
    tell_end(timer->data);
}

static void on_exited(uv_process_t *process, int64_t status, int number)
{
    struct accuracy_child *child = process->data;

    child->exited = true;
    child->status = status;
    child->signal = number;
    if (child->closing)
        close_parts(child);
    else if (child->silent)
        tell_end(child);
    else
        uv_timer_start(&child->force, on_rest_over, rest_ms, 0);
}

static void on_patience_over(uv_timer_t *timer)
{
    struct accuracy_child *child = timer->data;

    kill(-child->process.pid, SIGKILL);
}

void accuracy_child_close(struct accuracy_child *child)
{
    if (!child)
        return;
    child->closing = true;
    uv_read_stop((uv_stream_t *)&child->out);
    if (child->exited) {
        close_parts(child);
        return;
    }
    /* It leads a process group: the shell may have started others. */
    kill(-child->process.pid, SIGTERM);
    uv_timer_start(&child->force, on_patience_over, patience_ms, 0);
}

/* ---- its lines ------------------------------------------------------------------------------ */

static void take_line(struct accuracy_child *child)
{
    json_t *object = child->skipping ? NULL : json_loadb(child->line, child->length, 0, NULL);

    child->lines++;
    child->length = 0;
    child->skipping = false;
    if (json_is_object(object) && !child->closing)
        child->events.line(child->user, object);
    json_decref(object);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct accuracy_child *child = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(child->received, sizeof child->received);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct accuracy_child *child = stream->data;

    if (length < 0) {
        uv_read_stop(stream);
        child->silent = true;
        if (child->exited)
            tell_end(child);
        return;
    }
    for (ssize_t i = 0; i < length && !child->closing; i++) {
        if (buffer->base[i] == '\n')
            take_line(child);
        else if (child->length < sizeof child->line)
            child->line[child->length++] = buffer->base[i];
        else
            child->skipping = true;
    }
}

uint64_t accuracy_child_lines(const struct accuracy_child *child)
{
    return child ? child->lines : 0;
}

/* ---- its start ------------------------------------------------------------------------------ */

static int spawn(struct accuracy_child *child, uv_loop_t *loop, char *command)
{
    char shell[] = "/bin/sh", option[] = "-c";
    char *arguments[] = {shell, option, command, NULL};
    uv_stdio_container_t streams[] = {{.flags = UV_IGNORE},
                                      {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
                                       .data.stream = (uv_stream_t *)&child->out},
                                      {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {.exit_cb = on_exited,
                                    .file = shell,
                                    .args = arguments,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = streams};

    return uv_spawn(loop, &child->process, &options) == 0 ? 0 : DVBCSS_EIO;
}

int accuracy_child_start(struct accuracy_child **out, uv_loop_t *loop, const char *command,
                         const struct accuracy_child_events *events, void *user)
{
    struct accuracy_child *child = dvbcss_calloc(1, sizeof *child);
    char *copy = dvbcss_strdup(command);
    int error;

    if (!child || !copy) {
        dvbcss_free(child);
        dvbcss_free(copy);
        return DVBCSS_ENOMEM;
    }
    child->events = *events;
    child->user = user;
    child->parts = 3;
    uv_pipe_init(loop, &child->out, 0);
    uv_timer_init(loop, &child->force);
    child->process.data = child;
    child->out.data = child;
    child->force.data = child;
    error = spawn(child, loop, copy);
    dvbcss_free(copy);
    if (error != 0) {
        /* uv_spawn() has made the handle all the same. */
        close_parts(child);
        return error;
    }
    uv_read_start((uv_stream_t *)&child->out, on_allocate, on_read);
    *out = child;
    return 0;
}

bool accuracy_child_command(const char *command, const char *url, const char *host, unsigned port,
                            char *out, size_t size)
{
    char digits[8];
    const char *const names[] = {"{url}", "{host}", "{port}"};
    const char *const values[] = {url, host, digits};
    size_t length = 0;

    snprintf(digits, sizeof digits, "%u", port);
    while (*command) {
        const char *value = command;
        size_t width = 1, consumed = 1;

        for (unsigned i = 0; i < 3; i++) {
            if (strncmp(command, names[i], strlen(names[i])) == 0) {
                value = values[i];
                width = strlen(value);
                consumed = strlen(names[i]);
            }
        }
        if (length + width >= size)
            return false;
        memcpy(out + length, value, width);
        length += width;
        command += consumed;
    }
    out[length] = '\0';
    return true;
}

/* ---- readings ------------------------------------------------------------------------------- */

/* Times are within this, so that differences of them are times, too. */
static const int64_t ns_max = INT64_C(1) << 61;

static bool read_ns(const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    char *end;

    if (json_is_integer(value)) {
        *out = json_integer_value(value);
    } else if (json_is_real(value) && fabs(json_real_value(value)) < (double)ns_max) {
        *out = llround(json_real_value(value));
    } else if (text) {
        /* What is out of range comes back as the end of the range, which is beyond ns_max. */
        *out = strtoll(text, &end, 10);
        if (end == text || *end)
            return false;
    } else {
        return false;
    }
    return *out > -ns_max && *out < ns_max;
}

/* What dvbcss_monotonic_ns() showed at a time of CLOCK_MONOTONIC not long ago. */
static int64_t from_clock_monotonic(int64_t ns)
{
    struct timespec now;
    int64_t before_ns = dvbcss_monotonic_ns(NULL);

    clock_gettime(CLOCK_MONOTONIC, &now);
    return before_ns + (dvbcss_monotonic_ns(NULL) - before_ns) / 2 + ns -
           ((int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
}

bool accuracy_child_unavailable(const json_t *object)
{
    return json_is_false(json_object_get(object, "available"));
}

bool accuracy_child_reading(const json_t *object, struct accuracy_reading *out)
{
    const json_t *bound = json_object_get(object, "bound_s");
    int64_t clock_monotonic_ns;

    if (accuracy_child_unavailable(object) || !read_ns(object, "wall_ns", &out->wall_ns))
        return false;
    out->bound_s = json_is_number(bound) ? json_number_value(bound) : NAN;
    if (read_ns(object, "local_ns", &out->monotonic_ns))
        return true;
    if (!read_ns(object, "monotonic_ns", &clock_monotonic_ns))
        return false;
    out->monotonic_ns = from_clock_monotonic(clock_monotonic_ns);
    return true;
}
