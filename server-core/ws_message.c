#include <string.h>

#include "dvbcss/alloc.h"
#include "server-core/ws_internal.h"

struct dvbcss_message *ws_message_allocate(enum dvbcss_message_kind kind, size_t length)
{
    enum ws_opcode opcode = kind == DVBCSS_MESSAGE_TEXT ? WS_OPCODE_TEXT : WS_OPCODE_BINARY;
    struct dvbcss_message *message;

    if (length > SIZE_MAX - sizeof *message)
        return NULL;
    message = dvbcss_malloc(sizeof *message + length);
    if (!message)
        return NULL;
    message->references = 1;
    message->length = length;
    message->head_length = (uint8_t)ws_frame_put_head(message->bytes, opcode, length);
    return message;
}

int dvbcss_message_create(struct dvbcss_message **message, enum dvbcss_message_kind kind,
                          const void *bytes, size_t length)
{
    struct dvbcss_message *created = ws_message_allocate(kind, length);

    if (!created)
        return DVBCSS_ENOMEM;
    if (length != 0)
        memcpy(created->bytes, bytes, length);
    *message = created;
    return 0;
}

struct dvbcss_message *dvbcss_message_retain(struct dvbcss_message *message)
{
    message->references++;
    return message;
}

void dvbcss_message_release(struct dvbcss_message *message)
{
    if (message && --message->references == 0)
        dvbcss_free(message);
}

const void *dvbcss_message_bytes(const struct dvbcss_message *message)
{
    return message->bytes;
}

size_t dvbcss_message_length(const struct dvbcss_message *message)
{
    return message->length;
}
