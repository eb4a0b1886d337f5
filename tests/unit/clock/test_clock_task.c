#include <string.h>

#include "fixture.h"

/* ---- a queue and a log of what it called ---------------------------------------------------- */

static struct dvbcss_task_queue *queue;
static char called[64];
static struct dvbcss_clock *called_with;
static unsigned replanned;
static struct dvbcss_clock *clock_of_test;
static struct dvbcss_task *victim;

static void count_replanned(void *user)
{
    cr_assert_eq(user, &replanned);
    replanned++;
}

static void set_up(void)
{
    cr_assert_eq(dvbcss_task_queue_create(&queue, count_replanned, &replanned), 0);
}

static void tear_down(void)
{
    dvbcss_task_queue_destroy(queue);
    destroy_clocks();
}

TestSuite(task, .init = set_up, .fini = tear_down);

/* A task whose user is its name. */
static void note(void *user, struct dvbcss_clock *clock)
{
    strcat(called, user);
    called_with = clock;
}

static struct dvbcss_task *at(struct dvbcss_clock *clock, int64_t ticks, char *name)
{
    struct dvbcss_task *task;

    cr_assert_eq(dvbcss_task_at(queue, clock, dvbcss_ticks(ticks), note, name, &task), 0);
    return task;
}

static void assert_next_s(double seconds)
{
    int64_t next_ns;

    cr_assert_eq(dvbcss_task_queue_next(queue, &next_ns), 0);
    cr_assert_eq(next_ns, llround(seconds * 1e9));
}

static void assert_nothing_planned(void)
{
    int64_t next_ns = 7;

    cr_assert_eq(dvbcss_task_queue_next(queue, &next_ns), DVBCSS_ENOENT);
    cr_assert_eq(next_ns, 7);
}

/* Runs the queue at a time and tells what it called since the last time. */
static const char *run_at_s(double seconds)
{
    called[0] = '\0';
    set_time_s(seconds);
    cr_assert_eq(dvbcss_task_queue_run(queue, mock.now_ns), strlen(called));
    return called;
}

static struct dvbcss_clock *media_clock(double speed)
{
    clock_of_test = correlated_clock(root_clock(1000000), 1000, dvbcss_correlation(0, 0), speed);
    return clock_of_test;
}

/* ---- being due ------------------------------------------------------------------------------ */

Test(task, an_empty_queue_has_nothing_to_do)
{
    assert_nothing_planned();
    cr_assert_str_eq(run_at_s(1e6), "");
    dvbcss_task_queue_destroy(NULL);
    dvbcss_task_cancel(NULL);
}

Test(task, is_called_when_its_clock_shows_its_time_and_not_before)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    at(clock, 5000, "a");
    assert_next_s(5.0);
    cr_assert_str_eq(run_at_s(4.999999999), "");
    assert_next_s(5.0);
    cr_assert_str_eq(run_at_s(5.0), "a");
    cr_assert_eq(called_with, clock);
    assert_nothing_planned();
    cr_assert_str_eq(run_at_s(6.0), "");
}

Test(task, is_due_at_once_if_its_time_has_passed)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    set_time_s(10.0);
    at(clock, 5000, "a");
    cr_assert_str_eq(run_at_s(10.0), "a");
}

Test(task, waits_for_a_clock_that_runs_backwards)
{
    struct dvbcss_clock *clock = media_clock(-2.0);

    set_time_s(1.0);
    at(clock, -4000, "a");
    at(clock, -1000, "p");
    assert_next_s(0.5);
    cr_assert_str_eq(run_at_s(1.0), "p");
    assert_next_s(2.0);
    cr_assert_str_eq(run_at_s(1.999), "");
    cr_assert_str_eq(run_at_s(2.0), "a");
}

Test(task, can_wait_for_some_ticks)
{
    struct dvbcss_clock *clock = media_clock(0.5);

    set_time_s(10.0);
    cr_assert_eq(dvbcss_task_after(queue, clock, dvbcss_ticks(500), note, "a", NULL), 0);
    assert_next_s(11.0);
    cr_assert_str_eq(run_at_s(11.0), "a");
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(0, INT64_MAX - 10000)), 0);
    cr_assert_eq(dvbcss_task_after(queue, clock, dvbcss_ticks(INT64_MAX), note, "b", NULL),
                 DVBCSS_ERANGE);
    assert_nothing_planned();
}

