// The parser of cfg.h. A set is a record of items (rule, dot, origin, state of the terminal behind
// the dot); origin 0 is the set itself.
#include "grammar/cfg.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

enum { RULE, DOT, ORIGIN, TERMINAL_STATE, ITEM_WORDS };

static bool has_item(const qni_cfg *g, const uint32_t *item)
{
    for (size_t i = 0; i < g->n_work; i += ITEM_WORDS) {
        if (memcmp(g->work + i, item, ITEM_WORDS * sizeof *item) == 0) {
            return true;
        }
    }
    return false;
}

static void add_item(qni_cfg *g, uint32_t rule, uint32_t dot, uint32_t origin, uint32_t state)
{
    uint32_t item[ITEM_WORDS] = {rule, dot, origin, state};
    if (has_item(g, item)) {
        return;
    }
    if (g->n_work > QNI_MAX_EARLEY_ITEMS * ITEM_WORDS) {
        qni_account_fail(g->account, QN_LIMIT_EXCEEDED,
                         "a grammar with too many readings of one text");
        return;
    }
    if (qni_account_grow(g->account, &g->work, &g->work_capacity, g->n_work + ITEM_WORDS, 4)) {
        memcpy(g->work + g->n_work, item, sizeof item);
        g->n_work += ITEM_WORDS;
    }
}

static bool at_end(const qni_cfg *g, const uint32_t *item)
{
    return item[DOT] == g->rules[item[RULE]].n;
}

static uint32_t next_symbol(const qni_cfg *g, const uint32_t *item)
{
    return g->symbols[g->rules[item[RULE]].first + item[DOT]];
}

// An item that is complete: every item of its origin that waited for it moves on.
static void complete(qni_cfg *g, const uint32_t *item)
{
    uint32_t left = g->rules[item[RULE]].left;
    if (item[ORIGIN] == 0) {
        return; // derived the empty text: prediction has moved those on already
    }
    size_t n;
    qni_intern_at(&g->sets, item[ORIGIN], &n);
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        const uint32_t *waiting = qni_intern_at(&g->sets, item[ORIGIN], NULL) + i;
        if (!at_end(g, waiting) && waiting[TERMINAL_STATE] == 0 &&
            next_symbol(g, waiting) == left) {
            uint32_t origin = waiting[ORIGIN] == 0 ? item[ORIGIN] : waiting[ORIGIN];
            add_item(g, waiting[RULE], waiting[DOT] + 1, origin, 0);
        }
    }
}

static void predict(qni_cfg *g, const uint32_t *item)
{
    uint32_t symbol = next_symbol(g, item);
    bool null;
    if ((symbol & QNI_CFG_TERMINAL) != 0) {
        const qni_cfg_terminal *t = &g->terminals[symbol & ~QNI_CFG_TERMINAL];
        null = t->json == 0 && qni_term_nullable(g->terms, t->term);
    } else {
        for (uint32_t r = g->rules_of[symbol]; r < g->rules_of[symbol + 1]; r++) {
            add_item(g, r, 0, 0, 0);
        }
        null = g->nullable[symbol];
    }
    if (null) {
        add_item(g, item[RULE], item[DOT] + 1, item[ORIGIN], 0);
    }
}

static int compare_items(const void *a, const void *b)
{
    return memcmp(a, b, ITEM_WORDS * sizeof(uint32_t));
}

// Closes the work list and keeps it as a set; 0 when it is empty.
static uint32_t close_set(qni_cfg *g)
{
    for (size_t i = 0; i < g->n_work && g->account->status == QN_OK; i += ITEM_WORDS) {
        uint32_t item[ITEM_WORDS];
        memcpy(item, g->work + i, sizeof item);
        if (item[TERMINAL_STATE] != 0) {
            continue; // inside a terminal
        }
        if (at_end(g, item)) {
            complete(g, item);
        } else {
            predict(g, item);
        }
    }
    if (g->n_work == 0 || g->account->status != QN_OK) {
        return 0;
    }
    qsort(g->work, g->n_work / ITEM_WORDS, ITEM_WORDS * sizeof *g->work, compare_items);
    return qni_intern_add(&g->sets, g->work, g->n_work, NULL);
}

qn_status qni_cfg_make_start(qni_cfg *g, uint32_t top, qn_error *err)
{
    g->n_work = 0;
    add_item(g, g->rules_of[top], 0, 0, 0);
    g->start = close_set(g);
    g->top_rule = g->rules_of[top];
    return qni_account_status(g->account, err);
}

// One byte of the terminal behind an item's dot. `*done` tells whether it may end there, `*more`
// whether it may go on. 0: the byte does not fit.
static uint32_t step_terminal(qni_cfg *g, uint32_t symbol, uint32_t state, const char *text,
                              size_t size, bool *done, bool *more)
{
    const qni_cfg_terminal *t = &g->terminals[symbol & ~QNI_CFG_TERMINAL];
    if (t->json == 0) {
        qni_term next = qni_term_step(g->terms, state == 0 ? t->term : state,
                                      (unsigned char)text[size - 1]);
        *done = qni_term_nullable(g->terms, next);
        *more = next != QNI_TERM_EMPTY;
        return next;
    }
    qni_json *m = &g->schemas[t->json - 1];
    uint32_t record[1 + sizeof(qni_json_state) / 4] = {t->json};
    qni_json_state s = qni_json_start(m);
    if (state != 0) {
        memcpy(&s, qni_intern_at(&g->json_states, state, NULL) + 1, sizeof s);
    }
    if (!qni_json_step(m, &s, text, size)) {
        *done = false;
        return 0;
    }
    *done = qni_json_accepts(m, &s, text, size);
    *more = s.mode != QNI_JSON_DONE;
    memcpy(record + 1, &s, sizeof s);
    return qni_intern_add(&g->json_states, record, sizeof record / 4, NULL);
}

