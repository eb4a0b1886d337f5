/* Which selectors are in use, and which sources hear of it. */
#include <string.h>

#include "dvbcss/alloc.h"
#include "ts/ts_hub.h"

/* ---- links ---------------------------------------------------------------------------------- */

/* Links a need to a source that recognises its selector; 0, or DVBCSS_ENOMEM. */
static int link_source(struct ts_need *need, struct dvbcss_ts_attachment *attachment)
{
    struct dvbcss_ts_source *source = attachment->source;
    struct ts_link *link;

    if (!source->ops->recognises(source, need->selector))
        return 0;
    link = dvbcss_malloc(sizeof *link);
    if (!link)
        return DVBCSS_ENOMEM;
    link->attachment = attachment;
    list_append(&need->links, &link->in_need);
    return 0;
}

static void unlink_source(struct ts_link *link)
{
    list_remove(&link->in_need);
    dvbcss_free(link);
}

static struct ts_link *find_link(const struct ts_need *need,
                                 const struct dvbcss_ts_attachment *attachment)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &need->links) {
        struct ts_link *link = CONTAINER_OF(node, struct ts_link, in_need);

        if (link->attachment == attachment)
            return link;
    }
    return NULL;
}

static void tell_needed(const struct ts_link *link, const char *selector)
{
    struct dvbcss_ts_source *source = link->attachment->source;

    if (source->ops->needed)
        source->ops->needed(source, selector);
}

static void tell_not_needed(const struct ts_link *link, const char *selector)
{
    struct dvbcss_ts_source *source = link->attachment->source;

    if (source->ops->not_needed)
        source->ops->not_needed(source, selector);
}

/* ---- needs ---------------------------------------------------------------------------------- */

struct ts_need *ts_need_find(const struct dvbcss_ts_hub *hub, const char *selector)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &hub->needs) {
        struct ts_need *need = CONTAINER_OF(node, struct ts_need, in_hub);

        if (strcmp(need->selector, selector) == 0)
            return need;
    }
    return NULL;
}

static void free_need(struct ts_need *need)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &need->links)
        unlink_source(CONTAINER_OF(node, struct ts_link, in_need));
    list_remove(&need->in_hub);
    dvbcss_free(need->selector);
    dvbcss_free(need);
}

struct ts_need *ts_need_create(struct dvbcss_ts_hub *hub, const char *selector)
{
    struct ts_need *need = dvbcss_calloc(1, sizeof *need);
    struct list_node *node;
    struct list_node *after;
    int error = 0;

    if (!need)
        return NULL;
    list_init(&need->in_hub);
    list_init(&need->links);
    need->selector = dvbcss_strdup(selector);
    if (!need->selector)
        error = DVBCSS_ENOMEM;
    LIST_FOR_EACH (node, after, &hub->attachments)
        if (!error)
            error = link_source(need, CONTAINER_OF(node, struct dvbcss_ts_attachment, in_hub));
    if (error) {
        free_need(need);
        return NULL;
    }
    list_append(&hub->needs, &need->in_hub);
    return need;
}

void ts_need_retain(struct ts_need *need)
{
    struct list_node *node;
    struct list_node *after;

    if (need->groups++ > 0)
        return;
    LIST_FOR_EACH (node, after, &need->links)
        tell_needed(CONTAINER_OF(node, struct ts_link, in_need), need->selector);
}

void ts_need_release(struct ts_need *need)
{
    const bool was_told = need->groups > 0;
    struct list_node *node;
    struct list_node *after;

    if (was_told && --need->groups > 0)
        return;
    list_remove(&need->in_hub);
    if (was_told)
        LIST_FOR_EACH (node, after, &need->links)
            tell_not_needed(CONTAINER_OF(node, struct ts_link, in_need), need->selector);
    free_need(need);
}

/* Moves a line along the wall clock by the delay that the hub is set to; false if it cannot be
 * moved that far. */
static bool delay(struct dvbcss_ts_line *line, int64_t delay_ns)
{
    if ((delay_ns > 0 && line->wall_ns > INT64_MAX - delay_ns) ||
        (delay_ns < 0 && line->wall_ns < INT64_MIN - delay_ns))
        return false;
    line->wall_ns += delay_ns;
    return true;
}

