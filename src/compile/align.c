// Bringing factored views of one logical shape to one list of dimensions, so that a kernel can walk
// them together.
#include "compile/align.h"

// What is left of one logical dimension of one view: the inner factors are taken first.
typedef struct cursor {
    const qni_view *view;
    int32_t f;     // the factor at hand
    int32_t first; // of the dimension
    qni_dim left;  // of it; 1: take the next
    qni_dim stride;
} cursor;

static bool divides(qni_symbols *s, qni_dim a, qni_dim b, qni_dim *quotient)
{
    if (qni_dim_is_const(a) && qni_dim_is_const(b)) {
        *quotient = qni_dim_of(b.add > 0 ? a.add / b.add : 0);
        return b.add > 0 && a.add % b.add == 0;
    }
    if (qni_dim_is(b, 0)) {
        return false;
    }
    *quotient = qni_dim_floor_div(s, a, b);
    return qni_dim_equal(qni_dim_mul(s, *quotient, b), a);
}

static void refill(cursor *c)
{
    while (qni_dim_is(c->left, 1) && c->f > c->first) {
        c->f--;
        c->left = c->view->size[c->f];
        c->stride = c->view->stride[c->f];
    }
}

// The inner part that all cursors can give: one of their sizes, which divides all the others.
static bool choose(qni_symbols *s, const cursor *cursors, size_t n, qni_dim *out)
{
    for (size_t i = 0; i < n; i++) {
        bool all = true;
        qni_dim rest;
        for (size_t j = 0; j < n && all; j++) {
            all = divides(s, cursors[j].left, cursors[i].left, &rest);
        }
        if (all) {
            *out = cursors[i].left;
            return true;
        }
    }
    return false;
}

static bool is_done(const cursor *cursors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!qni_dim_is(cursors[i].left, 1)) {
            return false;
        }
    }
    return true;
}

// Appends the parts of dimension d, innermost first.
static bool align_dimension(qni_symbols *s, const qni_view *views, size_t n, int32_t d,
                            qni_aligned *out)
{
    cursor cursors[QNI_MAX_ALIGNED];
    for (size_t i = 0; i < n; i++) {
        cursors[i] = (cursor){&views[i], views[i].first[d + 1], views[i].first[d], qni_dim_of(1),
                              qni_dim_of(0)};
        refill(&cursors[i]);
    }
    while (!is_done(cursors, n)) {
        qni_dim part;
        if (out->n == QNI_MAX_FACTORS || !choose(s, cursors, n, &part) || qni_dim_is(part, 1)) {
            return false;
        }
        out->size[out->n] = part;
        for (size_t i = 0; i < n; i++) {
            out->stride[i][out->n] = cursors[i].stride;
            divides(s, cursors[i].left, part, &cursors[i].left);
            cursors[i].stride = qni_dim_mul(s, cursors[i].stride, part);
            refill(&cursors[i]);
        }
        out->n++;
    }
    return true;
}

// Whether parts j (inner) and j + 1 (outer) step as one in every view.
static bool joins(qni_symbols *s, const qni_aligned *a, size_t n, int32_t j)
{
    for (size_t i = 0; i < n; i++) {
        if (!qni_dim_equal(a->stride[i][j + 1], qni_dim_mul(s, a->stride[i][j], a->size[j]))) {
            return false;
        }
    }
    return true;
}

static void join(qni_symbols *s, qni_aligned *a, size_t n)
{
    int32_t kept = 0;
    for (int32_t j = 1; j < a->n; j++) {
        a->size[kept + 1] = a->size[j];
        for (size_t i = 0; i < n; i++) {
            a->stride[i][kept + 1] = a->stride[i][j];
        }
        if (joins(s, a, n, kept)) {
            a->size[kept] = qni_dim_mul(s, a->size[kept], a->size[kept + 1]);
        } else {
            kept++;
        }
    }
    a->n = a->n > 0 ? kept + 1 : 0;
}

static bool is_empty(qni_symbols *s, const qni_view *view)
{
    for (int32_t d = 0; d < view->rank; d++) {
        if (qni_dim_is(qni_view_dim(s, view, d), 0)) {
            return true;
        }
    }
    return false;
}

bool qni_align_views(qni_symbols *s, qni_view *views, size_t n)
{
    qni_aligned a = {.n = 0};
    if (n > QNI_MAX_ALIGNED) {
        return false;
    }
    bool empty = is_empty(s, &views[0]);
    for (int32_t d = views[0].rank - 1; d >= 0 && !empty; d--) {
        if (!align_dimension(s, views, n, d, &a)) {
            return false;
        }
    }
    if (empty) {
        a.n = 1; // sizes and strides are all 0
    }
    join(s, &a, n);
    if (a.n > QNI_MAX_RANK) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        views[i].rank = a.n;
        for (int32_t d = 0; d < a.n; d++) {
            views[i].size[d] = a.size[a.n - 1 - d];
            views[i].stride[d] = a.stride[i][a.n - 1 - d];
        }
        for (int32_t d = 0; d <= a.n; d++) {
            views[i].first[d] = d;
        }
    }
    return true;
}
