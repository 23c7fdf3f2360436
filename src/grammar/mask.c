#include "grammar/mask.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/body_cache.h"
#include "grammar/term_walk.h"

#include <string.h>

// What a lexical state of a string takes.
typedef struct body {
    uint32_t *bits; // tokens that stay inside
} body;

// The tails that may follow in a state behind a closed string.
typedef struct tail_list {
    uint32_t *tails;
    uint32_t n;
} tail_list;

struct qni_masker {
    qni_engine *engine;
    qni_vocabulary *vocabulary;
    uint64_t epoch;
    qni_state *stack;                         // of a walk, one a byte
    qni_term *terms;                          // the same of a walk by terms
    qni_term *wide;                           // and of the wider one beside it
    uint32_t (*classes)[QNI_MAX_CLASS_TERMS]; // the same of the languages of keys
    uint32_t *tail_bits;                      // a bit for each tail, to look one up
    qni_account account;
    qni_intern body_ids;
    body *bodies;
    size_t bodies_capacity;
    qni_intern tail_ids;
    tail_list *tails;
    size_t tails_capacity;
    qni_intern mask_ids;
    uint32_t **masks;
    size_t masks_capacity;
};

// One walk.
typedef struct walk {
    qni_masker *m;
    char *text;
    size_t size; // bytes before the walk
    uint32_t *mask;
    qni_json *inside; // steps in a JSON string alone, or NULL: steps in the grammar
} walk;

enum { STATE_WORDS = sizeof(qni_state) / 4, FEW_CLOSERS = 16 };

static void empty(qni_masker *m)
{
    for (uint32_t i = 1; i < m->body_ids.n && m->bodies != NULL; i++) {
        qni_free(m->bodies[i].bits);
    }
    for (uint32_t i = 1; i < m->tail_ids.n && m->tails != NULL; i++) {
        qni_free(m->tails[i].tails);
    }
    for (uint32_t i = 1; i < m->mask_ids.n && m->masks != NULL; i++) {
        qni_free(m->masks[i]);
    }
    qni_intern_end(&m->body_ids);
    qni_intern_end(&m->tail_ids);
    qni_intern_end(&m->mask_ids);
    qni_free(m->bodies);
    qni_free(m->tails);
    qni_free(m->masks);
    m->bodies = NULL;
    m->tails = NULL;
    m->masks = NULL;
    m->bodies_capacity = m->tails_capacity = m->masks_capacity = 0;
    qni_account_begin(&m->account, QNI_MAX_MASK_BYTES, UINT64_MAX);
    qni_intern_begin(&m->body_ids, &m->account);
    qni_intern_begin(&m->tail_ids, &m->account);
    qni_intern_begin(&m->mask_ids, &m->account);
    m->epoch = m->engine->epoch;
}

qn_status qni_masker_create(qni_engine *engine, qni_vocabulary *vocabulary, qni_masker **out,
                            qn_error *err)
{
    qni_masker *m = qni_calloc(1, sizeof *m);
    if (m == NULL) {
        return qni_fail_memory(err);
    }
    m->engine = engine;
    m->vocabulary = qni_vocabulary_share(vocabulary);
    m->stack = qni_alloc_array(QNI_MAX_MASKED_TOKEN_BYTES + 2, sizeof *m->stack);
    m->terms = qni_alloc_array(QNI_MAX_MASKED_TOKEN_BYTES + 2, sizeof *m->terms);
    m->wide = qni_alloc_array(QNI_MAX_MASKED_TOKEN_BYTES + 2, sizeof *m->wide);
    m->classes = qni_alloc_array(QNI_MAX_MASKED_TOKEN_BYTES + 2, sizeof *m->classes);
    m->tail_bits = qni_alloc_array(vocabulary->n_tails / 32 + 1, sizeof *m->tail_bits);
    if (m->stack == NULL || m->terms == NULL || m->wide == NULL || m->classes == NULL ||
        m->tail_bits == NULL) {
        qni_masker_free(m);
        return qni_fail_memory(err);
    }
    empty(m);
    *out = m;
    return QN_OK;
}

void qni_masker_free(qni_masker *m)
{
    if (m != NULL) {
        empty(m);
        qni_vocabulary_free(m->vocabulary);
        qni_free(m->stack);
        qni_free(m->terms);
        qni_free(m->wide);
        qni_free(m->tail_bits);
        qni_free(m->classes);
        qni_free(m);
    }
}

