/*
 * Requester, network, responder and estimator together in virtual time: whatever the network does,
 * the wall clock's bound covers its true error as long as both maximum frequency errors are true.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "dvbcss/wc.h"
#include "dvbcss/wc_estimator.h"
#include "dvbcss/wc_requester.h"
#include "dvbcss/wc_tracking.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

/* ---- a world with a true time --------------------------------------------------------------- */

/* A clock that is off by a constant frequency error and shows whole steps only. */
struct skewed {
    double speed;
    int64_t epoch_ns;
    int64_t step_ns;
};

/* How a direction of the network delays: a constant, and an exponential tail. */
struct direction {
    double constant_ns;
    double mean_ns;
};

struct network {
    const char *name;
    struct direction up, down;
    double loss;
    /* Share of packets that are delayed by up to 100 ms more: they are overtaken. */
    double stray;
};

struct world {
    uint64_t random;
    int64_t true_ns;
    struct skewed local, server;
    const struct network *network;
    struct dvbcss_clock *root, *wall_clock;
    struct dvbcss_wc_estimator *estimator;
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_responder responder;
    bool follow_up;
    /* Answers on their way back. */
    struct {
        int64_t arrival_ns;
        uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];
    } flying[64];
    unsigned flying_count;
    unsigned checks, jumps, used;
    bool excused;
    double worst_share;
};

