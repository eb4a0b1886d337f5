#include "impair_queue.h"

#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/error.h"

int impair_queue_init(struct impair_queue *queue, size_t limit)
{
    *queue = (struct impair_queue){.limit = limit};
    queue->heap = dvbcss_calloc(limit, sizeof *queue->heap);
    return queue->heap ? 0 : DVBCSS_ENOMEM;
}

void impair_queue_finish(struct impair_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        dvbcss_free(queue->heap[i].datagram);
    dvbcss_free(queue->heap);
    *queue = (struct impair_queue){0};
}

static bool goes_before(const struct impair_place *a, const struct impair_place *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void sift_up(struct impair_place *heap, size_t at)
{
    struct impair_place moved = heap[at];

    while (at > 0 && goes_before(&moved, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = moved;
}

static void sift_down(struct impair_place *heap, size_t count)
{
    struct impair_place moved = heap[0];
    size_t at = 0, child;

    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count && goes_before(&heap[child + 1], &heap[child]))
            child++;
        if (!goes_before(&heap[child], &moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

bool impair_queue_add(struct impair_queue *queue, const struct impair_datagram *head,
                      const void *bytes)
{
    struct impair_datagram *datagram;

    if (queue->count == queue->limit)
        return false;
    datagram = dvbcss_malloc(sizeof *datagram + head->length);
    if (!datagram)
        return false;
    *datagram = *head;
    memcpy(datagram->bytes, bytes, head->length);
    queue->heap[queue->count] =
        (struct impair_place){datagram->due_ns, queue->next_number++, datagram};
    sift_up(queue->heap, queue->count++);
    return true;
}

int64_t impair_queue_due_ns(const struct impair_queue *queue)
{
    return queue->count > 0 ? queue->heap[0].due_ns : INT64_MAX;
}

struct impair_datagram *impair_queue_take(struct impair_queue *queue)
{
    struct impair_datagram *first = queue->heap[0].datagram;

    if (--queue->count > 0) {
        queue->heap[0] = queue->heap[queue->count];
        sift_down(queue->heap, queue->count);
    }
    return first;
}
