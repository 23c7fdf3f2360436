#include "grammar/cfg.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <string.h>

void qni_cfg_begin(qni_cfg *g, qni_terms *terms, qni_frames *frames, qni_arena *arena)
{
    *g = (qni_cfg){.account = terms->account, .arena = arena, .terms = terms, .frames = frames};
    qni_intern_begin(&g->sets, g->account);
    qni_intern_begin(&g->json_states, g->account);
    qni_intern_begin(&g->steps, g->account);
    g->n_exprs = 1; // 0 is none
}

void qni_cfg_end(qni_cfg *g)
{
    qni_intern_end(&g->sets);
    qni_intern_end(&g->json_states);
    qni_intern_end(&g->steps);
    qni_names_end(&g->name_ids);
    qni_free(g->schemas);
    qni_free(g->exprs);
    qni_free(g->names);
    qni_free(g->rules);
    qni_free(g->symbols);
    qni_free(g->terminals);
    qni_free(g->nullable);
    qni_free(g->least);
    qni_free(g->rules_of);
    qni_free(g->step_to);
    qni_free(g->work);
    *g = (qni_cfg){0};
}

static qni_expr add_expr(qni_cfg *g, qni_expr_kind kind, uint32_t a, uint32_t b, uint32_t c)
{
    if (g->n_exprs > QNI_MAX_GRAMMAR_EXPRESSIONS) {
        qni_account_fail(g->account, QN_LIMIT_EXCEEDED, "a grammar of too many parts");
        return 0;
    }
    if (!qni_account_grow(g->account, &g->exprs, &g->exprs_capacity, g->n_exprs + 1,
                          sizeof *g->exprs)) {
        return 0;
    }
    g->exprs[g->n_exprs] = (qni_expr_node){kind, a, b, c};
    return (qni_expr)g->n_exprs++;
}

qni_expr qni_cfg_term(qni_cfg *g, qni_term term)
{
    return add_expr(g, QNI_EXPR_TERM, term, 0, 0);
}

static bool is_term(const qni_cfg *g, qni_expr a)
{
    return a != 0 && g->exprs[a].kind == QNI_EXPR_TERM;
}

qni_expr qni_cfg_concat(qni_cfg *g, qni_expr a, qni_expr b)
{
    if (is_term(g, a) && is_term(g, b)) {
        return qni_cfg_term(g, qni_term_concat(g->terms, g->exprs[a].first, g->exprs[b].first));
    }
    return a == 0 || b == 0 ? 0 : add_expr(g, QNI_EXPR_CONCAT, a, b, 0);
}

qni_expr qni_cfg_alt(qni_cfg *g, qni_expr a, qni_expr b)
{
    if (is_term(g, a) && is_term(g, b)) {
        return qni_cfg_term(g, qni_term_alt2(g->terms, g->exprs[a].first, g->exprs[b].first));
    }
    return a == 0 || b == 0 ? 0 : add_expr(g, QNI_EXPR_ALT, a, b, 0);
}

qni_expr qni_cfg_repeat(qni_cfg *g, qni_expr a, uint32_t min, uint32_t max)
{
    if (is_term(g, a)) {
        return qni_cfg_term(g, qni_term_repeat(g->terms, g->exprs[a].first, min, max));
    }
    uint32_t copies = max == QNI_TERM_NO_MAX ? min : max;
    if (copies > QNI_MAX_RULE_REPEAT) {
        qni_account_fail(g->account, QN_LIMIT_EXCEEDED, "a rule repeated too often");
        return 0;
    }
    return a == 0 ? 0 : add_expr(g, QNI_EXPR_REPEAT, a, min, max);
}

qni_expr qni_cfg_json(qni_cfg *g, qni_formula schema, qni_json_options options)
{
    if (!qni_account_grow(g->account, &g->schemas, &g->schemas_capacity, g->n_schemas + 1,
                          sizeof *g->schemas)) {
        return 0;
    }
    qni_json_begin(&g->schemas[g->n_schemas], g->frames, schema, options);
    return add_expr(g, QNI_EXPR_JSON, (uint32_t)g->n_schemas++, 0, 0);
}

