// Family tensor_operation: putting tensors together and taking them apart. Making tensors is in
// tensor_operation_make.c, sorting and searching in tensor_operation_sort.c.
#include "ops/common.h"

#include <string.h>

// ---- shape: the dimensions of x as integers.

static const qni_param shape_params[] = {{"x", QNI_SET_ANY, 0, 0, NULL}};

static qn_status infer_shape(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    qni_dim n = qni_dim_of(x->rank);
    qni_infer_set(ctx, 0, QNI_I32, 1, &n);
    qni_dim *ints = qni_infer_ints(ctx, 0);
    for (int32_t d = 0; ints != NULL && d < x->rank; d++) {
        ints[d] = x->dims[d];
    }
    return QN_OK;
}

static qn_status eval_shape(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    for (int32_t d = 0; d < x->rank; d++) {
        qni_tensor_set_int(&call->outs[0], d, x->dims[d]);
    }
    return QN_OK;
}

static const char *const shape_cases[] = {"x=fp16[2,3]", "x=fp32[]", "x=bool[0,4]", NULL};

const qni_op_def qni_op_shape = {
    .name = "shape",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = shape_params,
    .n_params = 1,
    .n_outs = 1,
    .infer = infer_shape,
    .eval = eval_shape,
    .cases = shape_cases,
};

// ---- identity: x.

static const qni_param identity_params[] = {{"x", QNI_SET_ANY, 0, 0, NULL}};

static qn_status infer_identity(qni_infer *ctx)
{
    qni_infer_same(ctx, 0, qni_infer_type(ctx, 0));
    qni_carry_ints(ctx, 0);
    return QN_OK;
}

static const char *const identity_cases[] = {"x=fp16[2,3]", "x=int32[]", NULL};

const qni_op_def qni_op_identity = {
    .name = "identity",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = identity_params,
    .n_params = 1,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_identity,
    .eval = qni_eval_same_elements,
    .lower = qni_lower_same_elements,
    .cases = identity_cases,
};

// ---- flatten2d: x as a matrix, the dimensions before `axis` in its rows.

static const qni_param flatten2d_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, "1"},
};

static qn_status infer_flatten2d(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int64_t axis = qni_infer_int(ctx, 1, 1);
    if (axis < -x->rank || axis > x->rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "axis %lld is outside of [%d, %d]",
                              (long long)axis, (int)-x->rank, (int)x->rank);
    }
    axis += axis < 0 ? x->rank : 0;
    qni_dim dims[2] = {qni_dim_of(1), qni_dim_of(1)};
    for (int32_t d = 0; d < x->rank; d++) {
        dims[d >= axis] = qni_dim_mul(ctx->symbols, dims[d >= axis], x->dims[d]);
    }
    qni_infer_set(ctx, 0, x->dtype, 2, dims);
    return QN_OK;
}

static const char *const flatten2d_cases[] = {"x=fp16[2,3,4]", "x=fp32[2,3,4]; axis=-1",
                                              "x=fp32[2,3]; axis=0", NULL};

const qni_op_def qni_op_flatten2d = {
    .name = "flatten2d",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = flatten2d_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_flatten2d,
    .eval = qni_eval_same_elements,
    .lower = qni_lower_same_elements,
    .cases = flatten2d_cases,
};

// ---- concat: values one after the other along `axis`; with `interleave` row by row in turn.

static const qni_param concat_params[] = {
    {"values", QNI_SET_ANY, QNI_VARIADIC, 'T', NULL},
    {"axis", QNI_DT(I32), QNI_CONST, 0, NULL},
    {"interleave", QNI_DT(BOOL), QNI_CONST | QNI_OPTIONAL, 0, "false"},
};

// Scalars are joined as vectors of one.
static int32_t joined_rank(const qni_type *t)
{
    return t->rank > 0 ? t->rank : 1;
}

static void concat_ints(qni_infer *ctx)
{
    const qni_op *op = ctx->op;
    size_t n = qni_arg_count(op, 0);
    for (size_t i = 0; i < n; i++) {
        if (qni_arg_at(op, 0, i)->type.rank > 1 || qni_value_n_ints(qni_arg_at(op, 0, i)) < 0) {
            return;
        }
    }
    qni_dim *ints = qni_infer_bool(ctx, 2, false) ? NULL : qni_infer_ints(ctx, 0);
    for (size_t i = 0; ints != NULL && i < n; i++) {
        const qni_value *value = qni_arg_at(op, 0, i);
        for (int64_t j = 0; j < qni_value_n_ints(value); j++) {
            *ints++ = qni_value_int(value, j);
        }
    }
}

