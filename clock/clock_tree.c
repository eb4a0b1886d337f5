#include <math.h>

#include "clock/clock_private.h"
#include "dvbcss/alloc.h"

/* ---- life ----------------------------------------------------------------------------------- */

struct dvbcss_clock *clock_new(const struct clock_kind *kind, size_t size,
                               struct dvbcss_clock *parent)
{
    struct dvbcss_clock *clock = dvbcss_calloc(1, size);

    if (!clock)
        return NULL;
    clock->kind = kind;
    clock->references = 1;
    clock->own_available = true;
    clock->available = !parent || parent->available;
    list_init(&clock->sibling);
    list_init(&clock->children);
    list_init(&clock->notification);
    list_init(&clock->tasks);
    if (parent) {
        clock->parent = parent;
        clock_reference(parent);
        list_append(&parent->children, &clock->sibling);
    }
    return clock;
}

void clock_reference(struct dvbcss_clock *clock)
{
    clock->references++;
}

static void forget_users(struct dvbcss_clock *clock, struct list_node *queues)
{
    clock_forget_listeners(clock);
    clock_tasks_forget(clock, queues);
}

/* Also called for a clock whose creator has gone long ago: someone may have found it as a parent
 * and waited for it. */
static void free_clock(struct dvbcss_clock *clock, struct list_node *queues)
{
    forget_users(clock, queues);
    list_remove(&clock->sibling);
    list_remove(&clock->notification);
    dvbcss_free(clock);
}

static void unreference(struct dvbcss_clock *clock, struct list_node *queues)
{
    while (clock && --clock->references == 0) {
        struct dvbcss_clock *parent = clock->parent;

        free_clock(clock, queues);
        clock = parent;
    }
}

void clock_unreference(struct dvbcss_clock *clock)
{
    struct list_node queues;

    list_init(&queues);
    unreference(clock, &queues);
    clock_tasks_tell(&queues);
}

void dvbcss_clock_destroy(struct dvbcss_clock *clock)
{
    struct list_node queues;

    if (!clock)
        return;
    list_init(&queues);
    forget_users(clock, &queues);
    unreference(clock, &queues);
    clock_tasks_tell(&queues);
}

/* ---- shape ---------------------------------------------------------------------------------- */

struct dvbcss_clock *dvbcss_clock_parent(const struct dvbcss_clock *clock)
{
    return clock->parent;
}

struct dvbcss_clock *dvbcss_clock_root(const struct dvbcss_clock *clock)
{
    while (clock->parent)
        clock = clock->parent;
    return (struct dvbcss_clock *)clock;
}

static unsigned depth_of(const struct dvbcss_clock *clock)
{
    unsigned depth = 0;

    for (; clock->parent; clock = clock->parent)
        depth++;
    return depth;
}

/* The nearest clock that both hang from, themselves included; NULL if there is none. */
static const struct dvbcss_clock *common_ancestor(const struct dvbcss_clock *a,
                                                  const struct dvbcss_clock *b)
{
    unsigned a_depth = depth_of(a);
    unsigned b_depth = depth_of(b);

    for (; a_depth > b_depth; a_depth--)
        a = a->parent;
    for (; b_depth > a_depth; b_depth--)
        b = b->parent;
    while (a != b) {
        a = a->parent;
        b = b->parent;
    }
    return a;
}

int dvbcss_clock_set_parent(struct dvbcss_clock *clock, struct dvbcss_clock *parent)
{
    struct dvbcss_clock *old = clock->parent;

    if (!old)
        return DVBCSS_EUNSUPPORTED;
    if (!parent || common_ancestor(clock, parent) == clock)
        return DVBCSS_EINVAL;
    if (parent == old)
        return 0;
    clock_reference(parent);
    list_remove(&clock->sibling);
    list_append(&parent->children, &clock->sibling);
    clock->parent = parent;
    clock_unreference(old);
    clock_notify(clock, DVBCSS_CLOCK_TIMING);
    return 0;
}

int dvbcss_clock_set_available(struct dvbcss_clock *clock, bool available)
{
    if (!clock->parent)
        return DVBCSS_EUNSUPPORTED;
    clock->own_available = available;
    clock_notify(clock, 0);
    return 0;
}

bool dvbcss_clock_available(const struct dvbcss_clock *clock)
{
    return clock->available;
}

/* ---- properties that a kind may have -------------------------------------------------------- */

struct dvbcss_rate dvbcss_clock_rate(const struct dvbcss_clock *clock)
{
    return clock->kind->rate(clock);
}

