// The merges of byte pair encoding by their two symbols: an exact hash table of eight bytes a slot.
//
// A pair of ids is a number of so many bits that it can be mixed without loss (multiplied by odd
// numbers, modulo a power of two). The upper bits of the mixed number are the slot that a search
// begins with, and the slot keeps the lower ones, so the pair itself need not be kept:
//
//   bits 0..24   the rank; all bits set mark a free slot
//   bits 25..36  how many slots behind the first one this is
//   bits 37..63  the lower bits of the mixed pair
//
// Most pairs that are asked for are none. A Bloom filter of two bits a pair, both in one word, says
// so without a look at the table, which is some megabytes large.
#ifndef QNI_TEXT_PAIRS_H
#define QNI_TEXT_PAIRS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qni_bpe_merge {
    uint32_t left, right; // ids
    uint32_t rank;
    uint32_t id; // of the merged token
} qni_bpe_merge;

enum { QNI_NO_RANK = (1 << 25) - 1 }; // ranks are below this

typedef struct qni_pairs {
    const uint64_t *slots;
    const uint32_t *ids;   // by slot: the merged token
    const uint64_t *hints; // the filter
    uint32_t n_slots, n_hints;
    uint8_t id_bits, slot_bits, hint_shift;
    bool owned;
} qni_pairs;

// Ids are below n_ids, ranks below QNI_NO_RANK. Of equal pairs the last counts.
QNI_WARN_UNUSED qn_status qni_pairs_build(const qni_bpe_merge *merges, size_t n, uint32_t n_ids,
                                          qni_pairs *out, qn_error *err);
void qni_pairs_end(qni_pairs *pairs);

// Whether there may be such a pair; false is certain.
static inline bool qni_pairs_may_hold(const qni_pairs *pairs, uint32_t left, uint32_t right)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    uint64_t bits = (uint64_t)1 << (hash >> 28 & 63) | (uint64_t)1 << (hash >> 34 & 63);
    return (pairs->hints[hash >> pairs->hint_shift] & bits) == bits;
}

// The rank of a pair, or QNI_NO_RANK; the merged token goes to *id unless that is NULL.
uint32_t qni_pairs_find(const qni_pairs *pairs, uint32_t left, uint32_t right, uint32_t *id);

// The pair in a slot; false when it is free.
bool qni_pairs_at(const qni_pairs *pairs, uint32_t slot, qni_bpe_merge *out);

#endif
