// A short completion of an output, so that a budget of tokens can be kept: a search over the states
// behind each byte, led by how much is written and about how much is missing (cost.h). States that
// differ only in keys seen before count as one, which loses the very shortest text only where those
// keys decide it.
//
// Members may be written in any order, so that an object with n required ones has 2^n states: of
// those that are needed only the first is tried. When a search has grown all the same, it settles
// on the way that has least before it and goes on from there: no way leads to a dead end, so that
// only the length is at stake.
#include "grammar/matcher.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "grammar/cost.h"

#include <string.h>

typedef struct node {
    qni_state state;
    uint32_t parent; // index, or UINT32_MAX
    uint32_t depth;
    uint32_t missing; // bytes, about
    char byte;
} node;

typedef struct search {
    qni_matcher *m;
    node *nodes;
    size_t n;
    size_t capacity;
    uint32_t *heap; // indices of nodes not looked at yet, the best one first
    size_t n_heap;
    size_t heap_capacity;
    qni_intern seen;
    qni_account account;
    qni_account seen_account;
    char *text; // the output so far with room for the way to a node
    size_t size;
    uint32_t written; // the node whose way stands there
    bool thorough;    // every byte is tried, not only likely ones
    size_t first;     // nodes before it belong to ways that were settled on
    uint32_t best;    // since then, the node with least missing
    char named[260];  // see key_bytes
} search;

enum { SETTLE_NODES = 2048 };

// Writes the way to node `i` behind the text; returns its length.
static size_t write_way(search *s, uint32_t i)
{
    size_t depth = s->nodes[i].depth, at = depth;
    uint32_t from = i;
    while (at > 0 && from != s->written) { // a deep way is mostly that of the node before
        s->text[s->size + --at] = s->nodes[from].byte;
        from = s->nodes[from].parent;
    }
    s->written = i;
    return depth;
}

// Is node `a` to be looked at before `b`? Of two that promise the same, the one that has less
// before it: what is missing is only estimated.
static bool comes_first(const search *s, uint32_t a, uint32_t b)
{
    const node *x = &s->nodes[a], *y = &s->nodes[b];
    uint32_t all_x = x->depth + x->missing, all_y = y->depth + y->missing;
    return all_x != all_y             ? all_x < all_y
           : x->missing != y->missing ? x->missing < y->missing
                                      : a < b;
}

static bool push(search *s, uint32_t i)
{
    if (!qni_account_grow(&s->account, &s->heap, &s->heap_capacity, s->n_heap + 1,
                          sizeof *s->heap)) {
        return false;
    }
    size_t at = s->n_heap++;
    for (; at > 0 && comes_first(s, i, s->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        s->heap[at] = s->heap[(at - 1) / 2];
    }
    s->heap[at] = i;
    return true;
}

static uint32_t pop(search *s)
{
    uint32_t top = s->heap[0], last = s->heap[--s->n_heap];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < s->n_heap; at = child) {
        if (child + 1 < s->n_heap && comes_first(s, s->heap[child + 1], s->heap[child])) {
            child++;
        }
        if (!comes_first(s, s->heap[child], last)) {
            break;
        }
        s->heap[at] = s->heap[child];
    }
    s->heap[at] = last;
    return top;
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

static uint32_t missing_of(search *s, const qni_state *state, size_t size)
{
    qni_engine *e = s->m->engine;
    qni_json reader = {.fr = &e->frames};
    if (e->machine == QNI_MACHINE_CFG) {
        return qni_cfg_cost(&e->cfg, state->set);
    }
    return qni_json_cost(&e->frames, &state->json) +
           (state->json.mode == QNI_JSON_NUMBER &&
            !qni_json_number_complete(&reader, &state->json, s->text, size));
}

// `size` bytes of text lie up to the state.
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
        bool unnamed = inner.mode == QNI_JSON_KEY && inner.low >= inner.high && !s->thorough;
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
    uint32_t missing = missing_of(s, state, s->size + depth);
    s->nodes[s->n] = (node){*state, parent, depth, missing, byte};
    if (s->best < s->first || missing < s->nodes[s->best].missing) {
        s->best = (uint32_t)s->n;
    }
    return push(s, (uint32_t)s->n++);
}

