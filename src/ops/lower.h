// How an operation becomes steps of a plan. A `lower` function finds out where its inputs lie, asks
// for memory for its outputs or says that they are views of the inputs, and adds steps. src/compile
// drives it and implements this header.
//
// Every function fails with a status and the lowering's error filled in; forward it with QNI_TRY.
#ifndef QNI_OPS_LOWER_H
#define QNI_OPS_LOWER_H

#include "kernels/kernel.h"
#include "mil/op_def.h"
#include "ops/view.h"

struct qni_lower {
    // of the function that is compiled; inputs are constants or run-time registers
    qni_symbols *symbols;
    qni_arena *arena; // for params; lives as long as the plan
    qni_cpu_flags cpu;
    qn_error *err;
    struct qni_compile *compile; // the driver's own
};

// Where a value lies, factored or not. Constants get a buffer over their own memory.
QNI_WARN_UNUSED qn_status qni_lower_view(qni_lower *lower, const qni_value *value, qni_view *out);

// The same as a plain strided view (each dimension one size and stride), copied first where it has
// to be; and as a dense one.
QNI_WARN_UNUSED qn_status qni_lower_plain(qni_lower *lower, const qni_value *value, qni_view *out);
QNI_WARN_UNUSED qn_status qni_lower_dense(qni_lower *lower, const qni_value *value, qni_view *out);

// New dense memory for an output, written by the steps that follow.
QNI_WARN_UNUSED qn_status qni_lower_output(qni_lower *lower, const qni_value *value, qni_view *out);

// The output is this view of something that exists: no step.
QNI_WARN_UNUSED qn_status qni_lower_bind(qni_lower *lower, const qni_value *value,
                                         const qni_view *view);

// New dense memory that is no value's, for between steps.
QNI_WARN_UNUSED qn_status qni_lower_temporary(qni_lower *lower, qni_dtype dtype, int32_t rank,
                                              const qni_dim *dims, qni_view *out);

// Adds a step. Views as the kernel's header orders them (n_outs outputs, then inputs), plain: each
// becomes a qni_tensor at run time. `params` must live as long as the plan: from lower->arena.
QNI_WARN_UNUSED qn_status qni_lower_step(qni_lower *lower, const qk_kernel *kernel,
                                         const void *params, const qni_view *views, size_t n_views,
                                         size_t n_outs);

// An elementwise step over views of one logical shape that may be factored: they are split alike
// and given to the kernel with the dimensions that result, neighbours joined where all of them
// allow it.
QNI_WARN_UNUSED qn_status qni_lower_elementwise(qni_lower *lower, const qk_kernel *kernel,
                                                const void *params, const qni_view *views,
                                                size_t n_views, size_t n_outs);

// Copies `from` to `to` (one logical shape and type), each factored or not.
QNI_WARN_UNUSED qn_status qni_lower_copy(qni_lower *lower, const qni_view *to,
                                         const qni_view *from);

// The step that runs the operation's reference evaluation: what happens to every operation without
// a `lower`, and what a `lower` calls for the element types or attributes that it does not take.
QNI_WARN_UNUSED qn_status qni_lower_eval(qni_lower *lower, const qni_op *op);

// Whether the operation may write its result over argument `p`: nobody reads that value, or
// anything that shares its memory, after the operation. Of a state also that the result is what the
// next operation on the state writes there; other values that look into the state are then saved
// first. When true, bind the output to the argument's view.
bool qni_lower_may_overwrite(qni_lower *lower, const qni_op *op, size_t p);

// The state takes the contents of `data`: nothing to do when an update in place put them there,
// else a copy. Whatever is still to be read of the state's old contents is saved first.
QNI_WARN_UNUSED qn_status qni_lower_write_state(qni_lower *lower, const qni_value *state,
                                                const qni_value *data);

// The packed form of a weight matrix, made once a model and shared by its plans: `key` is the
// address of the data that it is made of, `format` what it is made into. The cache frees it with
// `free_packed`.
typedef struct qni_pack {
    const void *key;
    const char *format;
    qn_status (*pack)(void *context, void **packed, size_t *bytes, qn_error *err);
    void *context;
    void (*free_packed)(void *packed);
} qni_pack;
QNI_WARN_UNUSED qn_status qni_lower_packed(qni_lower *lower, const qni_pack *pack,
                                           const void **out);

#endif
