// A short completion of an output: breadth first over states, so that a budget of tokens can be
// kept. States that differ only in keys seen before count as one, which loses the very shortest
// text only where those keys decide it.
//
// Members may be written in any order, so the states of an object with n required ones are 2^n.
// When a search has grown, it settles on the way that has ended most values and goes on from
// there: no way leads to a dead end, so that only the length is at stake.
#include "grammar/matcher.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

typedef struct node {
    qni_state state;
    uint32_t parent; // index, or UINT32_MAX
    uint32_t depth;
    uint32_t n_ended; // values and containers that end on the way, since the search settled last
    char byte;
} node;

typedef struct search {
    qni_matcher *m;
    node *nodes;
    size_t n;
    size_t capacity;
    qni_intern seen;
    qni_account account;
    char *text; // the output so far with room for the way to a node
    size_t size;
    bool escapes;    // characters of JSON strings may be written as escapes
    size_t first;    // nodes before it belong to ways that were settled on
    uint32_t best;   // since then, the first node behind which most values have ended
    char named[260]; // see key_bytes
} search;

enum { SETTLE_NODES = 512 };

// Writes the way to node `i` behind the text; returns its length.
static size_t write_way(search *s, uint32_t i)
{
    size_t depth = s->nodes[i].depth;
    for (size_t at = depth; at > 0; at--) {
        s->text[s->size + at - 1] = s->nodes[i].byte;
        i = s->nodes[i].parent;
    }
    return depth;
}

// The state of the JSON value that is being written; false when none is.
static bool inner_json(const search *s, const qni_state *state, qni_json_state *out)
{
    const qni_engine *e = s->m->engine;
    if (e->machine == QNI_MACHINE_JSON) {
        *out = state->json;
        return true;
    }
    return e->machine == QNI_MACHINE_CFG && qni_cfg_only_json(&e->cfg, state->set, out);
}

static bool add_node(search *s, const qni_state *state, uint32_t parent, uint32_t depth, char byte)
{
    uint32_t key[sizeof(qni_state) / 4];
    qni_engine *e = s->m->engine;
    qni_state like = *state;
    qni_json_state inner = {0};
    // A number's digits count beside its state; which keys were written before hardly matters.
    bool json = inner_json(s, state, &inner);
    bool fresh, number = json && inner.mode == QNI_JSON_NUMBER;
    // Around a value of a context-free grammar stands a part that every way through it shares.
    if (json) {
        memset(&like, 0, sizeof like);
        like.json = inner;
        like.json.frame = qni_frame_shape(&e->frames, inner.frame);
        like.json.goal = qni_goal_shape(&e->frames, inner.goal);
        bool unnamed = inner.mode == QNI_JSON_KEY && inner.low >= inner.high;
        like.json.depth = unnamed ? 0 : inner.depth;
        like.json.start = 0;
    }
    memcpy(key, &like, sizeof like);
    // Once a number under a goal can end, no other there needs to go on.
    uint32_t ended[3] = {UINT32_MAX, inner.goal, inner.start};
    if (number && qni_intern_find(&s->seen, ended, 3) != 0) {
        return true;
    }
    if (qni_intern_add(&s->seen, key, sizeof *state / 4, &fresh) == 0) {
        return false;
    }
    if (!fresh && !number) {
        return true;
    }
    if (!qni_account_grow(&s->account, &s->nodes, &s->capacity, s->n + 1, sizeof *s->nodes)) {
        return false;
    }
    uint32_t n_ended = parent == UINT32_MAX ? 0 : s->nodes[parent].n_ended;
    n_ended += json && inner.mode == QNI_JSON_AFTER;
    s->nodes[s->n] = (node){*state, parent, depth, n_ended, byte};
    if (s->best < s->first || n_ended > s->nodes[s->best].n_ended) {
        s->best = (uint32_t)s->n;
    }
    s->n++;
    return true;
}