static qn_status infer_concat(qni_infer *ctx)
{
    const qni_type *first = qni_infer_type(ctx, 0);
    int32_t axis;
    int32_t rank = joined_rank(first);
    QNI_TRY(qni_infer_axis(ctx, 1, qni_infer_int(ctx, 1, 0), rank, &axis));
    qni_dim dims[QNI_MAX_RANK];
    memcpy(dims, first->dims, sizeof dims);
    dims[0] = first->rank > 0 ? dims[0] : qni_dim_of(1);
    for (size_t i = 1; i < qni_arg_count(ctx->op, 0); i++) {
        const qni_type *t = &qni_arg_at(ctx->op, 0, i)->type;
        if (joined_rank(t) != rank) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "values have ranks %d and %d",
                                  (int)first->rank, (int)t->rank);
        }
        for (int32_t d = 0; d < rank; d++) {
            qni_dim size = t->rank > 0 ? t->dims[d] : qni_dim_of(1);
            if (d != axis) {
                QNI_TRY(qni_infer_equal(ctx, dims[d], size, "the values to join"));
                dims[d] = qni_dim_is_const(size) ? size : dims[d];
            } else {
                dims[d] = qni_dim_add(ctx->symbols, dims[d], size);
            }
        }
    }
    qni_infer_set(ctx, 0, first->dtype, rank, dims);
    concat_ints(ctx);
    return QN_OK;
}

static qni_tensor joined(const qni_tensor *t)
{
    static const int64_t one = 1;
    return t->rank > 0 ? *t : qni_tensor_reshape(t, 1, &one);
}

static qn_status resize_concat(qni_eval *call, int32_t axis)
{
    int64_t dims[QNI_MAX_RANK];
    memcpy(dims, joined(qni_eval_arg(call, 0)).dims, sizeof dims);
    for (size_t i = 1; i < qni_eval_count(call, 0); i++) {
        dims[axis] += joined(qni_eval_arg_at(call, 0, i)).dims[axis];
    }
    return qni_eval_resize(call, 0, dims);
}

static qn_status eval_concat(qni_eval *call)
{
    qni_tensor *out = &call->outs[0];
    size_t n = qni_eval_count(call, 0);
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 1, 0), out->rank, &axis));
    bool interleave = qni_eval_bool(call, 2, false);
    if (out->data == NULL) {
        QNI_TRY(resize_concat(call, axis));
    }
    int64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        qni_tensor x = joined(qni_eval_arg_at(call, 0, i));
        qni_tensor part = qni_tensor_slice(out, axis, interleave ? (int64_t)i : at, x.dims[axis],
                                           interleave ? (int64_t)n : 1);
        qni_tensor_copy(&part, &x);
        at += x.dims[axis];
    }
    return QN_OK;
}

static qn_status lower_concat(qni_lower *lower, const qni_op *op)
{
    const qni_type *type = &op->outs[0]->type;
    size_t n = qni_arg_count(op, 0);
    int64_t axis = qni_tensor_get_int(qni_arg(op, 1)->constant, 0);
    axis += axis < 0 ? type->rank : 0;
    bool interleave = qni_arg(op, 2) != NULL &&
                      qni_tensor_get_int(qni_arg(op, 2)->constant, 0) != 0;
    qni_view out;
    QNI_TRY(qni_lower_output(lower, op->outs[0], &out));
    qni_dim at = qni_dim_of(0);
    for (size_t i = 0; i < n; i++) {
        const qni_value *x = qni_arg_at(op, 0, i);
        qni_dim size = x->type.rank > 0 ? x->type.dims[axis] : qni_dim_of(1);
        qni_view part = out;
        qni_view from;
        (void)qni_view_slice(lower->symbols, &part, (int32_t)axis,
                             interleave ? qni_dim_of((int64_t)i) : at, size,
                             interleave ? (int64_t)n : 1);
        QNI_TRY(qni_lower_view(lower, x, &from));
        if (x->type.rank == 0) {
            qni_view_insert(&from, 0);
        }
        QNI_TRY(qni_lower_copy(lower, &part, &from));
        at = qni_dim_add(lower->symbols, at, size);
    }
    return QN_OK;
}

