/**
 * @file
 * Makes a lack of memory inside jansson's parser a clean failure. Private to json_get.c.
 *
 * The parser does not look whether its token buffer could grow: a byte that found no room is
 * dropped, and the message then parses as something else or trips an assertion. While a guard is
 * up, the first allocation of jansson that fails on this thread is served from a reserve instead,
 * and is remembered, so that the caller can end the input and throw the result away.
 *
 * It works where jansson allocates through our hook, that is after dvbcss_set_allocator(); jansson
 * keeps the C library's allocator otherwise, and so do programs that use it beside us.
 */
#ifndef DVBCSS_COMMON_ALLOC_GUARD_H
#define DVBCSS_COMMON_ALLOC_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/** State of a guard; on the stack of the one who puts it up. */
struct alloc_guard {
    void *reserve;
    size_t reserve_size;
    /** An allocation of jansson has failed since the guard was put up. */
    bool failed;
};

/** Puts @p guard up for this thread; no other may be up. */
void alloc_guard_begin(struct alloc_guard *guard);

/** Takes it down. What jansson got from the reserve must be freed before. */
void alloc_guard_end(void);

#endif
