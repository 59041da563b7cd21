/* SPDX-License-Identifier: MIT */
/* Doubly linked circular lists with a head, the shape that Linux and Xen made common. */
#ifndef PARAVANE_CORE_LIST_H
#define PARAVANE_CORE_LIST_H

#include "types.h"

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_before(struct list *item, struct list *place)
{
    item->prev = place->prev;
    item->next = place;
    place->prev->next = item;
    place->prev = item;
}

static inline void list_add_tail(struct list *item, struct list *head)
{
    list_insert_before(item, head);
}

static inline void list_add(struct list *item, struct list *head)
{
    list_insert_before(item, head->next);
}

/* Leaves the item pointing at itself, so that removing twice is harmless. */
static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each(pos, head)                                                                   \
    for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

#endif
