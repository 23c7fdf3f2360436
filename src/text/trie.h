// A trie over bytes in one array, for the longest token at a place and for all tokens there.
//
// Node 0 is the root. The child of node p by byte c stands at base(p) ^ c, and carries c so that it
// can be told from another node's child; no two nodes share a base. A unit holds
//
//   bits 0..8   the byte by which the node is reached (0x100: the place is free)
//   bit  9      a key ends here
//   bits 10..31 the base of its children
//   bits 32..63 the key's value: it comes with the node, which was waited for
#ifndef QNI_TEXT_TRIE_H
#define QNI_TEXT_TRIE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qni_trie {
    const uint64_t *units;
    uint32_t n;
    bool owned;
} qni_trie;

typedef struct qni_trie_key {
    const unsigned char *bytes;
    uint32_t n; // not 0
    uint32_t value;
} qni_trie_key;

// Keys need not be sorted (this sorts them); of equal ones that of the highest value counts.
QNI_WARN_UNUSED qn_status qni_trie_build(qni_trie_key *keys, size_t n, qni_trie *out,
                                         qn_error *err);
void qni_trie_end(qni_trie *trie);

// Each key's value becomes what stands at it in `to`; for a trie just built.
void qni_trie_map_values(qni_trie *trie, const uint32_t *to);

enum {
    QNI_TRIE_LABEL = 0x1FF,
    QNI_TRIE_KEY_BIT = 9,
    QNI_TRIE_KEY = 1 << QNI_TRIE_KEY_BIT,
    QNI_TRIE_BASE_SHIFT = 10,
    QNI_TRIE_VALUE_SHIFT = 32
};

// The place of a unit's child by `byte`, if it has one.
static inline uint32_t qni_trie_child(uint64_t unit, unsigned char byte)
{
    return (uint32_t)unit >> QNI_TRIE_BASE_SHIFT ^ byte;
}

static inline uint32_t qni_trie_value(uint64_t unit)
{
    return (uint32_t)(unit >> QNI_TRIE_VALUE_SHIFT);
}

// Moves *node to its child by `byte`. False when there is none.
static inline bool qni_trie_step(const qni_trie *trie, uint32_t *node, unsigned char byte)
{
    uint32_t child = qni_trie_child(trie->units[*node], byte);
    if ((trie->units[child] & QNI_TRIE_LABEL) != byte) {
        return false;
    }
    *node = child;
    return true;
}

static inline bool qni_trie_is_key(const qni_trie *trie, uint32_t node)
{
    return (trie->units[node] & QNI_TRIE_KEY) != 0;
}

// Whether some key has the byte at another place than its first.
bool qni_trie_holds(const qni_trie *trie, unsigned char byte);

// The length of the longest key that `text` begins with, 0 when there is none; its value goes to
// *value. Of a table with a row of so many bytes for each value, the rows of the keys on the way
// are asked for meanwhile; NULL: there is no such table.
static inline __attribute__((always_inline)) size_t
qni_trie_longest_row(const qni_trie *trie, const unsigned char *text, size_t n, uint32_t *value,
                     const void *table, size_t row)
{
    uint64_t unit = trie->units[0], found = 0;
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        unit = trie->units[qni_trie_child(unit, text[i])];
        if ((unit & QNI_TRIE_LABEL) != text[i]) {
            break;
        }
        bool is_key = (unit & QNI_TRIE_KEY) != 0; // hard to guess: nothing branches on it
        found = is_key ? unit : found;
        length = is_key ? i + 1 : length;
        if (table != NULL) {
            __builtin_prefetch((const char *)table + qni_trie_value(found) * row);
        }
    }
    *value = qni_trie_value(found);
    return length;
}

static inline size_t qni_trie_longest(const qni_trie *trie, const unsigned char *text, size_t n,
                                      uint32_t *value)
{
    return qni_trie_longest_row(trie, text, n, value, NULL, 0);
}

// Asks for the first node on the way of a text that is not likely to be near. The text has
// QNI_TRIE_AHEAD bytes.
enum { QNI_TRIE_AHEAD = 3 };
static inline void qni_trie_prefetch(const qni_trie *trie, const unsigned char *text)
{
    uint64_t unit =
        trie->units[0]; // what follows no byte of these leads to some place of the array
    unit = trie->units[qni_trie_child(unit, text[0])];
    unit = trie->units[qni_trie_child(unit, text[1])];
    __builtin_prefetch(&trie->units[qni_trie_child(unit, text[2])]);
}

// How many bytes of the text some key begins with.
static inline size_t qni_trie_depth(const qni_trie *trie, const unsigned char *text, size_t n)
{
    uint32_t node = 0;
    size_t depth = 0;
    while (depth < n && qni_trie_step(trie, &node, text[depth])) {
        depth++;
    }
    return depth;
}

#endif
