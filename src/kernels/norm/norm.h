// norm: rows brought to a common scale, each as one operation: fp32 inside, one rounding at the
// end.
//
// views[0] out, views[1] in, then by op; all of the same dimensions (0 strides broadcast), fp16 or
// fp32; the last
//   params.n_axes dimensions are the row, in row-major order.
// LAYER    gamma, beta: (x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and variance of
// the row
//     L2       x / sqrt(sum x^2 + epsilon)
//     SOFTMAX  e^(x - max) / sum e^(x - max); a row of minus infinities gives zeros
// BATCH    mean, variance, gamma, beta: (x - mean) / sqrt(variance + epsilon) * gamma + beta, no
// sums
//   Views for gamma and beta are left out when params says there are none.
//   Sums in the order of kernels/simd/trailing.h.
#ifndef QK_NORM_H
#define QK_NORM_H

#include "kernels/kernel.h"

typedef enum qk_norm_op { QK_NORM_LAYER, QK_NORM_L2, QK_NORM_SOFTMAX, QK_NORM_BATCH } qk_norm_op;

typedef struct qk_norm_params {
    qk_norm_op op;
    int32_t n_axes;
    float epsilon;
    bool has_gamma, has_beta;
} qk_norm_params;

const qk_kernel *qk_norm_select(qni_cpu_flags cpu);

#define QK_KERNEL(isa) const qk_kernel *qk_norm__##isa(void);
#include "kernels/norm/kernels.def"
#undef QK_KERNEL

#endif
