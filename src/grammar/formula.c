#include "grammar/formula_impl.h"

qn_status qni_formulas_begin(qni_formulas *f, qni_terms *terms, qni_arena *arena, qn_error *err)
{
    *f = (qni_formulas){.account = terms->account, .arena = arena, .terms = terms};
    qni_intern_begin(&f->nodes, f->account);
    qni_intern_begin(&f->strings, f->account);
    qni_intern_begin(&f->key_sets, f->account);
    qni_intern_begin(&f->memo, f->account);
    qni_intern_add(&f->nodes, (uint32_t[]){QNI_ATOM_TRUE}, 1, NULL);
    return qni_account_status(f->account, err);
}

void qni_formulas_end(qni_formulas *f)
{
    qni_intern_end(&f->nodes);
    qni_intern_end(&f->strings);
    qni_intern_end(&f->key_sets);
    qni_intern_end(&f->memo);
    qni_free(f->memo_values);
    qni_free(f->sets);
    qni_free(f->definitions);
    qni_free(f->map_stamps);
    qni_free(f->map_values);
    *f = (qni_formulas){0};
}

static qni_formula make(qni_formulas *f, const uint32_t *words, size_t n)
{
    uint32_t id = qni_intern_add(&f->nodes, words, n, NULL);
    return id == 0 ? QNI_FALSE : id << 1;
}

// Sorts and drops repetitions. False when the list holds a contradiction.
static bool normalize(qni_formula_list *l)
{
    bool sorted = true;
    for (size_t i = 1; i < l->n && sorted; i++) {
        sorted = l->items[i - 1] <= l->items[i];
    }
    if (!sorted) {
        qni_ids_sort(l->items, l->n);
    }
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        qni_formula a = l->items[i];
        if (a == QNI_FALSE || (kept > 0 && l->items[kept - 1] == (a ^ 1))) {
            return false;
        }
        if (a != QNI_TRUE && (kept == 0 || l->items[kept - 1] != a)) {
            l->items[kept++] = a;
        }
    }
    l->n = kept;
    return true;
}

static bool contains(const qni_formula_list *l, qni_formula a)
{
    return qni_ids_have(l->items, l->n, a);
}

static bool is_or(const qni_formulas *f, qni_formula a)
{
    return (a & 1) != 0 && qni_formula_node(f, a, NULL)[0] == QNI_ATOM_AND;
}

static bool is_and(const qni_formulas *f, qni_formula a)
{
    return (a & 1) == 0 && qni_formula_node(f, a, NULL)[0] == QNI_ATOM_AND;
}

// Does the list hold `a`, or all parts of it?
static bool implies(const qni_formulas *f, const qni_formula_list *l, qni_formula a)
{
    if (!is_and(f, a)) {
        return contains(l, a);
    }
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool all = true;
    for (size_t i = 1; i < n && all; i++) {
        all = contains(l, r[i]);
    }
    return all;
}

// Does the list hold the negation of `a`, or of a part of it?
static bool excludes(const qni_formulas *f, const qni_formula_list *l, qni_formula a)
{
    if (!is_and(f, a)) {
        return contains(l, a ^ 1);
    }
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool any = contains(l, a ^ 1);
    for (size_t i = 1; i < n && !any; i++) {
        any = contains(l, r[i] ^ 1);
    }
    return any;
}

// `one` with what the list implies and excludes of it decided; `a` itself where it is nothing.
static qni_formula propagate_one(qni_formulas *f, qni_formula_list *l, qni_formula a)
{
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    qni_formula_list members;
    qni_formula_list_begin(&members);
    bool changed = false;
    for (size_t i = 1; i < n; i++) {
        bool yes = implies(f, l, r[i]), no = !yes && excludes(f, l, r[i]);
        qni_formula_list_add(&members, yes ? QNI_TRUE : no ? QNI_FALSE : r[i]);
        changed = changed || yes || no;
    }
    l->failed = l->failed || members.failed;
    qni_formula result = changed ? qni_one(f, members.items, members.n) ^ (a & 1) : a;
    qni_formula_list_end(&members);
    return result;
}

