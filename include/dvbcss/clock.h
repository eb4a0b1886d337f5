/**
 * @file
 * Clocks that derive from other clocks.
 *
 * A clock never runs: it answers how many ticks it shows, computed from its parent's at that
 * moment. At the top stands a root clock over a time source that the program injects; below it
 * correlated, tunable, range-correlated and offset clocks form a tree. A clock's tick rate says
 * how many of its ticks make a second of media; its speed (1 normal, 0 paused, -1 reverse) is
 * separate and does not change the rate.
 *
 *     time source -> root (1 GHz) -> wall clock (tunable, 1 GHz) -> timeline (correlated, 90 kHz)
 *
 * Terms: TS 103 286-2 clause 5.3 (timelines) and annex C (correlation, dispersion).
 *
 * Threads: a tree of clocks, with its listeners and tasks, belongs to one thread at a time.
 * Ownership: a clock keeps its parent alive, so the order of destroying does not matter; the time
 * source must outlive every clock that hangs from its root.
 */
#ifndef DVBCSS_CLOCK_H
#define DVBCSS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A clock of any kind. */
struct dvbcss_clock;

/**
 * A point where a parent clock and a child clock meet, with how far it may be off. An immutable
 * value: functions take it by value, and a changed one is a new one.
 */
struct dvbcss_correlation {
    /** Ticks of the parent at the point. */
    struct dvbcss_ticks parent;
    /** Ticks of the child at the point. */
    struct dvbcss_ticks child;
    /** Error at the point, in seconds, not negative; INFINITY for "unknown". */
    double initial_error_s;
    /** Seconds of error gained per second of the parent's time, away from the point both ways. */
    double error_growth;
};

/** Makes a correlation without error of whole ticks. */
static inline struct dvbcss_correlation dvbcss_correlation(int64_t parent, int64_t child)
{
    struct dvbcss_correlation correlation = {{parent, 0}, {child, 0}, 0.0, 0.0};
    return correlation;
}

/** Tells whether all four members are equal. */
DVBCSS_API bool dvbcss_correlation_equal(const struct dvbcss_correlation *a,
                                         const struct dvbcss_correlation *b);

/* ---- creating and destroying ---------------------------------------------------------------- */

/**
 * The program's time: monotonic nanoseconds from any epoch. Called each time that a root clock is
 * read, on the thread that reads.
 *
 * @param user what the root's options name
 */
typedef int64_t (*dvbcss_time_source)(void *user);

/** How a root clock is made. */
struct dvbcss_root_clock_options {
    /** The time source; required. */
    dvbcss_time_source now_ns;
    /** Handed to the time source. */
    void *user;
    /** Ticks per second; 1 GHz shows the time source as it is. */
    struct dvbcss_rate rate;
    /** Precision of a reading in seconds; 0 has it measured when the clock is made. */
    double precision_s;
    /** The largest frequency error of the time source in parts per million. */
    double max_freq_error_ppm;
};

#define DVBCSS_ROOT_CLOCK_OPTIONS_INIT                                                             \
    {                                                                                              \
        NULL, NULL, {1000000000u, 1u}, 0.0, 500.0                                                  \
    }

/**
 * Makes a root clock. Its dispersion is its precision; it is always available, and its rate, speed
 * and availability cannot be changed.
 *
 * @param out the new clock; the caller ends it with dvbcss_clock_destroy()
 * @return 0, DVBCSS_EINVAL (no time source, a zero rate, a negative figure), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_root_clock_create(struct dvbcss_clock **out,
                         const struct dvbcss_root_clock_options *options);

/**
 * Makes a clock that runs along a line through one point of its parent:
 * ticks = child + (parent ticks - parent) * rate / parent rate * speed.
 *
 * @param out         the new clock; the caller ends it with dvbcss_clock_destroy()
 * @param parent      kept alive by the new clock
 * @param rate        ticks per second of the new clock
 * @param correlation the point
 * @param speed       finite; 1 normal, 0 standing still, negative in reverse
 * @return 0, DVBCSS_EINVAL, DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_correlated_clock_create(struct dvbcss_clock **out, struct dvbcss_clock *parent,
                               struct dvbcss_rate rate, struct dvbcss_correlation correlation,
                               double speed);

/**
 * Makes a correlated clock that shows @p ticks now and that does not jump when its rate, speed or
 * slew changes: those changes first move its point to the present.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_tunable_clock_create(struct dvbcss_clock **out,
                                                            struct dvbcss_clock *parent,
                                                            struct dvbcss_rate rate,
                                                            struct dvbcss_ticks ticks);

/**
 * Makes a clock that runs along the line through two points of its parent. Its rate is what it is
 * told, for whoever asks; the points alone decide how it runs. Its error is the smaller of the
 * two points' errors.
 *
 * @return 0, DVBCSS_EINVAL (also when both points have the same parent ticks), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_range_clock_create(struct dvbcss_clock **out,
                                                          struct dvbcss_clock *parent,
                                                          struct dvbcss_rate rate,
                                                          struct dvbcss_correlation first,
                                                          struct dvbcss_correlation second);

/**
 * Makes a clock that is the same as its parent but ahead (positive) or behind by a constant span of
 * the root's time: for the latency of rendering. Its rate and effective speed follow the parent;
 * it adds no error.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_offset_clock_create(struct dvbcss_clock **out,
                                                           struct dvbcss_clock *parent,
                                                           int64_t offset_ns);

/** Gives up the caller's clock; NULL is fine. Its listeners are removed and its tasks cancelled;
 * its memory lives on while children need it. */
