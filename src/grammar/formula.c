#include "grammar/formula.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

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

// A list of formulas while a conjunction is put together.
typedef struct list {
    qni_formula *items; // one word in front is free for the record's kind
    size_t n;
    size_t capacity;
    uint32_t first[66];
    bool failed;
} list;

static void list_begin(list *l)
{
    l->items = l->first + 1;
    l->n = 0;
    l->capacity = 65;
    l->failed = false;
}

static void list_end(list *l)
{
    if (l->items != l->first + 1) {
        qni_free(l->items - 1);
    }
}

static void list_add(list *l, qni_formula item)
{
    if (l->n == l->capacity) {
        uint32_t *grown = qni_alloc_array(l->capacity * 2 + 1, sizeof *grown);
        if (grown == NULL) {
            l->failed = true;
            return;
        }
        memcpy(grown + 1, l->items, l->n * sizeof *grown);
        list_end(l);
        l->items = grown + 1;
        l->capacity *= 2;
    }
    l->items[l->n++] = item;
}

// Sorts and drops repetitions. False when the list holds a contradiction.
static bool normalize(list *l)
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

// Is `id` among sorted ones?
static bool has_id(const uint32_t *ids, size_t n, uint32_t id)
{
    size_t from = 0, left = n;
    while (left > 1) { // where it would be, without a branch to be guessed wrong
        size_t half = left / 2;
        from += ids[from + half] <= id ? half : 0;
        left -= half;
    }
    return n != 0 && ids[from] == id;
}

static bool contains(const list *l, qni_formula a)
{
    return has_id(l->items, l->n, a);
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
static bool implies(const qni_formulas *f, const list *l, qni_formula a)
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
static bool excludes(const qni_formulas *f, const list *l, qni_formula a)
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
static qni_formula propagate_one(qni_formulas *f, list *l, qni_formula a)
{
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    list members;
    list_begin(&members);
    bool changed = false;
    for (size_t i = 1; i < n; i++) {
        bool yes = implies(f, l, r[i]), no = !yes && excludes(f, l, r[i]);
        list_add(&members, yes ? QNI_TRUE : no ? QNI_FALSE : r[i]);
        changed = changed || yes || no;
    }
    l->failed = l->failed || members.failed;
    qni_formula result = changed ? qni_one(f, members.items, members.n) ^ (a & 1) : a;
    list_end(&members);
    return result;
}

// Unit propagation: a disjunction that the list implies is dropped, and branches that it excludes
// are struck out; of `one` likewise. Changes one of them at a time; `*changed` tells whether the
// list must be normalized again.
static void propagate(qni_formulas *f, list *l, bool *changed)
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
            list rest;
            list_begin(&rest);
            for (size_t k = 1; k < n; k++) {
                if (!excludes(f, l, r[k] ^ 1)) {
                    list_add(&rest, r[k]);
                }
            }
            l->failed = l->failed || rest.failed;
            l->items[i] = qni_not(qni_and(f, rest.items, rest.n));
            list_end(&rest);
        }
    }
}

qni_formula qni_and(qni_formulas *f, const qni_formula *items, size_t n)
{
    list l;
    list_begin(&l);
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const uint32_t *r = qni_formula_node(f, items[i], &size);
        if ((items[i] & 1) == 0 && r[0] == QNI_ATOM_AND) {
            for (size_t k = 1; k < size; k++) {
                list_add(&l, r[k]);
            }
        } else {
            list_add(&l, items[i]);
        }
    }
    bool possible = normalize(&l);
    bool changed = possible;
    while (changed && possible && !l.failed) {
        propagate(f, &l, &changed);
        if (changed) {
            list again; // a struck-out disjunction may have become a conjunction: flatten it
            list_begin(&again);
            for (size_t i = 0; i < l.n; i++) {
                size_t size;
                const uint32_t *r = qni_formula_node(f, l.items[i], &size);
                bool flat = (l.items[i] & 1) == 0 && r[0] == QNI_ATOM_AND;
                for (size_t k = 1; flat && k < size; k++) {
                    list_add(&again, r[k]);
                }
                if (!flat) {
                    list_add(&again, l.items[i]);
                }
            }
            bool failed = l.failed || again.failed;
            list_end(&l);
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
    list_end(&l);
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
    list l;
    list_begin(&l);
    for (size_t i = 0; i < n; i++) {
        list_add(&l, qni_not(items[i]));
    }
    qni_formula result = QNI_FALSE;
    if (l.failed) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    } else {
        result = qni_not(qni_and(f, l.items, l.n));
    }
    list_end(&l);
    return result;
}