// The index of a name, new or old; UINT32_MAX when the account failed.
static uint32_t name_index(qni_cfg *g, const char *name, size_t n)
{
    uint32_t old;
    if (qni_names_find(&g->name_ids, name, n, &old)) {
        return old;
    }
    char *copy = qni_arena_strndup(g->arena, name, n);
    if (copy == NULL || qni_names_put(&g->name_ids, copy, n, (uint32_t)g->n_names, NULL) != QN_OK ||
        !qni_account_grow(g->account, &g->names, &g->names_capacity, g->n_names + 1,
                          sizeof *g->names)) {
        qni_account_fail(g->account, QN_OUT_OF_MEMORY, "out of memory");
        return UINT32_MAX;
    }
    g->names[g->n_names] = (qni_cfg_name){.text = copy, .size = n};
    return (uint32_t)g->n_names++;
}

qni_expr qni_cfg_name_expr(qni_cfg *g, const char *name, size_t n)
{
    uint32_t i = name_index(g, name, n);
    return i == UINT32_MAX ? 0 : add_expr(g, QNI_EXPR_NAME, i, 0, 0);
}

void qni_cfg_define(qni_cfg *g, const char *name, size_t n, qni_expr body)
{
    uint32_t i = name_index(g, name, n);
    if (i != UINT32_MAX) {
        g->names[i].body = body;
    }
}

void qni_cfg_keep(qni_cfg *g, const char *name, size_t n)
{
    uint32_t i = name_index(g, name, n);
    if (i != UINT32_MAX) {
        g->names[i].recursive = true;
    }
}

bool qni_cfg_is_defined(const qni_cfg *g, const char *name, size_t n)
{
    uint32_t i;
    return qni_names_find(&g->name_ids, name, n, &i) && g->names[i].body != 0;
}

qni_term qni_text_without(qni_terms *t, const char *const *triggers, const size_t *sizes, size_t n)
{
    qni_term any = qni_term_words(t, triggers, sizes, n);
    qni_term with = qni_term_concat(t, t->text, qni_term_concat(t, any, t->text));
    return qni_term_and2(t, t->text, qni_term_not(t, with));
}

qni_term qni_text_through(qni_terms *t, const char *trigger, size_t n)
{
    // The first trigger ends the text: nothing before its last byte contains one.
    qni_term one = qni_term_literal(t, trigger, n);
    qni_term early = qni_term_concat(t, qni_term_concat(t, t->text, one),
                                     qni_term_concat(t, t->character, t->text));
    return qni_term_and2(t, qni_term_concat(t, t->text, one), qni_term_not(t, early));
}

// Finds the names that lead back to themselves, or to a schema: those cannot be terms.
static bool find_recursive(qni_cfg *g, qni_expr e, int depth);

static bool name_is_recursive(qni_cfg *g, uint32_t i, int depth)
{
    enum { NEW, OPEN, DONE };
    qni_cfg_name *name = &g->names[i];
    if (name->mark == OPEN) {
        name->recursive = true;
        return true;
    }
    if (name->mark == NEW) {
        name->mark = OPEN;
        bool inside = find_recursive(g, name->body, depth);
        name = &g->names[i];
        name->recursive = name->recursive || inside;
        name->mark = DONE;
    }
    return name->recursive;
}

static bool find_recursive(qni_cfg *g, qni_expr e, int depth)
{
    if (depth > QNI_MAX_GRAMMAR_DEPTH) {
        qni_account_fail(g->account, QN_LIMIT_EXCEEDED, "a grammar nested too deep");
        return true;
    }
    qni_expr_node n = g->exprs[e];
    bool a, b;
    switch (n.kind) {
    case QNI_EXPR_NAME: return name_is_recursive(g, n.first, depth + 1);
    case QNI_EXPR_CONCAT:
    case QNI_EXPR_ALT:
        a = find_recursive(g, n.first, depth + 1);
        b = find_recursive(g, n.second, depth + 1);
        return a || b;
    case QNI_EXPR_REPEAT: return find_recursive(g, n.first, depth + 1);
    case QNI_EXPR_JSON: return true;
    case QNI_EXPR_NONE:
    case QNI_EXPR_TERM:
    default: return false;
    }
}

