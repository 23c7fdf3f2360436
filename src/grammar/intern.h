// A table of short records of 32-bit words, each kept once: equal records have equal ids, so ids
// can be compared in the place of what they name. Terms, formulas, frames and states are all such
// records.
//
//   entries[id] -> record [ word | word | ... ]     slots: hash -> id
//
// Records stay where they are until the table ends.
//
// Id 0 is never given to a record; it is what a failed call returns (the account says why).
#ifndef QNI_GRAMMAR_INTERN_H
#define QNI_GRAMMAR_INTERN_H

#include "grammar/blocks.h"

typedef struct qni_intern_entry {
    const uint32_t *words;
    uint32_t n;
    uint32_t hash;
} qni_intern_entry;

typedef struct qni_intern {
    qni_account *account;
    qni_arena words;
    qni_blocks entries;
    uint32_t *slots;
    size_t n_slots;
    uint32_t n; // ids are below n; the first is 1
} qni_intern;

void qni_intern_begin(qni_intern *table, qni_account *account);
void qni_intern_end(qni_intern *table);

// The id of the record; `*fresh` (may be NULL) tells whether it is new.
uint32_t qni_intern_add(qni_intern *table, const uint32_t *words, size_t n, bool *fresh);

// The id of the record or 0 when it is not there.
uint32_t qni_intern_find(const qni_intern *table, const uint32_t *words, size_t n);

static inline const qni_intern_entry *qni_intern_entry_at(const qni_intern *table, uint32_t id)
{
    return qni_blocks_at(&table->entries, id, sizeof(qni_intern_entry));
}

// A record. `*n` (may be NULL) gets its length.
static inline const uint32_t *qni_intern_at(const qni_intern *table, uint32_t id, size_t *n)
{
    const qni_intern_entry *e = qni_intern_entry_at(table, id);
    if (n != NULL) {
        *n = e->n;
    }
    return e->words;
}

// Sorts ids upwards, as records of sets have them. In place.
void qni_ids_sort(uint32_t *ids, size_t n);

#endif
