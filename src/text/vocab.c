#include "text/vocab.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

uint32_t qni_token_hash(const char *bytes, size_t n)
{
    const uint64_t k = 0x9E3779B97F4A7C15u;
    uint64_t h = n * k;
    while (n >= 8) {
        uint64_t part;
        memcpy(&part, bytes, 8);
        h = (h ^ part) * k;
        h ^= h >> 32;
        bytes += 8;
        n -= 8;
    }
    uint64_t rest = 0;
    memcpy(&rest, bytes, n);
    h = (h ^ rest) * k;
    return (uint32_t)(h >> 32);
}

typedef struct layout {
    uint32_t *offsets;
    char *pool;
    uint8_t *present;
    uint32_t *slots;
    uint32_t *last; // the entry of each id, plus 1
} layout;

static qn_status check_entries(const qni_vocab_entry *entries, size_t n, uint32_t *n_ids,
                               size_t *bytes, qn_error *err)
{
    *n_ids = 0;
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (entries[i].id >= QNI_MAX_VOCABULARY) {
            return qni_fail(err, QN_LIMIT_EXCEEDED, NULL,
                            "token id %u: at most %d are allowed (QNI_MAX_VOCABULARY)",
                            entries[i].id, QNI_MAX_VOCABULARY);
        }
        if (entries[i].n > QNI_MAX_TOKEN_BYTES) {
            return qni_fail(err, QN_LIMIT_EXCEEDED, NULL,
                            "token %u has %u bytes, more than %d (QNI_MAX_TOKEN_BYTES)",
                            entries[i].id, entries[i].n, QNI_MAX_TOKEN_BYTES);
        }
        *n_ids = entries[i].id >= *n_ids ? entries[i].id + 1 : *n_ids;
        *bytes += entries[i].n;
    }
    if (*bytes > UINT32_MAX - QNI_MAX_VOCABULARY - 1) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "the tokens take %zu bytes", *bytes);
    }
    return QN_OK;
}

static void insert(qni_vocab *v, uint32_t *slots, const char *bytes, uint32_t n, uint32_t id)
{
    uint32_t mask = v->n_slots - 1;
    for (uint32_t i = qni_token_hash(bytes, n) & mask;; i = (i + 1) & mask) {
        if (slots[i] == 0) {
            slots[i] = id + 1;
            return;
        }
        uint32_t size;
        const char *there = qni_vocab_at(v, slots[i] - 1, &size);
        if (size == n && memcmp(there, bytes, n) == 0) {
            slots[i] = id + 1;
            return;
        }
    }
}

static void fill(const qni_vocab_entry *entries, size_t n, qni_vocab *v, const layout *to)
{
    for (size_t i = 0; i < n; i++) {
        to->last[entries[i].id] = (uint32_t)i + 1;
    }
    uint32_t at = 0;
    for (uint32_t id = 0; id < v->n; id++) {
        to->offsets[id] = at;
        to->present[id] = to->last[id] != 0;
        if (to->last[id] != 0) {
            const qni_vocab_entry *e = &entries[to->last[id] - 1];
            memcpy(to->pool + at, e->bytes, e->n);
            at += e->n;
        }
        to->pool[at++] = 0;
    }
    to->offsets[v->n] = at;
    for (size_t i = 0; i < n; i++) {
        if (!entries[i].hidden && to->last[entries[i].id] == i + 1) {
            insert(v, to->slots, entries[i].bytes, entries[i].n, entries[i].id);
        }
    }
}

qn_status qni_vocab_build(const qni_vocab_entry *entries, size_t n, qni_vocab *out, qn_error *err)
{
    *out = (qni_vocab){.owned = true};
    size_t bytes;
    QNI_TRY(check_entries(entries, n, &out->n, &bytes, err));
    out->n_slots = 16;
    while (out->n_slots < 2 * n) {
        out->n_slots *= 2;
    }
    layout to = {
        .offsets = qni_alloc_array((size_t)out->n + 1, sizeof *to.offsets),
        .pool = qni_alloc(bytes + out->n + 1),
        .present = qni_calloc((size_t)out->n + 1, 1),
        .slots = qni_calloc(out->n_slots, sizeof *to.slots),
        .last = qni_calloc((size_t)out->n + 1, sizeof *to.last),
    };
    out->offsets = to.offsets;
    out->pool = to.pool;
    out->present = to.present;
    out->slots = to.slots;
    bool memory = to.offsets != NULL && to.pool != NULL && to.present != NULL && to.slots != NULL &&
                  to.last != NULL;
    if (memory) {
        fill(entries, n, out, &to);
    } else {
        qni_vocab_end(out);
    }
    qni_free(to.last);
    return memory ? QN_OK : qni_fail_memory(err);
}

void qni_vocab_end(qni_vocab *vocab)
{
    if (vocab->owned) {
        qni_free((void *)(uintptr_t)vocab->offsets);
        qni_free((void *)(uintptr_t)vocab->pool);
        qni_free((void *)(uintptr_t)vocab->present);
        qni_free((void *)(uintptr_t)vocab->slots);
    }
    *vocab = (qni_vocab){0};
}

int32_t qni_vocab_find(const qni_vocab *vocab, const char *bytes, size_t n)
{
    if (vocab->n_slots == 0) {
        return QNI_NO_TOKEN;
    }
    uint32_t mask = vocab->n_slots - 1;
    for (uint32_t i = qni_token_hash(bytes, n) & mask; vocab->slots[i] != 0; i = (i + 1) & mask) {
        uint32_t size;
        const char *there = qni_vocab_at(vocab, vocab->slots[i] - 1, &size);
        if (size == n && memcmp(there, bytes, n) == 0) {
            return (int32_t)(vocab->slots[i] - 1);
        }
    }
    return QNI_NO_TOKEN;
}
