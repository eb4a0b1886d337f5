/*
 * The simulated world is the one that its models describe.
 */
#include <criterion/criterion.h>
#include <math.h>

#include "sim_clock.h"
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
static struct observed observe(const char *name, enum impair_direction direction, double from_s)
{
    struct observed observed = {.least_ms = INFINITY};
    struct impair_network network;
    unsigned arrived = 0, lost = 0;

    cr_assert_not_null(impair_model_find(name), "%s", name);
    impair_network_init(&network, impair_model_find(name), 7);
    for (int64_t i = 0; i < PACKETS; i++) {
        struct impair_fate fate =
            impair_network_draw(&network, direction, (int64_t)(from_s * 1e9) + i * 10000000);

        lost += fate.copies == 0;
        for (unsigned c = 0; c < fate.copies; c++) {
            observed.least_ms = fmin(observed.least_ms, (double)fate.delay_ns[c] / 1e6);
            observed.mean_ms += (double)fate.delay_ns[c] / 1e6;
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
    enum impair_direction direction;
    double from_s;
    double lost, least_ms, mean_ms, copies;
};

/* By hand from the description: constant, mean of the jitter, share times mean of the strays. The
 * lognormal's mean is median * exp(sigma^2 / 2), half of the time a third of it. */
static const struct expected networks[] = {
    {"lan", IMPAIR_UP, 0, 0, 0.1, 0.1 + 0.03 + 0.001 * 1.25, 1},
    {"wifi-quiet", IMPAIR_DOWN, 0, 0.005, 1.0, 1.0 + 0.5 + 0.01 * 10, 1},
    {"wifi-busy", IMPAIR_UP, 0, 0.03, 1.5, 1.5 + 3 * 1.6487 * 2 / 3 + 0.05 * 50, 1},
    {"wifi-powersave", IMPAIR_UP, 0, 0.01, 1.0, 1.6 + 0.7 * 51.2, 1},
    {"cellular", IMPAIR_UP, 0, 0.01, 35, 35 + 10 + 0.02 * 100, 1},
    {"cellular", IMPAIR_DOWN, 0, 0.01, 25, 25 + 8 + 0.02 * 100, 1},
    {"asymmetric", IMPAIR_DOWN, 0, 0.005, 6.0, 6.3, 1},
    {"bursty-loss", IMPAIR_UP, 0, (0.005 * 10 + 0.6 * 2) / 12, 1.0, 1.6, 1},
    {"reorder", IMPAIR_UP, 0, 0.005, 1.0, 1.5 + 0.1 * 17.5, 1.05},
    {"route-change", IMPAIR_UP, 1500, 0.005, 2.0, 2.5, 1},
    {"route-change", IMPAIR_UP, 3600, 0.005, 8.0, 8.5, 1},
    {"route-change", IMPAIR_DOWN, 3600, 0.005, 2.0, 2.5, 1},
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

/* Holds every packet, and returns when within the period they arrive, which is always the same. */
static double arrival_phase_ms(uint64_t seed)
{
    struct impair_model model = *impair_model_find("wifi-powersave");
    struct impair_network network;
    double phase_ms = NAN;

    model.held_share = 1;
    model.loss = 0;
    model.extra_share = 0;
    model.delay[IMPAIR_UP].jitter_ms = 0;
    impair_network_init(&network, &model, seed);
    for (int64_t at_ms = 0; at_ms < 100000; at_ms += 37) {
        struct impair_fate fate = impair_network_draw(&network, IMPAIR_UP, at_ms * 1000000);
        double arrival_ms = fmod((double)at_ms + (double)fate.delay_ns[0] / 1e6, 102.4);

        cr_assert_eq(fate.copies, 1);
        cr_assert(fate.delay_ns[0] <= 103400001, "held for %lld ns", (long long)fate.delay_ns[0]);
        if (isnan(phase_ms))
            phase_ms = arrival_ms;
        cr_assert_float_eq(fmod(arrival_ms - phase_ms + 153.6, 102.4), 51.2, 1e-3);
    }
    return phase_ms;
}

Test(wc_models, held_packets_go_on_at_the_same_phase_all_the_time_which_the_seed_decides)
{
    cr_assert_eq(arrival_phase_ms(3), arrival_phase_ms(3));
    cr_assert_float_neq(arrival_phase_ms(3), arrival_phase_ms(4), 1);
}

/* Whoever goes over the air after the beacon still has its jitter. */
Test(wc_models, a_held_packet_is_as_jittery_as_any_other)
{
    struct impair_model model = *impair_model_find("wifi-powersave");
    struct impair_network network;
    double sum_ms = 0;

    model.held_share = 1;
    model.loss = 0;
    model.extra_share = 0;
    impair_network_init(&network, &model, 5);
    for (int64_t i = 0; i < PACKETS; i++) {
        struct impair_fate fate = impair_network_draw(&network, IMPAIR_DOWN, i * 10000000);
        double at_ms = (double)i * 10 + network.beacon_phase_ms;

        sum_ms += (double)fate.delay_ns[0] / 1e6 - (102.4 - fmod(at_ms, 102.4));
    }
    cr_assert_float_eq(sum_ms / PACKETS, 1.5, 0.01);
}

/* ---- clocks --------------------------------------------------------------------------------- */

static void check_clock(const struct sim_clock_model *model, double limit_ppm)
{
    double lowest_ppm = INFINITY, highest_ppm = -INFINITY, most_moved_ppm = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct impair_random random;
        struct sim_clock clock;
        int64_t shown_ns;

        impair_random_seed(&random, seed, 0);
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
    struct impair_random random;
    struct sim_clock clock;
    int64_t shown_ns;

    impair_random_seed(&random, 1, 0);
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
    struct sim_setting setting = {.network = impair_model_find("wifi-busy"),
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
