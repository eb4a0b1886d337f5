#include "sim_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/wc.h"
#include "dvbcss/wc_poll.h"
#include "sim_clock.h"

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)
#define NEVER INT64_MAX

/* The first minute converges: it is judged by how soon the goals are reached. */
#define WARM_UP_NS (60 * S)
/* Samples of the errors, and the finer ones that find when a goal is reached. */
#define SAMPLE_NS S
#define FINE_SAMPLE_NS (10 * MS)
/* A goal is reached if it holds for so long. */
#define HOLD_S 10.0
/* After an event the companion has so long to be right again. */
#define GRACE_NS (3 * S)
#define WATCH_NS (60 * S)
#define RECOVERED_MS 5.0
/* Reading a clock takes so long: the precision of both clocks. */
#define READING_S 50e-9
#define SERVICE_NS 20000

const double sim_goals_ms[SIM_GOALS] = {10, 5, 1};

/* What draws random numbers, besides the network, of the run's seed. */
enum {
    STREAM_LOCAL_CLOCK = IMPAIR_STREAM_FREE,
    STREAM_SERVER_CLOCK,
    STREAM_EPOCHS,
    STREAM_STAMPS,
    STREAM_REQUESTER,
    STREAM_ATTACKER,
};

/* ---- the world ------------------------------------------------------------------------------ */

enum stage { TO_SERVER, IN_SERVER, TO_CLIENT };

struct flight {
    int64_t at_ns;
    enum stage stage;
    int64_t received_ns;
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];
};

enum { FLIGHTS = 256, REPLAYS = 64 };

/* A condition that is to hold from some time on. */
struct settling {
    double since_s;
    bool done;
};

struct world {
    const struct sim_setting *setting;
    const struct sim_rule *rule;
    int64_t now_ns;
    int64_t end_ns;
    struct impair_random epochs, stamps, requester_random, attacker;
    struct sim_clock local, server;
    struct impair_network network;
    struct flight flights[FLIGHTS];
    unsigned flight_count;
    struct dvbcss_clock *root, *wall_clock;
    struct dvbcss_wc_estimator *estimator;
    struct dvbcss_wc_requester *requester;
    struct dvbcss_wc_poll poll;
    struct dvbcss_wc_responder responder;
    /* When things happen next. */
    int64_t wake_ns, tick_ns, sample_ns, attack_ns, event_ns;
    bool server_away;
    int64_t event_over_ns;
    /* What an attacker has seen. */
    uint8_t seen[REPLAYS][DVBCSS_WC_MESSAGE_SIZE];
    unsigned seen_count;
    /* What is measured. */
    float *errors_ms, *bounds_ms;
    size_t samples, covered, available;
    struct settling goals[SIM_GOALS], recovery;
    int64_t rtt_min_ns;
    unsigned backward_steps;
    unsigned requests_in_span, busiest_span;
    int64_t span_end_ns;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "simulation: %s failed\n", what);
    abort();
}

static int64_t local_now(void *user)
{
    const struct world *world = user;

    return sim_clock_read(&world->local);
}

/* The true time at which the local clock will show a time. */
static int64_t when_local(const struct world *world, int64_t local_ns)
{
    int64_t left_ns = local_ns - sim_clock_read(&world->local);

    if (local_ns == INT64_MAX)
        return NEVER;
    return left_ns <= 0 ? world->now_ns
                        : world->now_ns + (int64_t)((double)left_ns / world->local.rate) + 1;
}

/* How much later than the event a stamp says it was, or how much earlier it was taken. */
static int64_t stamp_delay_ns(struct world *world, bool kernel)
{
    double delay_ns;

    if (kernel)
        return (int64_t)impair_random_exponential(&world->stamps, 2e3);
    delay_ns = impair_random_exponential(&world->stamps, 20e3);
    if (impair_random_chance(&world->stamps, 0.01))
        delay_ns += impair_random_exponential(&world->stamps, 1e6);
    return (int64_t)delay_ns;
}

/* ---- samples -------------------------------------------------------------------------------- */

static void settle(struct settling *settling, bool good, double now_s)
{
    if (settling->done)
        return;
    if (!good)
        settling->since_s = NAN;
    else if (isnan(settling->since_s))
        settling->since_s = now_s;
    else
        settling->done = now_s - settling->since_s >= HOLD_S;
}

static double error_ms(const struct world *world)
{
    struct dvbcss_ticks shown = dvbcss_clock_now(world->wall_clock);
    double fraction_ns = (double)shown.fraction * 0x1p-64 - world->server.fraction_ns;

    return ((double)(shown.whole - world->server.whole_ns) + fraction_ns) / 1e6;
}