// Unit propagation: a disjunction that the list implies is dropped, and branches that it excludes
// are struck out; of `one` likewise. Changes one of them at a time; `*changed` tells whether the
// list must be normalized again.
static void propagate(qni_formulas *f, qni_formula_list *l, bool *changed)
{
    *changed = false;
    for (size_t i = 0; i < l->n && !*changed; i++) {
        if (qni_formula_node(f, l->items[i], NULL)[0] == QNI_ATOM_ONE) {
            qni_formula before = l->items[i];
            l->items[i] = propagate_one(f, l, before);
            *changed = l->items[i] != before;
            continue;
        }
        if (!is_or(f, l->items[i])) {
            continue;
        }
        size_t n;
        const uint32_t *r = qni_formula_node(f, l->items[i], &n);
        bool satisfied = false, struck = false;
        for (size_t k = 1; k < n && !satisfied; k++) { // the branches are the negated r[k]
            satisfied = implies(f, l, r[k] ^ 1);
            struck = struck || excludes(f, l, r[k] ^ 1);
        }
        *changed = satisfied || struck;
        if (satisfied) {
            l->items[i] = QNI_TRUE;
        } else if (struck) {
            qni_formula_list rest;
            qni_formula_list_begin(&rest);
            for (size_t k = 1; k < n; k++) {
                if (!excludes(f, l, r[k] ^ 1)) {
                    qni_formula_list_add(&rest, r[k]);
                }
            }
            l->failed = l->failed || rest.failed;
            l->items[i] = qni_not(qni_and(f, rest.items, rest.n));
            qni_formula_list_end(&rest);
        }
    }
}

qni_formula qni_and(qni_formulas *f, const qni_formula *items, size_t n)
{
    qni_formula_list l;
    qni_formula_list_begin(&l);
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const uint32_t *r = qni_formula_node(f, items[i], &size);
        if ((items[i] & 1) == 0 && r[0] == QNI_ATOM_AND) {
            for (size_t k = 1; k < size; k++) {
                qni_formula_list_add(&l, r[k]);
            }
        } else {
            qni_formula_list_add(&l, items[i]);
        }
    }
    bool possible = normalize(&l);
    bool changed = possible;
    while (changed && possible && !l.failed) {
        propagate(f, &l, &changed);
        if (changed) {
            qni_formula_list
                again; // a struck-out disjunction may have become a conjunction: flatten it
            qni_formula_list_begin(&again);
            for (size_t i = 0; i < l.n; i++) {
                size_t size;
                const uint32_t *r = qni_formula_node(f, l.items[i], &size);
                bool flat = (l.items[i] & 1) == 0 && r[0] == QNI_ATOM_AND;
                for (size_t k = 1; flat && k < size; k++) {
                    qni_formula_list_add(&again, r[k]);
                }
                if (!flat) {
                    qni_formula_list_add(&again, l.items[i]);
                }
            }
            bool failed = l.failed || again.failed;
            qni_formula_list_end(&l);
            l = again;
            if (again.items == again.first + 1) {
                l.items = l.first + 1;
            }
            l.failed = failed;
            possible = normalize(&l);
        }
    }
    qni_formula result = QNI_FALSE;
    if (l.failed) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    } else if (possible) {
        l.items[-1] = QNI_ATOM_AND;
        result = l.n == 0 ? QNI_TRUE : l.n == 1 ? l.items[0] : make(f, l.items - 1, l.n + 1);
    }
    qni_formula_list_end(&l);
    return result;
}

qni_formula qni_and2(qni_formulas *f, qni_formula a, qni_formula b)
{
    if (a == b || b == QNI_TRUE) {
        return a;
    }
    if (a == QNI_TRUE) {
        return b;
    }
    bool found;
    uint32_t key[3] = {11, a < b ? a : b, a < b ? b : a};
    uint32_t *value = qni_formulas_memo(f, key, 3, &found);
    if (!found) {
        qni_formula both = qni_and(f, (qni_formula[]){a, b}, 2);
        value = qni_formulas_memo(f, key, 3, &found);
        *value = both;
    }
    return *value;
}

qni_formula qni_or(qni_formulas *f, const qni_formula *items, size_t n)
{
    qni_formula_list l;
    qni_formula_list_begin(&l);
    for (size_t i = 0; i < n; i++) {
        qni_formula_list_add(&l, qni_not(items[i]));
    }
    qni_formula result = QNI_FALSE;
    if (l.failed) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    } else {
        result = qni_not(qni_and(f, l.items, l.n));
    }
    qni_formula_list_end(&l);
    return result;
}

qni_formula qni_or2(qni_formulas *f, qni_formula a, qni_formula b)
{
    return qni_not(qni_and2(f, qni_not(a), qni_not(b)));
}

// All items but the i-th, denied, and the i-th if it is one.
static qni_formula alone(qni_formulas *f, const qni_formula *items, size_t n, size_t i)
{
    qni_formula_list l;
    qni_formula_list_begin(&l);
    for (size_t k = 0; k < n; k++) {
        qni_formula_list_add(&l, items[k] ^ (k != i));
    }
    qni_formula result = QNI_FALSE;
    if (l.failed) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    } else {
        result = qni_and(f, l.items, l.n);
    }
    qni_formula_list_end(&l);
    return result;
}