DVBCSS_API void dvbcss_clock_destroy(struct dvbcss_clock *clock);

/* ---- reading -------------------------------------------------------------------------------- */

/** Reads the clock: the ticks it shows now; at the ends of the range it stops there. */
DVBCSS_API struct dvbcss_ticks dvbcss_clock_now(const struct dvbcss_clock *clock);

/** Reads the clock as nanoseconds: ticks over rate, whatever the speed. */
DVBCSS_API int64_t dvbcss_clock_now_ns(const struct dvbcss_clock *clock);

/**
 * Reads two clocks at one instant: the root is read once.
 *
 * @return 0, or DVBCSS_ENOCOMMONCLOCK if they have different roots
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_read_pair(const struct dvbcss_clock *a,
                                                       const struct dvbcss_clock *b,
                                                       struct dvbcss_ticks *a_now,
                                                       struct dvbcss_ticks *b_now);

/** Ticks per second. */
DVBCSS_API struct dvbcss_rate dvbcss_clock_rate(const struct dvbcss_clock *clock);

/** The clock's own speed, 1 where the kind has none. */
DVBCSS_API double dvbcss_clock_speed(const struct dvbcss_clock *clock);

/** The product of the speeds of this clock and all above it. */
DVBCSS_API double dvbcss_clock_effective_speed(const struct dvbcss_clock *clock);

/** Whether this clock and all above it are available. */
DVBCSS_API bool dvbcss_clock_available(const struct dvbcss_clock *clock);

/** The parent, owned by the tree; NULL for a root. */
DVBCSS_API struct dvbcss_clock *dvbcss_clock_parent(const struct dvbcss_clock *clock);

/** The root of the tree, the clock itself for a root. Owned by the tree. */
DVBCSS_API struct dvbcss_clock *dvbcss_clock_root(const struct dvbcss_clock *clock);

/** The correlation of a correlated or tunable clock, the first point of a range clock, and zeros
 * for the other kinds. */
DVBCSS_API struct dvbcss_correlation dvbcss_clock_correlation(const struct dvbcss_clock *clock);

/** The root's maximum frequency error in parts per million. */
DVBCSS_API double dvbcss_clock_root_max_freq_error_ppm(const struct dvbcss_clock *clock);

/** The root's precision in seconds, given or measured. */
DVBCSS_API double dvbcss_clock_root_precision_s(const struct dvbcss_clock *clock);

/**
 * Measures a time source: the smallest difference that shows between readings one after the other.
 *
 * @param samples how many differences to look at, at least 1; fewer if a million readings do not
 *                show so many
 * @return seconds, at least 1e-9; 1 if the source did not move at all
 */
DVBCSS_API double dvbcss_measure_precision_s(dvbcss_time_source now_ns, void *user,
                                             unsigned samples);

/* ---- converting ----------------------------------------------------------------------------- */

/**
 * Converts a time of the clock to its parent's.
 *
 * @return 0, DVBCSS_ENOTMAPPABLE if the clock stands still elsewhere than at @p ticks,
 *         DVBCSS_EINVAL for a root, DVBCSS_ERANGE. The same codes hold for the conversions below.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_to_parent(const struct dvbcss_clock *clock,
                                                       struct dvbcss_ticks ticks,
                                                       struct dvbcss_ticks *out);

/** Converts a time of the parent to the clock's. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_from_parent(const struct dvbcss_clock *clock,
                                                         struct dvbcss_ticks parent_ticks,
                                                         struct dvbcss_ticks *out);

/** Converts a time of the clock to the root's. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_to_root(const struct dvbcss_clock *clock,
                                                     struct dvbcss_ticks ticks,
                                                     struct dvbcss_ticks *out);

/** Converts a time of the root to the clock's. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_from_root(const struct dvbcss_clock *clock,
                                                       struct dvbcss_ticks root_ticks,
                                                       struct dvbcss_ticks *out);

/** Converts a time of the clock to another clock's by their nearest common ancestor;
 * DVBCSS_ENOCOMMONCLOCK if there is none. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_to_other(const struct dvbcss_clock *clock,
                                                      const struct dvbcss_clock *other,
                                                      struct dvbcss_ticks ticks,
                                                      struct dvbcss_ticks *out);

/** Tells at which time of the program's time source the clock shows @p ticks: the first whole
 * nanosecond at or after it. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_when_ns(const struct dvbcss_clock *clock,
                                                     struct dvbcss_ticks ticks, int64_t *out_ns);

/**
 * The error bound of the clock at one of its times, in seconds: its own error there plus its
 * parent's at the corresponding time, up to the root's precision. INFINITY if a time on the way
 * cannot be mapped. Annex C.8.
 */
