#include "impair_model.h"

#include <math.h>
#include <string.h>

/* ---- the models ----------------------------------------------------------------------------- */

#define EXPONENTIAL(base, mean)                                                                    \
    {                                                                                              \
        (base), IMPAIR_EXPONENTIAL, (mean), 0                                                      \
    }
#define LOGNORMAL(base, median, sigma)                                                             \
    {                                                                                              \
        (base), IMPAIR_LOGNORMAL, (median), (sigma)                                                \
    }
#define UNIFORM(low, high)                                                                         \
    {                                                                                              \
        (low), IMPAIR_UNIFORM, (high) - (low), 0                                                   \
    }

/* A wireless network at home with nothing else to do. */
#define WIFI_QUIET_WAYS                                                                            \
    {                                                                                              \
        EXPONENTIAL(1.0, 0.5), EXPONENTIAL(1.0, 0.5)                                               \
    }
#define WIFI_QUIET                                                                                 \
    .delay = WIFI_QUIET_WAYS, .loss = 0.005, .extra_share = 0.01, .extra = EXPONENTIAL(0, 10)

const struct impair_model impair_models[] = {
    {.name = "none", .summary = "everything passes at once"},
    {.name = "lan",
     .summary = "a switch or two: 0.1 ms each way, rarely 2 ms",
     .delay = {EXPONENTIAL(0.10, 0.03), EXPONENTIAL(0.10, 0.03)},
     .extra_share = 0.001,
     .extra = UNIFORM(0.5, 2)},
    {.name = "wifi-quiet", .summary = "a wireless network with little to do", WIFI_QUIET},
    {.name = "wifi-busy",
     .summary = "a wireless network under load that comes and goes",
     .delay = {LOGNORMAL(1.5, 3, 1.0), LOGNORMAL(1.5, 3, 1.0)},
     .loss = 0.03,
     .load_phases = {5, 5},
     .calm_divisor = 3,
     .extra_share = 0.05,
     .extra = EXPONENTIAL(0, 50)},
    {.name = "wifi-powersave",
     .summary = "a companion that sleeps between the beacons of its access point",
     .delay = WIFI_QUIET_WAYS,
     .loss = 0.01,
     .extra_share = 0.01,
     .extra = EXPONENTIAL(0, 10),
     .held_share = 0.7,
     .beacon_ms = 102.4},
    {.name = "cellular",
     .summary = "a mobile network: 35 ms up, 25 ms down",
     .delay = {EXPONENTIAL(35, 10), EXPONENTIAL(25, 8)},
     .loss = 0.01,
     .extra_share = 0.02,
     .extra = EXPONENTIAL(0, 100)},
    {.name = "asymmetric",
     .summary = "the way down takes 5 ms longer, which nobody can see",
     .delay = {EXPONENTIAL(1.0, 0.3), EXPONENTIAL(6.0, 0.3)},
     .loss = 0.005},
    {.name = "bursty-loss",
     .summary = "wifi-quiet, with 2 s of heavy loss every 12 s",
     .delay = WIFI_QUIET_WAYS,
     .loss = 0.005,
     .bad_loss = 0.6,
     .loss_phases = {10, 2},
     .extra_share = 0.01,
     .extra = EXPONENTIAL(0, 10)},
    {.name = "reorder",
     .summary = "datagrams overtake each other, some arrive twice",
     .delay = WIFI_QUIET_WAYS,
     .loss = 0.005,
     .extra_share = 0.1,
     .extra = UNIFORM(5, 30),
     .duplicate_share = 0.05},
    {.name = "route-change",
     .summary = "from 1 h on the way up takes 6 ms longer",
     .delay = {EXPONENTIAL(2.0, 0.5), EXPONENTIAL(2.0, 0.5)},
     .loss = 0.005,
     .event = IMPAIR_ROUTE_CHANGE,
     .event_at_s = 3600,
     .event_delay_ms = 6},
    {.name = "server-restart",
     .summary = "wifi-quiet; at 2 h the server is away for 5 s",
     WIFI_QUIET,
     .event = IMPAIR_SERVER_RESTART,
     .event_at_s = 7200,
     .event_for_s = 5},
    {.name = "suspend",
     .summary = "wifi-quiet; at 3 h the client sleeps for 10 min",
     WIFI_QUIET,
     .event = IMPAIR_CLIENT_SLEEP,
     .event_at_s = 10800,
     .event_for_s = 600},
    {.name = "attack",
     .summary = "wifi-quiet; forged and replayed answers come in between",
     WIFI_QUIET,
     .forged_hz = 100,
     .replayed_hz = 10},
    {.name = NULL},
};

const struct impair_model *impair_model_find(const char *name)
{
    for (const struct impair_model *model = impair_models; model->name; model++) {
        if (strcmp(model->name, name) == 0)
            return model;
    }
    return NULL;
}

/* ---- what becomes of a datagram ------------------------------------------------------------- */

enum { STREAM_LOSS = IMPAIR_DIRECTIONS, STREAM_LOAD, STREAM_BEACON, STREAMS };

_Static_assert((int)STREAMS <= (int)IMPAIR_STREAM_FREE, "others draw from the rest");

