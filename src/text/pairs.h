// The merges of byte pair encoding by their two symbols: an exact hash table of eight bytes a slot.
//
// A pair of ids is a number of so many bits that it can be mixed without loss (multiplied by odd
// numbers, modulo a power of two). The upper bits of the mixed number are the slot that a search
// begins with, and the slot keeps the lower ones, so the pair itself need not be kept:
//
//   bits 0..24   the rank; all bits set mark a free slot
//   bits 25..36  how many slots behind the first one this is
//   bits 37..63  the lower bits of the mixed pair
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

enum {
    QNI_PAIR_RANK_BITS = 25,
    QNI_PAIR_BEHIND_BITS = 12,
    QNI_NO_RANK = (1 << QNI_PAIR_RANK_BITS) - 1, // ranks are below this
};
#define QNI_PAIR_FREE     UINT64_MAX
#define QNI_PAIR_FACTOR_1 0x9E3779B97F4A7C15u
#define QNI_PAIR_FACTOR_2 0xD6E8FEB86659FD93u

typedef struct qni_pairs {
    const uint64_t *slots;
    const uint32_t *ids; // by slot: the merged token
    uint32_t n_slots;
    uint8_t id_bits, slot_bits;
    bool owned;
} qni_pairs;

// Ids are below n_ids, ranks below QNI_NO_RANK. Of equal pairs the last counts.
QNI_WARN_UNUSED qn_status qni_pairs_build(const qni_bpe_merge *merges, size_t n, uint32_t n_ids,
                                          qni_pairs *out, qn_error *err);
void qni_pairs_end(qni_pairs *pairs);

static inline uint64_t qni_low_bits(uint64_t x, unsigned n)
{
    return x & (((uint64_t)1 << n) - 1);
}

// A number of 2 * id_bits bits; no two pairs have the same.
static inline uint64_t qni_pair_mix(const qni_pairs *p, uint32_t left, uint32_t right)
{
    unsigned bits = 2u * p->id_bits;
    uint64_t x = qni_low_bits(((uint64_t)left << p->id_bits | right) * QNI_PAIR_FACTOR_1, bits);
    return qni_low_bits((x ^ x >> p->id_bits) * QNI_PAIR_FACTOR_2, bits);
}

// How many of these bits a slot keeps.
static inline unsigned qni_pair_rest_bits(const qni_pairs *p)
{
    return 2u * p->id_bits - p->slot_bits;
}

// The rank of a pair, or QNI_NO_RANK; the merged token goes to *id unless that is NULL.
static inline uint32_t qni_pairs_find(const qni_pairs *p, uint32_t left, uint32_t right,
                                      uint32_t *id)
{
    uint64_t x = qni_pair_mix(p, left, right);
    uint64_t rest = qni_low_bits(x, qni_pair_rest_bits(p)) << QNI_PAIR_BEHIND_BITS;
    uint32_t at = (uint32_t)(x >> qni_pair_rest_bits(p));
    for (uint64_t behind = 0;; behind++, at = (at + 1) & (p->n_slots - 1)) {
        uint64_t slot = p->slots[at];
        if (slot >> QNI_PAIR_RANK_BITS == (rest | behind)) {
            if (id != NULL) {
                *id = p->ids[at];
            }
            return (uint32_t)qni_low_bits(slot, QNI_PAIR_RANK_BITS);
        }
        if (slot == QNI_PAIR_FREE) {
            return QNI_NO_RANK;
        }
    }
}

// The pair in a slot; false when it is free.
bool qni_pairs_at(const qni_pairs *pairs, uint32_t slot, qni_bpe_merge *out);

#endif
