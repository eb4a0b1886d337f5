#include "page_tv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

/* ---- names ---------------------------------------------------------------------------------- */

/* What people call it: "pts", "mpd-period-rel-1000", "simple-elapsed-time-1000". */
static void write_name(struct tv *tv, const char *selector, char name[CONFIG_NAME_MAX + 1])
{
    /* Room for a number behind it. */
    enum { BASE_MAX = CONFIG_NAME_MAX - 4 };
    const char *marker = strstr(selector, "timeline:");
    size_t length = 0;
    char base[BASE_MAX + 1];

    for (const char *c = marker ? marker + strlen("timeline:") : selector; *c && length < BASE_MAX;
         c++)
        base[length++] = isascii(*c) && isalnum((unsigned char)*c) ? (char)tolower(*c) : '-';
    base[length] = '\0';
    snprintf(name, CONFIG_NAME_MAX + 1, "%s", length ? base : "timeline");
    for (unsigned i = 2; tv_timeline_named(tv, name); i++)
        snprintf(name, CONFIG_NAME_MAX + 1, "%.*s-%u", BASE_MAX, base, i % 1000);
}

/* ---- timelines ------------------------------------------------------------------------------ */

/* Takes away what is not there any more, or runs at another rate. */
static int remove_timelines(struct tv *tv, const struct page_presentation *after)
{
    struct tv_timeline *timeline = tv_next_timeline(tv, NULL), *next;
    int error = 0;

    for (; timeline && error == 0; timeline = next) {
        const struct page_timeline *kept;
        struct tv_timeline_state state;

        next = tv_next_timeline(tv, timeline);
        tv_timeline_state(timeline, &state);
        kept = page_presentation_timeline(after, state.selector);
        if (!kept || kept->rate.ticks != state.rate.ticks ||
            kept->rate.seconds != state.rate.seconds)
            error = tv_remove_timeline(timeline);
    }
    return error;
}

static int add_timeline(struct tv *tv, const struct page_timeline *wanted,
                        struct tv_timeline **timeline)
{
    char name[CONFIG_NAME_MAX + 1];
    struct tv_timeline_options options = {.name = name,
                                          .selector = wanted->selector,
                                          .rate = wanted->rate,
                                          .accuracy_s = wanted->accuracy_s};

    write_name(tv, wanted->selector, name);
    return tv_add_timeline(tv, &options, timeline);
}

/* The line as a change that holds from a time which is not to come: its own point, which nothing
 * is rounded for, or the one where it is now. */
static int change_of(const struct page_timeline *wanted, int64_t now_ns, struct tv_change *change,
                     int64_t *at_ns)
{
    struct dvbcss_ts_control_timestamp stamp = wanted->timestamp;
    int error = 0;

    change->parts |= TV_CHANGE_AVAILABLE;
    change->available = stamp.available;
    *at_ns = TV_NOW;
    if (!stamp.available)
        return 0;
    if (stamp.wall_clock_time_ns > now_ns) {
        struct dvbcss_ts_line line = dvbcss_ts_line_of(&stamp, wanted->rate);

        error = dvbcss_ts_line_stamp(&line, now_ns, &stamp);
    }
    change->parts |= TV_CHANGE_SPEED | TV_CHANGE_POSITION;
    change->speed = stamp.speed;
    change->position_ticks = stamp.content_time_ticks;
    *at_ns = stamp.wall_clock_time_ns;
    return error;
}

static int put_timeline(struct tv *tv, const struct page_presentation *before,
                        const struct page_timeline *wanted, int64_t now_ns)
{
    const struct page_timeline *known =
        before ? page_presentation_timeline(before, wanted->selector) : NULL;
    struct tv_timeline *timeline = tv_timeline_selected(tv, wanted->selector);
    bool added = !timeline;
    struct tv_change change = {.accuracy_s = wanted->accuracy_s};
    int64_t at_ns = TV_NOW;
    int error = 0;

    if (added)
        error = add_timeline(tv, wanted, &timeline);
    if (error == 0 && (added || !known ||
                       !dvbcss_ts_control_timestamp_equal(&known->timestamp, &wanted->timestamp)))
        error = change_of(wanted, now_ns, &change, &at_ns);
    if (error == 0 && known && !added && known->accuracy_s != wanted->accuracy_s)
        change.parts |= TV_CHANGE_ACCURACY;
    return error == 0 && change.parts ? tv_change(tv, timeline, &change, at_ns, NULL) : error;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int page_tv_present(struct tv *tv, const struct page_presentation *before,
                    const struct page_presentation *after, int64_t now_ns)
{
    int error = before ? 0 : tv_reset(tv);

    if (error == 0)
        error = remove_timelines(tv, after);
    for (size_t i = 0; i < after->timeline_count && error == 0; i++)
        error = put_timeline(tv, before, &after->timelines[i], now_ns);
    if (error == 0 && !(before && dvbcss_cii_equal(&before->cii, &after->cii)))
        error = tv_change_content(tv, &after->cii);
    tv_hold_content(tv, after->block_cii);
    return error == 0 ? tv_publish(tv) : error;
}
