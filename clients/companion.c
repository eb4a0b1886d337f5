#include <stdio.h>
#include <string.h>

#include "clients/companion_internal.h"
#include "dvbcss/alloc.h"
#include "dvbcss/system_time.h"
#include "dvbcss/url.h"

/* After something could not be made for want of memory or the like. */
enum { AGAIN_MS = 1000 };

/* ---- where it stands ------------------------------------------------------------------------- */

const struct dvbcss_cii *companion_cii(const struct dvbcss_companion *companion)
{
    return dvbcss_cii_client_state(companion->cii);
}

/* The text of a URL that can be used, or NULL. */
static const char *usable_url(const struct dvbcss_companion *companion,
                              enum dvbcss_cii_property property, unsigned schemes,
                              struct dvbcss_report *report)
{
    const char *text = dvbcss_cii_text(companion_cii(companion), property);
    struct dvbcss_url url;

    return text && dvbcss_url_parse(text, schemes, &url, report) == 0 ? text : NULL;
}

const char *companion_wc_url(const struct dvbcss_companion *companion)
{
    return usable_url(companion, DVBCSS_CII_WC_URL, DVBCSS_URL_UDP, NULL);
}

const char *companion_ts_url(const struct dvbcss_companion *companion)
{
    return usable_url(companion, DVBCSS_CII_TS_URL, DVBCSS_URL_ANY_WEBSOCKET, NULL);
}

bool companion_choice_now(const struct dvbcss_companion *companion, struct companion_choice *choice)
{
    const struct companion_wish wish = {
        .selectors = (const char *const *)companion->selectors,
        .selector_count = companion->options.selector_count,
        .timeline_rate = companion->options.timeline_rate,
        .stem = companion->options.stem,
        .content_id_stem = companion->content_id_stem,
    };

    return companion_choose(&wish, companion_cii(companion), choice);
}

static enum dvbcss_companion_state state_of(const struct dvbcss_companion *companion)
{
    struct companion_choice choice;

    if (!companion->informed)
        return DVBCSS_COMPANION_CONNECTING;
    if (!companion_choice_now(companion, &choice) || !companion_wc_url(companion) ||
        !companion_ts_url(companion))
        return DVBCSS_COMPANION_WAITING_FOR_CONTENT;
    if (!dvbcss_clock_available(companion->wall))
        return DVBCSS_COMPANION_SYNCHRONISING_CLOCK;
    if (!companion->ts || !companion->answered)
        return DVBCSS_COMPANION_WAITING_FOR_TIMELINE;
    if (!dvbcss_ts_client_available(companion->ts))
        return DVBCSS_COMPANION_UNAVAILABLE;
    return DVBCSS_COMPANION_SYNCHRONISED;
}

void companion_update_state(struct dvbcss_companion *companion)
{
    enum dvbcss_companion_state state;

    if (companion->closing)
        return;
    state = state_of(companion);
    if (state == companion->state)
        return;
    companion->state = state;
    if (state == DVBCSS_COMPANION_SYNCHRONISED)
        companion->locks++;
    if (companion->options.events.state)
        companion->options.events.state(companion->options.user, state);
}

void companion_trouble(struct dvbcss_companion *companion, enum dvbcss_companion_part part,
                       int error, const char *text)
{
    if (!companion->closing && companion->options.events.trouble)
        companion->options.events.trouble(companion->options.user, part, error, text);
}

void companion_report(struct dvbcss_companion *companion, enum dvbcss_companion_part part,
                      const struct dvbcss_report *report)
{
    char text[sizeof report->path + sizeof report->reason + 2];

    snprintf(text, sizeof text, "%s%s%s", report->path, *report->path ? ": " : "", report->reason);
    companion_trouble(companion, part, report->error, text);
}

static void on_again(uv_timer_t *timer)
{
    companion_follow(timer->data);
}

void companion_try_again(struct dvbcss_companion *companion, enum dvbcss_companion_part part,
                         int error)
{
    if (companion->closing)
        return;
    (void)uv_timer_start(&companion->again, on_again, AGAIN_MS, 0);
    companion_trouble(companion, part, error, dvbcss_error_text(error));
}

void companion_follow(struct dvbcss_companion *companion)
{
    if (companion->closing)
        return;
    companion_follow_wall_clock(companion);
    if (!companion->closing)
        companion_follow_timeline(companion);
    companion_update_state(companion);
}

/* ---- CII ------------------------------------------------------------------------------------- */

/* Says so if a URL is new and cannot be used. */
static void check_url(struct dvbcss_companion *companion, unsigned changed,
                      enum dvbcss_cii_property property, unsigned schemes,
                      enum dvbcss_companion_part part)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    if ((changed & DVBCSS_CII_BIT(property)) == 0 ||
        usable_url(companion, property, schemes, &report) ||
        !dvbcss_cii_text(companion_cii(companion), property))
        return;
    companion_report(companion, part, &report);
}

static void on_cii(void *user, const struct dvbcss_cii *message, unsigned changed)
{
    struct dvbcss_companion *companion = user;

    companion->informed = true;
    if (companion->options.events.cii)
        companion->options.events.cii(companion->options.user, message, changed);
    check_url(companion, changed, DVBCSS_CII_WC_URL, DVBCSS_URL_UDP, DVBCSS_COMPANION_WALL_CLOCK);
    check_url(companion, changed, DVBCSS_CII_TS_URL, DVBCSS_URL_ANY_WEBSOCKET, DVBCSS_COMPANION_TS);
    companion_follow(companion);
}

static void on_cii_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    companion_trouble(user, DVBCSS_COMPANION_CII, why->error, why->text);
}

