// Family tensor_transformation: the same elements in another shape or order. Slices are in
// tensor_transformation_slice.c, blocks and windows in tensor_transformation_blocks.c.
#include "ops/common.h"

#include <string.h>

// ---- expand_dims: new dimensions of size 1 at `axes`, which count in the result.

static const qni_param expand_dims_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"axes", QNI_DT(I32), QNI_CONST, 0, NULL},
};

static qn_status infer_expand_dims(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int64_t rank = x->rank + qni_tensor_count(qni_infer_const(ctx, 1));
    if (rank > QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED,
                              "the result has rank %lld; at most %d is supported", (long long)rank,
                              QNI_MAX_RANK);
    }
    uint32_t axes;
    QNI_TRY(qni_infer_axes(ctx, 1, (int32_t)rank, &axes));
    qni_dim dims[QNI_MAX_RANK];
    int32_t from = 0;
    for (int32_t d = 0; d < rank; d++) {
        dims[d] = (axes >> d & 1) != 0 ? qni_dim_of(1) : x->dims[from++];
    }
    qni_infer_set(ctx, 0, x->dtype, (int32_t)rank, dims);
    qni_carry_ints(ctx, 0);
    return QN_OK;
}

static const char *const expand_dims_cases[] = {
    "x=fp16[3]; axes=[0]",
    "x=fp32[2,3]; axes=[1,3]",
    "x=int32[2,3]{-5..5}; axes=[-1]",
    "x=bool[2]; axes=[0,1]",
    "x=fp32[0,3]; axes=[1]",
    "x=fp32[2](1, 2); axes=[0] -> fp32[1,2](1, 2)",
    NULL,
};

const qni_op_def qni_op_expand_dims = {
    .name = "expand_dims",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = expand_dims_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_expand_dims,
    .eval = qni_eval_same_elements,
    .lower = qni_lower_same_elements,
    .cases = expand_dims_cases,
};

// ---- squeeze: without the dimensions `axes`, which have size 1; without all such when no axes are
// given.

static const qni_param squeeze_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"axes", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
};

static qn_status infer_squeeze(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    uint32_t axes;
    QNI_TRY(qni_infer_axes(ctx, 1, x->rank, &axes));
    qni_dim dims[QNI_MAX_RANK];
    int32_t rank = 0;
    for (int32_t d = 0; d < x->rank; d++) {
        bool one = qni_dim_is(x->dims[d], 1);
        bool named = (axes >> d & 1) != 0;
        if (named && !one && qni_arg(ctx->op, 1) != NULL) {
            QNI_TRY(
                qni_infer_equal(ctx, x->dims[d], qni_dim_of(1), "a dimension to squeeze and 1"));
            continue;
        }
        if (!named || !one) {
            dims[rank++] = x->dims[d];
        }
    }
    qni_infer_set(ctx, 0, x->dtype, rank, dims);
    qni_carry_ints(ctx, 0);
    return QN_OK;
}

static const char *const squeeze_cases[] = {
    "x=fp16[1,3,1]", "x=fp16[1,3,1]; axes=[2]", "x=int32[1,1]{-5..5}; axes=[-1]", "x=fp32[1]", NULL,
};

const qni_op_def qni_op_squeeze = {
    .name = "squeeze",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = squeeze_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_squeeze,
    .eval = qni_eval_same_elements,
    .lower = qni_lower_same_elements,
    .cases = squeeze_cases,
};

// ---- reshape: the elements in row-major order under `shape`; one -1 is what is left over, 0 keeps
// the dimension of x (from iOS17 counted from the right).

static const qni_param reshape_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"shape", QNI_DT(I32), 0, 0, NULL},
};

static const qni_param reshape_params_ios17[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"shape", QNI_SET_INDEX, 0, 0, NULL},
};

// Dimensions of which nothing but their number is known.
static qn_status infer_unknown_dims(qni_infer *ctx, int64_t rank)
{
    qni_dim dims[QNI_MAX_RANK];
    if (rank > QNI_MAX_RANK) {
        return qni_infer_fail(ctx, QN_UNSUPPORTED,
                              "the result has rank %lld; at most %d is supported", (long long)rank,
                              QNI_MAX_RANK);
    }
    for (int64_t d = 0; d < rank; d++) {
        dims[d] = qni_dim_unknown(ctx->symbols, ctx->op->name);
    }
    qni_infer_set(ctx, 0, qni_infer_type(ctx, 0)->dtype, (int32_t)rank, dims);
    return QN_OK;
}

