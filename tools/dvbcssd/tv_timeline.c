/*
 * The television's timelines, and how they and the media change.
 */
#include <string.h>

#include "dvbcss/alloc.h"
#include "tv_internal.h"

static struct tv_timeline *timeline_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct tv_timeline, node);
}

/* ---- finding -------------------------------------------------------------------------------- */

struct tv_timeline *tv_next_timeline(struct tv *tv, const struct tv_timeline *timeline)
{
    struct list_node *next = timeline ? timeline->node.next : tv->timelines.next;

    return next == &tv->timelines ? NULL : timeline_of(next);
}

struct tv_timeline *tv_timeline_named(struct tv *tv, const char *name)
{
    struct tv_timeline *timeline = NULL;

    while ((timeline = tv_next_timeline(tv, timeline)) && strcmp(timeline->name, name) != 0)
        ;
    return timeline;
}

struct tv_timeline *tv_timeline_selected(struct tv *tv, const char *selector)
{
    struct tv_timeline *timeline = NULL;

    while ((timeline = tv_next_timeline(tv, timeline)) && strcmp(timeline->selector, selector) != 0)
        ;
    return timeline;
}

const char *tv_timeline_name(const struct tv_timeline *timeline)
{
    return timeline->name;
}

bool tv_timeline_configured(const struct tv_timeline *timeline)
{
    return timeline->configured;
}

void tv_timeline_state(const struct tv_timeline *timeline, struct tv_timeline_state *state)
{
    struct dvbcss_ticks wall = {0, 0}, position = {0, 0};
    int error = dvbcss_clock_read_pair(timeline->tv->wall_clock, timeline->clock, &wall, &position);

    (void)error; /* They have one root. */
    state->name = timeline->name;
    state->selector = timeline->selector;
    state->rate = timeline->rate;
    state->wall_ns = wall.whole;
    state->position_ticks = position.whole;
    state->speed = dvbcss_clock_speed(timeline->clock);
    state->effective_speed = dvbcss_clock_effective_speed(timeline->clock);
    state->available = dvbcss_clock_available(timeline->clock);
    state->accuracy_s = timeline->accuracy_s;
}

/* ---- adding and removing -------------------------------------------------------------------- */

/* CII tells a rate as units per second over units per tick. */
static int describe_timelines(struct tv *tv)
{
    struct dvbcss_cii_timeline *items = dvbcss_calloc(tv->timeline_count + 1, sizeof *items);
    const struct tv_timeline *timeline = NULL;
    size_t count = 0;
    int error;

    if (!items)
        return DVBCSS_ENOMEM;
    while ((timeline = tv_next_timeline(tv, timeline))) {
        items[count].selector = timeline->selector;
        items[count].units_per_tick = timeline->rate.seconds;
        items[count].units_per_second = timeline->rate.ticks;
        items[count].has_accuracy = timeline->accuracy_s >= 0;
        items[count].accuracy_s = items[count].has_accuracy ? timeline->accuracy_s : 0;
        count++;
    }
    error = dvbcss_cii_set_timelines(&tv->state, items, count);
    dvbcss_free(items);
    if (error == 0)
        tv->state_changed = true;
    return error;
}

static int create_clock(struct tv *tv, const struct tv_timeline_options *options,
                        struct tv_timeline *timeline)
{
    struct dvbcss_correlation start = {dvbcss_clock_now(tv->media_clock),
                                       dvbcss_ticks(options->start_ticks), 0, 0};
    struct dvbcss_ts_clock_source_options source = DVBCSS_TS_CLOCK_SOURCE_OPTIONS_INIT;
    int error = dvbcss_correlated_clock_create(&timeline->clock, tv->media_clock, options->rate,
                                               start, options->speed);

    if (error == 0)
        error = dvbcss_clock_set_available(timeline->clock, options->available);
    if (error != 0)
        return error;
    source.selector = options->selector;
    source.clock = timeline->clock;
    source.wall_clock = tv->wall_clock;
    return dvbcss_ts_clock_source_create(&timeline->source, &source);
}

static int create(struct tv *tv, const struct tv_timeline_options *options,
                  struct tv_timeline **out)
{
    struct tv_timeline *timeline = dvbcss_calloc(1, sizeof *timeline);
    int error;

    if (!timeline)
        return DVBCSS_ENOMEM;
    list_init(&timeline->node);
    timeline->tv = tv;
    timeline->name = dvbcss_strdup(options->name);
    timeline->selector = dvbcss_strdup(options->selector);
    timeline->rate = options->rate;
    timeline->accuracy_s = options->accuracy_s;
    timeline->configured = options->configured;
    error =
        timeline->name && timeline->selector ? create_clock(tv, options, timeline) : DVBCSS_ENOMEM;
    if (error != 0) {
        tv_timeline_free(timeline);
        return error;
    }
    *out = timeline;
    return 0;
}

void tv_timeline_free(struct tv_timeline *timeline)
{
    list_remove(&timeline->node);
    dvbcss_ts_clock_source_destroy(timeline->source);
    dvbcss_clock_destroy(timeline->clock);
    dvbcss_free(timeline->name);
    dvbcss_free(timeline->selector);
    dvbcss_free(timeline);
}

int tv_add_timeline(struct tv *tv, const struct tv_timeline_options *options,
                    struct tv_timeline **out)
{
    struct tv_timeline *timeline;
    int error;

