#include "text/words.h"

#include "base/alloc.h"
#include "base/limits.h"

enum {
    // Few sizes: fresh memory costs as much as encoding does, so tables are seldom outgrown.
    FIRST_SLOTS = 1 << 12,
    GROWTH = 1 << 3,
    MOST_SLOTS = 1 << 19, // 16 MiB
    // Before they grow for the last time, one of so many slots has had its word replaced: to encode
    // these words again would take about as long as that much fresh memory does.
    PATIENCE = 4,
    FIRST_POOL = 1 << 16,
    MOST_POOL = 1 << 24, // of which nothing is touched before it is used
};

// Little endian: the low bytes are the first.
#define ALL    ~(uint64_t)0
#define LOW(n) (((uint64_t)1 << (8 * (n))) - 1)
#define SHORT(n)                       \
    {                                  \
        LOW(n), 0, (uint64_t)(n) << 56 \
    }
#define LONG(n)                              \
    {                                        \
        ALL, LOW((n)-8), (uint64_t)(n) << 56 \
    }
const uint64_t qni_word_masks[QNI_WORD_MASKS][3] = {SHORT(0), SHORT(1), SHORT(2),
                                                    SHORT(3), SHORT(4), SHORT(5),
                                                    SHORT(6), SHORT(7), {ALL, 0, 8ull << 56},
                                                    LONG(9),  LONG(10), LONG(11),
                                                    LONG(12), LONG(13), LONG(14),
                                                    LONG(15)};

void qni_words_end(qni_words *words)
{
    qni_free_aligned(words->slots);
    qni_free_aligned(words->pool);
    qni_free(words->seen);
    *words = (qni_words){0};
}

qni_word_key qni_word_long_key(const char *word, size_t n)
{
    const uint64_t k = 0x9E3779B97F4A7C15u;
    uint64_t a = n * k, b = ~a, part[2];
    size_t most = n < QNI_WORD_LONGEST ? n : QNI_WORD_LONGEST; // longer ones are never found
    for (size_t at = 0; at + 16 < most; at += 16) {
        memcpy(part, word + at, 16);
        a = (a ^ part[0]) * k;
        b = (b ^ part[1]) * 0xD6E8FEB86659FD93u;
        a ^= a >> 29;
        b ^= b >> 31;
    }
    memcpy(part, word + n - 16, 16);
    a = (a ^ part[0]) * k;
    b = (b ^ part[1]) * 0xD6E8FEB86659FD93u;
    uint64_t hash = a ^ b ^ a >> 32 ^ b >> 30;
    return qni_word_finish_key(hash, (uint64_t)0xFF << 56 | (uint64_t)n << 32);
}

qni_word_key qni_word_key_of(const char *word, size_t n)
{
    if (n > QNI_WORD_SHORT) {
        return qni_word_long_key(word, n);
    }
    char padded[16] = {0};
    memcpy(padded, word, n);
    return qni_word_short_key(padded, n);
}

// The slot that is looked at after another one, for a hash.
static size_t next_slot(const qni_words *words, size_t at, uint64_t hash)
{
    bool is_first = (at & 1) == (hash & 1);
    return is_first ? at ^ 1 : ((at ^ 1) + 2) & (words->n_slots - 1);
}

// Whether words stand in their hash's line only: what stood elsewhere is not found any more.
static bool is_crowded(const qni_words *words)
{
    return 8 * words->n_used >= 5 * words->n_slots;
}

const qni_word_slot *qni_words_search(const qni_words *words, const qni_word_key *key,
                                      const char *word, size_t n)
{
    if (words->n_slots == 0) {
        return NULL;
    }
    size_t at = key->hash & (words->n_slots - 1);
    for (size_t i = 0; i < 2 || !is_crowded(words); i++, at = next_slot(words, at, key->hash)) {
        const qni_word_slot *slot = &words->slots[at];
        if (slot->hi == 0) {
            return NULL;
        }
        if (qni_word_is_at(words, slot, key, word, n)) {
            return slot;
        }
    }
    return NULL;
}

static void forget(qni_words *words)
{
    memset(words->slots, 0, words->n_slots * sizeof *words->slots);
    words->n_used = 0;
    words->pool_used = 0;
}

// Slots keep no hash, but for short words the key gives it and for long ones lo is most of the key.
static uint64_t hash_of(const qni_word_slot *slot)
{
    bool is_long = slot->hi >> 56 == 0xFF;
    uint64_t hi = is_long ? slot->hi >> 32 << 32 : slot->hi & ~QNI_WORD_FAR;
    return qni_word_finish_key(slot->lo, hi).hash;
}

