/*
 * The two estimators that need no state of their own.
 */
#include "dvbcss/wc_estimator.h"

static int lowest_dispersion_add(void *state, struct dvbcss_wc_estimator *estimator,
                                 const struct dvbcss_wc_sample *sample,
                                 struct dvbcss_wc_outcome *outcome)
{
    (void)state;
    outcome->useful = sample->candidate && sample->dispersion_s < sample->current_dispersion_s;
    if (!outcome->useful)
        return 0;
    return dvbcss_wc_estimator_adopt(estimator, sample->claim, 1.0, sample->now_ns);
}

int dvbcss_wc_lowest_dispersion_create(struct dvbcss_wc_estimator **out,
                                       const struct dvbcss_wc_estimator_options *options)
{
    static const struct dvbcss_wc_estimator_ops ops = {
        .name = "lowest-dispersion",
        .add = lowest_dispersion_add,
    };

    return dvbcss_wc_estimator_create(out, options, &ops, NULL);
}

static int most_recent_add(void *state, struct dvbcss_wc_estimator *estimator,
                           const struct dvbcss_wc_sample *sample, struct dvbcss_wc_outcome *outcome)
{
    (void)state;
    outcome->useful = sample->candidate != NULL;
    if (!outcome->useful)
        return 0;
    return dvbcss_wc_estimator_adopt(estimator, sample->claim, 1.0, sample->now_ns);
}

int dvbcss_wc_most_recent_create(struct dvbcss_wc_estimator **out,
                                 const struct dvbcss_wc_estimator_options *options)
{
    static const struct dvbcss_wc_estimator_ops ops = {
        .name = "most-recent",
        .add = most_recent_add,
    };
    struct dvbcss_wc_estimator_options own = *options;

    /* The first contradiction is a jump: each candidate is adopted at once. */
    own.jump_candidates = 1;
    return dvbcss_wc_estimator_create(out, &own, &ops, NULL);
}