// Drops all ways but the best one so far, when there is one. Returns the node to go on from.
static uint32_t settle(search *s, uint32_t i)
{
    uint32_t from = s->best;
    if (s->n - s->first < SETTLE_NODES || s->nodes[from].n_ended == 0) {
        return i;
    }
    qni_intern_end(&s->seen);
    qni_intern_begin(&s->seen, &s->account);
    s->first = s->n;
    node start = s->nodes[from];
    if (!add_node(s, &start.state, start.parent, start.depth, start.byte)) {
        return i;
    }
    s->nodes[s->first].n_ended = 0;
    return (uint32_t)s->first;
}

// The bytes with which a value under the goal begins, of the kind that is likely shortest.
static const char *value_bytes(qni_frames *fr, qni_goal goal)
{
    static const struct {
        qni_jtype type;
        const char *bytes;
    } kinds[] = {{QNI_J_NUMBER, "-0123456789"},
                 {QNI_J_STRING, "\""},
                 {QNI_J_NULL, "n"},
                 {QNI_J_TRUE, "t"},
                 {QNI_J_FALSE, "f"},
                 {QNI_J_ARRAY, "["}};
    if (qni_goal_size(fr, goal) > 1) { // the value decides what else must come
        return "-0123456789\"ntf[{";
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (qni_goal_begin(fr, goal, kinds[i].type) != 0) {
            return kinds[i].bytes;
        }
    }
    return "{";
}

// The bytes that lead on to keys of the schema, end one, or make it another; NULL: all, where
// other keys must be of some language.
static const char *key_bytes(search *s, const qni_json_state *at)
{
    const qni_frames *fr = &s->m->engine->frames;
    const qni_universe *u = qni_frame_universe(fr, at->frame);
    size_t n = 0;
    char last = 0;
    if (at->lex != QNI_TERM_NOTHING && at->lex != fr->f->terms->text) {
        return NULL;
    }
    for (size_t i = at->low; i < at->high && n < 250; i++) { // sorted, so equal bytes are together
        size_t size;
        const char *key = qni_string_text(fr->f, u->keys[i], &size);
        if (size > at->depth && key[at->depth] != last) {
            last = key[at->depth];
            s->named[n++] = last;
        }
    }
    const char *rest = at->lex != QNI_TERM_NOTHING ? "\"abc" : "\"";
    memcpy(s->named + n, rest, strlen(rest) + 1);
    return s->named;
}

// The bytes worth trying in a state of JSON: what can be closed is closed. NULL: all, but no more
// digits behind a number that is `*complete`.
static const char *likely_bytes(search *s, const qni_json_state *at, size_t size, bool *complete)
{
    qni_engine *e = s->m->engine;
    qni_frames *fr = &e->frames;
    qni_json reader = {.fr = fr};
    switch ((qni_json_mode)at->mode) {
    case QNI_JSON_VALUE: return value_bytes(fr, at->goal);
    case QNI_JSON_FIRST_ITEM:
        return qni_frame_close(fr, at->frame) != 0 ? "]" : value_bytes(fr, at->goal);
    case QNI_JSON_FIRST_KEY: return qni_frame_close(fr, at->frame) != 0 ? "}" : "\"";
    case QNI_JSON_NEXT_KEY: return "\"";
    case QNI_JSON_COLON: return ":";
    case QNI_JSON_AFTER: return qni_frame_close(fr, at->frame) != 0 ? "]}" : ",";
    case QNI_JSON_NUMBER:
        *complete = qni_json_number_complete(&reader, at, s->text, size);
        return *complete ? NULL : "+-.0123456789e";
    case QNI_JSON_STRING:
        return at->phase == QNI_ESCAPE_NONE && qni_lex_finish(fr, at->goal, at->lex) != 0 ? "\""
                                                                                          : NULL;
    case QNI_JSON_KEY: return at->phase == QNI_ESCAPE_NONE ? key_bytes(s, at) : NULL;
    case QNI_JSON_WORD:
    case QNI_JSON_DEAD:
    case QNI_JSON_DONE:
    default: return NULL;
    }
}

