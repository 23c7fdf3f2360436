// Masks inside strings of JSON: which tokens stay inside, and which close the string.
#include "grammar/mask_impl.h"

#include "base/alloc.h"
#include "grammar/body_cache.h"

#include <string.h>

// Walks by the terms of strings, into the walk's mask.
static qni_term_walk term_walk(const qni_mask_walk *w)
{
    qni_masker *m = w->m;
    return (qni_term_walk){&m->engine->terms, m->vocabulary, m->depths, w->mask};
}

// The term without the counters that no token can exhaust: its masks are the same.
qni_term qni_mask_near_term(qni_masker *m, qni_term term)
{
    qni_terms *t = &m->engine->terms;
    // An escape that has begun adds a character; at most so many bytes are looked at for a token.
    uint32_t depth = m->vocabulary->trie.max_depth + 16, room;
    qni_term wide = qni_term_widen(t, term, depth, &room);
    uint32_t reach = wide == term ? 0 : qni_term_reach(t, wide);
    if (wide != term && room - depth < reach && reach < depth) {
        // Some counter is near: those that are further away than a completion is long.
        wide = qni_term_widen(t, term, depth + reach, &room);
        reach = wide == term ? 0 : qni_term_reach(t, wide);
    }
    return wide == term || room - depth < reach ? term : wide;
}

static bool is_body_known(const qni_masker *m, qni_term term)
{
    uint32_t key[2] = {term, 0};
    uint32_t id = qni_intern_find(&m->body_ids, key, 2);
    return id != 0 && m->bodies[id].bits != NULL;
}

// A language with the same texts of up to `*safe` bytes, from whose mask the state's is soon found;
// QNI_TERM_NOTHING when there is none. A short reach is worth it where that mask is known.
static qni_term find_near(qni_masker *m, qni_term term, uint32_t *safe)
{
    static const struct {
        uint32_t least; // see qni_term_widen
        uint32_t worth; // so many bytes at least
        bool known;
    } tries[] = {{16, 12, false}, {8, 4, true}};
    qni_terms *t = &m->engine->terms;
    for (size_t i = 0; i < 2; i++) {
        uint32_t room;
        qni_term far = qni_term_widen(t, term, tries[i].least, &room);
        if (far == term || (tries[i].known && !is_body_known(m, far))) {
            continue;
        }
        uint32_t reach = qni_term_reach(t, far);
        if (room >= reach && room - reach >= tries[i].worth) {
            *safe = room - reach;
            return far;
        }
    }
    return QNI_TERM_NOTHING;
}

// Tokens that stay inside, from those of a language that has the same short texts; false when there
// is none.
static bool fill_body_near(qni_mask_walk *w, const qni_state *state)
{
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    uint32_t safe;
    qni_term far = find_near(m, state->json.lex, &safe);
    if (far == QNI_TERM_NOTHING) {
        return false;
    }
    qni_state wide = *state;
    wide.json.lex = far;
    const qni_mask_body *b = qni_mask_body_of(w, &wide);
    if (b == NULL || b->bits == NULL) {
        return false;
    }
    memcpy(w->mask, b->bits, v->n_words * sizeof *w->mask);
    for (uint32_t i = 0; i < v->escaped.n_entries; i++) {
        w->mask[v->escaped.entries[i] / 32] &= ~((uint32_t)1 << v->escaped.entries[i] % 32);
    }
    qni_term_walk by_terms = term_walk(w);
    qni_term_walk_narrow(&by_terms, state->json.lex, far, safe);
    return true;
}

// Tokens that stay inside, by walking all that could.
static void fill_body(qni_mask_walk *w, const qni_state *state, qni_mask_body *out)
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
        memcpy(key, qni_term_info_of(&m->engine->terms, state->json.lex)->name, sizeof key);
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
        qni_mask_walk_trie(w, &v->escaped, state, 0, qni_mask_set_tokens, NULL);
    } else {
        qni_mask_walk_trie(w, &v->inside, state, 0, qni_mask_set_tokens, NULL);
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
    qni_mask_clear_longer(v, bits, max);
}

// The body of a string state outside escapes; NULL when the account failed.
const qni_mask_body *qni_mask_body_of(qni_mask_walk *w, const qni_state *state)
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
        m->bodies[id] = (qni_mask_body){0};
        qni_mask_body b = {0};
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

// All closers with between `min` and `max` characters before the quote, under the tails that may
// follow.
static void set_length_closers(qni_mask_walk *w, const qni_state *state, uint32_t min, uint32_t max)
{
    const qni_vocabulary *v = w->m->vocabulary;
    // What stands between the state and the quote does not matter for what follows: take the quote
    // as if now.
    qni_state closed = *state;
    qni_terms *t = &w->m->engine->terms;
    closed.json.lex = t->text;
    qni_tail_list *tails = qni_mask_tails_behind_quote(w, &closed, 0);
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
void qni_mask_set_odd(qni_mask_walk *w, const qni_state *state, qni_term lex)
{
    uint32_t min, max;
    if (!qni_term_length(&w->m->engine->terms, lex, &min, &max)) {
        qni_mask_walk_trie(w, &w->m->vocabulary->odd, state, 0, qni_mask_set_tokens, NULL);
    }
}

static void mark_tails(qni_masker *m, const qni_tail_list *tails)
{
    memset(m->tail_bits, 0, (m->vocabulary->n_tails / 32 + 1) * sizeof *m->tail_bits);
    for (uint32_t i = 0; i < tails->n; i++) {
        qni_mask_set(m->tail_bits, tails->tails[i]);
    }
}

// Sets the closers of the entries whose tails are marked, where the string may end.
static void set_marked_closers(qni_mask_walk *w, void *context, const qni_state *state,
                               uint32_t depth, const uint32_t *entries, uint32_t n)
{
    (void)context;
    (void)depth;
    const qni_vocabulary *v = w->m->vocabulary;
    const qni_json_state *s = &state->json;
    if (s->phase != QNI_ESCAPE_NONE ||
        qni_lex_finish(&w->m->engine->frames, s->goal, s->lex) == 0) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const qni_closer *c = &v->closers[entries[i]];
        if ((w->m->tail_bits[c->tail / 32] >> c->tail % 32 & 1) != 0) {
            qni_mask_set(w->mask, c->token);
        }
    }
}