qni_formula qni_or2(qni_formulas *f, qni_formula a, qni_formula b)
{
    return qni_not(qni_and2(f, qni_not(a), qni_not(b)));
}

// All items but the i-th, denied, and the i-th if it is one.
static qni_formula alone(qni_formulas *f, const qni_formula *items, size_t n, size_t i)
{
    list l;
    list_begin(&l);
    for (size_t k = 0; k < n; k++) {
        list_add(&l, items[k] ^ (k != i));
    }
    qni_formula result = QNI_FALSE;
    if (l.failed) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    } else {
        result = qni_and(f, l.items, l.n);
    }
    list_end(&l);
    return result;
}

// Items that are sorted, none true or false, none twice, none beside its negation.
static qni_formula one_of(qni_formulas *f, list *l)
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
    list l, denied; // what may be the one, and what must not hold beside
    list_begin(&l);
    list_begin(&denied);
    size_t n_true = 0;
    for (size_t i = 0; i < n; i++) {
        n_true += items[i] == QNI_TRUE;
        if (items[i] != QNI_TRUE && items[i] != QNI_FALSE) {
            list_add(&l, items[i]);
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
            list_add(&denied, qni_not(a));
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
        list_add(&denied, n_true == 1 ? alone(f, l.items, l.n, l.n) : one_of(f, &l));
        result = denied.failed ? QNI_FALSE : qni_and(f, denied.items, denied.n);
    }
    list_end(&l);
    list_end(&denied);
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
    list l;
    list_begin(&l);
    for (size_t k = 0; k < n; k++) {
        list_add(&l, r[1 + k]);
    }
    l.failed = l.failed && !qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
    qni_formula branch = l.failed ? QNI_FALSE : alone(f, l.items, l.n, (a & 1) != 0 ? n : i);
    list_end(&l);
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

// Makes the side tables of a walk follow the nodes.
static bool grow_stamps(qni_formulas *f)
{
    size_t need = f->nodes.n;
    size_t before = f->map_stamps_capacity;
    if (!qni_account_grow(f->account, &f->map_stamps, &f->map_stamps_capacity, need, 4) ||
        !qni_account_grow(f->account, &f->map_values, &f->map_values_capacity, need, 4)) {
        return false;
    }
    if (f->map_stamps_capacity > before) {
        memset(f->map_stamps + before, 0, (f->map_stamps_capacity - before) * 4);
    }
    return true;
}

static qni_formula map_node(qni_formulas *f, qni_formula a, qni_formula_fn *fn, void *context)
{
    uint32_t id = a >> 1;
    if (id == 1 || f->account->status != QN_OK) {
        return a;
    }
    if (!grow_stamps(f)) { // new nodes may have come
        return QNI_FALSE;
    }
    if (f->map_stamps[id] == f->map_stamp) {
        return f->map_values[id] ^ (a & 1);
    }
    size_t n;
    const uint32_t *r = qni_intern_at(&f->nodes, id, &n);
    qni_formula result;
    if (r[0] == QNI_ATOM_AND || r[0] == QNI_ATOM_ONE) {
        bool all = r[0] == QNI_ATOM_AND;
        list l;
        list_begin(&l);
        for (size_t i = 1; i < n; i++) {
            qni_formula part = map_node(f, qni_intern_at(&f->nodes, id, NULL)[i], fn, context);
            list_add(&l, part);
            if (all && part == QNI_FALSE) {
                break;
            }
        }
        if (l.failed) {
            qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
        }
        result = all ? qni_and(f, l.items, l.n) : qni_one(f, l.items, l.n);
        list_end(&l);
    } else {
        uint32_t copy[5] = {0};
        memcpy(copy, r, n * sizeof *copy);
        result = fn(context, id << 1, copy);
    }
    f->map_stamps[id] = f->map_stamp;
    f->map_values[id] = result;
    return result ^ (a & 1);
}

qni_formula qni_formula_map(qni_formulas *f, qni_formula a, qni_formula_fn *fn, void *context)
{
    f->map_stamp++;
    return map_node(f, a, fn, context);
}

static void see_node(qni_formulas *f, uint32_t id, qni_formula_see_fn *fn, void *context)
{
    size_t n;
    const uint32_t *r = qni_intern_at(&f->nodes, id, &n);
    if (id == 1 || f->map_stamps[id] == f->map_stamp) {
        return;
    }
    f->map_stamps[id] = f->map_stamp;
    if (r[0] != QNI_ATOM_AND && r[0] != QNI_ATOM_ONE) {
        fn(context, r);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        see_node(f, r[i] >> 1, fn, context);
    }
}

void qni_formula_see(qni_formulas *f, qni_formula a, qni_formula_see_fn *fn, void *context)
{
    f->map_stamp++;
    if (grow_stamps(f)) {
        see_node(f, a >> 1, fn, context);
    }
}

typedef struct type_context {
    qni_formulas *f;
    qni_jtype type;
    int depth;
} type_context;

static qni_formula atom_for_type(void *context, qni_formula atom, const uint32_t *node)
{
    static const uint8_t type_of[] = {
        [QNI_ATOM_STRING] = QNI_J_STRING,  [QNI_ATOM_NUMBER] = QNI_J_NUMBER,
        [QNI_ATOM_ITEMS] = QNI_J_ARRAY,    [QNI_ATOM_UNIQUE] = QNI_J_ARRAY,
        [QNI_ATOM_MEMBERS] = QNI_J_OBJECT, [QNI_ATOM_HOLE] = QNI_N_JTYPES};
    type_context *c = context;
    if (node[0] == QNI_ATOM_TYPE) {
        return node[1] == (uint32_t)c->type ? QNI_TRUE : QNI_FALSE;
    }
    if (node[0] == QNI_ATOM_REF) {
        // a definition that is itself, with nothing written between
        if (c->depth > QNI_MAX_JSON_DEPTH) {
            qni_account_fail(c->f->account, QN_UNSUPPORTED, "a $ref that leads back to itself");
            return QNI_FALSE;
        }
        c->depth++;
        qni_formula result = map_node(c->f, c->f->definitions[node[1]], atom_for_type, c);
        c->depth--;
        return result;
    }
    return type_of[node[0]] == c->type ? atom : QNI_FALSE;
}

qni_formula qni_formula_for_type(qni_formulas *f, qni_formula a, qni_jtype type)
{
    bool found;
    uint32_t key[3] = {0, a & ~(qni_formula)1, type};
    uint32_t *value = qni_formulas_memo(f, key, 3, &found);
    if (!found) {
        type_context c = {f, type, 0};
        qni_formula result = qni_formula_map(f, key[1], atom_for_type, &c);
        value = qni_formulas_memo(f, key, 3, &found);
        *value = result;
    }
    return *value ^ (a & 1);
}

typedef struct settle_context {
    qni_formulas *f;
    qni_formula value;
} settle_context;

static qni_formula settle_atom(void *context, qni_formula atom, const uint32_t *node)
{
    settle_context *c = context;
    if (node[0] != QNI_ATOM_UNIQUE) {
        return atom;
    }
    return qni_unique(c->f, qni_or2(c->f, node[1], c->value));
}

qni_formula qni_unique_without(qni_formulas *f, qni_formula a, qni_formula value)
{
    settle_context c = {f, value};
    return qni_formula_map(f, a, settle_atom, &c);
}

bool qni_formula_closes(qni_formulas *f, qni_formula a)
{
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool holds = r[0] == QNI_ATOM_TRUE || r[0] == QNI_ATOM_UNIQUE || r[0] == QNI_ATOM_AND;
    if (r[0] == QNI_ATOM_ONE) {
        size_t n_true = 0;
        for (size_t i = 1; i < n; i++) {
            n_true += qni_formula_closes(f, r[i]);
        }
        holds = n_true == 1;
    }
    for (size_t i = 1; r[0] == QNI_ATOM_AND && i < n && holds; i++) {
        holds = qni_formula_closes(f, r[i]);
    }
    return holds != ((a & 1) != 0);
}

qni_term qni_formula_term(qni_formulas *f, qni_formula a)
{
    bool found;
    uint32_t key[2] = {1, a};
    uint32_t *value = qni_formulas_memo(f, key, 2, &found);
    if (found) {
        return *value;
    }
    size_t n;
    const uint32_t *r = qni_formula_node(f, a & ~(qni_formula)1, &n);
    qni_term term = f->terms->text;
    if (r[0] == QNI_ATOM_STRING) {
        term = r[1];
    } else if (r[0] == QNI_ATOM_AND) {
        for (size_t i = 1; i < n; i++) {
            qni_formula part = qni_formula_node(f, a & ~(qni_formula)1, NULL)[i];
            term = qni_term_and2(f->terms, term, qni_formula_term(f, part));
        }
    } else if (r[0] == QNI_ATOM_ONE) {
        term = QNI_TERM_NOTHING;
        for (size_t i = 0; i + 1 < n; i++) {
            qni_formula branch = qni_formula_branch(f, a & ~(qni_formula)1, i);
            term = qni_term_alt2(f->terms, term, qni_formula_term(f, branch));
        }
    }
    if ((a & 1) != 0) {
        term = qni_term_and2(f->terms, f->terms->text, qni_term_not(f->terms, term));
    }
    value = qni_formulas_memo(f, key, 2, &found);
    *value = term;
    return term;
}

bool qni_formula_only_text(qni_formulas *f, qni_formula a, qni_string *out)
{
    enum { MOST = 256 }; // bytes
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool conjunction = (a & 1) == 0 && r[0] == QNI_ATOM_AND;
    for (size_t i = 0; i < (conjunction ? n - 1 : 1); i++) {
        char text[MOST];
        size_t size;
        qni_formula part = conjunction ? r[i + 1] : a;
        const uint32_t *p = qni_formula_node(f, part, NULL);
        if ((part & 1) == 0 && p[0] == QNI_ATOM_STRING &&
            qni_term_text(f->terms, p[1], text, MOST, &size)) {
            *out = qni_string_make(f, text, size);
            return *out != 0;
        }
    }
    return false;
}

bool qni_formula_has_text(qni_formulas *f, qni_formula a, qni_string text)
{
    size_t n, n_true = 0;
    const uint32_t *r = qni_formula_node(f, a, &n);
    bool holds = r[0] == QNI_ATOM_TRUE;
    switch ((qni_atom)r[0]) {
    case QNI_ATOM_AND:
        holds = true;
        for (size_t i = 1; i < n && holds; i++) { // looking may make nodes
            holds = qni_formula_has_text(f, qni_formula_node(f, a, NULL)[i], text);
        }
        break;
    case QNI_ATOM_ONE:
        for (size_t i = 1; i < n && n_true < 2; i++) {
            n_true += qni_formula_has_text(f, qni_formula_node(f, a, NULL)[i], text);
        }
        holds = n_true == 1;
        break;
    case QNI_ATOM_TYPE: holds = r[1] == QNI_J_STRING; break;
    case QNI_ATOM_STRING: holds = qni_string_matches(f, text, r[1]); break;
    case QNI_ATOM_REF: {
        qni_formula open = qni_formula_for_type(f, a & ~(qni_formula)1, QNI_J_STRING);
        holds = qni_formula_has_text(f, open, text);
        break;
    }
    case QNI_ATOM_TRUE:
    case QNI_ATOM_NUMBER:
    case QNI_ATOM_ITEMS:
    case QNI_ATOM_MEMBERS:
    case QNI_ATOM_UNIQUE:
    case QNI_ATOM_HOLE:
    default: break;
    }
    return holds != ((a & 1) != 0);
}

bool qni_formula_numbers(qni_formulas *f, qni_formula a, qni_number_set *out)
{
    qni_numbers numbers = {f->arena, f->account};
    bool found;
    uint32_t key[2] = {2, a};
    uint32_t *value = qni_formulas_memo(f, key, 2, &found);
    if (found) {
        *out = f->sets[*value];
        return true;
    }
    size_t n;
    const uint32_t *r = qni_formula_node(f, a, &n);
    if (!qni_number_all(&numbers, out)) {
        return false;
    }
    if (r[0] == QNI_ATOM_NUMBER) {
        *out = f->sets[r[1]];
    } else if (r[0] == QNI_ATOM_AND) {
        for (size_t i = 1; i < n; i++) {
            qni_number_set part;
            if (!qni_formula_numbers(f, qni_formula_node(f, a, NULL)[i], &part) ||
                !qni_number_and(&numbers, out, &part, out)) {
                return false;
            }
        }
    } else if (r[0] == QNI_ATOM_ONE) {
        *out = (qni_number_set){0};
        for (size_t i = 0; i + 1 < n; i++) {
            qni_number_set part;
            qni_formula branch = qni_formula_branch(f, a & ~(qni_formula)1, i);
            if (!qni_formula_numbers(f, branch, &part) ||
                !qni_number_or(&numbers, out, &part, out)) {
                return false;
            }
        }
    }
    if ((a & 1) != 0 && !qni_number_not(&numbers, out, out)) {
        return false;
    }
    qni_formula kept = qni_number_in(f, out);
    value = qni_formulas_memo(f, key, 2, &found);
    *value = qni_formula_node(f, kept, NULL)[1];
    return f->account->status == QN_OK;
}

qni_string qni_string_make(qni_formulas *f, const char *text, size_t n)
{
    uint32_t small[64];
    size_t n_words = 1 + (n + 3) / 4;
    uint32_t *words = n_words <= 64 ? small : qni_alloc_array(n_words, sizeof *words);
    if (words == NULL) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
        return 0;
    }
    words[n_words - 1] = 0;
    words[0] = (uint32_t)n;
    memcpy(words + 1, text, n);
    qni_string id = qni_intern_add(&f->strings, words, n_words, NULL);
    if (words != small) {
        qni_free(words);
    }
    return id;
}

