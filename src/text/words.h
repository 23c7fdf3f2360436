// A bounded cache from words to their tokens, for one thread at a time.
//
// Most words are short and most become few tokens, so a slot of half a cache line holds both:
//
// lo, hi   the word: up to 15 bytes, zero-padded, and its length in the top byte of hi. Longer
// ones: their hash in lo,
//            and in hi 0xFF, length (24 bits) and place in the pool (32 bits)
//   ids      up to three tokens; more: their place in the pool, and hi has QNI_WORD_FAR
//   n        how many
//
// A word stands in the first slot that was free when it came: its hash's, then the other one of the
// same cache line, then the next lines' two each. When five eighths of the slots are taken, they
// grow, up to a bound, and for the last time when it has shown that it pays. Until then and past
// the bound a word stands in its hash's line only, in the place of the word in its second slot if
// need be, which comes back when it is a common one. Past the pool's bound everything is forgotten.
// So nothing has to be kept about who is used.
#ifndef QNI_TEXT_WORDS_H
#define QNI_TEXT_WORDS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    QNI_WORD_SHORT = 15,     // bytes of a word that stands in its slot
    QNI_WORD_NEAR = 3,       // ids that stand there
    QNI_WORD_READ = 16,      // ids in the pool that may be read for a word, however few are its own
    QNI_WORD_LONGEST = 1024, // longer words are not kept
    QNI_WORD_MOST = 0xFFFF,  // words of more ids neither
};

#define QNI_WORD_FAR ((uint64_t)0x40 << 56) // no length of a short word has this bit

typedef struct qni_word_slot {
    uint64_t lo, hi; // hi 0: free
    int32_t ids[QNI_WORD_NEAR];
    uint32_t n;
} qni_word_slot;

enum { QNI_WORD_BITS = 1 << 19 };

typedef struct qni_words {
    qni_word_slot *slots; // n_slots, a power of two; 64-byte aligned
    size_t n_slots, n_used, n_replaced;
    uint64_t *seen; // QNI_WORD_BITS of them, by hash; NULL at first
    size_t n_seen;
    char *pool; // bytes of long words and ids of words with many, 4-byte aligned
    size_t pool_used, pool_capacity;
} qni_words;

typedef struct qni_word_key {
    uint64_t lo, hi;
    uint64_t hash;
} qni_word_key;

void qni_words_end(qni_words *words); // all zero is empty

// The key of a word of 16 bytes and more.
qni_word_key qni_word_long_key(const char *word, size_t n);

// The upper bits of a product depend on all bytes of the word: they are where slots are chosen by.
static inline qni_word_key qni_word_finish_key(uint64_t lo, uint64_t hi)
{
    uint64_t mix = lo * 0x9E3779B97F4A7C15u + hi * 0xD6E8FEB86659FD93u;
    return (qni_word_key){lo, hi, __builtin_bswap64(mix)};
}

// Which bytes of a word of n bytes are its own, and its length: lo, hi, length. Behind those of
// short words there are some for any other length, which mean nothing.
enum { QNI_WORD_MASKS = 32 };
extern const uint64_t qni_word_masks[QNI_WORD_MASKS][3];

// Of a word of 1 to 15 bytes with at least 16 readable bytes from its start. Of a longer one it is
// some key that does not count: it costs less to make than to ask for the length first.
static inline qni_word_key qni_word_short_key(const char *word, size_t n)
{
    uint64_t lo, hi;
    memcpy(&lo, word, 8);
    memcpy(&hi, word + 8, 8);
    const uint64_t *mask = qni_word_masks[n % QNI_WORD_MASKS];
    return qni_word_finish_key(lo & mask[0], (hi & mask[1]) | mask[2]);
}

// Of any word.
qni_word_key qni_word_key_of(const char *word, size_t n);

// Where looking a word up begins: slots[hash & mask], and behind that slots[(hash & mask) ^ 1].
typedef struct qni_word_table {
    const qni_word_slot *slots;
    size_t mask;
} qni_word_table;

static inline qni_word_table qni_words_table(const qni_words *words)
{
    static const qni_word_slot nothing[2]; // of the table without slots
    return words->n_slots > 0 ? (qni_word_table){words->slots, words->n_slots - 1}
                              : (qni_word_table){nothing, 0};
}

// Whether a slot holds the word and its tokens themselves. Words with tokens elsewhere and long
// ones are in no slot with their hi, which holds a bit or a place more there.
static inline bool qni_word_is_near(const qni_word_slot *slot, const qni_word_key *key)
{
    return slot->lo == key->lo && slot->hi == key->hi;
}

// Whether a slot holds the word.
static inline bool qni_word_is_at(const qni_words *words, const qni_word_slot *slot,
                                  const qni_word_key *key, const char *word, size_t n)
{
    if (slot->lo != key->lo) {
        return false;
    }
    return n <= QNI_WORD_SHORT ? (slot->hi & ~QNI_WORD_FAR) == key->hi
                               : slot->hi >> 32 == key->hi >> 32 &&
                                     memcmp(words->pool + (uint32_t)slot->hi, word, n) == 0;
}

// The slot of a word, or NULL.
const qni_word_slot *qni_words_search(const qni_words *words, const qni_word_key *key,
                                      const char *word, size_t n);

// The same; nearly all words that are there are in their hash's line.
static inline const qni_word_slot *qni_words_find(const qni_words *words, const qni_word_key *key,
                                                  const char *word, size_t n)
{
    qni_word_table table = qni_words_table(words);
    size_t at = key->hash & table.mask;
    if (qni_word_is_at(words, &table.slots[at], key, word, n)) {
        return &table.slots[at];
    }
    if (qni_word_is_at(words, &table.slots[at ^ 1], key, word, n)) {
        return &table.slots[at ^ 1];
    }
    return qni_words_search(words, key, word, n);
}

static inline const int32_t *qni_word_ids(const qni_words *words, const qni_word_slot *slot,
                                          size_t *n)
{
    *n = slot->n;
    return slot->n <= QNI_WORD_NEAR
               ? slot->ids
               : (const int32_t *)(const void *)(words->pool + (uint32_t)slot->ids[0]);
}

// Asks for what qni_words_seen will look at.
static inline void qni_words_will_see(const qni_words *words, const qni_word_key *key)
{
    if (words->seen != NULL) {
        __builtin_prefetch(&words->seen[key->hash / 64 % (QNI_WORD_BITS / 64)]);
    }
}

// Whether the word has come before, as far as that is remembered; from now on it has.
bool qni_words_seen(qni_words *words, const qni_word_key *key);

// Keeps the tokens of a word that is not there. A cache without memory forgets; it does not fail.
void qni_words_add(qni_words *words, const qni_word_key *key, const char *word, size_t n,
                   const int32_t *ids, size_t n_ids);

#endif