static bool excused(const struct world *world)
{
    return world->now_ns < WARM_UP_NS || world->server_away ||
           (world->event_over_ns > 0 && world->now_ns < world->event_over_ns + GRACE_NS);
}

static bool watched(const struct world *world)
{
    return world->now_ns < WARM_UP_NS + WATCH_NS ||
           (world->event_over_ns > 0 && world->now_ns < world->event_over_ns + WATCH_NS);
}

static void sample(struct world *world)
{
    bool available = dvbcss_clock_available(world->wall_clock);
    double bound_ms = dvbcss_wc_estimator_dispersion_s(world->estimator, local_now(world)) * 1e3;
    double error = fabs(error_ms(world));
    double now_s = (double)world->now_ns / 1e9;
    bool whole_second = world->now_ns % SAMPLE_NS == 0;

    if (watched(world)) {
        for (int i = 0; i < SIM_GOALS; i++)
            settle(&world->goals[i], available && error <= sim_goals_ms[i], now_s);
        if (world->event_over_ns > 0)
            settle(&world->recovery, available && error <= bound_ms && error <= RECOVERED_MS,
                   now_s);
    }
    if (whole_second && !excused(world)) {
        world->errors_ms[world->samples] = (float)error;
        world->bounds_ms[world->samples] = (float)bound_ms;
        world->samples++;
        world->covered += error <= bound_ms;
        world->available += available;
    }
    world->sample_ns += watched(world) ? FINE_SAMPLE_NS : SAMPLE_NS;
}

static void on_adjusted(void *user, const struct dvbcss_wc_adjustment *adjustment)
{
    struct world *world = user;

    if (!excused(world) && adjustment->old_dispersion_s < INFINITY &&
        adjustment->adjustment.whole < -1)
        world->backward_steps++;
}

/* ---- the companion -------------------------------------------------------------------------- */

static void launch(struct world *world, enum impair_direction direction, enum stage stage,
                   int64_t extra_ns, const uint8_t *bytes)
{
    struct impair_fate fate = impair_network_draw(&world->network, direction, world->now_ns);

    for (unsigned i = 0; i < fate.copies; i++) {
        struct flight *flight = &world->flights[world->flight_count++];

        must(world->flight_count < FLIGHTS, "room for packets");
        flight->at_ns = world->now_ns + extra_ns + fate.delay_ns[i];
        flight->stage = stage;
        memcpy(flight->bytes, bytes, DVBCSS_WC_MESSAGE_SIZE);
    }
}

static void tick(struct world *world)
{
    int64_t next_ns = dvbcss_wc_estimator_tick(world->estimator, local_now(world));

    world->tick_ns = when_local(world, next_ns);
}

static void estimate(struct world *world, const struct dvbcss_wc_candidate *candidate)
{
    struct dvbcss_wc_outcome outcome;
    int64_t now_ns = local_now(world);

    must(dvbcss_wc_estimator_add(world->estimator, candidate, now_ns, &outcome) == 0, "estimate");
    tick(world);
    if (candidate && dvbcss_wc_candidate_rtt_ns(candidate) < world->rtt_min_ns)
        world->rtt_min_ns = dvbcss_wc_candidate_rtt_ns(candidate);
    if (world->rule->polls)
        dvbcss_wc_poll_plan(&world->poll, world->requester, world->estimator, candidate, now_ns,
                            &outcome);
    else
        dvbcss_wc_requester_plan(world->requester, &outcome);
}

static void count_request(struct world *world)
{
    if (world->now_ns >= world->span_end_ns) {
        world->requests_in_span = 0;
        world->span_end_ns = world->now_ns + 10 * S;
    }
    if (++world->requests_in_span > world->busiest_span)
        world->busiest_span = world->requests_in_span;
}

static void send(struct world *world, const struct dvbcss_wc_step *step)
{
    count_request(world);
    if (world->rule->kernel_stamps)
        must(dvbcss_wc_requester_sent(world->requester, step->originate, local_now(world), true) ==
                 0,
             "stamping a request");
    launch(world, IMPAIR_UP, TO_SERVER,
           stamp_delay_ns(world, world->rule->kernel_stamps) + stamp_delay_ns(world, true),
           step->request);
}

