// Family tensor_transformation, slices: parts of a tensor, read and overwritten.
#include "ops/common.h"

#include <string.h>

// A slice as Python writes it, x[begin:end:stride], in every dimension. Places of the parameters in
// their tables.
typedef struct slice_params {
    size_t begin, end, stride, begin_mask, end_mask, squeeze_mask;
} slice_params;

// One dimension of a slice, brought to elements begin, begin + step, ...
typedef struct slice_dim {
    qni_dim begin;
    qni_dim size;
    int64_t step;
    bool squeezed; // taken out of the result
    bool is_known; // begin and size are
} slice_dim;

static bool mask_bit(const qni_op *op, size_t p, int32_t d)
{
    const qni_value *value = qni_arg(op, p);
    return value != NULL && qni_tensor_get_int(value->constant, d) != 0;
}

static int64_t step_of(const qni_op *op, size_t p, int32_t d)
{
    const qni_value *value = qni_arg(op, p);
    return value != NULL ? qni_tensor_get_int(value->constant, d) : 1;
}

// An index from the end when negative, then between lo and hi. What is not known to be negative
// must not be.
static qni_dim clamp_index(qni_symbols *s, qni_dim index, qni_dim dim, qni_dim lo, qni_dim hi,
                           const char *where)
{
    if (qni_dim_hi(s, index) < 0) {
        index = qni_dim_add(s, index, dim);
    } else if (qni_dim_lo(s, index) < 0) {
        (void)qni_dim_require(s, index, 0, INT64_MAX, where, "an index of the slice");
    }
    return qni_dim_min(s, qni_dim_max(s, index, lo), hi);
}

static qni_dim ceil_div(qni_symbols *s, qni_dim a, int64_t b)
{
    if (b == 1) {
        return a;
    }
    return qni_dim_floor_div(s, qni_dim_add(s, a, qni_dim_of(b - 1)), qni_dim_of(b));
}

static void measure_dim(qni_symbols *s, const qni_op *op, const slice_params *p, int32_t d,
                        qni_dim dim, slice_dim *out)
{
    const qni_value *begin = qni_arg(op, p->begin);
    const qni_value *end = qni_arg(op, p->end);
    bool from_start = mask_bit(op, p->begin_mask, d);
    bool to_end = mask_bit(op, p->end_mask, d);
    bool has_begin = from_start || qni_value_n_ints(begin) > d;
    bool has_end = to_end || qni_value_n_ints(end) > d;
    qni_dim zero = qni_dim_of(0);
    out->step = step_of(op, p->stride, d);
    out->squeezed = mask_bit(op, p->squeeze_mask, d);
    out->is_known = has_begin && (has_end || out->squeezed);
    if (!out->is_known) {
        return;
    }
    if (out->squeezed) {
        qni_dim last = qni_dim_sub(s, dim, qni_dim_of(1));
        out->begin = from_start
                         ? zero
                         : clamp_index(s, qni_value_int(begin, d), dim, zero, last, op->name);
        out->size = qni_dim_of(1);
        out->step = 1;
    } else if (out->step > 0) {
        qni_dim b = from_start ? zero
                               : clamp_index(s, qni_value_int(begin, d), dim, zero, dim, op->name);
        qni_dim e = to_end ? dim : clamp_index(s, qni_value_int(end, d), dim, zero, dim, op->name);
        out->begin = b;
        out->size = ceil_div(s, qni_dim_max(s, qni_dim_sub(s, e, b), zero), out->step);
    } else {
        qni_dim below = qni_dim_of(-1);
        qni_dim last = qni_dim_sub(s, dim, qni_dim_of(1));
        qni_dim b = from_start
                        ? last
                        : clamp_index(s, qni_value_int(begin, d), dim, below, last, op->name);
        qni_dim e = to_end ? below
                           : clamp_index(s, qni_value_int(end, d), dim, below, last, op->name);
        out->begin = b;
        out->size = ceil_div(s, qni_dim_max(s, qni_dim_sub(s, b, e), zero), -out->step);
    }
}

