#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/wc_estimator.h"

/* ---- the filters and the predictor that come with the library ------------------------------- */

static bool rtt_accept(void *state, const struct dvbcss_wc_sample *sample)
{
    const int64_t *max_rtt_ns = state;

    return dvbcss_wc_candidate_rtt_ns(sample->candidate) <= *max_rtt_ns;
}

int dvbcss_wc_rtt_filter_create(struct dvbcss_wc_filter *out, int64_t max_rtt_ns)
{
    int64_t *state;

    if (max_rtt_ns < 0)
        return DVBCSS_EINVAL;
    state = dvbcss_malloc(sizeof *state);
    if (!state)
        return DVBCSS_ENOMEM;
    *state = max_rtt_ns;
    *out = (struct dvbcss_wc_filter){.accept = rtt_accept, .destroy = dvbcss_free, .state = state};
    return 0;
}

static bool lowest_dispersion_accept(void *state, const struct dvbcss_wc_sample *sample)
{
    (void)state;
    return sample->dispersion_s < sample->current_dispersion_s;
}

struct dvbcss_wc_filter dvbcss_wc_lowest_dispersion_filter(void)
{
    return (struct dvbcss_wc_filter){.accept = lowest_dispersion_accept};
}

static bool simple_predict(void *state, const struct dvbcss_wc_sample *sample,
                           struct dvbcss_wc_prediction *prediction)
{
    (void)state;
    *prediction = (struct dvbcss_wc_prediction){sample->claim, 1.0};
    return true;
}

struct dvbcss_wc_predictor dvbcss_wc_simple_predictor(void)
{
    return (struct dvbcss_wc_predictor){.predict = simple_predict};
}

/* ---- the estimator -------------------------------------------------------------------------- */

struct filter_predict {
    struct dvbcss_wc_predictor predictor;
    size_t filter_count;
    struct dvbcss_wc_filter filters[];
};

static bool passes(const struct filter_predict *self, const struct dvbcss_wc_sample *sample)
{
    for (size_t i = 0; i < self->filter_count; i++)
        if (!self->filters[i].accept(self->filters[i].state, sample))
            return false;
    return true;
}

static int filter_predict_add(void *state, struct dvbcss_wc_estimator *estimator,
                              const struct dvbcss_wc_sample *sample,
                              struct dvbcss_wc_outcome *outcome)
{
    const struct filter_predict *self = state;
    struct dvbcss_wc_prediction prediction;

    outcome->useful = sample->candidate && passes(self, sample);
    if (!outcome->useful || !self->predictor.predict(self->predictor.state, sample, &prediction))
        return 0;
    return dvbcss_wc_estimator_adopt(estimator, prediction.correlation, prediction.speed,
                                     sample->now_ns);
}

static void filter_predict_reset(void *state)
{
    struct filter_predict *self = state;

    for (size_t i = 0; i < self->filter_count; i++)
        if (self->filters[i].reset)
            self->filters[i].reset(self->filters[i].state);
    if (self->predictor.reset)
        self->predictor.reset(self->predictor.state);
}

static void filter_predict_destroy(void *state)
{
    struct filter_predict *self = state;

    for (size_t i = 0; i < self->filter_count; i++)
        if (self->filters[i].destroy)
            self->filters[i].destroy(self->filters[i].state);
    if (self->predictor.destroy)
        self->predictor.destroy(self->predictor.state);
    dvbcss_free(self);
}

static bool parts_valid(const struct dvbcss_wc_filter *filters, size_t filter_count,
                        const struct dvbcss_wc_predictor *predictor)
{
    for (size_t i = 0; i < filter_count; i++)
        if (!filters[i].accept)
            return false;
    return !predictor || predictor->predict;
}

int dvbcss_wc_filter_predict_create(struct dvbcss_wc_estimator **out,
                                    const struct dvbcss_wc_estimator_options *options,
                                    const struct dvbcss_wc_filter *filters, size_t filter_count,
                                    const struct dvbcss_wc_predictor *predictor)
{
    static const struct dvbcss_wc_estimator_ops ops = {
        .name = "filter-and-predict",
        .add = filter_predict_add,
        .reset = filter_predict_reset,
        .destroy = filter_predict_destroy,
    };
    struct filter_predict *self;
    int error;

    if (!parts_valid(filters, filter_count, predictor))
        return DVBCSS_EINVAL;
    if (filter_count > (SIZE_MAX - sizeof *self) / sizeof *filters)
        return DVBCSS_ENOMEM;
    self = dvbcss_malloc(sizeof *self + filter_count * sizeof *filters);
    if (!self)
        return DVBCSS_ENOMEM;
    self->predictor = predictor ? *predictor : dvbcss_wc_simple_predictor();
    self->filter_count = filter_count;
    if (filter_count > 0)
        memcpy(self->filters, filters, filter_count * sizeof *filters);
    error = dvbcss_wc_estimator_create(out, options, &ops, self);
    if (error)
        dvbcss_free(self);
    return error;
}
