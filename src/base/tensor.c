#include "base/tensor.h"

#include "base/half.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

qni_tensor qni_tensor_make(qni_dtype dtype, int32_t rank, const int64_t *dims, void *data)
{
    qni_tensor t = {.data = data, .dtype = dtype, .rank = rank};
    int64_t stride = 1;
    for (int32_t i = rank - 1; i >= 0; i--) {
        t.dims[i] = dims[i];
        t.strides[i] = stride;
        stride *= dims[i];
    }
    return t;
}

int64_t qni_tensor_count(const qni_tensor *t)
{
    int64_t count = 1;
    for (int32_t i = 0; i < t->rank; i++) {
        count *= t->dims[i];
    }
    return count;
}

bool qni_tensor_is_contiguous(const qni_tensor *t)
{
    if (qni_tensor_count(t) == 0) {
        return true;
    }
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        if (t->dims[i] != 1 && t->strides[i] != stride) {
            return false;
        }
        stride *= t->dims[i];
    }
    return true;
}

bool qni_tensor_same_shape(const qni_tensor *a, const qni_tensor *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

size_t qni_tensor_bytes(const qni_tensor *t)
{
    size_t bytes = 0;
    return qni_dtype_bytes(t->dtype, qni_tensor_count(t), &bytes) ? bytes : SIZE_MAX;
}

qn_status qni_shape_check(qni_dtype dtype, int64_t rank, const int64_t *dims, const char *where,
                          qn_error *err)
{
    if (rank < 0 || rank > QNI_MAX_RANK) {
        return qni_fail(err, QN_INVALID_MODEL, where, "rank %lld is outside 0 to %d",
                        (long long)rank, QNI_MAX_RANK);
    }
    int64_t count = 1;
    bool too_large = false;
    for (int64_t i = 0; i < rank; i++) {
        if (dims[i] < 0) {
            return qni_fail(err, QN_INVALID_MODEL, where, "dimension %lld is negative: %lld",
                            (long long)i, (long long)dims[i]);
        }
        // A zero does not make the other dimensions' product, which strides are made of, harmless.
        too_large |= __builtin_mul_overflow(count, dims[i] != 0 ? dims[i] : 1, &count);
    }
    size_t bytes;
    if (too_large || !qni_dtype_bytes(dtype, count, &bytes) || bytes > QNI_MAX_TENSOR_BYTES) {
        return qni_fail(err, QN_LIMIT_EXCEEDED, where, "a tensor of more than %zu bytes",
                        QNI_MAX_TENSOR_BYTES);
    }
    return QN_OK;
}

const char *qni_tensor_describe(const qni_tensor *t, char *text, size_t size)
{
    int n = snprintf(text, size, "%s[", qni_dtype_name(t->dtype));
    for (int32_t i = 0; i < t->rank && n >= 0 && (size_t)n < size; i++) {
        n += snprintf(text + n, size - (size_t)n, "%s%lld", i != 0 ? ", " : "",
                      (long long)t->dims[i]);
    }
    if (n >= 0 && (size_t)n < size) {
        snprintf(text + n, size - (size_t)n, "]");
    }
    return text;
}

int64_t qni_tensor_offset(const qni_tensor *t, int64_t index)
{
    int64_t offset = 0;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        offset += index % t->dims[i] * t->strides[i];
        index /= t->dims[i];
    }
    return offset;
}

