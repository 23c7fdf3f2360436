#include "mil/symbols.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_TERMS = 32,  // of one sum
    MAX_FACTORS = 8, // of one product
    MAX_DEPTH = 200, // of expressions in expressions; they are followed by recursion
};

// A dimension written out: the sum of coefficients times symbols that are no sums, ascending by
// symbol, plus `add`.
typedef struct sum {
    qni_term terms[MAX_TERMS];
    uint32_t n;
    int64_t add;
} sum;

static qni_dim fail(qni_symbols *s, qn_status status)
{
    if (s->failed == QN_OK) {
        s->failed = status;
    }
    return qni_dim_of(0);
}

qn_status qni_symbols_begin(qni_symbols *s, qni_arena *arena, qn_error *err)
{
    memset(s, 0, sizeof *s);
    s->arena = arena;
    if (qni_grow(&s->items, &s->capacity, 16, sizeof *s->items) != 0) {
        return qni_fail_memory(err);
    }
    memset(&s->items[0], 0, sizeof s->items[0]);
    s->n = 1;
    return QN_OK;
}

void qni_symbols_end(qni_symbols *s)
{
    qni_free(s->items);
    qni_free(s->constraints);
    qni_free(s->slots);
    memset(s, 0, sizeof *s);
}

qn_status qni_symbols_check(const qni_symbols *s, const char *where, qn_error *err)
{
    if (s->failed == QN_OUT_OF_MEMORY) {
        return qni_fail(err, s->failed, where, "out of memory");
    }
    if (s->failed != QN_OK) {
        return qni_fail(err, s->failed, where, "a dimension is too large or too complex to follow");
    }
    return QN_OK;
}

// ---- Storing expressions once

static uint32_t hash_symbol(const qni_symbol *x)
{
    uint64_t key[5] = {(uint64_t)x->kind, (uint64_t)x->a.add, (uint64_t)x->a.sym,
                       (uint64_t)x->b.add, (uint64_t)x->b.sym};
    uint32_t h = qni_hash_bytes(key, sizeof key);
    for (uint32_t i = 0; i < x->n_terms; i++) {
        uint64_t term[3] = {(uint64_t)x->terms[i].coefficient, (uint64_t)x->terms[i].sym, h};
        h = qni_hash_bytes(term, sizeof term);
    }
    return h;
}

static bool same_symbol(const qni_symbol *x, const qni_symbol *y)
{
    if (x->kind != y->kind || x->n_terms != y->n_terms || !qni_dim_equal(x->a, y->a) ||
        !qni_dim_equal(x->b, y->b)) {
        return false;
    }
    for (uint32_t i = 0; i < x->n_terms; i++) {
        if (x->terms[i].coefficient != y->terms[i].coefficient ||
            x->terms[i].sym != y->terms[i].sym) {
            return false;
        }
    }
    return true;
}

static void put_slot(qni_symbols *s, int32_t sym)
{
    size_t mask = s->n_slots - 1;
    size_t i = hash_symbol(&s->items[sym]) & mask;
    while (s->slots[i] != 0) {
        i = (i + 1) & mask;
    }
    s->slots[i] = sym;
}

static bool is_expression(const qni_symbol *x)
{
    return x->kind >= QNI_SYM_SUM;
}

