#include "discovery/dial_command.h"

#include <signal.h>
#include <string.h>

#include "dvbcss/alloc.h"

/* Between the request to end and the end, if the program does not heed it. */
enum { GRACE_MS = 1000 };

struct dial_command {
    uv_process_t process;
    uv_pipe_t input;
    uv_timer_t deadline;
    uv_write_t write;
    void *bytes;
    bool started;
    bool killed;
    struct dial_command_end end;
    unsigned open_handles;
    dial_command_ended ended;
    void *user;
};

/* The group, so that nothing of it survives; its number is that of the process. */
static void send_signal(const struct dial_command *command, int number)
{
    if (uv_kill(-command->process.pid, number) != 0)
        (void)uv_kill(command->process.pid, number);
}

static void on_closed(uv_handle_t *handle)
{
    struct dial_command *command = handle->data;

    if (--command->open_handles > 0)
        return;
    if (command->started)
        command->ended(command->user, command->killed ? NULL : &command->end);
    dvbcss_free(command->bytes);
    dvbcss_free(command);
}

/* The input may have been closed already, when all of it was written. */
static void close_once(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void close_all(struct dial_command *command)
{
    close_once(&command->process);
    close_once(&command->input);
    close_once(&command->deadline);
}

static void on_exit(uv_process_t *process, int64_t status, int signal_number)
{
    struct dial_command *command = process->data;

    command->end.status = signal_number != 0 ? -1 : (int)status;
    close_all(command);
}

static void on_grace_over(uv_timer_t *timer)
{
    send_signal(timer->data, SIGKILL);
}

static void on_deadline(uv_timer_t *timer)
{
    struct dial_command *command = timer->data;

    command->end.timed_out = true;
    send_signal(command, SIGTERM);
    uv_timer_start(timer, on_grace_over, GRACE_MS, 0);
}

/* A program need not read its input: a failed write is none of ours. */
static void on_written(uv_write_t *write, int status)
{
    struct dial_command *command = write->data;

    (void)status;
    close_once(&command->input);
}

static int spawn(struct dial_command *command, uv_loop_t *loop, const char *const *arguments)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&command->input},
        /* What it prints goes where our own complaints go. */
        {.flags = UV_INHERIT_FD, .data.fd = 2},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit,
        .file = arguments[0],
        .args = (char **)(uintptr_t)arguments,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };

    return uv_spawn(loop, &command->process, &options);
}

int dial_command_start(struct dial_command **out, uv_loop_t *loop, const char *const *arguments,
                       const void *input, size_t length, unsigned timeout_ms,
                       dial_command_ended ended, void *user)
{
    struct dial_command *command = dvbcss_calloc(1, sizeof *command);
    uv_buf_t buffer;
    int result;

    if (!command)
        return DVBCSS_ENOMEM;
    command->bytes = dvbcss_malloc(length + 1);
    if (!command->bytes) {
        dvbcss_free(command);
        return DVBCSS_ENOMEM;
    }
    memcpy(command->bytes, input, length);
    command->ended = ended;
    command->user = user;
    uv_pipe_init(loop, &command->input, 0);
    uv_timer_init(loop, &command->deadline);
    command->process.data = command;
    command->input.data = command;
    command->deadline.data = command;
    command->write.data = command;
    command->open_handles = 3;
    result = spawn(command, loop, arguments);
    if (result != 0) {
        /* The handle of the process is on the loop all the same. */
        close_all(command);
        return result == UV_ENOMEM ? DVBCSS_ENOMEM : DVBCSS_ENOENT;
    }
    command->started = true;
    uv_timer_start(&command->deadline, on_deadline, timeout_ms, 0);
    buffer = uv_buf_init(command->bytes, (unsigned)length);
    if (uv_write(&command->write, (uv_stream_t *)&command->input, &buffer, 1, on_written) != 0)
        on_written(&command->write, UV_EPIPE);
    *out = command;
    return 0;
}

void dial_command_kill(struct dial_command *command)
{
    command->killed = true;
    send_signal(command, SIGKILL);
}
