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

// How many bytes of a character are to come behind a byte, with as many before it.
static uint8_t bytes_to_come(unsigned byte, uint8_t before)
{
    return byte >= 0xF0                 ? 3
           : byte >= 0xE0               ? 2
           : byte >= 0xC0               ? 1
           : byte >= 0x80 && before > 0 ? before - 1
                                        : 0;
}

// The groups on the way to each node, and how many bytes of a character are to come there.
static void follow_ways(qni_token_trie *trie, uint64_t *ways, uint8_t *to_come)
{
    ways[0] = 0;
    to_come[0] = 0;
    for (uint32_t i = 0; i < trie->n_nodes; i++) {
        const qni_token_trie_node *node = &trie->nodes[i];
        uint32_t depth = node->depth + 1u, end, first = qni_token_trie_entries(trie, i, &end);
        to_come[depth] = bytes_to_come(node->byte, to_come[node->depth]);
        ways[depth] = ways[node->depth] | QNI_GROUP_BIT(qni_byte_group(node->byte));
        trie->below[i] |= to_come[depth] != 0 ? QNI_INSIDE_CHARACTER : 0;
        for (; first < end; first++) {
            trie->groups[first] = ways[depth];
        }
    }
}

qn_status qni_token_trie_groups(qni_token_trie *trie, qn_error *err)
{
    size_t n_depths = (size_t)trie->max_depth + 2;
    trie->below = qni_alloc_array((size_t)trie->n_nodes + 1, sizeof *trie->below);
    trie->groups = qni_calloc((size_t)trie->n_entries + 1, sizeof *trie->groups);
    // By depth: what the nodes seen so far, which stand behind this one, have in their subtrees.
    uint64_t *groups = qni_calloc(n_depths, sizeof *groups);
    uint8_t *to_come = qni_alloc(n_depths);
    bool fine = trie->below != NULL && trie->groups != NULL && groups != NULL && to_come != NULL;
    for (uint32_t i = trie->n_nodes; fine && i-- > 0;) {
        const qni_token_trie_node *node = &trie->nodes[i];
        trie->below[i] = groups[node->depth + 1];
        groups[node->depth + 1] = 0;
        groups[node->depth] |= trie->below[i] | QNI_GROUP_BIT(qni_byte_group(node->byte));
    }
    if (fine) {
        follow_ways(trie, groups, to_come);
    }
    qni_free(groups);
    qni_free(to_come);
    return fine ? QN_OK : qni_fail_memory(err);
}

void qni_token_trie_end(qni_token_trie *trie)
{
    qni_free(trie->nodes);
    qni_free(trie->heights);
    qni_free(trie->children);
    qni_free(trie->below);
    qni_free(trie->groups);
    qni_free(trie->entries);
    *trie = (qni_token_trie){0};
}

const qni_byte_part qni_byte_parts[QNI_N_BYTE_PARTS] = {
    {0x20, 0x20}, {0x21, 0x21}, {0x22, 0x22}, {0x23, 0x23}, {0x24, 0x24}, {0x25, 0x25},
    {0x26, 0x26}, {0x27, 0x27}, {0x28, 0x28}, {0x29, 0x29}, {0x2A, 0x2A}, {0x2B, 0x2B},
    {0x2C, 0x2C}, {0x2D, 0x2D}, {0x2E, 0x2E}, {0x2F, 0x2F}, {'0', '9'},   {0x3A, 0x3A},
    {0x3B, 0x3B}, {0x3C, 0x3C}, {0x3D, 0x3D}, {0x3E, 0x3E}, {0x3F, 0x3F}, {0x40, 0x40},
    {'A', 'F'},   {'G', 'Z'},   {0x5B, 0x5B}, {0x5C, 0x5C}, {0x5D, 0x5D}, {0x5E, 0x5E},
    {0x5F, 0x5F}, {0x60, 0x60}, {'a', 'f'},   {'g', 'z'},   {0x7B, 0x7B}, {0x7C, 0x7C},
    {0x7D, 0x7D}, {0x7E, 0x7E}, {0x7F, 0x7F}, {0xC2, 0xC2}, {0xC3, 0xDF}, {0xE0, 0xE0},
    {0xE1, 0xE1}, {0xE2, 0xE2}, {0xE3, 0xE3}, {0xE4, 0xEC}, {0xED, 0xED}, {0xEE, 0xEE},
    {0xEF, 0xEF}, {0xF0, 0xF0}, {0xF1, 0xF3}, {0xF4, 0xF4}};
