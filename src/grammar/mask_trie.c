// Walks of a trie by the machine of a grammar, and the tails that they find.
#include "grammar/mask_impl.h"

#include "base/alloc.h"

#include <string.h>

enum { FEW_CLOSERS = 16 };

static bool walk_step(qni_mask_walk *w, qni_state *state, size_t size)
{
    return w->inside != NULL ? qni_json_step(w->inside, &state->json, w->text, size)
                             : qni_engine_step(w->m->engine, state, w->text, size);
}

// Does what follows in the state depend on more than the state?
bool qni_mask_waits(const qni_mask_walk *w, const qni_state *state)
{
    const qni_engine *e = w->m->engine;
    if (e->machine == QNI_MACHINE_CFG) {
        return qni_cfg_reads_json(&e->cfg, state->set);
    }
    return e->machine == QNI_MACHINE_JSON && (qni_frame_waits(&e->frames, state->json.frame) ||
                                              qni_goal_waits(&e->frames, state->json.goal));
}

// The bytes that may come first in a state of JSON between strings; NULL: any.
static const char *first_bytes(const qni_mask_walk *w, const qni_state *state)
{
    if (w->inside != NULL || w->m->engine->machine != QNI_MACHINE_JSON) {
        return NULL;
    }
    switch ((qni_json_mode)state->json.mode) {
    case QNI_JSON_VALUE:
    case QNI_JSON_FIRST_ITEM: return "\t\n\r \"-0123456789[]fnt{";
    case QNI_JSON_FIRST_KEY:
    case QNI_JSON_NEXT_KEY: return "\t\n\r \"}";
    case QNI_JSON_COLON: return "\t\n\r :";
    case QNI_JSON_AFTER: return "\t\n\r ,]}";
    case QNI_JSON_NUMBER: return "\t\n\r +,-.0123456789E]e}";
    case QNI_JSON_WORD: return "aelrsu";
    case QNI_JSON_DONE: return "";
    case QNI_JSON_KEY:
    case QNI_JSON_STRING:
    case QNI_JSON_DEAD:
    default: return NULL;
    }
}

typedef struct trie_walk {
    qni_mask_walk *w;
    const qni_token_trie *trie;
    qni_state *stack; // by depth
    size_t size;      // bytes before it
    qni_mask_found_fn *found;
    void *context;
    qni_terms *terms;
    qni_goal goal; // of the string at the start, where it has one alternative; else 0
} trie_walk;

// Inside a string of one alternative a byte that stands for itself is a step of the term alone.
static bool is_plain_step(const trie_walk *t, const qni_state *state, unsigned byte)
{
    const qni_json_state *s = &state->json;
    return t->goal != 0 && s->goal == t->goal && s->mode == QNI_JSON_STRING &&
           s->phase == QNI_ESCAPE_NONE && qni_byte_is_plain(byte);
}

static void walk_nodes(const trie_walk *t, uint32_t from, uint32_t to);

// What is below a node with many children, in a state where few bytes may come.
static void walk_children(const trie_walk *t, const uint32_t children[256], const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        uint32_t child = children[(unsigned char)*bytes];
        if (child < t->trie->n_nodes) {
            walk_nodes(t, child, t->trie->nodes[child].skip);
        }
    }
}

// Nodes `from` .. `to`, whole subtrees of one node.
static void walk_nodes(const trie_walk *t, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to;) {
        const qni_token_trie_node *node = &t->trie->nodes[i];
        uint32_t depth = node->depth + 1u;
        qni_state *next = &t->stack[depth];
        const qni_state *before = &t->stack[node->depth];
        t->w->text[t->size + node->depth] = (char)node->byte;
        bool alive;
        if (is_plain_step(t, before, node->byte)) {
            qni_term lex = qni_term_next(t->terms, before->json.lex, node->byte);
            alive = lex != QNI_TERM_NOTHING;
            if (alive) {
                *next = *before;
                next->json.lex = lex;
            }
        } else {
            *next = *before;
            alive = walk_step(t->w, next, t->size + depth);
        }
        if (!alive) {
            i = node->skip;
            continue;
        }
        uint32_t end, first = qni_token_trie_entries(t->trie, i, &end);
        if (first < end) {
            t->found(t->w, t->context, next, depth, t->trie->entries + first, end - first);
        }
        const char *bytes = node->wide != 0 ? first_bytes(t->w, next) : NULL;
        if (bytes != NULL) {
            walk_children(t, t->trie->children[node->wide], bytes);
        }
        i = bytes != NULL ? node->skip : i + 1;
    }
}

void qni_mask_walk_trie(qni_mask_walk *w, const qni_token_trie *trie, const qni_state *start,
                        size_t offset, qni_mask_found_fn *found, void *context)
{
    // `offset` bytes of another walk stand before this one; the stack is shared in the same way.
    qni_engine *e = w->m->engine;
    trie_walk t = {.w = w,
                   .trie = trie,
                   .stack = w->m->stack + offset,
                   .size = w->size + offset,
                   .found = found,
                   .context = context,
                   .terms = &e->terms};
    const qni_json_state *s = &start->json;
    bool string = (w->inside != NULL || e->machine == QNI_MACHINE_JSON) &&
                  s->mode == QNI_JSON_STRING && qni_goal_size(&e->frames, s->goal) == 1;
    t.goal = string ? s->goal : 0;
    t.stack[0] = *start;
    uint32_t end = qni_token_trie_at_root(trie);
    if (end != 0) {
        found(w, context, &t.stack[0], 0, trie->entries, end);
    }
    const char *bytes = first_bytes(w, start);
    if (bytes != NULL) {
        walk_children(&t, trie->children[0], bytes);
    } else {
        walk_nodes(&t, 0, trie->n_nodes);
    }
}

