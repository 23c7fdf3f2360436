// Families control_flow (const alone) and constexpr: constants, plain and compressed. A compressed
// constant stays as it is until something reads it: products pack it, rows are unpacked when they
// are gathered, and only what needs all of it at once evaluates it. Every element is rounded to the
// declared type.
#include "ops/common.h"

#include <string.h>

// ---- const: a value of the program.

static const qni_param const_params[] = {{"val", QNI_SET_ANY, QNI_CONST, 0, NULL}};

static qn_status infer_const(qni_infer *ctx)
{
    const qni_value *val = qni_arg(ctx->op, 0);
    qni_infer_same(ctx, 0, &val->type);
    ctx->op->outs[0]->constant = val->constant;
    return QN_OK;
}

static const char *const const_cases[] = {"val=fp16[2,3]", "val=int32[]{-9..9}", NULL};

const qni_op_def qni_op_const = {
    .name = "const",
    .opset = QNI_IOS15,
    .family = "control_flow",
    .params = const_params,
    .n_params = 1,
    .n_outs = 1,
    .traits = QNI_VIEW,
    .infer = infer_const,
    .eval = qni_eval_same_elements,
    .lower = qni_lower_same_elements,
    .cases = const_cases,
};

// ---- constexpr_blockwise_shift_scale: scale * (data - offset), scale and offset for blocks of
// data.
//
// scale has the rank of data; along each dimension one entry stands for data.dim / scale.dim
// elements.

static const qni_param blockwise_params[] = {
    {"data", QNI_DT(I4) | QNI_DT(U4) | QNI_SET_INT8S | QNI_SET_FLOAT, QNI_WEIGHT, 0, NULL},
    {"scale", QNI_SET_FLOAT, QNI_WEIGHT, 0, NULL},
    {"offset", QNI_DT(I4) | QNI_DT(U4) | QNI_SET_INT8S | QNI_SET_FLOAT, QNI_WEIGHT | QNI_OPTIONAL,
     0, NULL},
};

static qn_status infer_blockwise(qni_infer *ctx)
{
    const qni_type *data = qni_infer_type(ctx, 0);
    const qni_type *scale = qni_infer_type(ctx, 1);
    const qni_type *offset = qni_infer_type(ctx, 2);
    bool fits = data->rank == scale->rank && (offset == NULL || offset->rank == scale->rank);
    for (int32_t d = 0; fits && d < data->rank; d++) {
        fits = scale->dims[d].add > 0 && data->dims[d].add % scale->dims[d].add == 0 &&
               (offset == NULL || offset->dims[d].add == scale->dims[d].add);
    }
    if (!fits) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "the dimensions of scale (and offset) must divide those of data");
    }
    qni_infer_set(ctx, 0, scale->dtype, data->rank, data->dims);
    return QN_OK;
}

// The index into a tensor of blocks for element `i` of `data`.
static int64_t block_index(const qni_tensor *data, const qni_tensor *blocks, int64_t i)
{
    int64_t at = 0;
    int64_t stride = 1;
    for (int32_t d = data->rank - 1; d >= 0; d--) {
        int64_t j = i % data->dims[d] / (data->dims[d] / blocks->dims[d]);
        i /= data->dims[d];
        at += j * stride;
        stride *= blocks->dims[d];
    }
    return at;
}

// Integers subtract exactly; the product is rounded once.
static qn_status eval_blockwise(qni_eval *call)
{
    const qni_tensor *data = qni_eval_arg(call, 0);
    const qni_tensor *scale = qni_eval_arg(call, 1);
    const qni_tensor *offset = qni_eval_arg(call, 2);
    for (int64_t i = 0, n = qni_tensor_count(data); i < n; i++) {
        int64_t block = block_index(data, scale, i);
        double value = qni_tensor_get(data, i);
        value -= offset != NULL ? qni_tensor_get(offset, block) : 0;
        qni_tensor_set(&call->outs[0], i, value * qni_tensor_get(scale, block));
    }
    return QN_OK;
}

static const char *const blockwise_cases[] = {
    "data=int8[4,8]{-127..127}; scale=fp16[4,1]{0.01..0.02}",
    "data=int4[4,8]{-8..7}; scale=fp16[4,2]{0.01..0.02}; offset=int4[4,2]{-2..2}",
    "data=uint4[2,4]{0..15}; scale=fp32[1,1]{0.1..0.2}; offset=uint4[1,1]{8..8}",
    "data=int8[2](3, -4); scale=fp32[1](0.5) -> fp32[2](1.5, -2)",
    NULL,
};

const qni_op_def qni_op_constexpr_blockwise_shift_scale = {
    .name = "constexpr_blockwise_shift_scale",
    .opset = QNI_IOS18,
    .family = "compression",
    .params = blockwise_params,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_CONSTEXPR,
    .infer = infer_blockwise,
    .eval = eval_blockwise,
    .cases = blockwise_cases,
};

