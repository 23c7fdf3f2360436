// Rows that are made of several dimensions: the last ones of a view, gathered into a block of
// floats. And sums along a row in the one order that DESIGN fixes: sixteen virtual lanes by index
// modulo sixteen, then a fixed tree.
#ifndef QK_SIMD_TRAILING_H
#define QK_SIMD_TRAILING_H

#include "kernels/kernel.h"
#include "kernels/simd/block.h"

enum { QK_LANES = 16 };

// A walk over the elements of a row, which has the dimensions [first, rank) of a view.
typedef struct qk_trailing {
    const qni_tensor *t;
    int32_t first;
    const char *row;          // address of the row's element 0
    int64_t at[QNI_MAX_RANK]; // the outer indices of what comes next
    int64_t inner;            // index in the last dimension
} qk_trailing;

static inline int64_t qk_product(const qni_tensor *t, int32_t begin, int32_t end)
{
    int64_t n = 1;
    for (int32_t d = begin; d < end; d++) {
        n *= t->dims[d];
    }
    return n;
}

// The row number `row` of a view whose last dimensions from `first` on are the row.
static inline qk_trailing qk_trailing_begin(const qni_tensor *t, int32_t first, int64_t row)
{
    qk_trailing w = {.t = t, .first = first};
    int64_t offset = 0;
    for (int32_t d = first - 1; d >= 0; d--) {
        offset += row % t->dims[d] * t->strides[d];
        row /= t->dims[d];
    }
    w.row = (const char *)t->data + offset * (int64_t)(qni_dtype_bits(t->dtype) / 8);
    return w;
}

// The address and the length of the next piece with one stride; moves on by at most `most`
// elements.
static inline void *qk_trailing_next(qk_trailing *w, int64_t most, int64_t *n, int64_t *stride)
{
    const qni_tensor *t = w->t;
    int32_t last = t->rank - 1;
    if (last < w->first) { // a row of one element
        *n = 1;
        *stride = 0;
        return (void *)(uintptr_t)w->row;
    }
    int64_t offset = 0;
    for (int32_t d = w->first; d < last; d++) {
        offset += w->at[d] * t->strides[d];
    }
    offset += w->inner * t->strides[last];
    int64_t left = t->dims[last] - w->inner;
    *n = left < most ? left : most;
    *stride = t->strides[last];
    w->inner += *n;
    if (w->inner == t->dims[last]) {
        w->inner = 0;
        for (int32_t d = last - 1; d >= w->first; d--) {
            if (++w->at[d] < t->dims[d]) {
                break;
            }
            w->at[d] = 0;
        }
    }
    return (void *)(uintptr_t)(w->row + offset * (int64_t)(qni_dtype_bits(t->dtype) / 8));
}

// A whole row as floats.
static inline void qk_trailing_load(const qni_tensor *t, int32_t first, int64_t row, float *to,
                                    int64_t n)
{
    qk_trailing w = qk_trailing_begin(t, first, row);
    for (int64_t i = 0; i < n;) {
        int64_t count;
        int64_t stride;
        const void *from = qk_trailing_next(&w, n - i, &count, &stride);
        qk_block_load(to + i, from, t->dtype, 0, stride, count);
        i += count;
    }
}

static inline void qk_trailing_store(const qni_tensor *t, int32_t first, int64_t row,
                                     const float *from, int64_t n)
{
    qk_trailing w = qk_trailing_begin(t, first, row);
    for (int64_t i = 0; i < n;) {
        int64_t count;
        int64_t stride;
        void *to = qk_trailing_next(&w, n - i, &count, &stride);
        qk_block_store(to, t->dtype, 0, stride, from + i, count);
        i += count;
    }
}

static inline float qk_tree(const float *lanes)
{
    float a[8];
    for (int i = 0; i < 8; i++) {
        a[i] = lanes[i] + lanes[i + 8];
    }
    for (int i = 0; i < 4; i++) {
        a[i] = a[i] + a[i + 4];
    }
    return (a[0] + a[2]) + (a[1] + a[3]);
}

static inline float qk_sum(const float *x, int64_t n)
{
    float lanes[QK_LANES] = {0};
    int64_t i = 0;
    for (; i + QK_LANES <= n; i += QK_LANES) {
        for (int l = 0; l < QK_LANES; l++) {
            lanes[l] += x[i + l];
        }
    }
    for (int l = 0; i + l < n; l++) {
        lanes[l] += x[i + l];
    }
    return qk_tree(lanes);
}

// The sum of (x - shift)^2, each term one product fused into the lane's sum.
static inline float qk_sum_squares(const float *x, int64_t n, float shift)
{
    float lanes[QK_LANES] = {0};
    int64_t i = 0;
    for (; i + QK_LANES <= n; i += QK_LANES) {
        for (int l = 0; l < QK_LANES; l++) {
            float d = x[i + l] - shift;
            lanes[l] = fmaf(d, d, lanes[l]);
        }
    }
    for (int l = 0; i + l < n; l++) {
        float d = x[i + l] - shift;
        lanes[l] = fmaf(d, d, lanes[l]);
    }
    return qk_tree(lanes);
}

static inline float qk_max(const float *x, int64_t n)
{
    float lanes[QK_LANES];
    for (int l = 0; l < QK_LANES; l++) {
        lanes[l] = -INFINITY;
    }
    int64_t i = 0;
    for (; i + QK_LANES <= n; i += QK_LANES) {
        for (int l = 0; l < QK_LANES; l++) {
            lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
        }
    }
    float best = lanes[0];
    for (int l = 1; l < QK_LANES; l++) {
        best = lanes[l] > best ? lanes[l] : best;
    }
    for (; i < n; i++) {
        best = x[i] > best ? x[i] : best;
    }
    return best;
}

// Rows of some 10 us of work make a task.
static inline size_t qk_trailing_tasks(int64_t rows, int64_t n)
{
    int64_t per = (1 << 14) / (n > 0 ? n : 1);
    per = per > 0 ? per : 1;
    return (size_t)((rows + per - 1) / per);
}

static inline void qk_trailing_range(int64_t rows, int64_t n, size_t task, int64_t *begin,
                                     int64_t *end)
{
    int64_t per = (1 << 14) / (n > 0 ? n : 1);
    per = per > 0 ? per : 1;
    *begin = (int64_t)task * per;
    *end = *begin + per < rows ? *begin + per : rows;
}

#endif
