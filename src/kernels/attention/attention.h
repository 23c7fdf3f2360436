// attention: softmax(q . k * scale + mask) . v, as one operation: fp32 inside, one rounding at the
// end.
//
// views[0] out [b, h, g, m, dv], views[1] q [b, h, g, m, d], views[2] k [b, h, t, d], views[3] v
// [b, h, t, dv],
// views[4] mask [b, h, g, m, t] when params.has_mask. fp16 or fp32 each (mask also bool: false is
// left out); any
//   strides, 0 where broadcast. h are heads of keys, g the heads of queries that share one.
// A score is q . k in fp32, the components ascending, one fused multiply-add each, times scale,
// plus the mask. Weights
// are e^(score - largest), their sum in the order of kernels/simd/trailing.h; the values are added
// with t ascending,
// one fused multiply-add each, and divided by the sum at the end. Terms whose weight is 0 are left
// out, so
// a row that others extend with masked terms keeps its bits. A row that is masked whole gives
// zeros.
#ifndef QK_ATTENTION_H
#define QK_ATTENTION_H

#include "kernels/kernel.h"

typedef struct qk_attention_params {
    float scale;
    bool has_mask;
} qk_attention_params;

const qk_kernel *qk_attention_select(qni_cpu_flags cpu);

#define QK_KERNEL(isa) const qk_kernel *qk_attention__##isa(void);
#include "kernels/attention/kernels.def"
#undef QK_KERNEL

#endif