DVBCSS_API double dvbcss_clock_dispersion_s(const struct dvbcss_clock *clock,
                                            struct dvbcss_ticks ticks);

/**
 * How far two clocks are apart now, in seconds: INFINITY if their effective speeds or rates differ
 * (they drift apart), else the distance.
 *
 * @return 0 or DVBCSS_ENOCOMMONCLOCK
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_difference_s(const struct dvbcss_clock *a,
                                                          const struct dvbcss_clock *b,
                                                          double *out_s);

/* ---- changing ------------------------------------------------------------------------------- */
/* Each call makes one notification, or none if nothing changed. Calls for a kind of clock that
 * does not have the property return DVBCSS_EUNSUPPORTED. */

/** Moves the point of a correlated or tunable clock; what it shows may jump. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_set_correlation(struct dvbcss_clock *clock,
                                                             struct dvbcss_correlation correlation);

/** Sets speed; a tunable clock does not jump, a correlated one turns about its point. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_set_speed(struct dvbcss_clock *clock, double speed);

/** Sets point and speed with one notification. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_clock_set_correlation_and_speed(struct dvbcss_clock *clock,
                                       struct dvbcss_correlation correlation, double speed);

/** Sets the tick rate; a tunable clock does not jump, a correlated one turns about its point. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_set_rate(struct dvbcss_clock *clock,
                                                      struct dvbcss_rate rate);

/** Sets both points of a range clock. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_range_clock_set(struct dvbcss_clock *clock,
                                                       struct dvbcss_correlation first,
                                                       struct dvbcss_correlation second);

/** Sets the offset of an offset clock in nanoseconds of the root's time. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_offset_clock_set(struct dvbcss_clock *clock,
                                                        int64_t offset_ns);

/** Hangs the clock below another parent, which must not descend from it (DVBCSS_EINVAL). */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_set_parent(struct dvbcss_clock *clock,
                                                        struct dvbcss_clock *parent);

/** Sets the clock's own availability. Listeners hear of it only if what dvbcss_clock_available()
 * answers has changed, and so do those of the clocks below. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_set_available(struct dvbcss_clock *clock,
                                                           bool available);

/** Adds ticks to what a tunable clock shows. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_tunable_clock_adjust(struct dvbcss_clock *clock,
                                                            struct dvbcss_ticks by);

/** Sets the slew of a tunable clock, in ticks gained per second: speed = 1 + slew / rate. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_tunable_clock_set_slew(struct dvbcss_clock *clock,
                                                              double ticks_per_s);

/** The slew of a tunable clock, (speed - 1) * rate; 0 for other kinds. */
DVBCSS_API double dvbcss_tunable_clock_slew(const struct dvbcss_clock *clock);

/** Sets the error of a tunable clock from now on: seconds, and seconds per second. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_tunable_clock_set_error(struct dvbcss_clock *clock,
                                                               double error_s, double growth);

/**
 * Moves the point of a correlated or tunable clock along its line to @p ticks; the line stays, the
 * error at the new point is what had grown until there. No notification.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_clock_rebase(struct dvbcss_clock *clock,
                                                    struct dvbcss_ticks ticks);

/**
 * How much a new correlation and speed would change a correlated or tunable clock, in seconds of
 * its parent: INFINITY if the speed differs; at speed 0 the distance along the clock itself.
 * INFINITY for other kinds.
 */
DVBCSS_API double dvbcss_clock_change_s(const struct dvbcss_clock *clock,
                                        struct dvbcss_correlation correlation, double speed);

/** Whether that change is larger (not equal) than @p threshold_s seconds. */
DVBCSS_API bool dvbcss_clock_change_significant(const struct dvbcss_clock *clock,
                                                struct dvbcss_correlation correlation, double speed,
                                                double threshold_s);

/* ---- listening ------------------------------------------------------------------------------ */

/** What may change; a notification carries one or more. */
enum dvbcss_clock_change {
    /** What the clock shows, how fast it runs or how far it may be off: correlation, speed, rate,
     * offset, parent. */
    DVBCSS_CLOCK_TIMING = 1,
    /** Whether the clock is available. */
    DVBCSS_CLOCK_AVAILABILITY = 2,
};

