#include "tv.h"

#include <stdlib.h>

#include "common/list.h"
#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"
#include "dvbcss/ts_timeline.h"

struct tv {
    struct dvbcss_clock *wall_clock;
    struct dvbcss_clock *media_clock;
    struct dvbcss_cii_endpoint *cii_endpoint;
    struct dvbcss_ts_endpoint *ts_endpoint;
    struct dvbcss_cii state;
    struct list_node timelines;
    size_t timeline_count;
};

struct tv_timeline {
    struct list_node node;
    char *selector;
    struct dvbcss_rate rate;
    double accuracy_s;
    struct dvbcss_clock *clock;
    struct dvbcss_ts_clock_source *source;
};

static const struct dvbcss_rate media_rate = {1000000000u, 1u};

/* ---- television ----------------------------------------------------------------------------- */

static int set_text_or_null(struct dvbcss_cii *state, enum dvbcss_cii_property property,
                            const char *text)
{
    if (text && *text)
        return dvbcss_cii_set_text(state, property, text);
    dvbcss_cii_set_null(state, property);
    return 0;
}

/* What stays the same however the content changes. */
static int set_fixed_state(struct dvbcss_cii *state, const struct tv_options *options)
{
    int error = dvbcss_cii_set_text(state, DVBCSS_CII_PROTOCOL_VERSION, DVBCSS_CII_VERSION);

    if (error == 0)
        error = set_text_or_null(state, DVBCSS_CII_WC_URL, options->wc_url);
    if (error == 0)
        error = set_text_or_null(state, DVBCSS_CII_TS_URL, options->ts_url);
    dvbcss_cii_set_null(state, DVBCSS_CII_MRS_URL);
    dvbcss_cii_set_null(state, DVBCSS_CII_TE_URL);
    return error;
}

int tv_create(struct tv **out, const struct tv_options *options)
{
    struct tv *tv = dvbcss_calloc(1, sizeof *tv);
    int error;

    if (!tv)
        return DVBCSS_ENOMEM;
    list_init(&tv->timelines);
    dvbcss_cii_init(&tv->state);
    tv->wall_clock = options->wall_clock;
    tv->cii_endpoint = options->cii;
    tv->ts_endpoint = options->ts;
    error = set_fixed_state(&tv->state, options);
    if (error == 0) {
        struct dvbcss_correlation now = {dvbcss_clock_now(tv->wall_clock), dvbcss_ticks(0), 0, 0};

        error =
            dvbcss_correlated_clock_create(&tv->media_clock, tv->wall_clock, media_rate, now, 1.0);
    }
    if (error != 0) {
        tv_destroy(tv);
        return error;
    }
    *out = tv;
    return 0;
}

static void timeline_destroy(struct tv_timeline *timeline)
{
    dvbcss_ts_clock_source_destroy(timeline->source);
    dvbcss_clock_destroy(timeline->clock);
    dvbcss_free(timeline->selector);
    dvbcss_free(timeline);
}

void tv_destroy(struct tv *tv)
{
    struct list_node *node, *after;

    if (!tv)
        return;
    LIST_FOR_EACH (node, after, &tv->timelines)
        timeline_destroy(CONTAINER_OF(node, struct tv_timeline, node));
    dvbcss_clock_destroy(tv->media_clock);
    dvbcss_cii_finish(&tv->state);
    dvbcss_free(tv);
}

int tv_set_content(struct tv *tv, const struct tv_content *content)
{
    const char *id = *content->id ? content->id : NULL;
    struct dvbcss_cii changed = DVBCSS_CII_INIT;
    int error = dvbcss_cii_copy(&changed, &tv->state);

    if (error == 0)
        error = set_text_or_null(&changed, DVBCSS_CII_CONTENT_ID, id);
    if (error == 0)
        error = set_text_or_null(&changed, DVBCSS_CII_CONTENT_ID_STATUS,
                                 id ? content->id_status : NULL);
    if (error == 0)
        error = set_text_or_null(&changed, DVBCSS_CII_PRESENTATION_STATUS,
                                 content->presentation_status);
    if (error == 0)
        error = dvbcss_ts_hub_set_content_id(dvbcss_ts_endpoint_hub(tv->ts_endpoint), id);
    if (error != 0) {
        dvbcss_cii_finish(&changed);
        return error;
    }
    dvbcss_cii_finish(&tv->state);
    tv->state = changed;
    return 0;
}