const qni_vocabulary *qni_masker_vocabulary(const qni_masker *m)
{
    return m->vocabulary;
}

static bool walk_step(walk *w, qni_state *state, size_t size)
{
    return w->inside != NULL ? qni_json_step(w->inside, &state->json, w->text, size)
                             : qni_engine_step(w->m->engine, state, w->text, size);
}

// Does what follows in the state depend on more than the state?
static bool waits(const walk *w, const qni_state *state)
{
    const qni_engine *e = w->m->engine;
    if (e->machine == QNI_MACHINE_CFG) {
        return qni_cfg_reads_json(&e->cfg, state->set);
    }
    return e->machine == QNI_MACHINE_JSON && (qni_frame_waits(&e->frames, state->json.frame) ||
                                              qni_goal_waits(&e->frames, state->json.goal));
}

// The bytes that may come first in a state of JSON between strings; NULL: any.
static const char *first_bytes(const walk *w, const qni_state *state)
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

// Calls `found` with the entries of every node whose bytes the machine takes from `start` on.
typedef void found_fn(walk *w, void *context, const qni_state *state, uint32_t depth,
                      const uint32_t *entries, uint32_t n);

typedef struct trie_walk {
    walk *w;
    const qni_token_trie *trie;
    qni_state *stack; // by depth
    size_t size;      // bytes before it
    found_fn *found;
    void *context;
} trie_walk;

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
        t->w->text[t->size + node->depth] = (char)node->byte;
        *next = t->stack[node->depth];
        if (!walk_step(t->w, next, t->size + depth)) {
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

static void walk_trie(walk *w, const qni_token_trie *trie, const qni_state *start, size_t offset,
                      found_fn *found, void *context)
{
    // `offset` bytes of another walk stand before this one; the stack is shared in the same way.
    trie_walk t = {w, trie, w->m->stack + offset, w->size + offset, found, context};
    t.stack[0] = *start;
    uint32_t end = trie->n_nodes == 0 ? trie->n_entries : trie->nodes[0].entry;
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

static void set_tokens(walk *w, void *context, const qni_state *state, uint32_t depth,
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

static void collect_entries(walk *w, void *context, const qni_state *state, uint32_t depth,
                            const uint32_t *entries, uint32_t n)
{
    (void)w;
    (void)state;
    (void)depth;
    add_numbers(context, entries, n);
}

// The tails that may follow in `state`, which stands `offset` bytes behind the walk's text.
static tail_list *tails_after(walk *w, const qni_state *state, size_t offset)
{
    qni_masker *m = w->m;
    uint32_t key[STATE_WORDS];
    memcpy(key, state, sizeof *state);
    // What is not to be kept is found anew under a key of its own, which no state has.
    static const uint32_t scratch[STATE_WORDS] = {UINT32_MAX};
    bool fresh, kept = !waits(w, state);
    uint32_t id = qni_intern_add(&m->tail_ids, kept ? key : scratch, STATE_WORDS, &fresh);
    if (id == 0 || !qni_account_grow(&m->account, &m->tails, &m->tails_capacity, (size_t)id + 1,
                                     sizeof *m->tails)) {
        return NULL;
    }
    if (!kept && !fresh) {
        qni_free(m->tails[id].tails);
    }
    if (fresh || !kept) {
        m->tails[id] = (tail_list){0};
        number_list list = {0};
        walk_trie(w, &m->vocabulary->tails, state, offset, collect_entries, &list);
        if (list.failed) {
            qni_account_fail(&m->account, QN_OUT_OF_MEMORY, "out of memory");
        }
        m->account.used_bytes += list.capacity * 4;
        m->tails[id] = (tail_list){list.items, (uint32_t)list.n};
    }
    return &m->tails[id];
}

// The tails behind the closing quote of `state` (inside a string), `offset` bytes behind the walk's
// text.
static tail_list *tails_behind_quote(walk *w, const qni_state *state, size_t offset)
{
    qni_state next = *state;
    w->text[w->size + offset] = '"';
    if (!qni_engine_step(w->m->engine, &next, w->text, w->size + offset + 1)) {
        return NULL;
    }
    return tails_after(w, &next, offset + 1);
}

// Sets the closers whose tails, read one by one, may follow in a state behind the quote.
static void try_closers(walk *w, const qni_state *behind, uint32_t depth, const uint32_t *entries,
                        uint32_t n)
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
static void set_closers(walk *w, void *context, const qni_state *state, uint32_t depth,
                        const uint32_t *entries, uint32_t n)
{
    (void)context;
    const qni_vocabulary *v = w->m->vocabulary;
    qni_state behind = *state;
    w->text[w->size + depth] = '"';
    if (!qni_engine_step(w->m->engine, &behind, w->text, w->size + depth + 1)) {
        return;
    }
    if (n <= FEW_CLOSERS && waits(w, &behind)) {
        try_closers(w, &behind, depth + 1, entries, n);
        return;
    }
    // The walk's stack holds the states up to here; what follows is walked behind them.
    tail_list *tails = tails_after(w, &behind, depth + 1);
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

// Walks by the terms of strings, into the walk's mask.
static qni_term_walk term_walk(const walk *w)
{
    qni_masker *m = w->m;
    return (qni_term_walk){&m->engine->terms, m->vocabulary, m->terms, m->wide, w->mask};
}

// The term without the counters that no token can exhaust: its masks are the same.
static qni_term near_term(qni_masker *m, qni_term term)
{
    qni_terms *t = &m->engine->terms;
    // An escape that has begun adds a character; at most so many bytes are looked at for a token.
    uint32_t depth = m->vocabulary->trie.max_depth + 16, room;
    qni_term wide = qni_term_widen(t, term, depth, &room);
    return wide == term || room - depth < qni_term_reach(t, wide) ? term : wide;
}

static const body *body_of(walk *w, const qni_state *state);

// Tokens that stay inside, from those of a language that has the same short texts; false when there
// is none.
static bool fill_body_near(walk *w, const qni_state *state)
{
    enum { LEAST = 12, WORTH = 4 };
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    qni_terms *t = &m->engine->terms;
    uint32_t room;
    qni_term far = qni_term_widen(t, state->json.lex, LEAST, &room);
    uint32_t reach = far == state->json.lex ? 0 : qni_term_reach(t, far);
    if (far == state->json.lex || room < reach || room - reach < WORTH) {
        return false;
    }
    qni_state wide = *state;
    wide.json.lex = far;
    const body *b = body_of(w, &wide);
    if (b == NULL || b->bits == NULL) {
        return false;
    }
    memcpy(w->mask, b->bits, v->n_words * sizeof *w->mask);
    for (uint32_t i = 0; i < v->escaped.n_entries; i++) {
        w->mask[v->escaped.entries[i] / 32] &= ~((uint32_t)1 << v->escaped.entries[i] % 32);
    }
    qni_term_walk by_terms = term_walk(w);
    qni_term_walk_narrow(&by_terms, state->json.lex, far, room - reach);
    return true;
}

// Tokens that stay inside, by walking all that could.
static void fill_body(walk *w, const qni_state *state, body *out)
{
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    out->bits = qni_calloc(v->n_words + 1, sizeof *out->bits);
    if (out->bits == NULL) {
        qni_account_fail(&m->account, QN_OUT_OF_MEMORY, "out of memory");
        return;
    }
    bool single = state->json.mode == QNI_JSON_KEY ||
                  qni_goal_size(&m->engine->frames, state->json.goal) == 1;
    uint64_t key[2] = {0};
    if (single) { // a copy, for a walk may move the terms
        memcpy(key, m->engine->terms.info[state->json.lex].name, sizeof key);
    }
    if (single && qni_body_cache_get(v->bodies, key, out->bits)) {
        return;
    }
    uint32_t *mask = w->mask;
    w->mask = out->bits;
    qni_json inside = {.fr = &m->engine->frames};
    w->inside = &inside;
    if (single) {
        w->inside = NULL; // the other body is found from outside
        if (!fill_body_near(w, state)) {
            qni_term_walk by_terms = term_walk(w);
            qni_term_walk_inside(&by_terms, state->json.lex);
        }
        w->inside = &inside;
        walk_trie(w, &v->escaped, state, 0, set_tokens, NULL);
    } else {
        walk_trie(w, &v->inside, state, 0, set_tokens, NULL);
    }
    w->inside = NULL;
    w->mask = mask;
    if (single && m->engine->account.status == QN_OK && m->account.status == QN_OK) {
        qni_body_cache_put(v->bodies, key, out->bits);
    }
}

static void fill_length_body(const qni_vocabulary *v, uint32_t max, uint32_t *bits)
{
    memcpy(bits, v->plain, v->n_words * sizeof *bits);
    for (uint32_t i = 0; i < v->n_plain && v->n_chars[i] > max; i++) {
        bits[v->by_length[i] / 32] &= ~((uint32_t)1 << v->by_length[i] % 32);
    }
}

// The body of a string state outside escapes; NULL when the account failed.
static const body *body_of(walk *w, const qni_state *state)
{
    qni_masker *m = w->m;
    const qni_json_state *s = &state->json;
    bool single = s->mode == QNI_JSON_KEY || qni_goal_size(&m->engine->frames, s->goal) == 1;
    uint32_t key[2] = {s->lex, single ? 0 : s->goal};
    bool fresh;
    uint32_t id = qni_intern_add(&m->body_ids, key, 2, &fresh);
    if (id == 0 || !qni_account_grow(&m->account, &m->bodies, &m->bodies_capacity, (size_t)id + 1,
                                     sizeof *m->bodies)) {
        return NULL;
    }
    if (fresh) {
        const qni_vocabulary *v = m->vocabulary;
        m->bodies[id] = (body){0};
        body b = {0};
        uint32_t min, max;
        if (single && qni_term_length(&m->engine->terms, s->lex, &min, &max)) {
            b.bits = qni_alloc_array(v->n_words + 1, sizeof *b.bits);
            if (b.bits != NULL) {
                fill_length_body(v, max, b.bits);
            } else {
                qni_account_fail(&m->account, QN_OUT_OF_MEMORY, "out of memory");
            }
        } else {
            fill_body(w, state, &b);
        }
        m->account.used_bytes += v->n_words * 4;
        m->bodies[id] = b;
    }
    return &m->bodies[id];
}

static void or_bits(uint32_t *to, const uint32_t *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        to[i] |= from[i];
    }
}

// All closers with between `min` and `max` characters before the quote, under the tails that may
// follow.
static void set_length_closers(walk *w, const qni_state *state, uint32_t min, uint32_t max)
{
    const qni_vocabulary *v = w->m->vocabulary;
    // What stands between the state and the quote does not matter for what follows: take the quote
    // as if now.
    qni_state closed = *state;
    qni_terms *t = &w->m->engine->terms;
    closed.json.lex = t->text;
    tail_list *tails = tails_behind_quote(w, &closed, 0);
    for (uint32_t i = 0; tails != NULL && i < tails->n; i++) {
        uint32_t tail = tails->tails[i];
        for (uint32_t k = v->tail_first[tail]; k < v->tail_first[tail + 1]; k++) {
            if (v->closers[k].n_chars >= min && v->closers[k].n_chars <= max) {
                qni_mask_set(w->mask, v->closers[k].token);
            }
        }
    }
}

// Tokens that begin inside a character. Where any character may come, the text stands between two.
static void set_odd(walk *w, const qni_state *state, qni_term lex)
{
    uint32_t min, max;
    if (!qni_term_length(&w->m->engine->terms, lex, &min, &max)) {
        walk_trie(w, &w->m->vocabulary->odd, state, 0, set_tokens, NULL);
    }
}

// The closers of a string under a goal of one alternative: wherever it may end, the same follows,
// unless that depends on the string.
static void set_term_closers(walk *w, const qni_state *state)
{
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    qni_state closed = *state;
    closed.json.lex = m->engine->terms.text;
    qni_frame then = qni_goal_then(&m->engine->frames, state->json.goal, 0);
    if (qni_frame_waits(&m->engine->frames, then)) {
        walk_trie(w, &v->closing, state, 0, set_closers, NULL);
        return;
    }
    tail_list *tails = tails_behind_quote(w, &closed, 0);
    if (tails == NULL) {
        return;
    }
    memset(m->tail_bits, 0, (v->n_tails / 32 + 1) * sizeof *m->tail_bits);
    for (uint32_t i = 0; i < tails->n; i++) {
        qni_mask_set(m->tail_bits, tails->tails[i]);
    }
    qni_term_walk by_terms = term_walk(w);
    qni_term_walk_closing(&by_terms, state->json.lex, m->tail_bits);
    walk_trie(w, &v->closing_escaped, state, 0, set_closers, NULL);
}

// Sets the tokens of a string under a goal of one alternative.
static void fill_single_string(walk *w, const qni_state *state)
{
    const qni_vocabulary *v = w->m->vocabulary;
    const body *b = body_of(w, state);
    uint32_t min, max;
    if (b == NULL || b->bits == NULL) {
        return;
    }
    or_bits(w->mask, b->bits, v->n_words);
    if (qni_term_length(&w->m->engine->terms, state->json.lex, &min, &max)) {
        set_length_closers(w, state, min, max);
    } else {
        set_term_closers(w, state);
        walk_trie(w, &v->odd, state, 0, set_tokens, NULL);
    }
}

// A string goes on while one of its alternatives does, and closes into the one that takes it: the
// alternatives are masked one by one, each a language that others share.
static void fill_string(walk *w, const qni_state *state)
{
    qni_frames *fr = &w->m->engine->frames;
    qni_goal goal = state->json.goal;
    size_t n = qni_goal_size(fr, goal);
    if (n == 1) {
        fill_single_string(w, state);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        qni_state part = *state;
        part.json.lex = qni_intern_at(&fr->tuples, state->json.lex, NULL)[i];
        if (part.json.lex != QNI_TERM_NOTHING) {
            part.json.goal = qni_goal_part(fr, goal, i);
            part.json.lex = near_term(w->m, part.json.lex);
        }
        if (part.json.lex != QNI_TERM_NOTHING && part.json.goal != 0) {
            fill_single_string(w, &part);
        }
    }
}

// Takes the closers of the entries back, then sets those whose tails may follow.
static void decide_closers(walk *w, const qni_state *state, uint32_t depth, const uint32_t *entries,
                           uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t token = w->m->vocabulary->closers[entries[i]].token;
        w->mask[token / 32] &= ~((uint32_t)1 << token % 32);
    }
    set_closers(w, NULL, state, depth, entries, n);
}

// Is `state` just behind one of the keys that the schema names?
static bool at_named_key(const qni_frames *fr, const qni_json_state *s)
{
    size_t n = SIZE_MAX;
    if (s->low < s->high) {
        qni_string_text(fr->f, qni_frame_universe(fr, s->frame)->keys[s->low], &n);
    }
    return n == s->depth;
}

// The part of decide_named_closers below nodes `from` .. `to`.
static void decide_named_below(walk *w, uint32_t from, uint32_t to)
{
    qni_engine *e = w->m->engine;
    const qni_token_trie *trie = &w->m->vocabulary->closing;
    qni_state *stack = w->m->stack;
    for (uint32_t i = from; i < to;) {
        const qni_token_trie_node *node = &trie->nodes[i];
        qni_state *next = &stack[node->depth + 1];
        w->text[w->size + node->depth] = (char)node->byte;
        *next = stack[node->depth];
        bool alive = qni_engine_step(e, next, w->text, w->size + node->depth + 1u);
        bool escape = next->json.phase != QNI_ESCAPE_NONE ||
                      memchr(w->text + w->size, '\\', node->depth + 1u) != NULL;
        if (!alive || (next->json.low >= next->json.high && !escape)) {
            i = node->skip;
            continue;
        }
        uint32_t end, first = qni_token_trie_entries(trie, i, &end);
        if (first < end && (escape || at_named_key(&e->frames, &next->json))) {
            decide_closers(w, next, node->depth + 1u, trie->entries + first, end - first);
        }
        i++;
    }
}

// Walks the closers whose text goes along a named key, or has an escape, and decides them one by
// one.
static void decide_named_closers(walk *w, const qni_state *start)
{
    const qni_frames *fr = &w->m->engine->frames;
    const qni_token_trie *trie = &w->m->vocabulary->closing;
    const qni_json_state *s = &start->json;
    uint32_t end = trie->n_nodes == 0 ? trie->n_entries : trie->nodes[0].entry;
    w->m->stack[0] = *start;
    if (end != 0 && at_named_key(fr, s)) {
        decide_closers(w, start, 0, trie->entries, end);
    }
    uint32_t next[256 / 32] = {0};
    qni_mask_set(next, '\\');
    for (uint32_t i = s->low; i < s->high; i++) {
        size_t n;
        const char *key = qni_string_text(fr->f, qni_frame_universe(fr, s->frame)->keys[i], &n);
        if (n > s->depth) {
            qni_mask_set(next, (unsigned char)key[s->depth]);
        }
    }
    for (unsigned b = 0; b < 256; b++) {
        uint32_t root = trie->children[0][b];
        if ((next[b / 32] >> b % 32 & 1) != 0 && root < trie->n_nodes) {
            decide_named_below(w, root, trie->nodes[root].skip);
        }
    }
}

// The node that `n` bytes lead to; false when none.
static bool find_node(const qni_token_trie *trie, const char *bytes, size_t n, uint32_t *out)
{
    uint32_t i = trie->n_nodes == 0 ? 0 : trie->children[0][(unsigned char)bytes[0]];
    uint32_t end = trie->n_nodes;
    for (size_t d = 0; d < n; d++) {
        while (i < end && trie->nodes[i].byte != (uint8_t)bytes[d]) {
            i = trie->nodes[i].skip;
        }
        if (i >= end) {
            return false;
        }
        *out = i;
        end = trie->nodes[i].skip;
        i++;
    }
    return true;
}

// Takes back the closers that would repeat a key.
static void clear_repeated_keys(walk *w, const qni_state *state)
{
    const qni_frames *fr = &w->m->engine->frames;
    const qni_vocabulary *v = w->m->vocabulary;
    const char *begun = w->text + state->json.start + 1;
    size_t n_begun = w->size - state->json.start - 1;
    uint32_t seen = qni_frame_seen(fr, state->json.frame);
    while (seen != 0) {
        size_t n;
        const char *key = qni_string_text(fr->f, qni_seen_next(fr, &seen), &n);
        uint32_t node = 0, end = v->closing.n_nodes == 0 ? 0 : v->closing.nodes[0].entry, first = 0;
        if (n < n_begun || memcmp(key, begun, n_begun) != 0 ||
            (n > n_begun && !find_node(&v->closing, key + n_begun, n - n_begun, &node))) {
            continue;
        }
        if (n > n_begun) {
            first = qni_token_trie_entries(&v->closing, node, &end);
        }
        for (; first < end; first++) {
            uint32_t token = v->closers[v->closing.entries[first]].token;
            w->mask[token / 32] &= ~((uint32_t)1 << token % 32);
        }
    }
}

// The languages of keys that the walk is inside of, at the beginning: as far as the key has been
// written.
static void begin_classes(walk *w, const qni_state *state, const qni_universe *u)
{
    qni_terms *t = &w->m->engine->terms;
    for (size_t i = 0; i < u->n_terms; i++) {
        qni_term term = u->terms[i];
        for (size_t at = state->json.start + 1; at < w->size && term != QNI_TERM_NOTHING; at++) {
            term = qni_term_step(t, term, (unsigned char)w->text[at]);
        }
        w->m->classes[0][i] = term;
    }
}

// Sets the closers of a key that is not named, in the class that its languages make.
static void set_class_closers(walk *w, const qni_state *state, uint32_t depth,
                              const qni_universe *u, const uint32_t *entries, uint32_t n)
{
    qni_engine *e = w->m->engine;
    const qni_vocabulary *v = w->m->vocabulary;
    uint32_t bits = 0;
    if (!qni_term_nullable(&e->terms, state->json.lex)) {
        return;
    }
    for (size_t i = 0; i < u->n_terms; i++) {
        bits |= (uint32_t)qni_term_nullable(&e->terms, w->m->classes[depth][i]) << i;
    }
    qni_goal goal = qni_frame_class_goal(&e->frames, state->json.frame, bits);
    if (goal == 0) {
        return;
    }
    qni_state behind = {.json = {.mode = QNI_JSON_COLON, .goal = goal}};
    w->text[w->size + depth] = '"';
    tail_list *tails = tails_after(w, &behind, depth + 1);
    for (uint32_t i = 0, k = 0; tails != NULL && i < n; i++) {
        const qni_closer *c = &v->closers[entries[i]];
        while (k < tails->n && tails->tails[k] < c->tail) {
            k++;
        }
        if (k < tails->n && tails->tails[k] == c->tail) {
            qni_mask_set(w->mask, c->token);
        }
    }
}

// Keys under languages: what follows a key depends on the class it is in, so the walk carries the
// languages along.
static void walk_classes(walk *w, const qni_state *start)
{
    qni_engine *e = w->m->engine;
    const qni_token_trie *trie = &w->m->vocabulary->closing;
    const qni_universe u = *qni_frame_universe(&e->frames, start->json.frame);
    qni_state *stack = w->m->stack;
    uint32_t end = trie->n_nodes == 0 ? trie->n_entries : trie->nodes[0].entry;
    stack[0] = *start;
    begin_classes(w, start, &u);
    if (at_named_key(&e->frames, &start->json)) {
        set_closers(w, NULL, start, 0, trie->entries, end);
    } else {
        set_class_closers(w, start, 0, &u, trie->entries, end);
    }
    for (uint32_t i = 0; i < trie->n_nodes;) {
        const qni_token_trie_node *node = &trie->nodes[i];
        uint32_t depth = node->depth + 1u;
        w->text[w->size + node->depth] = (char)node->byte;
        stack[depth] = stack[node->depth];
        if (!qni_engine_step(e, &stack[depth], w->text, w->size + depth)) {
            i = node->skip;
            continue;
        }
        for (size_t k = 0; k < u.n_terms; k++) {
            qni_term before = w->m->classes[node->depth][k];
            w->m->classes[depth][k] = before == 0 ? 0
                                                  : qni_term_next(&e->terms, before, node->byte);
        }
        uint32_t first = qni_token_trie_entries(trie, i, &end);
        bool escape = memchr(w->text + w->size, '\\', depth) != NULL;
        if (first < end && (escape || at_named_key(&e->frames, &stack[depth].json))) {
            set_closers(w, NULL, &stack[depth], depth, trie->entries + first, end - first);
        } else if (first < end) {
            set_class_closers(w, &stack[depth], depth, &u, trie->entries + first, end - first);
        }
        i++;
    }
    clear_repeated_keys(w, start);
}

// All other keys are alike: every closer under the tails of any of them, then the exceptions.
static void set_alike_closers(walk *w, const qni_state *state, qni_goal goal)
{
    const qni_vocabulary *v = w->m->vocabulary;
    qni_state behind = {.json = {.mode = QNI_JSON_COLON, .goal = goal}};
    w->text[w->size] = '"';
    tail_list *tails = tails_after(w, &behind, 1);
    for (uint32_t i = 0; tails != NULL && i < tails->n; i++) {
        uint32_t tail = tails->tails[i];
        for (uint32_t k = v->tail_first[tail]; k < v->tail_first[tail + 1]; k++) {
            qni_mask_set(w->mask, v->closers[k].token);
        }
    }
    decide_named_closers(w, state);
    clear_repeated_keys(w, state);
}

// Keys. Where any other key may come, every token stays inside; which of them close depends on the
// named keys that they complete, and for the rest on the other keys' values alone.
static void fill_key(walk *w, const qni_state *state)
{
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    const qni_json_state *s = &state->json;
    qni_state part = *state;
    if (s->lex != QNI_TERM_NOTHING) {
        part.json.low = part.json.high = 0;
        const body *b = body_of(w, &part);
        if (b == NULL || b->bits == NULL) {
            return;
        }
        or_bits(w->mask, b->bits, v->n_words);
    }
    if (s->low < s->high && s->lex != m->engine->terms.text) {
        part = *state;
        part.json.lex = QNI_TERM_NOTHING;
        walk_trie(w, &v->inside, &part, 0, set_tokens, NULL);
    }
    set_odd(w, state, s->lex);
    qni_goal goal = qni_frame_other_goal(&m->engine->frames, s->frame);
    bool escaped = memchr(w->text + s->start, '\\', w->size - s->start) != NULL;
    if (s->lex == m->engine->terms.text && goal != 0 && !escaped) {
        set_alike_closers(w, state, goal);
    } else if (s->lex != QNI_TERM_NOTHING && !escaped &&
               qni_frame_universe(&m->engine->frames, s->frame)->n_terms <= QNI_MAX_CLASS_TERMS) {
        walk_classes(w, state);
    } else {
        walk_trie(w, &v->closing, state, 0, set_closers, NULL);
    }
}

// A JSON value inside a context-free grammar: inside its strings the same tokens stay inside as
// elsewhere.
static bool fill_json_inside(walk *w, const qni_state *state)
{
    qni_state inner;
    memset(&inner, 0, sizeof inner);
    const qni_vocabulary *v = w->m->vocabulary;
    if (!qni_cfg_only_json(&w->m->engine->cfg, state->set, &inner.json) ||
        inner.json.mode != QNI_JSON_STRING || inner.json.phase != QNI_ESCAPE_NONE ||
        qni_goal_size(&w->m->engine->frames, inner.json.goal) != 1) {
        return false;
    }
    const body *b = body_of(w, &inner);
    if (b == NULL || b->bits == NULL) {
        return false;
    }
    or_bits(w->mask, b->bits, v->n_words);
    walk_trie(w, &v->closing, state, 0, set_closers, NULL);
    set_odd(w, state, inner.json.lex);
    return true;
}

static void fill(walk *w, const qni_state *state)
{
    const qni_json_state *s = &state->json;
    qni_machine machine = w->m->engine->machine;
    bool json = machine == QNI_MACHINE_JSON && s->phase == QNI_ESCAPE_NONE;
    if (json && s->mode == QNI_JSON_STRING) {
        fill_string(w, state);
    } else if (json && s->mode == QNI_JSON_KEY) {
        fill_key(w, state);
    } else if (machine != QNI_MACHINE_CFG || !fill_json_inside(w, state)) {
        walk_trie(w, &w->m->vocabulary->trie, state, 0, set_tokens, NULL);
    }
}

// The words that decide a state's mask; 0 when it is not worth keeping.
static size_t mask_key(const walk *w, const qni_state *state, uint32_t key[STATE_WORDS + 8])
{
    memcpy(key, state, sizeof *state);
    if (waits(w, state)) {
        return 0;
    }
    if (w->m->engine->machine != QNI_MACHINE_JSON) {
        return STATE_WORDS;
    }
    qni_json_state copy = state->json;
    size_t n = STATE_WORDS, digits = w->size - copy.start;
    if (copy.mode == QNI_JSON_KEY && copy.lex != QNI_TERM_NOTHING) {
        return 0; // repeated keys depend on the text
    }
    if (copy.mode == QNI_JSON_NUMBER) {
        if (digits > 28) {
            return 0;
        }
        memset(key + n, 0, 32);
        memcpy(key + n, w->text + copy.start, digits);
        n += 8;
    }
    copy.start = 0;
    memcpy(key, &copy, sizeof copy);
    return n;
}

static void add_stops(qni_masker *m, const qni_state *state, const char *text, size_t size,
                      uint32_t *mask)
{
    const qni_vocabulary *v = m->vocabulary;
    if (qni_engine_accepts(m->engine, state, text, size)) {
        for (uint32_t i = 0; i < v->n_stops; i++) {
            if (v->stops[i] < v->n_tokens) {
                qni_mask_set(mask, v->stops[i]);
            }
        }
    }
}

// The state as far as a token sees it.
static qni_state see_near(qni_masker *m, const qni_state *state)
{
    qni_state near = *state;
    qni_machine machine = m->engine->machine;
    if (machine == QNI_MACHINE_TERM) {
        near.term = near_term(m, state->term);
    } else if (machine == QNI_MACHINE_JSON && state->json.mode == QNI_JSON_STRING &&
               qni_goal_size(&m->engine->frames, state->json.goal) == 1) {
        near.json.lex = near_term(m, state->json.lex);
    }
    return near;
}

qn_status qni_masker_fill(qni_masker *m, const qni_state *state, char *text, size_t size,
                          bool by_walk, uint32_t *mask, qn_error *err)
{
    const qni_vocabulary *v = m->vocabulary;
    bool full = m->account.used_bytes > m->account.limit_bytes / 2;
    if (m->epoch != m->engine->epoch || m->account.status != QN_OK || full) {
        empty(m);
    }
    walk w = {m, text, size, mask, NULL};
    qni_state near;
    if (!by_walk) {
        near = see_near(m, state);
        state = &near;
    }
    uint32_t key[STATE_WORDS + 8];
    size_t n = by_walk ? 0 : mask_key(&w, state, key);
    bool fresh = true;
    uint32_t id = n == 0 ? 0 : qni_intern_add(&m->mask_ids, key, n, &fresh);
    if (id != 0 && !fresh && m->masks[id] != NULL) {
        memcpy(mask, m->masks[id], v->n_words * sizeof *mask);
        return QN_OK;
    }
    if (id != 0 &&
        qni_account_grow(&m->account, &m->masks, &m->masks_capacity, (size_t)id + 1,
                         sizeof *m->masks) &&
        fresh) {
        m->masks[id] = NULL;
    }
    memset(mask, 0, v->n_words * sizeof *mask);
    if (by_walk) {
        walk_trie(&w, &v->trie, state, 0, set_tokens, NULL);
    } else {
        fill(&w, state);
    }
    add_stops(m, state, text, size, mask);
    QNI_TRY(qni_account_status(&m->account, err));
    QNI_TRY(qni_engine_end(m->engine, err));
    if (id != 0) {
        m->masks[id] = qni_alloc_array(v->n_words + 1, sizeof *mask);
        if (m->masks[id] != NULL) { // keeping it is only worth while
            memcpy(m->masks[id], mask, v->n_words * sizeof *mask);
            m->account.used_bytes += v->n_words * sizeof *mask;
        }
    }
    return QN_OK;
}