// ---- constexpr_lut_to_dense (iOS18): each index chooses an entry of the palette of its group;
// entries may be vectors that fill vector_axis.

static const qni_param lut_params[] = {
    {"indices", QNI_DT(U1) | QNI_DT(U2) | QNI_DT(U3) | QNI_DT(U4) | QNI_DT(U6) | QNI_DT(U8),
     QNI_WEIGHT, 0, NULL},
    {"lut", QNI_SET_FLOAT | QNI_SET_INT8S | QNI_DT(I4) | QNI_DT(U4), QNI_WEIGHT, 0, NULL},
    {"vector_axis", QNI_DT(I32), QNI_CONST | QNI_OPTIONAL, 0, NULL},
};

static qn_status infer_lut(qni_infer *ctx)
{
    const qni_type *indices = qni_infer_type(ctx, 0);
    const qni_type *lut = qni_infer_type(ctx, 1);
    int32_t k = indices->rank;
    bool fits = lut->rank == k + 2 && lut->dims[k].add == (int64_t)1
                                                              << qni_dtype_bits(indices->dtype);
    for (int32_t d = 0; fits && d < k; d++) {
        fits = lut->dims[d].add > 0 && indices->dims[d].add % lut->dims[d].add == 0;
    }
    if (!fits) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL,
                              "lut must have the groups of each dimension of indices, then %u "
                              "entries of a vector",
                              1u << qni_dtype_bits(indices->dtype));
    }
    qni_dim dims[QNI_MAX_RANK];
    memcpy(dims, indices->dims, sizeof dims);
    if (qni_arg(ctx->op, 2) != NULL) {
        int32_t axis;
        QNI_TRY(qni_infer_axis(ctx, 2, qni_infer_int(ctx, 2, 0), k, &axis));
        dims[axis] = qni_dim_mul(ctx->symbols, dims[axis], lut->dims[k + 1]);
    } else if (lut->dims[k + 1].add != 1) {
        return qni_infer_fail(ctx, QN_INVALID_MODEL, "vector_axis is missing for vectors of %lld",
                              (long long)lut->dims[k + 1].add);
    }
    qni_infer_set(ctx, 0, lut->dtype, k, dims);
    return QN_OK;
}

static qn_status eval_lut(qni_eval *call)
{
    const qni_tensor *indices = qni_eval_arg(call, 0);
    const qni_tensor *lut = qni_eval_arg(call, 1);
    const qni_tensor *out = &call->outs[0];
    int32_t k = indices->rank;
    int64_t entries = lut->dims[k];
    int64_t width = lut->dims[k + 1];
    int32_t axis = -1;
    if (qni_eval_arg(call, 2) != NULL) {
        QNI_TRY(qni_eval_axis(call, qni_eval_int(call, 2, 0), k, &axis));
    }
    qni_tensor groups = *lut; // its first k dimensions
    groups.rank = k;
    int64_t inner = 1; // elements of indices behind the vector axis
    for (int32_t d = axis + 1; axis >= 0 && d < k; d++) {
        inner *= indices->dims[d];
    }
    for (int64_t i = 0, n = qni_tensor_count(indices); i < n; i++) {
        int64_t entry = block_index(indices, &groups, i) * entries + qni_tensor_get_int(indices, i);
        for (int64_t v = 0; v < width; v++) {
            int64_t to = axis < 0 ? i : (i / inner * width + v) * inner + i % inner;
            if (qni_dtype_is_float(lut->dtype)) {
                qni_tensor_set(out, to, qni_tensor_get(lut, entry * width + v));
            } else {
                qni_tensor_set_int(out, to, qni_tensor_get_int(lut, entry * width + v));
            }
        }
    }
    return QN_OK;
}

static const char *const lut_cases[] = {
    "indices=uint4[4,8]{0..15}; lut=fp16[1,1,16,1]",
    "indices=uint2[4,6]{0..3}; lut=fp32[2,1,4,1]",
    "indices=uint1[2,3]{0..1}; lut=fp16[1,1,2,2]; vector_axis=0",
    "indices=uint2[2,4]{0..3}; lut=fp16[1,2,4,2]; vector_axis=1",
    NULL,
};

const qni_op_def qni_op_constexpr_lut_to_dense__ios18 = {
    .name = "constexpr_lut_to_dense",
    .opset = QNI_IOS18,
    .family = "compression",
    .params = lut_params,
    .n_params = 3,
    .n_outs = 1,
    .traits = QNI_CONSTEXPR,
    .infer = infer_lut,
    .eval = eval_lut,
    .cases = lut_cases,
};
