#include <criterion/criterion.h>

#include "clients/backoff.h"

static struct backoff standard(void)
{
    struct backoff backoff = {.min_ms = 500, .max_ms = 30000, .stable_ms = 10000};

    return backoff;
}

Test(backoff, doubles_from_the_smallest_to_the_largest_delay)
{
    static const uint32_t expected_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct backoff backoff = standard();

    for (size_t i = 0; i < sizeof expected_ms / sizeof expected_ms[0]; i++)
        cr_assert_eq(backoff_next(&backoff, 0, -1), expected_ms[i], "attempt %zu", i);
}

Test(backoff, stays_at_the_largest_delay_for_ever)
{
    struct backoff backoff = standard();

    for (int i = 0; i < 1000; i++)
        (void)backoff_next(&backoff, 0, -1);
    cr_assert_eq(backoff_next(&backoff, 0, -1), 30000);
}

Test(backoff, is_shortened_by_a_random_part_of_up_to_a_half)
{
    struct backoff shortest = standard();
    struct backoff middle = standard();

    cr_assert_eq(backoff_next(&shortest, UINT32_MAX, -1), 250);
    cr_assert_eq(backoff_next(&middle, UINT32_MAX / 2 + 1, -1), 500 - 251 / 2);
}

Test(backoff, reaches_the_largest_delay_without_overflow)
{
    struct backoff backoff = {.min_ms = 3, .max_ms = UINT32_MAX, .stable_ms = 1};
    uint32_t last_ms = 0;

    for (int i = 0; i < 40; i++) {
        uint32_t next_ms = backoff_next(&backoff, 0, -1);

        cr_assert_geq(next_ms, last_ms);
        last_ms = next_ms;
    }
    cr_assert_eq(last_ms, UINT32_MAX);
}

Test(backoff, waits_at_least_as_long_as_the_server_asked_for)
{
    struct backoff backoff = standard();

    cr_assert_eq(backoff_next(&backoff, 0, 7), 7000);
    cr_assert_eq(backoff_next(&backoff, UINT32_MAX, 7), 7500, "the random part comes on top");
    cr_assert_eq(backoff_next(&backoff, 0, 0), 2000, "no shorter than without it");
}

Test(backoff, grants_a_server_one_hour)
{
    struct backoff backoff = standard();

    cr_assert_eq(backoff_next(&backoff, 0, INT32_MAX), 3600 * 1000);
}

Test(backoff, begins_anew_only_after_a_connection_that_lasted)
{
    struct backoff backoff = standard();

    (void)backoff_next(&backoff, 0, -1);
    backoff_connection_lived(&backoff, 9999);
    cr_assert_eq(backoff_next(&backoff, 0, -1), 1000);
    backoff_connection_lived(&backoff, 10000);
    cr_assert_eq(backoff_next(&backoff, 0, -1), 500);
}
