/**
 * @file
 * `dvbcss doctor`: what its steps share. Each step looks at one part of a TV and tells what it
 * found; none of them trusts what the one before it repaired for the companions' sake.
 */
#ifndef DVBCSS_TOOL_DOCTOR_H
#define DVBCSS_TOOL_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "command.h"
#include "doctor_findings.h"
#include "dvbcss/cii_client.h"
#include "dvbcss/discovery_client.h"
#include "dvbcss/wc_client.h"
#include "local_clock.h"

/** What happens on the connection to CII. */
struct doctor_cii_visit {
    bool connected;
    bool received;
    bool ended;
    /** One of the three. */
    bool event;
    /** The first message as it came; NULL if it is no JSON. */
    json_t *message;
};

/** How far a wall clock is ahead at one time of the local clock, and what that may be off. */
struct doctor_reading {
    int64_t at_ns;
    double offset_ms;
    double uncertainty_ms;
};

/** What the answers of a wall clock add up to. */
struct doctor_clock_watch {
    struct doctor_reading first;
    struct doctor_reading last;
    /** The surest ones of the first and of the second half. */
    struct doctor_reading early;
    struct doctor_reading late;
    unsigned count;
    double server_max_freq_error_ppm;
    double server_precision_s;
    bool follow_ups;
};

/** A visit to one TV. */
struct doctor {
    const struct command *command;
    bool json;
    const char *ca_file;
    const char *pin;
    /** How long the wall clock and the timeline are watched each. */
    double observe_s;

    uv_loop_t loop;
    uv_timer_t timer;
    bool time_over;
    /** The step that is under way: "discovery", "cii", ... */
    const char *step;
    /** What was told in this step, for what is to be told once. */
    bool told[FINDING_COUNT];
    unsigned problems;
    unsigned notes;
    /** Exit code of a visit that could not go on, which says nothing about the TV; else 0. */
    int failure;

    /** Where CII is; "" as long as nobody knows. */
    char cii_url[DVBCSS_DISCOVERY_URL_SIZE];
    /** Address of the TV, numeric; "" as long as nobody knows. */
    char peer[DVBCSS_CLIENT_ADDRESS_SIZE];
    /** Open from the step of CII to the end. */
    struct dvbcss_cii_client *cii;
    struct doctor_cii_visit cii_visit;
    /** Open from the step of the wall clock to the end. */
    struct local_clock clock;
    struct dvbcss_wc_client *wall_clock;
    struct doctor_clock_watch clock_watch;
};

/** Begins a step. */
void doctor_step(struct doctor *doctor, const char *step);

/** Tells a finding. */
void doctor_find(struct doctor *doctor, enum finding finding, const char *format, ...)
    DVBCSS_PRINTF(3, 4);

/** The same, once in each step. */
void doctor_find_once(struct doctor *doctor, enum finding finding, const char *format, ...)
    DVBCSS_PRINTF(3, 4);

/** Tells the sum of it all. Returns the exit code. */
int doctor_conclude(struct doctor *doctor);

/** Runs the loop until @p done, for @p seconds at most. Returns whether it came about. */
bool doctor_wait(struct doctor *doctor, const bool *done, double seconds);

/** Looks at the way to the TV that @p argument means (as for find_tv()). Sets cii_url if there is
 * one. */
void doctor_discovery(struct doctor *doctor, const char *argument);

/** Looks at CII. Returns whether there was a message that the next steps can go on from. */
bool doctor_cii(struct doctor *doctor);

/** Looks at the wall clock that CII names. */
void doctor_wall_clock(struct doctor *doctor);

/** Looks at a timeline that CII names. */
void doctor_ts(struct doctor *doctor);

/** What a URL is for, which decides what it may look like. */
enum doctor_url_use { DOCTOR_URL_WEBSOCKET, DOCTOR_URL_APP2APP, DOCTOR_URL_WALL_CLOCK };

/** Looks at a URL that the TV advertises as @p what. */
void doctor_check_url(struct doctor *doctor, enum doctor_url_use use, const char *what,
                      const char *url);

/** Tells why a connection was not made, or ended. */
void doctor_check_end(struct doctor *doctor, const struct dvbcss_disconnect *why);

/** Looks at a member that has to be a string; its text, or NULL if it is none. */
const char *doctor_string(struct doctor *doctor, const json_t *message, const char *member);

/** What kind of JSON value this is, for people. */
const char *doctor_kind(const json_t *value);

#endif