Test(task, tasks_are_called_in_the_order_of_their_times)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    at(clock, 3000, "c");
    at(clock, 1000, "a");
    at(clock, 4000, "d");
    at(clock, 2000, "b");
    at(clock, 9000, "x");
    assert_next_s(1.0);
    cr_assert_str_eq(run_at_s(5.0), "abcd");
    assert_next_s(9.0);
}

Test(task, tasks_of_one_time_are_called_in_the_order_of_scheduling)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    for (int i = 0; i < 20; i++) {
        static char names[20][2];

        names[i][0] = (char)('a' + i);
        at(clock, 1000, names[i]);
    }
    cr_assert_str_eq(run_at_s(1.0), "abcdefghijklmnopqrst");
}

Test(task, tasks_on_several_clocks_share_a_queue)
{
    struct dvbcss_clock *clock = media_clock(1.0);
    struct dvbcss_clock *fast = correlated_clock(clock, 90000, dvbcss_correlation(0, 0), 2.0);
    struct dvbcss_clock *early = offset_clock(clock, 250000000);

    at(clock, 1000, "c");
    at(fast, 90000, "a");
    at(early, 1000, "b");
    cr_assert_str_eq(run_at_s(0.5), "a");
    assert_next_s(0.75);
    cr_assert_str_eq(run_at_s(1.0), "bc");
}

Test(task, clocks_of_another_root_are_refused)
{
    struct dvbcss_clock *other = root_clock(1000);

    at(media_clock(1.0), 1000, "a");
    cr_assert_eq(dvbcss_task_at(queue, other, dvbcss_ticks(1), note, "b", NULL), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_task_at(queue, clock_of_test, dvbcss_ticks(1), NULL, "b", NULL),
                 DVBCSS_EINVAL);
    cr_assert_str_eq(run_at_s(1.0), "a");
    at(other, 2000, "c");
    cr_assert_str_eq(run_at_s(2.0), "c");
}

/* ---- changes of the clock ------------------------------------------------------------------- */

Test(task, is_planned_anew_when_its_clock_changes)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    at(clock, 5000, "a");
    cr_assert_eq(dvbcss_clock_set_speed(clock, 2.0), 0);
    assert_next_s(2.5);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(0, 4000)), 0);
    assert_next_s(0.5);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(0, -4000)), 0);
    assert_next_s(4.5);
    cr_assert_str_eq(run_at_s(4.0), "");
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(0, 9000)), 0);
    cr_assert_str_eq(run_at_s(4.0), "a");
}

Test(task, is_planned_anew_when_a_clock_above_changes)
{
    struct dvbcss_clock *root = root_clock(1000000);
    struct dvbcss_clock *wall = tunable_clock(root, 1000, 0);
    struct dvbcss_clock *media = correlated_clock(wall, 1000, dvbcss_correlation(0, 0), 1.0);

    at(media, 5000, "a");
    cr_assert_eq(dvbcss_tunable_clock_adjust(wall, dvbcss_ticks(1000)), 0);
    assert_next_s(4.0);
    cr_assert_eq(dvbcss_clock_set_parent(media, root), 0);
    assert_next_s(5.0);
}

Test(task, sleeps_while_its_clock_stands_elsewhere)
{
    struct dvbcss_clock *clock = media_clock(0.0);

    at(clock, 5000, "a");
    assert_nothing_planned();
    cr_assert_str_eq(run_at_s(100.0), "");
    cr_assert_eq(dvbcss_clock_set_speed(clock, 1.0), 0);
    assert_next_s(5.0);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 0.0), 0);
    assert_nothing_planned();
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(7000000, 5000)), 0);
    assert_next_s(7.0);
    cr_assert_str_eq(run_at_s(100.0), "a");
}

Test(task, sleeps_while_its_time_is_beyond_the_range)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    at(clock, INT64_MAX, "n");
    at(clock, INT64_MIN, "a");
    cr_assert_str_eq(run_at_s(0.0), "a");
    assert_nothing_planned();
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(1000000, INT64_MAX)), 0);
    cr_assert_str_eq(run_at_s(1.0), "n");
}

