#include "grammar/token_trie.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
    const qni_token_trie_key *x = a, *y = b;
    uint32_t n = x->size < y->size ? x->size : y->size;
    int order = n == 0 ? 0 : memcmp(x->bytes, y->bytes, n);
    if (order == 0) {
        order = (x->size > y->size) - (x->size < y->size);
    }
    return order != 0 ? order : (x->payload > y->payload) - (x->payload < y->payload);
}

static uint32_t shared_bytes(const qni_token_trie_key *a, const qni_token_trie_key *b)
{
    uint32_t n = 0;
    while (n < a->size && n < b->size && a->bytes[n] == b->bytes[n]) {
        n++;
    }
    return n;
}

// `open[d]` is the node at depth d on the way to the last key; closing it sets its skip.
static void close_nodes(qni_token_trie *trie, const uint32_t *open, uint32_t from, uint32_t to)
{
    for (uint32_t d = to; d-- > from;) {
        trie->nodes[open[d]].skip = trie->n_nodes;
    }
}

static void add_keys(qni_token_trie *trie, const qni_token_trie_key *keys, uint32_t n,
                     uint32_t *open)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t shared = i == 0 ? 0 : shared_bytes(&keys[i - 1], &keys[i]);
        close_nodes(trie, open, shared, depth);
        for (uint32_t d = shared; d < keys[i].size; d++) {
            open[d] = trie->n_nodes;
            trie->nodes[trie->n_nodes++] = (qni_token_trie_node){
                .byte = (uint8_t)keys[i].bytes[d], .depth = (uint16_t)d, .entry = trie->n_entries};
        }
        depth = keys[i].size;
        trie->entries[trie->n_entries++] = keys[i].payload;
    }
    close_nodes(trie, open, 0, depth);
}

// Fills a table of children: nodes `from` .. `to` and what is below them. Returns how many.
static uint32_t list_children(const qni_token_trie *trie, uint32_t from, uint32_t to,
                              uint32_t table[256])
{
    uint32_t n = 0;
    for (unsigned b = 0; b < 256; b++) {
        table[b] = trie->n_nodes;
    }
    for (uint32_t i = from; i < to; i = trie->nodes[i].skip) {
        table[trie->nodes[i].byte] = i;
        n++;
    }
    return n;
}

static bool add_children(qni_token_trie *trie)
{
    enum { MANY = 32, MAX_WIDE = 255 };
    trie->children = qni_alloc_array(MAX_WIDE + 1, sizeof *trie->children);
    if (trie->children == NULL) {
        return false;
    }
    list_children(trie, 0, trie->n_nodes, trie->children[0]);
    uint8_t n = 1;
    for (uint32_t i = 0; i < trie->n_nodes && n < MAX_WIDE; i++) {
        uint32_t to = trie->nodes[i].skip;
        // Fewer nodes below it than that are no many children.
        if (to - i > MANY && list_children(trie, i + 1, to, trie->children[n]) >= MANY) {
            trie->nodes[i].wide = n++;
        }
    }
    return true;
}

qn_status qni_token_trie_begin(qni_token_trie *trie, qni_token_trie_key *keys, uint32_t n,
                               qn_error *err)
{
    *trie = (qni_token_trie){0};
    if (n != 0) {
        qsort(keys, n, sizeof *keys, compare_keys);
    }
    size_t n_nodes = 0;
    for (uint32_t i = 0; i < n; i++) {
        n_nodes += keys[i].size - (i == 0 ? 0 : shared_bytes(&keys[i - 1], &keys[i]));
        trie->max_depth = keys[i].size > trie->max_depth ? keys[i].size : trie->max_depth;
    }
    trie->nodes = qni_alloc_array(n_nodes + 1, sizeof *trie->nodes);
    trie->entries = qni_alloc_array((size_t)n + 1, sizeof *trie->entries);
    uint32_t *open = qni_alloc_array((size_t)trie->max_depth + 1, sizeof *open);
    bool fine = trie->nodes != NULL && trie->entries != NULL && open != NULL;
    if (fine) {
        add_keys(trie, keys, n, open);
        fine = add_children(trie);
    }
    qni_free(open);
    return fine ? QN_OK : qni_fail_memory(err);
}

void qni_token_trie_end(qni_token_trie *trie)
{
    qni_free(trie->nodes);
    qni_free(trie->children);
    qni_free(trie->entries);
    *trie = (qni_token_trie){0};
}