struct dvbcss_clock_listener;

/**
 * Called once per listener for each change of the clock or of one above it, after the change and
 * after the tasks were planned anew. It may change and destroy clocks, and may add and remove
 * listeners, itself included. A change that it makes is told at once; a listener that had not
 * heard of the first change yet hears of both in one call.
 *
 * @param listener the one that was added; find your own struct around it
 * @param clock    the clock it was added to
 * @param changes  bits of enum dvbcss_clock_change
 */
typedef void (*dvbcss_clock_changed)(struct dvbcss_clock_listener *listener,
                                     struct dvbcss_clock *clock, unsigned changes);

/** A place in a clock's list of listeners. Storage of the caller, zeroed before its first use;
 * must stay where it is until it is removed. The members below the line belong to the library. */
struct dvbcss_clock_listener {
    dvbcss_clock_changed changed;
    void *user;
    /* ---- */
    struct dvbcss_clock_listener *next;
    struct dvbcss_clock_listener *previous;
    struct dvbcss_clock *clock;
    unsigned pending;
};

/** Adds a listener to a clock, after removing it from where it was. */
DVBCSS_API void dvbcss_clock_listen(struct dvbcss_clock *clock,
                                    struct dvbcss_clock_listener *listener);

/** Removes a listener from its clock; one that is on none is fine. Needed before the listener's
 * storage goes away; not needed when the clock goes first. */
DVBCSS_API void dvbcss_clock_unlisten(struct dvbcss_clock_listener *listener);

/* ---- tasks that wait for a clock --------------------------------------------------------------
 */

/**
 * A queue of tasks, each of which waits until some clock shows a time. It reads no time and starts
 * nothing by itself: the program asks when it is next due and calls it then. All clocks in one
 * queue have the same root.
 */
struct dvbcss_task_queue;

/** A task that waits; valid until it is called or cancelled, or its clock destroyed. */
struct dvbcss_task;

/** Called when a task is due; the task is gone then. May schedule and cancel others. */
typedef void (*dvbcss_task_function)(void *user, struct dvbcss_clock *clock);

/** Called when what dvbcss_task_queue_next() answers has changed, and at the end of each run, so
 * that the program can set its timer anew. Must not run or destroy the queue. */
typedef void (*dvbcss_task_replanned)(void *user);

/**
 * Makes an empty queue.
 *
 * @param replanned may be NULL
 * @param user      handed to @p replanned
 * @return 0 or DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_task_queue_create(struct dvbcss_task_queue **out,
                                                         dvbcss_task_replanned replanned,
                                                         void *user);

/** Cancels all tasks and frees the queue; NULL is fine. Not from within one of its tasks. */
DVBCSS_API void dvbcss_task_queue_destroy(struct dvbcss_task_queue *queue);

/**
 * Has @p function called once @p clock shows @p at or has passed it in the direction in which it
 * runs. A time that has passed is due at once. While the clock stands still elsewhere, or has been
 * moved below another root, the task sleeps; each change of the clock plans it anew.
 *
 * @param task set to the new task, for cancelling; NULL if not wanted
 * @return 0, DVBCSS_ENOMEM, DVBCSS_EINVAL if the clock has another root than the queue's others
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_task_at(struct dvbcss_task_queue *queue,
                                               struct dvbcss_clock *clock, struct dvbcss_ticks at,
                                               dvbcss_task_function function, void *user,
                                               struct dvbcss_task **task);

/** The same for a time that is @p after ticks more than what the clock shows now; DVBCSS_ERANGE
 * if there is no such time. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_task_after(struct dvbcss_task_queue *queue,
                                                  struct dvbcss_clock *clock,
                                                  struct dvbcss_ticks after,
                                                  dvbcss_task_function function, void *user,
                                                  struct dvbcss_task **task);

/** Forgets a task that has not been called; NULL is fine. */
DVBCSS_API void dvbcss_task_cancel(struct dvbcss_task *task);

/**
 * Tells when dvbcss_task_queue_run() next has something to do.
 *
 * @param out_ns time of the root's time source, in ns
 * @return 0, or DVBCSS_ENOENT while no task can become due
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_task_queue_next(const struct dvbcss_task_queue *queue,
                                                       int64_t *out_ns);

/** Calls every task that is due at @p now_ns, in the order of their times, and of scheduling where
 * times are the same. A task that is scheduled meanwhile waits for the next run; one that a change
 * of its clock meanwhile has put off is put off. Returns how many were called; 0 from within a
 * task of the queue. */
DVBCSS_API unsigned dvbcss_task_queue_run(struct dvbcss_task_queue *queue, int64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
