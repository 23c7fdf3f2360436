#include "grammar/term_walk.h"

static void set_range(const qni_term_walk *w, uint32_t first, uint32_t end)
{
    const uint32_t *entries = w->vocabulary->groups.entries;
    for (; first < end; first++) {
        qni_mask_set(w->mask, entries[first]);
    }
}

static void clear_range(const qni_term_walk *w, uint32_t first, uint32_t end)
{
    const uint32_t *entries = w->vocabulary->groups.entries;
    for (; first < end; first++) {
        w->mask[entries[first] / 32] &= ~((uint32_t)1 << entries[first] % 32);
    }
}

// The end of the entries at a node alone.
static uint32_t end_here(const qni_term_walk *w, const qni_group_node *node)
{
    return node->n_children == 0 ? node->entry_end
                                 : w->vocabulary->groups.nodes[node->children].entry;
}

// The node to look at next; NULL at the end. `*depth` is that of its byte.
static const qni_group_node *next_node(const qni_term_walk *w, uint32_t *depth)
{
    while (w->depths[*depth].next == w->depths[*depth].end) {
        if (*depth == 0) {
            return NULL;
        }
        --*depth;
    }
    return &w->vocabulary->groups.nodes[w->depths[*depth].next++];
}

// Goes on among the children of a node.
static void go_down(const qni_term_walk *w, const qni_group_node *node, uint32_t *depth)
{
    qni_term_depth *down = &w->depths[++*depth];
    down->next = node->children;
    down->end = node->children + node->n_children;
}

