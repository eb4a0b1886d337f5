#include <criterion/criterion.h>

#include "common/list.h"

struct item {
    int number;
    struct list_node node;
};

static int digits_of(const struct list_node *head)
{
    int digits = 0;
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, head) {
        digits = digits * 10 + CONTAINER_OF(node, struct item, node)->number;
    }
    return digits;
}

Test(list, a_new_list_is_empty)
{
    struct list_node head;

    list_init(&head);
    cr_assert(list_empty(&head));
    cr_assert_eq(digits_of(&head), 0);
}

Test(list, nodes_keep_the_order_in_which_they_were_appended)
{
    struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list_node head;

    list_init(&head);
    for (int i = 0; i < 3; i++)
        list_append(&head, &items[i].node);
    cr_assert_eq(digits_of(&head), 123);
    list_remove(&items[1].node);
    cr_assert_eq(digits_of(&head), 13);
    list_append(&head, &items[1].node);
    cr_assert_eq(digits_of(&head), 132);
}

Test(list, a_node_can_be_removed_twice)
{
    struct item item = {.number = 1};
    struct list_node head;

    list_init(&head);
    list_append(&head, &item.node);
    list_remove(&item.node);
    list_remove(&item.node);
    cr_assert(list_empty(&head));
    cr_assert(list_empty(&item.node));
}

Test(list, the_visited_node_may_be_removed)
{
    struct item items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    struct list_node head;
    struct list_node *node;
    struct list_node *after;

    list_init(&head);
    for (int i = 0; i < 4; i++)
        list_append(&head, &items[i].node);
    LIST_FOR_EACH (node, after, &head) {
        if (CONTAINER_OF(node, struct item, node)->number % 2)
            list_remove(node);
    }
    cr_assert_eq(digits_of(&head), 24);
}
