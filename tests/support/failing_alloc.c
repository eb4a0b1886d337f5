#include "failing_alloc.h"

#include <stddef.h>
#include <stdlib.h>

#include "dvbcss/alloc.h"

static unsigned left;
static bool failed;
static long outstanding;

static bool fails_now(void)
{
    if (left-- != 0)
        return false;
    failed = true;
    return true;
}

static void *counted_malloc(size_t size)
{
    void *memory = fails_now() ? NULL : malloc(size ? size : 1);

    if (memory)
        outstanding++;
    return memory;
}

static void *counted_realloc(void *memory, size_t size)
{
    void *moved = fails_now() ? NULL : realloc(memory, size ? size : 1);

    if (moved && !memory)
        outstanding++;
    return moved;
}

static void counted_free(void *memory)
{
    if (memory)
        outstanding--;
    free(memory);
}

void failing_alloc_begin(unsigned n)
{
    static const struct dvbcss_allocator counted = {counted_malloc, counted_realloc, counted_free};

    failing_alloc_rearm(n);
    outstanding = 0;
    dvbcss_set_allocator(&counted);
}

void failing_alloc_rearm(unsigned n)
{
    left = n;
    failed = false;
}

bool failing_alloc_failed(void)
{
    return failed;
}

bool failing_alloc_end(void)
{
    dvbcss_set_allocator(NULL);
    return failed;
}

long failing_alloc_outstanding(void)
{
    return outstanding;
}
