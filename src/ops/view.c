#include "ops/view.h"

#include <string.h>

qni_view qni_view_dense(qni_symbols *s, uint32_t buffer, qni_dtype dtype, int32_t rank,
                        const qni_dim *dims)
{
    qni_view view = {.buffer = buffer, .dtype = dtype, .rank = rank};
    qni_dim stride = qni_dim_of(1);
    for (int32_t d = rank - 1; d >= 0; d--) {
        view.size[d] = dims[d];
        view.stride[d] = stride;
        stride = qni_dim_mul(s, stride, dims[d]);
    }
    for (int32_t d = 0; d <= rank; d++) {
        view.first[d] = d;
    }
    return view;
}

qni_dim qni_view_dim(qni_symbols *s, const qni_view *view, int32_t d)
{
    qni_dim size = qni_dim_of(1);
    for (int32_t f = view->first[d]; f < view->first[d + 1]; f++) {
        size = qni_dim_mul(s, size, view->size[f]);
    }
    return size;
}

bool qni_view_is_plain(const qni_view *view)
{
    for (int32_t d = 0; d < view->rank; d++) {
        if (view->first[d + 1] - view->first[d] > 1) {
            return false;
        }
    }
    return true;
}

bool qni_view_is_dense(qni_symbols *s, const qni_view *view)
{
    qni_dim stride = qni_dim_of(1);
    for (int32_t f = view->first[view->rank] - 1; f >= 0; f--) {
        if (qni_dim_is(view->size[f], 1)) {
            continue;
        }
        if (!qni_dim_equal(view->stride[f], stride)) {
            return false;
        }
        stride = qni_dim_mul(s, stride, view->size[f]);
    }
    return true;
}

// Whether factor f and the one after it step as one: f's stride is the other's stride times its
// size.
static bool joins(qni_symbols *s, const qni_view *view, int32_t f)
{
    return qni_dim_equal(view->stride[f], qni_dim_mul(s, view->stride[f + 1], view->size[f + 1]));
}

static void remove_factor(qni_view *view, int32_t f)
{
    int32_t n = view->first[view->rank];
    size_t rest = (size_t)(n - f - 1);
    memmove(&view->size[f], &view->size[f + 1], rest * sizeof view->size[0]);
    memmove(&view->stride[f], &view->stride[f + 1], rest * sizeof view->stride[0]);
    for (int32_t d = 0; d <= view->rank; d++) {
        view->first[d] -= view->first[d] > f;
    }
}

void qni_view_simplify(qni_symbols *s, qni_view *view)
{
    for (int32_t d = 0; d < view->rank; d++) {
        int32_t f = view->first[d];
        while (f < view->first[d + 1]) {
            if (qni_dim_is(view->size[f], 1)) {
                remove_factor(view, f);
            } else if (f + 1 < view->first[d + 1] && !qni_dim_is(view->size[f + 1], 1) &&
                       joins(s, view, f)) {
                view->size[f + 1] = qni_dim_mul(s, view->size[f], view->size[f + 1]);
                remove_factor(view, f);
            } else {
                f++;
            }
        }
    }
}

void qni_view_permute(qni_view *view, const int32_t *perm)
{
    qni_view old = *view;
    int32_t n = 0;
    for (int32_t d = 0; d < view->rank; d++) {
        view->first[d] = n;
        for (int32_t f = old.first[perm[d]]; f < old.first[perm[d] + 1]; f++, n++) {
            view->size[n] = old.size[f];
            view->stride[n] = old.stride[f];
        }
    }
    view->first[view->rank] = n;
}

// ---- Reshape: the factors, outermost first, are dealt out to the new dimensions; one is split
// where a dimension ends inside it.

// All factors but those of size 1, neighbours joined even across dimensions.
static void flatten(qni_symbols *s, const qni_view *view, qni_view *flat)
{
    *flat = *view;
    flat->rank = 1;
    flat->first[0] = 0;
    flat->first[1] = view->first[view->rank];
    qni_view_simplify(s, flat);
}

static bool add_factor(qni_view *view, qni_dim size, qni_dim stride)
{
    int32_t n = view->first[view->rank];
    if (n == QNI_MAX_FACTORS) {
        return false;
    }
    view->size[n] = size;
    view->stride[n] = stride;
    view->first[view->rank]++;
    return true;
}

// a / b when b divides a for certain; false otherwise.
static bool divides(qni_symbols *s, qni_dim a, qni_dim b, qni_dim *quotient)
{
    if (qni_dim_is_const(b) && b.add <= 0) {
        return false;
    }
    if (qni_dim_is_const(a) && qni_dim_is_const(b)) {
        *quotient = qni_dim_of(a.add / b.add);
        return a.add % b.add == 0;
    }
    *quotient = qni_dim_floor_div(s, a, b);
    return qni_dim_equal(qni_dim_mul(s, *quotient, b), a);
}