static qn_status check_length(qni_infer *ctx, size_t p, int32_t rank)
{
    const qni_value *value = qni_arg(ctx->op, p);
    if (value == NULL || (value->type.rank == 1 && qni_dim_is(value->type.dims[0], rank))) {
        return QN_OK;
    }
    char text[160];
    return qni_infer_fail(
        ctx, QN_INVALID_MODEL, "%s is %s; it needs one entry for each of %d dimensions",
        ctx->op->def->params[p].name,
        qni_type_describe(ctx->symbols, &value->type, text, sizeof text), (int)rank);
}

// Checks the parameters and measures all dimensions.
static qn_status measure(qni_infer *ctx, const slice_params *p, const qni_type *x, slice_dim *dims)
{
    const size_t all[] = {p->begin, p->end, p->stride, p->begin_mask, p->end_mask, p->squeeze_mask};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        QNI_TRY(check_length(ctx, all[i], x->rank));
    }
    for (int32_t d = 0; d < x->rank; d++) {
        if (step_of(ctx->op, p->stride, d) == 0) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "stride is 0 in dimension %d", (int)d);
        }
        measure_dim(ctx->symbols, ctx->op, p, d, x->dims[d], &dims[d]);
    }
    return QN_OK;
}

// The part that the run's numbers ask for, with the squeezed dimensions still there as size 1.
static qn_status slice_now(qni_eval *call, const slice_params *p, const qni_tensor *x,
                           qni_tensor *part)
{
    *part = *x;
    for (int32_t d = 0; d < x->rank; d++) {
        const qni_tensor *steps = qni_eval_arg(call, p->stride);
        const qni_tensor *squeeze = qni_eval_arg(call, p->squeeze_mask);
        const qni_tensor *begin_mask = qni_eval_arg(call, p->begin_mask);
        const qni_tensor *end_mask = qni_eval_arg(call, p->end_mask);
        int64_t n = x->dims[d];
        int64_t step = steps != NULL ? qni_tensor_get_int(steps, d) : 1;
        int64_t b = qni_tensor_get_int(qni_eval_arg(call, p->begin), d);
        int64_t e = qni_tensor_get_int(qni_eval_arg(call, p->end), d);
        int64_t lo = step > 0 ? 0 : -1;
        int64_t hi = step > 0 ? n : n - 1;
        b = b < 0 ? b + n : b;
        e = e < 0 ? e + n : e;
        if (squeeze != NULL && qni_tensor_get_int(squeeze, d) != 0) {
            b = begin_mask != NULL && qni_tensor_get_int(begin_mask, d) != 0 ? 0 : b;
            if (b < 0 || b >= n) {
                return qni_eval_fail(call, QN_INVALID_ARGUMENT,
                                     "index %lld is outside of dimension %d of size %lld",
                                     (long long)b, (int)d, (long long)n);
            }
            *part = qni_tensor_slice(part, d, b, 1, 1);
            continue;
        }
        b = b < lo ? lo : b > hi ? hi : b;
        e = e < lo ? lo : e > hi ? hi : e;
        if (begin_mask != NULL && qni_tensor_get_int(begin_mask, d) != 0) {
            b = step > 0 ? 0 : n - 1;
        }
        if (end_mask != NULL && qni_tensor_get_int(end_mask, d) != 0) {
            e = step > 0 ? n : -1;
        }
        int64_t span = step > 0 ? e - b : b - e;
        int64_t stride = step > 0 ? step : -step;
        *part = qni_tensor_slice(part, d, b, span > 0 ? (span + stride - 1) / stride : 0, step);
    }
    return QN_OK;
}

static qn_status slice_view(qni_lower *lower, const qni_op *op, const slice_params *p,
                            const qni_type *x, qni_view *view, bool *ok)
{
    *ok = true;
    for (int32_t d = 0; d < x->rank && *ok; d++) {
        slice_dim dim;
        measure_dim(lower->symbols, op, p, d, x->dims[d], &dim);
        *ok = dim.is_known &&
              qni_view_slice(lower->symbols, view, d, dim.begin, dim.size, dim.step);
    }
    return QN_OK;
}

