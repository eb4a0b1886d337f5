/**
 * @file
 * A measurement: a server, a network, a client, and somebody who compares their clocks.
 *
 *     server (own, command, URL) -> network -> client (own, command) -> samples, for so long
 *
 * It begins, and its time runs, once it is known where the server is and what its clock shows.
 */
#ifndef DVBCSS_TOOL_ACCURACY_RUN_H
#define DVBCSS_TOOL_ACCURACY_RUN_H

#include "accuracy_child.h"
#include "accuracy_client.h"
#include "accuracy_network.h"
#include "accuracy_samples.h"
#include "accuracy_server.h"
#include "accuracy_truth.h"
#include "watch.h"

/** What is measured. */
struct accuracy_plan {
    struct impair_relay_options network;
    double duration_s;
    double sample_s;
    /** How long commands have to say what it needs from them. */
    double wait_s;
    /** Of our own server. */
    double skew_ppm;
    double server_freq_error_ppm;
    /** Somebody else's server: where it is, or what starts it and tells where. NULL for our own. */
    const char *server_url;
    const char *server_command;
    /** What tells the truth about a server that is not ours, if its command does not. */
    const char *truth_command;
    bool truth_given;
    /** Somebody else's client; NULL for our own. */
    const char *client_command;
    struct accuracy_client_options client;
};

/** A measurement. Storage of the caller; `watch` first, for the watch's functions. */
struct accuracy_run {
    struct watch watch;
    struct accuracy_plan plan;

    /* ---- what it found; read it after watch_run() ---- */
    struct accuracy_samples samples;
    struct accuracy_values rtts;
    struct accuracy_network network;
    /** How long it really took. */
    double elapsed_s;
    /** When the clocks broke apart; NAN for never. */
    double broken_s;
    /** How often our own client's clock was read, available or not. */
    uint64_t reads;
    /** Lines of somebody else's client, whether one told of its clock (as being unavailable, for
     * all it is worth), and how many told what it had shown before the measurement. */
    uint64_t client_lines;
    bool client_told;
    uint64_t client_early;
    /** There is something to report: it went to its end, or to where the user ended it, or a
     * command ended before that but not before the first sample. */
    bool measured;

    /* ---- the members below belong to accuracy_run.c ---- */
    struct accuracy_server server;
    struct accuracy_client client;
    struct accuracy_truth truth;
    struct accuracy_child *server_child;
    struct accuracy_child *truth_child;
    struct accuracy_child *client_child;
    uv_timer_t sampler;
    uv_timer_t end;
    uv_timer_t event;
    uv_timer_t wait;
    int64_t begin_ns;
    bool server_known;
    bool begun;
    /** A command has ended too early. */
    bool cut_short;
};

/** Goes with watch_init(). */
extern const struct watch_ops accuracy_run_ops;

/** Frees what was found. */
void accuracy_run_finish(struct accuracy_run *run);

#endif
