#include <stdio.h>

#include "dvbcss/alloc.h"
#include "ts/ts_fsm.h"
#include "ts/ts_hub.h"

int dvbcss_ts_session_create(struct dvbcss_ts_session **out, struct dvbcss_ts_hub *hub, void *user)
{
    struct dvbcss_ts_session *session = dvbcss_calloc(1, sizeof *session);

    if (!session)
        return DVBCSS_ENOMEM;
    session->hub = hub;
    session->user = user;
    session->state = DVBCSS_TS_SESSION_WAITING;
    list_init(&session->in_group);
    list_append(&hub->sessions, &session->in_hub);
    *out = session;
    return 0;
}

void ts_session_close(struct dvbcss_ts_session *session)
{
    session->state = ts_fsm_step(session->state, TS_EVENT_CLOSE).next;
    ts_group_leave(session);
    list_remove(&session->in_hub);
    session->hub = NULL;
}

void dvbcss_ts_session_destroy(struct dvbcss_ts_session *session)
{
    if (!session)
        return;
    ts_session_close(session);
    dvbcss_ts_setup_clear(&session->setup);
    dvbcss_free(session);
}

void ts_session_told(struct dvbcss_ts_session *session, bool available)
{
    session->state =
        ts_fsm_step(session->state, available ? TS_EVENT_TELL_AVAILABLE : TS_EVENT_TELL_UNAVAILABLE)
            .next;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* Each does what an action of the table says; the request is the session's to keep or to empty. */
typedef int (*act)(struct dvbcss_ts_session *session, struct dvbcss_ts_request *request);

static int configure(struct dvbcss_ts_session *session, struct dvbcss_ts_request *request)
{
    struct dvbcss_ts_setup before = session->setup;
    int error = ts_group_join(session->hub, session, &request->as.setup);

    if (error)
        return error;
    session->setup = request->as.setup;
    request->as.setup = before;
    session->has_presentation = false;
    ts_hub_replan(session->hub);
    return 0;
}

static int keep(struct dvbcss_ts_session *session, struct dvbcss_ts_request *request)
{
    session->presentation = request->as.presentation;
    session->has_presentation = true;
    return 0;
}

static int refuse(struct dvbcss_ts_session *session, struct dvbcss_ts_request *request)
{
    (void)session;
    (void)request;
    return DVBCSS_ESTATE;
}

static const act acts[] = {
    [TS_ACTION_CONFIGURE] = configure,
    [TS_ACTION_KEEP] = keep,
    [TS_ACTION_IGNORE] = refuse,
};

static const enum ts_event events[] = {
    [DVBCSS_TS_REQUEST_SETUP] = TS_EVENT_SETUP,
    [DVBCSS_TS_REQUEST_PRESENTATION] = TS_EVENT_PRESENTATION,
};

static void explain(struct dvbcss_report *report, int error)
{
    if (!report)
        return;
    *report = (struct dvbcss_report){.error = error};
    snprintf(report->reason, sizeof report->reason, "%s", dvbcss_error_text(error));
}

int dvbcss_ts_session_receive(struct dvbcss_ts_session *session, const char *text, size_t length,
                              enum dvbcss_ts_request_kind *kind, struct dvbcss_report *report)
{
    enum ts_event event = TS_EVENT_UNDECODABLE;
    struct dvbcss_ts_request request;
    struct ts_transition transition;
    int error = dvbcss_ts_request_decode(text, length, DVBCSS_TOLERANT, &request, report);

    if (!error)
        event = events[request.kind];
    transition = ts_fsm_step(session->state, event);
    if (!error) {
        error = acts[transition.action](session, &request);
        if (error)
            explain(report, error);
        if (!error && kind)
            *kind = request.kind;
        dvbcss_ts_request_clear(&request);
    }
    if (error)
        session->ignored++;
    else
        session->state = transition.next;
    return error;
}

/* ---- looking -------------------------------------------------------------------------------- */

void *dvbcss_ts_session_user(const struct dvbcss_ts_session *session)
{
    return session->user;
}

enum dvbcss_ts_session_state dvbcss_ts_session_state(const struct dvbcss_ts_session *session)
{
    return session->state;
}

const struct dvbcss_ts_setup *dvbcss_ts_session_setup(const struct dvbcss_ts_session *session)
{
    return session->setup.timeline_selector ? &session->setup : NULL;
}

const struct dvbcss_ts_presentation *
dvbcss_ts_session_presentation(const struct dvbcss_ts_session *session)
{
    return session->has_presentation ? &session->presentation : NULL;
}

uint64_t dvbcss_ts_session_ignored(const struct dvbcss_ts_session *session)
{
    return session->ignored;
}
