#include <criterion/criterion.h>

#include "dvbcss/clock.h"
#include "failing_alloc.h"

enum { TASKS = 20 };

static int64_t frozen_ns(void *user)
{
    (void)user;
    return 0;
}

static int create_root(struct dvbcss_clock **out)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;

    options.now_ns = frozen_ns;
    options.precision_s = 1e-6;
    return dvbcss_root_clock_create(out, &options);
}

/* One clock of each kind, each below the one before. */
static int create_chain(struct dvbcss_clock *clocks[5])
{
    int error = create_root(&clocks[0]);

    if (!error)
        error = dvbcss_tunable_clock_create(&clocks[1], clocks[0], dvbcss_rate_hz(1000),
                                            dvbcss_ticks(0));
    if (!error)
        error = dvbcss_correlated_clock_create(&clocks[2], clocks[1], dvbcss_rate_hz(90000),
                                               dvbcss_correlation(0, 0), 1.0);
    if (!error)
        error = dvbcss_range_clock_create(&clocks[3], clocks[2], dvbcss_rate_hz(25),
                                          dvbcss_correlation(0, 0), dvbcss_correlation(90000, 25));
    if (!error)
        error = dvbcss_offset_clock_create(&clocks[4], clocks[3], 1000000);
    return error;
}

Test(clock, every_kind_survives_a_lack_of_memory)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_clock *clocks[5] = {NULL};
        int error;

        failing_alloc_begin(n);
        error = create_chain(clocks);
        /* In the order of creation: each lives on for the sake of the next. */
        for (int i = 0; i < 5; i++)
            dvbcss_clock_destroy(clocks[i]);
        failed = failing_alloc_end();
        cr_assert_eq(error, failed ? DVBCSS_ENOMEM : 0);
        cr_assert_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
    }
}

static unsigned called;

static void count_call(void *user, struct dvbcss_clock *clock)
{
    (void)user;
    (void)clock;
    called++;
}

static unsigned replanned;

static void count_replanned(void *user)
{
    (void)user;
    replanned++;
}

/* Schedules some tasks, of which each that was accepted has to be called. */
static int schedule_and_run(struct dvbcss_task_queue *queue, struct dvbcss_clock *clock)
{
    unsigned accepted = 0;
    int error = 0;

    for (int i = 0; i < TASKS && !error; i++) {
        unsigned before = replanned;

        error = dvbcss_task_at(queue, clock, dvbcss_ticks(TASKS - i), count_call, NULL, NULL);
        cr_assert_eq(replanned - before, error ? 0 : 1, "each is earlier than the one before");
        accepted += error ? 0 : 1;
    }
    called = 0;
    cr_assert_eq(dvbcss_task_queue_run(queue, TASKS), accepted);
    cr_assert_eq(called, accepted);
    return error;
}

Test(clock, tasks_survive_a_lack_of_memory)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_clock *clock = NULL;
        struct dvbcss_task_queue *queue = NULL;
        int error;

        failing_alloc_begin(n);
        error = create_root(&clock);
        if (!error)
            error = dvbcss_task_queue_create(&queue, count_replanned, NULL);
        if (!error)
            error = schedule_and_run(queue, clock);
        dvbcss_task_queue_destroy(queue);
        dvbcss_clock_destroy(clock);
        failed = failing_alloc_end();
        cr_assert_eq(error, failed ? DVBCSS_ENOMEM : 0);
        cr_assert_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
    }
}