int64_t qni_packed_get(const void *data, qni_dtype dtype, int64_t index)
{
    const unsigned char *bytes = data;
    unsigned bits = qni_dtype_bits(dtype);
    if (bits < 8) {
        uint64_t at = (uint64_t)index * bits;
        unsigned shift = (unsigned)(at % 8);
        unsigned word = bytes[at / 8];
        if (shift + bits > 8) {
            word |= (unsigned)bytes[at / 8 + 1] << 8;
        }
        unsigned value = word >> shift & ((1u << bits) - 1);
        bool negative = dtype == QNI_I4 && (value & 8) != 0;
        return negative ? (int64_t)value - 16 : (int64_t)value;
    }
    switch (bits) {
    case 8: return qni_dtype_is_signed(dtype) ? ((const int8_t *)data)[index] : bytes[index];
    case 16:
        return qni_dtype_is_signed(dtype) ? ((const int16_t *)data)[index]
                                          : ((const uint16_t *)data)[index];
    case 32:
        return qni_dtype_is_signed(dtype) ? ((const int32_t *)data)[index]
                                          : (int64_t)((const uint32_t *)data)[index];
    default: return ((const int64_t *)data)[index];
    }
}

void qni_packed_set(void *data, qni_dtype dtype, int64_t index, int64_t value)
{
    unsigned char *bytes = data;
    unsigned bits = qni_dtype_bits(dtype);
    if (bits < 8) {
        uint64_t at = (uint64_t)index * bits;
        unsigned shift = (unsigned)(at % 8);
        unsigned mask = ((1u << bits) - 1) << shift;
        unsigned word = (unsigned)(uint64_t)value << shift & mask;
        bytes[at / 8] = (unsigned char)((bytes[at / 8] & ~mask) | (word & 0xFF));
        if (mask > 0xFF) {
            bytes[at / 8 + 1] = (unsigned char)((bytes[at / 8 + 1] & ~(mask >> 8)) | word >> 8);
        }
        return;
    }
    switch (bits) {
    case 8: bytes[index] = (unsigned char)value; return;
    case 16: ((uint16_t *)data)[index] = (uint16_t)value; return;
    case 32: ((uint32_t *)data)[index] = (uint32_t)value; return;
    default: ((int64_t *)data)[index] = value; return;
    }
}

double qni_tensor_get(const qni_tensor *t, int64_t index)
{
    int64_t at = qni_tensor_offset(t, index);
    if (t->dtype == QNI_F16) {
        return (double)qni_f16_to_f32(((const uint16_t *)t->data)[at]);
    }
    if (t->dtype == QNI_BF16) {
        return (double)qni_bf16_to_f32(((const uint16_t *)t->data)[at]);
    }
    if (t->dtype == QNI_F32) {
        return (double)((const float *)t->data)[at];
    }
    if (t->dtype == QNI_F64) {
        return ((const double *)t->data)[at];
    }
    if (t->dtype == QNI_U64) {
        return (double)((const uint64_t *)t->data)[at];
    }
    return (double)qni_packed_get(t->data, t->dtype, at);
}

int64_t qni_tensor_get_int(const qni_tensor *t, int64_t index)
{
    if (!qni_dtype_is_float(t->dtype)) {
        return qni_packed_get(t->data, t->dtype, qni_tensor_offset(t, index));
    }
    double x = qni_tensor_get(t, index);
    if (x != x) {
        return 0;
    }
    if (x >= 0x1p63) {
        return INT64_MAX;
    }
    return x <= -0x1p63 ? INT64_MIN : (int64_t)x;
}

// Through fp32 a double could round twice; going by the odd-rounding rule keeps the one rounding
// right.
static float narrow_once(double value)
{
    float x = (float)value;
    double back = (double)x;
    if (back == value || value != value || isinf(x)) {
        return x;
    }
    uint32_t bits = qni_f32_bits(x);
    if ((bits & 1) == 0) {
        bool step_down = (back > value) == (value > 0);
        bits = step_down ? bits - 1 : bits + 1;
    }
    return qni_f32_from_bits(bits);
}

