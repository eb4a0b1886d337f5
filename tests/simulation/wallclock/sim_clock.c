#include "sim_clock.h"

#include <math.h>

/* The frequency stays the same for so long, then changes by a step of the walk. */
#define CHANGE_NS INT64_C(10000000000)

const struct sim_clock_model sim_companion_clock = {50, 0.02, 5, 6 * 3600, 100};
const struct sim_clock_model sim_tv_clock = {20, 0.02, 5, 6 * 3600, 50};

/* A triangle of period 1 from 0 up to 1, down to -1 and up to 0. */
static double triangle(double phase)
{
    phase -= floor(phase);
    if (phase < 0.25)
        return 4 * phase;
    return phase < 0.75 ? 2 - 4 * phase : 4 * phase - 4;
}

static void set_rate(struct sim_clock *clock)
{
    double warmth = triangle(clock->triangle_phase +
                             (double)clock->at_ns / 1e9 / clock->model->triangle_period_s);

    clock->rate =
        1 + (clock->constant_ppm + clock->walked_ppm + clock->model->triangle_ppm * warmth) * 1e-6;
}

void sim_clock_init(struct sim_clock *clock, const struct sim_clock_model *model,
                    struct impair_random random, int64_t epoch_ns, int64_t step_ns)
{
    *clock = (struct sim_clock){.model = model,
                                .random = random,
                                .whole_ns = epoch_ns,
                                .next_change_ns = CHANGE_NS,
                                .step_ns = step_ns};
    clock->constant_ppm = model->range_ppm * (2 * impair_random_uniform(&clock->random) - 1);
    clock->triangle_phase = impair_random_uniform(&clock->random);
    set_rate(clock);
}

static void run_to(struct sim_clock *clock, int64_t true_ns)
{
    double moved_ns = clock->fraction_ns + (double)(true_ns - clock->at_ns) * clock->rate;
    double whole_ns = floor(moved_ns);

    clock->whole_ns += (int64_t)whole_ns;
    clock->fraction_ns = moved_ns - whole_ns;
    clock->at_ns = true_ns;
}

static void change_frequency(struct sim_clock *clock)
{
    double minutes = (double)CHANGE_NS / 60e9;

    clock->next_change_ns = clock->at_ns + CHANGE_NS;
    clock->walked_ppm +=
        clock->model->walk_ppm * sqrt(minutes) * impair_random_normal(&clock->random);
    set_rate(clock);
}

void sim_clock_advance(struct sim_clock *clock, int64_t true_ns)
{
    while (clock->next_change_ns <= true_ns) {
        run_to(clock, clock->next_change_ns);
        change_frequency(clock);
    }
    run_to(clock, true_ns);
}

void sim_clock_sleep(struct sim_clock *clock, int64_t until_true_ns)
{
    clock->at_ns = until_true_ns;
    if (clock->next_change_ns < until_true_ns)
        clock->next_change_ns = until_true_ns;
}

int64_t sim_clock_read(const struct sim_clock *clock)
{
    return clock->whole_ns / clock->step_ns * clock->step_ns;
}