void qni_mask_set_tokens(qni_mask_walk *w, void *context, const qni_state *state, uint32_t depth,
                         const uint32_t *entries, uint32_t n)
{
    (void)context;
    (void)state;
    (void)depth;
    for (uint32_t i = 0; i < n; i++) {
        qni_mask_set(w->mask, entries[i]);
    }
}

typedef struct number_list {
    uint32_t *items;
    size_t n;
    size_t capacity;
    bool failed;
} number_list;

static void add_numbers(number_list *list, const uint32_t *items, uint32_t n)
{
    if (qni_grow(&list->items, &list->capacity, list->n + n, sizeof *items) != 0) {
        list->failed = true;
        return;
    }
    memcpy(list->items + list->n, items, n * sizeof *items);
    list->n += n;
}

static void collect_entries(qni_mask_walk *w, void *context, const qni_state *state, uint32_t depth,
                            const uint32_t *entries, uint32_t n)
{
    (void)w;
    (void)state;
    (void)depth;
    add_numbers(context, entries, n);
}

// The tails that may follow in `state`, which stands `offset` bytes behind the walk's text.
qni_tail_list *qni_mask_tails_after(qni_mask_walk *w, const qni_state *state, size_t offset)
{
    qni_masker *m = w->m;
    uint32_t key[QNI_STATE_WORDS];
    memcpy(key, state, sizeof *state);
    // What is not to be kept is found anew under a key of its own, which no state has.
    static const uint32_t scratch[QNI_STATE_WORDS] = {UINT32_MAX};
    bool fresh, kept = !qni_mask_waits(w, state);
    uint32_t id = qni_intern_add(&m->tail_ids, kept ? key : scratch, QNI_STATE_WORDS, &fresh);
    if (id == 0 || !qni_account_grow(&m->account, &m->tails, &m->tails_capacity, (size_t)id + 1,
                                     sizeof *m->tails)) {
        return NULL;
    }
    if (!kept && !fresh) {
        qni_free(m->tails[id].tails);
    }
    if (fresh || !kept) {
        m->tails[id] = (qni_tail_list){0};
        number_list list = {0};
        qni_mask_walk_trie(w, &m->vocabulary->tails, state, offset, collect_entries, &list);
        if (list.failed) {
            qni_account_fail(&m->account, QN_OUT_OF_MEMORY, "out of memory");
        }
        m->account.used_bytes += list.capacity * 4;
        m->tails[id] = (qni_tail_list){list.items, (uint32_t)list.n};
    }
    return &m->tails[id];
}

// The tails behind the closing quote of `state` (inside a string), `offset` bytes behind the walk's
// text.
qni_tail_list *qni_mask_tails_behind_quote(qni_mask_walk *w, const qni_state *state, size_t offset)
{
    qni_state next = *state;
    w->text[w->size + offset] = '"';
    if (!qni_engine_step(w->m->engine, &next, w->text, w->size + offset + 1)) {
        return NULL;
    }
    return qni_mask_tails_after(w, &next, offset + 1);
}

// Sets the closers whose tails, read one by one, may follow in a state behind the quote.
static void try_closers(qni_mask_walk *w, const qni_state *behind, uint32_t depth,
                        const uint32_t *entries, uint32_t n)
{
    const qni_vocabulary *v = w->m->vocabulary;
    for (uint32_t i = 0; i < n; i++) {
        const qni_closer *c = &v->closers[entries[i]];
        uint32_t from = v->offsets[c->token] + c->n_before + 1, end = v->offsets[c->token + 1];
        qni_state state = *behind;
        bool alive = true;
        for (uint32_t k = 0; alive && from + k < end; k++) {
            w->text[w->size + depth + k] = v->bytes[from + k];
            alive = qni_engine_step(w->m->engine, &state, w->text, w->size + depth + k + 1);
        }
        if (alive) {
            qni_mask_set(w->mask, c->token);
        }
    }
}

// Sets the closers of the entries (closers with one text before the quote) whose tails may follow.
void qni_mask_set_closers(qni_mask_walk *w, void *context, const qni_state *state, uint32_t depth,
                          const uint32_t *entries, uint32_t n)
{
    (void)context;
    const qni_vocabulary *v = w->m->vocabulary;
    qni_state behind = *state;
    w->text[w->size + depth] = '"';
    if (!qni_engine_step(w->m->engine, &behind, w->text, w->size + depth + 1)) {
        return;
    }
    if (n <= FEW_CLOSERS && qni_mask_waits(w, &behind)) {
        try_closers(w, &behind, depth + 1, entries, n);
        return;
    }
    // The walk's stack holds the states up to here; what follows is walked behind them.
    qni_tail_list *tails = qni_mask_tails_after(w, &behind, depth + 1);
    for (uint32_t i = 0, t = 0; tails != NULL && i < n; i++) { // both are in the order of the tails
        const qni_closer *c = &v->closers[entries[i]];
        while (t < tails->n && tails->tails[t] < c->tail) {
            t++;
        }
        if (t < tails->n && tails->tails[t] == c->tail) {
            qni_mask_set(w->mask, c->token);
        }
    }
}
