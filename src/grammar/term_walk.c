#include "grammar/term_walk.h"

static void set_range(const qni_term_walk *w, const qni_token_trie *trie, uint32_t first,
                      uint32_t end)
{
    for (; first < end; first++) {
        qni_mask_set(w->mask, trie->entries[first]);
    }
}

static void clear_range(const qni_term_walk *w, const qni_token_trie *trie, uint32_t first,
                        uint32_t end)
{
    for (; first < end; first++) {
        uint32_t token = trie->entries[first];
        w->mask[token / 32] &= ~((uint32_t)1 << token % 32);
    }
}

// The end of the entries of a node's subtree.
static uint32_t subtree_end(const qni_token_trie *trie, const qni_token_trie_node *node)
{
    return node->skip < trie->n_nodes ? trie->nodes[node->skip].entry : trie->n_entries;
}

// Sets the tokens of the groups in `groups` alone: all but those that have some other group.
static void set_groups(const qni_term_walk *w, uint64_t groups)
{
    const qni_vocabulary *v = w->vocabulary;
    enum { BLOCK = 256 };
    // By mask: the others of its groups, and many of them at once where none is in `groups`.
    uint64_t others = QNI_ALL_GROUPS & ~groups;
    if ((groups & QNI_WIDE_GROUPS) == 0) {
        others = (others & ~QNI_WIDE_GROUPS) | QNI_GROUP_BIT(QNI_ROW_WIDE);
    }
    if ((groups & QNI_MARK_GROUPS) == 0) {
        others = (others & ~QNI_MARK_GROUPS) | QNI_GROUP_BIT(QNI_ROW_MARKS);
    }
    for (uint32_t from = 0; from < v->n_words; from += BLOCK) {
        uint32_t other[BLOCK] = {0};
        uint32_t n = v->n_words - from < BLOCK ? v->n_words - from : BLOCK;
        for (uint64_t left = others; left != 0; left &= left - 1) {
            const uint32_t *bits = v->of_group + (size_t)__builtin_ctzll(left) * v->n_words + from;
            for (uint32_t i = 0; n == BLOCK && i < BLOCK; i++) { // a constant many: in vectors
                other[i] |= bits[i];
            }
            for (uint32_t i = 0; n != BLOCK && i < n; i++) {
                other[i] |= bits[i];
            }
        }
        for (uint32_t i = 0; i < n; i++) {
            w->mask[from + i] |= v->plain[from + i] & ~other[i];
        }
    }
}

// Sets all tokens that end within a run, whose characters are bytes.
static void set_run(const qni_term_walk *w, const qni_term_run *run)
{
    set_groups(w, run->groups);
    qni_mask_clear_longer(w->vocabulary, w->mask, run->length);
}

// What is left of the term behind a node's byte.
static qni_term term_at(const qni_term_walk *w, const qni_token_trie_node *node)
{
    return qni_byte_is_plain(node->byte)
               ? qni_term_next(w->terms, w->states[node->depth], node->byte)
               : QNI_TERM_NOTHING;
}

// Sets those of some entries that have no byte of the groups in `dead`.
static void set_without(const qni_term_walk *w, const qni_token_trie *trie, uint32_t first,
                        uint32_t end, uint64_t dead)
{
    for (; first < end; first++) {
        uint32_t token = trie->entries[first];
        w->mask[token / 32] |= (uint32_t)((trie->groups[first] & dead) == 0) << token % 32;
    }
}

// Where a term stays and ends, as far as it is worth to be found out for what is below a node, to
// which `states` lead. Inside of a character that is asked where it begins.
static qni_term_groups groups_at(const qni_term_walk *w, uint32_t i, const qni_term *states)
{
    enum { FEW_NODES = 48 };
    const qni_token_trie *trie = &w->vocabulary->inside;
    qni_term term = states[trie->nodes[i].depth + 1u - (trie->below[i] >> QNI_BEGUN_SHIFT)];
    bool few = trie->nodes[i].skip - i < FEW_NODES;
    return few && !qni_term_info_of(w->terms, term)->loop_known ? (qni_term_groups){0, 0}
                                                                : qni_term_loop(w->terms, term);
}

// Sets what is known of a node with others below, whose state is known; returns the node to go on
// at. `run` is that of the walk's start.
static uint32_t take_node(const qni_term_walk *w, uint32_t i, const qni_term_run *run)
{
    const qni_token_trie *trie = &w->vocabulary->inside;
    const qni_token_trie_node *node = &trie->nodes[i];
    uint64_t below = trie->below[i] & QNI_ALL_GROUPS;
    uint32_t end, first = qni_token_trie_entries(trie, i, &end);
    if (node->depth + 1u + trie->heights[i] <= run->length) { // all below ends within the run
        set_without(w, trie, first, subtree_end(trie, node), ~run->groups);
        return node->skip;
    }
    qni_term_groups groups = groups_at(w, i, w->states);
    if ((below & ~groups.stay) == 0) {
        set_range(w, trie, first, subtree_end(trie, node));
        return node->skip;
    }
    // What is below has the groups of the way here too: none of them may be a dead one.
    if ((below & ~(groups.stay | groups.dead)) == 0 &&
        (w->ways[node->depth + 1] & groups.dead) == 0) {
        set_without(w, trie, first, subtree_end(trie, node), groups.dead);
        return node->skip;
    }
    set_range(w, trie, first, end);
    return (below & ~groups.dead) == 0 ? node->skip : i + 1; // nothing below may come next
}

