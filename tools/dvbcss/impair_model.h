/**
 * @file
 * Models of networks: what happens to each datagram on its way, drawn from a seed.
 *
 * A model is data; the twelve that accuracy figures name are in one table. Nothing here reads a
 * clock, opens a socket or allocates: times come in as nanoseconds since the network began. So the
 * same networks are behind the relay, in real time, and in tests/simulation/, in virtual time.
 */
#ifndef DVBCSS_TOOL_IMPAIR_MODEL_H
#define DVBCSS_TOOL_IMPAIR_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "impair_random.h"

/** Which way a datagram goes. */
enum impair_direction {
    /** From the client to the server. */
    IMPAIR_UP,
    /** From the server to the client. */
    IMPAIR_DOWN,
    IMPAIR_DIRECTIONS,
};

/** How what comes on top of a constant delay is spread. */
enum impair_spread {
    IMPAIR_EXPONENTIAL,
    IMPAIR_LOGNORMAL,
    IMPAIR_UNIFORM,
};

/** A one-way delay: a constant, and a part that each datagram draws anew. */
struct impair_delay {
    double base_ms;
    enum impair_spread spread;
    /** EXPONENTIAL: the mean; LOGNORMAL: the median; UNIFORM: the width. 0 for a constant. */
    double jitter_ms;
    /** LOGNORMAL: standard deviation of the logarithm. */
    double sigma;
};

/** A network that alternates between two states whose durations are exponential. */
struct impair_phases {
    /** 0 for a network that always is in the first state. */
    double first_mean_s;
    double second_mean_s;
};

/** What happens once. */
enum impair_event {
    IMPAIR_NO_EVENT,
    /** From then on the way up takes longer. */
    IMPAIR_ROUTE_CHANGE,
    /** The server is away for a while and comes back with another epoch. */
    IMPAIR_SERVER_RESTART,
    /** The client sleeps for a while, and its clock with it. */
    IMPAIR_CLIENT_SLEEP,
};

/** A network. All shares are from 0 to 1. */
struct impair_model {
    const char *name;
    /** One line for people. */
    const char *summary;
    struct impair_delay delay[IMPAIR_DIRECTIONS];
    /** Share of the datagrams lost, in each direction. */
    double loss;
    /** Share lost in the second state of @ref loss_phases. */
    double bad_loss;
    struct impair_phases loss_phases;
    /** The first state is the busy one; in the second, jitter is divided by @ref calm_divisor. */
    struct impair_phases load_phases;
    double calm_divisor;
    /** This share of the datagrams takes @ref extra longer. */
    double extra_share;
    struct impair_delay extra;
    double duplicate_share;
    /** This share is held until the next beacon, one every @ref beacon_ms, and goes its way then:
     * power save. */
    double held_share;
    double beacon_ms;
    enum impair_event event;
    double event_at_s;
    /** SERVER_RESTART and CLIENT_SLEEP: nothing passes for so long. */
    double event_for_s;
    /** ROUTE_CHANGE: what comes on top of the way up. */
    double event_delay_ms;
    /** Answers with guessed contents and old answers, sent to each client, per second. */
    double forged_hz;
    double replayed_hz;
};

/** The models, ended by one without a name. The first is "none": everything passes at once. */
extern const struct impair_model impair_models[];

/** The model of a name; NULL for none. */
const struct impair_model *impair_model_find(const char *name);

/** A network draws from streams of its seed below this one; the others are free. */
enum { IMPAIR_STREAM_FREE = 16 };

/** The two states of an impair_phases, in time. */
struct impair_phase_walk {
    struct impair_random random;
    bool second;
    int64_t until_ns;
};

/** A network at work: a model with its random numbers. Storage of the caller; plain data. */
struct impair_network {
    struct impair_model model;
    struct impair_random random[IMPAIR_DIRECTIONS];
    struct impair_phase_walk loss;
    struct impair_phase_walk load;
    /** How long before the network began the last beacon was: the same all the time. */
    double beacon_phase_ms;
};

/** What becomes of a datagram. */
struct impair_fate {
    /** 0: lost; 2: it arrives twice. */
    unsigned copies;
    /** How long each copy takes. */
    int64_t delay_ns[2];
};

/**
 * Sets a network up.
 *
 * @param seed the same seed gives the n-th datagram of a direction the same fate, if it comes at
 *             the same time
 */
void impair_network_init(struct impair_network *network, const struct impair_model *model,
                         uint64_t seed);

/**
 * Draws what becomes of the next datagram.
 *
 * @param now_ns since the network began; never less than before
 */
struct impair_fate impair_network_draw(struct impair_network *network,
                                       enum impair_direction direction, int64_t now_ns);

/** Whether nothing passes at this time, because one end is away. */
bool impair_network_is_out(const struct impair_network *network, int64_t now_ns);

#endif