/* ---- timelines ------------------------------------------------------------------------------ */

/* CII tells a rate as units per second over units per tick. */
static int describe_timelines(struct tv *tv)
{
    struct dvbcss_cii_timeline *items = dvbcss_calloc(tv->timeline_count + 1, sizeof *items);
    struct list_node *node, *after;
    size_t count = 0;
    int error;

    if (!items)
        return DVBCSS_ENOMEM;
    LIST_FOR_EACH (node, after, &tv->timelines) {
        const struct tv_timeline *timeline = CONTAINER_OF(node, struct tv_timeline, node);

        items[count].selector = timeline->selector;
        items[count].units_per_tick = timeline->rate.seconds;
        items[count].units_per_second = timeline->rate.ticks;
        items[count].has_accuracy = timeline->accuracy_s >= 0;
        items[count].accuracy_s = items[count].has_accuracy ? timeline->accuracy_s : 0;
        count++;
    }
    error = dvbcss_cii_set_timelines(&tv->state, items, count);
    dvbcss_free(items);
    return error;
}

static int create_timeline_clock(struct tv *tv, const struct tv_timeline_options *options,
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

int tv_add_timeline(struct tv *tv, const struct tv_timeline_options *options,
                    struct tv_timeline **out)
{
    struct tv_timeline *timeline = dvbcss_calloc(1, sizeof *timeline);
    int error;

    if (!timeline)
        return DVBCSS_ENOMEM;
    timeline->selector = dvbcss_strdup(options->selector);
    timeline->rate = options->rate;
    timeline->accuracy_s = options->accuracy_s;
    error = timeline->selector ? create_timeline_clock(tv, options, timeline) : DVBCSS_ENOMEM;
    if (error != 0)
        goto destroy;
    list_append(&tv->timelines, &timeline->node);
    tv->timeline_count++;
    error = describe_timelines(tv);
    if (error == 0)
        error = dvbcss_ts_hub_attach(dvbcss_ts_endpoint_hub(tv->ts_endpoint),
                                     dvbcss_ts_clock_source_base(timeline->source));
    if (error != 0)
        goto unlist;
    if (out)
        *out = timeline;
    return 0;

unlist:
    list_remove(&timeline->node);
    tv->timeline_count--;
destroy:
    timeline_destroy(timeline);
    return error;
}

int tv_timeline_set_available(struct tv_timeline *timeline, bool available)
{
    return dvbcss_clock_set_available(timeline->clock, available);
}

/* ---- changes -------------------------------------------------------------------------------- */

int tv_publish(struct tv *tv)
{
    return dvbcss_cii_endpoint_set_state(tv->cii_endpoint, &tv->state);
}

/* The media clock's line turned or moved at this very moment. */
static int move_media(struct tv *tv, double seconds, double speed)
{
    struct dvbcss_correlation point = {{0, 0}, {0, 0}, 0, 0};
    int error =
        dvbcss_clock_read_pair(tv->wall_clock, tv->media_clock, &point.parent, &point.child);

    if (error != 0)
        return error;
    point.child = dvbcss_ticks_add(point.child, dvbcss_ticks_from_double(seconds * 1e9));
    return dvbcss_clock_set_correlation_and_speed(tv->media_clock, point, speed);
}

int tv_set_speed(struct tv *tv, double speed)
{
    return move_media(tv, 0, speed);
}

int tv_seek(struct tv *tv, double seconds)
{
    return move_media(tv, seconds, dvbcss_clock_speed(tv->media_clock));
}