double dvbcss_clock_speed(const struct dvbcss_clock *clock)
{
    return clock->kind->speed ? clock->kind->speed(clock) : 1.0;
}

double dvbcss_clock_effective_speed(const struct dvbcss_clock *clock)
{
    double speed = 1.0;

    for (; clock; clock = clock->parent)
        speed *= dvbcss_clock_speed(clock);
    return speed;
}

struct dvbcss_correlation dvbcss_clock_correlation(const struct dvbcss_clock *clock)
{
    return clock->kind->correlation ? clock->kind->correlation(clock) : dvbcss_correlation(0, 0);
}

int dvbcss_clock_set_correlation(struct dvbcss_clock *clock, struct dvbcss_correlation correlation)
{
    return dvbcss_clock_set_correlation_and_speed(clock, correlation, dvbcss_clock_speed(clock));
}

int dvbcss_clock_set_correlation_and_speed(struct dvbcss_clock *clock,
                                           struct dvbcss_correlation correlation, double speed)
{
    if (!clock->kind->set_correlation_and_speed)
        return DVBCSS_EUNSUPPORTED;
    return clock->kind->set_correlation_and_speed(clock, correlation, speed);
}

int dvbcss_clock_set_speed(struct dvbcss_clock *clock, double speed)
{
    if (!clock->kind->set_speed)
        return DVBCSS_EUNSUPPORTED;
    return clock->kind->set_speed(clock, speed);
}

int dvbcss_clock_set_rate(struct dvbcss_clock *clock, struct dvbcss_rate rate)
{
    if (!clock->kind->set_rate)
        return DVBCSS_EUNSUPPORTED;
    return clock->kind->set_rate(clock, rate);
}

int dvbcss_clock_rebase(struct dvbcss_clock *clock, struct dvbcss_ticks ticks)
{
    return clock->kind->rebase ? clock->kind->rebase(clock, ticks) : DVBCSS_EUNSUPPORTED;
}

/* ---- converting ----------------------------------------------------------------------------- */

/* The functions of this section that are not public stop at the ends of the range and go on from
 * there, so that a reading that does not fit still lies on the right side. */

/* Keeps the first error of a conversion in several steps. */
static int first_error(int error, int later)
{
    return error ? error : later;
}

static int to_parent(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks,
                     struct dvbcss_ticks *out)
{
    struct ticks_line line;
    int line_error;
    int error;

    if (!clock->parent)
        return DVBCSS_EINVAL;
    line_error = clock->kind->line(clock, &line);
    error = ticks_line_parent(&line, ticks, out);
    return error == DVBCSS_ENOTMAPPABLE ? error : first_error(line_error, error);
}

static int from_parent(const struct dvbcss_clock *clock, struct dvbcss_ticks parent,
                       struct dvbcss_ticks *out)
{
    struct ticks_line line;
    int line_error;

    if (!clock->parent)
        return DVBCSS_EINVAL;
    line_error = clock->kind->line(clock, &line);
    return first_error(line_error, ticks_line_child(&line, parent, out));
}

/* Up to a clock above, or the clock itself. */
static int to_ancestor(const struct dvbcss_clock *clock, const struct dvbcss_clock *ancestor,
                       struct dvbcss_ticks ticks, struct dvbcss_ticks *out)
{
    int error = 0;

    for (; clock != ancestor; clock = clock->parent) {
        int step = to_parent(clock, ticks, &ticks);

        if (step == DVBCSS_ENOTMAPPABLE)
            return step;
        error = first_error(error, step);
    }
    *out = ticks;
    return error;
}

/* Down again: recursive, since the tree is linked upwards. */
static int from_ancestor(const struct dvbcss_clock *clock, const struct dvbcss_clock *ancestor,
                         struct dvbcss_ticks ticks, struct dvbcss_ticks *out)
{
    struct dvbcss_ticks parent = {0, 0};
    int error;

    if (clock == ancestor) {
        *out = ticks;
        return 0;
    }
    error = from_ancestor(clock->parent, ancestor, ticks, &parent);
    return first_error(error, from_parent(clock, parent, out));
}

int clock_to_root(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks,
                  struct dvbcss_ticks *out)
{
    return to_ancestor(clock, dvbcss_clock_root(clock), ticks, out);
}

/* Hands a result out only if all of it is right. */
static int result(int error, struct dvbcss_ticks ticks, struct dvbcss_ticks *out)
{
    if (!error)
        *out = ticks;
    return error;
}

int dvbcss_clock_to_parent(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks,
                           struct dvbcss_ticks *out)
{
    int error = to_parent(clock, ticks, &ticks);

