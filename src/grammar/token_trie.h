// A set of byte strings with what each stands for, as a trie that is walked in the order of its
// array.
//
// Nodes are in depth-first order; `skip` is the index behind a node's subtree, so a walk that stops
// at a node jumps there and a walk that goes on takes the next one.
#ifndef QNI_GRAMMAR_TOKEN_TRIE_H
#define QNI_GRAMMAR_TOKEN_TRIE_H

#include "base/error.h"

#include <stdint.h>

typedef struct qni_token_trie_node {
    uint32_t skip;
    uint32_t entry; // index into the trie's entries of what ends here; those up to the next node's
    uint16_t depth; // of the byte, from 0
    uint8_t byte;
    uint8_t wide; // index into the trie's `children` of a node with many, or 0
} qni_token_trie_node;

typedef struct qni_token_trie {
    qni_token_trie_node *nodes;
    uint32_t n_nodes;
    uint32_t *entries; // payloads in the order of the nodes
    uint32_t n_entries;
    uint32_t max_depth; // bytes of the longest key
    // nodes by byte below the root (0) and below nodes with many children; n_nodes: none
    uint32_t (*children)[256];
} qni_token_trie;

// One key of a trie while it is built.
typedef struct qni_token_trie_key {
    const char *bytes;
    uint32_t size;
    uint32_t payload;
} qni_token_trie_key;

// Sorts `keys`. Equal keys share a node. Free with qni_token_trie_end.
QNI_WARN_UNUSED qn_status qni_token_trie_begin(qni_token_trie *trie, qni_token_trie_key *keys,
                                               uint32_t n, qn_error *err);
void qni_token_trie_end(qni_token_trie *trie);

// What ends at a node: entries[first .. *end).
static inline uint32_t qni_token_trie_entries(const qni_token_trie *trie, uint32_t node,
                                              uint32_t *end)
{
    *end = node + 1 < trie->n_nodes ? trie->nodes[node + 1].entry : trie->n_entries;
    return trie->nodes[node].entry;
}

// What the empty key has: entries[0 .. result).
static inline uint32_t qni_token_trie_at_root(const qni_token_trie *trie)
{
    return trie->n_nodes == 0 ? trie->n_entries : trie->nodes[0].entry;
}

#endif