// Drops all ways but the best one so far, when that is nearer to the end than where the search
// settled last.
static bool settle(search *s)
{
    uint32_t from = s->best;
    if (s->n - s->first < SETTLE_NODES || from < s->first ||
        s->nodes[from].missing >= s->nodes[s->first].missing) {
        return true;
    }
    qni_intern_end(&s->seen);
    qni_account_begin(&s->seen_account, QNI_MAX_SEARCH_BYTES, UINT64_MAX);
    qni_intern_begin(&s->seen, &s->seen_account);
    s->first = s->n;
    s->n_heap = 0;
    node start = s->nodes[from];
    write_way(s, from);
    return add_node(s, &start.state, start.parent, start.depth, start.byte);
}

// The bytes with which a value under the goal begins, of the kind that is likely shortest.
static const char *value_bytes(qni_frames *fr, qni_goal goal)
{
    static const char *const bytes[] = {[QNI_J_NULL] = "n",
                                        [QNI_J_FALSE] = "f",
                                        [QNI_J_TRUE] = "t",
                                        [QNI_J_STRING] = "\"",
                                        [QNI_J_NUMBER] = "-0123456789",
                                        [QNI_J_ARRAY] = "[",
                                        [QNI_J_OBJECT] = "{"};
    qni_jtype type = qni_goal_cheapest(fr, goal);
    // Where there are several ways on, the value decides which.
    return type == QNI_N_JTYPES ? "-0123456789\"ntf[{" : bytes[type];
}

