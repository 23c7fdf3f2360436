// A table of short records of 32-bit words, each kept once: equal records have equal ids, so ids
// can be compared in the place of what they name. Terms, formulas, frames and states are all such
// records.
//
//   words:  [ record 1 | record 2 | ... ]     ends[id] = where record id ends     slots: hash -> id
//
// Id 0 is never given to a record; it is what a failed call returns (the account says why).
#ifndef QNI_GRAMMAR_INTERN_H
#define QNI_GRAMMAR_INTERN_H

#include "grammar/account.h"

typedef struct qni_intern {
    qni_account *account;
    uint32_t *words;
    size_t n_words;
    size_t words_capacity;
    uint32_t *ends;
    size_t ends_capacity;
    uint32_t *hashes;
    size_t hashes_capacity;
    uint32_t *slots;
    size_t n_slots;
    uint32_t n; // ids are below n; the first is 1
} qni_intern;

void qni_intern_begin(qni_intern *table, qni_account *account);
void qni_intern_end(qni_intern *table);

// The id of the record; `*fresh` (may be NULL) tells whether it is new. `words` may point into the
// table.
uint32_t qni_intern_add(qni_intern *table, const uint32_t *words, size_t n, bool *fresh);

// The id of the record or 0 when it is not there.
uint32_t qni_intern_find(const qni_intern *table, const uint32_t *words, size_t n);

// A record; valid until the next add. `*n` (may be NULL) gets its length.
static inline const uint32_t *qni_intern_at(const qni_intern *table, uint32_t id, size_t *n)
{
    uint32_t start = table->ends[id - 1];
    if (n != NULL) {
        *n = table->ends[id] - start;
    }
    return table->words + start;
}

// Sorts ids upwards, as records of sets have them. In place.
void qni_ids_sort(uint32_t *ids, size_t n);

#endif
