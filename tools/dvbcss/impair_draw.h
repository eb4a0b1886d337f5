/**
 * @file
 * Tells what a model of a network does, without a network.
 */
#ifndef DVBCSS_TOOL_IMPAIR_DRAW_H
#define DVBCSS_TOOL_IMPAIR_DRAW_H

#include <stddef.h>

#include "impair_model.h"
#include "watch.h"

enum { IMPAIR_DRAW_MAX = 1000000 };

/**
 * Sends datagrams through a model, in thought, one every 10 ms each way, and shows what became of
 * them: one line per direction.
 *
 * @param count at most IMPAIR_DRAW_MAX
 * @return an exit code
 */
int impair_draw(struct watch *watch, const struct impair_model *model, uint64_t seed, size_t count);

#endif
