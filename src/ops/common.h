// What operations of several families share.
#ifndef QNI_OPS_COMMON_H
#define QNI_OPS_COMMON_H

#include "mil/infer.h"
#include "ops/lower.h"
#include "ops/sets.h"

// Output 0 has the elements of parameter `p` in the same order: the numbers that inference follows
// go along.
void qni_carry_ints(qni_infer *ctx, size_t p);

// Copies the elements of the first argument to output 0 in row-major order: the evaluation of
// everything that only gives the same elements another shape.
QNI_WARN_UNUSED qn_status qni_eval_same_elements(qni_eval *call);

// Output 0 is the first argument's memory under the output's shape, or a dense copy of it.
QNI_WARN_UNUSED qn_status qni_lower_same_elements(qni_lower *lower, const qni_op *op);

// A view of part of `t` along axis d: `size` elements from `begin`, every step-th.
qni_tensor qni_tensor_slice(const qni_tensor *t, int32_t d, int64_t begin, int64_t size,
                            int64_t step);

// perm[i] is the dimension of `t` that becomes the i-th.
qni_tensor qni_tensor_permute(const qni_tensor *t, const int32_t *perm);

// A contiguous tensor's elements under other dimensions of the same count.
qni_tensor qni_tensor_reshape(const qni_tensor *t, int32_t rank, const int64_t *dims);

// The bytes of one element; 0 for those that are packed below a byte.
size_t qni_element_bytes(qni_dtype dtype);

// An axis of a run in [0, rank); the call's error names it otherwise.
QNI_WARN_UNUSED qn_status qni_eval_axis(const qni_eval *call, int64_t axis, int32_t rank,
                                        int32_t *out);

#endif