void qni_term_walk_inside(const qni_term_walk *w, qni_term start)
{
    enum { WORTH = 8 }; // groups, and fewer are as soon found by the walk itself
    enum { LONG = 3 };  // a run of fewer bytes has few tokens, and so has one without letters
    const uint64_t letters = QNI_GROUP_BIT(qni_ascii_group('z')) |
                             QNI_GROUP_BIT(qni_ascii_group('Z'));
    const qni_token_trie *trie = &w->vocabulary->inside;
    qni_term_groups first_groups = qni_term_loop(w->terms, start);
    uint64_t stay = first_groups.stay, done = stay | first_groups.dead;
    uint32_t staying = 0; // bytes on the way here that are all in `stay`
    if (__builtin_popcountll(stay) > WORTH) {
        set_groups(w, stay);
    } else {
        stay = done = 0;
    }
    qni_term_run run = qni_term_run_find(w->terms, start, trie->max_depth);
    for (unsigned b = 0; b < 0x80; b++) { // a byte that begins an escape, say, is none of the run
        run.groups &= qni_byte_is_plain(b) ? QNI_ALL_GROUPS : ~QNI_GROUP_BIT(qni_ascii_group(b));
    }
    bool run_done = stay == 0 && run.length >= LONG && (run.groups & letters) != 0;
    if (run_done) {
        set_run(w, &run);
    }
    w->states[0] = start;
    w->ways[0] = 0;
    for (uint32_t i = 0; i < trie->n_nodes;) {
        const qni_token_trie_node *node = &trie->nodes[i];
        uint32_t depth = node->depth + 1u;
        uint64_t below = trie->below[i] & QNI_ALL_GROUPS;
        uint64_t own = QNI_GROUP_BIT(trie->own[i]) & QNI_ALL_GROUPS;
        staying = staying < node->depth ? staying : node->depth;
        staying += staying == node->depth && (own & ~stay) == 0;
        if (staying == depth && (below & ~done) == 0) { // set already, or dead
            i = node->skip;
            continue;
        }
        if (run_done && depth <= run.length &&
            (depth + trie->heights[i] <= run.length || (below & run.behind) == 0)) {
            i = node->skip; // those that end within the run are set, and no other goes on behind it
            continue;
        }
        qni_term next = term_at(w, node);
        if (next == QNI_TERM_NOTHING) {
            i = node->skip;
            continue;
        }
        if (node->skip == i + 1) {
            uint32_t end, first = qni_token_trie_entries(trie, i, &end);
            set_range(w, trie, first, end);
            i++;
            continue;
        }
        w->states[depth] = next;
        w->ways[depth] = w->ways[node->depth] | own;
        i = take_node(w, i, &run);
    }
}

// Are the tokens below a node in both languages or in neither, by their groups?
static bool alike_below(const qni_term_walk *w, uint32_t i)
{
    uint64_t below = w->vocabulary->inside.below[i] & QNI_ALL_GROUPS;
    qni_term_groups near = groups_at(w, i, w->states);
    if ((below & ~near.stay) == 0) {
        return true;
    }
    qni_term_groups far = groups_at(w, i, w->wide);
    return (near.stay & ~far.stay) == 0 && (below & ~(near.stay | far.dead)) == 0;
}

void qni_term_walk_narrow(const qni_term_walk *w, qni_term near, qni_term far, uint32_t safe)
{
    enum { LONG = 32 }; // few tokens are longer, and are as soon walked
    const qni_token_trie *trie = &w->vocabulary->inside;
    qni_terms *t = w->terms;
    w->states[0] = near;
    w->wide[0] = far;
    for (uint32_t i = 0; i < trie->n_nodes;) {
        const qni_token_trie_node *node = &trie->nodes[i];
        uint32_t depth = node->depth + 1u;
        if (!qni_byte_is_plain(node->byte) || depth + trie->heights[i] <= safe) {
            i = node->skip;
            continue;
        }
        qni_term wide = qni_term_next(t, w->wide[node->depth], node->byte);
        if (wide == QNI_TERM_NOTHING) {
            i = node->skip;
            continue;
        }
        qni_term narrow = qni_term_next(t, w->states[node->depth], node->byte);
        if (narrow == QNI_TERM_NOTHING) {
            clear_range(w, trie, node->entry, subtree_end(trie, node));
        }
        w->states[depth] = narrow;
        w->wide[depth] = wide;
        bool alike = narrow == QNI_TERM_NOTHING || narrow == wide ||
                     (safe < LONG && alike_below(w, i));
        i = alike ? node->skip : i + 1;
    }
}

static void set_closers(const qni_term_walk *w, uint32_t first, uint32_t end, const uint32_t *tails)
{
    const qni_vocabulary *v = w->vocabulary;
    for (; first < end; first++) {
        const qni_closer *c = &v->closers[v->closing.entries[first]];
        if ((tails[c->tail / 32] >> c->tail % 32 & 1) != 0) {
            qni_mask_set(w->mask, c->token);
        }
    }
}

void qni_term_walk_closing(const qni_term_walk *w, qni_term start, const uint32_t *tails)
{
    const qni_token_trie *trie = &w->vocabulary->closing;
    w->states[0] = start;
    if (qni_term_nullable(w->terms, start)) {
        set_closers(w, 0, qni_token_trie_at_root(trie), tails);
    }
    for (uint32_t i = 0; i < trie->n_nodes;) {
        const qni_token_trie_node *node = &trie->nodes[i];
        qni_term next = term_at(w, node);
        if (next == QNI_TERM_NOTHING) {
            i = node->skip;
            continue;
        }
        uint32_t end, first = qni_token_trie_entries(trie, i, &end);
        if (first < end && qni_term_nullable(w->terms, next)) {
            set_closers(w, first, end, tails);
        }
        w->states[node->depth + 1] = next;
        i++;
    }
}
