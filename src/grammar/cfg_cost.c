// About how many bytes a text of a context-free grammar lacks: of each way to read it so far, what
// its terminal lacks, what its rule has behind that, and what the rules that wait for it have.
#include "grammar/cost.h"

#include "base/alloc.h"

#include <string.h>

// Rules inside of rules that are looked at; what is further out is the same for most ways.
enum { MAX_NESTED = 400 };
enum { MEMO_SET = 12, MEMO_AFTER = 13, OPEN = QNI_COST_FAR + 1 };
enum { RULE, DOT, ORIGIN, TERMINAL_STATE, ITEM_WORDS }; // as in earley.c

static uint32_t add(uint32_t a, uint32_t b)
{
    return a + b < QNI_COST_FAR ? a + b : QNI_COST_FAR;
}

static uint32_t symbol_cost(qni_cfg *g, uint32_t symbol)
{
    if ((symbol & QNI_CFG_TERMINAL) == 0) {
        return g->least[symbol];
    }
    const qni_cfg_terminal *t = &g->terminals[symbol & ~QNI_CFG_TERMINAL];
    return t->json != 0 ? qni_goal_cost(g->frames, g->schemas[t->json - 1].root)
                        : qni_term_info_of(g->terms, t->term)->least;
}

// A rule's symbols from the one at `dot` on.
static uint32_t rule_cost(qni_cfg *g, uint32_t rule, uint32_t dot)
{
    uint32_t cost = 0;
    for (uint32_t i = dot; i < g->rules[rule].n; i++) {
        cost = add(cost, symbol_cost(g, g->symbols[g->rules[rule].first + i]));
    }
    return cost;
}

// The least fixpoint: what each nonterminal costs (Knuth, "A generalization of Dijkstra's
// algorithm", 1977, without its queue).
static bool find_least(qni_cfg *g)
{
    g->least = qni_alloc_array((size_t)g->n_nonterminals + 1, sizeof *g->least);
    if (g->least == NULL) {
        return qni_account_fail(g->account, QN_OUT_OF_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < g->n_nonterminals; i++) {
        g->least[i] = QNI_COST_FAR;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t r = 0; r < g->n_rules; r++) {
            uint32_t cost = rule_cost(g, r, 0), left = g->rules[r].left;
            changed = changed || cost < g->least[left];
            g->least[left] = cost < g->least[left] ? cost : g->least[left];
        }
    }
    return true;
}

// What comes behind the nonterminal where an item of the set waits for it.
static uint32_t after(qni_cfg *g, uint32_t set, uint32_t symbol, uint32_t nested)
{
    bool found;
    uint32_t key[3] = {MEMO_AFTER, set, symbol}, best = QNI_COST_FAR;
    uint32_t known = *qni_formulas_memo(g->frames->f, key, 3, &found);
    if (symbol == g->rules[g->top_rule].left || nested > MAX_NESTED) {
        return 0;
    }
    if (known != 0) { // one more than it is, or a way in a circle
        return known == OPEN ? QNI_COST_FAR : known - 1;
    }
    *qni_formulas_memo(g->frames->f, key, 3, &found) = OPEN;
    size_t n;
    const uint32_t *r = qni_intern_at(&g->sets, set, &n); // no set is made meanwhile
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        const qni_cfg_rule *rule = &g->rules[r[i + RULE]];
        bool waits = r[i + TERMINAL_STATE] == 0 && r[i + DOT] < rule->n &&
                     g->symbols[rule->first + r[i + DOT]] == symbol;
        if (waits) {
            uint32_t origin = r[i + ORIGIN] == 0 ? set : r[i + ORIGIN];
            uint32_t cost = rule_cost(g, r[i + RULE], r[i + DOT] + 1);
            cost = add(cost, after(g, origin, rule->left, nested + 1));
            best = cost < best ? cost : best;
        }
    }
    *qni_formulas_memo(g->frames->f, key, 3, &found) = best + 1 < OPEN ? best + 1 : 0;
    return best;
}

static uint32_t item_cost(qni_cfg *g, uint32_t set, const uint32_t *item)
{
    const qni_cfg_rule *rule = &g->rules[item[RULE]];
    uint32_t symbol = g->symbols[rule->first + item[DOT]];
    const qni_cfg_terminal *t = &g->terminals[symbol & ~QNI_CFG_TERMINAL];
    uint32_t origin = item[ORIGIN] == 0 ? set : item[ORIGIN], cost;
    if (item[TERMINAL_STATE] == 0) {
        cost = symbol_cost(g, symbol);
    } else if (t->json == 0) {
        cost = qni_term_info_of(g->terms, item[TERMINAL_STATE])->least;
    } else {
        qni_json_state state;
        memcpy(&state, qni_intern_at(&g->json_states, item[TERMINAL_STATE], NULL) + 1,
               sizeof state);
        cost = qni_json_cost(g->frames, &state);
    }
    cost = add(cost, rule_cost(g, item[RULE], item[DOT] + 1));
    return add(cost, after(g, origin, rule->left, 0));
}

uint32_t qni_cfg_cost(qni_cfg *g, uint32_t set)
{
    bool found;
    uint32_t key[3] = {MEMO_SET, set, 0}, best = QNI_COST_FAR;
    if ((g->least == NULL && !find_least(g)) || qni_cfg_accepts(g, set)) {
        return 0;
    }
    uint32_t known = *qni_formulas_memo(g->frames->f, key, 3, &found);
    if (known != 0) {
        return known - 1;
    }
    size_t n;
    const uint32_t *r = qni_intern_at(&g->sets, set, &n);
    for (size_t i = 0; i < n; i += ITEM_WORDS) {
        const qni_cfg_rule *rule = &g->rules[r[i + RULE]];
        bool reads = r[i + DOT] < rule->n &&
                     (g->symbols[rule->first + r[i + DOT]] & QNI_CFG_TERMINAL) != 0;
        uint32_t cost = reads ? item_cost(g, set, r + i) : QNI_COST_FAR;
        best = cost < best ? cost : best;
    }
    *qni_formulas_memo(g->frames->f, key, 3, &found) = best + 1;
    return best;
}
