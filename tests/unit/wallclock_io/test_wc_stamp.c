#include <criterion/criterion.h>
#include <inttypes.h>

#include "dvbcss/time.h"
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
    struct wc_clock_reading earlier = reading_at(900000, 0);
    struct wc_clock_reading reading = reading_at(1000000, 0);
    int64_t arrival_ns;

    wc_stamp_map_observe(&map, &earlier);
    wc_stamp_map_observe(&map, &reading);
    /* Stamped at 950000 of the time source. */
    cr_assert(wc_stamp_arrival(&map, &reading, 950000 + REAL_OFFSET, &arrival_ns));
    cr_assert_eq(arrival_ns, 950000 + 60 + 1);
}

Test(wc_stamp, a_departure_is_as_old_as_its_stamp_and_never_late)
{
    struct wc_stamp_map map = {0};
    struct wc_clock_reading earlier = reading_at(900000, 0);
    struct wc_clock_reading reading = reading_at(1000000, 0);
    int64_t departure_ns;

    wc_stamp_map_observe(&map, &earlier);
    wc_stamp_map_observe(&map, &reading);
    cr_assert(wc_stamp_departure(&map, &reading, 950000 + REAL_OFFSET, &departure_ns));
    cr_assert_eq(departure_ns, 950000 - 30 - 1);
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
    cr_assert_eq(time_ns, reading.after_ns - 10 + 1);
}

/* ---- slews ---------------------------------------------------------------------------------- */

/* The system time runs at its own rate until it is slewed; times of the time source, in ns. */
struct slew {
    double usual_ppm;
    double ppm;
    int64_t begin_ns;
};

static int64_t gained_ns(const struct slew *slew, int64_t at_ns)
{
    double gained = (double)at_ns * slew->usual_ppm * 1e-6;

    if (at_ns > slew->begin_ns)
        gained += (double)(at_ns - slew->begin_ns) * (slew->ppm - slew->usual_ppm) * 1e-6;
    return (int64_t)gained;
}

static struct wc_clock_reading slewed_reading_at(const struct slew *slew, int64_t at_ns)
{
    struct wc_clock_reading reading = reading_at(at_ns, 0);

    reading.real_ns += gained_ns(slew, at_ns);
    reading.mono_ns += gained_ns(slew, at_ns);
    return reading;
}

/* A map that has seen two seconds of this, every @p span_ns, up to an instant. */
static struct wc_stamp_map watch(const struct slew *slew, int64_t span_ns, int64_t end_ns)
{
    struct wc_stamp_map map = {0};

    for (int64_t at_ns = end_ns - 2 * DVBCSS_NS_PER_S; at_ns <= end_ns; at_ns += span_ns) {
        struct wc_clock_reading reading = slewed_reading_at(slew, at_ns);

        cr_assert(wc_stamp_map_agrees(&map, &reading), "a slew is no step");
        wc_stamp_map_observe(&map, &reading);
        wc_stamp_map_drained(&map);
    }
    return map;
}

/* How much later than it was an arrival is told to be; a departure likewise earlier. */
struct cost {
    int64_t arrival_ns;
    int64_t departure_ns;
};

/* A packet that is stamped at an instant and taken from the kernel after some time. */
static struct cost cost_of(struct wc_stamp_map map, const struct slew *slew, int64_t at_ns,
                           int64_t age_ns)
{
    struct wc_clock_reading reading = slewed_reading_at(slew, at_ns + age_ns);
    int64_t stamp_ns = at_ns + REAL_OFFSET + gained_ns(slew, at_ns);
    int64_t arrival_ns = 0, departure_ns = 0;

    wc_stamp_map_observe(&map, &reading);
    cr_assert(wc_stamp_arrival(&map, &reading, stamp_ns, &arrival_ns));
    cr_assert(wc_stamp_departure(&map, &reading, stamp_ns, &departure_ns));
    return (struct cost){arrival_ns - at_ns, at_ns - departure_ns};
}

/* Rounding to whole nanoseconds here and there. */
#define ROUNDING_NS 3

Test(wc_stamp, no_slew_makes_an_arrival_early_or_a_departure_late)
{
    static const double ppms[] = {500, -500, 83333, -83333, 100500, -100500};
    static const int64_t ages_ns[] = {5000, 50000, 1000000, 20000000, 500000000};
    static const int64_t spans_ns[] = {5000000, 150000000, 1900000000};
    const int64_t at_ns = 5 * DVBCSS_NS_PER_S;

    for (size_t p = 0; p < sizeof ppms / sizeof ppms[0]; p++)
        for (size_t a = 0; a < sizeof ages_ns / sizeof ages_ns[0]; a++)
            for (size_t s = 0; s < sizeof spans_ns / sizeof spans_ns[0]; s++)
                /* It began long ago; shortly before the stamp, unseen; when the packet was stamped;
                 * while it waited. */
                for (int when = 0; when < 4; when++) {
                    const int64_t begins_ns[] = {0, at_ns - 1000, at_ns, at_ns + ages_ns[a] / 2};
                    struct slew slew = {20, ppms[p], begins_ns[when]};
                    struct wc_stamp_map map = watch(&slew, spans_ns[s], at_ns - 2000);
                    struct cost cost = cost_of(map, &slew, at_ns, ages_ns[a]);

                    cr_assert_geq(cost.arrival_ns, -ROUNDING_NS,
                                  "%g ppm, age %" PRId64 " ns, case %d: %" PRId64 " ns early",
                                  ppms[p], ages_ns[a], when, -cost.arrival_ns);
                    cr_assert_geq(cost.departure_ns, -ROUNDING_NS,
                                  "%g ppm, age %" PRId64 " ns, case %d: %" PRId64 " ns late",
                                  ppms[p], ages_ns[a], when, -cost.departure_ns);
                }
}

Test(wc_stamp, a_packet_that_was_stamped_before_the_last_reading_is_no_exception)
{
    const int64_t at_ns = 5 * DVBCSS_NS_PER_S;
    struct slew slew = {0, 83333, at_ns};
    struct wc_stamp_map map = watch(&slew, 5000000, at_ns + 10000000);
    struct cost cost = cost_of(map, &slew, at_ns, 20000000);

    cr_assert_geq(cost.arrival_ns, -ROUNDING_NS);
    cr_assert_geq(cost.departure_ns, -ROUNDING_NS);
}

Test(wc_stamp, a_system_time_that_runs_evenly_costs_its_share_of_the_age_at_most)
{
    static const double ppms[] = {0, 20, -20, 500, -500};
    const int64_t at_ns = 5 * DVBCSS_NS_PER_S;

    for (size_t p = 0; p < sizeof ppms / sizeof ppms[0]; p++) {
        struct slew slew = {ppms[p], ppms[p], 0};
        struct wc_stamp_map map = watch(&slew, 150000000, at_ns - 1000000);
        struct cost cost = cost_of(map, &slew, at_ns, 50000);

        /* 100 ns are those between the readings. */
        cr_assert_leq(cost.arrival_ns, 100 + 2 * 25 + ROUNDING_NS, "%" PRId64, cost.arrival_ns);
        cr_assert_leq(cost.departure_ns, 100 + 2 * 25 + ROUNDING_NS, "%" PRId64, cost.departure_ns);
    }
}

/* ---- stamps of no use ----------------------------------------------------------------------- */

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
