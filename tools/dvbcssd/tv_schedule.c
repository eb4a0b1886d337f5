/*
 * Changes to come. A timer of the loop has whole milliseconds and may be late; the line that
 * companions are told has its bend exactly where it was asked for, all the same.
 */
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "tv_internal.h"

/* The loop's clock and the wall clock drift apart: a long wait is taken in parts. */
enum { LONGEST_WAIT_MS = 60000 };

struct entry {
    struct list_node node;
    struct tv_scheduled scheduled;
};

static struct entry *entry_of(struct list_node *node)
{
    return CONTAINER_OF(node, struct entry, node);
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct tv *tv)
{
    const int64_t ns_per_ms = 1000000;
    int64_t wait_ms;

    if (list_empty(&tv->scheduled)) {
        uv_timer_stop(&tv->timer);
        return;
    }
    wait_ms = (entry_of(tv->scheduled.next)->scheduled.at_ns - dvbcss_clock_now_ns(tv->wall_clock) +
               ns_per_ms - 1) /
              ns_per_ms;
    if (wait_ms < 0)
        wait_ms = 0;
    if (wait_ms > LONGEST_WAIT_MS)
        wait_ms = LONGEST_WAIT_MS;
    /* The loop's time is that of its last turn. */
    uv_update_time(tv->timer.loop);
    uv_timer_start(&tv->timer, on_timer, (uint64_t)wait_ms, 0);
}

static void forget(struct tv *tv, struct entry *entry)
{
    list_remove(&entry->node);
    tv->scheduled_count--;
    dvbcss_free(entry);
}

static void run_entry(struct tv *tv, const struct tv_scheduled *scheduled)
{
    int error = tv_apply(tv, scheduled->timeline, &scheduled->change, scheduled->at_ns);

    if (error != 0)
        dvbcss_log(DVBCSS_LOG_ERROR, "tv-scheduled", "change %llu failed: %s",
                   (unsigned long long)scheduled->id, dvbcss_error_text(error));
}

/* The timer stays as it is: it rings, and publishes, even if it finds nothing to do. */
void tv_schedule_run(struct tv *tv, int64_t until_ns)
{
    while (!list_empty(&tv->scheduled) &&
           entry_of(tv->scheduled.next)->scheduled.at_ns <= until_ns) {
        struct entry *entry = entry_of(tv->scheduled.next);

        run_entry(tv, &entry->scheduled);
        forget(tv, entry);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct tv *tv = CONTAINER_OF(timer, struct tv, timer);
    int error;

    tv_schedule_run(tv, dvbcss_clock_now_ns(tv->wall_clock));
    error = tv_publish(tv);
    if (error != 0)
        dvbcss_log(DVBCSS_LOG_ERROR, "tv-scheduled", "nobody was told: %s",
                   dvbcss_error_text(error));
    set_timer(tv);
}

/* Before the first that is later: those of one time keep their order. */
static void insert(struct tv *tv, struct entry *entry)
{
    struct list_node *node = tv->scheduled.next;

    while (node != &tv->scheduled && entry_of(node)->scheduled.at_ns <= entry->scheduled.at_ns)
        node = node->next;
    list_append(node, &entry->node);
    tv->scheduled_count++;
}

int tv_schedule(struct tv *tv, struct tv_timeline *timeline, const struct tv_change *change,
                int64_t at_ns, uint64_t *id)
{
    struct entry *entry;

    if (tv->scheduled_count >= TV_SCHEDULED_MAX)
        return DVBCSS_EFULL;
    entry = dvbcss_calloc(1, sizeof *entry);
    if (!entry)
        return DVBCSS_ENOMEM;
    list_init(&entry->node);
    entry->scheduled = (struct tv_scheduled){++tv->last_scheduled_id, at_ns, timeline, *change};
    insert(tv, entry);
    set_timer(tv);
    if (id)
        *id = entry->scheduled.id;
    return 0;
}

void tv_schedule_forget(struct tv *tv, const struct tv_timeline *timeline)
{
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, &tv->scheduled) {
        if (!timeline || entry_of(node)->scheduled.timeline == timeline)
            forget(tv, entry_of(node));
    }
    set_timer(tv);
}

void tv_each_scheduled(const struct tv *tv,
                       void (*visit)(void *user, const struct tv_scheduled *scheduled), void *user)
{
    const struct list_node *node;

    for (node = tv->scheduled.next; node != &tv->scheduled; node = node->next)
        visit(user, &CONTAINER_OF(node, struct entry, node)->scheduled);
}

bool tv_cancel(struct tv *tv, uint64_t id)
{
    struct list_node *node, *after;

    LIST_FOR_EACH (node, after, &tv->scheduled) {
        if (entry_of(node)->scheduled.id == id) {
            forget(tv, entry_of(node));
            set_timer(tv);
            return true;
        }
    }
    return false;
}
