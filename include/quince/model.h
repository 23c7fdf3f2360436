// quince/model.h: opening a Core ML model and running its functions.
//
//     qn_error err;
//     qn_model *model;
//     if (qn_model_open("model.mlpackage", NULL, &model, &err) != QN_OK) { puts(err.message); ... }
//     qn_context *context;
//     qn_context_create(model, NULL, &context, &err);
//     qn_context_set_input(context, "x", &x, &err);
//     qn_context_run(context, NULL, &err);
//     const qn_tensor *y = qn_context_output(context, "y");
//
// A model does not change and is shared by threads. A context runs one prediction at a time; make
// one for each thread. States are memory beside contexts: what a language model calls its KV cache.
#ifndef QUINCE_MODEL_H
#define QUINCE_MODEL_H

#include "quince/tensor.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_model qn_model;
typedef struct qn_context qn_context;
typedef struct qn_state qn_state;

// How to open a model. Zero-initialize; every zero means the default.
typedef struct qn_model_options {
    size_t n_threads; // 0: as many as processors that this process may use
    const char
        *precision;  // "exact" (the default); "fast" is accepted and runs exact until it exists
    const char *cpu; // highest kernel tier: "ref", "x86_avx2", "x86_avx512"; NULL: $QUINCE_CPU,
                     // else the best
} qn_model_options;

// Opens a `.mlpackage` folder or a `.mlmodel` file. Reads and verifies the whole program; compiles
// when shapes are known, at the first run. `options` may be NULL. Close it after all contexts and
// states made of it. QN_INVALID_MODEL: broken; QN_UNSUPPORTED: something in it that quince does not
// do, named in the message; QN_IO.
QN_API qn_status qn_model_open(const char *path, const qn_model_options *options, qn_model **out,
                               qn_error *err);
QN_API void qn_model_close(qn_model *model); // NULL is fine

// The description of the model as JSON text (functions, features, states, operations, weights,
// metadata), also for models with operations that quince cannot run; these are listed. Free it with
// qn_free.
QN_API qn_status qn_model_describe(const char *path, char **json, qn_error *err);
QN_API void qn_free(void *memory);

// The operations that quince runs, as a JSON array in the table's order: {"name", "opset": the
// first that has this version, "family", "compiled": false where it runs by reference evaluation,
// "parameters": [{"name", "types", "optional", "constant", "variadic", "default": a literal or
// null}]}. Free it with qn_free.
QN_API qn_status qn_describe_operations(char **json, qn_error *err);

// One feature. Strings and arrays live as long as the model.
typedef struct qn_feature {
    const char *name;
    const char *kind; // "multiArrayType", "doubleType", "int64Type", "stateType" ...
    qn_dtype dtype;
    int32_t rank;
    int64_t shape[QN_MAX_RANK]; // the default shape
    bool is_flexible;           // other shapes are allowed too
    bool is_optional;
} qn_feature;

// Functions of the model, by number; "main" or the model's default is number 0. Names: NULL past
// the end.
QN_API size_t qn_model_n_functions(const qn_model *model);
QN_API const char *qn_model_function_name(const qn_model *model, size_t function);

// Features of a function by number. False past the end.
QN_API bool qn_model_input(const qn_model *model, size_t function, size_t i, qn_feature *out);
QN_API bool qn_model_output(const qn_model *model, size_t function, size_t i, qn_feature *out);
QN_API bool qn_model_state(const qn_model *model, size_t function, size_t i, qn_feature *out);

// A context for one function; NULL: the default function. QN_INVALID_ARGUMENT lists the functions
// there are.
QN_API qn_status qn_context_create(qn_model *model, const char *function, qn_context **out,
                                   qn_error *err);
QN_API void qn_context_free(qn_context *context); // NULL is fine

// States of the function, all zero at first. A state made of one function may be used with others
// that declare the same states.
QN_API qn_status qn_state_create(qn_model *model, const char *function, qn_state **out,
                                 qn_error *err);
QN_API void qn_state_free(qn_state *state); // NULL is fine

// Copies a state's contents out of and into its memory; dtypes are converted. Not while a context
// runs with it.
QN_API qn_status qn_state_read(qn_state *state, const char *name, qn_tensor *to, qn_error *err);
QN_API qn_status qn_state_write(qn_state *state, const char *name, const qn_tensor *from,
                                qn_error *err);

// Gives an input by name for the runs that follow. The view is kept, not the data: it must stay
// valid until the run. Another dtype than the feature's is converted when the run starts.
// QN_INVALID_ARGUMENT names shapes and what is allowed.
QN_API qn_status qn_context_set_input(qn_context *context, const char *name,
                                      const qn_tensor *tensor, qn_error *err);
QN_API void qn_context_clear_inputs(qn_context *context);

// Runs once. `state` is NULL exactly when the function has none.
QN_API qn_status qn_context_run(qn_context *context, qn_state *state, qn_error *err);

// An output of the last run, valid until the next; NULL when there is none of that name or no run
// yet.
QN_API const qn_tensor *qn_context_output(const qn_context *context, const char *name);

// Watching counts results that are infinite or not a number although all inputs of their operation
// were finite, by operation: where an fp16 program overflows; watching anew counts from zero.
// Profiling times operations. Both cost time; off at first.
typedef struct qn_overflow {
    const char *operation; // its name in the program
    const char *op;        // MIL's name of it
    uint64_t elements;
} qn_overflow;
QN_API void qn_context_watch(qn_context *context, bool on);
// Fills up to `capacity` rows about the runs since watching began; returns how many there are.
QN_API size_t qn_context_overflows(const qn_context *context, qn_overflow *rows, size_t capacity);

typedef struct qn_profile_row {
    const char *operation;
    const char *op;
    const char *kernel; // "eval": the reference evaluation
    uint64_t calls;
    uint64_t us;
} qn_profile_row;
QN_API void qn_context_profile(qn_context *context, bool on);
QN_API size_t qn_context_profile_rows(const qn_context *context, qn_profile_row *rows,
                                      size_t capacity);

// Called with the results of each operation that the compiled program still has, in order, in the
// thread that runs. The elements are in the operation's order; dimensions may be merged as the
// compiler merged them: [2, 3] may come as [6]. A status other than QN_OK ends the run with it.
// NULL: none.
typedef qn_status qn_tap(void *user, const char *operation, const char *op,
                         const qn_tensor *results, size_t n_results);
QN_API void qn_context_set_tap(qn_context *context, qn_tap *tap, void *user);

typedef struct qn_context_stats {
    size_t n_plans;
    uint64_t n_compiled;
    uint64_t compile_us;
    size_t memory_bytes; // of this context
    size_t packed_bytes; // weights in packed form, of the model
} qn_context_stats;
QN_API void qn_context_get_stats(const qn_context *context, qn_context_stats *out);

// The text of the plan that the last run used. Free it with qn_free.
QN_API qn_status qn_context_plan(const qn_context *context, char **text, qn_error *err);

#ifdef __cplusplus
}
#endif
#endif