// Items that are sorted, none true or false, none twice, none beside its negation.
static qni_formula one_of(qni_formulas *f, qni_formula_list *l)
{
    if (l->n < 2) {
        return l->n == 0 ? QNI_FALSE : l->items[0];
    }
    if (l->n == 2) {
        qni_formula a = l->items[0], b = l->items[1];
        return qni_or2(f, qni_and2(f, a, qni_not(b)), qni_and2(f, qni_not(a), b));
    }
    l->items[-1] = QNI_ATOM_ONE;
    return make(f, l->items - 1, l->n + 1);
}

qni_formula qni_one(qni_formulas *f, const qni_formula *items, size_t n)
{
    qni_formula_list l, denied; // what may be the one, and what must not hold beside
    qni_formula_list_begin(&l);
    qni_formula_list_begin(&denied);
    size_t n_true = 0;
    for (size_t i = 0; i < n; i++) {
        n_true += items[i] == QNI_TRUE;
        if (items[i] != QNI_TRUE && items[i] != QNI_FALSE) {
            qni_formula_list_add(&l, items[i]);
        }
    }
    qni_ids_sort(l.items, l.n);
    size_t kept = 0;
    for (size_t i = 0; i < l.n; i++) {
        qni_formula a = l.items[i];
        if (kept > 0 && l.items[kept - 1] == (a ^ 1)) { // one of the two holds, whatever else does
            kept--;
            n_true++;
        } else if (i + 1 < l.n && l.items[i + 1] == a) { // twice: more than one when it holds
            qni_formula_list_add(&denied, qni_not(a));
            while (i + 1 < l.n && l.items[i + 1] == a) {
                i++;
            }
        } else {
            l.items[kept++] = a;
        }
    }
    l.n = kept;
    qni_formula result = QNI_FALSE;
    if (l.failed || denied.failed) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    } else if (n_true < 2) {
        qni_formula_list_add(&denied, n_true == 1 ? alone(f, l.items, l.n, l.n) : one_of(f, &l));
        result = denied.failed ? QNI_FALSE : qni_and(f, denied.items, denied.n);
    }
    qni_formula_list_end(&l);
    qni_formula_list_end(&denied);
    return result;
}

size_t qni_formula_branches(const qni_formulas *f, qni_formula a)
{
    size_t n;
    bool denied = (a & 1) != 0;
    const uint32_t *r = qni_formula_node(f, a, &n);
    n--;
    if (r[0] == QNI_ATOM_ONE) { // denied: none of them, or some two
        return denied ? 1 + n * (n - 1) / 2 : n;
    }
    return r[0] == QNI_ATOM_AND && denied ? n : 0;
}

qni_formula qni_formula_branch(qni_formulas *f, qni_formula a, size_t i)
{
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    n--;
    if (r[0] == QNI_ATOM_AND) {
        return qni_not(r[i + 1]);
    }
    if ((a & 1) != 0 && i > 0) {
        size_t first = 0;
        for (i--; i >= n - 1 - first; first++) {
            i -= n - 1 - first;
        }
        return qni_and2(f, r[1 + first], r[2 + first + i]);
    }
    qni_formula_list l;
    qni_formula_list_begin(&l);
    for (size_t k = 0; k < n; k++) {
        qni_formula_list_add(&l, r[1 + k]);
    }
    l.failed = l.failed && !qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    qni_formula branch = l.failed ? QNI_FALSE : alone(f, l.items, l.n, (a & 1) != 0 ? n : i);
    qni_formula_list_end(&l);
    return branch;
}

qni_formula qni_type_is(qni_formulas *f, qni_jtype type)
{
    return make(f, (uint32_t[]){QNI_ATOM_TYPE, type}, 2);
}

qni_formula qni_string_in(qni_formulas *f, qni_term term)
{
    return term == QNI_TERM_NOTHING ? QNI_FALSE
           : term == f->terms->text ? qni_type_is(f, QNI_J_STRING)
                                    : make(f, (uint32_t[]){QNI_ATOM_STRING, term}, 2);
}

qni_formula qni_number_in(qni_formulas *f, const qni_number_set *set)
{
    if (!qni_account_grow(f->account, &f->sets, &f->sets_capacity, f->n_sets + 1,
                          sizeof *f->sets)) {
        return QNI_FALSE;
    }
    // Equal sets have one id where their pieces are the same memory or the same words.
    for (size_t i = 0; i < f->n_sets; i++) {
        if (f->sets[i].n == set->n && f->sets[i].pieces == set->pieces) {
            return make(f, (uint32_t[]){QNI_ATOM_NUMBER, (uint32_t)i}, 2);
        }
    }
    f->sets[f->n_sets++] = *set;
    return make(f, (uint32_t[]){QNI_ATOM_NUMBER, (uint32_t)f->n_sets - 1}, 2);
}

