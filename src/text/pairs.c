#include "text/pairs.h"

#include "base/alloc.h"

#include <string.h>

enum {
    REST_SHIFT = QNI_PAIR_RANK_BITS + QNI_PAIR_BEHIND_BITS,
    REST_BITS = 64 - REST_SHIFT,
    MOST_BEHIND = (1 << QNI_PAIR_BEHIND_BITS) - 1,
};

#define FACTOR_1 QNI_PAIR_FACTOR_1
#define FACTOR_2 QNI_PAIR_FACTOR_2

// Modulo 2^64, by Newton's iteration: each step doubles the bits that are right, of which an odd
// number as its own inverse has three.
static uint64_t inverse(uint64_t odd)
{
    uint64_t x = odd;
    for (int i = 0; i < 5; i++) {
        x *= 2 - odd * x;
    }
    return x;
}

static void unmix(const qni_pairs *p, uint64_t x, uint32_t *left, uint32_t *right)
{
    unsigned bits = 2u * p->id_bits;
    x = qni_low_bits(x * inverse(FACTOR_2), bits);
    x = qni_low_bits((x ^ x >> p->id_bits) * inverse(FACTOR_1), bits);
    *left = (uint32_t)(x >> p->id_bits);
    *right = (uint32_t)qni_low_bits(x, p->id_bits);
}

bool qni_pairs_at(const qni_pairs *p, uint32_t at, qni_bpe_merge *out)
{
    uint64_t slot = p->slots[at];
    if (slot == QNI_PAIR_FREE) {
        return false;
    }
    uint64_t behind = qni_low_bits(slot >> QNI_PAIR_RANK_BITS, QNI_PAIR_BEHIND_BITS);
    uint64_t first = (at - behind) & (p->n_slots - 1);
    *out = (qni_bpe_merge){.rank = (uint32_t)qni_low_bits(slot, QNI_PAIR_RANK_BITS),
                           .id = p->ids[at]};
    unmix(p, first << qni_pair_rest_bits(p) | slot >> REST_SHIFT, &out->left, &out->right);
    return true;
}

static void set_sizes(qni_pairs *p, size_t n, uint32_t n_ids)
{
    p->id_bits = 1;
    while (n_ids > (uint64_t)1 << p->id_bits) {
        p->id_bits++;
    }
    p->slot_bits = 4;
    // a third of the slots stays free, and what a slot has room for is enough
    while (2 * ((size_t)1 << p->slot_bits) < 3 * n || 2 * p->id_bits - p->slot_bits > REST_BITS) {
        p->slot_bits++;
    }
    if (2 * p->id_bits < p->slot_bits) {
        p->id_bits = (uint8_t)((p->slot_bits + 1) / 2);
    }
    p->n_slots = (uint32_t)1 << p->slot_bits;
}

static qn_status put(qni_pairs *p, const qni_bpe_merge *m, qn_error *err)
{
    uint64_t *slots = (uint64_t *)(uintptr_t)p->slots;
    uint32_t *ids = (uint32_t *)(uintptr_t)p->ids;
    uint64_t x = qni_pair_mix(p, m->left, m->right), rest = qni_low_bits(x, qni_pair_rest_bits(p))
                                                            << QNI_PAIR_BEHIND_BITS;
    uint64_t first = x >> qni_pair_rest_bits(p), behind = 0, at = first;
    while (slots[at] != QNI_PAIR_FREE && slots[at] >> QNI_PAIR_RANK_BITS != (rest | behind)) {
        if (++behind > MOST_BEHIND) {
            return qni_fail(err, QN_LIMIT_EXCEEDED, NULL,
                            "the merges of tokens %u and %u, and %d others, have one hash", m->left,
                            m->right, MOST_BEHIND);
        }
        at = (first + behind) & (p->n_slots - 1);
    }
    slots[at] = (rest | behind) << QNI_PAIR_RANK_BITS | m->rank;
    ids[at] = m->id;
    return QN_OK;
}

qn_status qni_pairs_build(const qni_bpe_merge *merges, size_t n, uint32_t n_ids, qni_pairs *out,
                          qn_error *err)
{
    *out = (qni_pairs){.owned = true};
    set_sizes(out, n, n_ids);
    uint64_t *slots = qni_alloc_aligned(out->n_slots * sizeof *slots);
    out->slots = slots;
    out->ids = qni_calloc(out->n_slots, sizeof *out->ids);
    if (slots == NULL || out->ids == NULL) {
        qni_pairs_end(out);
        return qni_fail_memory(err);
    }
    memset(slots, 0xFF, out->n_slots * sizeof *slots);
    for (size_t i = 0; i < n; i++) {
        qn_status status = put(out, &merges[i], err);
        if (status != QN_OK) {
            qni_pairs_end(out);
            return status;
        }
    }
    return QN_OK;
}

void qni_pairs_end(qni_pairs *pairs)
{
    if (pairs->owned) {
        qni_free_aligned((void *)(uintptr_t)pairs->slots);
        qni_free((void *)(uintptr_t)pairs->ids);
    }
    *pairs = (qni_pairs){0};
}