    if (tv_timeline_named(tv, options->name) || tv_timeline_selected(tv, options->selector))
        return DVBCSS_EEXIST;
    if (tv->timeline_count >= TV_TIMELINES_MAX)
        return DVBCSS_EFULL;
    error = create(tv, options, &timeline);
    if (error != 0)
        return error;
    list_append(&tv->timelines, &timeline->node);
    tv->timeline_count++;
    error = dvbcss_ts_hub_attach(dvbcss_ts_endpoint_hub(tv->ts_endpoint),
                                 dvbcss_ts_clock_source_base(timeline->source));
    if (error == 0)
        error = describe_timelines(tv);
    if (error != 0) {
        tv->timeline_count--;
        tv_timeline_free(timeline);
        return error;
    }
    if (out)
        *out = timeline;
    return 0;
}

int tv_remove_timeline(struct tv_timeline *timeline)
{
    struct tv *tv = timeline->tv;
    struct list_node *before = timeline->node.previous;
    int error;

    list_remove(&timeline->node);
    tv->timeline_count--;
    error = describe_timelines(tv);
    if (error != 0) {
        list_append(before->next, &timeline->node);
        tv->timeline_count++;
        return error;
    }
    tv_schedule_forget(tv, timeline);
    tv_timeline_free(timeline);
    return 0;
}

int tv_clear(struct tv *tv)
{
    int error = 0;

    while (error == 0 && !list_empty(&tv->timelines))
        error = tv_remove_timeline(timeline_of(tv->timelines.next));
    if (error == 0)
        tv_schedule_forget(tv, NULL);
    return error;
}

/* ---- changing ------------------------------------------------------------------------------- */

static bool is_out_of_reach(struct dvbcss_ticks position)
{
    return position.whole > (int64_t)TV_TICKS_MAX || position.whole < -(int64_t)TV_TICKS_MAX;
}

/* A seek must not end where positions do: nothing could be changed from there. The media take all
 * timelines along. */
static int check_seek(struct tv *tv, const struct dvbcss_clock *clock, struct dvbcss_ticks position)
{
    struct tv_timeline *timeline = NULL;
    int error = is_out_of_reach(position) ? DVBCSS_ERANGE : 0;

    while (error == 0 && clock == tv->media_clock && (timeline = tv_next_timeline(tv, timeline))) {
        struct dvbcss_ticks there;

        error = dvbcss_clock_from_parent(timeline->clock, position, &there);
        if (error == 0 && is_out_of_reach(there))
            error = DVBCSS_ERANGE;
    }
    return error;
}

/* The point of a clock's line at a time of the wall clock, moved as the change wants it. */
static int new_point(struct tv *tv, const struct dvbcss_clock *clock,
                     const struct tv_change *change, int64_t at_ns,
                     struct dvbcss_correlation *point)
{
    struct dvbcss_rate rate = dvbcss_clock_rate(clock);
    int error = 0;

    point->parent = dvbcss_ticks(at_ns);
    if (clock != tv->media_clock)
        error = dvbcss_clock_from_parent(tv->media_clock, point->parent, &point->parent);
    if (error != 0)
        return error;
    /* Where the old line is does not matter then, nor whether that is anywhere. */
    if (change->parts & TV_CHANGE_POSITION) {
        point->child = dvbcss_ticks(change->position_ticks);
        return 0;
    }
    error = dvbcss_clock_from_parent(clock, point->parent, &point->child);
    if (error != 0 || !(change->parts & TV_CHANGE_SEEK))
        return error;
    point->child = dvbcss_ticks_add(
        point->child, dvbcss_ticks_from_double(change->seek_s * rate.ticks / rate.seconds));
    return check_seek(tv, clock, point->child);
}

/* Accuracy can fail for want of memory, so it comes first. */
static int change_accuracy(struct tv_timeline *timeline, double accuracy_s)
{
    double before = timeline->accuracy_s;
    int error;

    timeline->accuracy_s = accuracy_s;
    error = describe_timelines(timeline->tv);
    if (error != 0)
        timeline->accuracy_s = before;
    return error;
}

int tv_apply(struct tv *tv, struct tv_timeline *timeline, const struct tv_change *change,
             int64_t at_ns)
{
    const unsigned moves = TV_CHANGE_SPEED | TV_CHANGE_POSITION | TV_CHANGE_SEEK;
    struct dvbcss_clock *clock = timeline ? timeline->clock : tv->media_clock;
    struct dvbcss_correlation point = {{0, 0}, {0, 0}, 0, 0};
    double speed = change->parts & TV_CHANGE_SPEED ? change->speed : dvbcss_clock_speed(clock);
    int error = 0;

    if (change->parts & moves)
        error = new_point(tv, clock, change, at_ns, &point);
    if (error == 0 && timeline && change->parts & TV_CHANGE_ACCURACY)
        error = change_accuracy(timeline, change->accuracy_s);
    if (error == 0 && change->parts & moves)
        error = dvbcss_clock_set_correlation_and_speed(clock, point, speed);
    if (error == 0 && timeline && change->parts & TV_CHANGE_AVAILABLE)
        error = dvbcss_clock_set_available(clock, change->available);
    return error;
}

int tv_change(struct tv *tv, struct tv_timeline *timeline, const struct tv_change *change,
              int64_t at_ns, uint64_t *id)
{
    int64_t now_ns = dvbcss_clock_now_ns(tv->wall_clock);

    if (at_ns > now_ns)
        return tv_schedule(tv, timeline, change, at_ns, id);
    if (at_ns == TV_NOW)
        at_ns = now_ns;
    /* What was due before this one, and only waits for its timer, must not come after it. */
    tv_schedule_run(tv, at_ns);
    if (id)
        *id = 0;
    return tv_apply(tv, timeline, change, at_ns);
}
