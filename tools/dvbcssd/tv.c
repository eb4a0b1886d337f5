#include "tv.h"

#include "dvbcss/alloc.h"
#include "tv_internal.h"

static const struct dvbcss_rate media_rate = {1000000000u, 1u};

/* ---- life ----------------------------------------------------------------------------------- */

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

static void finish_states(struct tv *tv)
{
    dvbcss_cii_finish(&tv->state);
    dvbcss_cii_finish(&tv->override);
    dvbcss_cii_finish(&tv->compat_changes);
}

int tv_create(struct tv **out, const struct tv_options *options)
{
    struct tv *tv = dvbcss_calloc(1, sizeof *tv);
    struct dvbcss_correlation now = {dvbcss_clock_now(options->wall_clock), dvbcss_ticks(0), 0, 0};
    int error;

    if (!tv)
        return DVBCSS_ENOMEM;
    list_init(&tv->timelines);
    list_init(&tv->scheduled);
    dvbcss_cii_init(&tv->state);
    dvbcss_cii_init(&tv->override);
    dvbcss_cii_init(&tv->compat_changes);
    tv->wall_clock = options->wall_clock;
    tv->cii_endpoint = options->cii;
    tv->compat_endpoint = options->compat.cii;
    tv->ts_endpoint = options->ts;
    tv->state_changed = true;
    error = set_fixed_state(&tv->state, options);
    if (error == 0)
        error = set_text_or_null(&tv->compat_changes, DVBCSS_CII_WC_URL, options->compat.wc_url);
    if (error == 0)
        error = set_text_or_null(&tv->compat_changes, DVBCSS_CII_TS_URL, options->compat.ts_url);
    if (error == 0)
        error =
            dvbcss_correlated_clock_create(&tv->media_clock, tv->wall_clock, media_rate, now, 1.0);
    if (error != 0) {
        finish_states(tv);
        dvbcss_free(tv);
        return error;
    }
    uv_timer_init(options->loop, &tv->timer);
    *out = tv;
    return 0;
}

static void on_timer_closed(uv_handle_t *timer)
{
    dvbcss_free(CONTAINER_OF((uv_timer_t *)timer, struct tv, timer));
}

void tv_destroy(struct tv *tv)
{
    struct list_node *node, *after;

    if (!tv)
        return;
    tv_schedule_forget(tv, NULL);
    LIST_FOR_EACH (node, after, &tv->timelines)
        tv_timeline_free(CONTAINER_OF(node, struct tv_timeline, node));
    dvbcss_clock_destroy(tv->media_clock);
    finish_states(tv);
    uv_close((uv_handle_t *)&tv->timer, on_timer_closed);
}

/* ---- content -------------------------------------------------------------------------------- */

/* TS goes by the content id that CII says. */
static int tell_ts(struct tv *tv, const struct dvbcss_cii *state, const struct dvbcss_cii *override)
{
    const bool overridden = dvbcss_cii_presence(override, DVBCSS_CII_CONTENT_ID) == DVBCSS_VALUE;

    return dvbcss_ts_hub_set_content_id(
        dvbcss_ts_endpoint_hub(tv->ts_endpoint),
        dvbcss_cii_text(overridden ? override : state, DVBCSS_CII_CONTENT_ID));
}

int tv_override_content_id(struct tv *tv, const char *id)
{
    struct dvbcss_cii override = DVBCSS_CII_INIT;
    int error = 0;

    if (*id)
        error = dvbcss_cii_set_text(&override, DVBCSS_CII_CONTENT_ID, id);
    if (*id && error == 0)
        error = dvbcss_cii_set_text(&override, DVBCSS_CII_CONTENT_ID_STATUS, "final");
    if (error == 0)
        error = tell_ts(tv, &tv->state, &override);
    if (error != 0) {
        dvbcss_cii_finish(&override);
        return error;
    }
    dvbcss_cii_finish(&tv->override);
    tv->override = override;
    tv->state_changed = true;
    return 0;
}

const char *tv_content_id_override(const struct tv *tv)
{
    const char *id = dvbcss_cii_text(&tv->override, DVBCSS_CII_CONTENT_ID);

    return id ? id : "";
}

int tv_change_content(struct tv *tv, const struct dvbcss_cii *changes)
{
    struct dvbcss_cii changed = DVBCSS_CII_INIT;
    int error = dvbcss_cii_copy(&changed, &tv->state);

    if (error == 0)
        error = dvbcss_cii_merge(&changed, changes, NULL);
    if (error == 0)
        error = tell_ts(tv, &changed, &tv->override);
    if (error != 0) {
        dvbcss_cii_finish(&changed);
        return error;
    }
    dvbcss_cii_finish(&tv->state);
    tv->state = changed;
    tv->state_changed = true;
    return 0;
}