// The rank that a shape argument gives, or QNI_RANK_UNKNOWN.
static qn_status shape_rank(qni_infer *ctx, size_t p, int64_t *rank)
{
    const qni_type *shape = qni_infer_type(ctx, p);
    if (shape->rank != 1) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "%s has rank %d; it must be a vector",
                              ctx->op->def->params[p].name, (int)shape->rank);
    }
    *rank = qni_dim_is_const(shape->dims[0]) ? shape->dims[0].add : QNI_RANK_UNKNOWN;
    return QN_OK;
}

static qn_status infer_reshape(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    const qni_value *shape = qni_arg(ctx->op, 1);
    int64_t rank = 0;
    QNI_TRY(shape_rank(ctx, 1, &rank));
    if (rank == QNI_RANK_UNKNOWN) {
        qni_infer_set_unknown_rank(ctx, 0, qni_infer_type(ctx, 0)->dtype);
        return QN_OK;
    }
    if (qni_value_n_ints(shape) < 0) {
        return infer_unknown_dims(ctx, rank);
    }
    if (rank > QNI_MAX_RANK) {
        return infer_unknown_dims(ctx, rank);
    }
    qni_dim dims[QNI_MAX_RANK];
    qni_dim product = qni_dim_of(1);
    int32_t open = -1;
    bool right_aligned = ctx->op->def->opset >= QNI_IOS17; // which dimension of x a 0 stands for
    for (int32_t d = 0; d < rank; d++) {
        dims[d] = qni_value_int(shape, d);
        if (qni_dim_is(dims[d], -1)) {
            if (open >= 0) {
                return qni_infer_fail(ctx, QN_INVALID_MODEL, "shape has more than one -1");
            }
            open = d;
            continue;
        }
        int32_t from = d + (right_aligned ? x->rank - (int32_t)rank : 0);
        if (qni_dim_is(dims[d], 0) && from >= 0 && from < x->rank) {
            dims[d] = x->dims[from];
        } else if (qni_dim_is(dims[d], 0) && right_aligned) {
            dims[d] = qni_dim_of(1);
        }
        product = qni_dim_mul(ctx->symbols, product, dims[d]);
    }
    qni_dim count = qni_type_count(ctx->symbols, x);
    if (open >= 0) {
        if (qni_dim_is(product, 0)) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "shape has -1 beside a dimension of 0");
        }
        dims[open] = qni_dim_exact_div(ctx->symbols, count, product);
        product = qni_dim_mul(ctx->symbols, product, dims[open]);
    }
    QNI_TRY(qni_infer_equal(ctx, product, count, "the new shape and the number of elements"));
    qni_infer_set(ctx, 0, x->dtype, (int32_t)rank, dims);
    qni_carry_ints(ctx, 0);
    return QN_OK;
}

// The shape may be known only now.
static qn_status eval_reshape(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    const qni_tensor *shape = qni_eval_arg(call, 1);
    if (call->outs[0].data != NULL) {
        return qni_eval_same_elements(call);
    }
    int64_t dims[QNI_MAX_RANK];
    int64_t product = 1;
    int32_t open = -1;
    for (int32_t d = 0; d < call->outs[0].rank; d++) {
        dims[d] = qni_tensor_get_int(shape, d);
        dims[d] = dims[d] == 0 && d < x->rank ? x->dims[d] : dims[d];
        if (dims[d] == -1 && open < 0) {
            open = d;
        } else if (dims[d] < 0 || __builtin_mul_overflow(product, dims[d], &product)) {
            return qni_eval_fail(call, QN_INVALID_ARGUMENT, "shape has %lld at %d",
                                 (long long)dims[d], (int)d);
        }
    }
    if (open >= 0) {
        dims[open] = product != 0 ? qni_tensor_count(x) / product : 0;
    }
    QNI_TRY(qni_eval_resize(call, 0, dims));
    return qni_eval_same_elements(call);
}