static double draw_jitter_ms(struct impair_random *random, const struct impair_delay *delay)
{
    switch (delay->spread) {
    case IMPAIR_LOGNORMAL:
        return delay->jitter_ms * exp(delay->sigma * impair_random_normal(random));
    case IMPAIR_UNIFORM:
        return delay->jitter_ms * impair_random_uniform(random);
    default:
        return impair_random_exponential(random, delay->jitter_ms);
    }
}

static int64_t nanoseconds(double ms)
{
    return (int64_t)llround(ms * 1e6);
}

/* The longest that any datagram is under way: draws have no upper limit, a queue has. */
static const double delay_max_ms = 60000;

/* For models that say nothing of them: what access points do, and wifi-busy. */
static const double beacon_default_ms = 102.4;
static const double calm_divisor_default = 3;

/* Far longer than anything runs; the sum with a time stays in range. */
static const double phase_max_s = 1e9;

/* Whether the walk is in its second state at a time. */
static bool walk_phases(struct impair_phase_walk *walk, const struct impair_phases *phases,
                        int64_t now_ns)
{
    while (phases->first_mean_s > 0 && now_ns >= walk->until_ns) {
        double mean_s, span_s;

        /* It begins with the first state. */
        walk->second = walk->until_ns > 0 && !walk->second;
        mean_s = walk->second ? phases->second_mean_s : phases->first_mean_s;
        span_s = impair_random_exponential(&walk->random, mean_s);
        walk->until_ns += 1 + nanoseconds(fmin(span_s, phase_max_s) * 1e3);
    }
    return walk->second;
}

void impair_network_init(struct impair_network *network, const struct impair_model *model,
                         uint64_t seed)
{
    struct impair_random beacon;

    *network = (struct impair_network){.model = *model};
    if (network->model.beacon_ms <= 0)
        network->model.beacon_ms = beacon_default_ms;
    if (network->model.calm_divisor <= 0)
        network->model.calm_divisor = calm_divisor_default;
    for (unsigned i = 0; i < IMPAIR_DIRECTIONS; i++)
        impair_random_seed(&network->random[i], seed, i);
    impair_random_seed(&network->loss.random, seed, STREAM_LOSS);
    impair_random_seed(&network->load.random, seed, STREAM_LOAD);
    impair_random_seed(&beacon, seed, STREAM_BEACON);
    network->beacon_phase_ms = impair_random_uniform(&beacon) * network->model.beacon_ms;
}

/* How long a datagram waits for the beacon. It does so at the access point, before its way over the
 * air, so that it arrives as much after the beacon as that way takes: delivering it at the beacon
 * itself would hide its jitter, and most of what strays. */
static double draw_held_ms(struct impair_network *network, struct impair_random *random,
                           int64_t now_ns)
{
    double beacon_ms = network->model.beacon_ms;

    if (!impair_random_chance(random, network->model.held_share))
        return 0;
    return beacon_ms - fmod((double)now_ns / 1e6 + network->beacon_phase_ms, beacon_ms);
}

static double draw_delay_ms(struct impair_network *network, enum impair_direction direction,
                            int64_t now_ns, bool calm)
{
    const struct impair_model *model = &network->model;
    struct impair_random *random = &network->random[direction];
    double jitter_ms = draw_jitter_ms(random, &model->delay[direction]);
    double delay_ms =
        model->delay[direction].base_ms + (calm ? jitter_ms / model->calm_divisor : jitter_ms);

    if (impair_random_chance(random, model->extra_share))
        delay_ms += model->extra.base_ms + draw_jitter_ms(random, &model->extra);
    if (model->event == IMPAIR_ROUTE_CHANGE && direction == IMPAIR_UP &&
        now_ns >= nanoseconds(model->event_at_s * 1e3))
        delay_ms += model->event_delay_ms;
    return delay_ms + draw_held_ms(network, random, now_ns);
}

bool impair_network_is_out(const struct impair_network *network, int64_t now_ns)
{
    const struct impair_model *model = &network->model;
    int64_t since_ns = now_ns - nanoseconds(model->event_at_s * 1e3);

    return (model->event == IMPAIR_SERVER_RESTART || model->event == IMPAIR_CLIENT_SLEEP) &&
           since_ns >= 0 && since_ns < nanoseconds(model->event_for_s * 1e3);
}

struct impair_fate impair_network_draw(struct impair_network *network,
                                       enum impair_direction direction, int64_t now_ns)
{
    const struct impair_model *model = &network->model;
    struct impair_random *random = &network->random[direction];
    struct impair_fate fate = {0, {0, 0}};
    bool bad = walk_phases(&network->loss, &model->loss_phases, now_ns);
    bool calm = walk_phases(&network->load, &model->load_phases, now_ns);

    if (impair_random_chance(random, bad ? model->bad_loss : model->loss) ||
        impair_network_is_out(network, now_ns))
        return fate;
    fate.copies = impair_random_chance(random, model->duplicate_share) ? 2 : 1;
    for (unsigned i = 0; i < fate.copies; i++)
        fate.delay_ns[i] =
            nanoseconds(fmin(draw_delay_ms(network, direction, now_ns, calm), delay_max_ms));
    return fate;
}