Test(task, sleeps_while_its_clock_hangs_from_another_root)
{
    struct dvbcss_clock *clock = media_clock(1.0);
    struct dvbcss_clock *home = dvbcss_clock_root(clock);
    struct dvbcss_clock *other = root_clock(1000000);

    at(clock, 5000, "a");
    cr_assert_eq(dvbcss_clock_set_parent(clock, other), 0);
    assert_nothing_planned();
    cr_assert_eq(dvbcss_clock_set_parent(clock, home), 0);
    assert_next_s(5.0);
}

Test(task, many_tasks_keep_their_order_through_changes)
{
    struct dvbcss_clock *root = root_clock(1000000);
    struct dvbcss_clock *lines[4];
    static char names[40][2];

    for (int i = 0; i < 4; i++)
        lines[i] = correlated_clock(root, 1000, dvbcss_correlation(0, 1000 * i), 0.0);
    /* Clock i shows 10000 after 10 - i seconds once it runs. */
    for (int i = 0; i < 40; i++) {
        names[i][0] = (char)('0' + i % 4);
        at(lines[i % 4], 10000, names[i]);
    }
    for (int i = 0; i < 4; i++)
        cr_assert_eq(dvbcss_clock_set_speed(lines[i], 1.0), 0);
    assert_next_s(7.0);
    cr_assert_eq(dvbcss_clock_set_speed(lines[2], 0.0), 0);
    cr_assert_str_eq(run_at_s(20.0), "333333333311111111110000000000");
    cr_assert_eq(dvbcss_clock_set_speed(lines[2], 1.0), 0);
    cr_assert_str_eq(run_at_s(20.0), "2222222222");
}

/* ---- cancelling ----------------------------------------------------------------------------- */

Test(task, a_cancelled_task_is_not_called)
{
    struct dvbcss_clock *clock = media_clock(1.0);
    struct dvbcss_task *first = at(clock, 1000, "a");
    struct dvbcss_task *second = at(clock, 2000, "b");

    at(clock, 3000, "c");
    dvbcss_task_cancel(first);
    assert_next_s(2.0);
    dvbcss_task_cancel(second);
    assert_next_s(3.0);
    cr_assert_str_eq(run_at_s(5.0), "c");
}

Test(task, a_sleeping_task_can_be_cancelled)
{
    struct dvbcss_clock *clock = media_clock(0.0);

    dvbcss_task_cancel(at(clock, 5000, "a"));
    cr_assert_eq(dvbcss_clock_set_speed(clock, 1.0), 0);
    assert_nothing_planned();
}

Test(task, a_destroyed_clock_takes_its_tasks_along)
{
    struct dvbcss_clock *clock = media_clock(1.0);
    struct dvbcss_clock *other = offset_clock(dvbcss_clock_root(clock), 0);

    at(clock, 1000, "a");
    at(other, 5000000, "b");
    replanned = 0;
    destroy_now(clock);
    cr_assert_eq(replanned, 1);
    assert_next_s(5.0);
    destroy_now(other);
    assert_nothing_planned();
}

Test(task, a_queue_that_goes_leaves_the_clocks_alone)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    at(clock, 1000, "a");
    at(clock, INT64_MAX, "b");
    dvbcss_task_queue_destroy(queue);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 2.0), 0);
    destroy_now(clock);
    set_up();
}

Test(task, a_queue_keeps_its_root_as_long_as_it_has_tasks)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    at(clock, 1000, "a");
    destroy_now(dvbcss_clock_root(clock));
    cr_assert_str_eq(run_at_s(1.0), "a");
    at(clock, 2000, "b");
    destroy_clocks();
    assert_nothing_planned();
}

/* ---- telling the program -------------------------------------------------------------------- */

Test(task, the_program_hears_when_the_next_time_has_changed)
{
    struct dvbcss_clock *clock = media_clock(1.0);
    struct dvbcss_task *first;

    first = at(clock, 3000, "a");
    cr_assert_eq(replanned, 1);
    at(clock, 4000, "b");
    cr_assert_eq(replanned, 1, "the next time is the same");
    at(clock, 2000, "c");
    cr_assert_eq(replanned, 2);
    dvbcss_task_cancel(first);
    cr_assert_eq(replanned, 2);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 2.0), 0);
    cr_assert_eq(replanned, 3, "once for all tasks of the clock");
    cr_assert_eq(dvbcss_clock_set_available(clock, false), 0);
    cr_assert_eq(replanned, 3);
    cr_assert_str_eq(run_at_s(1.0), "c");
    cr_assert_eq(replanned, 4);
    cr_assert_str_eq(run_at_s(1.0), "");
    cr_assert_eq(replanned, 5, "a timer that was early is set again");
}

