// A value's elements in a buffer, without a copy: what transposing, slicing, reshaping and tiling
// come to when a program is compiled.
//
// Each logical dimension is a list of factors, outermost first, each a size and a stride in
// elements; its size is the product. [6, 4] whose rows are tiled from 2 by repetition is {(3, 0),
// (2, 4)} {(4, 1)}. All sizes, strides and offsets are dimensions of the function's symbols, so
// that a view may grow from run to run.
#ifndef QNI_OPS_VIEW_H
#define QNI_OPS_VIEW_H

#include "mil/ir.h"

enum { QNI_MAX_FACTORS = 16 };

typedef struct qni_view {
    uint32_t buffer; // of the plan
    qni_dtype dtype;
    int32_t rank;
    // factors of dimension d: [first[d], first[d + 1]); none means size 1
    int32_t first[QNI_MAX_RANK + 1];
    qni_dim size[QNI_MAX_FACTORS];
    qni_dim stride[QNI_MAX_FACTORS];
    qni_dim offset; // in elements
} qni_view;

// A row-major view from the start of a buffer.
qni_view qni_view_dense(qni_symbols *symbols, uint32_t buffer, qni_dtype dtype, int32_t rank,
                        const qni_dim *dims);

// The size of logical dimension d.
qni_dim qni_view_dim(qni_symbols *symbols, const qni_view *view, int32_t d);

// Whether it is row-major without gaps (at any offset), and whether each dimension is at most one
// factor.
bool qni_view_is_dense(qni_symbols *symbols, const qni_view *view);
bool qni_view_is_plain(const qni_view *view);

// Joins neighbouring factors of one dimension that step as one, and drops those of size 1.
void qni_view_simplify(qni_symbols *symbols, qni_view *view);

// Each of these gives the view another shape, or returns false and leaves it unchanged when it
// would take a copy. perm[i] is the dimension that becomes the i-th.
void qni_view_permute(qni_view *view, const int32_t *perm);
bool qni_view_reshape(qni_symbols *symbols, qni_view *view, int32_t rank, const qni_dim *dims);
// Elements begin, begin + step, ...: `size` of them; `step` may be negative.
bool qni_view_slice(qni_symbols *symbols, qni_view *view, int32_t d, qni_dim begin, qni_dim size,
                    int64_t step);
// `count` copies of dimension d one after the other.
bool qni_view_repeat(qni_view *view, int32_t d, qni_dim count);
// NumPy's broadcasting to a larger shape.
bool qni_view_broadcast(qni_symbols *symbols, qni_view *view, int32_t rank, const qni_dim *dims);
void qni_view_remove(qni_view *view, int32_t d); // a dimension of size 1
void qni_view_insert(qni_view *view, int32_t d); // a new one of size 1 before d

#endif
