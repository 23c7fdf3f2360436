#include "grammar/cost.h"

#include "base/alloc.h"

// Recursive schemas end where a value is met again below itself; steps bound what that costs.
enum { MAX_DEPTH = 48, MAX_STEPS = 20000, COST_OPEN = QNI_COST_FAR + 1 };
enum { MEMO_VALUE = 10, MEMO_FRAME = 11 };

typedef struct pricing {
    qni_frames *fr;
    uint32_t depth;
    uint32_t steps;
    // while a frame's keys are collected, else NULL
    const qni_universe *universe;
    uint8_t *needed;
} pricing;

static uint32_t add(uint32_t a, uint32_t b)
{
    return a + b < QNI_COST_FAR ? a + b : QNI_COST_FAR;
}

static uint32_t times(uint32_t n, uint32_t a)
{
    uint64_t all = (uint64_t)n * a;
    return all < QNI_COST_FAR ? (uint32_t)all : QNI_COST_FAR;
}

static uint32_t value_cost(pricing *p, qni_formula a);

// Is the formula a conjunction? `*n` gets the number of its members, or of a disjunction's.
static bool is_conjunction(const qni_formulas *f, qni_formula a, size_t *n)
{
    const uint32_t *r = qni_formula_node(f, a, n);
    *n -= 1;
    return r[0] == QNI_ATOM_AND && (a & 1) == 0;
}

// What the value of a member with this key must be, as far as the conjunction `whole` says.
static qni_formula member_value(qni_formulas *f, qni_formula whole, qni_string key,
                                qni_formula value)
{
    size_t n;
    bool several = is_conjunction(f, whole, &n);
    for (size_t i = 0; i < (several ? n : 1); i++) {
        qni_formula part = several ? qni_formula_node(f, whole, NULL)[i + 1] : whole;
        const uint32_t *r = qni_formula_node(f, part, NULL);
        if ((part & 1) != 0 && r[0] == QNI_ATOM_MEMBERS && r[1] == 1 &&
            qni_keys_has(f, r[2], key)) {
            value = qni_and2(f, value, qni_not(qni_formula_node(f, part, NULL)[3]));
        }
    }
    return value;
}

static void need_key(pricing *p, qni_string key)
{
    for (size_t i = 0; p->needed != NULL && i < p->universe->n_keys; i++) {
        if (p->universe->keys[i] == key) {
            p->needed[i] = 1;
        }
    }
}

// `node` is a members atom: quotes, colon and comma stand around each.
static uint32_t members_cost(pricing *p, qni_formula atom, qni_formula whole)
{
    qni_formulas *f = p->fr->f;
    const uint32_t *r = qni_formula_node(f, atom, NULL);
    uint32_t n = r[1];
    qni_formula value = r[3];
    qni_keys_view v = qni_keys_get(f, r[2]);
    size_t size = 1;
    if (!v.all_but && v.n_texts == 1 && v.n_terms == 0) {
        qni_string key = v.texts[0];
        qni_string_text(f, key, &size);
        value = member_value(f, whole, key, value);
        need_key(p, key);
    }
    return times(n, add((uint32_t)size + 4, p->needed != NULL ? 0 : value_cost(p, value)));
}

// What item `at` has to be by the conjunction, beside `value`.
static qni_formula item_value(qni_formulas *f, qni_formula whole, uint32_t at, qni_formula value)
{
    size_t n;
    bool several = is_conjunction(f, whole, &n);
    for (size_t i = 0; i < (several ? n : 1); i++) {
        qni_formula part = several ? qni_formula_node(f, whole, NULL)[i + 1] : whole;
        const uint32_t *r = qni_formula_node(f, part, NULL);
        if ((part & 1) != 0 && r[0] == QNI_ATOM_ITEMS && r[1] == 1 && r[2] <= at && at < r[3]) {
            value = qni_and2(f, value, qni_not(r[4]));
        }
    }
    return value;
}

// Items of a count atom that has not to be denied: commas stand between them.
static uint32_t items_cost(pricing *p, qni_formula atom, qni_formula whole)
{
    enum { FEW = 32 }; // items that are looked at each by itself
    const uint32_t *r = qni_formula_node(p->fr->f, atom, NULL);
    uint32_t n = r[1], before = r[2], cost = times(before, 2);
    qni_formula value = r[4];
    if (value != QNI_TRUE || n > FEW) {
        return add(cost, times(n, add(1, value_cost(p, value))));
    }
    for (uint32_t i = 0; i < n; i++) {
        cost = add(cost, add(1, value_cost(p, item_value(p->fr->f, whole, before + i, value))));
    }
    return cost;
}