const char *qni_string_text(const qni_formulas *f, qni_string s, size_t *n)
{
    const uint32_t *words = qni_intern_at(&f->strings, s, NULL);
    *n = words[0];
    return (const char *)(words + 1);
}

bool qni_string_matches(qni_formulas *f, qni_string s, qni_term term)
{
    bool found;
    uint32_t key[3] = {3, s, term};
    uint32_t *value = qni_formulas_memo(f, key, 3, &found);
    if (!found) {
        size_t n;
        const char *text = qni_string_text(f, s, &n);
        qni_term t = term;
        for (size_t i = 0; i < n && t != QNI_TERM_NOTHING; i++) {
            t = qni_term_step(f->terms, t, (unsigned char)text[i]);
        }
        *value = qni_term_nullable(f->terms, t);
    }
    return *value != 0;
}

qni_keys qni_keys_make(qni_formulas *f, bool all_but, const qni_string *texts, size_t n_texts,
                       const qni_term *terms, size_t n_terms)
{
    uint32_t *words = qni_alloc_array(n_texts + n_terms + 2, sizeof *words);
    if (words == NULL) {
        qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
        return 0;
    }
    size_t n = 0;
    for (size_t part = 0; part < 2; part++) {
        const uint32_t *from = part == 0 ? texts : terms;
        size_t count = part == 0 ? n_texts : n_terms, start = n + 2, kept = 0;
        if (count != 0) {
            memcpy(words + start, from, count * sizeof *words);
            qni_ids_sort(words + start, count);
        }
        for (size_t i = 0; i < count; i++) {
            if (kept == 0 || words[start + kept - 1] != words[start + i]) {
                words[start + kept++] = words[start + i];
            }
        }
        n += kept;
        if (part == 0) {
            words[1] = (uint32_t)kept;
        }
    }
    words[0] = all_but;
    qni_keys id = qni_intern_add(&f->key_sets, words, n + 2, NULL);
    qni_free(words);
    return id;
}

