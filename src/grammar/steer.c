#include "grammar/steer.h"

#include "base/alloc.h"

#include <string.h>

enum {
    // Tokens beyond those that completing takes. With fewer than CARE each token is looked at,
    // however long that takes; with more than PLENTY, one in some.
    CARE = 64,
    PLENTY = 1024,
    NODES_A_TOKEN = 512, // of a search: as costly as a token may be on average, while above CARE
    LOOK_AGAIN = 16,     // tokens, where no completion was in sight
    MAX_CLOSING_BYTES = 1 << 16,
};

void qni_steering_end(qni_steering *s)
{
    qni_ids_end(&s->plan);
    qni_ids_end(&s->spare);
    qni_steering_forget(s);
}

void qni_steering_forget(qni_steering *s)
{
    s->has_plan = s->is_closing = s->is_over = false;
    s->n_closed = s->n_taken = s->next_look = s->room = 0;
}

qn_status qni_steer_plan(const qni_steering *s, qni_matcher *m, int64_t budget, qni_ids *out,
                         bool *found, qn_error *err)
{
    char *text = qni_alloc(MAX_CLOSING_BYTES);
    size_t n = 0;
    qn_error ignored;
    *found = false;
    if (text == NULL) {
        return qni_fail_memory(err);
    }
    out->n = 0;
    qn_status status = qni_matcher_shortest(m, text, MAX_CLOSING_BYTES, &n, &ignored);
    if (status == QN_OK && s->spell != NULL) {
        status = s->spell(s->context, text, n, out, found, err);
    }
    if (status == QN_OK && (!*found || (int64_t)out->n > budget)) {
        status = qni_vocabulary_spell(m->vocabulary, text, n, out, found, err);
    } else if (status == QN_LIMIT_EXCEEDED) { // then the budget just ends
        status = QN_OK;
    }
    qni_free(text);
    return status;
}

static qn_status consume(qni_steering *s, qni_matcher *m, int32_t id, qn_error *err)
{
    uint32_t token = (uint32_t)id;
    size_t taken = 0;
    QNI_TRY(qni_matcher_consume(m, &token, 1, &taken, err));
    s->n_taken++;
    return taken == 1 ? QN_OK
                      : qni_fail(err, QN_INVALID_ARGUMENT, "grammar",
                                 "token %d does not fit the grammar here", (int)id);
}

static qn_status follow_plan(qni_steering *s, qni_matcher *m, int32_t *id, qn_error *err)
{
    s->is_closing = true;
    s->has_plan = false;
    s->room = 0;
    *id = s->plan.ids[s->n_closed++];
    if (s->n_closed == s->plan.n) { // from then on the output may end
        s->is_closing = false;
        s->n_closed = 0;
    }
    return consume(s, m, *id, err);
}

// Does the same complete an output in both places? Inside a string, and in text that no JSON is
// part of, that is so when the places are the same.
static bool same_rest(const qni_matcher *m, const qni_state *a, const qni_state *b)
{
    const qni_engine *e = m->engine;
    qni_json_state json = a->json;
    if (memcmp(a, b, sizeof *a) != 0) {
        return false;
    }
    if (e->machine == QNI_MACHINE_CFG) {
        return !qni_cfg_reads_json(&e->cfg, a->set) ||
               (qni_cfg_only_json(&e->cfg, a->set, &json) && json.mode == QNI_JSON_STRING);
    }
    return e->machine == QNI_MACHINE_TERM || json.mode == QNI_JSON_STRING;
}

// Takes the token when a completion fits behind it; else the plan's first, which fits.
static qn_status take_carefully(qni_steering *s, qni_matcher *m, int64_t budget, int32_t *id,
                                qn_error *err)
{
    bool found = false, planned = s->plan.n > 1 && s->plan.ids[0] == *id;
    qni_state before = m->marks[m->n_marks - 1].state;
    QNI_TRY(consume(s, m, *id, err));
    if (planned) {
        memmove(s->plan.ids, s->plan.ids + 1, --s->plan.n * sizeof *s->plan.ids);
        return QN_OK;
    }
    if (m->marks[m->n_marks - 1].ended) {
        s->has_plan = false;
        return QN_OK;
    }
    bool same = same_rest(m, &before, &m->marks[m->n_marks - 1].state);
    if (same) {
        found = true;
    } else {
        QNI_TRY(qni_steer_plan(s, m, budget - 1, &s->spare, &found, err));
    }
    size_t needed = same ? s->plan.n : s->spare.n;
    if (!found || (int64_t)needed + 1 > budget) {
        QNI_TRY(qni_matcher_rollback(m, 1, err));
        s->n_taken--;
        if (s->plan.n != 0) {
            return follow_plan(s, m, id, err);
        }
        s->is_over = true;
        *id = -1;
        return QN_OK;
    }
    if (!same) {
        qni_ids plan = s->plan;
        s->plan = s->spare;
        s->spare = plan;
        s->has_plan = found;
    }
    return QN_OK;
}

