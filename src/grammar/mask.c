#include "grammar/mask.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/mask_impl.h"

#include <string.h>

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
    m->depths = qni_alloc_array(QNI_MAX_MASKED_TOKEN_BYTES + 2, sizeof *m->depths);
    m->classes = qni_alloc_array(QNI_MAX_MASKED_TOKEN_BYTES + 2, sizeof *m->classes);
    m->tail_bits = qni_alloc_array(vocabulary->n_tails / 32 + 1, sizeof *m->tail_bits);
    if (m->stack == NULL || m->depths == NULL || m->classes == NULL || m->tail_bits == NULL) {
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
        qni_free(m->depths);
        qni_free(m->tail_bits);
        qni_free(m->classes);
        qni_free(m);
    }
}

const qni_vocabulary *qni_masker_vocabulary(const qni_masker *m)
{
    return m->vocabulary;
}
// A JSON value inside a context-free grammar: inside its strings the same tokens stay inside as
// elsewhere.
static bool fill_json_inside(qni_mask_walk *w, const qni_state *state)
{
    qni_state inner;
    memset(&inner, 0, sizeof inner);
    const qni_vocabulary *v = w->m->vocabulary;
    if (!qni_cfg_only_json(&w->m->engine->cfg, state->set, &inner.json) ||
        inner.json.mode != QNI_JSON_STRING || inner.json.phase != QNI_ESCAPE_NONE ||
        qni_goal_size(&w->m->engine->frames, inner.json.goal) != 1) {
        return false;
    }
    const qni_mask_body *b = qni_mask_body_of(w, &inner);
    if (b == NULL || b->bits == NULL) {
        return false;
    }
    qni_mask_or_bits(w->mask, b->bits, v->n_words);
    qni_mask_walk_trie(w, &v->closing, state, 0, qni_mask_set_closers, NULL);
    qni_mask_set_odd(w, state, inner.json.lex);
    return true;
}

static void fill(qni_mask_walk *w, const qni_state *state)
{
    const qni_json_state *s = &state->json;
    qni_machine machine = w->m->engine->machine;
    bool json = machine == QNI_MACHINE_JSON && s->phase == QNI_ESCAPE_NONE;
    if (json && s->mode == QNI_JSON_STRING) {
        qni_mask_fill_string(w, state);
    } else if (json && s->mode == QNI_JSON_KEY) {
        qni_mask_fill_key(w, state);
    } else if (machine != QNI_MACHINE_CFG || !fill_json_inside(w, state)) {
        qni_mask_walk_trie(w, &w->m->vocabulary->trie, state, 0, qni_mask_set_tokens, NULL);
    }
}

// The words that decide a state's mask; 0 when it is not worth keeping.
static size_t mask_key(const qni_mask_walk *w, const qni_state *state,
                       uint32_t key[QNI_STATE_WORDS + 8])
{
    memcpy(key, state, sizeof *state);
    if (qni_mask_waits(w, state)) {
        return 0;
    }
    if (w->m->engine->machine != QNI_MACHINE_JSON) {
        return QNI_STATE_WORDS;
    }
    qni_json_state copy = state->json;
    size_t n = QNI_STATE_WORDS, digits = w->size - copy.start;
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
        near.term = qni_mask_near_term(m, state->term);
    } else if (machine == QNI_MACHINE_JSON && state->json.mode == QNI_JSON_STRING &&
               qni_goal_size(&m->engine->frames, state->json.goal) == 1) {
        near.json.lex = qni_mask_near_term(m, state->json.lex);
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
    qni_mask_walk w = {m, text, size, mask, NULL};
    qni_state near;
    if (!by_walk) {
        near = see_near(m, state);
        state = &near;
    }
    uint32_t key[QNI_STATE_WORDS + 8];
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
        qni_mask_walk_trie(&w, &v->trie, state, 0, qni_mask_set_tokens, NULL);
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
