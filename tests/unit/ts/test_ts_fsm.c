#include <criterion/criterion.h>

#include "ts/ts_fsm.h"

Test(ts_fsm, closed_is_for_ever)
{
    for (int event = 0; event < TS_EVENT_COUNT; event++)
        cr_assert_eq(ts_fsm_step(DVBCSS_TS_SESSION_CLOSED, (enum ts_event)event).next,
                     DVBCSS_TS_SESSION_CLOSED);
}

Test(ts_fsm, closing_ends_every_state)
{
    for (int state = 0; state < TS_STATE_COUNT; state++)
        cr_assert_eq(ts_fsm_step((enum dvbcss_ts_session_state)state, TS_EVENT_CLOSE).next,
                     DVBCSS_TS_SESSION_CLOSED);
}

Test(ts_fsm, setup_data_configure_every_open_state_anew)
{
    for (int state = 0; state < DVBCSS_TS_SESSION_CLOSED; state++) {
        const struct ts_transition transition =
            ts_fsm_step((enum dvbcss_ts_session_state)state, TS_EVENT_SETUP);

        cr_assert_eq(transition.next, DVBCSS_TS_SESSION_UNANSWERED);
        cr_assert_eq(transition.action, TS_ACTION_CONFIGURE);
    }
}

Test(ts_fsm, what_cannot_be_understood_changes_no_state)
{
    for (int state = 0; state < TS_STATE_COUNT; state++) {
        const struct ts_transition transition =
            ts_fsm_step((enum dvbcss_ts_session_state)state, TS_EVENT_UNDECODABLE);

        cr_assert_eq(transition.next, (enum dvbcss_ts_session_state)state);
        cr_assert_eq(transition.action, TS_ACTION_IGNORE);
    }
}

Test(ts_fsm, presentation_timestamps_count_only_after_setup_data)
{
    for (int state = 0; state < TS_STATE_COUNT; state++) {
        const bool configured =
            state != DVBCSS_TS_SESSION_WAITING && state != DVBCSS_TS_SESSION_CLOSED;
        const struct ts_transition transition =
            ts_fsm_step((enum dvbcss_ts_session_state)state, TS_EVENT_PRESENTATION);

        cr_assert_eq(transition.next, (enum dvbcss_ts_session_state)state);
        cr_assert_eq(transition.action, configured ? TS_ACTION_KEEP : TS_ACTION_IGNORE);
    }
}

Test(ts_fsm, only_configured_sessions_are_told_anything)
{
    for (int state = 0; state < TS_STATE_COUNT; state++) {
        const enum dvbcss_ts_session_state from = (enum dvbcss_ts_session_state)state;
        const bool configured =
            state != DVBCSS_TS_SESSION_WAITING && state != DVBCSS_TS_SESSION_CLOSED;

        cr_assert_eq(ts_fsm_step(from, TS_EVENT_TELL_AVAILABLE).next,
                     configured ? DVBCSS_TS_SESSION_AVAILABLE : from);
        cr_assert_eq(ts_fsm_step(from, TS_EVENT_TELL_UNAVAILABLE).next,
                     configured ? DVBCSS_TS_SESSION_UNAVAILABLE : from);
    }
}