// How many tokens may come before the next look, with a plan that leaves `slack` tokens.
static size_t tokens_unwatched(int64_t slack, uint32_t n_nodes)
{
    size_t by_cost = n_nodes / NODES_A_TOKEN, n = 0;
    if (slack > CARE) {
        size_t most = (size_t)(slack - CARE) / 8;
        n = by_cost < most ? by_cost : most;
    }
    if (slack > PLENTY && n < (size_t)(slack - PLENTY) / 8) {
        n = (size_t)(slack - PLENTY) / 8;
    }
    return n;
}

qn_status qni_steer_take(qni_steering *s, qni_matcher *m, int64_t budget, int32_t *id,
                         qn_error *err)
{
    s->room = 0;
    s->is_over = false;
    if (s->is_closing) {
        return follow_plan(s, m, id, err);
    }
    if (s->n_taken < s->next_look) {
        s->has_plan = false;
        s->room = s->next_look - s->n_taken - 1;
        return consume(s, m, *id, err);
    }
    m->search_nodes = 0;
    if (!s->has_plan) {
        QNI_TRY(qni_steer_plan(s, m, budget, &s->plan, &s->has_plan, err));
    }
    int64_t slack = budget - (int64_t)s->plan.n;
    if (!s->has_plan || slack < 0) {
        s->has_plan = false;
        s->next_look = s->n_taken + LOOK_AGAIN;
        s->room = LOOK_AGAIN - 1;
        return consume(s, m, *id, err);
    }
    // What must come is part of every plan: it takes nothing from what is left beside it.
    s->room = slack > CARE ? (size_t)(slack - CARE) : 0;
    size_t unwatched = tokens_unwatched(slack, m->search_nodes);
    if (unwatched > 0) {
        s->has_plan = false;
        s->next_look = s->n_taken + 1 + unwatched;
        return consume(s, m, *id, err);
    }
    return take_carefully(s, m, budget, id, err);
}

void qni_steer_skip(qni_steering *s, size_t n)
{
    s->n_taken += n;
    s->room -= n < s->room ? n : s->room;
    s->has_plan = s->has_plan && n == 0;
}

// ---- Spelling

// The node below `node` for a byte; UINT32_MAX without one.
static uint32_t child_of(const qni_token_trie *t, uint32_t node, unsigned byte)
{
    if (t->nodes[node].wide != 0) {
        uint32_t child = t->children[t->nodes[node].wide][byte];
        return child < t->n_nodes ? child : UINT32_MAX;
    }
    for (uint32_t i = node + 1; i < t->nodes[node].skip; i = t->nodes[i].skip) {
        if (t->nodes[i].byte == byte) {
            return i;
        }
    }
    return UINT32_MAX;
}

// By the place in the text: how many tokens spell the rest, and the first of them.
typedef struct spelling {
    uint32_t n;
    uint32_t token;
} spelling;

static void spell_from(const qni_vocabulary *v, const char *text, size_t n, size_t at,
                       spelling *places)
{
    const qni_token_trie *t = &v->trie;
    uint32_t end, node = t->n_nodes == 0 ? UINT32_MAX : t->children[0][(unsigned char)text[at]];
    places[at].n = UINT32_MAX;
    for (size_t to = at + 1; node < t->n_nodes; to++) {
        uint32_t entry = qni_token_trie_entries(t, node, &end);
        if (entry < end && places[to].n < places[at].n - 1) {
            places[at] = (spelling){places[to].n + 1, t->entries[entry]};
        }
        node = to < n ? child_of(t, node, (unsigned char)text[to]) : UINT32_MAX;
    }
}

qn_status qni_vocabulary_spell(const qni_vocabulary *v, const char *text, size_t n, qni_ids *out,
                               bool *found, qn_error *err)
{
    spelling *places = qni_alloc_array(n + 1, sizeof *places);
    if (places == NULL) {
        return qni_fail_memory(err);
    }
    places[n] = (spelling){0, 0};
    for (size_t at = n; at-- > 0;) {
        spell_from(v, text, n, at, places);
    }
    *found = places[0].n != UINT32_MAX;
    out->n = 0;
    qn_status status = QN_OK;
    if (*found && qni_grow(&out->ids, &out->capacity, (size_t)places[0].n + 1, sizeof *out->ids)) {
        status = qni_fail_memory(err);
    }
    for (size_t at = 0; status == QN_OK && *found && at < n;) {
        uint32_t token = places[at].token;
        out->ids[out->n++] = (int32_t)token;
        at += v->offsets[token + 1] - v->offsets[token];
    }
    qni_free(places);
    return status;
}
