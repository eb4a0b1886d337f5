/**
 * @file
 * The allocator hook: all memory of both libraries, and of the JSON library under them, goes
 * through it.
 */
#ifndef DVBCSS_ALLOC_H
#define DVBCSS_ALLOC_H

#include <stddef.h>

#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Functions with the contracts of the C library's malloc, realloc and free. */
struct dvbcss_allocator {
    void *(*malloc_fn)(size_t size);
    void *(*realloc_fn)(void *memory, size_t size);
    void (*free_fn)(void *memory);
};

/**
 * Sets the allocator for the whole process, jansson's included.
 *
 * @param allocator copied; NULL restores the C library's
 * @note Call before anything else of the library, from one thread: what one allocator gave must go
 *       back to the same.
 */
DVBCSS_API void dvbcss_set_allocator(const struct dvbcss_allocator *allocator);

/** Allocates @p size bytes, uninitialised; NULL if there is no memory. Any thread. */
DVBCSS_API void *dvbcss_malloc(size_t size);

/** Allocates an array of @p count elements of @p size bytes, zeroed; NULL on overflow or when
 * there is no memory. Any thread. */
DVBCSS_API void *dvbcss_calloc(size_t count, size_t size);

/** Resizes @p memory (NULL allocates); NULL leaves it as it was. Any thread. */
DVBCSS_API void *dvbcss_realloc(void *memory, size_t size);

/** Gives back what the functions here returned; NULL is fine. Any thread. */
DVBCSS_API void dvbcss_free(void *memory);

/** Copies a string; NULL gives NULL, as does a lack of memory. The caller frees it with
 * dvbcss_free(). Any thread. */
DVBCSS_API char *dvbcss_strdup(const char *text);

#ifdef __cplusplus
}
#endif

#endif