static const char *const concat_cases[] = {
    "values=(fp16[2,3], fp16[2,1]); axis=1",
    "values=(fp32[1,3], fp32[2,3], fp32[0,3]); axis=0",
    "values=(int32[2]{-9..9}, int32[1]{-9..9}); axis=-1",
    "values=(fp32[2,3], fp32[2,3]); axis=1; interleave=true",
    "values=fp16[3]; axis=0",
    NULL,
};

const qni_op_def qni_op_concat = {
    .name = "concat",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = concat_params,
    .n_params = 3,
    .n_outs = 1,
    .infer = infer_concat,
    .eval = eval_concat,
    .lower = lower_concat,
    .cases = concat_cases,
};

// ---- stack: values of one shape under a new dimension `axis`.

static const qni_param stack_params[] = {
    {"values", QNI_SET_ANY, QNI_VARIADIC, 'T', NULL},
    {"axis", QNI_DT(I32), QNI_CONST, 0, NULL},
};

static qn_status infer_stack(qni_infer *ctx)
{
    const qni_type *first = qni_infer_type(ctx, 0);
    size_t n = qni_arg_count(ctx->op, 0);
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 1, qni_infer_int(ctx, 1, 0), first->rank + 1, &axis));
    if (first->rank == QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED,
                              "the result has rank %d; at most %d is supported",
                              (int)first->rank + 1, QNI_MAX_RANK);
    }
    bool known = true;
    for (size_t i = 0; i < n; i++) {
        const qni_value *value = qni_arg_at(ctx->op, 0, i);
        known = known && value->type.rank == 0 && qni_value_n_ints(value) == 1;
        for (int32_t d = 0; d < first->rank && value->type.rank == first->rank; d++) {
            QNI_TRY(
                qni_infer_equal(ctx, first->dims[d], value->type.dims[d], "the values to stack"));
        }
        if (value->type.rank != first->rank) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "values have ranks %d and %d",
                                  (int)first->rank, (int)value->type.rank);
        }
    }
    qni_dim dims[QNI_MAX_RANK];
    for (int32_t d = 0; d <= first->rank; d++) {
        dims[d] = d == axis ? qni_dim_of((int64_t)n) : first->dims[d - (d > axis)];
    }
    qni_infer_set(ctx, 0, first->dtype, first->rank + 1, dims);
    qni_dim *ints = known ? qni_infer_ints(ctx, 0) : NULL;
    for (size_t i = 0; ints != NULL && i < n; i++) {
        ints[i] = qni_value_int(qni_arg_at(ctx->op, 0, i), 0);
    }
    return QN_OK;
}

// Part i of the stacked tensor, without its dimension.
static qni_tensor stacked_part(const qni_tensor *out, int32_t axis, int64_t i)
{
    qni_tensor part = qni_tensor_slice(out, axis, i, 1, 1);
    for (int32_t d = axis; d + 1 < part.rank; d++) {
        part.dims[d] = part.dims[d + 1];
        part.strides[d] = part.strides[d + 1];
    }
    part.rank--;
    return part;
}

static qn_status eval_stack(qni_eval *call)
{
    qni_tensor *out = &call->outs[0];
    size_t n = qni_eval_count(call, 0);
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 1, 0), out->rank, &axis));
    if (out->data == NULL) {
        const qni_tensor *x = qni_eval_arg(call, 0);
        int64_t dims[QNI_MAX_RANK];
        for (int32_t d = 0; d < out->rank; d++) {
            dims[d] = d == axis ? (int64_t)n : x->dims[d - (d > axis)];
        }
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    for (size_t i = 0; i < n; i++) {
        qni_tensor part = stacked_part(out, axis, (int64_t)i);
        qni_tensor_copy(&part, qni_eval_arg_at(call, 0, i));
    }
    return QN_OK;
}

static qn_status lower_stack(qni_lower *lower, const qni_op *op)
{
    int64_t axis = qni_tensor_get_int(qni_arg(op, 1)->constant, 0);
    axis += axis < 0 ? op->outs[0]->type.rank : 0;
    qni_view out;
    QNI_TRY(qni_lower_output(lower, op->outs[0], &out));
    for (size_t i = 0; i < qni_arg_count(op, 0); i++) {
        qni_view part = out;
        qni_view from;
        (void)qni_view_slice(lower->symbols, &part, (int32_t)axis, qni_dim_of((int64_t)i),
                             qni_dim_of(1), 1);
        qni_view_remove(&part, (int32_t)axis);
        QNI_TRY(qni_lower_view(lower, qni_arg_at(op, 0, i), &from));
        QNI_TRY(qni_lower_copy(lower, &part, &from));
    }
    return QN_OK;
}

