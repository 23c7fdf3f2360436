#include "grammar/intern.h"

#include "base/alloc.h"
#include "base/names.h"

#include <string.h>

void qni_intern_begin(qni_intern *table, qni_account *account)
{
    *table = (qni_intern){.account = account};
}

void qni_intern_end(qni_intern *table)
{
    qni_free(table->words);
    qni_free(table->ends);
    qni_free(table->hashes);
    qni_free(table->slots);
    *table = (qni_intern){.account = table->account};
}

static uint32_t hash_words(const uint32_t *words, size_t n)
{
    uint64_t h = 0x9E3779B97F4A7C15u ^ n;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ words[i]) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    return (uint32_t)(h ^ h >> 29);
}

// The slot of the record, or the free one where it belongs.
static size_t find_slot(const qni_intern *table, const uint32_t *words, size_t n, uint32_t hash)
{
    size_t mask = table->n_slots - 1;
    size_t at = hash & mask;
    while (table->slots[at] != 0) {
        uint32_t id = table->slots[at];
        if (table->hashes[id] == hash) {
            size_t size;
            const uint32_t *other = qni_intern_at(table, id, &size);
            if (size == n && memcmp(other, words, n * sizeof *words) == 0) {
                break;
            }
        }
        at = (at + 1) & mask;
    }
    return at;
}

static bool grow_slots(qni_intern *table)
{
    size_t n_slots = table->n_slots == 0 ? 64 : table->n_slots * 2;
    uint32_t *slots = NULL;
    size_t capacity = 0;
    if (!qni_account_grow(table->account, &slots, &capacity, n_slots, sizeof *slots)) {
        return false;
    }
    memset(slots, 0, n_slots * sizeof *slots);
    for (uint32_t id = 1; id < table->n; id++) {
        size_t at = table->hashes[id] & (n_slots - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (n_slots - 1);
        }
        slots[at] = id;
    }
    qni_free(table->slots);
    table->account->used_bytes -= table->n_slots * sizeof *slots;
    table->slots = slots;
    table->n_slots = n_slots;
    return true;
}

// Room for one more record of `n` words.
static bool make_room(qni_intern *table, size_t n)
{
    qni_account *account = table->account;
    if (table->n_words + n > UINT32_MAX / 2) {
        return qni_account_fail(account, QN_LIMIT_EXCEEDED, "the grammar takes too much memory");
    }
    size_t need = (size_t)table->n + 2;
    if (!qni_account_grow(account, &table->words, &table->words_capacity, table->n_words + n + 1,
                          sizeof *table->words) ||
        !qni_account_grow(account, &table->ends, &table->ends_capacity, need,
                          sizeof *table->ends) ||
        !qni_account_grow(account, &table->hashes, &table->hashes_capacity, need,
                          sizeof *table->hashes)) {
        return false;
    }
    if (table->n == 0) {
        table->ends[0] = 0;
        table->n = 1;
    }
    return (size_t)table->n * 2 < table->n_slots || grow_slots(table);
}

uint32_t qni_intern_find(const qni_intern *table, const uint32_t *words, size_t n)
{
    return table->n_slots == 0 ? 0 : table->slots[find_slot(table, words, n, hash_words(words, n))];
}

uint32_t qni_intern_add(qni_intern *table, const uint32_t *words, size_t n, bool *fresh)
{
    if (fresh != NULL) {
        *fresh = false;
    }
    uint32_t hash = hash_words(words, n);
    size_t slot = 0, n_slots = table->n_slots;
    if (n_slots != 0) {
        slot = find_slot(table, words, n, hash);
        if (table->slots[slot] != 0) {
            return table->slots[slot];
        }
    }
    bool inside = words >= table->words && words < table->words + table->n_words;
    size_t offset = inside ? (size_t)(words - table->words) : 0;
    if (table->account->status != QN_OK || !make_room(table, n)) {
        return 0;
    }
    if (inside) {
        words = table->words + offset;
    }
    uint32_t id = table->n++;
    if (n != 0) {
        memcpy(table->words + table->n_words, words, n * sizeof *words);
    }
    table->n_words += n;
    table->ends[id] = (uint32_t)table->n_words;
    table->hashes[id] = hash;
    slot = table->n_slots == n_slots ? slot : find_slot(table, words, n, hash);
    table->slots[slot] = id;
    if (fresh != NULL) {
        *fresh = true;
    }
    return id;
}

void qni_ids_sort(uint32_t *ids, size_t n)
{
    // Sets are small and often sorted but for a few: a Shell sort, without a call for each pair.
    static const size_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        size_t gap = gaps[g];
        for (size_t i = gap; i < n; i++) {
            uint32_t id = ids[i];
            size_t at = i;
            for (; at >= gap && ids[at - gap] > id; at -= gap) {
                ids[at] = ids[at - gap];
            }
            ids[at] = id;
        }
    }
}
