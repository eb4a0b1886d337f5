#include "page_presentation.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "tv.h"

/* A time of another clock is farther off than any time that a page can mean. */
#define LONGEST_PAST_NS (INT64_C(400) * 24 * 3600 * 1000000000)

/* The timeline of the 2-IMMERSE library that says its rate, as MPD timelines do. */
#define ELAPSED_PREFIX "tag:rd.bbc.co.uk,2015-12-08:dvb:css:timeline:simple-elapsed-time:"

/* ---- life ----------------------------------------------------------------------------------- */

void page_presentation_finish(struct page_presentation *presentation)
{
    for (size_t i = 0; i < presentation->timeline_count; i++)
        dvbcss_free(presentation->timelines[i].selector);
    dvbcss_free(presentation->timelines);
    dvbcss_cii_finish(&presentation->cii);
    memset(presentation, 0, sizeof *presentation);
}

static struct page_timeline *find(const struct page_presentation *presentation,
                                  const char *selector)
{
    for (size_t i = 0; i < presentation->timeline_count; i++) {
        if (strcmp(presentation->timelines[i].selector, selector) == 0)
            return &presentation->timelines[i];
    }
    return NULL;
}

const struct page_timeline *page_presentation_timeline(const struct page_presentation *presentation,
                                                       const char *selector)
{
    return find(presentation, selector);
}

/* There is room: see reserve(). */
static struct page_timeline *append(struct page_presentation *presentation, const char *selector)
{
    struct page_timeline *timeline = &presentation->timelines[presentation->timeline_count];

    timeline->selector = dvbcss_strdup(selector);
    if (!timeline->selector)
        return NULL;
    timeline->accuracy_s = -1;
    presentation->timeline_count++;
    return timeline;
}

static int reserve(const struct page_presentation *before, const struct page_message *message,
                   struct page_presentation *after)
{
    size_t most =
        before->timeline_count + message->cii.timelines.count + message->timestamp_count + 1;

    after->timelines = dvbcss_calloc(most, sizeof *after->timelines);
    return after->timelines ? 0 : DVBCSS_ENOMEM;
}

/* ---- the list of timelines ------------------------------------------------------------------ */

static int copy_timeline(const struct page_timeline *from, struct page_presentation *after)
{
    struct page_timeline *timeline = append(after, from->selector);
    char *selector;

    if (!timeline)
        return DVBCSS_ENOMEM;
    selector = timeline->selector;
    *timeline = *from;
    timeline->selector = selector;
    return 0;
}

static int list_timeline(const struct page_presentation *before,
                         const struct dvbcss_cii_timeline *item, struct page_presentation *after)
{
    const struct page_timeline *known = find(before, item->selector);
    struct page_timeline *timeline = append(after, item->selector);

    if (!timeline)
        return DVBCSS_ENOMEM;
    timeline->listed = true;
    timeline->rate = (struct dvbcss_rate){item->units_per_second, item->units_per_tick};
    timeline->accuracy_s = item->has_accuracy ? item->accuracy_s : -1;
    if (known)
        timeline->timestamp = known->timestamp;
    return 0;
}

/* The list of the message, if it has one, then those of before that it does not speak of. */
static int make_list(const struct page_presentation *before, const struct page_message *message,
                     struct page_presentation *after)
{
    bool anew = message->cii.timelines.presence != DVBCSS_OMITTED;
    int error = 0;

    for (size_t i = 0; i < message->cii.timelines.count && error == 0; i++)
        error = list_timeline(before, &message->cii.timelines.items[i], after);
    for (size_t i = 0; i < before->timeline_count && error == 0; i++) {
        const struct page_timeline *old = &before->timelines[i];

        if (!anew || (!old->listed && !find(after, old->selector)))
            error = copy_timeline(old, after);
    }
    return error;
}

/* ---- control timestamps --------------------------------------------------------------------- */

/* The rate that a selector tells; {0, 0} if none. */
static struct dvbcss_rate rate_of(const char *selector)
{
    struct dvbcss_ts_selector parsed = dvbcss_ts_selector_parse(selector);
    struct dvbcss_rate rate = dvbcss_ts_selector_rate(&parsed);
    const size_t prefix = sizeof ELAPSED_PREFIX - 1;

    if (rate.ticks == 0 && strncmp(selector, ELAPSED_PREFIX, prefix) == 0 &&
        !strchr(selector + prefix, '/') && config_read_rate(selector + prefix, &rate))
        return rate;
    return rate;
}

static int refuse(struct page_mistake *mistake, int error, const char *selector, const char *member,
                  const char *reason)
{
    char path[sizeof mistake->member];

    snprintf(path, sizeof path, "controlTimestamps.%s%s", selector, member);
    return page_mistake_set(mistake, error, path, "%s", reason);
}