qni_formula qni_items(qni_formulas *f, uint32_t n, uint32_t from, uint32_t to, qni_formula item)
{
    if (n == 0) {
        return qni_type_is(f, QNI_J_ARRAY);
    }
    if (item == QNI_FALSE || to <= from || (to != QNI_NO_END && to - from < n)) {
        return QNI_FALSE;
    }
    return make(f, (uint32_t[]){QNI_ATOM_ITEMS, n, from, to, item}, 5);
}

qni_formula qni_members(qni_formulas *f, uint32_t n, qni_keys keys, qni_formula value)
{
    if (n == 0) {
        return qni_type_is(f, QNI_J_OBJECT);
    }
    qni_keys_view view = qni_keys_get(f, keys);
    bool few = !view.all_but && view.n_terms == 0 && view.n_texts < n;
    if (value == QNI_FALSE || few) {
        return QNI_FALSE;
    }
    return make(f, (uint32_t[]){QNI_ATOM_MEMBERS, n, keys, value}, 4);
}

qni_formula qni_unique(qni_formulas *f, qni_formula earlier)
{
    return make(f, (uint32_t[]){QNI_ATOM_UNIQUE, earlier}, 2);
}

qni_formula qni_hole(qni_formulas *f, qni_formula a)
{
    if (a == QNI_TRUE || a == QNI_FALSE) {
        return a;
    }
    qni_formula hole = make(f, (uint32_t[]){QNI_ATOM_HOLE, a & ~(qni_formula)1}, 2);
    return hole ^ (a & 1);
}

uint32_t qni_definition_new(qni_formulas *f)
{
    if (!qni_account_grow(f->account, &f->definitions, &f->definitions_capacity,
                          f->n_definitions + 1, sizeof *f->definitions)) {
        return 0;
    }
    f->definitions[f->n_definitions] = QNI_FALSE;
    return (uint32_t)f->n_definitions++;
}

qni_formula qni_ref(qni_formulas *f, uint32_t definition)
{
    return make(f, (uint32_t[]){QNI_ATOM_REF, definition}, 2);
}

static qni_formula equals_number(qni_formulas *f, const qni_jvalue *v)
{
    qni_numbers numbers = {f->arena, f->account};
    uint8_t *room = qni_arena_alloc(f->arena, v->size + 1);
    qni_decimal d;
    qni_number_set low, high, both;
    if (room == NULL) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
        return QNI_FALSE;
    }
    if (!qni_decimal_read(v->text, v->size, room, &d)) {
        qni_account_fail(f->account, QN_UNSUPPORTED, "a number's exponent is too large");
        return QNI_FALSE;
    }
    if (!qni_number_at_least(&numbers, &d, &low) || !qni_number_at_most(&numbers, &d, &high) ||
        !qni_number_and(&numbers, &low, &high, &both)) {
        return QNI_FALSE;
    }
    return qni_number_in(f, &both);
}

qni_formula qni_equals(qni_formulas *f, const qni_jvalue *v)
{
    if (v->type == QNI_J_NUMBER) {
        return equals_number(f, v);
    }
    if (v->type == QNI_J_STRING) {
        qni_term term = qni_term_literal(f->terms, v->text, v->size);
        qni_term_mark_whole(f->terms, term);
        return qni_string_in(f, term);
    }
    qni_formula result = qni_type_is(f, v->type);
    if (v->type == QNI_J_ARRAY) {
        uint32_t i = 0;
        for (const qni_jvalue *item = v->first; item != NULL; item = item->next, i++) {
            result = qni_and2(f, result, qni_items(f, 1, i, i + 1, qni_equals(f, item)));
        }
        result = qni_and2(f, result, qni_not(qni_items(f, 1, i, QNI_NO_END, QNI_TRUE)));
    } else if (v->type == QNI_J_OBJECT) {
        for (const qni_jvalue *m = v->first; m != NULL; m = m->next) {
            qni_string key = qni_string_make(f, m->key, m->key_size);
            qni_keys keys = qni_keys_make(f, false, &key, 1, NULL, 0);
            result = qni_and2(f, result, qni_members(f, 1, keys, qni_equals(f, m)));
        }
        qni_keys all = qni_keys_make(f, true, NULL, 0, NULL, 0);
        result = qni_and2(f, result, qni_not(qni_members(f, v->n + 1, all, QNI_TRUE)));
    }
    return result;
}