// ---- slice_by_index: x[begin:end:stride]; masks take the whole way to the start or end,
// squeeze_mask takes one index and drops the dimension.

#define SLICE_PARAMS(index_types)                                         \
    {"x", QNI_SET_ANY, 0, 0, NULL}, {"begin", index_types, 0, 'I', NULL}, \
        {"end", index_types, 0, 'I', NULL},                               \
        {"stride", index_types, QNI_CONST | QNI_OPTIONAL, 0, NULL},       \
        {"begin_mask", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, NULL},  \
        {"end_mask", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, NULL},    \
        {"squeeze_mask", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, NULL},

static const qni_param slice_by_index_params[] = {SLICE_PARAMS(QNI_DT(I32))};
static const qni_param slice_by_index_params_ios17[] = {SLICE_PARAMS(QNI_SET_INDEX)};
static const slice_params by_index = {1, 2, 3, 4, 5, 6};

// The numbers of a sliced vector.
static void slice_ints(qni_infer *ctx, const slice_dim *dim)
{
    const qni_value *x = qni_arg(ctx->op, 0);
    int64_t n = qni_value_n_ints(x);
    bool known = x->type.rank == 1 && dim->is_known && qni_dim_is_const(dim->begin) &&
                 qni_dim_is_const(dim->size) && n >= 0;
    qni_dim *ints = known ? qni_infer_ints(ctx, 0) : NULL;
    for (int64_t i = 0; ints != NULL && i < dim->size.add; i++) {
        int64_t at = dim->begin.add + i * dim->step;
        if (at < 0 || at >= n) {
            ctx->op->outs[0]->ints = NULL;
            return;
        }
        ints[i] = qni_value_int(x, at);
    }
}

static qn_status infer_slice_by_index(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    slice_dim slices[QNI_MAX_RANK];
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(measure(ctx, &by_index, x, slices));
    int32_t rank = 0;
    for (int32_t d = 0; d < x->rank; d++) {
        if (!slices[d].squeezed) {
            dims[rank++] = slices[d].is_known ? slices[d].size
                                              : qni_dim_unknown(ctx->symbols, ctx->op->name);
        }
    }
    qni_infer_set(ctx, 0, x->dtype, rank, dims);
    slice_ints(ctx, &slices[0]);
    return QN_OK;
}

// Copies a part whose squeezed dimensions are still there.
static qn_status give_part(qni_eval *call, const qni_tensor *part, const qni_tensor *squeeze)
{
    qni_tensor dropped = *part;
    dropped.rank = 0;
    for (int32_t d = 0; d < part->rank; d++) {
        if (squeeze == NULL || qni_tensor_get_int(squeeze, d) == 0) {
            dropped.dims[dropped.rank] = part->dims[d];
            dropped.strides[dropped.rank++] = part->strides[d];
        }
    }
    if (call->outs[0].data == NULL) {
        QNI_TRY(qni_eval_resize(call, 0, dropped.dims));
    }
    qni_tensor_copy(&call->outs[0], &dropped);
    return QN_OK;
}

static qn_status eval_slice_by_index(qni_eval *call)
{
    qni_tensor part;
    QNI_TRY(slice_now(call, &by_index, qni_eval_arg(call, 0), &part));
    return give_part(call, &part, qni_eval_arg(call, by_index.squeeze_mask));
}

static qn_status lower_slice_by_index(qni_lower *lower, const qni_op *op)
{
    const qni_value *x = qni_arg(op, 0);
    qni_view view;
    bool ok;
    QNI_TRY(qni_lower_view(lower, x, &view));
    QNI_TRY(slice_view(lower, op, &by_index, &x->type, &view, &ok));
    if (!ok) {
        return qni_lower_eval(lower, op);
    }
    for (int32_t d = x->type.rank - 1; d >= 0; d--) {
        if (mask_bit(op, by_index.squeeze_mask, d)) {
            qni_view_remove(&view, d);
        }
    }
    return qni_lower_bind(lower, op->outs[0], &view);
}

