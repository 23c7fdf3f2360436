// A trie over bytes in one array, for the longest token at a place and for all tokens there.
//
// Node 0 is the root. The child of node p by byte c stands at base(p) ^ c, and carries c so that it
// can be told from another node's child; no two nodes share a base. A unit holds
//
//   bits 0..8   the byte by which the node is reached (0x100: the place is free)
//   bit  9      a key ends here; its value stands in `values`
//   bits 10..31 the base of its children
#ifndef QNI_TEXT_TRIE_H
#define QNI_TEXT_TRIE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qni_trie {
    const uint32_t *units;
    const uint32_t *values;
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

enum {
    QNI_TRIE_LABEL = 0x1FF,
    QNI_TRIE_KEY_BIT = 9,
    QNI_TRIE_KEY = 1 << QNI_TRIE_KEY_BIT,
    QNI_TRIE_BASE_SHIFT = 10
};

// Moves *node to its child by `byte`. False when there is none.
static inline bool qni_trie_step(const qni_trie *trie, uint32_t *node, unsigned char byte)
{
    uint32_t child = (trie->units[*node] >> QNI_TRIE_BASE_SHIFT) ^ byte;
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
// *value.
static inline size_t qni_trie_longest(const qni_trie *trie, const unsigned char *text, size_t n,
                                      uint32_t *value)
{
    uint32_t node = 0, found = 0;
    size_t length = 0;
    for (size_t i = 0; i < n && qni_trie_step(trie, &node, text[i]); i++) {
        if (qni_trie_is_key(trie, node)) {
            found = node;
            length = i + 1;
        }
    }
    *value = length > 0 ? trie->values[found] : 0;
    return length;
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
