// Masks inside keys of JSON.
#include "grammar/mask_impl.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/jvalue.h"

#include <string.h>

// Takes the closers of the entries back, then sets those whose tails may follow.
static void decide_closers(qni_mask_walk *w, const qni_state *state, uint32_t depth,
                           const uint32_t *entries, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t token = w->m->vocabulary->closers[entries[i]].token;
        w->mask[token / 32] &= ~((uint32_t)1 << token % 32);
    }
    qni_mask_set_closers(w, NULL, state, depth, entries, n);
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
static void decide_named_below(qni_mask_walk *w, uint32_t from, uint32_t to)
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
static void decide_named_closers(qni_mask_walk *w, const qni_state *start)
{
    const qni_frames *fr = &w->m->engine->frames;
    const qni_token_trie *trie = &w->m->vocabulary->closing;
    const qni_json_state *s = &start->json;
    uint32_t end = qni_token_trie_at_root(trie);
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

// What has been written of a key, escapes replaced.
typedef struct key_text {
    const char *bytes;
    size_t n;
    char *owned; // or NULL
} key_text;

static bool read_key(qni_mask_walk *w, const qni_state *state, key_text *out)
{
    const char *raw = w->text + state->json.start + 1;
    size_t n = w->size - state->json.start - 1;
    *out = (key_text){raw, n, NULL};
    if (memchr(raw, '\\', n) == NULL) {
        return true;
    }
    out->bytes = out->owned = qni_alloc(n + 1);
    if (out->owned == NULL) {
        return qni_account_fail(&w->m->account, QN_OUT_OF_MEMORY, "out of memory");
    }
    bool whole = qni_jvalue_unescape(raw, n, out->owned, &out->n);
    if (!whole) {
        qni_free(out->owned);
    }
    return whole;
}

// Takes back the closers that would repeat a key.
static void clear_repeated_keys(qni_mask_walk *w, const qni_state *state, const key_text *begun)
{
    const qni_frames *fr = &w->m->engine->frames;
    const qni_vocabulary *v = w->m->vocabulary;
    size_t n_begun = begun->n;
    uint32_t seen = qni_frame_seen(fr, state->json.frame);
    while (seen != 0) {
        size_t n;
        const char *key = qni_string_text(fr->f, qni_seen_next(fr, &seen), &n);
        uint32_t node = 0, end = qni_token_trie_at_root(&v->closing), first = 0;
        if (n < n_begun || memcmp(key, begun->bytes, n_begun) != 0 ||
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
static void begin_classes(qni_mask_walk *w, const key_text *begun, const qni_universe *u)
{
    qni_terms *t = &w->m->engine->terms;
    for (size_t i = 0; i < u->n_terms; i++) {
        qni_term term = u->terms[i];
        for (size_t at = 0; at < begun->n && term != QNI_TERM_NOTHING; at++) {
            term = qni_term_step(t, term, (unsigned char)begun->bytes[at]);
        }
        w->m->classes[0][i] = term;
    }
}

// Sets the closers of a key that is not named, in the class that its languages make.
static void set_class_closers(qni_mask_walk *w, const qni_state *state, uint32_t depth,
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
    qni_tail_list *tails = qni_mask_tails_after(w, &behind, depth + 1);
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
static void walk_classes(qni_mask_walk *w, const qni_state *start, const key_text *begun)
{
    qni_engine *e = w->m->engine;
    const qni_token_trie *trie = &w->m->vocabulary->closing;
    const qni_universe u = *qni_frame_universe(&e->frames, start->json.frame);
    qni_state *stack = w->m->stack;
    uint32_t end = qni_token_trie_at_root(trie);
    stack[0] = *start;
    begin_classes(w, begun, &u);
    if (at_named_key(&e->frames, &start->json)) {
        qni_mask_set_closers(w, NULL, start, 0, trie->entries, end);
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
            qni_mask_set_closers(w, NULL, &stack[depth], depth, trie->entries + first, end - first);
        } else if (first < end) {
            set_class_closers(w, &stack[depth], depth, &u, trie->entries + first, end - first);
        }
        i++;
    }
    clear_repeated_keys(w, start, begun);
}

// All other keys are alike: every closer under the tails of any of them, then the exceptions.
static void set_alike_closers(qni_mask_walk *w, const qni_state *state, qni_goal goal,
                              const key_text *begun)
{
    const qni_vocabulary *v = w->m->vocabulary;
    qni_state behind = {.json = {.mode = QNI_JSON_COLON, .goal = goal}};
    w->text[w->size] = '"';
    qni_tail_list *tails = qni_mask_tails_after(w, &behind, 1);
    for (uint32_t i = 0; tails != NULL && i < tails->n; i++) {
        uint32_t tail = tails->tails[i];
        for (uint32_t k = v->tail_first[tail]; k < v->tail_first[tail + 1]; k++) {
            qni_mask_set(w->mask, v->closers[k].token);
        }
    }
    decide_named_closers(w, state);
    clear_repeated_keys(w, state, begun);
}

// Keys. Where any other key may come, every token stays inside; which of them close depends on the
// named keys that they complete, and for the rest on the other keys' values alone.
void qni_mask_fill_key(qni_mask_walk *w, const qni_state *state)
{
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    const qni_json_state *s = &state->json;
    qni_state part = *state;
    if (s->lex != QNI_TERM_NOTHING) {
        part.json.low = part.json.high = 0;
        const qni_mask_body *b = qni_mask_body_of(w, &part);
        if (b == NULL || b->bits == NULL) {
            return;
        }
        qni_mask_or_bits(w->mask, b->bits, v->n_words);
    }
    if (s->low < s->high && s->lex != m->engine->terms.text) {
        part = *state;
        part.json.lex = QNI_TERM_NOTHING;
        qni_mask_walk_trie(w, &v->inside, &part, 0, qni_mask_set_tokens, NULL);
    }
    qni_mask_set_odd(w, state, s->lex);
    qni_goal goal = qni_frame_other_goal(&m->engine->frames, s->frame);
    key_text begun;
    if (s->lex == QNI_TERM_NOTHING || !read_key(w, state, &begun)) {
        qni_mask_walk_trie(w, &v->closing, state, 0, qni_mask_set_closers, NULL);
        return;
    }
    if (s->lex == m->engine->terms.text && goal != 0) {
        set_alike_closers(w, state, goal, &begun);
    } else if (qni_frame_universe(&m->engine->frames, s->frame)->n_terms <= QNI_MAX_CLASS_TERMS) {
        walk_classes(w, state, &begun);
    } else {
        qni_mask_walk_trie(w, &v->closing, state, 0, qni_mask_set_closers, NULL);
    }
    qni_free(begun.owned);
}