static const char *const slice_by_index_cases[] = {
    "x=fp16[4,5]; begin=[1,2]; end=[3,5]",
    "x=fp32[6]; begin=[-4]; end=[-1]",
    "x=fp32[7]; begin=[5]; end=[1]; stride=[-2]",
    "x=fp32[7]; begin=[0]; end=[0]; stride=[-1]; begin_mask=[true]; end_mask=[true]",
    "x=int32[3,4]{-9..9}; begin=[1,0]; end=[2,0]; end_mask=[false,true]; squeeze_mask=[true,false]",
    "x=fp16[3,4]; begin=[2,1]; end=[9,9]",
    "x=fp32[5]; begin=[3]; end=[2]",
    "x=fp32[4](0, 1, 2, 3); begin=[1]; end=[3] -> fp32[2](1, 2)",
    "x=fp32[6]; begin=int32[1](2); end=int32[1](5)",
    NULL,
};

const qni_op_def qni_op_slice_by_index = {
    .name = "slice_by_index",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = slice_by_index_params,
    .n_params = 7,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_slice_by_index,
    .eval = eval_slice_by_index,
    .lower = lower_slice_by_index,
    .cases = slice_by_index_cases,
};

const qni_op_def qni_op_slice_by_index__ios17 = {
    .name = "slice_by_index",
    .opset = QNI_IOS17,
    .family = "tensor_transformation",
    .params = slice_by_index_params_ios17,
    .n_params = 7,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_slice_by_index,
    .eval = eval_slice_by_index,
    .lower = lower_slice_by_index,
    .cases = slice_by_index_cases,
};

// ---- slice_update: x with x[begin:end:stride] = update.

static const qni_param slice_update_params[] = {
    {"x", QNI_SET_ANY, 0, 'T', NULL},
    {"update", QNI_SET_ANY, 0, 'T', NULL},
    {"begin", QNI_SET_INDEX, 0, 'I', NULL},
    {"end", QNI_SET_INDEX, 0, 'I', NULL},
    {"stride", QNI_SET_INDEX, QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"begin_mask", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"end_mask", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"squeeze_mask", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, NULL},
};
static const slice_params of_update = {2, 3, 4, 5, 6, 7};

static qn_status infer_slice_update(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_type *update = qni_infer_type(ctx, 1);
    slice_dim slices[QNI_MAX_RANK];
    QNI_TRY(measure(ctx, &of_update, x, slices));
    int32_t at = 0;
    for (int32_t d = 0; d < x->rank; d++) {
        if (slices[d].squeezed) {
            continue;
        }
        if (at >= update->rank) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "update has rank %d; the slice has more",
                                  (int)update->rank);
        }
        if (slices[d].is_known && !qni_dim_is(update->dims[at], 1)) {
            QNI_TRY(qni_infer_equal(ctx, update->dims[at], slices[d].size, "update and the slice"));
        }
        at++;
    }
    if (at != update->rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "update has rank %d; the slice has %d",
                              (int)update->rank, (int)at);
    }
    qni_infer_same(ctx, 0, x);
    return QN_OK;
}

static qn_status eval_slice_update(qni_eval *call)
{
    const qni_tensor *update = qni_eval_arg(call, 1);
    const qni_tensor *squeeze = qni_eval_arg(call, of_update.squeeze_mask);
    qni_tensor *out = &call->outs[0];
    qni_tensor part;
    qni_tensor_copy(out, qni_eval_arg(call, 0));
    QNI_TRY(slice_now(call, &of_update, out, &part));
    qni_tensor from = part; // the update under the part's rank, broadcast to its shape
    int32_t at = 0;
    for (int32_t d = 0; d < part.rank; d++) {
        bool one = squeeze != NULL && qni_tensor_get_int(squeeze, d) != 0;
        int64_t size = one ? 1 : update->dims[at];
        from.strides[d] = size == 1 ? 0 : update->strides[at];
        if (size != 1 && size != part.dims[d]) {
            return qni_eval_fail(call, QN_INVALID_ARGUMENT,
                                 "update has size %lld where the slice has %lld", (long long)size,
                                 (long long)part.dims[d]);
        }
        at += !one;
    }
    from.data = update->data;
    qni_tensor_copy(&part, &from);
    return QN_OK;
}

