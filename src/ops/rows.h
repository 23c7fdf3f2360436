// Operations that work along rows: some axes of a tensor, brought last for the kernels norm and
// reduce.
#ifndef QNI_OPS_ROWS_H
#define QNI_OPS_ROWS_H

#include "kernels/norm/norm.h"
#include "kernels/reduce/reduce.h"
#include "ops/common.h"

// The order of dimensions with those in the set `axes` last, each group in its order.
void qni_axes_last(int32_t rank, uint32_t axes, int32_t *perm);

// Runs norm over tensors of one shape (out, in, and what the parameters say), rows along `axes`.
QNI_WARN_UNUSED qn_status qni_eval_norm(qni_eval *call, const qk_norm_params *params, uint32_t axes,
                                        const qni_tensor *views, size_t n);

// The same as a step. The views are plain and of one rank.
QNI_WARN_UNUSED qn_status qni_lower_norm(qni_lower *lower, const qk_norm_params *params,
                                         uint32_t axes, qni_view *views, size_t n);

#endif