// Fills dimension `out->rank` (already opened) with factors of product `want`. `f` is the next
// source factor, `*left` what is left of it, innermost part; sizes are taken from its outer part.
static bool deal(qni_symbols *s, const qni_view *flat, int32_t *f, qni_dim *left, qni_dim want,
                 qni_view *out)
{
    while (!qni_dim_is(want, 1)) {
        if (qni_dim_is(*left, 1)) {
            if (*f == flat->first[1]) {
                return false;
            }
            *left = flat->size[(*f)++];
            continue;
        }
        qni_dim stride = flat->stride[*f - 1];
        qni_dim rest;
        if (divides(s, want, *left, &rest)) { // the whole factor goes in
            if (!add_factor(out, *left, stride)) {
                return false;
            }
            *left = qni_dim_of(1);
            want = rest;
        } else if (divides(s, *left, want, &rest)) { // its outer part does
            if (!add_factor(out, want, qni_dim_mul(s, stride, rest))) {
                return false;
            }
            *left = rest;
            want = qni_dim_of(1);
        } else {
            return false;
        }
    }
    return true;
}

static bool is_empty(const qni_view *view)
{
    for (int32_t f = 0; f < view->first[view->rank]; f++) {
        if (qni_dim_is(view->size[f], 0)) {
            return true;
        }
    }
    return false;
}

bool qni_view_reshape(qni_symbols *s, qni_view *view, int32_t rank, const qni_dim *dims)
{
    if (is_empty(view)) { // nothing to lay out
        qni_dim offset = view->offset;
        *view = qni_view_dense(s, view->buffer, view->dtype, rank, dims);
        view->offset = offset;
        return true;
    }
    qni_view flat;
    flatten(s, view, &flat);
    qni_view out = {.buffer = view->buffer, .dtype = view->dtype, .offset = view->offset};
    int32_t f = 0;
    qni_dim left = qni_dim_of(1);
    for (int32_t d = 0; d < rank; d++) {
        out.rank = d + 1;
        out.first[d + 1] = out.first[d];
        if (!deal(s, &flat, &f, &left, dims[d], &out)) {
            return false;
        }
    }
    if (f != flat.first[1] || !qni_dim_is(left, 1)) {
        return false;
    }
    out.rank = rank;
    *view = out;
    qni_view_simplify(s, view);
    return true;
}

// ---- The rest

static bool insert_factor(qni_view *view, int32_t d, qni_dim size, qni_dim stride)
{
    int32_t total = view->first[view->rank];
    int32_t f = view->first[d];
    if (total == QNI_MAX_FACTORS) {
        return false;
    }
    memmove(&view->size[f + 1], &view->size[f], (size_t)(total - f) * sizeof view->size[0]);
    memmove(&view->stride[f + 1], &view->stride[f], (size_t)(total - f) * sizeof view->stride[0]);
    for (int32_t i = d + 1; i <= view->rank; i++) {
        view->first[i]++;
    }
    view->size[f] = size;
    view->stride[f] = stride;
    return true;
}

bool qni_view_slice(qni_symbols *s, qni_view *view, int32_t d, qni_dim begin, qni_dim size,
                    int64_t step)
{
    qni_view_simplify(s, view);
    int32_t f = view->first[d];
    int32_t n = view->first[d + 1] - f;
    if (qni_dim_is(begin, 0) && step == 1 && qni_dim_equal(size, qni_view_dim(s, view, d))) {
        return true;
    }
    if (n == 0) { // size 1: begin is 0 (or the slice is empty)
        if (qni_dim_is(size, 1)) {
            return true;
        }
        if (!insert_factor(view, d, size, qni_dim_of(0))) {
            return false;
        }
    } else if (n != 1) {
        // A slice of whole outer parts takes only the outermost factor.
        qni_dim inner = qni_dim_of(1);
        for (int32_t i = f + 1; i < f + n; i++) {
            inner = qni_dim_mul(s, inner, view->size[i]);
        }
        qni_dim first;
        qni_dim count;
        if (step != 1 || !divides(s, begin, inner, &first) || !divides(s, size, inner, &count)) {
            return false;
        }
        begin = first;
        size = count;
    }
    view->offset = qni_dim_add(s, view->offset, qni_dim_mul(s, begin, view->stride[f]));
    view->size[f] = size;
    view->stride[f] = qni_dim_mul(s, view->stride[f], qni_dim_of(step));
    return true;
}

bool qni_view_repeat(qni_view *view, int32_t d, qni_dim count)
{
    return qni_dim_is(count, 1) || insert_factor(view, d, count, qni_dim_of(0));
}

bool qni_view_broadcast(qni_symbols *s, qni_view *view, int32_t rank, const qni_dim *dims)
{
    qni_view out = *view;
    for (int32_t d = 0; d < rank - view->rank; d++) {
        qni_view_insert(&out, 0);
    }
    for (int32_t d = 0; d < rank; d++) {
        if (qni_dim_is(dims[d], 1) || !qni_dim_is(qni_view_dim(s, &out, d), 1)) {
            continue;
        }
        while (out.first[d + 1] > out.first[d]) { // factors of size 1
            remove_factor(&out, out.first[d]);
        }
        if (!insert_factor(&out, d, dims[d], qni_dim_of(0))) {
            return false;
        }
    }
    *view = out;
    return true;
}

static void drop_dimension(qni_view *view, int32_t d)
{
    memmove(&view->first[d], &view->first[d + 1], (size_t)(view->rank - d) * sizeof view->first[0]);
    view->rank--;
}

void qni_view_remove(qni_view *view, int32_t d)
{
    while (view->first[d + 1] > view->first[d]) {
        remove_factor(view, view->first[d]);
    }
    drop_dimension(view, d);
}

void qni_view_insert(qni_view *view, int32_t d)
{
    memmove(&view->first[d + 1], &view->first[d],
            (size_t)(view->rank - d + 1) * sizeof view->first[0]);
    view->rank++;
}
