#include "accuracy_thread.h"

#include "dvbcss/error.h"

static void on_wake(uv_async_t *wake)
{
    struct accuracy_thread *thread = wake->data;

    if (atomic_load(&thread->ending)) {
        thread->ended(thread->user);
        uv_close((uv_handle_t *)&thread->wake, NULL);
    } else if (thread->woken) {
        thread->woken(thread->user);
    }
}

static void work(void *argument)
{
    struct accuracy_thread *thread = argument;

    uv_run(&thread->loop, UV_RUN_DEFAULT);
}

int accuracy_thread_init(struct accuracy_thread *thread, accuracy_thread_function woken,
                         accuracy_thread_function ended, void *user)
{
    if (uv_loop_init(&thread->loop) != 0)
        return DVBCSS_EIO;
    if (uv_async_init(&thread->loop, &thread->wake, on_wake) != 0) {
        uv_loop_close(&thread->loop);
        return DVBCSS_EIO;
    }
    thread->wake.data = thread;
    thread->woken = woken;
    thread->ended = ended;
    thread->user = user;
    thread->ready = true;
    return 0;
}

int accuracy_thread_run(struct accuracy_thread *thread)
{
    thread->running = uv_thread_create(&thread->id, work, thread) == 0;
    return thread->running ? 0 : DVBCSS_EIO;
}

void accuracy_thread_wake(struct accuracy_thread *thread)
{
    uv_async_send(&thread->wake);
}

void accuracy_thread_end(struct accuracy_thread *thread)
{
    if (!thread->ready)
        return;
    atomic_store(&thread->ending, true);
    uv_async_send(&thread->wake);
    if (thread->running)
        uv_thread_join(&thread->id);
    else
        work(thread);
    uv_loop_close(&thread->loop);
    thread->ready = false;
}