// The term of a regular expression; `*regular` is false when it is none.
static qni_term term_of(qni_cfg *g, qni_expr e, bool *regular)
{
    qni_expr_node n = g->exprs[e];
    qni_term a = 0, b = 0;
    switch (n.kind) {
    case QNI_EXPR_TERM: return n.first;
    case QNI_EXPR_NAME:
        if (g->names[n.first].recursive) {
            *regular = false;
            return 0;
        }
        if (g->names[n.first].mark != 3) {
            a = term_of(g, g->names[n.first].body, regular);
            g->names[n.first].term = a;
            g->names[n.first].mark = 3;
        }
        return g->names[n.first].term;
    case QNI_EXPR_CONCAT:
    case QNI_EXPR_ALT:
        a = term_of(g, n.first, regular);
        b = *regular ? term_of(g, n.second, regular) : 0;
        return n.kind == QNI_EXPR_ALT ? qni_term_alt2(g->terms, a, b)
                                      : qni_term_concat(g->terms, a, b);
    case QNI_EXPR_REPEAT:
        return qni_term_repeat(g->terms, term_of(g, n.first, regular), n.second, n.third);
    case QNI_EXPR_JSON:
    case QNI_EXPR_NONE:
    default: *regular = false; return 0;
    }
}

static bool names_defined(const qni_cfg *g, qni_expr e, int depth)
{
    qni_expr_node n = g->exprs[e];
    if (depth > QNI_MAX_GRAMMAR_DEPTH || e == 0) {
        return false;
    }
    switch (n.kind) {
    case QNI_EXPR_NAME:
        return g->names[n.first].body != 0 && names_defined(g, g->names[n.first].body, depth + 1);
    case QNI_EXPR_CONCAT:
    case QNI_EXPR_ALT:
        return names_defined(g, n.first, depth + 1) && names_defined(g, n.second, depth + 1);
    case QNI_EXPR_REPEAT: return names_defined(g, n.first, depth + 1);
    case QNI_EXPR_NONE:
    case QNI_EXPR_TERM:
    case QNI_EXPR_JSON:
    default: return n.kind == QNI_EXPR_TERM;
    }
}

qn_status qni_cfg_as_term(qni_cfg *g, qni_expr e, qni_term *out, qn_error *err)
{
    bool regular = true;
    if (!names_defined(g, e, 0)) {
        return qni_fail(err, QN_INVALID_ARGUMENT, NULL,
                        "a terminal that is not made of terminals defined before it");
    }
    *out = term_of(g, e, &regular);
    return qni_account_status(g->account, err);
}

static uint32_t add_terminal(qni_cfg *g, qni_term term, uint32_t json)
{
    for (uint32_t i = 0; i < g->n_terminals; i++) {
        if (g->terminals[i].term == term && g->terminals[i].json == json) {
            return i | QNI_CFG_TERMINAL;
        }
    }
    if (!qni_account_grow(g->account, &g->terminals, &g->terminals_capacity, g->n_terminals + 1,
                          sizeof *g->terminals)) {
        return QNI_CFG_TERMINAL;
    }
    g->terminals[g->n_terminals] = (qni_cfg_terminal){term, json};
    return (uint32_t)g->n_terminals++ | QNI_CFG_TERMINAL;
}

static void add_rule(qni_cfg *g, uint32_t left, const uint32_t *symbols, uint32_t n)
{
    if (!qni_account_grow(g->account, &g->rules, &g->rules_capacity, g->n_rules + 1,
                          sizeof *g->rules) ||
        !qni_account_grow(g->account, &g->symbols, &g->symbols_capacity, g->n_symbols + n + 1,
                          sizeof *g->symbols)) {
        return;
    }
    g->rules[g->n_rules++] = (qni_cfg_rule){left, (uint32_t)g->n_symbols, n};
    for (uint32_t i = 0; i < n; i++) {
        g->symbols[g->n_symbols + i] = symbols[i];
    }
    g->n_symbols += n;
}