static bool in_json(const qni_cfg *g, uint32_t symbol)
{
    return (symbol & QNI_CFG_TERMINAL) != 0 && g->terminals[symbol & ~QNI_CFG_TERMINAL].json != 0;
}

static uint32_t step_set(qni_cfg *g, uint32_t set, const char *text, size_t size, bool *has_json)
{
    size_t n;
    qni_intern_at(&g->sets, set, &n);
    g->n_work = 0;
    *has_json = false;
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        uint32_t item[ITEM_WORDS];
        memcpy(item, qni_intern_at(&g->sets, set, NULL) + i, sizeof item);
        if (at_end(g, item) || (next_symbol(g, item) & QNI_CFG_TERMINAL) == 0) {
            continue;
        }
        uint32_t symbol = next_symbol(g, item), origin = item[ORIGIN] == 0 ? set : item[ORIGIN];
        bool done, more;
        uint32_t state = step_terminal(g, symbol, item[TERMINAL_STATE], text, size, &done, &more);
        *has_json = *has_json || in_json(g, symbol);
        if (state != 0 && more) {
            add_item(g, item[RULE], item[DOT], origin, state);
        }
        if (state != 0 && done) {
            add_item(g, item[RULE], item[DOT] + 1, origin, 0);
        }
    }
    return close_set(g);
}

uint32_t qni_cfg_step(qni_cfg *g, uint32_t set, const char *text, size_t size)
{
    uint32_t key[2] = {set, (unsigned char)text[size - 1]};
    uint32_t known = qni_intern_find(&g->steps, key, 2);
    if (known != 0) {
        return g->step_to[known];
    }
    bool has_json;
    uint32_t next = step_set(g, set, text, size, &has_json);
    if (has_json || g->account->status != QN_OK) {
        return next; // values depend on the text, not on the state alone
    }
    known = qni_intern_add(&g->steps, key, 2, NULL);
    if (known == 0 || !qni_account_grow(g->account, &g->step_to, &g->step_to_capacity,
                                        (size_t)known + 1, sizeof *g->step_to)) {
        return 0;
    }
    g->step_to[known] = next;
    return next;
}

bool qni_cfg_accepts(qni_cfg *g, uint32_t set)
{
    size_t n;
    const uint32_t *r = qni_intern_at(&g->sets, set, &n);
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        if (r[i + RULE] == g->top_rule && r[i + DOT] == 1 && r[i + TERMINAL_STATE] == 0 &&
            (r[i + ORIGIN] == g->start || (r[i + ORIGIN] == 0 && set == g->start))) {
            return true;
        }
    }
    return false;
}

// The only item that reads a terminal; NULL when there are several, or when something else could
// happen here.
static const uint32_t *only_reader(const qni_cfg *g, uint32_t set)
{
    size_t n;
    const uint32_t *r = qni_intern_at(&g->sets, set, &n), *only = NULL;
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        bool reads = !at_end(g, r + i) && (next_symbol(g, r + i) & QNI_CFG_TERMINAL) != 0;
        if (reads && only != NULL) {
            return NULL;
        }
        only = reads ? r + i : only;
    }
    return only != NULL && only[TERMINAL_STATE] != 0 ? only : NULL;
}

bool qni_cfg_only_json(const qni_cfg *g, uint32_t set, qni_json_state *out)
{
    const uint32_t *item = only_reader(g, set);
    if (item == NULL || !in_json(g, next_symbol(g, item))) {
        return false;
    }
    memcpy(out, qni_intern_at(&g->json_states, item[TERMINAL_STATE], NULL) + 1, sizeof *out);
    return true;
}

bool qni_cfg_reads_json(const qni_cfg *g, uint32_t set)
{
    size_t n;
    const uint32_t *r = qni_intern_at(&g->sets, set, &n);
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        if (r[i + TERMINAL_STATE] != 0 && in_json(g, next_symbol(g, r + i))) {
            return true;
        }
    }
    return false;
}

bool qni_cfg_may_end_number(const qni_cfg *g, uint32_t set)
{
    size_t n;
    const uint32_t *r = qni_intern_at(&g->sets, set, &n);
    bool number = false;
    bool other = false;
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        qni_json_state state = {0};
        bool json = r[i + TERMINAL_STATE] != 0 && in_json(g, next_symbol(g, r + i));
        if (json) {
            memcpy(&state, qni_intern_at(&g->json_states, r[i + TERMINAL_STATE], NULL) + 1,
                   sizeof state);
        }
        number = number || (json && state.mode == QNI_JSON_NUMBER);
        other = other || !json;
    }
    return number && other;
}