static uint64_t draw(struct world *world)
{
    uint64_t mixed = world->random += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static double draw_unit(struct world *world)
{
    return (double)(draw(world) >> 11) * 0x1p-53;
}

static int64_t draw_delay(struct world *world, struct direction direction)
{
    double delay_ns = direction.constant_ns - direction.mean_ns * log(1 - draw_unit(world));

    if (draw_unit(world) < world->network->stray)
        delay_ns += 100e6 * draw_unit(world);
    return (int64_t)delay_ns;
}

/* What a clock would show could it be read exactly. */
static long double exactly(const struct skewed *clock, int64_t true_ns)
{
    return (long double)clock->epoch_ns + (long double)true_ns * (long double)clock->speed;
}

static int64_t show(const struct skewed *clock, int64_t true_ns)
{
    return (int64_t)floorl(exactly(clock, true_ns) / (long double)clock->step_ns) * clock->step_ns;
}

static int64_t local_now(void *user)
{
    const struct world *world = user;

    return show(&world->local, world->true_ns);
}

/* ---- what happens in it --------------------------------------------------------------------- */

static void fly(struct world *world, int64_t arrival_ns, const uint8_t *bytes)
{
    if (draw_unit(world) < world->network->loss)
        return;
    cr_assert(world->flying_count < sizeof world->flying / sizeof *world->flying);
    world->flying[world->flying_count].arrival_ns = arrival_ns;
    memcpy(world->flying[world->flying_count].bytes, bytes, DVBCSS_WC_MESSAGE_SIZE);
    world->flying_count++;
}

/* The server answers after 50 us, or what its clock shows of them. */
static void ask_server(struct world *world, const uint8_t *request)
{
    int64_t arrival_ns = world->true_ns + draw_delay(world, world->network->up);
    int64_t departure_ns = arrival_ns + 50000;
    uint8_t answer[DVBCSS_WC_MESSAGE_SIZE];

    if (draw_unit(world) < world->network->loss)
        return;
    cr_assert_eq(dvbcss_wc_respond(&world->responder, request, DVBCSS_WC_MESSAGE_SIZE,
                                   show(&world->server, arrival_ns),
                                   show(&world->server, departure_ns - 20000), answer),
                 DVBCSS_WC_ANSWERED);
    fly(world, departure_ns + draw_delay(world, world->network->down), answer);
    if (!world->follow_up)
        return;
    cr_assert_eq(dvbcss_wc_follow_up(answer, show(&world->server, departure_ns), answer), 0);
    fly(world, departure_ns + 30000 + draw_delay(world, world->network->down), answer);
}

/* The bound holds now; how much of it was used up. */
static void check(struct world *world)
{
    double bound_s = dvbcss_wc_estimator_dispersion_s(world->estimator, local_now(world));
    struct dvbcss_ticks shown = dvbcss_clock_now(world->wall_clock);
    long double error_ns = (long double)shown.whole + (long double)shown.fraction * 0x1p-64L -
                           exactly(&world->server, world->true_ns);

    world->checks++;
    if (bound_s == INFINITY || world->excused)
        return;
    cr_assert(fabsl(error_ns) <= (long double)bound_s * 1e9L,
              "%s: off by %.0Lf ns, claimed %.0f ns, after %.3f s", world->network->name, error_ns,
              bound_s * 1e9, (double)world->true_ns / 1e9);
    if (fabs((double)error_ns) / (bound_s * 1e9) > world->worst_share)
        world->worst_share = fabs((double)error_ns) / (bound_s * 1e9);
}

static void estimate(struct world *world, const struct dvbcss_wc_candidate *candidate)
{
    struct dvbcss_wc_outcome outcome;

    check(world);
    cr_assert_eq(dvbcss_wc_estimator_add(world->estimator, candidate, local_now(world), &outcome),
                 0);
    check(world);
    world->jumps += outcome.jumped;
    world->used += outcome.adjusted;
    dvbcss_wc_requester_plan(world->requester, &outcome);
}

static void deliver(struct world *world, unsigned index)
{
    struct dvbcss_wc_arrival arrival = {world->flying[index].bytes, DVBCSS_WC_MESSAGE_SIZE,
                                        local_now(world), true, false};
    struct dvbcss_wc_candidate candidate;

    if (dvbcss_wc_requester_received(world->requester, &arrival, &candidate) == DVBCSS_WC_ACCEPTED)
        estimate(world, &candidate);
    world->flying[index] = world->flying[--world->flying_count];
}

/* Does what is to be done now; returns the local time at which there is more. */
static int64_t act(struct world *world)
{
    for (;;) {
        struct dvbcss_wc_step step;

        dvbcss_wc_requester_next(world->requester, local_now(world), draw(world), &step);
        switch (step.action) {
        case DVBCSS_WC_SEND:
            ask_server(world, step.request);
            break;
        case DVBCSS_WC_CANDIDATE:
            estimate(world, &step.candidate);
            break;
        case DVBCSS_WC_TIMEOUT:
            estimate(world, NULL);
            break;
        case DVBCSS_WC_WAIT:
            return step.wait_until_ns;
        }
    }
}

static void run(struct world *world, int64_t span_ns)
{
    int64_t end_ns = world->true_ns + span_ns;

    while (world->true_ns < end_ns) {
        int64_t wait_ns = act(world) - local_now(world);
        int64_t next_ns = world->true_ns + (wait_ns > 0 ? wait_ns : 1) + world->local.step_ns;
        unsigned first = world->flying_count;

        for (unsigned i = 0; i < world->flying_count; i++) {
            if (world->flying[i].arrival_ns < next_ns) {
                next_ns = world->flying[i].arrival_ns;
                first = i;
            }
        }
        world->true_ns = next_ns;
        check(world);
        if (first < world->flying_count)
            deliver(world, first);
    }
}

/* ---- setting it up -------------------------------------------------------------------------- */

#define MAX_PPM 500.0

static void begin(struct world *world, const struct network *network, double local_ppm,
                  double server_ppm, int64_t step_ns, uint64_t seed)
{
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_requester_options requester = DVBCSS_WC_REQUESTER_OPTIONS_INIT;
    struct dvbcss_wc_responder_options responder = {(double)step_ns / 1e9, MAX_PPM, false};

    memset(world, 0, sizeof *world);
    world->random = seed;
    world->network = network;
    world->local = (struct skewed){1 + local_ppm * 1e-6, 3 * S, step_ns};
    world->server = (struct skewed){1 + server_ppm * 1e-6, 1000000 * S, step_ns};
    world->follow_up = seed % 2;
    responder.follow_up = world->follow_up;
    root.now_ns = local_now;
    root.user = world;
    root.precision_s = (double)step_ns / 1e9;
    root.max_freq_error_ppm = MAX_PPM;
    requester.local_precision_s = root.precision_s;
    requester.local_max_freq_error_ppm = MAX_PPM;
    requester.usable_age_ns = 5 * S;
    cr_assert_eq(dvbcss_wc_responder_init(&world->responder, &responder), 0);
    cr_assert_eq(dvbcss_wc_requester_create(&world->requester, &requester), 0);
    cr_assert_eq(dvbcss_root_clock_create(&world->root, &root), 0);
    cr_assert_eq(dvbcss_tunable_clock_create(&world->wall_clock, world->root,
                                             dvbcss_rate_hz(1000000000), dvbcss_ticks(0)),
                 0);
}

static void end(struct world *world)
{
    dvbcss_wc_requester_destroy(world->requester);
    dvbcss_wc_estimator_destroy(world->estimator);
    dvbcss_clock_destroy(world->wall_clock);
    dvbcss_clock_destroy(world->root);
}

/* TRACKING is never told that time passes: its slews go on for too long, and the bound has to
 * cover that as well. */
enum kind { LOWEST_DISPERSION, MOST_RECENT, FILTER_PREDICT, TRACKING, KINDS };

static void use(struct world *world, enum kind kind)
{
    struct dvbcss_wc_estimator_options options = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct dvbcss_wc_filter filter;
    int error = DVBCSS_EINVAL;

    options.wall_clock = world->wall_clock;
    switch (kind) {
    case LOWEST_DISPERSION:
        error = dvbcss_wc_lowest_dispersion_create(&world->estimator, &options);
        break;
    case MOST_RECENT:
        error = dvbcss_wc_most_recent_create(&world->estimator, &options);
        break;
    case TRACKING:
        error = dvbcss_wc_tracking_create(&world->estimator, &options, NULL);
        break;
    default:
        cr_assert_eq(dvbcss_wc_rtt_filter_create(&filter, 30 * MS), 0);
        error = dvbcss_wc_filter_predict_create(&world->estimator, &options, &filter, 1, NULL);
        break;
    }
    cr_assert_eq(error, 0);
}

static const struct network networks[] = {
    {"no delay at all", {0, 0}, {0, 0}, 0, 0},
    {"lan", {100e3, 30e3}, {100e3, 30e3}, 0, 0.001},
    {"wireless", {1.5e6, 3e6}, {1.5e6, 3e6}, 0.05, 0.05},
    {"all on the way there", {20e6, 1e6}, {0, 0}, 0.01, 0},
    {"all on the way back", {0, 0}, {20e6, 1e6}, 0.01, 0},
    {"reordering", {1e6, 1e6}, {1e6, 1e6}, 0.01, 0.5},
    {"nearly nothing arrives", {1e6, 5e6}, {1e6, 5e6}, 0.7, 0.2},
};

#define NETWORKS (sizeof networks / sizeof *networks)

Test(wc_bound, the_bound_covers_the_true_error_on_every_network_at_the_limits_of_both_clocks)
{
    static const double limits[][2] = {{MAX_PPM, -MAX_PPM}, {-MAX_PPM, MAX_PPM}, {0, 0},
                                       {MAX_PPM, MAX_PPM},  {-37, 12},           {MAX_PPM, 0}};
    uint64_t seed = 1;

    for (size_t n = 0; n < NETWORKS; n++) {
        for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
            for (int kind = 0; kind < KINDS; kind++) {
                struct world world;

                begin(&world, &networks[n], limits[l][0], limits[l][1], 1, seed++);
                use(&world, (enum kind)kind);
                run(&world, 60 * S);
                cr_assert(world.checks > 100);
                cr_assert(world.used > 3, "%s", world.network->name);
                cr_assert_eq(world.jumps, 0, "no clock jumped");
                cr_assert(dvbcss_clock_available(world.wall_clock));
                end(&world);
            }
        }
    }
}

