// What the elementwise families share: how a function of one or two numbers is inferred, evaluated
// and lowered.
#ifndef QNI_OPS_ELEMENTWISE_H
#define QNI_OPS_ELEMENTWISE_H

#include "kernels/binary/binary.h"
#include "kernels/unary/unary.h"
#include "ops/common.h"

// Where a function of one number finds its parameters a and b; QNI_NO_PARAM: 0.
#define QNI_NO_PARAM ((size_t)-1)

// The result is like parameter 0.
QNI_WARN_UNUSED qn_status qni_infer_like_x(qni_infer *ctx);

QNI_WARN_UNUSED qn_status qni_eval_unary(qni_eval *call, qk_unary_op op, size_t a, size_t b);
QNI_WARN_UNUSED qn_status qni_lower_unary(qni_lower *lower, const qni_op *op, qk_unary_op function,
                                          size_t a, size_t b);

// Parameters 0 and 1, broadcast together. With `to_bool` the result is bool, else of their type.
QNI_WARN_UNUSED qn_status qni_infer_binary(qni_infer *ctx, bool to_bool);
QNI_WARN_UNUSED qn_status qni_eval_binary(qni_eval *call, qk_binary_op op);
QNI_WARN_UNUSED qn_status qni_lower_binary(qni_lower *lower, const qni_op *op,
                                           qk_binary_op function);

// Runs a kernel over tensors in the calling thread: how evaluations share the kernels' arithmetic.
void qni_run_kernel(const qk_kernel *kernel, const void *params, const qni_tensor *views, size_t n);

// A view of `t` broadcast to the dimensions of `shape`.
qni_tensor qni_tensor_broadcast(const qni_tensor *t, const qni_tensor *shape);

#endif
