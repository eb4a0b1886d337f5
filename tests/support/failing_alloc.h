/**
 * @file
 * An allocator that fails on demand and counts what is still out: to walk every allocation failure
 * of a function.
 *
 *     for (unsigned n = 0; failing_alloc_begin(n), call(), failing_alloc_end(); n++) ...
 */
#ifndef TESTS_FAILING_ALLOC_H
#define TESTS_FAILING_ALLOC_H

#include <stdbool.h>

/** Installs the allocator: the @p n-th allocation from now on (0 the first) fails, and it alone. */
void failing_alloc_begin(unsigned n);

/** Counts anew: the @p n-th allocation from now on fails. What is out stays counted. */
void failing_alloc_rearm(unsigned n);

/** Whether an allocation failed since the beginning or the last rearming. */
bool failing_alloc_failed(void);

/** Restores the standard allocator. Returns whether an allocation failed since the beginning:
 * false means that @p n was beyond the last one and the walk is over. */
bool failing_alloc_end(void);

/** Blocks that were allocated since failing_alloc_begin() and not freed. */
long failing_alloc_outstanding(void);

#endif
