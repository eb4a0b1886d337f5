#include <stddef.h>

#include "clock/clock_private.h"
#include "dvbcss/alloc.h"

/* Position of a task that is not in the heap: it sleeps, or a run has picked it. */
#define NOWHERE SIZE_MAX

struct dvbcss_task {
    struct dvbcss_task_queue *queue;
    struct dvbcss_clock *clock;
    /** Among the tasks of the clock. */
    struct list_node with_clock;
    /** Among the queue's tasks, or those that a run has picked. */
    struct list_node with_queue;
    struct dvbcss_ticks at;
    int64_t due_ns;
    /** Decides between tasks that are due at the same time. */
    uint64_t order;
    /** In the heap, or NOWHERE. */
    size_t position;
    bool picked;
    dvbcss_task_function function;
    void *user;
};

struct dvbcss_task_queue {
    /** Binary heap of the tasks that are planned, the earliest first; has room for all tasks, so
     * that planning cannot fail. */
    struct dvbcss_task **heap;
    size_t planned;
    size_t capacity;
    struct list_node tasks;
    size_t task_count;
    uint64_t next_order;
    /** The root of the tasks' clocks; referenced while there are tasks. */
    struct dvbcss_clock *root;
    dvbcss_task_replanned replanned;
    void *user;
    /** What dvbcss_task_queue_next() answered when the program was last told. */
    bool told_any;
    int64_t told_ns;
    /** On the list of a change, of queues that may have to tell. */
    struct list_node changed;
    bool running;
    int64_t run_ns;
    /** Tasks that the run has picked and not called yet. */
    struct list_node picked;
};

/* ---- heap ----------------------------------------------------------------------------------- */

static bool earlier(const struct dvbcss_task *a, const struct dvbcss_task *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void put(struct dvbcss_task_queue *queue, size_t position, struct dvbcss_task *task)
{
    queue->heap[position] = task;
    task->position = position;
}

static void sift_up(struct dvbcss_task_queue *queue, size_t position, struct dvbcss_task *task)
{
    while (position > 0) {
        size_t above = (position - 1) / 2;

        if (!earlier(task, queue->heap[above]))
            break;
        put(queue, position, queue->heap[above]);
        position = above;
    }
    put(queue, position, task);
}

static void sift_down(struct dvbcss_task_queue *queue, size_t position, struct dvbcss_task *task)
{
    for (;;) {
        size_t below = 2 * position + 1;

        if (below >= queue->planned)
            break;
        if (below + 1 < queue->planned && earlier(queue->heap[below + 1], queue->heap[below]))
            below++;
        if (!earlier(queue->heap[below], task))
            break;
        put(queue, position, queue->heap[below]);
        position = below;
    }
    put(queue, position, task);
}

static void heap_insert(struct dvbcss_task *task)
{
    struct dvbcss_task_queue *queue = task->queue;

    sift_up(queue, queue->planned++, task);
}

static void heap_remove(struct dvbcss_task *task)
{
    struct dvbcss_task_queue *queue = task->queue;
    size_t position = task->position;
    struct dvbcss_task *last;

    if (position == NOWHERE)
        return;
    task->position = NOWHERE;
    last = queue->heap[--queue->planned];
    if (last == task)
        return;
    /* The last one fills the gap, and goes whichever way is its own. */
    sift_down(queue, position, last);
    sift_up(queue, last->position, last);
}

/* ---- planning ------------------------------------------------------------------------------- */

/* Works out when a task is due. False while its clock will not show its time: it sleeps. */
static bool find_due(const struct dvbcss_task *task, int64_t *due_ns)
{
    const struct dvbcss_clock *root = dvbcss_clock_root(task->clock);
    struct dvbcss_ticks ticks;
    int error;

    if (root != task->queue->root)
        return false;
    error = clock_to_root(task->clock, task->at, &ticks);
    if (error == DVBCSS_ENOTMAPPABLE)
        return false;
    if (clock_root_when_ns(root, ticks, due_ns) != 0)
        error = DVBCSS_ERANGE;
    /* Beyond the end is never; before the beginning has passed. */
    return !error || *due_ns < INT64_MAX;
}

static void plan(struct dvbcss_task *task)
{
    struct dvbcss_task_queue *queue = task->queue;
    int64_t due_ns;
    bool plannable = find_due(task, &due_ns);

    if (task->picked) {
        if (plannable && due_ns <= queue->run_ns)
            return;
        task->picked = false;
        list_remove(&task->with_queue);
        list_append(&queue->tasks, &task->with_queue);
    }
    heap_remove(task);
    if (plannable) {
        task->due_ns = due_ns;
        heap_insert(task);
    }
}

void clock_tasks_replan(struct dvbcss_clock *clock, struct list_node *queues)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &clock->tasks) {
        struct dvbcss_task *task = CONTAINER_OF(node, struct dvbcss_task, with_clock);

        plan(task);
        list_remove(&task->queue->changed);
        list_append(queues, &task->queue->changed);
    }
}

