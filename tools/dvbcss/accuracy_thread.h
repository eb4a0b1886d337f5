/**
 * @file
 * A thread with a loop of its own: for the server and the network, which must not wait for each
 * other nor for the client.
 */
#ifndef DVBCSS_TOOL_ACCURACY_THREAD_H
#define DVBCSS_TOOL_ACCURACY_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

struct accuracy_thread;

/** Called on the thread. */
typedef void (*accuracy_thread_function)(void *user);

/** Storage of the caller; zeros are a thread that does not run. */
struct accuracy_thread {
    /** What lives on it is made on this loop between accuracy_thread_init() and
     * accuracy_thread_run(). */
    uv_loop_t loop;
    accuracy_thread_function woken;
    accuracy_thread_function ended;
    void *user;
    uv_async_t wake;
    uv_thread_t id;
    atomic_bool ending;
    bool ready;
    bool running;
};

/**
 * Makes the loop.
 *
 * @param woken called after accuracy_thread_wake(), once for several; may be NULL
 * @param ended called once, at the end: closes what lives on the loop
 * @return 0 or DVBCSS_EIO
 */
int accuracy_thread_init(struct accuracy_thread *thread, accuracy_thread_function woken,
                         accuracy_thread_function ended, void *user);

/** Lets it run. Returns 0 or DVBCSS_EIO; end it all the same. */
int accuracy_thread_run(struct accuracy_thread *thread);

/** Has `woken` called. */
void accuracy_thread_wake(struct accuracy_thread *thread);

/** Has `ended` called and waits until the loop is empty. One that does not run is fine. */
void accuracy_thread_end(struct accuracy_thread *thread);

#endif
