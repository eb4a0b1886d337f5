#include <string.h>

#include "clients/companion_internal.h"
#include "dvbcss/alloc.h"

void companion_aim_clear(struct companion_aim *aim)
{
    dvbcss_free(aim->ts_url);
    dvbcss_free(aim->stem);
    dvbcss_free(aim->selector);
    memset(aim, 0, sizeof *aim);
}

static void on_control_timestamp(void *user, const struct dvbcss_ts_control_timestamp *timestamp)
{
    struct dvbcss_companion *companion = user;

    companion->control_timestamps++;
    companion->answered = true;
    /* Where the timeline is there now, its availability is told in a moment. */
    if (!timestamp->available)
        companion_update_state(companion);
}

static void on_timing(void *user, bool speed_changed)
{
    struct dvbcss_companion *companion = user;

    companion->timing_changes++;
    if (companion->options.events.timing)
        companion->options.events.timing(companion->options.user, speed_changed);
}

static void on_availability(void *user, bool available)
{
    (void)available;
    companion_update_state(user);
}

static void on_ts_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct dvbcss_companion *companion = user;

    companion->answered = false;
    companion_trouble(companion, DVBCSS_COMPANION_TS, why->error, why->text);
    companion_update_state(companion);
}

static void on_ts_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                                 size_t length)
{
    (void)text;
    (void)length;
    companion_report(user, DVBCSS_COMPANION_TS, report);
}

/* Whether the TV can be asked for it. */
static int check_setup(const char *stem, const char *selector)
{
    const struct dvbcss_ts_setup setup = {.content_id_stem = stem, .timeline_selector = selector};
    size_t length;
    int error = dvbcss_ts_setup_encode(&setup, NULL, 0, &length);

    return error == DVBCSS_ENOSPC ? 0 : error;
}

int companion_check_timeline(const struct dvbcss_companion *companion)
{
    const struct dvbcss_companion_options *options = &companion->options;
    const bool given = options->stem == DVBCSS_COMPANION_STEM_GIVEN;
    int error = check_setup(given ? companion->content_id_stem : "", "");

    for (size_t i = 0; !error && i < options->selector_count; i++)
        error = check_setup("", companion->selectors[i]);
    return error;
}

static int aim_set(struct companion_aim *aim, const char *url,
                   const struct companion_choice *choice)
{
    aim->ts_url = dvbcss_strdup(url);
    aim->stem = dvbcss_strdup(choice->content_id_stem);
    aim->selector = dvbcss_strdup(choice->selector);
    aim->rate = choice->rate;
    return aim->ts_url && aim->stem && aim->selector ? 0 : DVBCSS_ENOMEM;
}

static bool aim_is(const struct companion_aim *aim, const char *url,
                   const struct companion_choice *choice)
{
    return strcmp(aim->ts_url, url) == 0 && strcmp(aim->stem, choice->content_id_stem) == 0 &&
           strcmp(aim->selector, choice->selector) == 0 && aim->rate.ticks == choice->rate.ticks &&
           aim->rate.seconds == choice->rate.seconds;
}

static int open_ts(struct dvbcss_companion *companion, const struct companion_aim *aim,
                   struct dvbcss_clock *timeline)
{
    struct dvbcss_ts_client_options options = DVBCSS_TS_CLIENT_OPTIONS_INIT;

    options.url = aim->ts_url;
    options.content_id_stem = aim->stem;
    options.timeline_selector = aim->selector;
    options.timeline = timeline;
    options.threshold_s = companion->options.threshold_s;
    options.connection = companion->options.connection;
    options.events.control_timestamp = on_control_timestamp;
    options.events.timing = on_timing;
    options.events.availability = on_availability;
    options.events.disconnected = on_ts_disconnected;
    options.events.protocol_error = on_ts_protocol_error;
    options.user = companion;
    return dvbcss_ts_client_create(&companion->ts, companion->loop, &options, NULL);
}

/* Lets go of the timeline that is followed; its clock is left for the caller to destroy. */
static struct dvbcss_clock *drop_timeline(struct dvbcss_companion *companion)
{
    struct dvbcss_clock *timeline = companion->timeline;
    struct dvbcss_ts_client *ts = companion->ts;

    companion->timeline = NULL;
    companion->ts = NULL;
    companion->answered = false;
    companion_aim_clear(&companion->aim);
    dvbcss_ts_client_close(ts, companion_part_closed, companion);
    return timeline;
}

static void tell_timeline(struct dvbcss_companion *companion)
{
    if (companion->options.events.timeline)
        companion->options.events.timeline(companion->options.user, companion->timeline);
}

static int begin_timeline(struct dvbcss_companion *companion, const char *url,
                          const struct companion_choice *choice)
{
    struct dvbcss_clock *timeline = NULL;
    struct companion_aim aim = {NULL, NULL, NULL, {0, 0}};
    int error = aim_set(&aim, url, choice);

    if (!error)
        error = dvbcss_correlated_clock_create(&timeline, companion->wall, aim.rate,
                                               dvbcss_correlation(0, 0), 1.0);
    if (!error)
        error = open_ts(companion, &aim, timeline);
    if (error) {
        dvbcss_clock_destroy(timeline);
        companion_aim_clear(&aim);
        return error;
    }
    companion->parts++;
    companion->timelines++;
    companion->timeline = timeline;
    companion->aim = aim;
    return 0;
}

/* Has the timeline follow the content, the list of timelines and the server that CII names. The
 * first time it waits for the wall clock, without which control timestamps mean nothing. */
void companion_follow_timeline(struct dvbcss_companion *companion)
{
    struct companion_choice choice;
    const char *url = companion_ts_url(companion);
    bool wanted = url && companion->wc && companion_choice_now(companion, &choice);
    struct dvbcss_clock *before = NULL;
    int error = 0;

    if (companion->ts && wanted && aim_is(&companion->aim, url, &choice))
        return;
    if (!companion->ts && !(wanted && dvbcss_clock_available(companion->wall)))
        return;
    if (companion->ts)
        before = drop_timeline(companion);
    /* A listener of the clock that has become unavailable may have had enough. */
    if (companion->closing) {
        dvbcss_clock_destroy(before);
        return;
    }
    if (wanted)
        error = begin_timeline(companion, url, &choice);
    tell_timeline(companion);
    dvbcss_clock_destroy(before);
    if (error)
        companion_try_again(companion, DVBCSS_COMPANION_TS, error);
}
