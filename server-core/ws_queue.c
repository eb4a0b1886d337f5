#include "server-core/ws_queue.h"

#include "dvbcss/alloc.h"

struct ws_queued {
    struct ws_queued *next;
    struct dvbcss_message *message;
};

static int append(struct ws_queue *queue, struct dvbcss_message *message)
{
    struct ws_queued *entry = dvbcss_malloc(sizeof *entry);

    if (!entry)
        return DVBCSS_ENOMEM;
    entry->next = NULL;
    entry->message = dvbcss_message_retain(message);
    if (queue->last)
        queue->last->next = entry;
    else
        queue->first = entry;
    queue->last = entry;
    queue->messages++;
    queue->bytes += dvbcss_message_length(message);
    return 0;
}

/* The single slot keeps its entry: replacing a message cannot fail. */
static void replace(struct ws_queue *queue, struct dvbcss_message *message)
{
    struct ws_queued *entry = queue->first;

    queue->bytes = dvbcss_message_length(message);
    dvbcss_message_retain(message);
    dvbcss_message_release(entry->message);
    entry->message = message;
}

int ws_queue_push(struct ws_queue *queue, struct dvbcss_message *message,
                  const struct ws_queue_rules *rules, uint64_t *dropped)
{
    if (rules->policy == DVBCSS_QUEUE_NEWEST && queue->first) {
        replace(queue, message);
        ++*dropped;
        return 0;
    }
    if (rules->policy == DVBCSS_QUEUE_ORDERED &&
        (queue->messages >= rules->max_messages || queue->bytes > rules->max_bytes ||
         dvbcss_message_length(message) > rules->max_bytes - queue->bytes))
        return DVBCSS_EFULL;
    return append(queue, message);
}

struct dvbcss_message *ws_queue_front(const struct ws_queue *queue)
{
    return queue->first ? queue->first->message : NULL;
}

void ws_queue_pop(struct ws_queue *queue)
{
    struct ws_queued *entry = queue->first;

    queue->first = entry->next;
    if (!queue->first)
        queue->last = NULL;
    queue->messages--;
    queue->bytes -= dvbcss_message_length(entry->message);
    dvbcss_message_release(entry->message);
    dvbcss_free(entry);
}

size_t ws_queue_clear(struct ws_queue *queue)
{
    size_t count = queue->messages;

    while (queue->first)
        ws_queue_pop(queue);
    return count;
}
