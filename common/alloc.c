#include "dvbcss/alloc.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc_guard.h"

static struct dvbcss_allocator allocator = {malloc, realloc, free};

/* The guard of the parse that runs on this thread, if any. */
static _Thread_local struct alloc_guard *guard_up;

static void *malloc_for_jansson(size_t size)
{
    void *memory = allocator.malloc_fn(size);
    struct alloc_guard *guard = guard_up;

    if (memory || !guard || guard->failed)
        return memory;
    guard->failed = true;
    return size <= guard->reserve_size ? guard->reserve : NULL;
}

static void free_for_jansson(void *memory)
{
    if (memory && guard_up && memory == guard_up->reserve)
        return;
    allocator.free_fn(memory);
}

void dvbcss_set_allocator(const struct dvbcss_allocator *chosen)
{
    static const struct dvbcss_allocator standard = {malloc, realloc, free};

    allocator = chosen ? *chosen : standard;
    json_set_alloc_funcs(malloc_for_jansson, free_for_jansson);
}

void alloc_guard_begin(struct alloc_guard *guard)
{
    guard_up = guard;
}

void alloc_guard_end(void)
{
    guard_up = NULL;
}

void *dvbcss_malloc(size_t size)
{
    return allocator.malloc_fn(size);
}

void *dvbcss_calloc(size_t count, size_t size)
{
    void *memory;

    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    memory = allocator.malloc_fn(count * size);
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

void *dvbcss_realloc(void *memory, size_t size)
{
    return allocator.realloc_fn(memory, size);
}

void dvbcss_free(void *memory)
{
    allocator.free_fn(memory);
}

char *dvbcss_strdup(const char *text)
{
    size_t size;
    char *copy;

    if (!text)
        return NULL;
    size = strlen(text) + 1;
    copy = dvbcss_malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}
