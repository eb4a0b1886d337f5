/**
 * @file
 * What the files of the clock module share: the clock itself and the table of its kind.
 */
#ifndef DVBCSS_CLOCK_PRIVATE_H
#define DVBCSS_CLOCK_PRIVATE_H

#include "clock/ticks_wide.h"
#include "common/list.h"
#include "dvbcss/clock.h"

/**
 * What a kind of clock can do. Every kind below a root is a line against its parent; reading,
 * converting, dispersion and notifying are the same for all of them. What a kind does not have is
 * NULL: the public function then returns DVBCSS_EUNSUPPORTED, or the default that it documents.
 */
struct clock_kind {
    struct dvbcss_rate (*rate)(const struct dvbcss_clock *clock);
    /** NULL for a root. As ticks_line_child() about what does not fit. */
    int (*line)(const struct dvbcss_clock *clock, struct ticks_line *line);
    /** The clock's own error in seconds where its parent shows @p parent; NULL for none. */
    double (*error_s)(const struct dvbcss_clock *clock, struct dvbcss_ticks parent);
    double (*speed)(const struct dvbcss_clock *clock);
    struct dvbcss_correlation (*correlation)(const struct dvbcss_clock *clock);
    int (*set_correlation_and_speed)(struct dvbcss_clock *clock,
                                     struct dvbcss_correlation correlation, double speed);
    int (*set_speed)(struct dvbcss_clock *clock, double speed);
    int (*set_rate)(struct dvbcss_clock *clock, struct dvbcss_rate rate);
    int (*rebase)(struct dvbcss_clock *clock, struct dvbcss_ticks ticks);
};

/** Every kind's struct begins with one. */
struct dvbcss_clock {
    const struct clock_kind *kind;
    struct dvbcss_clock *parent;
    /** Among the parent's children. */
    struct list_node sibling;
    struct list_node children;
    /** One for the creator's handle, one for each child, one for a queue whose root it is. */
    unsigned references;
    bool own_available;
    /** Of this clock and all above it: what dvbcss_clock_available() answers. */
    bool available;
    struct dvbcss_clock_listener *first_listener;
    struct dvbcss_clock_listener *last_listener;
    /** On a notification that has not reached the listeners yet. */
    struct list_node notification;
    /** Tasks that wait for this clock; see clock_task.c. */
    struct list_node tasks;
};

/* ---- clock_tree.c --------------------------------------------------------------------------- */

/**
 * Allocates a clock of @p size bytes, zeroed, and hangs it below @p parent (NULL for a root).
 *
 * @return NULL if there is no memory
 */
struct dvbcss_clock *clock_new(const struct clock_kind *kind, size_t size,
                               struct dvbcss_clock *parent);

void clock_reference(struct dvbcss_clock *clock);

/** Gives a reference back; the last one frees the clock, and gives back the parent's. */
void clock_unreference(struct dvbcss_clock *clock);

/** dvbcss_clock_to_root() that stops at the ends of the range: with DVBCSS_ERANGE @p out is set,
 * too. */
int clock_to_root(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks,
                  struct dvbcss_ticks *out);

/* ---- clock_root.c --------------------------------------------------------------------------- */

struct dvbcss_ticks clock_root_now(const struct dvbcss_clock *root);

/**
 * The time of the source at which the root shows @p ticks, rounded up to a whole nanosecond.
 *
 * @param out set in any case; at the end of the range with DVBCSS_ERANGE
 */
int clock_root_when_ns(const struct dvbcss_clock *root, struct dvbcss_ticks ticks, int64_t *out);

/* ---- clock_line.c --------------------------------------------------------------------------- */

/** A correlated or tunable clock: both kinds have the functions below, a tunable clock with a step
 * before some of them. */
struct line_clock {
    struct dvbcss_clock clock;
    struct dvbcss_rate rate;
    struct dvbcss_correlation correlation;
    double speed;
};

static inline struct line_clock *clock_line_of(const struct dvbcss_clock *clock)
{
    return CONTAINER_OF(clock, struct line_clock, clock);
}

/** Whether a rate, a speed or a correlation can be used. */
bool clock_rate_valid(struct dvbcss_rate rate);
bool clock_speed_valid(double speed);
bool clock_correlation_valid(const struct dvbcss_correlation *correlation);

/** The error of a correlation, in seconds, where the parent shows @p parent: it grows both ways. */
double clock_correlation_error_s(const struct dvbcss_correlation *correlation,
                                 struct dvbcss_ticks parent, struct dvbcss_rate parent_rate);

struct dvbcss_rate clock_line_rate(const struct dvbcss_clock *clock);
int clock_line_line(const struct dvbcss_clock *clock, struct ticks_line *line);
double clock_line_error_s(const struct dvbcss_clock *clock, struct dvbcss_ticks parent);
double clock_line_speed(const struct dvbcss_clock *clock);
struct dvbcss_correlation clock_line_correlation(const struct dvbcss_clock *clock);
int clock_line_set(struct dvbcss_clock *clock, struct dvbcss_correlation correlation, double speed);
int clock_line_set_speed(struct dvbcss_clock *clock, double speed);
int clock_line_set_rate(struct dvbcss_clock *clock, struct dvbcss_rate rate);
int clock_line_rebase(struct dvbcss_clock *clock, struct dvbcss_ticks ticks);

/* ---- clock_notify.c ------------------------------------------------------------------------- */

/**
 * Makes a change known: brings the availability of the clock and all below it up to date, plans
 * their tasks anew, and tells the listeners. The last thing a function does: a listener may have
 * destroyed the clock.
 *
 * @param changes DVBCSS_CLOCK_TIMING, or 0 for a change that can concern availability only
 */
void clock_notify(struct dvbcss_clock *clock, unsigned changes);

/** Removes all listeners of a clock that goes. */
void clock_forget_listeners(struct dvbcss_clock *clock);

/* ---- clock_task.c --------------------------------------------------------------------------- */

/** Plans the tasks of a clock anew. Queues whose plan has changed go on the list @p queues. */
void clock_tasks_replan(struct dvbcss_clock *clock, struct list_node *queues);

/** Tells each queue on the list, and empties the list. */
void clock_tasks_tell(struct list_node *queues);

/** Cancels all tasks of a clock that goes. Queues concerned go on the list @p queues. */
void clock_tasks_forget(struct dvbcss_clock *clock, struct list_node *queues);

#endif
