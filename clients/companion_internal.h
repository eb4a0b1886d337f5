/**
 * @file
 * What the parts of the synchronising client know of each other: companion.c (its life, CII and
 * where it stands), companion_wall_clock.c, companion_timeline.c, companion_snapshot.c.
 */
#ifndef CLIENTS_COMPANION_INTERNAL_H
#define CLIENTS_COMPANION_INTERNAL_H

#include <uv.h>

#include "clients/companion_choice.h"
#include "dvbcss/cii_client.h"
#include "dvbcss/companion.h"
#include "dvbcss/ts_client.h"
#include "dvbcss/url.h"

/* What the CSS-TS connection of now was made for. A different aim needs another one. */
struct companion_aim {
    char *ts_url;
    char *stem;
    char *selector;
    struct dvbcss_rate rate;
};

struct dvbcss_companion {
    uv_loop_t *loop;
    struct dvbcss_companion_options options;
    /* Copies of the texts that the options point to. */
    char **selectors;
    char *content_id_stem;
    char *ca_file;
    char *pin;

    struct dvbcss_clock *root;
    struct dvbcss_clock *wall;
    struct dvbcss_clock *timeline;
    struct dvbcss_cii_client *cii;
    struct dvbcss_wc_client *wc;
    /* What `wc` owns, and whom it asks; mean something while there is a `wc`. */
    struct dvbcss_wc_estimator *estimator;
    struct dvbcss_url wc_server;
    struct dvbcss_ts_client *ts;
    struct companion_aim aim;
    /* A CII message has come; a control timestamp has come on the connection of now. */
    bool informed;
    bool answered;
    uv_timer_t again;

    enum dvbcss_companion_state state;
    uint64_t control_timestamps;
    uint64_t timing_changes;
    uint64_t timelines;
    uint64_t locks;

    /* Clients and handles that are on the loop, also those that are closing. */
    unsigned parts;
    bool closing;
    dvbcss_client_closed closed;
    void *closed_user;
};

/** What CII says; all omitted before the first message. */
const struct dvbcss_cii *companion_cii(const struct dvbcss_companion *companion);

/** The URLs that CII names; NULL where there is none that can be used. */
const char *companion_wc_url(const struct dvbcss_companion *companion);
const char *companion_ts_url(const struct dvbcss_companion *companion);

/** The timeline that is wanted as CII stands; false if none is. */
bool companion_choice_now(const struct dvbcss_companion *companion,
                          struct companion_choice *choice);

/** Brings everything in line with what CII says and with what the wall clock is. */
void companion_follow(struct dvbcss_companion *companion);

/** Works out the state, and tells it if it is another one. */
void companion_update_state(struct dvbcss_companion *companion);

/** Tells the program of trouble. */
void companion_trouble(struct dvbcss_companion *companion, enum dvbcss_companion_part part,
                       int error, const char *text);

/** Tells what is wrong with something that the TV said, and where in it. */
void companion_report(struct dvbcss_companion *companion, enum dvbcss_companion_part part,
                      const struct dvbcss_report *report);

/** Tells of trouble, and follows again in a while. */
void companion_try_again(struct dvbcss_companion *companion, enum dvbcss_companion_part part,
                         int error);

/** One of `parts` is off the loop; the last one takes the companion with it. For every client's
 * `closed`; @p user is the companion. */
void companion_part_closed(void *user);

/** Whether the settings for the wall clock, or for the timeline, are such that they can work:
 * better told when the companion is made than at every attempt. For the wall clock once there are
 * clocks; nobody listens to them yet. 0, DVBCSS_EINVAL, DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int companion_check_wall_clock(struct dvbcss_companion *companion);
DVBCSS_NODISCARD int companion_check_timeline(const struct dvbcss_companion *companion);

/** Has the wall clock follow the server that CII names. */
void companion_follow_wall_clock(struct dvbcss_companion *companion);

/** Has the timeline follow the content, the list of timelines and the server that CII names. */
void companion_follow_timeline(struct dvbcss_companion *companion);

/** Frees what an aim holds, and empties it. */
void companion_aim_clear(struct companion_aim *aim);

#endif
