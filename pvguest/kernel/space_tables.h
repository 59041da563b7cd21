/* SPDX-License-Identifier: MIT */
/* Page tables of a user space: entries, batches of updates. Used by space*.c only. */
#ifndef PVGUEST_SPACE_TABLES_H
#define PVGUEST_SPACE_TABLES_H

#include <stdbool.h>
#include <stdint.h>

/* Areas ascend and do not overlap; neighbours may have equal protection. */
struct area {
    uint64_t start, end;
    int prot;
    struct area *next;
};

struct space {
    uint64_t *root; /* L4, pinned */
    struct area *areas;
    uint64_t brk_start, brk_end;
    uint64_t resident;
};

/* The L1 entry for an address, or NULL if its table does not exist and is not to be (or cannot be)
 * made. The pointer is for reading: entries change through tables_set(). */
const uint64_t *tables_entry(struct space *space, uint64_t address, bool create);
/* Queue a new value for an entry; tables_commit() carries the queue out. */
void tables_set(const uint64_t *entry, uint64_t value);
/* `flush`: some entry lost rights, translations of user mode must go. */
void tables_commit(bool flush);
bool tables_create_root(struct space *space);
/* Unpin the root and give every table page back; entries must be empty of pages already. */
void tables_destroy(struct space *space);
/* Call for each L1 entry in [start, end) that is not zero; the queue is committed in between. */
void tables_for_each(struct space *space, uint64_t start, uint64_t end,
                     void (*each)(struct space *space, uint64_t address, const uint64_t *entry,
                                  void *arg),
                     void *arg);

#endif
