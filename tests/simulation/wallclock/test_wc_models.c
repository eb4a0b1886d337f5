/*
 * The simulated world is the one that its models describe.
 */
#include <criterion/criterion.h>

#include "sim_clock.h"
#include "sim_network.h"
#include "sim_run.h"

#define S INT64_C(1000000000)

/* ---- networks ------------------------------------------------------------------------------- */

enum { PACKETS = 200000 };

struct observed {
    double lost;
    double least_ms;
    double mean_ms;
    double copies;
};

/* Sends packets ten milliseconds apart, from a time on. */
static struct observed observe(const char *name, enum sim_direction direction, double from_s)
{
    struct observed observed = {.least_ms = INFINITY};
    struct sim_random random = {7};
    struct sim_path path;
    unsigned arrived = 0, lost = 0;

    cr_assert_not_null(sim_network_find(name), "%s", name);
    sim_path_init(&path, sim_network_find(name), random);
    for (int64_t i = 0; i < PACKETS; i++) {
        int64_t delays_ns[2];
        unsigned copies =
            sim_path_send(&path, direction, (int64_t)(from_s * 1e9) + i * 10000000, delays_ns);

        lost += copies == 0;
        for (unsigned c = 0; c < copies; c++) {
            observed.least_ms = fmin(observed.least_ms, (double)delays_ns[c] / 1e6);
            observed.mean_ms += (double)delays_ns[c] / 1e6;
            arrived++;
        }
    }
    observed.lost = lost / (double)PACKETS;
    observed.mean_ms /= arrived;
    observed.copies = arrived / (double)(PACKETS - lost);
    return observed;
}

struct expected {
    const char *name;
    enum sim_direction direction;
    double from_s;
    double lost, least_ms, mean_ms, copies;
};

/* By hand from the description: constant, mean of the jitter, share times mean of the strays. The
 * lognormal's mean is median * exp(sigma^2 / 2), half of the time a third of it. */
static const struct expected networks[] = {
    {"lan", SIM_UP, 0, 0, 0.1, 0.1 + 0.03 + 0.001 * 1.25, 1},
    {"wifi-quiet", SIM_DOWN, 0, 0.005, 1.0, 1.0 + 0.5 + 0.01 * 10, 1},
    {"wifi-busy", SIM_UP, 0, 0.03, 1.5, 1.5 + 3 * 1.6487 * 2 / 3 + 0.05 * 50, 1},
    {"wifi-powersave", SIM_UP, 0, 0.01, 1.0, 1.6 + 0.7 * 51.2, 1},
    {"cellular", SIM_UP, 0, 0.01, 35, 35 + 10 + 0.02 * 100, 1},
    {"cellular", SIM_DOWN, 0, 0.01, 25, 25 + 8 + 0.02 * 100, 1},
    {"asymmetric", SIM_DOWN, 0, 0.005, 6.0, 6.3, 1},
    {"bursty-loss", SIM_UP, 0, (0.005 * 10 + 0.6 * 2) / 12, 1.0, 1.6, 1},
    {"reorder", SIM_UP, 0, 0.005, 1.0, 1.5 + 0.1 * 17.5, 1.05},
    {"route-change", SIM_UP, 1500, 0.005, 2.0, 2.5, 1},
    {"route-change", SIM_UP, 3600, 0.005, 8.0, 8.5, 1},
    {"route-change", SIM_DOWN, 3600, 0.005, 2.0, 2.5, 1},
};

Test(wc_models, packets_are_delayed_lost_and_doubled_as_each_model_says)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        const struct expected *expected = &networks[i];
        struct observed observed = observe(expected->name, expected->direction, expected->from_s);
        /* A state that lasts for seconds makes shares less even. */
        double tolerance = expected->lost > 0.02 ? 0.2 : 0.03;

        cr_expect_float_eq(observed.lost, expected->lost, 0.001 + tolerance * expected->lost,
                           "%s: lost %g", expected->name, observed.lost);
        cr_expect_float_eq(observed.least_ms, expected->least_ms, 0.03 * expected->least_ms + 0.05,
                           "%s: least %g", expected->name, observed.least_ms);
        cr_expect_float_eq(observed.mean_ms, expected->mean_ms, tolerance * expected->mean_ms,
                           "%s: mean %g", expected->name, observed.mean_ms);
        cr_expect_float_eq(observed.copies, expected->copies, 0.003, "%s: copies %g",
                           expected->name, observed.copies);
    }
}

