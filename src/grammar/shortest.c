// The shortest completion of an output: breadth first over states, so that a budget of tokens can be kept.
#include "grammar/matcher.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

typedef struct node {
    qni_state state;
    uint32_t parent; // index, or UINT32_MAX
    uint32_t depth;
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
} search;

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

static bool add_node(search *s, const qni_state *state, uint32_t parent, uint32_t depth, char byte)
{
    uint32_t key[sizeof(qni_state) / 4];
    memcpy(key, state, sizeof *state);
    // A number's digits count beside its state.
    bool fresh;
    bool number = s->m->engine->machine == QNI_MACHINE_JSON &&
                  state->json.mode == QNI_JSON_NUMBER;
    if (qni_intern_add(&s->seen, key, sizeof *state / 4, &fresh) == 0) {
        return false;
    }
    if (!fresh && !number) {
        return true;
    }
    if (!qni_account_grow(&s->account, &s->nodes, &s->capacity, s->n + 1, sizeof *s->nodes)) {
        return false;
    }
    s->nodes[s->n++] = (node){*state, parent, depth, byte};
    return true;
}

static bool expand(search *s, uint32_t i, size_t limit)
{
    qni_engine *e = s->m->engine;
    size_t depth = write_way(s, i);
    for (int b = 0; b < 256 && depth < limit; b++) {
        // Whitespace and escapes never shorten a text.
        bool space = b == ' ' || b == '\t' || b == '\n' || b == '\r';
        bool json = e->machine == QNI_MACHINE_JSON;
        qni_state next = s->nodes[i].state;
        if (json && ((space && next.json.mode != QNI_JSON_STRING && next.json.mode != QNI_JSON_KEY))) {
            continue;
        }
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

qn_status qni_shortest_find(qni_matcher *m, const qni_state *start, char *out, size_t limit,
                            size_t *size, qn_error *err)
{
    search s = {.m = m, .size = m->text.size};
    QNI_TRY(qni_buf_reserve(&m->text, limit + 1, err));
    s.text = m->text.data;
    qni_account_begin(&s.account, QNI_MAX_SEARCH_BYTES, UINT64_MAX);
    qni_intern_begin(&s.seen, &s.account);
    qn_status status = run(&s, start, out, limit, size, err);
    qni_intern_end(&s.seen);
    qni_free(s.nodes);
    return status;
}
