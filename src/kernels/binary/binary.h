// binary: a function of two numbers, element by element.
//
// views[0] out, views[1] x, views[2] y: same dimensions, rank 0 to QNI_MAX_RANK, any strides, 0
// where one is
//   broadcast; x and y of one element type; out of that type, or bool for comparisons and logic.
//   out may be x or y. params: qk_binary_params.
// Floats are computed in fp32 and rounded once. Integers wrap; a division by zero gives 0,
// floor_div and mod round
//   toward minus infinity as Python does.
#ifndef QK_BINARY_H
#define QK_BINARY_H

#include "kernels/kernel.h"

#define QK_BINARY_FUNCTIONS(X)                                                                 \
    X(add)                                                                                     \
    X(sub)                                                                                     \
    X(mul)                                                                                     \
    X(real_div) X(floor_div) X(mod) X(maximum) X(minimum) X(pow) X(equal) X(not_equal) X(less) \
        X(less_equal) X(greater) X(greater_equal) X(logical_and) X(logical_or) X(logical_xor)  \
            X(prelu) X(first)

typedef enum qk_binary_op {
#define QK_BINARY_ENUM(name) QK_BINARY_##name,
    QK_BINARY_FUNCTIONS(QK_BINARY_ENUM)
#undef QK_BINARY_ENUM
        QK_N_BINARY
} qk_binary_op;

typedef struct qk_binary_params {
    qk_binary_op op;
} qk_binary_params;

const qk_kernel *qk_binary_select(qni_cpu_flags cpu);

#define QK_KERNEL(isa) const qk_kernel *qk_binary__##isa(void);
#include "kernels/binary/kernels.def"
#undef QK_KERNEL

#endif
