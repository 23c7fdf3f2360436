// What an operation is: one constant descriptor, from which everything about it is derived. src/ops
// has them all; whoever needs them is handed the table.
#ifndef QNI_MIL_OP_DEF_H
#define QNI_MIL_OP_DEF_H

#include "mil/ir.h"

// Opsets by the number in a program's "CoreML<n>" key.
enum {
    QNI_IOS15 = 5,
    QNI_IOS16 = 6,
    QNI_IOS17 = 7,
    QNI_IOS18 = 8,
    QNI_IOS26 = 9,
};

enum {                // qni_param.flags
    QNI_OPTIONAL = 1, // may be left out; then `fallback`, or nothing
    QNI_CONST = 2,    // must be known before the run
    QNI_VARIADIC = 4, // one or more values
    QNI_STATE = 8,    // takes a state, not a tensor
    QNI_WEIGHT = 16,  // must be known before the run, plain or compressed
};

// One parameter, as coremltools' input_spec and type_domains describe it.
typedef struct qni_param {
    const char *name;
    qni_dtype_set dtypes;
    unsigned flags;
    char domain; // parameters with the same letter have the same element type; 0: none
    const char
        *fallback; // a literal: "1e-05", "-1", "false", "\"same\"", "[0, 1]"; NULL: none. Its type
                   // is the first of float, int32, bool, string that it reads as and `dtypes` has;
                   // of the domain's type when another parameter fixes that
} qni_param;

// What inference works on: op's arguments are bound and checked against the parameters; it fills
// outs[i] types and, where it can follow them, `ints`. Values known before the run are the driver's
// work (it calls eval).
typedef struct qni_infer {
    qni_symbols *symbols;
    qni_arena *arena; // for `ints`
    qni_op *op;
    // per output what the file says, or NULL; for results that only it can tell
    const qni_type *const *declared;
    qn_error *err;
} qni_infer;

typedef qn_status qni_infer_fn(qni_infer *ctx);

// Lowering belongs to ops/lower.h.
typedef struct qni_lower qni_lower;
typedef qn_status qni_lower_fn(qni_lower *lower, const qni_op *op);

enum {                   // qni_op_def.traits
    QNI_ELEMENTWISE = 1, // out[i] depends on the inputs' elements at i (after broadcasting) alone
    QNI_VIEW = 2,        // the result is the input's memory seen another way
    QNI_STATEFUL = 4,    // reads or writes a state: keeps its place among such operations
    QNI_RANDOM = 8,      // a result of its own at each run
    QNI_CONSTEXPR = 16,  // decompresses a constant; never folded
    QNI_EFFECT = 64,     // changes a state: stays although nobody reads its result
    QNI_NO_FOLD = 32,    // not evaluated before the run even when all arguments are known
};

struct qni_op_def {
    const char *name;   // MIL's spelling
    int32_t opset;      // the first that has this version
    const char *family; // coremltools' module
    const qni_param *params;
    size_t n_params;
    int32_t n_outs; // -1: as many as the program says
    unsigned traits;
    qni_infer_fn *infer;
    qni_eval_fn *eval;
    qni_lower_fn *lower;      // NULL: run `eval`
    const char *const *cases; // ends in NULL; see ops/cases.h
};

// All operations, in the order of ops.def.
typedef struct qni_op_table {
    const qni_op_def *const *defs;
    size_t n;
} qni_op_table;

// The newest version of `name` that is not newer than `opset`; NULL when there is none.
const qni_op_def *qni_op_find(const qni_op_table *table, const char *name, int32_t opset);

// "iOS17" for 7.
const char *qni_opset_name(int32_t opset);

#endif