// The symbol that stands for an expression, with rules of its own where it needs them.
static uint32_t symbol_of(qni_cfg *g, qni_expr e)
{
    bool regular = true;
    qni_expr_node n = g->exprs[e];
    qni_term term = term_of(g, e, &regular);
    if (regular) {
        return add_terminal(g, term, 0);
    }
    if (n.kind == QNI_EXPR_JSON) {
        return add_terminal(g, 0, n.first + 1);
    }
    if (n.kind == QNI_EXPR_NAME) {
        return g->names[n.first].symbol;
    }
    uint32_t left = g->n_nonterminals++;
    if (n.kind == QNI_EXPR_REPEAT) {
        // Copies in front, then optional ones, or a rule that repeats to the left (Earley's good
        // side).
        uint32_t one = symbol_of(g, n.first), more = left;
        uint32_t copies = n.third == QNI_TERM_NO_MAX ? n.second : n.third;
        if (n.third == QNI_TERM_NO_MAX) {
            more = g->n_nonterminals++;
            add_rule(g, more, NULL, 0);
            add_rule(g, more, (uint32_t[]){more, one}, 2);
        }
        uint32_t rest = n.third == QNI_TERM_NO_MAX ? more : add_terminal(g, QNI_TERM_EMPTY, 0);
        for (uint32_t i = copies; i-- > 0;) {
            uint32_t next = i == 0 ? left : g->n_nonterminals++;
            add_rule(g, next, (uint32_t[]){one, rest}, 2);
            if (i >= n.second) {
                add_rule(g, next, NULL, 0);
            }
            rest = next;
        }
        if (copies == 0) {
            add_rule(g, left, &rest, 1);
        }
        return left;
    }
    uint32_t both[2] = {symbol_of(g, n.first), symbol_of(g, n.second)};
    if (n.kind == QNI_EXPR_CONCAT) {
        add_rule(g, left, both, 2);
    } else {
        add_rule(g, left, &both[0], 1);
        add_rule(g, left, &both[1], 1);
    }
    return left;
}

static bool symbol_is_nullable(qni_cfg *g, uint32_t symbol)
{
    if ((symbol & QNI_CFG_TERMINAL) == 0) {
        return g->nullable[symbol];
    }
    const qni_cfg_terminal *t = &g->terminals[symbol & ~QNI_CFG_TERMINAL];
    return t->json == 0 && qni_term_nullable(g->terms, t->term);
}

static bool symbol_is_productive(qni_cfg *g, uint32_t symbol, const bool *productive)
{
    if ((symbol & QNI_CFG_TERMINAL) == 0) {
        return productive[symbol];
    }
    const qni_cfg_terminal *t = &g->terminals[symbol & ~QNI_CFG_TERMINAL];
    return t->json != 0 ? g->schemas[t->json - 1].root != 0 : qni_term_live(g->terms, t->term);
}

// Which nonterminals derive the empty text, and which derive any text; rules of the others are
// dropped, so that no state is a dead end.
static void find_properties(qni_cfg *g, bool *productive)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t r = 0; r < g->n_rules; r++) {
            const qni_cfg_rule *rule = &g->rules[r];
            bool null = true, live = true;
            for (uint32_t i = 0; i < rule->n; i++) {
                uint32_t symbol = g->symbols[rule->first + i];
                null = null && symbol_is_nullable(g, symbol);
                live = live && symbol_is_productive(g, symbol, productive);
            }
            changed = changed || (null && !g->nullable[rule->left]) ||
                      (live && !productive[rule->left]);
            g->nullable[rule->left] = g->nullable[rule->left] || null;
            productive[rule->left] = productive[rule->left] || live;
        }
    }
    size_t kept = 0;
    for (size_t r = 0; r < g->n_rules; r++) {
        bool live = true;
        for (uint32_t i = 0; i < g->rules[r].n; i++) {
            live = live && symbol_is_productive(g, g->symbols[g->rules[r].first + i], productive);
        }
        if (live) {
            g->rules[kept++] = g->rules[r];
        }
    }
    g->n_rules = kept;
}

