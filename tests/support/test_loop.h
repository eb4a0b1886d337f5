/**
 * @file
 * A uv loop for a Criterion test: runs until something has happened, and ends cleanly. What is
 * waited for in vain fails the test instead of hanging it.
 */
#ifndef TESTS_TEST_LOOP_H
#define TESTS_TEST_LOOP_H

#include <criterion/criterion.h>
#include <uv.h>

enum { TEST_LOOP_PATIENCE_MS = 30000 };

struct test_loop {
    uv_loop_t loop;
    uv_timer_t guard;
};

static inline void test_loop_give_up(uv_timer_t *guard)
{
    (void)guard;
    cr_assert_fail("waited in vain");
}

static inline void test_loop_begin(struct test_loop *test)
{
    cr_assert_eq(uv_loop_init(&test->loop), 0);
    cr_assert_eq(uv_timer_init(&test->loop, &test->guard), 0);
    cr_assert_eq(uv_timer_start(&test->guard, test_loop_give_up, TEST_LOOP_PATIENCE_MS, 0), 0);
    uv_unref((uv_handle_t *)&test->guard);
}

/** Runs the loop until @p condition, which is evaluated after each turn. */
#define TEST_LOOP_UNTIL(test, condition)                                                           \
    while (!(condition))                                                                           \
    cr_assert(uv_run(&(test)->loop, UV_RUN_ONCE) != 0 || (condition), "nothing brings about %s",   \
              #condition)

/** The same for a condition that comes about outside of the loop, which then has nothing to wake up
 * for. */
#define TEST_LOOP_SPIN_UNTIL(test, condition)                                                      \
    while (!(condition))                                                                           \
    uv_run(&(test)->loop, UV_RUN_NOWAIT)

/** Runs the loop until nothing is left on it, and closes it: everything has been cleaned up. */
static inline void test_loop_end(struct test_loop *test)
{
    cr_assert_eq(uv_run(&test->loop, UV_RUN_DEFAULT), 0);
    uv_close((uv_handle_t *)&test->guard, NULL);
    cr_assert_eq(uv_run(&test->loop, UV_RUN_DEFAULT), 0);
    cr_assert_eq(uv_loop_close(&test->loop), 0);
}

#endif
