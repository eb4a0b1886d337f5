/**
 * @file
 * The states of a session as one table, without effects. Private to ts/.
 */
#ifndef DVBCSS_TS_FSM_H
#define DVBCSS_TS_FSM_H

#include "dvbcss/ts_timeline.h"

/** What happens to a session. */
enum ts_event {
    /** Setup-data arrived. */
    TS_EVENT_SETUP,
    /** Presentation timestamps arrived. */
    TS_EVENT_PRESENTATION,
    /** Something arrived that cannot be understood. */
    TS_EVENT_UNDECODABLE,
    /** The companion is told that its timeline is not available: the hub found out, or lost its
     * patience. */
    TS_EVENT_TELL_UNAVAILABLE,
    /** The companion is told where its timeline is. */
    TS_EVENT_TELL_AVAILABLE,
    /** The hub goes away. */
    TS_EVENT_CLOSE,
    TS_EVENT_COUNT,
};

/** What the session does about it. */
enum ts_action {
    TS_ACTION_NONE,
    /** Join the group of the new setup-data and leave the old one. */
    TS_ACTION_CONFIGURE,
    /** Keep the presentation timestamps. */
    TS_ACTION_KEEP,
    /** Count the message, and forget it. */
    TS_ACTION_IGNORE,
    /** Leave the group. */
    TS_ACTION_LEAVE,
};

enum { TS_STATE_COUNT = DVBCSS_TS_SESSION_CLOSED + 1 };

struct ts_transition {
    enum dvbcss_ts_session_state next;
    enum ts_action action;
};

/** Looks a transition up. */
struct ts_transition ts_fsm_step(enum dvbcss_ts_session_state state, enum ts_event event);

#endif
