// quince/tensor.h: tensors at the border of the library.
#ifndef QUINCE_TENSOR_H
#define QUINCE_TENSOR_H

#include "quince/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { QN_MAX_RANK = 8 };

// Element types. The values are part of the ABI.
typedef enum qn_dtype {
    QN_DTYPE_NONE = 0,
    QN_DTYPE_BOOL = 1, // one byte, 0 or 1
    QN_DTYPE_F16 = 2,
    QN_DTYPE_F32 = 3,
    QN_DTYPE_F64 = 4,
    QN_DTYPE_I8 = 5,
    QN_DTYPE_I16 = 6,
    QN_DTYPE_I32 = 7,
    QN_DTYPE_I64 = 8,
    QN_DTYPE_U8 = 9,
    QN_DTYPE_U16 = 10,
    QN_DTYPE_U32 = 11,
    QN_DTYPE_U64 = 12,
    QN_DTYPE_BF16 = 13
} qn_dtype;

// A view of elements: it owns nothing. Strides count elements (not bytes) and may be 0 or negative
// where a function takes a tensor; tensors that functions give are contiguous, the last dimension
// fastest.
typedef struct qn_tensor {
    void *data;
    qn_dtype dtype;
    int32_t rank; // 0: a scalar
    int64_t dims[QN_MAX_RANK];
    int64_t strides[QN_MAX_RANK];
} qn_tensor;

// A contiguous view. `dims` has `rank` entries.
QN_API qn_tensor qn_tensor_make(qn_dtype dtype, int32_t rank, const int64_t *dims, void *data);

// Elements of the tensor, and bytes of one element (0 for QN_DTYPE_NONE).
QN_API int64_t qn_tensor_count(const qn_tensor *tensor);
QN_API size_t qn_dtype_bytes(qn_dtype dtype);

// MIL's name, such as "fp16" or "int32"; and back (QN_DTYPE_NONE when unknown).
QN_API const char *qn_dtype_name(qn_dtype dtype);
QN_API qn_dtype qn_dtype_from_name(const char *name);

#ifdef __cplusplus
}
#endif
#endif