static uint32_t rest_cost(pricing *p, qni_formula a, qni_formula whole, uint32_t nested);

// The member of a disjunction that costs least, or the sum over a conjunction.
static uint32_t join_cost(pricing *p, qni_formula a, qni_formula whole, uint32_t nested)
{
    qni_formulas *f = p->fr->f;
    size_t n;
    bool all = is_conjunction(f, a, &n);
    uint32_t sum = 0, best = QNI_COST_FAR;
    uint8_t *needed = p->needed;
    qni_formula cheapest = QNI_FALSE;
    p->needed = all ? needed : NULL; // of a disjunction, the keys of one member alone
    for (size_t i = 0; i < n; i++) {
        qni_formula part = qni_formula_node(f, a, NULL)[i + 1] ^ (a & 1);
        uint32_t cost = rest_cost(p, part, whole, nested + 1);
        sum = add(sum, cost);
        cheapest = cost < best ? part : cheapest;
        best = cost < best ? cost : best;
    }
    p->needed = needed;
    if (!all && needed != NULL && cheapest != QNI_FALSE) {
        rest_cost(p, cheapest, whole, nested + 1);
    }
    return all ? sum : best;
}

// `one`: a member and none of the others. Denied: none of them (or two, which is left aside).
static uint32_t one_cost(pricing *p, qni_formula a, qni_formula whole, uint32_t nested)
{
    const qni_formulas *f = p->fr->f;
    size_t n, n_far = 0;
    qni_formula_node(f, a, &n);
    uint32_t none = 0, best = QNI_COST_FAR;
    uint8_t *needed = p->needed;
    qni_formula cheapest = QNI_FALSE;
    p->needed = NULL;
    for (size_t i = 1; i < n; i++) {
        qni_formula part = qni_formula_node(f, a, NULL)[i];
        uint32_t without = rest_cost(p, qni_not(part), whole, nested + 1);
        n_far += without == QNI_COST_FAR;
        none = add(none, without == QNI_COST_FAR ? 0 : without);
    }
    for (size_t i = 1; i < n && (a & 1) == 0; i++) {
        qni_formula part = qni_formula_node(f, a, NULL)[i];
        uint32_t without = rest_cost(p, qni_not(part), whole, nested + 1);
        bool far = without == QNI_COST_FAR;
        uint32_t cost = n_far > far ? QNI_COST_FAR
                                    : add(rest_cost(p, part, whole, nested + 1),
                                          none - (far || none == QNI_COST_FAR ? 0 : without));
        cheapest = cost < best ? part : cheapest;
        best = cost < best ? cost : best;
    }
    p->needed = needed;
    if ((a & 1) != 0) {
        return n_far != 0 ? QNI_COST_FAR : none;
    }
    if (needed != NULL && cheapest != QNI_FALSE) {
        rest_cost(p, cheapest, whole, nested + 1);
    }
    return best;
}

// What must still be written inside of an array or object. `whole` is the formula around.
static uint32_t rest_cost(pricing *p, qni_formula a, qni_formula whole, uint32_t nested)
{
    qni_formulas *f = p->fr->f;
    if (a == QNI_FALSE || nested > MAX_DEPTH || ++p->steps > MAX_STEPS) {
        return QNI_COST_FAR;
    }
    if (a == QNI_TRUE || qni_formula_closes(f, a)) {
        return 0;
    }
    const uint32_t *r = qni_formula_node(f, a, NULL);
    bool denied = (a & 1) != 0;
    switch ((qni_atom)r[0]) {
    case QNI_ATOM_AND: return join_cost(p, a, whole, nested);
    case QNI_ATOM_ONE: return one_cost(p, a, whole, nested);
    case QNI_ATOM_MEMBERS: return denied ? 0 : members_cost(p, a, whole);
    case QNI_ATOM_ITEMS: return denied ? 0 : items_cost(p, a, whole);
    case QNI_ATOM_UNIQUE: return denied ? 4 : 0;
    case QNI_ATOM_TRUE:
    case QNI_ATOM_TYPE:
    case QNI_ATOM_STRING:
    case QNI_ATOM_NUMBER:
    case QNI_ATOM_REF:
    case QNI_ATOM_HOLE:
    default: return 0;
    }
}

