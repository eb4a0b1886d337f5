#include <math.h>
#include <string.h>

#include "clients/companion_internal.h"

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *text;
} states[] = {
#define STATE_NAMES(code, name, text) [code] = {#name, text},
    DVBCSS_COMPANION_STATE_MAP(STATE_NAMES)
#undef STATE_NAMES
};

static const char *const parts[] = {
    [DVBCSS_COMPANION_CII] = "cii",
    [DVBCSS_COMPANION_WALL_CLOCK] = "wall clock",
    [DVBCSS_COMPANION_TS] = "ts",
};

const char *dvbcss_companion_state_name(enum dvbcss_companion_state state)
{
    return (size_t)state < sizeof states / sizeof states[0] ? states[state].name : "?";
}

const char *dvbcss_companion_state_text(enum dvbcss_companion_state state)
{
    return (size_t)state < sizeof states / sizeof states[0] ? states[state].text : "?";
}

const char *dvbcss_companion_part_name(enum dvbcss_companion_part part)
{
    return (size_t)part < sizeof parts / sizeof parts[0] ? parts[part] : "?";
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void snapshot_cii(const struct dvbcss_companion *companion,
                         struct dvbcss_companion_snapshot *snapshot)
{
    const struct dvbcss_cii *cii = companion_cii(companion);

    snapshot->content_id = dvbcss_cii_text(cii, DVBCSS_CII_CONTENT_ID);
    snapshot->content_id_status = dvbcss_cii_text(cii, DVBCSS_CII_CONTENT_ID_STATUS);
    snapshot->wc_url = dvbcss_cii_text(cii, DVBCSS_CII_WC_URL);
    snapshot->ts_url = dvbcss_cii_text(cii, DVBCSS_CII_TS_URL);
    if (cii->presentation_status.presence == DVBCSS_VALUE)
        snapshot->presentation_status = cii->presentation_status.tokens[0];
    dvbcss_cii_client_status(companion->cii, &snapshot->cii);
}

static void snapshot_wall_clock(const struct dvbcss_companion *companion,
                                struct dvbcss_companion_snapshot *snapshot)
{
    struct dvbcss_ticks wall = dvbcss_ticks(0);
    struct dvbcss_ticks local = dvbcss_ticks(0);

    if (dvbcss_clock_read_pair(companion->wall, companion->root, &wall, &local) != 0)
        return;
    snapshot->wall_clock_available = dvbcss_clock_available(companion->wall);
    snapshot->wall_clock_ns = wall.whole;
    snapshot->wall_clock_offset_ns = dvbcss_ticks_sub(wall, local).whole;
    snapshot->wall_clock_dispersion_s = snapshot->wall_clock_available
                                            ? dvbcss_clock_dispersion_s(companion->wall, wall)
                                            : (double)INFINITY;
    if (companion->wc)
        dvbcss_wc_client_status(companion->wc, &snapshot->wall_clock);
}

static void snapshot_timeline(const struct dvbcss_companion *companion,
                              struct dvbcss_companion_snapshot *snapshot)
{
    const struct dvbcss_clock *timeline = companion->timeline;
    struct dvbcss_ticks wall = dvbcss_ticks(snapshot->wall_clock_ns);

    snapshot->error_bound_s = (double)INFINITY;
    if (!timeline)
        return;
    snapshot->selector = companion->aim.selector;
    snapshot->rate = companion->aim.rate;
    snapshot->available = dvbcss_clock_available(timeline);
    /* At the instant that the wall clock was read. */
    if (dvbcss_clock_to_other(companion->wall, timeline, wall, &snapshot->position) != 0)
        snapshot->position = dvbcss_clock_now(timeline);
    snapshot->position_s = dvbcss_ticks_to_seconds(snapshot->position, snapshot->rate);
    snapshot->speed = dvbcss_clock_speed(timeline);
    if (snapshot->available)
        snapshot->error_bound_s = dvbcss_clock_dispersion_s(timeline, snapshot->position);
    dvbcss_ts_client_status(companion->ts, &snapshot->ts);
}

void dvbcss_companion_snapshot(const struct dvbcss_companion *companion,
                               struct dvbcss_companion_snapshot *snapshot)
{
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->state = companion->state;
    snapshot_cii(companion, snapshot);
    snapshot_wall_clock(companion, snapshot);
    snapshot_timeline(companion, snapshot);
    snapshot->control_timestamps = companion->control_timestamps;
    snapshot->timing_changes = companion->timing_changes;
    snapshot->timelines = companion->timelines;
    snapshot->locks = companion->locks;
}

enum dvbcss_companion_state dvbcss_companion_state(const struct dvbcss_companion *companion)
{
    return companion->state;
}

const struct dvbcss_cii *dvbcss_companion_cii(const struct dvbcss_companion *companion)
{
    return companion_cii(companion);
}

struct dvbcss_clock *dvbcss_companion_wall_clock(const struct dvbcss_companion *companion)
{
    return companion->wall;
}

struct dvbcss_clock *dvbcss_companion_timeline_clock(const struct dvbcss_companion *companion)
{
    return companion->timeline;
}

int dvbcss_companion_report(struct dvbcss_companion *companion, const struct dvbcss_clock *earliest,
                            const struct dvbcss_clock *latest, bool with_actual)
{
    if (!companion->ts)
        return DVBCSS_ESTATE;
    return dvbcss_ts_client_report_clocks(companion->ts, earliest, latest, with_actual);
}

void dvbcss_companion_refresh(struct dvbcss_companion *companion)
{
    if (companion->wc)
        dvbcss_wc_client_refresh(companion->wc);
}