enum dvbcss_ts_state ts_need_read(const struct dvbcss_ts_hub *hub, const struct ts_need *need,
                                  int64_t now_ns, struct ts_reading *out)
{
    struct dvbcss_ts_source *source;
    struct ts_reading reading;
    enum dvbcss_ts_state state;

    if (list_empty(&need->links))
        return DVBCSS_TS_GONE;
    source = CONTAINER_OF(need->links.next, struct ts_link, in_need)->attachment->source;
    state = source->ops->read(source, need->selector, now_ns, &reading.line);
    if (state != DVBCSS_TS_RUNNING)
        return state;
    if (!delay(&reading.line, hub->options.delay_ns) ||
        dvbcss_ts_line_stamp(&reading.line, now_ns, &reading.timestamp) != 0)
        return DVBCSS_TS_GONE;
    *out = reading;
    return DVBCSS_TS_RUNNING;
}

/* ---- sources -------------------------------------------------------------------------------- */

static struct dvbcss_ts_attachment *find_attachment(const struct dvbcss_ts_hub *hub,
                                                    const struct dvbcss_ts_source *source)
{
    struct dvbcss_ts_attachment *attachment = source->attachments;

    while (attachment && attachment->hub != hub)
        attachment = attachment->next;
    return attachment;
}

/* Removes the links of an attachment; `told` sources hear of it. */
static void unlink_all(struct dvbcss_ts_attachment *attachment, bool told)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &attachment->hub->needs) {
        struct ts_need *need = CONTAINER_OF(node, struct ts_need, in_hub);
        struct ts_link *link = find_link(need, attachment);

        if (!link)
            continue;
        if (told)
            tell_not_needed(link, need->selector);
        unlink_source(link);
    }
}

int dvbcss_ts_hub_attach(struct dvbcss_ts_hub *hub, struct dvbcss_ts_source *source)
{
    struct dvbcss_ts_attachment *attachment;
    struct list_node *node;
    struct list_node *after;
    int error = 0;

    if (!source->ops || !source->ops->recognises || !source->ops->read)
        return DVBCSS_EINVAL;
    if (find_attachment(hub, source))
        return DVBCSS_EEXIST;
    attachment = dvbcss_calloc(1, sizeof *attachment);
    if (!attachment)
        return DVBCSS_ENOMEM;
    attachment->hub = hub;
    attachment->source = source;
    LIST_FOR_EACH (node, after, &hub->needs)
        if (!error)
            error = link_source(CONTAINER_OF(node, struct ts_need, in_hub), attachment);
    if (error) {
        unlink_all(attachment, false);
        dvbcss_free(attachment);
        return error;
    }
    list_append(&hub->attachments, &attachment->in_hub);
    attachment->next = source->attachments;
    source->attachments = attachment;
    LIST_FOR_EACH (node, after, &hub->needs) {
        struct ts_need *need = CONTAINER_OF(node, struct ts_need, in_hub);
        const struct ts_link *link = find_link(need, attachment);

        if (link)
            tell_needed(link, need->selector);
    }
    ts_hub_touch(hub);
    return 0;
}

void dvbcss_ts_hub_detach(struct dvbcss_ts_hub *hub, struct dvbcss_ts_source *source)
{
    struct dvbcss_ts_attachment *attachment = find_attachment(hub, source);
    struct dvbcss_ts_attachment **place = &source->attachments;

    if (!attachment)
        return;
    unlink_all(attachment, true);
    while (*place != attachment)
        place = &(*place)->next;
    *place = attachment->next;
    list_remove(&attachment->in_hub);
    dvbcss_free(attachment);
    ts_hub_touch(hub);
}

void dvbcss_ts_source_changed(struct dvbcss_ts_source *source)
{
    for (struct dvbcss_ts_attachment *at = source->attachments; at; at = at->next)
        ts_hub_touch(at->hub);
}

void dvbcss_ts_source_detach_all(struct dvbcss_ts_source *source)
{
    while (source->attachments)
        dvbcss_ts_hub_detach(source->attachments->hub, source);
}
