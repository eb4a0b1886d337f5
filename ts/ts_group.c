/* Companions that asked for the same timeline, and what they are told. */
#include <assert.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "ts/ts_hub.h"

/* ---- joining and leaving --------------------------------------------------------------------- */

static struct ts_group *find_group(const struct dvbcss_ts_hub *hub, const struct ts_need *need,
                                   const char *stem)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &hub->groups) {
        struct ts_group *group = CONTAINER_OF(node, struct ts_group, in_hub);

        if (group->need == need && strcmp(group->stem, stem) == 0)
            return group;
    }
    return NULL;
}

static struct ts_group *create_group(struct dvbcss_ts_hub *hub, struct ts_need *need,
                                     const char *stem)
{
    struct ts_group *group = dvbcss_calloc(1, sizeof *group);

    if (!group)
        return NULL;
    group->stem = dvbcss_strdup(stem);
    if (!group->stem) {
        dvbcss_free(group);
        return NULL;
    }
    group->need = need;
    group->told = DVBCSS_TS_NOT_YET;
    list_init(&group->in_outbox);
    list_init(&group->waiting);
    list_init(&group->members);
    list_init(&group->pending);
    list_append(&hub->groups, &group->in_hub);
    ts_need_retain(need);
    return group;
}

static void destroy_group(struct dvbcss_ts_hub *hub, struct ts_group *group)
{
    if (hub->current == group)
        hub->current = NULL;
    list_remove(&group->in_outbox);
    list_remove(&group->in_hub);
    ts_need_release(group->need);
    dvbcss_free(group->stem);
    dvbcss_free(group);
}

/* Finds or makes the group for a setup; NULL without memory. */
static struct ts_group *group_for(struct dvbcss_ts_hub *hub, const struct dvbcss_ts_setup *setup)
{
    struct ts_need *need = ts_need_find(hub, setup->timeline_selector);
    struct ts_group *group;

    if (need) {
        group = find_group(hub, need, setup->content_id_stem);
        return group ? group : create_group(hub, need, setup->content_id_stem);
    }
    need = ts_need_create(hub, setup->timeline_selector);
    if (!need)
        return NULL;
    group = create_group(hub, need, setup->content_id_stem);
    if (!group)
        ts_need_release(need);
    return group;
}

int ts_group_join(struct dvbcss_ts_hub *hub, struct dvbcss_ts_session *session,
                  const struct dvbcss_ts_setup *setup)
{
    struct ts_group *group = group_for(hub, setup);

    if (!group)
        return DVBCSS_ENOMEM;
    /* Only now: a selector that stays in use must not be reported as not needed in between. */
    group->sessions++;
    ts_group_leave(session);
    session->group = group;
    list_append(&group->waiting, &session->in_group);
    return 0;
}

void ts_group_leave(struct dvbcss_ts_session *session)
{
    struct ts_group *group = session->group;

    if (!group)
        return;
    list_remove(&session->in_group);
    session->group = NULL;
    if (--group->sessions == 0)
        destroy_group(session->hub, group);
}

/* ---- telling -------------------------------------------------------------------------------- */

/* Moves every node of `from` to the end of `to`. */
static void splice(struct list_node *to, struct list_node *from)
{
    if (list_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    list_init(from);
}

/* Reads the group's timeline; the line is as companions are to see it. */
static enum dvbcss_ts_state look(struct dvbcss_ts_hub *hub, struct ts_group *group, int64_t now_ns)
{
    struct ts_need *need = group->need;

    if (!dvbcss_ts_stem_matches(hub->content_id, group->stem))
        return DVBCSS_TS_GONE;
    if (need->read_in_run != hub->runs) {
        need->read_in_run = hub->runs;
        need->state = ts_need_read(hub, need, now_ns, &need->reading);
    }
    return need->state;
}

/* What companions are told while the source says "not yet": nothing, until patience ends. */
static enum dvbcss_ts_state be_patient(const struct dvbcss_ts_hub *hub, struct ts_group *group,
                                       int64_t now_ns)
{
    const int64_t patience_ns = hub->options.patience_ns;

    if (!group->looking) {
        group->looking = true;
        group->patience_ends_ns = INT64_MAX;
        if (patience_ns >= 0 && now_ns <= INT64_MAX - patience_ns)
            group->patience_ends_ns = now_ns + patience_ns;
    }
    return now_ns < group->patience_ends_ns ? DVBCSS_TS_NOT_YET : DVBCSS_TS_GONE;
}

static bool is_change(const struct dvbcss_ts_hub *hub, const struct ts_group *group,
                      enum dvbcss_ts_state state)
{
    if (state != group->told)
        return true;
    return state == DVBCSS_TS_RUNNING &&
           dvbcss_ts_line_change_s(&group->told_line, &group->need->reading.line) >
               hub->options.change_threshold_s;
}

static void write_delivery(struct ts_group *group, enum dvbcss_ts_state state, int64_t now_ns)
{
    const struct dvbcss_ts_control_timestamp unavailable = {false, 0, now_ns, 0.0};
    int error;

    group->timestamp = state == DVBCSS_TS_RUNNING ? group->need->reading.timestamp : unavailable;
    error = dvbcss_ts_control_timestamp_encode(&group->timestamp, group->text, sizeof group->text,
                                               &group->length);
    assert(!error); /* There is room for every control timestamp, and the speed is finite. */
    (void)error;
}

void ts_group_run(struct dvbcss_ts_hub *hub, struct ts_group *group, int64_t now_ns)
{
    const int64_t interval_ns = hub->options.resend_interval_ns;
    enum dvbcss_ts_state state = look(hub, group, now_ns);
    bool tell_all;

    if (state == DVBCSS_TS_NOT_YET)
        state = be_patient(hub, group, now_ns);
    else
        group->looking = false;
    group->holding = state == DVBCSS_TS_NOT_YET;
    if (group->holding)
        return;
    tell_all = is_change(hub, group, state) || now_ns >= group->resend_at_ns;
    if (!tell_all && list_empty(&group->waiting))
        return;
    write_delivery(group, state, now_ns);
    if (tell_all) {
        group->told = state;
        group->told_line = group->need->reading.line;
        group->resend_at_ns = INT64_MAX;
        if (interval_ns > 0 && now_ns <= INT64_MAX - interval_ns)
            group->resend_at_ns = now_ns + interval_ns;
        splice(&group->pending, &group->members);
    }
    splice(&group->pending, &group->waiting);
    list_remove(&group->in_outbox);
    list_append(&hub->outbox, &group->in_outbox);
}

int64_t ts_group_deadline(const struct ts_group *group)
{
    if (group->holding)
        return group->patience_ends_ns;
    return list_empty(&group->waiting) ? group->resend_at_ns : INT64_MIN;
}