// In place where nobody reads the old contents any more: what makes a state's update cost what is
// new only.
static qn_status lower_slice_update(qni_lower *lower, const qni_op *op)
{
    const qni_value *x = qni_arg(op, 0);
    const qni_value *update = qni_arg(op, 1);
    for (int32_t d = 0; d < x->type.rank; d++) {
        slice_dim dim;
        measure_dim(lower->symbols, op, &of_update, d, x->type.dims[d], &dim);
        if (!dim.is_known) {
            return qni_lower_eval(lower, op);
        }
    }
    qni_view whole;
    qni_view from;
    QNI_TRY(qni_lower_view(lower, update, &from));
    if (qni_lower_may_overwrite(lower, op, 0)) {
        QNI_TRY(qni_lower_view(lower, x, &whole));
        QNI_TRY(qni_lower_bind(lower, op->outs[0], &whole));
    } else {
        qni_view old;
        QNI_TRY(qni_lower_view(lower, x, &old));
        QNI_TRY(qni_lower_output(lower, op->outs[0], &whole));
        QNI_TRY(qni_lower_copy(lower, &whole, &old));
    }
    qni_dim dims[QNI_MAX_RANK];
    bool ok;
    QNI_TRY(slice_view(lower, op, &of_update, &x->type, &whole, &ok));
    if (!ok) {
        return qni_fail(lower->err, QN_UNSUPPORTED, op->name, "this slice cannot be updated");
    }
    for (int32_t d = 0; d < x->type.rank; d++) {
        dims[d] = qni_view_dim(lower->symbols, &whole, d);
        if (mask_bit(op, of_update.squeeze_mask, d)) {
            qni_view_insert(&from, d);
        }
    }
    if (!qni_view_broadcast(lower->symbols, &from, x->type.rank, dims)) {
        return qni_fail(lower->err, QN_UNSUPPORTED, op->name, "this update cannot be spread");
    }
    return qni_lower_copy(lower, &whole, &from);
}

static const char *const slice_update_cases[] = {
    "x=fp16[4,5]; update=fp16[2,3]; begin=[1,2]; end=[3,5]",
    "x=fp32[6]; update=fp32[2]; begin=[1]; end=[5]; stride=[2]",
    "x=int32[3,4]{-9..9}; update=int32[4]{-9..9}; begin=[1,0]; end=[2,4]; "
    "squeeze_mask=[true,false]",
    "x=fp32[4]; update=fp32[4]; begin=[0]; end=[0]; end_mask=[true]",
    NULL,
};

const qni_op_def qni_op_slice_update = {
    .name = "slice_update",
    .opset = QNI_IOS18,
    .family = "tensor_transformation",
    .params = slice_update_params,
    .n_params = 8,
    .n_outs = 1,
    .infer = infer_slice_update,
    .eval = eval_slice_update,
    .lower = lower_slice_update,
    .cases = slice_update_cases,
};

// ---- slice_by_size: x[begin : begin + size]; a size of -1 goes to the end.

static const qni_param slice_by_size_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"begin", QNI_DT(I32), 0, 0, NULL},
    {"size", QNI_DT(I32), 0, 0, NULL},
};

static const qni_param slice_by_size_params_ios17[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"begin", QNI_SET_INDEX, 0, 'I', NULL},
    {"size", QNI_SET_INDEX, 0, 'I', NULL},
};

static bool measure_by_size(qni_symbols *s, const qni_op *op, int32_t d, qni_dim dim,
                            qni_dim *begin, qni_dim *size)
{
    const qni_value *b = qni_arg(op, 1);
    const qni_value *n = qni_arg(op, 2);
    bool has_size = qni_value_n_ints(n) > d;
    *size = has_size ? qni_value_int(n, d) : qni_dim_of(-1);
    if (qni_value_n_ints(b) <= d || !has_size) {
        return false;
    }
    *begin = clamp_index(s, qni_value_int(b, d), dim, qni_dim_of(0), dim, op->name);
    if (qni_dim_is(*size, -1)) {
        *size = qni_dim_sub(s, dim, *begin);
    }
    return true;
}

