// dot: products of matrices. out[m, n] = a[m, k] . w[n, k] (+ bias[n]), w a weight packed
// beforehand.
//
// views[0] out [m, n], views[1] a [m, k], views[2] bias [n] when params.has_bias. Last strides are
// 1. fp16 or fp32
//   each; params: qk_dot_params.
// A sum is fp32: k ascending from 0, one fused multiply-add a term, beginning at +0; the bias is
// added in fp32 at the
// end; one rounding. Outputs lie in the vector lanes, so one row gives the bits that it has among
// many.
//
// Packed weights: panels of 16 outputs, for each k the 16 weights side by side:
//
//   panel 0: [k = 0: w0 w1 ... w15] [k = 1: ...] ... | panel 1: ...
//
// kept in the form that they come in; a product unpacks them with the rounding of the type that the
// program declares.
#ifndef QK_DOT_H
#define QK_DOT_H

#include "kernels/kernel.h"

enum { QK_PANEL = 16 };

typedef enum qk_weight_format {
    QK_WEIGHT_F32,
    QK_WEIGHT_F16,
    QK_WEIGHT_I8,   // (code - zero) * scale; scale and zero of blocks along k
    QK_WEIGHT_I4,   // the same with codes of four bits, stored plus 8
    QK_WEIGHT_LUT4, // table[code], one table for a panel
} qk_weight_format;

typedef struct qk_weights {
    qk_weight_format format;
    bool round_f16; // each unpacked weight is rounded to fp16
    int64_t n, k;
    int64_t block_k; // I8, I4: k in one block
    size_t k_bytes;  // bytes of one k of a panel
    unsigned char *data;
    float *scale; // [panel][block][16]
    float *zero;  // the same, or NULL: all 0
    float *table; // LUT4: [panel][16]
    size_t bytes;
} qk_weights;

// A weight matrix to be packed. `data` is contiguous [n, k], or [k, n] when is_transposed.
typedef struct qk_weight_source {
    qni_dtype declared; // fp16 or fp32: what each weight is rounded to
    // fp16, fp32; with scale also int8, uint8, int4, uint4; with lut uint1 to uint8
    qni_tensor data;
    bool is_transposed;
    // [n / block_n, k / block_k] in data's order of dimensions; NULL: plain
    const qni_tensor *scale;
    const qni_tensor *offset; // like scale, or NULL
    const qni_tensor *lut;    // [groups of n, groups of k, entries, 1] in data's order, or NULL
} qk_weight_source;

// Packs into the most compact form that has the exact values; what fits none is unpacked to the
// declared type. Free it with qk_weights_free.
QNI_WARN_UNUSED qn_status qk_weights_pack(const qk_weight_source *source, qk_weights **out,
                                          qn_error *err);
void qk_weights_free(qk_weights *weights);

// Weight [i, j] of a source: what the operation that makes it evaluates to, before it is rounded to
// `declared`.
double qk_weight_at(const qk_weight_source *source, int64_t i, int64_t j);

typedef struct qk_dot_params {
    const qk_weights *weights;
    bool has_bias;
} qk_dot_params;

const qk_kernel *qk_dot_select(qni_cpu_flags cpu);

// matmul: out[..., m, n] = a[..., m, k] . b[..., k, n], both made during the run. fp16 or fp32; any
// strides, leading dimensions alike, with 0 strides where one is broadcast. The same sums. params:
// NULL.
const qk_kernel *qk_matmul_select(qni_cpu_flags cpu);

// rows: out[r, k] = row ids[r] of the weight: how embeddings are gathered from packed weights.
// views[0] out [r, k] of the declared type, views[1] ids [r], any integer type. params:
// qk_dot_params. Ids below 0
//   count from the end; what is out of range then gives zeros.
const qk_kernel *qk_rows_select(qni_cpu_flags cpu);

#define QK_KERNEL(isa)                       \
    const qk_kernel *qk_dot__##isa(void);    \
    const qk_kernel *qk_matmul__##isa(void); \
    const qk_kernel *qk_rows__##isa(void);
#include "kernels/dot/kernels.def"
#undef QK_KERNEL

#endif