/* Does what the requester wants done. */
static void act(struct world *world)
{
    for (;;) {
        struct dvbcss_wc_step step;

        dvbcss_wc_requester_next(world->requester, local_now(world),
                                 impair_random_bits(&world->requester_random), &step);
        switch (step.action) {
        case DVBCSS_WC_SEND:
            send(world, &step);
            break;
        case DVBCSS_WC_CANDIDATE:
            estimate(world, &step.candidate);
            break;
        case DVBCSS_WC_TIMEOUT:
            estimate(world, NULL);
            break;
        case DVBCSS_WC_WAIT:
            world->wake_ns = when_local(world, step.wait_until_ns);
            return;
        }
    }
}

static void receive(struct world *world, const uint8_t *bytes)
{
    struct dvbcss_wc_arrival arrival = {bytes, DVBCSS_WC_MESSAGE_SIZE, local_now(world), true,
                                        world->rule->kernel_stamps};
    struct dvbcss_wc_candidate candidate;

    if (dvbcss_wc_requester_received(world->requester, &arrival, &candidate) == DVBCSS_WC_ACCEPTED)
        estimate(world, &candidate);
}

/* ---- the server and the network ------------------------------------------------------------- */

/* The server stamps a request on arrival, answers a little later and stamps that in the program. */
static void serve(struct world *world, struct flight flight)
{
    if (world->server_away)
        return;
    if (flight.stage == TO_SERVER) {
        flight.received_ns = sim_clock_read(&world->server);
        flight.at_ns = world->now_ns + SERVICE_NS;
        flight.stage = IN_SERVER;
        world->flights[world->flight_count++] = flight;
        return;
    }
    must(dvbcss_wc_respond(&world->responder, flight.bytes, DVBCSS_WC_MESSAGE_SIZE,
                           flight.received_ns, sim_clock_read(&world->server),
                           flight.bytes) == DVBCSS_WC_ANSWERED,
         "answering");
    launch(world, IMPAIR_DOWN, TO_CLIENT,
           stamp_delay_ns(world, false) + stamp_delay_ns(world, world->rule->kernel_stamps),
           flight.bytes);
}

static void arrive(struct world *world, unsigned index)
{
    struct flight flight = world->flights[index];

    world->flights[index] = world->flights[--world->flight_count];
    if (flight.stage != TO_CLIENT) {
        serve(world, flight);
        return;
    }
    memcpy(world->seen[world->seen_count++ % REPLAYS], flight.bytes, DVBCSS_WC_MESSAGE_SIZE);
    receive(world, flight.bytes);
}

/* Makes up an answer, with an originate timevalue that can only be guessed. */
static void forge(struct world *world)
{
    struct dvbcss_wc_message message = {.type = DVBCSS_WC_RESPONSE, .precision = -24};
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];
    int64_t lie_ns = sim_clock_read(&world->server) + 100 * MS;

    message.originate.seconds = (uint32_t)impair_random_bits(&world->attacker);
    message.originate.nanoseconds = (uint32_t)(impair_random_bits(&world->attacker) % 1000000000u);
    must(dvbcss_wc_time_from_ns(lie_ns, &message.receive) == 0, "forging");
    message.transmit = message.receive;
    must(dvbcss_wc_message_encode(&message, bytes) == 0, "forging");
    receive(world, bytes);
}

static void attack(struct world *world)
{
    const struct impair_model *model = &world->network.model;
    double per_s = model->forged_hz + model->replayed_hz;
    unsigned seen = world->seen_count < REPLAYS ? world->seen_count : REPLAYS;

    if (impair_random_uniform(&world->attacker) * per_s < model->forged_hz)
        forge(world);
    else if (seen > 0)
        receive(world, world->seen[impair_random_bits(&world->attacker) % seen]);
    world->attack_ns =
        world->now_ns + (int64_t)(impair_random_exponential(&world->attacker, 1 / per_s) * 1e9);
}

/* ---- events --------------------------------------------------------------------------------- */

/* Where a clock begins. */
static int64_t draw_epoch(struct world *world)
{
    return (int64_t)(impair_random_bits(&world->epochs) % 1000000) * S;
}

static void restart_server(struct world *world)
{
    if (!world->server_away) {
        world->server_away = true;
        world->event_ns = world->now_ns + (int64_t)(world->network.model.event_for_s * 1e9);
        return;
    }
    world->server_away = false;
    world->server.whole_ns = draw_epoch(world);
    world->event_over_ns = world->now_ns;
    world->event_ns = NEVER;
}

