#include "grammar/intern.h"

#include "base/alloc.h"
#include "base/names.h"

#include <string.h>

void qni_intern_begin(qni_intern *table, qni_account *account)
{
    *table = (qni_intern){.account = account, .n = 1};
    qni_arena_begin(&table->words, SIZE_MAX); // the account has the limit
}

void qni_intern_end(qni_intern *table)
{
    qni_arena_end(&table->words);
    qni_blocks_end(&table->entries);
    qni_free(table->slots);
    qni_intern_begin(table, table->account);
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
        const qni_intern_entry *e = qni_intern_entry_at(table, table->slots[at]);
        if (e->hash == hash && e->n == n && memcmp(e->words, words, n * sizeof *words) == 0) {
            break;
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
        size_t at = qni_intern_entry_at(table, id)->hash & (n_slots - 1);
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
    qni_account *account = table->account;
    if (account->status != QN_OK ||
        !qni_blocks_reach(&table->entries, account, table->n, sizeof(qni_intern_entry)) ||
        ((size_t)table->n * 2 >= n_slots && !grow_slots(table))) {
        return 0;
    }
    uint32_t *copy = qni_account_piece(account, &table->words, (n == 0 ? 1 : n) * sizeof *copy);
    if (copy == NULL) {
        return 0;
    }
    if (n != 0) {
        memcpy(copy, words, n * sizeof *copy);
    }
    uint32_t id = table->n++;
    qni_intern_entry *e = qni_blocks_at(&table->entries, id, sizeof *e);
    *e = (qni_intern_entry){copy, (uint32_t)n, hash};
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