// Sorts the rules by their left side (counting), so that those of one nonterminal stand together.
static qn_status order_rules(qni_cfg *g, qn_error *err)
{
    qni_cfg_rule *sorted = qni_alloc_array(g->n_rules + 1, sizeof *sorted);
    g->rules_of = qni_calloc((size_t)g->n_nonterminals + 2, sizeof *g->rules_of);
    if (sorted == NULL || g->rules_of == NULL) {
        qni_free(sorted);
        return qni_fail_memory(err);
    }
    for (size_t r = 0; r < g->n_rules; r++) {
        g->rules_of[g->rules[r].left + 1]++;
    }
    for (uint32_t i = 0; i < g->n_nonterminals; i++) {
        g->rules_of[i + 1] += g->rules_of[i];
    }
    for (uint32_t i = g->n_nonterminals + 1; i > 0; i--) {
        g->rules_of[i] = g->rules_of[i - 1];
    }
    g->rules_of[0] = 0;
    for (size_t r = 0; r < g->n_rules; r++) { // rules_of[left + 1] walks from its start to its end
        sorted[g->rules_of[g->rules[r].left + 1]++] = g->rules[r];
    }
    qni_free(g->rules);
    g->rules = sorted;
    g->rules_capacity = g->n_rules + 1;
    return QN_OK;
}

static qn_status make_parser(qni_cfg *g, uint32_t start, qn_error *err)
{
    for (size_t i = 0; i < g->n_names; i++) {
        if (g->names[i].recursive) {
            g->names[i].symbol = g->n_nonterminals++;
        }
    }
    for (size_t i = 0; i < g->n_names; i++) {
        if (g->names[i].recursive) {
            uint32_t body = symbol_of(g, g->names[i].body);
            add_rule(g, g->names[i].symbol, &body, 1);
        }
    }
    uint32_t top = g->n_nonterminals++, root = g->names[start].symbol;
    add_rule(g, top, &root, 1);
    QNI_TRY(qni_account_status(g->account, err));
    bool *productive = qni_calloc(g->n_nonterminals, sizeof *productive);
    g->nullable = qni_calloc(g->n_nonterminals, sizeof *g->nullable);
    qn_status status = QN_OK;
    if (productive == NULL || g->nullable == NULL) {
        status = qni_fail_memory(err);
    } else {
        find_properties(g, productive);
        status = order_rules(g, err);
    }
    bool any = status == QN_OK && productive[top];
    qni_free(productive);
    QNI_TRY(status);
    return any ? qni_cfg_make_start(g, top, err) : QN_OK;
}

qn_status qni_cfg_finish(qni_cfg *g, const char *start, qn_error *err)
{
    uint32_t first;
    QNI_TRY(qni_account_status(g->account, err));
    for (size_t i = 0; i < g->n_names; i++) {
        if (g->names[i].body == 0) {
            return qni_fail(err, QN_INVALID_ARGUMENT, NULL,
                            "the rule '%.100s' is used and not defined", g->names[i].text);
        }
    }
    if (!qni_names_find(&g->name_ids, start, strlen(start), &first)) {
        return qni_fail(err, QN_INVALID_ARGUMENT, NULL, "a grammar needs a rule named '%s'", start);
    }
    for (uint32_t i = 0; i < g->n_names; i++) {
        name_is_recursive(g, i, 0);
    }
    QNI_TRY(qni_account_status(g->account, err));
    g->regular = !g->names[first].recursive;
    if (g->regular) {
        bool regular = true;
        g->root = term_of(g, g->names[first].body, &regular);
        return qni_account_status(g->account, err);
    }
    return make_parser(g, first, err);
}