// The bytes that lead on to keys of the schema, end one, or make it another; NULL: all, where
// other keys must be of some language.
static const char *key_bytes(search *s, const qni_json_state *at)
{
    qni_frames *fr = &s->m->engine->frames;
    const qni_universe *u = qni_frame_universe(fr, at->frame);
    size_t n = 0, size;
    char last = 0;
    uint32_t wanted = qni_json_wanted_key(fr, at);
    if (wanted != UINT32_MAX) {
        const char *key = qni_string_text(fr->f, u->keys[wanted], &size);
        char next = size > at->depth ? key[at->depth] : '"';
        memcpy(s->named, (char[]){next, 0}, 2);
        // What must be escaped is left to a search of all bytes.
        return next == '"' && size > at->depth ? "\\" : (unsigned char)next < ' ' ? "\\" : s->named;
    }
    if (at->lex != QNI_TERM_NOTHING && at->lex != fr->f->terms->text) {
        return NULL;
    }
    for (size_t i = at->low; i < at->high && n < 250; i++) { // sorted, so equal bytes are together
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

// The bytes worth trying in a state of JSON: what can be closed is closed, mostly. NULL: all, but
// no more digits behind a number that is `*complete`.
static const char *likely_bytes(search *s, const qni_json_state *at, size_t size, bool *complete)
{
    qni_engine *e = s->m->engine;
    qni_frames *fr = &e->frames;
    qni_json reader = {.fr = fr};
    const uint32_t *pairs;
    // Then what can be closed may be closed into a way that is the longer one.
    bool several = at->frame > QNI_FRAME_DONE && qni_frame_pairs(fr, at->frame, &pairs) > 1;
    switch ((qni_json_mode)at->mode) {
    case QNI_JSON_VALUE: return value_bytes(fr, at->goal);
    case QNI_JSON_FIRST_ITEM:
        return qni_frame_close(fr, at->frame) == 0 ? value_bytes(fr, at->goal)
               : several                           ? "]-0123456789\"ntf[{"
                                                   : "]";
    case QNI_JSON_FIRST_KEY:
        return qni_frame_close(fr, at->frame) == 0 ? "\"" : several ? "}\"" : "}";
    case QNI_JSON_NEXT_KEY: return "\"";
    case QNI_JSON_COLON: return ":";
    case QNI_JSON_AFTER: return qni_frame_close(fr, at->frame) == 0 ? "," : several ? "]}," : "]}";
    case QNI_JSON_NUMBER:
        *complete = qni_json_number_complete(&reader, at, s->text, size);
        return *complete ? NULL : "+-.0123456789e";
    case QNI_JSON_STRING: // where there are several ways on, another text may be the nearer one
        return at->phase == QNI_ESCAPE_NONE && qni_goal_size(fr, at->goal) == 1 &&
                       qni_lex_finish(fr, at->goal, at->lex) != 0
                   ? "\""
                   : NULL;
    case QNI_JSON_KEY: return at->phase == QNI_ESCAPE_NONE ? key_bytes(s, at) : NULL;
    case QNI_JSON_WORD:
    case QNI_JSON_DEAD:
    case QNI_JSON_DONE:
    default: return NULL;
    }
}

// Which bytes to try behind a node.
static void choose_bytes(search *s, uint32_t i, size_t depth, bool bytes[256])
{
    qni_engine *e = s->m->engine;
    qni_json_state at = {0};
    bool complete = false, json = inner_json(s, &s->nodes[i].state, &at);
    const char *likely = json ? likely_bytes(s, &at, s->size + depth, &complete) : NULL;
    bool in_string = json && (at.mode == QNI_JSON_STRING || at.mode == QNI_JSON_KEY);
    bool plain = !s->thorough && in_string && at.phase == QNI_ESCAPE_NONE;
    bool ascii = plain && !(at.mode == QNI_JSON_KEY && at.low < at.high);
    bool past_number = e->machine == QNI_MACHINE_CFG &&
                       qni_cfg_may_end_number(&e->cfg, s->nodes[i].state.set);
    if (complete && qni_goal_size(&e->frames, at.goal) == 1) {
        qni_intern_add(&s->seen, (uint32_t[]){UINT32_MAX, at.goal, at.start}, 3, NULL);
    }
    for (int b = 0; b < 256; b++) {
        bool digit = b != 0 && strchr(".0123456789eE", b) != NULL;
        bool skip = likely != NULL && !s->thorough && (b == 0 || strchr(likely, b) == NULL);
        skip = skip || (digit && (past_number || complete));
        skip = skip || (complete && b != 0 && strchr(" \t\n\r", b) != NULL);
        skip = skip || (plain && (b == '\\' || b < ' '));
        bytes[b] = !skip && !(ascii && b >= 0x7F);
    }
}

static bool expand(search *s, uint32_t i, size_t limit)
{
    qni_engine *e = s->m->engine;
    size_t depth = write_way(s, i);
    bool bytes[256];
    choose_bytes(s, i, depth, bytes);
    for (int b = 0; b < 256 && depth < limit; b++) {
        qni_state next = s->nodes[i].state;
        s->text[s->size + depth] = (char)b;
        if (bytes[b] && qni_engine_step(e, &next, s->text, s->size + depth + 1) &&
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
    while (fine && s->n_heap > 0) {
        e->account.work = 0;
        uint32_t i = pop(s);
        size_t depth = write_way(s, i);
        if (qni_engine_accepts(e, &s->nodes[i].state, s->text, s->size + depth)) {
            memcpy(out, s->text + s->size, depth);
            *size = depth;
            return QN_OK;
        }
        fine = expand(s, i, limit) && settle(s);
    }
    QNI_TRY(qni_engine_end(e, err));
    QNI_TRY(qni_account_status(&s->account, err));
    QNI_TRY(qni_account_status(&s->seen_account, err));
    return qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "no completion within %zu bytes", limit);
}

static qn_status search_once(qni_matcher *m, const qni_state *start, bool thorough, char *out,
                             size_t limit, size_t *size, bool *exhausted, qn_error *err)
{
    search s = {.m = m,
                .size = m->text.size,
                .text = m->text.data,
                .thorough = thorough,
                .written = UINT32_MAX};
    qni_account_begin(&s.account, QNI_MAX_SEARCH_BYTES, UINT64_MAX);
    qni_account_begin(&s.seen_account, QNI_MAX_SEARCH_BYTES, UINT64_MAX);
    qni_intern_begin(&s.seen, &s.seen_account);
    qn_status status = run(&s, start, out, limit, size, err);
    *exhausted = status != QN_OK && s.account.status == QN_OK && s.seen_account.status == QN_OK &&
                 m->engine->account.status == QN_OK;
    m->search_nodes += (uint32_t)s.n;
    qni_intern_end(&s.seen);
    qni_free(s.nodes);
    qni_free(s.heap);
    return status;
}

// Escapes are many and long, and few texts need one, a character beyond ASCII, or a detour: they
// are tried when there is no way without.
qn_status qni_shortest_find(qni_matcher *m, const qni_state *start, char *out, size_t limit,
                            size_t *size, qn_error *err)
{
    bool exhausted = false;
    qni_engine *e = m->engine;
    QNI_TRY(qni_buf_reserve(&m->text, limit + 1, err));
    if (e->machine == QNI_MACHINE_TERM) {
        bool found = qni_term_shortest(&e->terms, start->term, out, limit, size);
        QNI_TRY(qni_engine_end(e, err));
        return found ? QN_OK
                     : qni_fail(err, QN_LIMIT_EXCEEDED, NULL, "no completion within %zu bytes",
                                limit);
    }
    qn_status status = search_once(m, start, false, out, limit, size, &exhausted, err);
    return exhausted ? search_once(m, start, true, out, limit, size, &exhausted, err) : status;
}
