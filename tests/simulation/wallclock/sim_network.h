/*
 * The network models: what happens to datagrams between a companion and a TV, as data.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include <stddef.h>

#include "sim_random.h"

/* How a packet's waiting is distributed. */
enum sim_shape { SIM_EXPONENTIAL, SIM_LOGNORMAL };

/* One way: a constant and a part that each packet draws anew, in ms. */
struct sim_way {
    double constant_ms;
    enum sim_shape shape;
    /* Mean of the exponential, median of the lognormal. */
    double jitter_ms;
    /* Of the lognormal. */
    double sigma;
};

/* A network that changes between two states, each lasting for an exponential time; the mean of the
 * second state is 0 if there is only one. */
struct sim_states {
    double first_mean_s;
    double second_mean_s;
};

struct sim_network {
    const char *name;
    struct sim_way up, down;
    /* Share of packets lost each way, in the first and in the second state of `loss_states`. */
    double loss;
    double second_loss;
    struct sim_states loss_states;
    /* Share of packets that wait for longer: an exponential of that mean, or a uniform time. */
    double stray;
    double stray_mean_ms;
    double stray_from_ms, stray_to_ms;
    /* In the second state of `load_states` the jitter is multiplied by this. */
    double calm;
    struct sim_states load_states;
    /* Share of packets that are held until the next multiple of a period. */
    double held;
    double held_period_ms;
    double duplicated;
    /* From a time on, the way up has another constant. */
    double reroute_at_s;
    double rerouted_constant_ms;
    /* The server is away, and comes back with another epoch. */
    double restart_at_s, restart_span_s;
    /* The client sleeps, and its clock stands still meanwhile. */
    double sleep_at_s, sleep_span_s;
    /* Answers per second that an off-path sender makes up, and that an on-path one repeats. */
    double forged_per_s, replayed_per_s;
};

extern const struct sim_network sim_networks[];
extern const size_t sim_network_count;

/* The network of that name; NULL if there is none. */
const struct sim_network *sim_network_find(const char *name);

/* Which of two states holds, and until when. */
struct sim_switch {
    const struct sim_states *states;
    bool second;
    double until_s;
};

/* A network at work. */
struct sim_path {
    const struct sim_network *network;
    struct sim_random random;
    struct sim_switch loss, load;
    double held_phase_ms;
};

enum sim_direction { SIM_UP, SIM_DOWN };

void sim_path_init(struct sim_path *path, const struct sim_network *network,
                   struct sim_random random);

/* Sends a packet at a true time, not before that of the last one: fills in how long each copy that
 * arrives takes, and returns how many there are. */
unsigned sim_path_send(struct sim_path *path, enum sim_direction direction, int64_t true_ns,
                       int64_t delays_ns[2]);

#endif
