/*
 * The server's state as connections share it, and what each of them is still to be told.
 */
#include <stddef.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"

struct dvbcss_cii_snapshot {
    unsigned users;
    struct dvbcss_cii state;
};

/* Takes the slash of an empty path away: it says nothing, and some televisions refuse it. */
static void drop_bare_slash(struct dvbcss_cii_text *url)
{
    char *authority = url->text ? strstr(url->text, "://") : NULL;
    char *slash = authority ? strchr(authority + strlen("://"), '/') : NULL;

    if (slash && slash[1] == '\0')
        *slash = '\0';
}

/* What a snapshot says where the application said nothing. */
static int complete(struct dvbcss_cii *state)
{
    if (state->mrs_url.presence == DVBCSS_OMITTED)
        dvbcss_cii_set_null(state, DVBCSS_CII_MRS_URL);
    if (state->te_url.presence == DVBCSS_OMITTED)
        dvbcss_cii_set_null(state, DVBCSS_CII_TE_URL);
    if (state->timelines.presence == DVBCSS_OMITTED) {
        int error = dvbcss_cii_set_timelines(state, NULL, 0);

        if (error)
            return error;
    }
    if (state->protocol_version.presence == DVBCSS_OMITTED)
        return dvbcss_cii_set_text(state, DVBCSS_CII_PROTOCOL_VERSION, DVBCSS_CII_VERSION);
    return 0;
}

int dvbcss_cii_snapshot_create(const struct dvbcss_cii *state,
                               struct dvbcss_cii_snapshot **snapshot)
{
    struct dvbcss_cii_snapshot *created = dvbcss_calloc(1, sizeof *created);
    int error;

    if (!created)
        return DVBCSS_ENOMEM;
    created->users = 1;
    error = dvbcss_cii_copy(&created->state, state);
    if (!error)
        error = complete(&created->state);
    if (error) {
        dvbcss_cii_snapshot_unref(created);
        return error;
    }
    drop_bare_slash(&created->state.mrs_url);
    drop_bare_slash(&created->state.wc_url);
    drop_bare_slash(&created->state.ts_url);
    drop_bare_slash(&created->state.te_url);
    *snapshot = created;
    return 0;
}

struct dvbcss_cii_snapshot *dvbcss_cii_snapshot_ref(struct dvbcss_cii_snapshot *snapshot)
{
    snapshot->users++;
    return snapshot;
}

void dvbcss_cii_snapshot_unref(struct dvbcss_cii_snapshot *snapshot)
{
    if (!snapshot || --snapshot->users > 0)
        return;
    dvbcss_cii_finish(&snapshot->state);
    dvbcss_free(snapshot);
}

const struct dvbcss_cii *dvbcss_cii_snapshot_state(const struct dvbcss_cii_snapshot *snapshot)
{
    return &snapshot->state;
}

void dvbcss_cii_session_init(struct dvbcss_cii_session *session)
{
    session->told = NULL;
}

void dvbcss_cii_session_finish(struct dvbcss_cii_session *session)
{
    if (!session)
        return;
    dvbcss_cii_snapshot_unref(session->told);
    session->told = NULL;
}

unsigned dvbcss_cii_session_due(const struct dvbcss_cii_session *session,
                                const struct dvbcss_cii_snapshot *current,
                                enum dvbcss_cii_policy policy)
{
    /* What goes along with every change. */
    static const unsigned companions[] = {
        [DVBCSS_CII_SEND_CHANGES] = DVBCSS_CII_BIT(DVBCSS_CII_TIMELINES),
        [DVBCSS_CII_SEND_LEAST] = 0,
        [DVBCSS_CII_SEND_FULL] = DVBCSS_CII_ALL,
    };
    unsigned defined = dvbcss_cii_defined(&current->state);
    unsigned changes;

    if (!session->told)
        return defined;
    if (session->told == current)
        return 0;
    changes = dvbcss_cii_diff(&session->told->state, &current->state);
    return changes ? (changes | companions[policy]) & defined : 0;
}

void dvbcss_cii_session_advance(struct dvbcss_cii_session *session,
                                struct dvbcss_cii_snapshot *current)
{
    struct dvbcss_cii_snapshot *before = session->told;

    session->told = dvbcss_cii_snapshot_ref(current);
    dvbcss_cii_snapshot_unref(before);
}
