// unary: a function of one number, element by element.
//
//   views[0] out, views[1] in: same dimensions, rank 0 to QNI_MAX_RANK, any strides; in may be out.
// Element types: fp16, fp32 and bool for every function, the same or another on each side; for the
// integers
//   of 8 to 32 bits, alike on both sides: abs, sign, square, threshold, clip, relu.
//   params: qk_unary_params. Computed in fp32, rounded once; integers wrap.
#ifndef QK_UNARY_H
#define QK_UNARY_H

#include "kernels/kernel.h"
#include "kernels/unary/functions.h"

typedef enum qk_unary_op {
#define QK_UNARY_ENUM(name) QK_UNARY_##name,
    QK_UNARY_FUNCTIONS(QK_UNARY_ENUM)
#undef QK_UNARY_ENUM
        QK_N_UNARY
} qk_unary_op;

typedef struct qk_unary_params {
    qk_unary_op op;
    float a, b;
} qk_unary_params;

const qk_kernel *qk_unary_select(qni_cpu_flags cpu);

// cast: numbers to another element type. Floats round to nearest even; a float becomes an integer
// by dropping the fraction, and the ends of the type's range stand for what lies outside; an
// integer in a smaller type wraps; anything but zero is true. views as above, params NULL.
const qk_kernel *qk_cast_select(qni_cpu_flags cpu);

#define QK_KERNEL(isa) const qk_kernel *qk_unary__##isa(void);
#include "kernels/unary/kernels.def"
#undef QK_KERNEL

#endif
