// The intermediate representation: a program of functions of blocks of operations on typed values,
// in static single assignment form. A function is built in order, an operation after those whose
// values it reads; adding one binds, checks and infers it (mil/build.h), so whatever stands in a
// function is verified.
#ifndef QNI_MIL_IR_H
#define QNI_MIL_IR_H

#include "base/eval.h"
#include "base/file.h"
#include "mil/symbols.h"

typedef struct qni_op qni_op;
typedef struct qni_block qni_block;
typedef struct qni_function qni_function;
typedef struct qni_program qni_program;
typedef struct qni_op_def qni_op_def;

// The type of a value: a tensor, or a state that holds one. Lists, tuples and dictionaries of MIL
// are not represented; the reader names them as unsupported.
//
// The rank is unknown where a program makes a shape whose length the caller chooses. No inference
// runs on such a value: what is made of it is of unknown rank too. Binding the caller's shapes
// makes all ranks known, and only then is it compiled.
enum { QNI_RANK_UNKNOWN = -1 };
typedef struct qni_type {
    qni_dtype dtype;
    bool is_state;
    int32_t rank; // 0 for a scalar, or QNI_RANK_UNKNOWN
    qni_dim dims[QNI_MAX_RANK];
} qni_type;

// One value. It is what the name in a program's text stands for.
typedef struct qni_value {
    const char *name;
    qni_type type;
    // that makes it; NULL for inputs of functions and blocks, and for constants
    qni_op *op;
    uint32_t index;             // among the results of `op`, or among the inputs
    uint32_t id;                // dense within its function
    const qni_tensor *constant; // its contents when known before the run; contiguous, immutable
    // else, for an integer tensor of up to QNI_MAX_TRACKED_INTS elements: the elements as
    // dimensions, when inference could follow them
    const qni_dim *ints;
} qni_value;

// One operation. `params` has one span for each parameter of `def`, over `args`.
struct qni_op {
    const qni_op_def *def;
    const char *name; // unique in its function; for messages
    qni_block *block;
    qni_span *params;
    qni_value **args;
    uint32_t n_args;
    uint32_t n_outs;
    qni_value **outs;
    qni_block **blocks; // nested: the branches of cond, the parts of while_loop
    uint32_t n_blocks;
    uint32_t group; // 0, or the fused group that a pass of the compiler put it in
};

struct qni_block {
    qni_function *function;
    qni_block *outer; // NULL for a function's own
    qni_value **inputs;
    uint32_t n_inputs;
    qni_op **ops;
    uint32_t n_ops, op_capacity;
    qni_value **outputs;
    uint32_t n_outputs;
};

struct qni_function {
    qni_program *program;
    const char *name;
    int32_t opset;   // 5 (iOS15) to 9 (iOS26), as in "CoreML7"
    qni_block *body; // its inputs are the function's; states are inputs whose type says so
    qni_symbols symbols;
    qni_value **values; // by id
    uint32_t n_values, value_capacity;
    uint32_t n_ops; // over all blocks
};

// Owns all of the above, and shares the mappings that constants point into.
struct qni_program {
    qni_arena arena;
    qni_function **functions;
    uint32_t n_functions, function_capacity;
    qni_map **maps;
    uint32_t n_maps, map_capacity;
};

// The value given for parameter `p`, or the i-th of a variadic one; NULL when there is none and no
// default.
static inline qni_value *qni_arg(const qni_op *op, size_t p)
{
    return op->params[p].count != 0 ? op->args[op->params[p].first] : NULL;
}

static inline qni_value *qni_arg_at(const qni_op *op, size_t p, size_t i)
{
    return op->args[op->params[p].first + i];
}

static inline size_t qni_arg_count(const qni_op *op, size_t p)
{
    return op->params[p].count;
}

// The elements of the type as a dimension (1 for rank 0), and whether all dimensions are constants.
qni_dim qni_type_count(qni_symbols *symbols, const qni_type *type);
bool qni_type_is_static(const qni_type *type);

// "fp16[1, end, 64]", "state fp16[4, 8]"; returns `text`.
const char *qni_type_describe(const qni_symbols *symbols, const qni_type *type, char *text,
                              size_t size);

// How many integers of an integer value are known, constant or as dimensions: its element count, or
// -1 when they are not known. And the i-th of them.
int64_t qni_value_n_ints(const qni_value *value);
qni_dim qni_value_int(const qni_value *value, int64_t i);

#endif
