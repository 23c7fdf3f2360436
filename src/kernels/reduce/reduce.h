// reduce: one number of each row.
//
// views[0] out: fp16, fp32 or int32; for argmax and argmin an integer type. views[1] in: fp16, fp32
// or int32, whose
// first dimensions are those of out, and whose further ones are the row, in row-major order.
// params: qk_reduce_params.
// Floats: fp32 inside, one rounding; sums in the order of kernels/simd/trailing.h, products in
// ascending order.
// Integers: 64 bits inside, wrapped. argmax and argmin: the first of equals; NaN is never chosen
// while there is a
// number. An empty row gives 0 for sums, 1 for products, minus infinity for max, infinity for min
// (0 for integers).
#ifndef QK_REDUCE_H
#define QK_REDUCE_H

#include "kernels/kernel.h"

typedef enum qk_reduce_op {
    QK_REDUCE_SUM,
    QK_REDUCE_MEAN,
    QK_REDUCE_PROD,
    QK_REDUCE_MAX,
    QK_REDUCE_MIN,
    QK_REDUCE_L1_NORM,
    QK_REDUCE_L2_NORM,
    QK_REDUCE_SUM_SQUARE,
    QK_REDUCE_LOG_SUM,
    QK_REDUCE_LOG_SUM_EXP,
    QK_REDUCE_ARGMAX,
    QK_REDUCE_ARGMIN,
} qk_reduce_op;

typedef struct qk_reduce_params {
    qk_reduce_op op;
} qk_reduce_params;

const qk_kernel *qk_reduce_select(qni_cpu_flags cpu);

#define QK_KERNEL(isa) const qk_kernel *qk_reduce__##isa(void);
#include "kernels/reduce/kernels.def"
#undef QK_KERNEL

#endif