static void put(qni_words *words, const qni_word_slot *slot, uint64_t hash)
{
    size_t first = hash & (words->n_slots - 1), at = first;
    while (words->slots[at].hi != 0) {
        if (at != first && is_crowded(words)) {
            words->slots[at] = *slot;
            words->n_replaced++;
            return;
        }
        at = next_slot(words, at, hash);
    }
    words->slots[at] = *slot;
    words->n_used++;
}

static void grow_slots(qni_words *words)
{
    size_t n = words->n_slots == 0 ? FIRST_SLOTS : words->n_slots * GROWTH;
    n = n < MOST_SLOTS ? n : MOST_SLOTS;
    qni_words bigger = *words;
    bigger.slots = qni_calloc_aligned(n * sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return;
    }
    bigger.n_slots = n;
    bigger.n_used = bigger.n_replaced = 0;
    for (size_t i = 0; i < words->n_slots; i++) {
        if (words->slots[i].hi != 0) {
            put(&bigger, &words->slots[i], hash_of(&words->slots[i]));
        }
    }
    qni_free_aligned(words->slots);
    *words = bigger;
}

// Makes more slots, when that pays.
static void make_room(qni_words *words)
{
    bool pays = words->n_slots < MOST_SLOTS / GROWTH ||
                PATIENCE * words->n_replaced >= words->n_slots;
    if (pays && words->n_slots < MOST_SLOTS) {
        grow_slots(words); // without memory it stays as it is
    }
}

// Room for `n` bytes in the pool; UINT32_MAX when there is none, and then everything may have been
// forgotten.
static uint32_t take_pool(qni_words *words, size_t n)
{
    n = (n + 3) & ~(size_t)3;
    words->pool_used += words->pool_used == 0 ? sizeof(int32_t) : 0; // place 0 is nobody's
    if (words->pool_used + n > words->pool_capacity) {
        size_t capacity = words->pool_capacity == 0 ? FIRST_POOL : MOST_POOL;
        size_t padding = QNI_WORD_READ * sizeof(int32_t);
        char *pool = words->pool_capacity < MOST_POOL ? qni_alloc_aligned(capacity + padding)
                                                      : NULL;
        if (pool == NULL) {
            forget(words);
            return UINT32_MAX;
        }
        if (words->pool != NULL) {
            memcpy(pool, words->pool, words->pool_capacity);
        }
        qni_free_aligned(words->pool);
        words->pool = pool;
        words->pool_capacity = capacity;
    }
    uint32_t at = (uint32_t)words->pool_used;
    words->pool_used += n;
    return at;
}

bool qni_words_seen(qni_words *words, const qni_word_key *key)
{
    if (words->seen == NULL) {
        words->seen = qni_calloc(QNI_WORD_BITS / 64, sizeof *words->seen);
        words->n_seen = 0;
    }
    if (words->seen == NULL) {
        return true;
    }
    if (words->n_seen > QNI_WORD_BITS / 2) {
        memset(words->seen, 0, QNI_WORD_BITS / 8);
        words->n_seen = 0;
    }
    uint64_t *bits = &words->seen[key->hash / 64 % (QNI_WORD_BITS / 64)];
    uint64_t bit = (uint64_t)1 << key->hash % 64;
    bool before = (*bits & bit) != 0;
    *bits |= bit;
    words->n_seen += !before;
    return before;
}

void qni_words_add(qni_words *words, const qni_word_key *key, const char *word, size_t n,
                   const int32_t *ids, size_t n_ids)
{
    if (n > QNI_WORD_LONGEST || n_ids > QNI_WORD_MOST) {
        return;
    }
    if (is_crowded(words)) {
        make_room(words);
    }
    if (words->n_slots == 0) {
        return;
    }
    qni_word_slot slot = {.lo = key->lo, .hi = key->hi, .n = (uint32_t)n_ids};
    bool is_long = n > QNI_WORD_SHORT, is_far = n_ids > QNI_WORD_NEAR;
    if (is_long || is_far) {
        size_t padded = is_long ? (n + 3) & ~(size_t)3 : 0;
        uint32_t at = take_pool(words, padded + (is_far ? n_ids * sizeof *ids : 0));
        if (at == UINT32_MAX) {
            return;
        }
        if (is_long) {
            memcpy(words->pool + at, word, n);
            slot.hi |= at;
        }
        if (is_far) {
            memcpy(words->pool + at + padded, ids, n_ids * sizeof *ids);
            slot.ids[0] = (int32_t)(at + padded);
            slot.hi |= QNI_WORD_FAR;
        }
    }
    if (!is_far) {
        memcpy(slot.ids, ids, n_ids * sizeof *ids);
    }
    put(words, &slot, key->hash);
}
