/**
 * @file
 * What libwebsockets 4.1.6 does wrong with its event pipe under a foreign uv loop: it closes the
 * descriptor twice, when it begins to end and again when the loop comes to closing handles. The
 * number may belong to somebody else by then, whose file would be closed. Private to the suite.
 */
#ifndef DVBCSS_COMMON_LOOP_PIPE_H
#define DVBCSS_COMMON_LOOP_PIPE_H

#include <uv.h>

/** How many handles are on a loop. Ask before libwebsockets starts. */
unsigned loop_pipe_count_handles(uv_loop_t *loop);

/** The descriptor of the event pipe: that of the first polled handle behind the first @p known
 * ones. Ask when libwebsockets has started; -1 if there is none. */
int loop_pipe_find(uv_loop_t *loop, unsigned known);

/** Gives the second close something of its own to close. Call it right after libwebsockets has
 * begun to end; -1 does nothing. What is left is the moment in between, for another thread that
 * opens something right then. */
void loop_pipe_guard(int number);

#endif