// Sets a token that may follow, read byte by byte.
static void try_token(qni_mask_walk *w, const qni_state *start, uint32_t token)
{
    const qni_vocabulary *v = w->m->vocabulary;
    qni_state state = *start;
    size_t size = w->size;
    for (uint32_t i = v->offsets[token]; i < v->offsets[token + 1]; i++) {
        w->text[size++] = v->bytes[i];
        if (!qni_engine_step(w->m->engine, &state, w->text, size)) {
            return;
        }
    }
    qni_mask_set(w->mask, token);
}

// The closers of an item that differs from those before it, where the same may follow each; `alike`
// is the frame behind some such item. Those that say a string behind it, too, may say it again, and
// are read one by one.
static void set_item_closers(qni_mask_walk *w, const qni_state *state, qni_frame alike)
{
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    qni_state behind;
    memset(&behind, 0, sizeof behind);
    behind.json = (qni_json_state){.mode = QNI_JSON_AFTER, .frame = alike};
    w->text[w->size] = '"';
    qni_tail_list *tails = qni_mask_tails_after(w, &behind, 1);
    if (tails == NULL) {
        return;
    }
    mark_tails(m, tails);
    for (uint32_t i = 0; i < tails->n; i++) {
        uint32_t tail = tails->tails[i], first = v->tail_first[tail];
        const qni_closer *c = &v->closers[first];
        uint32_t from = v->offsets[c->token] + c->n_before + 1, n_quotes = 0;
        for (uint32_t k = from; k < v->offsets[c->token + 1]; k++) {
            n_quotes += v->bytes[k] == '"';
        }
        if (n_quotes > 1) {
            m->tail_bits[tail / 32] &= ~((uint32_t)1 << tail % 32);
        }
        for (uint32_t k = first; n_quotes > 1 && k < v->tail_first[tail + 1]; k++) {
            try_token(w, state, v->closers[k].token);
        }
    }
    qni_term_walk by_terms = term_walk(w);
    qni_term_walk_closing(&by_terms, state->json.lex, m->tail_bits);
    qni_mask_walk_trie(w, &v->closing_escaped, state, 0, set_marked_closers, NULL);
}

// The closers of a string under a goal of one alternative: wherever it may end, the same follows,
// unless that depends on the string.
static void set_term_closers(qni_mask_walk *w, const qni_state *state)
{
    qni_masker *m = w->m;
    const qni_vocabulary *v = m->vocabulary;
    qni_state closed = *state;
    closed.json.lex = m->engine->terms.text;
    qni_frame then = qni_goal_then(&m->engine->frames, state->json.goal, 0);
    if (qni_frame_waits(&m->engine->frames, then)) {
        qni_frame alike = qni_frame_settle_alike(&m->engine->frames, then);
        if (alike == 0) {
            qni_mask_walk_trie(w, &v->closing, state, 0, qni_mask_set_closers, NULL);
        } else {
            set_item_closers(w, state, alike);
        }
        return;
    }
    qni_tail_list *tails = qni_mask_tails_behind_quote(w, &closed, 0);
    if (tails == NULL) {
        return;
    }
    mark_tails(m, tails);
    qni_term_walk by_terms = term_walk(w);
    qni_term_walk_closing(&by_terms, state->json.lex, m->tail_bits);
    qni_mask_walk_trie(w, &v->closing_escaped, state, 0, qni_mask_set_closers, NULL);
}

// Sets the tokens of a string under a goal of one alternative.
static void fill_single_string(qni_mask_walk *w, const qni_state *state)
{
    const qni_vocabulary *v = w->m->vocabulary;
    const qni_mask_body *b = qni_mask_body_of(w, state);
    uint32_t min, max;
    if (b == NULL || b->bits == NULL) {
        return;
    }
    qni_mask_or_bits(w->mask, b->bits, v->n_words);
    const qni_frames *fr = &w->m->engine->frames;
    bool length = qni_term_length(&w->m->engine->terms, state->json.lex, &min, &max);
    // Where what follows waits for the string, it does matter what stands before the quote.
    if (length && !qni_frame_waits_for_item(fr, qni_goal_then(fr, state->json.goal, 0))) {
        set_length_closers(w, state, min, max);
    } else {
        set_term_closers(w, state);
        qni_mask_walk_trie(w, &v->odd, state, 0, qni_mask_set_tokens, NULL);
    }
}

// A string goes on while one of its alternatives does, and closes into the one that takes it: the
// alternatives are masked one by one, each a language that others share.
void qni_mask_fill_string(qni_mask_walk *w, const qni_state *state)
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
            part.json.lex = qni_mask_near_term(w->m, part.json.lex);
        }
        if (part.json.lex != QNI_TERM_NOTHING && part.json.goal != 0) {
            fill_single_string(w, &part);
        }
    }
}
