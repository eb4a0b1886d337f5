#include "common/loop_pipe.h"

#include <fcntl.h>
#include <unistd.h>

struct search {
    unsigned known;
    uv_os_fd_t found;
};

static void count_handle(uv_handle_t *handle, void *count)
{
    (void)handle;
    ++*(unsigned *)count;
}

unsigned loop_pipe_count_handles(uv_loop_t *loop)
{
    unsigned count = 0;

    uv_walk(loop, count_handle, &count);
    return count;
}

/* A loop shows its handles in the order in which they came. */
static void look_at_handle(uv_handle_t *handle, void *argument)
{
    struct search *search = argument;

    if (search->known > 0)
        search->known--;
    else if (handle->type == UV_POLL && search->found < 0)
        (void)uv_fileno(handle, &search->found);
}

int loop_pipe_find(uv_loop_t *loop, unsigned known)
{
    struct search search = {known, -1};

    uv_walk(loop, look_at_handle, &search);
    return search.found;
}

void loop_pipe_guard(int number)
{
    int null;
    int kept;

    if (number < 0)
        return;
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || null == number)
        return;
    kept = fcntl(null, F_DUPFD_CLOEXEC, number);
    if (kept >= 0 && kept != number)
        close(kept);
    close(null);
}
