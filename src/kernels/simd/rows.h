// Walking the rows (last dimensions) of up to a few views of the same dimensions, and sharing them
// out as tasks.
#ifndef QK_SIMD_ROWS_H
#define QK_SIMD_ROWS_H

#include "kernels/kernel.h"

enum {
    QK_TASK_ELEMENTS = 1 << 14, // of elementwise work: about 10 us
    QK_MAX_ROW_VIEWS = 4,
};

static inline int64_t qk_row_length(const qni_tensor *t)
{
    return t->rank > 0 ? t->dims[t->rank - 1] : 1;
}

static inline int64_t qk_row_stride(const qni_tensor *t)
{
    return t->rank > 0 ? t->strides[t->rank - 1] : 0;
}

static inline int64_t qk_row_count(const qni_tensor *t)
{
    int64_t rows = 1;
    for (int32_t d = 0; d + 1 < t->rank; d++) {
        rows *= t->dims[d];
    }
    return rows;
}

// Elements of one task: a piece of a long row, or several short rows.
typedef struct qk_row_split {
    int64_t rows_per_task; // or 0, and then
    int64_t pieces;        // tasks that each row is cut into
    int64_t piece;         // elements of one
} qk_row_split;

static inline qk_row_split qk_split_rows(const qni_tensor *t)
{
    int64_t n = qk_row_length(t);
    if (n >= 2 * QK_TASK_ELEMENTS) {
        int64_t pieces = (n + QK_TASK_ELEMENTS - 1) / QK_TASK_ELEMENTS;
        return (qk_row_split){0, pieces, QK_TASK_ELEMENTS};
    }
    int64_t per = QK_TASK_ELEMENTS / (n > 0 ? n : 1);
    return (qk_row_split){per > 0 ? per : 1, 1, n};
}

// The n_tasks of kernels that work by rows of views[0].
static inline size_t qk_row_tasks(const qk_call *call)
{
    const qni_tensor *out = &call->views[0];
    int64_t rows = qk_row_count(out);
    qk_row_split split = qk_split_rows(out);
    if (rows == 0 || qk_row_length(out) == 0) {
        return 0;
    }
    return (size_t)(split.rows_per_task == 0
                        ? rows * split.pieces
                        : (rows + split.rows_per_task - 1) / split.rows_per_task);
}

// The byte address of row `row` of t.
static inline void *qk_row(const qni_tensor *t, int64_t row)
{
    int64_t at = 0;
    for (int32_t d = t->rank - 2; d >= 0; d--) {
        at += row % t->dims[d] * t->strides[d];
        row /= t->dims[d];
    }
    return (char *)t->data + at * (int64_t)(qni_dtype_bits(t->dtype) / 8);
}

// Elements [begin, end) of row number `row` of all views.
typedef void qk_row_fn(const qk_call *call, int64_t row, int64_t begin, int64_t end);

static inline void qk_run_rows(const qk_call *call, size_t begin, size_t end, qk_row_fn *fn)
{
    const qni_tensor *out = &call->views[0];
    qk_row_split split = qk_split_rows(out);
    int64_t rows = qk_row_count(out);
    int64_t n = qk_row_length(out);
    for (int64_t task = (int64_t)begin; task < (int64_t)end; task++) {
        if (split.rows_per_task == 0) {
            int64_t from = task % split.pieces * split.piece;
            int64_t to = from + split.piece < n ? from + split.piece : n;
            fn(call, task / split.pieces, from, to);
            continue;
        }
        int64_t first = task * split.rows_per_task;
        int64_t last = first + split.rows_per_task < rows ? first + split.rows_per_task : rows;
        for (int64_t row = first; row < last; row++) {
            fn(call, row, 0, n);
        }
    }
}

#endif
