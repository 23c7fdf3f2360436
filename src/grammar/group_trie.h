// A trie that tells of each node the groups of the characters below it, for walks that take or
// leave whole subtrees.
//
// The children of a node stand side by side: such a walk looks at all of them and goes down into
// few, so it reads memory in rows.
#ifndef QNI_GRAMMAR_GROUP_TRIE_H
#define QNI_GRAMMAR_GROUP_TRIE_H

#include "grammar/char_groups.h"
#include "grammar/token_trie.h"

typedef struct qni_group_node {
    // The groups (char_groups.h) that end further down, QNI_GROUP_CUT where keys end in the
    // character that stands on the way here without its end; and beside them what
    // qni_group_node_begun and qni_group_node_own tell.
    uint64_t below;
    uint32_t children; // the first
    uint32_t entry;    // of the entries of the subtree, first those that end here
    uint32_t entry_end;
    uint16_t height; // bytes of the longest way further down
    uint8_t n_children;
    uint8_t byte;
} qni_group_node;

typedef struct qni_group_trie {
    qni_group_node *nodes; // first the roots
    uint32_t *entries;     // payloads, in order of their keys
    uint64_t *groups;      // by entry: those of its key
    uint32_t n_roots;
    uint32_t n_entries;
    uint32_t max_depth; // bytes of the longest key
} qni_group_trie;

enum { QNI_OWN_SHIFT = 56, QNI_BEGUN_SHIFT = 62 };

// How many bytes of a character stand on the way to a node that is not complete there.
static inline uint32_t qni_group_node_begun(const qni_group_node *node)
{
    return (uint32_t)(node->below >> QNI_BEGUN_SHIFT);
}

// The group of the character that a node's byte ends, as a bit; 0 where more of it is to come.
static inline uint64_t qni_group_node_own(const qni_group_node *node)
{
    return QNI_GROUP_BIT(node->below >> QNI_OWN_SHIFT & 0x3F) & QNI_ALL_GROUPS;
}

// Of keys that are characters, the last of which may be cut. Sorts `keys`. Free with
// qni_group_trie_end.
QNI_WARN_UNUSED qn_status qni_group_trie_begin(qni_group_trie *trie, qni_token_trie_key *keys,
                                               uint32_t n, qn_error *err);
void qni_group_trie_end(qni_group_trie *trie);

#endif