static bool expand(search *s, uint32_t i, size_t limit)
{
    qni_engine *e = s->m->engine;
    size_t depth = write_way(s, i);
    const char *likely = NULL;
    bool complete = false;
    qni_json_state at;
    bool no_escape = false, other_bytes = false;
    if (inner_json(s, &s->nodes[i].state, &at)) {
        bool in_string = at.mode == QNI_JSON_STRING || at.mode == QNI_JSON_KEY;
        no_escape = !s->escapes && in_string && at.phase == QNI_ESCAPE_NONE;
        other_bytes = at.mode == QNI_JSON_KEY && at.low < at.high;
        likely = likely_bytes(s, &at, s->size + depth, &complete);
    }
    bool past_number = e->machine == QNI_MACHINE_CFG &&
                       qni_cfg_may_end_number(&e->cfg, s->nodes[i].state.set);
    if (complete && qni_goal_size(&e->frames, at.goal) == 1) {
        qni_intern_add(&s->seen, (uint32_t[]){UINT32_MAX, at.goal, at.start}, 3, NULL);
    }
    for (int b = 0; b < 256 && depth < limit; b++) {
        if (likely != NULL && (b == 0 || strchr(likely, b) == NULL)) {
            continue;
        }
        if (past_number && b != 0 && strchr(".0123456789eE", b) != NULL) {
            continue;
        }
        if (no_escape && (b == '\\' || b < ' ' || (b >= 0x7F && !other_bytes))) {
            continue;
        }
        if (complete && b != 0 && strchr(" \t\n\r.0123456789eE", b) != NULL) {
            continue;
        }
        qni_state next = s->nodes[i].state;
        s->text[s->size + depth] = (char)b;
        if (qni_engine_step(e, &next, s->text, s->size + depth + 1) &&
            !add_node(s, &next, i, (uint32_t)depth + 1, (char)b)) {
            return false;
        }
    }
    return e->account.status == QN_OK;
}

static qn_status run(search *s, const qni_state *start, char *out, size_t limit, size_t *size,
                     qn_error *err)
{
    qni_engine *e = s->m->engine;
    bool fine = add_node(s, start, UINT32_MAX, 0, 0);
    for (uint32_t i = 0; fine && i < s->n; i++) {
        e->account.work = 0;
        i = settle(s, i);
        size_t depth = write_way(s, i);
        if (qni_engine_accepts(e, &s->nodes[i].state, s->text, s->size + depth)) {
            memcpy(out, s->text + s->size, depth);
            *size = depth;
            return QN_OK;
        }
        fine = expand(s, i, limit);
    }
    QNI_TRY(qni_engine_end(e, err));
    QNI_TRY(qni_account_status(&s->account, err));
    return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "no completion within %zu bytes", limit);
}

static qn_status search_once(qni_matcher *m, const qni_state *start, bool escapes, char *out,
                             size_t limit, size_t *size, bool *exhausted, qn_error *err)
{
    search s = {.m = m, .size = m->text.size, .text = m->text.data, .escapes = escapes};
    qni_account_begin(&s.account, QNI_MAX_SEARCH_BYTES, UINT64_MAX);
    qni_intern_begin(&s.seen, &s.account);
    qn_status status = run(&s, start, out, limit, size, err);
    *exhausted = status != QN_OK && s.account.status == QN_OK && m->engine->account.status == QN_OK;
    qni_intern_end(&s.seen);
    qni_free(s.nodes);
    return status;
}

// Escapes are many and long, and few texts need one, or a character beyond ASCII: they are tried
// when there is no way without.
qn_status qni_shortest_find(qni_matcher *m, const qni_state *start, char *out, size_t limit,
                            size_t *size, qn_error *err)
{
    bool exhausted = false;
    QNI_TRY(qni_buf_reserve(&m->text, limit + 1, err));
    qn_status status = search_once(m, start, false, out, limit, size, &exhausted, err);
    return exhausted ? search_once(m, start, true, out, limit, size, &exhausted, err) : status;
}