Test(wc_bound, the_bound_covers_the_true_error_with_clocks_of_a_millisecond)
{
    uint64_t seed = 1000;

    for (size_t n = 0; n < NETWORKS; n++) {
        for (int kind = 0; kind < KINDS; kind++) {
            struct world world;

            begin(&world, &networks[n], 400, -400, MS, seed++);
            use(&world, (enum kind)kind);
            run(&world, 60 * S);
            cr_assert(world.used > 3, "%s", world.network->name);
            cr_assert_eq(world.jumps, 0, "no clock jumped");
            end(&world);
        }
    }
}

Test(wc_bound, the_bound_is_not_much_larger_than_it_must_be)
{
    struct world world;

    begin(&world, &networks[4], MAX_PPM, -MAX_PPM, 1, 7);
    use(&world, LOWEST_DISPERSION);
    run(&world, 60 * S);
    cr_assert(world.worst_share > 0.99, "one-sided delay uses %g of it", world.worst_share);
    end(&world);
}

Test(wc_bound, a_server_that_starts_anew_is_followed_within_a_few_exchanges)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;

        begin(&world, &networks[1], 30, -20, 1, 77);
        use(&world, (enum kind)kind);
        run(&world, 30 * S);
        world.server.epoch_ns = 0;
        world.flying_count = 0;
        /* What is claimed is wrong until the third answer of the new server. */
        world.excused = true;
        run(&world, 2 * S);
        world.excused = false;
        cr_assert_eq(world.jumps, 1);
        run(&world, 30 * S);
        cr_assert_eq(world.jumps, 1);
        end(&world);
    }
}
