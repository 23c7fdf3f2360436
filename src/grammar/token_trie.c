#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/vocabulary.h"

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

// `open[d]` is the node at depth d on the way to the last key; closing it sets its skip, and
// tells the one above how far it goes down.
static void close_nodes(qni_token_trie *trie, const uint32_t *open, uint32_t from, uint32_t to)
{
    for (uint32_t d = to; d-- > from;) {
        trie->nodes[open[d]].skip = trie->n_nodes;
        uint32_t above = (uint32_t)trie->heights[open[d]] + 1;
        if (d > 0 && above > trie->heights[open[d - 1]]) {
            trie->heights[open[d - 1]] = (uint16_t)above;
        }
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
    trie->heights = qni_calloc(n_nodes + 1, sizeof *trie->heights);
    bool fine = trie->nodes != NULL && trie->heights != NULL && trie->entries != NULL &&
                open != NULL;
    if (fine) {
        add_keys(trie, keys, n, open);
        fine = add_children(trie);
    }
    qni_free(open);
    return fine ? QN_OK : qni_fail_memory(err);
}

// How many of `n` bytes belong to the last character.
static uint32_t last_bytes(const uint8_t *text, uint32_t n)
{
    uint32_t at = n - 1;
    while (at > 0 && (text[at] & 0xC0) == 0x80) {
        at--;
    }
    return n - at;
}

// Fills in `own`, `groups`, and what of `below` a node has itself. `ways` is by depth.
static void read_ways(qni_token_trie *trie, uint64_t *ways, uint8_t *text)
{
    ways[0] = 0;
    for (uint32_t i = 0; i < trie->n_nodes; i++) {
        const qni_token_trie_node *node = &trie->nodes[i];
        uint32_t depth = node->depth + 1u, end, first = qni_token_trie_entries(trie, i, &end);
        text[node->depth] = node->byte;
        uint32_t n = last_bytes(text, depth);
        unsigned lead = text[depth - n], group = qni_group_of(text + depth - n, n);
        bool inner = n < (lead >= 0xF0 ? 4u : lead >= 0xE0 ? 3u : lead >= 0xC0 ? 2u : 1u);
        uint64_t own = QNI_GROUP_BIT(group);
        trie->own[i] = (uint8_t)(inner ? QNI_GROUP_INNER : group);
        trie->below[i] = inner ? (uint64_t)n << QNI_BEGUN_SHIFT | (first < end ? own : 0) : 0;
        ways[depth] = ways[node->depth] | (inner ? 0 : own);
        for (; first < end; first++) {
            trie->groups[first] = ways[depth] | own;
        }
    }
}

// Adds to `below` what the nodes of each subtree have; `groups` is by depth, of zeros.
static void add_below(qni_token_trie *trie, uint64_t *groups)
{
    for (uint32_t i = trie->n_nodes; i-- > 0;) {
        // By depth: what the nodes seen so far, which stand behind this one, have.
        uint32_t depth = trie->nodes[i].depth;
        trie->below[i] |= groups[depth + 1];
        groups[depth + 1] = 0;
        groups[depth] |= (trie->below[i] | QNI_GROUP_BIT(trie->own[i])) & QNI_ALL_GROUPS;
    }
}

qn_status qni_token_trie_groups(qni_token_trie *trie, qn_error *err)
{
    size_t n_depths = (size_t)trie->max_depth + 2;
    trie->below = qni_alloc_array((size_t)trie->n_nodes + 1, sizeof *trie->below);
    trie->groups = qni_alloc_array((size_t)trie->n_entries + 1, sizeof *trie->groups);
    trie->own = qni_alloc((size_t)trie->n_nodes + 1);
    uint64_t *groups = qni_calloc(2 * n_depths, sizeof *groups);
    uint8_t *text = qni_alloc(n_depths);
    bool fine = trie->below != NULL && trie->groups != NULL && trie->own != NULL &&
                groups != NULL && text != NULL;
    if (fine) {
        read_ways(trie, groups + n_depths, text);
        add_below(trie, groups);
    }
    qni_free(groups);
    qni_free(text);
    return fine ? QN_OK : qni_fail_memory(err);
}

void qni_token_trie_end(qni_token_trie *trie)
{
    qni_free(trie->nodes);
    qni_free(trie->heights);
    qni_free(trie->children);
    qni_free(trie->below);
    qni_free(trie->groups);
    qni_free(trie->own);
    qni_free(trie->entries);
    *trie = (qni_token_trie){0};
}