static uint32_t type_cost(pricing *p, qni_formula a, qni_jtype type)
{
    qni_formulas *f = p->fr->f;
    qni_formula t = qni_formula_for_type(f, a, type);
    if (t == QNI_FALSE) {
        return QNI_COST_FAR;
    }
    switch (type) {
    case QNI_J_NULL:
    case QNI_J_TRUE: return 4;
    case QNI_J_FALSE: return 5;
    case QNI_J_NUMBER: {
        qni_number_set set;
        bool any = t == QNI_TRUE || (qni_formula_numbers(f, t, &set) && !qni_number_is_empty(&set));
        return any ? 1 : QNI_COST_FAR;
    }
    case QNI_J_STRING: {
        qni_term term = qni_formula_term(f, t);
        return qni_term_live(f->terms, term) ? add(2, qni_term_info_of(f->terms, term)->least)
                                             : QNI_COST_FAR;
    }
    case QNI_J_ARRAY:
    case QNI_J_OBJECT: return add(2, rest_cost(p, t, t, 0));
    case QNI_N_JTYPES:
    default: return QNI_COST_FAR;
    }
}

static uint32_t value_cost(pricing *p, qni_formula a)
{
    bool found;
    uint32_t key[3] = {MEMO_VALUE, a, 0}, best = QNI_COST_FAR;
    if (a == QNI_TRUE || a == QNI_FALSE) {
        return a == QNI_TRUE ? 1 : QNI_COST_FAR;
    }
    uint32_t *value = qni_formulas_memo(p->fr->f, key, 3, &found);
    if (found && *value != 0) {
        return *value == COST_OPEN ? QNI_COST_FAR : *value;
    }
    if (p->depth >= MAX_DEPTH || p->steps > MAX_STEPS) {
        return QNI_COST_FAR;
    }
    *value = COST_OPEN;
    p->depth++;
    for (int type = 0; type < QNI_N_JTYPES; type++) {
        uint32_t cost = type_cost(p, a, (qni_jtype)type);
        best = cost < best ? cost : best;
    }
    p->depth--;
    // "Far" may be only because of a value around it that is still open.
    *qni_formulas_memo(p->fr->f, key, 3, &found) = best < QNI_COST_FAR || p->depth == 0 ? best : 0;
    return best;
}

// With what is around it known; else the frame around that is not.
static bool price_frame(qni_frames *fr, qni_frame frame, qni_frame *unknown)
{
    const uint32_t *pairs;
    bool found;
    uint32_t best = QNI_COST_FAR;
    size_t n = qni_frame_pairs(fr, frame, &pairs);
    for (size_t i = 0; i < n; i++) {
        uint32_t around = 0;
        qni_frame_pairs(fr, frame, &pairs);
        if (pairs[2 * i + 1] != QNI_FRAME_DONE) {
            uint32_t key[3] = {MEMO_FRAME, pairs[2 * i + 1], 0};
            around = *qni_formulas_memo(fr->f, key, 3, &found);
            if (around == 0 && fr->account->status == QN_OK) {
                *unknown = pairs[2 * i + 1];
                return false;
            }
        }
        pricing p = {.fr = fr};
        uint32_t cost = add(add(1, around), rest_cost(&p, pairs[2 * i], pairs[2 * i], 0));
        best = cost < best ? cost : best;
    }
    uint32_t key[3] = {MEMO_FRAME, frame, 0};
    *qni_formulas_memo(fr->f, key, 3, &found) = best;
    return true;
}

uint32_t qni_frame_cost(qni_frames *fr, qni_frame frame)
{
    bool found;
    uint32_t key[3] = {MEMO_FRAME, frame, 0};
    if (frame == QNI_FRAME_DONE || frame == 0) {
        return 0;
    }
    uint32_t known = *qni_formulas_memo(fr->f, key, 3, &found);
    if (known == 0 && qni_frames_outermost_first(fr, frame, price_frame)) {
        known = *qni_formulas_memo(fr->f, key, 3, &found);
    }
    return known != 0 ? known : QNI_COST_FAR;
}

uint32_t qni_goal_cost(qni_frames *fr, qni_goal goal)
{
    uint32_t best = QNI_COST_FAR;
    size_t n = goal == 0 ? 0 : qni_goal_size(fr, goal);
    for (size_t i = 0; i < n; i++) {
        pricing p = {.fr = fr};
        uint32_t cost = value_cost(&p, qni_intern_at(&fr->goals, goal, NULL)[2 * i]);
        cost = add(cost, qni_frame_cost(fr, qni_goal_then(fr, goal, i)));
        best = cost < best ? cost : best;
    }
    return best;
}

qni_jtype qni_goal_cheapest(qni_frames *fr, qni_goal goal)
{
    qni_jtype cheapest = QNI_N_JTYPES;
    uint32_t best = QNI_COST_FAR;
    if (qni_goal_size(fr, goal) != 1) {
        return QNI_N_JTYPES;
    }
    for (int type = 0; type < QNI_N_JTYPES; type++) {
        pricing p = {.fr = fr};
        uint32_t cost = type_cost(&p, qni_intern_at(&fr->goals, goal, NULL)[0], (qni_jtype)type);
        if (cost < best && qni_goal_begin(fr, goal, (qni_jtype)type) != 0) {
            best = cost;
            cheapest = (qni_jtype)type;
        }
    }
    return cheapest;
}

