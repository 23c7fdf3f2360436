// Reading a model: what its description says, and its functions as programs of the IR.
#ifndef QNI_SPEC_READ_H
#define QNI_SPEC_READ_H

#include "base/feature.h"
#include "mil/op_def.h"

// One function, with the features that its callers see. States are features of kind
// QNI_FEATURE_STATE.
typedef struct qni_model_function {
    const char *name;
    qni_function *function; // NULL when only the description was read
    const qni_feature *inputs, *outputs, *states;
    size_t n_inputs, n_outputs, n_states;
} qni_model_function;

// An operation that the program has and the table has not.
typedef struct qni_missing_op {
    const char *name;
    int32_t opset;
    size_t count;
} qni_missing_op;

typedef struct qni_model {
    qni_program *program; // owns the functions and all memory below
    int32_t specification_version;
    const char *default_function;
    const qni_model_function *functions; // the default one first
    size_t n_functions;
    const char *const *metadata; // key, value, key, value ..., NULL
    size_t weight_bytes;
    const qni_missing_op *missing; // when only the description was read
    size_t n_missing;
    size_t n_operations; // of all functions, constants not counted
} qni_model;

// Reads the package or .mlmodel at `path`. Errors name the file, field or operation.
// QN_UNSUPPORTED: a model of another type than mlProgram, or operations that `table` has not; the
// message names them.
QNI_WARN_UNUSED qn_status qni_model_read(const char *path, const qni_op_table *table,
                                         qni_model **out, qn_error *err);

// Reads what the model says of itself and which operations it has, not the functions themselves:
// `function` is NULL, and `missing` lists what `table` has not. For looking at models that cannot
// be run.
QNI_WARN_UNUSED qn_status qni_model_read_description(const char *path, const qni_op_table *table,
                                                     qni_model **out, qn_error *err);

void qni_model_free(qni_model *model); // NULL is fine

#endif