qni_keys_view qni_keys_get(const qni_formulas *f, qni_keys keys)
{
    if (keys == 0) {
        return (qni_keys_view){0};
    }
    size_t n;
    const uint32_t *r = qni_intern_at(&f->key_sets, keys, &n);
    return (qni_keys_view){r[0] != 0, r + 2, r[1], r + 2 + r[1], n - 2 - r[1]};
}

bool qni_keys_has(qni_formulas *f, qni_keys keys, qni_string key)
{
    qni_keys_view v = qni_keys_get(f, keys);
    bool in = has_id(v.texts, v.n_texts, key);
    for (size_t i = 0; i < v.n_terms && !in; i++) {
        in = qni_string_matches(f, key, v.terms[i]);
    }
    return in != v.all_but;
}

uint32_t *qni_formulas_memo(qni_formulas *f, const uint32_t *key, size_t n, bool *found)
{
    uint32_t id = qni_intern_find(&f->memo, key, n);
    *found = id != 0;
    if (id == 0) {
        if (!qni_account_grow(f->account, &f->memo_values, &f->memo_values_capacity,
                              (size_t)f->memo.n + 2, sizeof *f->memo_values)) {
            return &f->nowhere;
        }
        id = qni_intern_add(&f->memo, key, n, NULL);
        if (id == 0) {
            return &f->nowhere;
        }
        f->memo_values[id] = 0;
    }
    return &f->memo_values[id];
}