static const char *const reshape_cases[] = {
    "x=fp16[2,6]; shape=[3,4]",         "x=fp16[2,6]; shape=[-1,3]", "x=fp32[2,3,4]; shape=[0,-1]",
    "x=int32[4]{-5..5}; shape=[2,2]",   "x=fp32[1]; shape=[1,1,1]",  "x=fp32[0,4]; shape=[-1,2]",
    "x=fp32[2,3]; shape=int32[2](3,2)", "x=bool[6]; shape=[6,1]",    NULL,
};

const qni_op_def qni_op_reshape = {
    .name = "reshape",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = reshape_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_reshape,
    .eval = eval_reshape,
    .lower = qni_lower_same_elements,
    .cases = reshape_cases,
};

const qni_op_def qni_op_reshape__ios17 = {
    .name = "reshape",
    .opset = QNI_IOS17,
    .family = "tensor_transformation",
    .params = reshape_params_ios17,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_reshape,
    .eval = eval_reshape,
    .lower = qni_lower_same_elements,
    .cases = reshape_cases,
};

// ---- transpose: dimension perm[i] of x becomes the i-th.

static const qni_param transpose_params[] = {
    {"x", QNI_SET_ANY, 0, 0, NULL},
    {"perm", QNI_DT(I32), QNI_CONST, 0, NULL},
};

static qn_status read_perm(qni_infer *ctx, int32_t rank, int32_t *perm)
{
    const qni_tensor *t = qni_infer_const(ctx, 1);
    uint32_t seen = 0;
    if (qni_tensor_count(t) != rank) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "perm has %lld entries and x rank %d",
                              (long long)qni_tensor_count(t), (int)rank);
    }
    for (int32_t d = 0; d < rank; d++) {
        QNI_TRY(qni_infer_axis(ctx, 1, qni_tensor_get_int(t, d), rank, &perm[d]));
        if ((seen >> perm[d] & 1) != 0) {
            return qni_infer_fail(ctx, QN_INVALID_MODEL, "perm names dimension %d twice",
                                  (int)perm[d]);
        }
        seen |= (uint32_t)1 << perm[d];
    }
    return QN_OK;
}

static qn_status infer_transpose(qni_infer *ctx)
{
    const qni_type *x = qni_infer_type(ctx, 0);
    int32_t perm[QNI_MAX_RANK];
    qni_dim dims[QNI_MAX_RANK];
    QNI_TRY(read_perm(ctx, x->rank, perm));
    for (int32_t d = 0; d < x->rank; d++) {
        dims[d] = x->dims[perm[d]];
    }
    qni_infer_set(ctx, 0, x->dtype, x->rank, dims);
    return QN_OK;
}

static void perm_of(const qni_tensor *t, int32_t rank, int32_t *perm)
{
    for (int32_t d = 0; d < rank; d++) {
        int64_t axis = qni_tensor_get_int(t, d);
        perm[d] = (int32_t)(axis < 0 ? axis + rank : axis);
    }
}

static qn_status eval_transpose(qni_eval *call)
{
    const qni_tensor *x = qni_eval_arg(call, 0);
    int32_t perm[QNI_MAX_RANK];
    perm_of(qni_eval_arg(call, 1), x->rank, perm);
    qni_tensor view = qni_tensor_permute(x, perm);
    qni_tensor_copy(&call->outs[0], &view);
    return QN_OK;
}

static qn_status lower_transpose(qni_lower *lower, const qni_op *op)
{
    int32_t perm[QNI_MAX_RANK];
    qni_view view;
    QNI_TRY(qni_lower_view(lower, qni_arg(op, 0), &view));
    perm_of(qni_arg(op, 1)->constant, view.rank, perm);
    qni_view_permute(&view, perm);
    return qni_lower_bind(lower, op->outs[0], &view);
}

static const char *const transpose_cases[] = {
    "x=fp16[2,3]; perm=[1,0]",
    "x=fp32[2,3,4]; perm=[-1,0,1]",
    "x=int32[2,1,3]{-5..5}; perm=[2,1,0]",
    "x=bool[3,2]; perm=[1,0]",
    "x=fp32[0,3]; perm=[1,0]",
    NULL,
};

const qni_op_def qni_op_transpose = {
    .name = "transpose",
    .opset = QNI_IOS15,
    .family = "tensor_transformation",
    .params = transpose_params,
    .n_params = 2,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_transpose,
    .eval = eval_transpose,
    .lower = lower_transpose,
    .cases = transpose_cases,
};