/* The times of an available timeline, as of the wall clock. */
static int check_timestamp(const struct page_timestamp *given, const struct page_times *times,
                           struct dvbcss_rate rate, struct dvbcss_ts_control_timestamp *out,
                           struct page_mistake *mistake)
{
    const char *selector = given->selector;
    struct dvbcss_ts_line line;
    struct dvbcss_ticks now;

    *out = given->timestamp;
    if (rate.ticks == 0)
        return refuse(mistake, DVBCSS_EVALUE, selector, "",
                      "its tick rate is unknown: cii.timelines does not have it");
    if (!(fabs(out->speed) <= TV_SPEED_MAX))
        return refuse(mistake, DVBCSS_EVALUE, selector, ".timelineSpeedMultiplier",
                      "expected a speed from -1000 to 1000");
    if (__builtin_add_overflow(out->wall_clock_time_ns, times->page_to_wall_ns,
                               &out->wall_clock_time_ns) ||
        out->wall_clock_time_ns > times->wall_ns + LONGEST_PAST_NS ||
        out->wall_clock_time_ns < times->wall_ns - LONGEST_PAST_NS)
        return refuse(mistake, DVBCSS_EVALUE, selector, ".wallClockTime",
                      "is more than a year from now: is it of the clock that hello named?");
    line = dvbcss_ts_line_of(out, rate);
    if (dvbcss_ts_line_at(&line, times->wall_ns, &now) != 0 ||
        fabs((double)now.whole) > TV_TICKS_MAX ||
        fabs((double)out->content_time_ticks) > TV_TICKS_MAX)
        return refuse(mistake, DVBCSS_EVALUE, selector, ".contentTime",
                      "is beyond all times of a timeline");
    return 0;
}

/* A timeline that is not listed goes when it is not available. */
static void forget(struct page_presentation *presentation, struct page_timeline *timeline)
{
    struct page_timeline *last = &presentation->timelines[presentation->timeline_count - 1];

    timeline->timestamp = (struct dvbcss_ts_control_timestamp){.available = false};
    if (timeline->listed)
        return;
    dvbcss_free(timeline->selector);
    memmove(timeline, timeline + 1, (size_t)((char *)last - (char *)timeline));
    presentation->timeline_count--;
}

static int add_timestamp(const struct page_timestamp *given, const struct page_times *times,
                         struct page_presentation *after, struct page_mistake *mistake)
{
    struct page_timeline *timeline = find(after, given->selector);
    struct dvbcss_ts_control_timestamp timestamp;
    struct dvbcss_rate rate = timeline ? timeline->rate : rate_of(given->selector);
    int error;

    if (!given->timestamp.available) {
        if (timeline)
            forget(after, timeline);
        return 0;
    }
    error = check_timestamp(given, times, rate, &timestamp, mistake);
    if (error != 0)
        return error;
    if (!timeline)
        timeline = append(after, given->selector);
    if (!timeline)
        return page_mistake_set(mistake, DVBCSS_ENOMEM, "", "out of memory");
    timeline->rate = rate;
    timeline->timestamp = timestamp;
    return 0;
}

/* ---- all of a message ------------------------------------------------------------------------ */

static int add_cii(const struct page_presentation *before, const struct page_message *message,
                   struct page_presentation *after)
{
    int error = dvbcss_cii_copy(&after->cii, &before->cii);

    if (error == 0)
        error = dvbcss_cii_merge(&after->cii, &message->cii, NULL);
    dvbcss_cii_omit(&after->cii, DVBCSS_CII_TIMELINES);
    return error;
}

int page_presentation_add(const struct page_presentation *before,
                          const struct page_message *message, const struct page_times *times,
                          struct page_presentation *after, struct page_mistake *mistake)
{
    int error = reserve(before, message, after);

    if (error == 0)
        error = add_cii(before, message, after);
    if (error == 0)
        error = make_list(before, message, after);
    if (error != 0)
        return page_mistake_set(mistake, error, "", "%s", dvbcss_error_text(error));
    for (size_t i = 0; i < message->timestamp_count && error == 0; i++)
        error = add_timestamp(&message->timestamps[i], times, after, mistake);
    if (error == 0 && after->timeline_count > TV_TIMELINES_MAX)
        error = page_mistake_set(mistake, DVBCSS_EFULL, "controlTimestamps",
                                 "there would be more than %d timelines", TV_TIMELINES_MAX);
    after->block_cii = message->parts & PAGE_BLOCK ? message->block_cii : before->block_cii;
    return error;
}