static const char *const stack_cases[] = {
    "values=(fp16[2,3], fp16[2,3]); axis=0",
    "values=(fp32[2,3], fp32[2,3]); axis=-1",
    "values=(int32[]{-9..9}, int32[]{-9..9}, int32[]{-9..9}); axis=0",
    NULL,
};

const qni_op_def qni_op_stack = {
    .name = "stack",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = stack_params,
    .n_params = 2,
    .n_outs = 1,
    .infer = infer_stack,
    .eval = eval_stack,
    .lower = lower_stack,
    .cases = stack_cases,
};

// ---- split: x cut along `axis` into num_splits equal parts, or into parts of split_sizes.

static const qni_param split_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"num_splits", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"split_sizes", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
    {"axis", QNI_DT(I32), QNI_CONST, 0, NULL},
};

static qn_status infer_split(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_tensor *sizes = qni_infer_const(ctx, 2);
    int32_t axis;
    QNI_TRY(qni_infer_axis(ctx, 3, qni_infer_int(ctx, 3, 0), x->rank, &axis));
    int64_t n = sizes != NULL ? qni_tensor_count(sizes) : qni_infer_int(ctx, 1, 0);
    if (n <= 0 || n != ctx->op->n_outs) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "%lld parts and %u outputs", (long long)n,
                              ctx->op->n_outs);
    }
    qni_dim total = qni_dim_of(0);
    for (int64_t i = 0; i < n; i++) {
        qni_dim dims[QNI_MAX_RANK];
        memcpy(dims, x->dims, sizeof dims);
        dims[axis] = sizes != NULL ? qni_dim_of(qni_tensor_get_int(sizes, i))
                                   : qni_dim_exact_div(ctx->symbols, x->dims[axis], qni_dim_of(n));
        if (qni_dim_is_const(dims[axis]) && dims[axis].add < 0) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "part %lld has size %lld", (long long)i,
                                  (long long)dims[axis].add);
        }
        total = qni_dim_add(ctx->symbols, total, dims[axis]);
        qni_infer_set(ctx, (size_t)i, x->dtype, x->rank, dims);
    }
    return qni_infer_equal(ctx, total, x->dims[axis], "the parts together and the dimension");
}

static qn_status eval_split(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *sizes = qni_eval_arg(call, 2);
    int32_t axis;
    QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 3, 0), x->rank, &axis));
    int64_t at = 0;
    for (size_t i = 0; i < call->n_outs; i++) {
        int64_t size = sizes != NULL ? qni_tensor_get_int(sizes, (int64_t)i)
                                     : x->dims[axis] / (int64_t)call->n_outs;
        qni_tensor part = qni_tensor_slice(x, axis, at, size, 1);
        if (call->outs[i].data == NULL) {
            QNI_TRY(qni_eval_resize(call, i, part.dims));
        }
        qni_tensor_copy(&call->outs[i], &part);
        at += size;
    }
    return QN_OK;
}

static qn_status lower_split(qni_lower *lower, const qni_op *op)
{
    const qni_value *x = qni_arg(op, 0);
    int64_t axis = qni_tensor_get_int(qni_arg(op, 3)->constant, 0);
    axis += axis < 0 ? x->type.rank : 0;
    qni_view whole;
    QNI_TRY(qni_lower_view(lower, x, &whole));
    qni_dim at = qni_dim_of(0);
    for (uint32_t i = 0; i < op->n_outs; i++) {
        qni_dim size = op->outs[i]->type.dims[axis];
        qni_view part = whole;
        if (!qni_view_slice(lower->symbols, &part, (int32_t)axis, at, size, 1)) {
            QNI_TRY(qni_lower_dense(lower, x, &whole));
            part = whole;
            (void)qni_view_slice(lower->symbols, &part, (int32_t)axis, at, size, 1);
        }
        QNI_TRY(qni_lower_bind(lower, op->outs[i], &part));
        at = qni_dim_add(lower->symbols, at, size);
    }
    return QN_OK;
}

