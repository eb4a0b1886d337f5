#include <string.h>

#include "common/list.h"
#include "dvbcss/alloc.h"
#include "dvbcss/ts_timeline.h"

enum { CLOCKS = 3 };

struct dvbcss_ts_clock_source {
    struct dvbcss_ts_source base;
    char *selector;
    struct dvbcss_clock *clock;
    struct dvbcss_clock *wall_clock;
    struct dvbcss_clock *speed_source;
    struct dvbcss_clock_listener listeners[CLOCKS];
};

static struct dvbcss_ts_clock_source *clock_source_of(struct dvbcss_ts_source *source)
{
    return CONTAINER_OF(source, struct dvbcss_ts_clock_source, base);
}

static bool recognises(struct dvbcss_ts_source *source, const char *selector)
{
    return strcmp(clock_source_of(source)->selector, selector) == 0;
}

/* How fast a clock runs against another. Below it, the product of the speeds on the way is exact
 * where a quotient of effective speeds would be off in its last bit. */
static double relative_speed(const struct dvbcss_clock *clock, const struct dvbcss_clock *against)
{
    double speed = 1.0;

    for (const struct dvbcss_clock *at = clock; at; at = dvbcss_clock_parent(at)) {
        if (at == against)
            return speed;
        speed *= dvbcss_clock_speed(at);
    }
    return dvbcss_clock_effective_speed(clock) / dvbcss_clock_effective_speed(against);
}

static enum dvbcss_ts_state read_line(struct dvbcss_ts_source *source, const char *selector,
                                      int64_t now_ns, struct dvbcss_ts_line *line)
{
    const struct dvbcss_ts_clock_source *from = clock_source_of(source);
    struct dvbcss_ticks wall;

    (void)selector;
    (void)now_ns;
    if (!dvbcss_clock_available(from->clock) || !dvbcss_clock_available(from->wall_clock))
        return DVBCSS_TS_GONE;
    if (dvbcss_clock_read_pair(from->clock, from->wall_clock, &line->content, &wall) != 0)
        return DVBCSS_TS_GONE;
    line->wall_ns = dvbcss_ticks_to_ns(wall, dvbcss_clock_rate(from->wall_clock));
    line->rate = dvbcss_clock_rate(from->clock);
    line->speed = from->speed_source ? dvbcss_clock_speed(from->speed_source)
                                     : relative_speed(from->clock, from->wall_clock);
    return DVBCSS_TS_RUNNING;
}

static const struct dvbcss_ts_source_ops clock_ops = {recognises, read_line, NULL, NULL};

static void clock_changed(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                          unsigned changes)
{
    struct dvbcss_ts_clock_source *clock_source = listener->user;

    (void)clock;
    (void)changes;
    dvbcss_ts_source_changed(&clock_source->base);
}

int dvbcss_ts_clock_source_create(struct dvbcss_ts_clock_source **out,
                                  const struct dvbcss_ts_clock_source_options *options)
{
    struct dvbcss_clock *const clocks[CLOCKS] = {options->clock, options->wall_clock,
                                                 options->speed_source};
    struct dvbcss_ts_clock_source *made;

    if (!options->selector || !options->clock || !options->wall_clock)
        return DVBCSS_EINVAL;
    if (dvbcss_clock_root(options->clock) != dvbcss_clock_root(options->wall_clock))
        return DVBCSS_ENOCOMMONCLOCK;
    made = dvbcss_calloc(1, sizeof *made);
    if (!made)
        return DVBCSS_ENOMEM;
    made->selector = dvbcss_strdup(options->selector);
    if (!made->selector) {
        dvbcss_free(made);
        return DVBCSS_ENOMEM;
    }
    made->base.ops = &clock_ops;
    made->clock = options->clock;
    made->wall_clock = options->wall_clock;
    made->speed_source = options->speed_source;
    for (size_t i = 0; i < CLOCKS; i++) {
        made->listeners[i].changed = clock_changed;
        made->listeners[i].user = made;
        if (options->auto_update && clocks[i])
            dvbcss_clock_listen(clocks[i], &made->listeners[i]);
    }
    *out = made;
    return 0;
}

void dvbcss_ts_clock_source_destroy(struct dvbcss_ts_clock_source *clock_source)
{
    if (!clock_source)
        return;
    for (size_t i = 0; i < CLOCKS; i++)
        dvbcss_clock_unlisten(&clock_source->listeners[i]);
    dvbcss_ts_source_detach_all(&clock_source->base);
    dvbcss_free(clock_source->selector);
    dvbcss_free(clock_source);
}

struct dvbcss_ts_source *dvbcss_ts_clock_source_base(struct dvbcss_ts_clock_source *clock_source)
{
    return &clock_source->base;
}
