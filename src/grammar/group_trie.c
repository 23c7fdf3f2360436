#include "grammar/group_trie.h"

#include "base/alloc.h"
#include "base/utf8.h"

// While a trie is built. Arrays by depth, but `places`, which is by node of `from`.
typedef struct builder {
    const qni_token_trie *from;
    qni_group_trie *trie;
    uint32_t *places; // where it stands
    uint64_t *ways;   // the groups on the way
    uint64_t *below;  // of what has been added, which stands further to the right
    uint16_t *heights;
    uint8_t *text;
} builder;

// How many of `n` bytes belong to the last character.
static uint32_t last_bytes(const uint8_t *text, uint32_t n)
{
    uint32_t at = n - 1;
    while (at > 0 && (text[at] & 0xC0) == 0x80) {
        at--;
    }
    return n - at;
}

// Gives the children of the nodes their places: `from` .. `to` and what is below them.
static uint32_t place_children(builder *b, uint32_t from, uint32_t to, uint32_t place)
{
    for (uint32_t i = from; i < to; i = b->from->nodes[i].skip) {
        b->places[i] = place++;
    }
    return place;
}

// Fills in all that is known of a node from the way to it.
static void read_ways(builder *b)
{
    const qni_token_trie *from = b->from;
    uint32_t place = place_children(b, 0, from->n_nodes, 0);
    b->trie->n_roots = place;
    b->ways[0] = 0;
    for (uint32_t i = 0; i < from->n_nodes; i++) {
        const qni_token_trie_node *node = &from->nodes[i];
        uint32_t depth = node->depth + 1u, end, first = qni_token_trie_entries(from, i, &end);
        b->text[node->depth] = node->byte;
        uint32_t n = last_bytes(b->text, depth);
        unsigned group = qni_group_of(b->text + depth - n, n);
        bool inner = qni_utf8_unfinished((const char *)b->text, depth) != 0;
        uint64_t bit = QNI_GROUP_BIT(group);
        uint64_t own = inner ? QNI_GROUP_INNER : group, begun = inner ? n : 0;
        uint32_t children = place;
        place = place_children(b, i + 1, node->skip, place);
        b->trie->nodes[b->places[i]] = (qni_group_node){
            .below = begun << QNI_BEGUN_SHIFT | own << QNI_OWN_SHIFT |
                     (inner && first < end ? bit : 0),
            .children = children,
            .n_children = (uint8_t)(place - children), // no character has the byte 255
            .entry = first,
            .entry_end = node->skip < from->n_nodes ? from->nodes[node->skip].entry
                                                    : from->n_entries,
            .byte = node->byte};
        b->ways[depth] = b->ways[node->depth] | (inner ? 0 : bit);
        for (; first < end; first++) {
            b->trie->groups[first] = b->ways[depth] | bit;
        }
    }
}

// Adds to each node what those below it have.
static void add_below(builder *b)
{
    for (uint32_t i = b->from->n_nodes; i-- > 0;) {
        uint32_t depth = b->from->nodes[i].depth;
        qni_group_node *node = &b->trie->nodes[b->places[i]];
        node->below |= b->below[depth + 1];
        node->height = b->heights[depth + 1];
        b->below[depth + 1] = 0;
        b->heights[depth + 1] = 0;
        b->below[depth] |= (node->below & QNI_ALL_GROUPS) | qni_group_node_own(node);
        if (node->height >= b->heights[depth]) {
            b->heights[depth] = (uint16_t)(node->height + 1);
        }
    }
}

// `trie` gets the entries of `from`.
static qn_status build(qni_group_trie *trie, qni_token_trie *from, qn_error *err)
{
    size_t n_depths = (size_t)from->max_depth + 2;
    *trie = (qni_group_trie){
        .entries = from->entries, .n_entries = from->n_entries, .max_depth = from->max_depth};
    from->entries = NULL;
    trie->nodes = qni_alloc_array((size_t)from->n_nodes + 1, sizeof *trie->nodes);
    trie->groups = qni_calloc((size_t)from->n_entries + 1, sizeof *trie->groups);
    builder b = {.from = from, .trie = trie};
    b.places = qni_alloc_array((size_t)from->n_nodes + 1, sizeof *b.places);
    b.ways = qni_alloc_array(n_depths, sizeof *b.ways);
    b.below = qni_calloc(n_depths, sizeof *b.below);
    b.heights = qni_calloc(n_depths, sizeof *b.heights);
    b.text = qni_alloc(n_depths);
    bool fine = trie->nodes != NULL && trie->groups != NULL && b.places != NULL && b.ways != NULL &&
                b.below != NULL && b.heights != NULL && b.text != NULL;
    if (fine) {
        read_ways(&b);
        add_below(&b);
    }
    qni_free(b.places);
    qni_free(b.ways);
    qni_free(b.below);
    qni_free(b.heights);
    qni_free(b.text);
    return fine ? QN_OK : qni_fail_memory(err);
}

qn_status qni_group_trie_begin(qni_group_trie *trie, qni_token_trie_key *keys, uint32_t n,
                               qn_error *err)
{
    qni_token_trie from;
    qn_status status = qni_token_trie_begin(&from, keys, n, err);
    if (status == QN_OK) {
        status = build(trie, &from, err);
    }
    qni_token_trie_end(&from);
    return status;
}

void qni_group_trie_end(qni_group_trie *trie)
{
    qni_free(trie->nodes);
    qni_free(trie->entries);
    qni_free(trie->groups);
    *trie = (qni_group_trie){0};
}