void qni_tensor_set(const qni_tensor *t, int64_t index, double value)
{
    int64_t at = qni_tensor_offset(t, index);
    if (t->dtype == QNI_F16) {
        ((uint16_t *)t->data)[at] = qni_f32_to_f16(narrow_once(value));
    } else if (t->dtype == QNI_BF16) {
        ((uint16_t *)t->data)[at] = qni_f32_to_bf16(narrow_once(value));
    } else if (t->dtype == QNI_F32) {
        ((float *)t->data)[at] = (float)value;
    } else if (t->dtype == QNI_F64) {
        ((double *)t->data)[at] = value;
    } else if (t->dtype == QNI_BOOL) {
        ((uint8_t *)t->data)[at] = value != 0;
    } else if (t->dtype == QNI_U64 && value >= 0x1p63) {
        ((uint64_t *)t->data)[at] = value >= 0x1p64 ? UINT64_MAX : (uint64_t)value;
    } else {
        double rounded = nearbyint(value);
        int64_t integer = rounded != rounded   ? 0
                          : rounded >= 0x1p63  ? INT64_MAX
                          : rounded <= -0x1p63 ? INT64_MIN
                                               : (int64_t)rounded;
        qni_packed_set(t->data, t->dtype, at, integer);
    }
}

void qni_tensor_set_int(const qni_tensor *t, int64_t index, int64_t value)
{
    if (qni_dtype_is_float(t->dtype)) {
        qni_tensor_set(t, index, (double)value);
        return;
    }
    if (t->dtype == QNI_BOOL) {
        value = value != 0;
    }
    qni_packed_set(t->data, t->dtype, qni_tensor_offset(t, index), value);
}

// Copies the innermost dimension in one run where both sides are dense there.
static void copy_level(const qni_tensor *to, const qni_tensor *from, int32_t axis, char *dst,
                       const char *src, size_t size)
{
    if (axis == to->rank) {
        memcpy(dst, src, size);
        return;
    }
    int64_t n = to->dims[axis];
    bool dense = axis == to->rank - 1 && to->strides[axis] == 1 && from->strides[axis] == 1;
    if (dense) {
        memcpy(dst, src, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        copy_level(to, from, axis + 1, dst + i * to->strides[axis] * (int64_t)size,
                   src + i * from->strides[axis] * (int64_t)size, size);
    }
}

void qni_tensor_copy(const qni_tensor *to, const qni_tensor *from)
{
    if (qni_tensor_count(to) == 0) {
        return;
    }
    if (qni_tensor_is_contiguous(to) && qni_tensor_is_contiguous(from)) {
        memcpy(to->data, from->data, qni_tensor_bytes(to));
        return;
    }
    copy_level(to, from, 0, to->data, from->data, qni_dtype_bits(to->dtype) / 8);
}

// The pairs that large tensors at the borders have; everything else goes element by element.
static bool convert_fast(const qni_tensor *to, const qni_tensor *from, int64_t n)
{
    if (!qni_tensor_is_contiguous(to) || !qni_tensor_is_contiguous(from)) {
        return false;
    }
    if (to->dtype == QNI_F32 && from->dtype == QNI_F16) {
        for (int64_t i = 0; i < n; i++) {
            ((float *)to->data)[i] = qni_f16_to_f32(((const uint16_t *)from->data)[i]);
        }
        return true;
    }
    if (to->dtype == QNI_F16 && from->dtype == QNI_F32) {
        for (int64_t i = 0; i < n; i++) {
            ((uint16_t *)to->data)[i] = qni_f32_to_f16(((const float *)from->data)[i]);
        }
        return true;
    }
    return false;
}

void qni_tensor_convert(const qni_tensor *to, const qni_tensor *from)
{
    int64_t n = qni_tensor_count(to);
    if (to->dtype == from->dtype) {
        qni_tensor_copy(to, from);
        return;
    }
    if (convert_fast(to, from, n)) {
        return;
    }
    bool as_number = qni_dtype_is_float(to->dtype) || to->dtype == QNI_BOOL;
    for (int64_t i = 0; i < n; i++) {
        if (as_number) {
            qni_tensor_set(to, i, qni_tensor_get(from, i));
        } else {
            qni_tensor_set_int(to, i, qni_tensor_get_int(from, i));
        }
    }
}
