// Dimensions that may be unknown until a model is run, and the arithmetic on them.
//
// A dimension is `symbol + add`. A symbol is an input dimension, something that only the run can
// tell, or an expression over earlier symbols. Expressions are brought to one form and stored once,
// so two dimensions that are equal by algebra are equal as data: (end - q) + q is end.
#ifndef QNI_MIL_SYMBOLS_H
#define QNI_MIL_SYMBOLS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

// Symbol 0 is the number zero: {0, 7} is the constant 7.
typedef struct qni_dim {
    int64_t add;
    int32_t sym;
} qni_dim;

typedef enum qni_sym_kind {
    QNI_SYM_ZERO,
    QNI_SYM_INPUT,     // a dimension of a function's input, with bounds
    QNI_SYM_UNKNOWN,   // known when the operation that makes it has run
    QNI_SYM_SUM,       // coefficients times symbols
    QNI_SYM_PRODUCT,   // of two dimensions, neither constant
    QNI_SYM_FLOOR_DIV, // a / b rounded down
    QNI_SYM_MOD,       // a - b * floor(a / b)
    QNI_SYM_MIN,
    QNI_SYM_MAX,
} qni_sym_kind;

typedef struct qni_term {
    int64_t coefficient;
    int32_t sym;
} qni_term;

typedef struct qni_symbol {
    qni_sym_kind kind;
    uint16_t depth; // of expressions in it; bounded
    uint32_t n_terms;
    const qni_term *terms; // SUM: ascending by symbol, at least one; not one with coefficient 1
    qni_dim a, b;          // PRODUCT, FLOOR_DIV, MOD, MIN, MAX
    int64_t lo, hi;        // inclusive; INT64_MIN and INT64_MAX: none
    const char *name;      // INPUT, UNKNOWN: for messages
} qni_symbol;

// What must hold of run-time values for the shapes to be as inferred.
typedef struct qni_constraint {
    qni_dim a;
    qni_dim b; // a == b, unless is_range
    bool is_range;
    int64_t lo, hi;    // lo <= a <= hi
    const char *where; // the operation
    const char *what;
} qni_constraint;

// The symbols of one function. The functions below that make dimensions cannot report failure: when
// memory or QNI_MAX_SYMBOLS runs out, or a number passes 64 bits, `failed` is set and stays, and
// the result is 0. Whoever calls a group of them checks it at the end with qni_symbols_check.
typedef struct qni_symbols {
    qni_arena *arena;
    qni_symbol *items; // items[0] is zero
    size_t n, capacity;
    qni_constraint *constraints;
    size_t n_constraints, constraint_capacity;
    int32_t *slots; // hash table of expressions
    size_t n_slots;
    qn_status failed;
} qni_symbols;

QNI_WARN_UNUSED qn_status qni_symbols_begin(qni_symbols *symbols, qni_arena *arena, qn_error *err);
void qni_symbols_end(qni_symbols *symbols);
QNI_WARN_UNUSED qn_status qni_symbols_check(const qni_symbols *symbols, const char *where,
                                            qn_error *err);

static inline qni_dim qni_dim_of(int64_t value)
{
    qni_dim dim = {value, 0};
    return dim;
}

static inline bool qni_dim_is_const(qni_dim dim)
{
    return dim.sym == 0;
}

static inline bool qni_dim_is(qni_dim dim, int64_t value)
{
    return dim.sym == 0 && dim.add == value;
}

static inline bool qni_dim_equal(qni_dim a, qni_dim b)
{
    return a.sym == b.sym && a.add == b.add;
}

// A new symbol. `name` must live as long as the arena.
qni_dim qni_dim_input(qni_symbols *symbols, const char *name, int64_t lo, int64_t hi);
qni_dim qni_dim_unknown(qni_symbols *symbols, const char *name); // 0 or more

qni_dim qni_dim_add(qni_symbols *symbols, qni_dim a, qni_dim b);
qni_dim qni_dim_sub(qni_symbols *symbols, qni_dim a, qni_dim b);
qni_dim qni_dim_mul(qni_symbols *symbols, qni_dim a, qni_dim b);
qni_dim qni_dim_floor_div(qni_symbols *symbols, qni_dim a, qni_dim b); // b constant 0: fails
qni_dim qni_dim_mod(qni_symbols *symbols, qni_dim a, qni_dim b);
qni_dim qni_dim_min(qni_symbols *symbols, qni_dim a, qni_dim b);
qni_dim qni_dim_max(qni_symbols *symbols, qni_dim a, qni_dim b);

// a / b where the caller knows that it divides without rest.
qni_dim qni_dim_exact_div(qni_symbols *symbols, qni_dim a, qni_dim b);

// Bounds of every value that the dimension can take; wide where they are not known.
int64_t qni_dim_lo(const qni_symbols *symbols, qni_dim dim);
int64_t qni_dim_hi(const qni_symbols *symbols, qni_dim dim);

// Whether the two can be equal: same, or at least one of them not known. Records that they must be,
// when it is not certain. `where` and `what` name the operation and the parameter; they live as
// long as the arena.
bool qni_dim_unify(qni_symbols *symbols, qni_dim a, qni_dim b, const char *where, const char *what);

// Records that lo <= a <= hi. False when that is certainly wrong.
bool qni_dim_require(qni_symbols *symbols, qni_dim a, int64_t lo, int64_t hi, const char *where,
                     const char *what);

// "7", "end", "(end - q)"; returns `text`.
const char *qni_dim_describe(const qni_symbols *symbols, qni_dim dim, char *text, size_t size);

// The value when input and unknown symbols have the values in `known` (indexed by symbol; others
// are not read).
int64_t qni_dim_eval(const qni_symbols *symbols, qni_dim dim, const int64_t *known);

#endif
