#include "ts/ts_hub.h"

#include "dvbcss/alloc.h"

int dvbcss_ts_hub_create(struct dvbcss_ts_hub **out, const struct dvbcss_ts_hub_options *options)
{
    struct dvbcss_ts_hub *hub;

    if (options->resend_interval_ns < 0 || !(options->change_threshold_s >= 0.0))
        return DVBCSS_EINVAL;
    hub = dvbcss_calloc(1, sizeof *hub);
    if (!hub)
        return DVBCSS_ENOMEM;
    hub->options = *options;
    list_init(&hub->attachments);
    list_init(&hub->needs);
    list_init(&hub->groups);
    list_init(&hub->sessions);
    list_init(&hub->outbox);
    *out = hub;
    return 0;
}

void dvbcss_ts_hub_destroy(struct dvbcss_ts_hub *hub)
{
    struct list_node *node;
    struct list_node *after;

    if (!hub)
        return;
    hub->options.replanned = NULL;
    LIST_FOR_EACH (node, after, &hub->sessions)
        ts_session_close(CONTAINER_OF(node, struct dvbcss_ts_session, in_hub));
    LIST_FOR_EACH (node, after, &hub->attachments)
        dvbcss_ts_hub_detach(hub, CONTAINER_OF(node, struct dvbcss_ts_attachment, in_hub)->source);
    dvbcss_free(hub->content_id);
    dvbcss_free(hub);
}

int dvbcss_ts_hub_set_content_id(struct dvbcss_ts_hub *hub, const char *content_id)
{
    char *copy = dvbcss_strdup(content_id);

    if (content_id && !copy)
        return DVBCSS_ENOMEM;
    dvbcss_free(hub->content_id);
    hub->content_id = copy;
    ts_hub_touch(hub);
    return 0;
}

const char *dvbcss_ts_hub_content_id(const struct dvbcss_ts_hub *hub)
{
    return hub->content_id;
}

void dvbcss_ts_hub_set_delay_ns(struct dvbcss_ts_hub *hub, int64_t delay_ns)
{
    hub->options.delay_ns = delay_ns;
    ts_hub_touch(hub);
}

void ts_hub_replan(struct dvbcss_ts_hub *hub)
{
    if (hub->options.replanned)
        hub->options.replanned(hub->options.user);
}

void ts_hub_touch(struct dvbcss_ts_hub *hub)
{
    hub->dirty = true;
    ts_hub_replan(hub);
}

void dvbcss_ts_hub_run(struct dvbcss_ts_hub *hub, int64_t now_ns)
{
    const bool look_at_all = hub->dirty;
    struct list_node *node;
    struct list_node *after;

    hub->runs++;
    hub->current = NULL;
    hub->dirty = false;
    LIST_FOR_EACH (node, after, &hub->groups) {
        struct ts_group *group = CONTAINER_OF(node, struct ts_group, in_hub);

        if (look_at_all || ts_group_deadline(group) <= now_ns)
            ts_group_run(hub, group, now_ns);
    }
}

int dvbcss_ts_hub_deadline(const struct dvbcss_ts_hub *hub, int64_t *out_ns)
{
    int64_t first_ns = INT64_MAX;
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &hub->groups) {
        const struct ts_group *group = CONTAINER_OF(node, struct ts_group, in_hub);
        const int64_t deadline_ns = hub->dirty ? INT64_MIN : ts_group_deadline(group);

        if (deadline_ns < first_ns)
            first_ns = deadline_ns;
    }
    if (first_ns == INT64_MAX)
        return DVBCSS_ENOENT;
    *out_ns = first_ns;
    return 0;
}

/* Leaves the delivery that was begun: who was not taken stays where the hub believes it to be. */
static void end_delivery(struct dvbcss_ts_hub *hub)
{
    struct ts_group *group = hub->current;

    if (!group)
        return;
    while (!list_empty(&group->pending)) {
        struct list_node *node = group->pending.next;

        list_remove(node);
        list_append(&group->members, node);
    }
    list_remove(&group->in_outbox);
    hub->current = NULL;
}

bool dvbcss_ts_hub_next_delivery(struct dvbcss_ts_hub *hub, struct dvbcss_ts_delivery *out)
{
    end_delivery(hub);
    while (!list_empty(&hub->outbox)) {
        struct ts_group *group = CONTAINER_OF(hub->outbox.next, struct ts_group, in_outbox);

        hub->current = group;
        if (!list_empty(&group->pending)) {
            out->text = group->text;
            out->length = group->length;
            out->timestamp = group->timestamp;
            return true;
        }
        end_delivery(hub);
    }
    return false;
}

struct dvbcss_ts_session *dvbcss_ts_hub_next_receiver(struct dvbcss_ts_hub *hub)
{
    struct ts_group *group = hub->current;
    struct dvbcss_ts_session *session;

    if (!group || list_empty(&group->pending))
        return NULL;
    session = CONTAINER_OF(group->pending.next, struct dvbcss_ts_session, in_group);
    list_remove(&session->in_group);
    list_append(&group->members, &session->in_group);
    ts_session_told(session, group->timestamp.available);
    return session;
}

int dvbcss_ts_hub_window(const struct dvbcss_ts_hub *hub, const char *selector, int64_t now_ns,
                         struct dvbcss_ts_window *out)
{
    const struct ts_need *need = ts_need_find(hub, selector);
    struct dvbcss_ts_window window;
    struct ts_reading reading;
    struct list_node *node;
    struct list_node *after;
    int error;

    if (!need || ts_need_read(hub, need, now_ns, &reading) != DVBCSS_TS_RUNNING)
        return DVBCSS_EUNAVAILABLE;
    error = dvbcss_ts_window_init(&window, reading.timestamp.content_time_ticks, reading.line.rate,
                                  reading.line.speed);
    if (error)
        return error;
    LIST_FOR_EACH (node, after, &hub->sessions) {
        const struct dvbcss_ts_session *session =
            CONTAINER_OF(node, struct dvbcss_ts_session, in_hub);

        if (!session->has_presentation || session->group->need != need ||
            !dvbcss_ts_stem_matches(hub->content_id, session->group->stem))
            continue;
        /* What cannot be moved to this instant says nothing about it. */
        if (dvbcss_ts_window_add(&window, &session->presentation) != 0)
            continue;
    }
    *out = window;
    return 0;
}
