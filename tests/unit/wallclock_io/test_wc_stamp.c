#include <criterion/criterion.h>

#include "wallclock/wc_stamp.h"

/* A machine whose time source, CLOCK_MONOTONIC and CLOCK_REALTIME differ by constants. */
#define REAL_OFFSET INT64_C(1790000000000000000)
#define MONO_OFFSET INT64_C(40000000000)

/* What is read at @p at_ns of the time source, the system time having been stepped so far. */
static struct wc_clock_reading reading_at(int64_t at_ns, int64_t step_ns)
{
    struct wc_clock_reading reading = {
        .before_ns = at_ns,
        .real_ns = at_ns + 30 + REAL_OFFSET + step_ns,
        .mono_ns = at_ns + 60 + MONO_OFFSET,
        .after_ns = at_ns + 90,
    };

    return reading;
}

Test(wc_stamp, an_arrival_is_as_old_as_its_stamp_and_never_early)
{
    struct wc_stamp_map map = {0};
    struct wc_clock_reading reading = reading_at(1000000, 0);
    int64_t arrival_ns;

    wc_stamp_map_observe(&map, &reading);
    /* Stamped at 950000 of the time source. */
    cr_assert(wc_stamp_arrival(&map, &reading, 950000 + REAL_OFFSET, &arrival_ns));
    cr_assert_eq(arrival_ns, 950000 + 60);
}

Test(wc_stamp, a_departure_is_as_old_as_its_stamp_and_never_late)
{
    struct wc_stamp_map map = {0};
    struct wc_clock_reading reading = reading_at(1000000, 0);
    int64_t departure_ns;

    wc_stamp_map_observe(&map, &reading);
    cr_assert(wc_stamp_departure(&map, &reading, 950000 + REAL_OFFSET, &departure_ns));
    cr_assert_eq(departure_ns, 950000 - 30);
}

Test(wc_stamp, being_scheduled_away_while_reading_makes_arrivals_later_only)
{
    struct wc_stamp_map map = {0};
    struct wc_clock_reading reading = reading_at(1000000, 0);
    int64_t arrival_ns;
    int64_t departure_ns;

    reading.before_ns -= 3000000;
    reading.after_ns += 5000000;
    wc_stamp_map_observe(&map, &reading);
    cr_assert(wc_stamp_arrival(&map, &reading, 950000 + REAL_OFFSET, &arrival_ns));
    cr_assert_geq(arrival_ns, 950000);
    cr_assert(wc_stamp_departure(&map, &reading, 950000 + REAL_OFFSET, &departure_ns));
    cr_assert_leq(departure_ns, 950000);
}

static void check_step(int64_t step_ns)
{
    struct wc_stamp_map map = {0};
    struct wc_clock_reading before = reading_at(1000000, 0);
    struct wc_clock_reading after = reading_at(2000000, step_ns);
    int64_t time_ns = 77;

    wc_stamp_map_observe(&map, &before);
    wc_stamp_map_drained(&map);
    cr_assert(wc_stamp_map_agrees(&map, &before));
    cr_assert_not(wc_stamp_map_agrees(&map, &after));
    wc_stamp_map_observe(&map, &after);

    /* One stamp was made before the step, one after it; which is which cannot be told. */
    cr_assert_not(wc_stamp_arrival(&map, &after, 1990000 + REAL_OFFSET, &time_ns));
    cr_assert_eq(time_ns, after.after_ns);
    cr_assert_not(wc_stamp_arrival(&map, &after, 1999000 + REAL_OFFSET + step_ns, &time_ns));
    cr_assert_eq(time_ns, after.after_ns);
    time_ns = 77;
    cr_assert_not(wc_stamp_departure(&map, &after, 1999000 + REAL_OFFSET + step_ns, &time_ns));
    cr_assert_eq(time_ns, 77);
}

Test(wc_stamp, a_step_of_the_system_time_forwards_hurts_no_time)
{
    check_step(3600 * INT64_C(1000000000));
    check_step(50000);
    check_step(3000);
}

Test(wc_stamp, a_step_of_the_system_time_backwards_hurts_no_time)
{
    check_step(-3600 * INT64_C(1000000000));
    check_step(-50000);
    check_step(-3000);
}

Test(wc_stamp, after_a_step_stamps_are_of_use_again_once_the_socket_was_empty)
{
    struct wc_stamp_map map = {0};
    struct wc_clock_reading reading = reading_at(1000000, 0);
    int64_t time_ns;

    wc_stamp_map_observe(&map, &reading);
    reading = reading_at(2000000, -500000000);
    wc_stamp_map_observe(&map, &reading);
    reading = reading_at(2100000, -500000000);
    wc_stamp_map_observe(&map, &reading);
    cr_assert_not(wc_stamp_arrival(&map, &reading, reading.real_ns - 10, &time_ns));
    wc_stamp_map_drained(&map);
    reading = reading_at(2200000, -500000000);
    wc_stamp_map_observe(&map, &reading);
    cr_assert(wc_stamp_arrival(&map, &reading, reading.real_ns - 10, &time_ns));
    cr_assert_eq(time_ns, reading.after_ns - 10);
}

Test(wc_stamp, a_slew_of_the_system_time_is_no_step_and_costs_less_than_a_nanosecond)
{
    struct wc_stamp_map map = {0};

    /* For an hour CLOCK_REALTIME and CLOCK_MONOTONIC run 500 ppm fast beside the time source. */
    for (int64_t at_ns = 0; at_ns < INT64_C(3600000000000); at_ns += INT64_C(7000000000)) {
        struct wc_clock_reading reading = reading_at(at_ns, 0);
        int64_t age_ns = 50000;
        int64_t stamp_ns;
        int64_t arrival_ns;

        reading.real_ns += at_ns / 2000;
        reading.mono_ns += at_ns / 2000;
        cr_assert(wc_stamp_map_agrees(&map, &reading));
        wc_stamp_map_observe(&map, &reading);
        stamp_ns = reading.real_ns - age_ns - age_ns / 2000;
        cr_assert(wc_stamp_arrival(&map, &reading, stamp_ns, &arrival_ns));
        cr_assert_leq(reading.after_ns - age_ns - arrival_ns, age_ns / 2000);
        wc_stamp_map_drained(&map);
    }
}

Test(wc_stamp, a_stamp_of_the_future_or_of_long_ago_is_of_no_use)
{
    static const int64_t ages[] = {
        -1, -1000000, WC_STAMP_MAX_AGE_NS + 1, INT64_C(1) << 62, -(INT64_C(1) << 60),
    };
    struct wc_stamp_map map = {0};
    struct wc_clock_reading reading = reading_at(5000000000, 0);
    int64_t time_ns;

    wc_stamp_map_observe(&map, &reading);
    for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
        cr_assert_not(wc_stamp_arrival(&map, &reading, reading.real_ns - ages[i], &time_ns));
        cr_assert_eq(time_ns, reading.after_ns);
    }
    cr_assert_not(wc_stamp_arrival(&map, &reading, INT64_MIN, &time_ns));
    cr_assert_not(wc_stamp_arrival(&map, &reading, INT64_MAX, &time_ns));
    cr_assert(wc_stamp_arrival(&map, &reading, reading.real_ns - WC_STAMP_MAX_AGE_NS, &time_ns));
    cr_assert(wc_stamp_arrival(&map, &reading, reading.real_ns, &time_ns));
}