static void check_plan(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                       unsigned changes)
{
    (void)listener;
    (void)clock;
    (void)changes;
    assert_next_s(2.5);
    cr_assert_eq(replanned, 2);
    strcat(called, "l");
}

Test(task, listeners_find_the_tasks_planned_anew)
{
    struct dvbcss_clock *clock = media_clock(1.0);
    static struct dvbcss_clock_listener listener = {.changed = check_plan};

    at(clock, 5000, "a");
    dvbcss_clock_listen(clock, &listener);
    cr_assert_eq(dvbcss_clock_set_speed(clock, 2.0), 0);
    cr_assert_str_eq(called, "l");
}

/* ---- tasks that act ------------------------------------------------------------------------- */

static void schedule_another(void *user, struct dvbcss_clock *clock)
{
    note(user, clock);
    at(clock, 0, "n");
    cr_assert_eq(dvbcss_task_queue_run(queue, mock.now_ns), 0, "no run within a run");
}

Test(task, a_task_that_is_scheduled_meanwhile_waits_for_the_next_run)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    cr_assert_eq(dvbcss_task_at(queue, clock, dvbcss_ticks(1000), schedule_another, "a", NULL), 0);
    at(clock, 2000, "b");
    cr_assert_str_eq(run_at_s(3.0), "ab");
    assert_next_s(0.0);
    cr_assert_str_eq(run_at_s(3.0), "n");
}

static void cancel_victim(void *user, struct dvbcss_clock *clock)
{
    note(user, clock);
    dvbcss_task_cancel(victim);
}

Test(task, a_task_may_cancel_one_that_is_due_in_the_same_run)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    cr_assert_eq(dvbcss_task_at(queue, clock, dvbcss_ticks(1000), cancel_victim, "a", NULL), 0);
    victim = at(clock, 2000, "v");
    at(clock, 3000, "c");
    cr_assert_str_eq(run_at_s(5.0), "ac");
}

Test(task, a_task_may_cancel_one_that_is_due_later)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    cr_assert_eq(dvbcss_task_at(queue, clock, dvbcss_ticks(1000), cancel_victim, "a", NULL), 0);
    victim = at(clock, 9000, "v");
    cr_assert_str_eq(run_at_s(5.0), "a");
    assert_nothing_planned();
}

static void seek_back(void *user, struct dvbcss_clock *clock)
{
    note(user, clock);
    cr_assert_eq(dvbcss_clock_set_correlation(clock, dvbcss_correlation(5000000, 0)), 0);
}

Test(task, a_task_may_put_others_off_by_seeking)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    cr_assert_eq(dvbcss_task_at(queue, clock, dvbcss_ticks(1000), seek_back, "a", NULL), 0);
    at(clock, 2000, "b");
    at(dvbcss_clock_root(clock), 3000000, "r");
    cr_assert_str_eq(run_at_s(5.0), "ar");
    assert_next_s(7.0);
    cr_assert_str_eq(run_at_s(7.0), "b");
}

static void pause_clock(void *user, struct dvbcss_clock *clock)
{
    note(user, clock);
    cr_assert_eq(
        dvbcss_clock_set_correlation_and_speed(clock, dvbcss_correlation(5000000, 1000), 0.0), 0);
}

Test(task, a_task_may_put_others_to_sleep)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    cr_assert_eq(dvbcss_task_at(queue, clock, dvbcss_ticks(1000), pause_clock, "a", NULL), 0);
    victim = at(clock, 2000, "b");
    cr_assert_str_eq(run_at_s(5.0), "a");
    assert_nothing_planned();
    dvbcss_task_cancel(victim);
}

static void destroy_clock(void *user, struct dvbcss_clock *clock)
{
    strcat(called, user);
    destroy_now(clock);
}

Test(task, a_task_may_destroy_its_clock_with_tasks_that_are_due)
{
    struct dvbcss_clock *clock = media_clock(1.0);

    cr_assert_eq(dvbcss_task_at(queue, clock, dvbcss_ticks(1000), destroy_clock, "a", NULL), 0);
    at(clock, 2000, "b");
    at(clock, 9000, "c");
    at(dvbcss_clock_root(clock), 3000000, "r");
    cr_assert_str_eq(run_at_s(5.0), "ar");
    assert_nothing_planned();
}
