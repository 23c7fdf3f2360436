// What a backend does, as a table of functions: src/cpu runs models with quince's own compiler and
// kernels, src/apple hands them to Core ML. Callers cannot tell them apart.
//
// A model is opened once, does not change, and may be used from any thread. A context runs one
// thing at a time; states are memory beside it, and any context of the model's functions may be
// given any state of the right kind.
#ifndef QNI_RUNNER_RUNNER_H
#define QNI_RUNNER_RUNNER_H

#include "base/buf.h"
#include "base/feature.h"

typedef struct qni_runner qni_runner;
typedef struct qni_runner_table qni_runner_table;

// How to open. All zero: the defaults.
typedef struct qni_runner_options {
    size_t n_threads;      // 0: as many as processors
    const char *precision; // NULL: "exact"
    // the highest kernel tier to use; NULL: QUINCE_CPU, else what the machine has
    const char *cpu;
} qni_runner_options;

// One function of a model. The arrays belong to the model.
typedef struct qni_signature {
    const char *name;
    const qni_feature *inputs, *outputs, *states;
    size_t n_inputs, n_outputs, n_states;
} qni_signature;

typedef struct qni_model_info {
    const char *path;
    int32_t specification_version;
    const char *default_function; // the name of one of `functions`
    const qni_signature *functions;
    size_t n_functions;
    const char *const *metadata; // key, value, key, value ..., NULL
    size_t weight_bytes;         // of the weight files
} qni_model_info;

// A dimension of an input that will differ from run to run: the first plan is made for all of its
// values already.
typedef struct qni_open_dim {
    size_t input;
    int32_t axis;
} qni_open_dim;

typedef struct qni_run_stats {
    size_t n_plans;      // in the function's cache
    uint64_t n_compiled; // plans made by this context so far
    uint64_t compile_us;
    size_t memory_bytes; // of this context: arenas, outputs, scratch
    size_t packed_bytes; // weights of the model in packed form
} qni_run_stats;

// What went wrong with numbers in the last run while watching.
typedef struct qni_overflow {
    const char *operation; // its name in the program
    const char *op;        // MIL's name of the operation
    uint64_t elements;     // results that are not finite though all inputs were
} qni_overflow;

typedef struct qni_profile_row {
    const char *operation;
    const char *op;
    const char *kernel; // "eval" for the reference
    uint64_t calls;
    uint64_t us;
} qni_profile_row;

typedef struct qni_run_context qni_run_context;
typedef struct qni_run_state qni_run_state;

// Sees the result of every operation that the compiled program still has, in order. A failure ends
// the run.
typedef qn_status qni_run_tap(void *user, const char *operation, const char *op,
                              const qni_tensor *results, size_t n_results, qn_error *err);

struct qni_runner_table {
    const char *name; // "cpu", "coreml"

    qn_status (*open)(const char *path, const qni_runner_options *options, qni_runner **out,
                      qn_error *err);
    void (*close)(qni_runner *runner); // after everything that was made of it; NULL is fine
    const qni_model_info *(*info)(const qni_runner *runner);

    // A context for one function by number. `open_dims` may be NULL.
    qn_status (*create_context)(qni_runner *runner, size_t function, const qni_open_dim *open_dims,
                                size_t n_open_dims, qni_run_context **out, qn_error *err);
    void (*free_context)(qni_run_context *context);

    // A state of the function's n_states features, all zero. Functions whose states have the same
    // names, types and shapes share it.
    qn_status (*create_state)(qni_runner *runner, size_t function, qni_run_state **out,
                              qn_error *err);
    void (*free_state)(qni_run_state *state);
    // the live memory; not while running
    qni_tensor (*state_tensor)(qni_run_state *state, size_t i);

    // Runs once. Inputs in the signature's order: any strides; the dtype of the feature, or another
    // number type, which is converted. A missing optional input has data NULL. `state` is NULL when
    // the function has none.
    qn_status (*run)(qni_run_context *context, const qni_tensor *inputs, qni_run_state *state,
                     qn_error *err);
    // Of the last run, contiguous; until the next run of the context.
    const qni_tensor *(*output)(const qni_run_context *context, size_t i);

    void (*set_watch)(qni_run_context *context, bool on);   // count overflows from the next run on
    void (*set_profile)(qni_run_context *context, bool on); // time the operations
    void (*set_tap)(qni_run_context *context, qni_run_tap *tap, void *user);
    // -> how many there are
    size_t (*overflows)(const qni_run_context *context, qni_overflow *rows, size_t capacity);
    size_t (*profile)(const qni_run_context *context, qni_profile_row *rows, size_t capacity);
    void (*stats)(const qni_run_context *context, qni_run_stats *out);
    // The text of the plan that the last run used, appended; "" for backends that have none.
    qn_status (*describe)(const qni_run_context *context, qni_buf *out, qn_error *err);
};

// Every runner begins with its table.
struct qni_runner {
    const qni_runner_table *table;
};

#endif