bool qni_frame_needs_key(qni_frames *fr, qni_frame frame, size_t i)
{
    const qni_universe *u = qni_frame_universe(fr, frame);
    if (qni_frame_info_of(fr, frame)->needed == NULL) {
        uint8_t *needed = qni_calloc(u->n_keys + 1, 1);
        if (needed == NULL) {
            return qni_account_fail(fr->account, QN_OUT_OF_MEMORY, "out of memory");
        }
        const uint32_t *pairs;
        uint32_t best = QNI_COST_FAR;
        qni_formula cheapest = 0;
        size_t n = qni_frame_pairs(fr, frame, &pairs);
        for (size_t k = 0; k < n; k++) {
            pricing p = {.fr = fr};
            qni_frame_pairs(fr, frame, &pairs);
            qni_formula a = pairs[2 * k];
            qni_frame around = pairs[2 * k + 1];
            uint32_t cost = add(rest_cost(&p, a, a, 0), qni_frame_cost(fr, around));
            cheapest = k == 0 || cost < best ? a : cheapest;
            best = cost < best ? cost : best;
        }
        u = qni_frame_universe(fr, frame);
        pricing p = {.fr = fr, .universe = u, .needed = needed};
        rest_cost(&p, cheapest, cheapest, 0);
        qni_frame_info_of(fr, frame)->needed = needed;
    }
    return qni_frame_info_of(fr, frame)->needed[i] != 0;
}

// ---- Inside of a value

static uint32_t string_cost(qni_frames *fr, const qni_json_state *at)
{
    const qni_terms *t = fr->f->terms;
    size_t n = qni_goal_size(fr, at->goal);
    uint32_t best = QNI_COST_FAR;
    for (size_t i = 0; i < n; i++) {
        qni_term term = n == 1 ? at->lex : qni_intern_at(&fr->tuples, at->lex, NULL)[i];
        if (term != QNI_TERM_NOTHING) {
            uint32_t cost = qni_term_info_of(t, term)->least + 1;
            cost += qni_frame_cost(fr, qni_goal_then(fr, at->goal, i));
            best = cost < best ? cost : best;
        }
    }
    return best;
}

uint32_t qni_json_wanted_key(qni_frames *fr, const qni_json_state *at)
{
    for (uint32_t i = at->low; i < at->high; i++) {
        if (qni_frame_needs_key(fr, at->frame, i) && qni_frame_takes_key(fr, at->frame, i)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static uint32_t key_cost(qni_frames *fr, const qni_json_state *at)
{
    enum { ANOTHER_MEMBER = 8 }; // about, beside the needed ones
    const qni_universe *u = qni_frame_universe(fr, at->frame);
    uint32_t cost = qni_frame_cost(fr, at->frame);
    size_t rest = 0;
    if (qni_json_wanted_key(fr, at) != UINT32_MAX) {
        return cost > at->depth ? cost - at->depth : 0;
    }
    if (at->low < at->high) {
        qni_string_text(fr->f, u->keys[at->low], &rest);
        rest -= rest < at->depth ? rest : at->depth;
    }
    return cost + (uint32_t)rest + ANOTHER_MEMBER;
}

uint32_t qni_json_cost(qni_frames *fr, const qni_json_state *at)
{
    uint32_t cost = QNI_COST_FAR;
    switch ((qni_json_mode)at->mode) {
    case QNI_JSON_COLON: return qni_goal_cost(fr, at->goal) + 1;
    case QNI_JSON_VALUE: return qni_goal_cost(fr, at->goal);
    case QNI_JSON_WORD: return qni_frame_cost(fr, at->frame) + 4 - at->depth % 4;
    case QNI_JSON_NUMBER:
        for (size_t i = 0; i < qni_goal_size(fr, at->goal); i++) {
            uint32_t then = qni_frame_cost(fr, qni_goal_then(fr, at->goal, i));
            cost = then < cost ? then : cost;
        }
        return cost;
    case QNI_JSON_STRING: return string_cost(fr, at);
    case QNI_JSON_KEY: return key_cost(fr, at);
    case QNI_JSON_FIRST_KEY:
    case QNI_JSON_NEXT_KEY:
    case QNI_JSON_FIRST_ITEM:
    case QNI_JSON_AFTER: return qni_frame_cost(fr, at->frame);
    case QNI_JSON_DEAD:
    case QNI_JSON_DONE:
    default: return 0;
    }
}
