/* The queue of a slow connection. */
#include <criterion/criterion.h>

#include "server-core/ws_queue.h"

static struct ws_queue queue;
static uint64_t dropped;

static int push(const char *text, const struct ws_queue_rules *rules)
{
    struct dvbcss_message *message;
    int result;

    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, text, strlen(text)), 0);
    result = ws_queue_push(&queue, message, rules, &dropped);
    /* The queue has a reference of its own. */
    dvbcss_message_release(message);
    return result;
}

static void expect_front(const char *text)
{
    struct dvbcss_message *message = ws_queue_front(&queue);

    cr_assert_not_null(message);
    cr_assert_eq(dvbcss_message_length(message), strlen(text));
    cr_assert_eq(memcmp(dvbcss_message_bytes(message), text, strlen(text)), 0);
}

Test(ws_queue, gives_back_in_order)
{
    static const struct ws_queue_rules rules = {DVBCSS_QUEUE_ORDERED, 8, 100};

    cr_assert_null(ws_queue_front(&queue));
    cr_assert_eq(push("one", &rules), 0);
    cr_assert_eq(push("two", &rules), 0);
    cr_assert_eq(queue.messages, 2);
    cr_assert_eq(queue.bytes, 6);
    expect_front("one");
    ws_queue_pop(&queue);
    expect_front("two");
    ws_queue_pop(&queue);
    cr_assert_null(ws_queue_front(&queue));
    cr_assert_eq(queue.bytes, 0);
    cr_assert_eq(push("three", &rules), 0);
    expect_front("three");
    cr_assert_eq(ws_queue_clear(&queue), 1);
    cr_assert_eq(dropped, 0);
}

Test(ws_queue, is_bounded_in_messages)
{
    static const struct ws_queue_rules rules = {DVBCSS_QUEUE_ORDERED, 2, 100};

    cr_assert_eq(push("1", &rules), 0);
    cr_assert_eq(push("2", &rules), 0);
    cr_assert_eq(push("3", &rules), DVBCSS_EFULL);
    cr_assert_eq(queue.messages, 2);
    ws_queue_pop(&queue);
    cr_assert_eq(push("3", &rules), 0);
    cr_assert_eq(ws_queue_clear(&queue), 2);
}

Test(ws_queue, is_bounded_in_bytes)
{
    static const struct ws_queue_rules rules = {DVBCSS_QUEUE_ORDERED, 8, 6};

    cr_assert_eq(push("1234567", &rules), DVBCSS_EFULL);
    cr_assert_eq(push("1234", &rules), 0);
    cr_assert_eq(push("567", &rules), DVBCSS_EFULL);
    cr_assert_eq(push("56", &rules), 0);
    cr_assert_eq(push("", &rules), 0);
    cr_assert_eq(ws_queue_clear(&queue), 3);
    cr_assert_eq(queue.bytes, 0);
}

Test(ws_queue, survives_bounds_that_shrink)
{
    static const struct ws_queue_rules wide = {DVBCSS_QUEUE_ORDERED, 8, 100};
    static const struct ws_queue_rules narrow = {DVBCSS_QUEUE_ORDERED, 8, 2};

    cr_assert_eq(push("123", &wide), 0);
    cr_assert_eq(push("", &narrow), DVBCSS_EFULL);
    cr_assert_eq(ws_queue_clear(&queue), 1);
}

Test(ws_queue, keeps_only_the_newest_if_told_so)
{
    static const struct ws_queue_rules rules = {DVBCSS_QUEUE_NEWEST, 0, 0};

    cr_assert_eq(push("old", &rules), 0);
    cr_assert_eq(push("newer", &rules), 0);
    cr_assert_eq(push("newest", &rules), 0);
    cr_assert_eq(queue.messages, 1);
    cr_assert_eq(queue.bytes, 6);
    cr_assert_eq(dropped, 2);
    expect_front("newest");
    cr_assert_eq(ws_queue_clear(&queue), 1);
}

Test(ws_queue, accepts_the_same_message_again)
{
    static const struct ws_queue_rules rules = {DVBCSS_QUEUE_NEWEST, 0, 0};
    struct dvbcss_message *message;

    cr_assert_eq(dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, "same", 4), 0);
    cr_assert_eq(ws_queue_push(&queue, message, &rules, &dropped), 0);
    cr_assert_eq(ws_queue_push(&queue, message, &rules, &dropped), 0);
    dvbcss_message_release(message);
    expect_front("same");
    cr_assert_eq(ws_queue_clear(&queue), 1);
}
