/**
 * @file
 * A doubly linked ring of nodes that live inside the structs they link. Private to the suite.
 */
#ifndef DVBCSS_COMMON_LIST_H
#define DVBCSS_COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

/** A node; the head of a list is a node, too. */
struct list_node {
    struct list_node *next;
    struct list_node *previous;
};

/** The struct of @p type whose member @p member is at @p pointer. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/** Makes @p node an empty list, or a node on no list. */
static inline void list_init(struct list_node *node)
{
    node->next = node;
    node->previous = node;
}

static inline bool list_empty(const struct list_node *head)
{
    return head->next == head;
}

/** Puts @p node last. */
static inline void list_append(struct list_node *head, struct list_node *node)
{
    node->previous = head->previous;
    node->next = head;
    head->previous->next = node;
    head->previous = node;
}

/** Takes @p node off its list; one on no list is fine. */
static inline void list_remove(struct list_node *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/** Visits every node; @p after lets the body remove @p node (and no other). */
#define LIST_FOR_EACH(node, after, head)                                                           \
    for ((node) = (head)->next, (after) = (node)->next; (node) != (head);                          \
         (node) = (after), (after) = (node)->next)

#endif