static void begin_walk(const qni_term_walk *w, qni_term start, qni_term wide)
{
    w->depths[0] = (qni_term_depth){
        .state = start, .wide = wide, .end = w->vocabulary->groups.n_roots};
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

// Sets those of some entries that have no character of the groups in `dead`.
static void set_without(const qni_term_walk *w, uint32_t first, uint32_t end, uint64_t dead)
{
    const qni_group_trie *trie = &w->vocabulary->groups;
    for (; first < end; first++) {
        uint32_t token = trie->entries[first];
        w->mask[token / 32] |= (uint32_t)((trie->groups[first] & dead) == 0) << token % 32;
    }
}

// The term behind a node's byte; inside of a character, where it begins.
static qni_term between(const qni_term_walk *w, const qni_group_node *node, uint32_t depth)
{
    return w->depths[depth + 1 - qni_group_node_begun(node)].state;
}

static uint32_t n_tokens(const qni_group_node *node)
{
    return node->entry_end - node->entry;
}

enum { FEW = 24 }; // tokens below a node for which it is not worth to find out about a term

// Do the groups of what is below a node tell which of its tokens are in the language? They have
// those of the way here too: none of them may be a dead one.
static bool decide(const qni_group_node *node, uint64_t way, qni_term_groups g)
{
    return (node->below & QNI_ALL_GROUPS & ~(g.stay | g.dead)) == 0 && (way & g.dead) == 0;
}

// Sets what is known of a node with others below, whose state is known; false when they are to be
// looked at. `run` is that of the walk's start.
static bool take_node(const qni_term_walk *w, const qni_group_node *node, uint32_t depth,
                      const qni_term_run *run)
{
    enum { MANY = 256 };                           // tokens that are better taken as a whole
    if (depth + 1 + node->height <= run->length) { // all below ends within the run
        set_without(w, node->entry, node->entry_end, ~run->groups);
        return true;
    }
    qni_term term = between(w, node, depth);
    const qni_term_info *info = qni_term_info_of(w->terms, term);
    uint64_t way = w->depths[depth + 1].way, below = node->below & QNI_ALL_GROUPS;
    qni_term_groups self = {0, 0}, loop = {0, 0};
    if (n_tokens(node) >= FEW || info->self_known) {
        self = qni_term_self(w->terms, term);
    }
    bool by_self = decide(node, way, self), ends = (below & ~self.dead) == 0;
    bool done = ends || (below & ~self.stay) == 0 || (by_self && n_tokens(node) < MANY);
    if (!done && (n_tokens(node) >= FEW || info->loop_known)) {
        loop = qni_term_loop(w->terms, term);
    }
    if ((below & ~self.stay) == 0 || (below & ~loop.stay) == 0) {
        set_range(w, node->entry, node->entry_end);
    } else if (by_self || decide(node, way, loop)) {
        set_without(w, node->entry, node->entry_end, by_self ? self.dead : loop.dead);
    } else {
        set_range(w, node->entry, end_here(w, node));
        return ends; // nothing below may come next
    }
    return true;
}

void qni_term_walk_inside(const qni_term_walk *w, qni_term start)
{
    enum { WORTH = 8 }; // groups, and fewer are as soon found by the walk itself
    enum { LONG = 3 };  // a run of fewer bytes has few tokens, and so has one without letters
    const uint64_t letters = QNI_GROUP_BIT(qni_ascii_group('z')) |
                             QNI_GROUP_BIT(qni_ascii_group('Z'));
    qni_term_groups first = qni_term_loop(w->terms, start), self = qni_term_self(w->terms, start);
    uint32_t staying = 0, depth = 0; // bytes on the way here that are all in `stay`
    if (__builtin_popcountll(first.stay) > WORTH) {
        set_groups(w, first.stay);
    } else {
        first = self = (qni_term_groups){0, 0};
    }
    uint64_t stay = first.stay, done = stay | first.dead;
    self.stay &= stay; // what is set
    qni_term_run run = qni_term_run_find(w->terms, start, w->vocabulary->groups.max_depth);
    for (unsigned b = 0; b < 0x80; b++) { // a byte that begins an escape, say, is none of the run
        run.groups &= qni_byte_is_plain(b) ? QNI_ALL_GROUPS : ~QNI_GROUP_BIT(qni_ascii_group(b));
    }
    bool run_done = stay == 0 && run.length >= LONG && (run.groups & letters) != 0;
    if (run_done) {
        set_run(w, &run);
    }
    begin_walk(w, start, QNI_TERM_NOTHING);
    for (const qni_group_node *node; (node = next_node(w, &depth)) != NULL;) {
        uint64_t below = node->below & QNI_ALL_GROUPS, own = qni_group_node_own(node);
        staying = staying < depth ? staying : depth;
        staying += staying == depth && (own & ~stay) == 0;
        bool back = ((w->depths[depth].way | own) & ~self.stay) == 0;
        if (staying > depth &&
            ((below & ~done) == 0 || (back && (below & ~(self.stay | self.dead)) == 0))) {
            continue; // set already, or dead
        }
        if (run_done && depth < run.length &&
            (depth + 1 + node->height <= run.length || (below & run.behind) == 0)) {
            continue; // those that end within the run are set, and no other goes on behind it
        }
        qni_term next = qni_term_next(w->terms, w->depths[depth].state, node->byte);
        if (next == QNI_TERM_NOTHING) {
            continue;
        }
        if (node->n_children == 0) {
            set_range(w, node->entry, node->entry_end);
            continue;
        }
        w->depths[depth + 1].state = next;
        w->depths[depth + 1].way = w->depths[depth].way | own;
        if (!take_node(w, node, depth, &run)) {
            go_down(w, node, &depth);
        }
    }
}

// Are the tokens below a node in both languages or in neither, by their groups? The narrower one
// counts, so it has too many states to look at more than its own.
static bool alike_below(const qni_term_walk *w, const qni_group_node *node, uint32_t depth)
{
    qni_term_depth at = w->depths[depth + 1 - qni_group_node_begun(node)];
    uint64_t below = node->below & QNI_ALL_GROUPS;
    bool few = n_tokens(node) < FEW;
    if (few && !qni_term_info_of(w->terms, at.state)->self_known) {
        return false;
    }
    qni_term_groups near = qni_term_self(w->terms, at.state);
    if ((below & ~near.stay) == 0) {
        return true;
    }
    if (few && !qni_term_info_of(w->terms, at.wide)->loop_known) {
        return false;
    }
    qni_term_groups far = qni_term_loop(w->terms, at.wide);
    return (near.stay & ~far.stay) == 0 && (below & ~(near.stay | far.dead)) == 0;
}

void qni_term_walk_narrow(const qni_term_walk *w, qni_term near, qni_term far, uint32_t safe)
{
    enum { LONG = 32 }; // few tokens are longer, and are as soon walked
    uint32_t depth = 0;
    begin_walk(w, near, far);
    for (const qni_group_node *node; (node = next_node(w, &depth)) != NULL;) {
        const qni_term_depth *here = &w->depths[depth];
        if (depth + 1 + node->height <= safe) {
            continue;
        }
        qni_term wide = qni_term_next(w->terms, here->wide, node->byte);
        if (wide == QNI_TERM_NOTHING) {
            continue;
        }
        qni_term narrow = qni_term_next(w->terms, here->state, node->byte);
        if (narrow == QNI_TERM_NOTHING) {
            clear_range(w, node->entry, node->entry_end);
            continue;
        }
        w->depths[depth + 1].state = narrow;
        w->depths[depth + 1].wide = wide;
        if (narrow != wide && !(safe < LONG && alike_below(w, node, depth))) {
            go_down(w, node, &depth);
        }
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
    w->depths[0].state = start;
    if (qni_term_nullable(w->terms, start)) {
        set_closers(w, 0, qni_token_trie_at_root(trie), tails);
    }
    for (uint32_t i = 0; i < trie->n_nodes;) {
        const qni_token_trie_node *node = &trie->nodes[i];
        qni_term next = qni_byte_is_plain(node->byte)
                            ? qni_term_next(w->terms, w->depths[node->depth].state, node->byte)
                            : QNI_TERM_NOTHING;
        if (next == QNI_TERM_NOTHING) {
            i = node->skip;
            continue;
        }
        uint32_t end, first = qni_token_trie_entries(trie, i, &end);
        if (first < end && qni_term_nullable(w->terms, next)) {
            set_closers(w, first, end, tails);
        }
        w->depths[node->depth + 1].state = next;
        i++;
    }
}