static qn_status infer_slice_by_size(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(check_length(ctx, 1, x->rank));
    QNI_TRY(check_length(ctx, 2, x->rank));
    slice_dim first = {.step = 1};
    for (int32_t d = 0; d < x->rank; d++) {
        qni_dim begin;
        bool known = measure_by_size(ctx->symbols, ctx->op, d, x->dims[d], &begin, &dims[d]);
        if (!known && qni_dim_is(dims[d], -1)) {
            dims[d] = qni_dim_unknown(ctx->symbols, ctx->op->name);
        } else if (known) {
            qni_dim end = qni_dim_add(ctx->symbols, begin, dims[d]);
            qni_dim room = qni_dim_sub(ctx->symbols, x->dims[d], end);
            if (!qni_dim_require(ctx->symbols, room, 0, INT64_MAX, ctx->op->name,
                                 "the room behind the slice")) {
                return qni_infer_fail(ctx, QN_INVALID_MODEL,
                                      "the slice ends outside of dimension %d", (int)d);
            }
        }
        if (d == 0 && known) {
            first = (slice_dim){begin, dims[0], 1, false, true};
        }
    }
    qni_infer_set(ctx, 0, x->dtype, x->rank, dims);
    slice_ints(ctx, &first);
    return QN_OK;
}

static qn_status eval_slice_by_size(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qni_tensor part = *x;
    for (int32_t d = 0; d < x->rank; d++) {
        int64_t begin = qni_tensor_get_int(qni_eval_arg(call, 1), d);
        int64_t size = qni_tensor_get_int(qni_eval_arg(call, 2), d);
        begin = begin < 0 ? begin + x->dims[d] : begin;
        size = size == -1 ? x->dims[d] - begin : size;
        if (begin < 0 || size < 0 || begin > x->dims[d] || size > x->dims[d] - begin) {
            return qni_eval_fail(call, QN_INVALID_ARGUMENT,
                                 "%lld elements from %lld are outside of dimension %d of size %lld",
                                 (long long)size, (long long)begin, (int)d, (long long)x->dims[d]);
        }
        part = qni_tensor_slice(&part, d, begin, size, 1);
    }
    return give_part(call, &part, NULL);
}

static qn_status lower_slice_by_size(qni_lower *lower, const qni_op *op)
{
    const qni_value *x = qni_arg(op, 0);
    qni_view view;
    QNI_TRY(qni_lower_view(lower, x, &view));
    for (int32_t d = 0; d < x->type.rank; d++) {
        qni_dim begin;
        qni_dim size;
        if (!measure_by_size(lower->symbols, op, d, x->type.dims[d], &begin, &size) ||
            !qni_view_slice(lower->symbols, &view, d, begin, size, 1)) {
            return qni_lower_eval(lower, op);
        }
    }
    return qni_lower_bind(lower, op->outs[0], &view);
}

static const char *const slice_by_size_cases[] = {
    "x=fp16[4,5]; begin=[1,2]; size=[2,3]",
    "x=fp32[6]; begin=[2]; size=[-1]",
    "x=int32[3]{-9..9}; begin=[0]; size=[0]",
    "x=fp32[5]; begin=int32[1](2); size=[2]",
    NULL,
};

const qni_op_def qni_op_slice_by_size = {
    .name = "slice_by_size",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = slice_by_size_params,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_slice_by_size,
    .eval = eval_slice_by_size,
    .lower = lower_slice_by_size,
    .cases = slice_by_size_cases,
};

const qni_op_def qni_op_slice_by_size__ios17 = {
    .name = "slice_by_size",
    .opset = QNI_IOS17,
    .family = "tensor_transformation",
    .params = slice_by_size_params_ios17,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_slice_by_size,
    .eval = eval_slice_by_size,
    .lower = lower_slice_by_size,
    .cases = slice_by_size_cases,
};
