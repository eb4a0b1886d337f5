/*
 * Every allocation of every constructor fails once, and nothing is lost; after construction
 * nothing allocates any more.
 */
#include <criterion/criterion.h>

#include "dvbcss/wc.h"
#include "dvbcss/wc_estimator.h"
#include "dvbcss/wc_poll.h"
#include "dvbcss/wc_requester.h"
#include "dvbcss/wc_tracking.h"
#include "failing_alloc.h"

static int64_t stopped(void *user)
{
    (void)user;
    return 5000000000;
}

static struct dvbcss_clock *root;
static struct dvbcss_clock *wall_clock;
static struct dvbcss_wc_estimator_options options;

static void setup(void)
{
    struct dvbcss_root_clock_options root_options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;

    root_options.now_ns = stopped;
    root_options.precision_s = 1e-6;
    cr_assert_eq(dvbcss_root_clock_create(&root, &root_options), 0);
    cr_assert_eq(
        dvbcss_tunable_clock_create(&wall_clock, root, dvbcss_rate_hz(1000000000), dvbcss_ticks(0)),
        0);
    options = (struct dvbcss_wc_estimator_options)DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    options.wall_clock = wall_clock;
}

static void teardown(void)
{
    dvbcss_clock_destroy(wall_clock);
    dvbcss_clock_destroy(root);
}

TestSuite(wc_memory, .init = setup, .fini = teardown);

/* A constructor that also ends what it made. */
typedef int (*constructor)(void);

static void walk(constructor make)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        int error;

        failing_alloc_begin(n);
        error = make();
        cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u leaks", n);
        failed = failing_alloc_end();
        cr_expect_eq(error, failed ? DVBCSS_ENOMEM : 0, "allocation %u: %s", n,
                     dvbcss_error_name(error));
        if (!failed)
            cr_expect_gt(n, 0, "nothing was allocated");
    }
}

static int make_requester(void)
{
    struct dvbcss_wc_requester_options requester_options = DVBCSS_WC_REQUESTER_OPTIONS_INIT;
    struct dvbcss_wc_requester *requester = NULL;
    int error = dvbcss_wc_requester_create(&requester, &requester_options);

    dvbcss_wc_requester_destroy(requester);
    return error;
}

Test(wc_memory, requester)
{
    walk(make_requester);
}

static int make_lowest_dispersion(void)
{
    struct dvbcss_wc_estimator *estimator = NULL;
    int error = dvbcss_wc_lowest_dispersion_create(&estimator, &options);

    dvbcss_wc_estimator_destroy(estimator);
    return error;
}

Test(wc_memory, lowest_dispersion)
{
    walk(make_lowest_dispersion);
}

static int make_most_recent(void)
{
    struct dvbcss_wc_estimator *estimator = NULL;
    int error = dvbcss_wc_most_recent_create(&estimator, &options);

    dvbcss_wc_estimator_destroy(estimator);
    return error;
}

Test(wc_memory, most_recent)
{
    walk(make_most_recent);
}

static int make_filter_predict(void)
{
    struct dvbcss_wc_estimator *estimator = NULL;
    struct dvbcss_wc_filter filters[2] = {{NULL, NULL, NULL, NULL},
                                          dvbcss_wc_lowest_dispersion_filter()};
    int error = dvbcss_wc_rtt_filter_create(&filters[0], 1000000);

    if (error)
        return error;
    error = dvbcss_wc_filter_predict_create(&estimator, &options, filters, 2, NULL);
    if (error)
        filters[0].destroy(filters[0].state);
    dvbcss_wc_estimator_destroy(estimator);
    return error;
}

Test(wc_memory, filter_and_predict)
{
    walk(make_filter_predict);
}

static int make_tracking(void)
{
    struct dvbcss_wc_estimator *estimator = NULL;
    int error = dvbcss_wc_tracking_create(&estimator, &options, NULL);

    dvbcss_wc_estimator_destroy(estimator);
    return error;
}

Test(wc_memory, tracking)
{
    walk(make_tracking);
}

Test(wc_memory, an_estimator_that_was_not_made_leaves_the_wall_clock_available)
{
    struct dvbcss_wc_estimator *estimator = NULL;

    failing_alloc_begin(0);
    cr_expect_eq(dvbcss_wc_lowest_dispersion_create(&estimator, &options), DVBCSS_ENOMEM);
    failing_alloc_end();
    cr_assert(dvbcss_clock_available(wall_clock));
    cr_assert_null(estimator);
}

Test(wc_memory, asking_answering_and_estimating_allocate_nothing)
{
    struct dvbcss_wc_requester_options requester_options = DVBCSS_WC_REQUESTER_OPTIONS_INIT;
    struct dvbcss_wc_responder_options responder_options = {1e-6, 50, false};
    struct dvbcss_wc_requester *requester = NULL;
    struct dvbcss_wc_poll_options poll_options = DVBCSS_WC_POLL_OPTIONS_INIT;
    struct dvbcss_wc_estimator *estimator = NULL;
    struct dvbcss_wc_responder responder;
    struct dvbcss_wc_outcome outcome;
    struct dvbcss_wc_poll poll;
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_step step;
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];
    struct dvbcss_wc_arrival arrival = {answer, sizeof answer, 5000000000, true, false};

    cr_assert_eq(dvbcss_wc_requester_create(&requester, &requester_options), 0);
    cr_assert_eq(dvbcss_wc_tracking_create(&estimator, &options, NULL), 0);
    failing_alloc_begin(0);
    cr_expect_eq(dvbcss_wc_poll_init(&poll, &poll_options), 0);
    cr_expect_eq(dvbcss_wc_responder_init(&responder, &responder_options), 0);
    dvbcss_wc_requester_next(requester, 4999000000, 42, &step);
    cr_expect_eq(dvbcss_wc_respond(&responder, step.request, sizeof step.request, 7, 8, answer),
                 DVBCSS_WC_ANSWERED);
    cr_expect_eq(dvbcss_wc_requester_received(requester, &arrival, &candidate), DVBCSS_WC_ACCEPTED);
    cr_expect_eq(dvbcss_wc_estimator_add(estimator, &candidate, 5000000000, &outcome), 0);
    dvbcss_wc_poll_plan(&poll, requester, estimator, &candidate, 5000000000, &outcome);
    cr_expect(dvbcss_wc_estimator_tick(estimator, 5000000000) > 5000000000);
    cr_expect_not(failing_alloc_end(), "something asked for memory");
    cr_assert(dvbcss_clock_available(wall_clock));
    dvbcss_wc_estimator_destroy(estimator);
    dvbcss_wc_requester_destroy(requester);
}