int tv_set_content(struct tv *tv, const struct tv_content *content)
{
    struct dvbcss_cii changes = DVBCSS_CII_INIT;
    bool no_content = content->id && !*content->id;
    int error = 0;

    if (content->id)
        error = set_text_or_null(&changes, DVBCSS_CII_CONTENT_ID, content->id);
    if (error == 0 && content->id_status)
        error = set_text_or_null(&changes, DVBCSS_CII_CONTENT_ID_STATUS,
                                 no_content ? NULL : content->id_status);
    if (error == 0 && content->presentation_status)
        error = set_text_or_null(&changes, DVBCSS_CII_PRESENTATION_STATUS,
                                 content->presentation_status);
    if (error == 0)
        error = tv_change_content(tv, &changes);
    dvbcss_cii_finish(&changes);
    return error;
}

int tv_set_ts_url(struct tv *tv, const char *ts_url)
{
    int error = set_text_or_null(&tv->state, DVBCSS_CII_TS_URL, ts_url);

    if (error == 0)
        tv->state_changed = true;
    return error;
}

void tv_hold_content(struct tv *tv, bool hold)
{
    tv->hold_content = hold;
}

static void clear_content(struct dvbcss_cii *state)
{
    static const enum dvbcss_cii_property cleared[] = {
        DVBCSS_CII_MRS_URL, DVBCSS_CII_CONTENT_ID, DVBCSS_CII_CONTENT_ID_STATUS,
        DVBCSS_CII_PRIVATE, DVBCSS_CII_TE_URL,     DVBCSS_CII_PRESENTATION_STATUS,
    };

    for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++) {
        /* What was never mentioned need not be taken back. */
        if (dvbcss_cii_presence(state, cleared[i]) == DVBCSS_VALUE)
            dvbcss_cii_set_null(state, cleared[i]);
    }
}

int tv_reset(struct tv *tv)
{
    static const struct dvbcss_cii nothing = DVBCSS_CII_INIT;
    const struct tv_change run = {.parts = TV_CHANGE_SPEED, .speed = 1};
    int error = tv_clear(tv);

    if (error == 0)
        error = tell_ts(tv, &nothing, &tv->override);
    if (error == 0)
        error = tv_change(tv, NULL, &run, TV_NOW, NULL);
    if (error != 0)
        return error;
    clear_content(&tv->state);
    tv->state_changed = true;
    tv->hold_content = false;
    return 0;
}

/* ---- publishing ----------------------------------------------------------------------------- */

/* Each endpoint says the state with what takes the place of some of it. */
static int publish_state(struct tv *tv)
{
    struct dvbcss_cii told = DVBCSS_CII_INIT;
    int error = dvbcss_cii_copy(&told, &tv->state);

    if (error == 0)
        error = dvbcss_cii_merge(&told, &tv->override, NULL);
    if (error == 0)
        error = dvbcss_cii_endpoint_set_state(tv->cii_endpoint, &told);
    if (error == 0)
        error = dvbcss_cii_merge(&told, &tv->compat_changes, NULL);
    if (error == 0)
        error = dvbcss_cii_endpoint_set_state(tv->compat_endpoint, &told);
    dvbcss_cii_finish(&told);
    return error;
}

int tv_publish(struct tv *tv)
{
    uint64_t start = uv_hrtime();

    if (tv->state_changed && !tv->hold_content) {
        int error = publish_state(tv);

        if (error != 0)
            return error;
        tv->state_changed = false;
        histogram_add(&tv->fan_out.cii, uv_hrtime() - start);
        start = uv_hrtime();
    }
    dvbcss_ts_endpoint_update(tv->ts_endpoint);
    histogram_add(&tv->fan_out.ts, uv_hrtime() - start);
    return 0;
}

const struct tv_fan_out *tv_fan_out(const struct tv *tv)
{
    return &tv->fan_out;
}

/* ---- media ---------------------------------------------------------------------------------- */

void tv_media_state(const struct tv *tv, struct tv_media_state *state)
{
    struct dvbcss_ticks wall = {0, 0}, media = {0, 0};
    int error = dvbcss_clock_read_pair(tv->wall_clock, tv->media_clock, &wall, &media);

    (void)error; /* They have one root. */
    state->wall_ns = wall.whole;
    state->position_s = dvbcss_ticks_to_seconds(media, media_rate);
    state->speed = dvbcss_clock_speed(tv->media_clock);
}