static void sleep_client(struct world *world)
{
    world->now_ns += (int64_t)(world->network.model.event_for_s * 1e9);
    sim_clock_sleep(&world->local, world->now_ns);
    sim_clock_advance(&world->server, world->now_ns);
    world->flight_count = 0;
    world->sample_ns = (world->now_ns / FINE_SAMPLE_NS + 1) * FINE_SAMPLE_NS;
    tick(world);
    world->event_over_ns = world->now_ns;
    world->event_ns = NEVER;
    if (world->setting->told_of_sleep) {
        dvbcss_wc_estimator_reset(world->estimator);
        dvbcss_wc_poll_restart(&world->poll, world->requester, local_now(world));
    }
}

static unsigned first_flight(const struct world *world)
{
    unsigned first = 0;

    for (unsigned i = 1; i < world->flight_count; i++)
        if (world->flights[i].at_ns < world->flights[first].at_ns)
            first = i;
    return first;
}

static int64_t earliest(const int64_t *times_ns, size_t count)
{
    int64_t first_ns = NEVER;

    for (size_t i = 0; i < count; i++)
        if (times_ns[i] < first_ns)
            first_ns = times_ns[i];
    return first_ns;
}

/* Moves true time to the next thing that happens, and has it happen. */
static void step(struct world *world)
{
    unsigned flight = first_flight(world);
    int64_t flight_ns = world->flight_count > 0 ? world->flights[flight].at_ns : NEVER;
    int64_t times_ns[] = {flight_ns,        world->wake_ns,   world->tick_ns,
                          world->sample_ns, world->attack_ns, world->event_ns};

    world->now_ns = earliest(times_ns, sizeof times_ns / sizeof times_ns[0]);
    sim_clock_advance(&world->local, world->now_ns);
    sim_clock_advance(&world->server, world->now_ns);
    if (world->now_ns == world->sample_ns) {
        sample(world);
        return;
    }
    if (world->now_ns == world->event_ns) {
        if (world->network.model.event == IMPAIR_CLIENT_SLEEP)
            sleep_client(world);
        else
            restart_server(world);
    } else if (world->now_ns == flight_ns) {
        arrive(world, flight);
    } else if (world->now_ns == world->attack_ns) {
        attack(world);
    }
    act(world);
    if (world->now_ns >= world->tick_ns)
        tick(world);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void create_companion(struct world *world)
{
    const struct sim_rule *rule = world->rule;
    struct dvbcss_root_clock_options root = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;
    struct dvbcss_wc_requester_options requester = DVBCSS_WC_REQUESTER_OPTIONS_INIT;
    struct dvbcss_wc_estimator_options estimator = DVBCSS_WC_ESTIMATOR_OPTIONS_INIT;
    struct dvbcss_wc_poll_options poll = DVBCSS_WC_POLL_OPTIONS_INIT;

    root.now_ns = local_now;
    root.user = world;
    root.precision_s = fmax(READING_S, (double)rule->clock_step_ns / 1e9);
    root.max_freq_error_ppm =
        rule->local_ppm > 0 ? rule->local_ppm : sim_companion_clock.declared_ppm;
    must(dvbcss_root_clock_create(&world->root, &root) == 0, "creating a clock");
    must(dvbcss_tunable_clock_create(&world->wall_clock, world->root, dvbcss_rate_hz(1000000000),
                                     dvbcss_ticks(0)) == 0,
         "creating a clock");
    requester.interval_ns = rule->interval_ns;
    requester.retry_ns = rule->retry_ns;
    requester.burst_count = rule->burst_count;
    requester.local_precision_s = root.precision_s;
    requester.local_max_freq_error_ppm = root.max_freq_error_ppm;
    must(dvbcss_wc_requester_create(&world->requester, &requester) == 0, "creating a requester");
    must(dvbcss_wc_poll_init(&world->poll, &poll) == 0, "creating a policy");
    estimator.wall_clock = world->wall_clock;
    estimator.adjusted = on_adjusted;
    estimator.user = world;
    must(rule->create(&world->estimator, &estimator) == 0, "creating an estimator");
}

static struct impair_random stream(const struct sim_setting *setting, uint64_t number)
{
    struct impair_random random;

    impair_random_seed(&random, setting->seed, number);
    return random;
}

/* The parts of the world that draw: each has its own numbers. */
static void begin_drawing(struct world *world, const struct sim_setting *setting)
{
    world->epochs = stream(setting, STREAM_EPOCHS);
    world->stamps = stream(setting, STREAM_STAMPS);
    world->requester_random = stream(setting, STREAM_REQUESTER);
    world->attacker = stream(setting, STREAM_ATTACKER);
    sim_clock_init(&world->local, &sim_companion_clock, stream(setting, STREAM_LOCAL_CLOCK),
                   draw_epoch(world), setting->rule->clock_step_ns);
    sim_clock_init(&world->server, &sim_tv_clock, stream(setting, STREAM_SERVER_CLOCK),
                   draw_epoch(world), 1);
    impair_network_init(&world->network, setting->network, setting->seed);
}

/* When one end goes away. The network lets nothing pass meanwhile; that the server comes back with
 * another epoch and that the client's clock stands still is done here. */
static int64_t first_event_ns(const struct impair_model *model)
{
    bool at_an_end = model->event == IMPAIR_SERVER_RESTART || model->event == IMPAIR_CLIENT_SLEEP;

    return at_an_end ? (int64_t)(model->event_at_s * 1e9) : NEVER;
}

static void begin(struct world *world, const struct sim_setting *setting)
{
    const struct impair_model *model = setting->network;
    struct dvbcss_wc_responder_options responder = {READING_S, sim_tv_clock.declared_ppm, false};
    size_t samples = (size_t)setting->duration_s + 1;

    *world = (struct world){.setting = setting, .rule = setting->rule};
    world->end_ns = (int64_t)(setting->duration_s * 1e9);
    begin_drawing(world, setting);
    world->tick_ns = NEVER;
    world->sample_ns = FINE_SAMPLE_NS;
    world->attack_ns = model->forged_hz + model->replayed_hz > 0 ? S : NEVER;
    world->event_ns = first_event_ns(model);
    world->rtt_min_ns = INT64_MAX;
    world->recovery.since_s = NAN;
    for (int i = 0; i < SIM_GOALS; i++)
        world->goals[i].since_s = NAN;
    world->errors_ms = calloc(samples, sizeof *world->errors_ms);
    world->bounds_ms = calloc(samples, sizeof *world->bounds_ms);
    must(world->errors_ms && world->bounds_ms, "allocating");
    must(dvbcss_wc_responder_init(&world->responder, &responder) == 0, "creating a server");
    create_companion(world);
}

static void end(struct world *world)
{
    dvbcss_wc_requester_destroy(world->requester);
    dvbcss_wc_estimator_destroy(world->estimator);
    dvbcss_clock_destroy(world->wall_clock);
    dvbcss_clock_destroy(world->root);
    free(world->errors_ms);
    free(world->bounds_ms);
}

static int compare_floats(const void *a, const void *b)
{
    float left = *(const float *)a;
    float right = *(const float *)b;

    return (left > right) - (left < right);
}

static double percentile(const float *ordered, size_t count, double share)
{
    return (double)ordered[(size_t)((double)(count - 1) * share)];
}

static void conclude(struct world *world, struct sim_result *result)
{
    double event_over_s = (double)world->event_over_ns / 1e9;
    double samples = (double)world->samples;

    must(world->samples > 0, "sampling");
    qsort(world->errors_ms, world->samples, sizeof *world->errors_ms, compare_floats);
    qsort(world->bounds_ms, world->samples, sizeof *world->bounds_ms, compare_floats);
    *result = (struct sim_result){
        .p50_ms = percentile(world->errors_ms, world->samples, 0.5),
        .p95_ms = percentile(world->errors_ms, world->samples, 0.95),
        .p99_ms = percentile(world->errors_ms, world->samples, 0.99),
        .max_ms = percentile(world->errors_ms, world->samples, 1),
        .bound_p50_ms = percentile(world->bounds_ms, world->samples, 0.5),
        .rtt_min_ms = (double)world->rtt_min_ns / 1e6,
        .coverage = (double)world->covered / samples,
        .availability = (double)world->available / samples,
        .recovery_s = world->event_over_ns > 0 ? world->recovery.since_s - event_over_s : 0,
        .event_over = world->event_over_ns > 0,
        .requests_per_s =
            (double)dvbcss_wc_requester_stats(world->requester)->sent / world->setting->duration_s,
        .busiest_10_s = world->busiest_span,
        .backward_steps = world->backward_steps,
        .requester = *dvbcss_wc_requester_stats(world->requester),
    };
    if (world->event_over_ns > 0 && !world->recovery.done)
        result->recovery_s = NAN;
    for (int i = 0; i < SIM_GOALS; i++)
        result->goal_s[i] = world->goals[i].done ? world->goals[i].since_s : NAN;
    dvbcss_wc_estimator_stats(world->estimator, local_now(world), &result->estimator);
}

void sim_run(const struct sim_setting *setting, struct sim_result *result)
{
    /* Too large for the stack of a thread. */
    struct world *world = malloc(sizeof *world);

    must(world != NULL, "allocating");
    begin(world, setting);
    while (world->now_ns < world->end_ns)
        step(world);
    conclude(world, result);
    end(world);
    free(world);
}