static void on_cii_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                                  size_t length)
{
    (void)text;
    (void)length;
    companion_report(user, DVBCSS_COMPANION_CII, report);
}

/* ---- the end of parts ------------------------------------------------------------------------ */

static void companion_free(struct dvbcss_companion *companion)
{
    companion_aim_clear(&companion->aim);
    dvbcss_clock_destroy(companion->timeline);
    dvbcss_clock_destroy(companion->wall);
    dvbcss_clock_destroy(companion->root);
    for (size_t i = 0; companion->selectors && i < companion->options.selector_count; i++)
        dvbcss_free(companion->selectors[i]);
    dvbcss_free(companion->selectors);
    dvbcss_free(companion->content_id_stem);
    dvbcss_free(companion->ca_file);
    dvbcss_free(companion->pin);
    dvbcss_free(companion);
}

void companion_part_closed(void *user)
{
    struct dvbcss_companion *companion = user;
    dvbcss_client_closed closed = companion->closed;
    void *closed_user = companion->closed_user;

    if (--companion->parts > 0)
        return;
    companion_free(companion);
    if (closed)
        closed(closed_user);
}

/* ---- creating and closing -------------------------------------------------------------------- */

static int open_cii(struct dvbcss_companion *companion, const char *url,
                    struct dvbcss_report *report)
{
    struct dvbcss_cii_client_options options = DVBCSS_CII_CLIENT_OPTIONS_INIT;

    options.url = url;
    options.connection = companion->options.connection;
    options.events.received = on_cii;
    options.events.disconnected = on_cii_disconnected;
    options.events.protocol_error = on_cii_protocol_error;
    options.user = companion;
    return dvbcss_cii_client_create(&companion->cii, companion->loop, &options, report);
}

static int make_clocks(struct dvbcss_companion *companion)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    int error;

    root.now_ns = companion->options.now_ns ? companion->options.now_ns : dvbcss_monotonic_ns;
    root.user = companion->options.time_user;
    root.precision_s = companion->options.precision_s;
    root.max_freq_error_ppm = companion->options.max_freq_error_ppm;
    error = dvbcss_root_clock_create(&companion->root, &root);
    if (!error)
        error = dvbcss_tunable_clock_create(&companion->wall, companion->root,
                                            dvbcss_rate_hz(1000000000), dvbcss_ticks(0));
    if (!error)
        error = dvbcss_clock_set_available(companion->wall, false);
    return error;
}

static int copy_text(char **copy, const char *text)
{
    *copy = dvbcss_strdup(text);
    return *copy || !text ? 0 : DVBCSS_ENOMEM;
}

/* Copies what the options point to, so that they need not outlive the call. */
static int copy_options(struct dvbcss_companion *companion,
                        const struct dvbcss_companion_options *options)
{
    size_t count = options->selector_count;
    int error = copy_text(&companion->content_id_stem, options->content_id_stem);

    if (!error)
        error = copy_text(&companion->ca_file, options->connection.ca_file);
    if (!error)
        error = copy_text(&companion->pin, options->connection.pin);
    if (error)
        return error;
    companion->options = *options;
    companion->options.connection.ca_file = companion->ca_file;
    companion->options.connection.pin = companion->pin;
    if (count == 0)
        return 0;
    companion->selectors = dvbcss_calloc(count, sizeof *companion->selectors);
    if (!companion->selectors)
        return DVBCSS_ENOMEM;
    for (size_t i = 0; i < count && !error; i++)
        error = copy_text(&companion->selectors[i], options->selectors[i]);
    return error;
}

static bool options_valid(const struct dvbcss_companion_options *options)
{
    if (!options->cii_url || (options->selector_count > 0 && !options->selectors) ||
        !(options->threshold_s >= 0.0))
        return false;
    if (options->stem == DVBCSS_COMPANION_STEM_GIVEN && !options->content_id_stem)
        return false;
    for (size_t i = 0; i < options->selector_count; i++)
        if (!options->selectors[i])
            return false;
    return true;
}

int dvbcss_companion_create(struct dvbcss_companion **out, uv_loop_t *loop,
                            const struct dvbcss_companion_options *options,
                            struct dvbcss_report *report)
{
    struct dvbcss_companion *companion;
    int error;

    if (!options_valid(options))
        return DVBCSS_EINVAL;
    companion = dvbcss_calloc(1, sizeof *companion);
    if (!companion)
        return DVBCSS_ENOMEM;
    companion->loop = loop;
    error = copy_options(companion, options);
    if (!error)
        error = make_clocks(companion);
    if (!error)
        error = companion_check_wall_clock(companion);
    if (!error)
        error = companion_check_timeline(companion);
    if (!error)
        error = open_cii(companion, options->cii_url, report);
    if (error) {
        companion_free(companion);
        return error;
    }
    (void)uv_timer_init(loop, &companion->again);
    companion->again.data = companion;
    companion->parts = 2;
    *out = companion;
    return 0;
}

static void on_again_closed(uv_handle_t *handle)
{
    companion_part_closed(handle->data);
}

void dvbcss_companion_close(struct dvbcss_companion *companion, dvbcss_client_closed closed,
                            void *user)
{
    if (!companion)
        return;
    companion->closing = true;
    companion->closed = closed;
    companion->closed_user = user;
    dvbcss_ts_client_close(companion->ts, companion_part_closed, companion);
    dvbcss_wc_client_close(companion->wc, companion_part_closed, companion);
    dvbcss_cii_client_close(companion->cii, companion_part_closed, companion);
    uv_close((uv_handle_t *)&companion->again, on_again_closed);
}
