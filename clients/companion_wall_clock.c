#include <string.h>

#include "clients/companion_internal.h"
#include "clients/wc_client_internal.h"
#include "dvbcss/wc_tracking.h"

static void on_adjusted(void *user, const struct dvbcss_wc_adjustment *adjustment)
{
    struct dvbcss_companion *companion = user;

    if (!companion->closing && companion->options.events.adjusted)
        companion->options.events.adjusted(companion->options.user, adjustment);
}

static void on_wall_clock(void *user, bool available)
{
    (void)available;
    companion_follow(user);
}

static void on_wc_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    companion_trouble(user, DVBCSS_COMPANION_WALL_CLOCK, trouble->error, trouble->text);
}

static struct dvbcss_wc_estimator_options estimator_options(struct dvbcss_companion *companion)
{
    const struct dvbcss_wc_estimator_options options = {
        .wall_clock = companion->wall,
        .max_dispersion_s = companion->options.max_dispersion_s,
        .jump_candidates = companion->options.jump_candidates,
        .adjusted = on_adjusted,
        .user = companion,
    };

    return options;
}

static int make_estimator(struct dvbcss_companion *companion, struct dvbcss_wc_estimator **out)
{
    const struct dvbcss_wc_estimator_options options = estimator_options(companion);

    if (!companion->options.estimator)
        return dvbcss_wc_tracking_create(out, &options, NULL);
    return companion->options.estimator(companion->options.user, out, &options);
}

static struct dvbcss_wc_client_options client_options(struct dvbcss_companion *companion,
                                                      const char *url)
{
    struct dvbcss_wc_client_options options = DVBCSS_WC_CLIENT_OPTIONS_INIT;

    options.url = url;
    options.requester = companion->options.requester;
    options.poll = companion->options.poll;
    options.events.availability = on_wall_clock;
    options.events.trouble = on_wc_trouble;
    options.user = companion;
    return options;
}

int companion_check_wall_clock(struct dvbcss_companion *companion)
{
    /* Any server will do: none is asked. */
    struct dvbcss_wc_client_options options = client_options(companion, "udp://127.0.0.1:1");
    const struct dvbcss_wc_estimator_options estimator = estimator_options(companion);
    int error;

    /* The program's own estimator is for clients only; what it will be given is the same. */
    if (companion->options.estimator)
        error = dvbcss_wc_lowest_dispersion_create(&options.estimator, &estimator);
    else
        error = dvbcss_wc_tracking_create(&options.estimator, &estimator, NULL);
    if (error)
        return error;
    error = wc_client_check(&options);
    dvbcss_wc_estimator_destroy(options.estimator);
    return error;
}

static int begin_wall_clock(struct dvbcss_companion *companion, const char *url)
{
    struct dvbcss_wc_client_options options = client_options(companion, url);
    struct dvbcss_url server;
    int error = dvbcss_url_parse(url, DVBCSS_URL_UDP, &server, NULL);

    if (!error)
        error = make_estimator(companion, &options.estimator);
    if (error)
        return error;
    /* Making it has set the wall clock, and a listener of that may have had enough. */
    if (companion->closing) {
        dvbcss_wc_estimator_destroy(options.estimator);
        return 0;
    }
    error = dvbcss_wc_client_create(&companion->wc, companion->loop, &options, NULL);
    if (error) {
        dvbcss_wc_estimator_destroy(options.estimator);
        return error;
    }
    companion->parts++;
    companion->estimator = options.estimator;
    companion->wc_server = server;
    return 0;
}

/* Turns to the server of a new URL. Its control timestamps are of its own wall clock, so nothing
 * may be read on the old server's any more, also while the new one is silent. */
static int change_server(struct dvbcss_companion *companion, const char *url)
{
    struct dvbcss_url server;
    int error = dvbcss_url_parse(url, DVBCSS_URL_UDP, &server, NULL);

    if (error || (server.port == companion->wc_server.port &&
                  strcmp(server.host, companion->wc_server.host) == 0))
        return error;
    error = dvbcss_wc_client_set_server(companion->wc, url, NULL);
    if (error)
        return error;
    companion->wc_server = server;
    dvbcss_wc_estimator_reset(companion->estimator);
    return 0;
}

static int end_wall_clock(struct dvbcss_companion *companion)
{
    struct dvbcss_wc_client *wc = companion->wc;

    companion->wc = NULL;
    dvbcss_wc_client_close(wc, companion_part_closed, companion);
    return dvbcss_clock_set_available(companion->wall, false);
}

/* Has the wall clock follow the server that CII names. */
void companion_follow_wall_clock(struct dvbcss_companion *companion)
{
    const char *url = companion_wc_url(companion);
    int error = 0;

    if (!url && companion->wc)
        error = end_wall_clock(companion);
    else if (url && companion->wc)
        error = change_server(companion, url);
    else if (url)
        error = begin_wall_clock(companion, url);
    if (error)
        companion_try_again(companion, DVBCSS_COMPANION_WALL_CLOCK, error);
}