Test(wc_models, a_held_packet_goes_on_at_a_multiple_of_the_period)
{
    struct sim_random random = {3};
    struct sim_network network = *sim_network_find("wifi-powersave");
    struct sim_path path;
    double phase_ms = NAN;

    network.held = 1;
    network.loss = 0;
    network.stray = 0;
    network.up.jitter_ms = 0;
    sim_path_init(&path, &network, random);
    for (int64_t at_ms = 0; at_ms < 100000; at_ms += 37) {
        int64_t delays_ns[2];
        double arrival_ms;

        cr_assert_eq(sim_path_send(&path, SIM_UP, at_ms * 1000000, delays_ns), 1);
        cr_assert(delays_ns[0] <= 103400001, "held for %lld ns", (long long)delays_ns[0]);
        arrival_ms = fmod((double)at_ms + (double)delays_ns[0] / 1e6, 102.4);
        if (isnan(phase_ms))
            phase_ms = arrival_ms;
        cr_assert_float_eq(fmod(arrival_ms - phase_ms + 153.6, 102.4), 51.2, 1e-3);
    }
}

/* ---- clocks --------------------------------------------------------------------------------- */

static void check_clock(const struct sim_clock_model *model, double limit_ppm)
{
    double lowest_ppm = INFINITY, highest_ppm = -INFINITY, most_moved_ppm = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim_random random = {seed};
        struct sim_clock clock;
        int64_t shown_ns;

        sim_clock_init(&clock, model, random, 5 * S, 1);
        shown_ns = sim_clock_read(&clock);
        cr_assert_eq(shown_ns, 5 * S);
        for (int64_t minute = 1; minute <= 24 * 60; minute++) {
            double ppm;

            sim_clock_advance(&clock, minute * 60 * S);
            ppm = ((double)(sim_clock_read(&clock) - shown_ns) / 60e9 - 1) * 1e6;
            shown_ns = sim_clock_read(&clock);
            cr_assert(fabs(ppm) <= model->declared_ppm, "%g ppm", ppm);
            lowest_ppm = fmin(lowest_ppm, ppm);
            highest_ppm = fmax(highest_ppm, ppm);
            most_moved_ppm = fmax(most_moved_ppm, fabs(ppm - clock.constant_ppm));
        }
    }
    cr_expect(lowest_ppm < -0.8 * limit_ppm && highest_ppm > 0.8 * limit_ppm, "%g to %g",
              lowest_ppm, highest_ppm);
    cr_expect(most_moved_ppm > 5 && most_moved_ppm < 10, "%g ppm", most_moved_ppm);
}

Test(wc_models, clocks_wander_within_the_limits_that_they_declare)
{
    check_clock(&sim_companion_clock, 55);
    check_clock(&sim_tv_clock, 25);
}

Test(wc_models, a_sleeping_clock_stands_still)
{
    struct sim_random random = {1};
    struct sim_clock clock;
    int64_t shown_ns;

    sim_clock_init(&clock, &sim_companion_clock, random, 0, 1);
    sim_clock_advance(&clock, 100 * S);
    shown_ns = sim_clock_read(&clock);
    sim_clock_sleep(&clock, 700 * S);
    cr_assert_eq(sim_clock_read(&clock), shown_ns);
    sim_clock_advance(&clock, 701 * S);
    cr_assert_float_eq((double)(sim_clock_read(&clock) - shown_ns), 1e9, 1e5);
}

/* ---- runs ----------------------------------------------------------------------------------- */

Test(wc_models, a_seed_makes_a_run_repeatable)
{
    struct sim_setting setting = {.network = sim_network_find("wifi-busy"),
                                  .rule = sim_rule_find("tracking"),
                                  .seed = 5,
                                  .duration_s = 300};
    struct sim_result first, second, other;

    sim_run(&setting, &first);
    sim_run(&setting, &second);
    setting.seed = 6;
    sim_run(&setting, &other);
    cr_assert_eq(first.p95_ms, second.p95_ms);
    cr_assert_eq(first.requester.sent, second.requester.sent);
    cr_assert_neq(first.p95_ms, other.p95_ms);
}