    return result(error, ticks, out);
}

int dvbcss_clock_from_parent(const struct dvbcss_clock *clock, struct dvbcss_ticks parent_ticks,
                             struct dvbcss_ticks *out)
{
    int error = from_parent(clock, parent_ticks, &parent_ticks);

    return result(error, parent_ticks, out);
}

int dvbcss_clock_to_root(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks,
                         struct dvbcss_ticks *out)
{
    int error = clock_to_root(clock, ticks, &ticks);

    return result(error, ticks, out);
}

int dvbcss_clock_from_root(const struct dvbcss_clock *clock, struct dvbcss_ticks root_ticks,
                           struct dvbcss_ticks *out)
{
    int error = from_ancestor(clock, dvbcss_clock_root(clock), root_ticks, &root_ticks);

    return result(error, root_ticks, out);
}

int dvbcss_clock_to_other(const struct dvbcss_clock *clock, const struct dvbcss_clock *other,
                          struct dvbcss_ticks ticks, struct dvbcss_ticks *out)
{
    const struct dvbcss_clock *common = common_ancestor(clock, other);
    int error;

    if (!common)
        return DVBCSS_ENOCOMMONCLOCK;
    error = to_ancestor(clock, common, ticks, &ticks);
    if (!error)
        error = from_ancestor(other, common, ticks, &ticks);
    return result(error, ticks, out);
}

int dvbcss_clock_when_ns(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks,
                         int64_t *out_ns)
{
    int64_t when_ns;
    int error = clock_to_root(clock, ticks, &ticks);

    if (!error)
        error = clock_root_when_ns(dvbcss_clock_root(clock), ticks, &when_ns);
    if (!error)
        *out_ns = when_ns;
    return error;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* What the clock shows when its root shows @p root_now, or the end of the range. */
static struct dvbcss_ticks show(const struct dvbcss_clock *clock, const struct dvbcss_clock *root,
                                struct dvbcss_ticks root_now)
{
    struct dvbcss_ticks ticks = {0, 0};

    (void)from_ancestor(clock, root, root_now, &ticks);
    return ticks;
}

struct dvbcss_ticks dvbcss_clock_now(const struct dvbcss_clock *clock)
{
    const struct dvbcss_clock *root = dvbcss_clock_root(clock);

    return show(clock, root, clock_root_now(root));
}

int64_t dvbcss_clock_now_ns(const struct dvbcss_clock *clock)
{
    return dvbcss_ticks_to_ns(dvbcss_clock_now(clock), dvbcss_clock_rate(clock));
}

int dvbcss_clock_read_pair(const struct dvbcss_clock *a, const struct dvbcss_clock *b,
                           struct dvbcss_ticks *a_now, struct dvbcss_ticks *b_now)
{
    const struct dvbcss_clock *root = dvbcss_clock_root(a);
    struct dvbcss_ticks root_now;

    if (dvbcss_clock_root(b) != root)
        return DVBCSS_ENOCOMMONCLOCK;
    root_now = clock_root_now(root);
    *a_now = show(a, root, root_now);
    *b_now = show(b, root, root_now);
    return 0;
}

double dvbcss_clock_dispersion_s(const struct dvbcss_clock *clock, struct dvbcss_ticks ticks)
{
    double dispersion_s = 0.0;

    for (; clock; clock = clock->parent) {
        if (clock->parent && to_parent(clock, ticks, &ticks) != 0)
            return INFINITY;
        if (clock->kind->error_s)
            dispersion_s += clock->kind->error_s(clock, ticks);
    }
    return dispersion_s;
}

static bool rate_equal(struct dvbcss_rate a, struct dvbcss_rate b)
{
    return (uint64_t)a.ticks * b.seconds == (uint64_t)b.ticks * a.seconds;
}

int dvbcss_clock_difference_s(const struct dvbcss_clock *a, const struct dvbcss_clock *b,
                              double *out_s)
{
    struct dvbcss_rate rate = dvbcss_clock_rate(a);
    struct dvbcss_ticks a_now;
    struct dvbcss_ticks b_now;
    int error = dvbcss_clock_read_pair(a, b, &a_now, &b_now);

    if (error)
        return error;
    if (rate_equal(rate, dvbcss_clock_rate(b)) &&
        dvbcss_clock_effective_speed(a) == dvbcss_clock_effective_speed(b))
        *out_s = ticks_span_to_seconds(ticks_span_between(a_now, b_now), rate);
    else
        *out_s = INFINITY;
    return 0;
}