/* ---- telling the program -------------------------------------------------------------------- */

static void tell(struct dvbcss_task_queue *queue)
{
    queue->told_any = dvbcss_task_queue_next(queue, &queue->told_ns) == 0;
    if (queue->replanned)
        queue->replanned(queue->user);
}

/* While a run is going on it is its end that tells. */
static void tell_if_changed(struct dvbcss_task_queue *queue)
{
    int64_t next_ns = 0;
    bool any = dvbcss_task_queue_next(queue, &next_ns) == 0;

    if (!queue->running && (any != queue->told_any || (any && next_ns != queue->told_ns)))
        tell(queue);
}

void clock_tasks_tell(struct list_node *queues)
{
    while (!list_empty(queues)) {
        struct list_node *node = queues->next;

        list_remove(node);
        tell_if_changed(CONTAINER_OF(node, struct dvbcss_task_queue, changed));
    }
}

/* ---- life of a queue ------------------------------------------------------------------------ */

int dvbcss_task_queue_create(struct dvbcss_task_queue **out, dvbcss_task_replanned replanned,
                             void *user)
{
    struct dvbcss_task_queue *queue = dvbcss_calloc(1, sizeof *queue);

    if (!queue)
        return DVBCSS_ENOMEM;
    queue->replanned = replanned;
    queue->user = user;
    list_init(&queue->tasks);
    list_init(&queue->picked);
    list_init(&queue->changed);
    *out = queue;
    return 0;
}

/* Frees a task that is cancelled or about to be called. */
static void release(struct dvbcss_task *task)
{
    struct dvbcss_task_queue *queue = task->queue;
    struct dvbcss_clock *root = queue->root;

    heap_remove(task);
    list_remove(&task->with_clock);
    list_remove(&task->with_queue);
    dvbcss_free(task);
    if (--queue->task_count == 0) {
        queue->root = NULL;
        clock_unreference(root);
    }
}

void dvbcss_task_queue_destroy(struct dvbcss_task_queue *queue)
{
    if (!queue)
        return;
    while (!list_empty(&queue->tasks))
        release(CONTAINER_OF(queue->tasks.next, struct dvbcss_task, with_queue));
    list_remove(&queue->changed);
    dvbcss_free(queue->heap);
    dvbcss_free(queue);
}

/* ---- life of a task ------------------------------------------------------------------------- */

static int reserve(struct dvbcss_task_queue *queue)
{
    enum { FIRST_CAPACITY = 8 };
    size_t capacity = queue->capacity ? 2 * queue->capacity : FIRST_CAPACITY;
    struct dvbcss_task **heap;

    if (queue->task_count < queue->capacity)
        return 0;
    if (capacity > SIZE_MAX / sizeof(struct dvbcss_task *))
        return DVBCSS_ENOMEM;
    heap = dvbcss_realloc(queue->heap, capacity * sizeof(struct dvbcss_task *));
    if (!heap)
        return DVBCSS_ENOMEM;
    queue->heap = heap;
    queue->capacity = capacity;
    return 0;
}

