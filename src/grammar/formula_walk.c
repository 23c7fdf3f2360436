// Formulas rebuilt atom by atom, and what is left of them for one type of value.
#include "base/limits.h"
#include "grammar/formula_impl.h"

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
        qni_formula_list l;
        qni_formula_list_begin(&l);
        for (size_t i = 1; i < n; i++) {
            qni_formula part = map_node(f, qni_intern_at(&f->nodes, id, NULL)[i], fn, context);
            qni_formula_list_add(&l, part);
            if (all && part == QNI_FALSE) {
                break;
            }
        }
        if (l.failed) {
            qni_account_fail(f->account, QN_OUT_OF_MEMORY, "out of memory");
        }
        result = all ? qni_and(f, l.items, l.n) : qni_one(f, l.items, l.n);
        qni_formula_list_end(&l);
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
