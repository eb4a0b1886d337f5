/**
 * @file
 * How hub, needs, groups and sessions hang together. Private to ts/.
 *
 *     hub --- attachments (sources, in order)
 *      |  \-- needs (one per selector in use) --- links to the attachments that recognise it
 *      |-- groups (one per selector and stem in use) --- sessions that asked for them
 *      \-- sessions (all)
 */
#ifndef DVBCSS_TS_HUB_H
#define DVBCSS_TS_HUB_H

#include "common/list.h"
#include "dvbcss/ts_timeline.h"

struct dvbcss_ts_hub {
    struct dvbcss_ts_hub_options options;
    char *content_id;
    struct list_node attachments;
    struct list_node needs;
    struct list_node groups;
    struct list_node sessions;
    /** Groups with a delivery that was not taken completely. */
    struct list_node outbox;
    /** The group whose delivery is being taken; NULL for none. */
    struct ts_group *current;
    /** Every timeline is to be looked at. */
    bool dirty;
    /** Counts the runs, so that a timeline is read once in each. */
    uint64_t runs;
};

/** A source on a hub. */
struct dvbcss_ts_attachment {
    struct list_node in_hub;
    struct dvbcss_ts_hub *hub;
    struct dvbcss_ts_source *source;
    /** The source's next one, on another hub. */
    struct dvbcss_ts_attachment *next;
};

/** A source that recognises a selector in use, and was told that it is needed. */
struct ts_link {
    struct list_node in_need;
    struct dvbcss_ts_attachment *attachment;
};

/** Where a timeline is, as companions are to see it: what they are told, and the line it is on. */
struct ts_reading {
    struct dvbcss_ts_control_timestamp timestamp;
    struct dvbcss_ts_line line;
};

/** A selector in use. */
struct ts_need {
    struct list_node in_hub;
    char *selector;
    size_t groups;
    /** In the order of the sources: the first one is asked. */
    struct list_node links;
    /** What it answered in the run with this number. */
    uint64_t read_in_run;
    enum dvbcss_ts_state state;
    struct ts_reading reading;
};

/** Companions that asked for the same. */
struct ts_group {
    struct list_node in_hub;
    struct list_node in_outbox;
    struct ts_need *need;
    char *stem;
    size_t sessions;
    /** Sessions that wait for their first answer; that have had it; that the delivery is for. */
    struct list_node waiting;
    struct list_node members;
    struct list_node pending;
    /** What all members know: DVBCSS_TS_NOT_YET for nothing. */
    enum dvbcss_ts_state told;
    struct dvbcss_ts_line told_line;
    /** Since the source says "not yet": when to give up, and whether that is still ahead. */
    bool looking;
    bool holding;
    int64_t patience_ends_ns;
    int64_t resend_at_ns;
    /** The last delivery. */
    struct dvbcss_ts_control_timestamp timestamp;
    char text[DVBCSS_TS_CONTROL_TIMESTAMP_SIZE];
    size_t length;
};

struct dvbcss_ts_session {
    struct list_node in_hub;
    struct list_node in_group;
    /** NULL once it is gone. */
    struct dvbcss_ts_hub *hub;
    /** NULL before setup-data. */
    struct ts_group *group;
    void *user;
    enum dvbcss_ts_session_state state;
    struct dvbcss_ts_setup setup;
    bool has_presentation;
    struct dvbcss_ts_presentation presentation;
    uint64_t ignored;
};

/** Has the hub look at everything when it runs next, and asks for that. */
void ts_hub_touch(struct dvbcss_ts_hub *hub);

/** Asks the program to run the hub. */
void ts_hub_replan(struct dvbcss_ts_hub *hub);

/** Finds the need for a selector; NULL if it is not in use. */
struct ts_need *ts_need_find(const struct dvbcss_ts_hub *hub, const char *selector);

/** Makes a need that no group has yet, and tells nobody; NULL without memory. */
struct ts_need *ts_need_create(struct dvbcss_ts_hub *hub, const char *selector);

/** Counts one more group; the first one is news to the sources. */
void ts_need_retain(struct ts_need *need);

/** Counts one group less; the last one is news to the sources, and ends the need. Also ends a need
 * that no group ever had. */
void ts_need_release(struct ts_need *need);

/** Asks the first source where the timeline is; @p out is set if it is running. A line that no
 * control timestamp can state is as good as gone. */
enum dvbcss_ts_state ts_need_read(const struct dvbcss_ts_hub *hub, const struct ts_need *need,
                                  int64_t now_ns, struct ts_reading *out);

/** Puts a session into the group for a setup; 0 or DVBCSS_ENOMEM. */
int ts_group_join(struct dvbcss_ts_hub *hub, struct dvbcss_ts_session *session,
                  const struct dvbcss_ts_setup *setup);

/** Takes a session out of its group, if any; an empty group ends. */
void ts_group_leave(struct dvbcss_ts_session *session);

/** When the group next has something to do; INT64_MIN for now, INT64_MAX for never. */
int64_t ts_group_deadline(const struct ts_group *group);

/** Looks at the group's timeline, and makes a delivery if there is something to tell. */
void ts_group_run(struct dvbcss_ts_hub *hub, struct ts_group *group, int64_t now_ns);

/** The hub goes away: the session lives on without it. */
void ts_session_close(struct dvbcss_ts_session *session);

/** The companion is being told `available` or not. */
void ts_session_told(struct dvbcss_ts_session *session, bool available);

#endif
