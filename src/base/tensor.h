// A view of typed elements somewhere in memory. Plain data: it owns nothing.
#ifndef QNI_BASE_TENSOR_H
#define QNI_BASE_TENSOR_H

#include "base/dtype.h"
#include "base/error.h"
#include "base/limits.h"

// Strides count elements and may be zero (a broadcast) or negative (a reversal). Rank 0 is one
// element. Types below 8 bits are contiguous always. A string tensor's data is `const char **`.
typedef struct qni_tensor {
    void *data;
    qni_dtype dtype;
    int32_t rank;
    int64_t dims[QNI_MAX_RANK];
    int64_t strides[QNI_MAX_RANK];
} qni_tensor;

// A contiguous, row-major view. Dimensions are not negative. `dims` may be NULL for rank 0.
qni_tensor qni_tensor_make(qni_dtype dtype, int32_t rank, const int64_t *dims, void *data);

int64_t qni_tensor_count(const qni_tensor *t);      // elements; 1 for rank 0
bool qni_tensor_is_contiguous(const qni_tensor *t); // row-major without gaps
bool qni_tensor_same_shape(const qni_tensor *a, const qni_tensor *b);
size_t qni_tensor_bytes(const qni_tensor *t); // packed size of its elements

// Checks a shape that a file gives: rank, no negative dimension, size below QNI_MAX_TENSOR_BYTES.
QNI_WARN_UNUSED qn_status qni_shape_check(qni_dtype dtype, int64_t rank, const int64_t *dims,
                                          const char *where, qn_error *err);

// "fp16[1, 4, 2048, 32]"; returns `text`.
const char *qni_tensor_describe(const qni_tensor *t, char *text, size_t size);

// One element as a number, by its linear row-major index (strides are followed). Slow; for small
// tensors and references. Integers beyond 2^53 lose digits in the float forms; set rounds to
// nearest even and set_int wraps.
double qni_tensor_get(const qni_tensor *t, int64_t index);
void qni_tensor_set(const qni_tensor *t, int64_t index, double value);
int64_t qni_tensor_get_int(const qni_tensor *t, int64_t index); // floats are cut toward zero
void qni_tensor_set_int(const qni_tensor *t, int64_t index, int64_t value);

// Where that element is, in elements from `data`.
int64_t qni_tensor_offset(const qni_tensor *t, int64_t index);

// Element-wise copy between views of one shape and one type. The views do not overlap.
void qni_tensor_copy(const qni_tensor *to, const qni_tensor *from);

// The same between element types, number to number: floats are rounded to nearest even, and cut
// toward zero to become integers; all but zero becomes true. No strings.
void qni_tensor_convert(const qni_tensor *to, const qni_tensor *from);

// Packed elements of any integer type, by position: `data` as QNI_DTYPES describes.
int64_t qni_packed_get(const void *data, qni_dtype dtype, int64_t index);
void qni_packed_set(void *data, qni_dtype dtype, int64_t index, int64_t value);

#endif
