#include "app2app/app2app_early.h"

#include "dvbcss/alloc.h"

struct kept {
    struct list_node node;
    struct dvbcss_message *message;
};

void app2app_early_init(struct app2app_early *early)
{
    list_init(&early->messages);
    early->count = 0;
    early->bytes = 0;
}

void app2app_early_clear(struct app2app_early *early)
{
    struct dvbcss_message *message;

    while ((message = app2app_early_take(early)))
        dvbcss_message_release(message);
}

int app2app_early_keep(struct app2app_early *early, size_t max_messages, size_t max_bytes,
                       struct dvbcss_message *message)
{
    const size_t length = dvbcss_message_length(message);
    struct kept *kept;

    if (early->count >= max_messages || length > max_bytes || early->bytes > max_bytes - length)
        return DVBCSS_EFULL;
    kept = dvbcss_malloc(sizeof *kept);
    if (!kept)
        return DVBCSS_ENOMEM;
    kept->message = dvbcss_message_retain(message);
    list_append(&early->messages, &kept->node);
    early->count++;
    early->bytes += length;
    return 0;
}

struct dvbcss_message *app2app_early_take(struct app2app_early *early)
{
    struct dvbcss_message *message;
    struct kept *kept;

    if (list_empty(&early->messages))
        return NULL;
    kept = CONTAINER_OF(early->messages.next, struct kept, node);
    message = kept->message;
    list_remove(&kept->node);
    early->count--;
    early->bytes -= dvbcss_message_length(message);
    dvbcss_free(kept);
    return message;
}
