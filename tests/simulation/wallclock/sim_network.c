#include "sim_network.h"

#include <string.h>

#define EXPONENTIAL(constant, mean)                                                                \
    {                                                                                              \
        constant, SIM_EXPONENTIAL, mean, 0                                                         \
    }
#define LOGNORMAL(constant, median, sigma)                                                         \
    {                                                                                              \
        constant, SIM_LOGNORMAL, median, sigma                                                     \
    }

/* The way through a wireless network that nobody else uses, either direction, and its strays. */
#define QUIET EXPONENTIAL(1.0, 0.5)
#define QUIET_BOTH .up = QUIET, .down = QUIET, .stray = 0.01, .stray_mean_ms = 10

const struct sim_network sim_networks[] = {
    {
        .name = "lan",
        .up = EXPONENTIAL(0.10, 0.03),
        .down = EXPONENTIAL(0.10, 0.03),
        .stray = 0.001,
        .stray_from_ms = 0.5,
        .stray_to_ms = 2,
    },
    {.name = "wifi-quiet", QUIET_BOTH, .loss = 0.005},
    {
        .name = "wifi-busy",
        .up = LOGNORMAL(1.5, 3, 1.0),
        .down = LOGNORMAL(1.5, 3, 1.0),
        .loss = 0.03,
        .load_states = {5, 5},
        .calm = 1.0 / 3,
        .stray = 0.05,
        .stray_mean_ms = 50,
    },
    {.name = "wifi-powersave", QUIET_BOTH, .loss = 0.01, .held = 0.7, .held_period_ms = 102.4},
    {
        .name = "cellular",
        .up = EXPONENTIAL(35, 10),
        .down = EXPONENTIAL(25, 8),
        .loss = 0.01,
        .stray = 0.02,
        .stray_mean_ms = 100,
    },
    {
        .name = "asymmetric",
        .up = EXPONENTIAL(1.0, 0.3),
        .down = EXPONENTIAL(6.0, 0.3),
        .loss = 0.005,
    },
    {
        .name = "bursty-loss",
        QUIET_BOTH,
        .loss = 0.005,
        .second_loss = 0.6,
        .loss_states = {10, 2},
    },
    {
        .name = "reorder",
        .up = QUIET,
        .down = QUIET,
        .loss = 0.005,
        .stray = 0.1,
        .stray_from_ms = 5,
        .stray_to_ms = 30,
        .duplicated = 0.05,
    },
    {
        .name = "route-change",
        .up = EXPONENTIAL(2.0, 0.5),
        .down = EXPONENTIAL(2.0, 0.5),
        .loss = 0.005,
        .reroute_at_s = 3600,
        .rerouted_constant_ms = 8.0,
    },
    {
        .name = "server-restart",
        QUIET_BOTH,
        .loss = 0.005,
        .restart_at_s = 7200,
        .restart_span_s = 5,
    },
    {.name = "suspend", QUIET_BOTH, .loss = 0.005, .sleep_at_s = 10800, .sleep_span_s = 600},
    {.name = "attack", QUIET_BOTH, .loss = 0.005, .forged_per_s = 100, .replayed_per_s = 10},
};

const size_t sim_network_count = sizeof sim_networks / sizeof sim_networks[0];

const struct sim_network *sim_network_find(const char *name)
{
    for (size_t i = 0; i < sim_network_count; i++)
        if (strcmp(sim_networks[i].name, name) == 0)
            return &sim_networks[i];
    return NULL;
}

/* ---- at work -------------------------------------------------------------------------------- */

static bool second_state(struct sim_switch *states, struct sim_random *random, double now_s)
{
    if (states->states->second_mean_s == 0)
        return false;
    while (states->until_s <= now_s) {
        states->second = !states->second;
        states->until_s += sim_exponential(random, states->second ? states->states->second_mean_s
                                                                  : states->states->first_mean_s);
    }
    return states->second;
}

void sim_path_init(struct sim_path *path, const struct sim_network *network,
                   struct sim_random random)
{
    /* A switch whose state has ended turns to the first one when it is first asked. */
    *path = (struct sim_path){.network = network,
                              .random = random,
                              .loss = {&network->loss_states, true, 0},
                              .load = {&network->load_states, true, 0}};
    path->held_phase_ms = sim_uniform(&path->random, 0, network->held_period_ms);
}

static double jitter_ms(struct sim_path *path, const struct sim_way *way, double now_s)
{
    bool calm = second_state(&path->load, &path->random, now_s);
    double drawn_ms = way->shape == SIM_EXPONENTIAL
                          ? sim_exponential(&path->random, way->jitter_ms)
                          : sim_lognormal(&path->random, way->jitter_ms, way->sigma);

    return calm ? drawn_ms * path->network->calm : drawn_ms;
}

static double stray_ms(struct sim_path *path)
{
    const struct sim_network *network = path->network;

    if (!sim_chance(&path->random, network->stray))
        return 0;
    if (network->stray_mean_ms > 0)
        return sim_exponential(&path->random, network->stray_mean_ms);
    return sim_uniform(&path->random, network->stray_from_ms, network->stray_to_ms);
}

static double held_ms(struct sim_path *path, double now_ms)
{
    double period_ms = path->network->held_period_ms;

    if (!sim_chance(&path->random, path->network->held))
        return 0;
    return period_ms - fmod(now_ms + path->held_phase_ms, period_ms);
}

static int64_t draw_delay(struct sim_path *path, enum sim_direction direction, double now_s)
{
    const struct sim_network *network = path->network;
    const struct sim_way *way = direction == SIM_UP ? &network->up : &network->down;
    double constant_ms = way->constant_ms;
    double delay_ms;

    if (direction == SIM_UP && network->reroute_at_s > 0 && now_s >= network->reroute_at_s)
        constant_ms = network->rerouted_constant_ms;
    delay_ms = held_ms(path, now_s * 1e3) + constant_ms + jitter_ms(path, way, now_s);
    return (int64_t)((delay_ms + stray_ms(path)) * 1e6);
}

unsigned sim_path_send(struct sim_path *path, enum sim_direction direction, int64_t true_ns,
                       int64_t delays_ns[2])
{
    const struct sim_network *network = path->network;
    double now_s = (double)true_ns / 1e9;
    bool worse = second_state(&path->loss, &path->random, now_s);
    unsigned copies = sim_chance(&path->random, network->duplicated) ? 2 : 1;

    if (sim_chance(&path->random, worse ? network->second_loss : network->loss))
        return 0;
    for (unsigned i = 0; i < copies; i++)
        delays_ns[i] = draw_delay(path, direction, now_s);
    return copies;
}