static const char *const split_cases[] = {
    "x=fp16[2,6]; num_splits=2; axis=1",
    "x=fp32[5,2]; split_sizes=[2,3]; axis=0",
    "x=int32[4]{-9..9}; num_splits=2; axis=-1",
    NULL,
};

const qni_op_def qni_op_split = {
    .name = "split",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = split_params,
    .n_params = 4,
    .n_outs = -1,
    .traits = QNI_VIEW,
    .infer = infer_split,
    .eval = eval_split,
    .lower = lower_split,
    .cases = split_cases,
};

// ---- tile: x repeated reps[d] times along each dimension.

static const qni_param tile_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"reps", QNI_DT(I32), 0, 0, NULL},
};

static qn_status infer_tile(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_value *reps = qni_arg(ctx->op, 1);
    if (reps->type.rank != 1 || !qni_dim_is(reps->type.dims[0], x->rank)) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "reps needs one entry for each of %d dimensions", (int)x->rank);
    }
    qni_dim dims[QNI_MAX_RANK];
    bool known = qni_value_n_ints(reps) >= 0;
    for (int32_t d = 0; d < x->rank; d++) {
        qni_dim times = known ? qni_value_int(reps, d) : qni_dim_of(0);
        if (known && qni_dim_is_const(times) && times.add < 0) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "reps has %lld", (long long)times.add);
        }
        dims[d] = known ? qni_dim_mul(ctx->symbols, x->dims[d], times)
                        : qni_dim_unknown(ctx->symbols, ctx->op->name);
    }
    qni_infer_set(ctx, 0, x->dtype, x->rank, dims);
    return QN_OK;
}

// Fills by doubling dimensions from the inside: each repetition is one strided copy.
static qn_status eval_tile(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    qni_tensor *out = &call->outs[0];
    if (out->data == NULL) {
        int64_t dims[QNI_MAX_RANK];
        for (int32_t d = 0; d < x->rank; d++) {
            int64_t times = qni_tensor_get_int(qni_eval_arg(call, 1), d);
            if (times < 0 || __builtin_mul_overflow(x->dims[d], times, &dims[d])) {
                return qni_eval_fail(call, QN_INVALID_ARGUMENT, "reps has %lld", (long long)times);
            }
        }
        QNI_TRY(qni_eval_resize(call, 0, dims));
    }
    if (qni_tensor_count(out) == 0) {
        return QN_OK;
    }
    qni_tensor filled = *out;
    memcpy(filled.dims, x->dims, sizeof filled.dims);
    qni_tensor_copy(&filled, x);
    for (int32_t d = 0; d < x->rank; d++) {
        int64_t size = x->dims[d];
        for (int64_t at = size; at < out->dims[d]; at += size) {
            qni_tensor to = filled;
            to.data = (char *)out->data +
                      at * out->strides[d] * (int64_t)qni_element_bytes(out->dtype);
            qni_tensor_copy(&to, &filled);
        }
        filled.dims[d] = out->dims[d];
    }
    return QN_OK;
}

static qn_status lower_tile(qni_lower *lower, const qni_op *op)
{
    const qni_value *x = qni_arg(op, 0);
    const qni_value *reps = qni_arg(op, 1);
    qni_view view;
    if (qni_value_n_ints(reps) < 0) {
        return qni_lower_eval(lower, op);
    }
    QNI_TRY(qni_lower_view(lower, x, &view));
    for (int32_t d = 0; d < x->type.rank; d++) {
        if (!qni_view_repeat(&view, d, qni_value_int(reps, d))) {
            return qni_lower_eval(lower, op);
        }
    }
    return qni_lower_bind(lower, op->outs[0], &view);
}

static const char *const tile_cases[] = {
    "x=fp16[2,3]; reps=[2,1]",     "x=fp32[2,3]; reps=[3,2]",
    "x=int32[3]{-9..9}; reps=[0]", "x=fp32[2](1, 2); reps=[2] -> fp32[4](1, 2, 1, 2)",
    "x=bool[2,1,2]; reps=[1,3,2]", NULL,
};

const qni_op_def qni_op_tile = {
    .name = "tile",
    .opset = QNI_IOS15,
    .family = "tensor_operation",
    .params = tile_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_tile,
    .eval = eval_tile,
    .lower = lower_tile,
    .cases = tile_cases,
};