static bool grow_slots(qni_symbols *s)
{
    if (s->n_slots >= 2 * (s->n + 1)) {
        return true;
    }
    size_t n = s->n_slots != 0 ? 2 * s->n_slots : 64;
    int32_t *slots = qni_calloc(n, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    qni_free(s->slots);
    s->slots = slots;
    s->n_slots = n;
    for (size_t i = 1; i < s->n; i++) {
        if (is_expression(&s->items[i])) {
            put_slot(s, (int32_t)i);
        }
    }
    return true;
}

static uint16_t most_depth(uint16_t a, uint16_t b)
{
    return a > b ? a : b;
}

static uint16_t depth_of(const qni_symbols *s, const qni_symbol *x)
{
    uint16_t depth = most_depth(s->items[x->a.sym].depth, s->items[x->b.sym].depth);
    for (uint32_t i = 0; i < x->n_terms; i++) {
        depth = most_depth(depth, s->items[x->terms[i].sym].depth);
    }
    return (uint16_t)(depth + 1);
}

static int32_t append(qni_symbols *s, const qni_symbol *x)
{
    if (s->n >= QNI_MAX_SYMBOLS) {
        fail(s, QN_LIMIT_EXCEEDED);
        return 0;
    }
    if (qni_grow(&s->items, &s->capacity, s->n + 1, sizeof *s->items) != 0) {
        fail(s, QN_OUT_OF_MEMORY);
        return 0;
    }
    s->items[s->n] = *x;
    s->items[s->n].depth = depth_of(s, x);
    if (s->items[s->n].depth > MAX_DEPTH) {
        fail(s, QN_LIMIT_EXCEEDED);
        return 0;
    }
    return (int32_t)s->n++;
}

// The symbol of an expression, an old one when it was made before. Terms are copied.
static int32_t intern(qni_symbols *s, qni_symbol *x)
{
    if (!grow_slots(s)) {
        fail(s, QN_OUT_OF_MEMORY);
        return 0;
    }
    size_t mask = s->n_slots - 1;
    for (size_t i = hash_symbol(x) & mask; s->slots[i] != 0; i = (i + 1) & mask) {
        if (same_symbol(&s->items[s->slots[i]], x)) {
            return s->slots[i];
        }
    }
    if (x->n_terms != 0) {
        qni_term *terms = qni_arena_array(s->arena, x->n_terms, sizeof *terms);
        if (terms == NULL) {
            fail(s, QN_OUT_OF_MEMORY);
            return 0;
        }
        memcpy(terms, x->terms, x->n_terms * sizeof *terms);
        x->terms = terms;
    }
    int32_t sym = append(s, x);
    if (sym != 0) {
        put_slot(s, sym);
    }
    return sym;
}

// ---- Bounds: INT64_MIN and INT64_MAX stand for none

static int64_t clamp(__int128 v)
{
    return v > INT64_MAX ? INT64_MAX : v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

static bool is_open(int64_t bound)
{
    return bound == INT64_MAX || bound == INT64_MIN;
}

static int64_t bound_add(int64_t bound, int64_t add)
{
    return is_open(bound) ? bound : clamp((__int128)bound + add);
}

static int64_t bound_times(int64_t bound, int64_t c)
{
    if (is_open(bound)) {
        return c == 0 ? 0 : (bound > 0) == (c > 0) ? INT64_MAX : INT64_MIN;
    }
    return clamp((__int128)bound * c);
}

int64_t qni_dim_lo(const qni_symbols *s, qni_dim dim)
{
    return bound_add(s->items[dim.sym].lo, dim.add);
}

int64_t qni_dim_hi(const qni_symbols *s, qni_dim dim)
{
    return bound_add(s->items[dim.sym].hi, dim.add);
}

static void bounds_of_sum(const qni_symbols *s, qni_symbol *x)
{
    __int128 lo = 0;
    __int128 hi = 0;
    bool no_lo = false;
    bool no_hi = false;
    for (uint32_t i = 0; i < x->n_terms; i++) {
        const qni_symbol *y = &s->items[x->terms[i].sym];
        int64_t c = x->terms[i].coefficient;
        int64_t low = bound_times(c > 0 ? y->lo : y->hi, c);
        int64_t high = bound_times(c > 0 ? y->hi : y->lo, c);
        no_lo = no_lo || is_open(low);
        no_hi = no_hi || is_open(high);
        lo += low;
        hi += high;
    }
    x->lo = no_lo ? INT64_MIN : clamp(lo);
    x->hi = no_hi ? INT64_MAX : clamp(hi);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void bounds_of_pair(const qni_symbols *s, qni_symbol *x)
{
    int64_t a_lo = qni_dim_lo(s, x->a);
    int64_t a_hi = qni_dim_hi(s, x->a);
    int64_t b_lo = qni_dim_lo(s, x->b);
    int64_t b_hi = qni_dim_hi(s, x->b);
    x->lo = INT64_MIN;
    x->hi = INT64_MAX;
    if (x->kind == QNI_SYM_MIN) {
        x->lo = least(a_lo, b_lo);
        x->hi = least(a_hi, b_hi);
    } else if (x->kind == QNI_SYM_MAX) {
        x->lo = most(a_lo, b_lo);
        x->hi = most(a_hi, b_hi);
    } else if (x->kind == QNI_SYM_MOD && b_lo > 0) {
        x->lo = 0;
        x->hi = is_open(b_hi) ? INT64_MAX : b_hi - 1;
    } else if (x->kind == QNI_SYM_PRODUCT && a_lo >= 0 && b_lo >= 0) {
        x->lo = bound_times(a_lo, b_lo);
        x->hi = is_open(a_hi) || is_open(b_hi) ? INT64_MAX : bound_times(a_hi, b_hi);
    } else if (x->kind == QNI_SYM_FLOOR_DIV && b_lo > 0 && a_lo >= 0) {
        x->lo = is_open(b_hi) ? 0 : a_lo / b_hi;
        x->hi = is_open(a_hi) ? INT64_MAX : a_hi / b_lo;
    }
}

// ---- Sums

static bool sum_add_term(qni_symbols *s, sum *x, int64_t coefficient, int32_t sym)
{
    uint32_t i = 0;
    while (i < x->n && x->terms[i].sym < sym) {
        i++;
    }
    if (i < x->n && x->terms[i].sym == sym) {
        if (__builtin_add_overflow(x->terms[i].coefficient, coefficient,
                                   &x->terms[i].coefficient)) {
            fail(s, QN_LIMIT_EXCEEDED);
            return false;
        }
        if (x->terms[i].coefficient == 0) {
            memmove(&x->terms[i], &x->terms[i + 1], (x->n - i - 1) * sizeof x->terms[0]);
            x->n--;
        }
        return true;
    }
    if (coefficient == 0) {
        return true;
    }
    if (x->n == MAX_TERMS) {
        fail(s, QN_LIMIT_EXCEEDED);
        return false;
    }
    memmove(&x->terms[i + 1], &x->terms[i], (x->n - i) * sizeof x->terms[0]);
    x->terms[i].coefficient = coefficient;
    x->terms[i].sym = sym;
    x->n++;
    return true;
}

// x += factor * dim
static bool sum_add(qni_symbols *s, sum *x, qni_dim dim, int64_t factor)
{
    int64_t add;
    if (__builtin_mul_overflow(dim.add, factor, &add) ||
        __builtin_add_overflow(x->add, add, &x->add)) {
        fail(s, QN_LIMIT_EXCEEDED);
        return false;
    }
    if (dim.sym == 0) {
        return true;
    }
    const qni_symbol *y = &s->items[dim.sym];
    if (y->kind != QNI_SYM_SUM) {
        return sum_add_term(s, x, factor, dim.sym);
    }
    for (uint32_t i = 0; i < y->n_terms; i++) {
        int64_t c;
        if (__builtin_mul_overflow(y->terms[i].coefficient, factor, &c)) {
            fail(s, QN_LIMIT_EXCEEDED);
            return false;
        }
        if (!sum_add_term(s, x, c, y->terms[i].sym)) {
            return false;
        }
    }
    return true;
}

static qni_dim sum_dim(qni_symbols *s, const sum *x)
{
    qni_dim dim = {x->add, 0};
    if (x->n == 0) {
        return dim;
    }
    if (x->n == 1 && x->terms[0].coefficient == 1) {
        dim.sym = x->terms[0].sym;
        return dim;
    }
    qni_symbol made = {.kind = QNI_SYM_SUM, .n_terms = x->n, .terms = x->terms};
    bounds_of_sum(s, &made);
    dim.sym = intern(s, &made);
    return dim;
}

// ---- The public arithmetic

qni_dim qni_dim_input(qni_symbols *s, const char *name, int64_t lo, int64_t hi)
{
    if (lo == hi) {
        return qni_dim_of(lo);
    }
    qni_symbol x = {.kind = QNI_SYM_INPUT, .lo = lo, .hi = hi, .name = name};
    qni_dim dim = {0, append(s, &x)};
    return dim;
}

qni_dim qni_dim_unknown(qni_symbols *s, const char *name)
{
    qni_symbol x = {.kind = QNI_SYM_UNKNOWN, .lo = 0, .hi = INT64_MAX, .name = name};
    qni_dim dim = {0, append(s, &x)};
    return dim;
}

static qni_dim combine(qni_symbols *s, qni_dim a, qni_dim b, int64_t factor)
{
    sum x = {.n = 0};
    if (!sum_add(s, &x, a, 1) || !sum_add(s, &x, b, factor)) {
        return qni_dim_of(0);
    }
    return sum_dim(s, &x);
}

qni_dim qni_dim_add(qni_symbols *s, qni_dim a, qni_dim b)
{
    return combine(s, a, b, 1);
}

qni_dim qni_dim_sub(qni_symbols *s, qni_dim a, qni_dim b)
{
    return combine(s, a, b, -1);
}

static qni_dim pair(qni_symbols *s, qni_sym_kind kind, qni_dim a, qni_dim b)
{
    qni_symbol x = {.kind = kind, .a = a, .b = b};
    bounds_of_pair(s, &x);
    qni_dim dim = {0, intern(s, &x)};
    return dim;
}

static uint32_t factors_of(const qni_symbols *s, int32_t sym, int32_t *factors)
{
    const qni_symbol *x = &s->items[sym];
    if (x->kind != QNI_SYM_PRODUCT) {
        factors[0] = sym;
        return 1;
    }
    uint32_t n = factors_of(s, x->a.sym, factors);
    factors[n] = x->b.sym;
    return n + 1;
}

// Products are kept as ((f1 * f2) * f3) with ascending factors.
static int32_t product_of(qni_symbols *s, const int32_t *factors, uint32_t n)
{
    int32_t sym = factors[0];
    for (uint32_t i = 1; i < n; i++) {
        qni_dim a = {0, sym};
        qni_dim b = {0, factors[i]};
        sym = pair(s, QNI_SYM_PRODUCT, a, b).sym;
    }
    return sym;
}

static int32_t product_of_symbols(qni_symbols *s, int32_t a, int32_t b)
{
    int32_t factors[2 * MAX_FACTORS];
    uint32_t n = factors_of(s, a, factors);
    n += factors_of(s, b, factors + n);
    if (n > MAX_FACTORS) {
        fail(s, QN_LIMIT_EXCEEDED);
        return 0;
    }
    for (uint32_t i = 1; i < n; i++) { // insertion sort of a handful
        for (uint32_t j = i; j > 0 && factors[j - 1] > factors[j]; j--) {
            int32_t swap = factors[j];
            factors[j] = factors[j - 1];
            factors[j - 1] = swap;
        }
    }
    return product_of(s, factors, n);
}

qni_dim qni_dim_mul(qni_symbols *s, qni_dim a, qni_dim b)
{
    sum x = {.n = 0};
    if (a.sym == 0 || b.sym == 0) {
        bool ok = a.sym == 0 ? sum_add(s, &x, b, a.add) : sum_add(s, &x, a, b.add);
        return ok ? sum_dim(s, &x) : qni_dim_of(0);
    }
    sum left = {.n = 0};
    sum right = {.n = 0};
    if (!sum_add(s, &left, a, 1) || !sum_add(s, &right, b, 1)) {
        return qni_dim_of(0);
    }
    qni_dim b_rest = {0, b.sym};
    qni_dim a_rest = {0, a.sym};
    // (A + a)(B + b) = AB + aB + bA + ab, and AB term by term.
    if (!sum_add(s, &x, b_rest, a.add) || !sum_add(s, &x, a_rest, b.add)) {
        return qni_dim_of(0);
    }
    if (__builtin_mul_overflow(a.add, b.add, &x.add)) {
        return fail(s, QN_LIMIT_EXCEEDED);
    }
    for (uint32_t i = 0; i < left.n; i++) {
        for (uint32_t j = 0; j < right.n; j++) {
            int64_t c;
            if (__builtin_mul_overflow(left.terms[i].coefficient, right.terms[j].coefficient, &c)) {
                return fail(s, QN_LIMIT_EXCEEDED);
            }
            int32_t sym = product_of_symbols(s, left.terms[i].sym, right.terms[j].sym);
            if (sym == 0 || !sum_add_term(s, &x, c, sym)) {
                return qni_dim_of(0);
            }
        }
    }
    return sum_dim(s, &x);
}

// The quotient of two symbols as products of factors; 0 when the one does not contain the other,
// with *one set when they are the same.
static int32_t quotient_of_symbols(qni_symbols *s, int32_t a, int32_t b, bool *one)
{
    int32_t fa[MAX_FACTORS];
    int32_t fb[MAX_FACTORS];
    uint32_t na = factors_of(s, a, fa);
    uint32_t nb = factors_of(s, b, fb);
    int32_t rest[MAX_FACTORS];
    uint32_t n = 0;
    uint32_t j = 0;
    for (uint32_t i = 0; i < na; i++) {
        if (j < nb && fa[i] == fb[j]) {
            j++;
        } else {
            rest[n++] = fa[i];
        }
    }
    *one = j == nb && n == 0;
    return j == nb && n > 0 ? product_of(s, rest, n) : 0;
}

// a / b where that is certain by algebra.
static bool divide(qni_symbols *s, qni_dim a, qni_dim b, qni_dim *out)
{
    sum x = {.n = 0};
    sum y = {.n = 0};
    sum q = {.n = 0};
    if (!sum_add(s, &x, a, 1) || !sum_add(s, &y, b, 1) || y.terms[0].coefficient == -1) {
        return false;
    }
    if (y.n == 1 && y.add == 0 && x.add == 0 && x.n > 0) {
        for (uint32_t i = 0; i < x.n; i++) {
            bool one;
            int32_t sym = quotient_of_symbols(s, x.terms[i].sym, y.terms[0].sym, &one);
            if (x.terms[i].coefficient % y.terms[0].coefficient != 0 || (sym == 0 && !one)) {
                return false;
            }
            int64_t c = x.terms[i].coefficient / y.terms[0].coefficient;
            if (one) {
                q.add += c;
            } else if (!sum_add_term(s, &q, c, sym)) {
                return false;
            }
        }
        *out = sum_dim(s, &q);
        return true;
    }
    if (x.n != y.n || y.n == 0 || x.terms[0].coefficient % y.terms[0].coefficient != 0) {
        return false;
    }
    int64_t ratio = x.terms[0].coefficient / y.terms[0].coefficient;
    bool same = (__int128)y.add * ratio == x.add;
    for (uint32_t i = 0; same && i < x.n; i++) {
        same = x.terms[i].sym == y.terms[i].sym &&
               (__int128)y.terms[i].coefficient * ratio == x.terms[i].coefficient;
    }
    *out = qni_dim_of(ratio);
    return same;
}

qni_dim qni_dim_floor_div(qni_symbols *s, qni_dim a, qni_dim b)
{
    if (qni_dim_is(b, 0)) {
        return fail(s, QN_INVALID_MODEL);
    }
    if (b.sym != 0) {
        qni_dim out;
        return divide(s, a, b, &out) ? out : pair(s, QNI_SYM_FLOOR_DIV, a, b);
    }
    sum x = {.n = 0};
    if (!sum_add(s, &x, a, 1)) {
        return qni_dim_of(0);
    }
    if (b.add == -1) { // the one divisor that can overflow
        return combine(s, qni_dim_of(0), a, -1);
    }
    for (uint32_t i = 0; i < x.n; i++) {
        if (x.terms[i].coefficient % b.add != 0) {
            return pair(s, QNI_SYM_FLOOR_DIV, a, b);
        }
        x.terms[i].coefficient /= b.add;
    }
    x.add = floor_div(x.add, b.add);
    return sum_dim(s, &x);
}

qni_dim qni_dim_exact_div(qni_symbols *s, qni_dim a, qni_dim b)
{
    return qni_dim_floor_div(s, a, b);
}

qni_dim qni_dim_mod(qni_symbols *s, qni_dim a, qni_dim b)
{
    if (qni_dim_is(b, 0)) {
        return fail(s, QN_INVALID_MODEL);
    }
    qni_dim q = qni_dim_floor_div(s, a, b);
    if (q.sym != 0 && s->items[q.sym].kind == QNI_SYM_FLOOR_DIV) {
        return pair(s, QNI_SYM_MOD, a, b);
    }
    return qni_dim_sub(s, a, qni_dim_mul(s, q, b));
}

// Whether a <= b in every run; 1 yes, -1 no (a > b always), 0 not known.
static int order(qni_symbols *s, qni_dim a, qni_dim b)
{
    qni_dim d = qni_dim_sub(s, b, a);
    if (qni_dim_lo(s, d) >= 0 || qni_dim_hi(s, a) <= qni_dim_lo(s, b)) {
        return 1;
    }
    return qni_dim_hi(s, d) < 0 || qni_dim_lo(s, a) > qni_dim_hi(s, b) ? -1 : 0;
}

qni_dim qni_dim_min(qni_symbols *s, qni_dim a, qni_dim b)
{
    int known = order(s, a, b);
    return known > 0 ? a : known < 0 ? b : pair(s, QNI_SYM_MIN, a, b);
}

qni_dim qni_dim_max(qni_symbols *s, qni_dim a, qni_dim b)
{
    int known = order(s, a, b);
    return known > 0 ? b : known < 0 ? a : pair(s, QNI_SYM_MAX, a, b);
}

// ---- Constraints

static bool record(qni_symbols *s, const qni_constraint *c)
{
    if (qni_grow(&s->constraints, &s->constraint_capacity, s->n_constraints + 1, sizeof *c) != 0) {
        fail(s, QN_OUT_OF_MEMORY);
        return true;
    }
    s->constraints[s->n_constraints++] = *c;
    return true;
}

bool qni_dim_unify(qni_symbols *s, qni_dim a, qni_dim b, const char *where, const char *what)
{
    qni_dim d = qni_dim_sub(s, a, b);
    if (d.sym == 0) {
        return d.add == 0;
    }
    if (qni_dim_lo(s, d) > 0 || qni_dim_hi(s, d) < 0) {
        return false;
    }
    qni_constraint c = {.a = a, .b = b, .where = where, .what = what};
    return record(s, &c);
}

bool qni_dim_require(qni_symbols *s, qni_dim a, int64_t lo, int64_t hi, const char *where,
                     const char *what)
{
    if (qni_dim_lo(s, a) >= lo && qni_dim_hi(s, a) <= hi) {
        return true;
    }
    if (qni_dim_hi(s, a) < lo || qni_dim_lo(s, a) > hi) {
        return false;
    }
    qni_constraint c = {.a = a, .is_range = true, .lo = lo, .hi = hi, .where = where, .what = what};
    // What is checked before a run starts may be relied on from here.
    qni_symbol *x = &s->items[a.sym];
    x->lo = most(x->lo, clamp((__int128)lo - a.add));
    x->hi = least(x->hi, clamp((__int128)hi - a.add));
    return record(s, &c);
}

// ---- Text and values

typedef struct text {
    char *at;
    size_t left;
} text;

QNI_PRINTF(2, 3) static void put(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->at, t->left, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < t->left ? (size_t)n : t->left - 1;
    t->at += used;
    t->left -= used;
}

static void put_dim(const qni_symbols *s, qni_dim dim, text *t);

static void put_symbol(const qni_symbols *s, int32_t sym, text *t)
{
    static const char *const between[] = {[QNI_SYM_PRODUCT] = " * ",
                                          [QNI_SYM_FLOOR_DIV] = " // ",
                                          [QNI_SYM_MOD] = " % ",
                                          [QNI_SYM_MIN] = ", ",
                                          [QNI_SYM_MAX] = ", "};
    if (sym < 0 || (size_t)sym >= s->n) {
        put(t, "?");
        return;
    }
    const qni_symbol *x = &s->items[sym];
    if (!is_expression(x)) {
        put(t, "%s", x->name != NULL && x->name[0] != '\0' ? x->name : "?");
        return;
    }
    if (t->left < 16) { // cut rather than recurse for nothing
        put(t, "...");
        return;
    }
    put(t, "%s(", x->kind == QNI_SYM_MIN ? "min" : x->kind == QNI_SYM_MAX ? "max" : "");
    for (uint32_t i = 0; i < x->n_terms; i++) {
        int64_t c = x->terms[i].coefficient;
        put(t, "%s", i == 0 ? (c < 0 ? "-" : "") : c < 0 ? " - " : " + ");
        if (c != 1 && c != -1) {
            put(t, "%llu * ", (unsigned long long)(c < 0 ? -(uint64_t)c : (uint64_t)c));
        }
        put_symbol(s, x->terms[i].sym, t);
    }
    if (x->n_terms == 0) {
        put_dim(s, x->a, t);
        put(t, "%s", between[x->kind]);
        put_dim(s, x->b, t);
    }
    put(t, ")");
}

static void put_dim(const qni_symbols *s, qni_dim dim, text *t)
{
    if (dim.sym == 0) {
        put(t, "%lld", (long long)dim.add);
        return;
    }
    if (dim.add == 0) {
        put_symbol(s, dim.sym, t);
        return;
    }
    put(t, "(");
    put_symbol(s, dim.sym, t);
    put(t, " %c %llu)", dim.add < 0 ? '-' : '+',
        (unsigned long long)(dim.add < 0 ? -(uint64_t)dim.add : (uint64_t)dim.add));
}

const char *qni_dim_describe(const qni_symbols *s, qni_dim dim, char *out, size_t size)
{
    text t = {out, size};
    put(&t, "%s", "");
    put_dim(s, dim, &t);
    return out;
}

static int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrap_mul(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static int64_t eval_symbol(const qni_symbols *s, int32_t sym, const int64_t *known)
{
    const qni_symbol *x = &s->items[sym];
    int64_t total = 0;
    for (uint32_t i = 0; i < x->n_terms; i++) {
        int64_t v = eval_symbol(s, x->terms[i].sym, known);
        total = wrap_add(total, wrap_mul(x->terms[i].coefficient, v));
    }
    if (x->kind == QNI_SYM_ZERO || x->kind == QNI_SYM_SUM) {
        return total;
    }
    if (!is_expression(x)) {
        return known[sym];
    }
    int64_t a = qni_dim_eval(s, x->a, known);
    int64_t b = qni_dim_eval(s, x->b, known);
    switch (x->kind) {
    case QNI_SYM_PRODUCT: return wrap_mul(a, b);
    case QNI_SYM_FLOOR_DIV: return b == 0 || b == -1 ? wrap_mul(a, b) : floor_div(a, b);
    case QNI_SYM_MOD: return b == 0 || b == -1 ? 0 : a - b * floor_div(a, b);
    case QNI_SYM_MIN: return least(a, b);
    case QNI_SYM_MAX: return most(a, b);
    case QNI_SYM_ZERO:
    case QNI_SYM_INPUT:
    case QNI_SYM_UNKNOWN:
    case QNI_SYM_SUM: break;
    }
    return 0;
}

int64_t qni_dim_eval(const qni_symbols *s, qni_dim dim, const int64_t *known)
{
    return wrap_add(eval_symbol(s, dim.sym, known), dim.add);
}