/* Makes a task that sleeps. */
static struct dvbcss_task *new_task(struct dvbcss_task_queue *queue, struct dvbcss_clock *clock)
{
    struct dvbcss_task *task;

    if (reserve(queue) != 0)
        return NULL;
    task = dvbcss_calloc(1, sizeof *task);
    if (!task)
        return NULL;
    if (queue->task_count++ == 0) {
        queue->root = dvbcss_clock_root(clock);
        clock_reference(queue->root);
    }
    task->queue = queue;
    task->clock = clock;
    task->order = queue->next_order++;
    task->position = NOWHERE;
    list_append(&clock->tasks, &task->with_clock);
    list_append(&queue->tasks, &task->with_queue);
    return task;
}

int dvbcss_task_at(struct dvbcss_task_queue *queue, struct dvbcss_clock *clock,
                   struct dvbcss_ticks at, dvbcss_task_function function, void *user,
                   struct dvbcss_task **out)
{
    struct dvbcss_task *task;

    if (!function || (queue->root && queue->root != dvbcss_clock_root(clock)))
        return DVBCSS_EINVAL;
    task = new_task(queue, clock);
    if (!task)
        return DVBCSS_ENOMEM;
    task->at = at;
    task->function = function;
    task->user = user;
    plan(task);
    if (out)
        *out = task;
    tell_if_changed(queue);
    return 0;
}

int dvbcss_task_after(struct dvbcss_task_queue *queue, struct dvbcss_clock *clock,
                      struct dvbcss_ticks after, dvbcss_task_function function, void *user,
                      struct dvbcss_task **out)
{
    struct ticks_span span = ticks_span_between(dvbcss_ticks(0), after);
    struct dvbcss_ticks at;
    int error = ticks_move(dvbcss_clock_now(clock), span, &at);

    return error ? error : dvbcss_task_at(queue, clock, at, function, user, out);
}

void dvbcss_task_cancel(struct dvbcss_task *task)
{
    struct dvbcss_task_queue *queue;

    if (!task)
        return;
    queue = task->queue;
    release(task);
    tell_if_changed(queue);
}

void clock_tasks_forget(struct dvbcss_clock *clock, struct list_node *queues)
{
    while (!list_empty(&clock->tasks)) {
        struct dvbcss_task *task = CONTAINER_OF(clock->tasks.next, struct dvbcss_task, with_clock);

        list_remove(&task->queue->changed);
        list_append(queues, &task->queue->changed);
        release(task);
    }
}

/* ---- running -------------------------------------------------------------------------------- */

int dvbcss_task_queue_next(const struct dvbcss_task_queue *queue, int64_t *out_ns)
{
    if (queue->planned == 0)
        return DVBCSS_ENOENT;
    *out_ns = queue->heap[0]->due_ns;
    return 0;
}

/* Takes the tasks that are due out of the heap, so that what their functions schedule meanwhile is
 * not called in the same run. */
static void pick_due(struct dvbcss_task_queue *queue)
{
    while (queue->planned > 0 && queue->heap[0]->due_ns <= queue->run_ns) {
        struct dvbcss_task *task = queue->heap[0];

        heap_remove(task);
        task->picked = true;
        list_remove(&task->with_queue);
        list_append(&queue->picked, &task->with_queue);
    }
}

unsigned dvbcss_task_queue_run(struct dvbcss_task_queue *queue, int64_t now_ns)
{
    unsigned called = 0;

    if (queue->running)
        return 0;
    queue->running = true;
    queue->run_ns = now_ns;
    pick_due(queue);
    while (!list_empty(&queue->picked)) {
        struct dvbcss_task *task = CONTAINER_OF(queue->picked.next, struct dvbcss_task, with_queue);
        struct dvbcss_clock *clock = task->clock;
        dvbcss_task_function function = task->function;
        void *user = task->user;

        release(task);
        function(user, clock);
        called++;
    }
    queue->running = false;
    tell(queue);
    return called;
}
