#include <stddef.h>

#include "clock/clock_private.h"

/*
 * A change is told in two steps. First, without calling anyone, each listener concerned is marked
 * with what has changed, and its clock goes on a list. Then the clocks are taken off the list one
 * by one and their marked listeners called. A callback may do what it likes to clocks and
 * listeners: whatever goes takes itself off the lists, and no pointer into them is held over a
 * call.
 *
 * The marked listeners of a clock are always the first of its list: each goes to the end before it
 * is called, and a new one is appended unmarked.
 */

/* ---- the list of listeners ------------------------------------------------------------------ */

static void append(struct dvbcss_clock *clock, struct dvbcss_clock_listener *listener)
{
    listener->clock = clock;
    listener->next = NULL;
    listener->previous = clock->last_listener;
    if (clock->last_listener)
        clock->last_listener->next = listener;
    else
        clock->first_listener = listener;
    clock->last_listener = listener;
}

static void take_off(struct dvbcss_clock_listener *listener)
{
    struct dvbcss_clock *clock = listener->clock;

    if (listener->previous)
        listener->previous->next = listener->next;
    else
        clock->first_listener = listener->next;
    if (listener->next)
        listener->next->previous = listener->previous;
    else
        clock->last_listener = listener->previous;
    listener->clock = NULL;
}

void dvbcss_clock_listen(struct dvbcss_clock *clock, struct dvbcss_clock_listener *listener)
{
    dvbcss_clock_unlisten(listener);
    append(clock, listener);
}

void dvbcss_clock_unlisten(struct dvbcss_clock_listener *listener)
{
    if (listener->clock)
        take_off(listener);
    listener->pending = 0;
}

void clock_forget_listeners(struct dvbcss_clock *clock)
{
    while (clock->first_listener)
        dvbcss_clock_unlisten(clock->first_listener);
}

/* ---- telling -------------------------------------------------------------------------------- */

static void mark_listeners(struct dvbcss_clock *clock, unsigned changes, struct list_node *clocks)
{
    struct dvbcss_clock_listener *listener;

    for (listener = clock->first_listener; listener; listener = listener->next)
        listener->pending |= changes;
    /* Off the list of a change that this one was made in the middle of, if it is on one. */
    list_remove(&clock->notification);
    list_append(clocks, &clock->notification);
}

static void collect(struct dvbcss_clock *clock, unsigned changes, struct list_node *clocks,
                    struct list_node *queues)
{
    bool available = clock->own_available && (!clock->parent || clock->parent->available);
    struct list_node *node;
    struct list_node *after;

    if (available != clock->available)
        changes |= DVBCSS_CLOCK_AVAILABILITY;
    if (!changes)
        return;
    clock->available = available;
    mark_listeners(clock, changes, clocks);
    if (changes & DVBCSS_CLOCK_TIMING)
        clock_tasks_replan(clock, queues);
    LIST_FOR_EACH (node, after, &clock->children) {
        collect(CONTAINER_OF(node, struct dvbcss_clock, sibling), changes & DVBCSS_CLOCK_TIMING,
                clocks, queues);
    }
}

/* Calls the first listener of a clock if it is marked; otherwise all have been called. */
static bool call_next_listener(struct dvbcss_clock *clock)
{
    struct dvbcss_clock_listener *listener = clock->first_listener;
    unsigned changes = listener ? listener->pending : 0;

    if (!changes)
        return false;
    listener->pending = 0;
    take_off(listener);
    append(clock, listener);
    listener->changed(listener, clock, changes);
    return true;
}

void clock_notify(struct dvbcss_clock *clock, unsigned changes)
{
    struct list_node clocks;
    struct list_node queues;

    list_init(&clocks);
    list_init(&queues);
    collect(clock, changes, &clocks, &queues);
    clock_tasks_tell(&queues);
    while (!list_empty(&clocks)) {
        struct list_node *node = clocks.next;

        /* The node is off the list by then if the callback has destroyed the clock or changed it
         * once more. */
        if (!call_next_listener(CONTAINER_OF(node, struct dvbcss_clock, notification)))
            list_remove(node);
    }
}
