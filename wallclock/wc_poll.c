#include "dvbcss/wc_poll.h"

#include <limits.h>
#include <math.h>

#include "dvbcss/clock.h"

/* A burst costs little, but a server whose clock jumps all the time must not cause one burst after
 * the other. */
#define BURST_DISTANCE_NS INT64_C(10000000000)

/* How much of the way the base goes upwards with each exchange: it is to be what exchanges reach in
 * general, not what the last one happened to reach. */
#define BASE_SHARE 0.125

static bool span_valid(int64_t span_ns)
{
    return span_ns > 0 && span_ns <= DVBCSS_WC_SPAN_MAX_NS;
}

int dvbcss_wc_poll_init(struct dvbcss_wc_poll *poll, const struct dvbcss_wc_poll_options *options)
{
    if (!span_valid(options->floor_ns) || !span_valid(options->ceiling_ns) ||
        !span_valid(options->retry_ns) || options->ceiling_ns < options->floor_ns ||
        !(options->target_s >= 0) || options->target_s == INFINITY)
        return DVBCSS_EINVAL;
    *poll = (struct dvbcss_wc_poll){*options, INFINITY, 0, INT64_MIN};
    return 0;
}

/* ---- spans ---------------------------------------------------------------------------------- */

/* The retry span, doubled with each loss after the first. */
static int64_t after_losses(const struct dvbcss_wc_poll *poll)
{
    int64_t wait_ns = poll->options.retry_ns;

    for (unsigned i = 1; i < poll->losses && wait_ns < poll->options.ceiling_ns; i++)
        wait_ns *= 2;
    return wait_ns < poll->options.ceiling_ns ? wait_ns : poll->options.ceiling_ns;
}

static void learn_base(struct dvbcss_wc_poll *poll, double bound_s)
{
    if (bound_s < poll->base_s)
        poll->base_s = bound_s;
    else
        poll->base_s += BASE_SHARE * (bound_s - poll->base_s);
}

/* How long the bound takes from where exchanges bring it to the target, or to its double. */
static int64_t by_bound(const struct dvbcss_wc_poll *poll, double growth)
{
    const struct dvbcss_wc_poll_options *options = &poll->options;
    double room_s = fmax(options->target_s, 2 * poll->base_s) - poll->base_s;
    double wait_ns = room_s / growth * 1e9;

    /* Not a number while nothing is known. */
    if (!(wait_ns > (double)options->floor_ns))
        return options->floor_ns;
    return wait_ns < (double)options->ceiling_ns ? (int64_t)wait_ns : options->ceiling_ns;
}

static int64_t next_span(struct dvbcss_wc_poll *poll, const struct dvbcss_wc_estimator *estimator,
                         const struct dvbcss_wc_candidate *candidate, int64_t now_ns,
                         const struct dvbcss_wc_outcome *outcome)
{
    const struct dvbcss_clock *wall_clock = dvbcss_wc_estimator_wall_clock(estimator);

    if (!candidate) {
        if (poll->losses < UINT_MAX)
            poll->losses++;
        return after_losses(poll);
    }
    poll->losses = 0;
    if (outcome->doubted)
        return poll->options.retry_ns;
    learn_base(poll, dvbcss_wc_estimator_dispersion_s(estimator, now_ns));
    return by_bound(poll, dvbcss_clock_correlation(wall_clock).error_growth);
}

/* ---- planning ------------------------------------------------------------------------------- */

static bool burst_allowed(const struct dvbcss_wc_poll *poll, int64_t now_ns)
{
    return poll->last_burst_ns == INT64_MIN || now_ns - poll->last_burst_ns >= BURST_DISTANCE_NS;
}

void dvbcss_wc_poll_restart(struct dvbcss_wc_poll *poll, struct dvbcss_wc_requester *requester,
                            int64_t now_ns)
{
    poll->base_s = INFINITY;
    poll->losses = 0;
    poll->last_burst_ns = now_ns;
    dvbcss_wc_requester_restart(requester);
}

void dvbcss_wc_poll_plan(struct dvbcss_wc_poll *poll, struct dvbcss_wc_requester *requester,
                         const struct dvbcss_wc_estimator *estimator,
                         const struct dvbcss_wc_candidate *candidate, int64_t now_ns,
                         const struct dvbcss_wc_outcome *outcome)
{
    int64_t span_ns;

    if (outcome->jumped && burst_allowed(poll, now_ns)) {
        dvbcss_wc_poll_restart(poll, requester, now_ns);
        return;
    }
    span_ns = next_span(poll, estimator, candidate, now_ns, outcome);
    /* Both spans: what the outcome means for the next request is decided already. */
    if (dvbcss_wc_requester_set_interval(requester, span_ns, span_ns) == 0)
        dvbcss_wc_requester_plan(requester, outcome);
}
